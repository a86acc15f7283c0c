"""Core ML's engine with the real coremltools. Core ML itself is on macOS alone: what stands in for it is the module of
compiled code that coremltools calls, and nothing above that.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.records import RunPlan
from pocketbench.profile.agent.agent import Agent
from pocketbench.profile.agent.board_files import hash_model
from pocketbench.profile.agent.engines.coreml import CoreMl
from pocketbench.profile.catalog import ENGINES, engine_suffixes, estimates_operators, host_refusal
from pocketbench.profile.operators.times import make_profile
from pocketbench.profile.plans import check_plan

ENGINE = ENGINES.entry("coreml").target
LOAD: dict[str, Any] = {
    "engine": ENGINE,
    "delegate": None,
    "thread_count": 1,
    "core_mask": None,
    "shapes": None,
    "seed": 0,
}


def test_here_it_says_where_core_ml_runs() -> None:
    if sys.platform == "darwin":
        assert host_refusal("coreml") is None
        return
    assert host_refusal("coreml") == "Core ML runs on macOS alone"
    reply = Agent().answer({"do": "load", "path": "net.mlpackage", **LOAD})
    assert reply == {"error": {"kind": "load", "message": "Core ML runs on macOS alone"}}


def test_its_delegates_are_the_compute_units() -> None:
    assert engine_suffixes("coreml") == (".mlpackage",)
    assert estimates_operators("coreml")
    assert not estimates_operators("onnxruntime")
    check_plan(RunPlan(engine="coreml", thread_count=None))
    for delegate in (None, "all", "cpu_only", "cpu_and_gpu", "cpu_and_ne"):
        check_plan(RunPlan(engine="coreml", delegate=delegate))
    with pytest.raises(UsageError, match=r"no delegate 'npu' to choose \(choose all, cpu_only, cpu_and_gpu, "):
        check_plan(RunPlan(engine="coreml", delegate="npu"))
    with pytest.raises(UsageError, match="leave the delegate out"):
        check_plan(RunPlan(engine="onnxruntime", delegate="cpu_only"))


def test_a_package_is_a_folder_and_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CoreMl, "host_refusal", None)
    monkeypatch.setattr(CoreMl, "__init__", lambda _: None)
    (tmp_path / "file.mlpackage").write_text("no folder")
    for name, message in (
        ("nowhere.mlpackage", "there is no such folder"),
        ("file.mlpackage", "there is no such folder"),
        ("net.onnx", "this engine runs files that end in .mlpackage"),
    ):
        reply = Agent().answer({"do": "load", "path": str(tmp_path / name), **LOAD})
        assert message in reply["error"]["message"]


class FakeCoreMl:
    """`libcoremlpython._MLModelProxy`: a model that Core ML has loaded."""

    loaded: ClassVar[list[tuple[str, str]]] = []
    inputs: ClassVar[list[dict[str, Any]]] = []
    refusal: str | None = None
    plan: Any = None

    def __init__(self, path: str, units: str, function: str, hints: dict[str, str], asset: object) -> None:
        if self.refusal is not None:
            raise RuntimeError(self.refusal)
        assert (function, hints, asset) == ("", {}, None)
        self.path = path
        FakeCoreMl.loaded.append((Path(path).name, units))

    @staticmethod
    def maximum_supported_specification_version() -> int:
        return 10

    def predict(self, data: dict[str, Any], state: object) -> dict[str, Any]:
        assert state is None
        FakeCoreMl.inputs.append(dict(data))
        return {"y": np.zeros(1)}

    def get_compiled_model_path(self) -> str:
        return f"{self.path}c"

    @staticmethod
    def get_compute_plan(path: str, units: str) -> Any:
        assert path.endswith(".mlpackagec")
        return FakeCoreMl.plan(units)


class FakePlan:
    """`libcoremlpython._MLComputePlanProxy`. Convolutions on the neural engine, what follows on the processor."""

    costs: ClassVar[dict[str, float]] = {"conv": 0.75, "relu": 0.25}

    def __init__(self, structure: Any, devices: dict[str, Any], usage: Any, cost: Any) -> None:
        self.model_structure, self._devices, self._usage, self._cost = structure, devices, usage, cost

    def get_compute_device_usage_for_mlprogram_operation(self, operation: Any) -> Any:
        device = self._devices.get(operation.operator_name)
        return None if device is None else self._usage(device, [device])

    def get_estimated_cost_for_mlprogram_operation(self, operation: Any) -> Any:
        weight = self.costs.get(operation.operator_name)
        return None if weight is None else self._cost(weight)


@pytest.fixture
def core_ml(monkeypatch: pytest.MonkeyPatch) -> type[FakeCoreMl]:
    """A Mac: coremltools as it is, with stand-ins where it would call Core ML."""
    model = importlib.import_module("coremltools.models.model")
    plans = importlib.import_module("coremltools.models.compute_plan")
    devices = importlib.import_module("coremltools.models.compute_device")
    monkeypatch.setattr(CoreMl, "host_refusal", None)
    monkeypatch.setattr(model, "_MLModelProxy", FakeCoreMl)
    monkeypatch.setattr(plans, "_MLModelProxy", FakeCoreMl)
    monkeypatch.setattr(plans, "_MLComputePlanProxy", FakePlan)
    for name in ("_MLCPUComputeDeviceProxy", "_MLNeuralEngineComputeDeviceProxy"):
        monkeypatch.setattr(devices, name, object)

    def make_operation(operator: str, output: str) -> Any:
        outputs = [plans.MLModelStructureProgramNamedValueType(name=output, type=None)]
        return plans.MLModelStructureProgramOperation(
            inputs={}, operator_name=operator, outputs=outputs, blocks=[], __proxy__=None
        )

    def make_plan(units: str) -> Any:
        operations = [make_operation("const", "w"), make_operation("conv", "features_0"), make_operation("relu", "y")]
        block = plans.MLModelStructureProgramBlock(inputs=[], operations=operations, output_names=["y"])
        function = plans.MLModelStructureProgramFunction(inputs=[], block=block)
        program = plans.MLModelStructureProgram(functions={"main": function})
        structure = plans.MLModelStructure(neuralnetwork=None, program=program, pipeline=None)
        cpu = devices.MLCPUComputeDevice(object())
        engine = devices.MLNeuralEngineComputeDevice(object()) if units != "CPU_ONLY" else cpu
        proxy = FakePlan(
            structure, {"conv": engine, "relu": cpu}, plans.MLComputePlanDeviceUsage, plans.MLComputePlanCost
        )
        return plans.MLComputePlan(proxy)

    monkeypatch.setattr(FakeCoreMl, "loaded", [])
    monkeypatch.setattr(FakeCoreMl, "inputs", [])
    monkeypatch.setattr(FakeCoreMl, "plan", staticmethod(make_plan))
    return FakeCoreMl


def write_package(path: Path, image: bool = False) -> Path:
    """A package with one ReLU, by coremltools' own converter."""
    tools = importlib.import_module("coremltools")
    builder = importlib.import_module("coremltools.converters.mil").Builder

    @builder.program(input_specs=[builder.TensorSpec(shape=(1, 3, 8, 8))], opset_version=tools.target.iOS15)
    def program(x: Any) -> Any:
        return builder.relu(x=x, name="y")

    options = {"inputs": [tools.ImageType(name="x", shape=(1, 3, 8, 8))]} if image else {}
    model = tools.convert(program, convert_to="mlprogram", minimum_deployment_target=tools.target.iOS15, **options)
    model.save(str(path))
    return path


