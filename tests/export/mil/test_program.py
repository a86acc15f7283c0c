"""Reading packages: the same values as coremltools' own reader; damaged and hostile ones refused."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.core.errors import FileFault, PocketbenchError
from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.package import MANIFEST, find_model_file
from pocketbench.export.mil.program import read_program
from pocketbench.export.mil.silence import silence_coremltools
from pocketbench.export.mil.weight_file import HEADER, RECORD
from tests.export.mil.packages import (
    Builder,
    change_model,
    coremltools,
    draw,
    find_constant,
    find_operations,
    save_operators,
)

WEIGHT = draw(8, 3, 5, 5)
TYPES = {
    "fp32": draw(4, 9),
    "fp16": draw(4, 9).astype(np.float16),
    "int8": np.arange(-100, 100, dtype=np.int8),
    "uint8": np.arange(0, 200, dtype=np.uint8),
    "int16": np.arange(-300, 300, dtype=np.int16),
    "uint16": np.arange(65000, 65500, dtype=np.uint16),
    "int32": np.arange(-(2**31), -(2**31) + 40, dtype=np.int32),
    "bool": np.arange(40) % 3 == 0,
    "scalar": np.float32(0.75),
    "few": np.array([1.5, -2.5], np.float16),
}


def build_network(image: Any) -> Any:
    return Builder.relu(x=Builder.conv(x=image, weight=WEIGHT, pad_type="valid", name="convolution"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "network.mlpackage"
    save_operators(path, build_network, {"image": (1, 3, 9, 9)})
    return path


@pytest.fixture
def package(saved: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(saved, tmp_path / "network.mlpackage"))


def weight_file(package: Path) -> Path:
    return find_model_file(package).parent / "weights" / "weight.bin"


def test_reads_operations_and_types(saved: Path) -> None:
    program = read_program(saved)
    assert [operation.kind for operation in program.operations] == ["conv", "relu"]
    assert [item.name for item in program.inputs] == ["image"]
    assert program.inputs[0].type is not None
    assert program.inputs[0].type.shape == (1, 3, 9, 9)
    assert program.ios_version == 16
    [name] = program.operations[0].inputs["weight"]
    np.testing.assert_array_equal(program.constants[name].data, WEIGHT)


def test_reads_the_constants_that_coremltools_reads(tmp_path: Path) -> None:
    path = tmp_path / "constants.mlpackage"

    def build(x: Any) -> Any:
        kept = [Builder.identity(x=Builder.const(val=value, name=f"const_{name}")) for name, value in TYPES.items()]
        return [Builder.relu(x=x), *(Builder.cast(x=value, dtype="fp32") for value in kept)]

    save_operators(path, build, {"x": (1,)}, ios_version=17)
    read = read_program(path).constants
    with silence_coremltools():
        from coremltools.converters.mil.frontend.milproto import load

        model = coremltools.models.MLModel(str(path), skip_model_load=True)
        spec = model.get_spec()
        loaded = load.load(spec, specification_version=spec.specificationVersion, file_weights_dir=model.weights_dir)
    theirs = {item.name: item.outputs[0].val for item in loaded.functions["main"].operations if item.op_type == "const"}
    for name, value in TYPES.items():
        ours = read[f"const_{name}"]
        assert isinstance(ours.data, np.ndarray)
        np.testing.assert_array_equal(ours.data, theirs[f"const_{name}"])
        np.testing.assert_array_equal(ours.data, value)
        assert ours.data.dtype == value.dtype


def test_a_dimension_that_is_not_fixed_is_none(package: Path) -> None:
    with change_model(package) as model:
        model.mlProgram.functions["main"].inputs[0].type.tensorType.dimensions[2].unknown.variadic = False
    declared = read_program(package).inputs[0].type
    assert declared is not None
    assert declared.shape == (1, 3, None, 9)
    assert declared.element_count is None


def edit_manifest(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def vandalize(package: Path) -> None:
        content = json.loads((package / MANIFEST).read_text())
        change(content)
        (package / MANIFEST).write_text(json.dumps(content))

    return vandalize


def edit_model(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def vandalize(package: Path) -> None:
        with change_model(package) as model:
            change(model)

    return vandalize


def set_model_path(path: object) -> Callable[[Path], None]:
    def change(content: dict[str, Any]) -> None:
        content["itemInfoEntries"][content["rootModelIdentifier"]]["path"] = path

    return edit_manifest(change)


def edit_weight_record(field: int, value: int) -> Callable[[Path], None]:
    def vandalize(package: Path) -> None:
        content = bytearray(weight_file(package).read_bytes())
        record = list(RECORD.unpack_from(content, HEADER.size))
        record[field] = value
        RECORD.pack_into(content, HEADER.size, *record)
        weight_file(package).write_bytes(content)

    return vandalize


def set_weight_file_name(name: str) -> Callable[[Path], None]:
    def change(model: Any) -> None:
        find_constant(model, "convolution_weight_0").blobFileValue.fileName = name

    return edit_model(change)


def claim_huge_weight(model: Any) -> None:
    for dimension in find_constant(model, "convolution_weight_0").type.tensorType.dimensions:
        dimension.constant.size = 1 << 40


def turn_into_neural_network(model: Any) -> None:
    model.neuralNetwork.layers.add().name = "layer"


def link_outside(package: Path) -> None:
    outside = package.parent / "outside.bin"
    shutil.move(weight_file(package), outside)
    weight_file(package).symlink_to(outside)


def replace_weight_by_immediate(model: Any) -> None:
    value = find_constant(model, "convolution_weight_0")
    value.immediateValue.tensor.floats.values.extend([0.5, 0.25])


def cut(path: Callable[[Path], Path], share: float) -> Callable[[Path], None]:
    def vandalize(package: Path) -> None:
        content = path(package).read_bytes()
        path(package).write_bytes(content[: int(len(content) * share)])

    return vandalize


VANDALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (lambda package: shutil.rmtree(package), "does not exist"),
    "a file": (lambda package: (shutil.rmtree(package), package.write_bytes(b"PK")), "is a file"),
    "an empty folder": (lambda package: (shutil.rmtree(package), package.mkdir()), "holds no Manifest.json"),
    "manifest no JSON": (lambda package: (package / MANIFEST).write_text("{"), "names no root model"),
    "manifest no text": (lambda package: (package / MANIFEST).write_bytes(b"\xff\xfe\0"), "names no root model"),
    "manifest a list": (lambda package: (package / MANIFEST).write_text("[]"), "names no root model"),
    "manifest a folder": (
        lambda package: ((package / MANIFEST).unlink(), (package / MANIFEST).mkdir()),
        "holds no Manifest.json",
    ),
    "manifest huge": (lambda package: (package / MANIFEST).write_text(" " * (1 << 21)), "larger than 1 MB"),
    "manifest without root": (edit_manifest(lambda content: content.pop("rootModelIdentifier")), "names no root"),
    "manifest leads out": (set_model_path("../../../../etc/passwd"), "outside of it"),
    "manifest leads to the root": (set_model_path("/etc/passwd"), "outside of it"),
    "manifest path a number": (set_model_path(5), "names no root model"),
    "manifest path with a zero": (set_model_path("a\0b"), "names no root model"),
    "manifest path a folder": (set_model_path("com.apple.CoreML"), "lacks its part"),
    "model missing": (lambda package: find_model_file(package).unlink(), "lacks its part model.mlmodel"),
    "model empty": (cut(find_model_file, 0), "holds no model"),
    "model truncated": (cut(find_model_file, 0.5), "can't be parsed"),
    "model something else": (lambda package: find_model_file(package).write_bytes(b"\x89PNG\r\n\x1a\n"), "parsed"),
    "a neural network": (edit_model(turn_into_neural_network), "holds a Core ML neuralNetwork, no ML program"),
    "unknown operator set": (
        edit_model(lambda model: setattr(model.mlProgram.functions["main"], "opset", "CoreML99")),
        "operator set 'CoreML99'",
    ),
    "no such function": (
        edit_model(lambda model: setattr(model.description, "defaultFunctionName", "other")),
        "no function 'other'",
    ),
    "constant without value": (
        edit_model(lambda model: find_operations(model, "const")[0].attributes.clear()),
        "a constant without a value",
    ),
    "too few values": (edit_model(replace_weight_by_immediate), "holds 2 values, its declared shape needs 600"),
    "weights missing": (lambda package: weight_file(package).unlink(), "lacks its part weight.bin"),
    "weights empty": (cut(weight_file, 0), "no weight file"),
    "weights truncated": (cut(weight_file, 0.9), "claims bytes 128 to 2528 of 2275"),
    "weights without record": (lambda package: weight_file(package).write_bytes(HEADER.pack(1, 2)), "begins at byte"),
    "weights of another version": (lambda package: weight_file(package).write_bytes(HEADER.pack(1, 1)), "version 2"),
    "weights outside by link": (link_outside, "outside of it"),
    "weights outside by name": (set_weight_file_name("@model_path/../../../../secret.bin"), "outside of it"),
    "weights anywhere": (set_weight_file_name("/etc/passwd"), "expected a file under @model_path/"),
    "record spoilt": (edit_weight_record(0, 1), "has no record at byte 64"),
    "record of another type": (edit_weight_record(1, 1), "stored as type 1, the program declares fp32"),
    "record too large": (edit_weight_record(2, 1 << 60), "its declared shape needs 2400"),
    "record beyond the end": (edit_weight_record(3, 1 << 50), "claims bytes"),
    "shape too large": (edit_model(claim_huge_weight), "its declared shape needs"),
}


@pytest.mark.parametrize("name", VANDALS)
def test_damage_is_named(package: Path, name: str) -> None:
    vandalize, message = VANDALS[name]
    vandalize(package)
    with pytest.raises(FileFault, match=message):
        read_program(package)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "holiday.txt").write_text("sun")
    with pytest.raises(FileFault, match=r"holds no Manifest\.json"):
        read_program(folder)
    assert [item.name for item in folder.iterdir()] == ["holiday.txt"]


@pytest.mark.slow
def test_random_damage_never_ends_in_another_error(saved: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    image = draw(1, 3, 9, 9)
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        package = Path(shutil.copytree(saved, tmp_path / "damaged.mlpackage", dirs_exist_ok=True))
        file = find_model_file(package) if random.random() < 0.8 else weight_file(package)
        content = bytearray(file.read_bytes())
        for place in random.integers(0, len(content), random.integers(1, 4)):
            content[place] = random.integers(0, 256)
        file.write_bytes(content)
        try:
            run_program(read_program(package), [image])
            outcomes["ran"] += 1
        except PocketbenchError as error:
            outcomes[type(error).__name__] += 1
    assert outcomes["FileFault"] > 100
    assert outcomes["ran"] > 10
