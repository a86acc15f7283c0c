import statistics
from dataclasses import replace

import pytest

from pocketbench.core.jsonio import dump_record
from pocketbench.core.records import Caveat, Failure, GraphFacts, Measurement, Origin, RunPlan
from pocketbench.core.units import describe_mask
from pocketbench.reports.labels import describe_runtimes
from pocketbench.reports.records import Cell, Row, Table
from pocketbench.reports.table import make_table
from tests.reports.synthetic import (
    DEVICE,
    MS,
    make_accuracy,
    make_artifact,
    make_measurement,
    make_result,
    make_sessions,
    make_spec,
)

BASE, SE, CA = (make_artifact(make_spec(block)) for block in (None, "se", "ca"))


def find_row(table: Table, label: str) -> Row:
    (row,) = [row for row in table.rows if row.label == label]
    return row


def explain(table: Table, notes: tuple[int, ...]) -> str:
    return " ".join(table.notes[index] for index in notes)


def only_cell(row: Row) -> Cell:
    (cell,) = row.cells
    return cell


def test_a_cell_is_summarised_without_the_first_calls_of_its_bursts() -> None:
    table = make_table([BASE], make_sessions(BASE, 5.0), [])
    wall = only_cell(table.rows[0]).wall
    assert wall is not None
    assert wall.median_ns == 5 * MS
    assert (wall.sample_count, wall.session_count) == (3 * 20 * 7, 3)
    assert wall.p90_ns == pytest.approx(5.05 * MS)
    assert wall.spread_ratio == pytest.approx(0.02)
    assert (wall.low_ns, wall.high_ns) == pytest.approx((5 * MS, 5 * MS))
    cpu = only_cell(table.rows[0]).cpu
    assert cpu is not None
    assert cpu.median_ns == pytest.approx(4.5 * MS)


def test_the_interval_of_a_latency_stays_above_zero() -> None:
    two = make_sessions(BASE, 5.0)[:1] + make_sessions(BASE, 9.0)[1:2]
    wall = only_cell(make_table([BASE], two, []).rows[0]).wall
    assert wall is not None
    assert wall.low_ns is not None
    assert wall.high_ns is not None
    assert 0 < wall.low_ns < 5 * MS
    assert wall.high_ns > 9 * MS


def test_overhead_comes_from_pairs_under_strong_drift() -> None:
    # The machine slows down threefold within a session, by another course in each. The baseline also has sessions of a
    # slow hour that the variant never saw. Each pair of neighbours differs by exactly 0.5 ms.
    def drift(session: int, turn: int) -> float:
        return 10 * abs(((turn + 7 * session) % 20) / 20 - 0.5)

    def slow_hour(session: int, turn: int) -> float:
        return 20 + drift(session, turn)

    baseline = make_flat_sessions(BASE, 5.0, drift) + make_flat_sessions(BASE, 5.0, slow_hour, run_id="slow")
    variant = make_flat_sessions(SE, 5.5, drift)
    table = make_table([BASE, SE], baseline + variant, [])
    walls = [only_cell(row).wall for row in table.rows]
    assert walls[0] is not None
    assert walls[1] is not None
    assert walls[1].median_ns < walls[0].median_ns, "by unpaired medians the variant looks faster"
    overhead = only_cell(table.rows[1]).wall_overhead
    assert overhead is not None
    assert overhead.difference_ns == pytest.approx(0.5 * MS)
    assert overhead.difference_low_ns == pytest.approx(0.5 * MS)
    assert overhead.difference_high_ns == pytest.approx(0.5 * MS)
    assert (overhead.round_count, overhead.session_count) == (60, 3)
    ratios = [(5.5 + drift(0, turn)) / (5 + drift(0, turn)) for turn in range(20)]
    assert overhead.ratio == pytest.approx(statistics.median(ratios), rel=1e-3)


