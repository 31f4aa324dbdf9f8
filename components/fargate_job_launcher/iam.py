"""IAM policy documents of a launcher: ARNs in, documents out. Pure functions; no Pulumi, no AWS call.

This file alone decides what is granted, to which role, and why. roles.py attaches the documents.

A statement uses only condition keys that its action supports: with any other key its Allow never applies.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.handler import partitions

from .compact import compact

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
LAMBDA_SERVICE: Final = "lambda.amazonaws.com"
SCHEDULER_SERVICE: Final = "scheduler.amazonaws.com"

Statement = dict[str, Any]
Document = dict[str, Any]

# Service principals end in amazonaws.com in every partition: https://github.com/pulumi/pulumi-eks/issues/2341

_ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)/"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def _in_ecr(image: str) -> re.Match[str] | None:
    """The parts of the name of an image in a private ECR registry; None for any other, and for an invalid host."""
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    there = partitions.partition_of(match["region"])
    return match if match["suffix"] in (there.suffix, there.dual_stack_registry_suffix) else None


@dataclass(frozen=True)
class Place:
    """Partition (`aws`, `aws-cn`, `aws-us-gov`, …), region and account of ARNs.

    Read from the ARN of the job's cluster, so that none of the three is assumed.
    """

    partition: str
    region: str
    account: str

    @staticmethod
    def of(cluster_arn: str) -> Place:
        """The place of an ECS cluster. Raises ValueError when the ARN is not a cluster's."""
        match = re.fullmatch(r"arn:([a-z0-9-]+):ecs:([a-z0-9-]+):(\d{12}):cluster/[A-Za-z0-9_-]{1,255}", cluster_arn)
        if match is None:
            raise ValueError(
                f"cluster_arn: {cluster_arn!r} is not the ARN of an ECS cluster; "
                "it looks like arn:aws:ecs:eu-west-1:123456789012:cluster/NAME (its `arn` output, not its name)"
            )
        place = Place(*match.groups())
        right = partitions.partition_of(place.region).name
        if place.partition != right:
            raise ValueError(
                f"cluster_arn: {cluster_arn!r} is in the partition {place.partition}, but the region {place.region} is "
                f"in {right}: arn:{right}:ecs:{place.region}:…"
            )
        return place


LONGEST_INLINE_POLICY: Final = 10_240
"""Characters that all inline policies of one role may have together, without white space.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


def to_json(policy: Document, *, longest: int = LONGEST_INLINE_POLICY) -> str:
    """A document as IAM stores it. Raises ValueError when it has more than `longest` characters."""
    text = compact(policy)
    if len(text) > longest:
        raise ValueError(
            f"policy: {len(text)} characters, at most {longest} fit in the role; declare fewer secrets or "
            "override roles, group secrets into one with JSON keys, or shorten role paths and names"
        )
    return text


@dataclass(frozen=True)
class PolicyLimit:
    """The size limit of a role whose policies are replaced, new before old: it has to hold two of each."""

    field: str
    """The argument that makes its policies long."""
    policies: str
    remedy: str


LAUNCHER_LIMIT: Final = PolicyLimit(
    "overrides.task_roles", "the launcher's policy has", "declare fewer roles, or shorten their paths and names"
)
EXECUTION_LIMIT: Final = PolicyLimit(
    "secrets",
    "the execution role's policy has",
    "declare fewer of them, group several into one secret with JSON keys, or adopt a role (execution_role_arn)",
)
TASK_LIMIT: Final = PolicyLimit(
    "task_policy",
    "the task role's policies have",
    "attach a managed policy to the role by its name (the output task_role_name), or adopt a role (task_role_arn)",
)


def fit_together(documents: Sequence[str], *, of: PolicyLimit, guard: str = "") -> list[str]:
    """The policies of a role, unchanged. Raises ValueError when the role cannot hold two of each, and its guard."""
    length, longest = sum(len(it) for it in documents), (LONGEST_INLINE_POLICY - len(guard)) // 2
    if length > longest:
        taken = f"of {LONGEST_INLINE_POLICY} its guard takes {len(guard)}, and " if guard else ""
        raise ValueError(
            f"{of.field}: {of.policies} {length} characters, at most {longest} fit in its role: {taken}an update holds "
            f"the old policy and the new one; {of.remedy}"
        )
    return list(documents)


def replaced_json(policy: Document, *, of: PolicyLimit, guard: str = "") -> str:
    """A policy as IAM stores it. Raises ValueError when the role has no room for its successor."""
    return fit_together([compact(policy)], of=of, guard=guard)[0]


def joined(*policies: str) -> str:
    """One document, as JSON, with the statements of several."""
    return to_json(document(*(statement for policy in policies for statement in json.loads(policy)["Statement"])))


def document(*statements: Statement) -> Document:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def tasks_trust(place: Place) -> Document:
    """The trust policy of a task's role: only ECS tasks of this account and region may assume it.

    The two conditions keep another account from using ECS as a confused deputy.
    ECS does not support a narrower SourceArn:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    return document(
        {
            "Sid": "OnlyTasksOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": TASKS_SERVICE},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:ecs:{place.region}:{place.account}:*"},
            },
        }
    )


