"""From records to the table: pure, so that the same records always give the same report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pocketbench.core.records import Accuracy, Artifact, ModelSpec, RunResult, TrainedAccuracy
from pocketbench.core.units import format_percent
from pocketbench.reports.accuracy_choice import LEFT_OUT, Choice, choose_published
from pocketbench.reports.cells import NO_FILE, group_by_cell, make_cell, order_runtimes, prepare_cells
from pocketbench.reports.labels import join_words
from pocketbench.reports.measured_choice import choose_measured, summarise_seeds, to_top_one
from pocketbench.reports.notes import NoteList
from pocketbench.reports.records import FileCell, FileKind, Row, Table, TopOne
from pocketbench.reports.surroundings import collect_commits, collect_schedules, collect_tools, summarise_machines
from pocketbench.reports.variants import FileKey, RowDraft, draft_rows, key_file, order_file_kinds


def explain_no_accuracy(spec: ModelSpec) -> str:
    """The reason when the caller has no better one."""
    return f"No top-1 of {spec.backbone} {f'with {spec.block}' if spec.block else 'without attention'} was given."


def make_table(
    artifacts: Iterable[Artifact],
    results: Iterable[RunResult],
    accuracies: Iterable[Accuracy],
    *,
    title: str | None = None,
    explain_missing: Callable[[ModelSpec], str] = explain_no_accuracy,
    trained: Iterable[TrainedAccuracy] = (),
    dataset: str | None = None,
) -> Table:
    """A row for each model variant, a cell for each runtime that any of them ran on.

    Files that are named only by a result get rows too. What is missing is None, and a note says why.

    Args:
        artifacts: the files of the report, in the order of its rows.
        results: every session of every cell, in any order.
        accuracies: measured and published ones; `choose_measured` and `choose_published` say which are shown.
        title: None makes one of the networks' names.
        explain_missing: why no figure is published for a variant, as a sentence.
        trained: what trainings reached, from any number of seeds.
        dataset: the data set whose top-1 is shown; None when all was measured on one.

    Raises: MixedDataError when accuracies were measured on several data sets and `dataset` is None.
    """
    results = list(results)
    accuracies = list(accuracies)
    files: dict[FileKey, Artifact] = {}
    measured_files = {id(result.artifact): result.artifact for result in results}
    for file in (*artifacts, *measured_files.values()):
        files.setdefault(key_file(file), file)
    drafts, row_of = draft_rows(files.values())
    place = {id(draft): index for index, draft in enumerate(drafts)}
    results_by_cell = group_by_cell(results, lambda artifact: place[id(row_of[key_file(artifact)])])
    runtimes = order_runtimes(runtime for _, runtime in results_by_cell)
    kinds = order_file_kinds(files.values())
    source = prepare_cells(drafts, results_by_cell)
    specs = [draft.spec for draft in drafts]
    choices = choose_published(specs, accuracies)
    chosen = choose_measured({file.sha256 for file in files.values()}, accuracies, dataset)
    measured = {sha256: to_top_one(accuracy) for sha256, accuracy in chosen.items()}
    seeds = summarise_seeds(specs, trained, dataset)
    notes = NoteList()
    rows = []
    for index, (draft, choice) in enumerate(zip(drafts, choices, strict=True)):
        # In the order in which a row is read, so that its notes are numbered from left to right.
        parameter_count, mac_count, reasons = _count_work(draft, kinds)
        row_notes = tuple(notes.add(reason) for reason in reasons)
        sha256s = (draft.files[kind].sha256 for kind in kinds if kind in draft.files)
        top1 = next((measured[sha256] for sha256 in sha256s if sha256 in measured), None)
        measured_notes = (notes.add(_explain_measured(top1)),) if measured else ()
        published_notes = (notes.add(_explain_published(draft.spec, choice, explain_missing)),)
        rows.append(
            Row(
                group=draft.group,
                label=draft.label,
                spec=draft.spec,
                is_baseline=draft.is_baseline,
                parameter_count=parameter_count,
                mac_count=mac_count,
                notes=row_notes,
                cells=tuple(make_cell(source, index, draft, runtime, notes) for runtime in runtimes),
                files=tuple(_make_file_cell(draft, kind, measured, notes) for kind in kinds),
                measured=top1,
                measured_notes=measured_notes,
                published=choice.accuracy,
                published_notes=published_notes,
                seeds=seeds[index],
            )
        )
    return Table(
        title=title or _make_title(rows),
        file_kinds=tuple(kinds),
        runtimes=tuple(runtimes),
        rows=tuple(rows),
        notes=notes.texts,
        remarks=source.common_caveats,
        machines=summarise_machines(results),
        schedules=collect_schedules(results),
        tools=collect_tools(files.values(), results),
        git_commits=collect_commits(results),
        result_count=len(results),
        failed_count=sum(result.measurement is None for result in results),
    )


def _count_work(draft: RowDraft, kinds: Sequence[FileKind]) -> tuple[int | None, int | None, list[str]]:
    """Parameters and multiply-adds, of the network where it is known, otherwise of the file; and how to read them."""
    files = [draft.files[kind] for kind in kinds if kind in draft.files]
    facts = next((file.model_facts for file in files if file.model_facts is not None), None)
    if facts is not None:
        return facts.parameter_count, facts.mac_count, []
    graph = next((file.graph_facts for file in files if file.graph_facts is not None), None)
    if graph is None:
        return None, None, ["Parameters and M-Adds are not known: the graph of this file was not read."]
    missing = [
        f"{name} could not be counted in this file."
        for name, count in (("Parameters", graph.parameter_count), ("M-Adds", graph.mac_count))
        if count is None
    ]
    counted = "Parameters and M-Adds as counted in the file, where BatchNorm may be folded into convolutions."
    return graph.parameter_count, graph.mac_count, missing or [counted]


def _make_file_cell(draft: RowDraft, kind: FileKind, measured: dict[str, TopOne], notes: NoteList) -> FileCell:
    file = draft.files.get(kind)
    if file is None:
        return FileCell(
            file_name=None,
            sha256=None,
            size_bytes=None,
            relative_error=None,
            layout_operator_count=None,
            outside_delegate_count=None,
            top1=None,
            notes=(notes.add(NO_FILE),),
        )
    return FileCell(
        file_name=file.file_name,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        relative_error=file.parity.relative_error if file.parity is not None else None,
        layout_operator_count=file.graph_facts.layout_operator_count if file.graph_facts is not None else None,
        outside_delegate_count=file.graph_facts.outside_delegate_count if file.graph_facts is not None else None,
        top1=measured.get(file.sha256),
        notes=(),
        parity=file.parity,
        graph_facts=file.graph_facts,
        calibration=file.calibration,
    )


NOT_MEASURED = "No top-1 was measured of these files: pocketbench accuracy FILE... --data DATASET."


def _explain_measured(top1: TopOne | None) -> str:
    """On what a row's measured top-1 was measured."""
    if top1 is None:
        return NOT_MEASURED
    accuracy = top1.accuracy
    count = "" if accuracy.image_count is None else f", {accuracy.image_count} pictures"
    if accuracy.split_count is not None and accuracy.image_count is not None:
        asked = accuracy.image_count + accuracy.unreadable_count
        count += f" of {accuracy.split_count}" if asked < accuracy.split_count else ""
    unread = f"; {accuracy.unreadable_count} can't be read" if accuracy.unreadable_count else ""
    by = f" by {accuracy.engine}" if accuracy.engine else ""
    return f"Measured on {accuracy.dataset}, {accuracy.split}{count}{by}{unread}."


def _explain_published(spec: ModelSpec | None, choice: Choice, explain_missing: Callable[[ModelSpec], str]) -> str:
    accuracy = choice.accuracy
    if accuracy is not None:
        return f"Published: {accuracy.source} ({accuracy.dataset}, {accuracy.split})."
    if choice.left_out:
        others = join_words(f"{format_percent(other.top1_fraction)} ({other.source})" for other in choice.left_out)
        return f"{LEFT_OUT}: {others}."
    return "Nothing is published of this file." if spec is None else explain_missing(spec)


def _make_title(rows: Sequence[Row]) -> str:
    subject = (
        "Latency and accuracy"
        if any(row.measured is not None or row.published is not None for row in rows)
        else "Latency"
    )
    names = list(dict.fromkeys(row.spec.backbone for row in rows if row.spec is not None))
    foreign = [row.label for row in rows if row.spec is None]
    if names and foreign:
        foreign = ["another file" if len(foreign) == 1 else f"{len(foreign)} other files"]
    names += foreign
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} more"]
    return f"{subject} of {join_words(names)}" if names else "Nothing to report"
