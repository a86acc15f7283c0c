from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import RunResult
from pocketbench.profile.adb.facts import read_phone_device
from pocketbench.profile.adb.process import Ran
from pocketbench.profile.adb.runner import AdbRunner
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.progress import Progress
from tests.profile.adb.fake_phone import ADB, LOST, SERIAL, FakePhone, is_timing, plan, write_program
from tests.profile.conftest import make_cell
from tests.profile.parsers.benchmark_text import Row, interpreter_text, section


class Bench:
    """Two models, and a runner over a phone in memory."""

    def __init__(self, folder: Path) -> None:
        self.phone = FakePhone()
        self.cells = [self.make_cell(folder / f"{name}.tflite") for name in "ab"]
        self.entry = DeviceEntry(
            name="pixel4",
            transport="adb",
            address=SERIAL,
            cores="big",
            cool_wait_s=60,
            engines={"benchmark_model": str(write_program(folder))},
        )
        self.heard: list[str] = []

    @staticmethod
    def make_cell(path: Path, **changes: Any) -> Cell:
        path.write_text(path.name)
        cell = make_cell(path, "benchmark_model")
        return Cell(artifact=cell.artifact, path=path, plan=plan(**changes))

    def replan(self, **changes: Any) -> None:
        self.cells = [Cell(artifact=cell.artifact, path=cell.path, plan=plan(**changes)) for cell in self.cells]

    def run(self, **options: Any) -> list[RunResult]:
        device = read_phone_device(self.phone.client(), "pixel4")
        kept: list[RunResult] = []

        def hear(progress: Progress) -> None:
            assert 0 <= progress.done_count <= progress.total_count
            self.heard.append(progress.text)

        runner = AdbRunner(self.entry, self.phone, self.phone.clock)
        results = runner.profile(
            self.cells,
            **{"run_id": "r", "device": device, "on_result": kept.append, "on_progress": hear, **options},
        )
        assert kept == results
        return results

    def graphs(self, choose: Callable[[list[str]], bool] = is_timing) -> str:
        """The models in the order of their runs: "abba"."""
        names = {cell.artifact.sha256: cell.path.stem for cell in self.cells}
        return "".join(
            names[word.rpartition("/")[2].removesuffix(".tflite")]
            for words in self.phone.runs
            if choose(words)
            for word in words
            if word.startswith("--graph=")
        )

    def graph(self, index: int) -> str:
        return f"/data/local/tmp/pocketbench/{self.cells[index].artifact.sha256}.tflite"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("pocketbench.profile.adb.runner.find_adb", lambda: ADB)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the lock
    return Bench(tmp_path)


def test_a_sample_is_the_median_of_one_run(bench: Bench) -> None:
    bench.replan(round_count=3)
    bench.phone.times_us = {bench.graph(0): [9, 2000, 3000, 4000, 7, 7]}  # the first is the look at the clocks
    result, other = bench.run()
    measurement = result.measurement
    assert measurement is not None
    assert measurement.wall_ns == (2_000_000, 3_000_000, 4_000_000)
    assert (measurement.sample_statistic, measurement.burst_count, measurement.settle_count) == ("median", 1, 0)
    assert [summary.median_ns for summary in measurement.summaries] == [2_000_000, 3_000_000, 4_000_000]
    assert (measurement.cpu_ns, measurement.cpu_clock, measurement.warmup_wall_ns) == ((), None, ())
    assert measurement.clock_resolution_ns == 1000
    assert measurement.load_ns == 20_283_000
    assert measurement.peak_rss_bytes == round(93.2383 * 2**20)
    assert other.measurement is not None
    assert other.measurement.wall_ns == (1_000_000,) * 3
    assert result.coverage is not None
    assert (result.coverage.node_count, result.coverage.delegated_node_count) == (58, 58)
    assert result.operator_times is None
    assert set(result.tools) == {"benchmark_model", "adb"}
    assert "few_samples" not in {caveat.code for caveat in result.caveats}


