"""The command `pocketbench`: a verb is a module of this package, imported when it is used."""

from __future__ import annotations

import importlib
import os
import sys

import click

from pocketbench import __version__
from pocketbench.core.errors import EnvironmentFault, PocketbenchError, UnknownNameError

VERBS = {
    "export": ("export", "Convert models to ONNX, TFLite and Core ML, and verify each file."),
    "train": ("train", "Train the models of a suite, all from one recipe."),
    "explain": ("explain", "Say which graph form each attention block gets, and why."),
    "profile": ("profile", "Measure the latency of model files or of a suite."),
    "accuracy": ("accuracy", "Judge model files by labelled pictures: top-1 and top-5."),
    "devices": ("devices", "List devices to measure on, and say what one lacks."),
    "import": ("import_", "Take over what another tool measured."),
    "report": ("report", "Write the latency-vs-accuracy table of a suite."),
    "pick": ("pick", "Say which model is the most accurate within a latency budget."),
    "history": ("history", "Show how a latency went over commits, and where its level changes."),
    "gate": ("gate", "Turn red when a model got slower than at a base commit."),
    "compare": ("compare", "Say which of two model files is faster."),
    "results": ("results", "List and filter what was measured."),
    "list": ("list_", "List blocks, backbones, formats, engines, devices, suites."),
    "doctor": ("doctor", "Say what is installed, what is not, and what installs it."),
    "completion": ("completion", "Print the shell completion script."),
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose verbs are imported when they run: help and completion of names read the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            if ctx.resilient_parsing:  # completion asks about half-typed words
                return None
            raise UnknownNameError("command", cmd_name, VERBS)
        module = importlib.import_module(f"pocketbench.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pocketbench")
def group() -> None:
    """What an attention block costs on a phone, and what it buys.

    \b
    pocketbench export  --model mobilenet_v2 --attention ca --format onnx,tflite,coreml --out out/ca
    pocketbench profile out/ca/*.tflite --engine litert --threads 1
    pocketbench report  --suite paper --out out/report
    """


def main() -> None:
    """Run a verb; errors that a user can meet become two lines on stderr and an exit code, never a traceback."""
    try:
        code = group.main(standalone_mode=False, prog_name="pocketbench")
    except PocketbenchError as error:
        code = report_error(error)
    except click.exceptions.Abort:
        code = report_interrupt()
    except click.ClickException as error:
        code = report_usage(error)
    except KeyboardInterrupt:
        code = report_interrupt()
    except BrokenPipeError:
        # the reader of our output (head, less) went away; Python would complain once more while it shuts down
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except MemoryError:
        code = report_error(EnvironmentFault("out of memory", "close other programs, or use a smaller model or batch"))
    sys.exit(code if isinstance(code, int) else 0)


def report_error(error: PocketbenchError) -> int:
    click.echo(f"pocketbench: {error.what}\n  try: {error.cure}", err=True)
    return error.exit_code


def report_usage(error: click.ClickException) -> int:
    """An error of the command line's own grammar: click's message, and the help to read."""
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "pocketbench"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    message = " ".join(error.format_message().split())
    click.echo(f"pocketbench: {message}\n  try: {where} --help", err=True)
    return 2


def report_interrupt() -> int:
    click.echo("pocketbench: interrupted; what was finished is kept\n  try: the same command again continues", err=True)
    return INTERRUPTED
