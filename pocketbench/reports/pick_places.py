"""Which runtimes of a table a pick is made among: those of one device."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.errors import UnknownNameError, UsageError
from pocketbench.reports.labels import count_things, join_words, name_devices
from pocketbench.reports.records import Runtime


def list_device_names(runtimes: Sequence[Runtime]) -> list[str]:
    """What a reader sees of each device that anything ran on."""
    return list(dict.fromkeys(name_devices(_identify(runtime) for runtime in runtimes).values()))


def choose_places(
    runtimes: Sequence[Runtime],
    *,
    device: str,
    called: str | None = None,
    engine: str | None = None,
    thread_count: int | None = None,
) -> list[int]:
    """The places of the runtimes of a device, and of an engine and a number of threads where one is asked for.

    Args:
        device: its name or its id.
        called: what messages call it, where not the same.

    Raises:
        UnknownNameError: for a device or an engine that nothing was measured on; names those that there are.
        UsageError: when several devices bear the name, or nothing ran with so many threads.
    """
    called = called or device
    shown = name_devices(_identify(runtime) for runtime in runtimes)
    places = [
        place
        for place, runtime in enumerate(runtimes)
        if device in (runtime.device_id, runtime.device_name, shown[_identify(runtime)])
    ]
    if not places:
        raise UnknownNameError("device", called, set(shown.values()))
    ids = list(dict.fromkeys(runtimes[place].device_id for place in places))
    if len(ids) > 1:
        raise UsageError(f"{len(ids)} devices are called {called!r}", f"choose one of {', '.join(ids)}")
    if engine is not None:
        known = {runtimes[place].engine for place in places}
        places = [place for place in places if runtimes[place].engine == engine]
        if not places:
            raise UnknownNameError(f"result on {called} of the engine", engine, known)
    if thread_count is not None:
        counts = sorted({count for place in places if (count := runtimes[place].thread_count) is not None})
        places = [place for place in places if runtimes[place].thread_count == thread_count]
        if not places:
            there = f"measured: {join_words(map(str, counts))}" if counts else "leave --threads out"
            raise UsageError(f"nothing ran on {called} with {count_things(thread_count, 'thread')}", there)
    return places


def _identify(runtime: Runtime) -> tuple[str, str | None]:
    return (runtime.device_id, runtime.device_name)
