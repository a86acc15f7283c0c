"""What the git checkout in the current folder knows of commits."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable

from pocketbench.reports.history_records import GitCommit

_TIMEOUT_S = 30


def read_git_commits(names: Iterable[str]) -> list[GitCommit]:
    """Those of the commits that the checkout has, parents before children; none where there is no checkout or git.

    Nothing is fetched, and no branch is preferred: a commit of any branch that is here is known.
    """
    hashes = [name for name in names if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name)]
    if not hashes:
        return []
    kinds = _run_git("cat-file", "--batch-check=%(objectname) %(objecttype)", given=hashes)
    found = {line.split()[0] for line in kinds if line.endswith(" commit")}
    if not found:
        return []
    lines = _run_git("rev-list", "--topo-order", "--reverse", "--format=%H%x00%cI%x00%s", "--stdin", given=found)
    commits = []
    for line in lines:
        name, _, rest = line.partition("\0")
        if name in found and rest:  # rev-list itself adds the lines "commit HASH"
            committed_at, _, subject = rest.partition("\0")
            commits.append(GitCommit(commit=name, committed_at=committed_at, subject=subject))
    return commits


def _run_git(*arguments: str, given: Iterable[str]) -> list[str]:
    try:
        done = subprocess.run(
            ["git", *arguments],
            input="".join(f"{name}\n" for name in given),
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split("\n") if done.returncode == 0 else []
