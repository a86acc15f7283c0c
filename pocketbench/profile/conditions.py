"""The state of the host at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocketbench.core.records import Conditions, CoreState
from pocketbench.profile.agent.machine_state import read_state


def read_conditions(root: Path = Path("/")) -> Conditions:
    """What can move a latency: load, clock, heat, memory.

    Args:
        root: where /proc and /sys are.
    """
    return make_conditions(read_state(root))


def make_conditions(state: Mapping[str, Any]) -> Conditions:
    """The record of what `machine_state.read_state` found, here or on a board."""
    return Conditions(**{**state, "cores": tuple(CoreState(**core) for core in state["cores"])})
