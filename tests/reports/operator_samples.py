"""Operator times whose sums are known by construction."""

from __future__ import annotations

from dataclasses import replace

from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import Accuracy, Artifact, DelegateCoverage, OperatorTime, RunResult
from tests.reports.synthetic import make_artifact, make_sessions, make_spec

US = 1_000


def make_operator(operator: str, block: str | None, us: float, *, attention: bool = False) -> OperatorTime:
    return OperatorTime(
        name=f"XNNPACK {operator}",
        operator=operator,
        path=block,
        block=block,
        time_ns=us * US,
        call_count=1,
        is_attention=None if block is None else attention,
    )


def make_between(us: float, *, placed: bool = True) -> OperatorTime:
    return replace(make_operator(BETWEEN, "" if placed else None, us), name="")


BASELINE = (
    make_operator("Convolution (NHWC, F32) IGEMM", "features.0", 1000),
    make_operator("Convolution (NHWC, F32) DWConv", "features.1", 2000),
    make_operator("Fully Connected (NC, F32) GEMM", "classifier", 500),
    make_between(100),
)
# the blocks take 900 us, the network 60 us more than the baseline's, and between operators 40 us more
VARIANT = (
    make_operator("Convolution (NHWC, F32) IGEMM", "features.0", 1010),
    make_operator("Mean (ND) Reduce2", "features.0.2", 100, attention=True),
    make_operator("Multiply (ND)", "features.0.2", 150, attention=True),
    make_operator("Convolution (NHWC, F32) DWConv", "features.1", 2000),
    make_operator("Mean (ND) Reduce2", "features.1.conv.6", 200, attention=True),
    make_operator("Convolution (NHWC, F32) IGEMM", "features.1.conv.6", 200, attention=True),
    make_operator("Multiply (ND)", "features.1.conv.6", 250, attention=True),
    make_operator("Transpose (ND, X32) Transpose", "features.1", 50),
    make_operator("Fully Connected (NC, F32) GEMM", "classifier", 500),
    make_between(140),
)
NAMELESS = (
    make_operator("Conv", None, 3000),
    make_operator("Resize", None, 500),
    make_operator("CumSum", None, 26),
    make_between(0, placed=False),
)
COVERAGE = DelegateCoverage(
    delegate="xnnpack", node_count=58, delegated_node_count=58, partition_count=1, time_fraction=1.0
)


def make_profiled() -> tuple[list[Artifact], list[RunResult], list[Accuracy]]:
    """A baseline, a variant that measures 1 ms slower, and a foreign file that names no places."""
    artifacts, results = [], []
    for block, latency, times in ((None, 4.0, BASELINE), ("ca", 5.0, VARIANT)):
        artifact = make_artifact(make_spec(block))
        sessions = make_sessions(artifact, latency)
        artifacts.append(artifact)
        results += [*sessions[:-1], replace(sessions[-1], operator_times=times, coverage=COVERAGE)]
    foreign = make_artifact(None, file_name="<b>detector</b>.tflite", facts=None)
    sessions = make_sessions(foreign, 3.5)
    cut = replace(COVERAGE, delegated_node_count=56, partition_count=3, time_fraction=0.99996)
    results += [*sessions[:-1], replace(sessions[-1], operator_times=NAMELESS, coverage=cut)]
    return [*artifacts, foreign], results, []
