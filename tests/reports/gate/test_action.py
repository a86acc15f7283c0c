"""The scripts of action.yml and of the reusable workflow, run by bash as GitHub runs them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = {"action": ROOT / "action.yml", "workflow": ROOT / ".github/workflows/speed-gate.yml"}
HOSTILE = "\"; touch pwned; $(touch pwned) `touch pwned` ' * {a,b} -x"
RECORD_CALL = '#!/bin/bash\nprintf "%s\\n" "${0##*/}" "$@" >>"$CALLS"\n'


def read_steps(name: str) -> list[dict[str, Any]]:
    document = yaml.safe_load(FILES[name].read_text())
    found: list[dict[str, Any]] = (document["runs"] if name == "action" else document["jobs"]["gate"])["steps"]
    return found


def find_step(name: str, title: str) -> dict[str, Any]:
    (step,) = [step for step in read_steps(name) if step.get("name") == title]
    return step


@dataclass
class Runner:
    """A folder with stand-ins for the programs that the scripts call."""

    folder: Path

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def put(self, program: str, script: str) -> None:
        path = self.folder / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(RECORD_CALL + script)
        path.chmod(0o755)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.folder / "calls"),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_REPOSITORY": "owner/name",
            **variables,
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder / "work",
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "work").mkdir()
    return Runner(tmp_path)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", FILES)
def test_no_script_is_made_of_what_others_write(name: str) -> None:
    scripts = [step["run"] for step in read_steps(name) if "run" in step]
    assert len(scripts) == 3
    assert not any("${{" in script for script in scripts)


@pytest.mark.parametrize("name", FILES)
def test_every_action_has_a_version(name: str) -> None:
    used = [step["uses"] for step in read_steps(name) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)


def test_both_run_the_same_scripts() -> None:
    for title in ("Speed gate", "Comment on the pull request"):
        assert find_step("action", title)["run"] == find_step("workflow", title)["run"]


@pytest.mark.parametrize("name", FILES)
def test_only_the_comment_gets_a_token(name: str) -> None:
    with_token = [step["name"] for step in read_steps(name) if "token" in str(step.get("env", ""))]
    assert with_token == ["Comment on the pull request"]
    checkouts = [step for step in read_steps(name) if str(step.get("uses")).startswith("actions/checkout")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("code", [0, 1, 3, 4, 5])
def test_the_gate_decides_and_gets_its_options_whole(code: int, runner: Runner) -> None:
    runner.put("pocketbench", f"exit {code}")
    script = find_step("action", "Speed gate")["run"]
    done = runner.run(script, SUITE=HOSTILE, BASE=HOSTILE, INCONCLUSIVE=HOSTILE)
    assert done.returncode == code
    assert runner.calls == [
        *("pocketbench", "gate", f"--suite={HOSTILE}", f"--base-ref={HOSTILE}", f"--inconclusive={HOSTILE}"),
        "--out=out/gate",
    ]
    assert not list(runner.folder.rglob("pwned"))


def test_without_a_base_nothing_runs(runner: Runner) -> None:
    runner.put("pocketbench", "")
    done = runner.run(find_step("action", "Speed gate")["run"], SUITE="paper", BASE="", INCONCLUSIVE="fail")
    assert done.returncode == 2
    assert "::error::" in done.stdout
    assert runner.calls == []


def test_a_report_out_of_a_cache_is_not_taken_for_this_one(runner: Runner) -> None:
    stale = runner.folder / "work/out/gate/report/comment.md"
    stale.parent.mkdir(parents=True)
    stale.write_text("pass")
    runner.put("pocketbench", "exit 3")
    runner.run(find_step("action", "Speed gate")["run"], SUITE="paper", BASE="main", INCONCLUSIVE="fail")
    assert not stale.exists()


def test_a_branch_that_the_checkout_lacks_is_fetched(runner: Runner) -> None:
    branch = "main;touch${IFS}pwned"  # git takes it
    origin, work = runner.folder / "origin", runner.folder / "work"
    origin.mkdir()
    git(origin, "init")
    git(origin, "commit", "--allow-empty", "-m", "base")
    git(origin, "branch", branch)
    git(work, "init")
    git(work, "remote", "add", "origin", origin.as_uri())
    runner.put("pocketbench", 'git rev-parse --verify "refs/remotes/${3#--base-ref=}"')
    script = find_step("action", "Speed gate")["run"]
    done = runner.run(script, SUITE="paper", BASE=f"origin/{branch}", INCONCLUSIVE="pass")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[0-9a-f]{40}", done.stdout.strip())
    assert not list(runner.folder.rglob("pwned"))


def test_a_branch_that_does_not_exist_is_an_error(runner: Runner) -> None:
    git(runner.folder / "work", "init")
    runner.put("pocketbench", "")
    script = find_step("action", "Speed gate")["run"]
    assert runner.run(script, SUITE="paper", BASE="origin/none", INCONCLUSIVE="fail").returncode != 0
    assert runner.calls == []


def write_comment(runner: Runner) -> None:
    path = runner.folder / "work/out/gate/report/comment.md"
    path.parent.mkdir(parents=True)
    path.write_text("<!-- pocketbench-gate -->\n\nverdict")


@pytest.mark.parametrize(
    ("found", "call"),
    [
        ("", ["--method", "POST", "repos/owner/name/issues/7/comments"]),
        ("55", ["--method", "PATCH", "repos/owner/name/issues/comments/55"]),
        ("55\n66", ["--method", "PATCH", "repos/owner/name/issues/comments/55"]),
    ],
)
def test_the_comment_of_an_earlier_run_is_replaced(found: str, call: list[str], runner: Runner) -> None:
    write_comment(runner)
    runner.put("gh", f"[ \"$2\" = --silent ] || printf '{found}'")
    done = runner.run(find_step("action", "Comment on the pull request")["run"], NUMBER="7")
    assert done.returncode == 0, done.stderr
    assert runner.calls[:4] == ["gh", "api", "--paginate", "repos/owner/name/issues/7/comments?per_page=100"]
    assert runner.calls[6:] == ["gh", "api", "--silent", *call, "-F", "body=@out/gate/report/comment.md"]
    assert done.stdout == ""


def test_a_gate_that_broke_leaves_no_old_verdict_standing(runner: Runner) -> None:
    runner.put("gh", '[ "$2" = --silent ] || printf 55')
    runner.run(find_step("action", "Comment on the pull request")["run"], NUMBER="7")
    body = runner.folder / "pocketbench-comment.md"
    assert runner.calls[-1] == f"body=@{body}"
    assert body.read_text().startswith("<!-- pocketbench-gate -->\n\n**Speed gate: no verdict.**")


@pytest.mark.parametrize("broken", ["exit 1", '[ "$2" = --silent ] && exit 1 || true'])
def test_a_comment_that_can_not_be_written_is_a_warning(broken: str, runner: Runner) -> None:
    write_comment(runner)
    runner.put("gh", broken)
    done = runner.run(find_step("action", "Comment on the pull request")["run"], NUMBER="7")
    assert done.returncode == 0
    assert done.stdout.startswith("::warning::")


def test_packages_are_installed_as_named(runner: Runner) -> None:
    runner.put("python", "")
    runner.run(find_step("workflow", "Install pocketbench")["run"], PACKAGE=HOSTILE)
    assert runner.calls[-2:] == ["--", HOSTILE]
    (runner.folder / "calls").unlink()
    runner.run(find_step("action", "Install pocketbench")["run"], GITHUB_ACTION_PATH="/a b")
    assert runner.calls[-3:] == ["--constraint", "/a b/constraints.txt", "/a b"]
