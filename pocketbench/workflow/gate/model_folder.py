"""The model files of a folder, with the records beside them."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact
from pocketbench.export.naming import record_path
from pocketbench.workflow.gate.base_cache import list_model_paths
from pocketbench.workflow.kept_artifacts import read_artifact


def read_folder(folder: Path) -> list[tuple[Artifact, Path]]:
    """Every .onnx, .tflite and .mlpackage that stands in `folder` itself, by name; folders inside are not searched.

    A record beside a file is used when it describes the file as it is; a file without one gets a bare record.

    Raises:
        UsageError: when `folder` is a file.
        FileFault: when it does not exist, holds no model, or a file or its record can't be read.
    """
    if folder.is_file():
        raise UsageError(f"{folder} is a file", "name folders here; pocketbench compare A B takes two files")
    if not folder.is_dir():
        raise FileFault(f"there is no folder {folder}", "check the path; pocketbench export --out makes one")
    try:
        paths = list_model_paths(folder)
        deeper = [] if paths else sorted(path for path in folder.iterdir() if path.is_dir() and list_model_paths(path))
    except OSError as error:
        raise FileFault(f"can't read {folder}: {error.strerror or error}", "check the permissions") from error
    if not paths:
        cure = f"name the folder that holds them: {deeper[0]}" if deeper else "pocketbench export --out makes some"
        raise FileFault(f"{folder} holds no model file ({', '.join(SUFFIXES.values())}): nothing is compared", cure)
    return [(read_artifact(path), path) for path in paths]


def read_base_folder(folder: Path) -> list[tuple[Artifact, Path]]:
    """As `read_folder`; a record whose model is gone is an error, too: that model would silently be guarded no more.

    Raises: UsageError, FileFault.
    """
    found = read_folder(folder)
    names = {path.name for _, path in found}
    for suffix in SUFFIXES.values():
        for record in sorted(folder.glob(f"[!.]*{suffix}.json")):
            model = record.with_suffix("")
            if model.name not in names:
                raise FileFault(
                    f"base holds {record}, and {model.name} is gone",
                    f"bring the model back, or delete {record_path(model).name} if it is to be guarded no more",
                )
    return found
