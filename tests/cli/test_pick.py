import json

import pytest
from click.testing import CliRunner

from pocketbench.cli.pick import command
from pocketbench.core.errors import UsageError
from pocketbench.workflow import pick as workflow
from pocketbench.workflow.pick import SuitePick
from tests.reports.pick_samples import File, build, name, pick
from tests.reports.synthetic import make_spec

FILES = [File(None, 4.5, 0.921), File("ca", 5.6, 0.931), File("cbam", 7.9, 0.95)]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command over a table that needs no suite; `given` holds what it asked for."""
    monkeypatch.setenv("POCKETBENCH_DATABASE", str(tmp_path / "results.sqlite"))
    given = {}

    def pick_from_suite(suite, folder, store, *, budget_ms, **others):  # noqa: ARG001 (the signature of what it stands for)
        given.update(others, suite=suite, folder=folder)
        filters = {name: others[name] for name in ("engine", "thread_count")}
        return SuitePick(pick=pick(build(run.files), budget_ms, **filters), missing=run.missing)

    def run(*arguments):
        done = CliRunner().invoke(command, arguments, standalone_mode=False)
        return done.return_value, done.stdout, done.stderr, done.exception

    monkeypatch.setattr(workflow, "pick_from_suite", pick_from_suite)
    run.files, run.missing, run.given = FILES, [], given
    return run


def test_the_answer_on_the_first_line_and_a_pass(run):
    code, out, err, _ = run("--max-ms", "6")
    assert (code, err) == (0, "")
    assert out.startswith(f"{name('ca')}: top-1 93.1 %")
    assert (run.given["suite"], run.given["device"], str(run.given["folder"])) == ("paper", "host", "out/export")


def test_options_reach_the_choice(run):
    code, *_ = run("--max-ms", "6", "--engine", "litert", "--threads", "1", "--data", "x", "--artifacts", "a")
    assert code == 0
    assert (run.given["engine"], run.given["thread_count"], run.given["dataset"]) == ("litert", 1, "x")
    assert str(run.given["folder"]) == "a"


def test_json_has_the_chosen_one_and_the_others_with_their_figures(run):
    _, out, _, _ = run("--max-ms", "6", "--json")
    data = json.loads(out)
    assert data["chosen"]["file_name"] == name("ca")
    assert data["chosen"]["median_ns"] == pytest.approx(5.6e6)
    fates = {item["candidate"]["file_name"]: item["fate"] for item in data["others"]}
    assert fates == {name(None): "less_accurate", name("cbam"): "too_slow"}
    assert (data["verdict"], data["basis"]["dataset"]) == ("picked", "Fashion-MNIST")


def test_nothing_within_the_budget_is_exit_code_4_with_the_budget_that_would_do(run):
    code, out, err, _ = run("--max-ms", "1")
    assert code == 4
    assert out.startswith("nothing is within 1 ms on host: the fastest is ")
    (line,) = err.splitlines()
    budget = line.removeprefix("  try: --max-ms ").split(",")[0]
    assert run("--max-ms", budget)[0] == 0


def test_what_can_not_be_said_is_exit_code_5_with_a_cure(run):
    run.files = [File("ca", 5.9, 0.931, spread=0.3)]
    code, _, err, _ = run("--max-ms", "6", "--suite", "mine.toml")
    assert (code, err) == (
        5,
        "  try: pocketbench profile --suite mine.toml --sessions 6: more sessions, narrower intervals\n",
    )
    run.files = [File("ca", 4.9, None)]
    code, _, err, _ = run("--max-ms", "6")
    assert (code, err) == (5, "  try: pocketbench accuracy FILE... --data DATASET\n")


def test_missing_files_are_said(run):
    run.missing = [(make_spec("se"), "tflite")]
    code, _, err, _ = run("--max-ms", "6")
    assert code == 0
    assert err.startswith("left out, no current file: mobilenet_v2_1.0_se24_224 tflite\n")


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf", "-inf"])
def test_a_budget_that_is_none(run, budget):
    *_, error = run("--max-ms", budget)
    assert isinstance(error, UsageError)
    assert error.what == f"--max-ms {float(budget):g} is no budget"


@pytest.mark.parametrize("arguments", [(), ("--max-ms", "six"), ("--max-ms", "6", "--threads", "0")])
def test_a_command_that_is_not_understood(run, arguments):
    *_, error = run(*arguments)
    assert "--max-ms" in str(error.format_message()) or "--threads" in str(error.format_message())
