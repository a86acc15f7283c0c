from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from pocketbench.core.records import Summary
from pocketbench.profile.parsers import output_fault
from pocketbench.profile.parsers.benchmark_counts import parse_count_line
from pocketbench.profile.parsers.benchmark_model import parse_benchmark_model
from pocketbench.profile.parsers.output_fault import OutputFault
from tests.profile.parsers.benchmark_text import STEADY, WARMUP, compiled_text, count_line, interpreter_text

US, MS = 1_000, 1_000_000
# the lines that documentation of the program shows, as they are
DOCUMENTED = """\
Loaded model /data/local/tmp/albert_base.tflite
VERBOSE: Replacing 58 out of 58 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 partitions for the whole graph.
The input model file size (MB): 11.983
Initialized session in 20.283ms.
count=2 first=339304 curr=266325 min=266325 max=339304 avg=302814 std=36489
count=50 first=266601 curr=266931 min=265837 max=268116 avg=266473 std=419
Inference timings in us: Init: 20283, First inference: 339304, Warmup (avg): 302814, Inference (avg): 266473
Memory footprint delta from the start of the tool (MB): init=6.70312 overall=63.4023
Overall peak memory footprint (MB) via periodic monitoring: 93.2383
Memory status at the end of exeution:
"""  # noqa: E501


def test_the_documented_output():
    run = parse_benchmark_model(DOCUMENTED)
    assert run.summary == Summary(
        count=50,
        mean_ns=266_473_000,
        min_ns=265_837_000,
        max_ns=268_116_000,
        std_ns=419_000,
        load_ns=20_283_000,
        first_ns=339_304_000,
        warmup_count=2,
        warmup_mean_ns=302_814_000,
    )
    assert (run.statistic, run.resolution_ns, run.dialect) == ("mean", US, "interpreter")
    assert run.peak_bytes == round(93.2383 * 2**20)
    assert run.operators is None
    assert run.coverage is not None
    assert (run.coverage.node_count, run.coverage.delegated_node_count, run.coverage.partition_count) == (58, 58, 1)


LOGCAT = "06-11 10:00:00.123  4321  4322 I tflite  : "


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "INFO: ",
        "VERBOSE: ",
        "WARNING: ",
        LOGCAT,
        "I/tflite  ( 4321): ",
        "06-11 10:00:00.123 I/tflite: ",
        LOGCAT + "INFO: ",
        "\x1b[38;5;40m" + LOGCAT,
        "\t",
        "    INFO: ",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_prefixes_and_line_endings(prefix: str, ending: str):
    plain = parse_benchmark_model(interpreter_text(prefix=""))
    text = interpreter_text(
        prefix=prefix,
        replacing=[
            prefix + "Replacing 58 out of 58 node(s) with delegate "
            "(TfLiteXNNPackDelegate) node, yielding 1 partitions for the whole graph."
        ],
    )
    assert parse_benchmark_model(text.replace("\n", ending)) == plain


def test_percentiles_make_the_median_the_sample():
    run = parse_benchmark_model(interpreter_text(percentiles=True))
    ordered = sorted(STEADY)
    assert (run.statistic, run.resolution_ns) == ("median", US)
    assert run.summary.median_ns == ordered[25] * US
    assert (run.summary.p5_ns, run.summary.p95_ns) == (ordered[2] * US, ordered[47] * US)


@pytest.mark.parametrize("percentiles", [False, True])
def test_samples_that_are_all_the_same(percentiles: bool):
    run = parse_benchmark_model(interpreter_text([12] * 12, [14], percentiles=percentiles))
    assert (run.summary.count, run.summary.mean_ns, run.summary.std_ns) == (12, 12 * US, 0)
    assert run.summary.first_ns == run.summary.warmup_mean_ns == 14 * US
    assert run.summary.median_ns == (12 * US if percentiles else None)


@pytest.mark.parametrize("percentiles", [False, True])
def test_a_run_without_warmup_has_no_first_inference(percentiles: bool):
    run = parse_benchmark_model(interpreter_text(STEADY, [], percentiles=percentiles))
    assert (run.summary.warmup_count, run.summary.first_ns, run.summary.warmup_mean_ns) == (0, None, None)


def test_a_mean_in_scientific_notation_is_known_to_ten_microseconds():
    steady = [1_234_560 + 7 * index for index in range(9)]
    text = interpreter_text(steady, [1_300_000, 1_250_001])
    assert "avg=1.23459e+06" in text
    run = parse_benchmark_model(text)
    assert run.summary.mean_ns == 1_234_590 * US
    assert run.resolution_ns == 10 * US


