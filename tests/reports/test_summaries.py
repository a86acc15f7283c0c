"""Samples that are means or medians: what a phone's program printed of the inferences of one process each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pocketbench.core.records import Measurement, RunPlan, RunResult, Summary
from pocketbench.core.results_frame import result_row
from pocketbench.core.sample_text import describe_samples, name_figure
from pocketbench.reports.conditions_text import describe_method, describe_terms
from pocketbench.reports.csv_json import format_csv
from pocketbench.reports.figures import make_figures
from pocketbench.reports.records import Table
from pocketbench.reports.sheets import EMPTY, make_overview, make_runtime_sheets
from pocketbench.reports.table import make_table
from pocketbench.reports.text import format_latencies
from tests.reports.synthetic import MS, make_artifact, make_result, make_sessions, make_spec

PLAN = RunPlan(engine="benchmark_model", burst_count=1, settle_count=0, round_count=3)


def measure(means_ms: Sequence[float], statistic: str = "mean", sizes: Sequence[int] = (50, 50, 57)) -> Measurement:
    summaries = tuple(
        Summary(count=size, mean_ns=round(ms * MS), median_ns=round(ms * MS))
        for ms, size in zip(means_ms, sizes, strict=True)
    )
    return Measurement(
        wall_ns=tuple(round(ms * MS) for ms in means_ms),
        cpu_ns=(),
        cpu_clock=None,
        burst_count=1,
        settle_count=0,
        warmup_wall_ns=(),
        load_ns=None,
        first_ns=None,
        peak_rss_bytes=None,
        idle_rss_bytes=None,
        clock_resolution_ns=1000,
        sample_statistic=statistic,
        summaries=summaries,
    )


def run_phone(statistic: str = "mean") -> list[RunResult]:
    """Two models in two sessions on a phone; the variant takes 1 ms more in every round."""
    results = []
    for block, cost in ((None, 0.0), ("ca", 1.0)):
        file = make_artifact(make_spec(block))
        for session in (0, 1):
            times = [10 + cost + round_ms + session for round_ms in (0.0, 0.5, 0.1)]
            results.append(make_result(file, measure(times, statistic), session=session, plan=PLAN))
    return results


def make_phone_table(statistic: str = "mean") -> Table:
    return make_table([], run_phone(statistic), [])


def test_the_figure_is_the_median_of_the_means_and_has_no_percentile():
    cell = make_phone_table().rows[1].cells[0]
    wall = cell.wall
    assert wall is not None
    assert wall.median_ns == pytest.approx(11.75 * MS)  # of 11, 11.1, 11.5, 12, 12.1, 12.5
    assert (wall.p90_ns, wall.spread_ratio) == (None, None)
    assert (wall.statistics, wall.sample_count, wall.size_low, wall.size_high) == (("mean",), 6, 50, 57)
    assert wall.low_ns is not None, "sessions still tell how far they differ"
    assert cell.wall_overhead is not None, "rounds still pair the models"
    assert cell.wall_overhead.difference_ns == pytest.approx(MS)


def test_no_form_of_the_report_calls_it_a_median_of_inferences():
    table = make_phone_table()
    heads = [column.head for column in make_overview(table).columns]
    assert heads[3] == "median of means, ms"
    (sheet,) = make_runtime_sheets(table)
    assert sheet.columns[0].head == "median of means"
    texts = [entry.text for entry in sheet.lines[0].entries]
    assert texts[2:5] == [EMPTY, EMPTY, "6 x 50 to 57"]
    (figure,) = make_figures(table)
    assert figure.latency_title == "latency (median of means)"
    assert "intervals of the median of means" in figure.caption
    plain = format_latencies(table)
    assert "median of means ms" in plain
    assert "p90" not in plain
    assert "keeps no samples" in plain
    line = format_csv(table).splitlines()[1]
    assert ",mean,50,57," in line
    assert any(term.startswith("mean, median of means") for term, _ in describe_terms(table))
    assert any("started anew for every sample" in text for text in describe_method(table))


def test_medians_are_named_so_and_two_kinds_are_both_named():
    assert make_overview(make_phone_table("median")).columns[3].head == "median of medians, ms"
    first, second, *_ = run_phone()
    mixed = replace(second, measurement=measure([10, 10.5, 10.1], "median"))
    assert make_overview(make_table([], [first, mixed], [])).columns[3].head == "median of means and medians, ms"


def test_where_every_inference_is_kept_nothing_changes():
    table = make_table([], make_sessions(make_artifact(make_spec()), 5.0), [])
    assert make_overview(table).columns[3].head == "median, ms"
    assert all(not term.startswith("mean") for term, _ in describe_terms(table))
    assert not any("started anew" in text for text in describe_method(table))
    wall = table.rows[0].cells[0].wall
    assert wall is not None
    assert (wall.statistics, wall.size_low, wall.size_high) == (("inference",), None, None)
    assert wall.p90_ns is not None


def test_a_row_of_results_says_what_a_sample_is():
    row = result_row(run_phone()[0])
    assert (row["median_ms"], row["p90_ms"], row["n"], row["statistic"]) == (pytest.approx(10.1), None, 3, "mean")
    kept = result_row(make_sessions(make_artifact(make_spec()), 5.0)[0])
    assert (kept["statistic"], kept["p90_ms"] is not None) == ("inference", True)


@pytest.mark.parametrize(
    ("statistics", "count", "name"),
    [
        ({"inference"}, 1, "median"),
        ({"inference"}, 400, "median"),
        (set(), 0, "median"),
        ({"mean"}, 1, "mean"),
        ({"median"}, 1, "median"),
        ({"mean"}, 2, "median of means"),
        ({"median"}, 60, "median of medians"),
        ({"median", "mean"}, 2, "median of means and medians"),
        ({"inference", "mean"}, 9, "median of means and inferences"),
    ],
)
def test_names_of_figures(statistics: set[str], count: int, name: str):
    assert name_figure(statistics, count) == name


def test_samples_in_words():
    assert describe_samples(measure([1, 2, 3]), 3) == "median of 3 means of 50 to 57 inferences"
    assert describe_samples(measure([1], sizes=[50]), 1) == "mean of 50 inferences"
    assert describe_samples(replace(measure([1], sizes=[50]), sample_statistic="inference"), 7) == (
        "median of 7 inferences"
    )
