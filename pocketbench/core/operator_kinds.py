"""Operator types of the runtimes, sorted into the few kinds that a reader thinks in. Nothing is guessed: a type that
does not stand here is `OTHER`, and is shown with its name."""

from __future__ import annotations

import re

from pocketbench.core.records import OperatorTime

BETWEEN = "(between operators)"
"""The type of what stands for the time of an inference in which no operator runs."""
OTHER = "other"
XNNPACK_STEP_NS = 1000
"""XNNPACK cuts the time of an operator to whole microseconds."""

# Names mean different things: ONNX's Sum adds tensors, TFLite's SUM the elements of one.
_ONNX = {
    "convolution": "Conv FusedConv NhwcFusedConv QLinearConv ConvInteger ConvTranspose DeformConv",
    "pooling": """
        AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool QLinearAveragePool
        QLinearGlobalAveragePool QLinearReduceMean ReduceMean ReduceMax ReduceMin ReduceSum ReduceL1 ReduceL2
        ReduceSumSquare
    """,
    "multiply": "Mul QLinearMul Div",
    "add": "Add QLinearAdd Sub Sum",
    "activation": """
        Sigmoid HardSigmoid HardSwish Swish Mish Relu LeakyRelu ThresholdedRelu PRelu Clip Tanh Elu Selu Celu Gelu
        FastGelu QuickGelu BiasGelu Softplus Softsign Softmax LogSoftmax QLinearSigmoid QLinearLeakyRelu QLinearSoftmax
    """,
    "layout": """
        ReorderInput ReorderOutput Transpose Reshape Flatten Squeeze Unsqueeze Concat QLinearConcat Split Slice Pad
        Expand Tile DepthToSpace SpaceToDepth Identity
    """,
    "matrix product": """
        MatMul FusedMatMul Gemm FusedGemm MatMulInteger MatMulIntegerToFloat DynamicQuantizeMatMul QLinearMatMul QGemm
        Einsum
    """,
}
_TFLITE = {
    "convolution": "CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV CONV_3D CONV_3D_TRANSPOSE",
    "pooling": "AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D MEAN SUM REDUCE_MAX REDUCE_MIN",
    "multiply": "MUL DIV",
    "add": "ADD ADD_N SUB",
    "activation": """
        LOGISTIC HARD_SWISH RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 LEAKY_RELU PRELU TANH ELU GELU SOFTMAX LOG_SOFTMAX
    """,
    "layout": """
        TRANSPOSE RESHAPE SQUEEZE EXPAND_DIMS CONCATENATION SPLIT SPLIT_V SLICE STRIDED_SLICE PAD PADV2 MIRROR_PAD
        BROADCAST_TO TILE PACK UNPACK DEPTH_TO_SPACE SPACE_TO_DEPTH SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND
    """,
    "matrix product": "FULLY_CONNECTED BATCH_MATMUL",
}
_XNNPACK = {
    "convolution": "Convolution, Deconvolution",
    "pooling": "Average Pooling, Global Average Pooling, Max Pooling, Mean, Mean Squared, Sum, Reduce Max, Reduce Min",
    "multiply": "Multiply, Divide",
    "add": "Add, Subtract",
    "activation": "Sigmoid, HardSwish, Clamp, LeakyReLU, PReLU, TanH, ELU, GELU, ApproxGELU, Softmax",
    "layout": """
        Transpose, Static Reshape, Static Expand Dims, Split Dims, Fuse Dims, Copy, Slice, Constant Pad, Depth To Space,
        Space To Depth
    """,
    "matrix product": "Fully Connected, Dynamic Fully Connected, Batch Matrix Multiply",
}
_CORE_ML = {
    "convolution": "conv conv_transpose conv_quantized",
    "pooling": """
        avg_pool max_pool l2_pool reduce_mean reduce_max reduce_min reduce_sum reduce_sum_square reduce_l1_norm
        reduce_l2_norm
    """,
    "multiply": "mul real_div",
    "add": "add sub",
    "activation": """
        sigmoid sigmoid_hard relu relu6 clip clamped_relu leaky_relu prelu thresholded_relu silu tanh elu gelu softplus
        softsign softmax
    """,
    "layout": """
        transpose reshape reshape_like flatten2d squeeze expand_dims concat stack split slice_by_index slice_by_size pad
        tile identity depth_to_space space_to_depth pixel_shuffle pixel_unshuffle
    """,
    "matrix product": "linear matmul einsum",
}
KINDS = (*_ONNX, OTHER)

_CORE_ML_RELEASE = re.compile(r"^ios\d+\.")
_KIND_OF = {
    name: kind for table in (_ONNX, _TFLITE, _CORE_ML) for kind, names in table.items() for name in names.split()
}
_XNNPACK_KIND_OF = {name.strip(): kind for kind, names in _XNNPACK.items() for name in names.split(",")}


def is_inside_xnnpack(item: OperatorTime) -> bool:
    """XNNPACK's types say what they work on: "Convolution (NHWC, F32) IGEMM"."""
    return " (" in item.operator


def find_kind(operator: str) -> str:
    """The kind of a type: "FusedConv" (onnxruntime), "CONV_2D" (TFLite), "Convolution (NHWC, F32) IGEMM" (XNNPACK),
    "ios17.conv" (Core ML).

    A reduction is pooling; a division counts with the multiplications, and a subtraction with the additions.
    """
    name, is_xnnpack, _ = operator.partition(" (")
    if is_xnnpack:
        return _XNNPACK_KIND_OF.get(name, OTHER)
    return _KIND_OF.get(_CORE_ML_RELEASE.sub("", name), OTHER)


def find_kind_of(item: OperatorTime) -> str:
    """By the file's operator where that is known: XNNPACK runs a 1x1 convolution as "Fully Connected"."""
    kind = OTHER if item.graph_operator is None else find_kind(item.graph_operator)
    return find_kind(item.operator) if kind == OTHER else kind
