"""The errors a user can meet. Each says what happened and what to try; the command line prints those two lines.

    PocketbenchError                exit code
    |-- UsageError                  2   the command, a suite or an option is wrong
    |   |-- UnknownNameError        2   a name that no registry knows; carries the nearest valid one
    |   `-- SuiteError              2   a suite or devices.toml breaks the rules; names file and key
    `-- EnvironmentFault            3   the machine, a package, a file or a device is in the way
        |-- MissingPackageError     3   an optional package is not installed
        |-- FileFault               3   a file can't be read or written, or is not what it claims to be
        |-- ModelFault              3   a user's model can't be built, traced or run
        |-- ConversionError         3   a converter refused a model
        |-- ParityError             3   a converted file does not compute what the model computes
        |-- MeasurementFault        3   a runtime crashed, hung or refused a model
        `-- DeviceFault             3   a device can't be reached, is in use, or is in no state to measure on

Exit codes of the command: 0 pass, 1 a bug of ours (with traceback), 2 usage, 3 environment, 4 regressed, or nothing
within the budget, 5 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PocketbenchError(Exception):
    """What happened (`what`, with the value seen) and what to try (`cure`)."""

    exit_code = 1

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what, cure)
        self.what = one_line(what)
        self.cure = one_line(cure)

    def __str__(self) -> str:
        return f"{self.what} ({self.cure})"


class UsageError(PocketbenchError):
    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is not registered.

    Args:
        kind: what was looked for, as a noun: "engine", "attention block".
        name: what the user wrote.
        known: every valid name.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(f"there is no {kind} {name!r}", nearest_name_hint(name, names))
        self.name = name


class SuiteError(UsageError):
    pass


class EnvironmentFault(PocketbenchError):
    exit_code = 3


class MissingPackageError(EnvironmentFault):
    pass


class FileFault(EnvironmentFault):
    pass


class ModelFault(EnvironmentFault):
    pass


class ConversionError(EnvironmentFault):
    pass


class ParityError(EnvironmentFault):
    pass


class MeasurementFault(EnvironmentFault):
    pass


class DeviceFault(EnvironmentFault):
    pass


def one_line(text: str, limit: int = 400) -> str:
    """The text on one line, at most `limit` characters: a foreign message may hold pages."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def nearest_name_hint(name: str, names: list[str]) -> str:
    """'did you mean ...' for a close name, the whole list for a short one."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}? Known: {', '.join(names)}"
    return f"known: {', '.join(names)}" if names else "none is registered"
