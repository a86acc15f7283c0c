"""The suite's [gate] table: what reaches a cell, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import SuiteError
from pocketbench.workflow.gate.limit_rows import SuiteCells, parse_gate
from pocketbench.workflow.gate.limits import FILE_KEYS, RUN_KEYS, CellLimits, GateTable, Limits
from pocketbench.workflow.toml_tables import read_toml

SUITE = SuiteCells(
    models=["net_224", "net_ca32_224"],
    formats=["onnx", "tflite", "coreml"],
    engines={"litert": (".tflite",), "onnxruntime": (".onnx",)},
    devices=["host"],
)
FULL = """\
[gate]
latency_ratio = 1.03
partition_count = 1
outside_delegate_count = 0
layout_operator_count = 2
parameter_count = 4_000_000
mac_count = 320000000
size_bytes = 16000000
parity_error = 1e-3
parameter_ratio = 1
mac_ratio = 1.05
size_ratio = 1.06
peak_rss_ratio = 1.2
same_operators = true
absolute_ms.litert = 6
absolute_ms.onnxruntime = 8.5

[[gate.cell]]
format = "tflite"
latency_ratio = 1.05
absolute_ms.litert = 7.0

[[gate.cell]]
model = "net_ca32_224"
device = "host"
latency_ratio = 1.08

