"""The commands are read back by the command line itself: what it makes of them must be what they were made from."""

import shlex
from dataclasses import replace
from pathlib import Path

import click
import pytest

from pocketbench.accuracy.datasets.catalog import NAMED
from pocketbench.cli import accuracy as accuracy_verb
from pocketbench.cli import export, profile, report
from pocketbench.cli.options import FRAMING_NAMES
from pocketbench.core.records import Calibration, Caveat, ModelSpec, Preprocessing
from pocketbench.core.targets import FormatTarget
from pocketbench.profile.catalog import parse_engine
from pocketbench.reports.commands import NAMED_DATASETS, CommandLister, list_export_arguments, list_profile_arguments
from pocketbench.reports.lines import FlatLine, make_lines
from pocketbench.reports.records import FileKind, Runtime, Schedule, Table
from pocketbench.reports.table import make_table
from pocketbench.workflow.accuracy_framing import frame_for, parse_framing
from pocketbench.workflow.model_request import list_model_variants
from pocketbench.workflow.model_specs import make_spec
from pocketbench.workflow.profile_request import parse_shapes, parse_thread_counts
from tests.reports.synthetic import make_accuracy, make_artifact, make_example, make_sessions

TFLITE = FileKind(format="tflite", precision="fp32")
NOT_OF_A_MODEL = ("suite", "formats", "out", "as_json")


def parse(command: click.Command, arguments: list[str]) -> dict[str, object]:
    verb, *rest = arguments
    context = command.make_context(verb, rest)
    return {name: value for name, value in context.params.items() if value not in (None, (), False)}


def read_target(arguments: list[str]) -> tuple[ModelSpec, FormatTarget]:
    params = parse(export.command, arguments)
    given = {name: value for name, value in params.items() if name not in NOT_OF_A_MODEL}
    framing = parse_framing(**{name: given.pop(name, None) for name in FRAMING_NAMES})  # type: ignore[arg-type]
    calibrate = given.pop("calibrate", None)
    (variant,) = list_model_variants(given, str(params["formats"]), calibrate, framing)  # type: ignore[arg-type]
    return variant


def read_back(arguments: list[str]) -> tuple[ModelSpec, str]:
    spec, target = read_target(arguments)
    return spec, str(target)


SPECS = {
    "baseline": {"model": "mobilenet_v2"},
    "usual": {"model": "mobilenet_v2", "attention": "ca", "reduction": 32},
    "no gate to choose": {"model": "mobilenet_v2", "attention": "simam"},
    "everything": {
        "model": "mobilenext",
        "width": 0.35,
        "attention": "cbam",
        "reduction": 24,
        "gate": "sigmoid",
        "classes": 10,
        "input_size": "28x32",
        "channels": 1,
        "seed": 7,
    },
    "odd width": {"model": "mobilenet_v2", "width": 1 / 3},
    "timm": {"model": "timm:mobilenetv3_small_100", "classes": 100, "seed": 3},
    "timm rewritten": {"model": "timm:efficientnet_b0", "rewrite": True, "swap_gates": "hard_sigmoid"},
    "function": {"model": "mypackage.nets:build net's", "input_size": "96"},
    "function drawn anew": {"model": "mypackage.nets:build", "weights": "random", "seed": 5},
}


@pytest.mark.parametrize("name", SPECS)
def test_export_command_means_the_same_model(name: str) -> None:
    spec = make_spec(**SPECS[name])  # type: ignore[arg-type]
    arguments = list_export_arguments(spec, TFLITE)
    assert arguments is not None
    assert read_back(shlex.split(shlex.join(arguments))) == (spec, "tflite:fp32")


def test_export_command_names_the_weights(tmp_path: Path) -> None:
    checkpoint = tmp_path / "it's the best; rm -rf.pth"
    checkpoint.write_bytes(b"weights")
    spec = make_spec("mobilenet_v2", checkpoint=str(checkpoint))
    arguments = list_export_arguments(spec, TFLITE)
    assert arguments is not None
    assert read_back(shlex.split(shlex.join(arguments))) == (spec, "tflite:fp32")
    assert list_export_arguments(replace(spec, checkpoint=None), TFLITE) is None


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (FileKind(format="onnx", precision="fp32", lowering="onnx-x86"), "onnx-x86:fp32"),
        (FileKind(format="coreml", precision="fp16"), "coreml:fp16"),
    ],
)
def test_export_command_names_the_kind_of_file(kind: FileKind, target: str) -> None:
    spec = make_spec("mobilenet_v2")
    arguments = list_export_arguments(spec, kind)
    assert arguments is not None
    assert read_back(arguments) == (spec, target)