def make_flat_sessions(artifact, latency, drift, run_id="run"):  # type: ignore[no-untyped-def]
    """Sessions whose calls within a round take equally long."""
    return [
        make_result(
            artifact,
            make_measurement(lambda turn, _, session=session: MS * (latency + drift(session, turn))),
            session=session,
            run_id=run_id,
        )
        for session in range(3)
    ]


def test_the_baseline_costs_nothing_over_itself() -> None:
    table = make_table([SE, BASE], make_sessions(BASE, 5.0) + make_sessions(SE, 6.0), [])
    row = table.rows[0]
    assert (row.label, row.is_baseline) == ("baseline", True)
    overhead = only_cell(row).wall_overhead
    assert overhead is not None
    assert (overhead.difference_ns, overhead.ratio) == (0, 1)
    variant = only_cell(table.rows[1])
    assert variant.wall_overhead is not None
    assert variant.wall_overhead.difference_ns == pytest.approx(MS, rel=0.01)
    assert variant.cpu_overhead is not None
    assert variant.cpu_overhead.difference_ns == pytest.approx(0.9 * MS, rel=0.01)


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (make_sessions(SE, 6.0), "the baseline has no latency on this runtime"),
        (make_sessions(SE, 6.0) + make_sessions(BASE, 5.0, engine="other"), "the baseline has no latency"),
        (make_sessions(SE, 6.0) + make_sessions(BASE, 5.0, run_id="yesterday"), "there are no pairs"),
    ],
)
def test_no_pairs_no_overhead(results: list, reason: str) -> None:  # type: ignore[type-arg]
    table = make_table([BASE, SE], results, [])
    cell = find_row(table, "+ se (r 24)").cells[0]
    assert cell.wall is not None
    assert cell.wall_overhead is None
    assert reason in explain(table, cell.overhead_notes)


def test_a_baseline_that_is_not_in_the_table() -> None:
    table = make_table([SE], make_sessions(SE, 6.0), [])
    cell = only_cell(table.rows[0])
    assert cell.wall_overhead is None
    assert "the same network without attention is not in the table" in explain(table, cell.overhead_notes)


@pytest.mark.parametrize("changes", [{"width_ratio": 0.5}, {"input_shape": (1, 3, 96, 96)}, {"class_count": 10}])
def test_a_baseline_has_the_same_width_input_and_classes(changes: dict[str, object]) -> None:
    other = make_artifact(make_spec(**changes))
    table = make_table([other, SE], make_sessions(other, 5.0) + make_sessions(SE, 6.0), [])
    assert find_row(table, "+ se (r 24)").cells[0].wall_overhead is None
    lonely = find_row(table, "as built")
    assert not lonely.is_baseline
    assert "no variant of this network" in explain(table, lonely.cells[0].overhead_notes)


def test_a_failed_cell_says_why() -> None:
    failure = Failure(kind="crash", message="the worker was killed by SIGSEGV")
    results = make_sessions(BASE, 5.0) + [make_result(SE, None, session=s, failure=failure) for s in range(3)]
    table = make_table([BASE, SE], results, [])
    cell = only_cell(find_row(table, "+ se (r 24)"))
    assert (cell.wall, cell.cpu, cell.wall_overhead) == (None, None, None)
    assert explain(table, cell.notes) == "Failed in all 3 sessions: crash: the worker was killed by SIGSEGV"
    assert (table.result_count, table.failed_count) == (6, 3)
    assert cell.failed_session_count == 3


def test_sessions_that_failed_are_left_out_and_named() -> None:
    failure = Failure(kind="timeout", message="no answer in 120 s")
    results = [*make_sessions(BASE, 5.0, sessions=(0, 1)), make_result(BASE, None, session=2, failure=failure)]
    cell = only_cell(make_table([], results, []).rows[0])
    assert cell.wall is not None
    assert cell.wall.session_count == 2
    assert cell.failed_session_count == 1
    table = make_table([], results, [])
    expected = "Failed in 1 of 3 sessions, left out of the figures: timeout: no answer in 120 s"
    assert explain(table, table.rows[0].cells[0].notes) == expected


