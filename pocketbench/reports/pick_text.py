"""A pick as text for a terminal: the answer on the first line, then why each other file is not the one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pocketbench.core.units import format_bytes, format_ms, format_percent, make_printable
from pocketbench.reports.accuracy_difference import Difference
from pocketbench.reports.labels import count_things, join_words
from pocketbench.reports.pick_records import Candidate, Pick, Rejected

_NS_PER_MS = 1e6
RULE = "Within the budget is a file whose median's 95 % interval ends within it."


def format_pick(pick: Pick) -> str:
    """The whole answer."""
    parts = ["\n".join(describe_answer(pick))]
    rejected = [item for item in pick.others if item.candidate.runtime is not None]
    if rejected:
        parts.append(_format_others(pick, rejected))
    parts.append("\n".join([*_describe_rest(pick), *_describe_reading(pick)]))
    return make_printable("\n\n".join(parts) + "\n")


def describe_answer(pick: Pick) -> list[str]:
    """The answer, and what a reader should know beside it; one line each."""
    budget = _format_budget(pick.budget_ns)
    measured = [item for item in pick.others if item.candidate.median_ns is not None]
    if pick.chosen is not None:
        chosen = pick.chosen
        count = len({chosen.sha256} | {item.candidate.sha256 for item in measured})
        lines = [
            f"{chosen.file_name}: top-1 {_format_top1(chosen)}, {_format_latency(chosen)}, {chosen.runtime}",
            f"the most accurate within {budget} on {pick.device}, of {count_things(count, 'file')} measured there",
        ]
        return lines + _describe_rivals(pick, chosen)
    if pick.verdict == "none":
        fastest = min(measured, key=_median)
        best = f"the fastest is {_name(fastest)}, {_format_latency(fastest.candidate)}"
        return [f"nothing is within {budget} on {pick.device}: {best}"]
    near = [item for item in measured if item.fate in ("cannot_say", "no_accuracy")]
    if not near:
        return [f"cannot say: nothing has a latency on {pick.device}"]
    if near[0].fate == "cannot_say":
        return [
            f"cannot say whether anything is within {budget} on {pick.device}",
            f"perhaps {_describe_rival(near[0])}",
        ]
    return [f"cannot say: no top-1 is known of what is within {budget} on {pick.device}"]


def suggest_budget_ms(pick: Pick) -> float | None:
    """The least budget, to three digits, that a file would be within; None where no interval tells. Unit: ms."""
    ends = [item.candidate.high_ns for item in pick.others if item.candidate.high_ns is not None]
    if not ends:
        return None
    need = min(ends) / _NS_PER_MS
    step = 10.0 ** (math.floor(math.log10(need)) - 2)
    budget = float(f"{math.ceil(need / step) * step:.6g}")
    return budget if budget >= need else float(f"{budget + step:.6g}")


def _describe_rivals(pick: Pick, chosen: Candidate) -> list[str]:
    assert chosen.median_ns is not None
    assert chosen.top1_fraction is not None
    lines = []
    alike = [item for item in pick.others if item.fate == "as_good" and _median(item) < chosen.median_ns]
    if alike:
        fastest = min(alike, key=_median)
        saved = format_ms(chosen.median_ns - _median(fastest))
        lines.append(f"as good within the interval, and {saved} faster: {_describe_rival(fastest)}")
    perhaps = [
        item
        for item in pick.others
        if item.fate == "cannot_say" and (item.candidate.top1_fraction or 0.0) > chosen.top1_fraction
    ]
    return lines + [
        f"perhaps better, but not surely within the budget: {_describe_rival(item)}" for item in perhaps[:1]
    ]


def _describe_rival(item: Rejected) -> str:
    candidate = item.candidate
    return f"{_name(item)}, top-1 {_format_top1(candidate)}, {_format_latency(candidate)}"


def _name(item: Rejected) -> str:
    return f"{item.candidate.file_name} ({item.candidate.runtime})"


def _median(item: Rejected) -> float:
    assert item.candidate.median_ns is not None
    return item.candidate.median_ns


def _format_others(pick: Pick, rejected: Sequence[Rejected]) -> str:
    chosen = [] if pick.chosen is None else [pick.chosen]
    has_runtimes = len({one.runtime for one in (*chosen, *(item.candidate for item in rejected))}) > 1
    heads = ["file", "runtime", "top-1", "95 % interval", "median ms", "95 % interval", "p90", "size", "why not"]
    rows = [_list_cells(item, pick) for item in rejected]
    kept = [place for place in range(len(heads)) if (place != 1 or has_runtimes) and any(row[place] for row in rows)]
    table = [[line[place] for place in kept] for line in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    is_text = [heads[place] in ("file", "runtime", "why not") for place in kept]
    return "\n".join(
        "  ".join(
            text.ljust(width) if left else text.rjust(width)
            for text, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in table
    )


def _list_cells(item: Rejected, pick: Pick) -> list[str]:
    one = item.candidate
    return [
        one.file_name,
        one.runtime or "",
        "" if one.top1_fraction is None else format_percent(one.top1_fraction),
        _format_range(one.top1_low_fraction, one.top1_high_fraction),
        "" if one.median_ns is None else format_ms(one.median_ns, unit=False),
        ""
        if one.low_ns is None or one.high_ns is None
        else f"{format_ms(one.low_ns, unit=False)}-{format_ms(one.high_ns, unit=False)}",
        "" if one.p90_ns is None else format_ms(one.p90_ns, unit=False),
        "" if one.size_bytes is None else format_bytes(one.size_bytes),
        describe_fate(item, pick),
    ]


def describe_fate(item: Rejected, pick: Pick) -> str:
    """Why a file is not the one: "too slow by 1.90 ms", "less accurate: -1.20 points (-1.61 to -0.79)"."""
    detail = f": {item.detail}" if item.detail else ""
    if item.fate == "too_slow":
        assert item.over_ns is not None
        return f"too slow by {format_ms(item.over_ns)}{detail}"
    if item.fate == "cannot_say":
        return f"cannot say{detail or f': the interval holds {_format_budget(pick.budget_ns)}'}"
    if item.fate in ("as_good", "less_accurate"):
        assert item.difference is not None
        if pick.chosen is not None and item.candidate.sha256 == pick.chosen.sha256:
            return "the same file, slower"
        return f"{item.fate.replace('_', ' ')}: {_format_difference(item.difference)}"
    return item.detail or "not measured by this runtime"


def _describe_rest(pick: Pick) -> list[str]:
    """Files that did not run here at all, by kind."""
    kinds: dict[str, int] = {}
    for item in pick.others:
        if item.candidate.runtime is None:
            kinds[item.candidate.file_kind] = kinds.get(item.candidate.file_kind, 0) + 1
    listed = join_words(f"{count_things(count, 'file')} of {kind}" for kind, count in kinds.items())
    return [f"Not measured here: {listed}."] if kinds else []


def _describe_reading(pick: Pick) -> list[str]:
    basis = pick.basis
    lines = [RULE]
    if basis is not None and basis.origin == "measured":
        lines.append(f"Top-1 is measured of these files on {basis.dataset}, {basis.split}.")
    elif basis is not None:
        lines.append(
            f"Top-1 is published, and not measured of these files: {basis.source} ({basis.dataset}, {basis.split})."
        )
    differences = [item.difference for item in pick.others if item.difference is not None]
    if any(item.low_fraction is not None for item in differences):
        how = "picture by picture" if all(item.is_paired for item in differences) else "from the two intervals"
        lines.append(f"Points are top-1 minus that of the chosen file, with the 95 % interval ({how}).")
    return lines + list(pick.remarks)


def _format_budget(budget_ns: float) -> str:
    return f"{budget_ns / _NS_PER_MS:.6g} ms"


def _format_top1(one: Candidate) -> str:
    if one.top1_fraction is None:
        return "not known"
    bounds = _format_range(one.top1_low_fraction, one.top1_high_fraction)
    return format_percent(one.top1_fraction) + (f" ({bounds.replace('-', ' to ')})" if bounds else "")


def _format_latency(one: Candidate) -> str:
    assert one.median_ns is not None
    if one.low_ns is None or one.high_ns is None:
        return f"{format_ms(one.median_ns)} (one session, no interval)"
    return f"{format_ms(one.median_ns)} ({format_ms(one.low_ns, unit=False)} to {format_ms(one.high_ns, unit=False)})"


def _format_range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.1f}-{100 * high:.1f}"


def _format_difference(difference: Difference) -> str:
    text = f"{_signed(difference.fraction)} points"
    if difference.low_fraction is None or difference.high_fraction is None:
        return f"{text}, no interval"
    return f"{text} ({_signed(difference.low_fraction)} to {_signed(difference.high_fraction)})"


def _signed(fraction: float) -> str:
    text = f"{100 * fraction:+.2f}"
    return "0.00" if float(text) == 0 else text
