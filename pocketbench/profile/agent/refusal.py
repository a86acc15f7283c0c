"""The one error of the worker. Runs on Python 3.9 with the standard library alone, as all that is sent to a board."""

from __future__ import annotations


class Refusal(Exception):
    """Why the worker can't do what it was asked.

    Args:
        kind: load, run or missing_package, as in `Failure.kind`.
        message: what happened, with the value seen, and the cure where one is known.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
