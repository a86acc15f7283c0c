import json
import re
from dataclasses import replace

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.reports.history import make_history, reduce_session
from pocketbench.reports.history_chart import make_history_chart
from pocketbench.reports.history_page import write_history
from pocketbench.reports.history_text import HINT, format_history
from pocketbench.reports.picture_colours import read_colours
from tests.core.samples import ARTIFACT
from tests.reports.history_samples import THREADED, make_noisy, make_session, name_commits

STEP = make_noisy([5.0] * 12 + [5.5] * 12)


def build(*results):
    return make_history(filter(None, map(reduce_session, results)))


def read_values(chart: dict) -> list[dict]:
    (values,) = chart["datasets"].values() if "datasets" in chart else (chart["data"]["values"],)
    return values


def test_the_table_has_a_line_a_commit_and_marks_the_change() -> None:
    history = build(*STEP)
    (cell,) = history.cells
    title, heads, *lines = format_history(history).splitlines()
    assert title == (
        "mobilenet_v2_1.0_ca32_224 on litert, 1 thread, tflite fp32, x 1x3x224x224: CPU time of the calling thread"
    )
    assert heads.split() == ["commit", "measured", "ms", "95", "%", "interval", "sessions", "change"]
    assert [line.split()[0] for line in lines[:24]] == [name[:7] for name in name_commits(24)]
    assert [index for index, line in enumerate(lines[:24]) if "<-" in line] == [12]
    point = cell.points[12]
    interval = f"{point.low_ns / 1e6:.2f}-{point.high_ns / 1e6:.2f}"
    assert lines[12].split()[:5] == [point.label, "2026-01-13", f"{point.value_ns / 1e6:.2f}", interval, "3"]
    (change,) = cell.changes
    size = f"{100 * (change.after_ns / change.before_ns - 1):+.1f} %"
    assert lines[12].endswith(f"<- {size}")
    sentence = f"{size}, {change.before_ns / 1e6:.2f} ms -> {change.after_ns / 1e6:.2f} ms."
    assert lines[24] == f"Change point at {point.label}: {sentence}"
    assert lines[-1] == HINT


def test_the_table_says_why_nothing_is_marked() -> None:
    assert "9 commits: change points are looked for from 10 on." in format_history(build(*make_noisy([5.0] * 9)))
    assert "No change point in 20 commits." in format_history(build(*make_noisy([5.0] * 20)))
    assert "1 commit: change points" in format_history(build(make_session("aaa", 5.0)))


def test_several_threads_are_said_to_be_by_wall_clock() -> None:
    assert "4 threads, tflite fp32, x 1x3x224x224: wall clock\n" in format_history(
        build(make_session("aaa", 5.0, plan=THREADED))
    )


def test_a_name_can_not_move_the_cursor_of_a_terminal() -> None:
    artifact = replace(ARTIFACT, spec=None, file_name="\x1b[2Jevil.tflite")
    assert "\x1b" not in format_history(build(make_session("aaa", 5.0, artifact=artifact)))


def test_a_chart_has_every_point_in_order_and_marks_the_change() -> None:
    (cell,) = build(*STEP).cells
    chart = make_history_chart(cell)
    values = read_values(chart)
    assert [value["label"] for value in values] == [name[:7] for name in name_commits(24)]
    assert [value["median"] for value in values] == [point.value_ns / 1e6 for point in cell.points]
    assert [index for index, value in enumerate(values) if value["mark"] is not None] == [12]
    assert [value["segment"] for value in values] == [0] * 12 + [1] * 12
    low, high = chart["layer"][1]["encoding"]["y"]["scale"]["domain"]
    assert all(low < value["median"] < high for value in values)


def test_a_chart_of_one_commit_is_drawn(tmp_path) -> None:
    write_history(build(make_session("aaa", 5.0)), tmp_path / "one.svg")
    assert "aaa" in (tmp_path / "one.svg").read_text()


def test_a_page_can_not_be_ended_by_a_name(tmp_path) -> None:
    evil = "</script><script>alert(1)</script>"
    artifact = replace(ARTIFACT, spec=None, file_name=f"{evil}.tflite")
    write_history(build(make_session("aaa", 5.0, artifact=artifact)), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script>alert" not in page
    assert page.count("<figure>") == 1
    assert HINT in page
    (data,) = re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page)
    assert len(read_values(json.loads(data)[0])) == 1


def test_a_picture_holds_all_cells_in_plain_colours(tmp_path) -> None:
    write_history(build(*STEP, make_session("aaa", 5.0, plan=THREADED)), tmp_path / "picture.svg")
    picture = (tmp_path / "picture.svg").read_text()
    assert "var(" not in picture
    assert read_colours()["--series-1"] in picture
    assert "1 thread" in picture
    assert "4 threads" in picture
    assert "pocketbench gate" in picture
    write_history(build(*STEP), tmp_path / "picture.PNG")
    assert (tmp_path / "picture.PNG").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("name", ["var(--x)", "var(--ink)"])
def test_a_name_is_never_read_as_a_colour(tmp_path, name: str) -> None:
    """A model and a commit: as a title, as a tick of the axis, and in the data."""
    artifact = replace(ARTIFACT, spec=None, file_name=name)
    write_history(build(make_session(name, 5.0, artifact=artifact)), tmp_path / "picture.svg")
    picture = (tmp_path / "picture.svg").read_text()
    assert picture.count(name) >= 2
    assert not re.search(r'(fill|stroke|color)="var', picture)


def test_a_file_that_can_not_be_written_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileFault, match="can't write"):
        write_history(build(*STEP), tmp_path / "file" / "page.html")
