import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pocketbench.reports.gate.junit import format_junit
from tests.reports.gate.sample import HOSTILE, make_cell, make_hostile, make_mixed, make_report

NUMBER = re.compile(r"\d+(\.\d+)?")


def parse(text: str) -> ET.Element:
    return ET.fromstring(text.encode())  # ours, and made by ElementTree


def find_outcomes(text: str) -> dict[str, str]:
    """Case -> the element that says how it ended, "" for none."""
    return {
        case.attrib["name"]: "".join(child.tag for child in case if child.tag != "system-out")
        for case in parse(text).iter("testcase")
    }


def test_a_case_a_cell_and_red_where_the_gate_is_red() -> None:
    assert find_outcomes(format_junit(make_mixed())) == {
        "broken_net.tflite on litert, 1 thread": "error",
        "gone_net.tflite on litert, 1 thread": "error",
        "slow_net.tflite on litert, 1 thread": "failure",
        "noisy_net.tflite on litert, 1 thread": "failure",
        "fast_net.tflite on litert, 1 thread": "",
        "steady_net.tflite on litert, 1 thread": "",
        "steady_net.tflite": "",
    }


@pytest.mark.parametrize(("exit_code", "outcome"), [(0, "skipped"), (5, "failure"), (4, "failure")])
def test_an_inconclusive_cell_follows_the_gate(exit_code: int, outcome: str) -> None:
    report = make_report(make_cell("inconclusive", "net", 1.0), exit_code=exit_code)
    assert list(find_outcomes(format_junit(report)).values()) == [outcome]


def test_the_attributes_that_the_schema_of_jenkins_asks_for() -> None:
    root = parse(format_junit(make_mixed()))
    assert root.tag == "testsuites"
    (suite,) = root
    assert suite.attrib["name"] == "speed gate"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    assert suite.attrib["timestamp"] == "2026-03-01T10:00:00"  # 11:00 in a zone one hour ahead of UTC
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 7]
    assert set(root.attrib) == {"name", "tests", "failures", "errors", "time"}
    for attribute, tag in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
        assert int(suite.attrib[attribute]) == len(list(root.iter(tag)))
        assert root.get(attribute, suite.attrib[attribute]) == suite.attrib[attribute]
    for case in suite.iter("testcase"):
        assert {"name", "classname", "time"} == set(case.attrib)
        assert NUMBER.fullmatch(case.attrib["time"])
    for tag in ("failure", "error", "skipped"):
        assert all({"message", "type"} == set(element.attrib) for element in root.iter(tag))


def test_the_text_says_why_and_where() -> None:
    (failure, *_) = parse(format_junit(make_mixed())).iter("failure")
    assert failure.attrib["message"] == "8.3 % slower than base, 3 % are allowed"
    assert str(failure.text).startswith("regressed: 8.3 % slower than base, 3 % are allowed\n")
    assert "features.3.attention" in str(failure.text)


def test_names_that_xml_forbids_are_still_parsed() -> None:
    report = make_hostile()
    parse(format_junit(replace(report, verdict="\x00\x08\ufffe\ud800failed", started_at="yesterday")))
    (case, *_) = parse(format_junit(report)).iter("testcase")
    assert "<img src=x onerror=alert(1)>" in case.attrib["name"]
    assert HOSTILE not in case.attrib["name"]


def test_an_empty_report_is_an_empty_suite() -> None:
    assert find_outcomes(format_junit(make_report())) == {}
