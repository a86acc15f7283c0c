import os
import resource
import subprocess
import sys

import pytest

from pocketbench.core.errors import FileFault, SuiteError, UnknownNameError
from pocketbench.core.records import ModelSpec, RunPlan
from pocketbench.core.targets import FormatTarget
from pocketbench.workflow.gate.limits import GateTable, Limits
from pocketbench.workflow.suites import list_suites, read_suite
from tests.cli.command import REPOSITORY

HEAD = """\
format = 1
title = "A title"
formats = ["onnx", "tflite", "coreml:fp32"]
engines = ["onnxruntime", "litert"]
"""
MODEL = """
[[model]]
backbone = "mobilenet_v2"
"""
FULL = f"""{HEAD}threads = [1, 4]
devices = ["host"]

[plan]
sessions = 5
rounds = 6
burst = 7
settle = 2
warmup = 3
timeout_s = 60
cooldown_s = 1.5
{MODEL}width = 1
attention = "ca"
reduction = 16
gate = "sigmoid"
classes = 10
input_size = [192, 256]
in_channels = 1
seed = 7
{MODEL}
[[model]]
backbone = "timm:mobilenetv3_small_100"
input_size = 96
[[model]]
backbone = "my.nets:build"
"""


def read(folder, text):
    path = folder / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_suite(str(path))


def refuse(folder, text, what, cure=""):
    with pytest.raises(SuiteError) as caught:
        read(folder, text)
    assert caught.value.what.startswith(f"{folder / 'mine.toml'}")
    message = caught.value.what.removeprefix(str(folder / "mine.toml"))
    assert what in message, message
    assert cure in caught.value.cure, caught.value.cure


def test_every_key_reaches_its_field(tmp_path):
    suite = read(tmp_path, FULL)
    assert (suite.name, suite.title, suite.path) == ("mine", "A title", tmp_path / "mine.toml")
    assert [str(target) for target in suite.formats] == ["onnx:fp32", "tflite:fp32", "coreml:fp32"]
    assert (suite.engines, suite.thread_counts, suite.devices) == (("onnxruntime", "litert"), (1, 4), ("host",))
    assert suite.models == (
        ModelSpec(
            backbone="mobilenet_v2",
            block="ca",
            width_ratio=1.0,
            reduction_ratio=16,
            gate="sigmoid",
            class_count=10,
            input_shape=(1, 1, 192, 256),
            seed=7,
        ),
        ModelSpec(backbone="mobilenet_v2", width_ratio=1.0, class_count=1000),
        ModelSpec(backbone="timm:mobilenetv3_small_100", input_shape=(1, 3, 96, 96)),
        ModelSpec(backbone="my.nets:build", weights="given"),
    )
    plans = suite.list_plans()
    assert [(plan.engine, plan.thread_count) for plan in plans] == [
        ("onnxruntime", 1),
        ("onnxruntime", 4),
        ("litert", 1),
        ("litert", 4),
    ]
    assert plans[0] == RunPlan(
        engine="onnxruntime",
        session_count=5,
        round_count=6,
        burst_count=7,
        settle_count=2,
        warmup_count=3,
        timeout_s=60.0,
        cooldown_s=1.5,
    )


def test_what_is_not_said_has_its_default(tmp_path):
    suite = read(tmp_path, HEAD + MODEL)
    assert (suite.thread_counts, suite.devices, suite.plan) == ((1,), ("host",), {})
    assert suite.list_plans()[0] == RunPlan(engine="onnxruntime")


GATE = """
[gate]
latency_ratio = 1.03
absolute_ms.litert = 6.0

[[gate.cell]]
model = "mobilenet_v2_1.0_224"
format = "tflite"
latency_ratio = 1.05
"""


def test_the_limits_of_the_gate_are_found_by_cell(tmp_path):
    suite = read(tmp_path, HEAD + GATE + MODEL)
    assert suite.gate.find(suite.models[0].name, "tflite", "litert", "host") == Limits(
        latency_ratio=1.05, absolute_ms={"litert": 6.0}
    )
    assert suite.gate.find(suite.models[0].name, "onnx", "onnxruntime", "host").latency_ratio == 1.03
    assert read(tmp_path, HEAD + MODEL).gate == GateTable()


