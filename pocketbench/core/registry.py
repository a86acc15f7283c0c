"""Names that stand for code: a name, where its code is, what it needs, how to install that. Listing imports nothing.

Third parties add theirs by an entry point in the group `pocketbench.<kind>` whose value is "module:attribute".
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocketbench.core.errors import EnvironmentFault, MissingPackageError, UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One registered name.

    `target` is "module:attribute", or "module" where the module itself is meant; `requires` are the modules that must
    be importable; `install` is the line that installs them; `summary` is what `pocketbench list` prints.
    """

    target: str
    summary: str
    requires: tuple[str, ...] = ()
    install: str = ""

    def missing(self) -> list[str]:
        """The required top-level modules that are not installed (found, not imported)."""
        return [name for name in self.requires if importlib.util.find_spec(name) is None]


class Registry:
    """A kind of thing ("engine") and the names that are known for it.

    Args:
        kind: the noun for messages.
        group: the entry-point group that third parties add to.
        own: the entries of this package.
    """

    def __init__(self, kind: str, group: str, own: Mapping[str, Entry]) -> None:
        self.kind = kind
        self.group = group
        self._own = dict(own)

    def entries(self) -> dict[str, Entry]:
        """Every entry by name, third parties' after our own; a name of ours can't be taken over."""
        found = dict(self._own)
        for point in importlib.metadata.entry_points(group=self.group):
            origin = f"plug-in of {point.dist.name}" if point.dist is not None else "plug-in"
            found.setdefault(point.name, Entry(target=point.value, summary=origin))
        return found

    def names(self) -> list[str]:
        return list(self.entries())

    def entry(self, name: str) -> Entry:
        """Raises: UnknownNameError, with the nearest valid name."""
        if name in self._own:
            return self._own[name]
        entries = self.entries()
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        return entries[name]

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for.

        Raises:
            UnknownNameError: when nothing is registered under the name.
            MissingPackageError: when a package it needs is not installed.
            EnvironmentFault: when a plug-in can't be loaded.
        """
        entry = self.entry(name)
        missing = entry.missing()
        if missing:
            raise MissingPackageError(f"{self.kind} {name!r} needs {', '.join(missing)}", entry.install)
        if name in self._own:
            return import_target(entry.target)
        try:
            return import_target(entry.target)
        except (Exception, SystemExit) as error:
            raise EnvironmentFault(
                f"{self.kind} {name!r} ({entry.summary}) can't be loaded: {type(error).__name__}: {error}",
                "update that plug-in, or uninstall it",
            ) from error


def import_target(target: str) -> Any:
    """What "module" or "module:attribute" names."""
    module, _, attribute = target.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if attribute else loaded
