"""The exported files that stand in a folder: is one current, which belong to a suite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import read_record
from pocketbench.core.model_files import detect_format, hash_model_file, measure_size
from pocketbench.core.records import Artifact, ModelSpec
from pocketbench.core.targets import FormatTarget
from pocketbench.export.naming import name_artifact, record_path


def find_current_artifact(spec: ModelSpec, target: FormatTarget, folder: Path, key: str | None) -> Artifact | None:
    """The record of the file in `folder`, when it was made under this key and is still the same file."""
    path = folder / name_artifact(spec, target)
    if key is None or not path.exists():
        return None
    try:
        record = read_record(record_path(path), Artifact)
    except FileFault:  # no record, or one of another version: export anew
        return None
    same = (
        record.cache_key == key and measure_size(path) == record.size_bytes and hash_model_file(path) == record.sha256
    )
    return record if same else None


def read_artifact(path: Path) -> Artifact:
    """The record of any model file: the one beside it when it is ours and the file is unchanged, else a bare one.

    Raises: FileFault or UsageError when it is no model file.
    """
    model_format = detect_format(path)
    sha256 = hash_model_file(path)
    if record_path(path).exists():
        record = read_record(record_path(path), Artifact)
        if record.sha256 == sha256:
            return replace(record, file_name=path.name)
    return Artifact(
        spec=None,
        format=model_format,
        precision=None,
        file_name=path.name,
        sha256=sha256,
        size_bytes=measure_size(path),
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )
