from pocketbench.reports.table import make_table
from pocketbench.reports.text import format_latencies
from tests.reports.synthetic import make_artifact, make_example, make_sessions


def test_columns_hold_what_the_table_holds() -> None:
    lines = format_latencies(make_table(*make_example())).splitlines()
    (ca,) = [line for line in lines if "+ ca" in line and " 420 " in line]
    assert ca.split()[-9:] == ["5.58", "5.46-5.71", "5.70", "2.2", "%", "420", "5.03", "+0.950", "x1.20"]


def test_notes_and_what_holds_for_all_stand_below() -> None:
    lines = format_latencies(make_table(*make_example())).splitlines()
    (crashed,) = [line for line in lines if line.endswith("[1]")]
    assert "+ se" in crashed
    assert "[1] Failed in all 3 sessions: crash: the worker was killed by SIGSEGV" in lines
    assert lines[-1] == "every latency: virtual_machine (14 of 17 runs): measured in a virtual machine"


def test_columns_without_a_figure_are_left_out() -> None:
    file = make_artifact(None, "onnx")
    text = format_latencies(make_table([], make_sessions(file, 5.0), []))
    assert "overhead" not in text
    assert "median ms" in text


def test_a_name_can_not_move_the_cursor() -> None:
    file = make_artifact(None, "onnx", file_name="a\x1b[2J\r.onnx")
    text = format_latencies(make_table([], make_sessions(file, 5.0), []))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "a?[2J?.onnx" in text


def test_nothing_measured_is_no_text() -> None:
    assert format_latencies(make_table([], [], [])) == ""
