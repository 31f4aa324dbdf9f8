"""What all verbs share: the common options, where to look for the job, and errors as one line and an exit code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from ..account import Account
from ..catalogue import Job, find, jobs
from ..errors import JobError
from ..pipes import INTERRUPTED, reader_gone
from ..show import Output

FAILED: Final = 125
"""As with `docker run`: the failure is not the container's."""


class JobFirstCommand(click.Command):
    """A command whose first argument is JOB: where one is missing, that may be it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            names = [it.make_metavar(ctx) for it in self.params if isinstance(it, click.Argument)]
            one = given[0] if given and not given[0].startswith("-") else ""
            if not one or error.param is None or error.param.name == "job":
                raise
            usage = f"{ctx.command_path} {' '.join(names)}"
            missing = error.param.make_metavar(ctx)
            said = f"{missing} is missing, or JOB is: {one!r} was taken for JOB, which comes first: {usage}"
            raise click.UsageError(said, ctx) from None


class JobFirst(click.Group):
    """A group of such commands."""

    command_class = JobFirstCommand


class Interrupted(JobError):
    """Ctrl-C; the message names what keeps running."""


Command = TypeVar("Command", bound=Callable[..., Any])


class Context:
    """The common options of a command: where to look for the job, and the form of the output."""

    def __init__(self, *, stack: str, program: Path | None, profile: str, region: str, output: str) -> None:
        self.output = Output(output)
        self.stack, self.program = stack, program
        self._profile, self._region = profile, region

    @functools.cached_property
    def account(self) -> Account:
        """The caller's account."""
        return Account(profile=self._profile, region=self._region)

    def job(self, name: str) -> Job:
        """The job of this name."""
        return find(self.account, name, stack=self.stack, program=self.program)

    def jobs(self) -> list[Any]:
        """All jobs."""
        return jobs(self.account, stack=self.stack, program=self.program)


def _ended(output: Output, run: Callable[[], int | None]) -> None:
    """Run a command; end with its exit code, or with one line for its error."""
    try:
        code = run()
    except (Interrupted, KeyboardInterrupt) as error:
        output.interrupted(error if isinstance(error, Interrupted) else Interrupted("interrupted"))
        code = INTERRUPTED
    except JobError as error:
        output.error(error)
        code = FAILED
    except BrokenPipeError:
        # click would exit with 1.
        code = reader_gone()
    click.get_current_context().exit(code or 0)


def offline(command: Command) -> Command:
    """The errors of a command that calls nothing, as those of every other; it takes no option of an account."""

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        output = Output("text")
        _ended(output, lambda: command(*args, output=output, **given))

    return cast("Command", run)


def common(command: Command) -> Command:
    """The options of every command, and its errors as one line and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        named = {key: given.pop(key) for key in ("stack", "program", "profile", "region", "output")}
        try:
            context = Context(**named)
        except JobError as error:
            raise click.UsageError(str(error)) from None
        _ended(context.output, lambda: command(*args, context=context, **given))

    options = (
        click.option("--stack", "-s", default="", envvar="FARGATE_JOB_STACK", help="The Pulumi stack of the job."),
        click.option(
            "--program",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            envvar="FARGATE_JOB_PROGRAM",
            help="The folder of the Pulumi program, to read the stack's exports with pulumi (this folder).",
        ),
        click.option("--profile", default="", help="The AWS profile (AWS_PROFILE)."),
        click.option("--region", default="", help="The AWS region (AWS_REGION)."),
        click.option(
            "--output", "-o", type=click.Choice(["text", "json"]), default="text", help="The form of the output (text)."
        ),
    )
    return cast("Command", functools.reduce(lambda it, option: option(it), reversed(options), run))


class Listing(JobFirst):
    """Lists where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["list", *args]
        return super().parse_args(ctx, args)
