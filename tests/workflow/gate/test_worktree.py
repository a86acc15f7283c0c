"""Refs that exist, refs that don't, and worktrees that are gone in every case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pocketbench.core.errors import EnvironmentFault, PocketbenchError, UsageError
from pocketbench.workflow.gate.worktree import PREFIX, holds_path, open_worktree, resolve_commit
from tests.workflow.gate.repositories import commit_files, git, isolate_git, list_worktrees, make_repository


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go, so that a test sees what is left of them."""
    isolate_git(monkeypatch)
    folder = tmp_path / "temporary files"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def repository(tmp_path: Path, scratch: Path) -> Path:
    assert scratch.is_dir()
    return make_repository(tmp_path, {"nets.py": "base", "inner/file.txt": "x"})


class TestRefs:
    def test_a_branch_a_tag_and_a_short_hash_name_the_commit(self, repository: Path) -> None:
        base = git(repository, "rev-parse", "HEAD")
        git(repository, "tag", "--annotate", "--message", "m", "v1")
        commit_files(repository, {"nets.py": "head"})
        for ref in ("origin/main", "v1", base, base[:8], "HEAD~1", "main^"):
            assert resolve_commit(ref, repository / "inner") == base

    @pytest.mark.parametrize("ref", ["", "-h", "--help", "--output=x", "-"])
    def test_an_option_is_no_ref(self, ref: str, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is no git ref"):
            resolve_commit(ref, tmp_path)

    def test_a_ref_that_is_not_here_says_what_to_fetch(self, repository: Path) -> None:
        cures = {
            "origin/absent": "git fetch origin absent",
            "origin/feature/x~2": "git fetch origin feature/x",
            "absent": "git fetch origin absent",
            "HEAD:nets.py": "git fetch origin HEAD",
            "0" * 40: "git fetch origin 000",
        }
        for ref, cure in cures.items():
            with pytest.raises(UsageError, match="there is no commit") as raised:
                resolve_commit(ref, repository)
            assert cure in raised.value.cure
            assert repr(ref) in raised.value.what

    def test_a_branch_that_only_the_remote_has_is_named(self, repository: Path) -> None:
        git(repository, "checkout", "--quiet", "--detach")
        git(repository, "branch", "--delete", "--force", "main")
        with pytest.raises(UsageError) as raised:
            resolve_commit("main", repository)
        assert "did you mean origin/main" in raised.value.cure

    def test_a_shallow_clone_is_told(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "push", "--quiet", "origin", "main:other")
        commit_files(repository, {"nets.py": "head"})
        git(repository, "push", "--quiet", "origin", "main")
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}/remote.git", "shallow")
        with pytest.raises(EnvironmentFault, match="shallow") as raised:
            resolve_commit("origin/other", tmp_path / "shallow")
        assert "git fetch origin other" in raised.value.cure
        assert "fetch-depth: 0" in raised.value.cure
        with pytest.raises(EnvironmentFault, match="shallow") as raised:
            resolve_commit("HEAD~1", tmp_path / "shallow")
        assert "git fetch --unshallow" in raised.value.cure

    def test_a_folder_without_git_and_a_bare_repository_are_told(self, repository: Path, tmp_path: Path) -> None:
        for folder in (tmp_path, repository.parent / "remote.git"):
            with pytest.raises(UsageError, match="is in no git checkout"):
                resolve_commit("HEAD", folder)
        with pytest.raises(UsageError, match="is no folder"):
            resolve_commit("HEAD", tmp_path / "absent")

    def test_git_that_is_not_installed_is_told(self, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(EnvironmentFault, match="git is not installed"):
            resolve_commit("HEAD", repository)

    def test_what_a_commit_holds(self, repository: Path) -> None:
        base = git(repository, "rev-parse", "HEAD")
        (repository / "later.py").write_text("")
        found = {
            name: holds_path(repository, base, Path(name)) for name in (".", "inner", "inner/file.txt", "later.py")
        }
        assert found == {".": True, "inner": True, "inner/file.txt": True, "later.py": False}


class TestWorktree:
    def test_it_holds_the_commit_and_leaves_the_working_tree_alone(self, repository: Path, scratch: Path) -> None:
        base = git(repository, "rev-parse", "HEAD")
        commit_files(repository, {"nets.py": "head"})
        (repository / "nets.py").write_text("not committed")
        with open_worktree(base, repository / "inner") as worktree:
            assert (worktree / "nets.py").read_text() == "base"
            (worktree / "left by an export.bin").write_text("x")
            assert len(list_worktrees(repository)) == 2
        assert (repository / "nets.py").read_text() == "not committed"
        assert git(repository, "branch", "--show-current") == "main"
        assert list_worktrees(repository) == [str(repository)]
        assert list(scratch.iterdir()) == []

    def test_a_failure_inside_removes_it_too(self, repository: Path, scratch: Path) -> None:
        with pytest.raises(ZeroDivisionError), open_worktree("HEAD", repository):
            raise ZeroDivisionError
        assert list_worktrees(repository) == [str(repository)]
        assert list(scratch.iterdir()) == []

    def test_one_that_is_locked_or_half_deleted_is_removed(self, repository: Path, scratch: Path) -> None:
        with open_worktree("HEAD", repository) as worktree:
            git(repository, "worktree", "lock", str(worktree))
        with open_worktree("HEAD", repository) as worktree:
            (worktree / ".git").unlink()
        assert list_worktrees(repository) == [str(repository)]
        assert list(scratch.iterdir()) == []

    def test_worktrees_of_the_user_stay_even_when_their_drive_is_away(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "worktree", "add", "--detach", str(tmp_path / "drive"))
        (tmp_path / "drive").rename(tmp_path / "unmounted")
        with open_worktree("HEAD", repository):
            pass
        (tmp_path / "unmounted").rename(tmp_path / "drive")
        assert str(tmp_path / "drive") in list_worktrees(repository)

    def test_hooks_of_the_user_do_not_run(self, repository: Path, tmp_path: Path) -> None:
        hook = repository / ".git" / "hooks" / "post-checkout"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        hook.chmod(0o755)
        git(repository, "checkout", "--quiet", "--detach")
        assert (tmp_path / "ran").exists()
        (tmp_path / "ran").unlink()
        with open_worktree("HEAD", repository):
            pass
        assert not (tmp_path / "ran").exists()

    def test_inside_a_hook_the_users_index_is_left_alone(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """git sets these variables for the hooks that it runs; a checkout that heeds them rewrites the user's index."""
        base = git(repository, "rev-parse", "HEAD")
        commit_files(repository, {"nets.py": "head"})
        with monkeypatch.context() as hook:
            hook.setenv("GIT_DIR", str(repository / ".git"))
            hook.setenv("GIT_INDEX_FILE", str(repository / ".git" / "index"))
            hook.setenv("GIT_WORK_TREE", str(repository))
            with open_worktree(resolve_commit(base, repository), repository) as worktree:
                assert (worktree / "nets.py").read_text() == "base"
        assert git(repository, "status", "--porcelain") == ""

    def test_a_filter_that_fails_is_told(self, repository: Path, scratch: Path) -> None:
        """As Git LFS without its objects: a smudge filter that is required and fails."""
        commit_files(repository, {".gitattributes": "*.pth filter=lfs", "best.pth": "pointer"})
        git(repository, "config", "filter.lfs.smudge", "echo object is gone >&2; false")
        git(repository, "config", "filter.lfs.required", "true")
        with pytest.raises(EnvironmentFault, match="filter") as raised, open_worktree("HEAD", repository):
            pass
        assert "git lfs fetch" in raised.value.cure
        assert list_worktrees(repository) == [str(repository)]
        assert list(scratch.iterdir()) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_is_removed_when_the_process_is_stopped(self, number: int, repository: Path, scratch: Path) -> None:
        process = start_holder(repository)
        assert len(list_worktrees(repository)) == 2
        process.send_signal(number)
        assert process.wait(timeout=20) == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
        assert list_worktrees(repository) == [str(repository)]
        assert list(scratch.iterdir()) == []

    def test_what_a_killed_run_left_is_removed_by_the_next(self, repository: Path, scratch: Path) -> None:
        process = start_holder(repository)
        process.kill()
        process.wait()
        (left,) = scratch.iterdir()
        assert left.name.startswith(PREFIX)
        with open_worktree("HEAD", repository) as worktree:
            assert list(scratch.iterdir()) == [worktree]
        assert list_worktrees(repository) == [str(repository)]

    def test_one_of_a_run_that_is_still_at_work_stays(self, repository: Path, scratch: Path) -> None:
        process = start_holder(repository)
        with open_worktree("HEAD", repository):
            pass
        assert len(list(scratch.iterdir())) == 1
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert list(scratch.iterdir()) == []

    def test_a_temporary_folder_that_cannot_be_written_is_told(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(repository / "absent"))
        with pytest.raises(PocketbenchError, match="temporary folder"), open_worktree("HEAD", repository):
            pass


def start_holder(repository: Path) -> subprocess.Popen[bytes]:
    """A process that holds a worktree open until a signal arrives."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pocketbench.workflow.gate.worktree import open_worktree\n"
        "with open_worktree('HEAD', Path(sys.argv[1])) as worktree:\n"
        "    print(worktree, flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(repository)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
        env=dict(os.environ),
        # a job that a shell started in the background ignores Ctrl-C, and so do its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    return process
