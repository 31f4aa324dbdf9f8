"""What each role of a stack is to be allowed, and who may become it: from the functions' settings, the task
definitions, the schedules and the queues, as they are deployed; never from a role's policies.

`sandbox/proof/needs.py` has single calls of these; this is all of them, each with everything that a request may vary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fargate_job_launcher.handler.partitions import service_host
from fargate_job_launcher.handler.settings import ASYNCHRONOUS_ALIAS, DUE_INDEX, RUN_EVENTS_SOURCE
from fargate_job_launcher.policies.solver import Intended, Needs
from fargate_job_launcher.sandbox.aws.authorization import SCHEDULER_SERVICE, TASKS_SERVICE
from fargate_job_launcher.sandbox.proof.calls import arns_of, family_of, job_log, runs_table
from fargate_job_launcher.sandbox.proof.facts import Facts


@dataclass(frozen=True)
class Trusted:
    """The one service that may become a role, and what its request needs."""

    service: str
    needs: tuple[Needs, ...] = ()


TAKE = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
WRITE = ("logs:CreateLogStream", "logs:PutLogEvents")
NEW_KEY, DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"


def of_launcher(facts: Facts, queue: str) -> list[Intended]:
    """What the function may do; `queue` is the ARN of the queue that invokes it, or empty."""
    return [*_runs(facts), *_keeps(facts), *_data(facts, queue), *_keys(facts, queue), *_lambda(facts)]


def of_task(facts: Facts) -> list[Intended]:
    """What the job's code may do because of the job's arguments, without volumes and shells."""
    it, through = facts.settings, _key(facts)
    return [
        *_if(it.payload_prefix, "read its payload", ["s3:GetObject"], below=_objects(facts, it.payload_prefix)),
        *_if(it.payload_prefix and through, "decrypt its payload", [DECRYPT], [through], needs=_via(facts, "s3")),
        *_if(it.result_prefix, "leave its result", ["s3:PutObject"], below=_objects(facts, it.result_prefix)),
        *_if(it.result_prefix and through, "encrypt its result", [NEW_KEY], [through], needs=_via(facts, "s3")),
    ]


def of_execution(facts: Facts) -> list[Intended]:
    """What ECS may do before the container runs, for an image outside ECR."""
    definition: Any = facts.definition
    secrets = [secret["valueFrom"] for it in definition["containerDefinitions"] for secret in it.get("secrets", [])]
    whole = [":".join(it.split(":")[:7]) for it in secrets]
    stored, through = [it for it in whole if ":secretsmanager:" in it], _key(facts)
    return [
        Intended("write the job's log", WRITE, below=(f"{job_log(facts)}:",)),
        *_if(stored, "read its secrets", ["secretsmanager:GetSecretValue"], stored),
        *_if(stored and through, "decrypt its secrets", [DECRYPT], [through], needs=_via(facts, "secretsmanager")),
    ]


def of_schedules(facts: Facts, dead_letters: str) -> list[Intended]:
    """What EventBridge Scheduler may do for the launches of a job; `dead_letters` is the ARN of its queue."""
    alias, through = f"{facts.function['FunctionArn']}:{ASYNCHRONOUS_ALIAS}", _key(facts)
    return [
        Intended("launch the job", ("lambda:InvokeFunction",), (alias,)),
        Intended("keep a launch that was not delivered", ("sqs:SendMessage",), (dead_letters,)),
        *_if(through, "encrypt it", [DECRYPT, NEW_KEY], [through], needs=_via(facts, "sqs")),
    ]


def of_drain(function: dict[str, Any]) -> list[Intended]:
    """What the function that empties a cluster before its deletion may do."""
    cluster = function["Environment"]["Variables"]["DRAINED_CLUSTER"]
    here, tasks = Needs("ecs:cluster", "is", (cluster,)), f"{cluster.replace(':cluster/', ':task/')}/"
    group = ":".join((*cluster.split(":")[:2], "logs", *cluster.split(":")[3:5], "log-group"))
    return [
        Intended("find tasks", ("ecs:ListTasks",), needs=(here,)),
        Intended("look at and stop tasks", ("ecs:DescribeTasks", "ecs:StopTask"), below=(tasks,), needs=(here,)),
        Intended("write its log", WRITE, below=(f"{group}:{function['LoggingConfig']['LogGroup']}:",)),
    ]


def of_flow_log(group: str) -> list[Intended]:
    """What VPC may do for a flow log; `group` is the ARN of its log group."""
    its = group.removesuffix(":*")
    every = ":".join((*its.split(":")[:5], "log-group", ""))
    return [
        Intended("write the flow log", ("logs:CreateLogGroup", *WRITE), below=(f"{its}:",)),
        Intended("see its streams", ("logs:DescribeLogStreams",), below=(f"{its}:",)),
        Intended("find its group", ("logs:DescribeLogGroups",), below=(every,)),
    ]


def trusted(kind: str, account: str, region: str, partition: str, group: str = "") -> Trusted:
    """Who may become the role of a kind, and for what; `group` is the ARN of the schedules' group."""
    own = Needs("aws:SourceAccount", "is", (account,))
    if kind in ("execution", "task"):
        source = Needs("aws:SourceArn", "begins", (f"arn:{partition}:ecs:{region}:{account}:",))
        return Trusted(TASKS_SERVICE, (own, source))
    if kind == "schedules":
        return Trusted(SCHEDULER_SERVICE, (own, Needs("aws:SourceArn", "is", (group,))))
    if kind == "flow log":
        source = Needs("aws:SourceArn", "begins", (f"arn:{partition}:ec2:{region}:{account}:vpc-flow-log/",))
        return Trusted("vpc-flow-logs.amazonaws.com", (own, source))
    return Trusted("lambda.amazonaws.com")


