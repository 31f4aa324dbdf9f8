"""Replays an update of a launcher step by step: after each step, can the job be launched, can it do what it declares,
and is its run kept and followed to its end?

The steps are the engine's requests to the provider, in their order. Allowed have to be the calls of a launch and of its
supervisor that the sandbox's proof knows, and the calls that a job's own policy declares; the sandbox's evaluator
decides that, with the roles of that moment. A retry, the word that a run has ended, a task that still pulls its image
and a launch in between need the same: may the revision that a function names now run, start and do its work? An
invocation that began before the function changed goes on with its old settings and role until the end of the update,
when the engine deletes what has been replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fargate_job_launcher.sandbox.aws.authorization import Call, Policies
from fargate_job_launcher.sandbox.proof.calls import ANYTHING
from fargate_job_launcher.sandbox.proof.facts import Facts, Role
from fargate_job_launcher.sandbox.proof.needs import execution_needs, launcher_needs, schedule_needs, task_needs
from following import followed
from stands import (
    ALIAS,
    LATEST,
    LOG_GROUP,
    MAPPING,
    PARKED,
    PERMISSION,
    QUEUE_POLICY,
    RULE,
    SCHEDULE,
    SCHEDULE_GROUP,
    TARGET,
    Account,
    Resource,
    settings_of,
    through,
)

Declared = Mapping[str, Sequence[Sequence[Call]]]
"""ARN of a task definition → what its job's code may do: all the calls of one of these lists, whichever stands."""


def problems(account: Account, launcher: str, declared: Declared, keys: Mapping[str, str]) -> list[str]:
    """The calls that a launch of this launcher, by any caller, or what follows it could not make now. Empty before
    there is a function.

    `keys`: ARN of a secret → the KMS key that encrypts it.
    """
    found: list[str] = []
    for function in account.named(f"{launcher}-launcher"):
        for who, configuration in _configurations(account, function).items():
            if configuration is None:
                found.append(f"{who}: there is no such version")
                continue
            found += [f"{who}: {it}" for it in _launch(account, configuration, declared, keys)]
        found += list(_triggers(account, function))
    return found


def _configurations(account: Account, function: Resource) -> dict[str, Resource | None]:
    """By whom or how it was called → the configuration that such an invocation runs with now."""
    named = {"a direct call": LATEST} | {
        f"the alias {it['name']}": str(it["functionVersion"])
        for it in account.of(ALIAS)
        if it["functionName"] == function["id"]
    }
    found = {who: account.versions.get((function["id"], version)) for who, version in named.items()}
    begun = account.begun.get(function["id"])
    return found if begun is None else {**found, "an invocation that began before": begun}


def _launch(account: Account, function: Resource, declared: Declared, keys: Mapping[str, str]) -> Iterator[str]:
    settings = settings_of(function)
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
        schedule=account.role(settings["scheduling"]["role"]) if settings.get("scheduling") else None,
        cluster_arn=settings["cluster"],
        definition=_described(definition),
        function=_function(function),
    )
    yield from followed(account, facts)
    short = revision.rpartition("/")[2]
    for role, needs in (
        (launcher, [(it.name, it.call) for it in launcher_needs(facts)] + list(_own_needs(account, function, facts))),
        (launcher, list(_stored(account, function, "result")) if settings["resultPrefix"] else []),
        (execution, [(it.name, it.call) for it in execution_needs(facts)] + list(_decrypting(facts, keys))),
        (task, [(it.name, it.call) for it in task_needs(facts)] + list(_stored(account, function, "payload"))),
        # Its policy names the alias, which is made after the function; no launch is due within that minute.
        *(
            [(facts.schedule, [(it.name, it.call) for it in schedule_needs(facts)])]
            if facts.schedule is not None and facts.schedule.documents
            else []
        ),
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


def _stored(account: Account, function: Resource, what: str) -> Iterator[tuple[str, Call]]:
    """What it takes to read the payloads or results that may be in a bucket since any version of the function."""
    for (identifier, _), version in account.versions.items():
        given = settings_of(version)
        if identifier == function["id"] and given.get("payloadKey") and given[f"{what}Prefix"]:
            decrypt = Call("kms:Decrypt", given["payloadKey"], through("s3", function["arn"]))
            yield f"read a {what} under {given['payloadKey']}", decrypt


def _decrypting(facts: Facts, keys: Mapping[str, str]) -> Iterator[tuple[str, Call]]:
    for container in facts.definition["containerDefinitions"]:
        for secret in container.get("secrets", []):
            arn = ":".join(secret["valueFrom"].split(":")[:7])
            if arn in keys:
                yield f"decrypt {secret['name']}", Call("kms:Decrypt", keys[arn], through("secretsmanager", arn))


def _group(account: Account, name: str) -> str:
    """ARN of a schedule group that stands; empty if it is gone."""
    return next((it["arn"] for it in account.of(SCHEDULE_GROUP) if it["name"] == name), "")


def _trusts(role: Role, group: str) -> bool:
    """Whether Scheduler may assume a role for this schedule group."""
    trust = Policies.of({"Statement": [{**it, "Resource": "*"} for it in role.trust["Statement"]]})
    source = {"aws:SourceArn": group, "aws:SourceAccount": "".join(group.split(":")[4:5])}
    return trust.decide(Call("sts:AssumeRole", "*", source)).allowed


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
        if role is not None and not _trusts(role, _group(account, it["groupName"])):
            yield "its schedule's role does not trust its group"
        if target["arn"] not in aliases or function["id"] not in parked:
            yield "its schedule has no alias that parks what fails"
    rules = {it["id"]: it for it in account.of(RULE)} | {it["name"]: it for it in account.of(RULE)}
    for it in account.of(TARGET):
        if not it["arn"].startswith(f"{function['arn']}:"):
            continue
        rule = rules[it["rule"]]["arn"]
        heard = [one.get("sourceArn") for one in account.of(PERMISSION) if one["function"] == function["name"]]
        if rule not in heard:
            yield "its rule may not invoke it"
        if not any(rule in one["policy"] for one in account.of(QUEUE_POLICY)) or function["id"] not in parked:
            yield "its rule cannot park what fails"


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
        "FunctionArn": made["arn"],
        "Environment": {"Variables": made["environment"]["variables"]},
        "TracingConfig": {"Mode": traced.get("mode", "PassThrough")},
        "VpcConfig": {"SubnetIds": placed.get("subnetIds", [])},
    }
