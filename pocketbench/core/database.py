"""The connection to the results database: SQLite in a file, or PostgreSQL by its URL. Foreign errors end here.

SQLite keeps its rollback journal: it works in read-only folders and on network drives, where its write-ahead log does
not. Every write takes the lock at its start and waits for other writers, so that nobody's rows are lost.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketbench.core.errors import EnvironmentFault, FileFault, MissingPackageError, PocketbenchError, UsageError

if TYPE_CHECKING:
    import sqlalchemy as sa

SCHEMA_VERSION = 2
"""1: the samples of a result stand in its JSON. 2: they are packed in a column of their own."""
OLDEST_SCHEMA = 1
"""What is still read; the first writing brings it up to date. Results that stand in it stay as they are."""
DATABASE_VARIABLE = "POCKETBENCH_DATABASE"
DEFAULT_FILE = Path("out") / "results.sqlite"
URL_CURE = f"set {DATABASE_VARIABLE} to a file path, sqlite:///FILE or postgresql://USER@HOST/NAME"
WAIT_FOR_WRITERS_S = 30.0
CONNECT_TIMEOUT_S = 10
POSTGRESQL_REFUSALS = ("42501", "25006")  # no privilege; a read-only server
_VERSION = "pocketbench_schema"  # where a connection keeps the version of what it is connected to
SCHEMA_LOCK = 0x706F636B  # the number of the PostgreSQL advisory lock that creating the tables takes


class Tables(NamedTuple):
    version: sa.Table
    records: sa.Table
    runs: sa.Table


class Database:
    """Where results are kept.

    Args:
        url: a database URL or the path of an SQLite file; None takes POCKETBENCH_DATABASE, else out/results.sqlite.

    Raises:
        UsageError: when it is neither.
        MissingPackageError: when the driver of PostgreSQL is not installed.
    """

    def __init__(self, url: str | None = None) -> None:
        import sqlalchemy as sa
        from sqlalchemy.pool import NullPool

        parsed = parse_url(url or os.environ.get(DATABASE_VARIABLE) or str(DEFAULT_FILE))
        self.file = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        self.place = str(self.file) if self.file else parsed.render_as_string(hide_password=True)
        arguments: dict[str, Any] = (
            {"timeout": WAIT_FOR_WRITERS_S} if self.file else {"connect_timeout": CONNECT_TIMEOUT_S}
        )
        try:
            self._engine = sa.create_engine(parsed, poolclass=NullPool, connect_args=arguments)
        except ImportError as error:
            cure = "use a Python that was built with sqlite3" if self.file else "pip install 'pocketbench[postgresql]'"
            raise MissingPackageError(f"{self.place} needs {error.name or 'psycopg'}", cure) from error
        if self.file:
            sa.event.listen(self._engine, "connect", _leave_transactions_to_us)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """A transaction that reads; None where nothing was stored yet (no file is made).

        Raises: FileFault, EnvironmentFault.
        """
        with _mapped_errors(self.place):
            if self.file and not self.file.exists():
                yield None
                return
            with self._engine.begin() as connection:
                yield connection if self._read_version(connection) is not None else None

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes, alone; the tables are made when they are not there.

        Raises: FileFault, EnvironmentFault.
        """
        with _mapped_errors(self.place):
            if self.file:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.execution_options(pocketbench_writes=True).begin() as connection:
                if self._read_version(connection) != SCHEMA_VERSION:
                    self._update_schema(connection)
                yield connection

    def _read_version(self, connection: sa.Connection) -> int | None:
        """The version of the schema; None where there are no tables yet."""
        import sqlalchemy as sa

        names = sa.inspect(connection).get_table_names()
        if tables().version.name not in names:
            if names and self.file:
                raise FileFault(f"{self.place} is a database of another program", URL_CURE)
            return None
        version = connection.scalar(sa.select(tables().version.c.version))
        if version is None or not OLDEST_SCHEMA <= version <= SCHEMA_VERSION:
            raise FileFault(
                f"{self.place} is a database of schema {version}, this version reads up to {SCHEMA_VERSION}",
                "update pocketbench, or name another database",
            )
        connection.info[_VERSION] = version
        return int(version)

    def _update_schema(self, connection: sa.Connection) -> None:
        """Make the tables, or what they lack since an older version."""
        import sqlalchemy as sa

        if not self.file:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SCHEMA_LOCK)))
        version = self._read_version(connection)  # once more: another process may have been first
        if version is None:
            tables().version.metadata.create_all(connection)
            connection.execute(tables().version.insert().values(version=SCHEMA_VERSION))
        elif version < SCHEMA_VERSION:
            column = tables().records.c.samples
            kind = column.type.compile(connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {tables().records.name} ADD COLUMN {column.name} {kind}"))
            connection.execute(tables().version.update().values(version=SCHEMA_VERSION))


def reads_samples(connection: sa.Connection) -> bool:
    """Whether the database of a connection that `Database` gave has the column of packed samples."""
    return bool(connection.info[_VERSION] >= SCHEMA_VERSION)


def parse_url(text: str) -> sa.URL:
    """A URL, or the path of an SQLite file, as a URL. Raises: UsageError."""
    import sqlalchemy as sa

    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UsageError("the database URL can't be read", URL_CURE) from error
    scheme = url.drivername.partition("+")[0]
    if scheme in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if scheme != "sqlite":
        raise UsageError(f"results can't be kept in {scheme!r}", URL_CURE)
    if url.database in (None, "", ":memory:") or url.query:
        raise UsageError(f"{text!r} names no file", URL_CURE)
    return url.set(drivername="sqlite")


@functools.cache
def tables() -> Tables:
    """The tables, declared at first use so that importing this module needs the standard library alone."""
    import sqlalchemy as sa

    metadata = sa.MetaData()
    version = sa.Table("pocketbench_schema", metadata, sa.Column("version", sa.Integer, nullable=False))
    records = sa.Table(
        "pocketbench_records",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False, index=True),
        sa.Column("written_at", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Text, index=True) for name in ("run_id", "model", "backbone", "block", "format")),
        *(sa.Column(name, sa.Text, index=True) for name in ("engine", "device_id", "artifact_sha256", "git_commit")),
        *(sa.Column(name, sa.Integer) for name in ("session_index", "thread_count")),
        sa.Column("failed", sa.Boolean),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("samples", sa.LargeBinary),
    )
    runs = sa.Table(
        "pocketbench_runs",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(60), nullable=False, unique=True),
        sa.Column("run_key", sa.Text, nullable=False, index=True),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("expected_result_count", sa.Integer, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )
    return Tables(version, records, runs)


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would begin too late, after the first read


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("pocketbench_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def _mapped_errors(place: str) -> Iterator[None]:
    import sqlalchemy as sa

    try:
        yield
    except OSError as error:
        raise EnvironmentFault(f"can't open {place}: {error.strerror or error}", "check the folder") from error
    except sa.exc.DBAPIError as error:
        fault = fault_of(error, place)
        if fault is None:
            raise
        raise fault from error


def fault_of(error: sa.exc.DBAPIError, place: str) -> PocketbenchError | None:
    """The error of a driver as one of ours; None for one that only a mistake of ours can cause."""
    import sqlalchemy as sa

    message = str(error.orig)
    if "not a database" in message or "malformed" in message:
        return FileFault(f"{place} is not a results database, or is damaged: {message}", f"move it away, or {URL_CURE}")
    if "locked" in message:
        return EnvironmentFault(
            f"{place} is locked: another program has been writing for {WAIT_FOR_WRITERS_S:g} s",
            "end that program (an open database browser?), then run the command again",
        )
    if "readonly" in message or "unable to open" in message:
        return EnvironmentFault(
            f"can't open {place}: {message}",
            f"check the permissions of the file and its folder, or set {DATABASE_VARIABLE} to another file",
        )
    if "full" in message or "disk I/O" in message:
        return EnvironmentFault(
            f"can't write {place}: {message}", f"free some space, or set {DATABASE_VARIABLE} to a file elsewhere"
        )
    if isinstance(error, sa.exc.OperationalError) or getattr(error.orig, "sqlstate", None) in POSTGRESQL_REFUSALS:
        return EnvironmentFault(f"{place}: {message}", f"check the server, and the URL in {DATABASE_VARIABLE}")
    return None
