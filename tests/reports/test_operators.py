"""Where the time goes: sums, sheets, sentences and columns, of operators whose sums are known by construction."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from pocketbench.core.records import OperatorTime
from pocketbench.reports.csv_json import COLUMNS, format_csv, format_json, parse_json
from pocketbench.reports.html import format_html
from pocketbench.reports.markdown import format_markdown
from pocketbench.reports.operator_breakdown import break_down, find_breakdown, find_coverage
from pocketbench.reports.operator_records import OperatorBreakdown
from pocketbench.reports.operator_sheets import HOW_TO_GET, TITLE, make_operator_sections
from pocketbench.reports.operator_text import describe_cost, format_costs, list_kinds, name_kind
from pocketbench.reports.records import Table
from pocketbench.reports.sheets import Sheet, make_runtime_sheets
from pocketbench.reports.table import make_table
from tests.reports.operator_samples import (
    BASELINE,
    COVERAGE,
    NAMELESS,
    VARIANT,
    make_between,
    make_operator,
    make_profiled,
)
from tests.reports.synthetic import make_artifact, make_example, make_result, make_spec


def read_sheet(sheet: Sheet) -> dict[str, dict[str, str]]:
    return {
        line.label: {column.head: entry.text for column, entry in zip(sheet.columns, line.entries, strict=True)}
        for line in sheet.lines
    }


@pytest.mark.parametrize("times", [BASELINE, VARIANT, NAMELESS])
def test_every_operator_is_in_one_part(times: tuple[OperatorTime, ...]) -> None:
    found = break_down(times)
    whole_ns = sum(item.time_ns for item in times)
    assert found.whole_ns == whole_ns
    assert (found.attention_ns or 0) + found.network_ns + found.between_ns == whole_ns
    assert sum(site.time_ns for site in found.sites) == (found.attention_ns or 0)
    assert sum(item.time_ns for item in found.attention_kinds) == (found.attention_ns or 0)
    assert sum(item.time_ns for item in found.network_kinds) == found.network_ns
    if found.stages:
        assert sum(stage.time_ns for stage in found.stages) == found.network_ns
    for part in (*found.sites, *found.stages):
        assert sum(item.time_ns for item in part.kinds) == part.time_ns


def test_the_blocks_and_the_network_are_told_apart() -> None:
    found = break_down(VARIANT)
    assert (found.attention_ns, found.network_ns, found.between_ns) == (900_000, 3_560_000, 140_000)
    assert [(item.kind, item.time_ns) for item in found.attention_kinds] == [
        ("convolution", 200_000),
        ("pooling", 300_000),
        ("multiply", 400_000),
    ]
    assert [(site.path, site.stage, site.time_ns) for site in found.sites] == [
        ("features.0.2", "features.0", 250_000),
        ("features.1.conv.6", "features.1", 650_000),
    ]
    assert [(stage.name, stage.time_ns) for stage in found.stages] == [
        ("features.0", 1_010_000),
        ("features.1", 2_050_000),
        ("classifier", 500_000),
    ]
    assert found.unplaced_ns == 0


def test_a_site_is_of_the_longest_stage_that_holds_it() -> None:
    found = break_down(
        (
            make_operator("Conv", "layer.1", 1),
            make_operator("Conv", "layer.12", 1),
            make_operator("Mul", "layer.12.se", 1, attention=True),
            make_operator("Mul", "attn", 1, attention=True),
            make_operator("Conv", "", 7),
            make_operator("Conv", "head", 1),
        )
    )
    assert [(site.path, site.stage) for site in found.sites] == [("layer.12.se", "layer.12"), ("attn", "attn")]
    assert [stage.name for stage in found.stages] == ["layer.1", "layer.12", "head", ""]
    assert found.unplaced_ns == 7_000


def test_a_file_without_places_has_no_attention_rather_than_none() -> None:
    assert break_down(NAMELESS).attention_ns is None
    assert break_down(NAMELESS).stages == ()
    assert break_down(BASELINE).attention_ns == 0
    assert break_down((replace(make_operator("Conv", "", 1), is_attention=None),)).attention_ns is None


def test_what_a_runtime_cuts_off_is_named() -> None:
    """XNNPACK cuts each of 5 operators in the blocks to whole microseconds; onnxruntime's trace does not come here."""
    found = break_down(VARIANT)
    assert (found.attention_ns, found.attention_cut_ns) == (900_000, 5_000)
    assert break_down((*VARIANT[:-1], make_between(3))).attention_cut_ns == 3_000
    assert break_down(VARIANT[:-1]).attention_cut_ns == 5_000
    other = tuple(replace(item, operator=item.operator.partition(" ")[0]) for item in VARIANT[:-1])
    assert break_down(other).attention_cut_ns == 0
    twice = tuple(replace(item, call_count=2) for item in VARIANT)
    assert break_down(twice).attention_cut_ns == 10_000
    assert "costs 0.90 ms in 2 places" in describe_cost("net", "ca", break_down(other), None)


