"""Needs and attacks: named calls to hold a policy against, and what they are made of.

The calls are made from the facts of a deployed launcher, so they have its exact names. A launch's own calls come from
authorization.run_task_calls, the same list that the gate checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.handler.partitions import service_host
from fargate_job_launcher.handler.settings import RUN_EVENTS_SOURCE

from ..aws.authorization import TASKS_SERVICE, Call, Policies, run_task_calls
from .facts import Document, Facts, Role, listed

ANYTHING: Final[Document] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Need:
    """A call without which a launch fails."""

    name: str
    call: Call


@dataclass(frozen=True)
class Attack:
    """A call that must be denied."""

    name: str
    call: Call
    broad: bool = False
    """Whether it is tried after somebody has attached a policy that allows everything."""

    def succeeds(self, documents: Policies) -> bool:
        """Whether these policies let it through."""
        policies = documents
        if self.broad:
            policies = Policies([*documents.documents, *Policies.of(ANYTHING).documents], documents.limits)
        return policies.decide(self.call).allowed


def mount_call(facts: Facts, volume: Document) -> tuple[str, dict[str, str]]:
    """ARN of an EFS volume's file system, and what EFS tells IAM of a mount."""
    place, point = arns_of(facts), volume["authorizationConfig"]["accessPointId"]
    context = {"elasticfilesystem:AccessPointArn": place("elasticfilesystem", f"access-point/{point}")}
    return place("elasticfilesystem", f"file-system/{volume['fileSystemId']}"), context


def granted_resources(role: Role, action: str) -> list[str]:
    """One resource for each that the role's own statements allow this action on."""
    return [
        resource.replace("*", "0123")
        for statement in role.statements
        if statement["Effect"] == "Allow" and action in listed(statement.get("Action", []))
        for resource in listed(statement.get("Resource", []))
    ]


def launch_calls(facts: Facts, **changed: Any) -> list[Call]:
    request = {"propagateTags": "TASK_DEFINITION", **changed}
    return run_task_calls(request, facts.definition, facts.cluster_arn)


def pass_role_call(role: str, service: str = TASKS_SERVICE) -> Call:
    return Call("iam:PassRole", role, {"iam:PassedToService": service})


def account_of(facts: Facts) -> str:
    return facts.cluster_arn.split(":")[4]


def arns_of(facts: Facts) -> Callable[[str, str], str]:
    _, partition, _, region, account, _ = facts.cluster_arn.split(":", 5)
    return lambda service, rest: f"arn:{partition}:{service}:{region}:{account}:{rest}"


def payload_object(facts: Facts) -> str:
    """A payload of the job; of some other one where it has none."""
    prefix = facts.settings.payload_prefix.removeprefix("s3://") or "payloads/job/"
    return f"arn:{facts.cluster_arn.split(':')[1]}:s3:::{prefix}0123"


def through_service(facts: Facts, service: str) -> dict[str, str]:
    """What KMS tells IAM of a service that uses a key on the caller's behalf."""
    _, partition, _, region, *_ = facts.cluster_arn.split(":")
    return {"kms:ViaService": service_host(service, region, partition)}


def family_of(facts: Facts) -> str:
    """The family of the job's task definition, by which the table of runs keeps its runs."""
    return facts.definition["taskDefinitionArn"].rpartition("/")[2].rpartition(":")[0]


def runs_table(facts: Facts) -> str:
    """ARN of the table of runs."""
    return arns_of(facts)("dynamodb", f"table/{facts.settings.runs_table}")


def item_call(action: str, table: str, *leading: str) -> Call:
    """A call for items of a table with these partition keys, or without any, as a Scan."""
    return Call(f"dynamodb:{action}", table, {"dynamodb:LeadingKeys": list(leading)} if leading else {})


def schedule_call(facts: Facts, action: str, name: str, group: str = "") -> Call:
    """A call for a schedule, in the group of the launcher's schedules unless another is named."""
    return Call(f"scheduler:{action}", arns_of(facts)("scheduler", f"schedule/{group or schedule_group(facts)}/{name}"))


def schedule_group(facts: Facts) -> str:
    """Name of the group of the launcher's schedules; of some other one where it makes none."""
    return "jobs" if facts.settings.scheduling is None else facts.settings.scheduling.group


def event_call(facts: Facts, source: str = RUN_EVENTS_SOURCE, bus: str = "default") -> Call:
    """An event for an event bus, of this source, or without any if it is empty."""
    context = {"events:source": source} if source else {}
    return Call("events:PutEvents", arns_of(facts)("events", f"event-bus/{bus}"), context)


def result_object(facts: Facts) -> str:
    """A result of the job; of some other one where it leaves none."""
    prefix = facts.settings.result_prefix.removeprefix("s3://") or "payloads/job/results/"
    return f"arn:{facts.cluster_arn.split(':')[1]}:s3:::{prefix}0123"


def job_log(facts: Facts) -> str:
    options = facts.definition["containerDefinitions"][0]["logConfiguration"]["options"]
    return arns_of(facts)("logs", f"log-group:{options['awslogs-group']}")


def own_log(facts: Facts) -> str:
    """The group that the function writes to, as its policy names it."""
    writing = (it for it in facts.launcher.statements if "logs:PutLogEvents" in listed(it.get("Action", [])))
    resource = next(
        (listed(it["Resource"])[0] for it in writing), arns_of(facts)("logs", "log-group:/aws/lambda/launcher:*")
    )
    return resource.removesuffix(":*")


def repository_of(facts: Facts, image: str) -> str | None:
    host, _, path = image.partition("/")
    found = re.fullmatch(r"(\d+)\.dkr[.-]ecr[^.]*\.([^.]+)\..+", host)
    if found is None:
        return None
    account, region = found.groups()
    repository = path.partition("@")[0].partition(":")[0]
    return f"arn:{facts.cluster_arn.split(':')[1]}:ecr:{region}:{account}:repository/{repository}"


def consequences(role: Role, needs: list[Need], attacks: list[Attack], statement: Document) -> list[str]:
    """What would change if this statement were dropped: needed calls denied, attacks let through.

    A call that is denied already, and an attack that succeeds already, would not change, whatever the reason.
    """
    now, left = role.policies, role.without(statement)
    denied = [
        f"cannot {need.name}" for need in needs if now.decide(need.call).allowed and not left.decide(need.call).allowed
    ]
    return denied + [f"could {it.name}" for it in attacks if it.succeeds(left) and not it.succeeds(now)]
