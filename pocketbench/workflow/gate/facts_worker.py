"""One process that reads what stands in a model file of anybody: `python -m ...facts_worker FORMAT PATH MEMORY_BYTES`.

It says one line of JSON: {"facts": GraphFacts} or {"fault": [what, cure]}. A file can be made so that parsing it takes
all memory (a table of a flatbuffer may be referred to a million times) or crashes a library: here that costs a process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.jsonio import to_plain

READERS = {
    "onnx": "pocketbench.export.onnx_graph",
    "tflite": "pocketbench.export.tflite_graph",
    "coreml": "pocketbench.export.coreml_graph",
}
"""Format -> the module whose read_graph_facts reads it."""

DAMAGED_CURE = "the file is damaged, or too new"


def main() -> None:
    model_format, path, memory_bytes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print
    limit_memory(memory_bytes)
    replies.write(json.dumps(read_reply(model_format, path)) + "\n")
    replies.close()


def read_reply(model_format: str, path: Path) -> dict[str, Any]:
    """Raises: MemoryError; there is no memory left for a reply then, and the end of the process is one."""
    try:
        reader = importlib.import_module(READERS[model_format])
        # ONNX's checker looks for the weights of other files here, when it is given no path
        os.chdir(path.parent)
        return {"facts": to_plain(reader.read_graph_facts(path))}
    except PocketbenchError as error:
        return {"fault": [error.what, error.cure]}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (a damaged file fails anywhere in a parser)
        return {"fault": [f"{path} can't be read ({type(error).__name__}: {error})", DAMAGED_CURE]}


def limit_memory(size_bytes: int) -> None:
    """Of this process, where the system can: memory it writes to, not the libraries that it maps."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such module, macOS no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size_bytes, size_bytes))


if __name__ == "__main__":
    main()
