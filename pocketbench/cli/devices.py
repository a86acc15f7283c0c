"""`pocketbench devices`: what models can be measured on, and what a device lacks."""

from __future__ import annotations

import json

import click

from pocketbench.cli import options
from pocketbench.core.errors import DeviceFault


@click.group(
    invoke_without_command=True,
    epilog="""\b
examples:
  pocketbench devices
  pocketbench devices check pixel4
Devices are described in devices.toml: docs/devices.md shows one of each kind.""",
)
@options.as_json
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the devices that are attached or described in devices.toml, and their facts."""
    if context.invoked_subcommand is not None:
        return
    from pocketbench.cli.devices_view import describe_survey
    from pocketbench.core.jsonio import to_plain
    from pocketbench.workflow.device_survey import survey_devices
    from pocketbench.workflow.devices_file import read_devices

    found = survey_devices(read_devices())
    if as_json:
        click.echo(json.dumps(to_plain(found), indent=2))
        return
    for line in describe_survey(found):
        click.echo(line)


@command.command(epilog="Exit code 3 when something is missing that a measurement needs.")
@click.argument("name")
@options.as_json
def check(name: str, as_json: bool) -> None:
    """Say what measuring on a device needs, what is missing, and how to get it."""
    from pocketbench.cli.devices_view import describe_checks
    from pocketbench.core.jsonio import to_plain
    from pocketbench.profile.runners import make_runner
    from pocketbench.workflow.devices_file import choose_devices

    (entry,) = choose_devices([name])
    checks = make_runner(entry).check()
    faults = [item for item in checks if item.is_fault]
    if as_json:
        click.echo(json.dumps({"ok": not faults, "checks": to_plain(checks)}, indent=2))
    else:
        for line in describe_checks(checks):
            click.echo(line)
    if faults:
        raise DeviceFault(f"{name} is not ready: {faults[0].subject}: {faults[0].found}", faults[0].cure or "")
