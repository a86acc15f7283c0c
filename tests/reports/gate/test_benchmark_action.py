import json

from pocketbench.reports.gate.benchmark_action import format_benchmark_action
from tests.reports.gate.sample import make_cell, make_hostile, make_mixed, make_report


def test_a_latency_in_ms_with_its_verdict() -> None:
    assert json.loads(format_benchmark_action(make_report(make_cell("pass", "net", 1.01)))) == [
        {
            "name": "net.tflite on litert, 1 thread",
            "unit": "ms",
            "value": 5.05,
            "range": "0.998 to 1.022 of base",
            "extra": "pass: because of pass\nratio x1.010",
        }
    ]


def test_what_was_counted_has_its_unit() -> None:
    entries = json.loads(format_benchmark_action(make_mixed()))
    assert {"name": "steady_net.tflite: size_bytes", "unit": "bytes", "value": 110} in entries
    assert {"name": "steady_net.tflite: operator_count", "unit": "count", "value": 74} in entries


def test_a_name_stays_within_the_table_that_the_action_comments() -> None:
    for entry in json.loads(format_benchmark_action(make_hostile())):
        assert not set("`|\n") & set(entry["name"])


def test_nothing_compared_is_an_empty_list() -> None:
    assert json.loads(format_benchmark_action(make_report())) == []