@pytest.mark.parametrize(
    ("old", "new", "what", "cure"),
    [
        ("_1.0_224", "_1.0_ca32_224", ", line 11: gate.cell[1].model is 'mobilenet_v2_1.0_ca32_224'", "_1.0_224'"),
        ('"tflite"', '"tflight"', ", line 12: gate.cell[1].format is 'tflight'", "'tflite'"),
        (
            "absolute_ms.litert",
            "absolute_ms.tflite_runtime",
            ", line 8: gate.absolute_ms.tflite_runtime is",
            "'litert'",
        ),
        (
            "latency_ratio = 1.03",
            "latency_ration = 3",
            ", line 7: gate.latency_ration is an unknown",
            "'latency_ratio'",
        ),
    ],
)
def test_a_rule_of_the_gate_that_is_broken_is_named(tmp_path, old, new, what, cure):
    refuse(tmp_path, HEAD + GATE.replace(old, new, 1) + MODEL, what, cure)


def test_the_reduction_that_is_not_said_is_carried_explicitly(tmp_path):
    suite = read(tmp_path, HEAD + MODEL + 'attention = "ca"\n')
    assert suite.models[0].reduction_ratio == 32
    assert suite.models[0].gate == "hard_sigmoid"


def test_the_suite_of_the_paper():
    suite = read_suite("paper")
    assert [spec.name for spec in suite.models] == [
        "mobilenet_v2_1.0_224",
        "mobilenet_v2_1.0_se24_224",
        "mobilenet_v2_1.0_cbam24_224",
        "mobilenet_v2_1.0_ca32_224",
    ]
    assert suite.formats == (
        FormatTarget(lowering="onnx", precision="fp32"),
        FormatTarget(lowering="tflite", precision="fp32"),
        FormatTarget(lowering="coreml", precision="fp16"),
    )
    assert suite.engines == ("onnxruntime", "litert", "coreml")
    assert suite.thread_counts == (1,)


def test_an_engine_is_named_with_its_delegate(tmp_path):
    engines = 'engines = ["coreml:cpu_only", "coreml:all", "litert"]'
    suite = read(tmp_path, FULL.replace('engines = ["onnxruntime", "litert"]', engines))
    assert suite.engines == ("coreml", "litert")
    found = [(plan.engine, plan.delegate) for plan in suite.list_plans() if plan.thread_count == 1]
    assert found == [("coreml", "cpu_only"), ("coreml", "all"), ("litert", None)]


def test_the_smoke_suite_is_small():
    suite = read_suite("smoke")
    assert len(suite.models) == 2
    assert {spec.input_shape for spec in suite.models} == {(1, 3, 64, 64)}
    assert all(plan.session_count * plan.round_count * plan.burst_count <= 50 for plan in suite.list_plans())


