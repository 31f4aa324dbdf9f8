"""Replays an update of a launcher step by step: after each step, can the job be launched, and do what it declares?

The steps are the engine's requests to the provider, in their order. Allowed have to be the calls of a launch that the
sandbox's proof knows, and the calls that a job's own policy declares; the sandbox's evaluator decides that, with the
roles of that moment. A retry, a task that still pulls its image and a launch in between need the same: may the revision
that a function names now run, start and do its work?
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fargate_job_launcher.handler.settings import VARIABLE
from fargate_job_launcher.sandbox.aws.authorization import Call, Policies
from fargate_job_launcher.sandbox.proof.calls import ANYTHING
from fargate_job_launcher.sandbox.proof.facts import Facts, Role
from fargate_job_launcher.sandbox.proof.needs import execution_needs, launcher_needs, task_needs

from tools.engine import Step

Declared = Mapping[str, Sequence[Sequence[Call]]]
"""ARN of a task definition → what its job's code may do: all the calls of one of these lists, whichever stands."""

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
DEFINITION, LOG_GROUP = "aws:ecs/taskDefinition:TaskDefinition", "aws:cloudwatch/logGroup:LogGroup"
TOPIC = "aws:sns/topic:Topic"
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"
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
    keys: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """ARN of a queue or topic → the KMS keys that it has had, the present one last: a message stays under the key that
    it was sent with. "" is SQS's own key.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """

    def take(self, it: Step) -> None:
        """One step more."""
        of_kind = self.standing.setdefault(it.kind, {})
        if it.step == "delete":
            of_kind.pop(it.id, None)
        elif it.step in ("create", "update"):
            made = {**it.outputs, **it.inputs, "id": it.id, "called": it.name}
            of_kind[it.id] = made
            if it.kind in (QUEUE, TOPIC):
                self.keys.setdefault(made["arn"], []).append(made.get("kmsMasterKeyId", ""))
            if it.kind == DEFINITION:
                self.definitions[made["arn"]] = made
            if it.kind == FUNCTION:
                self.versions[it.id, LATEST] = made
                self.versions[it.id, str(made.get("version"))] = made

    def of(self, kind: str) -> list[Resource]:
        """What stands of a type."""
        return list(self.standing.get(kind, {}).values())

    def reading(self, queue: str) -> Iterator[tuple[str, Call]]:
        """What it takes to read whatever may be in a queue: every key under which a message was sent."""
        for key in dict.fromkeys(self.keys[queue]):
            if key:
                yield f"read a message under {key}", Call("kms:Decrypt", key, _through("sqs", queue))

    def sending(self, to: str) -> Iterator[tuple[str, Call]]:
        """What it takes to send to a queue or a topic as it is now."""
        key = self.keys[to][-1]
        if key:
            for action in ("kms:Decrypt", "kms:GenerateDataKey"):
                yield f"send under {key} ({action})", Call(action, key, _through(to.split(":")[2], to))

    def role(self, arn: str) -> Role | None:
        """A role with what is attached to it now; None where it is gone."""
        made = next((it for it in self.of(ROLE) if it["arn"] == arn), None)
        if made is None:
            return None
        attached = [json.loads(it["policy"]) for it in self.of(ROLE_POLICY) if it["role"] == made["name"]]
        bound = made.get("permissionsBoundary")
        boundary = json.loads(self.boundaries[bound]) if bound else None
        return Role(arn, tuple(attached), boundary, json.loads(made["assumeRolePolicy"]))


def problems(account: Account, launcher: str, declared: Declared, keys: Mapping[str, str]) -> list[str]:
    """The calls that a launch of this launcher, by any caller, could not make now. Empty before there is a function.

    `keys`: ARN of a secret → the KMS key that encrypts it.
    """
    found: list[str] = []
    for function in account.of(FUNCTION):
        if function["called"] != f"{launcher}-launcher":
            continue
        named = {"a direct call": LATEST} | {
            f"the alias {it['name']}": str(it["functionVersion"])
            for it in account.of(ALIAS)
            if it["functionName"] == function["id"]
        }
        for who, version in named.items():
            configuration = account.versions.get((function["id"], version))
            if configuration is None:
                found.append(f"{who}: there is no version {version}")
                continue
            found += [f"{who}: {it}" for it in _launch(account, configuration, declared, keys)]
        found += list(_triggers(account, function))
    found += list(_supervision(account, launcher))
    return found


