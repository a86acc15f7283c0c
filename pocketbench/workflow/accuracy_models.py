"""Judge files by a data set: what is known already, and where results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketbench.accuracy.classifier import MIL_INTERPRETER
from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.datasets.dataset import DataSet
from pocketbench.core.errors import FileFault, PocketbenchError, UsageError
from pocketbench.core.jsonio import parse_record, to_plain
from pocketbench.core.model_files import SUFFIXES, hash_model_file
from pocketbench.core.paired_accuracies import count_chosen
from pocketbench.core.records import Accuracy, Preprocessing
from pocketbench.core.store import Store
from pocketbench.profile.catalog import ENGINES, host_refusal
from pocketbench.workflow.accuracy_framing import SPLIT, frame_for
from pocketbench.workflow.accuracy_request import AccuracyRequest
from pocketbench.workflow.engine_choice import find_host_engine, list_fitting_engines
from pocketbench.workflow.reply_process import ReplyProcess

Progress = Callable[[AccuracyRequest, int, int], None]
"""Called with a file, how many of its pictures are done, and how many there are."""


@dataclass(kw_only=True)
class AccuracyOutcome:
    """What came of the requests; `accuracies` are in their order, without those that failed. `unreadable` are the
    pictures that could not be read this time, by name and reason."""

    accuracies: list[tuple[AccuracyRequest, Accuracy]] = field(default_factory=list)
    measured_count: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[Path, PocketbenchError]] = field(default_factory=list)


def measure_accuracies(
    requests: Sequence[AccuracyRequest], data: str, store: Store, thread_count: int, on_progress: Progress
) -> AccuracyOutcome:
    """Judge each file that is not known with this data, subset and preprocessing; store each when it is done.

    Raises:
        UnknownNameError, FileFault: when the data set can't be opened.
        FileFault, EnvironmentFault: when the results can't be stored.
    """
    dataset = open_dataset(data, SPLIT)
    outcome = AccuracyOutcome()
    known = store.read_accuracies({request.artifact.sha256 for request in requests})
    process = ReplyProcess(
        "pocketbench.workflow.accuracy_worker",
        last="accuracy",
        activity="judging it",
        crash_cure="check the file; free memory if it was SIGKILL",
        environment={"OMP_NUM_THREADS": "1"},
    )
    try:
        for request in requests:
            try:
                engine = choose_engine(request)
                accuracy = find_known(known, request, dataset, engine)
                fresh = None if accuracy is not None else _describe(request, dataset, data, engine, thread_count)
                if fresh is not None:
                    accuracy = _measure(process, request, fresh, on_progress, outcome)
            except PocketbenchError as error:
                outcome.failures.append((request.path, error))
                continue
            assert accuracy is not None
            if fresh is not None:
                store.append(accuracy)
                known.append(accuracy)
                outcome.measured_count += 1
            outcome.accuracies.append((request, accuracy))
            on_progress(request, count_chosen(accuracy), count_chosen(accuracy))
    finally:
        process.stop()
    return outcome


def choose_engine(request: AccuracyRequest) -> str:
    """What runs a file: the engine that `pocketbench profile` takes for it; the interpreter for an .mlpackage.

    Raises: UsageError when there is none.
    """
    if request.artifact.format == "coreml":
        return MIL_INTERPRETER
    suffix = SUFFIXES[request.artifact.format]
    engine = find_host_engine(suffix)
    if engine is None:
        installs = (ENGINES.entry(name).install for name in list_fitting_engines(suffix) if host_refusal(name) is None)
        raise UsageError(f"no engine of this machine runs {suffix} files", next(filter(None, installs), "list engines"))
    return engine


def find_known(known: Sequence[Accuracy], request: AccuracyRequest, dataset: DataSet, engine: str) -> Accuracy | None:
    """The newest accuracy of this very file on this engine, by the same pictures, prepared in the same way."""
    count = len(dataset) if request.limit is None else min(request.limit, len(dataset))
    wanted = (request.artifact.sha256, dataset.sha256, dataset.name, dataset.split, count, engine)
    for accuracy in reversed(known):
        found = (
            *(accuracy.artifact_sha256, accuracy.dataset_sha256, accuracy.dataset, accuracy.split),
            *(count_chosen(accuracy), accuracy.engine),
        )
        if found == wanted and _is_prepared_alike(request, accuracy.preprocessing):
            return accuracy
    return None


def _is_prepared_alike(request: AccuracyRequest, preprocessing: Preprocessing | None) -> bool:
    if preprocessing is None or request.framing is None:
        return preprocessing is not None and request.preprocessing == preprocessing
    try:
        return frame_for(request.framing, preprocessing.channels, preprocessing.size) == preprocessing
    except UsageError:
        return False


def _describe(request: AccuracyRequest, dataset: DataSet, data: str, engine: str, thread_count: int) -> dict[str, Any]:
    """The request to the worker."""
    return {
        "path": str(request.path),
        "artifact": to_plain(request.artifact),
        "data": data,
        "dataset_sha256": dataset.sha256,
        "limit": request.limit,
        "preprocessing": to_plain(request.preprocessing) if request.preprocessing is not None else None,
        "framing": to_plain(request.framing) if request.framing is not None else None,
        "engine": engine,
        "threads": thread_count,
    }


def _measure(
    process: ReplyProcess,
    request: AccuracyRequest,
    message: dict[str, Any],
    on_progress: Progress,
    outcome: AccuracyOutcome,
) -> Accuracy:
    accuracy: Accuracy | None = None
    for reply in process.ask(message):
        if "accuracy" in reply:
            accuracy = parse_record(reply["accuracy"], Accuracy, "accuracy worker")
            outcome.unreadable.update({name: reason for name, reason in reply["unreadable"]})
        else:
            on_progress(request, reply["done"], reply["of"])
    assert accuracy is not None
    if hash_model_file(request.path) != request.artifact.sha256:
        raise FileFault("it changed while it was judged", "run the command again when nothing writes it")
    return accuracy
