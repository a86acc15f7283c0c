"""Top-1 and top-5 of an exported file, on the engine that it is timed on."""

from __future__ import annotations

import contextlib
import importlib.metadata
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pocketbench.accuracy.class_match import BACKGROUND_CLASSES, find_first_class
from pocketbench.accuracy.classifier import MIL_INTERPRETER, Classifier, open_classifier
from pocketbench.accuracy.picture_input import check_fits
from pocketbench.accuracy.picture_stream import PictureStream
from pocketbench.accuracy.scores import TOP5_CLASSES, count_right, rank_labels
from pocketbench.core.errors import FileFault, one_line
from pocketbench.core.paired_accuracies import pack_bits
from pocketbench.core.records import Accuracy, Artifact

SOURCE = "pocketbench"
BACKGROUND_SOURCE = f"{SOURCE}; class 0 of {BACKGROUND_CLASSES}, the background, left out"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """An accuracy, and the pictures that could not be read, by name and reason."""

    accuracy: Accuracy
    unreadable: tuple[tuple[str, str], ...]


def evaluate_artifact(
    classifier: Classifier,
    path: Path,
    artifact: Artifact,
    stream: PictureStream,
    dataset_sha256: str,
    thread_count: int = 1,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Judge a file by the pictures of a stream.

    Each thread has the file loaded for itself, with one thread of the runtime: so a score does not depend on their
    number. The interpreter of .mlpackage files has one in any case.

    Args:
        classifier: the file, opened.
        dataset_sha256: of the stream's whole data set.
        on_progress: called with the number of pictures that are done; from any thread, never by two at once.

    Raises:
        UsageError: when the labels are not the file's classes.
        FileFault: when the runtime refuses the file, pictures are prepared otherwise than it takes them, or none of
            them can be read.
        MeasurementFault: when a score is no number.
    """
    check_fits(stream.preprocessing, classifier.input)
    first = find_first_class(stream.dataset, classifier.class_count)
    others = 0 if classifier.engine == MIL_INTERPRETER else min(thread_count, len(stream)) - 1
    classifiers = [classifier] + [open_classifier(path, artifact.format, classifier.engine) for _ in range(others)]
    ranks, unreadable = _judge(classifiers, stream, first, on_progress)
    readable = len(stream) - len(unreadable)
    if readable == 0:
        name, reason = unreadable[0]
        raise FileFault(f"none of {len(stream)} pictures can be read: {name}: {one_line(reason, 150)}", "replace them")
    spec, size = artifact.spec, classifier.input.size
    has_top5 = classifier.class_count - first >= TOP5_CLASSES
    accuracy = Accuracy(
        backbone=spec.backbone if spec is not None else artifact.model_name,
        block=spec.block if spec is not None else None,
        width_ratio=spec.width_ratio if spec is not None else None,
        reduction_ratio=spec.reduction_ratio if spec is not None else None,
        artifact_sha256=artifact.sha256,
        dataset=stream.dataset.name,
        split=stream.dataset.split,
        image_count=readable,
        top1_fraction=count_right(ranks, 1) / readable,
        top5_fraction=count_right(ranks, 5) / readable if has_top5 else None,
        origin="measured",
        source=BACKGROUND_SOURCE if first else SOURCE,
        input_size=size[0] if size[0] == size[1] else None,
        dataset_sha256=dataset_sha256,
        split_count=len(stream.dataset),
        unreadable_count=len(unreadable),
        engine=classifier.engine,
        preprocessing=stream.preprocessing,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tools={**classifier.tools, **{name: importlib.metadata.version(name) for name in ("numpy", "pillow")}},
        top1_bits=pack_bits((ranks == 0).tolist()),
    )
    return Evaluation(accuracy=accuracy, unreadable=unreadable)


def _judge(
    classifiers: list[Classifier], stream: PictureStream, first: int, on_progress: Callable[[int], None]
) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """The rank of each picture's label, -1 of what can't be read; and what can't be read."""
    ranks = np.full(len(stream), -1, np.int64)
    unreadable: list[tuple[str, str]] = []
    guard, stopped = threading.Lock(), threading.Event()
    done = 0

    def judge(classifier: Classifier) -> None:
        nonlocal done
        while not stopped.is_set():
            with guard:
                block = next(blocks, None)
            if block is None:
                return
            if len(block.places):
                scores = classifier.score(block.framed, stream.preprocessing)[:, first:]
                ranks[block.places] = rank_labels(scores, block.labels)
            with guard:
                unreadable.extend(block.unreadable)
                done += len(block.places) + len(block.unreadable)
                on_progress(done)

    def judge_or_stop(classifier: Classifier) -> None:
        try:
            judge(classifier)
        except BaseException:
            stopped.set()
            raise

    with contextlib.closing(stream.read_blocks()) as blocks, ThreadPoolExecutor(len(classifiers)) as pool:
        futures = [pool.submit(judge_or_stop, classifier) for classifier in classifiers[1:]]
        judge_or_stop(classifiers[0])
    for future in futures:
        future.result()
    return ranks, tuple(sorted(unreadable))
