"""The controls of checkov, cdk-nag and AWS Security Hub for a stack like prod: a predicate for those met, a reason for
the rest.

`python tools/docs/controls.py` writes docs/controls.md from this list; `make docs` does the same. The ids are those of
checkov's policies for AWS, of cdk-nag's pack AwsSolutions, and of Security Hub's AWS Foundational Security Best Practices.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.checks.plain_secrets import secret_variable
from fargate_job_launcher.sandbox import Stack

from tools.recording import PROGRAM, Recorded, Recording, record

Offenders = Callable[[Recording], list[str]]
"""Resources of a stack that do not meet a control."""


@dataclass(frozen=True)
class Control:
    """One control, with all of its ids."""

    of: str
    """The service that it applies to."""
    ids: str
    asks: str
    offenders: Offenders | None = None
    """None if nothing in a program can show it."""
    reason: str = ""
    """Why it is not met; empty if it is met."""
    how: str = ""
    """How it is met, if a scanner looks for something else."""


def _kind(recording: Recording, kind: str) -> list[Recorded]:
    found = recording.kind(f"aws:{kind}")
    assert found, f"prod has no {kind} any more; remove its controls"
    return found


def _each(kind: str, holds: Callable[[dict[str, Any]], Any]) -> Offenders:
    """A control on the inputs of every resource of a type."""
    return lambda recording: [it.name for it in _kind(recording, kind) if not holds(it.inputs)]


def _tagged(kind: str) -> Offenders:
    return _each(kind, lambda it: {"project", "stack", "environment", "owner"} <= it.get("tags", {}).keys())


def _none(kind: str) -> Offenders:
    """A control that only the absence of a type meets."""
    return lambda recording: [it.name for it in recording.kind(f"aws:{kind}")]


def _followed_by(kind: str) -> Offenders:
    """A control that requires another resource for every bucket."""

    def offenders(recording: Recording) -> list[str]:
        return [] if recording.kind(f"aws:{kind}") else [it.name for it in _kind(recording, BUCKET)]

    return offenders


def _containers(holds: Callable[[dict[str, Any]], Any]) -> Offenders:
    return _each(TASK, lambda it: all(holds(container) for container in json.loads(it["containerDefinitions"])))


def _statements(recording: Recording, *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in kinds:
        for it in _kind(recording, kind):
            key = "assumeRolePolicy" if kind == ROLE else "policy"
            for statement in json.loads(it.inputs[key])["Statement"]:
                if statement["Effect"] == "Allow":
                    yield it.name, statement


def _allowing(holds: Callable[[dict[str, Any]], Any], *kinds: str) -> Offenders:
    """A control on every statement that allows something."""
    return lambda recording: sorted({name for name, it in _statements(recording, *kinds) if not holds(it)})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _own_in_bucket(kind: str, holds: Callable[[dict[str, Any]], Any]) -> Offenders:
    """A control that a second resource meets for every bucket."""

    def offenders(recording: Recording) -> list[str]:
        good = {it.name for it in _kind(recording, kind) if holds(it.inputs)}
        return [it.name for it in _kind(recording, BUCKET) if it.name not in good]

    return offenders


def _in_vpc(kind: str, holds: Callable[[dict[str, Any]], Any] = bool) -> Offenders:
    def offenders(recording: Recording) -> list[str]:
        good = {it.inputs["vpcId"] for it in _kind(recording, kind) if holds(it.inputs)}
        return [it.name for it in recording.kind("awsx:ec2:Vpc") if it.outputs["vpcId"] not in good]

    return offenders


def _only_tls(kind: str, of: str, key: str) -> Offenders:
    def offenders(recording: Recording) -> list[str]:
        closed = {
            it.inputs[key] for it in _kind(recording, kind) if '"aws:SecureTransport":"false"' in it.inputs["policy"]
        }
        return [it.name for it in _kind(recording, of) if it.id not in closed]

    return offenders


def _dead_letters(recording: Recording) -> list[str]:
    """Functions that do not keep failed events: launchers by their destination, supervisors by their queue."""
    kept = {
        it.inputs["functionName"]
        for it in _kind(recording, "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    }
    from_queue = {it.inputs["functionName"] for it in _kind(recording, "lambda/eventSourceMapping:EventSourceMapping")}
    return [
        it.name
        for it in _kind(recording, FUNCTION)
        if it.outputs["name"] not in kept and it.outputs["arn"] not in from_queue
    ]


def _of_one(permission: dict[str, Any]) -> bool:
    """Whether a permission is for one role, or for one rule of EventBridge and its account."""
    if permission["principal"] == "events.amazonaws.com":
        return bool(permission["sourceArn"] and permission["sourceAccount"])
    return re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", permission["principal"]) is not None


def _redriven(recording: Recording) -> list[str]:
    redriven = [
        json.loads(it.inputs["redrivePolicy"]) for it in _kind(recording, QUEUE) if "redrivePolicy" in it.inputs
    ]
    targets = {it["deadLetterTargetArn"] for it in redriven}
    queues = _kind(recording, QUEUE)
    receiving = "dead-letters"
    return [
        it.name
        for it in queues
        if "redrivePolicy" not in it.inputs and it.outputs["arn"] not in targets and not it.name.endswith(receiving)
    ]


def _different_roles(recording: Recording) -> list[str]:
    return [it.name for it in _kind(recording, TASK) if it.inputs["executionRoleArn"] == it.inputs["taskRoleArn"]]


def _secrets_in_environment(recording: Recording) -> list[str]:
    found = [
        (it.name, variable)
        for it in _kind(recording, TASK)
        for container in json.loads(it.inputs["containerDefinitions"])
        for variable in container.get("environment", [])
    ]
    return [job for job, variable in found if secret_variable(variable["name"], variable["value"])]


def _egress(recording: Recording) -> list[str]:
    groups = _kind(recording, GROUP)
    return [it.name for it in groups if any(_ranges(rule) for rule in it.inputs.get("egress", []))]


def _ingress(recording: Recording) -> list[str]:
    """Only another security group may connect; any rule outside its group is an offender too, since its source is not
    read."""
    groups = [it for it in _kind(recording, GROUP) if any(_ranges(rule) for rule in it.inputs.get("ingress", []))]
    beside = [it for kind in RULES for it in recording.kind(f"aws:{kind}")]
    return [it.name for it in (*groups, *beside)]


def _ranges(rule: dict[str, Any]) -> list[str]:
    return [it for key in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds") for it in rule.get(key, [])]


def _silent_alarms(recording: Recording) -> list[str]:
    """Alarms that notify nobody: without an action, or with a topic of this stack without a subscription."""
    heard = {it.inputs["topic"] for it in recording.kind(f"aws:{SUBSCRIPTION}")}
    unheard = {it.outputs["arn"] for it in _kind(recording, TOPIC)} - heard
    return [
        it.name
        for it in _kind(recording, ALARM)
        if not it.inputs["alarmActions"]
        or not it.inputs.get("actionsEnabled", True)
        or unheard & set(it.inputs["alarmActions"])
    ]


def _provider_keys(recording: Recording) -> list[str]:
    secret = {"accessKey", "secretKey", "token"}
    return [it.name for it in recording.kind("pulumi:providers:aws") if secret & it.inputs.keys()]


ROLE: Final = "iam/role:Role"
POLICY: Final = "iam/rolePolicy:RolePolicy"
TASK: Final = "ecs/taskDefinition:TaskDefinition"
CLUSTER: Final = "ecs/cluster:Cluster"
FUNCTION: Final = "lambda/function:Function"
PERMISSION: Final = "lambda/permission:Permission"
QUEUE: Final = "sqs/queue:Queue"
QUEUE_POLICY: Final = "sqs/queuePolicy:QueuePolicy"
TABLE: Final = "dynamodb/table:Table"
TOPIC: Final = "sns/topic:Topic"
BUCKET: Final = "s3/bucket:Bucket"
BLOCK: Final = "s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY: Final = "s3/bucketPolicy:BucketPolicy"
ENCRYPTION: Final = "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LIFECYCLE: Final = "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOGS: Final = "cloudwatch/logGroup:LogGroup"
ALARM: Final = "cloudwatch/metricAlarm:MetricAlarm"
KEY: Final = "kms/key:Key"
SECRET: Final = "secretsmanager/secret:Secret"
GROUP: Final = "ec2/securityGroup:SecurityGroup"
SCHEDULE: Final = "scheduler/schedule:Schedule"

SUBSCRIPTION: Final = "sns/topicSubscription:TopicSubscription"
RULES: Final = (
    "ec2/securityGroupRule:SecurityGroupRule",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)
CLOSED: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

NO_RESOURCE_TYPE: Final = {"ecr:GetAuthorizationToken", "ecs:ListTasks"}
"""Actions that cannot be restricted by resource on Fargate."""

CONTROLS: Final = (
    Control("ECS", "CKV_AWS_65, AwsSolutions-ECS4, ECS.12", "Container Insights is enabled",
            _each(CLUSTER, lambda it: it["settings"] == [{"name": "containerInsights", "value": "enabled"}])),
    Control("ECS", "CKV_AWS_223, CKV_AWS_224", "ECS Exec is logged and encrypted",
            _each(CLUSTER, lambda it: "configuration" in it),
            "Nobody can open a shell in a task: no launcher enables it, and the policy of each denies it (NoExec)."),
    Control("ECS", "CKV_AWS_249", "execution role and task role differ", _different_roles),
    Control("ECS", "CKV_AWS_334, ECS.4", "containers are not privileged", _containers(lambda it: not it.get("privileged"))),
    Control("ECS", "CKV_AWS_335, ECS.3", "no process namespace is shared", _each(TASK, lambda it: "pidMode" not in it)),
    Control("ECS", "ECS.17", "no task uses the host's network", _each(TASK, lambda it: it["networkMode"] == "awsvpc")),
    Control("ECS", "CKV_AWS_336, ECS.5", "the root file system is read-only",
            _containers(lambda it: it.get("readonlyRootFilesystem"))),
    Control("ECS", "ECS.20", "containers run as a user that is not root",
            _containers(lambda it: it.get("user", "0").partition(":")[0] not in ("0", "root"))),
    Control("ECS", "ECS.8", "no environment variable contains a secret", _secrets_in_environment),
    Control("ECS", "AwsSolutions-ECS2", "no variable has a plain value", _containers(lambda it: not it.get("environment")),
            "Only settings have: the config refuses a value that looks like a secret, and secrets come from Secrets Manager."),
    Control("ECS", "AwsSolutions-ECS7, ECS.9", "containers have a log", _containers(lambda it: "logConfiguration" in it)),
    Control("ECS", "ECS.14", "the cluster is tagged", _tagged(CLUSTER)),
    Control("ECS", "ECS.15", "task definitions are tagged", _tagged(TASK)),
    Control("Lambda", "CKV_AWS_45", "the environment contains no secret",
            _each(FUNCTION, lambda it: all("_SETTINGS" in key for key in it["environment"]["variables"]))),
    Control("Lambda", "CKV_AWS_50, Lambda.7", "X-Ray traces the function", _each(FUNCTION, lambda it: "tracingConfig" in it),
            "A launch is one call, and its log line has the time of each step. Tracing would need xray:Put* on every "
            "resource, in a role that must not have such permissions."),
    Control("Lambda", "CKV_AWS_115", "concurrency is reserved",
            _each(FUNCTION, lambda it: "reservedConcurrentExecutions" in it),
            "It reduces what the other functions of the account share; a job may request it (function.reservedConcurrency)."),
    Control("Lambda", "CKV_AWS_116", "failed events are kept", _dead_letters,
            how="the invoked alias has a failure destination, and the supervisor's queue has a dead-letter queue. checkov "
            "fails all functions: it looks only at dead_letter_config, which keeps the event but not its result."),
    Control("Lambda", "CKV_AWS_117, Lambda.3, Lambda.5", "the function runs in a VPC", _each(FUNCTION, lambda it: "vpcConfig" in it),
            "It calls only public endpoints of AWS, over TLS with signed requests; in a VPC it would need ec2:*NetworkInterface."),
    Control("Lambda", "CKV_AWS_173", "the environment is encrypted with a customer-managed key", _each(FUNCTION, lambda it: "kmsKeyArn" in it)),
    Control("Lambda", "CKV_AWS_272", "code is signed", _each(FUNCTION, lambda it: "codeSigningConfigArn" in it),
            "Each deployment builds the archive from this package's modules; a principal that may deploy could also sign."),
    Control("Lambda", "CKV_AWS_301, CKV_AWS_364, Lambda.1", "only one role or one rule of this account may invoke it",
            _each(PERMISSION, _of_one)),
    Control("Lambda", "CKV_AWS_363, Lambda.2", "the runtime is supported", _each(FUNCTION, lambda it: it["runtime"] in ("python3.12", "python3.13", "python3.14"))),
    Control("Lambda", "AwsSolutions-L1", "the runtime is the latest", _each(FUNCTION, lambda it: it["runtime"] == "python3.14"),
            "The handler is tested on one version, which AWS supports until 2029; it moves with the tests."),
    Control("Lambda", "Lambda.6", "functions are tagged", _tagged(FUNCTION)),
    Control("SQS", "CKV_AWS_27, CKV2_AWS_73, AwsSolutions-SQS2, SQS.1", "queues are encrypted with a customer-managed key",
            _each(QUEUE, lambda it: "kmsMasterKeyId" in it)),
    Control("SQS", "CKV_AWS_168, CKV_AWS_387, SQS.3", "no queue is open to others",
            _allowing(lambda it: it["Principal"] == {"Service": "events.amazonaws.com"} and "ArnEquals" in it["Condition"], QUEUE_POLICY)),
    Control("SQS", "AwsSolutions-SQS3", "a queue has a dead-letter queue, or is one", _redriven),
    Control("SQS", "AwsSolutions-SQS4", "queues accept TLS only", _only_tls(QUEUE_POLICY, QUEUE, "queueUrl")),
    Control("SQS", "SQS.2", "queues are tagged", _tagged(QUEUE)),
    Control("DynamoDB", "CKV_AWS_119", "the table is encrypted with a customer-managed key",
            _each(TABLE, lambda it: it["serverSideEncryption"].get("kmsKeyArn"))),
    Control("DynamoDB", "CKV_AWS_28, AwsSolutions-DDB3, DynamoDB.2", "the table can be restored to any second",
            _each(TABLE, lambda it: it["pointInTimeRecovery"]["enabled"])),
    Control("DynamoDB", "CKV2_AWS_16, DynamoDB.1", "the capacity follows the demand",
            _each(TABLE, lambda it: it["billingMode"] == "PAY_PER_REQUEST")),
    Control("DynamoDB", "DynamoDB.6", "the table is protected from deletion", _each(TABLE, lambda it: it["deletionProtectionEnabled"])),
    Control("DynamoDB", "DynamoDB.5", "the table is tagged", _tagged(TABLE)),
    Control("DynamoDB", "DynamoDB.4", "a backup plan has the table", _each(TABLE, lambda it: "backupPlan" in it),
            "A run is deleted after 90 days, and the table can be restored to any second of the last 35."),
    Control("SNS", "CKV_AWS_26, SNS.1", "topics are encrypted", _each(TOPIC, lambda it: "kmsMasterKeyId" in it)),
    Control("SNS", "AwsSolutions-SNS3", "publishers use TLS",
            _each(TOPIC, lambda it: "kmsMasterKeyId" in it)),
    Control("SNS", "CKV_AWS_169, CKV_AWS_385, SNS.4", "no topic is open to others", _none("sns/topicPolicy:TopicPolicy")),
    Control("SNS", "SNS.3", "topics are tagged", _tagged(TOPIC)),
    Control("S3", "CKV_AWS_53, CKV_AWS_54, CKV_AWS_55, CKV_AWS_56, CKV2_AWS_6, AwsSolutions-S2, S3.2, S3.3, S3.8", "nothing is public",
            _own_in_bucket(BLOCK, lambda it: all(it.get(key) is True for key in CLOSED))),
    Control("S3", "CKV_AWS_20, CKV_AWS_57, S3.12", "there are no access control lists", _none("s3/bucketAcl:BucketAcl")),
    Control("S3", "CKV_AWS_19, CKV_AWS_145, S3.17", "objects are encrypted with a customer-managed key",
            _own_in_bucket(ENCRYPTION, lambda it: it["rules"][0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms")),
    Control("S3", "CKV_AWS_70, AwsSolutions-S10, S3.5, S3.6", "the bucket accepts TLS only, and no other account",
            _own_in_bucket(BUCKET_POLICY, lambda it: '"Effect":"Allow"' not in it["policy"] and "SecureTransport" in it["policy"])),
    Control("S3", "CKV2_AWS_61, CKV_AWS_300, S3.13", "objects and failed uploads expire",
            _own_in_bucket(LIFECYCLE, lambda it: {"expiration", "abortIncompleteMultipartUpload"} <= it["rules"][0].keys())),
    Control("S3", "CKV_AWS_18, AwsSolutions-S1, S3.9", "access is logged", _followed_by("s3/bucketLogging:BucketLogging"),
            "A payload is kept for days, one function writes it and one role reads it; CloudTrail's data events record the access."),
    Control("S3", "CKV_AWS_21, CKV_AWS_143, CKV_AWS_144, S3.7, S3.10, S3.14, S3.15, S3.20", "versions, locks, replicas",
            _followed_by("s3/bucketVersioning:BucketVersioning"),
            "A payload is a copy of an event, written once under the hash of its content and deleted after some days."),
    Control("S3", "CKV2_AWS_62, S3.11", "the bucket sends event notifications", _followed_by("s3/bucketNotification:BucketNotification"),
            "Nothing needs them: the launch tells the job where its payload is."),
    Control("IAM", "CKV_AWS_60, CKV_AWS_61", "roles trust one service",
            _allowing(lambda it: isinstance(it["Principal"].get("Service"), str) and len(it["Principal"]) == 1, ROLE)),
    Control("IAM", "CKV_AWS_62, CKV_AWS_63, CKV2_AWS_40, CKV_AWS_274, IAM.1, IAM.21", "no role may do everything, or everything in a service",
            _allowing(lambda it: not any("*" in action for action in _listed(it["Action"])), POLICY)),
    Control("IAM", "CKV_AWS_286, CKV_AWS_287, CKV_AWS_288, CKV_AWS_289", "no privilege escalation, no access to credentials or to all data",
            _allowing(lambda it: not any(re.match(r"(iam:(?!PassRole)|sts:|ssm:GetParameter$|lambda:Update)", action) for action in _listed(it["Action"]))
                      and ("iam:PassRole" not in _listed(it["Action"]) or all("*" not in arn for arn in _listed(it["Resource"]))), POLICY)),
    Control("IAM", "CKV_AWS_290, CKV_AWS_355", "* only if the action has no resource type",
            _allowing(lambda it: "*" not in _listed(it["Resource"]) or set(_listed(it["Action"])) <= NO_RESOURCE_TYPE, POLICY)),
    Control("IAM", "AwsSolutions-IAM4", "no AWS managed policy", _none("iam/rolePolicyAttachment:RolePolicyAttachment")),
    Control("IAM", "AwsSolutions-IAM5", "no wildcard", _allowing(lambda it: not any("*" in arn for arn in _listed(it["Resource"])), POLICY),
            "Only after a name of the job's own: its log streams, its payloads, the tasks of the cluster at their launch. "
            "tests/components/test_permissions.py proves each statement tight."),
    Control("IAM", "IAM.24", "roles are tagged", _tagged(ROLE)),
    Control("KMS", "CKV_AWS_7, AwsSolutions-KMS5, KMS.4", "keys rotate", _each(KEY, lambda it: it["enableKeyRotation"])),
    Control("KMS", "CKV_AWS_33, CKV2_AWS_64, KMS.5", "the key's policy names its users",
            _allowing(lambda it: it["Principal"] != "*" and "*" not in json.dumps(it["Principal"]), KEY)),
    Control("KMS", "CKV_AWS_227", "keys are enabled", _each(KEY, lambda it: it.get("isEnabled", True))),
    Control("KMS", "KMS.1, KMS.2", "nobody may decrypt with every key",
            _allowing(lambda it: "kms:Decrypt" not in _listed(it["Action"]) or "*" not in _listed(it["Resource"]), POLICY)),
    Control("KMS", "KMS.3", "no key is deleted by mistake", lambda it: [key.name for key in _kind(it, KEY) if not key.protect]),
    Control("Secrets Manager", "CKV_AWS_149", "secrets are encrypted with a customer-managed key", _each(SECRET, lambda it: "kmsKeyId" in it)),
    Control("Secrets Manager", "CKV2_AWS_57, AwsSolutions-SMG4, SecretsManager.1, SecretsManager.4", "secrets rotate",
            lambda it: [] if it.kind("aws:secretsmanager/secretRotation:SecretRotation") else [s.name for s in _kind(it, SECRET)],
            "The issuer of a secret rotates it: the stack creates the secret but never sees its value."),
    Control("Secrets Manager", "SecretsManager.5", "secrets are tagged", _tagged(SECRET)),
    Control("CloudWatch", "CKV_AWS_66, CKV_AWS_338, CloudWatch.16", "logs are kept for a year", _each(LOGS, lambda it: it["retentionInDays"] >= 365)),
    Control("CloudWatch", "CKV_AWS_158", "logs are encrypted with a customer-managed key", _each(LOGS, lambda it: "kmsKeyId" in it)),
    Control("CloudWatch", "CKV_AWS_319, CloudWatch.15, CloudWatch.17", "alarms notify somebody", _silent_alarms),
    Control("EventBridge", "CKV_AWS_297", "schedules are encrypted with a customer-managed key", _each(SCHEDULE, lambda it: "kmsKeyArn" in it),
            "A schedule contains a time and a launch event, which everyone can read in the config."),
    Control("VPC", "CKV2_AWS_11, AwsSolutions-VPC7, EC2.6", "traffic is logged", _in_vpc("ec2/flowLog:FlowLog", lambda it: it["trafficType"] == "ALL")),
    Control("VPC", "CKV2_AWS_12, EC2.2", "the default security group allows no traffic",
            _in_vpc("ec2/defaultSecurityGroup:DefaultSecurityGroup", lambda it: not {"ingress", "egress"} & it.keys())),
    Control("VPC", "CKV_AWS_148", "there is no default VPC", _none("ec2/defaultVpc:DefaultVpc")),
    Control("VPC", "CKV_AWS_23, AwsSolutions-EC27", "security groups have a description", _each(GROUP, lambda it: it.get("description"))),
    Control("VPC", "CKV_AWS_24, CKV_AWS_25, CKV_AWS_260, CKV_AWS_277, AwsSolutions-EC23, EC2.13, EC2.14, EC2.18, EC2.19", "nothing accepts connections from outside", _ingress),
    Control("VPC", "CKV_AWS_382", "outbound traffic is limited", _egress,
            "A job may call any address. If it calls AWS only, network.endpoints without NAT allow nothing else."),
    Control("VPC", "CKV2_AWS_5, EC2.22", "security groups are used",
            lambda it: [g.name for g in _kind(it, GROUP) if not any(f'"{g.id}"' in json.dumps(f.inputs["environment"]).replace("\\", "") for f in _kind(it, FUNCTION))],
            how="each launcher gives it to its tasks at their launch. A scanner sees that only in the launcher's settings: no "
            "service or function uses the group."),
    Control("VPC", "CKV_AWS_130, EC2.15", "subnets assign no public addresses", None,
            "The three public subnets contain only NAT gateways; tasks run in the private ones, without a public address."),
    Control("VPC", "CKV2_AWS_1, AwsSolutions-VPC3, EC2.21", "network access lists complement security groups", None,
            "They are stateless, so they would have to accept every response; the security groups accept no connections."),
    Control("VPC", "EC2.10, EC2.55, EC2.56, EC2.57, EC2.58, EC2.60", "tasks reach AWS through VPC endpoints", None,
            "The jobs have NAT anyway, and S3 has a gateway endpoint; network.endpoints adds others, each at its price."),
    Control("Pulumi", "CKV_AWS_41", "the provider has no access keys", _provider_keys),
)  # fmt: skip


NOT_APPLIED: Final = {
    "CKV2_AWS_1": "the plan has no subnets: awsx makes them",
    "CKV_AWS_130": "the plan has no subnets: awsx makes them",
    "CKV_AWS_143": "it applies to buckets with an object lock",
    "CKV_AWS_148": "it applies to a default VPC",
    "CKV_AWS_169": "it applies to a topic's policy",
    "CKV_AWS_223": "it passes a cluster that does not configure ECS Exec",
    "CKV_AWS_224": "it applies to a cluster that configures ECS Exec",
    "CKV_AWS_364": "it applies to a permission of a service, and prod's are of one role",
    "CKV_AWS_385": "it applies to a topic's policy",
}
"""checkov's checks that its own run does not apply, and why."""


