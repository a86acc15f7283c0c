"""The results store: records are appended, found again by what they are about, and never changed; only an import that
was ascribed to the wrong file or device can be replaced."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from pocketbench.core.database import Database, reads_samples, tables
from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.core.records import Accuracy, Artifact, RunResult
from pocketbench.core.stored_results import ResultParser, dump_result

if TYPE_CHECKING:
    import pandas
    import sqlalchemy as sa

IMPORTED = "imported-"
"""How the id of a device begins that results were imported for."""
IMPORT_KEY = ("kind", "run_id", "device_id", "artifact_sha256")
"""What tells one imported result from another."""
ROWS_AT_ONCE = 1000  # the database is read, and locked, for as long as so many rows take


class ResultFilter(TypedDict, total=False):
    """What narrows a reading: each given key must be equal; `limit` keeps the newest so many."""

    run_id: str
    session_index: int
    model: str
    backbone: str
    block: str | None
    format: str
    engine: str
    thread_count: int
    device_id: str
    artifact_sha256: str
    git_commit: str | None
    failed: bool
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run came: how many of its results are stored."""

    run_id: str
    started_at: str
    finished: bool
    expected_result_count: int
    result_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRun:
    """A run that has results of a device. What was imported has a device of its own kind, and a run a file."""

    device_id: str
    run_id: str

    @property
    def is_imported(self) -> bool:
        return self.device_id.startswith(IMPORTED)


class Store:
    """Records in a database.

    Args:
        url: see `pocketbench.core.database.Database`.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url)

    @property
    def place(self) -> str:
        """The file, or the URL without its password, for messages."""
        return self._database.place

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server."""
        return self._database.file

    def append(self, *records: RunResult | Accuracy | Artifact) -> None:
        """Store records, all of them or none.

        Raises: FileFault, EnvironmentFault.
        """
        if not records:
            return
        rows = [_row(record) for record in records]
        with self._database.writing() as connection:
            connection.execute(tables().records.insert(), rows)

    def replace_imports(self, earlier: Sequence[RunResult], result: RunResult) -> None:
        """Store an imported result in place of others, whose figures were ascribed to something else.

        Raises: FileFault, EnvironmentFault.
        """
        table = tables().records
        with self._database.writing() as connection:
            for other in earlier:
                same = [table.c[name] == value for name, value in _row(other).items() if name in IMPORT_KEY]
                connection.execute(table.delete().where(*same))
            connection.execute(table.insert(), [_row(result)])

    def read_results(self, **filters: Unpack[ResultFilter]) -> list[RunResult]:
        """The results that match, oldest first.

        Raises: FileFault (a record of a newer version, too), EnvironmentFault.
        """
        return list(self.stream_results(**filters))

    def stream_results(self, *, has_commit: bool = False, **filters: Unpack[ResultFilter]) -> Iterator[RunResult]:
        """The results that match, oldest first, a few in memory at a time; other programs can write meanwhile.

        Args:
            has_commit: leave out what was measured outside a git checkout.

        Raises: FileFault (a record of a newer version, too), EnvironmentFault.
        """
        limit = filters.pop("limit", None)
        table = tables().records
        query = _select_results((table.c.id,), filters)
        if has_commit:
            query = query.where(table.c.git_commit.is_not(None))
        with self._database.reading() as connection:
            if connection is None:
                return
            numbers = connection.scalars(query.order_by(table.c.id.desc()).limit(limit)).all()[::-1]
        yield from self._stream_numbers(numbers)

    def stream_runs(self, runs: Sequence[DeviceRun]) -> Iterator[RunResult]:
        """The results of these runs on their devices, one run after the other, oldest first."""
        table = tables().records
        numbers: list[int] = []
        with self._database.reading() as connection:
            if connection is None:
                return
            for run in runs:
                query = _select_results((table.c.id,), {"run_id": run.run_id, "device_id": run.device_id})
                numbers += connection.scalars(query.order_by(table.c.id)).all()
        yield from self._stream_numbers(numbers)

    def _stream_numbers(self, numbers: Sequence[int]) -> Iterator[RunResult]:
        """The results that have these ids, in their order."""
        parser = ResultParser()
        place = self.place
        for start in range(0, len(numbers), ROWS_AT_ONCE):
            wanted = numbers[start : start + ROWS_AT_ONCE]
            rows = {number: (text, packed) for number, text, packed in self._read_rows(wanted)}
            for number in wanted:
                if number in rows:  # else another program replaced it meanwhile
                    yield parser.parse(*rows.pop(number), f"{place}, record {number}")

    def _read_rows(self, numbers: Sequence[int]) -> Sequence[Any]:
        """The rows of results that have these ids, in any order."""
        import sqlalchemy as sa

        table = tables().records
        least, most = min(numbers), max(numbers)
        # most runs were written in one go, and a range is asked for faster than a thousand numbers
        is_range = most - least + 1 == len(numbers)
        chosen = table.c.id.between(least, most) if is_range else table.c.id.in_(numbers)
        with self._database.reading() as connection:
            if connection is None:
                return []
            samples = table.c.samples if reads_samples(connection) else sa.null().label("samples")
            query = _select_results((table.c.id, table.c.record, samples), {})
            return connection.execute(query.where(chosen)).all()

    def read_accuracies(self, artifact_sha256s: Collection[str] | None = None) -> list[Accuracy]:
        """The accuracies of these files (None: all that are stored), oldest first.

        Raises: FileFault (a record of a newer version, too), EnvironmentFault.
        """
        import sqlalchemy as sa

        table = tables().records
        query = sa.select(table.c.id, table.c.record).where(table.c.kind == Accuracy.__name__)
        if artifact_sha256s is not None:
            query = query.where(table.c.artifact_sha256.in_(artifact_sha256s))
        with self._database.reading() as connection:
            rows = [] if connection is None else connection.execute(query.order_by(table.c.id)).all()
        return [parse_record(text, Accuracy, f"{self.place}, record {number}") for number, text in rows]

    def count_results(self, **filters: Unpack[ResultFilter]) -> int:
        """How many results match, without reading them."""
        import sqlalchemy as sa

        query = _select_results((sa.func.count(),), filters)
        with self._database.reading() as connection:
            return 0 if connection is None else connection.scalar(query) or 0

    def results_frame(self, **filters: Unpack[ResultFilter]) -> pandas.DataFrame:
        """The results that match as a frame, a row a session of a cell. See `results_frame`."""
        from pocketbench.core.results_frame import results_frame

        return results_frame(self.read_results(**filters))

    def read_values(self, column: str) -> list[str]:
        """Every value of a column of `ResultFilter` among the results, sorted."""
        import sqlalchemy as sa

        table = tables().records
        cell = table.c[column]
        query = sa.select(cell).distinct().where(table.c.kind == RunResult.__name__, cell.is_not(None)).order_by(cell)
        with self._database.reading() as connection:
            return [] if connection is None else [str(value) for value in connection.scalars(query)]

    def list_runs(self, artifact_sha256s: Collection[str]) -> list[DeviceRun]:
        """The runs that have a result of one of these files, by device, newest first."""
        import sqlalchemy as sa

        table = tables().records
        newest = sa.func.max(table.c.id)
        query = (
            sa.select(table.c.device_id, table.c.run_id)
            .where(table.c.kind == RunResult.__name__, table.c.artifact_sha256.in_(artifact_sha256s))
            .group_by(table.c.device_id, table.c.run_id)
            .order_by(newest.desc())
        )
        with self._database.reading() as connection:
            rows = [] if connection is None else connection.execute(query).all()
        return [DeviceRun(device_id=device_id, run_id=run_id) for device_id, run_id in rows]

    def begin_run(self, run_key: str, expected_result_count: int) -> str:
        """The id of the key's newest run when that is not finished (go on with it), else of a run that starts now.

        Args:
            run_key: a hash of all that must be equal for a run to be continued: plan, files, device.
            expected_result_count: how many results the run has when it is finished.
        """
        with self._database.writing() as connection:
            newest = _newest_run(connection, run_key)
            if newest is not None and not newest.finished:
                return str(newest.run_id)
            now = datetime.now(UTC)
            run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
            connection.execute(
                tables()
                .runs.insert()
                .values(
                    run_id=run_id,
                    run_key=run_key,
                    started_at=_timestamp(now),
                    expected_result_count=expected_result_count,
                    finished=False,
                )
            )
            return run_id

    def read_progress(self, run_key: str) -> RunProgress | None:
        """How far the newest run of the key came; None when there is none."""
        import sqlalchemy as sa

        records = tables().records
        with self._database.reading() as connection:
            run = _newest_run(connection, run_key) if connection is not None else None
            if connection is None or run is None:
                return None
            query = sa.select(sa.func.count()).where(
                records.c.run_id == run.run_id, records.c.kind == RunResult.__name__
            )
            result_count = connection.scalar(query) or 0
        return RunProgress(
            run_id=run.run_id,
            started_at=run.started_at,
            finished=run.finished,
            expected_result_count=run.expected_result_count,
            result_count=result_count,
        )

    def finish_run(self, run_id: str) -> None:
        """Mark a run as finished: the next `begin_run` of its key starts anew."""
        runs = tables().runs
        with self._database.writing() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(finished=True))


