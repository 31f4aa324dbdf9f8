"""The pictures of the README and of docs/, drawn in Mermaid from the resources that the component registers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from tools.recording import Recorded, Recording

EVERYTHING: Final[dict[str, Any]] = {
    "schedule": {"expression": "cron(0 3 * * ? *)"},
    "queue": {},
    "event_rule": {"pattern": '{"source": ["shop"]}'},
    "supervision": {"retries": 2, "max_runtime_minutes": 60},
}
"""The arguments of the job that is drawn: with every trigger, and supervised."""

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
QUEUE, RULE = "aws:sqs/queue:Queue", "aws:cloudwatch/eventRule:EventRule"
GIVEN_UP = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
SCHEDULE, TOPIC = "aws:scheduler/schedule:Schedule", "aws:sns/topic:Topic"
TASK, LOGS = "aws:ecs/taskDefinition:TaskDefinition", "aws:cloudwatch/logGroup:LogGroup"

CARRIED: Final = (
    (SCHEDULE, "", "target", ALIAS, "at its time"),
    ("aws:cloudwatch/eventTarget:EventTarget", "rule", "arn", "", ""),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "eventSourceArn", "functionName", "", ""),
    (GIVEN_UP, "functionName", "destinationConfig", QUEUE, "gives up"),
    (QUEUE, "", "redrivePolicy", QUEUE, "gives up"),
    (FUNCTION, "", "environment", TASK, "RunTask"),
    (FUNCTION, "", "environment", FUNCTION, "retries"),
    (FUNCTION, "", "environment", TOPIC, "tells"),
    (TASK, "", "containerDefinitions", LOGS, "writes"),
)  # fmt: skip
"""Resource, input with where it comes from (itself), input with where it goes, of which type, and the arrow's word."""

SHAPES: Final = {
    FUNCTION: '["{}<br/>Lambda"]',
    QUEUE: '[("{}<br/>SQS")]',
    RULE: '{{{{"{}<br/>EventBridge rule"}}}}',
    SCHEDULE: '{{{{"{}<br/>EventBridge Scheduler"}}}}',
    TOPIC: '[/"{}<br/>SNS"/]',
    TASK: '(["{}<br/>Fargate task"])',
    LOGS: '[("{}<br/>CloudWatch Logs")]',
}


def flow(recording: Recording) -> str:
    """What sets a job off, what becomes of it, and what becomes of what could not be launched."""
    arrows: dict[tuple[str, str, str], None] = {}
    for kind, begins, ends, of, label in CARRIED:
        for it in recording.kind(kind):
            for origin in _computed(recording, it, begins) if begins else [it]:
                for to in _computed(recording, it, ends):
                    if origin.urn != to.urn and of in ("", to.kind):
                        arrows[_itself(recording, origin).urn, _itself(recording, to).urn, label] = None
    for rule in recording.kind(RULE):
        if "ECS Task State Change" in str(rule.inputs.get("eventPattern")):
            (task,) = recording.kind(TASK)
            arrows[task.urn, rule.urn, "has stopped"] = None
    shown = {urn for origin, to, _ in arrows for urn in (origin, to)}
    nodes = sorted((it for it in recording.resources.values() if it.urn in shown), key=lambda it: (it.kind, it.name))
    key = {it.urn: f"n{number}" for number, it in enumerate(nodes)}
    launcher = next(it for it in nodes if it.kind == FUNCTION and it.name.endswith("-launcher"))
    lines = ["```mermaid", "flowchart LR", '  caller(["fargate-job, your code"])']
    lines += [f"  {key[it.urn]}{SHAPES[it.kind].format(it.name)}" for it in nodes]
    lines.append(f"  caller -- InvokeFunction --> {key[launcher.urn]}")
    lines += sorted(f"  {key[origin]} --{f' {label} --' if label else ''}> {key[to]}" for origin, to, label in arrows)
    return "\n".join([*lines, "```"])


def permissions(recording: Recording) -> str:
    """Who may do what: each role's policy, as it is deployed; dotted, what is denied whatever else allows it."""
    roles = _by_name(recording, "aws:iam/role:Role")
    name = {it.outputs["arn"]: it.name for it in roles}
    names: dict[str, str] = {}

    def node(label: str) -> str:
        return names.setdefault(label, f"n{len(names)}")

    arrows = list[str]()
    for it in _by_name(recording, "aws:iam/rolePolicy:RolePolicy"):
        role = node(_holder(it, roles))
        for statement in json.loads(it.inputs["policy"])["Statement"]:
            for target, actions in _targets(statement, name).items():
                said = "<br/>".join(actions)
                if statement["Effect"] == "Allow":
                    arrows.append(f'  {role} -- "{said}" --> {node(target)}')
                else:
                    arrows.append(f'  {role} -. "never {said}" .-x {node(target)}')
    for it in roles:
        trusted = json.loads(it.inputs["assumeRolePolicy"])["Statement"][0]["Principal"]["Service"]
        arrows.append(f"  {node(trusted)} -- assumes --> {node(it.name + ' role')}")
    lines = ["```mermaid", "flowchart LR", *(f'  {key}["{label}"]' for label, key in names.items())]
    return "\n".join([*lines, *dict.fromkeys(arrows), "```"])


def _by_name(recording: Recording, kind: str) -> list[Recorded]:
    """Pulumi registers what does not wait for each other in any order."""
    return sorted(recording.kind(kind), key=lambda it: it.name)


def _holder(policy: Recorded, roles: list[Recorded]) -> str:
    (role,) = (it for it in roles if it.urn in policy.computed_from["role"])
    return f"{role.name} role"


def _targets(statement: dict[str, Any], roles: dict[str, str]) -> dict[str, list[str]]:
    """What a statement is about, in few words → its actions."""
    actions = sorted([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    denied = [key.rpartition("/")[2] for it in statement.get("Condition", {}).values() for key in it]
    if "NotResource" in statement:
        return {"any other role": actions}
    if statement["Effect"] == "Deny":
        return {f"with {', '.join(denied)}": actions}
    resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
    return {_shown(it, roles): actions for it in resources}


def _shown(arn: str, roles: dict[str, str]) -> str:
    if arn in roles:
        return f"{roles[arn]} role"
    if arn == "*":
        return "any"
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    return f"{service}: {resource.replace('-0a1b2c3', '')}"


def _itself(recording: Recording, it: Recorded) -> Recorded:
    """An alias stands for its function."""
    if it.kind == ALIAS:
        (function,) = (recording.resources[urn] for urn in it.computed_from["functionName"])
        return function
    return it


def _computed(recording: Recording, it: Recorded, name: str) -> Iterator[Recorded]:
    for urn in sorted(it.computed_from.get(name, ())):
        found = recording.resources[urn]
        if found.kind in SHAPES or found.kind == ALIAS:
            yield found


def pictures(recorded: Callable[[dict[str, Any]], Recording]) -> dict[str, Callable[[], str]]:
    """Name of a marker → the picture between its two ends."""
    everything = cache(lambda: recorded(EVERYTHING))
    return {
        "flow": lambda: flow(everything()),
        "permissions": lambda: permissions(recorded({})),
        "all permissions": lambda: permissions(everything()),
    }
