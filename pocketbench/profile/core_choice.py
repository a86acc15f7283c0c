"""Which cores a model runs on: "big", "little", "prime", "all" or a mask, as a mask of a device's own cores."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.errors import UsageError
from pocketbench.core.records import CoreCluster

CHOICES = ("big", "little", "prime", "all")


def choose_core_mask(clusters: Sequence[CoreCluster], choice: str | int, thread_count: int) -> int:
    """The mask of the cores that `choice` means, a bit for each: 0x70 for cores 4 to 6.

    "prime" is the fastest core, where it is alone at its frequency; "big" the fastest cores, or, of three and more
    clusters with a prime core, those below it; "little" the slowest; "all" each core; a mask means itself.

    Args:
        clusters: the device's cores by highest frequency, in any order; () where it does not tell them, and then only a
            mask can be chosen.

    Raises:
        UsageError: when the device has no such cores, or fewer than the threads need.
    """
    ordered = sorted(clusters, key=lambda cluster: cluster.max_khz)
    mask = choice if isinstance(choice, int) else _make_mask(_find_cores(ordered, choice))
    _check_mask(mask, choice, ordered)
    if mask.bit_count() < thread_count:
        cores = f"{mask.bit_count()} core{'' if mask.bit_count() == 1 else 's'}"
        raise UsageError(
            f"{thread_count} threads are wanted on {cores} ({_name_choice(choice)})",
            f"ask for {mask.bit_count()} or fewer threads, or choose other cores; {_describe(ordered)}",
        )
    return mask


def _find_cores(ordered: Sequence[CoreCluster], choice: str) -> tuple[int, ...]:
    if choice not in CHOICES:
        raise UsageError(f"there are no cores {choice!r}", f"choose {', '.join(CHOICES)} or a mask such as 0x70")
    if not ordered:
        raise UsageError(
            f"cores {choice!r} can't be found: the device does not tell the frequencies of its cores",
            "give a mask with a bit for each core, such as 0xf for the first four, or leave cores out",
        )
    fastest = ordered[-1]
    if choice == "all":
        return tuple(core for cluster in ordered for core in cluster.cores)
    if choice == "little":
        return ordered[0].cores
    if choice == "big":
        has_prime = len(fastest.cores) == 1 and len(ordered) > 2
        return ordered[-2].cores if has_prime else fastest.cores
    if len(fastest.cores) > 1:
        raise UsageError(
            f"the device has no prime core: its fastest {len(fastest.cores)} cores are alike",
            f"choose big; {_describe(ordered)}",
        )
    return fastest.cores


def _check_mask(mask: int, choice: str | int, ordered: Sequence[CoreCluster]) -> None:
    if mask < 1:
        raise UsageError(f"the core mask is {mask}", "it has a bit for each core to run on: 3 for the first two")
    if not ordered:
        return
    missing = mask & ~_make_mask(tuple(core for cluster in ordered for core in cluster.cores))
    if missing:
        cores = ", ".join(str(core) for core in range(missing.bit_length()) if missing >> core & 1)
        raise UsageError(f"{_name_choice(choice)}: the device has no core {cores}", _describe(ordered))


def _make_mask(cores: Sequence[int]) -> int:
    return sum(1 << core for core in set(cores))


def _name_choice(choice: str | int) -> str:
    return repr(choice) if isinstance(choice, str) else f"mask {choice:#x}"


def _describe(ordered: Sequence[CoreCluster]) -> str:
    """What there is to choose from: "its cores: 0, 1 at 1.80 GHz; 2 at 2.40 GHz"."""
    if not ordered:
        return "the device does not tell its cores"
    texts = [f"{', '.join(map(str, item.cores))} at {item.max_khz / 1e6:.2f} GHz" for item in ordered]
    return f"its cores: {'; '.join(texts)}"
