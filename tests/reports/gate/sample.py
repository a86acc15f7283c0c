"""Reports with every verdict, whose figures are chosen by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pocketbench.core.gate_records import (
    CellKey,
    CellVerdict,
    Check,
    Duel,
    GateReport,
    OperatorChange,
    PartTime,
    Ratio,
    find_worst,
)
from tests.reports.synthetic import CONDITIONS, DEVICE

MS = 1_000_000
EXIT_CODES = {"failed": 4, "missing": 4, "regressed": 4, "inconclusive": 5, "improved": 0, "pass": 0}
HOSTILE = "a|b`c`<img src=x onerror=alert(1)>*x*[l](http://evil.example)\n# head\r\x1b[2J@octocat #7 \u202e$x$ \udcff"


def make_key(model: str, engine: str | None = "litert", **changes: Any) -> CellKey:
    key = CellKey(
        model=model,
        file_name=f"{model}.tflite",
        engine=engine,
        thread_count=None if engine is None else 1,
        device_id=None if engine is None else "host-0123456789ab",
    )
    return replace(key, **changes)


def make_ratio(value: float, half: float = 0.012) -> Ratio:
    return Ratio(value=value, low=value - half, high=value + half, confidence=0.99)


def make_duel(ratio: float, **changes: Any) -> Duel:
    duel = Duel(
        clock="thread",
        ratio=make_ratio(ratio),
        threshold=1.03,
        detectable_ratio=1.051,
        self_ratio=make_ratio(1.001, 0.004),
        self_test_passed=True,
        confirmation=None,
        base_ns=5.0 * MS,
        head_ns=5.0 * MS * ratio,
        pair_ratios=(ratio,) * 16,
        self_pair_ratios=(1.001,) * 16,
        call_count=640,
        duration_s=9.5,
    )
    return replace(duel, **changes)


def make_cell(verdict: str, model: str, ratio: float | None = None, **changes: Any) -> CellVerdict:
    cell = CellVerdict(
        key=make_key(model),
        verdict=verdict,
        reason=f"because of {verdict}",
        base_sha256="a" * 64,
        head_sha256="b" * 64,
        duel=None if ratio is None else make_duel(ratio),
        checks=(),
        operator_changes=(),
        parts=(),
        base_tools={"ai-edge-litert": "2.3.0"},
        head_tools={"ai-edge-litert": "2.3.0"},
    )
    return replace(cell, **changes)


def make_report(*cells: CellVerdict, **changes: Any) -> GateReport:
    verdict = find_worst([cell.verdict for cell in cells])
    report = GateReport(
        base="origin/main",
        head="HEAD",
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        cells=cells,
        device=DEVICE,
        conditions_before=CONDITIONS,
        conditions_after=replace(CONDITIONS, load_average=1.5),
        base_commit="1a2b3c4d5e6f",
        head_commit="9f8e7d6c5b4a",
        pocketbench_version="0.3.0",
        started_at="2026-03-01T11:00:00+01:00",
        duration_s=75.25,
    )
    return replace(report, **changes)


def make_regressed() -> CellVerdict:
    """A cell that got slower in one block, by a mean over an axis that became a transpose and a pool."""
    duel = make_duel(1.083, confirmation=make_ratio(1.079))
    return make_cell(
        "regressed",
        "slow_net",
        duel=duel,
        reason="8.3 % slower than base, 3 % are allowed",
        checks=(
            Check(
                name="partition_count",
                base=1,
                head=3,
                limit=1,
                verdict="regressed",
                text="head has 3 partitions of the delegate, base 1: more than base",
            ),
            Check(
                name="parameter_count",
                base=3_947_208,
                head=3_947_208,
                limit=None,
                verdict="pass",
                text="both have 3,947,208 parameters",
            ),
        ),
        operator_changes=(OperatorChange(operator="TRANSPOSE", base_count=0, head_count=4),),
        parts=(
            PartTime(kind="block", name="features.3.attention", base_ns=0.5 * MS, head_ns=0.9 * MS),
            PartTime(kind="block", name="features.9.pool", base_ns=None, head_ns=0.1 * MS),
            *(PartTime(kind="operator", name=f"OP_{index}", base_ns=1.0 * MS, head_ns=1.0 * MS) for index in range(12)),
        ),
        head_tools={"ai-edge-litert": "2.4.0", "litert-torch": "0.10.0"},
    )


def make_mixed() -> GateReport:
    """One cell of every verdict, not in order."""
    return make_report(
        make_cell("pass", "steady_net", 1.001),
        make_cell("missing", "gone_net", reason="head has no such file"),
        make_cell("improved", "fast_net", 0.91),
        make_regressed(),
        make_cell("failed", "broken_net", reason="the worker was killed by SIGSEGV"),
        make_cell("inconclusive", "noisy_net", 1.02, reason="base differs from itself"),
        make_cell(
            "pass",
            "steady_net",
            key=make_key("steady_net", engine=None),
            checks=(
                Check(
                    name="size_bytes",
                    base=100,
                    head=110,
                    limit=None,
                    verdict="pass",
                    text="head has 110 bytes, base 100",
                ),
                Check(name="same_operators", base=70, head=74, limit=None, verdict="pass", text="TRANSPOSE 0 -> 4"),
            ),
        ),
    )


def make_hostile() -> GateReport:
    """Names and reasons of a stranger who wants to be seen."""
    hostile = make_regressed()
    key = replace(hostile.key, model=HOSTILE, file_name=f"{HOSTILE}.tflite", engine=HOSTILE)
    check = Check(name=HOSTILE, base=1.0, head=2.0, limit=1.0, verdict="regressed", text=HOSTILE)
    return make_report(
        replace(
            hostile,
            key=key,
            reason=HOSTILE,
            checks=(check, replace(check, verdict="pass", limit=None)),
            operator_changes=(OperatorChange(operator=HOSTILE, base_count=1, head_count=2),),
            parts=(PartTime(kind="block", name=HOSTILE, base_ns=1.0, head_ns=2.0),),
            base_tools={HOSTILE: HOSTILE},
        ),
        make_cell("pass", "x", 1.0, key=replace(key, model=f"2{HOSTILE}", file_name=f"2{HOSTILE}")),
        base=HOSTILE,
        head=HOSTILE,
        head_commit=HOSTILE,
    )
