"""What a launcher's roles have to be allowed, and what they must never be: named calls, to hold any policy against.

The calls are made from a deployed launcher's own facts, so that they fit its exact names. A launch's own calls come
from authorization.run_task_calls, the same list that the gate works through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.handler.partitions import service_host

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


def launcher_needs(facts: Facts) -> list[Need]:
    """Every call that a launch makes with the function's role."""
    names = {
        "ecs:RunTask": "run the job",
        "ecs:TagResource": "tag the task",
    }
    calls = [
        *_launch(facts),
        *(
            call
            for role in facts.choices
            for call in _launch(facts, overrides={"taskRoleArn": role.arn})
            if call.resource == role.arn
        ),
    ]
    needs = [Need(names.get(call.action, f"hand {call.resource.rpartition('/')[2]} to ECS"), call) for call in calls]
    stream = f"{_own_log(facts)}:log-stream:s"
    needs += [Need(f"write its log ({a})", Call(f"logs:{a}", stream)) for a in ("CreateLogStream", "PutLogEvents")]
    return [*needs, *_data_needs(facts), *_lambda_needs(facts)]


def _data_needs(facts: Facts) -> Iterator[Need]:
    """Calls for payloads, dead letters and the job's running tasks, if the function's settings have them."""
    settings = facts.settings
    if settings.payload_prefix:
        yield Need("store a large payload", Call("s3:PutObject", _payload(facts)))
    if settings.payload_key:
        encrypt = Call("kms:GenerateDataKey", settings.payload_key, _through(facts, "s3"))
        yield Need("encrypt a payload", encrypt)
    if settings.dead_letter_queue:
        queue = _arn(facts)("sqs", settings.dead_letter_queue.rpartition("/")[2])
        yield Need("keep a dead letter", Call("sqs:SendMessage", queue))
    if settings.max_running:
        yield Need("count the job's tasks", Call("ecs:ListTasks", "*", {"ecs:cluster": facts.cluster_arn}))


def _lambda_needs(facts: Facts) -> Iterator[Need]:
    """What Lambda does with the function's role: take from its queue, send its traces, join its VPC."""
    for action, name in {
        "sqs:ReceiveMessage": "take launches from its queue",
        "sqs:DeleteMessage": "take launches out of its queue",
        "sqs:GetQueueAttributes": "see its queue",
    }.items():
        for queue in _granted(facts.launcher, action):
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
    here = {"ecs:cluster": facts.cluster_arn}
    names = {
        "sqs:ReceiveMessage": "receive events of stopped tasks",
        "sqs:DeleteMessage": "delete the event of a stopped task",
        "sqs:GetQueueAttributes": "see its queue",
        "sns:Publish": "publish a failure",
        "logs:CreateLogStream": "write its log (CreateLogStream)",
        "logs:PutLogEvents": "write its log (PutLogEvents)",
        "logs:DescribeLogStreams": "see whether a notice was sent",
        "ecs:DescribeTasks": "look at a task",
        "ecs:StopTask": "stop a task that runs too long",
        "ecs:ListTasks": "find what runs too long",
        "lambda:InvokeFunction": "launch a job again",
    }
    needs = [
        Need(name, Call(action, resource, here if action.startswith("ecs:") else {}))
        for action, name in names.items()
        for resource in _granted(role, action)
    ]
    return [*needs, *_key_needs(role)]


