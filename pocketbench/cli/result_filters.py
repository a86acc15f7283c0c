"""What narrows a reading of the results, by the names of options; and what is there when nothing matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocketbench.core.errors import UsageError, nearest_name_hint

if TYPE_CHECKING:
    from pocketbench.core.store import Store

FILTERS = {
    "model": "model",
    "engine": "engine",
    "format": "format",
    "threads": "thread_count",
    "device": "device_id",
    "run": "run_id",
}
"""Option -> column of the store."""


def choose_filters(given: dict[str, Any], store: Store) -> Any:
    """The options that were given as filters of the store. A device may be given by its name, too.

    Raises: UsageError when several devices have that name.
    """
    filters = {FILTERS[name]: value for name, value in given.items() if value is not None}
    if "device_id" in filters:
        filters["device_id"] = _find_device(store, filters["device_id"])
    return filters


def _find_device(store: Store, name: str) -> str:
    known = store.read_values("device_id")
    if name in known:
        return name
    newest = [result.device for device_id in known for result in store.read_results(device_id=device_id, limit=1)]
    found = [device.device_id for device in newest if device.name == name]
    if len(found) > 1:
        raise UsageError(f"{len(found)} devices are called {name!r}", f"choose one of {', '.join(found)}")
    return found[0] if found else name


def describe_count(store: Store, count: int, filters: dict[str, Any]) -> str:
    """How many there are and where; for none, what would have matched."""
    if count:
        return f"{count} result{'s' if count > 1 else ''} in {store.place}"
    for option, column in FILTERS.items():
        known = store.read_values(column)
        if not known:
            return f"nothing was measured yet in {store.place}; pocketbench profile measures"
        if column in filters and str(filters[column]) not in known:
            hint = nearest_name_hint(str(filters[column]), known)
            return f"no {option} {filters[column]!r} in {store.place}; {hint}"
    return f"no result in {store.place} matches all of these filters"
