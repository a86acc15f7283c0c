import dataclasses
import itertools
import re

import pytest

from pocketbench.core import records
from pocketbench.core.records import ModelSpec, Preprocessing

KINDS = [kind for kind in vars(records).values() if dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_slotted_and_keyword_only(kind):
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert all(field.kw_only for field in dataclasses.fields(kind))


def test_the_name_reads_like_the_file_it_becomes():
    assert ModelSpec(backbone="mobilenet_v2", width_ratio=1.0).name == "mobilenet_v2_1.0_224"
    spec = ModelSpec(backbone="mobilenet_v2", block="ca", width_ratio=0.75, reduction_ratio=32, gate="hard_sigmoid")
    assert spec.name == "mobilenet_v2_0.75_ca32_224"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("runs/best.pth", "best"),
        ("best.pth.tar", "best"),
        ("C:\\runs\\ema model.v2.safetensors", "ema_model.v2"),
        ("../..pth", "weights"),
        ("ä.pt", "weights"),
        ("x" * 300 + ".pt", "x" * 40),
    ],
)
def test_the_name_tells_the_checkpoint(path, part):
    spec = ModelSpec(backbone="net", checkpoint=path, checkpoint_sha256="0123456789" * 6 + "abcd")
    assert spec.name == f"net_224_{part}-01234567"
    assert spec == dataclasses.replace(spec, checkpoint="elsewhere.pth")
    assert spec != dataclasses.replace(spec, checkpoint_sha256=None)


def test_what_is_known_of_the_weights_tells_no_specs_apart():
    """The weights do, by their hash; two networks of one build and one hash are one network."""
    spec = ModelSpec(backbone="net")
    grey = Preprocessing(
        size=(32, 32), channels=1, crop="center", resize=None, interpolation=None, mean=(0.3,), std=(0.4,)
    )
    known = dataclasses.replace(spec, preprocessing=grey, recipe_sha256="1" * 64)
    assert known == spec
    assert hash(known) == hash(spec)
    assert known.name == spec.name


def test_specs_that_differ_have_names_that_differ():
    choices = {
        "backbone": [
            "mobilenet_v2",
            "timm:resnet18",
            "timm:resnet34",
            "mine.nets:net",
            "mine:nets.net",
            "ä",
            "ö",
            "..",
        ],
        "block": [None, "se", "ca"],
        "width_ratio": [None, 0.5, 1.0, 1.0001],
        "reduction_ratio": [None, 24],
        "gate": [None, "sigmoid"],
        "class_count": [None, 10],
        "input_shape": [(1, 3, 224, 224), (1, 3, 224, 192), (1, 1, 224, 224), (2, 3, 224, 224), (1, 3, 64, 64)],
        "seed": [0, 7],
        "checkpoint_sha256": [None, "1" * 64],
    }
    seen = {}
    for values in itertools.product(*choices.values()):
        spec = ModelSpec(**dict(zip(choices, values, strict=True)))
        if spec.reduction_ratio and not spec.block:
            continue  # no such network: a reduction belongs to a block
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", spec.name), spec
        assert seen.setdefault(spec.name, spec) == spec
    assert len(seen) > 3000
