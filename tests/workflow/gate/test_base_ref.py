"""Base's files come from base's own code, once; what is unchanged is not converted again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import move_into_place
from pocketbench.core.records import Artifact
from pocketbench.export.naming import record_path
from pocketbench.workflow.export_models import export_models
from pocketbench.workflow.gate import base_cache, base_ref
from pocketbench.workflow.gate.base_process import ExportReply, SuiteListing, parse_complaints, run_in
from pocketbench.workflow.gate.base_ref import BaseFiles, export_base
from pocketbench.workflow.kept_artifacts import find_current_artifact
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.suites import read_suite
from tests.workflow.gate.repositories import commit_files, git, isolate_git, list_worktrees, make_repository

SUITE = """format = 1
title = "gate"
formats = ["onnx"]
engines = ["onnxruntime"]
"""
MODEL = '[[model]]\nbackbone = "{}"\ninput_size = 16\n'
HEAD, CACHE = Path("out/export"), Path("out/base")


@dataclass
class FakeExport:
    """An exporter at base: a model is a line "name content" of models.txt, "!" for content fails; counts its work."""

    converted: list[str] = field(default_factory=list)
    runs: int = 0
    checkpoints: tuple[str, ...] = ()

    def list_suite(self, suite: str, folder: Path, python_folders: object, packages: object) -> SuiteListing:  # noqa: ARG002
        keys: dict[str, str | None] = {f"{name}.onnx": content for name, content in read_models(folder).items()}
        labels = {name: f"{name} onnx:fp32" for name in keys}
        return SuiteListing(keys=keys, labels=labels, checkpoints=self.checkpoints, origins={})

    def export(self, suite: str, folder: Path, out: Path, python_folders: Sequence[Path]) -> ExportReply:  # noqa: ARG002
        self.runs += 1
        found, stderr = [], ""
        for name, content in read_models(folder).items():
            if content == "!":
                stderr += f"pocketbench: {name}.onnx onnx:fp32: it raised\n  try: repair it\n"
                continue
            if not is_current(out / f"{name}.onnx", content):
                self.converted.append(name)
                write_model(out, name, content)
            found.append(make_artifact(name, content))
        return ExportReply(artifacts=tuple(found), complaints=parse_complaints(stderr), exit_code=3 if stderr else 0)


def read_models(folder: Path) -> dict[str, str]:
    lines = (line.split() for line in (folder / "models.txt").read_text().splitlines())
    return {name: content for name, content in lines}


def make_artifact(name: str, content: str) -> Artifact:
    return Artifact(
        spec=None,
        format="onnx",
        precision=None,
        file_name=f"{name}.onnx",
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        size_bytes=len(content),
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=content,
    )


def is_current(path: Path, content: str) -> bool:
    record = path.with_name(f"{path.name}.json")
    return record.exists() and json.loads(record.read_text())["data"]["cache_key"] == content == path.read_text()


def write_model(folder: Path, name: str, content: str) -> None:
    """As an export does it: beside, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".new").write_text(content)
    (folder / ".new").rename(folder / f"{name}.onnx")
    write_record(folder / f"{name}.onnx.json", make_artifact(name, content))


def list_models(files: BaseFiles) -> dict[str, str]:
    assert files.folder is not None
    return {path.name: path.read_text() for path in sorted(files.folder.iterdir()) if path.suffix == ".onnx"}


@pytest.fixture
def in_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str | None]], Path]:
    """Makes a repository with these files, and goes there."""
    isolate_git(monkeypatch)

    def make(files: dict[str, str | None]) -> Path:
        repository = make_repository(tmp_path, {".gitignore": "out/\n__pycache__/\n*.pth\n", **files})
        monkeypatch.chdir(repository)
        return repository

    return make