def test_models_take_turns(bench: Bench) -> None:
    bench.replan(round_count=4, session_count=2)
    results = bench.run()
    assert bench.graphs() == "abbaabba" * 2
    assert [(result.session_index, result.artifact.file_name[0]) for result in results] == [
        (0, "a"),
        (0, "b"),
        (1, "a"),
        (1, "b"),
    ]
    assert all(words[:2] == ["taskset", "70"] for words in bench.phone.runs)


def test_what_disturbs_comes_after_all_samples_of_a_session(bench: Bench) -> None:
    bench.replan(session_count=2)
    profile = "Operator-wise Profiling Info for Regular Benchmark Runs:\n" + section(
        [Row("ADD", 0.25, "[y]:0"), Row("TfLiteXNNPackDelegate", 0.75, "[z]:1")]
    )

    def answer(words: list[str]) -> str | None:
        return interpreter_text(profile=profile) if "--enable_op_profiling=true" in words else None

    bench.phone.before_run = answer
    results = bench.run(with_operators=True)
    kinds = [
        "o" if "--enable_op_profiling=true" in words else "m" if "--report_peak_memory_footprint=true" in words else "t"
        for words in bench.phone.runs
        if "--num_runs=1" not in words
    ]
    assert "".join(kinds) == "tttt" + "mm" + "tttt" + "mm" + "oo"
    # this text names another graph, which is no number but a failure of the pass
    assert [[caveat.code for caveat in result.caveats if caveat.code == "no_operator_times"] for result in results] == [
        [],
        [],
        ["no_operator_times"],
        ["no_operator_times"],
    ]
    text = interpreter_text(profile=profile)
    bench.phone.before_run = lambda words: (
        text.replace("/data/local/tmp/m.tflite", next(word[8:] for word in words if word.startswith("--graph=")))
        if "--enable_op_profiling=true" in words
        else None
    )
    results = bench.run(with_operators=True)
    assert results[0].operator_times is None
    assert results[2].operator_times is not None
    assert {item.operator: item.time_ns for item in results[2].operator_times}["ADD"] == 250_000
    assert results[2].coverage is not None
    assert results[2].coverage.time_fraction == pytest.approx(0.75)


def test_a_model_that_fails_costs_itself_alone(bench: Bench) -> None:
    bench.replan(session_count=2, round_count=2)
    bench.phone.before_run = lambda words: (139, "") if f"--graph={bench.graph(0)}" in words else None
    results = bench.run()
    found = [(item.session_index, item.artifact.file_name[0], item.failure and item.failure.kind) for item in results]
    assert found == [(0, "a", "crash"), (0, "b", None), (1, "b", None)]
    assert results[1].measurement is not None


def test_a_file_that_was_changed_is_not_measured(bench: Bench) -> None:
    bench.cells[0].path.write_text("another model")
    results = bench.run()
    assert results[0].failure is not None
    assert results[0].failure.kind == "load"
    assert results[1].measurement is not None


def test_a_program_that_did_something_else_than_asked_gives_no_number(bench: Bench) -> None:
    bench.replan(thread_count=2)  # the text says one
    assert [result.failure and result.failure.kind for result in bench.run()] == ["output", "output"]
    text = interpreter_text(percentiles=True)  # of another file
    bench.replan()
    bench.phone.before_run = lambda _: text
    assert [result.failure and result.failure.kind for result in bench.run()] == ["output", "output"]


def test_all_samples_of_a_session_are_the_same_statistic(bench: Bench) -> None:
    def answer(words: list[str]) -> str | None:
        graph = bench.graph(0)
        if f"--graph={graph}" not in words or len(bench.graphs()) < 3:
            return None
        return interpreter_text().replace("/data/local/tmp/m.tflite", graph)

    bench.phone.before_run = answer
    failed, good = bench.run()
    assert failed.failure is not None
    assert failed.failure.message == "benchmark_model printed a median and now a mean"
    assert good.measurement is not None


def test_what_an_earlier_run_left_running_is_ended_first(bench: Bench) -> None:
    bench.phone.processes = [17]
    seen: list[int] = []
    bench.phone.before_run = lambda _: seen.append(len(bench.phone.processes))
    bench.run()
    assert set(seen) == {0}


