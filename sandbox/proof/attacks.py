"""What each role of a launcher must never be allowed."""

from __future__ import annotations

from collections.abc import Iterator

from fargate_job_launcher.handler.settings import HISTORY_INDEX

from ..aws.authorization import Call
from .calls import (
    Attack,
    account_of,
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
    result_object,
    runs_table,
    schedule_call,
    through_service,
)
from .facts import Facts, Role
from .run_attacks import on_runs, on_telling
from .schedule_attacks import on_schedules


def supervisor_attacks(role: Role, facts: Facts) -> list[Attack]:
    """What an attacker who runs code in the supervisor would try."""
    place, arn, cluster = arns_of(facts), facts.definition["taskDefinitionArn"], facts.cluster_arn.rpartition("/")[2]
    here, elsewhere = {"ecs:cluster": facts.cluster_arn}, {"ecs:cluster": f"{facts.cluster_arn}-2"}
    own, other = place("ecs", f"task/{cluster}/0123"), place("ecs", f"task/{cluster}-2/0123")
    (queue,) = granted_resources(role, "sqs:ReceiveMessage")
    table, launcher = runs_table(facts), facts.function["FunctionArn"]
    return [
        Attack("run the job itself", Call("ecs:RunTask", arn, here)),
        Attack("hand the execution role to ECS", pass_role_call(facts.execution.arn)),
        Attack("hand its own role to ECS", pass_role_call(role.arn)),
        Attack("stop a task of another cluster", Call("ecs:StopTask", other, elsewhere)),
        Attack("stop a task by naming no cluster", Call("ecs:StopTask", own)),
        Attack("look at a task of another cluster", Call("ecs:DescribeTasks", other, elsewhere)),
        Attack("list the tasks of another cluster", Call("ecs:ListTasks", "*", elsewhere)),
        Attack("open a shell in a task", Call("ecs:ExecuteCommand", own, here)),
        Attack("tag a task", Call("ecs:TagResource", own, {"ecs:CreateAction": "RunTask"})),
        Attack("invoke another function", Call("lambda:InvokeFunction", place("lambda", "function:another"))),
        # The launcher's own policy lets it, and only there.
        Attack("invoke a launcher that does not let it", Call("lambda:InvokeFunction", launcher)),
        Attack("rewrite the launcher", Call("lambda:UpdateFunctionCode", launcher)),
        Attack("let itself invoke a function", Call("lambda:AddPermission", place("lambda", "function:another"))),
        Attack("announce the end of a run", event_call(facts)),
        Attack("tell somebody", Call("sns:Publish", place("sns", "notices"))),
        Attack("write into another table", item_call("PutItem", f"{table}-2", family_of(facts))),
        Attack("delete a run", item_call("DeleteItem", table, family_of(facts))),
        Attack("change a run unseen", item_call("UpdateItem", table, family_of(facts))),
        Attack("read every run", item_call("Scan", table)),
        Attack("read the history of a job", item_call("Query", f"{table}/index/{HISTORY_INDEX}", family_of(facts))),
        Attack("delete the table", Call("dynamodb:DeleteTable", table)),
        Attack("let runs expire at once", Call("dynamodb:UpdateTimeToLive", table)),
        Attack("take from another queue", Call("sqs:ReceiveMessage", f"{queue}-2")),
        Attack("send a message to another queue", Call("sqs:SendMessage", f"{queue}-2")),
        Attack("make a schedule", schedule_call(facts, "CreateSchedule", "own")),
        Attack("write the launcher's log", Call("logs:PutLogEvents", f"{own_log(facts)}:log-stream:s")),
        Attack("write its own policy", Call("iam:PutRolePolicy", role.arn)),
    ]


def task_attacks(facts: Facts) -> list[Attack]:
    """What the job's code must not reach through what its arguments ask for."""
    attacks: list[Attack] = []
    if facts.settings.result_prefix:
        result, own = result_object(facts), payload_object(facts)
        attacks += [
            Attack("forge a payload", Call("s3:PutObject", own)),
            Attack("leave a result of another job", Call("s3:PutObject", result.replace("/results/", "-2/results/"))),
            Attack("leave a result in another bucket", Call("s3:PutObject", result.replace("/", "-2/", 1))),
            Attack("delete a result", Call("s3:DeleteObject", result)),
            Attack("change the job's run", item_call("PutItem", runs_table(facts), family_of(facts))),
        ]
    for volume in facts.definition.get("volumes", []):
        if "efsVolumeConfiguration" not in volume:
            continue
        name, (system, context) = volume["name"], mount_call(facts, volume["efsVolumeConfiguration"])
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


def launcher_attacks(facts: Facts) -> list[Attack]:
    """What an attacker who runs code in the function would try."""
    return [
        *_passing(facts),
        *_running(facts),
        *on_schedules(facts),
        *_other_ecs(facts),
        *_logging(facts),
        *on_runs(facts),
        *on_telling(facts),
        *_data(facts),
        *_escalating(facts),
    ]


