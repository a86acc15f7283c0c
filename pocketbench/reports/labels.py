"""What a reader sees of a spec, a runtime or a file kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pocketbench.core.records import ModelSpec
from pocketbench.core.sample_text import describe_sizes, name_figure
from pocketbench.core.store import IMPORTED
from pocketbench.core.units import describe_mask
from pocketbench.reports.records import FileKind, Latency, Runtime

BASELINE = "baseline"
AS_BUILT = "as built"
HOST = "host"


def describe_network(spec: ModelSpec) -> str:
    """The network without its attention: "mobilenet_v2 1.0, 224 x 224"."""
    batch, *rest = spec.input_shape
    is_picture = batch == 1 and len(rest) == 3 and rest[0] == 3
    parts = [spec.backbone if spec.width_ratio is None else f"{spec.backbone} {format_width(spec.width_ratio)}"]
    parts.append(" x ".join(str(size) for size in (rest[1:] if is_picture else spec.input_shape)))
    if spec.class_count not in (None, 1000):
        parts.append(f"{spec.class_count} classes")
    return ", ".join(parts)


def describe_attention(spec: ModelSpec, *, has_variants: bool, shows_gate: bool) -> str:
    """What was added to the network: "+ ca (r 32)", "baseline", or "as built" where there is nothing to compare.

    Args:
        shows_gate: whether the gate is part of the name: "+ ca (r 32, sigmoid)".
    """
    if spec.block is None:
        return BASELINE if has_variants else AS_BUILT
    details = [f"r {spec.reduction_ratio}"] if spec.reduction_ratio is not None else []
    details += [spec.gate] if spec.gate is not None and shows_gate else []
    return f"+ {spec.block} ({', '.join(details)})" if details else f"+ {spec.block}"


def format_width(width_ratio: float) -> str:
    return f"{width_ratio:.4g}" if width_ratio % 1 else f"{width_ratio:.1f}"


def describe_file_kind(kind: FileKind) -> str:
    name = kind.lowering or kind.format
    return name if kind.precision is None else f"{name} {kind.precision}"


def describe_runtimes(runtimes: Sequence[Runtime]) -> list[str]:
    """A name for each runtime, unique among them: "litert, 1 thread, tflite fp32". The device is named when there are
    several, or when it is not the machine that a reader takes for granted."""
    keys = [(runtime.device_id, runtime.device_name) for runtime in runtimes]
    devices = name_devices(keys)
    has_devices = len(devices) > 1 or any(name not in (None, HOST) for _, name in keys)
    return [
        _describe_runtime(runtime, devices[key] if has_devices else None)
        for runtime, key in zip(runtimes, keys, strict=True)
    ]


def name_devices(keys: Iterable[tuple[str, str | None]]) -> dict[tuple[str, str | None], str]:
    """What a reader sees of each device, by its id and name: the name, and the id where it has none or another device
    has it too. An import may bear the name of a device that was measured: each figure says that it was imported. One
    device may have several names: its big and its little cores."""
    known = dict.fromkeys(keys)
    bearers = Counter((name, _is_imported(device_id)) for device_id, name in known)

    def name_one(device_id: str, name: str | None) -> str:
        if not name:
            return device_id
        return name if bearers[name, _is_imported(device_id)] == 1 else f"{name} {device_id}"

    return {key: name_one(*key) for key in known}


def _is_imported(device_id: str) -> bool:
    return device_id.startswith(IMPORTED)


def _describe_runtime(runtime: Runtime, device: str | None) -> str:
    engine = runtime.engine if runtime.delegate is None else f"{runtime.engine} {runtime.delegate}"
    parts = [engine]
    if runtime.thread_count is not None:
        parts.append(count_things(runtime.thread_count, "thread"))
    parts.append(describe_file_kind(runtime.file_kind))
    if runtime.core_mask is not None:
        parts.append(describe_mask(runtime.core_mask))
    if runtime.input_shapes is not None:
        parts.append(runtime.input_shapes)
    if device is not None:
        parts.append(device)
    if runtime.origin is not None:
        parts.append(f"imported from {runtime.origin}")
    return ", ".join(parts)


def name_latency(latencies: Iterable[Latency | None]) -> str:
    """The head of a column of latencies: "median"; "mean" or "median of means" where a sample is a mean."""
    known = [latency for latency in latencies if latency is not None]
    statistics = {statistic for latency in known for statistic in latency.statistics}
    return name_figure(statistics, max((latency.sample_count for latency in known), default=0))


def format_sample_count(latency: Latency) -> str:
    """ "420" inferences; "60 x 50", where each of 60 samples is of 50 inferences."""
    if latency.size_low is None or latency.size_high is None:
        return str(latency.sample_count)
    return f"{latency.sample_count} x {describe_sizes((latency.size_low, latency.size_high))}"


def count_things(number: int, noun: str) -> str:
    """ "1 commit", "2 commits"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_words(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    items = list(words)
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
