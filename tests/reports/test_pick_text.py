import pytest

from pocketbench.reports.pick_text import describe_answer, format_pick, suggest_budget_ms
from pocketbench.reports.table import make_table
from tests.reports.pick_samples import File, build, measure, name, pick
from tests.reports.synthetic import MS, make_artifact, make_sessions, make_spec
from tests.reports.test_pick import EXAMPLE


def find_line(text: str, start: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line


def test_the_answer_is_the_first_line_and_rivals_follow() -> None:
    answer, among, alike, perhaps = describe_answer(pick(build(EXAMPLE), 6))
    assert answer.startswith(f"{name('ca')}: top-1 93.1 % (92.6 to 93.6), 5.60 ms (5.55 to 5.65), litert, 1 thread")
    assert among == "the most accurate within 6 ms on host, of 7 files measured there"
    assert alike.startswith(f"as good within the interval, and 0.800 ms faster: {name('eca')} (litert")
    assert perhaps.startswith(f"perhaps better, but not surely within the budget: {name('ca_x')} (litert")


def test_each_other_file_has_its_reason() -> None:
    text = format_pick(pick(build(EXAMPLE), 6))
    assert find_line(text, f"{name('cbam')} ").endswith("too slow by 1.90 ms")
    assert find_line(text, f"{name('ca_x')} ").endswith("cannot say: the interval holds 6 ms")
    assert "less accurate: -1.00 points (-1.73 to -0.27)" in find_line(text, f"{name(None)} ")
    assert "as good: -0.40 points (-1.1" in find_line(text, f"{name('se')} ")
    assert find_line(text, f"{name('ca_y')} ").endswith("no top-1 was measured of this file")
    assert "SIGSEGV" in find_line(text, f"{name('simam')} ")
    assert "Top-1 is measured of these files on Fashion-MNIST, test." in text
    assert "Within the budget is a file whose median's 95 % interval ends within it." in text
    assert "runtime  " not in text  # there is but one


def test_a_file_on_two_runtimes_is_named_with_them() -> None:
    text = format_pick(pick(build([File("ca", 5.0, 0.93), File("ca", 2.0, 0.93, threads=4)]), 6))
    assert text.splitlines()[0].endswith("litert, 4 threads, tflite fp32")
    assert text.splitlines()[1].endswith("of 1 file measured there")
    assert "the same file, slower" in find_line(text, f"{name('ca')}  litert, 1 thread")


@pytest.mark.parametrize("ms", [0.01234, 0.9999, 1.9, 4.5, 9.996, 123.4])
def test_nothing_within_the_budget_says_which_one_would_do(ms) -> None:
    table = build([File(None, ms, 0.9, spread=ms / 100), File("ca", 2 * ms, 0.9, spread=ms / 100)])
    found = pick(table, ms / 10)
    (line,) = describe_answer(found)
    assert line.startswith(f"nothing is within {ms / 10:.6g} ms on host: the fastest is {name(None)} (litert, 1 thread")
    budget = suggest_budget_ms(found)
    assert pick(table, budget).chosen.file_name == name(None)
    need = min(item.candidate.high_ns for item in found.others) / MS
    assert need <= budget <= 1.011 * need


def test_without_an_interval_no_budget_is_promised() -> None:
    found = pick(build([File(None, 4.5, 0.9, sessions=1)]), 1)
    assert found.verdict == "none"
    assert suggest_budget_ms(found) is None
    assert "4.48 ms (one session, no interval)" in describe_answer(found)[0]


def test_what_can_not_be_said_is_said() -> None:
    first, near = describe_answer(pick(build([File("ca_x", 5.9, 0.939, spread=0.3)]), 6))
    assert first == "cannot say whether anything is within 6 ms on host"
    assert near.startswith(f"perhaps {name('ca_x')} (litert")
    assert describe_answer(pick(build([File(None, 4.5, None)]), 6)) == [
        "cannot say: no top-1 is known of what is within 6 ms on host"
    ]
    assert describe_answer(pick(build([File(None, None, 0.9)]), 6)) == ["cannot say: nothing has a latency on host"]


def test_files_that_did_not_run_there_are_counted() -> None:
    base = make_artifact(make_spec())
    onnx = [make_artifact(make_spec(block), "onnx") for block in (None, "se")]
    text = format_pick(pick(make_table([*onnx], make_sessions(base, 4.5), [measure(0.9, base)]), 6))
    assert "Not measured here: 2 files of onnx fp32." in text


def test_a_name_can_not_move_the_cursor_of_a_terminal() -> None:
    evil = make_artifact(None, file_name="\x1b[2Jevil.tflite")
    text = format_pick(pick(make_table([], make_sessions(evil, 4.5), [measure(0.9, evil)]), 6))
    assert "\x1b" not in text
    assert "?[2Jevil.tflite: top-1" in text