def supervisor_attacks(role: Role, facts: Facts) -> list[Attack]:
    """What an attacker who runs code in the supervisor would try."""
    place, arn, cluster = _arn(facts), facts.definition["taskDefinitionArn"], facts.cluster_arn.rpartition("/")[2]
    here, elsewhere = {"ecs:cluster": facts.cluster_arn}, {"ecs:cluster": f"{facts.cluster_arn}-2"}
    own, other = place("ecs", f"task/{cluster}/0123"), place("ecs", f"task/{cluster}-2/0123")
    queue, topic = (next(iter(_granted(role, it))) for it in ("sqs:ReceiveMessage", "sns:Publish"))
    return [
        Attack("run the job itself", Call("ecs:RunTask", arn, here)),
        Attack("hand the execution role to ECS", _pass(facts.execution.arn)),
        Attack("hand its own role to ECS", _pass(role.arn)),
        Attack("stop a task of another cluster", Call("ecs:StopTask", other, elsewhere)),
        Attack("stop a task by naming no cluster", Call("ecs:StopTask", own)),
        Attack("look at a task of another cluster", Call("ecs:DescribeTasks", other, elsewhere)),
        Attack("list the tasks of another cluster", Call("ecs:ListTasks", "*", elsewhere)),
        Attack("open a shell in a task", Call("ecs:ExecuteCommand", own, here)),
        Attack("tag a task", Call("ecs:TagResource", own, {"ecs:CreateAction": "RunTask"})),
        Attack("invoke another function", Call("lambda:InvokeFunction", place("lambda", "function:another"))),
        Attack("rewrite the launcher", Call("lambda:UpdateFunctionCode", place("lambda", "function:another"))),
        Attack("publish to another topic", Call("sns:Publish", f"{topic}-2")),
        Attack("subscribe to its topic", Call("sns:Subscribe", topic)),
        Attack("take from another queue", Call("sqs:ReceiveMessage", f"{queue}-2")),
        Attack("forge the end of a task", Call("sqs:SendMessage", queue)),
        Attack("write the launcher's log", Call("logs:PutLogEvents", f"{_own_log(facts)}:log-stream:s")),
        Attack("write its own policy", Call("iam:PutRolePolicy", role.arn)),
    ]


def task_needs(facts: Facts) -> list[Need]:
    """What is done with the task role because the job's arguments ask for it: payloads, mounts, shells."""
    needs: list[Need] = []
    if facts.settings.payload_prefix:
        needs.append(Need("read its payload", Call("s3:GetObject", _payload(facts))))
    if facts.settings.payload_key:
        decrypt = Call("kms:Decrypt", facts.settings.payload_key, _through(facts, "s3"))
        needs.append(Need("decrypt its payload", decrypt))
    read_only = {
        mount["sourceVolume"]
        for container in facts.definition["containerDefinitions"]
        for mount in container.get("mountPoints", [])
        if mount.get("readOnly")
    }
    for volume in facts.definition.get("volumes", []):
        if "efsVolumeConfiguration" not in volume:
            continue
        system, context = _mount(facts, volume["efsVolumeConfiguration"])
        needs.append(Need(f"mount {volume['name']}", Call("elasticfilesystem:ClientMount", system, context)))
        if volume["name"] not in read_only:
            needs.append(Need(f"write to {volume['name']}", Call("elasticfilesystem:ClientWrite", system, context)))
    if facts.settings.exec:
        needs += [Need(f"open a shell ({it})", Call(f"ssmmessages:{it}", "*")) for it in _CHANNELS]
    return needs


_CHANNELS: Final = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")


def task_attacks(facts: Facts) -> list[Attack]:
    """What the job's code must not reach through what its arguments ask for."""
    attacks: list[Attack] = []
    for volume in facts.definition.get("volumes", []):
        if "efsVolumeConfiguration" not in volume:
            continue
        name, (system, context) = volume["name"], _mount(facts, volume["efsVolumeConfiguration"])
        point = {"elasticfilesystem:AccessPointArn": f"{context['elasticfilesystem:AccessPointArn']}0"}
        for action in ("ClientMount", "ClientWrite"):
            call = f"elasticfilesystem:{action}"
            attacks += [
                Attack(f"{action} {name} through no access point", Call(call, system)),
                Attack(f"{action} {name} through another access point", Call(call, system, point)),
                Attack(f"{action} another file system", Call(call, f"{system}0", context)),
            ]
        attacks.append(
            Attack(f"be root on {name}", Call("elasticfilesystem:ClientRootAccess", system, context)),
        )
    if not facts.settings.exec:
        attacks.append(Attack("open a shell", Call("ssmmessages:OpenDataChannel", "*")))
    return attacks


