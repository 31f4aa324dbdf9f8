"""What EventBridge Scheduler needs to launch a job: the role of its schedules, and the schedules of its arguments.

All of a launcher's schedules are in the schedule group of its JobRuns and have one role: those made here, and those
that the function makes for launches at a later time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.scheduled import AGE_SECONDS, RETRIES, SCHEDULED

from . import iam
from .arguments import Job, LaunchSchedule
from .checks.scheduled import resource_name
from .compact import compact
from .paused import warn_about_paused
from .resolving import resolved
from .roles import Runs, attach
from .triggers import Launchable

LONGEST_PREFIX_NAME: Final = 18
"""Characters of the job's name in the names of its one-off schedules: with a digest and a run's id (32 characters) they
are at most 64, as Scheduler requires."""


@dataclass(frozen=True)
class Scheduling:
    """How a launcher uses EventBridge Scheduler."""

    group_arn: pulumi.Output[str]
    """ARN of the schedule group of its schedules."""
    prefix: str
    """With which the names of its one-off schedules begin, and no other schedule's of the group."""
    role: aws.iam.Role
    """The role of its schedules. launch_schedules attaches its policy, once there is a function to invoke."""

    @property
    def group(self) -> pulumi.Output[str]:
        """Name of the schedule group."""
        return self.group_arn.apply(lambda it: it.rpartition("/")[2])

    @property
    def own_schedules_arn(self) -> pulumi.Output[str]:
        """ARN pattern of its one-off schedules."""
        return self.group_arn.apply(lambda it: iam.schedules_named(it, self.prefix))

    def settings(self, dead_letters: aws.sqs.Queue) -> dict[str, Any]:
        """What the function needs to make a one-off schedule. The function computes the ARN of its alias itself: the
        alias is made after it."""
        return {
            "group": self.group,
            "role": self.role.arn,
            "prefix": self.prefix,
            "deadLetters": dead_letters.arn,
        }


def own_prefix(name: str, family: str) -> str:
    """The prefix of a job's one-off schedules. No other schedule begins like this: the digest is of the family, which
    is unique in the account, and the name of a schedule of the arguments has at most one dot."""
    return f"{name[:LONGEST_PREFIX_NAME]}.{hashlib.sha256(family.encode()).hexdigest()[:10]}."


def scheduling(
    name: str, job: Job, runs: Runs, *, place: pulumi.Output[iam.Place], parent: pulumi.Resource
) -> Scheduling | None:
    """The role of the launcher's schedules, and where these are; None if Scheduler never launches the job.

    A role with another trust policy is a new role, which the schedules have before the old one is deleted: a schedule
    cannot change its group, so it is replaced too, and each of the two can be invoked as long as it exists.
    """
    if not job.uses_scheduler:
        return None
    group = runs.schedule_group_arn
    trust = pulumi.Output.all(place, group).apply(
        lambda it: iam.to_json(iam.schedule_trust(*cast("tuple[iam.Place, str]", tuple(it))))
    )
    role = aws.iam.Role(
        f"{name}-schedule",
        description=f"EventBridge Scheduler launches the job {name} with this role.",
        assume_role_policy=trust,
        path=job.role_path,
        permissions_boundary=job.permissions_boundary_arn,
        force_detach_policies=True,
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=["assumeRolePolicy"]),
    )
    return Scheduling(group, own_prefix(name, runs.family), role)


def launch_schedules(it: Launchable, of: Scheduling, runs: Runs) -> pulumi.Output[None]:
    """The policy of the role, and each schedule of the job's arguments. The output is known when it is said which of
    them are paused."""
    known = [it.place, it.alias.arn, it.dead_letters.arn, it.job.key_arns]
    computed = resolved(known).apply(lambda known: iam.to_json(iam.schedule_policy(*known)))
    policy = attach(f"{it.name}-schedule", of.role, computed, parent=it.parent)
    made = {
        name: _schedule(it, of, name, schedule, after=[policy, it.parked])
        for name, schedule in it.job.named_schedules.items()
    }
    return warn_about_paused(it.name, runs, made, parent=it.parent) if made else pulumi.Output.from_input(None)


def _schedule(
    it: Launchable, of: Scheduling, name: str, schedule: LaunchSchedule, *, after: Sequence[pulumi.Resource]
) -> aws.scheduler.Schedule:
    window = schedule.get("flexible_window_minutes")
    return aws.scheduler.Schedule(
        resource_name(it.name, name),
        description=f"Launches the job {it.name}.",
        group_name=of.group,
        schedule_expression=schedule["expression"],
        schedule_expression_timezone=schedule.get("time_zone", "UTC"),
        flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": window} if window else {"mode": "OFF"},
        state="ENABLED" if schedule.get("enabled", True) else "DISABLED",
        target={
            "arn": it.alias.arn,
            "role_arn": of.role.arn,
            "input": compact({**SCHEDULED, "schedule": name, "detail": json.loads(schedule.get("event", "{}"))}),
            "retry_policy": {
                "maximum_retry_attempts": schedule.get("retries", RETRIES),
                "maximum_event_age_in_seconds": schedule.get("max_age_seconds", AGE_SECONDS),
            },
            "dead_letter_config": {"arn": it.dead_letters.arn},
        },
        opts=pulumi.ResourceOptions(parent=it.parent, depends_on=after),
    )
