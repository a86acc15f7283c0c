"""Weights from a file: every way they are saved, and every file that is not what it claims to be."""

from __future__ import annotations

import os
import pickle
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pocketbench.blocks import checkpoint_file
from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2
from pocketbench.blocks.build import build_model, weights_digest
from pocketbench.blocks.checkpoint import load_checkpoint
from pocketbench.blocks.checkpoint_file import hash_checkpoint
from pocketbench.core.errors import FileFault, ModelFault, PocketbenchError, UsageError
from pocketbench.core.records import ModelSpec
from tests.blocks import reference

Weights = dict[str, Tensor]


class Small(nn.Module):
    """Norms with statistics, and a buffer that is not finite by design, as attention masks are."""

    def __init__(self, classes: int = 5, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, classes)
        self.register_buffer("mask", torch.tensor([0.0, float("-inf")]))


def trained(classes: int = 5) -> Small:
    model = Small(classes, seed=1)
    with torch.no_grad():
        model.features[1].running_mean.normal_()
    return model


def save(folder: Path, content: object, name: str = "weights.pth", **options: Any) -> Path:
    torch.save(content, folder / name, **options)
    return folder / name


def refuse(model: nn.Module, path: Path, kind: type[PocketbenchError], *words: str) -> PocketbenchError:
    with pytest.raises(kind) as caught:
        load_checkpoint(model, path)
    error = caught.value
    for word in words:
        assert word in f"{error.what} | {error.cure}"
    assert len(error.what) < 400
    return error


