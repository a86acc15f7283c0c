"""`pocketbench doctor`: what is installed, what is not, and the line that installs it."""

from __future__ import annotations

import json

import click

from pocketbench.cli import options
from pocketbench.core.errors import EnvironmentFault


@click.command(
    epilog="""\b
examples:
  pocketbench doctor
  pocketbench doctor --json
Exit code 3 when something required is missing."""
)
@options.as_json
def command(as_json: bool) -> None:
    """Say what is installed, what is not, and what installs it."""
    from pocketbench.core.jsonio import to_plain
    from pocketbench.workflow.doctor import examine

    findings = examine()
    missing = [finding for finding in findings if finding.state == "missing"]
    if as_json:
        click.echo(json.dumps({"ok": not missing, "findings": to_plain(findings)}, indent=2))
    else:
        width = max(len(finding.name) for finding in findings)
        section = None
        for finding in findings:
            if finding.section != section:
                section = finding.section
                click.echo(f"{section}:")
            state = finding.state.upper() if finding.state == "missing" else finding.state
            click.echo(f"  {state:<7}  {finding.name:<{width}}  {finding.detail}")
            if finding.cure is not None:
                click.echo(f"  {'':<7}  {'':<{width}}  try: {finding.cure}")
    if missing:
        raise EnvironmentFault(
            f"what pocketbench needs is missing or broken: {', '.join(finding.name for finding in missing)}",
            missing[0].cure or "see the list above",
        )
