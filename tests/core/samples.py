"""Records to test with: one that is filled in by hand, and ones drawn from the type hints of any record."""

from __future__ import annotations

import dataclasses
import functools
import random
import types
import typing
from collections.abc import Sequence
from typing import Any

from pocketbench.core.records import (
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
    TensorFacts,
)

TEXTS = (
    "",
    "ca",
    "naïve 模型 🙂",
    'quote " back\\slash',
    "line\nbreak\ttab\x00nul",
    "name-\udcff.tflite",
    "null",
    "1.0",
)

SPEC = ModelSpec(backbone="mobilenet_v2", block="ca", width_ratio=1.0, reduction_ratio=32, gate="hard_sigmoid")
CONDITIONS = Conditions(
    taken_at="2026-01-02T03:04:05+00:00",
    cpu_model="a processor",
    load_average=0.25,
    governor="performance",
    frequency_khz=2_400_000,
    temperature_celsius=41.5,
    memory_available_bytes=8_000_000_000,
)
ARTIFACT = Artifact(
    spec=SPEC,
    format="tflite",
    precision="fp32",
    file_name=f"{SPEC.name}.tflite",
    sha256="a" * 64,
    size_bytes=15_833_520,
    parity=Parity(
        reference="torch",
        runtime="LiteRT",
        input_count=3,
        max_abs_error=1e-5,
        relative_error=2e-6,
        relative_tolerance=1e-3,
        output_spread_ratio=0.5,
    ),
    graph_facts=GraphFacts(
        parameter_count=3_950_000,
        mac_count=306_700_000,
        operator_counts={"CONV_2D": 50, "MUL": 32},
        layout_operator_count=1,
        partition_count=1,
        outside_delegate_count=0,
        dynamic_shapes=False,
        inputs=(TensorFacts(name="x", dtype="float32", shape=(1, 3, None, 224)),),
        outputs=(TensorFacts(name="y", dtype="float32", shape=(1, 1000)),),
    ),
    model_facts=ModelFacts(parameter_count=3_950_600, mac_count=306_700_000),
    tools={"torch": "2.13.0"},
    cache_key="c" * 64,
)
MEASUREMENT = Measurement(
    wall_ns=(9_000_000, 8_000_000, 2_000_000, 4_000_000, 9_500_000, 8_500_000, 3_000_000, 5_000_000),
    cpu_ns=(8_900_000, 7_900_000, 1_000_000, 3_000_000, 9_400_000, 8_400_000, 2_000_000, 4_000_000),
    cpu_clock="thread",
    burst_count=4,
    settle_count=2,
    warmup_wall_ns=(20_000_000,),
    load_ns=50_000_000,
    first_ns=30_000_000,
    peak_rss_bytes=90_000_000,
    idle_rss_bytes=40_000_000,
    clock_resolution_ns=1,
)
RESULT = RunResult(
    run_id="20260102T030405Z-abcdef",
    session_index=0,
    artifact=ARTIFACT,
    device=Device(
        device_id="host",
        transport="host",
        model="a machine",
        soc=None,
        os_version="Linux 6",
        abi="x86_64",
        core_count=2,
        memory_bytes=16_000_000_000,
    ),
    plan=RunPlan(engine="litert", shapes={"x": (1, 3, 224, 224)}),
    measurement=MEASUREMENT,
    failure=None,
    conditions_before=CONDITIONS,
    conditions_after=CONDITIONS,
    caveats=(Caveat(code="busy", text="the machine was busy"),),
    tools={"ai-edge-litert": "2.3.0"},
    git_commit="0123abc",
)


def make_result(**changes: Any) -> RunResult:
    return dataclasses.replace(RESULT, **changes)


def make_failed_result(**changes: Any) -> RunResult:
    return make_result(measurement=None, failure=Failure(kind="timeout", message="no answer in 120 s"), **changes)


def draw_record(kind: Any, source: random.Random) -> Any:
    """A value of any type that a record may hold, drawn from `source`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return draw_record(source.choice(arguments), source)
    if origin in (tuple, Sequence):
        return tuple(draw_record(arguments[0], source) for _ in range(source.randrange(4)))
    if origin is dict:
        return {text: draw_record(arguments[1], source) for text in source.sample(TEXTS, source.randrange(4))}
    if dataclasses.is_dataclass(kind):
        return kind(**{name: draw_record(hint, source) for name, hint in _list_hints(kind).items()})
    if kind is type(None):
        return None
    if kind is bool:
        return source.random() < 0.5
    if kind is int:
        return source.choice([0, 1, -1, source.getrandbits(63), 10**30])
    if kind is float:
        return source.choice([0.0, 1.0, -0.5, 1e-300, 1.7e308, source.random()])
    if kind is str:
        return source.choice(TEXTS)
    raise TypeError(f"records hold no {kind}")


@functools.cache
def _list_hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
