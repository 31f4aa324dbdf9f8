"""Launch, follow and explain jobs from Python. The command `fargate-job` is a thin layer over this package.

from fargate_job_launcher.operate import launch

launch("nightly-report", environment={"REPORT_DATE": "2026-01-31"}).wait()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .account import Account
    from .arrays import ArrayRun, IndexTask, Progress
    from .auditing import NotAuditable, audited
    from .catalogue import Found, Job, find, jobs
    from .errors import (
        AccessDenied,
        AmbiguousJob,
        ArrayFailed,
        Conflict,
        CredentialsExpired,
        JobError,
        JobFailed,
        LauncherFailed,
        NoCredentials,
        NoLog,
        NoSuchContainer,
        NoSuchDeadLetter,
        NoSuchJob,
        NoSuchRun,
        NoSuchSchedule,
        NoSuchStack,
        NoSuchTask,
        NotLaunched,
        Rejected,
        StillRunning,
        Unreachable,
        WrongRegion,
    )
    from .following import Change, End, Line, Reading, Retry, follow, follow_run
    from .importing import Imported, imported
    from .launching import Launch, launch, retry, stop, stop_run
    from .letters import DeadLetter
    from .logs import Log, LogLine, log_lines, logs_of, silence
    from .parked import Redriven, dead_letters, discard, edit, redrive
    from .past import PastRun, Sums, history
    from .plugin import NoSession
    from .rerunning import rerun
    from .roles import NoSuchRole, known_roles
    from .scheduling import (
        LastRun,
        Pause,
        Schedule,
        Scheduled,
        WaitingLaunch,
        cancel_launch,
        pause_schedule,
        resume_schedule,
        scheduled,
    )
    from .sessions import Session, open_port, open_shell
    from .task import Task, tasks

__all__ = [
    "AccessDenied",
    "Account",
    "AmbiguousJob",
    "ArrayFailed",
    "ArrayRun",
    "Change",
    "Conflict",
    "CredentialsExpired",
    "DeadLetter",
    "End",
    "Found",
    "Imported",
    "IndexTask",
    "Job",
    "JobError",
    "JobFailed",
    "LastRun",
    "Launch",
    "LauncherFailed",
    "Line",
    "Log",
    "LogLine",
    "NoCredentials",
    "NoLog",
    "NoSession",
    "NoSuchContainer",
    "NoSuchDeadLetter",
    "NoSuchJob",
    "NoSuchRole",
    "NoSuchRun",
    "NoSuchSchedule",
    "NoSuchStack",
    "NoSuchTask",
    "NotAuditable",
    "NotLaunched",
    "PastRun",
    "Pause",
    "Progress",
    "Reading",
    "Redriven",
    "Rejected",
    "Retry",
    "Schedule",
    "Scheduled",
    "Session",
    "StillRunning",
    "Sums",
    "Task",
    "Unreachable",
    "WaitingLaunch",
    "WrongRegion",
    "audited",
    "cancel_launch",
    "dead_letters",
    "discard",
    "edit",
    "find",
    "follow",
    "follow_run",
    "history",
    "imported",
    "jobs",
    "known_roles",
    "launch",
    "log_lines",
    "logs_of",
    "open_port",
    "open_shell",
    "pause_schedule",
    "redrive",
    "rerun",
    "resume_schedule",
    "retry",
    "scheduled",
    "silence",
    "stop",
    "stop_run",
    "tasks",
]

_MODULES: Final = (
    "account",
    "arrays",
    "auditing",
    "catalogue",
    "errors",
    "following",
    "importing",
    "launching",
    "letters",
    "logs",
    "parked",
    "past",
    "plugin",
    "rerunning",
    "roles",
    "scheduling",
    "sessions",
    "task",
)
"""The modules of the public names. They are loaded on first use, because terminal.py has to start without boto3."""


def __getattr__(name: str) -> Any:
    for module in _MODULES if name in __all__ else ():
        names = vars(import_module(f"{__name__}.{module}"))
        if name in names:
            return names[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
