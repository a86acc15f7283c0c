from __future__ import annotations

import hashlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault, PocketbenchError, UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.records import Artifact, OperatorTime
from pocketbench.core.store import Store
from pocketbench.export.naming import record_path
from pocketbench.reports.csv_json import format_csv, format_json, parse_json
from pocketbench.reports.html import format_html
from pocketbench.reports.markdown import format_markdown
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from pocketbench.reports.text import format_latencies
from pocketbench.workflow.import_file import ForeignFile, read_foreign_file
from pocketbench.workflow.import_results import ImportOutcome, ImportRequest, import_result, name_device
from pocketbench.workflow.known_artifacts import find_artifact
from tests.core.samples import ARTIFACT, RESULT
from tests.profile.parsers.benchmark_text import interpreter_text
from tests.profile.parsers.test_benchmark_model import LITERT_BENCHMARK
from tests.profile.parsers.test_other_programs import AI_HUB, MNN, NCNN, ORT, XCODE, change, dump
from tests.reports.synthetic import make_artifact, make_sessions, make_spec

RUN = interpreter_text()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "results.sqlite"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Exports: a TFLite file with its record, and an ONNX file of somebody else."""
    folder = tmp_path / "export"
    folder.mkdir()
    write_model(folder / "net.tflite", b"one", replace(ARTIFACT, file_name="net.tflite"))
    (folder / "other.onnx").write_bytes(b"two")
    return folder


def write_model(path: Path, content: bytes, record: Artifact | None = None) -> Artifact:
    path.write_bytes(content)
    found = replace(
        record or ARTIFACT, file_name=path.name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)
    )
    write_record(record_path(path), found)
    return found


def take_over(text: str, store: Store, folder: Path, **changes: object) -> ImportOutcome:
    file = ForeignFile(name="run.txt", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)
    asked = {"device": "pixel4", "artifact": str(folder / "net.tflite"), **changes}
    return import_result(file, ImportRequest(**asked), store, folder)  # type: ignore[arg-type]


def test_the_result_says_what_is_known_and_no_more(store: Store, folder: Path):
    outcome = take_over(RUN, store, folder)
    assert outcome.is_new
    (result,) = store.read_results()
    assert result == outcome.result
    assert result.artifact.spec == ARTIFACT.spec
    assert (result.device.device_id, result.device.transport, result.device.name) == (
        "imported-pixel4", "imported", "pixel4",
    )  # fmt: skip
    assert (result.device.model, result.device.soc, result.device.core_count) == (None, None, None)
    assert (result.plan.engine, result.plan.delegate, result.plan.thread_count) == ("benchmark_model", None, 1)
    assert result.origin is not None
    assert (result.origin.tool, result.origin.file_name) == ("benchmark_model", "run.txt")
    assert result.origin.file_sha256 == hashlib.sha256(RUN.encode()).hexdigest()
    state = result.conditions_before
    assert state == result.conditions_after
    assert [getattr(state, name) for name in ("cpu_model", "load_average", "governor", "battery_celsius")] == [None] * 4
    assert result.measurement is not None
    assert (result.measurement.sample_statistic, len(result.measurement.wall_ns)) == ("mean", 1)
    assert result.coverage is not None
    assert (result.git_commit, result.failure, result.tools) == (None, None, {})


def test_what_the_file_does_not_tell_may_be_said_and_else_stays_unknown(store: Store, folder: Path):
    untold = take_over(ORT, store, folder, artifact=str(folder / "other.onnx")).result.plan
    assert (untold.engine, untold.thread_count, untold.delegate) == ("onnxruntime", None, None)
    said = take_over(
        ORT + "\n", store, folder, artifact=str(folder / "other.onnx"), thread_count=4, delegate="qnn",
        device="another",
    ).result.plan  # fmt: skip
    assert (said.thread_count, said.delegate) == (4, "qnn")
    hub = take_over(dump(AI_HUB), store, folder).result
    assert hub.plan.engine == "ai-hub"
    assert hub.measurement is not None
    assert (hub.plan.burst_count, hub.plan.settle_count) == (hub.measurement.burst_count, 1)
    told = take_over(dump(AI_HUB) + " ", store, folder, engine="qnn", device="x", delegate="npu").result.plan
    assert (told.engine, told.delegate) == ("qnn", "npu")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"thread_count": 2}, "--threads is 2, and the file says 1"),
        ({"engine": "litert"}, "--engine is litert, and the file says benchmark_model"),
        ({"thread_count": 0}, "--threads is 0"),
        ({"delegate": "a\nb"}, "--delegate is 'a"),
        ({"device": " - "}, "--device is ' - '"),
        ({"device": "x" * 65}, "--device is 'xxx"),
        ({"kind": "ncnn"}, "no line with min"),
        ({"model": "other"}, "no model in the file 'other'"),
        ({"artifact": "other.onnx"}, "does not exist"),
    ],
)
def test_what_contradicts_the_file_is_refused(store: Store, folder: Path, changes: dict[str, object], shown: str):
    with pytest.raises(PocketbenchError) as caught:
        take_over(RUN, store, folder, **changes)
    assert shown in str(caught.value)
    assert store.count_results() == 0


def test_a_program_measures_files_of_its_own_format(store: Store, folder: Path):
    with pytest.raises(UsageError, match=r"benchmark_model runs .tflite files, and other.onnx is none"):
        take_over(RUN, store, folder, artifact=str(folder / "other.onnx"))
    result = take_over(NCNN, store, folder, model="squeezenet", artifact=str(folder / "other.onnx")).result
    assert "a file of its own format" in result.caveats[0].text


def test_the_same_file_again_changes_nothing(store: Store, folder: Path):
    first = take_over(RUN, store, folder)
    again = take_over(RUN, store, folder)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.result == first.result
    assert store.count_results() == 1


@pytest.mark.parametrize("changes", [{"device": "s24"}, {"artifact": "third.tflite"}, {"delegate": "gpu"}])
def test_the_same_figures_as_something_else_correct_the_import(store: Store, folder: Path, changes: dict[str, str]):
    write_model(folder / "third.tflite", b"three")
    take_over(RUN, store, folder)
    if "artifact" in changes:
        changes = {"artifact": str(folder / changes["artifact"])}
    outcome = take_over(RUN, store, folder, **changes)
    assert outcome.replaced is not None
    assert (outcome.replaced.artifact.file_name, outcome.replaced.device.name) == ("net.tflite", "pixel4")
    assert store.read_results() == [outcome.result]


def test_the_models_of_one_file_are_imported_one_by_one(store: Store, folder: Path):
    other = write_model(folder / "third.tflite", b"three")
    take_over(NCNN, store, folder, model="squeezenet")
    assert take_over(NCNN, store, folder, model="squeezenet_int8").replaced is not None
    assert take_over(NCNN, store, folder, model="squeezenet").replaced is not None
    take_over(NCNN, store, folder, model="squeezenet_int8", artifact=other.sha256[:8])
    assert [result.run_id for result in store.read_results()] == [store.read_results()[0].run_id] * 2
    last = take_over(NCNN, store, folder, model="squeezenet", artifact=other.sha256[:8]).result
    assert store.read_results() == [last]


def test_an_artifact_is_found_by_the_beginning_of_its_hash(store: Store, folder: Path):
    exported = find_artifact(str(folder / "net.tflite"), store, folder)
    assert find_artifact(exported.sha256[:8], store, folder) == exported
    assert find_artifact(exported.sha256.upper(), store, folder) == exported
    stored = replace(ARTIFACT, sha256="0123456789abcdef" * 4, file_name="stored.tflite")
    store.append(replace(RESULT, artifact=stored))
    assert find_artifact("01234567", store, folder) == stored


def test_a_copy_without_its_record_is_the_file_that_is_known(store: Store, folder: Path, tmp_path: Path):
    exported = find_artifact(str(folder / "net.tflite"), store, folder)
    copy = tmp_path / "copy.tflite"
    copy.write_bytes((folder / "net.tflite").read_bytes())
    assert find_artifact(str(copy), store, folder) == exported
    assert find_artifact(str(copy), store, tmp_path).spec is None
    store.append(replace(RESULT, artifact=exported))
    assert find_artifact(str(copy), store, tmp_path) == exported


def test_unknown_and_ambiguous_hashes_list_what_is_near(store: Store, folder: Path):
    shas = ["0123456789" + end * 54 for end in "ab"]
    store.append(*(replace(RESULT, artifact=replace(ARTIFACT, sha256=sha)) for sha in shas))
    with pytest.raises(UsageError, match=r"2 files have .* 01234567 \(give more digits: 0123456789aaaaaaaa"):
        find_artifact("01234567", store, folder)
    with pytest.raises(UsageError, match=r"no known file .* 01234f00 \(give its path; known: 0123456789 "):
        find_artifact("01234f00", store, folder)
    for text in ("0123456", "ca32", "0123456x", "a\0b"):
        with pytest.raises(UsageError, match="neither a model file nor the beginning of a sha256"):
            find_artifact(text, store, folder)
    with pytest.raises(FileFault, match="does not exist"):
        find_artifact("gone.tflite", store, folder)


def test_device_names_become_ids():
    assert name_device("Pixel 4 (mine)") == "imported-pixel-4-mine"
    assert name_device("imported-x") == "imported-imported-x"


def test_files_are_read_from_bundles_pipes_and_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bundle = tmp_path / "net.mlperf"
    bundle.mkdir()
    (bundle / "report.json").write_text(dump(XCODE))
    read = read_foreign_file(str(bundle))
    assert (read.name, read.text) == ("net.mlperf", dump(XCODE))
    (tmp_path / "run.txt").write_bytes(RUN.encode("utf-16"))
    assert read_foreign_file(str(tmp_path / "run.txt")).text == RUN
    (tmp_path / "odd.txt").write_bytes(b"\xff\x00" + RUN.encode())
    assert read_foreign_file(str(tmp_path / "odd.txt")).text.endswith(RUN)
    piped = io.BytesIO(RUN.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(piped))
    assert read_foreign_file("-") == ForeignFile(
        name="standard input", sha256=hashlib.sha256(RUN.encode()).hexdigest(), text=RUN
    )
    for place in (tmp_path, tmp_path / "gone.txt"):
        with pytest.raises(FileFault, match="can't read"):
            read_foreign_file(str(place))
    with (tmp_path / "long.txt").open("wb") as stream:
        stream.truncate(17_000_000)
    with pytest.raises(FileFault, match="more than 16 MB"):
        read_foreign_file(str(tmp_path / "long.txt"))


def make_report(store: Store, folder: Path) -> Table:
    """A baseline and a variant, measured here and imported: a mean, samples, samples with operator times."""
    plain, ca = make_spec(), make_spec("ca", gate="hard_sigmoid")
    files = {spec: make_artifact(spec) for spec in (plain, ca)}
    results = [item for spec, ms in ((plain, 4.5), (ca, 5.5)) for item in make_sessions(files[spec], ms)]
    for number, spec in enumerate((plain, ca)):
        path = folder / f"{number}.tflite"
        path.write_bytes(bytes([number]))
        for text in (interpreter_text([20_000 + number, 21_001]), change(AI_HUB, "execution_summary.note", number)):
            outcome = take_over(text, store, folder, artifact=str(path), device="Pixel 4")
            results.append(replace(outcome.result, artifact=files[spec]))
    return make_table(files.values(), results, [])


def test_an_imported_figure_is_told_apart_in_every_form_of_the_report(store: Store, folder: Path):
    table = make_report(store, folder)
    assert [(runtime.origin, runtime.thread_count) for runtime in table.runtimes] == [
        (None, 1), ("Qualcomm AI Hub", None), ("benchmark_model", 1),
    ]  # fmt: skip
    here, hub, phone = (table.rows[1].cells[place] for place in range(3))
    assert here.wall_overhead is not None
    for cell in (hub, phone):
        assert cell.wall is not None
        assert (cell.wall_overhead, cell.cpu) == (None, None)
        notes = " ".join(table.notes[index] for index in cell.notes)
        assert "Imported: written by " in notes
        assert "run.txt, sha256 " in notes
        assert [table.notes[index] for index in cell.overhead_notes] == [
            "No overhead: what is imported was not measured in turn with the baseline."
        ]
    assert phone.wall is not None
    assert (phone.wall.p90_ns, phone.wall.spread_ratio, phone.wall.statistics) == (None, None, ("mean",))
    assert (phone.wall.sample_count, phone.wall.size_low) == (1, 2)
    assert hub.wall is not None
    assert (hub.wall.sample_count, hub.wall.p90_ns is not None) == (3, True), "the first inference is not summarised"
    assert len(table.schedules) == 1, "how imported figures were taken is not known"

    markdown, plain = format_markdown(table), format_latencies(table)
    for text in (markdown, plain):
        assert "benchmark_model, 1 thread, tflite fp32, Pixel 4, imported from benchmark_model" in text
        assert "imported from Qualcomm AI Hub" in text
        assert "Imported: written by benchmark_model, run.txt, sha256" in text
    assert "mean, ms" in markdown
    assert "1 x 2" in markdown
    assert "ai-hub npu, tflite fp32, Pixel 4, imported from" in markdown, "its threads are not known"
    assert not any(note.startswith("imported (") for note in table.notes), "what a file says is said with its origin"
    assert "**mean, median of means, median of medians**" in markdown
    assert "Figures of Qualcomm AI Hub and benchmark_model were imported" in markdown
    assert "mean ms" in plain
    assert "Imported: 20" in markdown, "the day of the import, in place of when it was measured"
    rows = format_csv(table).splitlines()
    assert sum("benchmark_model,mean" in row or ",benchmark_model," in row for row in rows) == 2
    assert parse_json(format_json(table), "x") == table


@pytest.mark.slow
def test_an_imported_figure_is_told_apart_on_the_page(store: Store, folder: Path):
    page = format_html(make_report(store, folder))
    assert "Pixel 4, imported from benchmark_model" in page
    assert "Imported: written by benchmark_model, run.txt, sha256" in page
    assert "Pixel 4, imported 20" in page
    assert '"title": "mean latency, ms"' in page.replace('":"', '": "')


def test_operators_of_an_imported_result_are_kept(store: Store, folder: Path):
    result = take_over(dump(AI_HUB), store, folder).result
    assert result.operator_times is not None
    assert result.operator_times[1] == OperatorTime(
        name="net/t", operator="TRANSPOSE", path="", block="", time_ns=77_000.0, call_count=1, compute_unit="npu"
    )
    assert store.read_results() == [result]


def test_samples_of_a_program_are_never_called_a_median_of_inferences(store: Store, folder: Path):
    """Several imports of one file on one device are sessions: their figure is a median of means."""
    results = []
    for number in range(3):
        text = interpreter_text([20_000 + 10 * number, 21_001])
        results.append(take_over(text, store, folder).result)
    table = make_table([], results, [])
    (row,) = table.rows
    wall = row.cells[0].wall
    assert wall is not None
    assert wall.median_ns == sorted(sum(r.measurement.wall_ns) for r in results if r.measurement)[1]
    assert (wall.sample_count, wall.session_count, wall.statistics) == (3, 3, ("mean",))
    assert wall.low_ns is not None
    text = format_markdown(table)
    assert "median of means, ms" in text
    assert "median, ms" not in text
    assert "3 x 2" in text
    assert "median of means ms" in format_latencies(table)


def test_the_block_that_litert_benchmark_prints_is_not_taken_for_benchmark_model(store: Store, folder: Path):
    result = take_over(LITERT_BENCHMARK, store, folder).result
    assert result.origin is not None
    assert (result.origin.tool, result.plan.engine) == ("litert-benchmark", "litert")


def test_other_programs_reach_the_store(store: Store, folder: Path):
    onnx = {"artifact": str(folder / "other.onnx")}
    assert take_over(MNN, store, folder, model="resnet-v2-50.mnn", **onnx).result.plan.thread_count == 4
    (folder / "net.mlpackage").mkdir()
    (folder / "net.mlpackage" / "data").write_bytes(b"x")
    result = take_over(dump(XCODE), store, folder, artifact=str(folder / "net.mlpackage"), device="iphone16").result
    assert (result.device.model, result.device.os_version) == ("iPhone 16", "iOS 26.3.1")
    assert (result.plan.engine, result.plan.delegate, result.plan.thread_count) == ("coreml", "cpu_and_ne", None)
    assert json.loads(json.dumps(result.caveats[0].text)).startswith("The file calls the model net.")
