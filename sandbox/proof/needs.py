"""What each role of a launcher has to be allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fargate_job_launcher.handler.partitions import service_host
from fargate_job_launcher.handler.settings import ASYNCHRONOUS_ALIAS, DUE_INDEX

from ..aws.authorization import SCHEDULER_SERVICE, Call
from .calls import (
    Need,
    arns_of,
    event_call,
    family_of,
    granted_resources,
    item_call,
    job_log,
    launch_calls,
    mount_call,
    own_log,
    pass_role_call,
    payload_object,
    repository_of,
    result_object,
    runs_table,
    schedule_call,
    through_service,
)
from .facts import Facts, Role


def launcher_needs(facts: Facts) -> list[Need]:
    """Every call that a launch makes with the function's role."""
    names = {
        "ecs:RunTask": "run the job",
        "ecs:TagResource": "tag the task",
    }
    calls = [
        *launch_calls(facts),
        *(
            call
            for role in facts.choices
            for call in launch_calls(facts, overrides={"taskRoleArn": role.arn})
            if call.resource == role.arn
        ),
    ]
    needs = [Need(names.get(call.action, f"hand {call.resource.rpartition('/')[2]} to ECS"), call) for call in calls]
    stream = f"{own_log(facts)}:log-stream:s"
    needs += [Need(f"write its log ({a})", Call(f"logs:{a}", stream)) for a in ("CreateLogStream", "PutLogEvents")]
    return [*needs, *_run_needs(facts), *_later_needs(facts), *_data_needs(facts), *_lambda_needs(facts)]


def _run_needs(facts: Facts) -> Iterator[Need]:
    """Calls for the job's runs: to keep each, to find out how it ended, and to tell its end."""
    settings, table, own = facts.settings, runs_table(facts), family_of(facts)
    yield Need("look its run up", item_call("GetItem", table, own))
    yield Need("keep its run", item_call("PutItem", table, own))
    yield Need("find the job's tasks", Call("ecs:ListTasks", "*", {"ecs:cluster": facts.cluster_arn}))
    yield Need("announce the end of its run", event_call(facts))
    if settings.notice_topic:
        yield Need("tell that its run failed", Call("sns:Publish", settings.notice_topic))
    if settings.log_lines:
        yield Need("read the last lines of a task", Call("logs:GetLogEvents", f"{job_log(facts)}:log-stream:s"))
    if settings.callbacks:
        machines = granted_resources(facts.launcher, "states:SendTaskSuccess")
        # Settings say only that there are some.
        for machine in machines or [arns_of(facts)("states", "stateMachine:unknown")]:
            for action in ("SendTaskFailure", "SendTaskSuccess"):
                name = machine.rpartition(":")[2]
                yield Need(f"answer an execution of {name} ({action})", Call(f"states:{action}", machine))


def _later_needs(facts: Facts) -> Iterator[Need]:
    """Calls for launches at a later time, each by a schedule of its own."""
    later = facts.settings.scheduling
    if later is None:
        return
    for action, name in {
        "CreateSchedule": "schedule a launch",
        "GetSchedule": "look a scheduled launch up",
        "DeleteSchedule": "cancel a scheduled launch",
    }.items():
        yield Need(name, schedule_call(facts, action, f"{later.prefix}0123"))
    name = later.role.rpartition("/")[2]
    yield Need(f"hand {name} to Scheduler", pass_role_call(later.role, SCHEDULER_SERVICE))


def schedule_needs(facts: Facts) -> list[Need]:
    """What Scheduler does with the role of the launcher's schedules; none without such a role."""
    later = facts.settings.scheduling
    if facts.schedule is None or later is None:
        return []
    alias = f"{facts.function['FunctionArn']}:{ASYNCHRONOUS_ALIAS}"
    return [
        Need("launch the job", Call("lambda:InvokeFunction", alias)),
        Need("keep a launch that was not delivered", Call("sqs:SendMessage", later.dead_letters)),
        *_key_needs(facts.schedule),
    ]


