"""Limits of a file on an engine: peak memory, and the latency of head alone."""

from __future__ import annotations

from decimal import Decimal

from pocketbench.core.gate_records import Check
from pocketbench.core.units import format_bytes, format_ms, format_ratio
from pocketbench.workflow.gate.limits import Limits

PEAK_RSS_FLOOR_BYTES = 4 * 1024 * 1024
"""A difference up to this is none, whatever the ratio: memory comes from the system in steps of megabytes. Measured,
six equal runs of a MobileNetV2: 1.9 MB apart with ONNX Runtime, 0.05 MB with LiteRT. So twice that."""

NS_PER_MS = 1e6


def check_peak_rss(base_bytes: int | None, head_bytes: int | None, limits: Limits) -> Check | None:
    """Regressed when head's peak is beyond base * peak_rss_ratio and beyond base + 4 MiB.

    None when neither peak is known: the system does not tell. Where only one is, nothing can be said.
    """
    if base_bytes is None and head_bytes is None:
        return None
    limit, verdict = None, "pass"
    rule = f"peak_rss_ratio = {limits.peak_rss_ratio:g}"
    if base_bytes is not None:
        limit = max(int(Decimal(str(limits.peak_rss_ratio)) * base_bytes), base_bytes + PEAK_RSS_FLOOR_BYTES)
    if base_bytes is None or head_bytes is None:
        side = "base" if base_bytes is None else "head"
        verdict, text = "inconclusive", f"the peak memory of {side} is not known; {rule} can't be checked"
    else:
        change = format_ratio(head_bytes / base_bytes) if base_bytes else "from none"
        text = f"peak memory of head {format_bytes(head_bytes)}, of base {format_bytes(base_bytes)} ({change})"
        if limit is not None and head_bytes > limit:
            verdict, text = "regressed", f"{text}; {rule} allows {format_bytes(limit)}"
    return Check(name="peak_rss_bytes", base=base_bytes, head=head_bytes, limit=limit, verdict=verdict, text=text)


def check_absolute_latency(
    engine: str, *, value_ns: float | None, low_ns: float | None, high_ns: float | None, limits: Limits
) -> Check | None:
    """The limit that absolute_ms sets for head on this engine; None when it sets none.

    Regressed when the interval's lower bound is over the limit; inconclusive when the value is and the bound is not, or
    is not known.

    Args:
        value_ns: the latency of head, caches warm; None when it was not measured.
        low_ns, high_ns: its interval.
    """
    limit_ms = limits.absolute_ms.get(engine)
    if limit_ms is None:
        return None
    rule = f"absolute_ms.{engine} = {limit_ms:g}"
    if value_ns is None:
        verdict, text = "inconclusive", f"the latency of head was not measured; {rule} can't be checked"
    else:
        text = f"head takes {format_ms(value_ns)}"
        if low_ns is not None and high_ns is not None:
            text += f" ({format_ms(low_ns, unit=False)} to {format_ms(high_ns)})"
        over = value_ns > limit_ms * NS_PER_MS
        sure = low_ns is not None and low_ns > limit_ms * NS_PER_MS
        verdict = "regressed" if over and sure else "inconclusive" if over else "pass"
        text += {
            "regressed": f"; {rule} allows less",
            "inconclusive": f"; {rule} is within what was measured: too noisy to decide",
            "pass": f"; {rule} allows it",
        }[verdict]
    return Check(
        name="absolute_ms",
        base=None,
        head=None if value_ns is None else value_ns / NS_PER_MS,
        limit=limit_ms,
        verdict=verdict,
        text=text,
    )
