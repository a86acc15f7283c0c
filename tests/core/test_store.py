import contextlib
import dataclasses
import multiprocessing
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pocketbench.core import database
from pocketbench.core import store as store_module
from pocketbench.core.database import DATABASE_VARIABLE, parse_url
from pocketbench.core.errors import EnvironmentFault, FileFault, MissingPackageError, UsageError
from pocketbench.core.jsonio import dump_record
from pocketbench.core.records import Accuracy, RunResult
from pocketbench.core.store import DeviceRun, Store
from tests.core.samples import ARTIFACT, MEASUREMENT, RESULT, SPEC, draw_record, make_failed_result, make_result
from tests.core.store_writer import append_many

ACCURACY = Accuracy(
    backbone="mobilenet_v2",
    block="ca",
    width_ratio=1.0,
    reduction_ratio=32,
    artifact_sha256=None,
    dataset="ImageNet",
    split="val",
    image_count=50_000,
    top1_fraction=0.743,
    top5_fraction=None,
    origin="published",
    source="a paper",
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "new folder" / "results.sqlite"))


def other_model(**changes):
    spec = dataclasses.replace(ARTIFACT.spec, block=None, reduction_ratio=None, gate=None)
    artifact = dataclasses.replace(ARTIFACT, spec=spec, format="onnx", sha256="b" * 64)
    plan = dataclasses.replace(RESULT.plan, engine="onnxruntime", thread_count=2)
    return make_result(artifact=artifact, plan=plan, run_id="another", git_commit=None, **changes)


def stored_sessions(store):
    return [result.session_index for result in store.read_results()]


def test_what_was_appended_is_read_back_in_order(store):
    source = random.Random(1)
    results = []
    for index in range(30):
        drawn = draw_record(RunResult, source)
        artifact = dataclasses.replace(drawn.artifact, spec=source.choice([SPEC, None]))
        results.append(dataclasses.replace(drawn, session_index=index, plan=RESULT.plan, artifact=artifact))
    for result in results:
        store.append(result)
    assert store.read_results() == results


def test_reading_makes_no_file(store):
    assert store.read_results() == []
    assert list(store.stream_results()) == []
    assert store.count_results() == 0
    assert store.read_values("model") == []
    assert store.read_progress("key") is None
    assert len(store.results_frame()) == 0
    assert not Path(store.place).parent.exists()


def test_accuracies_are_read_by_the_files_that_they_are_of(store):
    first, other, again = (
        dataclasses.replace(ACCURACY, artifact_sha256=sha256, top1_fraction=top1, origin="measured")
        for sha256, top1 in (("a" * 64, 0.7), ("b" * 64, 0.6), ("a" * 64, 0.71))
    )
    assert store.read_accuracies() == store.read_accuracies(["a" * 64]) == []
    store.append(first, RESULT, other, again, ACCURACY)
    assert store.read_accuracies() == [first, other, again, ACCURACY]
    assert store.read_accuracies(["a" * 64, "c" * 64]) == [first, again]
    assert store.read_accuracies([]) == []


def test_an_empty_file_is_an_empty_store(store):
    Path(store.place).parent.mkdir()
    Path(store.place).touch()
    assert store.read_results() == []
    store.append(RESULT)
    assert store.read_results() == [RESULT]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 3),
        ({"model": "mobilenet_v2_1.0_ca32_224"}, 2),
        ({"model": "mobilenet_v2_1.0_224"}, 1),
        ({"backbone": "mobilenet_v2"}, 3),
        ({"block": "ca"}, 2),
        ({"block": None}, 1),
        ({"format": "onnx"}, 1),
        ({"engine": "onnxruntime"}, 1),
        ({"engine": "onnx"}, 0),
        ({"thread_count": 1}, 2),
        ({"device_id": "host"}, 3),
        ({"run_id": "another"}, 1),
        ({"session_index": 5}, 1),
        ({"artifact_sha256": "b" * 64}, 1),
        ({"git_commit": "0123abc"}, 2),
        ({"failed": True}, 1),
        ({"failed": False}, 2),
        ({"failed": False, "format": "tflite"}, 1),
        ({"model": "x' OR 1=1 --"}, 0),
    ],
)
def test_filters_narrow(store, filters, count):
    store.append(RESULT, make_failed_result(session_index=5))
    store.append(other_model(), ACCURACY, ARTIFACT)
    assert len(store.read_results(**filters)) == count
    assert store.count_results(**filters) == count


