"""Reads a deployed launcher from IAM, ECS and Lambda through boto3, in the emulator or in a live account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from fargate_job_launcher.handler.settings import VARIABLE, Settings

from ..aws.authorization import TASKS_SERVICE, Policies

Document = dict[str, Any]
Clients = Callable[[str], Any]
"""Service → boto3 client."""


class NotALauncher(Exception):
    """The role is not a launcher's role. The message says why."""


@dataclass(frozen=True)
class Role:
    """A role with its policies, its permissions boundary and its trust policy."""

    arn: str
    documents: tuple[Document, ...]
    boundary: Document | None
    trust: Document

    @property
    def name(self) -> str:
        """Its name, without the path."""
        return self.arn.rpartition("/")[2]

    @property
    def statements(self) -> list[Document]:
        """Every statement of its policies."""
        return [statement for document in self.documents for statement in document["Statement"]]

    @property
    def policies(self) -> Policies:
        """Its policies, which decide calls."""
        return Policies.of(*self.documents, boundary=self.boundary)

    def without(self, statement: Document) -> Policies:
        """Its policies without this statement."""
        left = [
            {**document, "Statement": [it for it in document["Statement"] if it is not statement]}
            for document in self.documents
        ]
        return Policies.of(*(it for it in left if it["Statement"]), boundary=self.boundary)


@dataclass(frozen=True)
class Facts:
    """A launcher and the one task that it may run."""

    launcher: Role
    execution: Role
    task: Role
    choices: tuple[Role, ...]
    """Roles that a caller may choose for the job's code."""
    schedule: Role | None
    """The role of its schedules, if a caller may have the job launched at a later time."""
    cluster_arn: str
    definition: Document
    """The task definition, as ECS describes it."""
    function: Document
    """The function that runs with the launcher's role, as Lambda describes it."""

    @property
    def settings(self) -> Settings:
        """The function's settings. The proof compares the role's policies with them."""
        return _settings(self.function)

    @property
    def roles(self) -> list[Role]:
        """Every role of the launcher."""
        schedule = [] if self.schedule is None else [self.schedule]
        return [self.execution, self.task, *self.choices, *schedule, self.launcher]


def read(clients: Clients, launcher_role_arn: str) -> Facts:
    """The facts of the launcher that runs with this role. Raises NotALauncher, naming what is missing."""
    launcher = read_role(clients, launcher_role_arn)
    run = _allowing(launcher, "ecs:RunTask")
    definition_arn = _only(launcher, run, "Resource")
    cluster = _only(launcher, run.get("Condition", {}).get("ArnEquals", {}), "ecs:cluster")
    definition = _definition(clients, definition_arn)
    passed = listed(_allowing(launcher, "iam:PassRole", to=TASKS_SERVICE)["Resource"])
    own = [definition.get("executionRoleArn", ""), definition.get("taskRoleArn", "")]
    for arn, kind in zip(own, ("execution", "task"), strict=True):
        if not arn:
            raise NotALauncher(f"{definition_arn} has no {kind} role")
    choices = [arn for arn in passed if "*" not in arn]
    return _facts(clients, launcher, _function(clients, launcher.arn), cluster, definition, choices)


def of_settings(clients: Clients, launcher_role_arn: str) -> Facts:
    """The same by the function's settings, and by the task definition that they name: nothing of it is read from the
    role's policies, with which it can then be compared. Raises NotALauncher."""
    launcher = read_role(clients, launcher_role_arn)
    function = _function(clients, launcher.arn)
    its = _settings(function)
    definition = _definition(clients, its.task_definition)
    named = (definition.get("executionRoleArn", ""), definition.get("taskRoleArn", ""))
    if named != (its.execution_role, its.task_role):
        raise NotALauncher(f"{its.task_definition} has the roles {named}, and the function's settings have others")
    return _facts(clients, launcher, function, its.cluster, definition, its.overrides.task_roles.values())


def _facts(
    clients: Clients, launcher: Role, function: Document, cluster: str, definition: Document, choices: Iterable[str]
) -> Facts:
    own = (definition["executionRoleArn"], definition["taskRoleArn"])
    later = _settings(function).scheduling
    return Facts(
        launcher=launcher,
        execution=read_role(clients, own[0]),
        task=read_role(clients, own[1]),
        choices=tuple(read_role(clients, arn) for arn in dict.fromkeys(choices) if arn not in own),
        schedule=None if later is None else read_role(clients, later.role),
        cluster_arn=cluster,
        definition=definition,
        function=function,
    )


def _definition(clients: Clients, arn: str) -> Document:
    found: Document = clients("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return found


def _settings(function: Document) -> Settings:
    return Settings.read(function["Environment"]["Variables"])


def _function(clients: Clients, role_arn: str) -> Document:
    pages = clients("lambda").get_paginator("list_functions").paginate()
    for it in (function for page in pages for function in page["Functions"] if function["Role"] == role_arn):
        if VARIABLE in it.get("Environment", {}).get("Variables", {}):
            return it
        raise NotALauncher(
            f"{it['FunctionName']} runs with {role_arn} and shows no {VARIABLE}: it is not a launcher, or its "
            "environment is encrypted with a key for which the caller has no kms:Decrypt"
        )
    raise NotALauncher(f"{role_arn}: no function of this account and region runs with it")


def read_role(clients: Clients, arn: str) -> Role:
    """Read a role. Raises NotALauncher if it does not exist."""
    iam, name = clients("iam"), arn.rpartition("/")[2]
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        raise NotALauncher(f"{arn}: there is no such role in this account") from None
    inline = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for page in iam.get_paginator("list_role_policies").paginate(RoleName=name)
        for policy in sorted(page["PolicyNames"])
    ]
    attached = [
        _managed(iam, policy["PolicyArn"])
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
        for policy in page["AttachedPolicies"]
    ]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Role(
        arn=role["Arn"],
        documents=tuple(_normal(document) for document in (*inline, *attached)),
        boundary=_normal(_managed(iam, boundary)) if boundary else None,
        trust=_normal(role["AssumeRolePolicyDocument"]),
    )


def _managed(iam: Any, arn: str) -> Any:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _normal(document: Any) -> Document:
    """A document whose Statement is a list. IAM also allows a single statement without a list."""
    loaded = cast("Document", json.loads(document) if isinstance(document, str) else document)
    statement = loaded["Statement"]
    return {**loaded, "Statement": statement if isinstance(statement, list) else [statement]}


def _allowing(role: Role, action: str, *, to: str = "") -> Document:
    """The only statement that allows an action, of those about this service if one is given."""
    found = [it for it in role.statements if it["Effect"] == "Allow" and action in listed(it.get("Action", []))]
    if to and len(found) > 1:
        found = [it for it in found if to in json.dumps(it.get("Condition", {}))]
    if len(found) != 1:
        raise NotALauncher(f"{role.arn} allows {action} in {len(found)} statements; a launcher's role has exactly one")
    return found[0]


def _only(role: Role, holder: Mapping[str, Any], key: str) -> str:
    values = listed(holder.get(key, []))
    if len(values) != 1 or "*" in values[0]:
        raise NotALauncher(
            f"{role.arn} does not restrict ecs:RunTask to one {key}; it has {', '.join(values) or 'none'}: "
            "a caller with this role may run more than one job"
        )
    return values[0]


def listed(value: str | list[str]) -> list[str]:
    """An element of a statement as a list. IAM also allows a single text."""
    return [value] if isinstance(value, str) else value
