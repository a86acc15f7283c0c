"""Where a TFLite network's classifier begins, on graphs made by hand."""

from __future__ import annotations

from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from pocketbench.export.tflite_classifier import Classifier, find_classifier
from tests.export.test_formats import write_tflite


def write_chain(folder: Path, *kinds: str) -> Path:
    """A file of operators, one after the other; each writes the tensor named after its kind."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers = 3, [schema.BufferT()]
    graph.tensors, graph.operators, model.operatorCodes = [], [], []
    for place, kind in enumerate(("input", *kinds)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = f"{kind.lower()};", [1, 4], 0
        graph.tensors.append(tensor)
        if place:
            code, operator = schema.OperatorCodeT(), schema.OperatorT()
            code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
            operator.opcodeIndex, operator.inputs, operator.outputs = place - 1, [place - 1], [place]
            model.operatorCodes.append(code)
            graph.operators.append(operator)
    graph.inputs, graph.outputs = [0], [len(kinds)]
    model.subgraphs = [graph]
    return write_tflite(model, folder / "chain.tflite")


def test_a_fully_connected_output_and_the_average_pool_before_it(tmp_path: Path) -> None:
    found = find_classifier(write_chain(tmp_path, "CONV_2D", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED"))
    before = (("RESHAPE", "reshape;"), ("AVERAGE_POOL_2D", "average_pool_2d;"))
    assert found == Classifier(layers=("fully_connected;",), before=before)


def test_a_mean_keeps_its_range(tmp_path: Path) -> None:
    found = find_classifier(write_chain(tmp_path, "CONV_2D", "MEAN", "RESHAPE", "FULLY_CONNECTED"))
    assert found == Classifier(layers=("fully_connected;",), before=())


def test_a_map_as_output_has_no_classifier(tmp_path: Path) -> None:
    assert find_classifier(write_chain(tmp_path, "FULLY_CONNECTED", "CONV_2D")) == Classifier(layers=(), before=())
