"""The cells of a table: a row on a runtime, its overhead over the baseline, and why a figure is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pocketbench.core.records import Artifact, DelegateCoverage, RunResult
from pocketbench.core.sample_text import IMPORT_NOTES, INFERENCE, describe_origin
from pocketbench.reports.labels import join_words, name_devices
from pocketbench.reports.notes import NoteList
from pocketbench.reports.operator_breakdown import find_breakdown, find_coverage
from pocketbench.reports.operator_records import OperatorBreakdown
from pocketbench.reports.records import Cell, Latency, Overhead, Runtime
from pocketbench.reports.session_batches import summarise_latencies, summarise_overheads
from pocketbench.reports.sessions import CellRuns, collect_cell, make_zero_overhead, pair_sessions
from pocketbench.reports.variants import NetworkKey, RowDraft, identify_kind, key_network, order_of_kind

NO_FILE = "There is no file of this kind of this model."
SUMMARIES = (
    "The program that ran the model keeps no samples: what it printed of the inferences of one process is one sample, "
    "and there is no 90th percentile."
)
NO_PAIRS = "No overhead: what is imported was not measured in turn with the baseline."

CellKey = tuple[int, Runtime]  # the row's place in the table, and where it ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the samples of a cell say, by wall clock and by CPU time; the overhead where sessions are shared with the
    baseline."""

    wall: Latency | None
    cpu: Latency | None
    wall_overhead: Overhead | None
    cpu_overhead: Overhead | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSource:
    """What all cells are made from: the runs, figures, operators, caveats and origins of each, the caveats that every
    measured one of them carries, and the places of each network's baselines."""

    runs: Mapping[CellKey, CellRuns]
    figures: Mapping[CellKey, Figures]
    breakdowns: Mapping[CellKey, OperatorBreakdown | None]
    coverages: Mapping[CellKey, DelegateCoverage | None]
    caveats: Mapping[CellKey, tuple[str, ...]]
    origins: Mapping[CellKey, tuple[str, ...]]
    common_caveats: tuple[str, ...]
    baselines: Mapping[NetworkKey, Sequence[int]]


def identify_runtime(result: RunResult) -> Runtime:
    """The runtime that a result was taken on."""
    shapes = sorted((result.plan.shapes or {}).items())
    return Runtime(
        device_id=result.device.device_id,
        device_name=result.device.name,
        file_kind=identify_kind(result.artifact),
        engine=result.plan.engine,
        delegate=result.plan.delegate,
        thread_count=result.plan.thread_count,
        core_mask=result.plan.core_mask,
        input_shapes=", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes) or None,
        origin=result.origin.tool if result.origin is not None else None,
    )


def order_runtimes(runtimes: Iterable[Runtime]) -> list[Runtime]:
    """The distinct runtimes by device, kind of file, engine, delegate, threads, cores, input shapes and origin.
    Those of imports come last."""
    return sorted(
        set(runtimes),
        key=lambda runtime: (
            runtime.origin is not None,
            runtime.device_id,
            order_of_kind(runtime.file_kind),
            runtime.engine,
            runtime.delegate or "",
            runtime.thread_count or 0,
            runtime.core_mask or 0,
            runtime.input_shapes or "",
            runtime.origin or "",
        ),
    )


def group_by_cell(results: Sequence[RunResult], find_row: Callable[[Artifact], int]) -> dict[CellKey, list[RunResult]]:
    """The results of each cell, in their order. What a store gave shares files, devices and plans: these are looked at
    once.

    Args:
        find_row: the place in the table of a file's row.
    """
    cells: dict[CellKey, list[RunResult]] = {}
    known: dict[tuple[int, int, int, str | None], list[RunResult]] = {}
    for result in results:
        origin = None if result.origin is None else result.origin.tool
        parts = (id(result.artifact), id(result.device), id(result.plan), origin)
        members = known.get(parts)
        if members is None:
            members = cells.setdefault((find_row(result.artifact), identify_runtime(result)), [])
            known[parts] = members
        members.append(result)
    return cells


