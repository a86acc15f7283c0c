from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import UnknownNameError, UsageError
from pocketbench.profile.parsers.ai_hub import parse_ai_hub
from pocketbench.profile.parsers.formats import FORMATS, choose_model, detect_format, parse_file
from pocketbench.profile.parsers.litert_benchmark import parse_litert_benchmark
from pocketbench.profile.parsers.mnn import parse_mnn
from pocketbench.profile.parsers.ncnn import parse_ncnn
from pocketbench.profile.parsers.onnxruntime_perf import parse_onnxruntime_perf
from pocketbench.profile.parsers.output_fault import OutputFault
from pocketbench.profile.parsers.xcode_report import parse_xcode_report
from tests.profile.parsers.benchmark_text import compiled_text, interpreter_text

MS = 1_000_000
LITERT: dict[str, Any] = {
    "model": "/models/net.tflite",
    "model_size_mb": 2.05,
    "accelerators": ["CPU"],
    "signature": "serving_default",
    "fully_accelerated": True,
    "num_threads": 1,
    "latency": {
        "init_ms": 9.24, "warmup_first_ms": 0.58, "warmup_avg_ms": 0.45, "num_warmup_runs": 3, "avg_ms": 0.39,
        "min_ms": 0.37, "max_ms": 0.43, "median_ms": 0.38, "std_ms": 0.02, "p5_ms": 0.37, "p95_ms": 0.42,
        "num_runs": 20,
    },
    "throughput_mb_s": 275.4,
}  # fmt: skip
AI_HUB: dict[str, Any] = {
    "execution_summary": {
        "estimated_inference_time": 4205,
        "estimated_inference_peak_memory": 39_406_752,
        "first_load_time": 1_374_293,
        "warm_load_time": 277_823,
        "inference_memory_peak_range": [2_654_208, 39_406_752],
        "all_inference_times": [10_003, 4205, 4300, 4250],
    },
    "execution_detail": [
        {"name": "net/truediv", "type": "MUL", "compute_unit": "CPU", "execution_time": 23},
        {"name": "net/t", "type": "TRANSPOSE", "compute_unit": "NPU", "execution_time": 77, "execution_cycles": 18},
        {"name": "net/conv", "type": "CONV_2D", "compute_unit": "NPU", "execution_time": 100},
    ],
}
XCODE: dict[str, Any] = {
    "modelMetadata": {"fileName": "net", "size": 9_000_000},
    "deviceInfo": {"modelName": "iPhone 16", "osNameAndVersionWithoutBuildNumber": "iOS 26.3.1"},
    "computeUnit": 3,
    "deviceResults": {
        "predict": {"samples": [0.00181, 0.00152, 0.00203], "numOperations": 297},
        "load": {"samples": [0.02134, 0.02]},
        "modelStructure": {},
    },
}
ORT = "net.onnx,0.00512345,84320256,98,0\nnet.onnx,0.00498,84320256,98,1\nnet.onnx,1.05e-02,84320256,98,2\n"
NCNN = """\
loop_count = 8
num_threads = 2
powersave = 2
gpu_device = -1
cooling_down = 1
          squeezenet  min =    9.66  max =   10.03  avg =    9.71
     squeezenet_int8  min =   17.10  max =   17.51  avg =   17.23
"""
MNN = """\
MNN benchmark
Forward type: **CPU** thread=4** precision=2** sparsity=0** sparseBlockOC=1
--------> Benchmarking... loop = 20, warmup = 5
[ - ] resnet-v2-50.mnn            max =   23.577 ms  min =   21.529 ms  avg =   22.095 ms
[ - ] a model with spaces.mnn     max =    2.703ms  min =    2.444ms  avg =    2.511ms
"""


def dump(table: dict[str, Any]) -> str:
    return json.dumps(table)


def change(table: dict[str, Any], path: str, value: Any) -> str:
    """The table as JSON with another value at a path; `...` takes the key away."""
    copy = json.loads(json.dumps(table))
    *above, last = path.split(".")
    place = copy
    for key in above:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(copy)


