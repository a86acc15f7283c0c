"""Measuring on a phone from end to end: real adb, real adbd, real inferences, and every fault that a phone may have.

None may give a wrong number, hang, or leave the phone changed. What benchmark_model printed is known from the phone
itself, so that each number is held against it.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import RunResult
from tests.devices.phone import Phone, wait_until, write_foreign_program
from tests.devices.phone_runs import (
    CACHE,
    HASTE,
    NAME,
    Bench,
    make_fast_clock,
    meanwhile,
    run_command,
    start_command,
    use_phone,
    write_devices,
)
from tests.profile.operator_files import write_tflite_convolutions
from tests.profile.tflite_files import Code, Graph, write_split_by_cumsum

pytestmark = pytest.mark.slow

EVERY_DIALECT = [("interpreter", "info"), ("interpreter-old", "none"), ("litert", "logcat")]
# memory, operators, and runs that keep the cores busy
OTHER_RUNS = ("--num_runs=1", "--report_peak_memory_footprint=true", "--enable_op_profiling=true")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [
        write_tflite_convolutions(folder / "wide.tflite", [5, 5, 5]),
        write_tflite_convolutions(folder / "narrow.tflite", [1, 3]),
    ]


@pytest.fixture(scope="module")
def model(models: list[Path]) -> Path:
    return models[0]


@pytest.fixture
def bench(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """After the test the phone has to be as it was: its screen, settings and clocks, files, processes."""
    with use_phone(phone, monkeypatch) as bench:
        before = phone.changeable_state()
        yield bench
        check_unchanged(phone, before)


def check_unchanged(phone: Phone, before: dict[str, str]) -> None:
    assert phone.changeable_state() == before
    wait_until(lambda: phone.processes() == [], f"still run: {phone.processes()}", 10)
    assert [name for name in phone.files() if not re.fullmatch(CACHE, name)] == []


def list_timed(phone: Phone) -> list[dict[str, Any]]:
    """The calls of benchmark_model that give samples."""
    return [call for call in phone.invocations() if not set(OTHER_RUNS) & set(call["arguments"])]


def read_printed(phone: Phone, model: Path | None = None) -> list[int]:
    """What the phone's timed runs printed as their samples, in ns: the median where there is one, else the mean."""
    import hashlib

    digest = hashlib.sha256(model.read_bytes()).hexdigest() if model is not None else ""
    calls = [
        call for call in list_timed(phone) if call["printed"] and any(digest in word for word in call["arguments"])
    ]
    return [round(call["printed"].get("median_us", call["printed"]["mean_us"]) * 1000) for call in calls]


def check_right(phone: Phone, result: RunResult, model: Path | None = None) -> None:
    """The samples are those of the last runs: a session that was interrupted is repeated."""
    assert result.failure is None, result.failure
    assert result.measurement is not None
    samples = list(result.measurement.wall_ns)
    assert len(samples) == result.plan.round_count
    assert samples == read_printed(phone, model)[-len(samples) :]
    assert min(samples) > 0
    assert result.device.model == "Google Pixel 4 stand-in"


# that it works


def test_devices_are_listed_and_checked(phone: Phone, tmp_path: Path) -> None:
    before = phone.changeable_state()
    write_devices(tmp_path, phone)
    listed = run_command(phone, tmp_path, "devices")
    assert listed.returncode == 0, listed.stderr
    for words in ("Pixel 4 stand-in", "SM8150", "arm64-v8a", "Android 13", "0-3 at 1.79 GHz", "4-6 at 2.42 GHz"):
        assert words in listed.stdout
    checked = run_command(phone, tmp_path, "devices", "check", NAME)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "mask 70" in checked.stdout
    check_unchanged(phone, before)


def test_checking_a_phone_that_lacks_something(phone: Phone, tmp_path: Path) -> None:
    write_devices(tmp_path, phone, engines="{}", cores='"0x700"')
    checked = run_command(phone, tmp_path, "devices", "check", NAME)
    assert checked.returncode == 3
    assert "android_aarch64_benchmark_model" in checked.stdout
    assert checked.stdout.count("MISSING") == 2
    phone.revoke_key()
    refused = run_command(phone, tmp_path, "devices", "check", NAME)
    assert refused.returncode == 3
    assert "unauthorized" in refused.stdout
    assert "accept its dialog" in refused.stdout


