"""Train many networks, one on each core; what is done is not trained again, what fails costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketbench.accuracy.recipe import Recipe
from pocketbench.accuracy.training_record import Training, read_training
from pocketbench.core.errors import FileFault, PocketbenchError
from pocketbench.core.jsonio import parse_record, to_plain
from pocketbench.core.model_files import open_folder
from pocketbench.core.records import ModelSpec
from pocketbench.workflow.train_process import TrainProcess
from pocketbench.workflow.train_table import TrainTable
from pocketbench.workflow.worker_pool import run_on_processes

CPU, GPU = "cpu", "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """One network, from one seed; its weights come to `path`."""

    spec: ModelSpec
    recipe: Recipe
    seed: int
    data: str
    path: Path

    @property
    def title(self) -> str:
        return f"{self.spec.name} seed {self.seed}"


Progress = Callable[[TrainRequest, float], None]
"""Called with how much of a training is done, 0 to 1. From any thread."""


@dataclass(kw_only=True)
class TrainOutcome:
    """What came of the requests; `trainings` are in their order, without those that failed."""

    trainings: list[tuple[Path, Training]] = field(default_factory=list)
    trained_count: int = 0
    failures: list[tuple[TrainRequest, PocketbenchError]] = field(default_factory=list)


def list_requests(
    models: Sequence[ModelSpec], table: TrainTable, folder: Path, seeds: Iterable[int] | None = None
) -> list[TrainRequest]:
    """Every model from every seed; all models of one seed first, so that a comparison stands early."""
    name = Path(table.data).name
    return [
        TrainRequest(
            spec=spec,
            recipe=table.recipe,
            seed=seed,
            data=table.data,
            path=folder / spec.name / f"{name}-{table.recipe.sha256[:8]}-seed{seed}.safetensors",
        )
        for seed in (table.seeds if seeds is None else seeds)
        for spec in models
    ]


def find_training(request: TrainRequest) -> Training | None:
    """What a request asked for, where it is done.

    Raises: FileFault when its file can't be read, or holds something else.
    """
    if not request.path.exists():
        return None
    training = read_training(request.path)
    wanted = (request.spec, request.recipe, request.seed)
    if training is None or (training.spec, training.recipe, training.seed) != wanted:
        raise FileFault(
            f"{request.path} holds other weights than its name says", "move it away, or choose another --out"
        )
    return training


def train_models(
    requests: Sequence[TrainRequest], folder: Path, device: str, worker_count: int, on_progress: Progress
) -> TrainOutcome:
    """Train what is not done. Needs no torch in this process. Interrupted, it goes on from the last whole epochs.

    Raises: FileFault when the folder can't be written, a finished file can't be read, or the data changed meanwhile.
    """
    open_folder(folder)
    outcome = TrainOutcome()
    found: dict[TrainRequest, Training] = {}
    waiting: list[TrainRequest] = []
    for request in requests:
        done = find_training(request)
        if done is None:
            waiting.append(request)
        else:
            found[request] = done
            on_progress(request, 1.0)
    refuse_mixed_data(found)
    if waiting:
        _run(waiting, device, min(worker_count, len(waiting)), on_progress, found, outcome)
    refuse_mixed_data(found)
    outcome.trainings = [(request.path, found[request]) for request in requests if request in found]
    outcome.failures.sort(key=lambda failure: requests.index(failure[0]))
    return outcome


def refuse_mixed_data(found: dict[TrainRequest, Training]) -> None:
    """Raises: FileFault when trainings that are to be compared had different data."""
    first: dict[str, TrainRequest] = {}
    for request, training in found.items():
        first.setdefault(training.dataset_sha256, request)
    if len(first) > 1:
        paths = " and ".join(str(request.path) for request in list(first.values())[:2])
        raise FileFault(f"{paths} were trained on different pictures", "move one of them away, or choose another --out")


def _run(
    requests: list[TrainRequest],
    device: str,
    worker_count: int,
    on_progress: Progress,
    found: dict[TrainRequest, Training],
    outcome: TrainOutcome,
) -> None:
    def work(process: TrainProcess, request: TrainRequest) -> None:
        try:
            for reply in process.train(_describe(request, device)):
                if "training" in reply:
                    found[request] = parse_record(reply["training"], Training, "training worker")
                    outcome.trained_count += 1
                    on_progress(request, 1.0)
                else:
                    on_progress(request, reply["step"] / reply["of"])
        except PocketbenchError as error:
            outcome.failures.append((request, error))

    run_on_processes([TrainProcess() for _ in range(worker_count)], requests, work)


def _describe(request: TrainRequest, device: str) -> dict[str, Any]:
    return {
        "spec": to_plain(request.spec),
        "recipe": to_plain(request.recipe),
        "seed": request.seed,
        "data": request.data,
        "path": str(request.path.absolute()),
        "device": device,
    }
