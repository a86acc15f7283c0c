from __future__ import annotations

import ast
import gc
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import pocketbench
from pocketbench.profile.agent.agent import measure_clock_resolution, time_calls
from pocketbench.profile.archive import list_agent_files
from tests.profile.onnx_files import write_relu

PACKAGE = Path(pocketbench.__file__).parent
ENGINE = "pocketbench.profile.agent.engines.onnxruntime_cpu:OnnxRuntime"
LOAD = {"do": "load", "engine": ENGINE, "thread_count": 1, "core_mask": None, "shapes": None, "seed": 0}


def talk(command: list[str], *requests: dict[str, Any], cwd: Path) -> list[dict[str, Any]]:
    """Send all requests, close stdin, and return the replies: the agent ends when nobody asks any more."""
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=cwd, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def bare_package(tmp_path: Path) -> Path:
    """A folder with the files that a board gets, and nothing else of the project."""
    for name in list_agent_files():
        target = tmp_path / "pocketbench" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, target)
    return tmp_path


def test_it_runs_as_a_module_with_its_own_files_alone(bare_package: Path) -> None:
    model = write_relu(bare_package / "relu.onnx")
    command = [sys.executable, "-m", "pocketbench.profile.agent.agent"]
    requests = [{**LOAD, "path": str(model)}, {"do": "burst", "count": 4}, {"do": "finish"}]
    load, burst, finish = (reply["data"] for reply in talk(command, *requests, cwd=bare_package))
    assert load["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 3, 8, 8]}]
    assert load["outputs"] == [{"name": "y", "dtype": "float32", "shape": [1, 3, 8, 8]}]
    assert set(load["tools"]) == {"python", "numpy", "onnxruntime"}
    assert load["partition_count"] is None
    assert len(burst["wall_ns"]) == len(burst["cpu_ns"]) == 4
    assert all(value > 0 for value in burst["wall_ns"])
    assert 0 < load["idle_rss_bytes"] < finish["peak_rss_bytes"]


def test_it_needs_no_package_but_numpy_and_the_runtime(bare_package: Path) -> None:
    model = write_relu(bare_package / "relu.onnx")
    # None in sys.modules makes an import fail; -I leaves out the current folder, PYTHONPATH and the user's packages
    script = (
        "import sys\n"
        "for name in ('torch', 'pandas', 'onnx', 'sqlalchemy', 'click', 'rich', 'ai_edge_litert', 'tflite_runtime',"
        " 'pocketbench.core'):\n    sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(bare_package)!r})\n"
        "import pocketbench.profile.agent.agent as agent\n"
        "assert 'numpy' not in sys.modules and 'onnxruntime' not in sys.modules\n"
        "agent.main()\n"
    )
    requests = [{**LOAD, "path": str(model)}, {"do": "burst", "count": 2}]
    replies = talk([sys.executable, "-I", "-c", script], *requests, cwd=bare_package)
    assert [set(reply) for reply in replies] == [{"data"}, {"data"}]


def test_its_files_parse_on_python_3_9_and_import_what_a_board_has() -> None:
    for name in list_agent_files():
        tree = ast.parse((PACKAGE / name).read_text(), feature_version=(3, 9))
        for node in tree.body:
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            for module in modules:
                is_ours = f"{module.replace('.', '/')}.py".removeprefix("pocketbench/") in list_agent_files()
                assert is_ours or module.partition(".")[0] in sys.stdlib_module_names, f"{name} imports {module}"


# what came with a later Python, where its grammar does not show it
YOUNGER = {
    "UTC",
    "bit_count",
    "file_digest",
    "pairwise",
    "batched",
    "add_note",
    "StrEnum",
    "strict",
    "slots",
    "kw_only",
}


def test_its_files_use_nothing_that_python_3_9_has_not() -> None:
    for name in list_agent_files():
        nodes = list(ast.walk(ast.parse((PACKAGE / name).read_text())))
        used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        used |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        used |= {str(keyword.arg) for node in nodes if isinstance(node, ast.Call) for keyword in node.keywords}
        assert not used & YOUNGER, name
        if any(isinstance(node, ast.FunctionDef) for node in nodes):  # X | Y in annotations must not be evaluated
            assert "annotations" in used, name


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"path": "nowhere.onnx"}, "load", "nowhere.onnx: there is no such file"),
        ({"path": "relu.tflite"}, "load", "this engine runs files that end in .onnx, .ort"),
        ({"path": "empty.onnx"}, "load", "the file is empty"),
        ({"path": "cut.onnx"}, "load", "INVALID_PROTOBUF"),
        ({"path": "folder.onnx"}, "load", "there is no such file"),
        ({"shapes": {"z": [1]}}, "load", "no input 'z'; its inputs are: x"),
        ({"core_mask": 1 << 900}, "load", "core"),
        ({"engine": "no_such_module:Engine"}, "missing_package", "No module named 'no_such_module'"),
        ({"engine": "pocketbench.profile.agent.agent:Engine"}, "load", "AttributeError"),
    ],
)
def test_what_it_can_not_load_is_an_answer(bare_package: Path, change: dict[str, Any], kind: str, message: str) -> None:
    model = write_relu(bare_package / "relu.onnx")
    (bare_package / "empty.onnx").touch()
    (bare_package / "cut.onnx").write_bytes(model.read_bytes()[:40])
    (bare_package / "folder.onnx").mkdir()
    command = [sys.executable, "-m", "pocketbench.profile.agent.agent"]
    bad, burst, good = talk(
        command, {**LOAD, "path": str(model), **change}, {"do": "burst", "count": 1}, {"do": "finish"}, cwd=bare_package
    )
    assert bad["error"]["kind"] == kind
    assert message in bad["error"]["message"]
    assert burst["error"] == {"kind": "run", "message": "no model is loaded"}
    assert "data" in good


