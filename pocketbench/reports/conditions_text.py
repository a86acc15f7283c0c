"""How the figures were taken and how to read them, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from pocketbench.core.sample_text import INFERENCE
from pocketbench.core.units import format_bytes, format_celsius, format_frequency
from pocketbench.reports.labels import join_words, name_devices
from pocketbench.reports.records import Cell, MachineSummary, Schedule, Table

REMARKS_TITLE = "Read every latency here with care"
_UNKNOWN = "not known"
IMPORTED = "imported"  # the transport of a device that is known from an imported file alone

_TERMS = (
    (
        "Latency",
        "wall clock time of the call that runs the model once. The inputs are set once, before the clock starts.",
    ),
    (
        "median, p90",
        "half, and 90 %, of the n settled calls of all sessions were at least as fast (quantiles of type 7).",
    ),
    ("n", "the number of settled calls that the median, p90 and spread are taken from."),
    ("spread", "the interquartile range over the median: the middle half of the calls lies within it."),
    (
        "95 % interval",
        "a range that holds the true figure in 95 of 100 such reports. Calls of one session resemble each other, so "
        "each session counts once: Student's t over the logarithms of the sessions' medians, from 6 sessions on order "
        "statistics. One session gives no interval.",
    ),
    (
        "Overhead",
        "the cost over the baseline, which is the same network at the same width and input without attention. In each "
        "round the burst of the variant is compared with the burst of the baseline that ran beside it; the median over "
        "the rounds of a session, then the median over the sessions. What slows the machine for longer than a round is "
        "in both and falls out. So it is not the difference of the two latencies in the table.",
    ),
    (
        "CPU time",
        "of the calling thread, or of the process when several threads compute. It does not count waiting, and so "
        "hardly sees a busy neighbour.",
    ),
    (
        "Parameters, M-Adds",
        "of the network before a converter folds anything; M-Adds of convolutions and linear layers.",
    ),
    ("File size", "of the exported file, 1 MB = 1,000,000 bytes."),
    (
        "Parity error",
        "the largest difference between the file's output and the network's, over the root mean square of what the "
        "inputs change in the output.",
    ),
    (
        "Layout operators",
        "transposes, reshapes and the like in the file: they move data and compute nothing. Empty "
        "where the file's graph was not read.",
    ),
    (
        "Outside the delegate",
        "operators that LiteRT's XNNPACK delegate did not take; empty for other formats.",
    ),
)

_SUMMARY_TERM = (
    "mean, median of means, median of medians",
    "where the program that ran a model keeps no samples, a sample is the mean or the median that it printed of the "
    "inferences of one process, and n counts these samples (60 x 50: each of 50 inferences). Such figures have no p90 "
    "and no spread.",
)


def describe_terms(table: Table) -> list[tuple[str, str]]:
    """What the words of the tables mean, as (term, meaning)."""
    place = next(index for index, (term, _) in enumerate(_TERMS) if term == "n")
    has_summaries = any(_is_summarised(cell) for row in table.rows for cell in row.cells)
    return [*_TERMS[:place], *([_SUMMARY_TERM] if has_summaries else []), *_TERMS[place:]]


def describe_method(table: Table) -> list[str]:
    """Paragraphs: what was run in which order, and what a published accuracy stands for."""
    if not table.result_count:
        return ["Nothing was measured for this report."]
    several = len({machine.device_id for machine in table.machines if machine.transport != IMPORTED}) > 1
    paragraphs = [
        f"On {join_words(schedule.device_names)}: {text}" if several and schedule.device_names else text
        for schedule in table.schedules
        for text in [_describe_schedule(schedule)]
    ]
    if table.schedules:
        paragraphs.insert(
            0,
            "Each session starts a fresh process for each file, which loads it, sets its inputs once, runs it once and "
            "warms up. Then the files take turns, so that all of them meet the same state of the machine.",
        )
    measured = [place for place, runtime in enumerate(table.runtimes) if runtime.origin is None]
    if any(_is_summarised(row.cells[place]) for row in table.rows for place in measured):
        paragraphs.append(
            "A program that keeps no samples, as on a phone, is started anew for every sample: a burst is one start, "
            "and its figure is what the program printed of the inferences in it."
        )
    tools = list(dict.fromkeys(runtime.origin for runtime in table.runtimes if runtime.origin is not None))
    if tools:
        paragraphs.append(
            f"Figures of {join_words(tools)} were imported: they were measured by other schedules and in conditions "
            "that are not known here, and are not compared with what was measured here."
        )
    gates = {row.spec.gate for row in table.rows if row.spec is not None and row.spec.block is not None}
    if len(gates) == 1 and (gate := gates.pop()) is not None:
        paragraphs.append(f"The gate function of every attention block here is {gate}.")
    if any(row.published is not None for row in table.rows):
        paragraphs.append(
            "A published top-1 belongs to the network as its authors trained it, with their weights and gate "
            "functions. The files measured here have the same architecture and other weights. Rows of one backbone are "
            "compared by figures of one source."
        )
    judged = [file.top1.accuracy for row in table.rows for file in row.files if file.top1 is not None]
    if judged:
        paragraphs.append(
            "A measured top-1 belongs to the very file whose name stands in the table of files; that of a row to its "
            f"first file. It was measured on {judged[0].dataset}, {judged[0].split}. Its interval is Wilson's, over "
            "pictures: two models that were judged by the same pictures can differ by less and still reliably."
        )
    if any(row.seeds is not None for row in table.rows):
        paragraphs.append(
            "A mean of seeds is of trainings that differ in nothing but the seed, judged in torch; its interval is "
            "Student's, over seeds, and tells whether a block helps or a seed was lucky."
        )
    paragraphs.append(
        f"{table.result_count} runs (a file in a session) went into the report; {table.failed_count} of them failed."
    )
    return paragraphs


def describe_conditions(table: Table) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each machine its name and what is known of its state, as (property, value); versions come last."""
    names = name_devices((machine.device_id, machine.name) for machine in table.machines)
    sections = [(_title_machine(machine, names), describe_machine(machine)) for machine in table.machines]
    versions = [
        ("Tools", ", ".join(table.tools) or _UNKNOWN),
        ("Git commit", ", ".join(table.git_commits) or _UNKNOWN),
    ]
    return [*sections, ("Versions", versions)]


