"""Where the time of an inference goes, as frozen records: parts of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTime:
    """Operators of one kind; `types` are what the runtime calls them."""

    kind: str
    time_ns: float
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTime:
    """The own operators of an attention block, at one place of the network; `stage` is the part that it stands in."""

    path: str
    stage: str
    time_ns: float
    kinds: tuple[KindTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """Operators of a part of the network that are no attention block's; `name` is "" for those of no known place."""

    name: str
    time_ns: float
    kinds: tuple[KindTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorBreakdown:
    """One inference, divided: `whole_ns` is the sum of `attention_ns`, `network_ns` and `between_ns`.

    `attention_ns` are the own operators of all attention blocks, 0 where there are none; None where the file does not
    tell operators' places, and `stages` is then () and `network_ns` holds all operators. `between_ns` passes in no
    operator, as far as is known: `attention_cut_ns` of it may be the blocks', since a runtime cuts times to whole
    microseconds.
    """

    whole_ns: float
    attention_ns: float | None
    attention_cut_ns: float
    attention_kinds: tuple[KindTime, ...]
    sites: tuple[SiteTime, ...]
    network_ns: float
    network_kinds: tuple[KindTime, ...]
    stages: tuple[StageTime, ...]
    between_ns: float

    @property
    def unplaced_ns(self) -> float:
        """Of operators whose place is not known; they may be an attention block's."""
        return sum(stage.time_ns for stage in self.stages if not stage.name)
