"""What a board is, and which engines its Python can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.archive import AGENT_FOLDER
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.ssh.client import DEFAULT_PYTHON, quote_program
from pocketbench.profile.ssh.connection import ANSWER_WAIT_S, Connection

# A board's slow card needs this long to import a runtime for the first time.
IMPORT_WAIT_S = 120.0
PIP = "pip install "
# what installs an engine into a board's own Python, where the catalogue speaks of this machine
INSTALLS = {"tflite_runtime": "pip install tflite-runtime 'numpy<2'"}
# Debian's own Python takes no packages: it wants an environment
ENVIRONMENT = "~/pocketbench-env"
SYSTEM_FOLDERS = ("/usr/bin/", "/bin/")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSurvey:
    """`facts` are `machine_state.read_facts` with its Python, `state` its `read_state`; `engines` the versions of what
    an engine needs, by its name; `problems` why another does not run, as the agent refused it."""

    facts: Mapping[str, Any]
    state: Mapping[str, Any]
    engines: Mapping[str, Mapping[str, str]]
    problems: Mapping[str, Refusal]


def list_board_engines() -> list[str]:
    """The engines that are sent with the agent, and those of plug-ins, which a board may have."""
    return [name for name in ENGINES.names() if _goes_to_boards(ENGINES.entry(name).target)]


def survey_board(connection: Connection, engines: Sequence[str]) -> BoardSurvey:
    """Each engine is made in a worker of its own, with numpy: what is only installed may not start.

    Raises: ConnectionLoss.
    """
    facts, state = connection.ask("facts"), connection.ask("state")
    found: dict[str, Mapping[str, str]] = {}
    problems: dict[str, Refusal] = {}
    for engine in engines:
        number = connection.ask("start")["worker"]
        message = {"do": "versions", "engine": ENGINES.entry(engine).target}
        try:
            found[engine] = connection.ask(
                "ask", IMPORT_WAIT_S + ANSWER_WAIT_S, worker=number, message=message, timeout_s=IMPORT_WAIT_S
            )
        except Refusal as refusal:
            problems[engine] = refusal
        connection.ask("end", worker=number, gently=False)
    return BoardSurvey(facts=facts, state=state, engines=found, problems=problems)


def describe_install(entry: DeviceEntry, engine: str, problem: Refusal | None = None) -> str:
    """How to get an engine onto a board; for a `problem` that no package solves, what to do instead."""
    if problem is not None and problem.kind != "missing_package":
        return "choose another --engine"
    install = INSTALLS.get(engine) or ENGINES.entry(engine).install or f"install {engine}"
    if not install.startswith(PIP):
        return install
    if entry.python is None or entry.python.startswith(SYSTEM_FOLDERS):
        python = f"{ENVIRONMENT}/bin/python"
        made = f"{quote_program(entry.python or DEFAULT_PYTHON)} -m venv {ENVIRONMENT} && {python} -m {install}"
        return f'ssh {entry.address} "{made}"; then python = "{python}" in devices.toml'
    return f'ssh {entry.address} "{quote_program(entry.python)} -m {install}"'


def _goes_to_boards(target: str) -> bool:
    module = target.partition(":")[0]
    package, _, rest = module.partition(".")
    return package != "pocketbench" or rest.startswith(f"{AGENT_FOLDER.replace('/', '.')}.")
