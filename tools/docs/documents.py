"""The tables of docs/ that are computed from what the component makes. `make docs` writes them; a test holds them."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner
from fargate_job_launcher.handler.remedy import remedy
from fargate_job_launcher.operate.command import main
from fargate_job_launcher.reach import FUNCTION, LAUNCHER, NOTHING
from fargate_job_launcher.sandbox import Stack
from fargate_job_launcher.sandbox.aws.rows import TABLE

from tools.docs import explained, fixture, house, reference
from tools.docs.pictures import EVERYTHING, flow
from tools.recording import ENVIRONMENTS, PROGRAM, Recorded, Recording, program, record

DOCS: Final = PROGRAM / "docs"
PAGES: Final = (
    PROGRAM / "README.md",
    PROGRAM / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")),
    PROGRAM / "examples" / "README.md",
)
PRICES: Final[dict[str, Any]] = json.loads((DOCS / "prices.json").read_text())

HOURS: Final = 730
"""Hours of a month in AWS's price list."""
POLLS_PER_HOUR: Final = 5 * 180
"""Lambda keeps five long polls of 20 seconds on an idle queue.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
SWEEP_SECONDS: Final = 0.2
"""How long one search for late runs takes if there are none; measured in the sandbox: 0.1."""

FEATURES: Final[dict[str, dict[str, Any]]] = {
    "`asynchronous`": {"asynchronous": True},
    "`schedule`": {"schedule": {"expression": "cron(0 3 * * ? *)"}},
    "`schedules`, two of them": {"schedules": {it: {"expression": "cron(0 3 * * ? *)"} for it in ("early", "late")}},
    "`overrides.at`": {"overrides": {"at": True}},
    "`queue`": {"queue": {}},
    "`event_rule`": {"event_rule": {"pattern": '{"source": ["shop"]}'}},
    "`max_running`, `overlap`": {"max_running": 3, "overlap": "skip"},
    "`supervision`": {"supervision": {"retries": 2, "max_runtime_minutes": 60}},
    "`notify`": {"notify": {"log_lines": 20}},
    "`result` with `payload_bucket`": {"payload_bucket": "payloads", "result": True},
    "`callbacks`": {"callbacks": ["arn:aws:states:eu-west-1:123456789012:stateMachine:nightly"]},
    "`alarms`": {"alarms": {}},
    "`alarms` with `supervision`": {"supervision": {"max_runtime_minutes": 60}, "alarms": {}},
    "`alarms` with `dashboard`": {"alarms": {"dashboard": True}},
}
"""What the table shows → the arguments for it."""

CONTROL_PLANE: Final = """
from fargate_job_launcher import JobRuns
runs = JobRuns("jobs", {"cluster_arns": ["arn:aws:ecs:eu-west-1:123456789012:cluster/c"]})
"""

_LAUNCHER: Final = """
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {{
    "image": "nginx",
    "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": {runs},
    **{arguments!r},
}})
"""
_RUNS: Final = {
    "table_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs",
    "supervisor_role_arn": "arn:aws:iam::123456789012:role/jobs-supervisor",
    "notice_topic_arn": "arn:aws:sns:eu-west-1:123456789012:jobs-notices",
    "schedule_group_arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/jobs",
}

SOURCE: Final = _LAUNCHER.replace("{runs}", repr(_RUNS).replace("{", "{{").replace("}", "}}"))
"""A launcher whose table, supervisor and topic belong to a JobRuns of another stack."""


def whole(arguments: dict[str, Any]) -> str:
    """A JobRuns, and a launcher that uses it, with these arguments and those that it requires."""
    return CONTROL_PLANE + _LAUNCHER.format(runs="runs.shared", arguments=arguments)


def recorded(arguments: dict[str, Any]) -> Recording:
    """A launcher with these arguments and those that it requires."""
    return _recorded(SOURCE.format(arguments=arguments))


def _recorded(source: str) -> Recording:
    with tempfile.TemporaryDirectory() as folder:
        return record(program(Path(folder), source))


def idle_costs(recording: Recording) -> float:
    """USD per month while nothing is launched, free tiers left aside."""
    total = 0.0
    for it in recording.resources.values():
        if it.kind == "aws:lambda/eventSourceMapping:EventSourceMapping":
            fifo = _queue(recording, it).inputs.get("fifoQueue", False)
            price = PRICES["sqsFifoMillionRequests" if fifo else "sqsMillionRequests"]
            total += POLLS_PER_HOUR * HOURS / 1e6 * price
        elif it.kind == "aws:cloudwatch/eventRule:EventRule" and "scheduleExpression" in it.inputs:
            every = re.fullmatch(r"rate\((\d+) minutes?\)", it.inputs["scheduleExpression"])
            assert every is not None, it.inputs
            function = it.name.replace("-sweep", "-supervisor")
            gib = recording.one("aws:lambda/function:Function", function).inputs["memorySize"] / 1024
            one = PRICES["lambdaMillionRequests"] / 1e6 + SWEEP_SECONDS * gib * PRICES["lambdaGibSecondArm"]
            # Its message is sent to a queue, received and deleted.
            total += HOURS * 60 / int(every[1]) * (one + 3 * PRICES["sqsMillionRequests"] / 1e6)
        elif it.kind == "aws:cloudwatch/metricAlarm:MetricAlarm":
            # One that compares several metrics costs as many alarms.
            metrics = sum("metric" in query for query in it.inputs.get("metricQueries", [])) or 1
            total += metrics * PRICES["cloudwatchAlarmMonth"]
        elif it.kind == "aws:cloudwatch/dashboard:Dashboard":
            total += PRICES["cloudwatchDashboardMonth"]
        else:
            total += _foundation_costs(it)
    return total


def _foundation_costs(it: Recorded) -> float:
    """USD per month of a resource that the launchers need."""
    if it.kind == "awsx:ec2:Vpc":
        zones = int(it.inputs["numberOfAvailabilityZones"])
        gateways = {"None": 0, "Single": 1, "OnePerAz": zones}[it.inputs["natGateways"]["strategy"]]
        return gateways * HOURS * (PRICES["natGatewayHour"] + PRICES["publicAddressHour"])
    if it.kind == "aws:ec2/vpcEndpoint:VpcEndpoint" and it.inputs["vpcEndpointType"] == "Interface":
        return len(it.inputs["subnetIds"]) * HOURS * PRICES["interfaceEndpointHourAndZone"]
    if it.kind == "aws:kms/key:Key":
        return PRICES["kmsKeyMonth"]
    if it.kind == "aws:secretsmanager/secret:Secret":
        return PRICES["secretMonth"]
    assert it.kind in FREE_WHILE_IDLE, it.kind
    return 0.0


FREE_WHILE_IDLE: Final = {
    "pulumi:pulumi:Stack",
    "pulumi:providers:aws",
    "fargate-job-launcher:index:FargateJobLauncher",
    "fargate-job-launcher:index:JobRuns",
    "aws:dynamodb/table:Table",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ecs/taskDefinition:TaskDefinition",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:lambda/alias:Alias",
    "aws:lambda/function:Function",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:lambda/invocation:Invocation",
    "aws:lambda/permission:Permission",
    "aws:scheduler/schedule:Schedule",
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    "aws:sfn/stateMachine:StateMachine",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "aws:sqs/queuePolicy:QueuePolicy",
    "fargate-job-launcher:index:JobCluster",
    "fargate-job-launcher:index:JobNetwork",
    "fargate-job-launcher:index:PayloadBucket",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:ecs/cluster:Cluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    "aws:kms/alias:Alias",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:ecr/repository:Repository",
    "aws:efs/accessPoint:AccessPoint",
    "aws:efs/fileSystem:FileSystem",
    "aws:efs/mountTarget:MountTarget",
    "aws:s3/bucketNotification:BucketNotification",
}
"""Free, or paid for by use, such as what a bucket, a file system or a repository stores."""


def environments() -> str:
    """What each environment creates and costs while nothing is launched, by its resources and not by its file."""
    lines = ["| | " + " | ".join(ENVIRONMENTS) + " |", "| --- |" + " --- |" * len(ENVIRONMENTS)]
    recordings = [record(Stack.read(PROGRAM, it)) for it in ENVIRONMENTS]
    shown: dict[str, Callable[[Recording], str]] = {
        "subnets": lambda it: _network(it)[0],
        "way out": lambda it: _network(it)[1],
        "capacity": lambda it: _each({_settings(job)["capacity"].replace("_", " ") for job in _launchers(it)}),
        "logs kept": lambda it: _each({f"{int(group.inputs['retentionInDays'])} days" for group in it.kind(LOG_GROUP)}),
        "key of its own": lambda it: "yes" if it.kind("aws:kms/key:Key") else "no",
        "alarms": lambda it: str(len(it.kind("aws:cloudwatch/metricAlarm:MetricAlarm"))),
        "protected": lambda it: "what holds data" if it.setting("protect") else "nothing",
        "resources of AWS, without components": lambda it: str(_count(it)),
        "idle, USD a month": lambda it: f"{idle_costs(it):.2f}",
        "of which network": lambda it: f"{_network_costs(it):.2f}",
    }
    lines += [f"| {name} | {' | '.join(map(show, recordings))} |" for name, show in shown.items()]
    return "\n".join(lines)


LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"


def _network(recording: Recording) -> tuple[str, str]:
    """The subnets of the tasks, and how they reach what is outside."""
    made = recording.kind("awsx:ec2:Vpc")
    if not made:
        return "existing", "as they have it"
    (vpc,) = made
    zones, nat = int(vpc.inputs["numberOfAvailabilityZones"]), vpc.inputs["natGateways"]["strategy"]
    kinds = {it["type"] for it in vpc.inputs["subnetSpecs"]}
    public = kinds == {"Public"}
    none = "public addresses" if public else "endpoints"
    out = {"Single": "single NAT gateway", "OnePerAz": "one per az"}.get(nat, none)
    return f"{'public' if public else 'private'}, {zones} zones", out


def _launchers(recording: Recording) -> list[Recorded]:
    functions = recording.kind("aws:lambda/function:Function")
    return [it for it in functions if "LAUNCHER_SETTINGS" in it.inputs["environment"]["variables"]]


def _settings(launcher: Recorded) -> dict[str, Any]:
    return json.loads(launcher.inputs["environment"]["variables"]["LAUNCHER_SETTINGS"])


def _each(found: set[str]) -> str:
    return ", ".join(sorted(found))


def _network_costs(recording: Recording) -> float:
    kinds = ("awsx:ec2:Vpc", "aws:ec2/vpcEndpoint:VpcEndpoint")
    return sum(_foundation_costs(it) for kind in kinds for it in recording.kind(kind))


def features() -> str:
    """What a stack's JobRuns has, what each feature adds to a launcher, and their costs while nothing is launched."""
    lines = ["| component or argument | resources | which | idle, USD a month |", "| --- | --- | --- | --- |"]
    bare = recorded({})
    for shown, whole in (
        ("`JobRuns`, once a stack", _recorded(CONTROL_PLANE)),
        ("a launcher with none of these", bare),
    ):
        lines.append(f"| {shown} | {_count(whole)} | {_listed(_kinds(whole))} | {idle_costs(whole):.2f} |")
    for shown, arguments in FEATURES.items():
        recording = recorded(arguments)
        added = _kinds(recording) - _kinds(bare)
        assert not _kinds(bare) - _kinds(recording), shown
        cost = idle_costs(recording) - idle_costs(bare)
        lines.append(f"| {shown} | +{added.total()} | {_listed(added)} | {cost:.2f} |")
    return "\n".join(lines)


