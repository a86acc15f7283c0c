"""Tables whose right pick is known by construction."""

from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.records import Artifact, Failure
from pocketbench.reports.pick import make_pick
from pocketbench.reports.pick_places import choose_places
from pocketbench.reports.pick_records import Pick
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from tests.reports.synthetic import MS, make_accuracy, make_artifact, make_result, make_sessions, make_spec

CRASH = Failure(kind="crash", message="the worker was killed by SIGSEGV")


@dataclass(frozen=True)
class File:
    """A file of MobileNetV2 with a block. Its three sessions are `spread` ms apart; None as `ms` is a crash."""

    block: str | None
    ms: float | None
    top1: float | None
    spread: float = 0.02
    sessions: int = 3
    threads: int = 1
    size_bytes: int = 15_000_000


def make_file(file: File) -> Artifact:
    return make_artifact(make_spec(file.block), size_bytes=file.size_bytes)


def measure(top1: float, artifact: Artifact, **changes: object):
    known = {"origin": "measured", "dataset": "Fashion-MNIST", "split": "test", "image_count": 10_000}
    return make_accuracy(top1, **(known | {"artifact_sha256": artifact.sha256} | changes))


def build(files: Sequence[File], **settings: object) -> Table:
    artifacts, results, accuracies = [], [], []
    for file in files:
        artifact = make_file(file)
        artifacts.append(artifact)
        if file.top1 is not None:
            accuracies.append(measure(file.top1, artifact))
        if file.ms is None:
            results += [make_result(artifact, None, session=turn, failure=CRASH) for turn in range(3)]
        else:
            results += make_sessions(
                artifact,
                file.ms,
                sessions=range(file.sessions),
                threads=file.threads,
                drift=lambda session, _, spread=file.spread: spread * (session - 1),
            )
    return make_table(artifacts, results, accuracies, **settings)


def pick(table: Table, budget_ms: float, *, device: str = "host", **filters: object) -> Pick:
    places = choose_places(table.runtimes, device=device, **filters)
    return make_pick(table, places, device=device, budget_ns=budget_ms * MS)


def name(block: str | None) -> str:
    return make_artifact(make_spec(block)).file_name


def tell_fates(found: Pick) -> dict[str, str]:
    return {item.candidate.file_name: item.fate for item in found.others}
