"""What the stages hand to one another: frozen records, standard library only.

Units stand in the names: `_ns _s _bytes _khz _celsius`, `_fraction` (0..1), `_ratio` (1.0 = equal). `None` means not
known; no record holds -1, "" or NaN for it. Summaries are computed from samples and never stored instead of them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

FORMATS = ("onnx", "tflite", "coreml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One network, by how to build it. Two equal specs build equal networks with equal weights.

    `backbone` is a name of the catalogue ("mobilenet_v2"), "timm:NAME", or "package.module:function".
    `weights` is "random" (drawn from `seed`, BatchNorm statistics too) or "given": those of the file `checkpoint`, else
    as the function returned them. Where the file stands tells no specs apart; `checkpoint_sha256`, its content, does.
    `rewrite` exchanges what exports badly for what computes the same; `swap_gates` names a gate that then takes the
    place of the sigmoid in attention blocks, which is another function.
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
    """

    reference: str
    runtime: str
    input_count: int
    max_abs_error: float
    relative_error: float
    relative_tolerance: float
    output_spread_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model file. `spec`, `parity`, `model_facts` and `lowering` are None for a file that somebody else made.

    `lowering` names what the forms of the attention blocks were chosen for (core.targets): "onnx-x86". `rewriting` says
    what was exchanged in the network before, a line each; None where nobody asked for it.
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

    @property
    def model_name(self) -> str:
        """The name of the spec; of a file that somebody else made, its name without suffix."""
        return self.spec.name if self.spec is not None else self.file_name.rpartition(".")[0] or self.file_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A machine that runs models."""

    device_id: str
    transport: str
    model: str | None
    soc: str | None
    os_version: str | None
    abi: str | None
    core_count: int | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """How a cell (an artifact on an engine) is measured.

    A session starts one fresh worker process a cell, loads, runs once, warms up; then `round_count` rounds follow, and
    in each round each cell of the suite runs one burst of `burst_count` inferences in turn. The first `settle_count`
    of a burst run with the caches another cell left behind: they are kept and not summarised.
    """

    engine: str
    delegate: str | None = None
    thread_count: int = 1
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
class Measurement:
    """Every sample of one session of one cell, in order; burst after burst of `burst_count`.

    `cpu_clock` is "thread" (CPU time of the calling thread) or "process" (of all threads, for several threads).
    `peak_rss_bytes` is the worker's peak, `idle_rss_bytes` what it held before it loaded the model.
    """

    wall_ns: tuple[int, ...]
    cpu_ns: tuple[int, ...]
    cpu_clock: str
    burst_count: int
    settle_count: int
    warmup_wall_ns: tuple[int, ...]
    load_ns: int
    first_ns: int
    peak_rss_bytes: int | None
    idle_rss_bytes: int | None
    clock_resolution_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The state of the machine at one moment (ISO 8601, UTC)."""

    taken_at: str
    cpu_model: str | None
    load_average: float | None
    governor: str | None
    frequency_khz: int | None
    temperature_celsius: float | None
    memory_available_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A reason to read a number with care: a code for programs, a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a cell has no measurement. `kind`: load, run, crash, timeout, missing_package."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One session of one cell: a measurement, or the failure that took its place."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Top-1 (and top-5) of a variant. `origin` is "measured" (then `artifact_sha256` says of which file) or
    "published" (then `source` says where it was printed). `input_size` is the side of the square input."""

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
