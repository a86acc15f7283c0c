"""What `pocketbench export` shows: progress on stderr while it works, then a line a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from pocketbench.cli.failures import refuse_failures
from pocketbench.cli.progress import watch
from pocketbench.core.jsonio import to_plain
from pocketbench.core.records import Artifact, Parity
from pocketbench.core.units import format_bytes, format_count
from pocketbench.workflow.export_models import ExportOutcome, Progress, Variant


@contextmanager
def watch_exports(variants: Sequence[Variant]) -> Iterator[Progress]:
    """A progress bar over the variants, with what is being converted now."""
    active: dict[Variant, str] = {}
    with watch("exporting", total=len(set(variants))) as bar:

        def on_progress(variant: Variant, state: str) -> None:
            spec, target = variant
            if state == "exporting":
                active[variant] = f"{spec.name} {target.format}"
            else:
                active.pop(variant, None)
                bar.advance()
            bar.describe(", ".join(active.values()))

        yield on_progress


def warn_of_costs(variants: Sequence[Variant]) -> None:
    """A line on stderr for each block that no phone should carry."""
    from pocketbench.blocks.catalog import BLOCKS
    from pocketbench.blocks.entries.entry import BlockEntry

    entries = BLOCKS.entries()
    for block in dict.fromkeys(spec.block for spec, _ in variants if spec.block is not None):
        entry = entries[block]
        if isinstance(entry, BlockEntry) and entry.warning is not None:
            click.echo(f"warning: {block} is not made for phones: {entry.warning}", err=True)


def show_outcome(outcome: ExportOutcome, folder: Path, *, as_json: bool) -> None:
    """Print what is there now. Raises: EnvironmentFault, as `refuse_failed_exports`."""
    if as_json:
        click.echo(json.dumps([to_plain(artifact) for artifact in outcome.artifacts]))
    else:
        show_rewriting(outcome.artifacts)
        for artifact in outcome.artifacts:
            click.echo(describe_artifact(artifact, folder))
        warn_of_random_calibration(outcome.artifacts)
        kept = len(outcome.artifacts) - outcome.exported_count
        if outcome.exported_count == 0 and not outcome.failures:
            click.echo(f"all {kept} files are up to date: nothing to do", err=True)
        elif outcome.artifacts:
            click.echo(f"{outcome.exported_count} exported, {kept} up to date", err=True)
    refuse_failed_exports(outcome)


def show_rewriting(artifacts: Sequence[Artifact]) -> None:
    """What was exchanged in each network, on stderr, once a network."""
    for name, lines in {
        artifact.model_name: artifact.rewriting for artifact in artifacts if artifact.rewriting
    }.items():
        click.echo(f"{name}:", err=True)
        for line in lines:
            click.echo(f"  {line}", err=True)


def refuse_failed_exports(outcome: ExportOutcome) -> None:
    """Raises: UsageError or EnvironmentFault, when something could not be exported."""
    refuse_failures(
        [(f"{spec.name} {target}", error) for (spec, target), error in outcome.failures],
        f"{len(outcome.failures)} of {len(outcome.failures) + len(outcome.artifacts)} files were not exported",
        "see the lines above; the files that were exported are kept",
    )


def describe_artifact(artifact: Artifact, folder: Path) -> str:
    """One line: where, how large, how good."""
    parity, model = artifact.parity, artifact.model_facts
    parts = [str(folder / artifact.file_name), format_bytes(artifact.size_bytes)]
    if model is not None:
        parts.append(f"{format_count(model.parameter_count)} parameters, {format_count(model.mac_count)} MACs")
    if parity is not None:
        parts.append(f"verified by {parity.runtime}: {describe_parity(parity)}")
    return "  ".join(parts)


def describe_parity(parity: Parity) -> str:
    """How far the outputs are from the network's."""
    if parity.error_measure != "rms":
        return f"relative error {parity.relative_error:.1e}"
    text = (
        f"{parity.weights_checked} weights are the float ones, rounded; noise {parity.relative_error:.1%} of the output"
    )
    if parity.agreement_fraction is not None:
        text += f", the same class for {parity.agreement_fraction:.0%} of {parity.input_count} inputs"
    return text


def warn_of_random_calibration(artifacts: Sequence[Artifact]) -> None:
    """A line on stderr when the ranges of files mean nothing but time."""
    named = [item.file_name for item in artifacts if item.calibration and item.calibration.source == "random inputs"]
    if named:
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        click.echo(
            f"note: {named[0]}{more}: random weights, calibrated on random inputs: only its latency means anything",
            err=True,
        )
