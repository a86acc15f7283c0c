"""The gate's report as JUnit XML: a test case a cell, for Jenkins, GitLab and whatever else shows tests.

`<failure>` is a test that says no: a regression. `<error>` is a test that could not be made: a model that is missing or
did not run. Jenkins counts both as failed, GitLab shows them as "failed" and "error"; neither lets one of them look
green. An inconclusive cell is `<skipped>` where the gate lets it pass, and a `<failure>` where it does not.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.reports.gate.text import format_evidence
from pocketbench.reports.gate.wording import (
    flatten_text,
    format_fine_ratio,
    format_interval,
    name_cell,
    name_sides,
    sort_cells,
)

SUITE_NAME = "speed gate"
CLASS_NAME = "pocketbench.gate"
"""Jenkins takes what stands before the last dot for a package; GitLab shows the whole as the suite."""

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, not even as an entity."""


def format_junit(report: GateReport) -> str:
    """The worst cells first: GitLab keeps the first of two cases of one name."""
    cases = [_make_case(cell, is_red=report.exit_code != 0) for cell in sort_cells(report.cells)]
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "time": f"{report.duration_s:.3f}",
    }
    skipped = {
        "skipped": str(sum(case.find("skipped") is not None for case in cases))
    }  # of a suite only, by the schema
    root = ET.Element("testsuites", {"name": "pocketbench", **totals})
    attributes = {"name": SUITE_NAME, **totals, **skipped, **_make_timestamp(report.started_at)}
    suite = ET.SubElement(root, "testsuite", attributes)
    properties = ET.SubElement(suite, "properties")
    base, head = name_sides(report)
    for name, value in (("base", base), ("head", head), ("verdict", report.verdict)):
        ET.SubElement(properties, "property", name=name, value=_drop_forbidden(value))
    suite.extend(cases)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _make_case(cell: CellVerdict, *, is_red: bool) -> ET.Element:
    seconds = cell.duel.duration_s if cell.duel is not None else 0.0
    name = _drop_forbidden(name_cell(cell.key))
    case = ET.Element("testcase", classname=CLASS_NAME, name=name, time=f"{seconds:.3f}")
    outcome = _choose_outcome(cell.verdict, is_red=is_red)
    if outcome is not None:
        reason = flatten_text(cell.reason)
        # in the text as well: GitLab shows no message
        text = "\n".join([f"{cell.verdict}: {reason}", *format_evidence(cell)])
        entry = ET.SubElement(case, outcome, message=_drop_forbidden(reason), type=cell.verdict)
        entry.text = _drop_forbidden(text)
    if cell.duel is not None:
        line = f"head over base {format_fine_ratio(cell.duel.ratio.value)} ({format_interval(cell.duel.ratio)})"
        ET.SubElement(case, "system-out").text = line
    return case


def _choose_outcome(verdict: str, *, is_red: bool) -> str | None:
    if verdict in ("failed", "missing"):
        return "error"
    if verdict == "regressed":
        return "failure"
    if verdict == "inconclusive":
        return "failure" if is_red else "skipped"
    return None


def _make_timestamp(started_at: str) -> dict[str, str]:
    """In UTC and without a zone, which the schema forbids; none where the time can't be read."""
    try:
        moment = datetime.fromisoformat(started_at)
    except ValueError:
        return {}
    return {"timestamp": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


def _drop_forbidden(text: str) -> str:
    return _FORBIDDEN.sub("", text)