def _launch(account: Account, function: Resource, declared: Declared, keys: Mapping[str, str]) -> Iterator[str]:
    settings = json.loads(function["environment"]["variables"][VARIABLE])
    revision = settings["taskDefinition"]
    definition = account.definitions.get(revision)
    if definition is None:
        yield f"there is no {revision}"
        return
    launcher = account.role(function["role"])
    execution, task = (_own(account, definition[key]) for key in ("executionRoleArn", "taskRoleArn"))
    if launcher is None or execution is None or task is None:
        gone = {"launcher": launcher, "execution": execution, "task": task}
        yield f"the roles of {revision} are gone: {', '.join(key for key, it in gone.items() if it is None)}"
        return
    facts = Facts(
        launcher=launcher,
        execution=execution,
        task=task,
        choices=tuple(_adopted(it) for it in settings["overrides"]["taskRoles"].values()),
        cluster_arn=settings["cluster"],
        definition=_described(definition),
        function=_function(function),
    )
    short = revision.rpartition("/")[2]
    for role, needs in (
        (launcher, [(it.name, it.call) for it in launcher_needs(facts)] + list(_own_needs(account, function, facts))),
        (execution, [(it.name, it.call) for it in execution_needs(facts)] + list(_decrypting(facts, keys))),
        (task, [(it.name, it.call) for it in task_needs(facts)] + list(_payloads(account, function))),
    ):
        policies = role.policies
        yield from (f"{short} cannot {name}" for name, call in needs if not policies.decide(call).allowed)
    groups = {it["name"] for it in account.of(LOG_GROUP)}
    for container in facts.definition["containerDefinitions"]:
        group = container["logConfiguration"]["options"]["awslogs-group"]
        if group not in groups:
            yield f"{short} cannot write to {group}: it is gone"
    choices = declared.get(revision, [])
    if choices:
        yield from (f"{short} cannot {it}" for it in _fewest_denied(task.policies, choices))


def _fewest_denied(policies: Policies, choices: Sequence[Sequence[Call]]) -> list[str]:
    denied = [[f"{it.action} on {it.resource}" for it in calls if not policies.decide(it).allowed] for calls in choices]
    return min(denied, key=len)


def _own_needs(account: Account, function: Resource, facts: Facts) -> Iterator[tuple[str, Call]]:
    """What the function does with what stands beside it, whatever its own policy says."""
    _, partition, _, region, number, _ = facts.cluster_arn.split(":", 5)
    group = function["loggingConfig"]["logGroup"]
    stream = f"arn:{partition}:logs:{region}:{number}:log-group:{group}:log-stream:s"
    yield "write its log", Call("logs:PutLogEvents", stream)
    for it in account.of(MAPPING):
        if it["functionName"].startswith(function["arn"]):
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                yield f"take from its queue ({action})", Call(f"sqs:{action}", it["eventSourceArn"])
            yield from account.reading(it["eventSourceArn"])
    for it in account.of(PARKED):
        if it["functionName"] == function["id"]:
            yield from account.sending(it["destinationConfig"]["onFailure"]["destination"])


def _payloads(account: Account, function: Resource) -> Iterator[tuple[str, Call]]:
    """What the job's code needs for a payload that any version of the function has put."""
    for (identifier, _), version in account.versions.items():
        key = json.loads(version["environment"]["variables"].get(VARIABLE, "{}")).get("payloadKey")
        if identifier == function["id"] and key:
            yield f"read a payload under {key}", Call("kms:Decrypt", key, _through("s3", function["arn"]))


def _through(service: str, arn: str) -> dict[str, str]:
    """Where a key is used through a service, in the region of this ARN."""
    return {"kms:ViaService": f"{service}.{arn.split(':')[3]}.amazonaws.com"}


def _decrypting(facts: Facts, keys: Mapping[str, str]) -> Iterator[tuple[str, Call]]:
    for container in facts.definition["containerDefinitions"]:
        for secret in container.get("secrets", []):
            arn = ":".join(secret["valueFrom"].split(":")[:7])
            if arn in keys:
                yield f"decrypt {secret['name']}", Call("kms:Decrypt", keys[arn], _through("secretsmanager", arn))


