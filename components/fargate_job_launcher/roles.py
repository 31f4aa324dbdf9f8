"""The three roles of a launcher, that of the supervisor, and the policies attached to each. iam/ has the documents.

- ECS itself assumes the execution role, before the container runs: to pull the image, read secrets and write logs.
- The job's own code has the task role.
- The function has the launcher role, which may pass the two other roles to ECS, and no third one.

No update has a moment without permission. A changed policy is replaced: the new one is created before the function
moves to the new revision, and the old one is deleted afterwards; in between, both revisions have their permissions. So
a role needs room for two of each policy. Denials add up in between: what the old or the new policy denies is denied to
both revisions. That is right for the job's own code (a running task keeps its role, with no more than both policies
allow) and wrong for the launcher, so its role is replaced together with its guard.

An existing role is adopted: its ARN is used, and nothing is attached to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from . import container, iam
from .arguments import Job
from .checks import shapes
from .checks.kinds import policy_problems
from .compact import compact
from .kept import Kept
from .resolving import resolved


@dataclass(frozen=True)
class Runs:
    """What a launcher knows of the table of its runs."""

    family: str
    """The name by which the table keeps the job's runs."""
    table_arn: pulumi.Output[str]
    supervisor_role_arn: pulumi.Output[str]
    topic_arn: pulumi.Output[str] | None
    """The topic of its notices; None without notices."""
    schedule_group_arn: pulumi.Output[str]
    """The group of its schedules; empty if it needs none."""


@dataclass(frozen=True)
class Role:
    """A role, created here or adopted."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    policies: list[aws.iam.RolePolicy] = field(default_factory=list[aws.iam.RolePolicy])
    """The policies attached here; a resource that uses the role has to depend on these."""


def execution_role(
    name: str, job: Job, *, place: pulumi.Output[iam.Place], log_group_arn: pulumi.Input[str], parent: pulumi.Resource
) -> Role:
    """The role with which ECS starts the task, and its only policy."""
    if job.execution_role_arn is not None:
        return _adopted(job.execution_role_arn)
    secrets, keys = container.secrets(job), list(job.secret_key_arns)
    images = [job.image, *(it["image"] for it in job.sidecars)]
    cached = [job.pull_through_cache, *(it.get("pull_through_cache", False) for it in job.sidecars)]

    def policy(place: iam.Place, images: list[str], group: str, secrets: list[str], keys: list[str]) -> str:
        document = iam.execution_policy(
            place,
            images=images,
            log_group_arn=group,
            secret_arns=secrets,
            secret_key_arns=keys,
            cached_images=[image for image, it in zip(images, cached, strict=True) if it],
        )
        return iam.replaced_json(document, of=iam.EXECUTION_LIMIT)

    role = _role(
        f"{name}-execution",
        job,
        description=f"ECS starts the job {name} with this role: image, secrets, log.",
        trust=place.apply(lambda it: iam.to_json(iam.tasks_trust(it))),
        parent=parent,
    )
    computed = resolved([place, images, log_group_arn, secrets, keys]).apply(lambda it: policy(*it))
    attached = attach(f"{name}-execution", role, computed, parent=parent)
    return Role(role.arn, role.name, [attached])


def _declared(name: str, policy: str) -> str:
    """A job's own policy, checked once the deployment knows its text. Raises pulumi.RunError."""
    shapes.refuse("FargateJobLauncher", name, policy_problems("task_policy", policy))
    return compact(json.loads(policy))


def task_role(
    name: str,
    job: Job,
    *,
    place: pulumi.Output[iam.Place],
    payload_objects_arn: pulumi.Output[str] | None,
    result_objects_arn: pulumi.Output[str] | None,
    parent: pulumi.Resource,
) -> Role:
    """The role of the job's own code. It may do what the job declares and read its payloads, and nothing else."""
    if job.task_role_arn is not None:
        return _adopted(job.task_role_arn)
    role = _role(
        f"{name}-task",
        job,
        description=f"The code of the job {name} runs with this role.",
        trust=place.apply(lambda it: iam.to_json(iam.tasks_trust(it))),
        parent=parent,
    )
    documents: dict[str, pulumi.Input[str]] = {}
    if job.task_policy is not None:
        documents["task"] = pulumi.Output.from_input(job.task_policy).apply(lambda it: _declared(name, it))
    if result_objects_arn is not None:
        writing = pulumi.Output.all(place, result_objects_arn, job.key_arns).apply(
            lambda it: iam.to_json(iam.result_writer_policy(*cast("tuple[iam.Place, str, list[str]]", tuple(it))))
        )
        documents["result"] = writing
    if payload_objects_arn is not None:
        reading = pulumi.Output.all(place, payload_objects_arn, job.key_arns).apply(
            lambda it: iam.to_json(iam.payload_reader_policy(*cast("tuple[iam.Place, str, list[str]]", tuple(it))))
        )
        documents["payload"] = reading
    if job.efs_volumes:
        known = pulumi.Output.all(place, [cast("Any", it) for it in job.efs_volumes])
        documents["volumes"] = known.apply(lambda it: iam.to_json(iam.mount_policy(it[0], it[1])))
    if job.allow_exec:
        documents["exec"] = iam.to_json(iam.exec_policy())
    # They share the role's size limit; the first policy waits until all of them are known to fit.
    fitting = resolved(list(documents.values())).apply(lambda it: iam.fit_together(it, of=iam.TASK_LIMIT))
    policies = [
        attach(f"{name}-{what}", role, document if number else fitting.apply(lambda it: it[0]), parent=parent)
        for number, (what, document) in enumerate(documents.items())
    ]
    return Role(role.arn, role.name, policies)


