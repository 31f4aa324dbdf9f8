"""Is the run of a launch kept and followed to its end: its table, and the supervisor with what brings it its events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from fargate_job_launcher.sandbox.aws.authorization import Call
from fargate_job_launcher.sandbox.proof.facts import Facts, Role
from fargate_job_launcher.sandbox.proof.needs import supervisor_needs
from stands import (
    FUNCTION,
    MAPPING,
    PERMISSION,
    QUEUE,
    QUEUE_POLICY,
    RULE,
    TABLE,
    TARGET,
    Account,
    Resource,
    settings_of,
)

SUPERVISOR_SETTINGS: Final = "SUPERVISOR_SETTINGS"


def not_allowed_yet(account: Account, launcher: str) -> list[str]:
    """Supervisors that could not ask this launcher now for a retry, or to tell the end of a run.

    The table keeps what is pending, and they ask again every few minutes: such a moment between two steps only delays.
    """
    found: list[str] = []
    for function in account.named(f"{launcher}-launcher"):
        heard = {it["principal"] for it in account.of(PERMISSION) if it["function"] == function["name"]}
        for supervisor in _supervisors(account, settings_of(function)["runs"]["table"]):
            asking = [supervisor, *([account.begun[it]] if (it := supervisor["id"]) in account.begun else [])]
            found += [f"{it['role']} may not invoke it" for it in asking if it["role"] not in heard]
    return found


def _supervisors(account: Account, table: str) -> list[Resource]:
    return [it for it in account.of(FUNCTION) if settings_of(it, SUPERVISOR_SETTINGS).get("table") == table]


def followed(account: Account, facts: Facts) -> Iterator[str]:
    """Whether a launch has its table, and a supervisor that receives the ends of its tasks and may do its work."""
    name = facts.settings.runs_table
    table = next((it["arn"] for it in account.of(TABLE) if it["name"] == name), None)
    supervisors = _supervisors(account, name)
    if table is None or not supervisors:
        yield f"its table of runs {name} is gone" if table is None else f"nobody follows the runs in {name}"
        return
    for name_, call in account.reading(table):
        if not facts.launcher.policies.decide(call).allowed:
            yield f"it cannot {name_} (its runs)"
    if facts.settings.notice_topic in account.keys:
        for name_, call in account.sending(facts.settings.notice_topic):
            if not facts.launcher.policies.decide(call).allowed:
                yield f"it cannot {name_} (its notices)"
    for function in supervisors:
        queues = [it["eventSourceArn"] for it in account.of(MAPPING) if it["functionName"] == function["arn"]]
        if len(queues) != 1:
            yield f"{len(queues)} queues bring its supervisor the ends of tasks"
        for queue in queues:
            heard = list(_heard(account, queue))
            if not any("scheduleExpression" in it for it in heard):
                yield "its supervisor does not look for what is late"
            if not any(facts.cluster_arn in _clusters(it) for it in heard):
                yield f"its supervisor does not receive the ends of tasks in {facts.cluster_arn}"
        at_work = [function, *([account.begun[it]] if (it := function["id"]) in account.begun else [])]
        for it in at_work:
            role = account.role(it["role"])
            needs = [] if role is None else _supervisor_needs(account, role, facts, it, [table, *queues])
            if role is None:
                yield f"the role {it['role']} of its supervisor is gone"
            else:
                yield from (f"its supervisor cannot {n}" for n, call in needs if not role.policies.decide(call).allowed)


def _heard(account: Account, queue: str) -> Iterator[Resource]:
    """The rules whose events come to a queue, and to its dead letters if they cannot."""
    rules = {it["name"]: it for it in account.of(RULE)}
    open_to = "".join(it["policy"] for it in account.of(QUEUE_POLICY) if it["queueUrl"] == _queue_url(account, queue))
    for target in account.of(TARGET):
        rule = rules.get(target["rule"])
        dead = (target.get("deadLetterConfig") or {}).get("arn", "")
        parked = "".join(it["policy"] for it in account.of(QUEUE_POLICY) if it["queueUrl"] == _queue_url(account, dead))
        if target["arn"] == queue and rule is not None and rule["arn"] in open_to and rule["arn"] in parked:
            yield rule


def _queue_url(account: Account, arn: str) -> str:
    return next((str(it["id"]) for it in account.of(QUEUE) if it["arn"] == arn), "")


def _clusters(rule: Resource) -> list[str]:
    return json.loads(rule.get("eventPattern", "{}")).get("detail", {}).get("clusterArn", [])


def _supervisor_needs(
    account: Account, role: Role, facts: Facts, function: Resource, kept: Sequence[str]
) -> Iterator[tuple[str, Call]]:
    """What a supervisor does for a launch: what its proof knows, and what stands beside it now, whatever its own policy
    says. `kept`: the table and the queue."""
    yield from ((it.name, it.call) for it in supervisor_needs(role, facts))
    here = {"ecs:cluster": facts.cluster_arn}
    task = facts.cluster_arn.replace(":cluster/", ":task/") + "/0123"
    for action, resource in (("DescribeTasks", task), ("StopTask", task), ("ListTasks", "*")):
        yield f"{action} in {facts.cluster_arn}", Call(f"ecs:{action}", resource, here)
    place = ":".join(facts.cluster_arn.split(":")[3:5])
    group = f"arn:aws:logs:{place}:log-group:{function['loggingConfig']['logGroup']}"
    yield "write its log", Call("logs:PutLogEvents", f"{group}:log-stream:s")
    for it in kept:
        yield from account.reading(it)
    for queue in kept[1:]:
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            yield f"take from its queue ({action})", Call(f"sqs:{action}", queue)
