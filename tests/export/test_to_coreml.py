"""Core ML packages of torch networks: what they compute, that they are reproducible, and that faults show."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pocketbench.blocks.build import build_model
from pocketbench.core.errors import ConversionError, FileFault, ParityError
from pocketbench.core.model_files import hash_model_file, list_parts
from pocketbench.core.records import ModelSpec
from pocketbench.export import to_coreml
from pocketbench.export.mil.program import read_program
from pocketbench.export.mil.silence import silence_coremltools
from pocketbench.export.mil.weight_file import HEADER, RECORD
from pocketbench.export.parity import compare_outputs
from pocketbench.export.preparation import PreparedModel, prepare_model
from tests.export.mil.packages import change_model, coremltools, find_constant, find_operations
from tests.export.networks import INPUT_SHAPE, make_small_network

# computed by hand: stem 8*27*16*16, shared conv 2 * 8*8*16, linear 8*5
SMALL_NETWORK_MACS = 8 * 27 * 256 + 2 * 64 * 16 + 40


@pytest.fixture(scope="module")
def prepared() -> PreparedModel:
    return prepare_model(make_small_network(), INPUT_SHAPE)


@pytest.fixture(scope="module")
def packages(prepared: PreparedModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network at each precision."""
    folder = tmp_path_factory.mktemp("coreml")
    paths = {precision: folder / f"small_{precision}.mlpackage" for precision in to_coreml.TOLERANCES}
    for precision, path in paths.items():
        to_coreml.convert(prepared.exported, path, precision)
    return paths


def measure_error(prepared: PreparedModel, path: Path) -> float:
    """max |package - torch| / root mean square of what the inputs change in torch's output."""
    found = to_coreml.run(path, [[image] for image in prepared.inputs])
    return compare_outputs(prepared.expected, found, tolerance=np.inf, runtime="test").relative_error


def copy_package(path: Path, folder: Path) -> Path:
    copy = folder / path.name
    for part in list_parts(path):
        target = copy / part.relative_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(part.read_bytes())
    return copy


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-5), ("fp16", 1e-2)])
def test_computes_what_the_model_computes(
    prepared: PreparedModel, packages: dict[str, Path], precision: str, bound: float
) -> None:
    assert measure_error(prepared, packages[precision]) < bound


def test_hard_swish_takes_two_operators(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardswish(), nn.Conv2d(4, 4, 1), nn.Hardswish(inplace=True))
    path = tmp_path / "swish.mlpackage"
    prepared = prepare_model(network, (1, 3, 8, 8))
    to_coreml.convert(prepared.exported, path, "fp32")
    counts = to_coreml.read_graph_facts(path).operator_counts
    assert counts == {"conv": 2, "sigmoid_hard": 2, "mul": 2}
    assert measure_error(prepared, path) < 1e-5


def test_half_precision_is_half_precision(prepared: PreparedModel, packages: dict[str, Path]) -> None:
    assert measure_error(prepared, packages["fp16"]) > 1e-4
    stored = {
        constant.element.name
        for constant in read_program(packages["fp16"]).constants.values()
        if constant.element is not None and constant.element.is_float
    }
    assert stored == {"fp16"}


def test_facts(packages: dict[str, Path]) -> None:
    facts = to_coreml.read_graph_facts(packages["fp32"])
    assert facts.mac_count == SMALL_NETWORK_MACS
    assert facts.operator_counts["conv"] == 3
    assert facts.operator_counts["sigmoid_hard"] == 2
    assert "const" not in facts.operator_counts
    assert facts.layout_operator_count == 0
    assert facts.parameter_count in (8 * 27 + 8 + 72 + 45, 8 * 27 + 8 + 2 * 72 + 45)  # the shared one once or twice
    assert facts.inputs[0].shape == INPUT_SHAPE
    assert (facts.inputs[0].dtype, facts.outputs[0].dtype) == ("float32", "float32")
    assert facts.outputs[0].shape == (1, 5)
    assert not facts.dynamic_shapes
    assert facts.partition_count is None


