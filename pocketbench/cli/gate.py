"""`pocketbench gate`: did a model get slower, or worse in anything that can be counted?"""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError

GATE_FOLDER = Path("out/gate")


@click.command(
    epilog="""\b
examples:
  pocketbench gate --base-ref origin/main
  pocketbench gate --base release/1.4 --head out/export --suite paper
  pocketbench gate --base-python ../old/.venv/bin/python --suite paper

Exit codes: 0 pass, 4 regressed (or failed, or missing), 5 inconclusive. The reports are in out/gate/report; a suite's
[gate] table sets the limits (docs/gate.md)."""
)
@click.option(
    "--suite", metavar="NAME|FILE", help="Models, engines and limits.  [default: paper, without folders none]"
)
@click.option("--base", type=click.Path(path_type=Path), help="Folder of base's model files.")
@click.option("--head", type=click.Path(path_type=Path), help="Folder of head's model files.")
@click.option("--base-ref", metavar="REF", help="Commit whose models are base: exported from a git worktree.")
@click.option("--base-python", type=click.Path(path_type=Path), help="Interpreter of the environment that runs base.")
@click.option("--engine", metavar="LIST", help="onnxruntime, litert.  [default: the suite's, or by format]")
@click.option("--threads", metavar="LIST", help="Thread counts: 1 or 1,4.  [default: the suite's, or 1]")
@click.option(
    "--inconclusive", type=click.Choice(["pass", "fail"]), default="fail", help="What a doubt does to the exit code."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of all that it writes.  [default: out/gate]")
@options.as_json
def command(
    suite: str | None,
    base: Path | None,
    head: Path | None,
    base_ref: str | None,
    base_python: Path | None,
    engine: str | None,
    threads: str | None,
    inconclusive: str,
    out: Path | None,
    as_json: bool,
) -> int:
    """Compare head's models with base's, timed against each other on this machine; red when one got slower."""
    from pocketbench.cli.export_view import watch_exports
    from pocketbench.cli.gate_view import show_report, watch_gate
    from pocketbench.core.model_files import open_folder
    from pocketbench.workflow.gate.run import run_gate
    from pocketbench.workflow.gate.sources import compare_environments, compare_folders, compare_with_commit

    check_sides(base, head, base_ref, base_python)
    place = out or GATE_FOLDER
    folder = place / "report"
    open_folder(folder)
    chosen = {"engines": engine, "threads": threads}
    if head is not None:
        request = compare_folders(base or head, head, suite=suite, base_python=base_python, **chosen)
    elif base_ref is not None:
        request = compare_with_commit(
            base_ref,
            suite=suite or "paper",
            folder=options.EXPORT_FOLDER,
            cache=place / "base",
            watch=watch_exports,
            on_step=lambda text: click.echo(text, err=True),
            on_note=lambda note: click.echo(f"note: {note}", err=True),
            **chosen,
        )
    else:
        assert base_python is not None
        request = compare_environments(
            base_python, suite=suite or "paper", folder=options.EXPORT_FOLDER, watch=watch_exports, **chosen
        )
    with watch_gate() as on_progress:
        report = run_gate(request, inconclusive=inconclusive, on_progress=on_progress)
    show_report(report, as_json=as_json, folder=folder)
    return report.exit_code


def check_sides(base: Path | None, head: Path | None, base_ref: str | None, base_python: Path | None) -> None:
    """Raises: UsageError when it is not said, or said twice, what base is."""
    others = {"--base": base, "--head": head, "--base-python": base_python}
    given = next((name for name, value in others.items() if value is not None), None)
    if base_ref is not None and given is not None:
        raise UsageError(
            f"--base-ref does not go with {given}", "the commit's models are base, the working tree's head"
        )
    if base is not None and head is None:
        raise UsageError("--base is given and --head is not", "name both folders")
    if head is not None and base is None and base_python is None:
        raise UsageError("--head is given and no base is", "add --base DIR, or --base-python PATH")
    if head is None and base_ref is None and base_python is None:
        raise UsageError("gate needs a base", "pocketbench gate --base-ref origin/main, or --base DIR --head DIR")
