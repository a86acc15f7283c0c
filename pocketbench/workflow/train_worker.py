"""One process that trains networks, a JSON line at a time: `python -m pocketbench.workflow.train_worker`.

A request: {"spec": ModelSpec, "recipe": Recipe, "seed": 0, "data": "...", "path": "...", "device": "cpu"}. Replies, a
line each: {"step": done, "of": count} now and then, and at last {"training": record text} or {"failure": [exit code,
what, cure]}. What else is printed goes to stderr, which the parent keeps as a log.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketbench.accuracy.recipe import Recipe, make_preprocessing
from pocketbench.core.jsonio import dump_record, from_plain
from pocketbench.core.records import ModelSpec, Preprocessing
from pocketbench.workflow.reply_worker import Reply, serve_requests

if TYPE_CHECKING:
    from pocketbench.accuracy.training_data import TrainingData

STEPS_BETWEEN_REPLIES = 10


def main() -> None:
    serve_requests(lambda reply: Trainer(reply).train)


class Trainer:
    """Keeps the data of the last request: the next one mostly wants the same."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.data: tuple[tuple[str, Preprocessing, int], TrainingData] | None = None

    def train(self, request: dict[str, Any]) -> None:
        from pocketbench.accuracy.train import TrainingJob, train_network
        from pocketbench.accuracy.training_lock import hold_training

        spec = from_plain(request["spec"], ModelSpec, "request", "spec")
        recipe = from_plain(request["recipe"], Recipe, "request", "recipe")
        path, device = Path(request["path"]), request["device"]
        prepare_device(device)
        job = TrainingJob(spec=spec, recipe=recipe, seed=request["seed"])

        def report(done: int, count: int) -> None:
            if done % STEPS_BETWEEN_REPLIES == 0:
                self.reply({"step": done, "of": count})

        data = self.find_data(request["data"], make_preprocessing(recipe, spec), spec.class_count or 0)
        with hold_training(path):
            training = train_network(job, data, path, device, report)
        self.reply({"training": dump_record(training)})

    def find_data(self, text: str, preprocessing: Preprocessing, class_count: int) -> TrainingData:
        from pocketbench.accuracy.training_data import read_training_data

        key = (text, preprocessing, class_count)
        if self.data is None or self.data[0] != key:
            self.data = key, read_training_data(*key)
        return self.data[1]


def prepare_device(device: str) -> None:
    """The same sums in the same order each time."""
    import torch

    torch.set_num_threads(1)
    if device == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False


if __name__ == "__main__":
    main()