def lambda_trust() -> Document:
    """The trust policy of the launcher's role: the Lambda service may assume it."""
    return document(
        {
            "Sid": "OnlyLambda",
            "Effect": "Allow",
            "Principal": {"Service": LAMBDA_SERVICE},
            "Action": "sts:AssumeRole",
        }
    )


def repository_arn(image: str, partition: str) -> str | None:
    """ARN of an image's ECR repository; None for an image outside a private ECR registry."""
    match = _in_ecr(image)
    if match is None:
        return None
    return f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"


def execution_policy(
    place: Place,
    *,
    images: Sequence[str],
    log_group_arn: str,
    secret_arns: Sequence[str] = (),
    secret_key_arns: Sequence[str] = (),
    cached_images: Sequence[str] = (),
) -> Document:
    """What ECS itself may do to start this one task: pull its images, write its log, read its declared secrets.

    An image outside ECR needs no permission and has no statement. `secret_key_arns` are the customer-managed KMS keys
    that encrypt secrets or parameters; AWS's own keys need no permission. `cached_images` are the images that ECR
    fetches through a pull-through cache. Raises ValueError for an image or a secret whose ARN IAM would not match: its
    permission would have no effect.
    """
    for image in images:
        refuse_ecr_image("image", image)
    for arn in secret_arns:
        if not is_secret_arn(arn):
            raise ValueError(
                "secrets: one of them is not the ARN of a secret or a parameter that IAM knows (not shown, it may be a "
                f"secret); {VALUE_FROM_SHAPE}"
            )
    for arn in secret_key_arns:
        _refuse_key("secret_key_arns", arn)
    statements: list[Statement] = []
    repositories, cached = (
        sorted({it for image in some if (it := repository_arn(image, place.partition)) is not None})
        for some in (images, cached_images)
    )
    if repositories:
        statements += [
            {
                "Sid": "LogInToRegistry",
                "Effect": "Allow",
                "Action": "ecr:GetAuthorizationToken",
                "Resource": "*",  # the action has no resource type
            },
            {
                "Sid": "PullOnlyTheseImages",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                "Resource": repositories,
            },
        ]
    if cached:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
        actions = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
        statements.append({"Sid": "ImportThroughCache", "Effect": "Allow", "Action": actions, "Resource": cached})
    statements.append(_write_log("WriteJobLog", log_group_arn))
    secrets = sorted({_secret(arn) for arn in secret_arns if _service(arn) == "secretsmanager"})
    parameters = sorted({arn for arn in secret_arns if _service(arn) == "ssm"})
    if secrets:
        statements.append(_allow("ReadDeclaredSecrets", "secretsmanager:GetSecretValue", secrets))
    if parameters:
        statements.append(_allow("ReadDeclaredParameters", "ssm:GetParameters", parameters))
    services = [service for service, arns in (("secretsmanager", secrets), ("ssm", parameters)) if arns]
    if secret_key_arns and services:
        # A key decrypts in its own region only, which is the region of the secret.
        regions = sorted({arn.split(":")[3] for arn in secret_key_arns})
        through = [partitions.service_host(it, region, place.partition) for it in services for region in regions]
        statements.append(
            {
                **_allow("DecryptDeclaredSecrets", "kms:Decrypt", sorted(set(secret_key_arns))),
                "Condition": {"StringEquals": {"kms:ViaService": through}},
            }
        )
    return document(*statements)