def test_random_samples_are_found_again():
    draw = random.Random(5)
    for _ in range(300):
        scale = 10 ** draw.uniform(0.5, 7)
        steady = [1 + int(scale * draw.uniform(1, 1.5)) for _ in range(draw.randint(1, 80))]
        warmup = [1 + int(2 * scale * draw.uniform(1, 1.5)) for _ in range(draw.randint(0, 5))]
        for text in (interpreter_text(steady, warmup, percentiles=draw.random() < 0.5), compiled_text(steady, warmup)):
            summary = parse_benchmark_model(text).summary
            assert (summary.count, summary.min_ns, summary.max_ns) == (len(steady), min(steady) * US, max(steady) * US)
            assert summary.mean_ns == pytest.approx(1000 * sum(steady) / len(steady), rel=1e-5, abs=1)
            assert summary.first_ns == (warmup[0] * US if warmup else None)


def test_litert_build_with_and_without_count_lines():
    exact = parse_benchmark_model(compiled_text(peak="93.24"))
    rounded = parse_benchmark_model(compiled_text(counts=False))
    assert (exact.dialect, rounded.dialect) == ("compiled_model", "compiled_model")
    assert (exact.statistic, exact.resolution_ns) == ("median", US)
    assert (rounded.statistic, rounded.resolution_ns) == ("mean", 10 * US)
    assert exact.summary.mean_ns == pytest.approx(1000 * sum(STEADY) / 50, rel=1e-5)
    assert rounded.summary.mean_ns == pytest.approx(1000 * sum(STEADY) / 50, abs=5_000)
    assert (rounded.summary.count, rounded.summary.warmup_count) == (50, 2)
    assert rounded.summary.load_ns == 20_280_000
    assert exact.peak_bytes == round(93.24 * 2**20)
    assert rounded.peak_bytes is None


LITERT_BENCHMARK = """\
2026-11-21 20:13:11 INFO benchmark_litert_model: Running 20 benchmark iterations...

========================================
 BENCHMARK RESULTS
========================================
Model initialization:  9.24 ms
Warmup (first):        0.58 ms
Warmup (avg):          0.45 ms (3 runs)
Inference (avg):       0.38 ms (20 runs)
Inference (min):       0.37 ms
Inference (max):       0.43 ms
Inference (median):    0.38 ms
Inference (std):       0.02 ms
Inference (p5):        0.37 ms
Inference (p95):       0.42 ms
Throughput:            275.40 MB/s
Fully accelerated:     True
========================================
"""


def test_the_block_of_litert_benchmark_is_the_same():
    run = parse_benchmark_model(LITERT_BENCHMARK)
    assert (run.statistic, run.summary.median_ns, run.summary.count) == ("median", 380 * US, 20)


def test_options_that_the_program_repeats():
    run = parse_benchmark_model(interpreter_text())
    assert (run.graph, run.thread_count) == ("/data/local/tmp/m.tflite", 1)
    unknown = parse_benchmark_model(interpreter_text().replace("Num threads: [1]", "Num threads: [-1]"))
    assert unknown.thread_count is None


def test_an_older_build_names_its_timings_otherwise():
    text = re.sub(
        r"Inference timings.*",
        "Average inference timings in us: Warmup: 302814, Init: 20283, no stats: 266473",
        DOCUMENTED,
    )
    assert parse_benchmark_model(text).summary == parse_benchmark_model(DOCUMENTED).summary


