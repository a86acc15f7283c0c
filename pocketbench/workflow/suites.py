"""A suite: which models go to which formats, engines and devices. A TOML file, checked strictly and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import pocketbench
from pocketbench.core.errors import FileFault, PocketbenchError, SuiteError, UnknownNameError, UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import ModelSpec, RunPlan
from pocketbench.core.targets import FormatTarget, parse_format_target
from pocketbench.workflow.gate.limit_rows import SuiteCells, parse_gate
from pocketbench.workflow.gate.limits import GateTable
from pocketbench.workflow.model_specs import MAX_CHANNELS, MAX_CLASSES, MAX_SIDE, WIDTH_RANGE, make_spec
from pocketbench.workflow.toml_tables import TomlTable, read_toml
from pocketbench.workflow.train_table import TrainTable, parse_train

if TYPE_CHECKING:
    from pocketbench.profile.catalog import EngineChoice

FORMAT_VERSION = 1
HOST = "host"
MAX_MODELS = 1000
MAX_SAMPLES = 1_000_000
SUITE_KEYS = (
    *("format", "title", "formats", "engines", "threads", "devices", "calibrate", "plan", "gate", "train", "model"),
)
PLAN_KEYS = ("sessions", "rounds", "burst", "settle", "warmup", "timeout_s", "cooldown_s")
MODEL_KEYS = (
    *("backbone", "width", "attention", "reduction", "gate", "classes", "input_size", "in_channels", "seed"),
    *("checkpoint", "rewrite", "swap_gates"),
)


class PlanValues(TypedDict, total=False):
    """The fields of a RunPlan that a suite sets."""

    session_count: int
    round_count: int
    burst_count: int
    settle_count: int
    warmup_count: int
    timeout_s: float
    cooldown_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What a suite's file says. Every model goes to every format, and runs on every engine that takes the format.

    `calibrate` names the data set of formats that are calibrated; None stands for that of the training.
    """

    name: str
    path: Path
    title: str
    models: tuple[ModelSpec, ...]
    formats: tuple[FormatTarget, ...]
    engine_choices: tuple[EngineChoice, ...]
    thread_counts: tuple[int, ...]
    devices: tuple[str, ...]
    plan: PlanValues
    gate: GateTable = field(default_factory=GateTable)
    train: TrainTable | None = None
    calibrate: str | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines, each once, whatever their delegates."""
        return tuple(dict.fromkeys(choice.engine for choice in self.engine_choices))

    def list_plans(self) -> list[RunPlan]:
        """A plan for each engine and thread count."""
        return [
            RunPlan(engine=choice.engine, delegate=choice.delegate, thread_count=thread_count, **self.plan)
            for choice in self.engine_choices
            for thread_count in self.thread_counts
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFile:
    """A suite that can be named; `problem` says why its file can't be read."""

    name: str
    path: Path
    title: str
    problem: str | None


def read_suite(name: str) -> Suite:
    """The suite of a name ("paper": ./suites/paper.toml, else the one that comes with pocketbench) or a .toml file.

    Raises:
        UnknownNameError: when no suite has the name.
        FileFault: when the file can't be read.
        SuiteError: when the file breaks the rules; names file, line and key.
    """
    path = find_suite(name)
    return parse_suite(read_toml(path), path)


def find_suite(name: str) -> Path:
    """The file of a suite. Raises: UnknownNameError."""
    if name.endswith(".toml"):
        return Path(name)
    files = _list_files()
    if name not in files:
        raise UnknownNameError("suite", name, files)
    return files[name]


def list_suites() -> list[SuiteFile]:
    """The suites that can be named here, by name; their models are not checked."""
    found = []
    for name, path in sorted(_list_files().items()):
        title, problem = name, None
        try:
            title = read_toml(path).text("title") or name
        except PocketbenchError as error:
            problem = error.what
        found.append(SuiteFile(name=name, path=path, title=title, problem=problem))
    return found


def parse_suite(table: TomlTable, path: Path) -> Suite:
    """The suite that a file's table describes; every rule is checked. Raises: SuiteError."""
    table.refuse_unknown(SUITE_KEYS)
    table.require("format", "title", "formats", "engines")
    if table.whole("format", 1, 10**6) != FORMAT_VERSION:
        raise table.fault("format", f"is not {FORMAT_VERSION}, the one that this version reads", "update pocketbench")
    formats = _parse_formats(table)
    models = _parse_models(table, path.parent)
    choices = _parse_engines(table, formats)
    engines = [choice.engine for choice in choices]
    devices = _parse_devices(table) if "devices" in table else (HOST,)
    return Suite(
        name=path.stem,
        path=path,
        title=table.text("title") or path.stem,
        models=models,
        formats=formats,
        engine_choices=choices,
        thread_counts=table.wholes("threads", 1, 1024) if "threads" in table else (1,),
        devices=devices,
        plan=_parse_plan(table.table("plan")),
        gate=parse_gate(table.table("gate"), _name_cells(models, formats, engines, devices)),
        train=parse_train(table.table("train"), models) if "train" in table else None,
        calibrate=table.text("calibrate", limit=1000),
    )