@pytest.mark.parametrize(
    ("old", "new", "what", "cure"),
    [
        # keys
        ('attention = "ca"', 'atention = "ca"', ", line 20: model[1].atention is an unknown key", "'attention'"),
        ("sessions = 5", "session = 5", ", line 9: plan.session is an unknown key", "'sessions'"),
        ("title =", "titel =", ", line 2: titel is an unknown key", "'title'"),
        ("[plan]", "[plam]", ", line 8: plam is an unknown key", "'plan'"),
        ('title = "A title"\n', "", ": the key title is missing", "add it"),
        ('backbone = "my.nets:build"', "", ", line 34: model[4] the key backbone is missing", "add it"),
        # names
        ('"ca"', '"seq"', ", line 20: model[1].attention is refused: there is no attention block 'seq'", "'se'"),
        (
            'e = "sigmoid"',
            'e = "sigmod"',
            ", line 22: model[1].gate is refused: there is no gate 'sigmod'",
            "'sigmoid'",
        ),
        ('"timm:m', '"mobilenetv2"#', ", line 32: model[3].backbone is refused", "'mobilenet_v2'"),
        ('"onnx"', '"onx"', ", line 3: formats holds 'onx': there is no format 'onx'", "'onnx'"),
        ('"coreml:fp32"', '"coreml:fp8"', ", line 3: formats holds 'coreml:fp8'", "fp16"),
        (
            '"litert"',
            '"coreml:gpu"',
            ", line 4: engines holds 'coreml:gpu': there is no delegate of coreml",
            "cpu_only",
        ),
        ('"litert"', '"litert:"', ", line 4: engines holds 'litert:': there is no delegate of litert ''", ""),
        ('"litert"', '"liteRT"', ", line 4: engines holds 'liteRT': there is no engine", "'litert'"),
        # types
        ("width = 1", 'width = "1.0"', ", line 19: model[1].width is '1.0'", "number from 0.05 to 8"),
        ("width = 1", "width = true", "model[1].width is True", "number"),
        ("seed = 7", "seed = 7.0", "model[1].seed is 7.0", "whole number"),
        ("sessions = 5", "sessions = true", "plan.sessions is True", "whole number"),
        ("sessions = 5", 'sessions = "5"', "plan.sessions is '5'", "whole number"),
        ('title = "A title"', "title = 3", "title is 3", "text"),
        ('title = "A title"', 'title = ""', "title is ''", "text"),
        ('title = "A title"', r'title = "A\nB"', r"title is 'A\nB'", "one line"),
        ("threads = [1, 4]", "threads = 1", "threads is 1", "list"),
        ("threads = [1, 4]", "threads = [true]", "threads is True", "whole numbers from 1 to 1024"),
        ("[192, 256]", "[192]", "model[1].input_size is [192]", "[height, width]"),
        ("[192, 256]", "1.5", "model[1].input_size is 1.5", "[height, width]"),
        ("[plan]", "[[plan]]", ", line 8: plan is [", "[plan]"),
        ('backbone = "my.nets:build"', "backbone = 1979-05-27", "model[4].backbone is", "text"),
        # ranges
        ("format = 1", "format = 2", ", line 1: format is not 1", "update"),
        ("width = 1", "width = nan", "model[1].width is nan", "number"),
        ("width = 1", "width = 9", "model[1].width is 9", "0.05 to 8"),
        ("reduction = 16", "reduction = 0", "model[1].reduction is 0", "1 to"),
        ("classes = 10", "classes = -1", "model[1].classes is -1", "1 to"),
        ("[192, 256]", "[192, 5000]", "model[1].input_size is [192, 5000]", "4096"),
        ("seed = 7", "seed = 4294967296", "model[1].seed is 4294967296", "4294967295"),
        ("timeout_s = 60", "timeout_s = inf", "plan.timeout_s is inf", "86400"),
        ("timeout_s = 60", "timeout_s = 0", "plan.timeout_s is 0", "0.1"),
        ("cooldown_s = 1.5", "cooldown_s = -0.5", "plan.cooldown_s is -0.5", "0 to 3600"),
        ("settle = 2", "settle = 7", ", line 12: plan.settle leaves nothing to measure: 7 of 7", "larger"),
        (
            "rounds = 6\nburst = 7",
            "burst = 100\nrounds = 100000",
            ", line 11: plan.rounds makes 10000000 calls",
            "1000000",
        ),
        ("threads = [1, 4]", "threads = [0]", "threads is 0", "1 to 1024"),
        ("threads = [1, 4]", "threads = []", "threads is []", "1 to 100"),
        # what does not go together
        ("threads = [1, 4]", "threads = [1, 1]", ", line 5: threads holds 1 twice", "once"),
        ('"coreml:fp32"', '"onnx:fp32"', ", line 3: formats holds onnx:fp32 twice", "once"),
        ('"tflite", ', "", ", line 4: engines holds 'litert', which runs .tflite only", "engine out"),
        ('attention = "ca"\n', "", ", line 20: model[1].reduction is refused: reduction 16 needs an attention", "ca"),
        ("input_size = 96", "width = 0.5", ", line 33: model[3].width is refused", "catalogue"),
        ("input_size = 96", 'attention = "se"', ", line 33: model[3].attention is refused", "catalogue"),
        (
            '"my.nets:build"',
            '"mobilenet_v2"',
            ", line 34: model[4] has the same name as model[2]",
            "take one of them out",
        ),
        # TOML
        ("seed = 7", "seed = 7 7", "is not TOML: ", "toml.io"),
        ("seed = 7", "seed = 7\nseed = 7", "line 27", "toml.io"),
    ],
)
def test_a_rule_that_is_broken_is_named(tmp_path, old, new, what, cure):
    assert old in FULL
    refuse(tmp_path, FULL.replace(old, new, 1), what, cure)


