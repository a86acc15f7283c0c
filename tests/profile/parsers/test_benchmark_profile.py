from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pocketbench.core.records import DelegateCoverage, OperatorTime
from pocketbench.profile.parsers.benchmark_model import parse_benchmark_model
from pocketbench.profile.parsers.benchmark_profile import parse_profile
from pocketbench.profile.parsers.output_fault import OutputFault
from tests.profile.parsers.benchmark_text import REPLACING, Row, compiled_text, interpreter_text, section

REGULAR = "INFO: Operator-wise Profiling Info for Regular Benchmark Runs:\n"
INITIALISATION = "INFO: Profiling Info for Benchmark Initialization:\n"
PLAIN = [
    Row("CONV_2D", 1.5, "[block/conv;block/bn, x]:0"),
    Row("Fully Connected (NC, F32) GEMM", 0.25, "[a b, c]:7", calls=4),
    Row("Convolution (NHWC, F32) IGEMM 3", 2.125, "[out]:12"),
    Row("QUANTIZE", 0.0, ""),
]
INSIDE = [Row("Convolution (NHWC, F32) IGEMM", 1.0, "Delegate/Convolution (NHWC, F32) IGEMM:0"),
          Row("Multiply (ND)", 0.5, "Delegate/Multiply (ND):1")]  # fmt: skip
OUTER = [
    Row("QUANTIZE", 0.25, "[q]:0"),
    Row("TfLiteXNNPackDelegate", 1.75, "[out]:5"),
    Row("SOFTMAX", 0.5, "[p]:6"),
]


def times(operators: tuple[OperatorTime, ...] | None) -> list[tuple[str, float, int]]:
    assert operators is not None
    return [(item.operator, item.time_ns, item.call_count) for item in operators]


@pytest.mark.parametrize("start", [False, True])
@pytest.mark.parametrize("as_csv", [False, True])
def test_all_four_shapes_of_the_table(start: bool, as_csv: bool):
    init = section([Row("ModifyGraphWithDelegate", 5.0, "ModifyGraphWithDelegate/0")], start=start, as_csv=as_csv)
    text = interpreter_text(profile=INITIALISATION + init + REGULAR + section(PLAIN, start=start, as_csv=as_csv))
    operators = parse_benchmark_model(text).operators
    # the average that is printed is that of a call
    assert times(operators) == [(row.type, 1e6 * row.time_ms * row.calls, row.calls) for row in PLAIN]
    assert [item.name for item in operators or ()] == [row.name for row in PLAIN]


@pytest.mark.parametrize("as_csv", [False, True])
def test_percents_that_are_no_numbers_are_not_needed(as_csv: bool):
    rows = [Row("RESHAPE", 0.0, "[a]:0"), Row("RESHAPE", 0.0, "[b]:1")]
    text = interpreter_text(profile=REGULAR + section(rows, as_csv=as_csv))
    assert "nan%" in text
    run = parse_benchmark_model(text)
    assert times(run.operators) == [("RESHAPE", 0.0, 1)] * 2
    assert run.coverage is not None
    assert run.coverage.time_fraction is None


@pytest.mark.parametrize("as_csv", [False, True])
def test_what_a_delegate_runs_inside_takes_its_place(as_csv: bool):
    profile = REGULAR + section(OUTER, as_csv=as_csv) + "Delegate internal: \n" + section(INSIDE, as_csv=as_csv)
    run = parse_benchmark_model(interpreter_text(profile=profile))
    assert times(run.operators) == [
        ("QUANTIZE", 250_000, 1),
        ("Convolution (NHWC, F32) IGEMM", 1_000_000, 1),
        ("Multiply (ND)", 500_000, 1),
        ("TfLiteXNNPackDelegate", 250_000, 1),
        ("SOFTMAX", 500_000, 1),
    ]
    assert run.coverage is not None
    assert run.coverage.time_fraction == pytest.approx(1.75 / 2.5)


def test_an_older_build_puts_what_is_inside_into_the_same_table():
    mixed = [*OUTER[:2], *(row._replace(type="DelegateOpInvoke") for row in INSIDE), OUTER[2]]
    run = parse_benchmark_model(interpreter_text(profile=REGULAR + section(mixed, start=True)))
    assert [name for name, _, _ in times(run.operators)] == [
        "QUANTIZE", "Convolution (NHWC, F32) IGEMM", "Multiply (ND)", "TfLiteXNNPackDelegate", "SOFTMAX",
    ]  # fmt: skip
    assert sum(time_ns for _, time_ns, _ in times(run.operators)) == 2_500_000