@pytest.mark.parametrize("filters", [{}, {"model": "mobilenet_v2_1.0_ca32_224"}, {"failed": False}, {"limit": 3}])
def test_a_stream_gives_what_reading_gives(store, monkeypatch, filters):
    monkeypatch.setattr(store_module, "ROWS_AT_ONCE", 2)
    store.append(RESULT, other_model(), make_failed_result(), ACCURACY, RESULT, other_model(), RESULT)
    assert list(store.stream_results(**filters)) == store.read_results(**filters)


def test_a_stream_can_leave_out_what_names_no_commit(store):
    store.append(RESULT, other_model(), make_result(session_index=4))
    assert [result.session_index for result in store.stream_results(has_commit=True)] == [0, 4]
    assert list(store.stream_results(has_commit=True, git_commit=None)) == []
    assert store.read_results(git_commit=None) == [other_model()]


def test_a_stream_does_not_keep_others_from_writing(store):
    store.append(*[make_result(session_index=index) for index in range(3)])
    seen = []
    for result in store.stream_results():
        seen.append(result.session_index)
        store.append(make_result(session_index=9))
    assert seen == [0, 1, 2]


def test_the_results_of_runs_are_read_run_by_run(store, monkeypatch):
    monkeypatch.setattr(store_module, "ROWS_AT_ONCE", 2)
    store.append(RESULT, other_model(), ACCURACY, make_result(session_index=1), other_model(session_index=1), RESULT)
    store.append(make_result(device=dataclasses.replace(RESULT.device, device_id="elsewhere")))
    mine, others = (DeviceRun(device_id="host", run_id=run_id) for run_id in (RESULT.run_id, "another"))
    assert list(store.stream_runs([others, mine])) == [
        *store.read_results(run_id="another"),
        *store.read_results(run_id=RESULT.run_id, device_id="host"),
    ]
    assert len(list(store.stream_runs([others, mine]))) == 5
    assert list(store.stream_runs([])) == []
    assert list(store.stream_runs([DeviceRun(device_id="host", run_id="none")])) == []


def test_what_is_replaced_meanwhile_is_left_out(store, monkeypatch):
    monkeypatch.setattr(store_module, "ROWS_AT_ONCE", 1)
    store.append(RESULT, other_model(), make_result(session_index=2))
    stream = store.stream_results()
    assert next(stream) == RESULT
    store.replace_imports([other_model()], make_result(session_index=7))
    assert [result.session_index for result in stream] == [2]
    assert stored_sessions(store) == [0, 2, 7]


def test_limit_keeps_the_newest_in_order(store):
    store.append(*[make_result(session_index=index) for index in range(5)])
    assert [result.session_index for result in store.read_results(limit=2)] == [3, 4]
    assert len(store.read_results(limit=99)) == 5


def test_values_of_a_column(store):
    store.append(RESULT, other_model(), RESULT, ACCURACY)
    assert store.read_values("engine") == ["litert", "onnxruntime"]
    assert store.read_values("git_commit") == ["0123abc"]


def test_a_file_name_that_is_not_utf8_is_kept(store):
    artifact = dataclasses.replace(ARTIFACT, spec=None, file_name="m\udcff.tflite")
    store.append(make_result(artifact=artifact))
    assert store.read_results()[0].artifact.file_name == "m\udcff.tflite"
    assert store.read_values("model") == ["m\\udcff"]


def test_a_file_without_a_spec_is_named_after_the_file():
    assert (
        dataclasses.replace(ARTIFACT, spec=None, file_name="light_resnet50.v1.onnx").model_name == "light_resnet50.v1"
    )


def test_the_frame_summarises_settled_samples(store):
    store.append(RESULT, make_failed_result(session_index=1))
    frame = store.results_frame()
    good, bad = frame.to_dict("records")
    # MEASUREMENT: bursts of 4, of which 2 settle; 2, 4, 3 and 5 ms are left
    assert good["median_ms"] == pytest.approx(3.5)
    assert good["p90_ms"] == pytest.approx(4.7)
    assert good["cpu_median_ms"] == pytest.approx(2.5)
    assert (good["n"], good["load_ms"], good["first_ms"], good["peak_rss_mb"]) == (4, 50.0, 30.0, 90.0)
    assert (good["model"], good["engine"], good["threads"]) == ("mobilenet_v2_1.0_ca32_224", "litert", 1)
    assert good["caveats"] == "busy"
    assert bad["failure"] == "timeout: no answer in 120 s"
    assert frame.loc[1, ["median_ms", "p90_ms", "n", "cpu_median_ms", "load_ms", "peak_rss_mb"]].isna().all()


