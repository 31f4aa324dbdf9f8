"""The resources of an account after so many steps of the engine, as far as a launch and its supervisor use them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fargate_job_launcher.handler.settings import VARIABLE
from fargate_job_launcher.sandbox.aws.authorization import Call
from fargate_job_launcher.sandbox.proof.facts import Role

from tools.engine import Step

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
DEFINITION, LOG_GROUP = "aws:ecs/taskDefinition:TaskDefinition", "aws:cloudwatch/logGroup:LogGroup"
TOPIC, TABLE = "aws:sns/topic:Topic", "aws:dynamodb/table:Table"
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"
SCHEDULE_GROUP = "aws:scheduler/scheduleGroup:ScheduleGroup"
SCHEDULE, MAPPING = "aws:scheduler/schedule:Schedule", "aws:lambda/eventSourceMapping:EventSourceMapping"
TARGET, PERMISSION = "aws:cloudwatch/eventTarget:EventTarget", "aws:lambda/permission:Permission"
RULE, PARKED = "aws:cloudwatch/eventRule:EventRule", "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
LATEST: Final = "$LATEST"
SUPERVISOR_SETTINGS: Final = "SUPERVISOR_SETTINGS"

Resource = dict[str, Any]
"""Inputs and outputs of a resource that stands."""


@dataclass
class Account:
    """What stands after so many steps."""

    boundaries: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARN → document of the policies that bound roles."""
    standing: dict[str, dict[str, Resource]] = field(default_factory=dict[str, dict[str, Resource]])
    """Type → id → resource."""
    versions: dict[tuple[str, str], Resource] = field(default_factory=dict[tuple[str, str], Resource])
    """Function and version → its configuration, its role included, as it was published."""
    definitions: dict[str, Resource] = field(default_factory=dict[str, Resource])
    """Every revision ever registered: they stay ACTIVE."""
    begun: dict[str, Resource] = field(default_factory=dict[str, Resource])
    """Function → its configuration before this update changed it, until the update deletes what it has replaced."""
    keys: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """ARN of a queue, topic or table → the KMS keys that it has had, the present one last: a message stays under the
    key that it was sent with, and a table moves to another key little by little. "" is a key of AWS's own.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    """

    def take(self, it: Step) -> None:
        """One step more."""
        of_kind = self.standing.setdefault(it.kind, {})
        if it.step == "delete":
            of_kind.pop(it.id, None)
            self.begun.clear()
        elif it.step in ("create", "update"):
            made: Resource = {**it.outputs, **it.inputs, "id": it.id, "called": it.name}
            of_kind[it.id] = made
            if it.kind in (QUEUE, TOPIC, TABLE):
                encryption: Resource = made.get("serverSideEncryption") or {}
                key = made.get("kmsMasterKeyId") or encryption.get("kmsKeyArn", "")
                self.keys.setdefault(made["arn"], []).append(str(key))
            if it.kind == DEFINITION:
                self.definitions[made["arn"]] = made
            if it.kind == FUNCTION:
                if it.step == "update":
                    self.begun.setdefault(it.id, self.versions[it.id, LATEST])
                self.versions[it.id, LATEST] = made
                self.versions[it.id, str(made.get("version"))] = made

    def of(self, kind: str) -> list[Resource]:
        """What stands of a type."""
        return list(self.standing.get(kind, {}).values())

    def named(self, called: str) -> list[Resource]:
        """The functions that a program called so."""
        return [it for it in self.of(FUNCTION) if it["called"] == called]

    def reading(self, kept: str) -> Iterator[tuple[str, Call]]:
        """What it takes to read whatever may be in a queue or a table: every key under which it was kept."""
        for key in dict.fromkeys(self.keys[kept]):
            if key:
                yield f"read what is under {key}", Call("kms:Decrypt", key, through(kept.split(":")[2], kept))

    def sending(self, to: str) -> Iterator[tuple[str, Call]]:
        """What it takes to send to a queue or a topic as it is now."""
        key = self.keys[to][-1]
        if key:
            for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                yield f"send under {key} ({action})", Call(action, key, through(to.split(":")[2], to))

    def role(self, arn: str) -> Role | None:
        """A role with what is attached to it now; None where it is gone."""
        made = next((it for it in self.of(ROLE) if it["arn"] == arn), None)
        if made is None:
            return None
        attached = [json.loads(it["policy"]) for it in self.of(ROLE_POLICY) if it["role"] == made["name"]]
        bound = made.get("permissionsBoundary")
        boundary = json.loads(self.boundaries[bound]) if bound else None
        return Role(arn, tuple(attached), boundary, json.loads(made["assumeRolePolicy"]))


def through(service: str, arn: str) -> dict[str, str]:
    """Where a key is used through a service, in the region of this ARN."""
    return {"kms:ViaService": f"{service}.{arn.split(':')[3]}.amazonaws.com"}


def settings_of(function: Resource, variable: str = VARIABLE) -> dict[str, Any]:
    """The settings of a function; none where it has none of this name."""
    return json.loads(function["environment"]["variables"].get(variable, "{}"))
