"""docs/gate.md says what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from pocketbench.core.gate_records import VERDICTS
from pocketbench.reports.gate.otava import format_otava
from pocketbench.reports.gate.writer import write_gate_files
from pocketbench.workflow.gate.limits import DEFAULT_LATENCY_RATIO, DEFAULT_PEAK_RSS_RATIO, FILE_KEYS, RUN_KEYS
from tests.reports.gate.sample import make_cell, make_mixed, make_report

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/gate.md").read_text()


def find_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_every_verdict_is_explained_once() -> None:
    found = [verdict for verdict in re.findall(r"^\| (\w+) \|", GUIDE, re.MULTILINE) if verdict in VERDICTS]
    assert sorted(found) == sorted(VERDICTS)


def test_every_limit_is_listed_and_no_other() -> None:
    section = GUIDE.split("## Limits")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    keys = {key.split(".")[0] for row in rows for key in re.findall(r"`(\w+(?:\.ENGINE)?)`", row.split("|")[1])}
    assert keys == {*FILE_KEYS, *RUN_KEYS}
    assert f"| {DEFAULT_LATENCY_RATIO:g} |" in section
    assert f"| {DEFAULT_PEAK_RSS_RATIO:g} |" in section


def test_the_example_of_a_table_sets_known_limits() -> None:
    (example,) = find_blocks("toml")
    table = tomllib.loads(example)["gate"]
    (row,) = table.pop("cell")
    assert set(table) | set(row) - {"model", "format", "engine", "device"} <= {*FILE_KEYS, *RUN_KEYS}


def test_every_file_is_told_of(tmp_path: Path) -> None:
    section = GUIDE.split("## The files of a report")[1]
    told = re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)
    assert sorted(told) == sorted(path.name for path in write_gate_files(make_mixed(), tmp_path))


def test_the_configuration_for_otava_names_columns_that_exist() -> None:
    (example,) = [block for block in find_blocks("yaml") if "otava analyze" in block]
    test = yaml.safe_load(example)["tests"]["speed-gate"]
    heads = format_otava(make_report(make_cell("pass", "mobilenet_v2_1.0_ca32_224", 1.0))).splitlines()[0].split(",")
    named = [test["time_column"], *test["attributes"], *(metric["column"] for metric in test["metrics"].values())]
    assert named == heads


def test_the_inputs_of_the_action_and_of_the_workflow_are_listed() -> None:
    section = GUIDE.split("| input |")[1].split("\n\n")[0]
    told = {name for row in section.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    action = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    workflow = yaml.safe_load((ROOT / ".github/workflows/speed-gate.yml").read_text())
    called = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 takes `on` for a truth value
    assert told == set(action) | set(called)
    assert set(called) - set(action) == {"package", "runner"}


def test_the_recipes_are_yaml() -> None:
    blocks = find_blocks("yaml")
    assert len(blocks) == 5
    assert all(isinstance(yaml.safe_load(block), dict) for block in blocks)
