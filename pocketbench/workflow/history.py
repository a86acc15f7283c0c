"""The history of cells, from the results store and, where there is a checkout, from git."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pocketbench.core.store import ResultFilter, Store
from pocketbench.reports.history import make_history, reduce_session
from pocketbench.reports.history_records import History
from pocketbench.workflow.git_commits import read_git_commits

PROGRESS_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHistory:
    """The history, and how many results that match are not in it: they name no commit, or nothing was measured."""

    history: History
    without_commit_count: int
    failed_count: int


def read_history(
    store: Store, filters: ResultFilter, on_progress: Callable[[int, int], None] | None = None
) -> StoredHistory:
    """Every cell that matches, over all commits it was measured at.

    Args:
        on_progress: told now and then how many of how many results were read.

    Raises: FileFault, EnvironmentFault.
    """
    failed: ResultFilter = {**filters, "failed": True}
    measured: ResultFilter = {**filters, "failed": False}
    without_commit: ResultFilter = {**measured, "git_commit": None}
    without_commit_count = store.count_results(**without_commit)
    total = store.count_results(**measured) - without_commit_count
    values = []
    failed_count = store.count_results(**failed)
    for done, result in enumerate(store.stream_results(has_commit=True, **measured)):
        if on_progress is not None and done % PROGRESS_STEP == 0:
            on_progress(done, total)
        value = reduce_session(result)
        if value is None:
            failed_count += 1
        else:
            values.append(value)
    return StoredHistory(
        history=make_history(values, read_git_commits(sorted({value.commit for value in values}))),
        without_commit_count=without_commit_count,
        failed_count=failed_count,
    )
