"""The permissions of a deployed job, explained: read from AWS, and judged by the evaluator of the extra `sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalogue import Job
from .errors import JobError
from .extras import extra

if TYPE_CHECKING:
    from fargate_job_launcher.sandbox.proof.facts import Facts


def facts_of(job: Job) -> Facts:
    """What a job's roles may do, with the caller's own permissions (iam:GetRole, iam:ListRolePolicies, and so on).

    Raises JobError if the extra `sandbox` is not installed or the role is not a launcher's, and AWS's error as one.
    """
    # Only an explanation needs it.
    with extra("sandbox"):
        from fargate_job_launcher.sandbox.proof import facts
    with job.account.asking():
        try:
            return facts.read(job.account.client, job.role)
        except facts.NotALauncher as error:
            raise JobError(str(error)) from None
