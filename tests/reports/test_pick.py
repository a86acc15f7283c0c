"""Each table is made so that the right answer, and why each other file is not it, is known beforehand."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from pocketbench.core.errors import UnknownNameError, UsageError
from pocketbench.core.records import TrainedAccuracy
from pocketbench.reports.measured_choice import MixedDataError
from pocketbench.reports.pick import judge_latency
from pocketbench.reports.pick_records import FATES
from pocketbench.reports.records import Latency
from pocketbench.reports.table import make_table
from tests.reports.pick_samples import CRASH, File, build, make_file, measure, name, pick, tell_fates
from tests.reports.synthetic import DEVICE, MS, make_accuracy, make_artifact, make_result, make_sessions, make_spec

EXAMPLE = [
    File(None, 4.5, 0.921),
    File("se", 5.2, 0.927),
    File("eca", 4.8, 0.929),
    File("ca", 5.6, 0.931),
    File("cbam", 7.9, 0.950),
    File("ca_x", 5.9, 0.939, spread=0.3),
    File("ca_y", 5.0, None),
    File("simam", None, 0.99),
]


def test_the_most_accurate_of_those_that_are_surely_fast_enough() -> None:
    found = pick(build(EXAMPLE), 6)
    assert (found.verdict, found.exit_code) == ("picked", 0)
    assert found.chosen.file_name == name("ca")
    assert tell_fates(found) == {
        name("eca"): "as_good",
        name("se"): "as_good",
        name("ca_x"): "cannot_say",
        name(None): "less_accurate",
        name("cbam"): "too_slow",
        name("ca_y"): "no_accuracy",
        name("simam"): "failed",
    }
    assert list(tell_fates(found)) == [name(block) for block in ("eca", "se", "ca_x", None, "cbam", "ca_y", "simam")]


def test_figures_of_the_others_are_against_budget_and_chosen() -> None:
    table = build(EXAMPLE)
    others = {item.candidate.file_name: item for item in pick(table, 6).others}
    assert others[name("cbam")].over_ns == pytest.approx(1.9 * MS)
    assert others[name("cbam")].difference.fraction == pytest.approx(0.019)
    assert others[name(None)].difference.fraction == pytest.approx(-0.010)
    assert others[name(None)].difference.high_fraction < 0
    assert others[name("se")].difference.low_fraction < 0 < others[name("se")].difference.high_fraction
    assert "SIGSEGV" in others[name("simam")].detail
    assert others[name("simam")].candidate.median_ns is None
    chosen = pick(table, 6).chosen
    assert chosen.median_ns == pytest.approx(5.6 * MS)
    assert chosen.top1_low_fraction < chosen.top1_fraction == 0.931 < chosen.top1_high_fraction


@pytest.mark.parametrize(
    ("low", "median", "high", "verdict"),
    [
        (5.0, 5.5, 6.0, "within"),
        (5.6, 5.9, 6.3, "cannot_say"),
        (5.9, 6.1, 6.3, "cannot_say"),
        (6.0, 6.1, 6.3, "cannot_say"),
        (6.1, 6.2, 6.3, "too_slow"),
        (None, 5.0, None, "cannot_say"),
        (None, 6.1, None, "too_slow"),
    ],
)
def test_a_latency_is_judged_by_its_interval(low, median, high, verdict) -> None:
    latency = Latency(
        median_ns=median * MS,
        low_ns=low and low * MS,
        high_ns=high and high * MS,
        p90_ns=None,
        spread_ratio=None,
        sample_count=9,
        session_count=3,
    )
    assert judge_latency(latency, 6 * MS) == verdict


def test_nothing_within_the_budget() -> None:
    found = pick(build(EXAMPLE), 1)
    assert (found.verdict, found.exit_code, found.chosen) == ("none", 4, None)
    assert [item.candidate.file_name for item in found.others][:2] == [name(None), name("eca")]
    assert all(item.difference is None for item in found.others)


def test_what_may_be_within_is_no_answer() -> None:
    found = pick(build([File("ca_x", 5.9, 0.939, spread=0.3), File(None, 7.0, 0.9)]), 6)
    assert (found.verdict, found.exit_code, found.chosen) == ("cannot_say", 5, None)


def test_one_session_is_no_answer_unless_it_is_too_slow() -> None:
    files = [File(None, 4.5, 0.921, sessions=1), File("cbam", 7.9, 0.93, sessions=1)]
    found = pick(build(files), 6)
    assert found.verdict == "cannot_say"
    assert tell_fates(found) == {name(None): "cannot_say", name("cbam"): "too_slow"}
    assert all("one session" in item.detail for item in found.others)


def test_without_any_accuracy_nothing_is_picked() -> None:
    found = pick(build([File(None, 4.5, None), File("ca", 9, None)]), 6)
    assert (found.verdict, found.basis) == ("cannot_say", None)
    assert tell_fates(found) == {name(None): "no_accuracy", name("ca"): "too_slow"}


def test_all_that_failed_is_no_answer() -> None:
    found = pick(build([File(None, None, 0.9)]), 6)
    assert found.verdict == "cannot_say"
    assert tell_fates(found) == {name(None): "failed"}


def test_a_failure_is_none_of_the_words_of_a_note() -> None:
    table = build([File(None, None, 0.9)])
    reworded = pick(replace(table, notes=tuple(f"Crashed: {note}" for note in table.notes)), 6)
    assert tell_fates(reworded) == {name(None): "failed"}
    assert reworded.others[0].detail is not None
    assert reworded.others[0].detail.startswith("Crashed: ")


def test_a_measured_top1_goes_before_a_better_published_one() -> None:
    base, ca = (make_artifact(make_spec(block)) for block in (None, "ca"))
    results = make_sessions(base, 4.5) + make_sessions(ca, 5.0)
    published = [make_accuracy(0.723), make_accuracy(0.743, block="ca", reduction_ratio=32)]
    found = pick(make_table([base, ca], results, [*published, measure(0.6, base)]), 6)
    assert (found.basis.origin, found.basis.dataset, found.basis.source) == ("measured", "Fashion-MNIST", None)
    assert (found.chosen.file_name, tell_fates(found)) == (base.file_name, {ca.file_name: "no_accuracy"})


def test_published_ones_are_of_one_source_and_of_fp32() -> None:
    base, ca = (make_artifact(make_spec(block)) for block in (None, "ca"))
    int8 = make_artifact(make_spec("ca"), precision="int8")
    other = make_artifact(make_spec(None, width_ratio=0.5))
    results = [run for file in (base, ca, int8, other) for run in make_sessions(file, 4.5)]
    published = [
        make_accuracy(0.723),
        make_accuracy(0.743, block="ca", reduction_ratio=32),
        make_accuracy(0.99, width_ratio=0.5, source="paper B"),
    ]
    found = pick(make_table([base, ca, int8, other], results, published), 6)
    assert (found.basis.origin, found.basis.source) == ("published", "paper A")
    assert found.chosen.sha256 == ca.sha256
    fates = {item.candidate.sha256: (item.fate, item.detail) for item in found.others}
    assert fates[base.sha256] == ("less_accurate", None)
    assert fates[int8.sha256] == ("no_accuracy", "what is published is of the network in fp32")
    assert fates[other.sha256] == ("no_accuracy", "no top-1 of it from this source")


def test_what_did_not_run_on_the_device_has_no_latency_there() -> None:
    phone = replace(DEVICE, device_id="phone-1", name="pixel")
    base, ca = (make_artifact(make_spec(block)) for block in (None, "ca"))
    onnx = make_artifact(make_spec(None), "onnx")
    results = make_sessions(base, 4.5) + make_sessions(ca, 1.0, device=phone) + make_sessions(onnx, 2.0, device=phone)
    table = make_table([], results, [measure(0.9, base), measure(0.95, ca), measure(0.95, onnx)])
    found = pick(table, 6)
    assert found.chosen.file_name == base.file_name
    assert tell_fates(found) == {ca.file_name: "not_measured", onnx.file_name: "not_measured"}
    assert all(item.candidate.median_ns is None for item in found.others)
    for device in ("pixel", "phone-1"):
        assert pick(table, 6, device=device).chosen.file_name == ca.file_name
        assert pick(table, 6, device=device).device == device


def test_of_equally_accurate_files_the_faster_then_the_smaller_one() -> None:
    assert pick(build([File("se", 5, 0.93), File("ca", 4, 0.93)]), 6).chosen.file_name == name("ca")
    files = [File("se", 5, 0.93), File("ca", 5, 0.93, size_bytes=9_000_000)]
    assert pick(build(files), 6).chosen.file_name == name("ca")


def test_a_file_on_two_runtimes_is_chosen_on_the_faster() -> None:
    one, four = File("ca", 5.0, 0.93), File("ca", 2.0, 0.93, threads=4)
    found = pick(build([one, four]), 6)
    assert found.chosen.median_ns == pytest.approx(2 * MS, rel=1e-3)
    assert [item.fate for item in found.others] == ["as_good"]
    found = pick(build([one, four]), 6, thread_count=1)
    assert found.chosen.median_ns == pytest.approx(5 * MS, rel=1e-3)
    assert found.others == ()


def test_a_p90_beyond_the_budget_and_other_seeds_are_said() -> None:
    file = File("ca", 5.98, 0.931, spread=0.0)
    kept = {"recipe_sha256": "r" * 64, "dataset": "Fashion-MNIST", "dataset_sha256": "d" * 64, "image_count": 10_000}
    trained = [
        TrainedAccuracy(spec=make_spec("ca"), seed=seed, top1_fraction=0.92 + 0.005 * seed, **kept) for seed in range(3)
    ]
    first, second, *_ = pick(build([file], trained=trained), 6).remarks
    assert "1 in 10 calls takes 6.04 ms or more" in first
    assert "from 3 seeds, this network reached 92.0 % to 93.0 % on Fashion-MNIST" in second


def test_data_sets_are_never_mixed() -> None:
    one, two = (make_file(File(block, 4.5, 0.9)) for block in (None, "ca"))
    results = make_sessions(one, 4.5) + make_sessions(two, 4.6)
    accuracies = [measure(0.9, one), measure(0.95, two, dataset="CIFAR-10")]
    with pytest.raises(MixedDataError, match="CIFAR-10"):
        make_table([], results, accuracies)
    found = pick(make_table([], results, accuracies, dataset="Fashion-MNIST"), 6)
    assert (found.chosen.file_name, tell_fates(found)) == (name(None), {name("ca"): "no_accuracy"})


def test_unknown_names_are_told_the_known_ones() -> None:
    table = build([File(None, 4.5, 0.9), File("ca", 4.5, 0.9, threads=4)])
    with pytest.raises(UnknownNameError, match=r"no device 'phone' .*known: host"):
        pick(table, 6, device="phone")
    with pytest.raises(UnknownNameError, match="litert"):
        pick(table, 6, engine="litret")
    with pytest.raises(UsageError, match=r"8 threads .*measured: 1 and 4"):
        pick(table, 6, thread_count=8)


def test_two_devices_of_one_name_are_told_apart_by_id() -> None:
    devices = [replace(DEVICE, device_id=f"phone-{number}", name="pixel") for number in (1, 2)]
    base = make_artifact(make_spec())
    table = make_table([], [run for device in devices for run in make_sessions(base, 4.5, device=device)], [])
    with pytest.raises(UsageError, match=r"2 devices are called 'pixel' .*phone-1, phone-2"):
        pick(table, 6, device="pixel")
    for device in ("phone-2", "pixel phone-2"):
        assert pick(table, 6, device=device).others[0].candidate.runtime.endswith("pixel phone-2")


@pytest.mark.parametrize("seed", range(12))
def test_what_is_chosen_is_never_dominated(seed) -> None:
    draw = random.Random(seed)
    blocks = [None, "se", "eca", "cbam", "ca", "ca_x", "ca_y"]
    files = [
        File(
            block,
            draw.choice([None, *[round(draw.uniform(2, 9), 1)] * 5]),
            draw.choice([None, *[round(draw.uniform(0.9, 0.94), 2)] * 5]),
            spread=draw.choice([0.02, 0.3]),
            sessions=draw.choice([1, 3, 3, 3]),
        )
        for block in blocks
    ]
    table = build(files)
    for budget in (2.5, 4, 5, 6, 10):
        found = pick(table, budget)
        everyone = [item.candidate for item in found.others] + ([found.chosen] if found.chosen else [])
        assert {one.file_name for one in everyone} == {name(block) for block in blocks}
        sure = [
            one
            for one in everyone
            if one.top1_fraction is not None and one.high_ns is not None and one.high_ns <= budget * MS
        ]
        if found.chosen is None:
            assert not sure
            continue
        best = found.chosen
        assert best in sure
        assert not any(
            one.top1_fraction > best.top1_fraction
            or (one.top1_fraction == best.top1_fraction and one.median_ns < best.median_ns)
            for one in sure
        )
        assert all(FATES.index(one.fate) <= FATES.index(two.fate) for one, two in pairwise(found.others))


def test_a_failed_session_beside_good_ones_is_a_remark() -> None:
    artifact = make_file(File("ca", 4.5, 0.93))
    results = [*make_sessions(artifact, 4.5), make_result(artifact, None, session=3, failure=CRASH)]
    found = pick(make_table([], results, [measure(0.93, artifact)]), 6)
    assert found.verdict == "picked"
    assert any(remark.startswith("Failed in 1 of 4 sessions") for remark in found.remarks)
