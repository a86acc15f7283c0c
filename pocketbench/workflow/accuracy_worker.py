"""One process that judges files, a JSON line at a time: `python -m pocketbench.workflow.accuracy_worker`. A file of
anybody can crash its runtime: then this process ends, and its parent goes on with the next file.

A request: {"path": "...", "artifact": Artifact, "data": "...", "dataset_sha256": "...", "limit": 200 or null,
"preprocessing": Preprocessing or null, "framing": Framing or null, "engine": "...", "threads": 2}; one of preprocessing
and framing is given. Replies, a line each: {"done": count, "of": count} now and then, and at last {"accuracy": record
text, "unreadable": [[name, reason], ...]} or {"failure": [exit code, what, cure]}. What else is printed goes to stderr,
which the parent keeps as a log.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pocketbench.accuracy.classifier import open_classifier
from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.datasets.dataset import DataSet
from pocketbench.accuracy.evaluate import evaluate_artifact
from pocketbench.accuracy.picture_stream import PictureStream
from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import EnvironmentFault, PocketbenchError
from pocketbench.core.jsonio import dump_record, from_plain
from pocketbench.core.paired_accuracies import choose_pictures
from pocketbench.core.records import Artifact, Preprocessing
from pocketbench.workflow.accuracy_framing import SPLIT, frame_for

REPLY_INTERVAL_S = 0.1
SWITCH_INTERVAL_S = 0.0005
"""How long a thread that reads pictures may keep the one that judges them waiting for the interpreter."""

Reply = Callable[[dict[str, Any]], None]


def main() -> None:
    # the parent decides when to stop: Ctrl-C reaches the whole process group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")

    judge = Judge(reply)
    for line in sys.stdin:
        try:
            judge.judge(json.loads(line))
        except PocketbenchError as error:
            reply({"failure": [error.exit_code, error.what, error.cure]})
        except MemoryError:
            reply(
                {"failure": [EnvironmentFault.exit_code, "out of memory", "close other programs, or set --threads 1"]}
            )


class Judge:
    """Keeps the pictures of the last request: the next one mostly wants the same."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.dataset: tuple[str, DataSet] | None = None
        self.stream: tuple[tuple[str, Preprocessing, int | None], PictureStream] | None = None

    def judge(self, request: dict[str, Any]) -> None:
        artifact = from_plain(request["artifact"], Artifact, "request", "artifact")
        path = Path(request["path"])
        classifier = open_classifier(path, artifact.format, request["engine"])
        if request["preprocessing"] is not None:
            preprocessing = from_plain(request["preprocessing"], Preprocessing, "request", "preprocessing")
        else:
            framing = from_plain(request["framing"], Framing, "request", "framing")
            preprocessing = frame_for(framing, classifier.input.channels, classifier.input.size)
        stream = self.find_stream(request["data"], preprocessing, request["limit"])
        last_reply_s = time.monotonic()

        def report(done: int) -> None:
            nonlocal last_reply_s
            now = time.monotonic()
            if now - last_reply_s >= REPLY_INTERVAL_S:
                last_reply_s = now
                self.reply({"done": done, "of": len(stream)})

        self.reply({"done": 0, "of": len(stream)})
        evaluation = evaluate_artifact(
            classifier, path, artifact, stream, request["dataset_sha256"], request["threads"], report
        )
        self.reply({"accuracy": dump_record(evaluation.accuracy), "unreadable": evaluation.unreadable})

    def find_stream(self, text: str, preprocessing: Preprocessing, limit: int | None) -> PictureStream:
        if self.dataset is None or self.dataset[0] != text:
            self.dataset = text, open_dataset(text, SPLIT)
        dataset = self.dataset[1]
        key = (text, preprocessing, limit)
        if self.stream is None or self.stream[0] != key:
            self.stream = key, PictureStream(dataset, choose_pictures(len(dataset), limit), preprocessing)
        return self.stream[1]


if __name__ == "__main__":
    main()
