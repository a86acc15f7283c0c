"""From a model to a verified file: convert in a scratch folder, verify, hash, move. What fails is not kept."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import SUFFIXES, hash_model_file, measure_size, move_into_place, open_folder
from pocketbench.core.records import Artifact, GraphFacts, ModelFacts, ModelSpec, Parity
from pocketbench.core.targets import FormatTarget
from pocketbench.export.calibration import Calibration
from pocketbench.export.catalog import FORMATS, list_tools
from pocketbench.export.format import Format
from pocketbench.export.naming import name_artifact, record_path, scratch_prefix
from pocketbench.export.preparation import PreparedModel

RANDOM_WEIGHTS_RATIO = 4.0
"""Networks with random weights amplify rounding from layer to layer (measured: an error of 0.41 for MobileNetV2 0.35
with CA, onnx:int8; trained ones 0.03 to 0.1). Their files are there to be timed; the weights must agree all the same.
"""


def export_model(
    prepared: PreparedModel,
    spec: ModelSpec,
    target: FormatTarget,
    folder: Path,
    *,
    model_facts: ModelFacts | None = None,
    rewriting: tuple[str, ...] | None = None,
    cache_key: str | None = None,
    calibration: Calibration | None = None,
    twins: Path | None = None,
    add_runtime_facts: Callable[[Path, GraphFacts], GraphFacts] | None = None,
) -> Artifact:
    """Convert, verify, and keep the file in `folder` beside its record (`NAME.SUFFIX.json`).

    Args:
        model_facts: of the network before conversion, for the record.
        rewriting: what was exchanged in the network, for the record.
        cache_key: see the record.
        calibration: for a target that is calibrated.
        twins: a folder for the files that others are quantised from, kept while a model is exported to several targets,
            and no longer than `prepared`.
        add_runtime_facts: completes the file's facts by what a runtime says of it (partitions); this stage has none.

    Raises:
        ConversionError: when the converter refuses the model.
        ParityError: when the file does not compute what the model computes; nothing is kept then.
        ModelFault: when the model fails on the inputs of the calibration.
        FileFault: when the folder can't be written or the disk is full.
    """
    written: Format = FORMATS.load(target.format)
    open_folder(folder)
    file_name = name_artifact(spec, target)
    scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix(os.getpid()), dir=folder))
    try:
        path = scratch / file_name
        if target.twin is None:
            written.convert(prepared.exported, path, target.precision)
            parity = written.verify(path, prepared, target.precision)
            if twins is not None:
                copy_model_file(path, name_twin(prepared, target, twins))
        else:
            twin = make_twin(written, prepared, target.twin, twins or scratch)
            ratio = RANDOM_WEIGHTS_RATIO if spec.weights == "random" else 1.0
            parity = quantise_twin(written, prepared, target, twin, path, calibration, ratio)
        graph_facts = written.read_graph_facts(path)
        if add_runtime_facts is not None:
            graph_facts = add_runtime_facts(path, graph_facts)
        artifact = Artifact(
            spec=spec,
            format=target.format,
            precision=target.precision,
            lowering=target.lowering,
            rewriting=rewriting,
            file_name=file_name,
            sha256=hash_model_file(path),
            size_bytes=measure_size(path),
            parity=parity,
            graph_facts=graph_facts,
            model_facts=model_facts,
            tools={name: importlib.metadata.version(name) for name in list_tools(target)},
            cache_key=cache_key,
            calibration=None if calibration is None or not target.is_calibrated else calibration.record,
        )
        # the record of an older file must not describe the new one, should we be stopped between the two moves
        record_path(folder / file_name).unlink(missing_ok=True)
        move_into_place(path, folder / file_name)
        write_record(record_path(folder / file_name), artifact)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return artifact


def make_twin(written: Format, prepared: PreparedModel, target: FormatTarget, folder: Path) -> Path:
    """The verified file of a target that others are quantised from; the one in the folder, if it stands there already.

    Raises: ConversionError, ParityError, FileFault.
    """
    path = name_twin(prepared, target, folder)
    if not path.exists():
        made = path.with_name(f"unverified-{path.name}")
        written.convert(prepared.exported, made, target.precision)
        written.verify(made, prepared, target.precision)
        made.rename(path)
    return path


def name_twin(prepared: PreparedModel, target: FormatTarget, folder: Path) -> Path:
    """By the graph that is written: targets whose blocks take the same forms share it, and so the file."""
    return folder / f"twin-{id(prepared.exported):x}-{target.precision}{SUFFIXES[target.format]}"


def copy_model_file(path: Path, copy: Path) -> None:
    """Raises: FileFault when the disk is full."""
    try:
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copyfile(path, copy)
    except OSError as error:
        raise FileFault(f"can't write {copy}: {error.strerror or error}", "check free space") from error


def quantise_twin(
    written: Format,
    prepared: PreparedModel,
    target: FormatTarget,
    twin: Path,
    path: Path,
    calibration: Calibration | None,
    tolerance_ratio: float,
) -> Parity:
    """Quantise a file and verify what comes of it; of a calibrated one, on inputs of the calibration's kind.

    Raises: ConversionError, ParityError, ModelFault, FileFault.
    """
    if not target.is_calibrated:
        written.quantise(twin, path, target.precision, None)
        return written.verify_quantised(path, twin, prepared, target.precision, tolerance_ratio)
    assert calibration is not None
    written.quantise(twin, path, target.precision, calibration.inputs)
    judged = prepared.with_inputs(calibration.checks)
    return written.verify_quantised(path, twin, judged, target.precision, tolerance_ratio)
