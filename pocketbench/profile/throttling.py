"""Why a Raspberry Pi's firmware holds its clock down.

Source: https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
"""

from __future__ import annotations

from pocketbench.core.records import Caveat, Conditions

# Bit by bit what is so now; 16 bits above each what has been so since the board was started.
REASONS = ("under-voltage", "a capped clock", "throttling", "a soft temperature limit")
PAST_SHIFT = 16


def describe_throttling(flags: int) -> str:
    """What is so now: "under-voltage, throttling"; "" for nothing."""
    return ", ".join(reason for bit, reason in enumerate(REASONS) if flags >> bit & 1)


def check_throttling(before: Conditions, after: Conditions) -> Caveat | None:
    """A caveat for what was so at one of both moments, or happened between them for the first time."""
    if before.throttle_flags is None or after.throttle_flags is None:
        return None
    fresh = (after.throttle_flags & ~before.throttle_flags) >> PAST_SHIFT
    reasons = describe_throttling(before.throttle_flags | after.throttle_flags | fresh)
    if not reasons:
        return None
    return Caveat(code="throttled", text=f"the board's firmware reports {reasons} in the session")
