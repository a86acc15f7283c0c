"""Which activations of an ONNX file are 0 for every calibration input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from pocketbench.core.errors import FileFault
from pocketbench.export.calibration import DEAD_RANGE
from pocketbench.export.onnx_graph import read_model

CUTTING = ("Relu", "Clip")


def find_dead(path: Path, inputs: Sequence[np.ndarray]) -> list[str]:
    """The outputs of ReLUs that never let anything through, as the hidden layer of a gate that died in training.

    Raises: FileFault when onnxruntime can't run the file.
    """
    import onnxruntime

    model = read_model(path)
    names = [node.output[0] for node in model.graph.node if node.op_type in CUTTING]
    declared = {item.name for item in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in declared)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    dead = set(names)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        place = session.get_inputs()[0].name
        for image in inputs:
            if not dead:
                break
            wanted = sorted(dead)
            values = session.run(wanted, {place: image})
            dead -= {name for name, value in zip(wanted, values, strict=True) if np.any(value)}
    except Exception as error:
        raise FileFault(f"onnxruntime can't run {path.name}: {error}", "the file is damaged or too new") from error
    return [name for name in names if name in dead]


def widen_dead(names: Sequence[str]) -> dict[str, list[dict[str, np.ndarray]]]:
    """The ranges of such tensors, in the form of onnxruntime's quantiser.

    It drops a ReLU whose output it rounds, as the lowest of 256 steps stands for 0 and cuts off what is below. Where it
    saw nothing but 0 the middle step stands for 0, so that nothing is cut off and negative values pass. With a range
    from 0 upward they don't.
    """
    ends = {"rmin": np.array(0, np.float32), "rmax": np.array(DEAD_RANGE, np.float32)}
    return {name: [dict(ends)] for name in names}
