"""The numbered notes under a table: each text once, however many cells refer to it."""

from __future__ import annotations


class NoteList:
    """Collects notes while a table is made. `texts` are in the order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def add(self, text: str) -> int:
        """The index of the note with this text, new or known."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._numbers)