def test_a_measurement_without_settled_samples_has_no_median(store):
    short = dataclasses.replace(MEASUREMENT, wall_ns=(1,), cpu_ns=(1,))
    store.append(make_result(measurement=short))
    frame = store.results_frame()
    assert frame["n"].tolist() == [0]
    assert frame["median_ms"].isna().all()


def test_an_interrupted_run_is_continued_and_a_finished_one_is_not(store):
    run_id = store.begin_run("key", 4)
    store.append(make_result(run_id=run_id), other_model())
    store.append(make_result(run_id=run_id, session_index=2))
    assert store.begin_run("key", 4) == run_id
    assert store.begin_run("another key", 4) != run_id
    progress = store.read_progress("key")
    assert (progress.run_id, progress.finished, progress.expected_result_count) == (run_id, False, 4)
    assert progress.result_count == 2
    store.finish_run(run_id)
    assert store.read_progress("key").finished
    second = store.begin_run("key", 4)
    assert second != run_id
    assert store.read_progress("key").result_count == 0


def test_records_of_one_call_are_stored_all_or_none(store):
    store.append(RESULT)
    broken = make_result(plan=dataclasses.replace(RESULT.plan, cooldown_s=float("nan")))
    with pytest.raises(ValueError, match="JSON compliant"):
        store.append(make_result(session_index=1), broken)
    assert stored_sessions(store) == [0]


