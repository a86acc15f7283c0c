"""Core ML: coremltools, an ML program for iOS 16; verified by an interpreter of the MIL program that was saved.

Core ML itself runs on Apple's systems only. `mil/` reads the saved package and evaluates its operators by their
documented meaning, so a wrong weight, attribute or operator in the file shows. What Apple's compiler makes of the file
on a device is not seen here.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pocketbench.core.errors import ConversionError, FileFault, ParityError
from pocketbench.core.records import Parity
from pocketbench.export.coreml_compress import compress
from pocketbench.export.coreml_graph import read_graph_facts
from pocketbench.export.mil.canonical import make_canonical
from pocketbench.export.mil.compressed import check_compressed
from pocketbench.export.mil.half_precision import find_difference
from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.program import read_program
from pocketbench.export.mil.silence import silence_coremltools
from pocketbench.export.parity import compare_outputs
from pocketbench.export.preparation import PreparedModel
from pocketbench.export.quantised_parity import compare_noise

__all__ = ["TOLERANCES", "convert", "quantise", "read_graph_facts", "run", "verify", "verify_quantised"]

TOLERANCES = {"fp16": 1.0, "fp32": 1e-3}
"""Precision -> the largest relative error of a good file (records.Parity).

fp16 is wide, because networks with random weights amplify rounding (measured: 0.03 for ResNet18, 0.1 for MobileNetV2,
0.2 with CBAM; 7.6 for EfficientViT, whose attention divides by what float16 rounds to 0). Smaller faults can't hide
behind that: `verify` also compares an fp16 package, exactly, with its twin in fp32.
"""


NOISE_TOLERANCES = {"int8_weights": 0.5, "palette6": 0.5}
"""Precision -> the largest error of a good compressed package, rms (records.Parity)."""


def convert(exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
    """Write the graph as an .mlpackage. Weights and operators are of the precision; equal graphs give equal bytes.

    Raises:
        ConversionError: when coremltools refuses an operator.
        FileFault: when the package can't be written.
    """
    if precision not in TOLERANCES:
        raise ConversionError(f"Core ML at {precision} is not written", f"known: {', '.join(TOLERANCES)}")
    model = _convert_graph(exported, precision)
    try:
        with silence_coremltools():
            model.save(str(path))
            # coremltools removes its own copy at exit only: a suite of models would fill the disk
            shutil.rmtree(model.package_path, ignore_errors=True)
        make_canonical(path)
    except (OSError, FileFault) as error:
        shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, FileFault):
            raise
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def _convert_graph(exported: torch.export.ExportedProgram, precision: str) -> Any:
    """The converted model, in coremltools' temporary folder."""
    try:
        with silence_coremltools():
            import coremltools

            precisions = {"fp16": coremltools.precision.FLOAT16, "fp32": coremltools.precision.FLOAT32}
            return coremltools.convert(
                _lower(exported),
                convert_to="mlprogram",
                minimum_deployment_target=coremltools.target.iOS16,
                compute_precision=precisions[precision],
                skip_model_load=True,
            )
    except Exception as error:  # coremltools raises many kinds, some without a text
        raise ConversionError(
            f"coremltools can't convert the model: {type(error).__name__}: {error}",
            "the operator that it names has no Core ML form; rewrite that part of the model",
        ) from error


def _lower(exported: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The graph in operators that coremltools 9.0 converts faithfully.

    It drops gelu's approximation, turns reciprocal into `inverse`, which adds 1e-4 to its input, and has no alias. Its
    hard-swish takes three operators where two do.
    """
    program: torch.export.ExportedProgram = exported.run_decompositions(
        {torch.ops.aten.gelu.default: _decompose_gelu, torch.ops.aten.hardswish.default: _decompose_hardswish}
    )
    for node in program.graph.nodes:
        if node.target == torch.ops.aten.reciprocal.default:
            node.target, node.args = torch.ops.aten.div.Tensor, (1.0, node.args[0])
        elif node.target == torch.ops.aten.alias.default:
            node.target = torch.ops.aten.clone.default
    return program


def _decompose_hardswish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.nn.functional.hardsigmoid(x)


def _decompose_gelu(x: torch.Tensor, *, approximate: str = "none") -> Any:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); coremltools knows the pattern and writes gelu for it."""
    if approximate != "tanh":
        return NotImplemented  # torch keeps the operator then
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x.pow(3))))


def run(path: Path, inputs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """The outputs of the saved program for each list of inputs.

    Raises:
        ConversionError: when it holds an operator that can't be evaluated without Core ML.
        FileFault: when the path holds no ML program, or a damaged one, or the inputs do not fit.
    """
    program = read_program(path)
    return [run_program(program, values) for values in inputs]


def verify(path: Path, prepared: PreparedModel, precision: str) -> Parity:
    """That the package computes what the model computes.

    Cost: fp16 is converted once more, in fp32, for what `half_precision` compares.

    Raises:
        ParityError: when the outputs differ; of an fp16 package also when it is not its verified fp32 twin, rounded.
        ConversionError: when the package holds an operator that can't be evaluated without Core ML.
        FileFault: when the package can't be read.
    """
    if precision == "fp16":
        with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
            twin = Path(folder) / "twin.mlpackage"
            convert(prepared.exported, twin, "fp32")
            verify(twin, prepared, "fp32")
            difference = find_difference(read_program(path), read_program(twin))
        if difference is not None:
            raise ParityError(
                f"the fp16 program is not the fp32 program with its constants rounded: {difference}",
                "the file was not kept; export coreml:fp32, which is compared with torch directly",
            )
    return compare_outputs(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=TOLERANCES[precision],
        runtime=_name_runtime(precision),
    )


def quantise(twin: Path, path: Path, precision: str, inputs: Sequence[np.ndarray] | None) -> None:
    """As `compress`: activations keep their type, and no ranges are needed."""
    assert inputs is None
    compress(twin, path, precision)


def verify_quantised(
    path: Path, twin: Path, prepared: PreparedModel, precision: str, tolerance_ratio: float = 1.0
) -> Parity:
    """Raises: ParityError when the program is not that of `twin` with its weights rounded, or the outputs are too far
    from the model's; ConversionError, FileFault as `verify`."""
    checked = check_compressed(read_program(path), read_program(twin))
    return compare_noise(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=NOISE_TOLERANCES[precision] * tolerance_ratio,
        runtime=_name_runtime(precision),
        weights_checked=checked,
    )


def _name_runtime(precision: str) -> str:
    return f"pocketbench's interpreter of the saved MIL program, {precision}"
