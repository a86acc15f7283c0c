import math
import statistics
from dataclasses import replace

import pytest

from pocketbench.core.records import Device
from pocketbench.reports.history import make_history, reduce_session
from pocketbench.reports.history_order import order_commits, shorten_hashes
from pocketbench.reports.history_records import GitCommit, History
from tests.core.samples import MEASUREMENT, RESULT, make_failed_result, make_result
from tests.reports.history_samples import THREADED, make_noisy, make_session, name_commits


def build(*results, known=()) -> History:
    return make_history(filter(None, map(reduce_session, results)), known)


def build_cell(*results, known=()):
    (cell,) = build(*results, known=known).cells
    return cell


def test_a_session_is_the_median_of_its_settled_samples() -> None:
    value = reduce_session(RESULT)
    # bursts of 4, of which 2 settle: 2, 4, 3 and 5 ms by wall clock are left, and 1, 3, 2 and 4 ms of CPU time
    assert (value.wall_ns, value.cpu_ns, value.cpu_clock) == (3_500_000, 2_500_000, "thread")


@pytest.mark.parametrize(
    "result",
    [
        make_failed_result(),
        make_result(git_commit=None),
        make_result(measurement=replace(MEASUREMENT, wall_ns=(1,), cpu_ns=(1,))),
    ],
)
def test_without_a_figure_or_a_commit_a_session_is_left_out(result) -> None:
    assert reduce_session(result) is None


def test_a_commit_is_the_median_of_its_sessions_with_students_interval() -> None:
    cell = build_cell(*(make_session("aaa", ms, session=index) for index, ms in enumerate((5.0, 5.1, 5.3))))
    (point,) = cell.points
    logarithms = [math.log(5.0e6), math.log(5.1e6), math.log(5.3e6)]
    reach = 4.302652730 * statistics.stdev(logarithms) / math.sqrt(3)  # t of 95 %, 2 degrees of freedom
    assert point.value_ns == pytest.approx(5.1e6)
    assert point.low_ns == pytest.approx(math.exp(statistics.fmean(logarithms) - reach))
    assert point.high_ns == pytest.approx(math.exp(statistics.fmean(logarithms) + reach))
    assert point.session_count == 3


def test_one_session_has_no_interval() -> None:
    (point,) = build_cell(make_session("aaa", 5.0)).points
    assert (point.value_ns, point.low_ns, point.high_ns) == (pytest.approx(5e6), None, None)


def test_a_session_that_is_listed_twice_counts_once() -> None:
    (point,) = build_cell(make_session("aaa", 5.0), make_session("aaa", 5.0)).points
    assert point.session_count == 1


def test_a_commit_that_was_measured_again_is_one_point() -> None:
    cell = build_cell(make_session("aaa", 5.0, 0), make_session("bbb", 5.0, 1), make_session("aaa", 5.2, 9))
    assert [(point.commit, point.session_count) for point in cell.points] == [("aaa", 2), ("bbb", 1)]
    assert cell.points[0].measured_at.startswith("2026-01-01")


@pytest.mark.parametrize(
    ("changes", "clock", "ms"),
    [
        ({}, "thread", 5.0),
        ({"plan": THREADED}, "wall", 10.0),
        ({"plan": replace(RESULT.plan, delegate="gpu")}, "wall", 10.0),
    ],
)
def test_one_thread_on_the_cpu_counts_by_cpu_time_all_else_by_the_wall(changes, clock, ms) -> None:
    cell = build_cell(make_session("aaa", 5.0, **changes))
    assert (cell.clock, cell.points[0].value_ns) == (clock, pytest.approx(ms * 1e6))


def test_where_a_session_lacks_the_time_of_its_thread_the_wall_counts_for_all() -> None:
    other = make_session("bbb", 5.0, 1)
    other = replace(other, measurement=replace(other.measurement, cpu_clock="process"))
    cell = build_cell(make_session("aaa", 5.0), other)
    assert cell.clock == "wall"
    assert [point.value_ns for point in cell.points] == pytest.approx([10e6, 10e6])


def test_a_step_that_was_put_there_is_found_with_its_size() -> None:
    cell = build_cell(*make_noisy([5.0] * 20 + [5.5] * 20))
    (change,) = cell.changes
    assert change.index == 20
    before, after = (statistics.median(p.value_ns for p in part) for part in (cell.points[:20], cell.points[20:]))
    assert change.before_ns == pytest.approx(before, rel=1e-3)
    assert change.after_ns == pytest.approx(after, rel=1e-3)
    assert change.ratio == pytest.approx(after / before, rel=1e-3)
    assert 1.08 < change.ratio < 1.12
    assert {point.level_ns for point in cell.points[:20]} == {change.before_ns}
    assert {point.level_ns for point in cell.points[20:]} == {change.after_ns}


def test_each_commit_is_set_against_the_level_before_it() -> None:
    cell = build_cell(*(make_session(f"commit {day}", ms, day) for day, ms in enumerate(STEP)))
    assert [point.change_ratio for point in cell.points] == [
        None,
        *[pytest.approx(1.0)] * 5,
        pytest.approx(1.1),
        *[pytest.approx(1.0)] * 5,
    ]


