"""What the trainings of a suite left: the weights of its models, and what every seed reached.

`pocketbench train` writes to out/train. A suite can come with trainings of its own: in a folder of its name beside its
file stand weights, laid out as in out/train, and trainings.jsonl, the record of a training a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pocketbench.accuracy.training_record import Training
from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import parse_record
from pocketbench.core.records import ModelSpec, TrainedAccuracy
from pocketbench.workflow.model_specs import add_checkpoint
from pocketbench.workflow.suites import Suite, read_suite
from pocketbench.workflow.train_models import find_training, list_requests

TRAIN_FOLDER = Path("out/train")
RECORDS = "trainings.jsonl"
MAX_RECORDS_BYTES = 100_000_000


def read_trained_suite(name: str) -> Suite:
    """The suite with the weights of its first seed; a suite without a [train] table is as its file says.

    Raises:
        UnknownNameError, SuiteError, FileFault: see `read_suite`.
        UsageError: when a model was not trained yet.
    """
    suite = read_suite(name)
    if suite.train is None:
        return suite
    trained = find_first_trainings(suite, TRAIN_FOLDER)
    missing = [spec.name for spec in suite.models if spec not in trained]
    if missing:
        rest = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(
            f"suite {suite.name} has no trained weights of {missing[0]}{rest}", f"pocketbench train --suite {name}"
        )
    return replace(suite, models=tuple(add_checkpoint(spec, str(trained[spec][0])) for spec in suite.models))


def find_first_trainings(suite: Suite, trainings: Path) -> dict[ModelSpec, tuple[Path, Training]]:
    """The finished trainings of the suite's first seed: in `trainings`, else those that it came with.

    Raises: FileFault.
    """
    if suite.train is None:
        return {}
    found: dict[ModelSpec, tuple[Path, Training]] = {}
    for folder in (suite_folder(suite), trainings):
        for request in list_requests(suite.models, suite.train, folder, suite.train.seeds[:1]):
            training = find_training(request)
            if training is not None:
                found[request.spec] = (request.path, training)
    return found


def read_trained_accuracies(suite: Suite) -> list[TrainedAccuracy]:
    """What the suite's trainings reached, of its recipe and seeds; a training in out/train counts before one that the
    suite came with.

    Raises: FileFault when a file can't be read.
    """
    if suite.train is None:
        return []
    shipped = suite_folder(suite) / RECORDS
    trainings = [item for item in _read_records(shipped) if item.recipe == suite.train.recipe]
    raw = read_suite(str(suite.path)).models
    for request in list_requests(raw, suite.train, TRAIN_FOLDER):
        training = find_training(request)
        trainings += [] if training is None else [training]
    return [
        TrainedAccuracy(
            spec=item.spec,
            seed=item.seed,
            recipe_sha256=item.recipe_sha256,
            dataset=item.dataset,
            dataset_sha256=item.dataset_sha256,
            image_count=item.test_count,
            top1_fraction=item.top1_fraction,
        )
        for item in trainings
        if item.seed in suite.train.seeds
    ]


def suite_folder(suite: Suite) -> Path:
    return suite.path.with_suffix("")


def _read_records(path: Path) -> Iterator[Training]:
    """A training a line; nothing when there is no file. Raises: FileFault."""
    try:
        if not path.exists():
            return
        if path.stat().st_size > MAX_RECORDS_BYTES:
            raise FileFault(f"{path} is too large", f"{MAX_RECORDS_BYTES} bytes are read at most")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{path} can't be read: {error}", "take it from the suite's source again") from error
    for number, line in enumerate(lines, start=1):
        yield parse_record(line, Training, f"{path}, line {number}")