def test_a_failed_session_that_was_run_again_is_no_failure() -> None:
    failure = Failure(kind="crash", message="boom")
    results = [make_result(BASE, None, failure=failure), *make_sessions(BASE, 5.0)]
    for order in (results, results[::-1]):
        table = make_table([], order, [])
        assert table.rows[0].cells[0].wall is not None
        assert not table.rows[0].cells[0].notes


def test_one_session_gives_no_interval() -> None:
    table = make_table([], make_sessions(BASE, 5.0, sessions=(0,)), [])
    cell = only_cell(table.rows[0])
    assert cell.wall is not None
    assert (cell.wall.low_ns, cell.wall.high_ns) == (None, None)
    assert "One session only" in explain(table, cell.notes)


def test_a_run_that_is_listed_twice_counts_once() -> None:
    results = make_sessions(BASE, 5.0)
    once = make_table([], results, [])
    twice = make_table([], results + results, [])
    assert twice.rows == once.rows


def test_samples_that_are_all_unsettled_are_no_latency() -> None:
    measurement = replace(make_measurement(lambda *_: MS), burst_count=10, settle_count=10)
    table = make_table([], [make_result(BASE, measurement)], [])
    cell = only_cell(table.rows[0])
    assert cell.wall is None
    assert "no settled sample: 200 calls in bursts of 10, of which the first 10 are dropped" in explain(
        table, cell.notes
    )


@pytest.mark.parametrize(
    "measurement",
    [
        replace(make_measurement(lambda *_: MS), wall_ns=(), cpu_ns=()),
        replace(make_measurement(lambda *_: MS), burst_count=0),
        replace(make_measurement(lambda *_: MS), settle_count=-1),
        None,
    ],
)
def test_odd_measurements_are_failures_and_not_figures(measurement: Measurement | None) -> None:
    table = make_table([], [make_result(BASE, measurement)], [])
    cell = only_cell(table.rows[0])
    assert cell.wall is None
    assert explain(table, cell.notes).startswith("Failed in its only session: ")


def test_zero_nanoseconds_have_no_ratio() -> None:
    flat = make_measurement(lambda *_: 0, cold_ns=0)
    table = make_table([BASE, SE], [make_result(BASE, flat), make_result(SE, flat)], [])
    cell = only_cell(find_row(table, "+ se (r 24)"))
    assert cell.wall is not None
    assert cell.wall.spread_ratio is None
    assert cell.wall_overhead is None


def test_no_cpu_time_where_none_was_taken() -> None:
    bare = replace(make_measurement(lambda *_: MS), cpu_ns=())
    cell = only_cell(make_table([], [make_result(BASE, bare)], []).rows[0])
    assert cell.wall is not None
    assert (cell.cpu, cell.cpu_clock) == (None, None)


def test_cpu_time_of_two_clocks_is_not_mixed() -> None:
    one = make_result(BASE, make_measurement(lambda *_: MS), session=0)
    two = make_result(BASE, replace(make_measurement(lambda *_: MS), cpu_clock="process"), session=1)
    table = make_table([], [one, two], [])
    cell = only_cell(table.rows[0])
    assert (cell.cpu, cell.cpu_clock) == (None, None)
    assert "different clocks (thread and process)" in explain(table, cell.notes)


def test_runtimes_are_told_apart() -> None:
    phone = replace(DEVICE, device_id="phone")
    onnx = make_artifact(make_spec(), "onnx")
    quantised = make_artifact(make_spec(), precision="int8")
    results = [
        *make_sessions(BASE, 4.0),
        *make_sessions(BASE, 2.5, threads=2),
        *make_sessions(BASE, 9.0, device=phone),
        *make_sessions(BASE, 8.0, plan=RunPlan(engine="litert", core_mask=0x70)),
        *make_sessions(BASE, 7.0, plan=RunPlan(engine="litert", shapes={"x": (1, 3, 96, 96)})),
        *make_sessions(onnx, 5.0, engine="onnxruntime"),
        *make_sessions(quantised, 3.0),
    ]
    table = make_table([], results, [])
    (row,) = table.rows
    medians = [cell.wall.median_ns / MS for cell in row.cells if cell.wall is not None]
    assert sorted(medians) == pytest.approx([2.5, 3, 4, 5, 7, 8, 9])
    assert len(set(table.runtimes)) == 7


