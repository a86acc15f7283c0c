"""What failed of many things that a command did."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pocketbench.core.errors import EnvironmentFault, PocketbenchError


def refuse_failures(failures: Sequence[tuple[str, PocketbenchError]], summary: str, cure: str) -> None:
    """Name what failed; one cause is said once, however many things it costs.

    Args:
        failures: what it was, as "MODEL onnx:fp32", and why.
        summary: the last line where there are several causes.

    Raises: UsageError or EnvironmentFault, when there are any.
    """
    names: dict[tuple[type[PocketbenchError], str, str], list[str]] = {}
    for name, error in failures:
        names.setdefault((type(error), error.what, error.cure), []).append(name)
    causes = [
        kind(f"{found[0]}{f' and {len(found) - 1} more' if found[1:] else ''}: {what}", how)
        for (kind, what, how), found in names.items()
    ]
    if len(causes) == 1:
        raise causes[0]
    for cause in causes:
        click.echo(f"pocketbench: {cause.what}\n  try: {cause.cure}", err=True)
    if causes:
        raise EnvironmentFault(summary, cure)
