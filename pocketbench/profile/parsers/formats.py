"""The kinds of files that can be imported, by name. A new one is a module with two functions, an entry and a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pocketbench.core.errors import UnknownNameError, UsageError, one_line
from pocketbench.profile.parsers.ai_hub import is_ai_hub, parse_ai_hub
from pocketbench.profile.parsers.benchmark_model import is_benchmark_model, parse_benchmark_model
from pocketbench.profile.parsers.imported import Imported, measure_summary
from pocketbench.profile.parsers.litert_benchmark import is_litert_benchmark, parse_litert_benchmark
from pocketbench.profile.parsers.mnn import is_mnn, parse_mnn
from pocketbench.profile.parsers.ncnn import is_ncnn, parse_ncnn
from pocketbench.profile.parsers.onnxruntime_perf import is_onnxruntime_perf, parse_onnxruntime_perf
from pocketbench.profile.parsers.output_fault import MAX_TEXT_CHARS, make_fault, make_visible, split_lines
from pocketbench.profile.parsers.xcode_report import is_xcode_report, parse_xcode_report

XNNPACK = "TfLiteXNNPackDelegate"
PYTHON_MARK = "Fully accelerated: "  # a line that litert-benchmark alone prints
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of file: the program that writes it, whether a text is one, and what it says.

    `suffixes` are of the model files that the program runs; () where it has a format of its own.
    """

    tool: str
    matches: Callable[[str], bool]
    parse: Callable[[str], tuple[Imported, ...]]
    suffixes: tuple[str, ...]


def import_benchmark_model(text: str) -> tuple[Imported, ...]:
    """A run of benchmark_model, or of litert-benchmark, which ends with the same block. Raises: OutputFault."""
    is_python = any(line.startswith(PYTHON_MARK) for line in split_lines(text))
    run = parse_benchmark_model(text)
    told = run.coverage.delegate if run.coverage is not None and run.coverage.delegated_node_count else ""
    # XNNPACK is how TFLite runs on the processor: no delegate that somebody chose
    own = " + ".join(name for name in told.split(" + ") if name != XNNPACK) or None
    return (
        Imported(
            name=run.graph,
            measurement=measure_summary(
                run.summary, run.statistic, resolution_ns=run.resolution_ns, peak_bytes=run.peak_bytes
            ),
            engine="litert" if is_python else "benchmark_model",
            delegate=own,
            thread_count=run.thread_count,
            operators=run.operators,
            coverage=run.coverage,
            notes=("LiteRT's build, with a compiled model.",)
            if run.dialect == "compiled_model" and not is_python
            else (),
            tool="litert-benchmark" if is_python else None,
        ),
    )


FORMATS: dict[str, Format] = {
    "benchmark_model": Format(
        tool="benchmark_model",
        matches=is_benchmark_model,
        parse=import_benchmark_model,
        suffixes=(".tflite",),
    ),
    "litert-benchmark": Format(
        tool="litert-benchmark",
        matches=is_litert_benchmark,
        parse=parse_litert_benchmark,
        suffixes=(".tflite",),
    ),
    "ai-hub": Format(
        tool="Qualcomm AI Hub", matches=is_ai_hub, parse=parse_ai_hub, suffixes=(".tflite", ".onnx", ".mlpackage")
    ),
    "onnxruntime": Format(
        tool="onnxruntime_perf_test",
        matches=is_onnxruntime_perf,
        parse=parse_onnxruntime_perf,
        suffixes=(".onnx",),
    ),
    "ncnn": Format(tool="benchncnn", matches=is_ncnn, parse=parse_ncnn, suffixes=()),
    "mnn": Format(tool="MNN benchmark", matches=is_mnn, parse=parse_mnn, suffixes=()),
    "xcode": Format(
        tool="Xcode performance report", matches=is_xcode_report, parse=parse_xcode_report, suffixes=(".mlpackage",)
    ),
}


def detect_format(text: str) -> str:
    """The kind of a text by what stands in it. Raises: UsageError when it is none, or could be several."""
    if len(text) > MAX_TEXT_CHARS:
        raise make_fault(f"{len(text)} characters, more than the {MAX_TEXT_CHARS} that are read")
    if not text.strip():
        raise UsageError(
            "there is nothing in it", "give all that the program printed (with 2>&1: some write to stderr)"
        )
    found = [name for name, kind in FORMATS.items() if kind.matches(text)]
    if len(found) == 1:
        return found[0]
    seen = f"the text could be of {' or of '.join(found)}" if found else "the text is of no program that is known"
    raise UsageError(seen, f"say which with --from: {', '.join(found or FORMATS)}")


def parse_file(text: str, kind: str | None) -> tuple[str, tuple[Imported, ...]]:
    """The kind and every model in it, with names that can be printed.

    Args:
        kind: None finds it out.

    Raises: UnknownNameError, UsageError, OutputFault.
    """
    if kind is not None and kind not in FORMATS:
        raise UnknownNameError("kind of file", kind, FORMATS)
    name = kind or detect_format(text)
    found = FORMATS[name].parse(text)
    return name, tuple(
        replace(
            item,
            name=_clean(item.name),
            device_model=_clean(item.device_model),
            os_version=_clean(item.os_version),
        )
        for item in found
    )


def _clean(text: str | None) -> str | None:
    return None if text is None else one_line(make_visible(text), MAX_NAME_CHARS) or None


def choose_model(found: tuple[Imported, ...], name: str | None) -> Imported:
    """The one that is named; without a name, the only one. Raises: UsageError, UnknownNameError."""
    names = [str(item.name) for item in found]
    if name is not None:
        if name not in names:
            raise UnknownNameError("model in the file", name, names)
        return found[names.index(name)]
    if len(found) > 1:
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise UsageError(f"the file has {len(found)} models", f"choose one with --model: {shown}")
    return found[0]