STEP = [5.0] * 6 + [5.5] * 6


def test_below_ten_commits_nothing_is_marked() -> None:
    cell = build_cell(*make_noisy([5.0] * 4 + [9.0] * 5))
    assert (cell.changes, cell.has_enough_points) == ((), False)


def test_a_change_point_says_what_else_changed() -> None:
    later = {"conditions_before": None, "tools": {"ai-edge-litert": "2.4.0"}}
    results = []
    for day, (name, ms) in enumerate(zip(name_commits(12), STEP, strict=True)):
        result = make_session(name, ms, day)
        if day >= 6:
            before = replace(result.conditions_before, cpu_model="another processor")
            result = replace(result, **(later | {"conditions_before": before}))
        results.append(result)
    (change,) = build_cell(*results).changes
    assert change.remarks == (
        "the processor is another processor, before a processor",
        "it ran with ai-edge-litert 2.4.0, before ai-edge-litert 2.3.0",
    )


def test_a_change_point_of_an_unchanged_file_says_so() -> None:
    results = [
        make_session(name, ms, day, artifact=RESULT.artifact)
        for day, (name, ms) in enumerate(zip(name_commits(12), STEP, strict=True))
    ]
    (change,) = build_cell(*results).changes
    assert change.remarks == ("the model file is the same",)


def test_cells_are_told_apart_and_ordered() -> None:
    artifact = RESULT.artifact
    other_model = replace(artifact, spec=replace(artifact.spec, block=None, reduction_ratio=None))
    elsewhere = Device(**{name: getattr(RESULT.device, name) for name in Device.__slots__} | {"device_id": "phone"})
    results = [
        make_session("aaa", 5.0, artifact=other_model),
        make_session("aaa", 5.0, device=elsewhere),
        make_session("aaa", 5.0, plan=THREADED),
        make_session("aaa", 5.0),
        make_session("aaa", 5.0, artifact=replace(artifact, precision="int8")),
    ]
    expected = [
        ("mobilenet_v2_1.0_224_hard_sigmoid", "host", 1, "fp32"),
        ("mobilenet_v2_1.0_ca32_224", "host", 1, "fp32"),
        ("mobilenet_v2_1.0_ca32_224", "host", 4, "fp32"),
        ("mobilenet_v2_1.0_ca32_224", "host", 1, "int8"),
        ("mobilenet_v2_1.0_ca32_224", "phone", 1, "fp32"),
    ]
    expected[0] = (other_model.model_name, *expected[0][1:])
    for order in (results, results[::-1]):
        cells = build(*order).cells
        found = [(c.model, c.runtime.device_id, c.runtime.thread_count, c.runtime.file_kind.precision) for c in cells]
        assert found == expected


def test_without_git_commits_are_in_the_order_of_their_first_measurement() -> None:
    results = [make_session("bbb", 5.0, 1), make_session("ccc", 5.0, 2), make_session("aaa", 5.0, 3)]
    results += [make_session("ccc", 5.0, 0.5)]
    history = build(*results)
    assert history.order == "time"
    assert [point.commit for point in history.cells[0].points] == ["ccc", "bbb", "aaa"]


def test_git_orders_what_it_knows_and_says_what_it_is() -> None:
    known = [GitCommit(commit="ccc", committed_at="2025-05-05T00:00:00Z", subject="third")]
    known.append(GitCommit(commit="aaa", committed_at="2025-05-06T00:00:00Z", subject="first"))
    results = [make_session("aaa", 5.0, 0), make_session("bbb", 5.0, 1), make_session("ccc", 5.0, 2)]
    history = build(*results, known=known)
    assert history.order == "git"
    points = history.cells[0].points
    # bbb was measured before ccc, the first that git knows and that was measured later
    assert [(point.commit, point.subject) for point in points] == [("bbb", None), ("ccc", "third"), ("aaa", "first")]


@pytest.mark.parametrize(
    ("times", "known", "expected"),
    [
        ({}, [], ""),
        ({"a": "3", "b": "1", "c": "2"}, [], "bca"),
        ({"a": "3", "b": "1", "c": "2"}, ["a", "c", "x", "b"], "acb"),
        ({"a": "1", "b": "2", "u": "1.5"}, ["a", "b"], "aub"),
        ({"a": "1", "b": "2", "u": "3", "v": "0"}, ["a", "b"], "vabu"),
        ({"a": "1", "u": "1", "v": "1"}, ["a"], "auv"),
    ],
)
def test_unknown_commits_stand_before_the_first_known_one_that_is_later(times, known, expected) -> None:
    assert "".join(order_commits(times, known)) == expected


def test_hashes_are_as_short_as_they_stay_apart() -> None:
    assert shorten_hashes(["0123456789", "abcdefghij"]) == {"0123456789": "0123456", "abcdefghij": "abcdefg"}
    assert set(shorten_hashes(["0123456789", "0123456780"]).values()) == {"0123456789", "0123456780"}
    assert shorten_hashes(["abc"]) == {"abc": "abc"}
