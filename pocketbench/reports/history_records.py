"""A cell over commits, as frozen records: what every form of the history is written from.

A cell is a model on a runtime. Its sessions are reduced to one value each, a commit's sessions to one point.
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.reports.records import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionValue:
    """One session of a cell: its medians, and what else may have moved them."""

    model: str
    runtime: Runtime
    commit: str
    session: tuple[str, int]
    taken_at: str
    wall_ns: float
    cpu_ns: float | None
    cpu_clock: str | None
    file_sha256: str
    processor: str | None
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitCommit:
    """What git knows of a commit. `committed_at` is ISO 8601."""

    commit: str
    committed_at: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """A cell at a commit: the median of its sessions with a 95 % interval (None for one session).

    `label` is the hash as short as it stays unique. `measured_at` is when its first session began. `level_ns` is the
    median of the points between two change points, `change_ratio` the value over the level of the commit before.
    """

    commit: str
    label: str
    committed_at: str | None
    subject: str | None
    measured_at: str
    session_count: int
    value_ns: float
    low_ns: float | None
    high_ns: float | None
    level_ns: float
    change_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """A change point: `index` is the first point of the new level. `remarks` say what else changed there."""

    index: int
    before_ns: float
    after_ns: float
    ratio: float
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellHistory:
    """A model on a runtime over commits, oldest first. `clock` is "thread" (CPU time) or "wall"."""

    model: str
    runtime: Runtime
    clock: str
    points: tuple[HistoryPoint, ...]
    changes: tuple[LevelChange, ...]
    has_enough_points: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Every cell that was asked for. `order` says what the commits are ordered by: "git", or "time" (of the first
    measurement)."""

    order: str
    cells: tuple[CellHistory, ...]
