"""Boards that can't be reached, or have no Python that will do: what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.ssh import connection
from pocketbench.profile.ssh.runner import SshRunner
from tests.devices.board import MODEL, Board
from tests.devices.ssh.board_runs import check_fault, run, show, write_fake
from tests.profile.conftest import make_cell

pytestmark = pytest.mark.slow


def test_who_is_not_let_in_is_told_why(board: Board, tmp_path: Path) -> None:
    import subprocess

    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    config = (board.client / "config").read_text()
    known = (board.client / "known_hosts").read_text()
    try:
        fault = check_fault(board.describe(address="root@127.0.0.1", key=other, name="by address"))
        (board.client / "config").write_text(config.replace(str(board.client / "key"), str(other)))
        fault = check_fault(board.describe())
        assert "it refused the login: " in fault.what
        assert "Permission denied (publickey)" in fault.what
        assert "ssh-copy-id pi-stand-in" in fault.cure
        keyed = SshRunner(board.describe(key=board.client / "key")).read_device()
        assert keyed.model == MODEL
        (board.client / "config").write_text(config)
        (board.client / "known_hosts").write_text("")
        fault = check_fault(board.describe())
        assert "its host key is not known here" in fault.what
        assert "run `ssh pi-stand-in` once" in fault.cure
        board.know_host(other.with_suffix(".pub"))
        fault = check_fault(board.describe())
        assert "its host key is not the one that was known" in fault.what
        assert "ssh-keygen -R pi-stand-in" in fault.cure
    finally:
        (board.client / "config").write_text(config)
        (board.client / "known_hosts").write_text(known)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"address": "no-such-host.invalid"}, "nobody knows its name"),
        ({"python": "/nowhere/python3"}, "there is no /nowhere/python3 there"),
        ({"python": "~/no such/python3"}, "there is no ~/no such/python3 there"),
        ({"python": "/bin/false"}, "/bin/false on the board ended with exit status 1"),
        ({"address": "-oProxyCommand=touch pwned"}, "is no host"),
        ({"address": "a b"}, "is no host"),
    ],
)
def test_what_is_in_the_way_is_named(board: Board, change: dict[str, str], what: str) -> None:
    assert what in check_fault(board.describe(**change)).what


def test_a_board_that_is_off(board: Board) -> None:
    board.stop()
    fault = check_fault(board.describe())
    assert "nothing listens there" in fault.what


def test_a_machine_without_ssh(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(board.folder))
    fault = check_fault(board.describe())
    assert "no ssh on this machine" in fault.what


def test_a_python_that_is_too_old(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = connection.BOOTSTRAP.read_text()
    (tmp_path / "bootstrap.py").write_text(text.replace("OLDEST = (3, 9)", "OLDEST = (9, 9)"))
    monkeypatch.setattr(connection, "BOOTSTRAP", tmp_path / "bootstrap.py")
    fault = check_fault(board.describe())
    assert "it has Python 3." in fault.what
    assert "install Python 3.9 or newer" in fault.cure


def test_a_python_without_engines(board: Board) -> None:
    runner = SshRunner(board.describe(python="/usr/bin/python3"))
    device = runner.read_device()
    with pytest.raises(UsageError, match=r'no onnxruntime: .*\(ssh pi-stand-in "/usr/bin/python3 -m venv ~/'):
        runner.fit_plan(RunPlan(engine="onnxruntime"), ".onnx", device)
    checks = {check.subject: check for check in runner.check()}
    assert checks["engines"].is_fault
    assert "-m pip install ai-edge-litert" in str(checks["engines"].cure)


@pytest.mark.usefixtures("plugin")
def test_a_login_shell_that_talks_disturbs_nothing(board: Board, tmp_path: Path) -> None:
    noise = board.home / ".bashrc"
    noise.write_text("echo Welcome\necho '{\"data\": {}}'\nprintf 'no end of line'\necho warning >&2\ntouch ~/noise\n")
    try:
        assert show(run(board.describe(), make_cell(write_fake(tmp_path, "a.fake"), "no_operation"))) == [
            ("a.fake", 0, "6")
        ]
        assert (board.home / "noise").exists()
        noise.write_text("yes")
        monkey = check_fault(board.describe())
        assert "prints more than" in monkey.what
    finally:
        noise.unlink()


def test_files_in_the_home_are_not_taken_for_pythons_own(board: Board) -> None:
    traps = [board.home / name for name in ("json.py", "hashlib.py", "numpy.py")]
    try:
        for trap in traps:
            trap.write_text("raise SystemExit('trapped')")
        assert SshRunner(board.describe()).read_device().model == MODEL
    finally:
        for trap in traps:
            trap.unlink()