def test_the_last_session_with_times_counts() -> None:
    artifact = make_artifact(make_spec())
    results = [make_result(artifact, None, session=index) for index in range(4)]
    assert find_breakdown(results) is None
    assert find_coverage(results) is None
    known = replace(COVERAGE, time_fraction=None)
    results[1] = replace(results[1], operator_times=VARIANT, coverage=COVERAGE)
    results[2] = replace(results[2], operator_times=BASELINE, coverage=replace(COVERAGE, time_fraction=0.5))
    results[3] = replace(results[3], operator_times=(), coverage=known)
    assert find_breakdown(results) == break_down(BASELINE)
    assert find_coverage(results).time_fraction == 0.5
    assert find_coverage(results[3:]) == known


def test_sheets_of_a_runtime() -> None:
    (section,) = make_operator_sections(make_table(*make_profiled()))
    attention, network = (read_sheet(sheet) for sheet in section.sheets)
    assert attention["+ ca (r 32)"] == {
        "Inference, ms": "4.600",
        "sum": "0.900 to 0.905",
        "places": "2",
        "convolution": "0.200",
        "pooling": "0.300",
        "multiply": "0.400",
        "Measured overhead, ms": "+0.900",
    }
    assert attention["baseline"]["sum"] == attention["baseline"]["places"] == "0"
    assert attention["baseline"]["Measured overhead, ms"] == "0"
    assert attention["<b>detector</b>.tflite"]["sum"] == "–"
    assert attention["<b>detector</b>.tflite"]["places"] == "–"
    assert network["baseline"]["sum"] == "3.500"
    assert network["+ ca (r 32)"] == {
        "sum": "3.560 (+0.060)",
        "convolution": "3.010 (+0.010)",
        "layout": "0.050 (+0.050)",
        "matrix product": "0.500 (0)",
        "other (Resize and CumSum)": "–",
        "Between operators, ms": "0.140 (+0.040)",
        "nodes": "58 of 58",
        "time": "100 %",
    }
    assert network["<b>detector</b>.tflite"]["other (Resize and CumSum)"] == "0.526"
    assert [sheet.title for sheet in section.stages] == [
        "By stage: mobilenet_v2 1.0, 224 x 224 baseline",
        "By stage: mobilenet_v2 1.0, 224 x 224 + ca (r 32)",
    ]
    stages = read_sheet(section.stages[1])
    assert list(stages) == ["features.0", "features.1", "classifier"]
    assert stages["features.1"] == {
        "Network, ms": "2.050 (+0.050)",
        "place": "features.1.conv.6",
        "sum": "0.650",
        "convolution": "0.200",
        "pooling": "0.200",
        "multiply": "0.250",
    }
    assert stages["classifier"]["place"] == stages["classifier"]["sum"] == ""
    assert stages["features.0"]["convolution"] == "–"


