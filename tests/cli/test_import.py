import json
import os

import pytest

from pocketbench.core.store import Store
from tests.cli.command import run_command
from tests.profile.parsers.benchmark_text import interpreter_text


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run.txt").write_text(interpreter_text([20_000, 21_000]))
    (tmp_path / "net.tflite").write_bytes(b"a model")
    return tmp_path


@pytest.fixture
def run(folder):
    return lambda *arguments: run_command(*arguments, cwd=folder, POCKETBENCH_DATABASE=None)


def test_import_then_results(run, folder):
    done = run("import", "run.txt", "--device", "pixel4", "--artifact", "net.tflite")
    assert done.out == (
        "imported: 20.5 ms (mean of 2 inferences), net, benchmark_model on pixel4, by benchmark_model\n"
    )
    assert (done.code, done.err) == (0, "1 result in out/results.sqlite\n")
    again = run("import", "run.txt", "--device", "pixel4", "--artifact", "net.tflite")
    assert again.out.startswith("imported already, nothing was changed: 20.5 ms (mean of 2 inferences)")
    assert (again.code, again.err) == (0, "")
    assert Store(str(folder / "out" / "results.sqlite")).count_results() == 1
    table = run("results").out.splitlines()
    assert table[1].split()[-2:] == ["from", "notes"]
    assert " ".join(table[2].split()).startswith("net tflite benchmark_model 1 0 20.5 339 20.3 1 mean ")
    assert "benchmark_model imported" in " ".join(table[2].split())


def test_as_json(run):
    done = run("import", "run.txt", "--device", "pixel4", "--artifact", "net.tflite", "--json")
    row = json.loads(done.out)
    assert row["is_new"] is True
    assert (row["median_ms"], row["p90_ms"], row["n"], row["statistic"]) == (20.5, None, 1, "mean")
    assert (row["origin"], row["device"], row["threads"]) == ("benchmark_model", "imported-pixel4", 1)


def test_a_new_name_that_is_nearly_a_known_one_is_noticed(run, folder):
    run("import", "run.txt", "--device", "pixel4", "--artifact", "net.tflite")
    (folder / "next.txt").write_text(interpreter_text([20_001, 21_000]))
    done = run("import", "next.txt", "--device", "pixel44", "--artifact", "net.tflite")
    assert done.err == "1 result in out/results.sqlite; pixel44 is a new device, did you mean pixel4?\n"


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["run.txt", "--device", "p"], 2, "Missing option '--artifact'"),
        (["gone.txt", "--device", "p", "--artifact", "net.tflite"], 3, "can't read gone.txt"),
        (["net.tflite", "--device", "p", "--artifact", "net.tflite"], 2, "of no program that is known"),
        ([os.devnull, "--device", "p", "--artifact", "net.tflite"], 2, "there is nothing in it"),
        (["run.txt", "--device", "p", "--artifact", "deadbeef"], 2, "no known file has a sha256"),
        (["run.txt", "--device", "p", "--artifact", "net.tflite", "--from", "ncn"], 2, "did you mean 'ncnn'"),
    ],
)
def test_errors_are_two_lines(run, arguments, code, shown):
    done = run("import", *arguments)
    assert (done.code, done.out) == (code, "")
    assert shown in done.err
    assert done.err.count("\n") == 2


def test_a_text_that_is_cut_off_stores_nothing(run, folder):
    whole = interpreter_text([20_000, 21_000])
    (folder / "cut.txt").write_text(whole[: whole.index("Inference timings")])
    done = run("import", "cut.txt", "--device", "p", "--artifact", "net.tflite")
    assert done.code == 3
    assert "did not come to its results" in done.err
    assert not (folder / "out").exists()