def run_writers(url, writers, count):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=append_many, args=(url, writer, count)) for writer in range(writers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * writers


def test_concurrent_writers_lose_nothing(store):
    """They also race for creating the file and its tables."""
    run_writers(store.place, 3, 25)
    for writer in range(3):
        found = store.read_results(run_id=f"writer {writer}")
        assert [result.session_index for result in found] == list(range(25))


def test_a_locked_database_is_an_error_that_says_so(store, monkeypatch):
    store.append(RESULT)
    monkeypatch.setattr(database, "WAIT_FOR_WRITERS_S", 0.05)
    with contextlib.closing(sqlite3.connect(store.place, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EnvironmentFault, match="is locked"):
            Store(store.place).append(RESULT)
        with pytest.raises(EnvironmentFault, match="is locked"):
            Store(store.place).read_results()
    store.append(RESULT)
    assert len(store.read_results()) == 2


def run_code(code, *prefix):
    """What a fresh process prints that runs `code`."""
    start = (
        "from pocketbench.core.errors import EnvironmentFault\nfrom pocketbench.core.store import Store\n"
        "from tests.core.samples import RESULT\n"
    )
    command = [*prefix, sys.executable, "-c", start + code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_read_only_database_is_read_and_not_written(tmp_path):
    folder = tmp_path / "folder"
    path = folder / "results.sqlite"
    Store(str(path)).append(RESULT)
    path.chmod(0o444)
    folder.chmod(0o555)
    # root writes everywhere, unless that right is taken from the process
    prefix = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.getuid() == 0 else []
    code = f"""
store = Store({str(path)!r})
print(len(store.read_results()))
for refused in (store, Store({str(folder / "deeper" / "new.sqlite")!r})):
    try:
        refused.append(RESULT)
    except EnvironmentFault as error:
        print(error.what)
"""
    try:
        count, refused, new = run_code(code, *prefix).splitlines()
    finally:
        folder.chmod(0o755)
    assert count == "1"
    assert "can't open" in refused
    assert "readonly" in refused
    assert "can't open" in new
    assert "Permission denied" in new


def test_a_full_disk_is_an_error_and_loses_no_old_row(store):
    """A process that may write at most 256 kB to a file stands for a full disk."""
    store.append(RESULT)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (262144, {resource.RLIM_INFINITY}))
try:
    Store({store.place!r}).append(*[RESULT] * 1000)
except EnvironmentFault as error:
    print(error.what, error.cure)
"""
    out = run_code(code)
    assert "can't write" in out
    assert "free some space" in out
    assert stored_sessions(store) == [0]


@pytest.mark.parametrize(
    "content", [b"this is a text file, and no database at all", b"SQLite format 3\x00" + b"\xff" * 200]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "results.sqlite"
    path.write_bytes(content)
    for act in (lambda store: store.append(RESULT), lambda store: store.read_results()):
        with pytest.raises(FileFault, match=r"results\.sqlite"):
            act(Store(str(path)))
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.sqlite"]


def test_the_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "places.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    for act in (lambda store: store.append(RESULT), lambda store: store.read_results()):
        with pytest.raises(FileFault, match="another program"):
            act(Store(str(path)))


def test_a_database_of_a_newer_version_is_refused(store):
    store.append(RESULT)
    with contextlib.closing(sqlite3.connect(store.place)) as other:
        other.execute("UPDATE pocketbench_schema SET version = 3")
        other.commit()
    for act in (lambda: store.append(RESULT), store.read_results, lambda: store.begin_run("key", 1)):
        with pytest.raises(FileFault, match="schema 3") as caught:
            act()
        assert "update pocketbench" in caught.value.cure


FIRST_SCHEMA = """
CREATE TABLE pocketbench_schema (version INTEGER NOT NULL);
INSERT INTO pocketbench_schema VALUES (1);
CREATE TABLE pocketbench_records (id {id} PRIMARY KEY, kind VARCHAR(40) NOT NULL, written_at VARCHAR(40) NOT NULL,
  run_id TEXT, model TEXT, backbone TEXT, block TEXT, format TEXT, engine TEXT, device_id TEXT, artifact_sha256 TEXT,
  git_commit TEXT, session_index INTEGER, thread_count INTEGER, failed BOOLEAN, record TEXT NOT NULL);
CREATE TABLE pocketbench_runs (id {id} PRIMARY KEY, run_id VARCHAR(60) NOT NULL UNIQUE, run_key TEXT NOT NULL,
  started_at VARCHAR(40) NOT NULL, expected_result_count INTEGER NOT NULL, finished BOOLEAN NOT NULL);
"""
FIRST_RESULTS = [make_result(session_index=0), make_failed_result(session_index=1), make_result(session_index=2)]


def first_rows():
    """What the first version of the schema held of FIRST_RESULTS: the samples in the JSON."""
    return [
        ("RunResult", "2026", result.run_id, result.session_index, result.failure is not None, dump_record(result))
        for result in FIRST_RESULTS
    ]


def make_first_database(path):
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript(FIRST_SCHEMA.format(id="INTEGER NOT NULL"))
        names = "kind, written_at, run_id, session_index, failed, record"
        other.executemany(f"INSERT INTO pocketbench_records ({names}) VALUES (?, ?, ?, ?, ?, ?)", first_rows())
        other.commit()


def test_a_database_of_the_first_schema_is_read_and_not_changed(store):
    make_first_database(store.file)
    content = store.file.read_bytes()
    assert store.read_results() == FIRST_RESULTS
    assert store.read_results(limit=1) == FIRST_RESULTS[2:]
    assert store.count_results(failed=True) == 1
    assert store.read_progress("key") is None
    assert store.file.read_bytes() == content


def test_a_database_of_the_first_schema_is_written_on(store):
    make_first_database(store.file)
    store.append(make_result(session_index=3))
    assert store.read_results() == [*FIRST_RESULTS, make_result(session_index=3)]
    with contextlib.closing(sqlite3.connect(store.file)) as other:
        assert other.execute("SELECT version FROM pocketbench_schema").fetchall() == [(2,)]
        packed = [row[0] for row in other.execute("SELECT samples IS NOT NULL FROM pocketbench_records ORDER BY id")]
    assert packed == [0, 0, 0, 1]
    store.append(RESULT)
    assert store.count_results() == 5


def test_a_write_that_fails_leaves_the_first_schema(store):
    make_first_database(store.file)
    broken = make_result(plan=dataclasses.replace(RESULT.plan, cooldown_s=float("nan")))
    with pytest.raises(ValueError, match="JSON compliant"):
        store.append(broken)
    assert store.read_results() == FIRST_RESULTS


def test_damaged_samples_are_named_by_their_record(store):
    store.append(RESULT)
    with contextlib.closing(sqlite3.connect(store.place)) as other:
        other.execute("UPDATE pocketbench_records SET samples = substr(samples, 1, 20)")
        other.commit()
    with pytest.raises(FileFault, match="record 1: damaged samples"):
        store.read_results()


def test_a_record_of_a_newer_version_is_refused_by_its_number(store):
    store.append(RESULT)
    with contextlib.closing(sqlite3.connect(store.place)) as other:
        other.execute("""UPDATE pocketbench_records SET record = replace(record, '"format": 1', '"format": 2')""")
        other.commit()
    with pytest.raises(FileFault, match="record 1: format 2"):
        store.read_results()


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(EnvironmentFault, match="can't open"):
        Store(str(tmp_path)).read_results()


def test_the_argument_comes_before_the_variable_before_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(DATABASE_VARIABLE, raising=False)
    assert Store().place == str(Path("out") / "results.sqlite")
    monkeypatch.setenv(DATABASE_VARIABLE, str(tmp_path / "b.sqlite"))
    assert Store().place == str(tmp_path / "b.sqlite")
    assert Store(f"sqlite:///{tmp_path}/c.sqlite").place == str(tmp_path / "c.sqlite")


@pytest.mark.parametrize(
    "text", ["sqlite://", "sqlite:///:memory:", "mysql://a/b", "http://a", "://", "sqlite:///f?x=1"]
)
def test_a_url_that_keeps_no_results_is_refused(text):
    with pytest.raises(UsageError):
        Store(text)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_postgresql_url_takes_psycopg(scheme):
    assert parse_url(f"{scheme}://u:secret@h/d").drivername == "postgresql+psycopg"


def test_a_password_is_never_shown():
    with pytest.raises(EnvironmentFault) as caught:
        Store("postgresql://me:secret@127.0.0.1:1/none").read_results()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:1/none" in caught.value.what


def test_without_the_driver_of_postgresql_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingPackageError) as caught:
        Store("postgresql://h/d")
    assert "pocketbench[postgresql]" in caught.value.cure


@pytest.fixture(scope="module")
def postgresql():
    """The URL of a PostgreSQL server of our own, on a socket in a folder of our own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert programs, "PostgreSQL is not installed: sudo apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="pocketbench-pg-", dir="/tmp"))  # short: a socket's path has 107 bytes
    as_owner = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data, control = folder / "data", programs[-1].with_name("pg_ctl")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"

    def run(*command):
        words = list(map(str, command))
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/", **as_owner)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run(programs[-1], "-D", data, "-A", "trust", "-U", "me", "--no-sync", "-E", "UTF8")
        run(control, "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://me@/postgres?host={folder}"
        finally:
            run(control, "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_postgresql_keeps_results_as_sqlite_does(postgresql):
    store = Store(postgresql)
    assert store.read_results() == []
    assert store.read_progress("key") is None
    run_writers(postgresql, 3, 10)
    assert len(store.read_results()) == 30
    run_id = store.begin_run("key", 2)
    store.append(make_result(run_id=run_id), other_model(), make_failed_result(), ACCURACY)
    assert store.read_results(run_id=run_id) == [make_result(run_id=run_id)]
    assert store.read_results(failed=True) == [make_failed_result()]
    assert store.read_progress("key").result_count == 1
    assert store.begin_run("key", 2) == run_id
    store.finish_run(run_id)
    assert store.begin_run("key", 2) != run_id
    assert store.results_frame(engine="onnxruntime")["median_ms"].tolist() == [3.5]


@pytest.mark.slow
def test_postgresql_brings_the_first_schema_up_to_date(postgresql):
    import sqlalchemy as sa

    admin = sa.create_engine(parse_url(postgresql), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE first"))
    admin.dispose()
    url = postgresql.replace("/postgres?", "/first?")
    names = ("kind", "written_at", "run_id", "session_index", "failed", "record")
    insert = f"INSERT INTO pocketbench_records ({', '.join(names)}) VALUES (:{', :'.join(names)})"
    admin = sa.create_engine(parse_url(url))
    with admin.begin() as connection:
        connection.execute(sa.text(FIRST_SCHEMA.format(id="SERIAL")))
        connection.execute(sa.text(insert), [dict(zip(names, row, strict=True)) for row in first_rows()])
    admin.dispose()
    store = Store(url)
    assert store.read_results() == FIRST_RESULTS
    run_writers(url, 3, 2)
    assert store.read_results()[:3] == FIRST_RESULTS
    assert store.count_results() == 9


@pytest.mark.slow
def test_postgresql_refusals_are_ours(postgresql):
    import sqlalchemy as sa

    store = Store(postgresql)
    store.append(RESULT)
    admin = sa.create_engine(parse_url(postgresql), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE ROLE guest LOGIN"))
    with pytest.raises(EnvironmentFault, match="permission denied"):
        Store(postgresql.replace("me@", "guest@")).append(RESULT)
    with pytest.raises(EnvironmentFault, match="does not exist"):
        Store(postgresql.replace("/postgres", "/nothing")).read_results()
    with admin.connect() as connection:
        connection.execute(sa.text("ALTER ROLE me SET default_transaction_read_only = on"))
    with pytest.raises(EnvironmentFault, match="read-only transaction"):
        Store(postgresql).append(RESULT)
    admin.dispose()
