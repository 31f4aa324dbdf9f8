"""Jobs launched, followed and understood, from Python; the command `fargate-job` is a thin shell over it.

from fargate_job_launcher.operate import launch

launch("nightly-report", environment={"REPORT_DATE": "2026-01-31"}).wait()
"""

from .account import Account
from .catalogue import Found, Job, find, jobs
from .errors import (
    AccessDenied,
    AmbiguousJob,
    CredentialsExpired,
    JobError,
    JobFailed,
    LauncherFailed,
    NoCredentials,
    NoSuchJob,
    NoSuchStack,
    NoSuchTask,
    NotLaunched,
    Rejected,
    StillRunning,
    Unreachable,
    WrongRegion,
)
from .following import Change, End, Line, follow
from .launching import Launch, launch, retry, stop
from .tasks import Task, tasks

__all__ = [
    "AccessDenied",
    "Account",
    "AmbiguousJob",
    "Change",
    "CredentialsExpired",
    "End",
    "Found",
    "Job",
    "JobError",
    "JobFailed",
    "Launch",
    "LauncherFailed",
    "Line",
    "NoCredentials",
    "NoSuchJob",
    "NoSuchStack",
    "NoSuchTask",
    "NotLaunched",
    "Rejected",
    "StillRunning",
    "Task",
    "Unreachable",
    "WrongRegion",
    "find",
    "follow",
    "jobs",
    "launch",
    "retry",
    "stop",
    "tasks",
]
