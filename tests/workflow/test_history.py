import os
import subprocess
from pathlib import Path

import pytest

from pocketbench.core import store as store_module
from pocketbench.core.store import Store
from pocketbench.workflow.git_commits import read_git_commits
from pocketbench.workflow.history import read_history
from tests.core.samples import make_failed_result
from tests.reports.history_samples import THREADED, make_session, name_commits


def run_git(folder: Path, *arguments: str, at: str = "2026-01-01T00:00:00+00:00") -> str:
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@example.org", f"GIT_{who}_DATE": at}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def make_commit(folder: Path, subject: str, at: str) -> str:
    run_git(folder, "commit", "-q", "--allow-empty", "-m", subject, at=at)
    return run_git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    folder = tmp_path / "checkout"
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "results.sqlite"))


def test_parents_come_before_children_whatever_their_dates(checkout) -> None:
    first = make_commit(checkout, "first", "2026-03-01T00:00:00+00:00")
    between = make_commit(checkout, "never measured", "2026-03-01T00:00:00+00:00")
    second = make_commit(checkout, "naïve: second\n\nmore text", "2026-01-05T10:00:00+02:00")
    run_git(checkout, "checkout", "-q", "-b", "branch", first)
    other = make_commit(checkout, "on a branch", "2026-04-01T00:00:00+00:00")
    run_git(checkout, "checkout", "-q", "main")
    found = read_git_commits([second, "f" * 40, other, "no hash", "HEAD", first])
    names = [commit.commit for commit in found]
    assert sorted(names) == sorted([first, second, other])
    assert between not in names
    assert names[0] == first
    subjects = {commit.commit: (commit.committed_at, commit.subject) for commit in found}
    assert subjects[second] == ("2026-01-05T10:00:00+02:00", "naïve: second")


def test_a_tree_is_no_commit(checkout) -> None:
    make_commit(checkout, "first", "2026-03-01T00:00:00+00:00")
    assert read_git_commits([run_git(checkout, "rev-parse", "HEAD^{tree}")]) == []


def test_outside_a_checkout_or_without_git_nothing_is_known(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert read_git_commits(["f" * 40]) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_git_commits(["f" * 40]) == []


def test_commits_are_in_the_order_of_git_where_it_knows_them(checkout, store) -> None:
    first = make_commit(checkout, "first", "2026-01-01T00:00:00+00:00")
    second = make_commit(checkout, "second", "2026-01-02T00:00:00+00:00")
    store.append(make_session(second, 5.0, 0), make_session(first, 5.0, 1), make_session("f" * 40, 5.0, 2))
    history = read_history(store, {}).history
    assert history.order == "git"
    (cell,) = history.cells
    assert [point.commit for point in cell.points] == [first, second, "f" * 40]
    assert [point.subject for point in cell.points] == ["first", "second", None]


def test_what_names_no_commit_or_failed_is_counted_and_not_shown(store, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "ROWS_AT_ONCE", 2)
    names = name_commits(5)
    store.append(*(make_session(name, 5.0, day) for day, name in enumerate(names)))
    store.append(make_session(None, 5.0), make_session(None, 5.0), make_session(None, 5.0, plan=THREADED))
    store.append(make_failed_result(git_commit=names[0]))
    progress = []
    found = read_history(store, {"thread_count": 1}, lambda done, total: progress.append((done, total)))
    assert progress == [(0, 5)]
    assert [point.commit for point in found.history.cells[0].points] == names
    assert (found.without_commit_count, found.failed_count) == (2, 1)
    assert (read_history(store, {}).without_commit_count, read_history(store, {"engine": "x"}).failed_count) == (3, 0)


def test_an_empty_store_has_no_cells(store) -> None:
    found = read_history(store, {})
    assert (found.history.cells, found.without_commit_count, found.failed_count) == ((), 0, 0)