def describe_dates(machine: MachineSummary) -> str:
    """From the first to the last look at the machine, or import: "2026-03-01 10:00 to 10:42 UTC"."""
    first, last = _format_time(machine.first_at), _format_time(machine.last_at)
    if first == last:
        return f"{first} UTC"
    same_day = first[:10] == last[:10]
    return f"{first} to {last[11:] if same_day else last} UTC"


def _describe_schedule(schedule: Schedule) -> str:
    text = (
        f"{_count(schedule.session_count, 'session')} of {_count(schedule.round_count, 'round')}: in each round each "
        f"file runs one burst of {_count(schedule.burst_count, 'call')}, after {_count(schedule.warmup_count, 'call')} "
        "of warm-up at the start."
    )
    if schedule.settle_count:
        text += (
            f" The first {_count(schedule.settle_count, 'call')} of a burst find the caches as another file left them: "
            "they are recorded and not summarised."
        )
    if schedule.cooldown_s:
        text += f" The machine rests for {schedule.cooldown_s:g} s between them."
    return text


def _is_summarised(cell: Cell) -> bool:
    return cell.wall is not None and cell.wall.statistics != (INFERENCE,)


def describe_machine(machine: MachineSummary) -> list[tuple[str, str]]:
    """What is known of a machine and its state, as (property, value)."""
    if machine.transport == IMPORTED:  # nobody looked at it: all that there is comes from the file
        return [
            ("Imported", describe_dates(machine)),
            ("Device", machine.model or _UNKNOWN),
            ("System", machine.os_version or _UNKNOWN),
        ]
    return [
        ("Measured", describe_dates(machine)),
        ("Device", ", ".join(filter(None, [machine.model, machine.soc])) or _UNKNOWN),
        ("Reached by", machine.transport),
        ("Processor", join_words(machine.cpu_models) or _UNKNOWN),
        ("Cores", _describe_cores(machine)),
        ("Memory", _UNKNOWN if machine.memory_bytes is None else format_bytes(machine.memory_bytes)),
        ("System", " ".join(filter(None, [machine.os_version, machine.abi])) or _UNKNOWN),
        ("Governor", join_words(machine.governors) or _UNKNOWN),
        ("Clock", _span(machine.khz_low, machine.khz_high, format_frequency)),
        ("Load average", _span(machine.load_low, machine.load_high, "{:.2f}".format)),
        ("Temperature", _span(machine.celsius_low, machine.celsius_high, format_celsius)),
        *_describe_phone(machine),
    ]


def _title_machine(machine: MachineSummary, names: Mapping[tuple[str, str | None], str]) -> str:
    name = names[machine.device_id, machine.name]
    return name if machine.device_id in name else f"{name} ({machine.device_id})"


def _describe_cores(machine: MachineSummary) -> str:
    if machine.clusters:
        return ", ".join(f"{len(cluster.cores)} at {format_frequency(cluster.max_khz)}" for cluster in machine.clusters)
    return _UNKNOWN if machine.core_count is None else str(machine.core_count)


def _describe_phone(machine: MachineSummary) -> list[tuple[str, str]]:
    """What only phones have, where it is known."""
    rows = []
    if machine.battery_low is not None:
        rows.append(("Battery", _span(machine.battery_low, machine.battery_high, format_celsius)))
    if machine.power_sources:
        rows.append(("Power", join_words(machine.power_sources)))
    if machine.thermal_statuses:
        rows.append(("Thermal status", join_words(map(str, machine.thermal_statuses))))
    if machine.screens:
        rows.append(("Screen", join_words("on" if screen else "off" for screen in machine.screens)))
    return rows


def _span(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    if low is None or high is None:
        return _UNKNOWN
    first, last = form(low), form(high)
    return first if first == last else f"{first} to {last}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _format_time(text: str) -> str:
    """ISO 8601 as "2026-03-01 10:00", in UTC; a text that is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if moment.tzinfo else moment.strftime("%Y-%m-%d %H:%M")
