from pocketbench.reports.gate.text import format_text
from tests.reports.gate.sample import make_cell, make_hostile, make_mixed, make_regressed, make_report


def test_a_line_a_cell_worst_first() -> None:
    lines = format_text(make_mixed()).splitlines()
    assert lines[:3] == [
        "failed: 1 of 7 cells, missing: 1, regressed: 1, inconclusive: 1, improved: 1",
        "base origin/main (1a2b3c4d)",
        "head HEAD (9f8e7d6c)",
    ]
    start = lines.index("") + 2
    assert [line.split()[0] for line in lines[start : start + 7]] == [
        *("failed", "missing", "regressed", "inconclusive", "improved", "pass", "pass")
    ]


def test_a_regressed_cell_tells_its_figures_and_its_place() -> None:
    lines = [" ".join(line.split()) for line in format_text(make_report(make_regressed())).splitlines()]
    assert (
        "regressed slow_net.tflite litert, 1 thread x1.083 1.071 to 1.095 x1.030 x1.051 "
        "8.3 % slower than base, 3 % are allowed" in lines
    )
    assert "regressed: slow_net.tflite on litert, 1 thread" in lines
    assert "once more in a fresh process: x1.079 (1.067 to 1.091)" in lines
    assert "partition_count: head has 3 partitions of the delegate, base 1: more than base" in lines
    assert "features.3.attention 0.500 0.900 +0.400 (x1.800)" in lines
    assert "features.9.pool 0.100 new" in lines
    assert "TRANSPOSE 0 4 +4" in lines
    assert "and 2 more" in lines  # of twelve operators, ten are told


def test_what_passed_is_one_line() -> None:
    assert format_text(make_report(make_cell("pass", "net", 1.0))).count("net.tflite") == 1


def test_columns_without_a_figure_are_left_out() -> None:
    text = format_text(make_report(make_cell("missing", "net")))
    assert "ratio" not in text
    assert "detects" not in text


def test_an_empty_report_says_so() -> None:
    assert format_text(make_report()).startswith("pass: no cell was compared\nbase ")


def test_a_name_can_neither_move_the_cursor_nor_begin_a_line() -> None:
    text = format_text(make_hostile())
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.encode()
    assert not any(line.startswith(("# head", "::")) for line in text.splitlines())
