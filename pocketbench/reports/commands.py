"""The commands that make a line of the table again: from what its records say to text for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketbench.core.records import Calibration, ModelSpec, Preprocessing, RunPlan
from pocketbench.reports.labels import HOST
from pocketbench.reports.lines import FlatLine
from pocketbench.reports.records import FileKind, Runtime, Schedule, Table

FOLDER = "out/export"
NAMED_DATASETS = frozenset({"fashion-mnist"})
"""What `--data` takes by name. Any other data set was given by its path, of which a record keeps the last part only."""
DATASET_FOLDER = "FOLDER"
"""Stands in a command for a path that is not known."""
_PICTURE = 4  # N, C, H, W


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line for a POSIX shell, and what it is for. `text` is None where no command does it, and `purpose` says why."""

    purpose: str
    text: str | None


class CommandLister:
    """Lists the commands of the lines of a table. Those that several lines have in common are one object."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._by_file: dict[tuple[int, int, bool], tuple[list[Command], list[Command]]] = {}
        text = _join(["report", "--suite", table.suite]) if table.suite is not None else None
        self._last = [] if text is None else [Command(purpose="Write this report", text=text)]

    def list_commands(self, line: FlatLine) -> tuple[Command, ...]:
        """What exports, measures and judges the file of a line, and writes the table; in the order in which they are
        run.

        A file that has an overhead is measured together with its baseline, as it was: in turn.
        """
        baseline = _find_baseline(self._table, line)
        key = (line.row_index, line.kind_index, baseline is not None)
        if key not in self._by_file:
            self._by_file[key] = _list_exports(line, baseline), _list_accuracies(line)
        exports, accuracies = self._by_file[key]
        return (*exports, *_list_profiles(self._table, line, baseline), *accuracies, *self._last)


def list_export_arguments(spec: ModelSpec, kind: FileKind, calibration: Calibration | None = None) -> list[str] | None:
    """The arguments of `pocketbench export` for a model and a kind of file; None where options can't say it: an input
    that is no single picture, or weights in a file whose place is not known.

    Args:
        calibration: by which its ranges were set, if any.
    """
    batch, *rest = spec.input_shape
    if batch != 1 or len(spec.input_shape) != _PICTURE or kind.precision is None:
        return None
    if spec.weights == "given" and spec.checkpoint is None and (spec.checkpoint_sha256 or _is_known(spec)):
        return None
    channels, height, width = rest
    options: list[tuple[str, object]] = [
        ("model", spec.backbone),
        ("width", None if spec.width_ratio is None else f"{spec.width_ratio!r}"),
        ("attention", spec.block),
        ("reduction", spec.reduction_ratio),
        ("gate", spec.gate if spec.block is not None else None),
        ("classes", spec.class_count),
        ("input-size", height if height == width else f"{height}x{width}"),
        ("channels", channels if channels != 3 else None),
        ("weights", "random" if spec.weights == "random" and _is_function(spec) else None),
        ("seed", spec.seed if spec.weights == "random" and spec.seed else None),
        ("checkpoint", spec.checkpoint),
    ]
    arguments = _spell(options)
    arguments += ["--rewrite"] if spec.rewrite else []
    arguments += _spell([("swap-gates", spec.swap_gates)])
    target = f"{kind.lowering or kind.format}:{kind.precision}"
    if calibration is not None and calibration.dataset is not None:
        arguments += ["--calibrate", _find_dataset(calibration.dataset)]
        arguments += _spell_framing(calibration.preprocessing) if spec.preprocessing is None else []
    return ["export", *arguments, "--format", target, "--out", FOLDER]


def list_profile_arguments(runtime: Runtime, paths: Sequence[str], schedule: Schedule | None) -> list[str]:
    """The arguments of `pocketbench profile` for files on a runtime; one that was imported was measured otherwise.

    Args:
        schedule: None leaves it to pocketbench.
    """
    engine = runtime.engine if runtime.delegate is None else f"{runtime.engine}:{runtime.delegate}"
    options: list[tuple[str, object]] = [("engine", engine), ("threads", runtime.thread_count)]
    options += [("shape", shape) for shape in _split_shapes(runtime.input_shapes)]
    if schedule is not None:
        options += [("sessions", schedule.session_count), ("rounds", schedule.round_count)]
    options.append(("on", runtime.device_name if runtime.device_name not in (None, HOST) else None))
    return ["profile", *paths, *_spell(options)]


def _list_exports(line: FlatLine, baseline: FlatLine | None) -> list[Command]:
    commands = []
    for each, purpose in ((baseline, "Export the baseline"), (line, "Export the file")):
        if each is None or each.row.spec is None:
            continue
        arguments = list_export_arguments(each.row.spec, each.kind, each.file.calibration)
        if arguments is None:
            reason = "its weights or its input can't be given by options"
            commands.append(Command(purpose=f"{purpose}: {reason}", text=None))
        else:
            calibration = each.file.calibration
            remark = "" if calibration is None else _explain_folder(calibration.dataset)
            commands.append(Command(purpose=purpose + remark, text=_join(arguments)))
    return commands


def _list_profiles(table: Table, line: FlatLine, baseline: FlatLine | None) -> list[Command]:
    runtime = line.runtime
    if runtime is None or line.cell is None:
        return []
    if runtime.origin is not None:
        return [Command(purpose=f"The latency was imported: {runtime.origin} measured it", text=None)]
    purpose = "Measure the latency" if baseline is None else "Measure both in turn: latency and overhead"
    schedule = _find_schedule(table, runtime)
    usual = RunPlan(engine=runtime.engine)
    if schedule is not None:
        mine = (schedule.burst_count, schedule.settle_count, schedule.warmup_count, schedule.cooldown_s)
        if mine != (usual.burst_count, usual.settle_count, usual.warmup_count, usual.cooldown_s):
            purpose += " (bursts, warm-up or rests were those of a suite; this command takes the usual ones)"
    paths = [_find_path(each) for each in (baseline, line) if each is not None]
    arguments = list_profile_arguments(runtime, paths, schedule)
    arguments += ["--operators"] if line.cell.operators is not None else []
    return [Command(purpose=purpose, text=_join(arguments))]


def _list_accuracies(line: FlatLine) -> list[Command]:
    top1 = line.file.top1
    if top1 is None:
        return []
    accuracy = top1.accuracy
    arguments = ["accuracy", _find_path(line), "--data", _find_dataset(accuracy.dataset)]
    asked = (accuracy.image_count or 0) + accuracy.unreadable_count
    if accuracy.split_count is not None and 0 < asked < accuracy.split_count:
        arguments += ["--limit", str(asked)]
    if line.row.spec is None or line.row.spec.preprocessing is None:
        arguments += _spell_framing(accuracy.preprocessing)
    return [Command(purpose=f"Measure the top-1{_explain_folder(accuracy.dataset)}", text=_join(arguments))]


def _find_baseline(table: Table, line: FlatLine) -> FlatLine | None:
    """The line of the same kind and runtime that the overhead is over; None where there is no overhead to measure."""
    if line.overhead is None or line.overhead.round_count == 0 or line.place is None:
        return None
    for index, row in enumerate(table.rows):
        file = row.files[line.kind_index]
        if row.is_baseline and row.group == line.row.group and file.file_name is not None:
            return FlatLine(
                row_index=index,
                kind_index=line.kind_index,
                place=line.place,
                row=row,
                kind=line.kind,
                file=file,
                runtime=line.runtime,
                cell=row.cells[line.place],
                runtime_name=line.runtime_name,
                device=line.device,
            )
    return None


def _find_schedule(table: Table, runtime: Runtime) -> Schedule | None:
    """The one schedule of the runtime's device; None where it had several."""
    name = runtime.device_name or runtime.device_id
    found = [schedule for schedule in table.schedules if name in schedule.device_names]
    return found[0] if len(found) == 1 else None


