"""What `pocketbench pick` answers, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pocketbench.reports.accuracy_difference import Difference

Fate = Literal["as_good", "less_accurate", "cannot_say", "too_slow", "no_accuracy", "failed", "not_measured"]
"""Why a file was not chosen. "as_good": within the budget, and the pictures can't tell it from the chosen one;
"cannot_say": whether it is within the budget."""
FATES: tuple[Fate, ...] = (
    "as_good",
    "cannot_say",
    "less_accurate",
    "too_slow",
    "no_accuracy",
    "failed",
    "not_measured",
)
"""In the order in which a reader wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file on a runtime of the device. `low_ns` and `high_ns` bound the 95 % interval of the median of the wall
    clock, `top1_low_fraction` and `top1_high_fraction` that of the top-1. `runtime` is None where it did not run."""

    name: str
    file_name: str
    sha256: str
    file_kind: str
    runtime: str | None
    size_bytes: int | None
    median_ns: float | None
    low_ns: float | None
    high_ns: float | None
    p90_ns: float | None
    top1_fraction: float | None
    top1_low_fraction: float | None
    top1_high_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A candidate that was not chosen. `over_ns` is its median minus the budget; `difference` its top-1 minus that of
    the chosen one. `detail` says why it has no figure."""

    candidate: Candidate
    fate: Fate
    over_ns: float | None
    difference: Difference | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Whose accuracies are compared. `origin` is "measured" or "published"; `source` is None for measured ones."""

    origin: str
    dataset: str
    split: str
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The most accurate file within a latency budget.

    `verdict` is "picked", "none" (all that was measured is too slow) or "cannot_say". `basis` is None when no accuracy
    is known. `remarks` say how to read the figures of the chosen one.
    """

    budget_ns: float
    device: str
    verdict: Literal["picked", "none", "cannot_say"]
    basis: Basis | None
    chosen: Candidate | None
    others: tuple[Rejected, ...]
    remarks: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 picked, 4 none is fast enough, 5 cannot say."""
        return {"picked": 0, "none": 4, "cannot_say": 5}[self.verdict]