def of_supervisor(facts: Facts, queue: str, log_group: str) -> list[Intended]:
    """What the supervisor of a job's cluster may do; `queue` brings it events, and `log_group` is its own."""
    table, here, through = runs_table(facts), Needs("ecs:cluster", "is", (facts.cluster_arn,)), _key(facts)
    tasks = f"{facts.cluster_arn.replace(':cluster/', ':task/')}/"
    return [
        Intended("keep runs", ("dynamodb:GetItem", "dynamodb:PutItem"), (table,)),
        Intended("find what is due", ("dynamodb:Query",), (f"{table}/index/{DUE_INDEX}",)),
        Intended("look at and stop tasks", ("ecs:DescribeTasks", "ecs:StopTask"), below=(tasks,), needs=(here,)),
        Intended("count tasks", ("ecs:ListTasks",), needs=(here,)),
        Intended("take events, and remind itself", (*TAKE, "sqs:SendMessage"), (queue,)),
        Intended("write its log", WRITE, below=(f"{arns_of(facts)('logs', f'log-group:{log_group}')}:",)),
        *_if(through, "decrypt runs", [DECRYPT], [through], needs=_via(facts, "dynamodb")),
        *_if(through, "encrypt events", [DECRYPT, NEW_KEY], [through], needs=_via(facts, "sqs")),
    ]


def _runs(facts: Facts) -> Iterator[Intended]:
    it, here = facts.settings, Needs("ecs:cluster", "is", (facts.cluster_arn,))
    never = [] if it.exec else [Needs("ecs:enable-execute-command", "not", ("true",))]
    yield Intended(
        "run the job",
        ("ecs:RunTask",),
        (facts.definition["taskDefinitionArn"],),
        needs=(
            here,
            *never,
            Needs("ecs:enable-ebs-volumes", "not", ("true",)),
            Needs("ecs:task-cpu", "at most", (str(max(it.cpu, it.overrides.cpu)),)),
            Needs("ecs:task-memory", "at most", (str(max(it.memory, it.overrides.memory)),)),
        ),
    )
    roles = (facts.execution, facts.task, *facts.choices)
    to_tasks = Needs("iam:PassedToService", "is", (TASKS_SERVICE,))
    yield Intended("hand the job's roles to ECS", ("iam:PassRole",), tuple(it.arn for it in roles), needs=(to_tasks,))
    at_launch = Needs("ecs:CreateAction", "is", ("RunTask",))
    tasks = f"{facts.cluster_arn.replace(':cluster/', ':task/')}/"
    yield Intended("tag tasks at their launch", ("ecs:TagResource",), below=(tasks,), needs=(at_launch,))
    yield Intended("find the job's tasks", ("ecs:ListTasks",), needs=(here,))
    if it.scheduling is not None:
        place, later = arns_of(facts), it.scheduling
        own = place("scheduler", f"schedule/{later.group}/{later.prefix}")
        actions = tuple(f"scheduler:{it}Schedule" for it in ("Create", "Delete", "Get"))
        yield Intended("schedule launches", actions, below=(own,))
        to_scheduler = Needs("iam:PassedToService", "is", (SCHEDULER_SERVICE,))
        yield Intended("hand their role to Scheduler", ("iam:PassRole",), (later.role,), needs=(to_scheduler,))