def test_operators_of_xnnpack_stand_among_those_of_tflite():
    """As builds of today print them: the delegate has no row, its operators have its mark in their names."""
    rows = [
        Row("QUANTIZE", 0.25, "[tfl.quantize]:0"),
        Row("Convolution (NHWC, QC8) IGEMM", 1.5, "Delegate/Convolution (NHWC, QC8) IGEMM:0"),
        Row("Convolution (NHWC, QC8) DWConv", 0.25, "Delegate/Convolution (NHWC, QC8) DWConv:1", calls=5),
    ]
    for as_csv in (False, True):
        run = parse_benchmark_model(interpreter_text(profile=REGULAR + section(rows, as_csv=as_csv)))
        assert [name for name, _, _ in times(run.operators)] == [row.type for row in rows]
        assert [item.name for item in run.operators or ()] == [row.name for row in rows]
        assert run.coverage is not None
        assert run.coverage.time_fraction == pytest.approx(2.75 / 3)


def test_the_whole_inference_is_no_operator():
    rows = [Row("Invoke", 2.0, "Invoke/0"), Row("ADD", 1.25, "[a]:0"), Row("MUL", 0.75, "[m]:1")]
    run = parse_benchmark_model(interpreter_text(profile=REGULAR + section(rows, start=True)))
    assert [name for name, _, _ in times(run.operators)] == ["ADD", "MUL"]


def test_a_delegate_that_tells_nothing_of_its_inside_is_one_operator():
    run = parse_benchmark_model(interpreter_text(profile=REGULAR + section(OUTER)))
    assert times(run.operators)[1] == ("TfLiteXNNPackDelegate", 1_750_000, 1)


def test_subgraphs_are_parts_of_the_operator_that_runs_them():
    loop = [Row("WHILE", 3.0, "[w]:0"), Row("ADD", 0.5, "[a]:1")]
    body = [Row("MUL", 0.25, "[m]:0", calls=10)]
    profile = (
        f"{REGULAR}Primary graph (name: main) profile:\n{section(loop)}"
        f"Subgraph (index: 2, name: body) profile:\n{section(body)}"
    )
    run = parse_benchmark_model(interpreter_text(profile=profile))
    assert [name for name, _, _ in times(run.operators)] == ["WHILE", "ADD"]


LITERT_SUMMARY = """\
===================================================================== Run Order ======================================================================
                                                 [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]   [Name]
                      Delegate/Transpose (ND, X32) Transpose      0.000      0.004      0.004    14.286%    14.286%      0.000              1   [Delegate]:0
                             Delegate/Constant Pad (ND, X32)      0.000      0.012      0.012    42.857%    57.143%      0.000              2   [Delegate]:1

Number of nodes executed: 2

====================================================== Summary by node type ======================================================
                                                 [Node type]    [count]   [avg ms]    [avg %]    [cdf %]   [mem KB] [times called]
                             Delegate/Constant Pad (ND, X32)          1      0.012    42.857%    42.857%      0.000              1

========================================================= Delegate Statistics =========================================================
Op Name                                                                               Count    Avg(us)    Min(us)    Max(us)  Total(us)
Delegate/Constant Pad (ND, X32)                                                           1       0.00          0          0          0

Timings (microseconds): count=226 curr=28
Memory (bytes): count=0
2 nodes observed
"""  # noqa: E501


def test_the_table_of_the_litert_build_has_spaces():
    run = parse_benchmark_model(compiled_text(summary="INFO: [benchmark_litert_model.h:160] \n" + LITERT_SUMMARY))
    assert times(run.operators) == [("Transpose (ND, X32) Transpose", 4_000, 1), ("Constant Pad (ND, X32)", 24_000, 2)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["convolutions", "partitions"])
def test_the_table_of_the_installed_litert_is_that_of_its_events(kind: str, tmp_path: Path):
    """LiteRT's C library prints the table, and gives the events that it is made of: an oracle of its own."""
    import ai_edge_litert

    from pocketbench.profile.agent.operator_litert import read_events
    from pocketbench.profile.agent.operator_litert_library import ProfiledModel
    from tests.profile.operator_files import write_tflite_convolutions
    from tests.profile.tflite_files import write_split_by_cumsum

    path = tmp_path / "model.tflite"
    if kind == "convolutions":
        write_tflite_convolutions(path, [16, 32, 64, 32])
    else:
        write_split_by_cumsum(path, 2)
    model = ProfiledModel(str(Path(str(ai_edge_litert.__file__)).parent), str(path), 1)
    model.run()
    events, summary = model.run_summarised()
    profile = parse_profile(summary.split("\n"))
    assert profile is not None
    # operators of one type and number in several partitions share a row
    calls: Counter[str] = Counter()
    times_ns: Counter[str] = Counter()
    for (_, _, tag), (time_ns, call_count) in read_events(events).items():
        calls[tag] += call_count
        times_ns[tag] += time_ns
    assert sum(calls.values()) > 3
    for tag, count in calls.items():
        rows = [item for item in profile.operators if item.operator == tag]
        assert sum(item.call_count for item in rows) == count
        assert sum(item.time_ns for item in rows) == pytest.approx(times_ns[tag], abs=500 * count)
    assert {item.operator for item in profile.operators} == set(calls)


