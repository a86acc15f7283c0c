"""Every name is compared with the lists that the runtimes themselves carry."""

from __future__ import annotations

import re
from pathlib import Path

import ai_edge_litert
import onnx.defs
import pytest
from ai_edge_litert import schema_py_generated as schema

from pocketbench.core import operator_kinds
from pocketbench.core.operator_kinds import KINDS, OTHER, find_kind, find_kind_of
from pocketbench.core.records import OperatorTime

# What onnxruntime makes while it optimises and quantises; the rest is ONNX's own.
ONNXRUNTIME_OWN = re.compile(r"^(Reorder|Fused|Nhwc|QLinear|QGemm|MatMulIntegerToFloat|DynamicQuantizeMatMul|\w+Gelu$)")


def list_names(table: dict[str, str], separator: str | None = None) -> list[str]:
    return [name.strip() for names in table.values() for name in names.split(separator)]


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("Conv", "convolution"),
        ("FusedConv", "convolution"),
        ("Convolution (NHWC, F32) IGEMM", "convolution"),
        ("Convolution (NHWC, F32) DWConv", "convolution"),
        ("DEPTHWISE_CONV_2D", "convolution"),
        ("ios16.conv", "convolution"),
        ("Fully Connected (NC, F32) GEMM", "matrix product"),
        ("FusedGemm", "matrix product"),
        ("ReduceMean", "pooling"),
        ("Mean (ND) Reduce2", "pooling"),
        ("Average Pooling (NHWC, F32) Average Pooling", "pooling"),
        ("reduce_mean", "pooling"),
        ("Multiply (ND)", "multiply"),
        ("HardSwish (NC)", "activation"),
        ("HardSigmoid", "activation"),
        ("Clip", "activation"),
        ("ReorderOutput", "layout"),
        ("Transpose (ND, X32) Transpose", "layout"),
        ("Static Reshape (NC)", "layout"),
        ("Sum", "add"),
        ("SUM", "pooling"),
        ("Sum (ND) Reduce2", "pooling"),
        ("Mean", OTHER),
        ("TfLiteXNNPackDelegate", OTHER),
        ("CUMSUM", OTHER),
        ("Resize", OTHER),
        ("conv", "convolution"),
        ("CONV", OTHER),
        ("Convolution", OTHER),
        ("Conv (NHWC)", OTHER),
        ("(between operators)", OTHER),
        ("", OTHER),
    ],
)
def test_types_of_every_runtime(operator: str, kind: str) -> None:
    assert find_kind(operator) == kind


def test_onnx_names_are_onnxs() -> None:
    known = {item.name for item in onnx.defs.get_all_schemas() if item.domain == ""}
    names = list_names(operator_kinds._ONNX)
    assert {name for name in names if not ONNXRUNTIME_OWN.match(name)} - known == set()
    assert len(names) == len(set(names))


def test_tflite_names_are_those_of_its_schema() -> None:
    names = list_names(operator_kinds._TFLITE)
    assert set(names) <= set(vars(schema.BuiltinOperator))
    assert len(names) == len(set(names))


def test_xnnpack_names_stand_in_its_library() -> None:
    library = (Path(ai_edge_litert.__file__).parent / "libLiteRt.so").read_bytes()
    names = list_names(operator_kinds._XNNPACK, ",")
    # older releases pool the whole map by an operator of its own
    missing = [name for name in names if f"{name} (".encode() not in library]
    assert missing == ["Global Average Pooling"]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_core_ml_names_are_those_of_its_language() -> None:
    from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

    names = list_names(operator_kinds._CORE_ML)
    assert set(names) <= {*SSAOpRegistry.core_ops, "conv_quantized"}
    assert len(names) == len(set(names))


def test_every_table_has_every_kind() -> None:
    for table in (operator_kinds._ONNX, operator_kinds._TFLITE, operator_kinds._XNNPACK, operator_kinds._CORE_ML):
        assert (*table, OTHER) == KINDS


def test_the_files_operator_decides() -> None:
    def make(operator: str, graph_operator: str | None) -> OperatorTime:
        return OperatorTime(
            name="n",
            operator=operator,
            path=None,
            block=None,
            time_ns=1.0,
            call_count=1,
            graph_operator=graph_operator,
        )

    gemm = "Fully Connected (NC, F32) GEMM"
    assert find_kind_of(make(gemm, "CONV_2D")) == "convolution"
    assert find_kind_of(make(gemm, "FULLY_CONNECTED")) == "matrix product"
    assert find_kind_of(make(gemm, None)) == "matrix product"
    assert find_kind_of(make("Copy (NC, X32)", "CUMSUM")) == "layout"
    assert find_kind_of(make("CUMSUM", "CUMSUM")) == OTHER