def _data_needs(facts: Facts) -> Iterator[Need]:
    """Calls for payloads, results and dead letters, if the function's settings have them."""
    settings = facts.settings
    if settings.payload_prefix:
        yield Need("store a large payload", Call("s3:PutObject", payload_object(facts)))
        yield Need("see whether a payload is still there", Call("s3:GetObject", payload_object(facts)))
    if settings.result_prefix:
        yield Need("read a result", Call("s3:GetObject", result_object(facts)))
    if settings.result_prefix and settings.payload_key:
        decrypt = Call("kms:Decrypt", settings.payload_key, through_service(facts, "s3"))
        yield Need("decrypt a result", decrypt)
    if settings.payload_prefix and settings.payload_key:
        encrypt = Call("kms:GenerateDataKey", settings.payload_key, through_service(facts, "s3"))
        yield Need("encrypt a payload", encrypt)
    if settings.dead_letter_queue:
        queue = arns_of(facts)("sqs", settings.dead_letter_queue.rpartition("/")[2])
        yield Need("keep a dead letter", Call("sqs:SendMessage", queue))


def _lambda_needs(facts: Facts) -> Iterator[Need]:
    """What Lambda does with the function's role: take from its queue, send its traces, join its VPC."""
    for action, name in {
        "sqs:ReceiveMessage": "take launches from its queue",
        "sqs:DeleteMessage": "take launches out of its queue",
        "sqs:GetQueueAttributes": "see its queue",
    }.items():
        for queue in granted_resources(facts.launcher, action):
            yield Need(name, Call(action, queue))
    yield from _key_needs(facts.launcher)
    if facts.function.get("TracingConfig", {}).get("Mode") == "Active":
        for action in ("PutTelemetryRecords", "PutTraceSegments"):
            yield Need(f"send its trace ({action})", Call(f"xray:{action}", "*"))
    if facts.function.get("VpcConfig", {}).get("SubnetIds"):
        for action in _INTERFACES:
            yield Need(f"join its VPC ({action})", Call(f"ec2:{action}", "*"))


