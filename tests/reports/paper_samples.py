"""A report in the shape of a whole suite: networks, blocks, gates, kinds of files, devices, with everything that a line
can have. Latencies and top-1 differ by construction, so that the order of the lines is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pocketbench.core.records import (
    Accuracy,
    Artifact,
    Caveat,
    Device,
    GraphFacts,
    ModelFacts,
    OperatorTime,
    RunResult,
    TensorFacts,
)
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from tests.reports.operator_samples import BASELINE, COVERAGE, VARIANT
from tests.reports.synthetic import DEVICE, make_accuracy, make_artifact, make_sessions, make_spec

KINDS = (("tflite", "fp32"), ("tflite", "int8"), ("onnx", "fp32"), ("onnx", "int8"), ("coreml", "fp16"))
ENGINES = {"tflite": "litert", "onnx": "onnxruntime"}
COST = {None: 1.0, "se": 1.14, "cbam": 1.31, "ca": 1.22}
MERIT = {None: 0.912, "se": 0.921, "cbam": 0.9235, "ca": 0.929}
FACTS = GraphFacts(
    parameter_count=3_933_112,
    mac_count=306_666_368,
    operator_counts={"CONV_2D": 99, "DEPTHWISE_CONV_2D": 17, "HARD_SWISH": 32, "MEAN": 32, "MUL": 32, "PAD": 5},
    layout_operator_count=1,
    partition_count=1,
    outside_delegate_count=0,
    dynamic_shapes=False,
    inputs=(TensorFacts(name="serving_default_args_0", dtype="float32", shape=(1, 3, 224, 224)),),
    outputs=(TensorFacts(name="serving_default_output_0_output", dtype="float32", shape=(1, 1000)),),
)
TIMES: dict[str | None, tuple[OperatorTime, ...]] = {None: BASELINE}


def make_suite_table(
    *,
    widths: Sequence[float] = (1.0,),
    blocks: Sequence[str | None] = (None, "se", "cbam", "ca"),
    gates: Sequence[str] = ("hard_sigmoid",),
    kinds: Sequence[tuple[str, str]] = KINDS,
    devices: Sequence[str] = ("host",),
    threads: Sequence[int] = (1,),
) -> Table:
    """Every variant as every kind of file, each file on every device; Core ML's never ran."""
    artifacts: list[Artifact] = []
    results: list[RunResult] = []
    accuracies: list[Accuracy] = []
    for width in widths:
        for block in blocks:
            for gate in gates if block is not None else gates[:1]:
                spec = make_spec(block, width_ratio=width, gate=gate if block else None)
                count = round(3_504_900 * width * COST[block])
                facts = ModelFacts(parameter_count=count, mac_count=round(3e8 * width * width * COST[block]))
                for kind, precision in kinds:
                    is_small = precision == "int8"
                    file = make_artifact(
                        spec,
                        kind,
                        file_name=f"{spec.name}_{precision}.{kind}",
                        precision=precision,
                        facts=facts,
                        graph_facts=FACTS,
                        size_bytes=count if is_small else 4 * count,
                    )
                    artifacts.append(file)
                    if kind not in ENGINES:
                        continue
                    merit = MERIT[block] - 0.03 * (1 - width) - 0.004 * is_small - 0.001 * (gate == "sigmoid")
                    accuracies.append(
                        make_accuracy(
                            merit,
                            origin="measured",
                            artifact_sha256=file.sha256,
                            dataset="fashion-mnist",
                            split="test",
                            image_count=10_000,
                            split_count=10_000,
                            top5_fraction=0.998,
                            engine=ENGINES[kind],
                        )
                    )
                    results += _run(file, block, width, devices, threads)
    published = [make_accuracy(0.723), make_accuracy(0.743, block="ca", reduction_ratio=32)]
    table = make_table(artifacts, results, [*accuracies, *published], title="MobileNetV2 with SE, CBAM and CA")
    return replace(table, suite="paper")


def _run(
    file: Artifact, block: str | None, width: float, devices: Sequence[str], threads: Sequence[int]
) -> list[RunResult]:
    results = []
    for place, name in enumerate(devices):
        device: Device = replace(DEVICE, device_id=f"device{place}", name=name)
        for count in threads:
            speed = (0.55 if file.precision == "int8" else 1.0) * (1.35 if file.format == "onnx" else 1.0)
            latency = 4.4 * width * COST[block] * speed * (1 + 0.6 * place) / count**0.7
            sessions = make_sessions(
                file,
                latency,
                engine=ENGINES[file.format],
                threads=count,
                device=device,
                drift=lambda session, turn, latency=latency: latency * (0.004 * session + 0.0005 * turn),
                caveats=[Caveat(code="virtual_machine", text="measured in a virtual machine")],
            )
            if file.format == "tflite":
                times = TIMES.get(block, VARIANT)
                sessions[-1] = replace(sessions[-1], operator_times=times, coverage=COVERAGE)
            results += sessions
    return results