def _mount(facts: Facts, volume: Document) -> tuple[str, dict[str, str]]:
    """ARN of an EFS volume's file system, and what EFS tells IAM of a mount."""
    place, point = _arn(facts), volume["authorizationConfig"]["accessPointId"]
    context = {"elasticfilesystem:AccessPointArn": place("elasticfilesystem", f"access-point/{point}")}
    return place("elasticfilesystem", f"file-system/{volume['fileSystemId']}"), context


_WITH_A_KEY: Final = {
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
}
"""What a service does with the caller's permissions where messages are encrypted with a customer-managed key.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""


def _key_needs(role: Role) -> Iterator[Need]:
    keys = [*_granted(role, "kms:GenerateDataKey"), *_granted(role, "kms:Decrypt")]
    if not keys:
        return
    _, partition, _, region, _ = keys[0].split(":", 4)
    for why, actions in _WITH_A_KEY.items():
        for action in actions if _granted(role, why) else ():
            through = {"kms:ViaService": service_host(why.partition(":")[0], region, partition)}
            word = "encrypt" if action.endswith("DataKey") else "decrypt"
            yield Need(f"{word} for {why} ({action})", Call(action, keys[0], through))


def _granted(role: Role, action: str) -> list[str]:
    """One resource for each that the role's own statements allow this action on."""
    return [
        resource.replace("*", "0123")
        for statement in role.statements
        if statement["Effect"] == "Allow" and action in listed(statement.get("Action", []))
        for resource in listed(statement.get("Resource", []))
    ]


def execution_needs(facts: Facts) -> list[Need]:
    """Every call that ECS makes with the execution role before the container runs."""
    needs: list[Need] = []
    for container in facts.definition["containerDefinitions"]:
        repository = _repository(facts, container["image"])
        if repository:
            needs.append(Need("log in to the registry", Call("ecr:GetAuthorizationToken", "*")))
            for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
                needs.append(Need(f"pull the image ({action})", Call(f"ecr:{action}", repository)))
        stream = f"{_job_log(facts)}:log-stream:s"
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
        for repository in _granted(facts.execution, f"ecr:{action}"):
            needs.append(Need(f"fetch the image through the cache ({action})", Call(f"ecr:{action}", repository)))
    services = sorted({it.call.action.partition(":")[0] for it in needs} & {"secretsmanager", "ssm"})
    for key in _granted(facts.execution, "kms:Decrypt"):
        # An adopted role may say `*` in place of a key: then the keys of the job's own region are meant.
        _, partition, _, region, _ = (key if key.startswith("arn:") else facts.cluster_arn).split(":", 4)
        for service in services:
            through = {"kms:ViaService": service_host(service, region, partition)}
            needs.append(Need(f"decrypt a secret of {service}", Call("kms:Decrypt", key, through)))
    return needs


def launcher_attacks(facts: Facts) -> list[Attack]:
    """What an attacker who runs code in the function would try."""
    return [
        *_passing(facts),
        *_running(facts),
        *_other_ecs(facts),
        *_logging(facts),
        *_data(facts),
        *_escalating(facts),
    ]


def execution_attacks(facts: Facts) -> list[Attack]:
    """What a task that ECS starts must not reach through its execution role."""
    place = _arn(facts)
    job = _job_log(facts)
    return [
        Attack("pull another image", Call("ecr:BatchGetImage", place("ecr", "repository/another"))),
        Attack("push an image", Call("ecr:PutImage", place("ecr", "repository/another"))),
        Attack(
            "read another secret",
            Call("secretsmanager:GetSecretValue", place("secretsmanager", "secret:another-AbCdEf")),
        ),
        Attack("read another parameter", Call("ssm:GetParameters", place("ssm", "parameter/another"))),
        Attack("read every parameter of a path", Call("ssm:GetParametersByPath", place("ssm", "parameter/"))),
        Attack("decrypt with another key", Call("kms:Decrypt", place("kms", "key/another"))),
        *(
            Attack("decrypt with a secret's key by itself", Call("kms:Decrypt", key))
            for key in _granted(facts.execution, "kms:Decrypt")[:1]
        ),
        Attack("write the launcher's log", Call("logs:PutLogEvents", f"{_own_log(facts)}:log-stream:s")),
        Attack("write a sibling's log", Call("logs:PutLogEvents", f"{job}-2:log-stream:s")),
        Attack("make a log group", Call("logs:CreateLogGroup", job)),
        Attack("read the job's log", Call("logs:GetLogEvents", f"{job}:log-stream:s")),
        Attack(
            "run a task", Call("ecs:RunTask", facts.definition["taskDefinitionArn"], {"ecs:cluster": facts.cluster_arn})
        ),
        Attack("pass itself on", _pass(facts.execution.arn)),
    ]