_INTERFACES: Final = (
    *("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface"),
    *("DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses"),
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""


def supervisor_needs(role: Role, facts: Facts) -> list[Need]:
    """Every call that the supervisor makes with its role, and that Lambda makes with it to bring it its events."""
    here, table = {"ecs:cluster": facts.cluster_arn}, runs_table(facts)
    names = {
        "sqs:ReceiveMessage": "receive events of stopped tasks",
        "sqs:DeleteMessage": "delete the event of a stopped task",
        "sqs:GetQueueAttributes": "see its queue",
        "logs:CreateLogStream": "write its log (CreateLogStream)",
        "logs:PutLogEvents": "write its log (PutLogEvents)",
        "ecs:DescribeTasks": "look at a task",
        "ecs:StopTask": "stop a task that is late",
        "ecs:ListTasks": "count the tasks that run",
        "sqs:SendMessage": "remind itself of an array",
    }
    needs = [
        Need("look a run up", item_call("GetItem", table, family_of(facts))),
        Need("write down how a run goes on", item_call("PutItem", table, family_of(facts))),
        Need("go on with another job's run", item_call("PutItem", table, f"{family_of(facts)}-2")),
        Need("find what is due", item_call("Query", f"{table}/index/{DUE_INDEX}", "due")),
    ]
    needs += [
        Need(name, Call(action, resource, here if action.startswith("ecs:") else {}))
        for action, name in names.items()
        for resource in granted_resources(role, action)
    ]
    return [*needs, *_key_needs(role)]


def task_needs(facts: Facts) -> list[Need]:
    """What is done with the task role because the job's arguments ask for it: payloads, mounts, shells."""
    needs: list[Need] = []
    if facts.settings.payload_prefix:
        needs.append(Need("read its payload", Call("s3:GetObject", payload_object(facts))))
    if facts.settings.payload_prefix and facts.settings.payload_key:
        decrypt = Call("kms:Decrypt", facts.settings.payload_key, through_service(facts, "s3"))
        needs.append(Need("decrypt its payload", decrypt))
    if facts.settings.result_prefix:
        needs.append(Need("leave its result", Call("s3:PutObject", result_object(facts))))
    if facts.settings.result_prefix and facts.settings.payload_key:
        encrypt = Call("kms:GenerateDataKey", facts.settings.payload_key, through_service(facts, "s3"))
        needs.append(Need("encrypt its result", encrypt))
    read_only = {
        mount["sourceVolume"]
        for container in facts.definition["containerDefinitions"]
        for mount in container.get("mountPoints", [])
        if mount.get("readOnly")
    }
    for volume in facts.definition.get("volumes", []):
        if "efsVolumeConfiguration" not in volume:
            continue
        system, context = mount_call(facts, volume["efsVolumeConfiguration"])
        needs.append(Need(f"mount {volume['name']}", Call("elasticfilesystem:ClientMount", system, context)))
        if volume["name"] not in read_only:
            needs.append(Need(f"write to {volume['name']}", Call("elasticfilesystem:ClientWrite", system, context)))
    if facts.settings.exec:
        needs += [Need(f"open a shell ({it})", Call(f"ssmmessages:{it}", "*")) for it in _CHANNELS]
    return needs


_CHANNELS: Final = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")


_WITH_A_KEY: Final = {
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "dynamodb:PutItem": ("kms:Decrypt",),
}
"""What a service does with the caller's permissions where its data is encrypted with a customer-managed key.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
"""


def _key_needs(role: Role) -> Iterator[Need]:
    keys = [*granted_resources(role, "kms:GenerateDataKey"), *granted_resources(role, "kms:Decrypt")]
    if not keys:
        return
    _, partition, _, region, _ = keys[0].split(":", 4)
    for why, actions in _WITH_A_KEY.items():
        for action in actions if granted_resources(role, why) else ():
            through = {"kms:ViaService": service_host(why.partition(":")[0], region, partition)}
            word = "encrypt" if action.endswith("DataKey") else "decrypt"
            yield Need(f"{word} for {why} ({action})", Call(action, keys[0], through))


def execution_needs(facts: Facts) -> list[Need]:
    """Every call that ECS makes with the execution role before the container runs."""
    needs: list[Need] = []
    for container in facts.definition["containerDefinitions"]:
        repository = repository_of(facts, container["image"])
        if repository:
            needs.append(Need("log in to the registry", Call("ecr:GetAuthorizationToken", "*")))
            for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
                needs.append(Need(f"pull the image ({action})", Call(f"ecr:{action}", repository)))
        stream = f"{job_log(facts)}:log-stream:s"
        for action in ("CreateLogStream", "PutLogEvents"):
            needs.append(Need(f"write the job's log ({action})", Call(f"logs:{action}", stream)))
        registry = container.get("repositoryCredentials", {}).get("credentialsParameter")
        if registry:
            call = Call("secretsmanager:GetSecretValue", registry)
            needs.append(Need("log in to the private registry", call))
        for secret in container.get("secrets", []):
            arn = ":".join(secret["valueFrom"].split(":")[:7])
            action = "ssm:GetParameters" if ":ssm:" in arn else "secretsmanager:GetSecretValue"
            needs.append(Need(f"read {secret['name']}", Call(action, arn)))
    for action in ("BatchImportUpstreamImage", "CreateRepository"):
        for repository in granted_resources(facts.execution, f"ecr:{action}"):
            needs.append(Need(f"fetch the image through the cache ({action})", Call(f"ecr:{action}", repository)))
    services = sorted({it.call.action.partition(":")[0] for it in needs} & {"secretsmanager", "ssm"})
    for key in granted_resources(facts.execution, "kms:Decrypt"):
        # An adopted role may say `*` in place of a key: then the keys of the job's own region are meant.
        _, partition, _, region, _ = (key if key.startswith("arn:") else facts.cluster_arn).split(":", 4)
        for service in services:
            through = {"kms:ViaService": service_host(service, region, partition)}
            needs.append(Need(f"decrypt a secret of {service}", Call("kms:Decrypt", key, through)))
    return needs