def test_litert_benchmark():
    (found,) = parse_litert_benchmark(dump(LITERT))
    summary = found.measurement.summaries[0]
    assert (found.measurement.sample_statistic, found.measurement.wall_ns) == ("median", (380_000,))
    assert (summary.count, summary.mean_ns, summary.load_ns, summary.warmup_count) == (20, 390_000, 9_240_000, 3)
    assert found.measurement.clock_resolution_ns == 10_000
    assert (found.name, found.engine, found.delegate, found.thread_count) == ("/models/net.tflite", "litert", None, 1)
    (none,) = parse_litert_benchmark(change(LITERT, "latency.num_warmup_runs", 0))
    assert (none.measurement.first_ns, none.measurement.summaries[0].warmup_mean_ns) == (None, None)
    (npu,) = parse_litert_benchmark(change(LITERT, "accelerators", ["NPU", "CPU"]))
    assert npu.delegate == "npu"


@pytest.mark.slow
def test_litert_benchmark_as_it_is_installed(tmp_path: Path):
    from tests.profile.operator_files import write_tflite_convolutions

    model = write_tflite_convolutions(tmp_path / "net.tflite", [16, 32])
    written = tmp_path / "result.json"
    script = Path(sys.executable).parent / "litert-benchmark"
    command = [script, "--model", model, "--num_runs", "25", "--warmup_runs", "2", "--result_json", written]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kind, (found,) = parse_file(written.read_text(), None)
    assert kind == "litert-benchmark"
    assert found.measurement.summaries[0].count == 25
    # it prints the same figures in a block of its own
    kind, (printed,) = parse_file(done.stdout + done.stderr, None)
    assert (kind, printed.tool, printed.engine) == ("benchmark_model", "litert-benchmark", "litert")
    assert printed.measurement.wall_ns == found.measurement.wall_ns
    assert printed.measurement.load_ns == found.measurement.load_ns


def test_ai_hub_has_samples_of_which_the_first_is_the_first_inference():
    (found,) = parse_ai_hub(dump(AI_HUB))
    measurement = found.measurement
    assert measurement.sample_statistic == "inference"
    assert measurement.wall_ns == (10_003_000, 4_205_000, 4_300_000, 4_250_000)
    assert (measurement.burst_count, measurement.settle_count) == (4, 1)
    assert (measurement.first_ns, measurement.load_ns) == (10_003_000, 1_374_293_000)
    assert measurement.peak_rss_bytes == 39_406_752
    assert found.delegate == "npu"
    assert found.operators is not None
    assert [(item.operator, item.time_ns, item.compute_unit) for item in found.operators] == [
        ("MUL", 23_000, "cpu"), ("TRANSPOSE", 77_000, "npu"), ("CONV_2D", 100_000, "npu"),
    ]  # fmt: skip
    assert found.coverage is not None
    assert (found.coverage.node_count, found.coverage.delegated_node_count) == (3, 2)
    assert found.coverage.time_fraction == pytest.approx(177 / 200)


def test_ai_hub_without_layer_times_has_their_places_alone():
    layers = [{**item, "execution_time": 0} for item in AI_HUB["execution_detail"]]
    (found,) = parse_ai_hub(change(AI_HUB, "execution_detail", layers))
    assert found.operators is None
    assert found.coverage is not None
    assert (found.coverage.delegated_node_count, found.coverage.time_fraction) == (2, None)


def test_xcode_report():
    (found,) = parse_xcode_report(dump(XCODE))
    assert found.measurement.wall_ns == (1_810_000, 1_520_000, 2_030_000)
    assert (found.measurement.settle_count, found.measurement.load_ns) == (0, 21_340_000)
    assert (found.name, found.engine, found.delegate) == ("net", "coreml", "cpu_and_ne")
    assert (found.device_model, found.os_version) == ("iPhone 16", "iOS 26.3.1")


