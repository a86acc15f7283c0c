"""The command line of one run of benchmark_model.

Both builds take every flag and say which they do not know, so that one line serves both: TFLite's interpreter build
knows use_xnnpack and enable_op_profiling, LiteRT's use_cpu and use_profiler.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from pocketbench.core.errors import UsageError
from pocketbench.core.records import RunPlan

# A short run: pairs need many of them. The clock of a phone needs the warm-up to come up.
MIN_SECONDS = 0.2
WARMUP_MIN_SECONDS = 0.5
# A run whose model takes a second keeps to a part of the time that a run may take.
MAX_FRACTION = 0.25
LOAD_MIN_SECONDS = 1.0
MEMORY_RUNS = 10
MEMORY_MIN_SECONDS = 0.5
MEMORY_INTERVAL_MS = 5
DELEGATE_FLAGS = {
    None: ("--use_xnnpack=true", "--use_cpu=true"),
    "xnnpack": ("--use_xnnpack=true", "--use_cpu=true"),
    "gpu": ("--use_gpu=true",),
}


def build_command(program: str, model: str, plan: RunPlan, extra: Collection[str], tools: Collection[str]) -> list[str]:
    """The words of one run.

    Args:
        extra: the flags of a pass (`timing_flags`, `memory_flags`, `operator_flags`).
        tools: the programs that the phone has, of taskset and timeout.

    Raises: UsageError for cores that can't be chosen without taskset.
    """
    command = []
    if plan.core_mask is not None:
        if "taskset" not in tools:
            raise UsageError("the phone has no taskset to choose cores with", "leave cores out of devices.toml")
        command += ["taskset", f"{plan.core_mask:x}"]
    if "timeout" in tools:
        # nothing is left running when the connection is lost
        command += ["timeout", "-s", "KILL", str(math.ceil(plan.timeout_s))]
    return [
        *command,
        program,
        f"--graph={model}",
        f"--num_threads={plan.thread_count}",
        f"--max_secs={plan.timeout_s * MAX_FRACTION:g}",
        *DELEGATE_FLAGS[plan.delegate],
        *extra,
    ]


def timing_flags(plan: RunPlan) -> list[str]:
    return [
        f"--num_runs={plan.burst_count}",
        f"--min_secs={MIN_SECONDS:g}",
        f"--warmup_runs={plan.warmup_count}",
        f"--warmup_min_secs={WARMUP_MIN_SECONDS:g}",
    ]


def load_flags() -> list[str]:
    """Keep the processor busy for one and a half seconds."""
    return ["--num_runs=1", f"--min_secs={LOAD_MIN_SECONDS:g}", f"--warmup_min_secs={WARMUP_MIN_SECONDS:g}"]


def memory_flags() -> list[str]:
    """Looking at the memory all the time disturbs a timing."""
    return [
        f"--num_runs={MEMORY_RUNS}",
        f"--min_secs={MEMORY_MIN_SECONDS:g}",
        "--report_peak_memory_footprint=true",
        f"--memory_footprint_check_interval_ms={MEMORY_INTERVAL_MS}",
    ]


def operator_flags(plan: RunPlan) -> list[str]:
    """Timing each operator disturbs the sum of them."""
    return [*timing_flags(plan), "--enable_op_profiling=true", "--use_profiler=true"]
