"""What the stages hand to one another: frozen records, standard library only.

Units stand in the names: `_ns _s _bytes _khz _celsius`, `_fraction` (0..1), `_ratio` (1.0 = equal). `None` means not
known; no record holds -1, "" or NaN for it. Summaries are computed from samples and never stored instead of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

FORMATS = ("onnx", "tflite", "coreml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """What becomes of a picture before a network sees it; the same in training, evaluation and calibration.

    1. `channels` 1 makes it grey, 3 makes it RGB.
    2. `crop` "center": its shorter side becomes `resize` (None: it keeps its size), then the middle of `size`
       (height, width) is cut out, with black around a picture that is smaller. "squash": it becomes `size` at once,
       whatever its proportions; `resize` is None.
    3. (value / 255 - mean) / std, for each channel.

    `interpolation` is Pillow's, "nearest", "bilinear", "bicubic" or "lanczos"; None where nothing is resized.
    """

    size: tuple[int, ...]
    channels: int
    crop: str
    resize: int | None
    interpolation: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One network, by how to build it. Two equal specs build equal networks with equal weights.

    `backbone` is a name of the catalogue ("mobilenet_v2"), "timm:NAME", or "package.module:function".
    `weights` is "random" (drawn from `seed`, BatchNorm statistics too) or "given": those of the file `checkpoint`, else
    as the function returned them. Where the file stands tells no specs apart; `checkpoint_sha256`, its content, does.
    `rewrite` exchanges what exports badly for what computes the same; `swap_gates` names a gate that then takes the
    place of the sigmoid in attention blocks, which is another function.
    `preprocessing` is what its weights were trained with, and `recipe_sha256` by which recipe. Neither decides what is
    built: the weights do, by their hash.
    """

    backbone: str
    block: str | None = None
    width_ratio: float | None = None
    reduction_ratio: int | None = None
    gate: str | None = None
    class_count: int | None = None
    input_shape: tuple[int, ...] = (1, 3, 224, 224)
    weights: str = "random"
    weights_sha256: str | None = None
    seed: int = 0
    checkpoint: str | None = field(default=None, compare=False, metadata={"since": "0.2"})
    checkpoint_sha256: str | None = field(default=None, metadata={"since": "0.2"})
    rewrite: bool = field(default=False, metadata={"since": "0.2"})
    swap_gates: str | None = field(default=None, metadata={"since": "0.2"})
    preprocessing: Preprocessing | None = field(default=None, compare=False, metadata={"since": "0.4"})
    recipe_sha256: str | None = field(default=None, compare=False, metadata={"since": "0.4"})

    @property
    def name(self) -> str:
        """A file name without suffix, unique for the spec within its kind: mobilenet_v2_1.0_ca32_224."""
        parts = [re.sub(r"[^A-Za-z0-9._-]+", "_", self.backbone).strip("._-") or "model"]
        if parts[0] != self.backbone.replace(":", "_"):
            parts.append(hashlib.sha256(self.backbone.encode()).hexdigest()[:8])
        if self.width_ratio is not None:
            parts.append(f"{self.width_ratio:.4g}" if self.width_ratio % 1 else f"{self.width_ratio:.1f}")
        if self.block is not None:
            parts.append(self.block + (str(self.reduction_ratio) if self.reduction_ratio is not None else ""))
        if self.gate not in (None, "hard_sigmoid"):
            parts.append(str(self.gate))
        if self.class_count is not None and (self.class_count != 1000 or ":" in self.backbone):
            parts.append(f"{self.class_count}classes")
        batch, *rest = self.input_shape
        square = len(rest) == 3 and rest[0] == 3 and rest[1] == rest[2] and batch == 1
        parts.append(str(rest[1]) if square else "x".join(map(str, self.input_shape)))
        if self.seed:
            parts.append(f"seed{self.seed}")
        if self.checkpoint_sha256 is not None:
            stem = re.sub(r"(\.pth)?\.[^.]*$", "", re.split(r"[/\\]", self.checkpoint or "")[-1])
            parts.append(re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:40] or "weights")
            parts[-1] += f"-{self.checkpoint_sha256[:8]}"
        if self.rewrite:
            parts.append("rewritten")
        if self.swap_gates is not None:
            parts.append(self.swap_gates)
        return "_".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What the trained network has, before a converter folds anything.

    MACs are those of convolutions, linear layers and products of matrices.
    """

    parameter_count: int
    mac_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    """An input or output of a file. A dimension that is not fixed is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFacts:
    """What stands in an exported file. `parameter_count` counts stored weights (BatchNorm is folded by then);
    partitions and nodes outside are those of LiteRT's XNNPACK delegate, None for other formats."""

    parameter_count: int | None
    mac_count: int | None
    operator_counts: dict[str, int]
    layout_operator_count: int
    partition_count: int | None
    outside_delegate_count: int | None
    dynamic_shapes: bool
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How a file was compared with the network it came from.

    `relative_error` is the largest absolute error over the root mean square of what the inputs change in the output
    (not over the output itself: a large constant would hide errors). `output_spread_ratio` is that root mean square
    over the output's own: near 0 means that the output hardly depends on the input and the comparison proves nothing.

    Of a quantised file `error_measure` is "rms": `relative_error` is then the root mean square of the error over that
    of the change. `agreement_fraction` says for how many inputs both have the same largest output, where outputs are
    classes. `weights_checked` says how many stored tensors were compared with those of the file it was made from.
    """

    reference: str
    runtime: str
    input_count: int
    max_abs_error: float
    relative_error: float
    relative_tolerance: float
    output_spread_ratio: float
    error_measure: str = field(default="max", metadata={"since": "0.5"})
    agreement_fraction: float | None = field(default=None, metadata={"since": "0.5"})
    weights_checked: int | None = field(default=None, metadata={"since": "0.5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """By what the ranges of a quantised file's activations were set.

    `source` is "pictures", or "random inputs": then the file's latency means something, and its accuracy nothing.
    `inputs_sha256` is of the pictures as bytes in the network's size, before they are normalised: it identifies what
    was used of a data set that may be too large to be hashed.
    """

    source: str
    image_count: int
    inputs_sha256: str
    dataset: str | None = None
    split: str | None = None
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model file. `spec`, `parity`, `model_facts` and `lowering` are None for a file that somebody else made.

    `lowering` names what the forms of the attention blocks were chosen for (core.targets): "onnx-x86". `rewriting` says
    what was exchanged in the network before, a line each; None where nobody asked for it. `calibration` is None where
    none was needed.
    """

    spec: ModelSpec | None
    format: str
    precision: str | None
    file_name: str
    sha256: str
    size_bytes: int
    parity: Parity | None
    graph_facts: GraphFacts | None
    model_facts: ModelFacts | None
    tools: dict[str, str]
    cache_key: str | None
    lowering: str | None = field(default=None, metadata={"since": "0.2"})
    rewriting: tuple[str, ...] | None = field(default=None, metadata={"since": "0.2"})
    calibration: Calibration | None = field(default=None, metadata={"since": "0.5"})

    @property
    def model_name(self) -> str:
        """The name of the spec; of a file that somebody else made, its name without suffix."""
        return self.spec.name if self.spec is not None else self.file_name.rpartition(".")[0] or self.file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreCluster:
    """Cores of one highest frequency, by their numbers."""

    cores: tuple[int, ...]
    max_khz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A machine that runs models.

    `name` is what devices.toml calls it; `clusters` are its cores by frequency, slowest first, () where not known.
    """

    device_id: str
    transport: str
    model: str | None
    soc: str | None
    os_version: str | None
    abi: str | None
    core_count: int | None
    memory_bytes: int | None
    name: str | None = field(default=None, metadata={"since": "0.3"})
    clusters: tuple[CoreCluster, ...] = field(default=(), metadata={"since": "0.3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """How a cell (an artifact on an engine) is measured. `thread_count` is None for an engine that chooses its threads
    itself, and in an imported result where the program that measured does not tell it.

    A session starts one fresh worker process a cell, loads, runs once, warms up; then `round_count` rounds follow, and
    in each round each cell of the suite runs one burst of `burst_count` inferences in turn. The first `settle_count`
    of a burst run with the caches another cell left behind: they are kept and not summarised.
    """

    engine: str
    delegate: str | None = None
    thread_count: int | None = 1
    core_mask: int | None = None
    session_count: int = 3
    round_count: int = 20
    burst_count: int = 10
    settle_count: int = 3
    warmup_count: int = 10
    cooldown_s: float = 0.0
    timeout_s: float = 120.0
    shapes: dict[str, tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a program said of `count` inferences in one process of its own, when it keeps no samples.

    `std_ns` is of the population. Percentiles are the program's own.
    """

    count: int
    mean_ns: int | None = None
    median_ns: int | None = None
    min_ns: int | None = None
    max_ns: int | None = None
    std_ns: int | None = None
    p5_ns: int | None = None
    p95_ns: int | None = None
    load_ns: int | None = None
    first_ns: int | None = None
    warmup_count: int | None = None
    warmup_mean_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Every sample of one session of one cell, in order; burst after burst of `burst_count`.

    A sample is one "inference", or, where the program that ran the model keeps no samples, the "mean" or "median" that
    it printed of the inferences of one process (`sample_statistic`); `summaries` then holds all that it said, one for
    each sample, and `burst_count` is 1. `cpu_ns` is empty where CPU time was not taken, and `cpu_clock` None; else it
    is "thread" (CPU time of the calling thread) or "process" (of all threads, for several threads). `load_ns` and
    `first_ns` are those of the first process. `peak_rss_bytes` is the worker's peak, `idle_rss_bytes` what it held
    before it loaded the model. The clock's resolution is that of what was printed, where it was printed.

    The samples are tuples, or `Samples` where the store read them, which are equal to these.
    """

    wall_ns: Sequence[int]
    cpu_ns: Sequence[int]
    cpu_clock: str | None
    burst_count: int
    settle_count: int
    warmup_wall_ns: Sequence[int]
    load_ns: int | None
    first_ns: int | None
    peak_rss_bytes: int | None
    idle_rss_bytes: int | None
    clock_resolution_ns: int
    sample_statistic: str = field(default="inference", metadata={"since": "0.3"})
    summaries: tuple[Summary, ...] = field(default=(), metadata={"since": "0.3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreState:
    """How the system sets the clock of one core, and where it stands."""

    core: int
    governor: str | None
    min_khz: int | None
    max_khz: int | None
    current_khz: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The state of the machine at one moment (ISO 8601, UTC).

    `thermal_status` is Android's, 0 (none) to 6 (shutdown). `power_source` is "battery", or what charges it ("usb",
    "ac", "wireless"). `cores` is () where the system does not tell. `throttle_flags` are those of a Raspberry Pi's
    firmware (vcgencmd get_throttled).
    """

    taken_at: str
    cpu_model: str | None
    load_average: float | None
    governor: str | None
    frequency_khz: int | None
    temperature_celsius: float | None
    memory_available_bytes: int | None
    cores: tuple[CoreState, ...] = field(default=(), metadata={"since": "0.3"})
    battery_celsius: float | None = field(default=None, metadata={"since": "0.3"})
    battery_fraction: float | None = field(default=None, metadata={"since": "0.3"})
    power_source: str | None = field(default=None, metadata={"since": "0.3"})
    thermal_status: int | None = field(default=None, metadata={"since": "0.3"})
    screen_on: bool | None = field(default=None, metadata={"since": "0.3"})
    throttle_flags: int | None = field(default=None, metadata={"since": "0.3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A reason to read a number with care: a code for programs, a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a cell has no measurement. `kind`: load, run, crash, timeout, missing_package, connection, output (a program
    printed what can't be understood), hot (the device did not cool down), device (anything else in its way)."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One operator of the graph that the runtime made of a file.

    `name` is the runtime's, `operator` its type by the runtime ("Conv", "ReorderInput"; XNNPACK's own names inside the
    delegate). `path` leads to the module that it came from (features.3.conv.6.conv1), `block` to the part of the
    network (features.3.conv.6 for an attention block, else features.3); both are "" where that is not known, and None
    for a file that names no places. `time_ns` is for one inference; `call_count` says how often an inference calls it.
    `compute_unit` is where it ran ("cpu", "gpu", "npu"), where the runtime says so. `is_attention` says whether that
    block is an attention block, None where `block` is. `graph_operator` is the file's type of what it stands for
    ("CONV_2D"), where that is known: XNNPACK calls a 1x1 convolution fully connected.
    """

    name: str
    operator: str
    path: str | None
    block: str | None
    time_ns: float
    call_count: int
    compute_unit: str | None = None
    is_attention: bool | None = None
    graph_operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateCoverage:
    """How much of a graph a delegate took. `time_fraction` is its share of the operators' time, where that is known."""

    delegate: str
    node_count: int
    delegated_node_count: int
    partition_count: int | None
    time_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a result comes from that pocketbench did not measure: the program that wrote the file, the file, and when
    it was taken over (ISO 8601, UTC)."""

    tool: str
    file_name: str
    file_sha256: str
    imported_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One session of one cell: a measurement, or the failure that took its place.

    `operator_times` are of a pass of their own (profiling disturbs a latency), and stand in the result of one session.
    `origin` is None for what pocketbench measured itself. In an imported result conditions were taken by nobody: they
    hold only the moment of the import; and of its plan the schedule (sessions, rounds, warm-up, rests) is not known.
    """

    run_id: str
    session_index: int
    artifact: Artifact
    device: Device
    plan: RunPlan
    measurement: Measurement | None
    failure: Failure | None
    conditions_before: Conditions
    conditions_after: Conditions
    caveats: tuple[Caveat, ...]
    tools: dict[str, str]
    git_commit: str | None
    operator_times: tuple[OperatorTime, ...] | None = field(default=None, metadata={"since": "0.3"})
    coverage: DelegateCoverage | None = field(default=None, metadata={"since": "0.3"})
    origin: Origin | None = field(default=None, metadata={"since": "0.3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Top-1 (and top-5) of a variant. `origin` is "measured" (then `artifact_sha256` says of which file) or
    "published" (then `source` says where it was printed). `input_size` is the side of the square input.

    Of a measured one: `image_count` pictures of `split` were judged; those that can't be read are not among them but
    in `unreadable_count`; `split_count` is how many the split has (more, where a subset was judged). `dataset_sha256`
    is of the split's pictures and labels. `engine` ran the file. `preprocessing` is what became of the pictures.
    `image_count` is the n of the interval of a fraction (`core.proportions`). `top1_bits` says which pictures were
    right, so that two files are compared picture by picture (`core.paired_accuracies`).
    Of a published one: `parameter_count` and `mac_count` are what its source prints beside it, rounded as there.
    """

    backbone: str
    block: str | None
    width_ratio: float | None
    reduction_ratio: int | None
    artifact_sha256: str | None
    dataset: str
    split: str
    image_count: int | None
    top1_fraction: float
    top5_fraction: float | None
    origin: str
    source: str
    input_size: int | None = None
    dataset_sha256: str | None = field(default=None, metadata={"since": "0.5"})
    split_count: int | None = field(default=None, metadata={"since": "0.5"})
    unreadable_count: int = field(default=0, metadata={"since": "0.5"})
    engine: str | None = field(default=None, metadata={"since": "0.5"})
    preprocessing: Preprocessing | None = field(default=None, metadata={"since": "0.5"})
    measured_at: str | None = field(default=None, metadata={"since": "0.5"})
    tools: dict[str, str] = field(default_factory=dict, metadata={"since": "0.5"})
    top1_bits: str | None = field(default=None, metadata={"since": "0.5"})
    parameter_count: int | None = field(default=None, metadata={"since": "0.5"})
    mac_count: int | None = field(default=None, metadata={"since": "0.5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedAccuracy:
    """What one training reached, in the framework that trained: top-1 on `image_count` pictures that it did not see.

    `spec` says how the network was built; `seed` drew its first weights and the order of the pictures.
    `dataset_sha256` is of all pictures and labels, those of the training too.
    """

    spec: ModelSpec
    seed: int
    recipe_sha256: str
    dataset: str
    dataset_sha256: str
    image_count: int
    top1_fraction: float
