"""The key of an exported file changes with what decides its content, and with nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import UnknownNameError
from pocketbench.core.records import ModelSpec, Preprocessing
from pocketbench.core.targets import parse_format_target
from pocketbench.workflow import cache_keys
from pocketbench.workflow.cache_keys import find_model_modules, hash_sources, list_imports, make_static_key

SPEC = ModelSpec(backbone="mobilenet_v2", width_ratio=1.0, block="ca", reduction_ratio=32, gate="hard_sigmoid")
ONNX = parse_format_target("onnx")


@pytest.fixture(autouse=True)
def _forget_hashes() -> None:
    hash_sources.cache_clear()
    cache_keys.read_source.cache_clear()
    cache_keys.find_source.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of four modules: net imports layers (which imports gates); other is imported by none of them."""
    folder = tmp_path / "thirdparty_nets"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "net.py").write_text("import json\nfrom thirdparty_nets import layers\n")
    (folder / "layers.py").write_text("def f():\n    from .gates import gate\n")
    (folder / "gates.py").write_text("gate = 1\n")
    (folder / "other.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.startswith("thirdparty_nets")]:
        del sys.modules[name]


def test_sources_are_found_through_imports_without_importing_them(package: Path) -> None:
    (package / "gates.py").write_text("raise SystemExit('imported')\n")
    hashes = hash_sources(("thirdparty_nets.net",))
    assert {name for name in hashes if "." in name} == {
        "thirdparty_nets.net",
        "thirdparty_nets.layers",
        "thirdparty_nets.gates",
    }


@pytest.mark.parametrize(("module", "changes"), [("gates", True), ("layers", True), ("other", False)])
def test_a_changed_module_changes_only_what_reaches_it(package: Path, module: str, changes: bool) -> None:
    before = hash_sources(("thirdparty_nets.net",))
    hash_sources.cache_clear()
    cache_keys.read_source.cache_clear()
    (package / f"{module}.py").write_text("# changed\n" + (package / f"{module}.py").read_text())
    assert (hash_sources(("thirdparty_nets.net",)) != before) is changes


def test_our_blocks_that_a_plug_in_builds_on_are_followed(package: Path) -> None:
    (package / "net.py").write_text("import torch\nfrom pocketbench.blocks.gates import make_gate\n")
    assert hash_sources(("thirdparty_nets.net",)).keys() == {"thirdparty_nets.net", "pocketbench.blocks.gates"}


def test_relative_imports_are_resolved() -> None:
    source = b"from . import a\nfrom .b import c\nfrom ..d import e\nimport f.g\n"
    assert {"p.q", "p.q.a", "p.q.b", "p.q.b.c", "p.d", "p.d.e", "f.g"} == set(list_imports(source, "p.q.module"))


def test_key_depends_on_spec_target_versions_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_static_key(SPEC, ONNX)
    assert key == make_static_key(SPEC, ONNX)
    others = [
        make_static_key(replace(SPEC, reduction_ratio=16), ONNX),
        make_static_key(replace(SPEC, seed=1), ONNX),
        make_static_key(SPEC, parse_format_target("tflite")),
        make_static_key(SPEC, parse_format_target("coreml")),
        make_static_key(SPEC, parse_format_target("coreml:fp32")),
    ]
    monkeypatch.setattr(cache_keys, "find_version", lambda _: "0.0.1")
    others.append(make_static_key(SPEC, ONNX))
    assert len({key, *others}) == 7


def test_another_block_does_not_depend_on_the_source_of_this_one() -> None:
    bam, triplet = (
        hash_sources(tuple(find_model_modules(replace(SPEC, block=block)) or ())) for block in ("bam", "triplet")
    )
    assert "pocketbench.blocks.attention.bam" in bam
    assert "pocketbench.blocks.attention.bam" not in triplet
    assert "pocketbench.blocks.attention.triplet" in triplet
    assert "pocketbench.blocks.catalog" not in bam  # a new line in the list of blocks re-exports nothing
    assert {"pocketbench.blocks.build", "pocketbench.blocks.backbones.mobilenet_v2"} <= bam.keys() & triplet.keys()


def test_a_lowered_block_depends_on_the_rules_and_a_plain_backbone_does_not() -> None:
    plain = replace(SPEC, block=None, reduction_ratio=None, gate=None)
    ca, none = (hash_sources(tuple(find_model_modules(spec) or ())) for spec in (replace(SPEC, block="ca"), plain))
    for name in ("lower", "rules", "onnx_rules", "tflite_rules", "tflite_ca"):
        assert f"pocketbench.blocks.lowering.{name}" in ca
        assert f"pocketbench.blocks.lowering.{name}" not in none


def test_a_users_function_has_no_key_before_it_was_built() -> None:
    assert make_static_key(ModelSpec(backbone="package.module:function", weights="given"), ONNX) is None


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="mobilenet_v3"):
        make_static_key(replace(SPEC, backbone="mobilenet_v3"), ONNX)
    with pytest.raises(UnknownNameError, match="attention block"):
        make_static_key(replace(SPEC, block="sea"), ONNX)


def test_a_preprocessing_is_in_the_key_and_its_absence_is_not() -> None:
    """Keys that were made before specs had one stay: files are not exported anew."""
    preprocessing = Preprocessing(
        size=(224, 224), channels=3, crop="center", resize=256, interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3
    )
    plain = cache_keys.describe_spec(SPEC)
    assert not {"preprocessing", "recipe_sha256"} & set(plain)
    assert {"backbone", "checkpoint", "swap_gates"} < set(plain)
    assert make_static_key(replace(SPEC, preprocessing=preprocessing), ONNX) != make_static_key(SPEC, ONNX)
    assert make_static_key(replace(SPEC, recipe_sha256="a"), ONNX) != make_static_key(SPEC, ONNX)
