"""Records whose right summary is known by construction: no noise that is not put in on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from pocketbench.core.records import (
    Accuracy,
    Artifact,
    Caveat,
    Conditions,
    Device,
    Failure,
    GraphFacts,
    Measurement,
    ModelFacts,
    ModelSpec,
    Parity,
    RunPlan,
    RunResult,
)

MS = 1_000_000
ROUNDS, BURST, SETTLE = 20, 10, 3
DEVICE = Device(
    device_id="host",
    transport="host",
    model="Workstation",
    soc=None,
    os_version="Linux 6.1",
    abi="x86_64",
    core_count=2,
    memory_bytes=24_000_000_000,
)
CONDITIONS = Conditions(
    taken_at="2026-03-01T10:00:00+00:00",
    cpu_model="Example CPU 3000",
    load_average=0.25,
    governor="performance",
    frequency_khz=2_400_000,
    temperature_celsius=None,
    memory_available_bytes=20_000_000_000,
)


FACTS = ModelFacts(parameter_count=3_504_900, mac_count=300_800_000)


def make_spec(block: str | None = None, **changes: object) -> ModelSpec:
    ratio = {"se": 24, "cbam": 24, "ca": 32}.get(block or "")
    spec = ModelSpec(backbone="mobilenet_v2", block=block, width_ratio=1.0, reduction_ratio=ratio, class_count=1000)
    return replace(spec, **changes)  # type: ignore[arg-type]


def make_artifact(
    spec: ModelSpec | None,
    format: str = "tflite",
    *,
    file_name: str | None = None,
    precision: str | None = "fp32",
    size_bytes: int = 15_100_000,
    facts: ModelFacts | None = FACTS,
    graph_facts: GraphFacts | None = None,
    version: str = "",
) -> Artifact:
    name = file_name or f"{spec.name if spec else 'model'}.{format}"
    return Artifact(
        spec=spec,
        format=format,
        precision=precision,
        file_name=name,
        sha256=hashlib.sha256(f"{name} {precision} {version}".encode()).hexdigest(),
        size_bytes=size_bytes,
        parity=Parity(
            reference="torch",
            runtime="litert",
            input_count=4,
            max_abs_error=1e-5,
            relative_error=1.2e-5,
            relative_tolerance=1e-3,
            output_spread_ratio=0.4,
        ),
        graph_facts=graph_facts,
        model_facts=facts,
        tools={"torch": "2.13.0"},
        cache_key=None,
    )


def make_measurement(
    call_ns: Callable[[int, int], float],
    *,
    rounds: int = ROUNDS,
    cpu_share: float = 0.9,
    cold_ns: int = 2 * MS,
) -> Measurement:
    """`call_ns(round, call)` is the wall time of a settled call; the first ones of a burst take `cold_ns` longer."""
    wall = tuple(
        round(call_ns(turn, call)) + (cold_ns if call < SETTLE else 0)
        for turn in range(rounds)
        for call in range(BURST)
    )
    return Measurement(
        wall_ns=wall,
        cpu_ns=tuple(round(cpu_share * sample) for sample in wall),
        cpu_clock="thread",
        burst_count=BURST,
        settle_count=SETTLE,
        warmup_wall_ns=(30 * MS, 9 * MS),
        load_ns=20 * MS,
        first_ns=12 * MS,
        peak_rss_bytes=80_000_000,
        idle_rss_bytes=40_000_000,
        clock_resolution_ns=1,
    )


def make_result(
    artifact: Artifact,
    measurement: Measurement | None,
    *,
    session: int = 0,
    run_id: str = "run",
    engine: str = "litert",
    threads: int = 1,
    failure: Failure | None = None,
    caveats: Sequence[Caveat] = (),
    device: Device = DEVICE,
    plan: RunPlan | None = None,
) -> RunResult:
    return RunResult(
        run_id=run_id,
        session_index=session,
        artifact=artifact,
        device=device,
        plan=plan or RunPlan(engine=engine, thread_count=threads),
        measurement=measurement,
        failure=failure,
        conditions_before=CONDITIONS,
        conditions_after=replace(CONDITIONS, taken_at="2026-03-01T10:42:00+00:00", load_average=1.5),
        caveats=tuple(caveats),
        tools={engine: "2.3.0"},
        git_commit="0123abc",
    )


def make_sessions(
    artifact: Artifact,
    latency_ms: float,
    *,
    sessions: Sequence[int] = (0, 1, 2),
    drift: Callable[[int, int], float] = lambda *_: 0.0,
    **settings: object,
) -> list[RunResult]:
    """A run a session; each settled call takes `latency_ms` + drift(session, round) ms, give or take 1 %."""
    return [
        make_result(
            artifact,
            make_measurement(
                lambda turn, call, session=session: (
                    MS * (latency_ms + drift(session, turn)) * (1 + 0.01 * ((call + turn) % 3 - 1))
                )
            ),
            session=session,
            **settings,  # type: ignore[arg-type]
        )
        for session in sessions
    ]


def make_accuracy(top1_fraction: float, **changes: object) -> Accuracy:
    accuracy = Accuracy(
        backbone="mobilenet_v2",
        block=None,
        width_ratio=1.0,
        reduction_ratio=None,
        artifact_sha256=None,
        dataset="ImageNet-1k",
        split="validation",
        image_count=None,
        top1_fraction=top1_fraction,
        top5_fraction=None,
        origin="published",
        source="paper A",
        input_size=224,
    )
    return replace(accuracy, **changes)  # type: ignore[arg-type]


def make_example() -> tuple[list[Artifact], list[RunResult], list[Accuracy]]:
    """A small report with one of everything: two runtimes, a crash, a lonely session, caveats, a foreign file."""
    always = [Caveat(code="virtual_machine", text="measured in a virtual machine")]
    latencies = {None: (4.49, 4.74), "se": (5.20, 6.85), "ca": (5.44, 8.37)}
    counts = {None: (3_504_900, 300_800_000), "se": (3_888_200, 301_200_000), "ca": (3_950_600, 306_700_000)}
    artifacts, results = [], []
    for block, (litert, onnxruntime) in latencies.items():
        facts = ModelFacts(parameter_count=counts[block][0], mac_count=counts[block][1])
        spec = make_spec(block, gate="hard_sigmoid" if block else None)
        tflite = make_artifact(spec, "tflite", facts=facts, size_bytes=4 * facts.parameter_count + 80_000)
        onnx = make_artifact(spec, "onnx", facts=facts, size_bytes=4 * facts.parameter_count + 120_000)
        artifacts += [tflite, onnx]
        busy = [Caveat(code="busy_machine", text="the load average was 1.20 on 2 cores")] if block == "ca" else []
        results += make_sessions(
            tflite, litert, drift=lambda session, turn: 0.05 * session + 0.01 * turn, caveats=always
        )
        if block == "se":
            crash = Failure(kind="crash", message="the worker was killed by SIGSEGV")
            results += [make_result(onnx, None, session=turn, engine="onnxruntime", failure=crash) for turn in range(3)]
        else:
            results += make_sessions(onnx, onnxruntime, engine="onnxruntime", sessions=(0, 1), caveats=[*busy, *always])
    foreign = make_artifact(
        None, "onnx", file_name="<script>alert(1)</script>|*.onnx", facts=None, size_bytes=9_300_000
    )
    artifacts.append(foreign)
    results += make_sessions(foreign, 7.7, engine="onnxruntime", sessions=(0,), caveats=always)
    accuracies = [make_accuracy(0.723), make_accuracy(0.743, block="ca", reduction_ratio=32)]
    return artifacts, results, accuracies