def test_onnxruntime_perf_test_has_samples_in_seconds():
    (found,) = parse_onnxruntime_perf(ORT)
    assert found.measurement.wall_ns == (5_123_450, 4_980_000, 10_500_000)
    assert (found.measurement.peak_rss_bytes, found.engine, found.name) == (84_320_256, "onnxruntime", "net.onnx")
    (same,) = parse_onnxruntime_perf(ORT + "\nMin Latency is 0.00498sec\nP90 Latency is 0.0105sec\n")
    assert same == found


def test_onnxruntime_perf_test_adds_runs_to_its_file():
    found = parse_onnxruntime_perf(ORT + "a,b.onnx,0.5,0,100,0\n" + ORT)
    assert [item.name for item in found] == ["net.onnx#1", "a,b.onnx", "net.onnx#3"]
    assert [len(item.measurement.wall_ns) for item in found] == [3, 1, 3]
    assert found[1].measurement.peak_rss_bytes is None


def test_ncnn():
    found = parse_ncnn(NCNN)
    assert [item.name for item in found] == ["squeezenet", "squeezenet_int8"]
    summary = found[1].measurement.summaries[0]
    assert (summary.count, summary.mean_ns, summary.min_ns, summary.max_ns) == (8, 17_230_000, 17_100_000, 17_510_000)
    assert (found[1].measurement.sample_statistic, found[1].measurement.wall_ns) == ("mean", (17_230_000,))
    assert (found[0].thread_count, found[0].delegate) == (2, None)
    assert found[0].notes == ("powersave = 2: big cores only.",)
    assert parse_ncnn(NCNN.replace("gpu_device = -1", "gpu_device = 0"))[0].delegate == "vulkan"


def test_mnn():
    found = parse_mnn(MNN)
    assert [item.name for item in found] == ["resnet-v2-50.mnn", "a model with spaces.mnn"]
    summary = found[1].measurement.summaries[0]
    assert (summary.count, summary.warmup_count) == (20, 5)
    assert (summary.min_ns, summary.mean_ns, summary.max_ns) == (2_444_000, 2_511_000, 2_703_000)
    assert (found[0].thread_count, found[0].delegate, found[0].notes) == (4, None, ("Precision: low.",))
    (vulkan, _) = parse_mnn(MNN.replace("**CPU**", "**Vulkan**"))
    assert (vulkan.delegate, vulkan.thread_count) == ("vulkan", None)


TEXTS = {
    "benchmark_model": interpreter_text(),
    "litert-benchmark": dump(LITERT),
    "ai-hub": dump(AI_HUB),
    "onnxruntime": ORT,
    "ncnn": NCNN,
    "mnn": MNN,
    "xcode": dump(XCODE),
}


def test_each_kind_is_told_by_its_content():
    assert set(TEXTS) == set(FORMATS)
    for kind, text in TEXTS.items():
        assert detect_format(text) == kind
        assert detect_format("\ufeff" + text if text[0] == "{" else text.replace("\n", "\r\n")) == kind
        assert parse_file(text, kind) == parse_file(text, None)
    assert detect_format(compiled_text()) == "benchmark_model"


def test_what_is_of_no_kind_or_of_several_must_be_named():
    with pytest.raises(UsageError, match=r"no program.*--from: benchmark_model, litert-benchmark"):
        detect_format("hello\n")
    with pytest.raises(UsageError, match=r"of ncnn or of mnn.*--from: ncnn, mnn"):
        detect_format(NCNN + MNN)
    with pytest.raises(UnknownNameError, match="did you mean 'ncnn'"):
        parse_file(NCNN, "ncn")


def test_names_from_a_file_can_be_printed():
    (_, (found,)) = parse_file(change(XCODE, "modelMetadata.fileName", "a\x1b[2J\ud800b\n" + "c" * 999), None)
    assert found.name is not None
    assert found.name.isprintable()
    assert len(found.name) == 200
    (_, (none,)) = parse_file(change(XCODE, "deviceInfo.modelName", "\x00"), None)
    assert none.device_model is None