def test_layout_operators_are_counted(tmp_path: Path) -> None:
    class Mover(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.cat(image.permute(0, 2, 3, 1).chunk(3, 3)[::-1], 3) * 2.0

    to_coreml.convert(torch.export.export(Mover(), (torch.ones(1, 3, 4, 4),)), tmp_path / "m.mlpackage", "fp32")
    facts = to_coreml.read_graph_facts(tmp_path / "m.mlpackage")
    assert facts.layout_operator_count == sum(facts.operator_counts.values()) - facts.operator_counts["mul"]
    assert facts.layout_operator_count >= 3


def test_a_dimension_that_is_not_fixed(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
    height = torch.export.Dim("height", min=16, max=128)
    exported = torch.export.export(network, (torch.ones(1, 3, 32, 32),), dynamic_shapes=({2: height},))
    path = tmp_path / "dynamic.mlpackage"
    to_coreml.convert(exported, path, "fp32")
    facts = to_coreml.read_graph_facts(path)
    assert facts.dynamic_shapes
    assert facts.inputs[0].shape == (1, 3, None, 32)
    assert facts.mac_count is None
    for rows in (32, 64):
        image = torch.rand(1, 3, rows, 32)
        [[found]] = to_coreml.run(path, [[image.numpy()]])
        np.testing.assert_allclose(found, network(image).detach().numpy(), atol=1e-5)


def test_several_inputs_and_outputs_keep_their_order(tmp_path: Path) -> None:
    class Pair(nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return first - second, first / second

    arrays = [np.full((1, 3), value, np.float32) for value in (6.0, 2.0)]
    exported = torch.export.export(Pair(), tuple(map(torch.from_numpy, arrays)))
    to_coreml.convert(exported, tmp_path / "pair.mlpackage", "fp16")
    [[difference, ratio]] = to_coreml.run(tmp_path / "pair.mlpackage", [arrays])
    assert (difference[0, 0], ratio[0, 0]) == (4.0, 3.0)


CONVERT_AGAIN = """
import sys
from pathlib import Path
from pocketbench.export import to_coreml
from pocketbench.export.preparation import prepare_model
from tests.export.networks import INPUT_SHAPE, make_small_network
prepared = prepare_model(make_small_network(), INPUT_SHAPE)
to_coreml.convert(prepared.exported, Path(sys.argv[1]), "fp16")
"""


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(packages: dict[str, Path], tmp_path: Path) -> None:
    again = tmp_path / packages["fp16"].name
    subprocess.run(
        [sys.executable, "-c", CONVERT_AGAIN, str(again)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )
    assert hash_model_file(again) == hash_model_file(packages["fp16"])


def test_converting_again_writes_the_same_bytes(
    prepared: PreparedModel, packages: dict[str, Path], tmp_path: Path
) -> None:
    again = tmp_path / "again.mlpackage"
    to_coreml.convert(prepared.exported, again, "fp16")
    names = [part.relative_to(again) for part in list_parts(again)]
    assert names == [part.relative_to(packages["fp16"]) for part in list_parts(packages["fp16"])]
    assert len(names) == 3
    for name in names:
        assert (again / name).read_bytes() == (packages["fp16"] / name).read_bytes()


def test_other_weights_give_other_identifiers(packages: dict[str, Path], tmp_path: Path) -> None:
    other = prepare_model(make_small_network(seed=1), INPUT_SHAPE)
    to_coreml.convert(other.exported, tmp_path / "other.mlpackage", "fp16")
    first, second = ((path / "Manifest.json").read_text() for path in (packages["fp16"], tmp_path / "other.mlpackage"))
    assert first != second


def test_holds_no_path_and_no_date(packages: dict[str, Path]) -> None:
    content = b"".join(part.read_bytes() for part in list_parts(packages["fp16"]))
    assert b"conversion_date" not in content
    assert b"/site-packages/" not in content
    assert str(packages["fp16"].parent).encode() not in content


def test_coremltools_still_loads_it(prepared: PreparedModel, packages: dict[str, Path]) -> None:
    with silence_coremltools():
        from coremltools.converters.mil.frontend.milproto import load

        model = coremltools.models.MLModel(str(packages["fp16"]), skip_model_load=True)
        spec = model.get_spec()
        loaded = load.load(spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir)
    operations = [item for item in loaded.functions["main"].operations if item.op_type == "conv"]
    assert len(operations) == 3
    stem = dict(prepared.exported.named_parameters())["folded_weight_0"].detach().numpy()
    np.testing.assert_array_equal(operations[0].weight.val, stem.astype(np.float16))


def test_nothing_is_printed(prepared: PreparedModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    to_coreml.convert(prepared.exported, tmp_path / "quiet.mlpackage", "fp16")
    to_coreml.run(tmp_path / "quiet.mlpackage", [[prepared.inputs[0]]])
    assert capfd.readouterr() == ("", "")


def test_no_copy_is_left_in_the_temporary_folder(
    prepared: PreparedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    to_coreml.convert(prepared.exported, tmp_path / "small.mlpackage", "fp16")
    to_coreml.verify(tmp_path / "small.mlpackage", prepared, "fp16")
    assert [item.name for item in temporary.iterdir()] == []


class Unconvertible(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.special.bessel_j0(image)


def test_a_refused_operator_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "none.mlpackage"
    with pytest.raises(ConversionError, match=r"coremltools can't convert the model: .*bessel_j0"):
        to_coreml.convert(torch.export.export(Unconvertible(), (torch.ones(1, 3, 4, 4),)), path, "fp16")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_model_leaves_the_older_file(packages: dict[str, Path], tmp_path: Path) -> None:
    older = copy_package(packages["fp16"], tmp_path)
    with pytest.raises(ConversionError):
        to_coreml.convert(torch.export.export(Unconvertible(), (torch.ones(1, 3, 4, 4),)), older, "fp16")
    assert hash_model_file(older) == hash_model_file(packages["fp16"])


def test_an_unknown_precision_is_refused(prepared: PreparedModel, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="Core ML at int8 is not written"):
        to_coreml.convert(prepared.exported, tmp_path / "none.mlpackage", "int8")


def test_a_folder_that_can_not_be_written(prepared: PreparedModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileFault, match="can't write"):
        to_coreml.convert(prepared.exported, tmp_path / "file" / "none.mlpackage", "fp16")


class TestPlantedFaults:
    """Each fault alone must move the output far beyond the error of the good package, and be refused."""

    @pytest.fixture(params=["fp32", "fp16"])
    def precision(self, request: pytest.FixtureRequest) -> str:
        return request.param

    @pytest.fixture
    def package(self, packages: dict[str, Path], precision: str, tmp_path: Path) -> Path:
        return copy_package(packages[precision], tmp_path)

    @pytest.fixture
    def check(
        self, prepared: PreparedModel, packages: dict[str, Path], precision: str, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[Path], None]:
        def copy_twin(exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
            """What `verify` of fp16 converts again: `test_good_packages_are_accepted` lets it."""
            assert exported is prepared.exported
            assert precision == "fp32"
            shutil.copytree(packages["fp32"], path)

        monkeypatch.setattr(to_coreml, "convert", copy_twin)

        def check(spoilt: Path) -> None:
            good_error, spoilt_error = (measure_error(prepared, path) for path in (packages[precision], spoilt))
            assert good_error < {"fp32": 1e-5, "fp16": 5e-3}[precision], good_error
            assert spoilt_error > 8 * good_error, (good_error, spoilt_error)
            assert spoilt_error > 0.04, spoilt_error
            with pytest.raises(ParityError):
                to_coreml.verify(spoilt, prepared, precision)

        return check

    def test_one_weight_in_the_weight_file(self, package: Path, precision: str, check: Callable[[Path], None]) -> None:
        [file] = [part for part in list_parts(package) if part.name == "weight.bin"]
        content = bytearray(file.read_bytes())
        start = RECORD.unpack_from(content, HEADER.size)[3]
        values = np.frombuffer(content, np.dtype("<f2" if precision == "fp16" else "<f4"), count=27, offset=start)
        values[4] = -2.0 * values[4] - 1.0
        file.write_bytes(content)
        check(package)

    def test_one_bias_in_the_program(self, package: Path, check: Callable[[Path], None]) -> None:
        with change_model(package) as model:
            add_to_first_value(find_bound_constant(model, find_operations(model, "linear")[0], "bias"), 0.5)
        check(package)

    @pytest.mark.parametrize(("kind", "other"), [("mul", "add"), ("mul", "sub"), ("sigmoid_hard", "clamped_relu")])
    def test_one_swapped_operator(self, package: Path, kind: str, other: str, check: Callable[[Path], None]) -> None:
        with change_model(package) as model:
            find_operations(model, kind)[-1].type = other
        check(package)

    def test_one_changed_attribute(self, package: Path, check: Callable[[Path], None]) -> None:
        with change_model(package) as model:
            add_to_first_value(find_bound_constant(model, find_operations(model, "sigmoid_hard")[0], "beta"), 0.2)
        check(package)


def test_the_smallest_change_of_a_half_precision_weight_is_refused(
    prepared: PreparedModel, packages: dict[str, Path], tmp_path: Path
) -> None:
    package = copy_package(packages["fp16"], tmp_path)
    [file] = [part for part in list_parts(package) if part.name == "weight.bin"]
    content = bytearray(file.read_bytes())
    content[RECORD.unpack_from(content, HEADER.size)[3]] ^= 1  # the last bit of the first weight
    file.write_bytes(content)
    assert measure_error(prepared, package) < 2 * measure_error(prepared, packages["fp16"])
    with pytest.raises(ParityError, match="1 of 216 values are not the rounded ones"):
        to_coreml.verify(package, prepared, "fp16")


def test_good_packages_are_accepted(prepared: PreparedModel, packages: dict[str, Path]) -> None:
    for precision, path in packages.items():
        parity = to_coreml.verify(path, prepared, precision)
        assert parity.relative_error == measure_error(prepared, path)
        assert precision in parity.runtime


def test_what_overflows_in_half_precision_is_refused(tmp_path: Path) -> None:
    class Overflowing(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return ((image * 300.0) * 300.0).mean((2, 3)) / 90000.0

    prepared = prepare_model(Overflowing(), INPUT_SHAPE)
    to_coreml.convert(prepared.exported, tmp_path / "over.mlpackage", "fp16")
    with pytest.raises(ParityError, match="fp16 differs from the model by inf"):
        to_coreml.verify(tmp_path / "over.mlpackage", prepared, "fp16")


def find_bound_constant(model: Any, operation: Any, key: str) -> Any:
    """The `Value` message of the constant bound to an operation's input."""
    return find_constant(model, operation.inputs[key].arguments[0].name)


def add_to_first_value(value: Any, amount: float) -> None:
    """Add to the first number of an immediate constant."""
    tensor = value.immediateValue.tensor
    if tensor.WhichOneof("value") == "bytes":
        numbers = np.frombuffer(tensor.bytes.values, np.float16).copy()
        numbers[0] += np.float16(amount)
        tensor.bytes.values = numbers.tobytes()
    else:
        tensor.floats.values[0] += amount


@pytest.fixture(scope="module")
def mobilenet() -> PreparedModel:
    """MobileNetV2 with coordinate attention, at 224 pixels."""
    spec = ModelSpec(backbone="mobilenet_v2", block="ca", class_count=1000)
    return prepare_model(build_model(spec), spec.input_shape)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_mobilenet_is_verified_and_faults_show(mobilenet: PreparedModel, tmp_path: Path, precision: str) -> None:
    path = tmp_path / "mobilenet.mlpackage"
    to_coreml.convert(mobilenet.exported, path, precision)
    good = to_coreml.verify(path, mobilenet, precision)
    assert good.relative_error < {"fp32": 5e-4, "fp16": 0.5}[precision]
    # the conv MACs of MobileNetV2 with CA are stated as 306.7M
    assert to_coreml.read_graph_facts(path).mac_count == pytest.approx(306.7e6, rel=1e-3)
    with change_model(path) as model:
        find_operations(model, "mul")[20].type = "add"
    spoilt_error = measure_error(mobilenet, path)
    assert spoilt_error > 3 * good.relative_error, (good.relative_error, spoilt_error)
    with pytest.raises(ParityError):
        to_coreml.verify(path, mobilenet, precision)
