import json

import pytest

from pocketbench.blocks.catalog import BACKBONES, BLOCKS
from pocketbench.export.catalog import FORMATS
from pocketbench.profile.catalog import ENGINES
from tests.cli.command import run_command

SECTIONS = ["blocks", "backbones", "formats", "engines", "devices", "suites"]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    folder = tmp_path_factory.mktemp("list")
    done = run_command("list", "--json", cwd=folder, POCKETBENCH_TFLITE_RUNTIME_PYTHON=None)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def names(rows):
    return [row["name"] for row in rows]


def test_every_registered_name_is_listed(everything):
    assert list(everything) == SECTIONS
    assert names(everything["blocks"]) == BLOCKS.names()
    assert names(everything["backbones"])[: len(BACKBONES.names())] == BACKBONES.names()
    assert names(everything["formats"]) == FORMATS.names()
    assert names(everything["engines"]) == ENGINES.names()
    assert {"paper", "smoke"} <= set(names(everything["suites"]))
    assert all(row["summary"] for rows in everything.values() for row in rows)


def test_the_host_is_a_device_with_its_name_in_results(everything):
    from pocketbench.profile.device import read_host_device

    (host,) = everything["devices"]
    assert host["name"] == "host"
    assert read_host_device().device_id in host["summary"]


def test_an_engine_that_needs_an_environment_says_how_to_make_it(everything):
    engine = next(row for row in everything["engines"] if row["name"] == "tflite_runtime")
    assert "make setup-tflite-runtime" in engine["problem"]
    assert next(row for row in everything["engines"] if row["name"] == "litert")["problem"] is None


def test_one_section_in_lines(tmp_path):
    done = run_command("list", "blocks", cwd=tmp_path)
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines if line[2] != " "] == BLOCKS.names()
    place = next(index for index, line in enumerate(lines) if line.split()[0] == "se")
    assert [line.strip() for line in lines[place + 1 : place + 4]] == [
        "Hu et al., CVPR 2018, arXiv:1709.01507",
        "2 * C * (C // r) + C // r + C parameters, r = 16",
        "onnx, tflite, coreml; mobile-friendly",
    ]


def test_a_block_says_what_it_costs_and_where_it_goes(everything):
    rows = {row["name"]: row for row in everything["blocks"]}
    assert rows["ca"]["mobile_friendly"] is True
    assert rows["ca"]["formats"] == ["onnx", "tflite", "coreml"]
    heavy = rows["non_local"]
    assert heavy["mobile_friendly"] is False
    assert "(H W)" in heavy["warning"]


def test_all_sections_have_their_heads(tmp_path):
    done = run_command("list", cwd=tmp_path)
    assert [line for line in done.out.splitlines() if not line.startswith(" ")] == [f"{name}:" for name in SECTIONS]


def test_a_broken_suite_is_listed_with_its_problem(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.toml").write_text("title = ")
    done = run_command("list", "suites", cwd=tmp_path)
    lines = done.out.splitlines()
    place = next(index for index, line in enumerate(lines) if line.split()[0] == "mine")
    assert "not usable here: suites/mine.toml is not TOML" in lines[place + 1]


@pytest.mark.parametrize("arguments", [["block"], ["blocks", "engines"], ["--csv"]])
def test_usage_errors(tmp_path, arguments):
    done = run_command("list", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