GOOD = interpreter_text(percentiles=True)
STEADY_LINE = count_line(STEADY, percentiles=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("", "nothing was printed", id="nothing"),
        pytest.param("\0\0\n\n", "nothing was printed", id="nuls"),
        pytest.param("ERROR: Failed to load model /x.tflite\nERROR: Benchmarking failed.\n", "Benchmarking failed",
                     id="its own error"),
        pytest.param("/system/bin/sh: ./benchmark_model: not found", "not found", id="no program"),
        pytest.param("<html>502 Bad Gateway</html>", "502 Bad Gateway", id="garbage"),
        pytest.param(GOOD[: GOOD.index("Inference timings")], "did not come to its results", id="cut off"),
        pytest.param(GOOD[: GOOD.index(", Inference (avg)")], "cut off", id="cut in the results"),
        pytest.param(GOOD.replace(STEADY_LINE, ""), "there is one", id="no steady state"),
        pytest.param(re.sub("count=.*", "", GOOD), "count= lines of benchmark_model are missing", id="no count lines"),
        pytest.param(interpreter_text([], WARMUP, percentiles=True), "no inferences", id="no inferences"),
        pytest.param(GOOD.replace(STEADY_LINE, STEADY_LINE.replace("avg=", "avg=-")), "avg=-", id="negative"),
        pytest.param(re.sub(r"avg=\S+ (std=\S+ p5=.*\n\nINFO: Inf)", r"avg=nan \1", GOOD), "avg=nan", id="nan"),
        pytest.param(GOOD.replace("Inference (avg): 26", "Inference (avg): 27"), "in one place", id="contradiction"),
        pytest.param(GOOD.replace("First inference: 339304", "First inference: 339305000"), "in one place",
                     id="another first inference"),
        pytest.param(GOOD.replace("Init: 20283", "Init: 20.283"), "load is", id="ms for us"),
        pytest.param(GOOD.replace("session in 20.283ms", "session in 20.283us"), "initialisation", id="another unit"),
        pytest.param(GOOD.replace(STEADY_LINE, STEADY_LINE + "%"), "no number", id="a percent"),
        pytest.param(GOOD.replace(STEADY_LINE, STEADY_LINE.replace("std=", "mad=")), "not understood", id="other key"),
        pytest.param(GOOD.replace(STEADY_LINE, STEADY_LINE + " p99=3"), "not understood", id="another percentile"),
        pytest.param(GOOD.replace(STEADY_LINE, STEADY_LINE + "\n" + STEADY_LINE), "3 count= lines", id="three"),
        pytest.param(GOOD + GOOD, "several runs", id="two runs"),
        pytest.param(GOOD + compiled_text(), "two programs", id="both programs"),
        pytest.param(GOOD.replace(f"min={min(STEADY)}", f"min={max(STEADY) + 1}"), "contradict", id="min over max"),
        pytest.param(GOOD.replace("count=50", "count=5000000000000"), "no count", id="absurd count"),
        pytest.param(interpreter_text([5_000_000_000, 5_000_000_001]), "can't be a duration", id="more than an hour"),
        pytest.param(interpreter_text([0, 0, 0]), "takes no time", id="zero"),
        pytest.param(interpreter_text(peak="nan"), "no number", id="peak nan"),
        pytest.param(interpreter_text(peak="0"), "can't be the memory", id="peak zero"),
        pytest.param(interpreter_text(peak="1e40"), "can't be the memory", id="peak absurd"),
        pytest.param(compiled_text([], WARMUP), "no inferences", id="litert without inferences"),
        pytest.param(compiled_text([], WARMUP, counts=False), "no inferences", id="litert block without inferences"),
        pytest.param(compiled_text().replace("(50 runs)", "(49 runs)"), "49 by the summary", id="another count"),
        pytest.param(re.sub(r"(Inference \(avg\): +)(\d)", r"\g<1>1\2", compiled_text()), "in one place",
                     id="litert contradiction"),
        pytest.param(re.sub(r"(Inference \(avg\): .*) ms ", r"\1 us ", compiled_text()), "not understood",
                     id="litert in us"),
        pytest.param(re.sub(r"(Inference \(avg\): .*) ms ", r"\1 % ", compiled_text()), "not understood",
                     id="litert in percent"),
        pytest.param(compiled_text().replace("Inference (min)", "Inference (least)"), "not known", id="litert unknown"),
        pytest.param(re.sub(r".*Inference \(max\).*", "", compiled_text()), "cut off", id="litert cut off"),
        pytest.param(compiled_text().replace("(50 runs)", ""), "cut off", id="litert without a count"),
        pytest.param(compiled_text(peak="93.24").replace("93.24 MB", "93.24 kB"), "peak memory", id="litert peak"),
        pytest.param(re.sub(r"(Inference \(min\): +)2", r"\g<1>1", compiled_text()), "min is", id="litert other min"),
        pytest.param(compiled_text() + "Inference (median): 265.00 ms\n", "median is", id="litert other median"),
        pytest.param(re.sub(r"Inference \(min\): .*", "Inference (min): 900.00 ms", compiled_text(counts=False)),
                     "contradict", id="litert min over mean"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_an_error_with_the_line(text: str, shown: str):
    with pytest.raises(OutputFault) as caught:
        parse_benchmark_model(text)
    assert shown in caught.value.what
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.what


COUNTS = "count=9 first=12 curr=13 min=10 max=20 avg=14.5 std=3 p5=10 median=14 p95=19"


@pytest.mark.parametrize(
    "changed",
    [
        COUNTS.replace("std=3", "std=11"),
        COUNTS.replace("p5=10", "p5=15"),
        COUNTS.replace("p95=19", "p95=21"),
        COUNTS.replace("median=14", "median=9"),
        COUNTS.replace("avg=14.5", "avg=20.1"),
        COUNTS.replace("avg=14.5", "avg=9.9"),
        COUNTS.replace("first=12", "first=9"),
        COUNTS.replace("curr=13", "curr=21"),
        "count=9 curr=12",
        "count=1 curr=12(all same)",
        COUNTS.replace("std=3", "std=3(all same)"),
        COUNTS.replace("count=9", "count=0"),
        "count=0 p5=0 median=0",
    ],
)
def test_a_count_line_that_can_not_be_true(changed: str):
    assert parse_count_line(COUNTS).mean_ns == 14_500
    with pytest.raises(OutputFault):
        parse_count_line(changed)


def test_a_block_after_a_run_without_warmup_has_no_first_inference():
    summary = parse_benchmark_model(compiled_text(STEADY, [], counts=False)).summary
    assert (summary.warmup_count, summary.first_ns, summary.warmup_mean_ns) == (0, None, None)


def test_every_cut_of_the_text_is_an_error_or_the_same_figures():
    """A text that is cut in the middle never gives other figures: the summary line or the block tells."""
    for whole in (GOOD, interpreter_text(), compiled_text(), compiled_text(counts=False)):
        expected = parse_benchmark_model(whole).summary
        for end in range(len(whole)):
            try:
                run = parse_benchmark_model(whole[:end])
            except OutputFault:
                continue
            # the last figure itself may be cut: then it is another, and the count line tells
            assert replace(run.summary, std_ns=expected.std_ns) == expected


def test_a_changed_digit_is_found():
    """Most figures are printed twice; a digit that changed in one of them is an error."""
    for name in ("avg=", "Init: ", "First inference: ", "Warmup (avg): ", "Inference (avg): "):
        place = GOOD.rindex(name) + len(name)
        changed = GOOD[:place] + str((int(GOOD[place]) + 1) % 10) + GOOD[place + 1 :]
        with pytest.raises(OutputFault):
            parse_benchmark_model(changed)


@pytest.mark.parametrize(
    "text",
    [
        "\t" * 1_000_000,
        " " * 1_000_000,
        "count=" * 200_000,
        "count=1 " + "curr=" * 200_000,
        "Replacing " + "1" * 1_000_000,
        "Replacing 1 out of 1 node(s) with delegate (" + "(" * 1_000_000,
        "Inference timings in us: " + ", " * 500_000,
        "BENCHMARK RESULTS\nInference (avg): " + " " * 1_000_000,
        "INFO: " * 200_000,
        "06-11 10:00:00.123" + " " * 1_000_000,
        "=" * 1_000_000,
        "=== Run Order ===\n[node type] avg times called\n" + "\t" * 1_000_000,
        "=== Run Order ===\n[node type] avg times called\n" + "1 " * 9_000,
        "=== Run Order ===\n[node type] avg times called\n" + "1% " * 6_000,
        "=== Run Order ===\nnode type, avg_ms, times called\n" + "1%, " * 5_000,
        "=== Run Order ===\n[node type] avg times called\n" + "x delegate 1 1 1% 1% 0 1 n\n" * 10_000,
        "=== Run Order ===\n[node type] avg times called\n\n" * 20_000,
        "1e" * 500_000,
        "\x1b[" * 500_000,
    ],
    ids=lambda text: repr(text[:48]),
)  # fmt: skip
def test_hostile_text_is_an_error(text: str):
    """A reader that is not linear in the length of its text would take minutes to hours for one of these."""
    with pytest.raises(OutputFault):
        parse_benchmark_model(text)
    try:
        run = parse_benchmark_model(GOOD + text)
    except OutputFault:
        return
    assert run.summary == parse_benchmark_model(GOOD).summary


def test_more_text_than_a_benchmark_prints_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output_fault, "MAX_TEXT_CHARS", len(DOCUMENTED) - 1)
    with pytest.raises(OutputFault, match="characters of output"):
        parse_benchmark_model(DOCUMENTED)


def test_nuls_and_replaced_bytes_do_not_disturb():
    noisy = "\ufffd\ufffd\0noise\n" + GOOD.replace("count=", "\0count=") + "\ufffd\0"
    assert parse_benchmark_model(noisy) == parse_benchmark_model(GOOD)


def test_a_message_shows_no_control_characters():
    with pytest.raises(OutputFault) as caught:
        parse_benchmark_model(GOOD.replace(STEADY_LINE, "count=\x1b[2Jx\x07"))
    assert caught.value.what.isprintable()
