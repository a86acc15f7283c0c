"""What an exported file and its record are called."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import ModelSpec
from pocketbench.core.targets import FormatTarget


def name_artifact(spec: ModelSpec, target: FormatTarget) -> str:
    """NAME.SUFFIX, with the precision where it is not the format's usual one."""
    precision = "" if target.is_default else f"_{target.precision}"
    return f"{spec.name}{precision}{SUFFIXES[target.format]}"


def record_path(artifact: Path) -> Path:
    """Where the record of a model file stands: NAME.SUFFIX.json beside it."""
    return artifact.with_name(artifact.name + ".json")


def scratch_prefix(process_id: int) -> str:
    """How the scratch folders of a process are called, so that who kills it can remove them."""
    return f".scratch-{process_id}-"
