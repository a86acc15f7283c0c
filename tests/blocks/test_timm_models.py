"""Networks of timm, and a torchvision that was not built for the torch beside it."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from pocketbench.blocks.build import build_model
from pocketbench.blocks.torchvision_operators import call_despite_mismatch
from pocketbench.core.errors import EnvironmentFault, MissingPackageError, ModelFault, UnknownNameError, UsageError
from pocketbench.core.records import ModelSpec

MISMATCH = "operator torchvision::nms does not exist"


def build(name: str, **fields: object) -> torch.nn.Module:
    return build_model(ModelSpec(backbone=f"timm:{name}", **({"input_shape": (1, 3, 32, 32)} | fields)))


def test_a_timm_model_takes_channels_and_classes() -> None:
    model = build("mobilenetv3_small_050", class_count=7, input_shape=(1, 1, 32, 48))
    assert model(torch.zeros(2, 1, 32, 48)).shape == (2, 7)
    assert build("mobilenetv3_small_050")(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)


def test_an_unknown_timm_model_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mobilenetv3_small_100'"):
        build("mobilenetv3_smal_100")


def test_a_timm_model_that_can_not_be_built_or_run_is_a_fault_of_the_model() -> None:
    with pytest.raises(ModelFault, match="timm can't build repvit_m0_9: TypeError"):
        build("repvit_m0_9", class_count=2.5)
    with pytest.raises(UsageError, match="class count is 0"):
        build("mobilenetv3_small_050", class_count=0)
    with pytest.raises(ModelFault, match="does not run on an input of shape"):
        build("vit_tiny_patch16_224")


@pytest.mark.parametrize("field", ["block", "width_ratio", "reduction_ratio", "gate"])
def test_a_timm_model_takes_no_field_of_ours(field: str) -> None:
    value = {"block": "se", "gate": "sigmoid", "width_ratio": 0.5}.get(field, 4)
    with pytest.raises(UsageError, match=f"takes no {field}"):
        build("mobilenetv3_small_050", **{field: value})


def test_timm_that_is_not_installed_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "timm" else object())
    with pytest.raises(MissingPackageError, match=r"timm is not installed \(pip install timm\)"):
        build("mobilenetv3_small_050")


def test_a_mismatched_torchvision_is_imported_again() -> None:
    failures = [RuntimeError(MISMATCH)]

    def action() -> str:
        if failures:
            raise failures.pop()
        return "imported"

    assert call_despite_mismatch(action) == "imported"
    assert all(hasattr(torch.ops.torchvision, name) for name in ("nms", "qnms"))


def test_a_torchvision_that_stays_mismatched_names_the_cure() -> None:
    def action() -> None:
        raise RuntimeError(MISMATCH)

    with pytest.raises(EnvironmentFault, match=r"does not fit torch .*force-reinstall torchvision"):
        call_despite_mismatch(action)


def test_other_errors_pass() -> None:
    def action() -> None:
        raise RuntimeError("another")

    with pytest.raises(RuntimeError, match="another"):
        call_despite_mismatch(action)
