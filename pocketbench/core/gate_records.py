"""What the speed gate hands on: frozen records, as those of `records.py`; written and read by `jsonio`.

A cell is a model file (then `engine` is None: what can be said without running it) or a model file on an engine.
Ratios are head over base: above 1 is slower, or more.
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.records import Conditions, Device

VERDICTS = ("failed", "missing", "regressed", "inconclusive", "improved", "pass")
"""From the worst to the best: a whole is as good as its worst part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellKey:
    """What is compared. `engine` and `thread_count` are None for a file by itself."""

    model: str
    file_name: str
    engine: str | None
    thread_count: int | None
    device_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio with the interval that holds the true one with this confidence (0..1).

    `low` and `high` are None when there were too few pairs of lives for one.
    """

    value: float
    low: float | None
    high: float | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Base and head timed against each other.

    A life loads both models anew; its calls alternate one by one. Two lives in which the two swap places are a pair,
    and a pair is one observation. `pair_ratios` are in the order in which they were measured.

    `clock` is "thread" or "process" (CPU time) or "wall". `base_ns` and `head_ns` are medians of alternating calls:
    each begins with the caches the other left, and reads higher than a burst does. `detectable_ratio` is the smallest
    slowdown that such a duel calls regressed 95 times in 100. `self_ratio` is base against base, in lives between those
    of the duel. `confirmation` is the duel once more in a fresh process; None when there was nothing to confirm.
    """

    clock: str
    ratio: Ratio
    threshold: float
    detectable_ratio: float | None
    self_ratio: Ratio
    self_test_passed: bool
    confirmation: Ratio | None
    base_ns: float
    head_ns: float
    pair_ratios: tuple[float, ...]
    self_pair_ratios: tuple[float, ...]
    call_count: int
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A comparison without noise, or with a margin that covers it.

    `name` is a key of a suite's [gate] table, such as "partition_count"; `base` and `head` are values in its unit, None
    for not known. `limit` is the largest value that head may have, None where nobody set one: then `verdict` is "pass"
    and the difference is information. `text` is a sentence without a full stop.
    """

    name: str
    base: float | None
    head: float | None
    limit: float | None
    verdict: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorChange:
    """How many operators of a type the two files have."""

    operator: str
    base_count: int
    head_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTime:
    """What a part of a network takes in base and in head, in ns of one inference; None where a side has no such part.

    `kind` is "operator" (all of one type, such as Conv) or "block" (one place of the network, by its path).
    """

    kind: str
    name: str
    base_ns: float | None
    head_ns: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """One cell. `reason` is a sentence without a full stop. `parts` say where time went, the largest change first."""

    key: CellKey
    verdict: str
    reason: str
    base_sha256: str | None
    head_sha256: str | None
    duel: Duel | None
    checks: tuple[Check, ...]
    operator_changes: tuple[OperatorChange, ...]
    parts: tuple[PartTime, ...]
    base_tools: dict[str, str]
    head_tools: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """Everything the gate found. `base` and `head` are names for people: a commit, a folder, a file.

    `exit_code`: 0 pass, 4 regressed (or failed, missing), 5 inconclusive.
    """

    base: str
    head: str
    verdict: str
    exit_code: int
    cells: tuple[CellVerdict, ...]
    device: Device
    conditions_before: Conditions
    conditions_after: Conditions
    base_commit: str | None
    head_commit: str | None
    pocketbench_version: str
    started_at: str
    duration_s: float


def find_worst(verdicts: tuple[str, ...] | list[str]) -> str:
    """The worst of some verdicts; "pass" of none."""
    return min(verdicts, key=VERDICTS.index, default="pass")
