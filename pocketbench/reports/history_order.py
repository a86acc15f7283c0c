"""In which order commits stand, and by which names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

LEAST_HASH = 7


def order_commits(first_measured: Mapping[str, str], known: Sequence[str]) -> list[str]:
    """The commits in the order of `known`; the others by time, each before the first known one measured after it.

    Args:
        first_measured: commit -> when it was first measured (ISO 8601, UTC).
        known: commits in the order of git; those that were never measured are left out.
    """
    ordered = [commit for commit in known if commit in first_measured]
    places: dict[int, list[str]] = {}
    for commit in sorted(set(first_measured) - set(ordered), key=lambda name: (first_measured[name], name)):
        later = (place for place, other in enumerate(ordered) if first_measured[other] > first_measured[commit])
        places.setdefault(next(later, len(ordered)), []).append(commit)
    merged = []
    for place in range(len(ordered) + 1):
        merged += places.get(place, []) + ordered[place : place + 1]
    return merged


def shorten_hashes(commits: Collection[str]) -> dict[str, str]:
    """Each commit's hash, cut to the fewest characters (7 at least) that tell all of them apart."""
    length = LEAST_HASH
    while len({commit[:length] for commit in commits}) < len(set(commits)):
        length += 1
    return {commit: commit[:length] for commit in commits}
