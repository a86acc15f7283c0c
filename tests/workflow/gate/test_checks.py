"""The gates without noise, against truth tables written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pocketbench.core.gate_records import Check, OperatorChange
from pocketbench.core.records import TensorFacts
from pocketbench.workflow.gate.checks import compare_files
from pocketbench.workflow.gate.limits import FILE_KEYS, Limits
from pocketbench.workflow.gate.mismatch import find_mismatch
from pocketbench.workflow.gate.operator_checks import compare_operators
from pocketbench.workflow.gate.run_checks import check_absolute_latency, check_peak_rss
from tests.workflow.gate.artifacts import IMAGE, SCORES, make_artifact, make_facts, make_parity

MIB = 1024 * 1024
LIKE_BASE = ("partition_count", "outside_delegate_count", "layout_operator_count")
INFORMATION = ("parameter_count", "mac_count")


def check_counts(key: str, base: int | None, head: int | None, **limits: Any) -> Check | None:
    """The check of one fact, where base and head are equal in all others."""
    sides = [make_artifact(facts=make_facts(**{key: value})) for value in (base, head)]
    found = [check for check in compare_files(*sides, Limits(**limits)) if check.name == key]
    assert len(found) <= 1
    return found[0] if found else None


def test_equal_files_pass_every_check() -> None:
    artifact = make_artifact(parity=make_parity(1e-5))
    checks = compare_files(artifact, artifact, Limits(same_operators=True))
    assert {check.name for check in checks} == {key for key in FILE_KEYS if not key.endswith("_ratio")}
    assert {check.verdict for check in checks} == {"pass"}
    texts = {check.name: check.text for check in checks}
    assert texts["partition_count"] == "both have 1 partition of the delegate"
    assert texts["size_bytes"] == "both have 1,000,000 bytes"
    assert texts["same_operators"] == "both have the same 5 operators"


@pytest.mark.parametrize("key", LIKE_BASE)
@pytest.mark.parametrize(
    ("base", "head", "limit", "verdict", "allowed", "says"),
    [
        # without a limit: no more than base
        (1, 1, None, "pass", 1, "both have 1 "),
        (2, 1, None, "pass", 2, "head has 1 "),
        (1, 2, None, "regressed", 1, "base 1: more than base"),
        (0, 1, None, "regressed", 0, "more than base"),
        (1, None, None, "inconclusive", 1, "of head it is not known"),
        (None, 1, None, "inconclusive", None, "of base it is not known"),
        # with one: a rule for head, whatever base has
        (1, 2, 2, "pass", 2, "base 1"),
        (1, 3, 2, "regressed", 2, " = 2 is the limit"),
        (3, 3, 2, "regressed", 2, " = 2 is the limit, and base broke it already"),
        (4, 3, 2, "regressed", 2, "and base broke it already"),
        (3, 2, 2, "pass", 2, "head has 2 "),
        (None, 2, 2, "pass", 2, "of base it is not known"),
        (None, 3, 2, "regressed", 2, " = 2 is the limit"),
        (1, None, 2, "inconclusive", 2, " = 2 can't be checked"),
    ],
)
def test_what_slows_a_model_may_not_grow(
    key: str, base: int | None, head: int | None, limit: int | None, verdict: str, allowed: int | None, says: str
) -> None:
    check = check_counts(key, base, head, **({} if limit is None else {key: limit}))
    assert check is not None
    assert (check.base, check.head, check.limit, check.verdict) == (base, head, allowed, verdict), check.text
    assert says in check.text
    assert not check.text.endswith(".")


@pytest.mark.parametrize(
    ("base", "head", "limit", "ratio", "verdict", "allowed"),
    [
        # without a limit: information
        (1000, 2000, None, None, "pass", None),
        (1000, None, None, None, "pass", None),
        (None, 1000, None, None, "pass", None),
        # absolute
        (1000, 1100, 1100, None, "pass", 1100),
        (1000, 1101, 1100, None, "regressed", 1100),
        (2000, 1101, 1100, None, "regressed", 1100),
        (None, 1101, 1100, None, "regressed", 1100),
        (1000, None, 1100, None, "inconclusive", 1100),
        (None, None, 1100, None, "inconclusive", 1100),
        # head over base, exact though 1.15 and 1.1 are no binary fractions
        (100, 115, None, 1.15, "pass", 115),
        (100, 116, None, 1.15, "regressed", 115),
        (10, 11, None, 1.1, "pass", 11),
        (10, 12, None, 1.1, "regressed", 11),
        (1000, 1000, None, 1.0, "pass", 1000),
        (1000, 1001, None, 1.0, "regressed", 1000),
        (1000, 950, None, 0.9, "regressed", 900),
        (0, 0, None, 1.05, "pass", 0),
        (0, 1, None, 1.05, "regressed", 0),
        (1000, None, None, 1.05, "inconclusive", 1050),
        (None, 1000, None, 1.05, "inconclusive", None),
        (None, None, None, 1.05, "inconclusive", None),
        # both: the smaller binds
        (1000, 1040, 1020, 1.05, "regressed", 1020),
        (1000, 1060, 2000, 1.05, "regressed", 1050),
        (1000, 1050, 2000, 1.05, "pass", 1050),
        # a broken rule is red though the other can't be checked
        (None, 1200, 1100, 1.05, "regressed", 1100),
        (None, 1000, 1100, 1.05, "inconclusive", 1100),
    ],
)
@pytest.mark.parametrize("key", INFORMATION)
def test_costs_are_information_until_a_limit_is_set(
    key: str,
    base: int | None,
    head: int | None,
    limit: int | None,
    ratio: float | None,
    verdict: str,
    allowed: int | None,
) -> None:
    limits = {key: limit, key.replace("_count", "_ratio"): ratio}
    check = check_counts(key, base, head, **limits)
    assert check is not None
    assert (check.base, check.head, check.limit, check.verdict) == (base, head, allowed, verdict), check.text


@pytest.mark.parametrize(
    ("limits", "verdict", "says"),
    [
        ({}, "pass", "head has 1,049,999 bytes, base 1,000,000"),
        ({"size_bytes": 1_000_000}, "regressed", "size_bytes = 1,000,000 is the limit"),
        ({"size_ratio": 1.05}, "pass", "head has 1,049,999 bytes"),
        ({"size_ratio": 1.04}, "regressed", "size_ratio = 1.04 allows 1,040,000"),
    ],
)
def test_size(limits: dict[str, Any], verdict: str, says: str) -> None:
    checks = compare_files(make_artifact(), make_artifact(size_bytes=1_049_999), Limits(**limits))
    (check,) = [check for check in checks if check.name == "size_bytes"]
    assert check.verdict == verdict
    assert says in check.text


def test_what_neither_file_says_is_no_check_without_a_limit() -> None:
    bare = make_artifact(bare=True)
    assert [check.name for check in compare_files(bare, bare, Limits())] == ["size_bytes"]
    limits = Limits(partition_count=1, layout_operator_count=1, mac_ratio=1.0, same_operators=True, parity_error=1e-3)
    verdicts = {check.name: check.verdict for check in compare_files(bare, bare, limits)}
    assert verdicts.pop("size_bytes") == "pass"
    assert len(verdicts) == 5
    assert set(verdicts.values()) == {"inconclusive"}


@pytest.mark.parametrize("model_format", ["onnx", "coreml"])
def test_a_limit_of_the_delegate_is_not_about_other_formats(model_format: str) -> None:
    facts = make_facts(partition_count=None, outside_delegate_count=None)
    artifact = make_artifact(facts=facts, format=model_format)
    checks = compare_files(artifact, artifact, Limits(partition_count=1, outside_delegate_count=0))
    assert not {"partition_count", "outside_delegate_count"} & {check.name for check in checks}


@pytest.mark.parametrize(
    ("base", "head", "limit", "verdict", "allowed"),
    [
        (1e-5, 1e-5, None, "pass", 1e-3),
        (1e-5, 1e-3, None, "pass", 1e-3),
        (1e-5, 2e-3, None, "failed", 1e-3),
        (1e-5, 2e-3, 3e-3, "pass", 3e-3),
        (1e-5, 2e-5, 1e-5, "failed", 1e-5),
        (2e-5, 2e-5, 1e-5, "failed", 1e-5),
        (1e-5, float("nan"), None, "failed", 1e-3),
        (None, 1e-5, None, "pass", 1e-3),
        (None, 2e-5, 1e-5, "failed", 1e-5),
        (1e-5, None, None, "inconclusive", None),
        (1e-5, None, 1e-3, "inconclusive", 1e-3),
        (None, None, 1e-3, "inconclusive", 1e-3),
        (None, None, None, None, None),
    ],
)
def test_parity(
    base: float | None, head: float | None, limit: float | None, verdict: str | None, allowed: float | None
) -> None:
    sides = [make_artifact(parity=None if error is None else make_parity(error)) for error in (base, head)]
    found = [check for check in compare_files(*sides, Limits(parity_error=limit)) if check.name == "parity_error"]
    if verdict is None:
        assert not found
        return
    assert (found[0].verdict, found[0].limit, found[0].base) == (verdict, allowed, base)
    assert ("never compared" in found[0].text) is (head is None)


@pytest.mark.parametrize(
    ("head", "same", "verdict", "says"),
    [
        ({"CONV_2D": 3, "ADD": 2}, True, "pass", "both have the same 5 operators"),
        ({"CONV_2D": 3, "MUL": 2}, False, "pass", "ADD 2 -> 0, MUL 0 -> 2"),
        ({"CONV_2D": 3, "MUL": 2}, True, "regressed", "MUL 0 -> 2; same_operators = true allows no change"),
        ({"CONV_2D": 3}, True, "regressed", "ADD 2 -> 0;"),
        (
            {name: 1 for name in "ABCDE"},
            False,
            "pass",
            "CONV_2D 3 -> 0, ADD 2 -> 0, A 0 -> 1, B 0 -> 1, and 3 types more",
        ),
        (None, False, "pass", "the operators of head are not known"),
        (None, True, "inconclusive", "the operators of head are not known; same_operators = true can't be checked"),
    ],
)
def test_operators(head: dict[str, int] | None, same: bool, verdict: str, says: str) -> None:
    after = make_artifact(bare=True) if head is None else make_artifact(facts=make_facts(operator_counts=head))
    checks = compare_files(make_artifact(), after, Limits(same_operators=same))
    (check,) = [check for check in checks if check.name == "same_operators"]
    assert check.verdict == verdict
    assert says in check.text
    assert (check.base, check.head) == (5, None if head is None else sum(head.values()))


def test_operator_changes_come_largest_first() -> None:
    base = make_artifact(facts=make_facts(operator_counts={"CONV_2D": 10, "ADD": 5, "MUL": 1, "RELU": 1}))
    head = make_artifact(facts=make_facts(operator_counts={"CONV_2D": 10, "ADD": 4, "MUL": 2, "TRANSPOSE": 6}))
    assert compare_operators(base, head) == (
        OperatorChange(operator="TRANSPOSE", base_count=0, head_count=6),
        OperatorChange(operator="ADD", base_count=5, head_count=4),
        OperatorChange(operator="MUL", base_count=1, head_count=2),
        OperatorChange(operator="RELU", base_count=1, head_count=0),
    )
    assert compare_operators(base, base) == ()
    assert compare_operators(base, make_artifact(bare=True)) == ()


def test_the_name_of_a_custom_operator_can_do_nothing_to_a_terminal() -> None:
    head = make_artifact(facts=make_facts(operator_counts={"ADD": 2, "CONV_2D": 3, "\x1b[2Jnone\n" + "a" * 500: 1}))
    (change,) = compare_operators(make_artifact(), head)
    assert change.operator.startswith("?[2Jnone?aaa")
    assert len(change.operator) == 60


@pytest.mark.parametrize(
    ("base", "head", "ratio", "verdict"),
    [
        (100 * MIB, 109 * MIB, 1.10, "pass"),
        (100 * MIB, 110 * MIB, 1.10, "pass"),
        (100 * MIB, 111 * MIB, 1.10, "regressed"),
        (100 * MIB, 111 * MIB, 1.20, "pass"),
        (100 * MIB, 50 * MIB, 1.10, "pass"),
        # 4 MiB are nothing, whatever the ratio
        (8 * MIB, 12 * MIB, 1.10, "pass"),
        (8 * MIB, 12 * MIB + 1, 1.10, "regressed"),
        (0, 4 * MIB, 1.10, "pass"),
        (0, 5 * MIB, 1.10, "regressed"),
        (100 * MIB, None, 1.10, "inconclusive"),
        (None, 100 * MIB, 1.10, "inconclusive"),
    ],
)
def test_peak_memory(base: int | None, head: int | None, ratio: float, verdict: str) -> None:
    check = check_peak_rss(base, head, Limits(peak_rss_ratio=ratio))
    assert check is not None
    assert (check.verdict, check.base, check.head) == (verdict, base, head), check.text


def test_peak_memory_that_the_system_does_not_tell() -> None:
    assert check_peak_rss(None, None, Limits()) is None


@pytest.mark.parametrize(
    ("value_ms", "low_ms", "high_ms", "verdict", "says"),
    [
        (5.0, 4.9, 5.1, "pass", "head takes 5.00 ms (4.90 to 5.10 ms); absolute_ms.litert = 6 allows it"),
        (5.9, 5.7, 6.1, "pass", "allows it"),
        (6.0, 5.9, 6.1, "pass", "allows it"),
        (6.1, 5.9, 6.3, "inconclusive", "too noisy to decide"),
        (6.1, 6.0, 6.3, "inconclusive", "too noisy to decide"),
        (6.2, 6.1, 6.3, "regressed", "head takes 6.20 ms (6.10 to 6.30 ms); absolute_ms.litert = 6 allows less"),
        (5.0, None, None, "pass", "head takes 5.00 ms; "),
        (9.0, None, None, "inconclusive", "head takes 9.00 ms; "),
        (None, None, None, "inconclusive", "was not measured"),
    ],
)
def test_absolute_latency(
    value_ms: float | None, low_ms: float | None, high_ms: float | None, verdict: str, says: str
) -> None:
    value_ns, low_ns, high_ns = (None if item is None else item * 1e6 for item in (value_ms, low_ms, high_ms))
    limits = Limits(absolute_ms={"litert": 6.0})
    check = check_absolute_latency("litert", value_ns=value_ns, low_ns=low_ns, high_ns=high_ns, limits=limits)
    assert check is not None
    assert (check.verdict, check.limit, check.base) == (verdict, 6.0, None)
    assert check.head == (None if value_ms is None else pytest.approx(value_ms))
    assert says in check.text


def test_an_engine_without_an_absolute_limit_has_no_check() -> None:
    limits = Limits(absolute_ms={"litert": 6.0})
    assert check_absolute_latency("onnxruntime", value_ns=9e9, low_ns=9e9, high_ns=9e9, limits=limits) is None


OPEN = replace(IMAGE, shape=(None, 3, 8, 8))
MASK = TensorFacts(name="mask", dtype="int64", shape=(1, 8))


@pytest.mark.parametrize(
    ("base", "head", "says"),
    [
        ({}, {}, None),
        ({}, {"format": "onnx"}, "base is of format tflite, head of format onnx"),
        ({}, {"precision": "int8"}, "base is of precision fp32, head of precision int8"),
        ({}, {"precision": None}, None),
        ({"lowering": "onnx"}, {"lowering": "onnx-x86"}, "base is of lowering onnx, head of lowering onnx-x86"),
        ({"lowering": "onnx"}, {"lowering": None}, None),
        ({}, {"bare": True}, None),
        ({}, {"inputs": (IMAGE, MASK)}, "base has 1 input, head has 2 inputs"),
        ({}, {"inputs": (replace(IMAGE, dtype="int8"),)}, "input 'x' is float32 in base and int8 in head"),
        (
            {},
            {"inputs": (replace(IMAGE, shape=(1, 3, 16, 8)),)},
            "input 'x' is 1x3x8x8 in base and 1x3x16x8 in head",
        ),
        ({}, {"inputs": (replace(IMAGE, shape=(1, 3, 8)),)}, "input 'x' is 1x3x8x8 in base and 1x3x8 in head"),
        ({}, {"inputs": (OPEN,)}, "input 'x' is 1x3x8x8 in base and ?x3x8x8 in head"),
        ({"inputs": (OPEN,)}, {"inputs": (OPEN,)}, None),
        # names: another name is another matter, another order with the same names is none
        ({}, {"inputs": (replace(IMAGE, name="image"),)}, None),
        ({"inputs": (IMAGE, MASK)}, {"inputs": (MASK, IMAGE)}, None),
        ({"inputs": (IMAGE, MASK)}, {"inputs": (replace(MASK, name="m"), IMAGE)}, "input 'x' is float32 in base"),
        # outputs
        ({}, {"outputs": (SCORES, SCORES)}, "base has 1 output, head has 2 outputs"),
        ({}, {"outputs": (replace(SCORES, shape=(1, 11)),)}, "output 'y' is 1x10 in base and 1x11 in head"),
        ({}, {"outputs": (replace(SCORES, dtype="float16"),)}, "output 'y' is float32 in base and float16 in head"),
        ({}, {"outputs": (replace(SCORES, shape=(1, 10, 1)),)}, "output 'y' is 1x10 in base and 1x10x1 in head"),
        ({}, {"outputs": (replace(SCORES, shape=(None, 10)),)}, None),
        ({}, {"outputs": (replace(SCORES, shape=()),)}, None),
    ],
)
def test_files_that_take_or_return_something_else_are_not_compared(
    base: dict[str, Any], head: dict[str, Any], says: str | None
) -> None:
    def make(changes: dict[str, Any]) -> Any:
        tensors = {key: value for key, value in changes.items() if key in ("inputs", "outputs")}
        others = {key: value for key, value in changes.items() if key not in tensors}
        return make_artifact(facts=make_facts(**tensors), **others)

    found = find_mismatch(make(base), make(head))
    if says is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(says)
    assert (find_mismatch(make(head), make(base)) is None) is (says is None)