def test_a_suite_without_a_model(tmp_path):
    refuse(tmp_path, HEAD, "model stands 0 times", "[[model]]")
    refuse(tmp_path, HEAD + "model = []\n", "model stands 0 times", "[[model]]")
    refuse(tmp_path, HEAD + "model = 3\n", "model is 3", "[[model]]")
    refuse(tmp_path, HEAD + "model = [3]\n", "model is [3]", "[[model]]")


def test_an_inline_table_has_no_line_and_is_named_all_the_same(tmp_path):
    refuse(tmp_path, HEAD + 'model = [{backbone = "mobilenet_v2", widht = 1}]\n', ": model[1].widht is an unknown key")


def test_files_of_two_models_never_overwrite_each_other(tmp_path):
    models = "".join(f"{MODEL}width = {width}\n" for width in (0.50001, 0.500011))
    refuse(tmp_path, HEAD + models, "model[2] has the same name as model[1]", "take one of them out")


def test_a_thousand_models_are_enough(tmp_path):
    models = [f"{MODEL}seed = {number}\n" for number in range(1001)]
    assert len(read(tmp_path, HEAD + "".join(models[:1000])).models) == 1000
    refuse(tmp_path, HEAD + "".join(models), "model stands 1001 times", "1 to 1000")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"\x00",
        b"#" * 600_000,
        b"a = " + b"[" * 200_000,
        b"a." * 200_000 + b"a = 1",
        b"a = 0x" + b"f" * 400_000,
        b"a = " + b"9" * 400_000,
        HEAD.replace("format = 1", "format = 0x" + "f" * 400_000).encode(),
        b"[a]\n" * 100_000,
    ],
    ids=["empty", "utf-16", "nul", "large", "nested", "dotted", "hex", "digits", "huge", "tables"],
)
def test_a_hostile_file_is_refused_with_little_memory(tmp_path, text):
    """In a process that may take 1 GB: a parser that runs away must not take the machine with it."""
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    code = (
        "import sys\nfrom pocketbench.core.errors import SuiteError\n"
        "from pocketbench.workflow.suites import read_suite\n"
        "try:\n    read_suite(sys.argv[1])\nexcept SuiteError as error:\n    print(error.what)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={"PYTHONPATH": str(REPOSITORY)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(path)), done.stderr
    assert len(done.stdout) < 450


def test_a_path_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    for name in ("pipe.toml", "folder.toml"):
        with pytest.raises(SuiteError, match="is not a file"):
            read_suite(str(tmp_path / name))
    with pytest.raises(FileFault, match="No such file"):
        read_suite(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("name", ["papper", "../paper", "/etc/passwd", "", "."])
def test_a_name_that_no_suite_has_is_refused(name):
    with pytest.raises(UnknownNameError) as caught:
        read_suite(name)
    assert "paper" in caught.value.cure


def test_a_suite_of_the_current_folder_comes_before_the_one_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(read_suite("paper").models) == 4
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "paper.toml").write_text(HEAD + MODEL)
    (folder / "broken.toml").write_text("title = ")
    assert len(read_suite("paper").models) == 1
    listed = {suite.name: suite for suite in list_suites()}
    tables = {f"paper-table{number}" for number in range(1, 6)}
    assert set(listed) == {"fashion", "paper", "smoke", "broken"} | tables
    assert (listed["paper"].title, listed["paper"].problem) == ("A title", None)
    assert "broken.toml is not TOML" in listed["broken"].problem


def test_reading_a_suite_imports_nothing_heavy():
    code = (
        "import sys\nfrom pocketbench.workflow.suites import read_suite\nread_suite('paper')\n"
        "print([name for name in ('torch', 'numpy', 'pandas', 'onnx', 'onnxruntime') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
