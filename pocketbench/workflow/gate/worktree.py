"""A commit of the user's repository as files: resolved, checked out in a temporary folder, removed in every case."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, UsageError

PREFIX = "pocketbench-base-"
"""The folder of a worktree is called PREFIX, the process's id, and something unique."""

INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Set while a hook of the user's repository runs (pre-push, say): they would point git at the wrong place."""

QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
"""The user's hooks are made for the user's own checkouts."""


def find_repository(folder: Path) -> Path:
    """The root of the checkout that holds `folder`.

    Raises:
        UsageError: when there is none.
        EnvironmentFault: when git is not installed, or refuses the folder.
    """
    done = run_git(folder, "rev-parse", "--show-toplevel")
    if done.returncode == 0:
        return Path(done.stdout.removesuffix("\n")).resolve()
    if "dubious ownership" in done.stderr:
        line = re.search(r"git config .*safe\.directory.*", done.stderr)
        cure = line[0] if line else f"git config --global --add safe.directory {folder}"
        raise EnvironmentFault(f"git refuses {folder}: it belongs to another user", cure)
    if "not a git repository" in done.stderr or "work tree" in done.stderr:
        raise UsageError(
            f"{folder} is in no git checkout",
            "run in the folder of your checkout, or compare folders: --base FOLDER --head FOLDER",
        )
    raise EnvironmentFault(f"git fails in {folder}: {done.stderr}", "git status there says more")


def resolve_commit(ref: str, folder: Path) -> str:
    """The hash of the commit that a branch, a tag or a hash names in the repository of `folder`.

    Raises:
        UsageError: when it names none here, or `folder` is in no checkout.
        EnvironmentFault: when this clone is too shallow to know, or git can't be used.
    """
    if not ref or ref.startswith("-") or "\0" in ref:
        raise UsageError(f"{ref!r} is no git ref", "name a branch, a tag or a commit: --base-ref origin/main")
    repository = find_repository(folder)
    done = run_git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode == 0:
        return done.stdout.strip()
    what = f"there is no commit {ref!r} in {repository}"
    fetch = _suggest_fetch(ref, repository)
    if is_shallow(repository):
        raise EnvironmentFault(
            f"{what}, which is a shallow clone", f"{fetch}; in GitHub Actions: actions/checkout with fetch-depth: 0"
        )
    raise UsageError(what, fetch)


def is_shallow(repository: Path) -> bool:
    """Whether a clone has only the newest commits."""
    return run_git(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def holds_path(repository: Path, commit: str, path: Path) -> bool:
    """Whether a commit has a file or folder at this place.

    Args:
        path: relative to the repository's root; Path(".") is the root, which every commit has.
    """
    place = "" if path == Path() else path.as_posix()
    return run_git(repository, "cat-file", "-e", f"{commit}:{place}").returncode == 0


@contextmanager
def open_worktree(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit in a temporary folder, for as long as the block runs.

    Submodules are not checked out: that would need the network and other people's credentials.

    Args:
        commit: as `resolve_commit` returned it.
        folder: somewhere in the repository.

    Raises:
        EnvironmentFault: when git can't check the commit out (disk full, a filter such as LFS that fails).
    """
    repository = find_repository(folder)
    _remove_leftovers(repository)
    try:
        worktree = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
    except OSError as error:
        raise EnvironmentFault(f"can't make a temporary folder: {error}", "set TMPDIR to a folder of yours") from error
    try:
        with _sigterm_as_exit():
            done = run_git(repository, "worktree", "add", "--detach", str(worktree), commit)
            if done.returncode != 0:
                raise _explain_checkout(commit, done.stderr)
            yield worktree
    finally:
        _remove_worktree(repository, worktree)


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in `folder`, its messages in English. Raises: EnvironmentFault when it can't be started."""
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED} | {"LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", *QUIET, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",  # a path may hold any bytes
            check=False,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder", "check the path") from error
        raise EnvironmentFault("git is not installed", "sudo apt-get install git") from error
    except OSError as error:
        raise EnvironmentFault(f"git can't be started: {error}", "git --version says more") from error


def _suggest_fetch(ref: str, repository: Path) -> str:
    """The command that brings the ref, from what remotes there are."""
    remotes = run_git(repository, "remote").stdout.split()
    whole, ref = ref, re.split(r"[~^@:]", ref)[0]  # main~3 is fetched with main
    if whole != ref and is_shallow(repository) and _names_commit(ref, repository):
        return "git fetch --unshallow"
    remote, slash, branch = ref.partition("/")
    if slash and remote in remotes:
        return f"git fetch {remote} {branch}"
    for name in remotes:
        if _names_commit(f"{name}/{ref}", repository):
            return f"did you mean {name}/{ref}?"
    if not remotes:
        return "git branch --all and git tag list what there is; the repository has no remote to fetch from"
    return f"git fetch {remotes[0]} {branch if remote == 'origin' and branch else ref}"


def _names_commit(ref: str, repository: Path) -> bool:
    found = run_git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return found.returncode == 0


def _explain_checkout(commit: str, stderr: str) -> EnvironmentFault:
    what = f"git can't check out {commit[:12]}: {stderr}"
    if "filter" in stderr:
        return EnvironmentFault(what, f"a filter failed; with Git LFS: git lfs fetch origin {commit[:12]}")
    return EnvironmentFault(what, f"check free space in {tempfile.gettempdir()}; TMPDIR names another folder")


def _remove_worktree(repository: Path, worktree: Path) -> None:
    """Forget and delete one worktree. `git worktree prune` would forget the user's own on a drive not mounted now."""
    command = ("worktree", "remove", "--force", "--force", str(worktree))  # twice: one that is locked, too
    run_git(repository, *command)
    if worktree.exists():
        shutil.rmtree(worktree, ignore_errors=True)
        run_git(repository, *command)


def _remove_leftovers(repository: Path) -> None:
    """What a run left behind that was killed before it could clean up."""
    listed = run_git(repository, "worktree", "list", "--porcelain").stdout
    for line in listed.splitlines():
        path = Path(line.removeprefix("worktree "))
        made = re.match(rf"{PREFIX}(\d+)-", path.name)
        if line.startswith("worktree ") and made and path.is_dir() and not _is_running(int(made[1])):
            _remove_worktree(repository, path)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """A CI job that is cancelled gets SIGTERM: leave through the `finally` blocks then, not at once."""
    in_charge = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if not in_charge:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