def _queue(recording: Recording, mapping: Recorded) -> Recorded:
    (queue,) = (
        it for it in recording.kind("aws:sqs/queue:Queue") if it.outputs["arn"] == mapping.inputs["eventSourceArn"]
    )
    return queue


def _kinds(recording: Recording) -> Counter[str]:
    return Counter(it.kind.rpartition(":")[2] for it in recording.resources.values() if it.kind.startswith("aws:"))


def _count(recording: Recording) -> int:
    return _kinds(recording).total()


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"


WHY: Final = {
    "execution": "used by ECS to pull this image, write this log and read these secrets before the job's code runs",
    "task": "used by the job's code, which must not be able to read what only ECS needs",
    "launcher": "used by the function: may run this one revision and pass those two roles",
}
"""Reasons for a plain launcher's roles, by the end of their names."""


def launcher() -> str:
    """The resources of a plain launcher, one in each line, and why it needs each."""
    reasons = {
        "Role": lambda of: WHY[of],
        "RolePolicy": lambda of: (
            "which roles the launcher may pass, and what it is denied even if another policy allows it"
            if of == "guard"
            else f"what the {of} role may do; inline, so that it is deleted with the role"
        ),
        "LogGroup": lambda of: (
            f"the log of the {'container' if of == 'job' else 'function'}, kept for `log_retention_days`"
        ),
        "TaskDefinition": lambda _: "the one task that the launcher may run",
        "Function": lambda _: "validates a launch event, runs the task, returns the result",
        "Permission": lambda _: "lets the supervisor's role, and no other, invoke this launcher",
    }
    lines = ["| resource | name | why |", "| --- | --- | --- |"]
    made = [it for it in recorded({}).resources.values() if it.kind.startswith("aws:")]
    for it in sorted(made, key=lambda it: (it.kind.rpartition(":")[2], it.name)):
        kind = it.kind.rpartition(":")[2]
        lines.append(f"| {kind} | `{it.name}` | {reasons[kind](it.name.rpartition('-')[2])} |")
    return "\n".join(lines)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "environments": environments,
    "features": features,
    "launcher": launcher,
    "arguments": reference.arguments,
    "outputs": reference.outputs,
    "event": reference.event,
    "result": reference.result,
    "exports": reference.exports,
}
"""The text between `<!-- NAME -->` and `<!-- /NAME -->` in a page."""


