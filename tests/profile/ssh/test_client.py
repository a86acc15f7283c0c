from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.archive import list_agent_files
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.ssh.client import LISTEN, identify_host, make_command, parse_resolved, quote_program
from pocketbench.profile.ssh.connection import BOOTSTRAP
from pocketbench.profile.ssh.faults import explain_end
from pocketbench.profile.ssh.survey import describe_install, list_board_engines

PI = DeviceEntry(name="rpi5", transport="ssh", address="pi@rpi5.local")


def test_the_command_is_openssh_and_fixed_text(tmp_path: Path) -> None:
    command = make_command(PI)
    assert command[0] == "ssh"
    assert command[-3:-1] == ["--", "pi@rpi5.local"]
    assert "BatchMode=yes" in command
    assert "-i" not in command
    entry = DeviceEntry(name="x", transport="ssh", address="x", key=tmp_path / "k e y")
    with pytest.raises(FileFault, match=r"x: there is no key .*k e y"):
        make_command(entry)
    (tmp_path / "k e y").touch()
    keyed = make_command(entry)
    assert keyed[keyed.index("-i") + 1] == str(tmp_path / "k e y")
    assert "IdentitiesOnly=yes" in keyed


@pytest.mark.parametrize("address", ["", None, "-oProxyCommand=touch pwned", "-J", "a b", "a\nb", "a\0b", "a\x1bb"])
def test_an_address_is_one_word_and_no_option(address: str | None) -> None:
    with pytest.raises(UsageError, match="is no host"):
        make_command(DeviceEntry(name="x", transport="ssh", address=address))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("python3", ["python3"]),
        ("/opt/my env/bin/python", ["/opt/my env/bin/python"]),
        ("a'b; rm -rf ~", ["a'b; rm -rf ~"]),
        ("$(touch pwned)", ["$(touch pwned)"]),
    ],
)
def test_a_python_of_any_name_is_one_word(path: str, words: list[str]) -> None:
    assert shlex.split(quote_program(path)) == words


def test_a_tilde_is_the_home_there() -> None:
    assert quote_program("~/venv/bin/python") == "~/venv/bin/python"
    assert quote_program("~/my venv/bin/python") == "~/'my venv/bin/python'"
    assert quote_program("~x/python") == "'~x/python'"


def test_what_every_login_shell_passes_on() -> None:
    """fish knows backslashes and csh knows ! and newlines inside single quotes: there are none."""
    flags, program = LISTEN.split("'")[0], LISTEN.split("'")[1]
    assert f"{flags}'{program}'" == LISTEN
    assert not set("\\!\n'") & set(program)
    assert flags == "-I -u -c "


def test_what_runs_before_the_agent_is_python_of_any_age() -> None:
    tree = ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 4))
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"hashlib", "json", "os", "sys", "tempfile"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.NamedExpr | ast.AnnAssign)]


def test_one_board_has_one_identity_by_whatever_name() -> None:
    text = "user pi\nhostname 10.0.0.5\nport 22\nidentityfile ~/.ssh/id_a\nidentityfile ~/.ssh/id_b\n"
    resolved = parse_resolved(text)
    assert resolved["identityfile"] == "~/.ssh/id_a"
    same = parse_resolved("user root\nhostname 10.0.0.5\nport 22\nproxyjump none\n")
    assert identify_host(resolved) == identify_host(same) == "ssh 10.0.0.5 22"
    behind = parse_resolved(text + "proxyjump gate\n")
    assert identify_host(behind) != identify_host(resolved)
    assert identify_host(parse_resolved(text.replace("port 22", "port 23"))) != identify_host(resolved)


@pytest.mark.parametrize(
    ("code", "text", "what", "cure"),
    [
        (255, "pi@rpi5.local: Permission denied (publickey,password).", "it refused the login", "ssh-copy-id pi@rpi5"),
        (255, "No ED25519 host key is known for rpi5.local", "its host key is not known here", "ssh pi@rpi5.local"),
        (255, "Host key verification failed.", "its host key is not known here", "check the key"),
        (
            255,
            "@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@\nHost key verification failed.",
            "is not the one that was known",
            "ssh-keygen -R rpi5.local",
        ),
        (255, "ssh: Could not resolve hostname rpi5.local: Name or service not known", "nobody knows its name", "host"),
        (255, "ssh: connect to host rpi5.local port 22: Connection refused", "nothing listens there", "enable --now"),
        (255, "ssh: connect to host rpi5.local port 22: No route to host", "no way to it", "the board is on"),
        (255, "ssh: connect to host rpi5.local port 22: Connection timed out", "did not answer", "the board is on"),
        (255, "Connection timed out during banner exchange", "did not answer", "the board is on"),
        (127, "bash: line 1: python3: command not found", "there is no python3 there", "apt install python3"),
        (1, "python3: Command not found.", "there is no python3 there", "apt install python3"),
        (127, "fish: Unknown command: python3", "there is no python3 there", "apt install python3"),
        (1, "This account is currently not available.", "python3 on the board ended with exit status 1", "try `ssh"),
        (255, "", "ssh ended with exit status 255: it said nothing", "try `ssh pi@rpi5.local`"),
        (None, "", "ssh stopped answering", "try `ssh"),
    ],
)
def test_what_ssh_says_is_explained(code: int | None, text: str, what: str, cure: str) -> None:
    fault = explain_end(PI, code, text)
    assert fault.what.startswith("rpi5: ")
    assert what in fault.what
    assert cure in fault.cure


def test_a_long_text_is_cut_to_its_end() -> None:
    fault = explain_end(PI, 255, "noise " * 200 + "\nthe cause")
    assert fault.what.endswith("the cause")
    assert len(fault.what) < 300


def test_engines_of_boards_are_those_that_are_sent() -> None:
    names = list_board_engines()
    assert set(names) >= {"coreml", "litert", "onnxruntime", "tflite_runtime"}
    assert "benchmark_model" not in names
    for name in names:
        module = ENGINES.entry(name).target.partition(":")[0]
        assert f"{module.partition('.')[2].replace('.', '/')}.py" in list_agent_files()


def test_an_engine_is_installed_into_the_boards_own_python() -> None:
    assert describe_install(PI, "litert") == (
        'ssh pi@rpi5.local "python3 -m venv ~/pocketbench-env && '
        '~/pocketbench-env/bin/python -m pip install ai-edge-litert"; '
        'then python = "~/pocketbench-env/bin/python" in devices.toml'
    )
    other = DeviceEntry(name="x", transport="ssh", address="x", python="~/a b/python")
    # in quotes, or the shell here would take ~ and < for itself
    assert describe_install(other, "tflite_runtime") == (
        """ssh x "~/'a b/python' -m pip install tflite-runtime 'numpy<2'\""""
    )
    system = DeviceEntry(name="x", transport="ssh", address="x", python="/usr/bin/python3.11")
    assert describe_install(system, "litert").startswith('ssh x "/usr/bin/python3.11 -m venv ~/pocketbench-env && ')
    assert describe_install(PI, "coreml", Refusal("load", "Core ML runs on macOS alone")) == "choose another --engine"