WAYS = {
    "bare": lambda weights: weights,
    "state_dict": lambda weights: {"epoch": 3, "state_dict": weights, "args": Namespace(lr=0.1)},
    "model": lambda weights: {"model": weights, "optimizer": {"state": {}}},
    "model_state_dict": lambda weights: {"model_state_dict": weights},
    "DataParallel": lambda weights: {"module." + name: value for name, value in weights.items()},
    "compiled": lambda weights: {"_orig_mod." + name: value for name, value in weights.items()},
    "compiled in part": lambda weights: {
        name.replace("features.", "features._orig_mod."): value for name, value in weights.items()
    },
    "both": lambda weights: {"module._orig_mod." + name: value for name, value in weights.items()},
    "averaged before raw": lambda weights: {
        "model": {name: value * 0 for name, value in weights.items()},
        "model_ema": {"n_averaged": torch.tensor(7), **{"module." + name: value for name, value in weights.items()}},
    },
    "timm's average": lambda weights: {"state_dict": {"nothing": torch.ones(1)}, "state_dict_ema": weights},
    "double": lambda weights: {name: value.double() for name, value in weights.items()},
    "no batch counts": lambda weights: {n: value for n, value in weights.items() if "num_batches" not in n},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_saving_loads(tmp_path: Path, way: str) -> None:
    expected, model = trained(), Small()
    load_checkpoint(model, save(tmp_path, WAYS[way](expected.state_dict())))
    assert weights_digest(model) == weights_digest(expected)


@pytest.mark.parametrize("name", ["best.pth", "best.pt", "best.PTH", "best.pth.tar", "best.safetensors"])
def test_every_suffix_loads(tmp_path: Path, name: str) -> None:
    expected, model = trained(), Small()
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(expected.state_dict(), path)
    else:
        save(tmp_path, expected.state_dict(), name)
    load_checkpoint(model, path)
    assert weights_digest(model) == weights_digest(expected)


def test_files_of_old_torch_and_of_half_precision_load(tmp_path: Path) -> None:
    expected, model = trained(), Small()
    load_checkpoint(model, save(tmp_path, expected.state_dict(), _use_new_zipfile_serialization=False))
    assert weights_digest(model) == weights_digest(expected)
    load_checkpoint(model, save(tmp_path, {name: value.half() for name, value in expected.state_dict().items()}))
    assert torch.equal(model.head.weight, expected.head.weight.half().float())
    assert model.head.weight.dtype == torch.float32


def test_a_child_that_is_called_module_keeps_its_name(tmp_path: Path) -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = nn.Linear(2, 2)

    expected, model = Wrapped(), Wrapped()
    load_checkpoint(model, save(tmp_path, expected.state_dict()))
    load_checkpoint(model, save(tmp_path, {"module." + name: value for name, value in expected.state_dict().items()}))
    assert weights_digest(model) == weights_digest(expected)


def test_the_official_file_of_coordinate_attention_loads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    official = reference.OfficialMobileNetV2(10, reference.sigmoid).eval()
    path = save(tmp_path, {"state_dict": {"module." + name: value for name, value in official.state_dict().items()}})
    model = MobileNetV2(input_shape=(1, 3, 33, 40), class_count=10, block="ca", gate="sigmoid").eval()
    load_checkpoint(model, path)
    x = torch.randn(1, 3, 33, 40)
    with torch.no_grad():
        expected = official(x)
        assert torch.allclose(model(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not any(module._load_state_dict_pre_hooks for module in model.modules() if isinstance(module, nn.Conv2d))


def test_other_classes_alone_have_a_cure_of_their_own(tmp_path: Path) -> None:
    path = save(tmp_path, trained(100).state_dict())
    error = refuse(Small(), path, ModelFault, "2 of another shape", "head.weight is 100x4, expected 5x4")
    assert error.cure.startswith("the classifier has 100 classes: add --classes 100")


def test_names_and_shapes_of_another_network_are_listed(tmp_path: Path) -> None:
    weights = trained().state_dict()
    weights["features.0.weight"] = torch.zeros(8, 3, 3, 3)
    weights["head.bias"] = torch.zeros(5, dtype=torch.int64)
    del weights["head.weight"], weights["features.1.bias"]
    weights |= {f"block{index}.weight": torch.zeros(1) for index in range(40)}
    error = refuse(
        Small(),
        save(tmp_path, weights),
        ModelFault,
        "2 of another shape: features.0.weight is 8x3x3x3, expected 4x3x3x3",
        "2 missing: features.1.bias, head.weight;",
        "40 unknown: block0.weight, block1.weight,",
        "...",
    )
    assert "--classes" not in error.cure


def test_ten_names_are_shown_where_there_is_room(tmp_path: Path) -> None:
    error = refuse(
        Small(), save(tmp_path, trained().state_dict() | {f"w{n}": torch.zeros(1) for n in range(20)}), ModelFault
    )
    assert error.what.endswith("20 unknown: w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, ...")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("head.bias", torch.full((5,), float("nan"))),
        ("head.bias", torch.full((5,), 1e300, dtype=torch.float64)),  # infinite once it is a float32
        ("features.1.running_var", torch.full((4,), float("inf"))),
    ],
)
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, name: str, value: Tensor) -> None:
    path = save(tmp_path, trained().state_dict() | {name: value})
    refuse(Small(), path, ModelFault, f"NaN or infinity in 1 of its weights: {name}", "earlier checkpoint")


@pytest.mark.parametrize(
    "value",
    [3, torch.zeros(5, device="meta"), torch.zeros(5).to_sparse(), torch.zeros(5, dtype=torch.int8)],
    ids=["number", "meta", "sparse", "int8"],
)
def test_what_is_no_plain_tensor_is_refused(tmp_path: Path, value: object) -> None:
    path = save(tmp_path, trained().state_dict() | {"head.bias": value})
    refuse(Small(), path, ModelFault, "1 of another shape: head.bias is")


