"""`pocketbench list`: every name that the other verbs take, from the registries: nothing is imported to list it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any

import click

from pocketbench.cli import options
from pocketbench.core.errors import MissingPackageError
from pocketbench.core.registry import Registry

Row = dict[str, Any]
"""What is known of a name: name, summary, why it can't be used here (else None), and what its section adds."""


def list_blocks() -> list[Row]:
    from pocketbench.blocks.catalog import BLOCKS
    from pocketbench.blocks.entries.entry import BlockEntry
    from pocketbench.core.records import FORMATS

    entries = BLOCKS.entries()
    rows = describe_entries(BLOCKS)
    for row in rows:
        entry = entries[row["name"]]
        if isinstance(entry, BlockEntry):
            row |= {
                "paper": entry.paper,
                "parameters": entry.parameters,
                "default_reduction": entry.default_reduction,
                "formats": [name for name in FORMATS if name not in entry.refused],
                "refused": dict(entry.refused),
                "mobile_friendly": entry.is_mobile_friendly,
                "warning": entry.warning,
            }
    return rows


def list_backbones() -> list[Row]:
    from pocketbench.blocks.catalog import BACKBONES

    no_timm = None if importlib.util.find_spec("timm") else "needs timm: pip install 'pocketbench[timm]'"
    return [
        *describe_entries(BACKBONES),
        make_row("timm:NAME", "a model of timm, such as timm:mobilenetv3_small_100", no_timm),
        make_row("MODULE:FUNCTION", "a function of yours that returns a torch module"),
    ]


def list_formats() -> list[Row]:
    from pocketbench.core.targets import PRECISIONS
    from pocketbench.export.catalog import FORMATS

    rows = describe_entries(FORMATS)
    for row in rows:
        known = PRECISIONS.get(str(row["name"]), ())
        row["summary"] = f"{row['summary']}; {' or '.join(known)}" if known else row["summary"]
    return rows


def list_engines() -> list[Row]:
    from pocketbench.profile.catalog import ENGINES
    from pocketbench.profile.runtimes import engine_python

    rows = describe_entries(ENGINES)
    for row in rows:
        try:
            engine_python(str(row["name"]))
        except MissingPackageError as error:
            row["problem"] = row["problem"] or f"{error.what}: {error.cure}"
    return rows


def list_devices() -> list[Row]:
    """The devices that can be named; none is asked (`pocketbench devices` asks them)."""
    from pocketbench.profile.device import read_host_device
    from pocketbench.workflow.devices_file import read_devices

    host = read_host_device()
    parts = [host.soc, f"{host.core_count} cores" if host.core_count else None, host.os_version]
    summaries = {"host": f"this machine: {', '.join(filter(None, parts))}; in results {host.device_id}"}
    return [
        make_row(name, summaries.get(name) or " ".join(filter(None, [entry.transport, entry.address])))
        for name, entry in read_devices().items()
    ]


def list_suites() -> list[Row]:
    from pocketbench.workflow import suites

    return [make_row(suite.name, f"{suite.title} ({suite.path})", suite.problem) for suite in suites.list_suites()]


SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "blocks": list_blocks,
    "backbones": list_backbones,
    "formats": list_formats,
    "engines": list_engines,
    "devices": list_devices,
    "suites": list_suites,
}


@click.command(
    epilog="""\b
examples:
  pocketbench list
  pocketbench list blocks
  pocketbench list suites --json"""
)
@click.argument("section", type=click.Choice(list(SECTIONS)), required=False)
@options.as_json
def command(section: str | None, as_json: bool) -> None:
    """List what can be named: blocks, backbones, formats, engines, devices, suites."""
    found = {name: SECTIONS[name]() for name in ([section] if section else SECTIONS)}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, rows in found.items():
        if section is None:
            click.echo(f"{name}:")
        width = max((len(str(row["name"])) for row in rows), default=0)
        for row in rows:
            click.echo(f"  {row['name']:<{width}}  {row['summary']}")
            if row["problem"] is not None:
                click.echo(f"  {'':<{width}}  not usable here: {row['problem']}")
            if section is not None:
                for line in describe_details(row):
                    click.echo(f"  {'':<{width}}    {line}")


def describe_entries(registry: Registry) -> list[Row]:
    """A row for each entry; what it needs is looked for, not imported."""
    rows = []
    for name, entry in registry.entries().items():
        missing = entry.missing()
        rows.append(make_row(name, entry.summary, f"needs {', '.join(missing)}: {entry.install}" if missing else None))
    return rows


def describe_details(row: Row) -> list[str]:
    """What `pocketbench list blocks` says of a block beside its name."""
    if "paper" not in row:
        return []
    ratio = f", r = {row['default_reduction']}" if row["default_reduction"] else ""
    lines = [
        row["paper"],
        f"{row['parameters']} parameters{ratio}",
        f"{', '.join(row['formats']) or 'no format'}; " + ("mobile-friendly" if row["mobile_friendly"] else "heavy"),
    ]
    lines += [row["warning"]] if row["warning"] else []
    return lines + [f"not in {name}: {reason}" for name, reason in row["refused"].items()]


def make_row(name: str, summary: str, problem: str | None = None) -> Row:
    return {"name": name, "summary": summary, "problem": problem}
