import pytest

from pocketbench.core import units


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (5_444_000, "5.44 ms"),
        (51_230, "0.0512 ms"),
        (138_400_000, "138 ms"),
        (12_345_678, "12.3 ms"),
        (9_996_000, "10.0 ms"),
        (999_600, "1.00 ms"),
        (1_234_567_890, "1235 ms"),
        (999_999_999, "1000 ms"),
        (1, "0.00000100 ms"),
        (0, "0 ms"),
        (-214_000, "-0.214 ms"),
    ],
)
def test_milliseconds_have_three_digits(ns: float, text: str) -> None:
    assert units.format_ms(ns) == text
    assert units.format_ms(ns, unit=False) == text.removesuffix(" ms")


@pytest.mark.parametrize(
    ("ns", "text"), [(1_180_000, "+1.18 ms"), (-1_180_000, "-1.18 ms"), (0, "0 ms"), (0.0, "0 ms"), (-0.0, "0 ms")]
)
def test_differences_have_a_sign(ns: float, text: str) -> None:
    assert units.format_signed_ms(ns) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.052, "+5.2 %"), (0.97, "-3.0 %"), (1.0, "0.0 %"), (1.0004, "0.0 %"), (0.9996, "0.0 %"), (2, "+100.0 %")],
)
def test_a_change_has_a_sign(ratio: float, text: str) -> None:
    assert units.format_change(ratio) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (812, "812"),
        (999, "999"),
        (1000, "1.00 k"),
        (41_234, "41.2 k"),
        (999_949, "999.9 k"),
        (999_950, "1.00 M"),
        (3_950_600, "3.95 M"),
        (9_994_999, "9.99 M"),
        (9_995_000, "10.0 M"),
        (306_700_000, "306.7 M"),
        (2_640_000_000, "2.64 G"),
        (5e15, "5000.0 T"),
    ],
)
def test_counts(count: float, text: str) -> None:
    assert units.format_count(count) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (812, "812 B"), (15_092_345, "15.1 MB"), (40_960, "41.0 kB"), (7e9, "7.00 GB")]
)
def test_bytes(size: float, text: str) -> None:
    assert units.format_bytes(size) == text


@pytest.mark.parametrize(
    ("ns", "digits", "text"),
    [
        (298_700, 3, "0.299"),
        (12_040_000, 3, "12.040"),
        (400, 3, "<0.001"),
        (4_900, 2, "<0.01"),
        (0, 3, "0"),
        (-1e-7, 3, "0"),
        (-12_000, 3, "-0.012"),
    ],
)
def test_parts_of_a_duration(ns: float, digits: int, text: str) -> None:
    assert units.format_part_ms(ns, digits=digits) == text


@pytest.mark.parametrize(("ns", "text"), [(279_000, "+0.279"), (-12_000, "-0.012"), (0, "0"), (-400, "0")])
def test_differences_of_parts(ns: float, text: str) -> None:
    assert units.format_signed_part_ms(ns) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.6253, "62.5 %"), (0.0, "0.0 %"), (1e-9, "0.0 %")]
)
def test_a_share_is_never_rounded_up(share: float, text: str) -> None:
    assert units.format_share(share) == text


def test_other_units() -> None:
    assert units.format_percent(0.743) == "74.3 %"
    assert units.format_ratio(1.2349) == "x1.23"
    assert units.format_ratio(1.2349, digits=3) == "x1.235"
    assert units.format_frequency(2_400_000) == "2.40 GHz"
    assert units.format_frequency(576_000) == "576 MHz"
    assert units.format_celsius(41.52) == "41.5 °C"
    assert units.format_error(1.234e-5) == "1.2e-05"
    assert units.format_error(0.0) == "0"