def launcher_policy(
    place: Place,
    *,
    cluster_arn: str,
    task_definition_arn: str,
    log_group_arn: str,
    payload_objects_arn: str = "",
    dead_letter_queue_arn: str = "",
    queue_arn: str = "",
    key_arns: Sequence[str] = (),
    counts_running: bool = False,
    traces: bool = False,
    in_vpc: bool = False,
) -> Document:
    """What the launcher's function may do: run this one revision, in this one cluster.

    It has Allow statements only, so that two of these policies together allow what each of them allows. launcher_guard
    says which roles the function may pass, and what it may never do.

    `payload_objects_arn` are the objects that the launcher may put, `dead_letter_queue_arn` is the queue that it may
    send to, `queue_arn` the one from which it receives launch events, `key_arns` are the KMS keys that encrypt all of
    these; empty where there are none. `counts_running`: whether it lists the job's tasks; `traces`: whether it sends
    traces to X-Ray; `in_vpc`: whether Lambda runs it in a VPC.
    """
    optional: list[Statement] = []
    if payload_objects_arn:
        optional.append(
            {"Sid": "PutPayloads", "Effect": "Allow", "Action": "s3:PutObject", "Resource": payload_objects_arn}
        )
    if dead_letter_queue_arn:
        optional.append(
            {
                "Sid": "ParkDeadLetters",
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": dead_letter_queue_arn,
            }
        )
    if queue_arn:
        optional.append(_take("TakeFromQueue", queue_arn))
    if counts_running:
        optional.append(_list_tasks(cluster_arn))
    if key_arns and payload_objects_arn:
        optional.append(_use_key("EncryptPayloads", key_arns, place, "s3", "kms:GenerateDataKey"))
    if key_arns and (dead_letter_queue_arn or queue_arn):
        optional.append(_use_key("EncryptMessages", key_arns, place, "sqs", "kms:Decrypt", "kms:GenerateDataKey"))
    if traces:
        optional.append(_everywhere("SendTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]))
    if in_vpc:
        optional.append(_everywhere("JoinVpc", list(_INTERFACES)))
    cluster_name = cluster_arn.rpartition("/")[2]
    return document(
        {
            "Sid": "RunOnlyThisTask",
            "Effect": "Allow",
            "Action": "ecs:RunTask",
            "Resource": task_definition_arn,
            "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
        },
        {
            "Sid": "TagOnlyAtLaunch",
            "Effect": "Allow",
            "Action": "ecs:TagResource",
            "Resource": f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_name}/*",
            "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        },
        _write_log("WriteOwnLogs", log_group_arn),
        *optional,
    )


def launcher_guard(
    place: Place,
    *,
    passed_role_arns: Sequence[str],
    cpu: int,
    memory: int,
    allow_exec: bool = False,
    in_vpc: bool = False,
) -> Document:
    """Which roles the launcher's function may pass to ECS, and what it may never do, whatever else is attached.

    A Deny applies to every launch, so two guards in one role would deny what either of them denies: a changed guard
    needs a new role.

    `passed_role_arns` are all roles that RunTask may pass to ECS: execution role, task role, and the roles that a
    caller may choose instead of the task role. Raises ValueError for one that is not the ARN of a single role. `cpu`
    (units) and `memory` (MiB) are the most that a launch may request; `allow_exec`: whether it may run tasks with ECS
    Exec; `in_vpc`: whether Lambda runs the function in a VPC.
    """
    for arn in passed_role_arns:
        if not is_role_arn(arn):
            raise ValueError(f"passed role: {arn!r} is not the ARN of one role; a pattern here could pass many")
    roles = sorted(set(passed_role_arns))
    functions = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:*"
    return document(
        {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": TASKS_SERVICE}},
        },
        {
            "Sid": "NeverAnotherRole",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "NotResource": roles,
        },
        *([] if allow_exec else [_never("NoExec", {"StringEquals": {"ecs:enable-execute-command": "true"}})]),
        _never("NoEbs", {"StringEquals": {"ecs:enable-ebs-volumes": "true"}}),
        _never("CpuCap", {"NumericGreaterThan": {"ecs:task-cpu": str(cpu)}}),
        _never("MemoryCap", {"NumericGreaterThan": {"ecs:task-memory": str(memory)}}),
        *([_only_lambda_joins(functions)] if in_vpc else []),
    )


def supervisor_policy(
    place: Place,
    *,
    cluster_arn: str,
    queue_arn: str,
    topic_arn: str,
    log_group_arn: str,
    launcher_arn: str = "",
    key_arns: Sequence[str] = (),
    stops: bool = False,
) -> Document:
    """What the supervisor may do: watch the cluster's tasks and publish notices. It runs no task and passes no role.

    `launcher_arn`: the function with which it retries a job, empty without retries; `stops`: whether it has to stop
    tasks that run too long; `key_arns`: the KMS keys of its queue and topic, if they have any.
    """
    tasks = f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_arn.rpartition('/')[2]}/*"
    here = {"ArnEquals": {"ecs:cluster": cluster_arn}}
    statements: list[Statement] = [
        _take("TakeEvents", queue_arn),
        {"Sid": "Notify", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn},
        _write_log("WriteOwnLogs", log_group_arn),
        _see_streams("SeeWhatWasTold", log_group_arn),
    ]
    actions = [*(["ecs:DescribeTasks"] if launcher_arn or stops else []), *(["ecs:StopTask"] if stops else [])]
    if actions:
        statements.append(
            {"Sid": "WatchTasks", "Effect": "Allow", "Action": actions, "Resource": tasks, "Condition": here}
        )
    if stops:
        statements.append(_list_tasks(cluster_arn))
    if launcher_arn:
        statements.append(
            {"Sid": "LaunchAgain", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": launcher_arn}
        )
    if key_arns:
        statements += [
            _use_key("DecryptEvents", key_arns, place, "sqs", "kms:Decrypt"),
            _use_key("EncryptNotices", key_arns, place, "sns", "kms:Decrypt", "kms:GenerateDataKey"),
        ]
    return document(*statements)


def drain_policy(place: Place, *, cluster_arn: str, log_group_arn: str) -> Document:
    """What the function that empties a cluster before its deletion may do: stop that cluster's tasks."""
    return document(
        _list_tasks(cluster_arn),
        {
            "Sid": "StopTasks",
            "Effect": "Allow",
            "Action": ["ecs:DescribeTasks", "ecs:StopTask"],
            "Resource": (
                f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_arn.rpartition('/')[2]}/*"
            ),
            "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
        },
        _write_log("WriteOwnLogs", log_group_arn),
    )


def schedule_trust(place: Place) -> Document:
    """The trust policy of a schedule's role: Scheduler may assume it, for schedules of this account's default group.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    group = f"arn:{place.partition}:scheduler:{place.region}:{place.account}:schedule-group/default"
    return document(
        {
            "Sid": "OnlySchedulesOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": SCHEDULER_SERVICE},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account, "aws:SourceArn": group}},
        }
    )


def schedule_policy(
    place: Place, function_arn: str, dead_letter_queue_arn: str, key_arns: Sequence[str] = ()
) -> Document:
    """What a schedule may do: invoke the launcher, send undelivered events to a queue, encrypted with `key_arns`."""
    encrypt = _use_key("EncryptUndelivered", key_arns, place, "sqs", "kms:Decrypt", "kms:GenerateDataKey")
    return document(
        {"Sid": "InvokeLauncher", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn},
        {"Sid": "KeepUndelivered", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead_letter_queue_arn},
        *([encrypt] if key_arns else []),
    )


def flow_log_trust(log_group_arn: str) -> Document:
    """The trust policy of a flow log's role: VPC may assume it, for flow logs of this account and region.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    _, partition, _, region, account, _ = log_group_arn.split(":", 5)
    return document(
        {
            "Sid": "OnlyFlowLogsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:ec2:{region}:{account}:vpc-flow-log/*"},
            },
        }
    )


def flow_log_policy(log_group_arn: str) -> Document:
    """What a flow log may do: find its own log group and write to it.

    The actions are those of AWS's page, each limited to its own group where the action supports that:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = log_group_arn.removesuffix(":*")
    every = ":".join([*group.split(":")[:5], "log-group", "*"])
    write = _write_log("WriteFlowLog", group)
    return document(
        {**write, "Action": ["logs:CreateLogGroup", *write["Action"]]},
        _see_streams("SeeItsStreams", group),
        # The action lists all groups of a region, so its resource is all of them.
        _allow("FindItsGroup", "logs:DescribeLogGroups", [every]),
    )


def queue_policy(queue_arn: str, sender_rule_arns: Sequence[str] = ()) -> Document:
    """The resource policy of a queue: TLS only, and these EventBridge rules may send to it."""
    (tls,) = only_tls([queue_arn], "sqs:*")["Statement"]
    senders: list[Statement] = [
        {
            "Sid": "OnlyTheseRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": sorted(sender_rule_arns)}},
        }
    ]
    return document(tls, *(senders if sender_rule_arns else []))


def filled_queue_policy(queue_arn: str, source_arns: Sequence[str], account: str) -> Document:
    """The resource policy of a queue: TLS only, and these S3 buckets, SNS topics or EventBridge rules may send to it.

    Raises ValueError for the ARN of anything else. A bucket's ARN has no account, so the condition has it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    senders: list[Statement] = [
        {
            "Sid": f"OnlyThese{_SENDERS[service]}",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": arns}, "StringEquals": {"aws:SourceAccount": accounts}},
        }
        for service, arns, accounts in _by_service(source_arns, account)
    ]
    strangers = [it for it in source_arns if not is_sender_arn(it)]
    if strangers:
        raise ValueError(f"queue.sources: {', '.join(strangers)}: not the ARN of a bucket, a topic or a rule")
    return document(*only_tls([queue_arn], "sqs:*")["Statement"], *senders)


_SENDERS: Final = {"s3": "Buckets", "sns": "Topics", "events": "Rules"}


def _by_service(source_arns: Sequence[str], account: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each service that sends, the ARNs of its sources, and their accounts: a bucket's ARN has none, so `account` is
    assumed."""
    for service in _SENDERS:
        arns = sorted(it for it in source_arns if it.split(":")[2:3] == [service])
        if arns:
            yield service, arns, sorted({it.split(":")[4] or account for it in arns})


def sender_key_statements(source_arns: Sequence[str], account: str) -> list[Statement]:
    """Statements for a queue's KMS key that let these sources send to the queue: without them S3 refuses its
    configuration, and messages of SNS and EventBridge are lost without an error.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    return [
        {
            "Sid": f"{_SENDERS[service]}ThatFillQueues",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",  # in a key policy: this key
            "Condition": {"StringEquals": {"aws:SourceAccount": accounts}},
        }
        for service, _, accounts in _by_service(source_arns, account)
    ]


def is_sender_arn(arn: str) -> bool:
    """Whether this is the ARN of a bucket, a topic or a rule, which a queue's policy lets send."""
    found = re.fullmatch(
        r"arn:[a-z0-9-]+:(s3:::[a-z0-9.-]{3,63}|sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?|"
        r"events:[a-z0-9-]+:\d{12}:rule/[A-Za-z0-9_./-]+)",
        arn,
    )
    return found is not None


def payload_objects(partition: str, bucket: str, family: str) -> str:
    """ARN pattern of one job's payloads: its own prefix of the bucket."""
    return f"arn:{partition}:s3:::{bucket}/{family}/*"


def payload_reader_policy(place: Place, payload_objects_arn: str, key_arns: Sequence[str] = ()) -> Document:
    """What the job's code may do to read its payload; `key_arns` are the keys that may encrypt it."""
    decrypt = _use_key("DecryptPayloads", key_arns, place, "s3", "kms:Decrypt")
    return document(
        {"Sid": "ReadPayloads", "Effect": "Allow", "Action": "s3:GetObject", "Resource": payload_objects_arn},
        *([decrypt] if key_arns else []),
    )


def key_policy(partition: str, account: str, region: str, source_arns: Sequence[str] = ()) -> Document:
    """The policy of a KMS key for launchers: the account's IAM administers it, and services that write for a launcher
    without its role may encrypt with it: log groups, events to a queue, alarms to a topic, and senders to queues.
    `source_arns` are those senders: buckets, topics and rules (`queue.sources`)."""
    suffix = partitions.partition(partition).suffix
    # The pages name it by region, in China with that suffix; elsewhere the name for every region applies:
    # https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts
    services = f"logs.{region}.{suffix}" if suffix.startswith("amazonaws.com") else "logs.amazonaws.com"
    log_groups = f"arn:{partition}:logs:{region}:{account}:log-group:*"
    return document(
        {
            "Sid": "AdministeredByIam",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",  # in a key policy: this key
        },
        {
            "Sid": "LogGroupsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": services},
            "Action": ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*",
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        },
        {
            "Sid": "EventsAndAlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        *sender_key_statements(source_arns, account),
    )


def mount_policy(place: Place, volumes: Sequence[Mapping[str, Any]]) -> Document:
    """What the task's role may do to mount these EFS folders, and to write to those that are not read-only."""

    for it in volumes:
        for key in ("file_system_id", "access_point_id"):
            if ":" in it[key]:
                raise ValueError(f"efs_volumes: {key}: {it[key]!r} is an ARN; give the `id` output")

    def on(sid: str, action: str, some: Sequence[Mapping[str, Any]]) -> Statement:
        base = f"arn:{place.partition}:elasticfilesystem:{place.region}:{place.account}"
        points = sorted({f"{base}:access-point/{it['access_point_id']}" for it in some})
        return {
            **_allow(sid, action, sorted({f"{base}:file-system/{it['file_system_id']}" for it in some})),
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": points}},
        }

    written = [it for it in volumes if not it.get("read_only", False)]
    return document(
        on("MountVolumes", "elasticfilesystem:ClientMount", volumes),
        *([on("WriteVolumes", "elasticfilesystem:ClientWrite", written)] if written else []),
    )


def exec_policy() -> Document:
    """What ECS Exec needs of the task's role. The actions have no resource type.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    channels = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
    return document(_everywhere("OpenShellForWhoMayExec", [f"ssmmessages:{it}" for it in channels]))


def only_tls(resources: Sequence[str], action: str) -> Document:
    """The resource policy of a bucket or a queue that refuses every request without TLS."""
    return document(
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": list(resources),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def family_arn(place: Place, family: str) -> str:
    """ARN of a task definition without its revision; a revision's ARN adds a colon and its number."""
    return f"arn:{place.partition}:ecs:{place.region}:{place.account}:task-definition/{family}"


def is_role_arn(arn: str) -> bool:
    """Whether this is the ARN of exactly one role."""
    return (
        re.fullmatch(r"arn:[a-z0-9-]+:iam::\d{12}:role/([\x21-\x29\x2b-\x3e\x40-\x7e]*/)?[\w+=,.@-]{1,64}", arn)
        is not None
    )


def is_topic_arn(arn: str) -> bool:
    """Whether this is the ARN of an SNS topic."""
    return re.fullmatch(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", arn, re.ASCII) is not None


def is_key_arn(arn: str) -> bool:
    """Whether this is the ARN of a KMS key. An alias is not one: IAM grants nothing by it."""
    return re.fullmatch(r"arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,256}", arn) is not None


VALUE_FROM_SHAPE: Final = (
    "it looks like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf, whole, with the six characters that "
    "Secrets Manager puts at its end (the `arn` output has them; IAM matches no ARN without), or "
    "arn:aws:ssm:REGION:ACCOUNT:parameter/NAME, with one slash"
)
"""Remedy for an ARN that names no secret and no parameter."""

_WHOLE: Final = r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]+-[A-Za-z0-9]{6}"
"""https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen"""
_PARAMETER: Final = r"arn:[a-z0-9-]+:ssm:[a-z0-9-]+:\d{12}:parameter(/[\w.-]+)+"


def is_secret_arn(arn: str) -> bool:
    """Whether ECS can read a variable from this ARN, and IAM matches it: a whole secret, with an optional JSON key and
    version, or a parameter."""
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    return re.fullmatch(rf"{_WHOLE}(:[^:]*){{0,3}}|{_PARAMETER}", arn, re.ASCII) is not None


def secret_reference_problem(arn: str) -> str | None:
    """The problem with the suffix of a secret's ARN (JSON key, version stage, version id); None when it is valid, and
    for an ARN outside Secrets Manager.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    """
    parts = arn.split(":")
    if _service(arn) != "secretsmanager" or len(parts) == 7:
        return None
    if len(parts) != 10:
        return (
            f"has {len(parts) - 7} parts after the secret's ARN, and ECS accepts three or none: "
            "ARN:JSON-KEY:VERSION-STAGE:VERSION-ID, each empty for its default, such as ARN:password::"
        )
    if parts[8] and parts[9]:
        return "names a version by its stage and by its id; keep one of them and leave the other empty"
    return None if any(parts[7:]) else "ends in :::, which selects nothing; leave that out"


def is_whole_secret_arn(arn: str) -> bool:
    """Whether this is the ARN of a Secrets Manager secret as a whole."""
    return re.fullmatch(_WHOLE, arn, re.ASCII) is not None


def may_be_partial(arn: str) -> bool:
    """Whether the end of a secret's ARN looks like a word: `db-secret` may be a name without the six characters. One in
    two hundred whole ARNs also looks like this, so none is refused for it."""
    return re.search(r":secret:[^:]*-[a-z]{6}(:|$)", arn) is not None


def is_policy_arn(arn: str) -> bool:
    """Whether this is the ARN of a managed policy, AWS's or an account's."""
    return re.fullmatch(r"arn:[a-z0-9-]+:iam::(\d{12}|aws):policy/[\x21-\x7e]{1,512}", arn) is not None


def is_ecr_image(image: str) -> bool:
    """Whether an image's host is written like that of a private ECR registry."""
    # Also in capitals, which ECS does not recognize as ECR.
    return re.search(r"\.dkr[.-]ecr", image.partition("/")[0], re.IGNORECASE) is not None


def refuse_ecr_image(field: str, image: str) -> None:
    """Raises ValueError for an image that is meant to be in ECR and has another form: it would get no permission to be
    pulled."""
    if is_ecr_image(image) and _in_ecr(image) is None:
        region = re.search(r"\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.", image.lower())
        there = "eu-west-1" if region is None else region[1]
        host = f"123456789012.dkr.ecr.{there}.{partitions.partition_of(there).suffix}"
        raise ValueError(
            f"{field}: {image!r} is not an image of ECR; it looks like {host}/NAME:TAG or …/NAME@sha256:DIGEST, with "
            "the account's twelve digits, host and name in lower case"
        )


def ecr_region(image: str) -> str:
    """The region of an image in a private ECR registry; empty for any other."""
    match = _in_ecr(image)
    return "" if match is None else match["region"]


def _service(arn: str) -> str:
    return arn.split(":", 3)[2] if arn.count(":") >= 5 else ""


def _secret(value_from: str) -> str:
    """The secret's ARN: a container's `valueFrom` may add `:json-key:version-stage:version-id` to it."""
    return ":".join(value_from.split(":")[:7])


def _refuse_key(field: str, arn: str) -> None:
    """Raises ValueError for a key that is not given by its ARN: IAM grants nothing by an alias or an id."""
    if not is_key_arn(arn):
        raise ValueError(f"{field}: {arn!r} is not the ARN of a KMS key; give the key's `arn` output")


def _allow(sid: str, action: str, resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}


def _never(sid: str, condition: Mapping[str, Mapping[str, str]]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Action": "ecs:RunTask", "Resource": "*", "Condition": condition}


def _use_key(sid: str, key_arns: Sequence[str], place: Place, service: str, *actions: str) -> Statement:
    """Use of KMS keys through one service only: S3, SQS or SNS uses them on the caller's behalf.

    Keys are sorted, so that their order in the arguments changes no policy.
    """
    keys = sorted(set(key_arns))
    for arn in keys:
        _refuse_key("kms_key_arn", arn)
    through = partitions.service_host(service, place.region, place.partition)
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": keys[0] if len(keys) == 1 else keys,
        "Condition": {"StringEquals": {"kms:ViaService": through}},
    }


def _take(sid: str, queue_arn: str) -> Statement:
    """What Lambda needs of a function's role to deliver a queue's messages to it."""
    actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": queue_arn}


def _everywhere(sid: str, actions: list[str]) -> Statement:
    """A statement for actions that have no resource type, or that AWS checks without one."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"}


_INTERFACES: Final = (
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
)


def _only_lambda_joins(functions: str) -> Statement:
    """Denies the function's own code the actions that Lambda needs of the role to run the function in a VPC.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    never = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    return {
        "Sid": "OnlyLambdaJoins",
        "Effect": "Deny",
        "Action": list(_INTERFACES),
        "Resource": "*",
        "Condition": never,
    }


def _list_tasks(cluster_arn: str) -> Statement:
    return {
        "Sid": "ListTasks",
        "Effect": "Allow",
        "Action": "ecs:ListTasks",
        "Resource": "*",  # the action has no resource type of its own on Fargate
        "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
    }


def _write_log(sid: str, log_group_arn: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{log_group_arn.removesuffix(':*')}:*",
    }


def _see_streams(sid: str, log_group_arn: str) -> Statement:
    return _allow(sid, "logs:DescribeLogStreams", [f"{log_group_arn.removesuffix(':*')}:*"])