def test_two_blocks_of_one_stage_have_a_line_each() -> None:
    times = (
        make_operator("Conv", "layer.1", 1000),
        make_operator("Mul", "layer.1.se", 10, attention=True),
        make_operator("Mul", "layer.1.attn", 20, attention=True),
    )
    result = replace(make_result(make_artifact(make_spec("ca")), None), operator_times=times)
    (section,) = make_operator_sections(make_table([], [result], []))
    lines = [[entry.text for entry in line.entries] for line in section.stages[0].lines]
    assert lines == [["1.000", "layer.1.se", "0.010", "0.010"], ["", "layer.1.attn", "0.020", "0.020"]]


def test_sentences_name_what_a_block_costs_and_what_was_measured() -> None:
    text = format_costs(make_table(*make_profiled()), {"ca": "coordinate attention"}.__getitem__)
    lines = text.splitlines()
    runtime = "on litert, 1 thread, tflite fp32"
    assert lines[0] == (
        f"mobilenet_v2_1.0_224 {runtime}: 3.60 ms: 3.00 convolution and 0.50 matrix product; 0.10 between operators."
    )
    assert lines[1] == (
        f"mobilenet_v2_1.0_ca32_224 {runtime}: coordinate attention costs 0.90 to 0.91 ms in 2 places: 0.40 multiply, "
        "0.30 pooling and 0.20 convolution. Measured, the network takes +0.900 ms over its baseline (95 % interval "
        "+0.900 to +0.900); the difference of -0.01 to 0 ms is what changes around the blocks (layouts, fusion) and "
        "the error of both figures."
    )
    assert lines[2] == (
        f"<b>detector</b>.tflite {runtime}: 3.53 ms: 3.00 convolution and 0.53 other (Resize and CumSum); the file "
        "does not tell which block an operator came from."
    )


def test_a_sentence_claims_no_more_than_is_known() -> None:
    times = (make_operator("Mul", "a.0.se", 3, attention=True), make_operator("Conv", "", 500))
    text = describe_cost("net", None, break_down(times), None)
    assert text.startswith("net: attention costs <0.01 ms in 1 place: <0.01 multiply.")
    assert "Operators of 0.50 ms have no known place and are not in it." in text
    assert "Measured" not in text
    nothing = break_down((make_operator("Multiply (ND)", "a.0.se", 0, attention=True), make_between(1)))
    assert describe_cost("net", "se", nothing, None) == "net: se costs 0 to <0.01 ms in 1 place: nothing that shows."
    kinds = break_down((*VARIANT, make_operator("Add (ND)", "a", 1))).network_kinds
    assert list_kinds(kinds, 3_561_000).endswith("0.05 layout and <0.01 in smaller ones")


def test_types_that_are_not_known_are_named() -> None:
    assert name_kind("pooling", ["Mean", "MEAN"]) == "pooling"
    assert name_kind("other", ["Resize"]) == "other (Resize)"
    assert name_kind("other", list("abcde")) == "other (a, b, c and 2 more)"
    assert name_kind("other", ["x" * 5000]) == f"other ({'x' * 40}...)"


def list_coverage(sheet: Sheet) -> list[list[str]]:
    columns = [index for index, column in enumerate(sheet.columns) if column.group == "Taken by xnnpack"]
    return [[sheet.columns[index].head for index in columns]] + [
        [line.entries[index].text for index in columns] for line in sheet.lines
    ]


def test_coverage_is_never_rounded_up() -> None:
    table = make_table(*make_profiled())
    (runtime,) = make_runtime_sheets(table)
    network = make_operator_sections(table)[0].sheets[1]
    assert list_coverage(runtime) == list_coverage(network)
    assert list_coverage(runtime) == [
        ["nodes", "time"],
        ["58 of 58", "100 %"],
        ["58 of 58", "100 %"],
        ["56 of 58 in 3 parts", "99.9 %"],
    ]


