import csv
import io
import json

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.reports.csv_json import COLUMNS, format_csv, format_json, parse_json
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_artifact, make_example, make_sessions, make_spec


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_reads_back_as_the_same_table() -> None:
    artifacts, results, accuracies = make_example()
    table = make_table(artifacts, results, accuracies)
    assert parse_json(format_json(table), "report.json") == table
    with pytest.raises(FileFault, match=r"data\.lines"):
        parse_json(format_json(table).replace('"rows"', '"lines"'), "report.json")


def test_csv_has_a_line_for_each_file_and_runtime_in_base_units() -> None:
    artifacts, results, accuracies = make_example()
    lines = read_csv(format_csv(make_table(artifacts, results, accuracies)))
    assert len(lines) == 7
    (ca,) = [line for line in lines if line["block"] == "ca" and line["engine"] == "litert"]
    assert ca["name"] == "mobilenet_v2_1.0_ca32_224"
    assert ca["parameter_count"] == "3950600"
    assert ca["published_top1_fraction"] == "0.743"
    assert ca["size_bytes"] == "15882400"
    assert float(ca["wall_median_ns"]) == pytest.approx(5.58e6, rel=0.01)
    assert float(ca["wall_overhead_difference_ns"]) == pytest.approx(0.95e6, rel=0.01)
    assert float(ca["wall_overhead_ratio"]) == pytest.approx(5.58 / 4.63, rel=0.01)
    assert ca["cpu_clock"] == "thread"
    (base,) = [line for line in lines if line["is_baseline"] == "True" and line["engine"] == "litert"]
    assert base["wall_overhead_difference_ns"] == "0.0"


def test_csv_leaves_empty_what_is_not_known_and_says_why() -> None:
    artifacts, results, accuracies = make_example()
    lines = read_csv(format_csv(make_table(artifacts, results, accuracies)))
    (crashed,) = [line for line in lines if line["block"] == "se" and line["engine"] == "onnxruntime"]
    assert {crashed[name] for name in COLUMNS if name.startswith(("wall", "cpu", "top1"))} == {""}
    assert "SIGSEGV" in crashed["notes"]


def test_csv_names_a_file_that_never_ran() -> None:
    (line,) = read_csv(format_csv(make_table([make_artifact(make_spec())], [], [])))
    assert (line["format"], line["engine"], line["wall_median_ns"]) == ("tflite", "", "")


@pytest.mark.parametrize("name", ["=HYPERLINK(1).onnx", "+1.onnx", "-1.onnx", "@x.onnx"])
def test_csv_holds_no_formula(name: str) -> None:
    file = make_artifact(None, "onnx", file_name=name)
    (line,) = read_csv(format_csv(make_table([file], make_sessions(file, 1.0), [])))
    assert line["name"] == line["file_name"] == "'" + name


def test_csv_survives_quotes_and_lines() -> None:
    file = make_artifact(None, "onnx", file_name='a "b", c\nd.onnx')
    (line,) = read_csv(format_csv(make_table([file], [], [])))
    assert line["file_name"] == 'a "b", c\nd.onnx'


def test_json_is_plain_json() -> None:
    assert json.loads(format_json(make_table([], [], [])))["kind"] == "Table"
