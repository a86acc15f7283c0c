"""What the host asks, as a stream of lines and bytes. Runs on Python 3.9 with the standard library alone."""

from __future__ import annotations

import json
import os
import select
from typing import Any

READ_BYTES = 1 << 16
MAX_LINE_BYTES = 1 << 22
# A connection that is gone without a word may look open for hours: whoever asks nothing for so long is gone.
IDLE_S = 900.0


class RequestsEnded(Exception):
    """The host is gone, or speaks another language."""


class Requests:
    """Reads a descriptor.

    Args:
        idle_s: how long the host may send nothing.
    """

    def __init__(self, descriptor: int, idle_s: float = IDLE_S) -> None:
        self.descriptor = descriptor
        self._idle_s = idle_s
        self._received = b""

    def read_request(self) -> dict[str, Any]:
        """The next line, as JSON. Raises: RequestsEnded."""
        while b"\n" not in self._received:
            if len(self._received) > MAX_LINE_BYTES:
                raise RequestsEnded
            self._received += self._read_chunk()
        line, _, self._received = self._received.partition(b"\n")
        try:
            request: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise RequestsEnded from error
        return request

    def read_piece(self, most: int) -> bytes:
        """Some of the bytes that follow a line, at least one. Raises: RequestsEnded."""
        if not self._received:
            self._received = self._read_chunk()
        piece, self._received = self._received[:most], self._received[most:]
        return piece

    def _read_chunk(self) -> bytes:
        ready, _, _ = select.select([self.descriptor], [], [], self._idle_s)
        chunk = os.read(self.descriptor, READ_BYTES) if ready else b""
        if not chunk:
            raise RequestsEnded
        return chunk