def prepare_cells(drafts: Sequence[RowDraft], results: Mapping[CellKey, Sequence[RunResult]]) -> CellSource:
    """Read the runs of every cell once; overheads need those of the baseline beside a cell's own."""
    baselines: dict[NetworkKey, list[int]] = {}
    for index, draft in enumerate(drafts):
        if draft.spec is not None and draft.spec.block is None:
            baselines.setdefault(key_network(draft.spec), []).append(index)
    runs = {key: collect_cell(members) for key, members in results.items()}
    caveats = _describe_caveats(results)
    carried = [set(caveats.get(key, ())) for key, cell in runs.items() if cell.wall]
    common = set.intersection(*carried) if len(carried) > 1 else set()
    return CellSource(
        runs=runs,
        figures=_find_figures(drafts, runs, baselines),
        breakdowns={key: find_breakdown(members) for key, members in results.items()},
        coverages={key: find_coverage(members) for key, members in results.items()},
        caveats={key: tuple(text for text in texts if text not in common) for key, texts in caveats.items()},
        origins={key: _describe_origins(members) for key, members in results.items()},
        common_caveats=tuple(dict.fromkeys(text for texts in caveats.values() for text in texts if text in common)),
        baselines=baselines,
    )


def _find_figures(
    drafts: Sequence[RowDraft], runs: Mapping[CellKey, CellRuns], baselines: Mapping[NetworkKey, Sequence[int]]
) -> dict[CellKey, Figures]:
    """All at once: 100,000 results are 5,000 cells, and as many small calculations again for each of their figures."""
    partners = {key: _find_partners(drafts, runs, baselines, key) for key in runs}
    wall_pairs, cpu_pairs = [], []
    for key, cell in runs.items():
        wall_pairs.append(pair_sessions(cell.wall, [partner.wall for partner in partners[key]]))
        cpu_pairs.append(pair_sessions(cell.cpu, [partner.cpu for partner in partners[key]]))
    figures = zip(
        summarise_latencies([cell.wall for cell in runs.values()]),
        summarise_latencies([cell.cpu for cell in runs.values()]),
        summarise_overheads(wall_pairs),
        summarise_overheads(cpu_pairs),
        strict=True,
    )
    return {
        key: Figures(wall=wall, cpu=cpu, wall_overhead=wall_overhead, cpu_overhead=cpu_overhead)
        for key, (wall, cpu, wall_overhead, cpu_overhead) in zip(runs, figures, strict=True)
    }


def _find_partners(
    drafts: Sequence[RowDraft],
    runs: Mapping[CellKey, CellRuns],
    baselines: Mapping[NetworkKey, Sequence[int]],
    key: CellKey,
) -> list[CellRuns]:
    """What a cell is compared with: nothing for a baseline, for a file without a spec, and for what was imported."""
    index, runtime = key
    spec = drafts[index].spec
    if spec is None or spec.block is None or runtime.origin is not None:
        return []
    return [runs[place, runtime] for place in baselines.get(key_network(spec), ()) if (place, runtime) in runs]


def make_cell(source: CellSource, index: int, draft: RowDraft, runtime: Runtime, notes: NoteList) -> Cell:
    """The cell of the row at `index` on a runtime."""
    key = (index, runtime)
    runs = source.runs.get(key)
    if runs is None:
        return _make_empty_cell(_explain_no_run(draft, runtime), notes)
    cell = replace(
        _make_measured_cell(runs, source.figures[key], (*source.origins[key], *source.caveats.get(key, ())), notes),
        operators=source.breakdowns[key],
        coverage=source.coverages[key],
    )
    return cell if cell.wall is None else _add_overhead(source, cell, draft, key, notes)


def _make_empty_cell(reason: str, notes: NoteList) -> Cell:
    return Cell(
        wall=None,
        wall_overhead=None,
        cpu=None,
        cpu_overhead=None,
        cpu_clock=None,
        notes=(notes.add(reason),),
        overhead_notes=(),
    )


def _explain_no_run(draft: RowDraft, runtime: Runtime) -> str:
    if runtime.file_kind in draft.files:
        return "No run: this file was not measured on this runtime."
    return NO_FILE


def _make_measured_cell(runs: CellRuns, figures: Figures, caveats: tuple[str, ...], notes: NoteList) -> Cell:
    reasons = []
    if runs.failures:
        reasons.append(_describe_failures(runs))
    wall = figures.wall
    if wall is not None and wall.statistics != (INFERENCE,):
        reasons.append(SUMMARIES)
    if wall is not None and wall.session_count == 1:
        reasons.append("One session only: how far another one would differ is not known, so there is no interval.")
    has_one_clock = len(runs.cpu_clocks) == 1
    if len(runs.cpu_clocks) > 1:
        reasons.append(f"No CPU time: the sessions took it by different clocks ({join_words(runs.cpu_clocks)}).")
    return Cell(
        wall=wall,
        wall_overhead=None,
        cpu=figures.cpu if has_one_clock else None,
        cpu_overhead=None,
        cpu_clock=runs.cpu_clocks[0] if has_one_clock else None,
        notes=tuple(notes.add(reason) for reason in (*reasons, *caveats)),
        overhead_notes=(),
        failed_session_count=len(runs.failures),
    )


