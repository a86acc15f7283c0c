"""`pocketbench pick`: the most accurate model within a latency budget."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError

if TYPE_CHECKING:
    from pocketbench.reports.pick_records import Pick


@click.command(
    epilog="""\b
examples:
  pocketbench pick --device host --max-ms 6
  pocketbench pick --suite fashion --device pixel4 --max-ms 2.5 --engine litert --threads 1
The answer is on the first line. A file is within the budget when the 95 % interval of its median latency ends within
it. Exit codes: 0 picked, 2 wrong usage, 3 no file is current or nothing was measured there, 4 nothing is within the
budget, 5 cannot say."""
)
@click.option("--suite", metavar="NAME|FILE", default="paper", show_default=True, help="The suite to choose from.")
@click.option(
    "--device", metavar="NAME", default="host", show_default=True, help="Where it will run: a measured device."
)
@click.option("--max-ms", type=float, required=True, help="The budget: median latency in milliseconds.")
@click.option("--engine", metavar="NAME", help="Only this engine.")
@click.option("--threads", type=click.IntRange(min=1), help="Only this number of threads.")
@click.option("--data", "dataset", metavar="NAME", help="The data set whose top-1 counts, where there are several.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path), help="Folder of the suite's files.  [default: out/export]"
)
@options.as_json
def command(
    suite: str,
    device: str,
    max_ms: float,
    engine: str | None,
    threads: int | None,
    dataset: str | None,
    artifacts: Path | None,
    as_json: bool,
) -> int:
    """Say which model is the most accurate within a latency budget, and why the others are not."""
    if not 0 < max_ms < math.inf:
        raise UsageError(f"--max-ms {max_ms:g} is no budget", "a number of milliseconds above 0: --max-ms 6")
    from pocketbench.core.jsonio import to_plain
    from pocketbench.core.store import Store
    from pocketbench.reports.pick_text import format_pick
    from pocketbench.workflow.pick import pick_from_suite

    found = pick_from_suite(
        suite,
        artifacts or options.EXPORT_FOLDER,
        Store(),
        device=device,
        budget_ms=max_ms,
        engine=engine,
        thread_count=threads,
        dataset=dataset,
    )
    if as_json:
        click.echo(json.dumps(to_plain(found.pick), indent=2))
    else:
        click.echo(format_pick(found.pick), nl=False)
    for cure in list_cures(found.pick, suite, device):
        click.echo(f"  try: {cure}", err=True)
    if found.missing:
        names = ", ".join(f"{spec.name} {target}" for spec, target in found.missing)
        click.echo(f"left out, no current file: {names}\n  try: pocketbench export --suite {suite}", err=True)
    return found.pick.exit_code


def list_cures(pick: Pick, suite: str, device: str) -> list[str]:
    """What may bring an answer where there is none."""
    from pocketbench.reports.pick_text import suggest_budget_ms

    if pick.verdict == "picked":
        return []
    if pick.verdict == "none":
        budget = suggest_budget_ms(pick)
        return [] if budget is None else [f"--max-ms {budget:g}, the least that any file is within"]
    if any(item.fate == "no_accuracy" for item in pick.others):
        return ["pocketbench accuracy FILE... --data DATASET"]
    on = "" if device == "host" else f" --on {device}"
    return [f"pocketbench profile --suite {suite} --sessions 6{on}: more sessions, narrower intervals"]
