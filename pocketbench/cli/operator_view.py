"""What `pocketbench profile --operators` says on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pocketbench.core.errors import UnknownNameError
from pocketbench.core.records import RunResult


def show_operator_costs(results: Sequence[RunResult]) -> None:
    """Print a sentence for each model and runtime whose operator times are known."""
    if all(result.operator_times is None for result in results):
        return
    from pocketbench.reports.operator_text import format_costs
    from pocketbench.reports.table import make_table

    click.echo()
    click.echo(format_costs(make_table([], results, []), name_block), nl=False)


def name_block(block: str) -> str:
    """What a block is called in words: "coordinate attention" for "ca"."""
    from pocketbench.blocks.catalog import BLOCKS

    try:
        return BLOCKS.entry(block).summary.partition(",")[0]
    except UnknownNameError:
        return block