def _select_results(columns: Sequence[Any], filters: ResultFilter) -> sa.Select[Any]:
    import sqlalchemy as sa

    table = tables().records
    query = sa.select(*columns).where(table.c.kind == RunResult.__name__)
    for name, value in filters.items():
        query = query.where(table.c[name] == value)
    return query


def _newest_run(connection: sa.Connection, run_key: str) -> sa.Row[Any] | None:
    import sqlalchemy as sa

    runs = tables().runs
    return connection.execute(
        sa.select(runs).where(runs.c.run_key == run_key).order_by(runs.c.id.desc()).limit(1)
    ).first()


def _row(record: RunResult | Accuracy | Artifact) -> dict[str, object]:
    artifact = record if isinstance(record, Artifact) else record.artifact if isinstance(record, RunResult) else None
    about: dict[str, object] = dict.fromkeys(ResultFilter.__annotations__)
    del about["limit"]
    if artifact is not None:
        about |= {
            "model": artifact.model_name,
            "backbone": artifact.spec.backbone if artifact.spec else None,
            "block": artifact.spec.block if artifact.spec else None,
            "format": artifact.format,
            "artifact_sha256": artifact.sha256,
        }
    if isinstance(record, RunResult):
        about |= {
            "run_id": record.run_id,
            "session_index": record.session_index,
            "engine": record.plan.engine,
            "thread_count": record.plan.thread_count,
            "device_id": record.device.device_id,
            "git_commit": record.git_commit,
            "failed": record.failure is not None,
        }
    if isinstance(record, Accuracy):
        about |= {"backbone": record.backbone, "block": record.block, "artifact_sha256": record.artifact_sha256}
    about = {name: _escape(value) if isinstance(value, str) else value for name, value in about.items()}
    text, packed = dump_result(record) if isinstance(record, RunResult) else (dump_record(record), None)
    written_at = _timestamp(datetime.now(UTC))
    return about | {"kind": type(record).__name__, "written_at": written_at, "record": text, "samples": packed}


def _escape(text: str) -> str:
    """The text with what databases refuse written out: the bytes of a name that is not UTF-8 (\\udcXX), and NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