def test_what_is_done_is_not_measured_again(bench: Bench) -> None:
    bench.replan(session_count=2)
    results = bench.run(done={(0, 0), (1, 1)})
    assert [(item.session_index, item.artifact.file_name[0]) for item in results] == [(0, "b"), (1, "a")]


def lose_once(bench: Bench, run_number: int, *, comes_back: bool = True) -> None:
    """Unplug the phone in a run, and plug it in again after ten seconds."""
    seen: Counter[str] = Counter()
    states = dict(bench.phone.states)

    def lose(words: list[str]) -> Ran | None:
        seen["runs"] += is_timing(words)
        if is_timing(words) and seen["runs"] == run_number:
            bench.phone.states = {}
            return LOST
        return None

    def sleep(seconds: float) -> None:
        bench.phone.seconds += seconds
        seen["s"] += 1
        if comes_back and seen["s"] == 10:
            bench.phone.states = states

    bench.phone.before_run = lose
    bench.phone._sleep = sleep  # type: ignore[method-assign]


@pytest.mark.parametrize("run_number", [1, 2, 4])
def test_a_session_that_was_interrupted_is_measured_anew(bench: Bench, run_number: int) -> None:
    lose_once(bench, run_number)
    before = bench.phone.changeable
    results = bench.run()
    assert [len(item.measurement.wall_ns) for item in results if item.measurement] == [2, 2]
    assert bench.graphs() == "abba"[:run_number] + "abba"
    assert any("waiting for pixel4 to come back" in text for text in bench.heard)
    assert bench.phone.changeable == before


def test_a_phone_that_is_lost_before_the_first_session_is_waited_for(bench: Bench) -> None:
    states = dict(bench.phone.states)
    left = [LOST]

    def lose(target: str) -> Ran | None:
        if not (target.endswith(".bin.part") and left):
            return None
        bench.phone.states = {}
        return left.pop()

    def come_back(seconds: float) -> None:
        bench.phone.seconds += seconds
        bench.phone.states = states

    bench.phone.push_fault = lose
    bench.phone._sleep = come_back  # type: ignore[method-assign]
    assert all(result.measurement for result in bench.run())


def test_a_phone_that_was_restarted_is_woken_again(bench: Bench) -> None:
    lose_once(bench, 2)
    lose = bench.phone.before_run

    def restart(words: list[str]) -> str | Ran | tuple[int, str] | None:
        ended = lose(words)
        if ended is not None:
            bench.phone.screen = "Asleep"
        return ended

    bench.phone.before_run = restart
    assert [result.conditions_before.screen_on for result in bench.run()] == [True, True]


def test_another_phone_that_comes_back_in_its_place(bench: Bench) -> None:
    lose_once(bench, 2)
    lose = bench.phone.before_run

    def exchange(words: list[str]) -> str | Ran | tuple[int, str] | None:
        ended = lose(words)
        if ended is not None:
            bench.phone.properties["ro.serialno"] = "another"
        return ended

    bench.phone.before_run = exchange
    with pytest.raises(DeviceFault, match="another phone"):
        bench.run()
    assert bench.graphs() == "ab"


def test_a_phone_that_does_not_come_back(bench: Bench) -> None:
    lose_once(bench, 2, comes_back=False)
    with pytest.raises(DeviceFault, match=r"did not come back within 120 s: .* not attached") as caught:
        bench.run()
    assert "puts back" in caught.value.cure
    assert 120 < bench.phone.seconds < 150


def test_results_before_the_loss_are_kept(bench: Bench) -> None:
    bench.replan(session_count=2)
    lose_once(bench, 6, comes_back=False)
    kept: list[RunResult] = []
    with pytest.raises(DeviceFault):
        bench.run(on_result=kept.append)
    assert [item.session_index for item in kept] == [0, 0]