def test_a_file_that_did_not_run_says_so() -> None:
    onnx = make_artifact(make_spec(), "onnx")
    table = make_table([BASE, SE, onnx], make_sessions(BASE, 5.0) + make_sessions(onnx, 5.0, engine="ort"), [])
    no_file, no_run = find_row(table, "+ se (r 24)").cells
    assert explain(table, no_file.notes) == "There is no file of this kind of this model."
    assert explain(table, no_run.notes) == "No run: this file was not measured on this runtime."
    assert [file.file_name for file in find_row(table, "+ se (r 24)").files] == [None, SE.file_name]


def test_two_files_of_one_spec_never_share_a_cell() -> None:
    newer = make_artifact(make_spec(), version="exported again")
    results = make_sessions(BASE, 5.0) + make_sessions(newer, 4.0) + make_sessions(SE, 6.0)
    table = make_table([BASE, newer, SE], results, [])
    labels = [row.label for row in table.rows]
    assert labels == [f"baseline [{BASE.sha256[:8]}]", f"baseline [{newer.sha256[:8]}]", "+ se (r 24)"]
    medians = [cell.wall.median_ns / MS for row in table.rows for cell in row.cells if cell.wall]
    assert medians == pytest.approx([5, 4, 6])


def test_seeds_and_gates_are_named_where_they_differ() -> None:
    specs = [
        make_spec("se", gate=gate, seed=seed)
        for gate, seed in (("sigmoid", 0), ("hard_sigmoid", 0), ("hard_sigmoid", 1))
    ]
    table = make_table([make_artifact(spec) for spec in specs], [], [])
    assert [row.label for row in table.rows] == [
        "+ se (r 24, sigmoid)",
        "+ se (r 24, hard_sigmoid) [seed 0]",
        "+ se (r 24, hard_sigmoid) [seed 1]",
    ]


def test_foreign_files_have_rows_by_name() -> None:
    graph = GraphFacts(
        parameter_count=1000,
        mac_count=None,
        operator_counts={"Conv": 3},
        layout_operator_count=2,
        partition_count=None,
        outside_delegate_count=None,
        dynamic_shapes=False,
        inputs=(),
        outputs=(),
    )
    foreign = make_artifact(None, "onnx", file_name="mine.onnx", precision=None, facts=None, graph_facts=graph)
    table = make_table([foreign, BASE], make_sessions(foreign, 7.0), [])
    row = table.rows[-1]
    assert (row.group, row.label, row.spec, row.parameter_count, row.mac_count) == (None, "mine.onnx", None, 1000, None)
    assert explain(table, row.notes) == "M-Adds could not be counted in this file."
    assert row.files[0].layout_operator_count == 2
    (cell,) = row.cells
    assert cell.wall is not None
    assert "has no known baseline" in explain(table, cell.overhead_notes)
    assert explain(table, row.published_notes) == "Nothing is published of this file."
    assert row.measured_notes == ()


def test_what_the_list_of_files_knows_counts_before_what_a_result_knows() -> None:
    bare = replace(BASE, model_facts=None)
    assert make_table([BASE], make_sessions(bare, 5.0), []).rows[0].parameter_count == 3_504_900


def test_a_foreign_file_without_a_graph() -> None:
    table = make_table([make_artifact(None, facts=None)], [], [])
    assert table.rows[0].parameter_count is None
    assert "are not known" in explain(table, table.rows[0].notes)


