"""The profiler of LiteRT's C library, by ctypes. Runs on Python 3.9; numpy arrays come from the caller.

The events' layout is that of ai-edge-litert 2.3.0 (`VERSION`): three figures of memory before and after, where the
public header has two. Another release may differ without notice, so it is refused, and `operator_litert.py` checks
what comes out.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, NamedTuple

VERSION = "2.3.0"
CPU = 1
READ, WRITE = 0, 1
Pointer = ctypes.c_void_p
Size = ctypes.c_size_t
TENSOR_TYPE_BYTES = 512  # more than LiteRtRankedTensorType has

Deleter = ctypes.CFUNCTYPE(None, Pointer)


class EventFields(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int32),
        ("start_us", ctypes.c_uint64),
        ("duration_us", ctypes.c_uint64),
        ("memory_before", ctypes.c_int64 * 3),
        ("memory_after", ctypes.c_int64 * 3),
        ("index", ctypes.c_int64),
        ("graph_index", ctypes.c_int64),
        ("source", ctypes.c_int32),
    )


class Event(NamedTuple):
    """One event of the profiler. `kind` is a bit of TFLite's Profiler::EventType.

    `number` is the operator's in its graph, or in XNNPACK's list of operators for its partition.
    """

    tag: str
    kind: int
    duration_us: int
    number: int
    graph_number: int


class LibraryError(Exception):
    """A call of the library that failed: its name and status."""


class ProfiledModel:
    """A model compiled for the processor with its profiler, which rests until it is started.

    Nothing is freed: the process ends with the profile.
    """

    def __init__(self, folder: str, path: str, thread_count: int) -> None:
        self._library = ctypes.CDLL(os.path.join(folder, "libLiteRt.so"))  # noqa: PTH118 (no pathlib for one join)
        self._texts: list[Any] = []
        self._no_deleter = Deleter(lambda _: None)
        self._environment = self._create("LiteRtCreateEnvironment", 0, None)
        options = self._create("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, CPU)
        self._add_options(options, b"runtime_options_string", b"enable_profiling = true\n")
        self._add_options(options, b"xnnpack", b"num_threads = %d\n" % thread_count)
        self._model = self._create("LiteRtCreateModelFromFile", self._environment, os.fsencode(path))
        self._compiled = self._create("LiteRtCreateCompiledModel", self._environment, self._model, options)
        self._profiler = self._create("LiteRtCompiledModelGetProfiler", self._compiled)
        self._graph = self._create("LiteRtGetModelSubgraph", self._model, Size(0))
        self._inputs = self._make_buffers("Input")
        self._outputs = self._make_buffers("Output")
        self._arguments = (
            self._compiled,
            Size(0),
            Size(len(self._inputs)),
            self._inputs,
            Size(len(self._outputs)),
            self._outputs,
        )

    def set_input(self, index: int, array: Any) -> None:
        """Copy a contiguous array into the buffer of an input."""
        self._copy(self._inputs[index], array, WRITE)

    def read_output(self, index: int, array: Any) -> None:
        """Copy the buffer of an output into a contiguous array of its size."""
        self._copy(self._outputs[index], array, READ)

    def input_count(self) -> int:
        return len(self._inputs)

    def output_count(self) -> int:
        return len(self._outputs)

    def run(self) -> None:
        if self._library.LiteRtRunCompiledModel(*self._arguments):
            raise LibraryError("LiteRtRunCompiledModel failed")

    def run_profiled(self) -> list[Event]:
        """One inference with the profiler, and its events in the order of execution."""
        events = self._read_events()
        self._call("LiteRtResetProfiler", self._profiler)
        return events

    def run_summarised(self) -> tuple[list[Event], str]:
        """As `run_profiled`, and the library's own summary of these events (later ones add all that were before)."""
        events = self._read_events()
        text = ctypes.c_char_p()
        self._call("LiteRtGetProfileSummary", self._profiler, self._compiled, ctypes.byref(text))
        summary = (text.value or b"").decode("utf-8", "replace")
        self._call("LiteRtResetProfiler", self._profiler)
        return events, summary

    def _read_events(self) -> list[Event]:
        self._call("LiteRtStartProfiler", self._profiler)
        self.run()
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int(0)
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        fields = (EventFields * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, fields)
        # the tags are the profiler's memory: they are read before it is reset
        return [
            Event(
                (item.tag or b"").decode("utf-8", "replace"), item.kind, item.duration_us, item.index, item.graph_index
            )
            for item in fields
        ]

    def _make_buffers(self, side: str) -> Any:
        count = Size(0)
        self._call(f"LiteRtGetNumSubgraph{side}s", self._graph, ctypes.byref(count))
        buffers = (Pointer * count.value)()
        for index in range(count.value):
            tensor = self._create(f"LiteRtGetSubgraph{side}", self._graph, Size(index))
            tensor_type = ctypes.create_string_buffer(TENSOR_TYPE_BYTES)
            self._call("LiteRtGetRankedTensorType", tensor, tensor_type)
            needs = self._create(
                f"LiteRtGetCompiledModel{side}BufferRequirements", self._compiled, Size(0), Size(index)
            )
            made = self._create(
                "LiteRtCreateManagedTensorBufferFromRequirements", self._environment, tensor_type, needs
            )
            buffers[index] = made.value
        return buffers

    def _copy(self, address: int, array: Any, mode: int) -> None:
        buffer = Pointer(address)
        size = Size(0)
        self._call("LiteRtGetTensorBufferSize", buffer, ctypes.byref(size))
        if size.value < array.nbytes:
            raise LibraryError(f"a buffer of {size.value} bytes for {array.nbytes}")
        memory = Pointer()
        self._call("LiteRtLockTensorBuffer", buffer, ctypes.byref(memory), mode)
        places = (memory, Pointer(array.ctypes.data))
        source, target = places if mode == READ else places[::-1]
        ctypes.memmove(target, source, array.nbytes)
        self._call("LiteRtUnlockTensorBuffer", buffer)

    def _add_options(self, options: Any, name: bytes, text: bytes) -> None:
        payload = ctypes.create_string_buffer(text)
        self._texts.append(payload)  # the library keeps the address
        made = self._create("LiteRtCreateOpaqueOptions", name, ctypes.cast(payload, Pointer), self._no_deleter)
        self._call("LiteRtAddOpaqueOptions", options, made)

    def _create(self, function: str, *arguments: Any) -> Any:
        """Call a function whose last argument is where it puts a pointer."""
        made = Pointer()
        self._call(function, *arguments, ctypes.byref(made))
        return made

    def _call(self, function: str, *arguments: Any) -> None:
        try:
            status = getattr(self._library, function)(*arguments)
        except AttributeError as error:
            raise LibraryError(f"there is no {function}") from error
        if status:
            raise LibraryError(f"{function} failed with status {status}")
