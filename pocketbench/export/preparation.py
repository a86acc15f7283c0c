"""What all formats share, done once a model: inputs, reference outputs, one exported and folded graph."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pocketbench.core.errors import ConversionError
from pocketbench.export.folding import fold_batch_norm
from pocketbench.export.parity import check_spread, make_inputs, run_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """A model ready for any converter. `expected` holds, for each of `inputs`, the outputs of `reference`."""

    reference: torch.nn.Module
    exported: torch.export.ExportedProgram
    inputs: list[np.ndarray]
    expected: list[list[np.ndarray]]

    def with_inputs(self, inputs: Sequence[np.ndarray]) -> PreparedModel:
        """The same model with other inputs to verify its files on. Raises: ModelFault, as `prepare_model`."""
        expected = run_reference(self.reference, inputs)
        check_spread(expected)
        return replace(self, inputs=list(inputs), expected=expected)


def prepare_model(
    model: torch.nn.Module, input_shape: Sequence[int], seed: int = 0, *, lowered: torch.nn.Module | None = None
) -> PreparedModel:
    """Run the reference, export the graph once, and fold BatchNorm in it.

    Args:
        model: what the file has to compute.
        lowered: the same network in the form that is to be written; None for `model` itself.

    Raises:
        ModelFault: when the model fails on such an input, or its output does not depend on the input.
        ConversionError: when torch.export can't capture it.
    """
    model, written = model.eval(), (model if lowered is None else lowered).eval()
    inputs = make_inputs(input_shape, seed)
    expected = run_reference(model, inputs)
    check_spread(expected)
    example = (torch.from_numpy(inputs[0]),)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph_module = torch.export.export(written, example, strict=False).module()
            fold_batch_norm(graph_module)
            exported = torch.export.export(graph_module, example, strict=False)
    except Exception as error:
        raise ConversionError(
            f"torch.export can't capture the model: {type(error).__name__}: {error}",
            "replace data-dependent Python control flow in its forward; see torch.export's documentation",
        ) from error
    return PreparedModel(reference=model, exported=exported, inputs=inputs, expected=expected)