SAID: Final = (
    "CannotPullContainerError: … repository/image:tag: not found",
    "CannotPullContainerError: … 403 Forbidden",
    "CannotPullContainerError: … dial tcp: i/o timeout",
    "CannotPullContainerError: … toomanyrequests",
    "ResourceInitializationError: … unable to retrieve secret from asm: … ResourceNotFoundException",
    "ResourceInitializationError: … unable to retrieve secret from asm: … AccessDeniedException",
    "ResourceInitializationError: … unable to retrieve secret from asm: … context deadline exceeded",
    "exec /usr/local/bin/python: exec format error",
    "OutOfMemoryError: Container killed due to memory usage",
    "Capacity is unavailable at this time",
    "Timeout waiting for network interface provisioning to complete",
    "ECS was unable to assume the role",
    "exit code 127",
    "ran longer than 60 minutes",
)
"""The most frequent messages of ECS or of a container."""


def remedies() -> str:
    """The messages of ECS, and the remedy in the command and in the notices."""
    lines = ["| ECS reports | what to do |", "| --- | --- |"]
    for said in SAID:
        then = remedy(f"{said}: not found in the image" if said == "exit code 127" else said)
        assert then, said
        lines.append(f"| {said} | {then}. |")
    return "\n".join(lines)


COMMANDS: Final = (
    *([], ["launch"], ["list"], ["status"], ["logs"], ["stop"], ["retry"], ["exec"], ["ports"]),
    *(["schedules"], ["schedules", "list"], ["schedules", "pause"], ["schedules", "resume"], ["schedules", "cancel"]),
    *(["dead-letters", *it] for it in ([], ["list"], ["show"], ["redrive"], ["edit"], ["discard"])),
    *(["explain"], ["known-roles"]),
)