def execution_attacks(facts: Facts) -> list[Attack]:
    """What a task that ECS starts must not reach through its execution role."""
    place = arns_of(facts)
    job = job_log(facts)
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
            for key in granted_resources(facts.execution, "kms:Decrypt")[:1]
        ),
        Attack("write the launcher's log", Call("logs:PutLogEvents", f"{own_log(facts)}:log-stream:s")),
        Attack("write a sibling's log", Call("logs:PutLogEvents", f"{job}-2:log-stream:s")),
        Attack("make a log group", Call("logs:CreateLogGroup", job)),
        Attack("read the job's log", Call("logs:GetLogEvents", f"{job}:log-stream:s")),
        Attack(
            "run a task", Call("ecs:RunTask", facts.definition["taskDefinitionArn"], {"ecs:cluster": facts.cluster_arn})
        ),
        Attack("pass itself on", pass_role_call(facts.execution.arn)),
    ]


def _passing(facts: Facts) -> Iterator[Attack]:
    own, account, partition = facts.execution.arn, account_of(facts), facts.cluster_arn.split(":")[1]
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
        yield Attack(f"hand {name} to ECS", pass_role_call(arn))
        yield Attack(f"hand {name} to ECS, after somebody allowed everything", pass_role_call(arn), broad=True)
    for service in ("ec2", "lambda", "ecs", "glue", "sagemaker", "cloudformation", "codebuild"):
        yield Attack(f"hand the execution role to {service}", pass_role_call(own, f"{service}.amazonaws.com"))
    yield Attack("hand the task role to ec2", pass_role_call(facts.task.arn, "ec2.amazonaws.com"))
    yield Attack(
        "hand the task role to a look-alike service",
        pass_role_call(facts.task.arn, "ecs-tasks.amazonaws.com.evil.example"),
    )
    yield Attack("hand the task role to nobody in particular", Call("iam:PassRole", facts.task.arn))


def _running(facts: Facts) -> Iterator[Attack]:
    arn = facts.definition["taskDefinitionArn"]
    family, revision = arn.rpartition(":")[0], int(arn.rpartition(":")[2])
    region, account = facts.cluster_arn.split(":")[3], account_of(facts)
    (run,) = (call for call in launch_calls(facts) if call.action == "ecs:RunTask")

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
    arn, place = facts.definition["taskDefinitionArn"], arns_of(facts)
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
    own = own_log(facts)
    yield Attack("write the job's log", Call("logs:PutLogEvents", f"{job_log(facts)}:log-stream:s"))
    yield Attack("write a sibling's log", Call("logs:PutLogEvents", f"{own}-2:log-stream:s"))
    yield Attack("make a log group", Call("logs:CreateLogGroup", own))
    yield Attack("delete its own log", Call("logs:DeleteLogGroup", own))
    yield Attack("read its own log", Call("logs:GetLogEvents", f"{own}:log-stream:s"))


def _data(facts: Facts) -> Iterator[Attack]:
    """The payload bucket and the dead-letter queue, where there are any; strangers' ones where there are not."""
    put = payload_object(facts)
    queue = arns_of(facts)("sqs", facts.settings.dead_letter_queue.rpartition("/")[2] or "dead-letters")
    bucket, prefix = put.rpartition(":")[2].split("/")[:2]
    base = put.rpartition(":")[0]
    yield Attack("store a payload of another job", Call("s3:PutObject", f"{base}:{bucket}/another/0123"))
    yield Attack("store a payload of a sibling", Call("s3:PutObject", f"{base}:{bucket}/{prefix}-2/0123"))
    yield Attack("store an object in another bucket", Call("s3:PutObject", f"{base}:{bucket}-2/{prefix}/0123"))
    yield Attack("read a payload of another job", Call("s3:GetObject", f"{base}:{bucket}/another/0123"))
    yield Attack("read a payload of a sibling", Call("s3:GetObject", f"{base}:{bucket}/{prefix}-2/0123"))
    yield Attack("read an object in another bucket", Call("s3:GetObject", f"{base}:{bucket}-2/{prefix}/0123"))
    for action in (*(() if facts.settings.payload_prefix else ("GetObject",)), "DeleteObject", "PutObjectAcl"):
        yield Attack(f"reach a payload that is stored ({action})", Call(f"s3:{action}", put))
    yield Attack("list the payloads", Call("s3:ListBucket", f"{base}:{bucket}"))
    yield Attack("open the bucket to others", Call("s3:PutBucketPolicy", f"{base}:{bucket}"))
    yield Attack("send a message to another queue", Call("sqs:SendMessage", f"{queue}-2"))
    for action in ("ReceiveMessage", "DeleteMessage", "PurgeQueue", "SetQueueAttributes"):
        yield Attack(f"reach the dead letters ({action})", Call(f"sqs:{action}", queue))


def _escalating(facts: Facts) -> Iterator[Attack]:
    place = arns_of(facts)
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
    key = facts.settings.payload_key or next(
        iter(granted_resources(facts.launcher, "kms:Decrypt")), place("kms", "key/jobs")
    )
    yield Attack("decrypt with the stack's key what lies elsewhere", Call("kms:Decrypt", key))
    # It may read results, which have the same key.
    services = {"secretsmanager": "a secret"} | ({} if facts.settings.result_prefix else {"s3": "a stored payload"})
    for service, what in services.items():
        yield Attack(f"decrypt {what} with the stack's key", Call("kms:Decrypt", key, through_service(facts, service)))
    yield Attack("change the stack's key", Call("kms:PutKeyPolicy", key))
