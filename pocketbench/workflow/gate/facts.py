"""What the gate knows of a model file: its record, or what the file itself says, whoever made it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, FileFault
from pocketbench.core.jsonio import from_plain
from pocketbench.core.records import Artifact, GraphFacts
from pocketbench.workflow.export_worker import add_partitions
from pocketbench.workflow.gate.facts_worker import DAMAGED_CURE
from pocketbench.workflow.kept_artifacts import read_artifact

PACKAGES = {"onnx": "onnx", "tflite": "ai_edge_litert", "coreml": "coremltools"}
"""Format -> the package that its facts are read with."""

TIMEOUT_S = 120.0
MEMORY_BYTES = 2 * 1024**3
MEMORY_PER_BYTE = 8
"""An ONNX file is parsed, checked, and parsed again with its shapes inferred: six copies of its weights."""

DISTRUST_CURE = "do not trust this file"


def complete_artifact(path: Path) -> Artifact:
    """The record of any model file, with what stands in its graph.

    That is the record beside it when it is ours and the file is unchanged. Else the facts are read from the file, in a
    process of its own, and LiteRT is asked what its delegate takes of it. What can't be known stays None: the package
    that reads the format is not installed, or LiteRT does not load the file as it stands.

    Raises:
        FileFault: when the file is missing, damaged, or not what its suffix says.
        UsageError: when the suffix is no model's.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise FileFault(f"{path} is no file", "expected a model file")
    artifact = read_artifact(path)
    if artifact.graph_facts is not None or importlib.util.find_spec(PACKAGES[artifact.format]) is None:
        return artifact
    facts = read_facts(path, artifact.format, artifact.size_bytes)
    with contextlib.suppress(EnvironmentFault):  # a runtime's opinion: the duel says why it refuses a file
        facts = add_partitions(path, facts)
    return replace(artifact, graph_facts=facts)


def read_facts(path: Path, model_format: str, size_bytes: int) -> GraphFacts:
    """The facts of a file, read by a process whose memory and time are limited (facts_worker.py).

    Raises: FileFault when the file can't be read so.
    """
    place = path.absolute()
    memory_bytes = MEMORY_BYTES + MEMORY_PER_BYTE * size_bytes
    command = [sys.executable, "-m", "pocketbench.workflow.gate.facts_worker", model_format, str(place)]
    # one thread: each would reserve memory of its own
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [*command, str(memory_bytes)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env=os.environ | threads,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileFault(f"{path} takes more than {TIMEOUT_S:g} s to read", DISTRUST_CURE) from error
    if done.returncode != 0 or not done.stdout:
        raise _explain_end(path, done.returncode, done.stderr.decode("utf-8", "replace"))
    reply = json.loads(done.stdout)
    if "fault" in reply:
        what, cure = reply["fault"]
        raise FileFault(what.replace(str(place), str(path)), cure)
    found: GraphFacts = from_plain(reply["facts"], GraphFacts, str(path), "facts")
    return found


def _explain_end(path: Path, code: int, log: str) -> FileFault:
    if "MemoryError" in log or "bad_alloc" in log:
        return FileFault(f"{path} takes more memory to read than a file of its size should", DISTRUST_CURE)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return FileFault(f"reading {path} ended its process by {how}: ...{log[-200:]}", DAMAGED_CURE)
