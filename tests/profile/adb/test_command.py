from __future__ import annotations

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.profile.adb.command import build_command, load_flags, memory_flags, operator_flags, timing_flags
from tests.profile.adb.fake_phone import plan

TOOLS = {"taskset", "timeout"}


def build(tools: set[str] = TOOLS, **changes: object) -> list[str]:
    wanted = plan(**changes)
    return build_command("/bin/b", "/m.tflite", wanted, timing_flags(wanted), tools)


def test_a_run() -> None:
    assert build(thread_count=2, timeout_s=10.5) == [
        *["taskset", "70", "timeout", "-s", "KILL", "11", "/bin/b", "--graph=/m.tflite", "--num_threads=2"],
        *["--max_secs=2.625", "--use_xnnpack=true", "--use_cpu=true"],
        *["--num_runs=50", "--min_secs=0.2", "--warmup_runs=10", "--warmup_min_secs=0.5"],
    ]


def test_the_mask_is_hexadecimal_without_a_prefix() -> None:
    assert build(core_mask=0xF0)[1] == "f0"
    assert build(core_mask=1 << 7)[1] == "80"
    assert "taskset" not in build(core_mask=None)


def test_a_phone_without_taskset_or_timeout() -> None:
    assert build({"taskset"})[:3] == ["taskset", "70", "/bin/b"]
    with pytest.raises(UsageError, match="taskset"):
        build({"timeout"})
    assert build(set(), core_mask=None)[0] == "/bin/b"


def test_delegates() -> None:
    assert "--use_gpu=true" in build(delegate="gpu")
    assert not any("xnnpack" in word or "cpu" in word for word in build(delegate="gpu"))
    assert build(delegate="xnnpack") == build()


def test_what_disturbs_a_timing_is_in_passes_of_its_own() -> None:
    disturbing = ("profil", "report_peak")
    assert not any(word in flag for flag in [*timing_flags(plan()), *load_flags()] for word in disturbing)
    assert {"--enable_op_profiling=true", "--use_profiler=true"} <= set(operator_flags(plan()))
    assert "--report_peak_memory_footprint=true" in memory_flags()