def test_one_of_several_models_must_be_chosen():
    found = parse_ncnn(NCNN)
    assert choose_model(found, "squeezenet_int8") is found[1]
    assert choose_model(found[:1], None) is found[0]
    with pytest.raises(UsageError, match=r"2 models \(choose one with --model: squeezenet, squeezenet_int8"):
        choose_model(found, None)
    with pytest.raises(UnknownNameError, match="did you mean 'squeezenet'"):
        choose_model(found, "squeeznet")


def test_the_delegate_of_benchmark_model_is_not_that_of_the_processor():
    def told(name: str, count: int) -> str:
        return f"INFO: Replacing {count} out of 9 node(s) with delegate ({name}) node, yielding 1 partitions."

    def delegate(*lines: str) -> str | None:
        return parse_file(interpreter_text(replacing=lines), None)[1][0].delegate

    assert delegate(told("TfLiteXNNPackDelegate", 9)) is None
    assert delegate(told("TfLiteGpuDelegateV2", 4), told("TfLiteXNNPackDelegate", 5)) == "TfLiteGpuDelegateV2"
    assert delegate() is None


@pytest.mark.parametrize(
    ("parse", "text", "shown"),
    [
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.median_ms", ...), "latency.median_ms is missing",
                     id="litert: no median"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.median_ms", "0.38"), "'0.38', where a number",
                     id="litert: text"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.median_ms", True), "True", id="litert: bool"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.median_ms", 0.5), "contradict", id="litert: 1"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.median_ms", 0), "is 0", id="litert: zero"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.num_runs", 0), "num_runs is 0", id="litert: none"),
        pytest.param(parse_litert_benchmark, change(LITERT, "latency.avg_ms", -1), "avg_ms is -1", id="litert: minus"),
        pytest.param(parse_litert_benchmark, dump(LITERT).replace("0.38", "NaN"), "NaN", id="litert: nan"),
        pytest.param(parse_litert_benchmark, dump(LITERT).replace("0.38", "1e999"), "median_ms", id="litert: huge"),
        pytest.param(parse_litert_benchmark, dump(LITERT)[:-2], "not JSON", id="litert: cut off"),
        pytest.param(parse_litert_benchmark, '{"latency": {}, "latency": {}}', "twice", id="litert: a key twice"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_summary.all_inference_times", ...), "is missing",
                     id="ai hub: no samples"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_summary.all_inference_times", []), "0 samples",
                     id="ai hub: none"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_summary.all_inference_times", [4205]), "no measurement",
                     id="ai hub: the first alone"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_summary.all_inference_times", [5, "6"]), "list of numbers",
                     id="ai hub: a text"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_summary.estimated_inference_time", 4), "both sides",
                     id="ai hub: estimate in ms"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_detail.0.compute_unit", "DSP"), "DSP", id="ai hub: unit"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_detail.2.execution_time", -5),
                     "execution_detail[2].execution_time is -5", id="ai hub: minus"),
        pytest.param(parse_ai_hub, change(AI_HUB, "execution_detail", {}), "list of objects", id="ai hub: no list"),
        pytest.param(parse_xcode_report, change(XCODE, "deviceResults.predict", ...), "predict is missing",
                     id="xcode: no predictions"),
        pytest.param(parse_xcode_report, change(XCODE, "deviceResults.predict.samples", []), "no measurement",
                     id="xcode: none"),
        pytest.param(parse_xcode_report, change(XCODE, "deviceResults.predict.samples", [1810.0]), "another unit",
                     id="xcode: us"),
        pytest.param(parse_xcode_report, change(XCODE, "deviceResults.predict.samples", [0.001, 0]), "takes no time",
                     id="xcode: zero"),
        pytest.param(parse_xcode_report, change(XCODE, "computeUnit", 4), "computeUnit is 4", id="xcode: unit"),
        pytest.param(parse_onnxruntime_perf, "", "no inferences", id="ort: nothing"),
        pytest.param(parse_onnxruntime_perf, ORT + "net.onnx,0.005", "is not model,seconds", id="ort: cut off"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("0.00498", "-0.00498"), "can't be a duration", id="ort: -"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("0.00498", "nan"), "no number", id="ort: nan"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("0.00498", "4980000"), "can't be a duration", id="ort: ns"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("0.00498", "498"), "another unit", id="ort: another unit"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("98,1\n", "98,5\n"), "another order", id="ort: a hole"),
        pytest.param(parse_onnxruntime_perf, ORT.replace("net.onnx,1.05", "other.onnx,1.05"), "in another order",
                     id="ort: another model"),
        pytest.param(parse_onnxruntime_perf, ORT.split("\n", 1)[1], "are missing", id="ort: no beginning"),
        pytest.param(parse_ncnn, NCNN.replace("loop_count = 8\n", ""), "of how many inferences", id="ncnn: no count"),
        pytest.param(parse_ncnn, NCNN.replace("avg =    9.71", "avg =   99.71"), "contradict", id="ncnn: avg over max"),
        pytest.param(parse_ncnn, NCNN.replace("avg =    9.71", "avg =    -nan"), "no number", id="ncnn: nan"),
        pytest.param(parse_ncnn, NCNN.replace("min =    9.66", "min = "), "'max' is no number", id="ncnn: no figure"),
        pytest.param(parse_ncnn, NCNN.replace("avg =    9.71", "avg =    9.71 us"), "not understood", id="ncnn: us"),
        pytest.param(parse_ncnn, NCNN.replace("  avg =    9.71", ""), "cut off", id="ncnn: cut off"),
        pytest.param(parse_ncnn, NCNN.replace("9.66", "0.00").replace("10.03", "0.00").replace("9.71", "0.00"),
                     "less than the 0.01 ms", id="ncnn: zero"),
        pytest.param(parse_ncnn, NCNN.replace("avg =    9.71", "avg =    9.71 ms"), "not understood", id="ncnn: ms"),
        pytest.param(parse_ncnn, NCNN + NCNN, "2 lines are about", id="ncnn: twice"),
        pytest.param(parse_ncnn, "loop_count = 8\n", "no line", id="ncnn: nothing"),
        pytest.param(parse_mnn, MNN.replace("--------> Benchmarking", "Bench"), "missing", id="mnn: no count"),
        pytest.param(parse_mnn, MNN.replace("loop = 20", "loop = 0"), "no count", id="mnn: nothing ran"),
        pytest.param(parse_mnn, MNN.replace("avg =   22.095 ms", "avg =   22.095 us"), "not understood", id="mnn: us"),
        pytest.param(parse_mnn, MNN.replace("avg =   22.095 ms", "avg =   22.095"), "not understood", id="mnn: bare"),
        pytest.param(parse_mnn, MNN.replace("max =   23.577 ms", ""), "cut off", id="mnn: no max"),
        pytest.param(parse_mnn, MNN + "[ - ] next.mnn", "missing", id="mnn: no figures"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_an_error(parse: Callable[[str], object], text: str, shown: str):
    with pytest.raises(OutputFault) as caught:
        parse(text)
    assert shown in caught.value.what
    assert caught.value.what.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        '{"a":' * 200_000,
        '{"execution_summary": ' + "[" * 200_000,
        " min = " * 100_000,
        "x" * 1_000_000 + " min = 1 max = 1 avg = 1",
        "a  min = " + " " * 500_000 + "max =  avg = ",
        "min = max = avg = " * 50_000,
        "[ - ] " * 150_000,
        "," * 1_000_000,
        "a,1,1,1,0\n" * 20_000,
        "Forward type: " + "*" * 500_000 + "\n[ - ] ",
        "P99 Latency is " + "0" * 1_000_000,
        "9" * 1_000_000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_hostile_text_is_an_error_or_one_sample(text: str):
    """None is read in more than linear time, and none ends the program."""
    for kind in FORMATS:
        try:
            _, found = parse_file(text, kind)
        except OutputFault:
            continue
        assert all(item.measurement.wall_ns == (1_000_000_000,) for item in found)


def test_the_median_that_is_told_is_that_of_the_samples():
    """What is computed from an imported file is what its own program would say."""
    (found,) = parse_onnxruntime_perf(ORT)
    assert statistics.median(found.measurement.wall_ns) == 5_123_450
