"""Which file of base is compared with which of head: that of the same name: model, lowering and precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pocketbench.core.errors import UsageError
from pocketbench.core.records import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A file name, and what stands under it on either side.

    `state` is "both", "same" (equal content), "new" (base has none), "missing" (head has none), "failed" (head could
    not export it) or "base_failed" (base could not, head could). `reason` says more for the last four, a sentence
    without a full stop. `renamed_to` is the file of head that a missing one probably became.
    """

    file_name: str
    state: str
    base: Artifact | None = None
    head: Artifact | None = None
    reason: str | None = None
    renamed_to: str | None = None


def pair_files(
    base: Sequence[Artifact],
    head: Sequence[Artifact],
    *,
    base_failures: Mapping[str, str] | None = None,
    head_failures: Mapping[str, str] | None = None,
    failed: str = "does not export it",
) -> list[Pair]:
    """Every file name of either side once: head's in head's order, then what only base has.

    Args:
        base_failures: files that base could not export, each with the reason.
        head_failures: the same of head: no missing files, they are told apart.
        failed: what a side that has no good file did.

    Raises:
        UsageError: when a side has a file name twice.
    """
    bases, heads = _index(base, "base"), _index(head, "head")
    base_broken, head_broken = dict(base_failures or {}), dict(head_failures or {})
    pairs = [_pair_present(name, bases.get(name), found, base_broken.get(name)) for name, found in heads.items()]
    for name, cause in head_broken.items():
        if name not in heads:
            also = f"; base {failed} either" if name in base_broken else ""
            reason = f"head {failed}: {cause}{also}"
            pairs.append(Pair(file_name=name, state="failed", base=bases.get(name), reason=reason))
    unmatched = [found for name, found in heads.items() if name not in bases]
    for name, found in bases.items():
        if name not in heads and name not in head_broken:
            renamed = find_renamed(found, unmatched)
            reason = f"head has no such file; renamed to {renamed}?" if renamed else "head has no such file"
            pairs.append(Pair(file_name=name, state="missing", base=found, reason=reason, renamed_to=renamed))
    return pairs


def find_renamed(base: Artifact, candidates: Sequence[Artifact]) -> str | None:
    """The file that has the content of `base`, else its spec in the same format, lowering and precision."""
    for found in candidates:
        if found.sha256 == base.sha256:
            return found.file_name
    for found in candidates:
        if base.spec is not None and _describe(found) == _describe(base):
            return found.file_name
    return None


def _describe(artifact: Artifact) -> tuple[object, ...]:
    return artifact.spec, artifact.format, artifact.lowering, artifact.precision


def _pair_present(name: str, base: Artifact | None, head: Artifact, broken: str | None) -> Pair:
    if base is not None:
        state = "same" if base.sha256 == head.sha256 else "both"
        return Pair(file_name=name, state=state, base=base, head=head)
    if broken is not None:
        return Pair(file_name=name, state="base_failed", head=head, reason=f"base does not export it: {broken}")
    return Pair(file_name=name, state="new", head=head, reason="new: there is no base")


def _index(artifacts: Sequence[Artifact], side: str) -> dict[str, Artifact]:
    found: dict[str, Artifact] = {}
    for artifact in artifacts:
        if artifact.file_name in found:
            raise UsageError(f"{side} has two files that are called {artifact.file_name}", "give one folder a side")
        found[artifact.file_name] = artifact
    return found
