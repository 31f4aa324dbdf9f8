"""The command `fargate-job`: a thin layer over this package's functions. Each verb is a file in commands/.

Exit codes: 0; the container's own where the command waited for it; 1 where `audit` found a mandatory rule broken; 2 for
a wrong option or argument; 130 after Ctrl-C; 141 after the reader of its output closed the pipe; 125 for every other
failure, which is not the container's.
"""

from __future__ import annotations

import click

from .commands import (
    audit,
    completing,
    dead_letters,
    executing,
    explain,
    history,
    importing,
    known_roles,
    launch,
    logs,
    ports,
    report,
    rerun,
    retry,
    runs,
    schedules,
    status,
    stop,
    ui,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fargate-job-launcher")
def main() -> None:
    """Launch, follow and understand container jobs on AWS Fargate.

    JOB is a job's name, its function's name, or its function's ARN.
    """


for verb in (
    launch.launch,
    status.listing,
    status.status,
    history.history,
    logs.logs,
    executing.executing,
    ports.ports,
    stop.stopping,
    retry.retrying,
    rerun.rerun,
    runs.runs,
    schedules.schedules,
    dead_letters.letters,
    explain.explain,
    audit.audit,
    known_roles.knowing,
    completing.completion,
    importing.importing,
    report.report,
    ui.ui,
):
    main.add_command(verb)
completing.complete_names(main)
