import json

import pytest

from pocketbench.core.store import Store
from tests.cli.command import run_command
from tests.core.samples import make_failed_result
from tests.reports.history_samples import THREADED, make_noisy, make_session


@pytest.fixture
def run(tmp_path):
    """The command in a folder whose default store holds a cell with a step, a short one, and what is left out."""
    store = Store(str(tmp_path / "out" / "results.sqlite"))
    store.append(*make_noisy([5.0] * 12 + [6.0] * 12, sessions=2, noise=0.01))
    store.append(*make_noisy([5.0] * 3, sessions=1, plan=THREADED))
    store.append(make_session(None, 5.0), make_failed_result())
    return lambda *arguments: run_command(
        "history", *arguments, cwd=tmp_path, POCKETBENCH_DATABASE=None, GIT_CEILING_DIRECTORIES=str(tmp_path.parent)
    )


def test_a_table_a_cell_and_a_change_point_is_no_failure(run):
    done = run()
    assert done.code == 0
    first, second, footer = done.out.split("\n\n")
    assert first.count("\n") == 26
    assert "Change point at " in first
    assert "3 commits: change points are looked for from 10 on." in second
    assert "pocketbench gate" in footer
    assert done.err == "left out for want of a git commit: 1 result\nleft out because they failed: 1 session\n"


def test_json_has_the_cells_that_the_filters_choose(run):
    data = json.loads(run("--threads", "1", "--engine", "litert", "--json").out)
    (cell,) = data["cells"]
    (change,) = cell["changes"]
    assert (data["order"], cell["clock"], len(cell["points"]), change["index"]) == ("time", "thread", 24, 12)
    assert 1.17 < change["ratio"] < 1.23


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["html", "svg", "png"])
def test_a_chart(run, tmp_path, suffix):
    done = run("--out", f"charts/history.{suffix}")
    assert (done.code, done.out) == (0, f"charts/history.{suffix}\n")
    assert (tmp_path / "charts" / f"history.{suffix}").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--engine", "litrt"],
            "no engine 'litrt' in out/results.sqlite; did you mean 'litert'? Known: litert\n",
        ),
        (["--threads", "2"], "no threads 2 in out/results.sqlite; known: 1, 4\n"),
    ],
)
def test_a_filter_that_matches_nothing_says_what_is_there(run, arguments, message):
    done = run(*arguments)
    assert (done.code, done.out, done.err) == (0, "", message)


def test_nothing_to_draw_is_said_and_nothing_is_written(run, tmp_path):
    done = run("--model", "absent", "--out", "history.svg")
    assert (done.code, done.out) == (3, "")
    assert "nothing to draw into history.svg: no model 'absent'" in done.err
    assert len(done.err.splitlines()) == 2
    assert not (tmp_path / "history.svg").exists()


@pytest.mark.parametrize("arguments", [["--out", "history.pdf"], ["--out", "."], ["--threads", "0"], ["more"]])
def test_usage_errors(run, arguments):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2


def test_where_nothing_was_measured_nothing_is_made(tmp_path):
    done = run_command("history", cwd=tmp_path, POCKETBENCH_DATABASE=None)
    assert (done.code, done.out) == (0, "")
    assert "nothing was measured yet" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_help_says_that_it_is_no_gate(tmp_path):
    out = " ".join(run_command("history", "--help", cwd=tmp_path).out.split())
    assert "never a reason for a red build" in out
    assert "pocketbench gate decides" in out
