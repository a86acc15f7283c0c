from dataclasses import replace

from pocketbench.core.records import Device
from pocketbench.reports.labels import describe_runtimes
from pocketbench.reports.lines import FlatLine, make_lines
from pocketbench.reports.table import make_table
from tests.reports.synthetic import (
    DEVICE,
    make_accuracy,
    make_artifact,
    make_example,
    make_sessions,
    make_spec,
)


def find_line(lines: tuple[FlatLine, ...], attention: str | None, engine: str) -> FlatLine:
    (line,) = [line for line in lines if line.attention == attention and line.engine == engine and line.row.spec]
    return line


def test_a_line_says_what_the_table_says() -> None:
    table = make_table(*make_example())
    lines = make_lines(table)
    assert len(lines) == 7  # three variants in two formats, and a foreign file
    ca = find_line(lines, "ca", "litert")
    assert (ca.name, ca.network) == ("mobilenet_v2_1.0_ca32_224", "mobilenet_v2 1.0, 224 x 224")
    assert (ca.gate, ca.file_kind, ca.precision, ca.thread_count) == ("hard_sigmoid", "tflite fp32", "fp32", 1)
    assert ca.parameter_count == 3_950_600
    assert ca.size_bytes == 4 * 3_950_600 + 80_000
    assert ca.published_fraction == 0.743
    assert ca.top1_fraction is None  # nobody measured it: what is published is no measurement
    for line in lines:
        assert line.row is table.rows[line.row_index]
        assert line.file is line.row.files[line.kind_index]
        assert line.place is not None
        assert line.cell is line.row.cells[line.place]
        assert line.runtime_name == describe_runtimes(table.runtimes)[line.place]
        assert line.kind == table.runtimes[line.place].file_kind


def test_what_failed_has_a_line_without_a_latency_and_with_the_reason() -> None:
    table = make_table(*make_example())
    crashed = find_line(make_lines(table), "se", "onnxruntime")
    assert (crashed.median_ns, crashed.p90_ns, crashed.overhead_ns, crashed.overhead_ratio) == (None,) * 4
    assert any("SIGSEGV" in table.notes[index] for index in crashed.notes)


def test_a_file_that_never_ran_has_one_line() -> None:
    (line,) = make_lines(make_table([make_artifact(make_spec())], [], []))
    assert (line.place, line.runtime, line.engine, line.device, line.threads, line.median_ns) == (None,) * 6


def test_a_file_on_two_devices_and_two_thread_counts_has_four_lines() -> None:
    file = make_artifact(make_spec())
    phone: Device = replace(DEVICE, device_id="phone1", name="pixel")
    results = [
        run
        for device in (replace(DEVICE, name="host"), phone)
        for threads in (1, 4)
        for run in make_sessions(file, 5.0, device=device, threads=threads)
    ]
    lines = make_lines(make_table([file], results, []))
    assert {(line.device, line.threads) for line in lines} == {
        *(("host", "1 thread"), ("host", "4 threads")),
        *(("pixel", "1 thread"), ("pixel", "4 threads")),
    }


def test_top1_is_of_the_very_file() -> None:
    files = [make_artifact(make_spec(), kind) for kind in ("onnx", "tflite")]
    accuracy = make_accuracy(0.9, origin="measured", artifact_sha256=files[1].sha256, image_count=1000)
    lines = make_lines(make_table(files, [], [accuracy]))
    assert [line.top1_fraction for line in lines] == [None, 0.9]