def _passing(facts: Facts) -> Iterator[Attack]:
    own, account, partition = facts.execution.arn, _account(facts), facts.cluster_arn.split(":")[1]
    base = f"arn:{partition}:iam::{account}:role"
    other_account = own.replace(f"::{account}:", "::999999999999:")
    foreign_partition = own.replace(f"arn:{partition}:", "arn:aws-iso:", 1)
    for name, arn in {
        "an administrator's role": f"{base}/Administrator",
        "the account's shared ecsTaskExecutionRole": f"{base}/ecsTaskExecutionRole",
        "the organization's access role": f"{base}/OrganizationAccountAccessRole",
        "a service-linked role": f"{base}/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "the launcher's own role": facts.launcher.arn,
        "a role whose name begins like the execution role's": f"{own}-admin",
        "a role whose name is a part of the execution role's": own[:-1],
        "a role whose name begins like the task role's": f"{facts.task.arn}2",
        "the execution role's name under another path": f"{base}/other/{facts.execution.name}",
        "the execution role's name in capitals": f"{base}/{facts.execution.name.upper()}",
        "the execution role of another account": other_account,
        "the execution role of another partition": foreign_partition,
        "every role at once": f"{base}/*",
    }.items():
        yield Attack(f"hand {name} to ECS", _pass(arn))
        yield Attack(f"hand {name} to ECS, after somebody allowed everything", _pass(arn), broad=True)
    for service in ("ec2", "lambda", "ecs", "glue", "sagemaker", "cloudformation", "codebuild"):
        yield Attack(f"hand the execution role to {service}", _pass(own, f"{service}.amazonaws.com"))
    yield Attack("hand the task role to ec2", _pass(facts.task.arn, "ec2.amazonaws.com"))
    yield Attack(
        "hand the task role to a look-alike service", _pass(facts.task.arn, "ecs-tasks.amazonaws.com.evil.example")
    )
    yield Attack("hand the task role to nobody in particular", Call("iam:PassRole", facts.task.arn))


def _running(facts: Facts) -> Iterator[Attack]:
    arn = facts.definition["taskDefinitionArn"]
    family, revision = arn.rpartition(":")[0], int(arn.rpartition(":")[2])
    region, account = facts.cluster_arn.split(":")[3], _account(facts)
    (run,) = (call for call in _launch(facts) if call.action == "ecs:RunTask")

    def on(definition: str) -> Call:
        return Call(run.action, definition, run.context)

    def given(**changed: str) -> Call:
        context = {**run.context, **{key.replace("__", ":").replace("_", "-"): value for key, value in changed.items()}}
        return Call(run.action, run.resource, context)

    for name, definition in {
        "another job": f"{family.rpartition('/')[0]}/another:1",
        "a job whose name begins the same": f"{family}-admin:{revision}",
        "the next revision": f"{family}:{revision + 1}",
        "a revision whose number begins the same": f"{family}:{revision}0",
        "any revision": f"{family}:*",
        "the bare family": family,
        "the same job of another region": arn.replace(f":{region}:", ":us-west-2:"),
        "the same job of another account": arn.replace(f":{account}:", ":999999999999:"),
    }.items():
        yield Attack(f"run {name}", on(definition))
    for name, cluster in {
        "another cluster": f"{facts.cluster_arn.rpartition('/')[0]}/another",
        "a cluster whose name begins the same": f"{facts.cluster_arn}-2",
        "the same cluster of another account": facts.cluster_arn.replace(f":{account}:", ":999999999999:"),
    }.items():
        yield Attack(f"run the job in {name}", given(ecs__cluster=cluster))
    context = {key: value for key, value in run.context.items() if key != "ecs:cluster"}
    yield Attack("run the job in no cluster in particular", Call(run.action, run.resource, context))
    if not facts.settings.exec:
        yield Attack("run the job with ECS Exec, which opens a shell in it", given(ecs__enable_execute_command="true"))
    yield Attack("run the job with an EBS volume", given(ecs__enable_ebs_volumes="true"))
    settings, most = facts.settings, facts.settings.overrides
    cpu, memory = max(settings.cpu, most.cpu), max(settings.memory, most.memory)
    yield Attack("run the job with twice the CPU that it may have", given(ecs__task_cpu=str(cpu * 2)))
    yield Attack("run the job with one MiB more than it may have", given(ecs__task_memory=str(memory + 1)))


