"""The verdict of a file by itself: is it there, can it be compared, does it keep the limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pocketbench.core.gate_records import Check, OperatorChange
from pocketbench.core.records import TensorFacts
from pocketbench.workflow.gate.file_verdicts import find_tool_difference, join_reasons, judge_file
from pocketbench.workflow.gate.limits import Limits
from pocketbench.workflow.gate.pairing import Pair, pair_files
from tests.workflow.gate.artifacts import make_artifact, make_facts, make_parity

BASE = make_artifact(sha256="b" * 64, tools={"torch": "2.13.0", "litert-torch": "0.10.0"})
HEAD = replace(BASE, sha256="a" * 64)
NO_LIMITS = Limits()


def judge(pair: Pair, limits: Limits = NO_LIMITS, *, same_tools: bool = True) -> tuple[str, str]:
    cell = judge_file(pair, limits, same_tools=same_tools)
    assert (cell.key.file_name, cell.key.engine, cell.duel) == (pair.file_name, None, None)
    return cell.verdict, cell.reason


def only_pair(base: list, head: list, **failures: dict[str, str]) -> Pair:
    (pair,) = pair_files(base, head, **failures)
    return pair


def test_a_deleted_file_is_missing() -> None:
    pair = only_pair([BASE], [])
    assert judge(pair) == ("missing", "head has no such file")
    cell = judge_file(pair, NO_LIMITS, same_tools=True)
    assert (cell.base_sha256, cell.head_sha256) == ("b" * 64, None)
    assert cell.checks == ()


def test_a_renamed_file_is_missing_under_its_old_name_and_new_under_the_other() -> None:
    new, old = pair_files([BASE], [replace(BASE, file_name="other.tflite")])
    assert judge(new) == ("pass", "new: there is no base")
    assert judge(old) == ("missing", "head has no such file; renamed to other.tflite?")


def test_a_file_that_head_can_not_export_has_failed() -> None:
    pair = only_pair([BASE], [], head_failures={"net.tflite": "the converter refused aten::cumsum"})
    assert judge(pair) == ("failed", "head does not export it: the converter refused aten::cumsum")


def test_a_file_that_base_can_not_export_decides_nothing() -> None:
    pair = only_pair([], [HEAD], base_failures={"net.tflite": "no such block"})
    assert judge(pair) == ("inconclusive", "base does not export it: no such block")


def test_equal_content_is_byte_identical_whoever_wrote_it() -> None:
    again = replace(BASE, tools={"torch": "2.0.0"})
    assert judge(only_pair([BASE], [again])) == ("pass", "byte-identical")


def test_two_files_that_may_be_compared_pass_when_nothing_got_worse() -> None:
    pair = only_pair([BASE], [HEAD])
    assert judge(pair) == ("pass", "nothing got worse")
    cell = judge_file(pair, NO_LIMITS, same_tools=True)
    assert {check.name for check in cell.checks} >= {"partition_count", "size_bytes", "mac_count"}
    assert (cell.base_tools, cell.head_tools) == (BASE.tools, HEAD.tools)


def test_operators_that_changed_are_told() -> None:
    head = replace(HEAD, graph_facts=make_facts(operator_counts={"ADD": 2, "CONV_2D": 3, "MUL": 1}))
    cell = judge_file(only_pair([BASE], [head]), NO_LIMITS, same_tools=True)
    assert cell.operator_changes == (OperatorChange(operator="MUL", base_count=0, head_count=1),)


def test_other_inputs_can_not_be_compared() -> None:
    larger = (TensorFacts(name="x", dtype="float32", shape=(1, 3, 16, 16)),)
    head = replace(HEAD, graph_facts=make_facts(inputs=larger))
    assert judge(only_pair([BASE], [head])) == ("inconclusive", "input 'x' is 1x3x8x8 in base and 1x3x16x16 in head")


def test_another_release_of_a_converter_is_named() -> None:
    head = replace(HEAD, tools={**HEAD.tools, "litert-torch": "0.11.0"})
    pair = only_pair([BASE], [head])
    told = "base was exported with litert-torch 0.10.0, head with 0.11.0: export both anew"
    assert judge(pair) == ("inconclusive", told)
    assert judge(pair, same_tools=False) == ("pass", "nothing got worse")


def test_a_tool_that_one_side_does_not_know_is_no_difference() -> None:
    assert find_tool_difference(BASE, replace(HEAD, tools={})) is None


def test_a_broken_limit_is_worse_than_a_doubt_and_stands_first() -> None:
    head = replace(HEAD, size_bytes=2_000_000, tools={**HEAD.tools, "torch": "2.14.0"})
    verdict, reason = judge(only_pair([BASE], [head]), Limits(size_ratio=1.5))
    assert verdict == "regressed"
    first, _, second = reason.partition("; base was exported with torch 2.13.0")
    assert "size_ratio = 1.5 allows 1,500,000" in first
    assert second


def test_a_partition_more_is_a_regression_without_a_limit() -> None:
    head = replace(HEAD, graph_facts=make_facts(partition_count=2))
    verdict, reason = judge(only_pair([BASE], [head]))
    assert verdict == "regressed"
    assert reason == "head has 2 partitions of the delegate, base 1: more than base"


class TestNewFile:
    """There is nothing to be worse than; a limit on head alone holds all the same."""

    def judge(self, limits: Limits, **changes: object) -> tuple[str, str]:
        return judge(only_pair([], [replace(HEAD, **changes)]), limits)

    def test_within_its_limits_it_passes(self) -> None:
        assert self.judge(Limits(partition_count=1)) == ("pass", "new: there is no base")

    def test_beyond_an_absolute_limit_it_is_red_and_no_base_is_spoken_of(self) -> None:
        verdict, reason = self.judge(Limits(size_bytes=999_999))
        assert verdict == "regressed"
        assert reason == "head has 1,000,000 bytes; size_bytes = 999,999 is the limit; new: there is no base"

    def test_a_wrong_answer_has_failed_and_no_base_is_spoken_of(self) -> None:
        verdict, reason = self.judge(NO_LIMITS, parity=make_parity(0.5))
        assert verdict == "failed"
        assert "base by" not in reason

    def test_what_can_not_be_checked_is_a_doubt(self) -> None:
        verdict, reason = self.judge(Limits(partition_count=1), graph_facts=None)
        assert verdict == "inconclusive"
        assert "partition_count = 1 can't be checked" in reason

    def test_limits_against_a_base_are_none(self) -> None:
        limits = Limits(mac_ratio=1.1, parameter_ratio=1.1, size_ratio=1.1, same_operators=True)
        assert self.judge(limits, graph_facts=None) == ("pass", "new: there is no base")


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [(("pass", "pass"), "why"), (("regressed", "pass"), "0; why"), (("inconclusive", "regressed"), "1; why")],
)
def test_reasons_are_those_of_the_worst_checks(verdicts: tuple[str, ...], reason: str) -> None:
    checks = [
        Check(name="x", base=None, head=None, limit=None, verdict=verdict, text=str(index))
        for index, verdict in enumerate(verdicts)
    ]
    assert join_reasons("why", checks) == reason
