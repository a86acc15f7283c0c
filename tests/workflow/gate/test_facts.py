"""Facts of files that came without a record, against what the runtimes and the formats' own packages say."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import hash_model_file
from pocketbench.export.naming import record_path
from pocketbench.workflow.gate import facts as gate_facts
from pocketbench.workflow.gate.facts import complete_artifact
from pocketbench.workflow.gate.facts_worker import read_reply
from tests.profile.onnx_files import write_conv, write_gather, write_relu
from tests.profile.tflite_files import write_add, write_split_by_cumsum
from tests.workflow.gate.artifacts import make_artifact, make_facts


@pytest.fixture(autouse=True)
def _same_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """read_reply leaves the folder that it was called in."""
    monkeypatch.chdir(tmp_path)


def write_bomb(path: Path, count: int) -> Path:
    """A TFLite file of 8 bytes * count whose parts, each referred to `count` times, unpack to count * count tensors."""
    builder = flatbuffers.Builder(1024)
    schema.TensorStart(builder)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_a_tflite_file_of_somebody_else(tmp_path: Path) -> None:
    path = write_split_by_cumsum(tmp_path / "theirs.tflite", 2)
    found = complete_artifact(path)
    assert (found.spec, found.parity, found.precision, found.format) == (None, None, None, "tflite")
    assert (found.model_name, found.size_bytes) == ("theirs", path.stat().st_size)
    facts = found.graph_facts
    assert facts is not None
    plain = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    assert facts.operator_counts == Counter(item["op_name"] for item in plain._get_ops_details())
    # with its delegate the interpreter adds a DELEGATE for each piece, and runs the two CUMSUMs itself
    delegated = Interpreter(str(path))
    delegated.allocate_tensors()
    names = Counter(item["op_name"] for item in delegated._get_ops_details())
    assert (facts.partition_count, facts.outside_delegate_count) == (names["DELEGATE"], 2) == (3, 2)
    (details,) = plain.get_input_details()
    assert [(item.name, item.shape) for item in facts.inputs] == [(details["name"], tuple(details["shape"]))]
    assert facts.layout_operator_count == 0


def test_an_onnx_file_of_somebody_else_with_its_weights_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    model = onnx.load(write_conv(tmp_path / "conv.onnx", channel_count=4, side=8))
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save_model(model, folder / "conv.onnx", **options)
    facts = complete_artifact(folder / "conv.onnx").graph_facts
    assert facts is not None
    assert facts.operator_counts == {"Conv": 1}
    assert facts.parameter_count == 4 * 4 * 3 * 3
    assert facts.mac_count == 4 * 8 * 8 * 4 * 3 * 3  # a sum over 3 x 3 places of 4 channels for each output
    assert (facts.partition_count, facts.outside_delegate_count) == (None, None)
    assert facts.inputs[0].shape == facts.outputs[0].shape == (1, 4, 8, 8)


def test_a_record_beside_an_unchanged_file_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_facts, "read_facts", lambda *_: pytest.fail("the file was read"))
    path = write_add(tmp_path / "net.tflite")
    record = make_artifact(facts=make_facts(partition_count=77), sha256=hash_model_file(path))
    write_record(record_path(path), record)
    assert complete_artifact(path) == record


def test_of_a_file_that_changed_its_record_says_nothing(tmp_path: Path) -> None:
    path = write_add(tmp_path / "net.tflite", input_count=2)
    write_record(record_path(path), make_artifact(sha256=hash_model_file(path)))
    write_add(path, input_count=4)
    found = complete_artifact(path)
    assert found.precision is None
    assert found.graph_facts is not None
    assert found.graph_facts.operator_counts == {"ADD": 3}


def test_without_the_package_that_reads_it_the_facts_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gate_facts.PACKAGES, "onnx", "no_such_package")
    found = complete_artifact(write_relu(tmp_path / "net.onnx"))
    assert found.graph_facts is None
    assert found.format == "onnx"


def test_a_file_that_litert_does_not_load_as_it_stands_has_its_other_facts(tmp_path: Path) -> None:
    path = write_add(tmp_path / "open.tflite", signature=(1, -1))
    facts = complete_artifact(path).graph_facts
    assert facts is not None
    assert facts.operator_counts == {"ADD": 1}
    assert facts.dynamic_shapes
    assert facts.partition_count is None


def test_a_file_that_is_not_what_its_suffix_says_is_named(tmp_path: Path) -> None:
    """Through the process; what else can be wrong is tried without it below."""
    path = write_relu(tmp_path / "net.onnx").rename(tmp_path / "net.tflite")
    with pytest.raises(FileFault) as caught:
        complete_artifact(Path("net.tflite"))
    assert caught.value.what == "net.tflite is no TFLite model"
    assert path.exists()


def test_what_is_no_model_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "device.onnx").symlink_to("/dev/zero")
    for name in ("pipe.onnx", "folder.onnx", "device.onnx", "none.onnx"):
        with pytest.raises(FileFault, match=name):
            complete_artifact(tmp_path / name)
    with pytest.raises(UsageError, match=r"net\.pt"):
        complete_artifact(tmp_path / "net.pt")


def damage(content: bytes, generator: random.Random) -> bytes:
    """Cut off, some bytes changed, or a number of four bytes made very large."""
    kind, place = generator.randrange(3), generator.randrange(8, len(content) - 4)
    if kind == 0:
        return content[:place]
    changed = bytearray(content)
    if kind == 1:
        for _ in range(generator.randrange(1, 6)):
            changed[generator.randrange(8, len(content))] = generator.randrange(256)
    else:
        changed[place // 4 * 4 : place // 4 * 4 + 4] = generator.choice((b"\xff\xff\xff\x7f", b"\xff" * 4, b"\0\0\1\0"))
    return bytes(changed)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_damaged_file_gives_facts_or_a_fault_and_never_a_traceback(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    (write_split_by_cumsum if suffix == ".tflite" else write_conv)(path, 2)
    content = path.read_bytes()
    generator = random.Random(0)
    outcomes: Counter[str] = Counter()
    for _ in range(120):
        path.write_bytes(damage(content, generator))
        reply = read_reply(suffix[1:], path)
        (outcome,) = reply
        outcomes[outcome] += 1
        if outcome == "fault":
            assert str(path) in reply["fault"][0]
    assert outcomes["fault"] > 40


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 4096, b"\0" * 4096, np.arange(9999, dtype="<i4").tobytes()])
@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_garbage_is_a_fault(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    assert str(path) in read_reply(suffix[1:], path)["fault"][0]
    path.write_bytes(content[:4] + b"TFL3" + content[8:])
    assert str(path) in read_reply(suffix[1:], path)["fault"][0]


def test_an_onnx_operator_without_the_inputs_that_it_needs_is_a_fault(tmp_path: Path) -> None:
    path = write_gather(tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.node[0].op_type = "MatMul"
    del model.graph.node[0].input[1:]
    path.write_bytes(model.SerializeToString())
    assert "MatMul" in read_reply("onnx", path)["fault"][0]


@pytest.mark.slow
def test_a_file_that_unpacks_to_more_than_there_is_costs_a_limited_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bomb(tmp_path / "bomb.tflite", 20_000)
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(gate_facts, "TIMEOUT_S", 2.0)
    with pytest.raises(FileFault, match=r"bomb\.tflite takes more than 2 s to read"):
        complete_artifact(path)


@pytest.mark.slow
def test_a_file_that_unpacks_to_more_than_there_is_costs_limited_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_facts, "MEMORY_BYTES", 80 * 1024**2)
    with pytest.raises(FileFault, match=r"bomb\.tflite (takes more memory|is no TFLite)"):
        complete_artifact(write_bomb(tmp_path / "bomb.tflite", 20_000))


def test_a_process_that_dies_is_a_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_facts, "MEMORY_BYTES", 0)
    monkeypatch.setattr(gate_facts, "MEMORY_PER_BYTE", 0)
    with pytest.raises(FileFault, match=r"net\.onnx"):
        complete_artifact(write_relu(tmp_path / "net.onnx"))


@pytest.mark.slow
def test_a_core_ml_package_of_somebody_else(tmp_path: Path) -> None:
    from coremltools.converters.mil import Builder

    from tests.export.mil.packages import save_operators

    weights = np.ones((5, 3), np.float32)
    path = tmp_path / "net.mlpackage"
    save_operators(path, lambda x: Builder.relu(x=Builder.linear(x=x, weight=weights)), {"x": (2, 3)})
    facts = complete_artifact(path).graph_facts
    assert facts is not None
    assert facts.operator_counts == {"linear": 1, "relu": 1}
    assert facts.mac_count == 2 * 5 * 3
    assert facts.inputs[0].shape == (2, 3)
    (path / "Manifest.json").write_text("{}")
    assert str(path) in read_reply("coreml", path)["fault"][0]
