"""One session: the CPU times of models on a runtime, in a process of its own.

Reads {"runtime", "files": {label: path}, "rounds", "seed"} from stdin, writes {label: median ms} to stdout.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BURST_COUNT = 10
SETTLE_COUNT = 3
NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Runtime:
    """What a runtime reads: the format of the plain and published models, and the lowering of ours."""

    format: str
    lowering: str
    load: Callable[[str], Callable[[], object]]


def load_onnx(path: str, *, layout_optimisation: bool) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if layout_optimisation else levels.ORT_ENABLE_EXTENDED
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (place,) = session.get_inputs()
    feeds = {place.name: make_input(place.shape)}
    return lambda: session.run(None, feeds)


def load_tflite(path: str) -> Callable[[], object]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    (place,) = interpreter.get_input_details()
    interpreter.set_tensor(place["index"], make_input(place["shape"]))
    return interpreter.invoke


def load_onnx_x86(path: str) -> Callable[[], object]:
    return load_onnx(path, layout_optimisation=True)


def load_onnx_arm(path: str) -> Callable[[], object]:
    return load_onnx(path, layout_optimisation=False)


def make_input(shape: object) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(tuple(shape), dtype=np.float32)  # type: ignore[arg-type]


RUNTIMES = {
    "litert": Runtime("tflite", "tflite", load_tflite),
    "onnx-x86": Runtime("onnx", "onnx-x86", load_onnx_x86),
    "onnx-arm": Runtime("onnx", "onnx-arm", load_onnx_arm),
    "onnx on x86": Runtime("onnx", "onnx", load_onnx_x86),
    "onnx on arm": Runtime("onnx", "onnx", load_onnx_arm),
}


def time_burst(run: Callable[[], object]) -> list[int]:
    """CPU time of each call of the calling thread, the runtimes' only one. Unit: ns."""
    times = []
    for _ in range(BURST_COUNT):
        start = time.thread_time_ns()
        run()
        times.append(time.thread_time_ns() - start)
    return times[SETTLE_COUNT:]


def main() -> None:
    request = json.load(sys.stdin)
    load = RUNTIMES[request["runtime"]].load
    models = {label: load(path) for label, path in request["files"].items()}
    order = list(models)
    generator = random.Random(request["seed"])
    times: dict[str, list[int]] = {label: [] for label in models}
    for run in models.values():
        time_burst(run)
    for _ in range(request["rounds"]):
        generator.shuffle(order)
        for label in order:
            times[label] += time_burst(models[label])
    json.dump({label: statistics.median(found) / NS_PER_MS for label, found in times.items()}, sys.stdout)


if __name__ == "__main__":
    main()
