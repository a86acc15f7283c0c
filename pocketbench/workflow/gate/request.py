"""What a gate compares: pairs of files, how each is run, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact
from pocketbench.profile.catalog import engine_suffixes
from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.workflow.gate.limits import GateTable
from pocketbench.workflow.gate.pairing import Pair

DEVICE = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """`base` and `head` name the sides for people; paths are by file name. `base_python` runs base in another
    environment. `same_tools` asks that both sides came from the same converters."""

    base: str
    head: str
    pairs: tuple[Pair, ...]
    base_paths: Mapping[str, Path]
    head_paths: Mapping[str, Path]
    plans: tuple[DuelPlan, ...]
    limits: GateTable = field(default_factory=GateTable)
    base_python: Path | None = None
    base_commit: str | None = None
    head_commit: str | None = None
    same_tools: bool = True

    def plans_for(self, artifact: Artifact) -> list[DuelPlan]:
        """The ways in which a file is run; none when no engine of the request takes its format."""
        return [plan for plan in self.plans if SUFFIXES[artifact.format] in engine_suffixes(plan.engine)]
