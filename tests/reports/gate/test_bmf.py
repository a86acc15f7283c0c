import json
from dataclasses import replace

from pocketbench.reports.gate.bmf import format_bmf
from tests.reports.gate.sample import make_cell, make_duel, make_hostile, make_mixed, make_ratio, make_report


def test_latency_of_head_in_ns_and_the_ratio_with_its_bounds() -> None:
    found = json.loads(format_bmf(make_report(make_cell("pass", "net", 1.01))))
    assert found == {
        "net.tflite on litert, 1 thread": {
            "latency": {"value": 5_050_000.0},
            "latency-ratio": {"value": 1.01, "lower_value": 1.01 - 0.012, "upper_value": 1.01 + 0.012},
        }
    }


def test_what_was_counted_is_a_measure_of_its_own() -> None:
    found = json.loads(format_bmf(make_mixed()))
    assert found["steady_net.tflite"] == {"file-size": {"value": 110}, "operator-count": {"value": 74}}
    assert found["slow_net.tflite on litert, 1 thread"]["partition-count"] == {"value": 3}


def test_it_keeps_to_the_schema_of_the_format() -> None:
    for report in (make_mixed(), make_hostile(), make_report()):
        for benchmark, measures in json.loads(format_bmf(report)).items():
            assert 0 < len(benchmark) <= 1024
            for measure, metric in measures.items():
                assert 0 < len(measure) <= 64
                assert set(metric) <= {"value", "lower_value", "upper_value"}
                assert isinstance(metric["value"], (int, float))


def test_no_bounds_without_an_interval() -> None:
    duel = replace(make_duel(1.0), ratio=replace(make_ratio(1.0), low=None, high=None))
    found = json.loads(format_bmf(make_report(make_cell("inconclusive", "net", duel=duel))))
    assert found["net.tflite on litert, 1 thread"]["latency-ratio"] == {"value": 1.0}
