"""A model from what a user wrote: defaults, and everything that is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import FileFault, UnknownNameError, UsageError
from pocketbench.core.records import ModelSpec
from pocketbench.workflow.model_specs import make_spec
from tests.accuracy.training_samples import TRAINING, write_weights


def test_defaults_of_a_backbone() -> None:
    spec = make_spec("mobilenet_v2")
    assert spec == ModelSpec(backbone="mobilenet_v2", width_ratio=1.0, class_count=1000, input_shape=(1, 3, 224, 224))


def test_defaults_of_a_block_are_the_papers() -> None:
    spec = make_spec("mobilenet_v2", attention="ca")
    assert (spec.reduction_ratio, spec.gate) == (32, "hard_sigmoid")
    assert make_spec("mobilenet_v2", attention="eca").reduction_ratio is None


def test_everything_said() -> None:
    spec = make_spec(
        "mobilenet_v2",
        width=0.75,
        attention="se",
        reduction=16,
        gate="sigmoid",
        classes=10,
        input_size="192x256",
        channels=1,
        seed=3,
    )
    assert spec.input_shape == (1, 1, 192, 256)
    assert (spec.width_ratio, spec.reduction_ratio, spec.gate, spec.class_count, spec.seed) == (
        0.75,
        16,
        "sigmoid",
        10,
        3,
    )


def test_weights_of_models_that_we_do_not_own() -> None:
    assert make_spec("timm:mobilenetv3_small_100").weights == "random"
    assert make_spec("package.nets:build").weights == "given"
    drawn = make_spec("package.nets:build", weights="random", seed=5)
    assert (drawn.weights, drawn.seed) == ("random", 5)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("mobilenet_v2", {"width": 0.0}, "width is 0.0"),
        ("mobilenet_v2", {"width": 1e9}, "width"),
        ("mobilenet_v2", {"classes": 0}, "classes is 0"),
        ("mobilenet_v2", {"channels": 0}, "channels is 0"),
        ("mobilenet_v2", {"input_size": "0"}, "input size is 0"),
        ("mobilenet_v2", {"input_size": "224x99999"}, "input size is 99999"),
        ("mobilenet_v2", {"input_size": "big"}, "'big' is no input size"),
        ("mobilenet_v2", {"reduction": 16}, "reduction 16 needs an attention block"),
        ("mobilenet_v2", {"gate": "sigmoid"}, "needs an attention block"),
        ("mobilenet_v2", {"attention": "eca", "reduction": 4}, "eca has no reduction"),
        ("mobilenet_v2", {"attention": "se", "reduction": 0}, "reduction is 0"),
        ("mobilenet_v2", {"weights": "given"}, "random weights"),
        ("mobilenet_v2", {"seed": -1}, "seed is -1"),
        ("timm:resnet18", {"attention": "se"}, "attention 'se' does not go with"),
        ("timm:resnet18", {"weights": "given"}, "random weights"),
        ("timm:", {}, "is no model"),
        (":f", {}, "is no model"),
        ("nets:build", {"classes": 10}, "classes 10 does not go with"),
        ("nets:build", {"seed": 1}, "no effect on given weights"),
    ],
)
def test_refused(model: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_spec(model, **options)


@pytest.mark.parametrize(
    ("model", "options", "nearest"),
    [
        ("mobilenetv2", {}, "mobilenet_v2"),
        ("mobilenet_v2", {"attention": "cbma"}, "cbam"),
        ("mobilenet_v2", {"attention": "se", "gate": "hardsigmoid"}, "hard_sigmoid"),
    ],
)
def test_unknown_names_come_with_the_nearest_valid_one(model: str, options: dict[str, Any], nearest: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        make_spec(model, **options)
    assert f"did you mean {nearest!r}" in caught.value.cure


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "runs of may" / "best.pth.tar"
    path.parent.mkdir()
    path.write_bytes(b"some weights")
    return path


@pytest.mark.parametrize("model", ["mobilenet_v2", "timm:resnet18", "package.nets:build"])
def test_every_kind_of_model_takes_a_checkpoint(weights: Path, model: str) -> None:
    spec = make_spec(model, checkpoint=str(weights))
    digest = hashlib.sha256(b"some weights").hexdigest()
    assert (spec.weights, spec.checkpoint, spec.checkpoint_sha256) == ("given", str(weights), digest)
    assert spec.name == f"{replace(spec, checkpoint_sha256=None).name}_best-{digest[:8]}"
    assert make_spec(model, checkpoint=str(weights), weights="given") == spec


def test_a_checkpoint_is_known_by_its_content_wherever_it_stands(weights: Path, tmp_path: Path) -> None:
    first = make_spec("mobilenet_v2", checkpoint=str(weights))
    moved = weights.rename(tmp_path / weights.name)
    assert make_spec("mobilenet_v2", checkpoint=str(moved)) == first
    moved.write_bytes(b"other weights")
    assert make_spec("mobilenet_v2", checkpoint=str(moved)) != first


def test_a_timm_model_takes_a_class_count() -> None:
    spec = make_spec("timm:resnet18", classes=10)
    assert (spec.class_count, spec.name) == (10, "timm_resnet18_10classes_224")
    # timm's own count may be another than 1000
    assert make_spec("timm:resnet18", classes=1000).name != make_spec("timm:resnet18").name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 0}, "seed 0 does not go with checkpoint"),
        ({"weights": "random"}, "weights 'random' does not go with checkpoint"),
        ({"checkpoint": "weights.onnx"}, "of no kind that is read"),
    ],
)
def test_what_does_not_go_with_a_checkpoint(weights: Path, options: dict[str, Any], message: str) -> None:
    for model in ("mobilenet_v2", "timm:resnet18", "package.nets:build"):
        with pytest.raises(UsageError, match=message):
            make_spec(model, **({"checkpoint": str(weights)} | options))


def test_a_checkpoint_that_is_not_there() -> None:
    with pytest.raises(FileFault, match=r"none\.pth does not exist"):
        make_spec("mobilenet_v2", checkpoint="none.pth")


def test_a_block_without_a_gate_has_none_to_choose() -> None:
    assert make_spec("mobilenet_v2", attention="non_local").gate is None
    with pytest.raises(UsageError, match="non_local has no gate to choose, got 'sigmoid'"):
        make_spec("mobilenet_v2", attention="non_local", gate="sigmoid")


def test_a_backbone_brings_its_own_classes_and_its_own_squeeze_and_excitation() -> None:
    assert make_spec("ssdlite_mobilenet_v2").class_count == 81
    assert make_spec("deeplabv3_mobilenet_v2", classes=19).class_count == 19
    assert make_spec("efficientnet_b0", attention="se").reduction_ratio is None
    assert make_spec("efficientnet_b0", attention="se", reduction=16).reduction_ratio == 16
    assert make_spec("efficientnet_b0", attention="ca").reduction_ratio == 32


def write_trained(path: Path, **changes: object) -> ModelSpec:
    """A checkpoint that a training left; returns the spec of its network."""
    spec = make_spec("mobilenet_v2", width=0.1, attention="se", classes=3, input_size="16", channels=1)
    write_weights(path, replace(TRAINING, spec=replace(spec, **changes)))
    return spec


def test_a_checkpoint_brings_its_preprocessing_and_its_recipe(tmp_path: Path) -> None:
    path = tmp_path / "seed3.safetensors"
    plain = write_trained(path)
    options = {"width": 0.1, "attention": "se", "classes": 3, "channels": 1, "checkpoint": str(path)}
    spec = make_spec("mobilenet_v2", input_size="16", **options)
    assert spec.preprocessing == TRAINING.preprocessing
    assert spec.recipe_sha256 == TRAINING.recipe_sha256
    assert (plain.preprocessing, plain.recipe_sha256) == (None, None)
    assert spec.name == f"{plain.name}_seed3-{spec.checkpoint_sha256[:8]}"
    larger = make_spec("mobilenet_v2", input_size="32", **options)
    assert (larger.preprocessing, larger.recipe_sha256) == (None, TRAINING.recipe_sha256)


@pytest.mark.parametrize(
    ("change", "what", "cure"),
    [
        ({"gate": "sigmoid"}, "trained with gate sigmoid, not hard_sigmoid", "--gate sigmoid"),
        ({"block": "ca"}, "trained with block ca, not se", "--attention ca"),
        ({"block": None}, "trained with block None, not se", "leave attention out"),
        ({"backbone": "mobilenext"}, "trained with backbone mobilenext, not mobilenet_v2", "--model mobilenext"),
    ],
)
def test_weights_of_another_network_are_refused_even_where_their_shapes_fit(
    tmp_path: Path, change: dict[str, object], what: str, cure: str
) -> None:
    path = tmp_path / "seed3.safetensors"
    write_trained(path, **change)
    with pytest.raises(UsageError) as caught:
        make_spec("mobilenet_v2", width=0.1, attention="se", classes=3, channels=1, checkpoint=str(path))
    assert what in caught.value.what
    assert cure in caught.value.cure