def launcher_role(
    name: str,
    job: Job,
    *,
    place: pulumi.Output[iam.Place],
    task_definition_arn: pulumi.Input[str],
    passed_role_arns: Sequence[pulumi.Input[str]],
    log_group_arn: pulumi.Input[str],
    payload_objects_arn: pulumi.Output[str] | None,
    result_objects_arn: pulumi.Output[str] | None,
    dead_letter_queue_arn: pulumi.Output[str] | None,
    queue_arn: pulumi.Output[str] | None,
    runs: Runs,
    job_log_group_arn: pulumi.Input[str],
    schedule_role_arn: pulumi.Input[str],
    own_schedules_arn: pulumi.Input[str],
    parent: pulumi.Resource,
) -> Role:
    """The function's role, its policy, and its guard: which roles it may pass, and what it may never do.

    Two guards in one role would deny what either of them denies: the old guard would refuse the new launches. So a
    change of the guard replaces the role and its policies; Pulumi sees the change in the description, which has the
    guard's digest.

    `schedule_role_arn` and `own_schedules_arn` are empty if no caller may name a time.
    """
    in_vpc = "subnet_ids" in job.function
    fixed = {
        "place": place,
        "passed_role_arns": list(passed_role_arns),
        "log_group_arn": log_group_arn,
        "schedule_role_arn": schedule_role_arn,
        "own_schedules_arn": own_schedules_arn,
    }
    guard = resolved(fixed).apply(
        lambda it: iam.to_json(
            iam.launcher_guard(
                cpu=max(job.cpu, job.overrides.get("cpu", 0)),
                memory=max(job.memory, job.overrides.get("memory", 0)),
                allow_exec=job.allow_exec,
                in_vpc=in_vpc,
                **it,
            )
        )
    )

    def policy(it: dict[str, Any]) -> str:
        guard = it.pop("guard")
        document = iam.launcher_policy(
            family=runs.family,
            traces=job.function.get("tracing", False),
            **it,
        )
        return iam.replaced_json(document, of=iam.LAUNCHER_LIMIT, guard=guard)

    role = _role(
        f"{name}-launcher",
        job,
        description=guard.apply(
            lambda it: f"The Lambda that launches the job {name} runs with this role. {_digest(it)}"
        ),
        trust=iam.to_json(iam.lambda_trust()),
        parent=parent,
        replace_on_changes=["description"],
    )
    known: dict[str, Any] = {
        "guard": guard,
        "place": place,
        "cluster_arn": job.cluster_arn,
        "task_definition_arn": task_definition_arn,
        "payload_objects_arn": payload_objects_arn or "",
        "result_objects_arn": result_objects_arn or "",
        "dead_letter_queue_arn": dead_letter_queue_arn or "",
        "queue_arn": queue_arn or "",
        "key_arns": job.key_arns,
        "runs_table_arn": runs.table_arn,
        "run_key_arns": job.run_key_arns,
        "notice_topic_arn": runs.topic_arn or "",
        "read_log_group_arn": job_log_group_arn if (job.notify or {}).get("log_lines") else "",
        "callback_arns": list(job.callbacks),
    }
    attached = attach(f"{name}-launcher", role, resolved(known).apply(policy), parent=parent)
    # A changed guard belongs to a new role.
    guarding = aws.iam.RolePolicy(
        f"{name}-launcher-guard", role=role.name, policy=guard, opts=pulumi.ResourceOptions(parent=parent)
    )
    return Role(role.arn, role.name, [attached, guarding])


def _digest(guard: str) -> str:
    return f"Guard {hashlib.sha256(guard.encode()).hexdigest()[:12]}."


def attach(name: str, role: aws.iam.Role, policy: pulumi.Input[str], *, parent: pulumi.Resource) -> aws.iam.RolePolicy:
    """A policy of a role; an update keeps it beside its successor until nothing uses the old one any more."""
    options = pulumi.ResourceOptions(parent=parent, replace_on_changes=["policy"])
    return aws.iam.RolePolicy(name, role=role.name, policy=policy, opts=options)


def _role(
    name: str,
    kept: Kept,
    *,
    description: pulumi.Input[str],
    trust: pulumi.Input[str],
    parent: pulumi.Resource,
    replace_on_changes: list[str] | None = None,
) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        description=description,
        assume_role_policy=trust,
        path=kept.role_path,
        permissions_boundary=kept.permissions_boundary_arn,
        # A policy attached by hand would make the deletion of the role fail, also in an update that replaces it.
        force_detach_policies=True,
        tags=kept.tags,
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=replace_on_changes),
    )


def _adopted(arn: pulumi.Input[str]) -> Role:
    known = pulumi.Output.from_input(arn)
    return Role(known, known.apply(lambda it: it.rpartition("/")[2]))


def supervisor_role(name: str, kept: Kept, *, policy: pulumi.Output[str], parent: pulumi.Resource) -> Role:
    """The supervisor's role: it follows tasks; it may not run one or pass a role."""
    role = _role(
        f"{name}-supervisor",
        kept,
        description=f"The Lambda that follows the runs of {name} runs with this role.",
        trust=iam.to_json(iam.lambda_trust()),
        parent=parent,
    )
    return Role(role.arn, role.name, [attach(f"{name}-supervisor", role, policy, parent=parent)])
