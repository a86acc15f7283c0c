"""What quantisation costs each attention block in top-1: every file against its float file, picture by picture.

    python benchmarks/quantisation_drop.py out/train/*/*seed0.safetensors
    python benchmarks/quantisation_drop.py --formats tflite,tflite:int8 --folder out/drop out/train/*ca32*/*.safetensors

The weights must be of `pocketbench train`, which says what network they are for and how pictures are prepared. Files
are exported, verified and judged on the whole test split as every verb does it; Core ML packages, which only an
interpreter runs here, on a subset. A drop is in percent points, with its 95 % interval of the paired comparison.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from pocketbench.accuracy.training_record import Training, read_training
from pocketbench.core.paired_accuracies import compare_accuracies
from pocketbench.core.records import Accuracy, Artifact, ModelSpec
from pocketbench.core.store import Store
from pocketbench.core.targets import FormatTarget, parse_format_target
from pocketbench.workflow.accuracy_models import measure_accuracies
from pocketbench.workflow.accuracy_request import request_files
from pocketbench.workflow.calibration import attach_calibration
from pocketbench.workflow.export_models import export_models
from pocketbench.workflow.model_specs import add_checkpoint

FORMATS = "onnx,onnx:int8,tflite,tflite:fp16,tflite:dynamic_int8,tflite:int8"
FLOATS = {"onnx": "fp32", "tflite": "fp32", "coreml": "fp16"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--formats", default=FORMATS)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--folder", type=Path, default=Path("out/quantisation"))
    parser.add_argument("--limit", type=int, help="Pictures; the whole split where nothing is said.")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    targets = [parse_format_target(name) for name in arguments.formats.split(",")]
    variants = [variant for path in arguments.weights for variant in list_variants(path, targets, arguments.data)]
    exported = export_models(variants, arguments.folder)
    for (spec, target), error in exported.failures:
        print(f"{spec.name} {target}: {error}", flush=True)
    plan = request_files([arguments.folder / item.file_name for item in exported.artifacts], None, arguments.limit)
    store = Store(f"sqlite:///{(arguments.folder / 'accuracies.sqlite').absolute()}")
    judged = measure_accuracies(plan.requests, arguments.data, store, arguments.threads, lambda *_: None)
    for path, error in judged.failures:
        print(f"{path}: {error}", flush=True)
    for line in list_lines([(request.artifact, accuracy) for request, accuracy in judged.accuracies]):
        print(line)


def list_variants(path: Path, targets: Iterable[FormatTarget], data: str) -> list[tuple[ModelSpec, FormatTarget]]:
    training = read_training(path)
    if not isinstance(training, Training):
        raise SystemExit(f"{path} is not of pocketbench train")
    spec = add_checkpoint(training.spec, str(path))
    return [(spec, attach_calibration(spec, target, data)) for target in targets]


def list_lines(judged: Sequence[tuple[Artifact, Accuracy]]) -> Iterable[str]:
    """A row a file: what the float file has, what was lost."""
    floats = {
        (item.model_name, item.format): accuracy for item, accuracy in judged if item.precision == FLOATS[item.format]
    }
    yield "| block | gate | file | top-1 % | drop, points | 95 % of the drop | noise % | partitions, nodes outside |"
    yield "|---|---|---|---|---|---|---|---|"
    for item, accuracy in sorted(judged, key=lambda row: (row[0].model_name, row[0].format)):
        assert item.spec is not None
        base = floats.get((item.model_name, item.format))
        drop, interval = "", ""
        if base is not None and base is not accuracy:
            found = compare_accuracies(base, accuracy)
            assert found is not None
            drop = f"{-100 * found.difference_fraction:.2f}"
            interval = f"{-100 * found.high_fraction:.2f} to {-100 * found.low_fraction:.2f}"
        block = "none" if item.spec.block is None else f"{item.spec.block} {item.spec.reduction_ratio or ''}".strip()
        facts, parity = item.graph_facts, item.parity
        outside = f"{facts.partition_count}, {facts.outside_delegate_count}" if facts and facts.partition_count else ""
        noise = f"{100 * parity.relative_error:.1f}" if parity and parity.error_measure == "rms" else ""
        name = f"{item.format}:{item.precision}"
        yield (
            f"| {block} | {item.spec.gate or ''} | {name} | {100 * accuracy.top1_fraction:.2f} | {drop} | {interval} "
            f"| {noise} | {outside} |"
        )


if __name__ == "__main__":
    main()
