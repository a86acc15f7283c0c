"""A commit's own suite and its own code, not those of the working tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.workflow.gate import base_place
from pocketbench.workflow.gate.base_place import (
    BasePlace,
    find_base_suite,
    find_place,
    list_python_folders,
    make_environment,
    refuse_foreign_code,
)
from pocketbench.workflow.gate.worktree import open_worktree
from tests.workflow.gate.repositories import commit_files, git, isolate_git, make_repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate_git(monkeypatch)
    return make_repository(
        tmp_path,
        {"nets.py": "side = 'base'", "src/packed/__init__.py": "side = 'base'", "suites/gate.toml": "", "deep/a/x": ""},
    )


def place_at(folder: Path) -> BasePlace:
    return find_place(git(folder, "rev-parse", "HEAD"), folder)


class TestSuites:
    def test_a_suite_of_the_commit_is_found_by_name_and_by_file(self, repository: Path) -> None:
        place = place_at(repository)
        (repository / "suites" / "gate.toml").unlink()
        assert find_base_suite("gate", place) == "gate"
        assert find_base_suite("suites/gate.toml", place) == "suites/gate.toml"
        assert find_base_suite(str(repository / "suites/gate.toml"), place) == "suites/gate.toml"

    def test_from_a_folder_inside_the_path_leads_up(self, repository: Path) -> None:
        place = place_at(repository / "deep" / "a")
        assert find_base_suite("../../suites/gate.toml", place) == "../../suites/gate.toml"
        assert find_base_suite(str(repository / "suites/gate.toml"), place) == "../../suites/gate.toml"
        assert find_base_suite("gate", place) is None

    def test_a_suite_that_only_the_working_tree_has_is_none_of_the_commit(self, repository: Path) -> None:
        (repository / "suites" / "later.toml").write_text("")
        for suite in ("later", "suites/later.toml", str(repository / "suites/later.toml")):
            assert find_base_suite(suite, place_at(repository)) is None

    def test_a_folder_that_only_the_working_tree_has_hides_no_suite_of_the_commit(self, repository: Path) -> None:
        """Else every model would be new, and the gate green, wherever git does not know the user's folder."""
        (repository / "later").mkdir()
        place = place_at(repository / "later")
        assert find_base_suite("paper", place) == "paper"
        assert find_base_suite("../suites/gate.toml", place) == "../suites/gate.toml"

    def test_a_suite_outside_the_repository_is_the_same_for_both(self, repository: Path, tmp_path: Path) -> None:
        assert find_base_suite("../out.toml", place_at(repository)) == str(tmp_path / "out.toml")
        assert find_base_suite(str(tmp_path / "out.toml"), place_at(repository)) == str(tmp_path / "out.toml")

    def test_a_suite_that_comes_with_pocketbench_is_known_to_every_commit(self, repository: Path) -> None:
        assert find_base_suite("smoke", place_at(repository)) == "smoke"
        assert find_base_suite("smokee", place_at(repository)) is None

    def test_in_the_repository_of_pocketbench_the_commits_own_suites_count(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit_files(repository, {"pocketbench/__init__.py": "", "suites/own.toml": ""})
        monkeypatch.setattr(base_place, "PACKAGE", repository / "pocketbench")
        place = place_at(repository / "deep")
        assert place.holds_pocketbench
        assert find_base_suite("own", place) == "own"
        assert find_base_suite("smoke", place) is None
        assert not BasePlace(
            repository=repository, commit=git(repository, "rev-parse", "HEAD~1"), folder=repository
        ).holds_pocketbench


def import_there(place: BasePlace, worktree: Path, module: str, folders: Sequence[Path]) -> str:
    """Which side of a module a process in the worktree imports."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {module}; print({module}.side)"],
        cwd=worktree / place.inner_folder,
        env=make_environment(folders),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class TestCode:
    @pytest.fixture
    def changed(self, repository: Path) -> Path:
        for name in ("nets.py", "src/packed/__init__.py"):
            (repository / name).write_text("side = 'head'")
        return repository

    @pytest.mark.parametrize("editable", ["sys.path", "PYTHONPATH", "relative", "none"])
    @pytest.mark.parametrize("inner", ["", "deep/a"])
    def test_however_a_module_is_found_its_base_is_imported(
        self, editable: str, inner: str, changed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A `src` folder that an editable install or PYTHONPATH names, or that nothing names (a plain install)."""
        monkeypatch.chdir(changed / inner)
        if editable == "sys.path":
            monkeypatch.setattr(sys, "path", [*sys.path, str(changed), str(changed / "src")])
        elif editable == "PYTHONPATH":
            monkeypatch.setenv("PYTHONPATH", f"{changed}:{changed / 'src'}")
            monkeypatch.setattr(sys, "path", [*sys.path, str(changed), str(changed / "src")])
        elif editable == "relative":
            monkeypatch.setattr(sys, "path", ["", "../..", "src", "../../src", *sys.path])
        place = place_at(changed / inner)
        with open_worktree(place.commit, changed) as worktree:
            folders = list_python_folders(place, worktree, ["packed"])
            assert import_there(place, worktree, "packed", folders) == "base"
            if editable != "none" or not inner:
                assert import_there(place, worktree, "nets", folders) == "base"

    def test_python_that_does_not_search_the_current_folder_finds_it_too(
        self, changed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONSAFEPATH", "1")
        monkeypatch.setenv("PYTHONPATH", str(changed))
        place = place_at(changed)
        with open_worktree(place.commit, changed) as worktree:
            assert import_there(place, worktree, "nets", list_python_folders(place, worktree, [])) == "base"

    def test_code_of_the_working_tree_is_refused_and_an_installed_package_is_told(
        self, changed: Path, tmp_path: Path
    ) -> None:
        place = place_at(changed)
        with pytest.raises(UsageError, match=r"ignored is not in .* by head's code"):
            refuse_foreign_code({"ignored": str(changed / "ignored.py")}, place, tmp_path / "worktree")
        origins = {
            "nets": str(tmp_path / "worktree" / "nets.py"),
            "pocketbench": base_place.__file__,
            "torchnets": str(tmp_path / "site-packages" / "torchnets.py"),
        }
        (note,) = refuse_foreign_code(origins, place, tmp_path / "worktree")
        assert note.startswith("torchnets is an installed package")
