"""Makes a saved package reproducible: the same model gives the same bytes, on any day, in any process."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.export.mil.package import MANIFEST, MAX_PROTO_BYTES, find_model_file, read_bytes
from pocketbench.export.mil.program import parse_model

DATE_KEY = "com.github.apple.coremltools.conversion_date"
DEBUG_FILE = "executorch_debug_handle_mapping.json"
"""A list of all operations that coremltools adds for ExecuTorch; for other models it maps nothing."""

NAMESPACE = uuid.UUID("6f1dbb2e-52a4-5a0c-9a55-0d3b0c1f7a10")


def make_canonical(package: Path) -> None:
    """Rewrite what changes from one conversion to the next: the date, the order of tables, the manifest's identifiers.

    Raises: FileFault when the package can't be read or written.
    """
    model_file = find_model_file(package)
    model = parse_model(read_bytes(model_file, MAX_PROTO_BYTES).tobytes(), package)
    model.description.metadata.userDefined.pop(DATE_KEY, None)
    try:
        model_file.write_bytes(model.SerializeToString(deterministic=True))
        (package / DEBUG_FILE).unlink(missing_ok=True)
        _write_manifest(package, model_file)
        for part in package.rglob("*"):
            part.chmod(0o755 if part.is_dir() else 0o644)
    except OSError as error:
        raise FileFault(f"can't write {package}: {error.strerror or error}", "check free space") from error


def _write_manifest(package: Path, model_file: Path) -> None:
    """The manifest with identifiers that follow from the contents, in place of random ones."""
    manifest = package / MANIFEST
    content = json.loads(manifest.read_text(encoding="utf-8"))
    data, renamed = model_file.parent.parent, {}
    for identifier, item in content["itemInfoEntries"].items():
        digest = hashlib.sha256(item["path"].encode())
        part = data / item["path"]
        for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
            if file.is_file():
                digest.update(file.relative_to(data).as_posix().encode() + file.read_bytes())
        renamed[identifier] = str(uuid.uuid5(NAMESPACE, digest.hexdigest()))
    content["itemInfoEntries"] = {
        name: content["itemInfoEntries"][identifier] for identifier, name in sorted(renamed.items(), key=lambda x: x[1])
    }
    content["rootModelIdentifier"] = renamed[content["rootModelIdentifier"]]
    manifest.write_text(json.dumps(content, indent=4, sort_keys=True) + "\n", encoding="utf-8")
