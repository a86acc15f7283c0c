import csv
import dataclasses
import io
import json

import pytest

from pocketbench.core.store import Store
from tests.cli.command import run_command
from tests.core.samples import ARTIFACT, RESULT, make_failed_result, make_result


@pytest.fixture
def folder(tmp_path):
    """A folder whose default store holds three sessions of one run, one of them failed, and one of another."""
    artifact = dataclasses.replace(ARTIFACT, spec=None, file_name="light.onnx", format="onnx", precision=None)
    plan = dataclasses.replace(RESULT.plan, engine="onnxruntime")
    Store(str(tmp_path / "out" / "results.sqlite")).append(
        RESULT,
        make_result(session_index=1),
        make_failed_result(session_index=2),
        make_result(artifact=artifact, plan=plan, run_id="second"),
    )
    return tmp_path


@pytest.fixture
def run(folder):
    return lambda *arguments: run_command("results", *arguments, cwd=folder, POCKETBENCH_DATABASE=None)


def test_a_table_a_run_with_a_row_a_session(run):
    done = run()
    assert done.code == 0
    assert done.err == "4 results in out/results.sqlite\n"
    lines = done.out.splitlines()
    assert lines[0] == "run 20260102T030405Z-abcdef on host"
    assert " ".join(lines[2].split()) == (
        "mobilenet_v2_1.0_ca32_224 tflite fp32 litert 1 0 3.50 4.70 2.50 30.0 50.0 90 4 aaaaaaaa busy"
    )
    assert lines[4].rstrip().endswith("timeout: no answer in 120 s; busy")
    assert lines[5] == "run second on host"
    assert lines[7].split()[:3] == ["light", "onnx", "onnxruntime"]


def test_json_has_null_for_what_was_not_measured(run):
    done = run("--json", "--failed")
    (row,) = json.loads(done.out)
    assert (row["session"], row["median_ms"], row["n"]) == (2, None, None)
    assert row["failure"] == "timeout: no answer in 120 s"


def test_csv_has_all_columns_and_whole_numbers(run):
    rows = list(csv.DictReader(io.StringIO(run("--csv").out)))
    assert [row["n"] for row in rows] == ["4", "4", "", "4"]
    assert [row["median_ms"] for row in rows] == ["3.5", "3.5", "", "3.5"]
    assert rows[0]["git_commit"] == "0123abc"


@pytest.mark.parametrize(
    ("arguments", "sessions"),
    [
        (["--limit", "2"], [2, 0]),
        (["--model", "light"], [0]),
        (["--engine", "litert", "--format", "tflite", "--device", "host"], [0, 1, 2]),
        (["--run", "second"], [0]),
        (["--run", "second", "--failed"], []),
    ],
)
def test_filters(run, arguments, sessions):
    done = run("--json", *arguments)
    assert done.code == 0
    assert [row["session"] for row in json.loads(done.out)] == sessions


def test_a_misspelt_filter_finds_nothing_and_says_what_is_there(run):
    done = run("--engine", "litrt")
    assert (done.code, done.out) == (0, "")
    assert done.err == "no engine 'litrt' in out/results.sqlite; did you mean 'litert'? Known: litert, onnxruntime\n"


def test_filters_that_exclude_each_other_are_told_apart_from_misspelt_ones(run):
    assert run("--model", "light", "--engine", "litert").err == (
        "no result in out/results.sqlite matches all of these filters\n"
    )


def test_where_nothing_was_measured_nothing_is_made(tmp_path):
    done = run_command("results", "--json", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    assert (done.code, json.loads(done.out)) == (0, [])
    assert "nothing was measured yet" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_an_error_in_two_lines(tmp_path):
    (tmp_path / "notes.txt").write_text("these are notes, and no database\n" * 100)
    done = run_command("results", cwd=tmp_path, POCKETBENCH_DATABASE="notes.txt")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("pocketbench: notes.txt is not a results database")
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("arguments", [["--csv", "--json"], ["--limit", "0"], ["--limit", "many"], ["more"]])
def test_usage_errors(tmp_path, arguments):
    assert run_command("results", *arguments, cwd=tmp_path).code == 2


def test_a_device_is_found_by_its_name(tmp_path):
    def on(device_id, name):
        device = dataclasses.replace(RESULT.device, device_id=device_id, name=name)
        return make_result(
            device=device, run_id=f"on-{device_id}", plan=dataclasses.replace(RESULT.plan, core_mask=0x70)
        )

    store = Store(str(tmp_path / "out" / "results.sqlite"))
    unknown = on("ssh-2", "rpi5")
    unknown = dataclasses.replace(unknown, plan=dataclasses.replace(unknown.plan, thread_count=None))
    store.append(on("adb-1", "pixel4"), on("ssh-1", "rpi5"), unknown)
    done = run_command("results", "--device", "pixel4", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    assert done.out.splitlines()[0] == "run on-adb-1 on pixel4 (adb-1)"
    assert "litert, cores 4-6" in done.out
    listed = run_command("results", "--csv", cwd=tmp_path, POCKETBENCH_DATABASE=None).out
    rows = list(csv.DictReader(io.StringIO(listed)))
    assert [(row["device_name"], row["core_mask"], row["threads"]) for row in rows] == [
        ("pixel4", "112", "1"),
        ("rpi5", "112", "1"),
        ("rpi5", "112", ""),
    ]
    assert done.err == "1 result in out/results.sqlite\n"
    done = run_command("results", "--device", "rpi5", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    assert (done.code, done.err.splitlines()) == (
        2,
        ["pocketbench: 2 devices are called 'rpi5'", "  try: choose one of ssh-1, ssh-2"],
    )
