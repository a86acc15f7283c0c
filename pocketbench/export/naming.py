"""What an exported file and its record are called."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import ModelSpec
from pocketbench.core.targets import PRECISIONS, FormatTarget


def name_artifact(spec: ModelSpec, target: FormatTarget) -> str:
    """NAME.SUFFIX, with what the file was lowered for and its precision where they are not the format's usual ones."""
    parts = [spec.name]
    if target.lowering != target.format:
        parts.append(target.lowering.removeprefix(f"{target.format}-"))
    if target.precision != PRECISIONS[target.format][0]:
        parts.append(target.precision)
    return "_".join(parts) + SUFFIXES[target.format]


def record_path(artifact: Path) -> Path:
    """Where the record of a model file stands: NAME.SUFFIX.json beside it."""
    return artifact.with_name(artifact.name + ".json")


def scratch_prefix(process_id: int) -> str:
    """How the scratch folders of a process are called, so that who kills it can remove them."""
    return f".scratch-{process_id}-"