def _other_ecs(facts: Facts) -> Iterator[Attack]:
    arn, place = facts.definition["taskDefinitionArn"], _arn(facts)
    cluster = facts.cluster_arn.rpartition("/")[2]
    task, at_launch = place("ecs", f"task/{cluster}/0123"), {"ecs:CreateAction": "RunTask"}
    on_cluster = {"ecs:cluster": facts.cluster_arn}
    yield Attack("start the job on an instance", Call("ecs:StartTask", arn, on_cluster))
    yield Attack("register a task definition", Call("ecs:RegisterTaskDefinition", "*"))
    yield Attack("retire the job's revision", Call("ecs:DeregisterTaskDefinition", "*"))
    yield Attack(
        "make a service of the job", Call("ecs:CreateService", place("ecs", f"service/{cluster}/s"), on_cluster)
    )
    yield Attack("open a shell in a task", Call("ecs:ExecuteCommand", task, on_cluster))
    yield Attack("stop a task", Call("ecs:StopTask", task, on_cluster))
    yield Attack("tag a task after its launch", Call("ecs:TagResource", task))
    yield Attack(
        "tag as if a service had been made", Call("ecs:TagResource", task, {"ecs:CreateAction": "CreateService"})
    )
    yield Attack("tag a task of another cluster", Call("ecs:TagResource", place("ecs", "task/another/1"), at_launch))
    yield Attack("tag the cluster", Call("ecs:TagResource", facts.cluster_arn, at_launch))
    yield Attack("take a task's tags", Call("ecs:UntagResource", task))


def _logging(facts: Facts) -> Iterator[Attack]:
    own = _own_log(facts)
    yield Attack("write the job's log", Call("logs:PutLogEvents", f"{_job_log(facts)}:log-stream:s"))
    yield Attack("write a sibling's log", Call("logs:PutLogEvents", f"{own}-2:log-stream:s"))
    yield Attack("make a log group", Call("logs:CreateLogGroup", own))
    yield Attack("delete its own log", Call("logs:DeleteLogGroup", own))
    yield Attack("read its own log", Call("logs:GetLogEvents", f"{own}:log-stream:s"))


def _data(facts: Facts) -> Iterator[Attack]:
    """The payload bucket and the dead-letter queue, where there are any; strangers' ones where there are not."""
    put = _payload(facts)
    queue = _arn(facts)("sqs", facts.settings.dead_letter_queue.rpartition("/")[2] or "dead-letters")
    bucket, prefix = put.rpartition(":")[2].split("/")[:2]
    base = put.rpartition(":")[0]
    yield Attack("store a payload of another job", Call("s3:PutObject", f"{base}:{bucket}/another/0123"))
    yield Attack("store a payload of a sibling", Call("s3:PutObject", f"{base}:{bucket}/{prefix}-2/0123"))
    yield Attack("store an object in another bucket", Call("s3:PutObject", f"{base}:{bucket}-2/{prefix}/0123"))
    for action in ("GetObject", "DeleteObject", "PutObjectAcl"):
        yield Attack(f"reach a payload that is stored ({action})", Call(f"s3:{action}", put))
    yield Attack("list the payloads", Call("s3:ListBucket", f"{base}:{bucket}"))
    yield Attack("open the bucket to others", Call("s3:PutBucketPolicy", f"{base}:{bucket}"))
    yield Attack("send a message to another queue", Call("sqs:SendMessage", f"{queue}-2"))
    for action in ("ReceiveMessage", "DeleteMessage", "PurgeQueue", "SetQueueAttributes"):
        yield Attack(f"reach the dead letters ({action})", Call(f"sqs:{action}", queue))


