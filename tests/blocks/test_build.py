"""From a spec to its network: every kind of backbone, and everything that can be wrong with a user's."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2
from pocketbench.blocks.build import build_model, weights_digest
from pocketbench.core.errors import ModelFault, UnknownNameError, UsageError
from pocketbench.core.records import ModelSpec

SMALL = {"input_shape": (1, 3, 32, 32), "width_ratio": 0.35, "class_count": 10}

USER_MODULE = """
import random

import numpy as np
import torch
from torch import nn

not_callable = 5
network = nn.Conv2d(3, 4, 1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.factor = random.random() + np.random.rand()

    def forward(self, x):
        return self.norm(self.convolution(x)).mean((2, 3)) * self.factor

    @classmethod
    def make(cls):
        return cls()


def make_network():
    return Network()


def raises():
    raise OSError("the weights are on another disk")


def exits():
    raise SystemExit(3)


def returns_number():
    return 3


def returns_nothing():
    pass


def needs_argument(width):
    return Network()


def lazy():
    return nn.LazyConv2d(4, 1)


def on_meta():
    return nn.Conv2d(3, 4, 1, device="meta")


def breaks_when_run():
    return nn.Conv2d(5, 4, 1)


def needs_torchvision():
    import torchvision

    return torchvision.models.mobilenet_v3_small()
"""


@pytest.fixture
def _user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "user_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text(USER_MODULE)
    (package / "broken.py").write_text("import torch\nraise ValueError('half written')\n")
    (package / "needs_more.py").write_text("import a_package_that_is_nowhere\n")
    (package / "wrong.py").write_text("def make(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in sys.modules if name.startswith("user_package")]:
        monkeypatch.delitem(sys.modules, name)


def build(backbone: str, **fields: object) -> nn.Module:
    return build_model(ModelSpec(backbone=backbone, **({"input_shape": (1, 3, 32, 32)} | fields)))


def test_equal_specs_give_equal_weights_and_other_seeds_others() -> None:
    digests = [weights_digest(build("mobilenet_v2", **SMALL, block="ca", seed=seed)) for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_global_randomness_stays_as_it_is() -> None:
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    build("mobilenet_v2", **SMALL, seed=7)
    with pytest.raises(UsageError):
        build("mobilenet_v2", **SMALL, block="eca", reduction_ratio=4)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_every_field_reaches_the_backbone() -> None:
    model = build("mobilenet_v2", **SMALL, block="se", reduction_ratio=8, gate="sigmoid", weights="given")
    expected = MobileNetV2(**SMALL, block="se", reduction=8, gate="sigmoid")
    assert str(model) == str(expected.eval())
    assert not any(module.training for module in model.modules())
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)


def test_given_weights_are_the_layers_own_initialisation() -> None:
    model = build("mobilenet_v2", **SMALL, weights="given", seed=3)
    torch.manual_seed(3)
    assert weights_digest(model) == weights_digest(MobileNetV2(**SMALL))


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": "trained"},
        {"seed": -1},
        {"seed": 2**63},
        {"reduction_ratio": 4},
        {"gate": "sigmoid"},
        {"block": "ca", "gate": "tanh"},
        {"input_shape": (1, 3, 32)},
        {"input_shape": ()},
    ],
    ids=str,
)
def test_wrong_fields_of_a_catalogue_backbone_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        build("mobilenet_v2", **(SMALL | wrong))


def test_an_unknown_backbone_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no backbone 'mobilenetv2' \(did you mean 'mobilenet_v2'"):
        build("mobilenetv2")


@pytest.mark.usefixtures("_user_module")
@pytest.mark.parametrize("function", ["make_network", "Network", "Network.make"])
def test_a_function_in_the_current_folder_is_called(function: str) -> None:
    given = build(f"user_package.nets:{function}", weights="given")
    assert torch.equal(given.norm.weight, torch.ones(4))  # nothing was drawn into it
    again, drawn = (build(f"user_package.nets:{function}", weights=kind) for kind in ("given", "random"))
    assert weights_digest(given) == weights_digest(again) != weights_digest(drawn)
    assert given.factor == again.factor  # numpy and random are seeded too
    assert not given.training


@pytest.mark.usefixtures("_user_module")
@pytest.mark.parametrize(
    ("backbone", "kind", "words"),
    [
        ("nowhere.nets:make", UsageError, "there is no module 'nowhere'"),
        ("user_package.other:make", UsageError, "there is no module 'user_package.other'"),
        ("user_package.nets:make_netwrok", UsageError, "did you mean 'make_network'"),
        ("user_package.nets:Network.mkae", UsageError, "did you mean 'make'"),
        ("user_package.nets:", UsageError, "has no ''"),
        (":make_network", UsageError, "expected package.module:function"),
        ("user package:make", UsageError, "expected package.module:function"),
        ("user_package/nets.py:make", UsageError, "expected package.module:function"),
        ("user_package.nets:not_callable", UsageError, "not_callable is 5 of type int"),
        ("user_package.nets:network", UsageError, "is a network, not a function"),
        ("user_package.nets:needs_argument", UsageError, "without arguments: missing a required argument: 'width'"),
        ("user_package.nets:raises", ModelFault, "raised OSError: the weights are on another disk"),
        ("user_package.nets:exits", ModelFault, "raised SystemExit: 3"),
        ("user_package.nets:returns_number", ModelFault, "returned 3 of type int"),
        ("user_package.nets:returns_nothing", ModelFault, "returned None"),
        ("user_package.nets:lazy", ModelFault, "layers without weights"),
        ("user_package.nets:on_meta", ModelFault, "layers without weights"),
        ("user_package.nets:breaks_when_run", ModelFault, "does not run on an input of shape"),
        ("user_package.broken:make", ModelFault, "raised ValueError: half written"),
        ("user_package.wrong:make", ModelFault, "raised SyntaxError"),
        ("user_package.needs_more:make", ModelFault, "install 'a_package_that_is_nowhere'"),
    ],
)
def test_what_a_user_can_get_wrong_is_named(backbone: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        build(backbone)
    assert words in str(caught.value)
    assert type(caught.value) is kind


@pytest.mark.usefixtures("_user_module")
def test_a_function_that_imports_torchvision_works_beside_any_torch() -> None:
    assert build("user_package.nets:needs_torchvision")(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


@pytest.mark.usefixtures("_user_module")
@pytest.mark.parametrize("field", ["block", "width_ratio", "reduction_ratio", "gate", "class_count"])
def test_a_function_alone_decides_what_it_builds(field: str) -> None:
    value = {"block": "se", "gate": "sigmoid", "width_ratio": 0.5}.get(field, 4)
    with pytest.raises(UsageError, match=f"takes no {field}"):
        build("user_package.nets:make_network", **{field: value})


@pytest.mark.usefixtures("_user_module")
def test_given_weights_are_those_that_the_spec_names() -> None:
    digest = weights_digest(build("user_package.nets:make_network", weights="given"))
    build("user_package.nets:make_network", weights="given", weights_sha256=digest)
    with pytest.raises(ModelFault, match="expected 00"):
        build("user_package.nets:make_network", weights="given", weights_sha256="00")


def test_digest_depends_on_names_types_shapes_and_bytes() -> None:
    def digest(**entries: torch.Tensor) -> str:
        holder = nn.Module()
        for name, value in entries.items():
            holder.register_buffer(name, value)
        return weights_digest(holder)

    value = torch.arange(6.0)
    digests = [
        digest(a=value),
        digest(b=value),
        digest(a=value.view(torch.int32)),
        digest(a=value.reshape(2, 3)),
        digest(a=value.reshape(2, 3).t()),
        digest(a=value + 1e-6),
        digest(a=value.bfloat16()),
        digest(a=torch.tensor(1.0)),
        digest(),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(a=value, b=value) == digest(b=value, a=value.clone())
