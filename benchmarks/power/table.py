"""The trials as tables: how often each rule raised an alarm, with the bounds that so many trials allow."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from scipy import stats

from benchmarks.power import rivals

Trial = dict[str, Any]
Columns = dict[str, Callable[[Sequence[Trial]], str]]


def format_report(trials: Sequence[Trial]) -> str:
    """Markdown. A bound is Clopper and Pearson's, one-sided, at 95 %."""
    sections = []
    for size in ("small", "large"):
        for condition in ("quiet", "noisy"):
            group = [trial for trial in trials if trial["size"] == size and trial["condition"] == condition]
            if group:
                sections.append(format_condition(group, size, condition))
    return "\n".join(sections)


def format_condition(trials: Sequence[Trial], size: str, condition: str) -> str:
    lines = [f"### {size} model, {condition}", ""]
    lines += [*format_table(trials, VERDICTS), "", *format_table(trials, CLOCKS), "", *format_rivals(trials)]
    return "\n".join(lines).rstrip() + "\n"


def format_table(trials: Sequence[Trial], columns: Columns) -> Iterable[str]:
    """A row for each effect, then one for each effect on each engine."""
    yield "| files | trials | " + " | ".join(columns) + " |"
    yield "| --- " + "| --: " * (len(columns) + 1) + "|"
    for effect in sorted({trial["effect"] for trial in trials}):
        yield format_row(f"**{describe(effect)}**", [t for t in trials if t["effect"] == effect], columns)
    for effect, engine in sorted({key(trial) for trial in trials}):
        title = f"{describe(effect)}, {engine}"
        yield format_row(title, [t for t in trials if key(t) == (effect, engine)], columns)


def key(trial: Trial) -> tuple[int, str]:
    return trial["effect"], trial["engine"]


def describe(effect: int) -> str:
    return f"+{effect} %" if effect else "identical"


def format_row(title: str, trials: Sequence[Trial], columns: Columns) -> str:
    return f"| {title} | {len(trials)} | " + " | ".join(column(trials) for column in columns.values()) + " |"


def count(verdict: str) -> Callable[[Sequence[Trial]], str]:
    return lambda trials: str(sum(trial["verdict"] == verdict for trial in trials))


def share_regressed(trials: Sequence[Trial]) -> str:
    found = sum(trial["verdict"] == "regressed" for trial in trials)
    return f"{found} = {100 * found / len(trials):.1f} % ({bounds(found, len(trials))})"


def bounds(found: int, total: int) -> str:
    """The one-sided 95 % bounds of a share."""
    low = stats.beta.ppf(0.05, found, total - found + 1) if found else 0.0
    high = stats.beta.ppf(0.95, found + 1, total - found) if found < total else 1.0
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def clock_share(clock: str) -> Callable[[Sequence[Trial]], str]:
    def column(trials: Sequence[Trial]) -> str:
        return str(sum(trial.get(f"{clock}_first") == "regressed" for trial in trials))

    return column


def clock_scatter(clock: str) -> Callable[[Sequence[Trial]], str]:
    def column(trials: Sequence[Trial]) -> str:
        values = [100 * trial[f"{clock}_value"] for trial in trials if f"{clock}_value" in trial]
        return f"{statistics.fmean(values):+.2f} ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""

    return column


def quantiles(name: str) -> Callable[[Sequence[Trial]], str]:
    def column(trials: Sequence[Trial]) -> str:
        values = sorted(trial[name] for trial in trials)
        return f"{statistics.median(values):.1f} / {values[-1]:.1f}"

    return column


VERDICTS: Columns = {
    "regressed (one-sided 95 % bounds)": share_regressed,
    "pass": count("pass"),
    "improved": count("improved"),
    "inconclusive": count("inconclusive"),
    "failed": count("failed"),
    "seconds, median / most": quantiles("seconds"),
}
CLOCKS: Columns = {
    "CPU time: ratio of the first process, %": clock_scatter("cpu"),
    "red": clock_share("cpu"),
    "wall clock: ratio, %": clock_scatter("wall"),
    "red ": clock_share("wall"),
}


def format_rivals(trials: Sequence[Trial]) -> Iterable[str]:
    """The same pairs by the rules of other tools; a history is made of the base runs that came before."""
    judged: dict[int, list[dict[str, bool | None]]] = {}
    histories: dict[str, list[float]] = {}
    ours: dict[int, list[bool]] = {}
    for trial in trials:
        if "rivals" not in trial:
            continue
        base, head = trial["rivals"]["base"], trial["rivals"]["head"]
        history = histories.setdefault(trial["engine"], [])
        judged.setdefault(trial["effect"], []).append(rivals.judge(base, head, history))
        ours.setdefault(trial["effect"], []).append(trial["verdict"] == "regressed")
        history.append(rivals.mean(base))
    if not judged:
        return
    effects = sorted(judged)
    yield "| alarms of | " + " | ".join(f"{describe(effect)} (of {len(judged[effect])})" for effect in effects) + " |"
    yield "| --- " + "| --: " * len(effects) + "|"
    for rule in next(iter(judged.values()))[0]:
        cells = []
        for effect in effects:
            said = [judgement[rule] for judgement in judged[effect] if judgement[rule] is not None]
            cells.append(f"{100 * sum(map(bool, said)) / len(said):.1f} %" if said else "")
        yield f"| {rule} | " + " | ".join(cells) + " |"
    shares = [f"{100 * sum(ours[effect]) / len(ours[effect]):.1f} %" for effect in effects]
    yield "| this gate | " + " | ".join(shares) + " |"
