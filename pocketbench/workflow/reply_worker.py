"""The worker's end of a `reply_process`: a JSON line a request, JSON lines back."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pocketbench.core.errors import PocketbenchError

Reply = Callable[[dict[str, Any]], None]


def serve_requests(make_handler: Callable[[Reply], Callable[[dict[str, Any]], None]]) -> None:
    """Handle the requests on stdin until it ends; an error that a user can meet becomes the reply
    {"failure": [exit code, what, cure]}. What else is printed goes to stderr, which the parent keeps as a log.

    Args:
        make_handler: called once with what sends a reply; gives what handles a request.
    """
    # the parent decides when to stop: Ctrl-C reaches the whole process group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")

    handle = make_handler(reply)
    for line in sys.stdin:
        try:
            handle(json.loads(line))
        except PocketbenchError as error:
            reply({"failure": [error.exit_code, error.what, error.cure]})
