"""Take over what another program measured: a result like any other, which says where it comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pocketbench.core.errors import UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact, Caveat, Conditions, Device, Origin, RunPlan, RunResult
from pocketbench.core.sample_text import IMPORT_NOTES
from pocketbench.core.store import IMPORTED, Store
from pocketbench.profile.parsers.formats import FORMATS, choose_model, parse_file
from pocketbench.profile.parsers.imported import Imported
from pocketbench.workflow.import_file import ForeignFile
from pocketbench.workflow.known_artifacts import find_artifact

TRANSPORT = "imported"
MAX_NAME_CHARS = 64
MAX_THREADS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What the user says of a file. All but `device` and `artifact` may be None.

    `artifact` is a path or the beginning of a sha256, `kind` one of `parsers.formats.FORMATS`, `model` the name of a
    model in the file. `engine`, `thread_count` and `delegate` are for what the file does not tell.
    """

    device: str
    artifact: str
    kind: str | None = None
    model: str | None = None
    engine: str | None = None
    thread_count: int | None = None
    delegate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """The stored result; `is_new` is False when it was stored before, by an earlier import of the same file. `replaced`
    is what the same figures had been imported as before."""

    result: RunResult
    is_new: bool
    replaced: RunResult | None = None


def import_result(file: ForeignFile, request: ImportRequest, store: Store, folder: Path) -> ImportOutcome:
    """Read a file and store what it says of one model.

    Args:
        folder: where exported files stand, for an artifact that is named by its sha256.

    Raises:
        UsageError: for a wrong name, and for options that contradict the file.
        OutputFault: when the file is not understood.
        FileFault, EnvironmentFault: when a file can't be read or the result can't be stored.
    """
    device_id = name_device(request.device)
    kind, found = parse_file(file.text, request.kind)
    imported = choose_model(found, request.model)
    artifact = find_artifact(request.artifact, store, folder)
    _check_artifact(kind, artifact)
    result = _make_result(file, kind, imported, request, artifact, device_id)
    earlier = _find_earlier(result, store)
    same = next((other for other in earlier if _is_same(other, result)), None)
    if same is not None:
        return ImportOutcome(result=same, is_new=False)
    store.replace_imports(earlier, result)
    return ImportOutcome(result=result, is_new=True, replaced=earlier[0] if earlier else None)


def _find_earlier(result: RunResult, store: Store) -> list[RunResult]:
    """What these figures of the file, or another model of it for this artifact, were imported as before: a figure is of
    one file on one device, so that the later word corrects the earlier."""
    # the notes name the model of the file: two models may have equal figures
    return [
        other
        for other in store.read_results(run_id=result.run_id)
        if other.artifact.sha256 == result.artifact.sha256
        or (other.measurement, other.caveats) == (result.measurement, result.caveats)
    ]


def _is_same(earlier: RunResult, result: RunResult) -> bool:
    return (earlier.artifact.sha256, earlier.measurement, earlier.device.device_id, earlier.plan) == (
        result.artifact.sha256,
        result.measurement,
        result.device.device_id,
        result.plan,
    )


def name_device(name: str) -> str:
    """The id of a device that is not here: "Pixel 4" is "imported-pixel-4". Raises: UsageError."""
    slug = re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")
    if not slug or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise UsageError(f"--device is {name!r}", f"a name of 1 to {MAX_NAME_CHARS} letters and digits, such as pixel4")
    return IMPORTED + slug


def _check_artifact(kind: str, artifact: Artifact) -> None:
    suffixes = FORMATS[kind].suffixes
    if suffixes and SUFFIXES.get(artifact.format) not in suffixes:
        raise UsageError(
            f"{FORMATS[kind].tool} runs {' and '.join(suffixes)} files, and {artifact.file_name} is none",
            "give the --artifact that was measured",
        )


def _make_result(
    file: ForeignFile, kind: str, imported: Imported, request: ImportRequest, artifact: Artifact, device_id: str
) -> RunResult:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    measurement = imported.measurement
    untold = Conditions(
        taken_at=now,
        cpu_model=None,
        load_average=None,
        governor=None,
        frequency_khz=None,
        temperature_celsius=None,
        memory_available_bytes=None,
    )
    notes = [f"The file calls the model {imported.name}."] if imported.name else []
    notes += imported.notes
    if not FORMATS[kind].suffixes:
        notes.append(f"{FORMATS[kind].tool} ran a file of its own format, converted from this one.")
    return RunResult(
        run_id=f"{TRANSPORT}-{file.sha256[:16]}",
        session_index=0,
        artifact=artifact,
        device=Device(
            device_id=device_id,
            transport=TRANSPORT,
            model=imported.device_model,
            soc=None,
            os_version=imported.os_version,
            abi=None,
            core_count=None,
            memory_bytes=None,
            name=request.device,
        ),
        plan=RunPlan(
            engine=_choose("engine", imported.engine, request.engine) or kind,
            delegate=_choose("delegate", imported.delegate, request.delegate),
            thread_count=_choose_threads(imported, request),
            session_count=1,
            round_count=1,
            burst_count=measurement.burst_count,
            settle_count=measurement.settle_count,
            warmup_count=0,
        ),
        measurement=measurement,
        failure=None,
        conditions_before=untold,
        conditions_after=untold,
        caveats=(Caveat(code=IMPORT_NOTES, text=" ".join(notes)),) if notes else (),
        tools={},
        git_commit=None,
        operator_times=imported.operators,
        coverage=imported.coverage,
        origin=Origin(
            tool=imported.tool or FORMATS[kind].tool, file_name=file.name, file_sha256=file.sha256, imported_at=now
        ),
    )


def _choose(option: str, told: str | None, given: str | None) -> str | None:
    """What the file tells, else what the user says. Raises: UsageError when they are not the same."""
    if told is not None and given is not None and told != given:
        raise UsageError(f"--{option} is {given}, and the file says {told}", f"leave --{option} out")
    if given is not None and (not given.isprintable() or not given.strip() or len(given) > MAX_NAME_CHARS):
        raise UsageError(f"--{option} is {given!r}", "give a name")
    return told if told is not None else given


def _choose_threads(imported: Imported, request: ImportRequest) -> int | None:
    given = request.thread_count
    if given is not None and not 1 <= given <= MAX_THREADS:
        raise UsageError(f"--threads is {given}", f"it is 1 to {MAX_THREADS}")
    told = imported.thread_count
    chosen = _choose("threads", None if told is None else str(told), None if given is None else str(given))
    return None if chosen is None else int(chosen)