PICTURES = Preprocessing(
    size=(224, 224),
    channels=3,
    crop="center",
    resize=256,
    interpolation="bilinear",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


def test_export_command_calibrates_by_the_same_pictures(tmp_path: Path) -> None:
    checkpoint = tmp_path / "best.pth"
    checkpoint.write_bytes(b"weights")
    spec = make_spec("mobilenet_v2", checkpoint=str(checkpoint))
    calibration = Calibration(
        source="pictures", image_count=512, inputs_sha256="ab", dataset="flowers", split="train", preprocessing=PICTURES
    )
    arguments = list_export_arguments(spec, FileKind(format="tflite", precision="int8"), calibration)
    assert arguments is not None
    found, target = read_target(shlex.split(shlex.join(arguments)))
    assert (found, str(target)) == (spec, "tflite:int8")
    assert target.calibration is not None
    assert (target.calibration.data, target.calibration.preprocessing) == ("FOLDER", PICTURES)


def test_export_command_leaves_random_weights_to_random_inputs() -> None:
    calibration = Calibration(source="random inputs", image_count=32, inputs_sha256="ab")
    spec = make_spec("mobilenet_v2")
    arguments = list_export_arguments(spec, FileKind(format="onnx", precision="int8"), calibration)
    assert arguments is not None
    assert read_back(arguments) == (spec, "onnx:int8")


@pytest.mark.parametrize("shape", [(4, 3, 224, 224), (1, 128)])
def test_what_no_option_says_has_no_command(shape: tuple[int, ...]) -> None:
    spec = ModelSpec(backbone="mypackage.nets:build", input_shape=shape, weights="given")
    assert list_export_arguments(spec, TFLITE) is None


def test_profile_command_means_the_same_run() -> None:
    runtime = Runtime(
        device_id="serial7",
        device_name="pixel4",
        file_kind=FileKind(format="coreml", precision="fp16"),
        engine="coreml",
        delegate="cpu_and_ne",
        thread_count=4,
        core_mask=None,
        input_shapes="image 1x3x640x640, mask of it 1x1",
    )
    schedule = Schedule(session_count=5, round_count=9, burst_count=10, settle_count=3, warmup_count=10, cooldown_s=0.0)
    arguments = list_profile_arguments(runtime, ["a b.mlpackage"], schedule)
    params = parse(profile.command, shlex.split(shlex.join(arguments)))
    assert params["paths"] == (Path("a b.mlpackage"),)
    choice = parse_engine(str(params["engine"]))
    assert (choice.engine, choice.delegate) == ("coreml", "cpu_and_ne")
    assert parse_thread_counts(str(params["threads"])) == [4]
    assert parse_shapes(params["shapes"]) == {"image": (1, 3, 640, 640), "mask of it": (1, 1)}  # type: ignore[arg-type]
    assert (params["sessions"], params["rounds"], params["devices"]) == (5, 9, "pixel4")


def make_suite_table() -> Table:
    return replace(make_table(*make_example()), suite="paper")


def find_line(table: Table, attention: str | None, engine: str) -> FlatLine:
    (line,) = [
        line for line in make_lines(table) if line.row.spec and line.attention == attention and line.engine == engine
    ]
    return line


def test_a_line_with_an_overhead_is_measured_beside_its_baseline() -> None:
    table = make_suite_table()
    commands = CommandLister(table).list_commands(find_line(table, "ca", "litert"))
    arguments = [shlex.split(command.text or "")[1:] for command in commands]
    assert [read_back(arguments[index])[0].block for index in (0, 1)] == [None, "ca"]
    params = parse(profile.command, arguments[2])
    assert params["paths"] == (
        Path("out/export/mobilenet_v2_1.0_224.tflite"),
        Path("out/export/mobilenet_v2_1.0_ca32_224.tflite"),
    )
    assert (params["engine"], params["threads"], params["sessions"], params["rounds"]) == ("litert", "1", 3, 20)
    assert parse(report.command, arguments[3])["suite"] == "paper"


def test_the_baseline_is_measured_alone() -> None:
    table = make_suite_table()
    verbs = [
        shlex.split(command.text or "")[1]
        for command in CommandLister(table).list_commands(find_line(table, None, "litert"))
    ]
    assert verbs == ["export", "profile", "report"]


def test_no_report_command_without_a_suite() -> None:
    table = make_table(*make_example())
    texts = [command.text for command in CommandLister(table).list_commands(find_line(table, None, "litert"))]
    assert not any("report" in (text or "") for text in texts)


def test_a_foreign_file_with_a_nasty_name_stays_one_argument() -> None:
    file = make_artifact(None, "onnx", file_name="-rf $(reboot)\n'.onnx")
    table = make_table([file], make_sessions(file, 5.0, engine="onnxruntime"), [])
    (command,) = CommandLister(table).list_commands(make_lines(table)[0])
    params = parse(profile.command, shlex.split(command.text or "")[1:])
    assert params["paths"] == (Path("./-rf $(reboot)\n'.onnx"),)


def judge_first_file(**changes: object) -> dict[str, object]:
    """What `pocketbench accuracy` reads from the command for a file with such an accuracy."""
    artifacts, results, published = make_example()
    table = make_table(artifacts, results, published)
    file = table.rows[0].files[0]
    accuracy = make_accuracy(0.9, origin="measured", artifact_sha256=file.sha256, dataset="fashion-mnist", **changes)
    table = make_table(artifacts, results, [*published, accuracy])
    (text,) = [
        command.text
        for command in CommandLister(table).list_commands(make_lines(table)[0])
        if "accuracy" in (command.text or "")
    ]
    params = parse(accuracy_verb.command, shlex.split(text or "")[1:])
    assert params.pop("paths") == (Path(f"out/export/{file.file_name}"),)
    return params


def test_a_measured_top1_has_its_command() -> None:
    assert judge_first_file(image_count=10_000, split_count=10_000) == {"data": "fashion-mnist"}


def test_a_data_set_that_was_a_path_is_one_that_the_reader_puts_in() -> None:
    """The name of a folder is no path: a command with it would find another data set, or none."""
    file = make_artifact(make_spec("mobilenet_v2"))
    accuracy = make_accuracy(0.9, origin="measured", artifact_sha256=file.sha256, dataset="flowers")
    calibration = Calibration(
        source="pictures", image_count=512, inputs_sha256="ab", dataset="pets", split="train", preprocessing=PICTURES
    )
    table = make_table([replace(file, calibration=calibration)], make_sessions(file, 5.0), [accuracy])
    export_, *_, judge = CommandLister(table).list_commands(make_lines(table)[0])
    assert "--calibrate FOLDER " in (export_.text or "")
    assert export_.purpose.endswith("FOLDER stands for the path of the data set pets")
    assert (judge.text or "").endswith("--data FOLDER")
    assert judge.purpose == "Measure the top-1; FOLDER stands for the path of the data set flowers"


def test_the_data_sets_with_a_name_are_those_that_are_known_by_name() -> None:
    assert set(NAMED) == NAMED_DATASETS


def test_a_subset_and_the_preparation_of_its_pictures_are_named() -> None:
    params = judge_first_file(image_count=190, unreadable_count=10, split_count=10_000, preprocessing=PICTURES)
    assert params.pop("limit") == 200
    assert params.pop("data") == "fashion-mnist"
    framing = parse_framing(**params)  # type: ignore[arg-type]
    assert framing is not None
    assert frame_for(framing, 3, (224, 224)) == PICTURES


def test_a_schedule_that_options_do_not_say_is_named() -> None:
    artifacts, results, accuracies = make_example()
    results = [
        replace(run, plan=replace(run.plan, warmup_count=50), caveats=(Caveat(code="x", text="y"),)) for run in results
    ]
    table = make_table(artifacts, results, accuracies)
    profiles = [
        command
        for line in make_lines(table)
        for command in CommandLister(table).list_commands(line)
        if "profile" in (command.text or "")
    ]
    assert profiles
    assert all("of a suite" in command.purpose for command in profiles)