class TestCache:
    """What is run and what is not, with a fake in the place of `export`."""

    @pytest.fixture
    def fake(self, monkeypatch: pytest.MonkeyPatch) -> FakeExport:
        fake = FakeExport()
        monkeypatch.setattr(base_ref, "list_base_suite", fake.list_suite)
        monkeypatch.setattr(base_ref, "export_base_suite", fake.export)
        monkeypatch.setattr(base_cache, "_list_packages", list)  # quicker than reading those of this machine
        return fake

    @pytest.fixture
    def repository(self, in_repository: Callable[[dict[str, str | None]], Path], fake: FakeExport) -> Path:
        assert fake.runs == 0
        suite = SUITE + MODEL.format("nets:a")
        return in_repository({"models.txt": "a 1\nb 2\n", "suites/gate.toml": suite, "nets.py": ""})

    def test_a_commit_is_exported_once(self, repository: Path, fake: FakeExport) -> None:
        told: list[str] = []
        first = export_base("origin/main", "gate", HEAD, CACHE, told.append)
        again = export_base("main", "gate", HEAD, CACHE, told.append)
        assert fake.runs == 1
        assert first.commit == git(repository, "rev-parse", "HEAD")
        assert (again.folder, again.artifacts, again.failures) == (first.folder, first.artifacts, ())
        assert list_models(first) == {"a.onnx": "1", "b.onnx": "2"}
        assert [text.split(" (")[0] for text in told] == [
            "checking out origin/main",
            "exporting origin/main",
            "main",
        ]

    def test_heads_unchanged_file_is_linked_and_its_changed_one_stays_as_it_is(
        self, repository: Path, fake: FakeExport
    ) -> None:
        write_model(HEAD, "a", "1")
        write_model(HEAD, "b", "changed")
        write_model(HEAD, "c", "only head has it")
        commit_files(repository, {"models.txt": "a 1\nb changed\nc 3\n"})
        base = export_base("origin/main", "gate", HEAD, CACHE)
        assert fake.converted == ["b"]
        assert list_models(base) == {"a.onnx": "1", "b.onnx": "2"}
        assert base.folder is not None
        assert (base.folder / "a.onnx").samefile(HEAD / "a.onnx")
        assert (HEAD / "b.onnx").read_text() == "changed"
        assert sorted(path.name for path in HEAD.glob("*.onnx")) == ["a.onnx", "b.onnx", "c.onnx"]

    def test_of_a_head_and_an_older_base_the_one_that_fits_is_linked(self, repository: Path, fake: FakeExport) -> None:
        export_base("HEAD", "gate", HEAD, CACHE)
        fake.converted.clear()
        commit_files(repository, {"models.txt": "a 1\nb new\n"})
        write_model(HEAD, "a", "changed by head")
        write_model(HEAD, "b", "new")
        base = export_base("HEAD", "gate", HEAD, CACHE)
        assert fake.converted == []
        assert list_models(base) == {"a.onnx": "1", "b.onnx": "new"}

    def test_base_code_that_can_not_list_its_suite_costs_only_the_choice(
        self, repository: Path, fake: FakeExport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An older version of pocketbench: every file of head is tried, and none that is not base's stays."""
        monkeypatch.setattr(base_ref, "list_base_suite", lambda *_: None)
        commit_files(repository, {"models.txt": "a 1\nb 2\nc !\n"})
        for name, content in {"a": "1", "b": "changed", "c": "repaired", "d": "only head has it"}.items():
            write_model(HEAD, name, content)
        base = export_base("HEAD", "gate", HEAD, CACHE)
        assert fake.converted == ["b"]
        assert list_models(base) == {"a.onnx": "1", "b.onnx": "2"}
        assert [(failure.file_name, failure.reason) for failure in base.failures] == [
            (None, "c.onnx onnx:fp32: it raised (repair it)")
        ]
        assert len(list(HEAD.glob("*.onnx"))) == 4

    def test_on_a_file_system_without_links_files_are_copied(
        self, repository: Path, fake: FakeExport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(source: str, target: str) -> None:
            raise PermissionError(f"{source} {target}")

        monkeypatch.setattr(os, "link", refuse)
        write_model(HEAD, "a", "1")
        base = export_base("origin/main", "gate", repository / HEAD, CACHE)
        assert fake.converted == ["b"]
        assert base.folder is not None
        assert not (base.folder / "a.onnx").samefile(HEAD / "a.onnx")

    def test_other_packages_another_suite_and_other_sources_are_other_entries(
        self, repository: Path, fake: FakeExport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folders = {export_base("HEAD", "gate", HEAD, CACHE).folder, export_base("HEAD", "smoke", HEAD, CACHE).folder}
        monkeypatch.setattr(base_cache, "_list_packages", lambda: [["torch", "9"]])
        folders.add(export_base("HEAD", "gate", HEAD, CACHE).folder)
        monkeypatch.setattr(base_cache, "_hash_package", lambda: "edited")
        folders.add(export_base("HEAD", "gate", HEAD, CACHE).folder)
        assert len(folders) == fake.runs == 4
        assert fake.converted == ["a", "b"]
        assert repository.is_dir()

    def test_a_file_that_was_changed_in_the_cache_is_exported_again(self, repository: Path, fake: FakeExport) -> None:
        """As `cp other.onnx out/export/a.onnx` does through the hard link."""
        write_model(HEAD, "a", "1")
        export_base("origin/main", "gate", HEAD, CACHE)
        (repository / HEAD / "a.onnx").write_text("written in place")
        base = export_base("origin/main", "gate", HEAD, CACHE)
        assert list_models(base) == {"a.onnx": "1", "b.onnx": "2"}
        assert fake.converted == ["b", "a"]
        assert (HEAD / "a.onnx").read_text() == "written in place"

    def test_what_fails_at_base_is_told_and_tried_again(self, repository: Path, fake: FakeExport) -> None:
        commit_files(repository, {"models.txt": "a 1\nb !\n"})
        write_model(HEAD, "b", "repaired by head")
        for count in (1, 2):
            base = export_base("HEAD", "gate", HEAD, CACHE)
            assert fake.runs == count
            assert [(failure.file_name, failure.reason) for failure in base.failures] == [
                ("b.onnx", "b.onnx onnx:fp32: it raised (repair it)")
            ]
            assert list_models(base) == {"a.onnx": "1"}
        assert fake.converted == ["a"]

    def test_weights_outside_the_repository_are_looked_at_each_time(self, repository: Path, fake: FakeExport) -> None:
        fake.checkpoints = ("../best.pth",)
        for count in (1, 2):
            export_base("HEAD", "gate", HEAD, CACHE)
            assert fake.runs == count
        assert fake.converted == ["a", "b"]
        fake.checkpoints = ("runs/best.pth",)
        for _ in range(2):
            export_base("HEAD", "gate", HEAD, CACHE)
        assert fake.runs == 3
        assert repository.is_dir()

    def test_the_commits_used_last_are_kept(
        self, repository: Path, fake: FakeExport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base_cache, "KEPT_COMMITS", 2)
        (repository / CACHE / "notes").mkdir(parents=True)
        first, _, third = commits = [commit_files(repository, {"models.txt": f"a {name}\n"}) for name in "xyz"]
        for moment, commit in enumerate(commits[:2]):
            export_base(commit, "gate", HEAD, CACHE)
            os.utime(CACHE / commit, (moment, moment))
        export_base(first, "gate", HEAD, CACHE)
        export_base(third, "gate", HEAD, CACHE)
        assert {path.name for path in CACHE.iterdir()} == {"notes", first, third}
        assert fake.runs == 3

    def test_a_suite_that_base_does_not_have_makes_every_model_new(self, repository: Path, fake: FakeExport) -> None:
        commit_files(repository, {"suites/later.toml": SUITE + MODEL.format("nets:a")})
        base = export_base("origin/main", "later", HEAD, CACHE)
        assert (base.folder, base.artifacts, base.failures, fake.runs) == (None, (), (), 0)
        assert "has no suite later" in base.notes[0]

    def test_submodules_are_told(self, repository: Path, fake: FakeExport) -> None:
        commit_files(repository, {".gitmodules": '[submodule "x"]\n'})
        assert "submodules" in export_base("HEAD", "gate", HEAD, CACHE).notes[0]
        assert "submodules" in export_base("HEAD", "gate", HEAD, CACHE).notes[0]
        assert fake.runs == 1


class TestLinks:
    @pytest.mark.parametrize("name", ["a.onnx", "a.mlpackage"])
    def test_an_export_over_a_link_leaves_heads_model_as_it_is(self, name: str, tmp_path: Path) -> None:
        head, entry = tmp_path / "head", tmp_path / "cache" / "entry"
        head.mkdir()
        content = write_part(head / name, "head")
        write_record(record_path(head / name), replace(make_artifact("a", "key"), file_name=name))
        linked = base_cache.link_known_files(entry, tmp_path / "cache", head, {name: "key"})
        assert linked == {name: head / name}
        assert find_part(entry / name).samefile(content)
        assert record_path(entry / name).samefile(record_path(head / name))
        write_part(tmp_path / f"scratch-{name}", "base")
        move_into_place(tmp_path / f"scratch-{name}", entry / name)
        write_record(record_path(entry / name), replace(make_artifact("a", "other"), file_name=name))
        assert find_part(entry / name).read_text() == "base"
        assert content.read_text() == "head"
        assert json.loads(record_path(head / name).read_text())["data"]["cache_key"] == "key"
        base_cache.remove_other_files(entry, [])
        assert list(entry.iterdir()) == []
        assert content.read_text() == "head"

    def test_a_link_over_a_file_of_a_run_beside_this_one_writes_nothing(self, tmp_path: Path) -> None:
        ours, theirs = tmp_path / "ours", tmp_path / "theirs"
        ours.write_text("ours")
        theirs.write_text("theirs")
        with pytest.raises(FileExistsError):
            base_cache._link_file(str(ours), str(theirs))
        assert theirs.read_text() == "theirs"


def write_part(model: Path, text: str) -> Path:
    """A model whose one file holds the text."""
    part = find_part(model)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text)
    return part


def find_part(model: Path) -> Path:
    return model / "Data" / "weights" if model.suffix == ".mlpackage" else model


class TestProcess:
    def test_complaints_are_read_and_the_sum_of_them_is_none(self) -> None:
        text = (
            "warning: cc is not made for phones\n"
            "pocketbench: a onnx:fp32 and 2 more: x is broken\n  try: mend x\n"
            "pocketbench: b tflite:fp32: y is broken\n  try: mend y\n"
            "pocketbench: 4 of 9 files were not exported\n  try: see the lines above\n"
        )
        assert [(found.what, found.cure) for found in parse_complaints(text)] == [
            ("a onnx:fp32 and 2 more: x is broken", "mend x"),
            ("b tflite:fp32: y is broken", "mend y"),
        ]

    def test_of_a_traceback_the_last_line_is_told(self) -> None:
        (found,) = parse_complaints("Traceback (most recent call last):\n  File x\nKeyError: 'y'\n")
        assert found.what == "KeyError: 'y'"
        assert parse_complaints("") == ()

    def test_each_missing_file_gets_the_complaint_that_can_be_its_own(self) -> None:
        names = ("a", "ab", "c", "d")
        listing = SuiteListing(
            keys={f"{name}.onnx": None for name in names},
            labels={f"{name}.onnx": f"{name} onnx:fp32" for name in names},
            checkpoints=(),
            origins={},
        )
        stderr = "pocketbench: a onnx:fp32 and 1 more: x\n  try: mend x\npocketbench: ab onnx:fp32: y\n  try: mend y\n"
        reply = ExportReply(artifacts=(make_artifact("d", ""),), complaints=parse_complaints(stderr), exit_code=3)
        assert {found.file_name: found.reason for found in base_ref.list_failures(listing, reply)} == {
            "a.onnx": "a onnx:fp32 and 1 more: x (mend x)",
            "ab.onnx": "ab onnx:fp32: y (mend y)",
            "c.onnx": "a onnx:fp32 and 1 more: x (mend x)",
        }

    def test_an_interrupt_stops_the_process(self, tmp_path: Path) -> None:
        code = (
            "import sys\nfrom pathlib import Path\nfrom pocketbench.workflow.gate.base_process import run_in\n"
            'child = \'import os, time; open("pid", "w").write(str(os.getpid())); os.rename("pid", "started"); \'\n'
            "child += 'time.sleep(60)'\n"
            "run_in(Path(sys.argv[1]), [sys.executable, '-c', child], [])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=Path(__file__).parents[3],
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        wait_for(lambda: (tmp_path / "started").exists())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == -signal.SIGINT
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "started").read_text()), 0)

    def test_output_of_any_bytes_is_read(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", "import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"]
        assert run_in(tmp_path, command, []) == (3, "", "\ufffd")


NETS = """
import torch
from torch import nn


def make(channels):
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.AvgPool2d(16), nn.Flatten(), nn.Linear(channels, 5)]
    network = nn.Sequential(*layers)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.4)
    return network


def steady():
    return make(4)


def changing():
    return make(CHANNELS)


def broken():
    raise ValueError("not yet")


def endless():
    import time
    from pathlib import Path

    Path.home().joinpath("started").touch()
    time.sleep(600)
"""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def export_head(suite: str) -> dict[str, Artifact]:
    outcome = export_models(list_suite_variants(read_suite(suite)), HEAD)
    return {artifact.file_name: artifact for artifact in outcome.artifacts}


@pytest.mark.slow
class TestExport:
    def test_base_code_makes_base_files_and_what_is_unchanged_is_linked(
        self, in_repository: Callable[[dict[str, str | None]], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        suite = SUITE + MODEL.format("nets.small:steady") + MODEL.format("nets.small:changing")
        nets: dict[str, str | None] = {
            "nets/__init__.py": "CHANNELS = 6\n",
            "nets/small.py": "from nets import CHANNELS\n" + NETS,
        }
        repository = in_repository({"suites/gate.toml": suite, **nets})
        before = export_head("gate")
        steady, changing = before
        commit_files(repository, {"nets/__init__.py": "CHANNELS = 9\n"})
        after = export_head("gate")
        assert after[steady].sha256 == before[steady].sha256
        assert after[changing].sha256 != before[changing].sha256

        base = export_base("origin/main", "suites/gate.toml", HEAD, CACHE)
        assert (base.failures, base.notes) == ((), ())
        assert base.folder is not None
        assert {artifact.file_name: artifact.sha256 for artifact in base.artifacts} == {
            name: artifact.sha256 for name, artifact in before.items()
        }
        assert (base.folder / steady).samefile(HEAD / steady)
        for variant, artifact in zip(list_suite_variants(read_suite("gate")), after.values(), strict=True):
            assert find_current_artifact(*variant, HEAD, artifact.cache_key) == artifact
        assert list_worktrees(repository) == [str(repository)]

        monkeypatch.setattr(base_ref, "open_worktree", None)
        assert export_base("origin/main", "suites/gate.toml", HEAD, CACHE) == base
        assert tmp_path.is_dir()

    def test_a_model_that_is_broken_at_base_is_told_apart(
        self, in_repository: Callable[[dict[str, str | None]], Path]
    ) -> None:
        suite = SUITE + MODEL.format("nets:steady") + MODEL.format("nets:broken") + MODEL.format("nets:absent")
        in_repository({"gate.toml": suite, "nets.py": NETS})
        base = export_base("HEAD", "gate.toml", HEAD, CACHE)
        assert [artifact.model_name for artifact in base.artifacts] == ["nets_steady_16"]
        reasons = {failure.file_name: failure.reason for failure in base.failures}
        assert list(reasons) == ["nets_broken_16.onnx", "nets_absent_16.onnx"]
        assert "not yet" in reasons["nets_broken_16.onnx"]
        assert "nets has no 'absent'" in reasons["nets_absent_16.onnx"]

    def test_an_interrupt_leaves_no_process_and_no_worktree(
        self, in_repository: Callable[[dict[str, str | None]], Path], tmp_path: Path
    ) -> None:
        repository = in_repository({"gate.toml": SUITE + MODEL.format("nets:endless"), "nets.py": NETS})
        code = (
            "from pathlib import Path\nfrom pocketbench.workflow.gate.base_ref import export_base\n"
            "export_base('HEAD', 'gate.toml', Path('head'), Path('cache'))\n"
        )
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(temporary)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        wait_for(lambda: (tmp_path / "started").exists())
        inside = [path for path in Path("/proc").glob("[0-9]*") if reads_from(path, temporary)]
        assert inside
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == -signal.SIGINT
        assert list_worktrees(repository) == [str(repository)]
        assert [path for path in temporary.iterdir() if path.name.startswith("pocketbench")] == []
        wait_for(lambda: not any(path.exists() for path in inside))


def reads_from(process: Path, folder: Path) -> bool:
    """Whether a process works in this folder."""
    try:
        return (process / "cwd").resolve().is_relative_to(folder)
    except OSError:
        return False


@pytest.mark.slow
class TestSuitesThatBreak:
    def test_weights_that_git_does_not_hold_are_told_with_a_cure(
        self, in_repository: Callable[[dict[str, str | None]], Path]
    ) -> None:
        model = '[[model]]\nbackbone = "mobilenet_v2"\ncheckpoint = "../runs/best.pth"\n'
        repository = in_repository({"suites/gate.toml": SUITE + model})
        (repository / "runs").mkdir()
        (repository / "runs" / "best.pth").write_bytes(b"weights")
        with pytest.raises(EnvironmentFault, match=r"best\.pth does not exist") as raised:
            export_base("origin/main", "gate", HEAD, CACHE)
        assert "git lfs" in raised.value.cure
        assert "--base FOLDER" in raised.value.cure
        assert list_worktrees(repository) == [str(repository)]

    def test_a_suite_that_is_wrong_at_base_is_named_with_its_commit(
        self, in_repository: Callable[[dict[str, str | None]], Path]
    ) -> None:
        repository = in_repository({"gate.toml": "format = 9\n"})
        (repository / "gate.toml").write_text(SUITE + MODEL.format("nets:a"))
        with pytest.raises(EnvironmentFault, match=r"origin/main \([0-9a-f]{12}\) can't be exported: gate\.toml"):
            export_base("origin/main", "gate.toml", HEAD, CACHE)

    def test_a_ref_that_is_not_here_is_told_first(self, in_repository: Callable[[dict[str, str | None]], Path]) -> None:
        in_repository({"gate.toml": SUITE + MODEL.format("nets:a")})
        with pytest.raises(UsageError, match="there is no commit 'origin/mian'"):
            export_base("origin/mian", "gate.toml", HEAD, CACHE)