BROKEN = REGULAR + section(PLAIN)


@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        pytest.param(BROKEN.replace("[out]:12", "[out]:12\n\tlost", 1), "lost", id="a line from elsewhere"),
        pytest.param(BROKEN.replace("1.500", "1.5oo"), "1.5oo", id="no number"),
        pytest.param(BROKEN.replace("1.600", "1.6oo"), "1.6oo", id="no first"),
        pytest.param(BROKEN.replace("1.500\t", "-1.500\t"), "can't be a duration", id="negative"),
        pytest.param(BROKEN.replace("\t        1\t[block", "\t        0\t[block"), "no count", id="never called"),
        pytest.param(BROKEN.replace("[node type]", "[Node]", 1), "head of a profile", id="unknown head"),
        pytest.param(BROKEN.replace("executed: 4", "executed: 5"), "cut off", id="rows are missing"),
        pytest.param(BROKEN[: BROKEN.index("[node type]") - 1], "cut off", id="cut off after the title"),
        pytest.param(BROKEN + BROKEN, "several runs", id="twice"),
    ],
)
def test_a_profile_that_is_not_understood_is_an_error(profile: str, shown: str):
    with pytest.raises(OutputFault) as caught:
        parse_benchmark_model(interpreter_text(profile=profile))
    assert shown in caught.value.what


def coverage(*lines: str) -> DelegateCoverage | None:
    return parse_benchmark_model(interpreter_text(replacing=lines)).coverage


def told(taken: int, total: int, name: str, partitions: int, graph: str = " for subgraph 0") -> str:
    return (
        f"INFO: Replacing {taken} out of {total} node(s) with delegate ({name}) node, yielding {partitions} "
        f"partitions{graph}."
    )


def expect(delegate: str, total: int, taken: int, partitions: int | None) -> DelegateCoverage:
    return DelegateCoverage(
        delegate=delegate,
        node_count=total,
        delegated_node_count=taken,
        partition_count=partitions,
        time_fraction=None,
    )


def test_coverage_by_nodes():
    assert coverage() is None
    assert coverage(told(3, 9, "X", 2)) == coverage(told(3, 9, "X", 2, "")) == expect("X", 9, 3, 2)
    assert coverage(told(3, 9, "X", 2, " for the whole graph")) == expect("X", 9, 3, 2)
    assert coverage(told(3, 9, "X", 2, " for subgraph 0 (main), as ever")) == expect("X", 9, 3, 2)
    # an old build names no total, another no partitions
    assert coverage("INFO: Replacing 31 node(s) with delegate (X) node, yielding 1 partitions.") is None
    assert coverage("VERBOSE: Replacing 5 out of 5 node(s) with delegate (Q) node") == expect("Q", 5, 5, None)


def test_a_second_delegate_adds_to_the_first():
    # 64 nodes: the first takes 5, each a partition; the second the other 59, of 64 again
    assert coverage(told(5, 64, "NNAPI", 5), told(59, 64, "XNNPACK", 5)) == expect("NNAPI + XNNPACK", 64, 64, 10)
    assert coverage(told(0, 9, "GPU", 0), told(9, 9, "XNNPACK", 1)) == expect("GPU + XNNPACK", 9, 9, 1)


def test_subgraphs_are_added_and_a_new_plan_takes_the_place_of_the_old():
    assert coverage(told(4, 6, "X", 1), told(2, 3, "X", 1, " for subgraph 1")) == expect("X", 9, 6, 2)
    assert coverage(told(4, 6, "X", 1), told(5, 6, "X", 2)) == expect("X", 6, 5, 2)


@pytest.mark.parametrize(
    "line",
    [
        told(10, 9, "X", 1),
        told(1, 0, "X", 1),
        REPLACING.replace("58 out", "-1 out"),
        REPLACING.replace("yielding 1 partitions", "yielding some partitions"),
    ],
)
def test_coverage_that_is_not_understood_is_an_error(line: str):
    with pytest.raises(OutputFault, match="Replacing"):
        coverage(line)


def test_delegates_that_took_more_than_there_is_are_an_error():
    with pytest.raises(OutputFault, match="12 of 9"):
        coverage(told(6, 9, "X", 1), told(6, 9, "Y", 1))