def differences(failed: Mapping[str, Sequence[str]], passed: Set[str]) -> list[str]:
    """Where checkov differs from the page without a reason here. `failed`: check → resources."""
    by_id = {name: it for it in CONTROLS for name in it.ids.split(", ") if name.startswith("CKV")}
    found = [
        f"{it} fails on {', '.join(failed[it])}, and the page does not have it" for it in failed.keys() - by_id.keys()
    ]
    for name, control in by_id.items():
        if name in failed and not (control.reason or control.how):
            found.append(f"{name} fails on {', '.join(failed[name])}, and the page says met")
        elif name in NOT_APPLIED:
            if name in failed or (name in passed and not control.reason):
                found.append(f"{name} is applied after all; remove it from NOT_APPLIED")
        elif name not in failed and (control.reason or name not in passed):
            found.append(
                f"{name} {'passes' if name in passed else 'is not applied'}, and the page says: {control.reason or 'met'}"
            )
    return sorted(found)


def text(recording: Recording) -> str:
    """docs/controls.md."""
    met = [it for it in CONTROLS if not it.reason]
    lines = [
        "# Controls",
        "",
        "This page shows which security controls the stack meets, for a security review. It lists the controls of checkov,",
        "cdk-nag (AwsSolutions) and Security Hub (AWS Foundational Security Best Practices) that apply to a stack such as",
        f"`{recording.stack.name}`. {len(met)} controls are met, each proven by a test over every resource of the program;",
        f"{len(CONTROLS) - len(met)} are not, each with its reason. `make docs` computes this page. `make scan` runs checkov itself",
        "on the same resources, and fails if its result differs from this page.",
        "",
        "| service | control | requirement | " + recording.stack.name + " |",
        "| --- | --- | --- | --- |",
        *(f"| {it.of} | {it.ids} | {it.asks} | {_stands(it)} |" for it in CONTROLS),
    ]
    return "\n".join(lines) + "\n"


def _stands(control: Control) -> str:
    return control.reason or (f"met: {control.how}" if control.how else "met")


def main() -> int:
    """Write the table."""
    (PROGRAM / "docs" / "controls.md").write_text(text(record(Stack.read(PROGRAM, "prod"))))
    print("docs/controls.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