[[gate.cell]]
model = "net_ca32_224"
same_operators = false
partition_count = 3
"""


def parse(folder: Path, text: str, suite: SuiteCells = SUITE) -> GateTable:
    path = folder / "mine.toml"
    path.write_text(text)
    return parse_gate(read_toml(path).table("gate"), suite)


def refuse(folder: Path, text: str, what: str, cure: str, suite: SuiteCells = SUITE) -> None:
    with pytest.raises(SuiteError) as caught:
        parse(folder, text, suite)
    message = caught.value.what.removeprefix(str(folder / "mine.toml"))
    assert message != caught.value.what
    assert message.startswith(what), message
    assert cure in caught.value.cure, caught.value.cure


def test_every_key_reaches_its_field(tmp_path: Path) -> None:
    table = parse(tmp_path, FULL)
    assert table.limits == Limits(
        latency_ratio=1.03,
        partition_count=1,
        outside_delegate_count=0,
        layout_operator_count=2,
        parameter_count=4_000_000,
        mac_count=320_000_000,
        size_bytes=16_000_000,
        parity_error=1e-3,
        parameter_ratio=1.0,
        mac_ratio=1.05,
        size_ratio=1.06,
        peak_rss_ratio=1.2,
        same_operators=True,
        absolute_ms={"litert": 6.0, "onnxruntime": 8.5},
    )
    assert set(Limits.__dataclass_fields__) == {*FILE_KEYS, *RUN_KEYS}


def test_no_table_is_the_defaults(tmp_path: Path) -> None:
    found = parse(tmp_path, "").find("net_224", "onnx", "onnxruntime", "host")
    assert found == Limits()
    assert (found.latency_ratio, found.peak_rss_ratio, found.partition_count) == (1.015, 1.10, None)


@pytest.mark.parametrize(
    ("cell", "latency_ratio", "litert_ms", "same_operators", "partition_count"),
    [
        (("net_224", "onnx", "onnxruntime", "host"), 1.03, 6.0, True, 1),
        (("net_224", "tflite", "litert", "host"), 1.05, 7.0, True, 1),
        # a later row wins, and leaves alone what it does not name
        (("net_ca32_224", "tflite", "litert", "host"), 1.08, 7.0, False, 3),
        (("net_ca32_224", "onnx", "onnxruntime", "host"), 1.08, 6.0, False, 3),
        # the file by itself: a row that names a device is not about it
        (("net_ca32_224", "tflite"), 1.05, 7.0, False, 3),
        (("net_ca32_224", "onnx"), 1.03, 6.0, False, 3),
    ],
)
def test_rows_replace_what_they_name_in_their_cells(
    tmp_path: Path,
    cell: tuple[str, ...],
    latency_ratio: float,
    litert_ms: float,
    same_operators: bool,
    partition_count: int,
) -> None:
    limits = parse(tmp_path, FULL).find(*cell)
    assert limits.latency_ratio == latency_ratio
    assert limits.absolute_ms == {"litert": litert_ms, "onnxruntime": 8.5}
    assert limits.same_operators is same_operators
    assert limits.partition_count == partition_count
    assert limits.mac_count == 320_000_000


def test_finding_limits_changes_no_table() -> None:
    row = CellLimits(model="a", values={"absolute_ms": {"litert": 1.0}})
    table = GateTable(cells=(row,))
    assert table.find("a", "tflite", "litert", "host").absolute_ms == {"litert": 1.0}
    assert table.find("b", "tflite", "litert", "host").absolute_ms == {}


def test_of_two_rows_for_a_cell_the_later_wins_whichever_names_more(tmp_path: Path) -> None:
    narrow = '[[gate.cell]]\nmodel = "net_224"\nengine = "litert"\nlatency_ratio = 1.2\n'
    wide = '[[gate.cell]]\nengine = "litert"\nlatency_ratio = 1.1\n'
    cell = ("net_224", "tflite", "litert", "host")
    assert parse(tmp_path, narrow + wide).find(*cell).latency_ratio == 1.1
    assert parse(tmp_path, wide + narrow).find(*cell).latency_ratio == 1.2


ROW = '[gate]\n\n[[gate.cell]]\nformat = "onnx"\nlatency_ratio = 1.1\n\n[[gate.cell]]\n'


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        ("[gate]\nlatency = 1.03\n", ", line 2: gate.latency is an unknown key", "'latency_ratio'"),
        ("[gate]\npartitions = 1\n", ", line 2: gate.partitions is an unknown key", "'partition_count'"),
        ("[gate]\ncells = 1\n", ", line 2: gate.cells is an unknown key", "'cell'"),
        ("gate = 3\n", ", line 1: gate is 3", "begins with [gate]"),
        ("[[gate]]\nlatency_ratio = 1.1\n", ", line 1: gate is [", "begins with [gate]"),
        ("[gate]\nlatency_ratio = 0.03\n", ", line 2: gate.latency_ratio is 0.03", "from 1.001 to 100"),
        ("[gate]\nlatency_ratio = 1\n", ", line 2: gate.latency_ratio is 1", "from 1.001 to 100"),
        ("[gate]\nlatency_ratio = nan\n", ", line 2: gate.latency_ratio is nan", "from 1.001"),
        ("[gate]\nlatency_ratio = true\n", ", line 2: gate.latency_ratio is True", "number"),
        ("[gate]\npeak_rss_ratio = 0.9\n", ", line 2: gate.peak_rss_ratio is 0.9", "from 1 to 100"),
        ("[gate]\npartition_count = -1\n", ", line 2: gate.partition_count is -1", "whole number from 0"),
        ("[gate]\npartition_count = 1.0\n", ", line 2: gate.partition_count is 1.0", "whole number from 0"),
        ("[gate]\nmac_count = 3.2e8\n", ", line 2: gate.mac_count is 320000000.0", "whole number from 0"),
        ("[gate]\nparity_error = -1e-3\n", ", line 2: gate.parity_error is -0.001", "from 0 to 1000"),
        ("[gate]\nsize_ratio = 0\n", ", line 2: gate.size_ratio is 0", "from 0.01 to 100"),
        ("[gate]\nsame_operators = 1\n", ", line 2: gate.same_operators is 1", "true or false"),
        # engines
        (
            "[gate]\nmac_ratio = 1.0\nabsolute_ms.liteRT = 6\n",
            ", line 3: gate.absolute_ms.liteRT is an unknown key",
            "'litert'",
        ),
        ("[gate]\nabsolute_ms = {coreml = 6}\n", ", line 2: gate.absolute_ms.coreml is an unknown key", "litert"),
        ("[gate]\n[gate.absolute_ms]\nort = 6\n", ", line 3: gate.absolute_ms.ort is an unknown key", "onnxruntime"),
        ("[gate]\nabsolute_ms.litert = 0\n", ", line 2: gate.absolute_ms.litert is 0", "from 1e-06"),
        ('[gate]\nabsolute_ms.litert = "6 ms"\n', ", line 2: gate.absolute_ms.litert is '6 ms'", "number"),
        ("[gate]\nabsolute_ms = 6\n", ", line 2: gate.absolute_ms is 6", "[gate.absolute_ms]"),
        ("[gate]\nabsolute_ms = {}\n", ", line 2: gate.absolute_ms names no engine", "absolute_ms.litert = 6.0"),
        # rows
        ("[gate]\ncell = []\n", ", line 2: gate.cell stands 0 times", "[[gate.cell]] 1 to 1000"),
        ("[gate]\n[gate.cell]\nformat = 'onnx'\n", ", line 1: gate.cell is {", "begin with [[gate.cell]]"),
        (ROW + "latency_ratio = 1.1\n", ", line 7: gate.cell[2] names no cell", "model, format, engine, device"),
        (ROW + 'format = "tflite"\n', ", line 7: gate.cell[2] sets no limit", "latency_ratio"),
        (ROW + 'fromat = "tflite"\n', ", line 8: gate.cell[2].fromat is an unknown key", "'format'"),
        (
            ROW + 'model = "net_ca_224"\nlatency_ratio = 2\n',
            ", line 8: gate.cell[2].model is 'net_ca_224': the suite has no such model",
            "did you mean 'net_ca32_224'?",
        ),
        (
            ROW + 'format = "tflight"\nlatency_ratio = 2\n',
            ", line 8: gate.cell[2].format is 'tflight': the suite has no such format",
            "'tflite'",
        ),
        (
            ROW + 'engine = "tflite_runtime"\nlatency_ratio = 2\n',
            ", line 8: gate.cell[2].engine is 'tflite_runtime': the suite has no such engine",
            "litert, onnxruntime",
        ),
        (ROW + 'device = "pixel"\nlatency_ratio = 2\n', ", line 8: gate.cell[2].device is 'pixel'", "host"),
        (ROW + 'model = ["net_224"]\nlatency_ratio = 2\n', ", line 8: gate.cell[2].model is [", "text"),
        (
            ROW + 'format = "tflite"\nlatency_ratio = 0.9\n',
            ", line 9: gate.cell[2].latency_ratio is 0.9",
            "from 1.001",
        ),
        (
            ROW + 'format = "tflite"\nabsolute_ms.litertt = 2\n',
            ", line 9: gate.cell[2].absolute_ms.litertt is an unknown key",
            "'litert'",
        ),
        # rows that would guard nothing
        (
            ROW + 'format = "tflite"\nabsolute_ms.onnxruntime = 2\n',
            ", line 9: gate.cell[2].absolute_ms.onnxruntime would guard nothing: that engine runs no cell",
            "change the row",
        ),
        (
            ROW + 'format = "onnx"\nengine = "litert"\nlatency_ratio = 2\n',
            ", line 10: gate.cell[2].latency_ratio would guard nothing: no engine of the suite runs format onnx",
            "change the row",
        ),
        (
            ROW + 'format = "coreml"\npeak_rss_ratio = 2\n',
            ", line 9: gate.cell[2].peak_rss_ratio would guard nothing: no engine of the suite runs format coreml",
            "change the row",
        ),
        (
            ROW + 'engine = "litert"\ndevice = "host"\npartition_count = 1\n',
            ", line 10: gate.cell[2].partition_count would guard nothing: it is a limit of the file",
            "without engine and device",
        ),
        (
            ROW + 'format = "onnx"\npartition_count = 1\n',
            ", line 9: gate.cell[2].partition_count would guard nothing: only tflite",
            "take it out",
        ),
    ],
)
def test_a_rule_that_is_broken_is_named(tmp_path: Path, text: str, what: str, cure: str) -> None:
    refuse(tmp_path, text, what, cure)


def test_a_delegate_limit_of_a_suite_without_tflite_guards_nothing(tmp_path: Path) -> None:
    suite = SuiteCells(models=["net_224"], formats=["onnx"], engines={"onnxruntime": (".onnx",)}, devices=["host"])
    text = "[gate]\noutside_delegate_count = 0\n"
    refuse(tmp_path, text, ", line 2: gate.outside_delegate_count would guard nothing", "take it out", suite)


def test_a_format_without_an_engine_keeps_the_limits_of_its_files(tmp_path: Path) -> None:
    table = parse(tmp_path, '[[gate.cell]]\nformat = "coreml"\nlayout_operator_count = 5\n')
    assert table.find("net_224", "coreml").layout_operator_count == 5
    assert table.find("net_224", "onnx").layout_operator_count is None


def test_a_thousand_rows_are_enough(tmp_path: Path) -> None:
    row = '[[gate.cell]]\nformat = "onnx"\nmac_ratio = 1.1\n'
    assert len(parse(tmp_path, row * 1000).cells) == 1000
    refuse(tmp_path, row * 1001, ", line 1: gate.cell stands 1001 times", "1 to 1000")
