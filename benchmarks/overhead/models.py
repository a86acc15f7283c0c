"""The model files that are compared, written and verified by the exporter, kept by the hash of what decides them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from pocketbench.blocks.build import build_model
from pocketbench.blocks.lowering.lower import lower_model
from pocketbench.core.records import ModelSpec
from pocketbench.core.targets import parse_format_target
from pocketbench.export.catalog import FORMATS, TOOLS
from pocketbench.export.preparation import prepare_model
from pocketbench.workflow.cache_keys import find_version, hash_sources
from pocketbench.workflow.model_specs import make_spec

REDUCTIONS = {"se": 24, "eca": None, "cbam": 24, "ca": 32}
NO_BLOCK = "none"
PUBLISHED = " published"


class Variant(NamedTuple):
    """`form` is a lowering of ours, a format for the network without a block, or "onnx published"."""

    width: float
    size: int
    block: str
    form: str


def write_variant(variant: Variant, folder: Path) -> Path:
    """The variant's file. Raises: ParityError when it does not compute what the network computes."""
    target = parse_format_target(variant.form.removesuffix(PUBLISHED))
    written = FORMATS.load(target.format)
    name = "_".join(map(str, variant)).replace(" ", "_")
    path = folder / f"{name}_{make_key(variant, target.format)}.{target.format}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    model = build_model(make_variant_spec(variant))
    lowered = None
    if variant.form.endswith(PUBLISHED):
        from benchmarks.published import publish_model

        lowered = publish_model(model)
    elif variant.block != NO_BLOCK:
        lowered = lower_model(model, target.lowering)
    prepared = prepare_model(model, (1, 3, variant.size, variant.size), lowered=lowered)
    scratch = path.with_name(f".{path.name}")
    written.convert(prepared.exported, scratch, target.precision)
    written.verify(scratch, prepared, target.precision)
    scratch.rename(path)
    return path


def make_variant_spec(variant: Variant) -> ModelSpec:
    if variant.block == NO_BLOCK:
        return make_spec("mobilenet_v2", width=variant.width, input_size=str(variant.size))
    return make_spec(
        "mobilenet_v2",
        width=variant.width,
        input_size=str(variant.size),
        attention=variant.block,
        reduction=REDUCTIONS[variant.block],
        gate="sigmoid" if variant.form.endswith(PUBLISHED) else "hard_sigmoid",
    )


def make_key(variant: Variant, model_format: str) -> str:
    modules = ["pocketbench.blocks.build", "pocketbench.blocks.backbones.mobilenet_v2"]
    if variant.form.endswith(PUBLISHED):
        modules += ["benchmarks.published", *(f"benchmarks.published.{name}" for name in REDUCTIONS)]
    elif variant.block != NO_BLOCK:
        modules += ["pocketbench.blocks.lowering.lower", "pocketbench.blocks.attention.coordinate"]
    exporter = ("pocketbench.export.exporter", f"pocketbench.export.to_{model_format}")
    parts = [hash_sources(tuple(modules)), hash_sources(exporter), [find_version(name) for name in TOOLS[model_format]]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
