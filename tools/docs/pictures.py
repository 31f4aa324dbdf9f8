"""The picture of a job's flow in the README, drawn in Mermaid from the resources that the component registers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fargate_job_launcher.handler.settings import RUN_EVENT

from tools.recording import Recorded, Recording

EVERYTHING: Final[dict[str, Any]] = {
    "schedule": {"expression": "cron(0 3 * * ? *)"},
    "queue": {},
    "event_rule": {"pattern": '{"source": ["shop"]}'},
    "supervision": {"retries": 2, "max_runtime_minutes": 60},
}
"""The arguments of the job in the picture: with every trigger, retries, a deadline and notices."""

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
QUEUE, RULE = "aws:sqs/queue:Queue", "aws:cloudwatch/eventRule:EventRule"
FAILED = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
SCHEDULE, TOPIC = "aws:scheduler/schedule:Schedule", "aws:sns/topic:Topic"
TASK, LOGS = "aws:ecs/taskDefinition:TaskDefinition", "aws:cloudwatch/logGroup:LogGroup"
TABLE, ROLE, PERMISSION = "aws:dynamodb/table:Table", "aws:iam/role:Role", "aws:lambda/permission:Permission"

LAST = "after the last attempt"
CARRIED: Final = (
    (SCHEDULE, "", "target", ALIAS, "on schedule"),
    ("aws:cloudwatch/eventTarget:EventTarget", "rule", "arn", "", ""),
    ("aws:lambda/eventSourceMapping:EventSourceMapping", "eventSourceArn", "functionName", "", ""),
    (FAILED, "functionName", "destinationConfig", QUEUE, LAST),
    (QUEUE, "", "redrivePolicy", QUEUE, LAST),
    (FUNCTION, "", "environment", TASK, "RunTask"),
    (FUNCTION, "", "environment", TABLE, "records runs"),
    (FUNCTION, "", "environment", TOPIC, "a failed run"),
    (TASK, "", "containerDefinitions", LOGS, "writes"),
)  # fmt: skip
"""Resource type, the input that names the arrow's start (empty: the resource itself), the input that names its end,
the type of the end (empty: any), and the arrow's label."""

SHAPES: Final = {
    FUNCTION: '["{}<br/>Lambda"]',
    QUEUE: '[("{}<br/>SQS")]',
    RULE: '{{{{"{}<br/>EventBridge rule"}}}}',
    SCHEDULE: '{{{{"{}<br/>EventBridge Scheduler"}}}}',
    TOPIC: '[/"{}<br/>SNS"/]',
    TABLE: '[("{}<br/>DynamoDB table")]',
    TASK: '(["{}<br/>Fargate task"])',
    LOGS: '[("{}<br/>CloudWatch Logs")]',
}

SPACING: Final = '%%{init: {"flowchart": {"nodeSpacing": 30, "rankSpacing": 30}}}%%'
"""So that the picture is legible at the width of a page of GitHub, and no longer than a screen."""


def flow(recording: Recording) -> str:
    """What triggers a launch, what follows the run to its end, and where an event goes that could not be handled."""
    arrows: dict[tuple[str, str, str], None] = {}
    for kind, begins, ends, of, label in CARRIED:
        for it in recording.kind(kind):
            for origin in _computed(recording, it, begins) if begins else [it]:
                for to in _computed(recording, it, ends):
                    if origin.urn != to.urn and of in ("", to.kind):
                        arrows[_itself(recording, origin).urn, _itself(recording, to).urn, label or _every(origin)] = (
                            None
                        )
    for asking, asked in _invoking(recording):
        arrows[asking.urn, asked.urn, "asks for a retry, or to tell an end"] = None
    for rule in recording.kind(RULE):
        if "ECS Task State Change" in str(rule.inputs.get("eventPattern")):
            (task,) = recording.kind(TASK)
            arrows[task.urn, rule.urn, "has stopped"] = None
    shown = {urn for origin, to, _ in arrows for urn in (origin, to)}
    nodes = sorted((it for it in recording.resources.values() if it.urn in shown), key=lambda it: (it.kind, it.name))
    key = {it.urn: f"n{number}" for number, it in enumerate(nodes)}
    launcher = next(it for it in nodes if it.kind == FUNCTION and it.name.endswith("-launcher"))
    lines = ["```mermaid", SPACING, "flowchart TB", '  caller(["fargate-job, your code"])']
    lines += [f"  {key[it.urn]}{SHAPES[it.kind].format(it.name)}" for it in nodes]
    lines.append(f'  ends(["{RUN_EVENT}<br/>EventBridge event"])')
    lines.append(f"  caller -- InvokeFunction --> {key[launcher.urn]}")
    lines.append(f"  {key[launcher.urn]} -- the end of each run --> ends")
    lines += sorted(f"  {key[origin]} --{f' {label} --' if label else ''}> {key[to]}" for origin, to, label in arrows)
    return "\n".join([*lines, "```"])


def _invoking(recording: Recording) -> Iterator[tuple[Recorded, Recorded]]:
    """Each function and another that its role may invoke, by the permission of the other."""
    for permission in recording.kind(PERMISSION):
        for role in permission.computed_from.get("principal", ()):
            asking = [it for it in recording.kind(FUNCTION) if role in it.computed_from.get("role", ())]
            for one in asking if recording.resources[role].kind == ROLE else []:
                yield from ((one, other) for other in _computed(recording, permission, "function"))


def _every(rule: Recorded) -> str:
    """How often a rule with a rate fires; empty for any other resource."""
    rate = re.fullmatch(r"rate\((?:1 )?(.+)\)", str(rule.inputs.get("scheduleExpression")))
    return f"every {rate[1]}" if rate else ""


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
