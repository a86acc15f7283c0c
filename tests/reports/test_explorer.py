import json
import re
from dataclasses import replace

from pocketbench.reports.articles import format_details
from pocketbench.reports.explorer import format_explorer, name_results
from pocketbench.reports.explorer_columns import list_columns
from pocketbench.reports.explorer_plot import make_explorer_chart, make_points
from pocketbench.reports.lines import make_lines
from pocketbench.reports.measured_choice import to_top_one
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from tests.reports.paper_samples import make_suite_table
from tests.reports.synthetic import make_artifact, make_example, make_sessions, make_spec

TABLE = make_suite_table()
LINES = make_lines(TABLE)


def test_every_column_that_was_asked_for_is_there() -> None:
    heads = [column.head for column in list_columns(LINES)]
    assert heads == [
        *("Attention", "Gate", "Precision", "File", "Runtime", "Device", "Threads", "Param.", "M-Adds", "Size"),
        *("Latency, ms", "p90, ms", "Overhead, ms", "Top-1 measured", "Top-1 published"),
    ]


def test_a_top1_that_nobody_has_has_no_column() -> None:
    file = make_artifact(make_spec())
    keys = [column.key for column in list_columns(make_lines(make_table([file], make_sessions(file, 5.0), [])))]
    assert not {"measured", "published"} & set(keys)


def test_cells_hold_the_number_that_they_are_sorted_by() -> None:
    (line,) = [line for line in LINES if (line.attention, line.precision, line.engine) == ("ca", "int8", "litert")]
    values = {column.key: column.read(line) for column in list_columns(LINES)}
    assert values["median"].number == (line.median_ns or 0) / 1e6
    assert (values["median"].text, values["median"].detail) == ("2.98", "2.95 to 3.01")
    assert values["overhead"].detail == "x1.22"
    assert (values["measured"].text, values["measured"].detail) == ("92.5 %", "92.0 to 93.0")
    assert values["gate"].text == "hard_sigmoid"


def judge_by_few(table: Table) -> Table:
    """The table with its first file's top-1 from 200 pictures, the best of all."""
    row = table.rows[0]
    top1 = row.files[0].top1
    assert top1 is not None
    few = to_top_one(replace(top1.accuracy, top1_fraction=0.99, image_count=200))
    files = (replace(row.files[0], top1=few), *row.files[1:])
    return replace(table, rows=(replace(row, files=files), *table.rows[1:]))


def test_a_top1_of_fewer_pictures_is_marked() -> None:
    lines = make_lines(judge_by_few(TABLE))
    read = {column.key: column.read for column in list_columns(lines)}["measured"]
    values = {(line.row_index, line.kind_index): read(line) for line in lines if line.file.top1 is not None}
    assert [key for key, value in values.items() if value.is_rough] == [(0, 0)]
    assert values[0, 0].detail == "96.4 to 99.7\n200 pictures"
    page = format_explorer(lines, "")
    assert "<small>96.4 to 99.7</small><small>200 pictures</small>" in page
    assert page.count(" data-rough") == len([line for line in lines if (line.row_index, line.kind_index) == (0, 0)])


def test_what_is_missing_says_why() -> None:
    table = make_table(*make_example())
    line = next(line for line in make_lines(table) if line.attention == "se" and line.engine == "onnxruntime")
    values = {column.key: column.read(line) for column in list_columns(make_lines(table))}
    assert (values["median"].text, values["median"].number) == ("–", None)
    assert any("SIGSEGV" in table.notes[note] for note in values["median"].notes)


def test_addresses_are_words_and_each_is_one_of_a_kind() -> None:
    names = name_results(LINES)
    assert "result-mobilenet_v2_1.0_ca32_224-litert-1-thread-tflite-int8" in names
    twins = make_lines(
        make_table(
            [make_artifact(None, "onnx", file_name=name) for name in ("ä b.onnx", "ö b.onnx", "A B.onnx")], [], []
        )
    )
    names = name_results(twins)
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[a-z0-9._~-]+", name) for name in names)


def test_every_line_links_to_its_details() -> None:
    table_html, details = format_explorer(LINES, ""), format_details(TABLE, LINES)
    links = re.findall(r'href="#(result-[^"]+)"', table_html)
    assert links == name_results(LINES)
    assert re.findall(r'<article class="result" id="([^"]+)"', details) == links
    assert details.count("</article>") == len(links)  # the end of each is found by this text
    assert details.count("</noscript>") == 1


def test_points_carry_both_intervals() -> None:
    data = make_points(LINES)
    assert len(data["places"]) == len(set(data["places"]))
    assert [axis["key"] for axis in data["axes"]] == ["measured", "published", "parameters", "size"]
    assert len(data["points"]) == len([line for line in LINES if line.median_ns is not None])
    for point in data["points"]:
        line = LINES[point["line"]]
        assert line.latency is not None
        assert line.file.top1 is not None
        assert data["places"][point["where"]] == f"{line.network}, {line.runtime_name}"
        assert point["x"][0] == (line.median_ns or 0) / 1e6
        assert point["x"][1] < point["x"][0] < point["x"][2]
        low, high = line.file.top1.low_fraction, line.file.top1.high_fraction
        assert point["y"]["measured"][1:] == [100 * (low or 0), 100 * (high or 0)]


def test_an_axis_for_one_point_is_no_axis() -> None:
    file = make_artifact(make_spec())
    lines = make_lines(make_table([file], make_sessions(file, 5.0), []))
    assert make_points(lines)["axes"] == []


def test_the_chart_is_empty_until_the_page_fills_it() -> None:
    chart = make_explorer_chart(LINES)
    assert {param["name"] for param in chart["params"]} >= {"x_domain", "y_domain"}
    assert "mobilenet" not in json.dumps(chart)
