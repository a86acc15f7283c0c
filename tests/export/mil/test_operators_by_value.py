"""Operators against coremltools' own evaluation of constants (`value_inference`, written in numpy)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pocketbench.export.mil.interpreter import run_program
from pocketbench.export.mil.program import read_program
from tests.export.mil.packages import Builder, draw, save_operators

X = draw(2, 3, 4)
Y = draw(3, 1, seed=1)
POSITIVE = draw(2, 3, 4, seed=2, low=0.1, high=3.0)
UNIT = draw(2, 3, 4, seed=3, low=-0.95, high=0.95)
IMAGE = draw(2, 3, 4, 5, seed=4)
WHOLE = np.array([[-7, -2, 0], [3, 5, 8]], dtype=np.int32)
DIVISOR = np.array([[2, -3, 5], [-4, 3, -3]], dtype=np.int32)
TRUTH = np.array([[True, False, True], [False, False, True]])
OTHER_TRUTH = np.array([True, False, False])

Build = Callable[[], Any]


def call(kind: str, **inputs: Any) -> Build:
    return lambda: getattr(Builder, kind)(**inputs)


UNARY = [
    *("abs", "atan", "ceil", "cos", "cosh", "erf", "exp", "exp2", "floor", "round", "sign", "sin", "sinh"),
    *("square", "tan", "tanh", "relu", "relu6", "sigmoid", "softplus", "softsign", "identity"),
]
COMPARISONS = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]
REDUCTIONS = ["sum", "mean", "max", "min", "prod", "l1_norm", "l2_norm", "sum_square", "log_sum_exp"]

CASES: dict[str, Build] = {
    **{kind: call(kind, x=X) for kind in UNARY},
    **{kind: call(kind, x=UNIT) for kind in ("acos", "asin", "atanh")},
    **{kind: call(kind, x=POSITIVE) for kind in ("sqrt", "log", "rsqrt", "inverse")},
    "round halves": call("round", x=np.array([-1.5, -0.5, 0.5, 1.5, 2.5], np.float32)),
    "log epsilon": call("log", x=POSITIVE, epsilon=0.25),
    "rsqrt epsilon": call("rsqrt", x=POSITIVE, epsilon=0.25),
    "inverse epsilon": call("inverse", x=POSITIVE, epsilon=0.25),
    "abs whole": call("abs", x=WHOLE),
    "square whole": call("square", x=WHOLE),
    "sign whole": call("sign", x=WHOLE),
    **{kind: call(kind, x=X, y=Y) for kind in ("add", "sub", "mul", "real_div", "floor_div", "mod")},
    **{f"{kind} whole": call(kind, x=WHOLE, y=DIVISOR) for kind in ("add", "sub", "mul", "floor_div", "mod")},
    **{kind: call(kind, x=X, y=Y) for kind in ("maximum", "minimum")},
    "pow": call("pow", x=POSITIVE, y=Y),
    **{kind: call(kind, x=WHOLE, y=np.int32(3)) for kind in COMPARISONS},
    **{f"logical_{kind}": call(f"logical_{kind}", x=TRUTH, y=OTHER_TRUTH) for kind in ("and", "or", "xor")},
    "logical_not": call("logical_not", x=TRUTH),
    "select": call("select", cond=TRUTH, a=draw(2, 3), b=draw(2, 3, seed=5)),
    "clip": call("clip", x=X, alpha=-0.5, beta=1.0),
    "threshold": call("threshold", x=X, alpha=0.5),
    "cast to int32": call("cast", x=X, dtype="int32"),
    "cast to fp16": lambda: Builder.cast(x=Builder.cast(x=X, dtype="fp16"), dtype="fp32"),
    "cast to bool": call("cast", x=WHOLE, dtype="bool"),
    "cast from bool": call("cast", x=TRUTH, dtype="fp32"),
    "leaky_relu": call("leaky_relu", x=X, alpha=0.2),
    "clamped_relu": call("clamped_relu", x=X, alpha=0.3, beta=1.0),
    "elu": call("elu", x=X, alpha=0.7),
    "gelu": call("gelu", x=X),
    **{f"gelu {mode}": call("gelu", x=X, mode=f"{mode}_APPROXIMATION") for mode in ("TANH", "SIGMOID")},
    "linear_activation": call("linear_activation", x=X, alpha=0.5, beta=-0.25),
    "sigmoid_hard": call("sigmoid_hard", x=X, alpha=0.2, beta=0.4),
    "scaled_tanh": call("scaled_tanh", x=X, alpha=1.5, beta=0.5),
    "prelu": call("prelu", x=IMAGE, alpha=np.array([0.1, -0.5, 2.0], np.float32)),
    "softplus_parametric": call("softplus_parametric", x=IMAGE, alpha=draw(3, seed=6), beta=draw(3, seed=7)),
    "softmax": call("softmax", x=X),
    "softmax axis": call("softmax", x=X, axis=1),
    **{f"reduce_{kind}": call(f"reduce_{kind}", x=X, axes=[0, -1]) for kind in REDUCTIONS},
    **{f"reduce_{kind} keeps": call(f"reduce_{kind}", x=X, axes=[1], keep_dims=True) for kind in REDUCTIONS},
    **{f"reduce_{kind} all": call(f"reduce_{kind}", x=X) for kind in REDUCTIONS},
    **{f"reduce_{kind} whole": call(f"reduce_{kind}", x=WHOLE, axes=[1]) for kind in ("sum", "mean", "max", "prod")},
    "reduce_log_sum": call("reduce_log_sum", x=POSITIVE, axes=[1], keep_dims=True),
    **{kind: call(kind, x=X, axis=1) for kind in ("reduce_argmax", "reduce_argmin")},
    "reduce_argmax keeps": call("reduce_argmax", x=X, axis=-1, keep_dims=True),
    "cumsum": call("cumsum", x=X, axis=1),
    "cumsum reverse": call("cumsum", x=X, axis=-1, reverse=True),
    "argsort": call("argsort", x=X, axis=1),
    "argsort ascending": call("argsort", x=X, ascending=True),
    "topk": call("topk", x=X, k=2, axis=2),
    "topk ascending": call("topk", x=X, k=2, axis=1, ascending=True),
    "reshape": call("reshape", x=X, shape=[4, -1, 2]),
    "reshape zero": call("reshape", x=X, shape=[0, -1, 4]),
    "transpose": call("transpose", x=X, perm=[2, -3, 1]),
    "expand_dims": call("expand_dims", x=X, axes=[0, -2]),
    "squeeze": call("squeeze", x=draw(1, 3, 1), axes=[0]),
    "squeeze all": call("squeeze", x=draw(1, 3, 1)),
    "flatten2d": call("flatten2d", x=IMAGE, axis=-2),
    "stack": call("stack", values=(X, draw(2, 3, 4, seed=8)), axis=1),
    "split": call("split", x=IMAGE, num_splits=2, axis=2),
    "split sizes": call("split", x=IMAGE, split_sizes=[1, 3, 1], axis=-1),
    "tile": call("tile", x=X, reps=[2, 1, 3]),
    "reverse": call("reverse", x=X, axes=[0, -1]),
    "reverse all": call("reverse", x=X),
    "slice_by_index": call("slice_by_index", x=IMAGE, begin=[0, 1, 0, 1], end=[2, 3, -1, 5], stride=[1, 1, 2, 3]),
    "slice_by_index backwards": call("slice_by_index", x=X, begin=[0, 2, -1], end=[2, 0, 0], stride=[1, -1, -2]),
    "slice_by_index masks": call(
        "slice_by_index",
        x=IMAGE,
        begin=[1, 1, 9, -2],
        end=[9, 2, 9, 9],
        begin_mask=[False, False, True, False],
        end_mask=[True, False, True, False],
        squeeze_mask=[True, False, False, True],
    ),
    "slice_by_size": call("slice_by_size", x=IMAGE, begin=[0, 1, -3, 0], size=[1, -1, 2, 5]),
    "gather": call("gather", x=X, indices=np.array([[2, 0], [-1, 1]], np.int32), axis=1),
    "gather scalar": call("gather", x=X, indices=np.int32(1), axis=-1),
    "gather batch": call("gather", x=X, indices=np.array([[2, 0], [1, 1]], np.int32), axis=1, batch_dims=1),
    "gather_along_axis": call("gather_along_axis", x=X, indices=np.array([[[2, 0, 0, 1]]] * 2, np.int32), axis=1),
    "pad constant": call("pad", x=IMAGE, pad=[0, 1, 2, 0], constant_val=0.5),
    "pad all axes": call("pad", x=X, pad=[1, 0, 0, 2, 1, 1], mode="replicate"),
    "pad reflect": call("pad", x=IMAGE, pad=[2, 1, 3, 4], mode="reflect"),
    "pad replicate": call("pad", x=IMAGE, pad=[2, 1, 3, 4], mode="replicate"),
    "band_part": call("band_part", x=IMAGE, lower=1, upper=2),
    "band_part triangle": call("band_part", x=IMAGE, lower=-1, upper=0),
    "fill": call("fill", shape=[2, 3], value=1.5),
    "fill whole": call("fill", shape=[4], value=np.int32(3)),
    "fill_like": call("fill_like", ref_tensor=X, value=2.5),
    "range_1d": call("range_1d", start=np.int32(7), end=np.int32(-2), step=np.int32(-3)),
    "range_1d real": call("range_1d", start=0.5, end=2.0, step=0.25),
    "shape": call("shape", x=IMAGE),
    "linear": call("linear", x=X, weight=draw(5, 4, seed=9), bias=draw(5, seed=10)),
    "linear without bias": call("linear", x=X, weight=draw(5, 4, seed=9)),
    "matmul": call("matmul", x=IMAGE, y=draw(3, 5, 2, seed=11)),
    "matmul transposed": call("matmul", x=draw(2, 4, 3), y=draw(2, 5, 4, seed=12), transpose_x=True, transpose_y=True),
    "einsum": call("einsum", values=(IMAGE, draw(2, 5, 4, 6, seed=13)), equation="nchw,nwhu->nchu"),
    "einsum broadcast": call("einsum", values=(IMAGE, draw(2, 5, 1, 6, seed=13)), equation="nchw,nwhu->nchu"),
    "l2_norm": call("l2_norm", x=IMAGE, epsilon=0.1),
    "l2_norm whole": call("l2_norm", x=X),
    "layer_norm": call("layer_norm", x=X, axes=[-1], gamma=draw(4, seed=14), beta=draw(4, seed=15), epsilon=0.01),
    "layer_norm two axes": call("layer_norm", x=IMAGE, axes=[1, 3], gamma=draw(3, 5), beta=draw(3, 5, seed=16)),
    "layer_norm plain": call("layer_norm", x=X, axes=[0, 2]),
}

CASES_17: dict[str, Build] = {
    "reshape fills in ones": call("reshape", x=draw(2, 50), shape=[1, 0, -1, 0]),
    "reduce_argmax uint16": call("reduce_argmax", x=X, axis=1, output_dtype="uint16"),
    "cast to int8": call("cast", x=X, dtype="int8"),
    "cast to uint16": call("cast", x=POSITIVE, dtype="uint16"),
    "gather_along_axis int8": call("gather_along_axis", x=X, indices=np.array([[[2, 0, 0, 1]]] * 2, np.int8), axis=1),
    "quantize": call("quantize", input=X, scale=np.float32(0.02), zero_point=np.int8(3), output_dtype="int8"),
    "quantize axis": call(
        "quantize",
        input=X,
        scale=draw(3, low=0.01, high=0.03),
        zero_point=np.array([3, 200, 128], np.uint8),
        output_dtype="uint8",
        axis=1,
    ),
    "topk all": call("topk", x=X, k=4, axis=2, return_indices=True, output_indices_dtype="uint16"),
}

CASES_18: dict[str, Build] = {
    "scaled_dot_product_attention": call(
        "scaled_dot_product_attention",
        query=draw(2, 3, 4, 8),
        key=draw(2, 3, 5, 8, seed=1),
        value=draw(2, 3, 5, 6, seed=2),
    ),
    "scaled_dot_product_attention mask": call(
        "scaled_dot_product_attention",
        query=draw(2, 4, 8),
        key=draw(2, 5, 8, seed=1),
        value=draw(2, 5, 6, seed=2),
        attn_mask=draw(4, 5) > -1.0,
    ),
}

BATTERIES = {16: CASES, 17: CASES_17, 18: CASES_18}
Results = dict[tuple[int, str], list[tuple[np.ndarray, np.ndarray]]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """For each case its (found, expected) outputs; one package for each operator set."""
    gathered: Results = {}
    for ios_version, cases in BATTERIES.items():
        expected: dict[str, list[np.ndarray]] = {}
        path = tmp_path_factory.mktemp("value") / f"ios{ios_version}.mlpackage"
        save_operators(
            path, lambda cases=cases, expected=expected: _build_all(cases, expected), ios_version=ios_version
        )
        found = iter(run_program(read_program(path), [np.zeros(1, np.float32)]))
        for name, values in expected.items():
            gathered[ios_version, name] = [(next(found), value) for value in values]
    return gathered


def _build_all(cases: dict[str, Build], expected: dict[str, list[np.ndarray]]) -> list[Any]:
    outputs = []
    for name, build in cases.items():
        built = build()
        variables = list(built) if isinstance(built, (list, tuple)) else [built]
        assert all(variable.val is not None for variable in variables), f"coremltools does not evaluate {name}"
        expected[name] = [np.array(variable.val) for variable in variables]
        outputs += variables
    return outputs


@pytest.mark.parametrize(("ios_version", "name"), [(ios, name) for ios, cases in BATTERIES.items() for name in cases])
def test_agrees_with_coremltools(results: Results, ios_version: int, name: str) -> None:
    for found, expected in results[ios_version, name]:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), rtol=2e-6, atol=2e-6)