def test_a_model_that_the_phone_does_not_survive_costs_itself_alone(bench: Bench) -> None:
    bench.phone.before_run = lambda words: LOST if is_timing(words) and f"--graph={bench.graph(0)}" in words else None
    failed, good = bench.run()
    assert failed.failure is not None
    assert failed.failure.kind == "connection"
    assert "3 times in session 1, each time while this model ran" in failed.failure.message
    assert good.measurement is not None
    assert len(good.measurement.wall_ns) == 2


def test_a_phone_that_is_lost_between_the_models_each_time(bench: Bench) -> None:
    bench.phone.before_run = lambda words: LOST if "--num_runs=1" in words else None
    with pytest.raises(DeviceFault, match=r"lost.*, 3 times in session 1"):
        bench.run()


def test_another_phone_in_its_place(bench: Bench) -> None:
    device = read_phone_device(bench.phone.client(), "pixel4")
    bench.phone.properties["ro.serialno"] = "another"
    with pytest.raises(DeviceFault, match="another phone"):
        bench.run(device=device)
    assert bench.phone.runs == []


def test_heat_between_rounds(bench: Bench) -> None:
    bench.phone.thermal_status = [0, 0, 0, 2, 2, 0]
    results = bench.run()
    assert all(result.measurement for result in results)
    assert any("pixel4 rests: the thermal status is 2" in text for text in bench.heard)


def test_a_battery_that_warms_in_a_session_does_not_interrupt_it(bench: Bench) -> None:
    bench.phone.battery_tenths = [360, 360, 360, 380]
    results = bench.run()
    assert not any("rests" in text for text in bench.heard)
    assert all("warm_battery" in {caveat.code for caveat in result.caveats} for result in results)


def test_heat_that_does_not_pass(bench: Bench) -> None:
    bench.replan(session_count=2, round_count=3)
    bench.phone.thermal_status = [0, 0, 0, 2]
    results = bench.run()
    assert [(item.session_index, item.failure and item.failure.kind) for item in results] == [(0, "hot"), (0, "hot")]


def test_heat_before_a_session(bench: Bench) -> None:
    bench.phone.battery_tenths = [390]
    before = bench.phone.changeable
    with pytest.raises(DeviceFault, match="did not cool down"):
        bench.run()
    assert bench.phone.changeable == before
    assert bench.phone.runs == []


def test_clocks_are_those_under_load(bench: Bench) -> None:
    bench.phone.loaded_khz = {4: 2419200, 5: 2419200, 6: 2419200}
    result, _ = bench.run()
    clocks = {core.core: core.current_khz for core in result.conditions_before.cores}
    assert (clocks[0], clocks[4]) == (300000, 2419200)
    assert result.conditions_before.battery_celsius == 28.0
    assert result.conditions_before.screen_on is True
    assert "frequency_drop" not in {caveat.code for caveat in result.caveats}


def test_a_clock_that_falls(bench: Bench) -> None:
    bench.phone.loaded_khz = {4: 2419200, 5: 2419200, 6: 2419200}

    def slow_down(words: list[str]) -> None:
        if is_timing(words):
            bench.phone.loaded_khz = dict.fromkeys((4, 5, 6), 1401600)

    bench.phone.before_run = slow_down
    result, _ = bench.run()
    assert {"frequency_drop", "charging", "frequency_scaling"} <= {caveat.code for caveat in result.caveats}


def test_an_interrupt_puts_the_phone_back(bench: Bench) -> None:
    before = bench.phone.changeable

    def interrupt(words: list[str]) -> None:
        if is_timing(words):
            assert bench.phone.changeable != before
            raise KeyboardInterrupt

    bench.phone.before_run = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    assert bench.phone.changeable == before


def test_a_lock_keeps_a_second_run_away(bench: Bench) -> None:
    def start_another(words: list[str]) -> None:
        if is_timing(words):
            count = len(bench.phone.lines)
            with pytest.raises(DeviceFault, match="in use"):
                Bench.run(bench)
            assert all(words[0] != "push" for words in bench.phone.lines[count:])

    bench.phone.before_run = start_another
    assert len(bench.run()) == 2
