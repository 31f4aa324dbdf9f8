"""`fargate-job completion`, and the names that a shell completes: of jobs, and of what a job has."""

from __future__ import annotations

import functools
import os
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from .. import runs
from ..account import Account
from ..catalogue import Job, find, jobs
from ..errors import JobError
from ..scheduling import scheduled
from ..show import clock, stamp
from ..task import SHORT, tasks

PROGRAM: Final = "fargate-job"
VARIABLE: Final = "_FARGATE_JOB_COMPLETE"
"""With this environment variable a shell asks the command what fits."""
STARTUP: Final = {"bash": ".bashrc", "zsh": ".zshrc"}
"""Shell → the file in the home folder that it reads when it starts. fish reads its completions by itself."""
SHELLS: Final = (*STARTUP, "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--print", "shown", is_flag=True, help="Print the script, and install nothing.")
def completion(shell: str | None, shown: bool) -> None:
    """Have SHELL (that of $SHELL) complete commands, options, and names of jobs, runs, tasks and schedules.

    It writes a script below ~/.local/share, and a line into ~/.bashrc or ~/.zshrc that loads it; for fish a file in
    ~/.config/fish/completions.
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(name) if name in SHELLS else None
    if kind is None:
        raise click.UsageError(f"{name or 'no $SHELL'}: completion is for {', '.join(SHELLS)}; name one of them")
    source = kind(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE).source()
    if shown:
        click.echo(source)
        return
    script = _script(name)
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(source)
        click.echo(f"Wrote {script}")
        if name in STARTUP:
            _load(Path.home() / STARTUP[name], script)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; --print shows the script") from None
    click.echo(f"Open a new {name}, type {PROGRAM} status and a space, and press Tab.")


def _script(shell: str) -> Path:
    if shell == "fish":
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "fish/completions", f"{PROGRAM}.fish")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", PROGRAM, f"completion.{shell}")


def _load(startup: Path, script: Path) -> None:
    """Have a shell load the script when it starts: one line, once."""
    line = f'[ -f "{script}" ] && . "{script}"'
    before = startup.read_text() if startup.exists() else ""
    if line in before.splitlines():
        return
    startup.write_text(f"{before}{'' if not before or before.endswith(chr(10)) else chr(10)}{line}\n")
    click.echo(f"Added to {startup}: {line}")


Completer = Callable[[click.Context, str], list[CompletionItem]]


def complete_names(command: click.Command) -> None:
    """Have the arguments and options of a command, and of those below it, complete names of what is deployed."""
    for it in command.commands.values() if isinstance(command, click.Group) else ():
        complete_names(it)
    for parameter in command.params:
        named = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.name
        if named in _NAMES:
            parameter.shell_complete = functools.partial(_quietly, _NAMES[named])


def _quietly(completer: Completer, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """A shell shows no errors: where nothing can be read, nothing is completed."""
    try:
        return [it for it in completer(ctx, incomplete) if str(it.value).startswith(incomplete)]
    except (JobError, IndexError, KeyError, TypeError):
        return []


def _account(ctx: click.Context) -> Account:
    return Account(profile=ctx.params.get("profile") or "", region=ctx.params.get("region") or "")


def _where(ctx: click.Context) -> dict[str, Any]:
    return {"stack": ctx.params.get("stack") or "", "program": ctx.params.get("program")}


def _job(ctx: click.Context) -> Job:
    # Before an option that still lacks its value, click has not read the arguments.
    return find(_account(ctx), ctx.params.get("job") or ctx.args[0], **_where(ctx))


def _jobs(ctx: click.Context, _incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(it.name, help=it.stack or None) for it in jobs(_account(ctx), **_where(ctx))]


def _runs(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    job = _job(ctx)
    some = runs.each_of(job, runs.SHOWN, facts=("run", "state", "launchedAt"))
    long = max(SHORT, len(incomplete))
    return [CompletionItem(it["run"][:long], help=f"{it['state']} {it['launchedAt'][:16]}") for it in some]


def _tasks(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    long = max(SHORT, len(incomplete))
    some = tasks(_job(ctx))
    return [CompletionItem(it.id[:long], help=f"{it.outcome or it.status} {stamp(it.created)}") for it in some]


def _schedules(ctx: click.Context, _incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(it) for it in sorted(_job(ctx).settings.schedules)]


def _waiting(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    long = max(SHORT, len(incomplete))
    some = scheduled(_job(ctx), last_runs=False).waiting
    return [CompletionItem(it.run[:long], help=clock(it.at)) for it in some]


def _zones(_ctx: click.Context, _incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(it) for it in sorted(zoneinfo.available_timezones())]


_NAMES: Final[dict[str, Completer]] = {
    **{"job": _jobs, "run": _runs, "schedule": _schedules, "waiting": _waiting},
    **{"--task": _tasks, "--run": _runs, "--zone": _zones},
}
"""The name of an argument, or an option → what completes it."""
