"""What a file format must bring: a module with these functions is one. `catalog.FORMATS` names the modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from pocketbench.core.records import GraphFacts, Parity
from pocketbench.export.preparation import PreparedModel


class Format(Protocol):
    """A format's module. Functions raise subclasses of PocketbenchError only."""

    def convert(self, exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
        """Write the model to `path`. Raises: ConversionError, FileFault."""

    def run(self, path: Path, inputs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
        """The file's outputs for each list of inputs, by the runtime that verifies it. Raises: FileFault."""

    def read_graph_facts(self, path: Path) -> GraphFacts:
        """What stands in the file. Raises: FileFault when it is no such file."""

    def verify(self, path: Path, prepared: PreparedModel, precision: str) -> Parity:
        """That the file computes what the model computes. Raises: ParityError, FileFault."""

    def quantise(self, twin: Path, path: Path, precision: str, inputs: Sequence[np.ndarray] | None) -> None:
        """Write the file `twin` to `path` with fewer bits. Raises: ConversionError, FileFault.

        Args:
            inputs: by which a precision that is calibrated (core.targets) sets the ranges of activations; else None.
        """

    def verify_quantised(
        self, path: Path, twin: Path, prepared: PreparedModel, precision: str, tolerance_ratio: float = 1.0
    ) -> Parity:
        """That the file holds what `twin` holds, rounded, and still computes what the model computes.

        Args:
            tolerance_ratio: of the outputs; the weights have to agree in any case.

        Raises: ParityError, FileFault.
        """