def _list_files() -> dict[str, Path]:
    """Suites by name; those of the current folder come before those of the package."""
    package = Path(pocketbench.__file__).parent
    own = package / "suites"  # in a wheel; in a checkout the folder stands beside the package
    folders = [own if own.is_dir() else package.parent / "suites", Path("suites")]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def _parse_formats(table: TomlTable) -> tuple[FormatTarget, ...]:
    targets: list[FormatTarget] = []
    for text in table.texts("formats"):
        try:
            target = parse_format_target(text)
        except UnknownNameError as error:
            raise table.fault("formats", f"holds {text!r}: {error.what}", error.cure) from error
        if target in targets:
            raise table.fault("formats", f"holds {target} twice", "write it once")
        targets.append(target)
    return tuple(targets)


def _parse_engines(table: TomlTable, formats: Sequence[FormatTarget]) -> tuple[EngineChoice, ...]:
    from pocketbench.profile.catalog import engine_suffixes, parse_engine

    choices = []
    suffixes = {SUFFIXES[target.format] for target in formats}
    for name in table.texts("engines"):
        try:
            choice = parse_engine(name)
        except UnknownNameError as error:
            raise table.fault("engines", f"holds {name!r}: {error.what}", error.cure) from error
        runs = engine_suffixes(choice.engine)
        if not suffixes.intersection(runs):
            raise table.fault(
                "engines",
                f"holds {name!r}, which runs {', '.join(runs)} only",
                "add that format, or take the engine out",
            )
        choices.append(choice)
    return tuple(choices)


def _name_cells(
    models: Sequence[ModelSpec], formats: Sequence[FormatTarget], engines: Sequence[str], devices: Sequence[str]
) -> SuiteCells:
    from pocketbench.profile.catalog import engine_suffixes

    return SuiteCells(
        models=[model.name for model in models],
        formats=list(dict.fromkeys(target.format for target in formats)),
        engines={engine: engine_suffixes(engine) for engine in engines},
        # a gate measures on this machine alone: a limit for another device would guard nothing
        devices=[device for device in devices if device == HOST],
    )


def _parse_devices(table: TomlTable) -> tuple[str, ...]:
    """Names of devices.toml; whether they are in it is seen when they are used: a suite travels, devices don't."""
    return table.texts("devices")


def _parse_plan(table: TomlTable) -> PlanValues:
    table.refuse_unknown(PLAN_KEYS)
    read = {
        "session_count": table.whole("sessions", 1, 1000),
        "round_count": table.whole("rounds", 1, 100_000),
        "burst_count": table.whole("burst", 1, 100_000),
        "settle_count": table.whole("settle", 0, 100_000),
        "warmup_count": table.whole("warmup", 0, 100_000),
        "timeout_s": table.number("timeout_s", 0.1, 86_400),
        "cooldown_s": table.number("cooldown_s", 0, 3600),
    }
    values = cast(PlanValues, {key: value for key, value in read.items() if value is not None})
    plan = RunPlan(engine="", **values)
    if plan.settle_count >= plan.burst_count:
        raise table.fault(
            "settle" if "settle" in table else "burst",
            f"leaves nothing to measure: {plan.settle_count} of {plan.burst_count} calls of a burst only settle",
            "make burst larger than settle",
        )
    if plan.round_count * plan.burst_count > MAX_SAMPLES:
        raise table.fault(
            "rounds" if "rounds" in table else "burst",
            f"makes {plan.round_count * plan.burst_count} calls a session",
            f"at most {MAX_SAMPLES} are kept",
        )
    return values


def _parse_models(table: TomlTable, folder: Path) -> tuple[ModelSpec, ...]:
    models: dict[str, ModelSpec] = {}
    for item in table.tables("model", MAX_MODELS):
        model = _parse_model(item, folder)
        if model.name in models:
            twin = list(models).index(model.name) + 1
            raise item.fault(None, f"has the same name as model[{twin}]: {model.name}", "take one of them out")
        models[model.name] = model
    return tuple(models.values())


def _parse_model(table: TomlTable, folder: Path) -> ModelSpec:
    table.refuse_unknown(MODEL_KEYS)
    table.require("backbone")
    size = table.size("input_size", MAX_SIDE)
    checkpoint = table.text("checkpoint", limit=1000)
    try:
        return make_spec(
            table.text("backbone") or "",
            width=table.number("width", *WIDTH_RANGE),
            attention=table.text("attention"),
            reduction=table.whole("reduction", 1, MAX_CHANNELS),
            gate=table.text("gate"),
            classes=table.whole("classes", 1, MAX_CLASSES),
            input_size=f"{size[0]}x{size[1]}" if size else None,
            channels=table.whole("in_channels", 1, MAX_CHANNELS),
            seed=table.whole("seed", 0, 2**32 - 1),
            checkpoint=str(folder / checkpoint) if checkpoint is not None else None,
            rewrite=table.truth("rewrite"),
            swap_gates=table.text("swap_gates"),
        )
    except SuiteError:
        raise
    except FileFault as error:
        raise table.fault("checkpoint", f"is refused: {error.what}", error.cure) from error
    except UsageError as error:
        name = error.name if isinstance(error, UnknownNameError) else None
        blamed = (key for key in MODEL_KEYS if error.what.startswith(f"{key} ") or (name and table.get(key) == name))
        raise table.fault(next(blamed, None), f"is refused: {error.what}", error.cure) from error
