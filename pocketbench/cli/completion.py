"""`pocketbench completion`: the script that teaches a shell to complete our verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "pocketbench"
VARIABLE = "_POCKETBENCH_COMPLETE"


@click.command(
    epilog="""\b
examples:
  pocketbench completion bash >> ~/.bash_completion
  pocketbench completion zsh > ~/.zfunc/_pocketbench      (a folder in $fpath)
  pocketbench completion fish > ~/.config/fish/completions/pocketbench.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    kind = get_completion_class(shell)
    assert kind is not None  # the choices above are click's own
    click.echo(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