def _describe_failures(runs: CellRuns) -> str:
    counts = Counter(runs.failures)
    texts = "; ".join(text if len(counts) == 1 else f"{count} x {text}" for text, count in counts.items())
    if runs.wall:
        return f"Failed in {len(runs.failures)} of {runs.session_count} sessions, left out of the figures: {texts}"
    return (
        f"Failed in {'its only session' if runs.session_count == 1 else f'all {runs.session_count} sessions'}: {texts}"
    )


def _add_overhead(source: CellSource, cell: Cell, draft: RowDraft, key: CellKey, notes: NoteList) -> Cell:
    runtime = key[1]
    if draft.spec is None:
        return replace(cell, overhead_notes=(notes.add("No overhead: a file without a spec has no known baseline."),))
    if runtime.origin is not None:
        return replace(cell, overhead_notes=(notes.add(NO_PAIRS),))
    if draft.spec.block is None:
        if not draft.has_variants:
            return replace(cell, overhead_notes=(notes.add("No overhead: no variant of this network to compare."),))
        return replace(
            cell,
            wall_overhead=make_zero_overhead(cell.wall) if cell.wall is not None else None,
            cpu_overhead=make_zero_overhead(cell.cpu) if cell.cpu is not None else None,
        )
    places = source.baselines.get(key_network(draft.spec), ())
    wall = source.figures[key].wall_overhead
    if wall is None:
        if not places:
            reason = "No overhead: the same network without attention is not in the table."
        elif not any(source.runs[place, runtime].wall for place in places if (place, runtime) in source.runs):
            reason = "No overhead: the baseline has no latency on this runtime."
        else:
            reason = "No overhead: never measured in one session with the baseline, so there are no pairs."
        return replace(cell, overhead_notes=(notes.add(reason),))
    cpu = source.figures[key].cpu_overhead if cell.cpu is not None else None
    low, high = wall.difference_low_ns, wall.difference_high_ns
    is_unclear = low is not None and high is not None and low <= 0 <= high
    reasons = (
        [notes.add("The interval holds 0: these sessions can't tell this overhead from none.")] if is_unclear else []
    )
    return replace(cell, wall_overhead=wall, cpu_overhead=cpu, overhead_notes=tuple(reasons))


def _describe_origins(members: Sequence[RunResult]) -> tuple[str, ...]:
    """Where each imported result of a cell comes from, once."""
    texts = [describe_origin(result.origin, result.caveats) for result in members if result.origin is not None]
    return tuple(dict.fromkeys(texts))


def _describe_caveats(results: Mapping[CellKey, Sequence[RunResult]]) -> dict[CellKey, tuple[str, ...]]:
    """The caveats of each cell as notes: one a code and device, since texts hold numbers and differ from run to run.
    Devices that say the same share a note."""
    first_text: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    codes_by_cell: dict[CellKey, dict[str, None]] = {}
    for key, members in results.items():
        device_id = key[1].device_id
        totals[device_id] += len(members)
        said: Counter[tuple[str, ...]] = Counter()
        for result in members:
            codes = tuple([caveat.code for caveat in result.caveats])
            if codes not in said:
                for caveat in result.caveats:
                    first_text.setdefault((caveat.code, device_id), caveat.text)
            said[codes] += 1
        distinct: dict[str, None] = {}
        for codes, count in said.items():
            own = dict.fromkeys(code for code in codes if code != IMPORT_NOTES)
            distinct |= own
            for code in own:
                counts[code, device_id] += count
        if distinct:
            codes_by_cell[key] = distinct
    first_text = {key: text for key, text in first_text.items() if key[0] != IMPORT_NOTES}
    alike: dict[tuple[str, str], list[str]] = {}
    for (code, device_id), text in first_text.items():
        alike.setdefault((code, text), []).append(device_id)
    shown = name_devices((runtime.device_id, runtime.device_name) for _, runtime in results)
    names = {device_id: shown[device_id, name] for device_id, name in reversed(shown)}
    notes = {}
    for (code, text), device_ids in alike.items():
        count = sum(counts[code, device_id] for device_id in device_ids)
        runs = f"{count} of {sum(totals[device_id] for device_id in device_ids)} runs"
        where = f" on {join_words(names[device_id] for device_id in device_ids)}" if len(totals) > 1 else ""
        notes.update({(code, device_id): f"{code} ({runs}{where}): {text}" for device_id in device_ids})
    return {key: tuple(notes[code, key[1].device_id] for code in codes) for key, codes in codes_by_cell.items()}