def test_coverage_by_nodes_alone_stands_where_something_is_left_out() -> None:
    artifacts, results, _ = make_profiled()

    def show(delegated_node_count: int) -> list[list[str]]:
        known = replace(COVERAGE, time_fraction=None, delegated_node_count=delegated_node_count)
        bare = [replace(result, operator_times=None, coverage=result.coverage and known) for result in results[:6]]
        return list_coverage(make_runtime_sheets(make_table(artifacts, bare, []))[0])

    assert show(58) == [[], [], [], []]
    assert show(57) == [["nodes"], ["57 of 58"], ["57 of 58"], ["–"]]


@pytest.mark.parametrize("form", [format_markdown, format_html])
def test_every_form_has_the_section_or_says_how_to_get_it(form: Callable[[Table], str]) -> None:
    with_times, without = form(make_table(*make_profiled())), form(make_table(*make_example()))
    assert TITLE in with_times
    assert "features.1.conv.6" in with_times
    assert "<b>" not in with_times
    assert HOW_TO_GET not in with_times
    assert HOW_TO_GET in without
    assert HOW_TO_GET not in form(make_table([make_artifact(make_spec())], [], []))
    assert "<summary>By stage" not in without


def test_the_heads_of_markdown_say_what_a_line_is() -> None:
    text = format_markdown(make_table(*make_profiled()))
    heads = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in text.splitlines() if "| Model" in line]
    _, *stages = text.split("<summary>By stage: ")
    assert stages
    for stage in stages:
        assert re.search(r"^\| Model +\| Stage +\|", stage, re.MULTILINE)
        assert re.search(r"^\| mobilenet_v2[^|]*\| features\.1 ", stage, re.MULTILINE)
    assert heads.count(("Model", "Stage")) == len(stages)
    assert heads.count(("Model", "Attention")) == len(heads) - len(stages) > 0


def test_json_has_every_block_and_stage() -> None:
    table = make_table(*make_profiled())
    assert parse_json(format_json(table), "here") == table
    operators = table.rows[1].cells[0].operators
    assert isinstance(operators, OperatorBreakdown)
    assert operators == break_down(VARIANT)


def test_csv_has_no_column_twice() -> None:
    assert len(COLUMNS) == len(set(COLUMNS))


def test_csv_has_the_sums() -> None:
    lines = list(csv.DictReader(io.StringIO(format_csv(make_table(*make_profiled())))))
    baseline, variant, foreign = lines
    assert float(variant["operators_whole_ns"]) == 4_600_000
    assert float(variant["operators_attention_ns"]) == 900_000
    assert variant["operators_attention_place_count"] == "2"
    assert float(variant["operators_attention_multiply_ns"]) == 400_000
    assert float(variant["operators_attention_layout_ns"]) == 0
    assert float(variant["operators_network_matrix_product_ns"]) == 500_000
    assert float(baseline["operators_attention_pooling_ns"]) == 0
    assert (variant["coverage_delegate"], variant["coverage_node_count"]) == ("xnnpack", "58")
    assert variant["coverage_time_fraction"] == "1.0"
    assert variant["delegate"] == ""  # what the plan chose
    assert foreign["operators_attention_ns"] == foreign["operators_attention_pooling_ns"] == ""
    assert foreign["operators_unplaced_ns"] == ""
    assert float(foreign["operators_network_other_ns"]) == 526_000
    (line, *_) = csv.DictReader(io.StringIO(format_csv(make_table(*make_example()))))
    assert line["operators_whole_ns"] == line["coverage_delegate"] == line["operators_network_add_ns"] == ""


def test_the_overhead_beside_operators_is_of_cpu_time_where_one_thread_computes() -> None:
    cell = make_table(*make_profiled()).rows[1].cells[0]
    assert cell.steady_overhead is cell.cpu_overhead is not None
    assert replace(cell, cpu_clock="process").steady_overhead is cell.wall_overhead
    assert replace(cell, cpu_clock=None, cpu_overhead=None).steady_overhead is cell.wall_overhead