def test_a_burst_times_each_call_by_both_clocks() -> None:
    wall_ns, cpu_ns = time_calls([lambda: time.sleep(0.02)] * 3)
    assert len(wall_ns) == len(cpu_ns) == 3
    assert all(wall >= 20_000_000 for wall in wall_ns)
    assert all(cpu < wall for cpu, wall in zip(cpu_ns, wall_ns, strict=True))


def test_the_collector_rests_during_a_burst_and_is_as_before_after_it() -> None:
    seen = []
    time_calls([lambda: seen.append(gc.isenabled())] * 2)
    assert seen == [False, False]
    assert gc.isenabled()

    def stop() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        time_calls([stop])
    assert gc.isenabled()


@pytest.mark.parametrize("step", [1, 100, 10_000_000])
def test_the_clock_resolution_is_the_smallest_step_seen(step: int) -> None:
    readings = iter(range(0, 10**9))
    assert measure_clock_resolution(lambda: next(readings) // 2500 * step) == step


COMMAND = [sys.executable, "-m", "pocketbench.profile.agent.agent"]
LIFE = {**LOAD, "do": "life", "order": [0, 1, 1, 0, 1, 0, 0, 1], "warmup_count": 2}


def test_a_life_runs_two_models_in_its_order_and_forgets_them(tmp_path: Path) -> None:
    small = write_relu(tmp_path / "small.onnx")
    large = write_relu(tmp_path / "large.onnx", (1, 64, 256, 256))  # 20,000 times the work
    paths = [str(small), str(large)]
    requests = [
        {**LIFE, "paths": paths},
        {**LIFE, "paths": paths[::-1], "thread_count": 2},
        {"do": "burst", "count": 1},
        {**LOAD, "path": str(small)},
        {**LIFE, "paths": paths},
        {"do": "burst", "count": 1},
    ]
    first, swapped, nothing, load, _, forgotten = talk(COMMAND, *requests, cwd=tmp_path)
    for reply, large_place in ((first, 1), (swapped, 0)):
        for samples in (reply["data"]["wall_ns"], reply["data"]["cpu_ns"]):
            assert len(samples) == 8
            places = {place: [samples[at] for at in range(8) if LIFE["order"][at] == place] for place in (0, 1)}
            assert median(places[large_place]) > median(places[1 - large_place])
    assert nothing["error"] == forgotten["error"] == {"kind": "run", "message": "no model is loaded"}
    assert "data" in load


def test_a_life_loads_anew_warms_up_both_and_keeps_what_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str, int]] = []

    class Spy:
        suffixes = (".fake",)

        def open(self, path: str, thread_count: int) -> list[Any]:
            self.name = Path(path).name
            said.append(("open", self.name, thread_count))
            return []

        def prepare(self, _sizes: dict[str, Any]) -> None:
            pass

        def bind(self, _arrays: Any) -> Any:
            return lambda: said.append(("call", self.name, 0))

    from pocketbench.profile.agent import agent as module

    monkeypatch.setattr(module, "_make_engine", lambda _target: Spy())
    paths = []
    for name in ("a.fake", "b.fake"):
        (tmp_path / name).write_text("a model")
        paths.append(str(tmp_path / name))
    request = {**LIFE, "paths": paths, "order": [1, 0, 0], "warmup_count": 2, "thread_count": 3}
    agent = module.Agent()
    for _ in range(2):
        said.clear()
        reply = agent.answer(request)
        assert len(reply["data"]["wall_ns"]) == len(reply["data"]["cpu_ns"]) == 3
        assert said[:2] == [("open", "a.fake", 3), ("open", "b.fake", 3)]
        assert [name[0] for _, name, _ in said[2:]] == ["a", "b", "a", "b", "b", "a", "a"]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("nowhere.onnx", "load", "nowhere.onnx: there is no such file"),
        ("net.tflite", "load", "this engine runs files that end in .onnx, .ort"),
        ("cut.onnx", "run", "INVALID_PROTOBUF"),
    ],
)
def test_a_life_that_can_not_be_lived_is_an_answer(tmp_path: Path, name: str, kind: str, message: str) -> None:
    good = write_relu(tmp_path / "relu.onnx")
    (tmp_path / "cut.onnx").write_bytes(good.read_bytes()[:40])
    bad = {**LIFE, "paths": [str(good), str(tmp_path / name)]}
    error, life = talk(COMMAND, bad, {**LIFE, "paths": [str(good)] * 2}, cwd=tmp_path)
    assert error["error"]["kind"] == kind
    assert message in error["error"]["message"]
    assert len(life["data"]["cpu_ns"]) == 8
