"""Which file belongs into which row: a row a spec, a row a file that somebody else made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pocketbench.core.records import FORMATS, Artifact, ModelSpec
from pocketbench.reports.labels import describe_attention, describe_network
from pocketbench.reports.records import FileKind

FileKey = tuple[ModelSpec | None, str, str | None, str]
NetworkKey = tuple[str, float | None, int | None, tuple[int, ...]]


@dataclass(slots=True, kw_only=True)
class RowDraft:
    """A row before anything is computed: its spec and its files by kind."""

    spec: ModelSpec | None
    group: str | None = None
    label: str = ""
    has_variants: bool = False
    files: dict[FileKind, Artifact] = field(default_factory=dict)

    @property
    def is_baseline(self) -> bool:
        return self.spec is not None and self.spec.block is None and self.has_variants


def key_file(artifact: Artifact) -> FileKey:
    """What makes two artifacts the same file of the table."""
    return (artifact.spec, artifact.format, artifact.precision, artifact.sha256)


def key_network(spec: ModelSpec) -> NetworkKey:
    """What a variant and its baseline share. Weights and seed are not part of it: they don't change the work."""
    return (spec.backbone, spec.width_ratio, spec.class_count, spec.input_shape)


def draft_rows(artifacts: Iterable[Artifact]) -> tuple[list[RowDraft], dict[FileKey, RowDraft]]:
    """The rows in the order of the table, and the row of each file.

    Networks in order of appearance, in each the baseline first; files without a spec come last. Two different files of
    one spec, format and precision never share a cell: the second one starts a row of its own.
    """
    by_spec: dict[ModelSpec, list[RowDraft]] = {}
    foreign: list[RowDraft] = []
    row_of: dict[FileKey, RowDraft] = {}
    places: dict[tuple[ModelSpec, FileKind], int] = {}  # how many files of a kind the spec has so far
    for artifact in artifacts:
        key = key_file(artifact)
        if key in row_of:
            continue
        kind = identify_kind(artifact)
        if artifact.spec is None:
            row = RowDraft(spec=None, label=artifact.file_name)
            foreign.append(row)
        else:
            siblings = by_spec.setdefault(artifact.spec, [])
            place = places.get((artifact.spec, kind), 0)
            places[(artifact.spec, kind)] = place + 1
            if place == len(siblings):
                siblings.append(RowDraft(spec=artifact.spec))
            row = siblings[place]
        row.files[kind] = artifact
        row_of[key] = row
    rows = _order_by_network([row for siblings in by_spec.values() for row in siblings]) + foreign
    _tell_apart(rows)
    return rows, row_of


def order_file_kinds(artifacts: Iterable[Artifact]) -> list[FileKind]:
    """The distinct kinds: formats in the order of `FORMATS`, fp32 first."""
    kinds = {identify_kind(artifact) for artifact in artifacts}
    return sorted(kinds, key=order_of_kind)


def identify_kind(artifact: Artifact) -> FileKind:
    """The kind of a file; files that were lowered for different processors are not of one kind."""
    own = artifact.lowering in (None, artifact.format)
    return FileKind(format=artifact.format, precision=artifact.precision, lowering=None if own else artifact.lowering)


def order_of_kind(kind: FileKind) -> tuple[int, str, str, bool, str]:
    rank = FORMATS.index(kind.format) if kind.format in FORMATS else len(FORMATS)
    return (rank, kind.format, kind.lowering or "", kind.precision != "fp32", kind.precision or "")


def _order_by_network(rows: list[RowDraft]) -> list[RowDraft]:
    networks: dict[NetworkKey, list[RowDraft]] = {}
    gates = {row.spec.gate for row in rows if row.spec is not None and row.spec.block is not None}
    for row in rows:
        if row.spec is not None:
            networks.setdefault(key_network(row.spec), []).append(row)
    ordered = []
    for members in networks.values():
        members.sort(key=lambda row: row.spec is not None and row.spec.block is not None)
        has_variants = members[-1].spec is not None and members[-1].spec.block is not None
        for row in members:
            if row.spec is not None:
                row.has_variants = has_variants
                row.group = describe_network(row.spec)
                row.label = describe_attention(row.spec, has_variants=has_variants, shows_gate=len(gates) > 1)
        ordered += members
    return ordered


def _tell_apart(rows: list[RowDraft]) -> None:
    """Add to labels that occur twice what differs: the seed, or the start of a file's hash."""
    twins: dict[tuple[str | None, str], list[RowDraft]] = {}
    for row in rows:
        twins.setdefault((row.group, row.label), []).append(row)
    for members in twins.values():
        if len(members) == 1:
            continue
        seeds = {row.spec.seed if row.spec is not None else None for row in members}
        for row in members:
            if len(seeds) == len(members) and row.spec is not None:
                row.label += f" [seed {row.spec.seed}]"
            else:
                row.label += f" [{next(iter(row.files.values())).sha256[:8]}]"
