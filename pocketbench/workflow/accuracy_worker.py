"""One process that judges files, a JSON line at a time: `python -m pocketbench.workflow.accuracy_worker`. A file of
anybody can crash its runtime: then this process ends, and its parent goes on with the next file.

A request: {"path": "...", "artifact": Artifact, "data": "...", "dataset_sha256": "...", "limit": 200 or null,
"preprocessing": Preprocessing or null, "framing": Framing or null, "engine": "...", "threads": 2}; one of preprocessing
and framing is given. Replies, a line each: {"done": count, "of": count} now and then, and at last {"accuracy": record
text, "unreadable": [[name, reason], ...]} or {"failure": [exit code, what, cure]}. What else is printed goes to stderr,
which the parent keeps as a log.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from pocketbench.accuracy.classifier import open_classifier
from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.datasets.dataset import DataSet
from pocketbench.accuracy.evaluate import evaluate_artifact
from pocketbench.accuracy.picture_stream import PictureStream
from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import EnvironmentFault
from pocketbench.core.jsonio import dump_record, from_plain
from pocketbench.core.paired_accuracies import choose_pictures
from pocketbench.core.records import Artifact, Preprocessing
from pocketbench.workflow.accuracy_framing import SPLIT, frame_for
from pocketbench.workflow.reply_worker import Reply, serve_requests

REPLY_INTERVAL_S = 0.1
SWITCH_INTERVAL_S = 0.0005
"""How long a thread that reads pictures may keep the one that judges them waiting for the interpreter."""


def main() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    serve_requests(lambda reply: Judge(reply).judge_within_memory)


class Judge:
    """Keeps the pictures of the last request: the next one mostly wants the same."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.dataset: tuple[str, DataSet] | None = None
        self.stream: tuple[tuple[str, Preprocessing, int | None], PictureStream] | None = None

    def judge_within_memory(self, request: dict[str, Any]) -> None:
        try:
            self.judge(request)
        except MemoryError as error:
            raise EnvironmentFault("out of memory", "close other programs, or set --threads 1") from error

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