def _escalating(facts: Facts) -> Iterator[Attack]:
    place = _arn(facts)
    function = place("lambda", "function:another")
    yield Attack("write its own policy", Call("iam:PutRolePolicy", facts.launcher.arn))
    yield Attack("attach a policy to the task role", Call("iam:AttachRolePolicy", facts.task.arn))
    yield Attack("let somebody else assume the task role", Call("iam:UpdateAssumeRolePolicy", facts.task.arn))
    yield Attack("make a role", Call("iam:CreateRole", f"{facts.launcher.arn}-2"))
    yield Attack("assume the task role", Call("sts:AssumeRole", facts.task.arn))
    yield Attack("rewrite a function", Call("lambda:UpdateFunctionCode", function))
    yield Attack("invoke another function", Call("lambda:InvokeFunction", function))
    yield Attack("read a secret", Call("secretsmanager:GetSecretValue", place("secretsmanager", "secret:s-AbCdEf")))
    # With the credentials of a function its own code is told from Lambda itself.
    by_its_code = {"lambda:SourceFunctionArn": function}
    for action in ("CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses"):
        yield Attack(f"{action} with the function's own code", Call(f"ec2:{action}", "*", by_its_code))
    yield Attack("start an instance", Call("ec2:RunInstances", place("ec2", "instance/*")))
    yield Attack("decrypt", Call("kms:Decrypt", place("kms", "key/k")))
    key = facts.settings.payload_key or next(iter(_granted(facts.launcher, "kms:Decrypt")), place("kms", "key/jobs"))
    yield Attack("decrypt with the stack's key what lies elsewhere", Call("kms:Decrypt", key))
    for service, what in {"s3": "a stored payload", "secretsmanager": "a secret"}.items():
        yield Attack(f"decrypt {what} with the stack's key", Call("kms:Decrypt", key, _through(facts, service)))
    yield Attack("change the stack's key", Call("kms:PutKeyPolicy", key))


def _launch(facts: Facts, **changed: Any) -> list[Call]:
    request = {"propagateTags": "TASK_DEFINITION", **changed}
    return run_task_calls(request, facts.definition, facts.cluster_arn)


def _pass(role: str, service: str = TASKS_SERVICE) -> Call:
    return Call("iam:PassRole", role, {"iam:PassedToService": service})


def _account(facts: Facts) -> str:
    return facts.cluster_arn.split(":")[4]


def _arn(facts: Facts) -> Callable[[str, str], str]:
    _, partition, _, region, account, _ = facts.cluster_arn.split(":", 5)
    return lambda service, rest: f"arn:{partition}:{service}:{region}:{account}:{rest}"


def _payload(facts: Facts) -> str:
    """A payload of the job; of some other one where it has none."""
    prefix = facts.settings.payload_prefix.removeprefix("s3://") or "payloads/job/"
    return f"arn:{facts.cluster_arn.split(':')[1]}:s3:::{prefix}0123"


def _through(facts: Facts, service: str) -> dict[str, str]:
    """What KMS tells IAM of a service that uses a key on the caller's behalf."""
    _, partition, _, region, *_ = facts.cluster_arn.split(":")
    return {"kms:ViaService": service_host(service, region, partition)}


def _job_log(facts: Facts) -> str:
    options = facts.definition["containerDefinitions"][0]["logConfiguration"]["options"]
    return _arn(facts)("logs", f"log-group:{options['awslogs-group']}")


def _own_log(facts: Facts) -> str:
    """The group that the function writes to, as its policy names it."""
    writing = (it for it in facts.launcher.statements if "logs:PutLogEvents" in listed(it.get("Action", [])))
    resource = next(
        (listed(it["Resource"])[0] for it in writing), _arn(facts)("logs", "log-group:/aws/lambda/launcher:*")
    )
    return resource.removesuffix(":*")


def _repository(facts: Facts, image: str) -> str | None:
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