def _keeps(facts: Facts) -> Iterator[Intended]:
    own, it, place = Needs("dynamodb:LeadingKeys", "is", (family_of(facts),)), facts.settings, arns_of(facts)
    yield Intended("keep its runs", ("dynamodb:GetItem", "dynamodb:PutItem"), (runs_table(facts),), needs=(own,))
    source = Needs("events:source", "is", (RUN_EVENTS_SOURCE,))
    yield Intended("announce runs", ("events:PutEvents",), (place("events", "event-bus/default"),), needs=(source,))
    yield from _if(it.notice_topic, "tell that a run failed", ["sns:Publish"], [it.notice_topic])
    yield from _if(it.log_lines, "read the last lines", ["logs:GetLogEvents"], below=[f"{job_log(facts)}:"])
    group = facts.function["LoggingConfig"]["LogGroup"]
    yield Intended("write its log", WRITE, below=(f"{place('logs', f'log-group:{group}')}:",))


def _data(facts: Facts, queue: str) -> Iterator[Intended]:
    it = facts.settings
    kept, objects = ["s3:GetObject", "s3:PutObject"], _objects(facts, it.payload_prefix)
    yield from _if(it.payload_prefix, "keep payloads", kept, below=objects)
    yield from _if(it.result_prefix, "read results", ["s3:GetObject"], below=_objects(facts, it.result_prefix))
    parked = arns_of(facts)("sqs", it.dead_letter_queue.rpartition("/")[2])
    yield from _if(it.dead_letter_queue, "keep dead letters", ["sqs:SendMessage"], [parked])
    yield from _if(queue, "take launches from its queue", [*TAKE], [queue])


def _keys(facts: Facts, queue: str) -> Iterator[Intended]:
    it, key = facts.settings, _key(facts)
    messages = [*(["sns"] if it.notice_topic else []), *(["sqs"] if it.dead_letter_queue or queue else [])]
    if not key:
        return
    both = [DECRYPT, NEW_KEY]
    yield from _if(messages, "encrypt messages", both, [key], needs=_via(facts, *messages))
    stored = ["dynamodb", *(["s3"] if it.result_prefix else [])]
    yield from _if(True, "decrypt what is stored", [DECRYPT], [key], needs=_via(facts, *stored))
    yield from _if(it.payload_prefix, "encrypt payloads", [NEW_KEY], [key], needs=_via(facts, "s3"))


def _lambda(facts: Facts) -> Iterator[Intended]:
    traces = facts.function.get("TracingConfig", {}).get("Mode") == "Active"
    yield from _if(traces, "send traces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"])


def _if(
    wanted: Any,
    why: str,
    actions: list[str],
    resources: list[str] | None = None,
    *,
    below: list[str] | None = None,
    needs: list[Needs] | None = None,
) -> list[Intended]:
    made = Intended(why, tuple(actions), tuple(resources or ()), tuple(below or ()), tuple(needs or ()))
    return [made] if wanted else []


def _objects(facts: Facts, prefix: str) -> list[str]:
    return [f"arn:{facts.cluster_arn.split(':')[1]}:s3:::{prefix.removeprefix('s3://')}"]


def _key(facts: Facts) -> str:
    """ARN of the stack's key, which encrypts the function's settings too; empty without one."""
    return facts.function.get("KMSKeyArn", "")


def _via(facts: Facts, *services: str) -> list[Needs]:
    _, partition, _, region, *_ = facts.cluster_arn.split(":")
    return [Needs("kms:ViaService", "is", tuple(service_host(it, region, partition) for it in services))]
