"""When is an exported file still current? A key over all that decides what stands in it.

The key of a catalogue or timm model is known without building it: the spec, the source files that its backbone and its
block reach by their imports, the source of the exporter, and the versions of the converters. What a user's function
returns can depend on anything, so its key is taken over the graph and the weights it gave.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pocketbench.core.jsonio import to_plain
from pocketbench.core.records import ModelSpec
from pocketbench.core.targets import FormatTarget
from pocketbench.export.catalog import list_tools
from pocketbench.workflow.calibration import read_pictures

LISTS_ONLY = frozenset(
    {
        "pocketbench.blocks.catalog",
        "pocketbench.blocks.entries.heavy",
        "pocketbench.blocks.entries.light",
        "pocketbench.export.catalog",
    }
)
"""Registries name every block and format: a line more in them changes no exported file."""


LOWERING = "pocketbench.blocks.lowering.lower"
"""Decides the form of attention blocks, those in a user's own model too."""
REWRITING = "pocketbench.blocks.rewriting.rewrite"
"""Decides what a rewritten network becomes."""


def make_static_key(spec: ModelSpec, target: FormatTarget) -> str | None:
    """The key of a model that the spec determines; None for a user's function.

    Raises: what read_pictures raises, for a target that is calibrated.
    """
    modules = find_model_modules(spec)
    if modules is None:
        return None
    versions = {"timm": find_version("timm")} if spec.backbone.startswith("timm:") else {}
    return _digest(spec, target, {"sources": hash_sources(tuple(modules)), "versions": versions})


def make_graph_key(spec: ModelSpec, target: FormatTarget, graph_sha256: str) -> str:
    """The key of a model by what was built: the hash of its exported graph and its weights."""
    return _digest(spec, target, {"graph": graph_sha256, "forms": hash_sources(find_form_modules(spec))})


def find_model_modules(spec: ModelSpec) -> list[str] | None:
    """The modules whose sources decide what `spec` builds; None when only building it tells.

    Raises: UnknownNameError for a backbone or block that is not registered.
    """
    from pocketbench.blocks.catalog import BACKBONES, BLOCKS

    modules = ["pocketbench.blocks.build"]
    if spec.backbone.startswith("timm:"):
        return [*modules, *(find_form_modules(spec) if spec.rewrite else ())]
    if ":" in spec.backbone:
        return None
    modules.append(BACKBONES.entry(spec.backbone).target.partition(":")[0])
    if spec.block is not None:
        modules.append(BLOCKS.entry(spec.block).target.partition(":")[0])
        modules.append(LOWERING)
    return modules


def find_form_modules(spec: ModelSpec) -> tuple[str, ...]:
    """The modules that decide in which form a built network is written."""
    return (LOWERING, REWRITING) if spec.rewrite else (LOWERING,)


def _digest(spec: ModelSpec, target: FormatTarget, content: dict[str, object]) -> str:
    exporter = ("pocketbench.export.exporter", f"pocketbench.export.to_{target.format}")
    parts = {
        "spec": describe_spec(spec),
        "target": {"lowering": target.lowering, "precision": target.precision},
        "content": content,
        "exporter": hash_sources(exporter),
        "converters": {name: find_version(name) for name in list_tools(target)},
        "python": sys.version_info[:2],
    }
    if target.calibration is not None:
        parts["calibration"] = to_plain(read_pictures(target.calibration).record)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def describe_spec(spec: ModelSpec) -> dict[str, Any]:
    """The spec as it stands in a key: what it got in 0.4 only where it says something, so that older keys stay."""
    plain: dict[str, Any] = to_plain(spec)
    later = {field.name for field in dataclasses.fields(spec) if field.metadata.get("since") == "0.4"}
    return {name: value for name, value in plain.items() if value is not None or name not in later}


@cache
def find_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def hash_sources(modules: tuple[str, ...]) -> dict[str, str]:
    """The hash of each source file that the modules reach by imports within their stage (or their own package).

    Read, not imported. `core` is left out: records and messages do not decide what a converter writes.
    """
    hashes: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        read = None if name in hashes else read_source(name)
        if read is not None:
            hashes[name], imported = read
            waiting.extend(imported)
    return dict(sorted(hashes.items()))


@cache
def read_source(module: str) -> tuple[str, tuple[str, ...]] | None:
    """The hash of a module's source, and the neighbours that it imports; None as `find_source`."""
    path = find_source(module)
    if path is None:
        return None
    source = path.read_bytes()
    imported = (found for found in list_imports(source, module) if is_neighbour(found, module))
    return hashlib.sha256(source).hexdigest(), tuple(found for found in imported if found not in LISTS_ONLY)


def is_neighbour(found: str, importer: str) -> bool:
    """Within pocketbench the same stage; in somebody else's package that package, and our blocks that it builds on."""
    if importer.startswith("pocketbench."):
        return found.split(".")[:2] == importer.split(".")[:2]
    return found.split(".")[0] == importer.split(".")[0] or found.startswith("pocketbench.blocks.")


@cache
def find_source(module: str) -> Path | None:
    """The source file of a module; None for what is no module, or is not written in Python.

    importlib finds the top-level package alone: for a submodule it would import the packages above it.
    """
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    source = Path(spec.origin)
    for name in rest:
        if source.name != "__init__.py":
            return None
        package, plain = source.parent / name / "__init__.py", source.parent / f"{name}.py"
        source = package if package.is_file() else plain
    return source if source.suffix == ".py" and source.is_file() else None


def list_imports(source: bytes, module: str) -> Iterable[str]:
    """The absolute names of what a module's source imports, wherever in the file, candidates for submodules too."""
    package = module.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            origin = ".".join(part for part in (base, node.module or "") if part)
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