def test_accuracies_and_why_there_is_none() -> None:
    accuracies = [make_accuracy(0.723), make_accuracy(0.743, block="ca", reduction_ratio=32)]
    table = make_table([BASE, SE, CA], [], accuracies, explain_missing=lambda spec: f"nobody tried {spec.block}")
    tops = [row.published.top1_fraction if row.published else None for row in table.rows]
    assert tops == [0.723, None, 0.743]
    assert explain(table, table.rows[1].published_notes) == "nobody tried se"
    assert explain(table, table.rows[0].published_notes) == "Published: paper A (ImageNet-1k, validation)."
    default = make_table([SE], [], [])
    assert explain(default, default.rows[0].published_notes) == "No top-1 of mobilenet_v2 with se was given."


def test_a_measured_accuracy_stands_at_its_file_and_row() -> None:
    counts = {"image_count": 499, "split_count": 10_000, "unreadable_count": 1}
    measured = make_accuracy(0.9, origin="measured", artifact_sha256=BASE.sha256, engine="litert", **counts)
    table = make_table([BASE, SE], [], [measured, make_accuracy(0.723)])
    base, se = table.rows
    assert base.files[0].top1 == base.measured
    assert base.measured is not None
    assert base.measured.accuracy == measured
    assert base.published is not None
    assert base.published.top1_fraction == 0.723
    assert se.files[0].top1 is None
    expected = "Measured on ImageNet-1k, validation, 499 pictures of 10000 by litert; 1 can't be read."
    assert explain(table, base.measured_notes) == expected
    assert explain(table, se.measured_notes).startswith("No top-1 was measured of these files")
    assert make_table([BASE], [], []).rows[0].measured_notes == ()


def test_a_caveat_is_one_note_with_its_number_of_runs() -> None:
    results = [
        *make_sessions(BASE, 5.0, caveats=[Caveat(code="busy", text="the load was 1.9")]),
        *make_sessions(SE, 6.0, sessions=(0,), caveats=[Caveat(code="busy", text="the load was 1.2")]),
        *make_sessions(SE, 6.0, sessions=(1, 2)),
        *make_sessions(CA, 7.0),
    ]
    table = make_table([], results, [])
    note = "busy (4 of 9 runs): the load was 1.9"
    assert [note in explain(table, row.cells[0].notes) for row in table.rows] == [True, True, False]
    assert table.notes.count(note) == 1
    assert table.remarks == ()


def test_a_caveat_is_told_as_each_device_has_it() -> None:
    phone = replace(DEVICE, device_id="adb-1", name="pixel4")
    board = replace(DEVICE, device_id="ssh-1", name="rpi5")
    virtual = Caveat(code="virtual", text="a virtual machine")
    results = [
        *make_sessions(BASE, 5.0, device=phone, caveats=[Caveat(code="governor", text="it is schedutil"), virtual]),
        *make_sessions(BASE, 4.0, device=board, caveats=[Caveat(code="governor", text="it is ondemand"), virtual]),
        *make_sessions(SE, 6.0, device=board),
    ]
    table = make_table([], results, [])
    on_phone, on_board = find_row(table, "baseline").cells
    shared = "virtual (6 of 9 runs on pixel4 and rpi5): a virtual machine"
    assert explain(table, on_phone.notes) == f"governor (3 of 3 runs on pixel4): it is schedutil {shared}"
    assert explain(table, on_board.notes) == f"governor (3 of 6 runs on rpi5): it is ondemand {shared}"
    assert explain(table, find_row(table, "+ se (r 24)").cells[1].notes) == ""


def test_imports_stand_last_and_may_share_a_name() -> None:
    phone = replace(DEVICE, device_id="zz-phone", name="pixel4")
    elsewhere = replace(DEVICE, device_id="imported-pixel4", name="pixel4", transport="imported")
    origin = Origin(tool="AI Hub", file_name="a.json", file_sha256="0" * 64, imported_at="2026-03-01T10:00:00+00:00")
    foreign = [replace(result, origin=origin) for result in make_sessions(BASE, 2.0, device=elsewhere)]
    plan = RunPlan(engine="benchmark_model", core_mask=0x70)
    table = make_table([], [*foreign, *make_sessions(BASE, 5.0, device=phone, plan=plan)], [])
    assert describe_runtimes(table.runtimes) == [
        "benchmark_model, 1 thread, tflite fp32, cores 4-6, pixel4",
        "litert, 1 thread, tflite fp32, pixel4, imported from AI Hub",
    ]
    assert [machine.device_id for machine in table.machines] == ["zz-phone", "imported-pixel4"]


