"""The most accurate file within a latency budget, and why the others are not: pure, from a table.

A file is within the budget when the upper end of the 95 % interval of its median is: then one that another measurement
would find too slow is not chosen by luck. Accuracies are compared that were measured of the very files; where there is
none, published ones of one source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from pocketbench.core.units import format_ms, format_percent
from pocketbench.reports.accuracy_difference import Difference, subtract_accuracies
from pocketbench.reports.lines import FlatLine, make_lines
from pocketbench.reports.pick_records import FATES, Basis, Candidate, Fate, Pick, Rejected
from pocketbench.reports.records import Latency, Table, TopOne

NO_INTERVAL = "one session, so there is no interval"
NO_TOP_ONE = "no top-1 was measured of this file"
NOT_PUBLISHED = "no top-1 of it from this source"
OF_FP32 = "what is published is of the network in fp32"


def make_pick(table: Table, places: Collection[int], *, device: str, budget_ns: float) -> Pick:
    """Choose among the files that ran on some runtimes of the table.

    Of two files that are equally accurate the faster one is chosen, then the smaller one.

    Args:
        places: of the runtimes, all of one device (`choose_places`); at least one.
        device: what the answer calls it.
    """
    lines = make_lines(table)
    basis = _choose_basis(table)
    here = [line for line in lines if line.place in places]
    kept = {(line.row_index, line.kind_index) for line in here}
    within = [
        line
        for line in here
        if line.latency is not None
        and judge_latency(line.latency, budget_ns) == "within"
        and _read_top1(line, basis) is not None
    ]
    chosen = min(within, key=lambda line: _rank(line, basis)) if within else None
    others = [_reject(table, line, chosen, basis, budget_ns) for line in here if line is not chosen]
    seen: set[tuple[int, int]] = set()
    for line in lines:
        key = (line.row_index, line.kind_index)
        if key not in kept and key not in seen:
            seen.add(key)
            others.append(_leave_out(line, basis))
    is_too_slow = [item.fate == "too_slow" for item in others if item.candidate.median_ns is not None]
    return Pick(
        budget_ns=budget_ns,
        device=device,
        verdict="picked" if chosen is not None else "none" if is_too_slow and all(is_too_slow) else "cannot_say",
        basis=basis,
        chosen=None if chosen is None else _make_candidate(chosen, basis),
        others=tuple(sorted(others, key=_order)),
        remarks=() if chosen is None else tuple(_make_remarks(table, chosen, budget_ns)),
    )


def judge_latency(latency: Latency, budget_ns: float) -> str:
    """ "within", "too_slow", or "cannot_say" where the interval holds the budget, or a median within it has none."""
    if latency.high_ns is not None and latency.high_ns <= budget_ns:
        return "within"
    if (latency.median_ns if latency.low_ns is None else latency.low_ns) > budget_ns:
        return "too_slow"
    return "cannot_say"


def _choose_basis(table: Table) -> Basis | None:
    """What was measured of any file of the table; else the source that most rows have a published top-1 of."""
    for row in table.rows:
        for file in row.files:
            if file.top1 is not None:
                found = file.top1.accuracy
                return Basis(origin="measured", dataset=found.dataset, split=found.split, source=None)
    published = Counter(
        (row.published.dataset, row.published.split, row.published.source)
        for row in table.rows
        if row.published is not None
    )
    if not published:
        return None
    dataset, split, source = max(published, key=lambda key: published[key])
    return Basis(origin="published", dataset=dataset, split=split, source=source)


def _read_top1(line: FlatLine, basis: Basis | None) -> TopOne | None:
    """The top-1 that a line is compared by; a published one only of a file in the precision that papers train in."""
    if basis is None:
        return None
    if basis.origin == "measured":
        return line.file.top1
    found = line.row.published
    if found is None or line.precision != "fp32":
        return None
    if (found.dataset, found.split, found.source) != (basis.dataset, basis.split, basis.source):
        return None
    return TopOne(accuracy=found, low_fraction=None, high_fraction=None)


def _rank(line: FlatLine, basis: Basis | None) -> tuple[float, float, int]:
    top1 = _read_top1(line, basis)
    assert top1 is not None
    assert line.median_ns is not None
    assert line.size_bytes is not None
    return (-top1.accuracy.top1_fraction, line.median_ns, line.size_bytes)


def _reject(table: Table, line: FlatLine, chosen: FlatLine | None, basis: Basis | None, budget_ns: float) -> Rejected:
    candidate = _make_candidate(line, basis)
    if line.latency is None:
        assert line.cell is not None
        has_failed = line.cell.failed_session_count > 0
        return Rejected(
            candidate=candidate,
            fate="failed" if has_failed else "not_measured",
            over_ns=None,
            difference=None,
            detail=" ".join(table.notes[note] for note in line.cell.notes) if has_failed else None,
        )
    top1 = _read_top1(line, basis)
    best = None if chosen is None else _read_top1(chosen, basis)
    difference = None if top1 is None or best is None else subtract_accuracies(top1, best)
    fate, detail = _judge(line, line.latency, top1, difference, basis, budget_ns)
    return Rejected(
        candidate=candidate,
        fate=fate,
        over_ns=line.latency.median_ns - budget_ns,
        difference=difference,
        detail=detail,
    )


def _judge(
    line: FlatLine,
    latency: Latency,
    top1: TopOne | None,
    difference: Difference | None,
    basis: Basis | None,
    budget_ns: float,
) -> tuple[Fate, str | None]:
    speed = judge_latency(latency, budget_ns)
    if speed == "too_slow":
        return "too_slow", None if latency.low_ns is not None else NO_INTERVAL
    if top1 is None:
        return "no_accuracy", _explain_no_accuracy(line, basis)
    if speed == "cannot_say":
        return "cannot_say", None if latency.high_ns is not None else NO_INTERVAL
    assert difference is not None
    return ("less_accurate" if difference.is_surely_less else "as_good"), None


def _explain_no_accuracy(line: FlatLine, basis: Basis | None) -> str:
    if basis is None or basis.origin == "measured":
        return NO_TOP_ONE
    return NOT_PUBLISHED if line.row.published is None or line.precision == "fp32" else OF_FP32


def _leave_out(line: FlatLine, basis: Basis | None) -> Rejected:
    """A file that has no runtime among those that are chosen from: its latency elsewhere says nothing here."""
    candidate = _make_candidate(line, basis, is_here=False)
    return Rejected(candidate=candidate, fate="not_measured", over_ns=None, difference=None, detail=None)


def _make_candidate(line: FlatLine, basis: Basis | None, *, is_here: bool = True) -> Candidate:
    latency = line.latency if is_here else None
    top1 = _read_top1(line, basis)
    assert line.file.file_name is not None
    assert line.file.sha256 is not None
    return Candidate(
        name=line.name,
        file_name=line.file.file_name,
        sha256=line.file.sha256,
        file_kind=line.file_kind,
        runtime=line.runtime_name if is_here else None,
        size_bytes=line.size_bytes,
        median_ns=None if latency is None else latency.median_ns,
        low_ns=None if latency is None else latency.low_ns,
        high_ns=None if latency is None else latency.high_ns,
        p90_ns=None if latency is None else latency.p90_ns,
        top1_fraction=None if top1 is None else top1.accuracy.top1_fraction,
        top1_low_fraction=None if top1 is None else top1.low_fraction,
        top1_high_fraction=None if top1 is None else top1.high_fraction,
    )


def _order(item: Rejected) -> tuple[int, float, float]:
    """By fate; the slow ones by latency, the others by accuracy."""
    top1 = item.candidate.top1_fraction
    median = item.candidate.median_ns
    merit = 0.0 if top1 is None or item.fate == "too_slow" else -top1
    return (FATES.index(item.fate), merit, median if median is not None else 0.0)


def _make_remarks(table: Table, chosen: FlatLine, budget_ns: float) -> Sequence[str]:
    remarks = []
    if chosen.p90_ns is not None and chosen.p90_ns > budget_ns:
        remarks.append(
            f"The budget holds for the median: 1 in 10 calls takes {format_ms(chosen.p90_ns)} or more (p90)."
        )
    seeds = chosen.row.seeds
    if seeds is not None and len(seeds.fractions) > 1:
        low, high = format_percent(min(seeds.fractions)), format_percent(max(seeds.fractions))
        remarks.append(
            "The intervals of top-1 are over pictures. "
            f"Trained from {len(seeds.fractions)} seeds, this network reached {low} to {high} on {seeds.dataset}."
        )
    if chosen.cell is not None:
        remarks += [table.notes[note] for note in chosen.cell.notes]
    return [*remarks, *(f"Every latency: {remark}" for remark in table.remarks)]