@pytest.mark.slow
def test_a_model_is_loaded_run_and_described(core_ml: type[FakeCoreMl], tmp_path: Path) -> None:
    path = write_package(tmp_path / "net.mlpackage")
    core_ml.loaded.clear()
    agent = Agent()
    load = agent.answer({"do": "load", "path": str(path), **LOAD})["data"]
    assert load["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 3, 8, 8]}]
    assert load["outputs"] == [{"name": "y", "dtype": "float32", "shape": [1, 3, 8, 8]}]
    assert load["tools"]["coremltools"] == importlib.import_module("coremltools").__version__
    assert load["cpu_clock"] == "process", "Core ML computes in threads of its own"
    assert load["load_ns"] > 0
    burst = agent.answer({"do": "burst", "count": 3})["data"]
    assert len(burst["wall_ns"]) == len(core_ml.inputs) == 3
    assert core_ml.inputs[0]["x"].shape == (1, 3, 8, 8)
    units = {
        None: "ALL",
        "all": "ALL",
        "cpu_only": "CPU_ONLY",
        "cpu_and_gpu": "CPU_AND_GPU",
        "cpu_and_ne": "CPU_AND_NE",
    }
    core_ml.loaded.clear()
    for delegate in units:
        assert "data" in Agent().answer({"do": "load", "path": str(path), **LOAD, "delegate": delegate})
    assert core_ml.loaded == [("net.mlpackage", name) for name in units.values()]
    assert json.loads(json.dumps(Agent().answer({"do": "versions", "engine": ENGINE})))["data"]["numpy"]


@pytest.mark.slow
def test_a_picture_is_given_to_an_input_that_is_one(core_ml: type[FakeCoreMl], tmp_path: Path) -> None:
    path = write_package(tmp_path / "image.mlpackage", image=True)
    agent = Agent()
    load = agent.answer({"do": "load", "path": str(path), **LOAD})["data"]
    assert load["inputs"] == [{"name": "x", "dtype": "uint8", "shape": [8, 8, 3]}]
    assert "data" in agent.answer({"do": "burst", "count": 1})
    assert (core_ml.inputs[0]["x"].size, core_ml.inputs[0]["x"].mode) == ((8, 8), "RGB")


@pytest.mark.slow
def test_what_core_ml_refuses_is_said_with_its_words(core_ml: type[FakeCoreMl], tmp_path: Path) -> None:
    path = write_package(tmp_path / "net.mlpackage")
    core_ml.refusal = "Unable to parse ML Program"
    try:
        with pytest.warns(RuntimeWarning, match="Unable to parse"):
            reply = Agent().answer({"do": "load", "path": str(path), **LOAD})
    finally:
        core_ml.refusal = None
    assert reply["error"]["kind"] == "load"
    assert reply["error"]["message"] == f"Core ML does not load {path}: Unable to parse ML Program"


@pytest.mark.slow
@pytest.mark.parametrize(("delegate", "unit"), [("all", "npu"), ("cpu_only", "cpu")])
def test_the_compute_plan_says_where_each_operator_runs(
    core_ml: type[FakeCoreMl], tmp_path: Path, delegate: str, unit: str
) -> None:
    path = write_package(tmp_path / "net.mlpackage")
    request = {**LOAD, "delegate": delegate, "thread_count": None, "path": str(path), "warmup_count": 1, "run_count": 5}
    reply = Agent().answer({"do": "operators", **request})["data"]
    profile = make_profile(json.loads(json.dumps(reply)), path, tmp_path)
    found = [(item.name, item.operator, item.compute_unit, item.path) for item in profile.operators]
    assert found == [("features_0", "conv", unit, None), ("y", "relu", "cpu", None)]
    shares = [item.time_ns / profile.whole_ns for item in profile.operators]
    assert shares == pytest.approx([0.75, 0.25], rel=1e-3)
    assert core_ml.loaded


@pytest.mark.slow
def test_a_macos_without_compute_plans_has_no_operator_times(
    core_ml: type[FakeCoreMl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_package(tmp_path / "net.mlpackage")

    def refuse(_units: str) -> None:
        raise ValueError("MLComputePlan is not supported.")

    monkeypatch.setattr(core_ml, "plan", staticmethod(refuse))
    request = {**LOAD, "path": str(path), "warmup_count": 1, "run_count": 5}
    reply = Agent().answer({"do": "operators", **request})["data"]
    assert reply["unknown"].endswith("its compute plan can't be read (MLComputePlan is not supported.)")


@pytest.mark.slow
def test_a_board_hashes_a_package_as_the_host_does(tmp_path: Path) -> None:
    path = write_package(tmp_path / "net.mlpackage")
    (path / "a").mkdir()
    (path / "a/z.bin").write_bytes(b"1")
    (path / "a.b").write_bytes(b"2")
    assert hash_model(path) == hash_model_file(path)