@pytest.mark.parametrize(("dialect", "prefix"), EVERY_DIALECT)
def test_the_command_measures_in_each_dialect(
    bench: Bench, models: list[Path], tmp_path: Path, dialect: str, prefix: str
) -> None:
    phone = bench.phone
    phone.set(dialect=dialect, prefix=prefix)
    write_devices(tmp_path, phone)
    split = write_split_by_cumsum(tmp_path / "split.tflite", 2, width=50_000)
    files = [models[0], split]
    done = run_command(
        phone, tmp_path, "profile", *map(str, files), *f"--on {NAME} --sessions 1 --rounds 2 --operators --json".split()
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 2
    for result, file in zip(found, files, strict=True):
        assert result["measurement"]["wall_ns"] == read_printed(phone, file)
        assert result["measurement"]["sample_statistic"] == ("mean" if dialect == "interpreter-old" else "median")
        assert result["plan"]["core_mask"] == 0x70
        assert result["measurement"]["peak_rss_bytes"] > 1 << 20
        assert result["conditions_before"]["battery_celsius"] == 28.0
        assert result["conditions_before"]["screen_on"] is True
        assert len(result["conditions_before"]["cores"]) == 8
        assert "stand-in" in result["device"]["model"]
    assert {call["mask"] for call in phone.invocations()} == {"70"}
    kinds = [time["operator"] for time in found[1]["operator_times"]]
    assert sum("CUMSUM" in kind for kind in kinds) == 2
    assert found[1]["coverage"]["partition_count"] == 3
    assert len(list_timed(phone)) == 4


def test_models_take_turns(bench: Bench, models: list[Path]) -> None:
    results = bench.profile(*models, round_count=4)
    for result, model in zip(results, models, strict=True):
        check_right(bench.phone, result, model)
    order = [
        next(index for index, result in enumerate(results) if any(result.artifact.sha256 in word for word in words))
        for words in (call["arguments"] for call in list_timed(bench.phone))
    ]
    assert order in ([0, 1, 1, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 0, 0, 1])


def test_a_file_is_sent_once(bench: Bench, model: Path) -> None:
    bench.profile(model)
    files = {name: (bench.phone.data / name).stat().st_mtime_ns for name in bench.phone.files()}
    assert len(files) == 3  # the folder, the model and the program
    bench.profile(model)
    assert {name: (bench.phone.data / name).stat().st_mtime_ns for name in files if "." in name} == {
        name: stamp for name, stamp in files.items() if "." in name
    }
    # one of the same name and size that holds something else is not taken for it
    (name,) = [name for name in files if name.endswith(".tflite")]
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    (bench.phone.data / name).write_bytes(content)
    (result,) = bench.profile(model)
    check_right(bench.phone, result)
    assert (bench.phone.data / name).read_bytes() == model.read_bytes()


def test_a_phone_of_the_older_android_measures_alike(
    daemons: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Phone(daemons, legacy=True) as phone, use_phone(phone, monkeypatch) as bench:
        before = phone.changeable_state()
        (result,) = bench.profile(model)
        check_right(phone, result)
        # every command ends with status 0 there, whatever became of it
        for fault, kind in (("crash", "crash"), ("exit_status", "run"), ("unlinkable", "run")):
            phone.set(fault=fault)
            (result,) = bench.profile(model)
            assert result.failure is not None, fault
            assert result.failure.kind == kind
        phone.set(fault="none")
        phone.fill_data(free_bytes=1 << 16)
        big = write_big_model(Path(phone.state) / "home/big.tflite")
        (result,) = bench.profile(big)
        assert result.failure is not None
        (phone.data / ".filler").unlink()
        check_unchanged(phone, before)


def test_a_rooted_phone_has_a_steady_clock_and_gets_its_own_back(
    daemons: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Phone(daemons, rooted=True) as phone, use_phone(phone, monkeypatch) as bench:
        before = phone.changeable_state()
        phone.set(pause_s=0.3)
        seen: list[str] = []

        def look() -> None:
            phone.wait_for_run()
            seen.extend(phone.core_file(core, "scaling_max_freq").read_text().strip() for core in (3, 4, 7))

        with meanwhile(look):
            (result,) = bench.profile(model)
        check_right(phone, result)
        # the big cores at a middle step, the others as they were
        assert seen == ["1785600", "1804800", "2841600"]
        check_unchanged(phone, before)
        phone.set(fault="crash")
        (result,) = bench.profile(model)
        assert result.failure is not None
        check_unchanged(phone, before)
        with meanwhile(lambda: (phone.wait_for_run(4), phone.vanish(), time.sleep(0.5), phone.come_back())):
            phone.set(fault="none", pause_s=1)
            (result,) = bench.profile(model)
        check_right(phone, result)
        check_unchanged(phone, before)


def test_any_name_of_a_model_is_safe(bench: Bench, model: Path, tmp_path: Path) -> None:
    phone = bench.phone
    names = [
        "a model with spaces.tflite",
        "quotes ' and \" and `ls`.tflite",
        "x; rm -rf .tflite",
        "$(touch owned) && reboot |.tflite",
        "-rf.tflite",
        "naïve-模型.tflite",
        "%s\n*?.tflite",
    ]
    paths = [tmp_path / name for name in names]
    for index, path in enumerate(paths):
        path.write_bytes(model.read_bytes() + bytes(index))  # what stands behind a model is not read
    (phone.data / "keep").mkdir()
    results = bench.profile(*paths, round_count=1)
    assert [result.artifact.file_name for result in results] == names
    for result, path in zip(results, paths, strict=True):
        check_right(phone, result, path)
        assert not any(path.stem in command for command in phone.commands())
    (phone.data / "keep").rmdir()
    # by the command, and for the file of the program, too
    path = tmp_path / "it's; rm -rf $HOME"
    path.write_bytes(phone.benchmark_path.read_bytes())
    path.chmod(0o755)
    write_devices(tmp_path, phone, engines=f'{{ benchmark_model = "{path}" }}')
    done = run_command(phone, tmp_path, "profile", names[2], *f"--on {NAME} --sessions 1 --rounds 1 --json".split())
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["measurement"]["wall_ns"] == read_printed(phone, paths[2])[-1:]


# benchmark_model is at fault


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("crash", "crash", "SIGSEGV"),
        ("killed", "crash", "SIGKILL"),
        ("garbage", "output", "count=many avg=quick"),
        ("percent", "output", "12%"),
        ("not_a_number", "output", "nan"),
        ("zero_runs", "output", "count=0"),
        ("truncated", "output", ""),
        ("exit_status", "run", "exit status 1"),
        ("unlinkable", "run", "CANNOT LINK EXECUTABLE"),
        ("hang", "timeout", "3 s"),
        ("deaf", "timeout", "3 s"),
        ("flood", "output", "printed more than"),
    ],
)
def test_a_run_that_fails_is_a_failure_and_no_number(
    bench: Bench, model: Path, fault: str, kind: str, words: str
) -> None:
    bench.phone.set(on_run={"2": {"fault": fault}})
    (result,) = bench.profile(model, timeout_s=3.0)
    assert result.measurement is None
    assert result.failure is not None
    assert result.failure.kind == kind
    assert words in result.failure.message


def test_a_model_that_fails_costs_itself(bench: Bench, models: list[Path]) -> None:
    bench.phone.set(on_run={"2": {"fault": "crash"}, "3": {"fault": "none"}})
    results = {result.artifact.file_name: result for result in bench.profile(*models)}
    assert results["narrow.tflite"].failure is not None
    check_right(bench.phone, results["wide.tflite"], models[0])


@pytest.mark.parametrize(
    ("dialect", "fault"), [("interpreter-old", "truncated"), ("litert", "truncated"), ("litert", "zero_runs")]
)
def test_no_dialect_gives_a_wrong_number(bench: Bench, model: Path, dialect: str, fault: str) -> None:
    bench.phone.set(dialect=dialect, fault=fault)
    (result,) = bench.profile(model)
    assert result.failure is not None
    assert result.failure.kind == "output"


def test_a_program_for_another_processor(bench: Bench, model: Path, tmp_path: Path) -> None:
    write_foreign_program(tmp_path / "mips")
    engines = {"engines": {"benchmark_model": str(tmp_path / "mips")}}
    with pytest.raises(DeviceFault, match="another processor"):
        bench.profile(model, entry=engines)
    # one that is on the phone is found out when it is started
    assert (
        bench.phone.adb("-s", bench.phone.serial, "push", str(tmp_path / "mips"), "/data/local/tmp/m").returncode == 0
    )
    on_phone = {"engines": {"benchmark_model": "device:/data/local/tmp/m"}}
    (result,) = bench.profile(model, entry=on_phone)
    assert result.failure is not None
    assert "ELF" in result.failure.message or "Exec format" in result.failure.message
    (bench.phone.data / "m").unlink()


def test_a_model_that_is_none(bench: Bench, model: Path, tmp_path: Path) -> None:
    (tmp_path / "not.tflite").write_bytes(b"TFL3 is not here" * 100)
    results = bench.profile(tmp_path / "not.tflite", model)
    failed, good = sorted(results, key=lambda result: result.artifact.file_name)
    assert failed.failure is not None
    assert failed.failure.kind == "load"
    check_right(bench.phone, good, model)


# the connection is at fault


def test_the_phone_vanishes_in_mid_run_and_comes_back(bench: Bench, model: Path) -> None:
    phone = bench.phone
    phone.set(pause_s=1)

    def pull() -> None:
        phone.wait_for_run(2)
        phone.vanish()
        time.sleep(0.5)
        phone.come_back()

    with meanwhile(pull):
        (result,) = bench.profile(model, round_count=3)
    check_right(phone, result)


def test_the_phone_restarts_in_mid_run(bench: Bench, model: Path) -> None:
    phone = bench.phone
    phone.set(pause_s=1)

    def restart() -> None:
        phone.wait_for_run(2)
        phone.reboot()
        phone.set(screen="off")
        time.sleep(0.5)
        phone.come_back()

    with meanwhile(restart):
        (result,) = bench.profile(model, round_count=3)
    check_right(phone, result)
    assert result.conditions_after is not None
    assert result.conditions_after.screen_on is True


def test_another_phone_comes_back(bench: Bench, model: Path) -> None:
    phone = bench.phone
    before = phone.changeable_state()
    phone.set(pause_s=1)

    def swap() -> None:
        phone.wait_for_run()
        phone.vanish()
        phone.set_property("ro.serialno", "ANOTHER0002")
        phone.come_back()

    with meanwhile(swap), pytest.raises(DeviceFault, match="another phone"):
        bench.profile(model)
    assert bench.results == []
    # the rig's other phone is the same one, with all that was changed
    phone.set_property("ro.serialno", "STANDIN0001")
    phone.set(pause_s=0)
    bench.profile(model)
    check_unchanged(phone, before)


@pytest.mark.parametrize("leave", ["vanish", "reboot", "stall", "go_offline", "revoke_key"])
def test_the_phone_is_gone_for_good_and_put_back_by_the_next_run(bench: Bench, model: Path, leave: str) -> None:
    phone = bench.phone
    before = phone.changeable_state()
    phone.set(pause_s=1)

    def go() -> None:
        phone.wait_for_run(2)
        getattr(phone, leave)()

    begin = time.monotonic()
    bench.patience_s = 3.0
    with meanwhile(go), pytest.raises(DeviceFault, match=NAME):
        bench.profile(model, clock=make_fast_clock(60), timeout_s=4.0)
    assert time.monotonic() - begin < 60
    assert bench.results == []
    phone.come_back()
    phone.set(pause_s=0)
    bench.patience_s = 1000.0
    assert phone.changeable_state() != before
    (result,) = bench.profile(model)
    check_right(phone, result)


@pytest.mark.parametrize(
    ("leave", "words"), [("vanish", "is not attached"), ("go_offline", "is offline"), ("revoke_key", "is unauthorized")]
)
def test_the_phone_can_not_be_used_from_the_start(
    bench: Bench, model: Path, tmp_path: Path, leave: str, words: str
) -> None:
    phone = bench.phone
    getattr(phone, leave)()
    write_devices(tmp_path, phone)
    done = run_command(phone, tmp_path, "profile", str(model), "--on", NAME)
    assert done.returncode == 3
    assert f"{NAME} ({phone.serial}) {words}" in done.stderr
    assert phone.invocations() == []
    phone.come_back()


def test_two_phones(bench: Bench, model: Path) -> None:
    phone = bench.phone
    with phone.second_device() as other:
        (result,) = bench.profile(model)
        check_right(phone, result)
        with pytest.raises(DeviceFault, match="has no serial") as fault:
            bench.profile(model, entry={"address": None})
        assert other in str(fault.value)
        assert phone.serial in str(fault.value)


@pytest.mark.parametrize("listed", [False, True])
def test_adbs_server_is_killed_in_mid_run(
    daemons: Path, model: Path, monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    with Phone(daemons, listed=listed) as phone, use_phone(phone, monkeypatch) as bench:
        before = phone.changeable_state()
        phone.set(pause_s=0.5)
        with meanwhile(lambda: (phone.wait_for_run(2), phone.kill_server())):
            (result,) = bench.profile(model, round_count=3)
        check_right(phone, result)
        check_unchanged(phone, before)


def write_big_model(path: Path) -> Path:
    """y = x + 4 MB that no compression makes small."""
    graph = Graph()
    shape = (1, 1 << 20)
    source = graph.tensor("x", shape)
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    weights = graph.tensor("w", shape, value=values)
    target = graph.tensor("y", shape)
    graph.operator(Code.ADD, [source, weights], [target])
    return graph.write(path, [source], [target])


def test_the_connection_is_cut_in_the_middle_of_a_push(bench: Bench, tmp_path: Path) -> None:
    phone = bench.phone
    big = write_big_model(tmp_path / "big.tflite")

    def come_back() -> None:
        wait_until(lambda: phone.state_of() != "device", "the cable was not cut", 60)
        assert not any(name.endswith(".tflite") for name in phone.files())
        phone.come_back()

    phone.cut_after(1 << 20)
    with meanwhile(come_back):
        (result,) = bench.profile(big)
    check_right(phone, result)
    phone.cut_after(1 << 20)
    other = tmp_path / "other.tflite"
    other.write_bytes(big.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DeviceFault, match=NAME):
        bench.profile(other, clock=make_fast_clock(60))
    assert bench.results == []
    phone.come_back()
    bench.profile(big)


def test_a_file_that_arrives_damaged_or_in_part_is_not_measured(bench: Bench, tmp_path: Path) -> None:
    phone = bench.phone
    big = write_big_model(tmp_path / "big.tflite")
    phone.garble_after(1 << 20)
    (result,) = bench.profile(big)
    assert result.failure is not None
    assert "arrived damaged" in result.failure.message
    assert list_timed(phone) == []

    def list_sizes() -> list[int]:
        sizes = [(phone.data / name).stat().st_size for name in phone.files() if ".tflite" in name]
        return [size for size in sizes if size > 1 << 19]

    def restart() -> None:
        wait_until(lambda: list_sizes() != [], "nothing came")
        time.sleep(0.2)
        phone.reboot()
        (size,) = list_sizes()
        assert size < big.stat().st_size
        phone.come_back()

    phone.stall_after(3 << 20)
    with meanwhile(restart):
        (result,) = bench.profile(big)
    check_right(phone, result)


def test_no_space_on_the_phone(bench: Bench, model: Path, tmp_path: Path) -> None:
    phone = bench.phone
    bench.profile(model)
    phone.fill_data(free_bytes=3 << 20)
    big = write_big_model(tmp_path / "big.tflite")
    failed, good = sorted(bench.profile(big, model), key=lambda result: result.artifact.file_name)
    assert failed.failure is not None
    assert "room" in failed.failure.message
    check_right(phone, good, model)
    (phone.data / ".filler").unlink()
    # not even a note of what is changed can be written
    phone.fill_data()
    with pytest.raises(DeviceFault, match=r"room|space|can't be"):
        bench.profile(model)
    (phone.data / ".filler").unlink()


# the phone is hot


def test_a_phone_that_gets_hot_in_the_run(bench: Bench, model: Path) -> None:
    phone = bench.phone
    phone.set(on_run={"2": {"thermal_status": 3}})
    (result,) = bench.profile(model, round_count=4)
    assert result.measurement is None
    assert result.failure is not None
    assert result.failure.kind == "hot"
    assert "thermal status is 3" in result.failure.message
    assert len(list_timed(phone)) == 2


def test_a_hot_phone_is_waited_for(bench: Bench, model: Path) -> None:
    phone = bench.phone
    phone.set(battery_temperature=[412, 399, 371, 369], on_run={"2": {"thermal_status": "2 2 1 0"}})
    (result,) = bench.profile(model, clock=make_fast_clock(60), entry={"cool_wait_s": 600.0}, round_count=3)
    check_right(phone, result)
    phone.set(battery_temperature=450)
    with pytest.raises(DeviceFault, match=r"did not cool down within 2 s.*45\.0"):
        bench.profile(model, clock=make_fast_clock(60), entry={"cool_wait_s": 2.0})


def test_a_clock_that_falls_is_told(bench: Bench, model: Path) -> None:
    bench.phone.set(fault="throttle")
    (result,) = bench.profile(model, round_count=1)
    check_right(bench.phone, result)
    assert any("clock fell by" in caveat.text for caveat in result.caveats)


# the run is ended from outside


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_the_phone_as_it_was(
    bench: Bench, model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    phone = bench.phone
    phone.set(on_run={"1": {"fault": "hang"}})
    write_devices(tmp_path, phone)
    before = phone.changeable_state()
    with start_command(phone, tmp_path, "profile", str(model), "--on", NAME) as process:
        phone.wait_for_run()
        assert phone.changeable_state() != before
        process.send_signal(number)
        time.sleep(0.03)
        process.send_signal(number)  # an impatient user does not stop what puts the phone back
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err
    assert out == ""


def test_a_killed_run_is_put_back_by_the_next(bench: Bench, model: Path, tmp_path: Path) -> None:
    phone = bench.phone
    phone.set(on_run={"1": {"fault": "deaf"}})
    write_devices(tmp_path, phone)
    before = phone.changeable_state()
    with start_command(phone, tmp_path, "profile", str(model), "--on", NAME) as process:
        phone.wait_for_run()
        process.kill()
    assert phone.changeable_state() != before
    phone.set(on_run={}, fault="none")
    (result,) = bench.profile(model)
    check_right(phone, result)
    # and by a check, when no run follows
    phone.set(on_run={"1": {"fault": "hang"}}, begun=0, runs=0)
    with start_command(phone, tmp_path, "profile", str(model), "--on", NAME) as process:
        phone.wait_for_run()
        process.kill()
    checked = run_command(phone, tmp_path, "devices", "check", NAME)
    assert checked.returncode == 0, checked.stdout
    assert "put back" in checked.stdout
    assert phone.changeable_state() == before


def test_a_phone_in_use_is_left_alone(bench: Bench, model: Path, tmp_path: Path) -> None:
    phone = bench.phone
    phone.set(on_run={"1": {"fault": "hang"}})
    write_devices(tmp_path, phone)
    with start_command(phone, tmp_path, "profile", str(model), "--on", NAME) as process:
        phone.wait_for_run()
        with pytest.raises(DeviceFault, match=f"in use: process {process.pid}"):
            bench.profile(model)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert len(list_timed(phone)) == 1


def test_the_rig_hastens_and_does_not_falsify(bench: Bench, model: Path) -> None:
    """What `haste` shortens is the time, and every run still has its 50 inferences."""
    assert HASTE > 1
    (result,) = bench.profile(model)
    assert result.measurement is not None
    assert all(summary.count >= 50 for summary in result.measurement.summaries)