@pytest.mark.parametrize(
    ("mask", "text"), [(0x80, "core 7"), (3, "cores 0-1"), (0x8F, "cores 0-3,7"), (5, "cores 0,2")]
)
def test_a_mask_of_cores_is_named_by_the_cores(mask: int, text: str) -> None:
    assert describe_mask(mask) == text


def test_a_caveat_of_every_cell_is_said_once_for_all() -> None:
    everywhere, once = Caveat(code="virtual", text="a virtual machine"), Caveat(code="hot", text="41 degrees")
    crash = make_result(CA, None, failure=Failure(kind="crash", message="boom"))
    results = [
        *make_sessions(BASE, 5.0, caveats=[everywhere, once]),
        *make_sessions(SE, 6.0, sessions=(0,), caveats=[everywhere]),
        crash,
    ]
    table = make_table([], results, [])
    assert table.remarks == ("virtual (4 of 5 runs): a virtual machine",)
    assert explain(table, find_row(table, "baseline").cells[0].notes) == "hot (3 of 5 runs): 41 degrees"
    assert not any("virtual" in note for note in table.notes)


def test_an_overhead_that_may_be_none_says_so() -> None:
    def shift(session: int, _: int) -> float:
        return 0.2 * (session - 1)

    results = make_sessions(BASE, 5.0) + make_sessions(SE, 5.1, drift=shift) + make_sessions(CA, 6.0)
    table = make_table([], results, [])
    unclear = find_row(table, "+ se (r 24)").cells[0]
    assert unclear.wall_overhead is not None
    assert "can't tell this overhead from none" in explain(table, unclear.overhead_notes)
    assert find_row(table, "+ ca (r 32)").cells[0].overhead_notes == ()


def test_rows_are_grouped_by_network_with_the_baseline_first() -> None:
    other = [make_artifact(make_spec(block, width_ratio=0.5)) for block in ("ca", None)]
    foreign = make_artifact(None, file_name="x.tflite")
    table = make_table([foreign, CA, *other, SE, BASE], [], [])
    assert [(row.group, row.label) for row in table.rows] == [
        ("mobilenet_v2 1.0, 224 x 224", "baseline"),
        ("mobilenet_v2 1.0, 224 x 224", "+ ca (r 32)"),
        ("mobilenet_v2 1.0, 224 x 224", "+ se (r 24)"),
        ("mobilenet_v2 0.5, 224 x 224", "baseline"),
        ("mobilenet_v2 0.5, 224 x 224", "+ ca (r 32)"),
        (None, "x.tflite"),
    ]


def test_the_order_of_results_changes_nothing() -> None:
    results = make_sessions(BASE, 5.0) + make_sessions(SE, 6.0) + make_sessions(CA, 5.5, threads=2)
    assert dump_record(make_table([BASE, SE, CA], results, [])) == dump_record(
        make_table([BASE, SE, CA], results[::-1], [])
    )


def test_titles() -> None:
    assert make_table([], [], []).title == "Nothing to report"
    assert make_table([BASE], [], [make_accuracy(0.7)]).title == "Latency and accuracy of mobilenet_v2"
    foreign = make_artifact(None, file_name="a.onnx")
    assert make_table([foreign], [], []).title == "Latency of a.onnx"
    assert make_table([BASE, foreign], [], []).title == "Latency of mobilenet_v2 and another file"
    assert make_table([BASE], [], [], title="Mine").title == "Mine"
    many = [make_artifact(make_spec(backbone=name)) for name in "abcdef"]
    assert make_table(many, [], []).title == "Latency of a, b, c and 3 more"
