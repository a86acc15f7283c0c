from __future__ import annotations

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.records import CoreCluster
from pocketbench.profile.core_choice import choose_core_mask

# Snapdragon 855 (Pixel 4): four little, three gold, one prime core.
PIXEL_4 = (
    CoreCluster(cores=(0, 1, 2, 3), max_khz=1_785_600),
    CoreCluster(cores=(4, 5, 6), max_khz=2_419_200),
    CoreCluster(cores=(7,), max_khz=2_841_600),
)
RASPBERRY_PI_5 = (CoreCluster(cores=(0, 1, 2, 3), max_khz=2_400_000),)
# Rockchip RK3399 and a chip whose cores are all alone at their frequency.
ROCK_PI = (CoreCluster(cores=(0, 1, 2, 3), max_khz=1_416_000), CoreCluster(cores=(4, 5), max_khz=1_800_000))
ALL_DIFFERENT = (CoreCluster(cores=(0,), max_khz=1_000_000), CoreCluster(cores=(1,), max_khz=2_000_000))
# Six little cores, one gold and one prime core.
SNAPDRAGON_765 = (
    CoreCluster(cores=(0, 1, 2, 3, 4, 5), max_khz=1_804_800),
    CoreCluster(cores=(6,), max_khz=2_208_000),
    CoreCluster(cores=(7,), max_khz=2_400_000),
)


@pytest.mark.parametrize(
    ("clusters", "choice", "thread_count", "mask"),
    [
        (PIXEL_4, "little", 4, 0x0F),
        (PIXEL_4, "big", 3, 0x70),
        (PIXEL_4, "prime", 1, 0x80),
        (PIXEL_4, "all", 8, 0xFF),
        (PIXEL_4, 0xF0, 2, 0xF0),
        (PIXEL_4[::-1], "big", 1, 0x70),
        (PIXEL_4[::-1], "prime", 1, 0x80),
        (RASPBERRY_PI_5, "big", 4, 0xF),
        (RASPBERRY_PI_5, "little", 4, 0xF),
        (ROCK_PI, "big", 2, 0x30),
        (ROCK_PI, "little", 2, 0x0F),
        (ALL_DIFFERENT, "big", 1, 0x2),
        (SNAPDRAGON_765, "big", 1, 0x40),
        (SNAPDRAGON_765, "prime", 1, 0x80),
        (ALL_DIFFERENT, "prime", 1, 0x2),
        ((), 0x3, 2, 0x3),
    ],
)
def test_a_choice_is_a_mask(clusters: tuple[CoreCluster, ...], choice: str | int, thread_count: int, mask: int) -> None:
    assert choose_core_mask(clusters, choice, thread_count) == mask


@pytest.mark.parametrize(
    ("clusters", "choice", "thread_count", "message"),
    [
        (PIXEL_4, "big", 4, r"4 threads are wanted on 3 cores \('big'\).*4, 5, 6 at 2.42 GHz"),
        (PIXEL_4, "prime", 2, r"2 threads are wanted on 1 core \('prime'\)"),
        (PIXEL_4, 0x1, 2, r"on 1 core \(mask 0x1\)"),
        (PIXEL_4, 0x300, 1, r"mask 0x300: the device has no core 8, 9 .*7 at 2.84 GHz"),
        (PIXEL_4, 0, 1, "the core mask is 0"),
        (PIXEL_4, "gold", 1, "no cores 'gold' .*big, little, prime, all"),
        (RASPBERRY_PI_5, "prime", 1, r"no prime core: its fastest 4 cores are alike \(choose big"),
        (ROCK_PI, "prime", 1, "its fastest 2 cores are alike"),
        ((), "big", 1, "does not tell the frequencies .*give a mask"),
        ((), 0x3, 3, "3 threads are wanted on 2 cores"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    clusters: tuple[CoreCluster, ...], choice: str | int, thread_count: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        choose_core_mask(clusters, choice, thread_count)
