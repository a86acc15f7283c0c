"""Real git repositories in a temporary folder, with a bare remote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def isolate_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine's user has a say."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit_files(repository: Path, files: dict[str, str | None]) -> str:
    """Write (None: delete) the files, commit them, return the commit."""
    for name, text in files.items():
        path = repository / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "a change")
    return git(repository, "rev-parse", "HEAD")


def make_repository(parent: Path, files: dict[str, str | None], name: str = "my nets") -> Path:
    """A repository with one commit on branch main, which origin/main names too; the remote is `parent`/remote.git."""
    repository = parent / name
    git(parent, "init", "--quiet", "--template=", "--initial-branch=main", name)
    commit_files(repository, files)
    git(parent, "clone", "--quiet", "--template=", "--bare", name, "remote.git")
    git(repository, "remote", "add", "origin", str(parent / "remote.git"))
    git(repository, "update-ref", "refs/remotes/origin/main", "main")
    return repository


def list_worktrees(repository: Path) -> list[str]:
    lines = git(repository, "worktree", "list", "--porcelain").splitlines()
    return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]
