from dataclasses import replace

import pytest

from pocketbench.core.gate_records import Check, GateReport, PartTime
from pocketbench.reports.gate.comment import MARKER, format_comment
from tests.reports.gate.sample import make_cell, make_key, make_mixed, make_regressed, make_report


def make_huge(character: str) -> GateReport:
    """Long names of a character that grows when it is escaped, and a lot of everything."""
    name = character * 5000
    checks = [Check(name=name, base=1, head=2, limit=1, verdict="regressed", text=name) for _ in range(100)]
    parts = [PartTime(kind="block", name=name, base_ns=1.0, head_ns=2.0) for _ in range(100)]
    key = replace(make_key("net"), model=name, file_name=name, engine=name)
    cell = replace(make_regressed(), key=key, reason=name, checks=tuple(checks), parts=tuple(parts))
    return make_report(*[cell] * 60, base=name, head=name)


def test_a_bot_finds_its_comment_by_the_first_line() -> None:
    assert format_comment(make_report()).splitlines()[0] == MARKER == "<!-- pocketbench-gate -->"


def test_it_tells_what_needs_a_look_and_where() -> None:
    text = format_comment(make_mixed())
    assert "**Speed gate: failed: 1 of 7 cells, missing: 1, regressed: 1, inconclusive: 1, improved: 1**" in text
    assert "| slow_net.tflite | litert, 1 thread | regressed | x1.083 | 1.071 to 1.095 | 8.3 % slower" in text
    assert "partition_count: head has 3 partitions of the delegate, base 1: more than base" in text
    assert "features.3.attention: base 0.500, head 0.900 ms, change +0.400 (x1.800)" in text
    assert "steady_net" not in text


def test_all_green_is_short() -> None:
    text = format_comment(make_report(make_cell("pass", "net", 1.0)))
    assert "pass: 1 of 1 cell" in text
    assert len(text.splitlines()) < 10


@pytest.mark.parametrize("character", ["a", "$", "@", "<", "é", "語"])
def test_github_takes_it_whatever_the_report(character: str) -> None:
    text = format_comment(make_huge(character))
    assert len(text) <= 65_000
    assert "There is more in the summary of the job." in text


def test_rows_that_are_left_out_are_owned_up_to() -> None:
    cells = [make_cell("missing", f"net{index}") for index in range(51)]
    assert "There is more" in format_comment(make_report(*cells))
    assert "There is more" not in format_comment(make_report(*cells[:50]))