def command_help() -> str:
    """The help of the command."""
    shown = list[str]()
    for words in COMMANDS:
        said = CliRunner().invoke(main, [*words, "--help"], prog_name="fargate-job", terminal_width=100).output
        shown.append(f"```text\n$ {' '.join(['fargate-job', *words, '--help'])}\n{said.rstrip()}\n```")
    return "\n\n".join(shown)


def index() -> str:
    """Every page: first those with a number (`<!-- page 10 -->`), in that order, then the others."""

    def place(page: Path) -> tuple[int, str]:
        said = re.search(r"<!-- page (\d+) -->", page.read_text())
        return (int(said[1]) if said else 1000, page.name)

    lines = list[str]()
    for page in sorted((it for it in PAGES if it.parent == DOCS and it.name != "README.md"), key=place):
        title = re.search(r"^# (.+)$", page.read_text(), re.MULTILINE)
        assert title is not None, f"{page.name} has no title"
        lines.append(f"1. [{title[1]}]({page.name})")
    return "\n".join(lines)


def reach() -> str:
    """What a task has to reach because of each argument; arguments without anything to reach are in one line."""
    lines = ["| argument | what the task has to reach |", "| --- | --- |", "| always | `logs`, for the task's log |"]
    lines += [f"| `{key}` | {row.said} |" for key, row in LAUNCHER.items() if row is not NOTHING]
    lines.append(f"| {', '.join(f'`{key}`' for key, row in LAUNCHER.items() if row is NOTHING)} | nothing |")
    return "\n".join(lines)