def _triggers(account: Account, function: Resource) -> Iterator[str]:
    aliases = {it["arn"] for it in account.of(ALIAS) if it["functionName"] == function["id"]}
    parked = {it["functionName"] for it in account.of(PARKED)}
    for it in account.of(SCHEDULE):
        target = it["target"]
        if not target["arn"].startswith(f"{function['arn']}:"):
            continue
        role = account.role(target["roleArn"])
        wanted = {"lambda:InvokeFunction": target["arn"], "sqs:SendMessage": target["deadLetterConfig"]["arn"]}
        for action, resource in wanted.items():
            if role is None or not role.policies.decide(Call(action, resource)).allowed:
                yield f"its schedule may not {action}"
        for name, call in account.sending(target["deadLetterConfig"]["arn"]):
            if role is None or not role.policies.decide(call).allowed:
                yield f"its schedule cannot {name}"
        if target["arn"] not in aliases or function["id"] not in parked:
            yield "its schedule has no alias that parks what fails"
    rules = {it["id"]: it for it in account.of(RULE)} | {it["name"]: it for it in account.of(RULE)}
    for it in account.of(TARGET):
        if not it["arn"].startswith(f"{function['arn']}:"):
            continue
        rule = rules[it["rule"]]["arn"]
        if not any(one["sourceArn"] == rule and one["function"] == function["name"] for one in account.of(PERMISSION)):
            yield "its rule may not invoke it"
        if not any(rule in one["policy"] for one in account.of(QUEUE_POLICY)) or function["id"] not in parked:
            yield "its rule cannot park what fails"


def _supervision(account: Account, launcher: str) -> Iterator[str]:
    for function in account.of(FUNCTION):
        if function["called"] != f"{launcher}-supervisor":
            continue
        settings = json.loads(function["environment"]["variables"][SUPERVISOR_SETTINGS])
        role = account.role(function["role"])
        here = {"ecs:cluster": settings["cluster"]}
        task = settings["cluster"].replace(":cluster/", ":task/") + "/0123"
        calls = [Call("sns:Publish", settings["topic"])]
        if settings["retries"]:
            calls += [Call("lambda:InvokeFunction", settings["launcher"]), Call("ecs:DescribeTasks", task, here)]
        if settings["max_runtime_minutes"]:
            calls += [Call("ecs:StopTask", task, here), Call("ecs:ListTasks", "*", here)]
        calls += [
            Call(f"sqs:{action}", it["eventSourceArn"])
            for it in account.of(MAPPING)
            if it["functionName"] == function["arn"]
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        ]
        for it in account.of(MAPPING):
            if it["functionName"] == function["arn"]:
                calls += [call for _, call in account.reading(it["eventSourceArn"])]
        if settings["topic"] in account.keys:
            calls += [call for _, call in account.sending(settings["topic"])]
        for call in calls:
            if role is None or not role.policies.decide(call).allowed:
                yield f"its supervisor cannot {call.action} on {call.resource}"


def _own(account: Account, arn: str) -> Role | None:
    """A role that this account's program made, or one that it adopted, which may do whatever its owner let it."""
    return _adopted(arn) if "/adopted-" in arn else account.role(arn)


def _adopted(arn: str) -> Role:
    return Role(arn, (ANYTHING,), None, {"Statement": []})


def _described(definition: Resource) -> dict[str, Any]:
    """A task definition as ECS describes it."""
    return {
        **{key: definition.get(key) for key in ("cpu", "memory", "executionRoleArn", "taskRoleArn")},
        "taskDefinitionArn": definition["arn"],
        "containerDefinitions": json.loads(definition["containerDefinitions"]),
        "volumes": definition.get("volumes", []),
    }


def _function(made: Resource) -> dict[str, Any]:
    """A function as Lambda describes it."""
    traced, placed = made.get("tracingConfig") or {}, made.get("vpcConfig") or {}
    return {
        "Environment": {"Variables": made["environment"]["variables"]},
        "TracingConfig": {"Mode": traced.get("mode", "PassThrough")},
        "VpcConfig": {"SubnetIds": placed.get("subnetIds", [])},
    }