def _find_dataset(name: str) -> str:
    return name if name in NAMED_DATASETS else DATASET_FOLDER


def _explain_folder(dataset: str | None) -> str:
    if dataset is None or dataset in NAMED_DATASETS:
        return ""
    return f"; {DATASET_FOLDER} stands for the path of the data set {dataset}"


def _find_path(line: FlatLine) -> str:
    name = line.file.file_name or ""
    if line.row.spec is not None:
        return f"{FOLDER}/{name}"
    return f"./{name}" if name.startswith("-") else name


def _is_known(spec: ModelSpec) -> bool:
    """Whether pocketbench builds it: weights that it did not draw are in a file then."""
    return ":" not in spec.backbone or spec.backbone.startswith("timm:")


def _is_function(spec: ModelSpec) -> bool:
    return ":" in spec.backbone and not spec.backbone.startswith("timm:")


def _spell_framing(preprocessing: Preprocessing | None) -> list[str]:
    """How pictures are prepared, for a file that does not say it itself."""
    if preprocessing is None:
        return []
    return _spell(
        [
            ("mean", ",".join(map(str, preprocessing.mean))),
            ("std", ",".join(map(str, preprocessing.std))),
            ("resize", preprocessing.resize),
            ("crop", preprocessing.crop),
            ("interpolation", preprocessing.interpolation),
        ]
    )


def _split_shapes(text: str | None) -> list[str]:
    """ "image 1x3x640x640, mask 1x1" as ["image=1,3,640,640", "mask=1,1"]."""
    found = re.findall(r"(.+?) (\d+(?:x\d+)*)(?:, |$)", text or "")
    return [f"{name}={sizes.replace('x', ',')}" for name, sizes in found]


def _spell(options: Iterable[tuple[str, object]]) -> list[str]:
    return [text for name, value in options if value is not None for text in (f"--{name}", str(value))]


def _join(arguments: Sequence[str]) -> str:
    return shlex.join(["pocketbench", *arguments])