def function_reach() -> str:
    """What the launcher's function reaches from its own subnets."""
    lines = ["| argument | what the function reaches |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {key} | {said} |" for key, said in FUNCTION.items())])


def _sources(urls: tuple[str, ...]) -> str:
    return " ".join(f"[{number}]({url})" for number, url in enumerate(urls, 1))


def refusals() -> str:
    """What the sandbox refuses as AWS does, row by row."""
    lines = ["| row | what AWS takes | code | words | sources |", "| --- | --- | --- | --- | --- |"]
    for row in TABLE.refusals:
        words = row.words.replace("|", "\\|") if row.seen else f"≈ {row.words}"
        lines.append(f"| `{row.id}` | {row.refuses} | {row.code} | {words} | {_sources(row.sources)} |")
    return "\n".join(lines)


def answers() -> str:
    """How the sandbox answers as AWS does, row by row."""
    lines = ["| row | what AWS does | sources |", "| --- | --- | --- |"]
    lines += [f"| `{row.id}` | {row.answers} | {_sources(row.sources)} |" for row in TABLE.shapes]
    return "\n".join(lines)


PICTURES: Final[dict[str, Callable[[], str]]] = {
    "refusals": refusals,
    "answers": answers,
    "flow": lambda: flow(_recorded(whole(EVERYTHING))),
    "passing": explained.passing,
    "execution": explained.execution,
    "statements": explained.statements,
    "house": house.picture,
    **fixture.TABLES,
    "remedies": remedies,
    "command help": command_help,
    "index": index,
    "reach": reach,
    "function reach": function_reach,
}
"""The same, for pages without prices."""


def written(text: str) -> str:
    """A page with each of its tables and pictures computed again."""
    for name, table in {**TABLES, **PICTURES}.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if begin in text:
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}\n{table()}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    for page in PAGES:
        old = page.read_text()
        if (new := written(old)) != old:
            page.write_text(new)
            sys.stdout.write(f"rewritten: {page.relative_to(PROGRAM)}\n")