class Code:
    """Its pickle makes a file when it is loaded by plain pickle."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_code_in_a_pickle_is_not_run_and_said(tmp_path: Path, new: bool) -> None:
    mark = tmp_path / "mark"
    content = {"state_dict": trained().state_dict(), "extra": Code(mark)}
    path = save(tmp_path, content, _use_new_zipfile_serialization=new)
    refuse(Small(), path, FileFault, f"{os.mkdir.__module__}.mkdir is code, which is not run")
    path.write_bytes(pickle.dumps(Code(mark)))
    refuse(Small(), path, FileFault, "a plain pickle can hold code")
    assert not mark.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    refuse(nn.Linear(2, 2), save(tmp_path, nn.Linear(2, 2)), FileFault, "Linear is code", "model.state_dict()")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, nn.Linear(2, 2).state_dict())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("weights/constants.pkl", b"")  # by which torch knows them
    refuse(nn.Linear(2, 2), path, FileFault, "TorchScript")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.pth", b"these are weights\n", "not a file that torch.save wrote"),
        ("page.pth", b"<!doctype html><title>404</title>" * 50, "not a file that torch.save wrote"),
        ("noise.pt", b"\x80\x02" + bytes(range(256)), "not a file that torch.save wrote"),
        ("empty.pth", b"", "is empty"),
        ("empty.safetensors", b"", "is empty"),
        ("text.safetensors", b"these are weights\n" * 5, "is no safetensors file"),
        ("long.safetensors", (10**15).to_bytes(8, "little") + b"{}", "is no safetensors file"),
        (
            "short.safetensors",
            (63).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}   ',
            "is no safetensors file",
        ),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    refuse(Small(), tmp_path / name, FileFault, words)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    path = save(tmp_path, trained().state_dict(), name)
    if name.endswith("safetensors"):
        save_file(trained().state_dict(), path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    refuse(Small(), path, FileFault, str(path), "again")


@pytest.mark.parametrize("content", [[1, 2], 3, {}, {"epoch": 1}, {1: torch.ones(1)}, {"model": {"epoch": 1}}], ids=str)
def test_a_file_without_weights_is_refused(tmp_path: Path, content: object) -> None:
    refuse(Small(), save(tmp_path, content), FileFault, "holds")


def test_a_mapping_that_holds_itself_is_refused(tmp_path: Path) -> None:
    content: dict[str, object] = {}
    content["model"] = content
    refuse(Small(), save(tmp_path, content), FileFault, "holds no weights")


def test_what_is_no_file_of_weights_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    (tmp_path / "folder.pth").mkdir()
    refuse(Small(), tmp_path / "pipe.pth", FileFault, "is not a file")
    refuse(Small(), tmp_path / "folder.pth", FileFault, "is not a file")
    refuse(Small(), tmp_path / "none.pth", FileFault, "does not exist")
    refuse(Small(), tmp_path / "a\0b.pth", FileFault)
    refuse(Small(), tmp_path / "weights.onnx", UsageError, ".safetensors")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.pth"
    with path.open("wb") as stream:
        stream.truncate(checkpoint_file.MAX_FILE_BYTES + 1)  # takes no place on the disk
    with pytest.raises(FileFault, match=r"holds 4\.00 GB"):
        hash_checkpoint(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2_000_000))
    monkeypatch.setattr(checkpoint_file, "MAX_FILE_BYTES", 1_000_000)
    assert path.stat().st_size < 10_000
    refuse(Small(), path, FileFault, "holds 2.00 MB")


def make_spec(path: Path, **changes: Any) -> ModelSpec:
    fields: dict[str, Any] = {
        "backbone": "mobilenet_v2",
        "width_ratio": 0.1,
        "class_count": 5,
        "input_shape": (1, 3, 32, 32),
        "weights": "given",
        "checkpoint": str(path),
    }
    return ModelSpec(**(fields | {"checkpoint_sha256": hash_checkpoint(path)} | changes))


def test_a_spec_is_built_with_the_weights_of_its_file(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = MobileNetV2(input_shape=(1, 3, 32, 32), width_ratio=0.1, class_count=5)
    path = save(tmp_path, expected.state_dict())
    model = build_model(make_spec(path))
    assert weights_digest(model) == weights_digest(expected)  # no statistics were drawn
    assert not model.training


def test_a_spec_refuses_another_file_and_random_weights(tmp_path: Path) -> None:
    path = save(tmp_path, Small().state_dict())
    for digest in ("0" * 64, None):
        with pytest.raises(FileFault, match="the file was replaced"):
            build_model(make_spec(path, checkpoint_sha256=digest))
    with pytest.raises(UsageError, match="exclude each other"):
        build_model(make_spec(path, weights="random"))
