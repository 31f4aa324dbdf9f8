"""Each argument of each component, deployed in the sandbox and launched with: what reaches AWS, and does not without.

The arguments are read from the components' own declarations: one that is new has no case here, and fails. An effect is
looked at twice, where the argument is given and where it is not, so that a case that sees nothing fails too.
"""

from __future__ import annotations

import io
import json
import typing
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, cast

import pytest
from fargate_job_launcher import (
    FargateJobLauncherArgs,
    JobClusterArgs,
    JobNetworkArgs,
    JobRunsArgs,
    PayloadBucketArgs,
)
from fargate_job_launcher.archive import zipped
from fargate_job_launcher.function import archive
from fargate_job_launcher.sandbox import Deployment, Emulator, deploy
from fargate_job_launcher.sandbox.engine.deployment import Resource
from fargate_job_launcher.sandbox.engine.jobs import LaunchFailed, launch
from fargate_job_launcher.scheduling import own_prefix

from tools.recording import program, record

HERE: Final = "eu-west-1:123456789012"
ROLE: Final = "arn:aws:iam::123456789012:role/"
SECRET: Final = f"arn:aws:secretsmanager:{HERE}:secret:%s-AbCdEf"
RULE: Final = "aws:cloudwatch/eventRule:EventRule"
TABLE: Final = "aws:dynamodb/table:Table"
MACHINE: Final = f"arn:aws:states:{HERE}:stateMachine:daily"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
TOPICS: Final = {it: f"arn:aws:sns:{HERE}:{it}" for it in ("notices", "alarms")}
ANYTHING: Final = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Version": "2012-10-17"}
ECR: Final = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
REPOSITORY: Final = f"arn:aws:ecr:{HERE}:repository/"
SENDER: Final = "arn:aws:s3:::orders"
KEPT: Final = ("/other/dev/job/job", "/other/dev/of-made/supervisor")
"""Log groups that are there before the launcher and the JobRuns are."""
LIMIT: Final = {"nofile": {"soft": 1000, "hard": 2000}}
HEALTH: Final = {
    **{"command": ["CMD", "well"], "interval_seconds": 7, "timeout_seconds": 3, "retries": 4},
    "start_period_seconds": 9,
}
EVENT: Final[dict[str, Any]] = {
    **{"environment": {"SOURCE": "s"}, "command": ["other"], "payload": "x" * 9000, "cpu": 2048, "memory": 8192},
    **{"ephemeralStorageGiB": 60, "count": 2, "capacity": "on_demand", "tags": {"customer": "c"}, "role": "reader"},
}
"""Everything that a caller may ask for."""


NEXT_KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def job(key: str) -> dict[str, Any]:
    """A job with nearly every argument."""
    return {
        "image": "registry.example.com/job:1",
        "subnet_ids": ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
        "security_group_ids": ["sg-0123456789abcdef1"],
        "assign_public_ip": True,
        **{"command": ["run"], "entry_point": ["/enter"], "working_directory": "/app", "ulimits": LIMIT},
        "log_options": {"mode": "non-blocking", "max_buffer_size": "25m"},
        **{"user": "1000:1000", "writable_paths": {"/scratch": 32}, "stop_timeout_seconds": 90},
        "health_check": HEALTH,
        "sidecars": [
            {
                **{"name": "proxy", "image": "proxy:1", "command": ["serve"], "entry_point": ["/proxy"]},
                **{"working_directory": "/proxy", "ulimits": LIMIT, "user": "7:7", "essential": True},
                **{"environment": {"MODE": "local", "API_KEY": "none"}, "not_secret": ["API_KEY"]},
                **{"secrets": {"KEY": SECRET % "proxy"}, "repository_credentials_arn": SECRET % "beside"},
                **{"writable_paths": {"/run": 8}, "health_check": HEALTH, "stop_timeout_seconds": 80},
            },
            {"name": "migrate", "image": "m:1", "read_only_root": False, "job_waits_for": "SUCCESS"},
        ],
        "efs_volumes": [
            {
                **{"file_system_id": "fs-0123456789abcdef0", "access_point_id": "fsap-0123456789abcdef0"},
                **{"path": "/data", "read_only": True},
            }
        ],
        **{"repository_credentials_arn": SECRET % "registry", "architecture": "arm64"},
        **{"environment": {"LEVEL": "debug", "DB_PASSWORD": "none"}, "not_secret": ["DB_PASSWORD"]},
        "secrets": {"PASSWORD": (SECRET % "db") + ":password::"},
        "secret_key_arns": [key],
        "task_policy": json.dumps(ANYTHING),
        **{"role_path": "/jobs/", "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary"},
        **{"cpu": 1024, "memory": 4096, "ephemeral_storage_gib": 50, "capacity": "spot"},
        "overrides": {
            **{"environment": ["SOURCE"], "command": True, "payload": True, "cpu": 2048, "memory": 8192},
            **{"ephemeral_storage_gib": 60, "max_count": 2, "capacity": ["on_demand"], "tags": ["customer"]},
            **{"task_roles": {"reader": f"{ROLE}reader"}, "at": True},
            "array": {"max_size": 500, "max_parallelism": 20},
        },
        "payload_bucket": "payloads-of-all",
        "prices": {
            **{"date": "2026-11-01", "vcpu_hour": 1000.0, "memory_gib_hour": 10.0, "storage_gib_hour": 0.1},
            "public_ipv4_hour": 0.5,
        },
        "asynchronous": True,
        "function": {
            **{"timeout_seconds": 65, "memory_mib": 640, "reserved_concurrency": 5, "tracing": True},
            **{"subnet_ids": ["subnet-0123456789abcdef3"], "security_group_ids": ["sg-0123456789abcdef3"]},
        },
        "schedule": {
            **{"expression": "cron(0 3 * * ? *)", "time_zone": "Europe/Berlin", "flexible_window_minutes": 15},
            **{"event": '{"count": 2}', "retries": 5, "max_age_seconds": 600},
        },
        "schedules": {
            "weekly": {
                **{"expression": "cron(0 4 ? * MON *)", "time_zone": "Europe/Dublin", "flexible_window_minutes": 30},
                **{"event": '{"command": ["weekly"]}', "retries": 6, "max_age_seconds": 700, "enabled": False},
            }
        },
        "queue": {
            **{"batch_size": 5, "maximum_concurrency": 3, "max_receive_count": 7},
            **{"as_payload": True, "sources": [SENDER]},
        },
        "event_rule": {"pattern": '{"source": ["shop"]}', "bus": "shop", "as_payload": True},
        "supervision": {
            **{"max_runtime_minutes": 45, "start_timeout_minutes": 12, "retries": 2, "retry_on": ["timed_out"]},
            **{"retry_exit_codes": [75], "never_retry_exit_codes": [64]},
        },
        "notify": {"topic_arn": TOPICS["notices"], "log_lines": 20},
        **{"max_running": 9, "overlap": "skip", "callbacks": [MACHINE]},
        "alarms": {"topic_arn": TOPICS["alarms"], "dashboard": True, "max_job_minutes": 30},
        **{"log_retention_days": 7, "kms_key_arn": key, "tags": {"team": "data"}},
        **{"protect_logs": True, "protect_queues": True, "keep_logs": True, "adopt_logs": ["job"]},
        "further_kms_key_arns": [NEXT_KEY],
    }


OTHER: Final[dict[str, Any]] = {
    **{"read_only_root": False, "task_role_arn": f"{ROLE}own-task", "execution_role_arn": f"{ROLE}own-execution"},
    "function": {
        "code_signing_config_arn": f"arn:aws:lambda:{HERE}:code-signing-config:csc-0123456789abcdef0",
        "signed_code": {"bucket": "signed", "key": "launcher.zip", "version": "%s"},
    },
    "schedule": {"expression": "rate(1 day)", "enabled": False},
}
"""What does not go with the others."""

KEPT_RUNS: Final[dict[str, Any]] = {
    "runs": {
        **{"table_arn": f"arn:aws:dynamodb:{HERE}:table/kept", "supervisor_role_arn": f"{ROLE}follower"},
        **{"notice_topic_arn": TOPICS["notices"], "kms_key_arn": "%s", "keep_days": 7},
        "schedule_group_arn": f"arn:aws:scheduler:{HERE}:schedule-group/kept",
    },
    "schedule": {"expression": "rate(1 day)"},
    **{"notify": {}, "result": True, "payload_bucket": "payloads-of-all"},
}
"""A job whose runs are in a table that is there already."""

CACHED: Final[dict[str, Any]] = {
    **{"image": f"{ECR}/hub/job:1", "pull_through_cache": True},
    "sidecars": [{"name": "proxy", "image": f"{ECR}/hub/proxy:1", "pull_through_cache": True}],
}
"""Images that ECR fetches, which no other registry's credentials go with."""

NETWORKS: Final[dict[str, Any]] = {
    "plain": {},
    "made": {
        **{"subnets": "public", "availability_zones": 3, "cidr_block": "10.9.0.0/16", "endpoints": ["s3"]},
        **{"flow_log_days": 7, "kms_key_arn": "%s", "tags": {"team": "data"}},
    },
    "single": {"nat_gateways": "single", "subnet_ranges": "divided"},
    "adopted": {
        **{"vpc_id": "vpc-0123456789abcdef0", "subnet_ids": ["subnet-0123456789abcdef0"], "assign_public_ip": True},
    },
}
CLUSTERS: Final[dict[str, Any]] = {
    "plain": {},
    "made": {"container_insights": "enhanced", "stop_tasks": True, "tags": {"team": "data"}},
    "adopted": {"cluster_arn": f"arn:aws:ecs:{HERE}:cluster/shared"},
}
BUCKETS: Final[dict[str, Any]] = {
    "plain": {},
    "made": {"expire_days": 3, "force_destroy": True, "kms_key_arn": "%s", "tags": {"team": "data"}},
}

RUNS: Final[dict[str, Any]] = {
    "plain": {},
    "made": {
        "topic_arn": TOPICS["notices"],
        "alarms": {"topic_arn": TOPICS["alarms"]},
        **{"log_retention_days": 7, "kms_key_arn": "%s", "further_kms_key_arns": [NEXT_KEY], "role_path": "/jobs/"},
        **{"permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary", "tags": {"team": "data"}},
        **{"keep_logs": True, "protect": True, "adopt_logs": True},
    },
    "quiet": {"alarms": {"enabled": False}},
}

SOURCE = """
import json, pulumi
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobNetwork, JobRuns, PayloadBucket
given = json.loads({given!r})
networks = {{name: JobNetwork(f"net-{{name}}", args) for name, args in given["networks"].items()}}
clusters = {{name: JobCluster(f"on-{{name}}", args) for name, args in given["clusters"].items()}}
buckets = {{name: PayloadBucket(f"in-{{name}}", args) for name, args in given["buckets"].items()}}
for name, args in given["runs"].items():
    followed = ("made", "plain") if name == "made" else ("plain",)
    JobRuns(f"of-{{name}}", {{"cluster_arns": [clusters[it].cluster_arn for it in followed], **args}})
place = {{"subnet_ids": ["subnet-0123456789abcdef0"], "security_group_ids": ["sg-0123456789abcdef0"], "image": "nginx"}}
for name, args in given["launchers"].items():
    at = "made" if name == "job" else "plain"
    FargateJobLauncher(name, {{**place, "cluster_arn": clusters[at].cluster_arn, **args}})
pulumi.export("networks", {{
    name: {{"vpc": it.vpc_id, "subnets": it.subnet_ids, "public": it.assign_public_ip, "group": it.security_group_id}}
    for name, it in networks.items()
}})
pulumi.export("clusters", {{name: it.cluster_arn for name, it in clusters.items()}})
pulumi.export("buckets", {{name: it.bucket_name for name, it in buckets.items()}})
"""


@dataclass(eq=False)
class World:
    """A launcher as AWS has it, and what it launched; or a network, a cluster or a bucket by its name."""

    aws: Emulator
    deployment: Deployment
    name: str
    protected: dict[str, set[str]]
    retained: set[str]
    """Log groups that a deletion leaves where they are."""

    def exported(self, kind: str) -> Any:
        return self.deployment.outputs[kind][self.name]

    @property
    def launcher(self) -> Resource:
        return self.deployment.launchers[self.name]

    def child(self, kind: str, name: str) -> Resource | None:
        """A resource of this launcher, by its type and what follows the launcher's name; None where there is none."""
        full = f"{self.name}{name}"
        found = (it for it in self.deployment.of_kind(kind) if it.name == full and it.parent == self.launcher.urn)
        return next(found, None)

    @cached_property
    def definition(self) -> dict[str, Any]:
        arn = self.launcher.outputs["task_definition_arn"]
        return self.aws.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]

    def container(self, name: str = "job") -> dict[str, Any]:
        return next((it for it in self.definition["containerDefinitions"] if it["name"] == name), {})

    @cached_property
    def function(self) -> dict[str, Any]:
        found = self.aws.client("lambda").get_function(FunctionName=self.launcher.outputs["function_name"])
        return {**found["Configuration"], "Tags": found.get("Tags", {})}

    @property
    def settings(self) -> dict[str, Any]:
        """The function's settings."""
        return json.loads(self.function["Environment"]["Variables"]["LAUNCHER_SETTINGS"])

    def of_runs(self, kind: str, name: str = "") -> Resource | None:
        """A resource of this JobRuns, by its type and what follows the name; None where there is none."""
        return next((it for it in self.deployment.of_kind(kind) if it.name == f"of-{self.name}{name}"), None)

    @cached_property
    def supervisor(self) -> dict[str, Any]:
        """The function of this JobRuns."""
        made = self.of_runs("aws:lambda/function:Function", "-supervisor")
        return {} if made is None else self.aws.client("lambda").get_function_configuration(FunctionName=made.id)

    def supervisor_role(self) -> dict[str, Any]:
        name = self.supervisor["Role"].rpartition("/")[2]
        return self.aws.client("iam").get_role(RoleName=name)["Role"]

    def supervisor_alarm(self) -> Any:
        """Whom the supervisor's alarm tells; None without an alarm."""
        made = self.of_runs("aws:cloudwatch/metricAlarm:MetricAlarm", "-unfollowed")
        return None if made is None else made.outputs["alarmActions"]

    def streams_of_supervisor(self) -> list[str]:
        group = self.kept_by(LOG_GROUP, "-supervisor")["name"]
        found = self.aws.client("logs").describe_log_streams(logGroupName=group)
        return [it["logStreamName"] for it in found["logStreams"]]

    def kept_by(self, kind: str, name: str = "") -> Any:
        """The outputs of a resource of this JobRuns."""
        made = self.of_runs(kind, name)
        return {} if made is None else made.outputs

    @cached_property
    def launched(self) -> dict[str, Any]:
        """The task of a launch that asks for nothing."""
        (task,) = launch(self.aws, self.launcher, {}).tasks
        return task

    @cached_property
    def call(self) -> dict[str, Any]:
        """The RunTask request of such a launch, and the rest of its plan."""
        return launch(self.aws, self.launcher, {"dryRun": True}).result

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The first task of a launch that asks for everything, and the launch's result; empty where it may not."""
        try:
            done = launch(self.aws, self.launcher, EVENT)
        except LaunchFailed:
            return {"result": {}, "overrides": {}, "tags": {}}
        arn = done.tasks[0]["taskArn"]
        tags = self.aws.client("ecs").list_tags_for_resource(resourceArn=arn)["tags"]
        named = {it["key"]: it["value"] for it in tags}
        return {"result": done.result, "overrides": done.tasks[0]["overrides"], "tags": named}

    def asked_of_container(self, key: str) -> Any:
        (found,) = self.asked["overrides"].get("containerOverrides") or [{}]
        return found.get(key)

    def statement(self, role: str, sid: str) -> Any:
        """The resources of a statement in a role's inline policies; None where there is none."""
        iam, name = self.aws.client("iam"), self.launcher.outputs[f"{role}_role_arn"].rpartition("/")[2]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for it in document["Statement"]:
                if it.get("Sid", "") == sid:
                    return it["Resource"]
        return None

    def role(self, role: str = "task") -> dict[str, Any]:
        name = self.launcher.outputs[f"{role}_role_arn"].rpartition("/")[2]
        return self.aws.client("iam").get_role(RoleName=name)["Role"]

    @property
    def schedule(self) -> dict[str, Any]:
        return self.scheduled("-schedule")

    @property
    def weekly(self) -> dict[str, Any]:
        return self.scheduled(".weekly")

    def scheduled(self, name: str) -> dict[str, Any]:
        made = self.child("aws:scheduler/schedule:Schedule", name)
        if made is None:
            return {"Target": {"RetryPolicy": {}, "Input": "{}"}, "FlexibleTimeWindow": {}}
        asked = {"Name": made.outputs["name"], "GroupName": made.outputs["groupName"]}
        return self.aws.client("scheduler").get_schedule(**asked)

    @cached_property
    def mapping(self) -> dict[str, Any]:
        made = self.child("aws:lambda/eventSourceMapping:EventSourceMapping", "-queue")
        return {} if made is None else self.aws.client("lambda").get_event_source_mapping(UUID=made.id)

    def queue(self, name: str) -> dict[str, Any]:
        made = self.child("aws:sqs/queue:Queue", name)
        if made is None:
            return {}
        return self.aws.client("sqs").get_queue_attributes(QueueUrl=made.id, AttributeNames=["All"])["Attributes"]

    def sender(self, sid: str) -> Any:
        """The condition of a statement in the queue's own policy; None where there is none."""
        statements = json.loads(self.queue("-queue").get("Policy", '{"Statement": []}'))["Statement"]
        return next((it["Condition"] for it in statements if it["Sid"] == sid), None)

    def rule(self) -> dict[str, Any]:
        made = self.child("aws:cloudwatch/eventRule:EventRule", "-events")
        if made is None:
            return {}
        bus = made.outputs.get("eventBusName") or "default"
        return self.aws.client("events").describe_rule(Name=made.outputs["name"], EventBusName=bus)

    def alarm(self, name: str) -> dict[str, Any]:
        made = self.child("aws:cloudwatch/metricAlarm:MetricAlarm", name)
        if made is None:
            return {}
        found = self.aws.client("cloudwatch").describe_alarms(AlarmNames=[made.outputs["name"]])
        return found["MetricAlarms"][0]

    def group(self) -> dict[str, Any]:
        name = self.launcher.outputs["log_group_name"]
        return self.aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]

    def streams(self) -> list[str]:
        """The log streams of the job's log group: of a task each, or what was there before."""
        found = self.aws.client("logs").describe_log_streams(logGroupName=self.group()["logGroupName"])
        return [it["logStreamName"] for it in found["logStreams"]]

    def subnets(self) -> list[dict[str, Any]]:
        return self.aws.client("ec2").describe_subnets(SubnetIds=self.exported("networks")["subnets"])["Subnets"]

    def of_vpc(self, operation: str, key: str, named: str = "vpc-id") -> list[dict[str, Any]]:
        filters = [{"Name": named, "Values": [self.exported("networks")["vpc"]]}]
        found = getattr(self.aws.client("ec2"), operation)(Filters=filters)[key]
        # The emulator does not hold to every filter.
        return [it for it in found if it["VpcId"] == self.exported("networks")["vpc"]]

    def flow_log_group(self) -> dict[str, Any]:
        name = f"/other/dev/net-{self.name}/flow-log"
        found = self.aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return next(iter(found), {})

    def cluster(self) -> dict[str, Any]:
        arn, more = self.exported("clusters"), ["SETTINGS", "TAGS"]
        return self.aws.client("ecs").describe_clusters(clusters=[arn], include=more)["clusters"][0]

    def drained(self) -> Any:
        """The cluster that is emptied, as its function has it, and when that is invoked besides."""
        name, kinds = f"on-{self.name}-drain", ("aws:lambda/function:Function", "aws:lambda/invocation:Invocation")
        found = [it for kind in kinds for it in self.deployment.of_kind(kind) if it.name == name]
        if not found:
            return None
        function, invocation = found
        made = self.aws.client("lambda").get_function_configuration(FunctionName=function.id)
        of_this = made["Environment"]["Variables"]["DRAINED_CLUSTER"] == self.exported("clusters")
        return of_this, invocation.outputs["lifecycleScope"]

    def made_bucket(self) -> Resource:
        (found,) = (it for it in self.deployment.of_kind("aws:s3/bucket:Bucket") if it.name == f"in-{self.name}")
        return found

    def bucket(self, operation: str) -> dict[str, Any]:
        s3 = self.aws.client("s3")
        try:
            return getattr(s3, operation)(Bucket=self.exported("buckets"))
        except s3.exceptions.ClientError:
            return {}


@dataclass(frozen=True)
class Case:
    """Where an argument is given, what of AWS shows it, and what is seen then."""

    given: str
    seen: Callable[[World], Any]
    expected: Any


def named(items: list[dict[str, Any]], key: str = "name", value: str = "value") -> dict[str, Any]:
    return {it[key]: it[value] for it in items}


def of_job(seen: Callable[[World], Any], expected: Any) -> Case:
    return Case("job", seen, expected)


def container(key: str, expected: Any, name: str = "job") -> Case:
    return Case("job", lambda it: it.container(name).get(key), expected)


def health(key: str, expected: Any, name: str = "job") -> Case:
    return Case("job", lambda it: it.container(name).get("healthCheck", {}).get(key), expected)


def file_limit(key: str, expected: int, name: str = "job") -> Case:
    return Case("job", lambda it: (it.container(name).get("ulimits") or [{}])[0].get(key), expected)


def variables(key: str, expected: Any, name: str = "job", of: str = "environment", value: str = "value") -> Case:
    return Case("job", lambda it: named(it.container(name).get(of, []), "name", value).get(key), expected)


def network(seen: Callable[[dict[str, Any]], Any], expected: Any) -> Case:
    def configuration(it: World) -> Any:
        return seen(it.call["dryRun"]["runTask"][0]["networkConfiguration"]["awsvpcConfiguration"])

    return Case("job", configuration, expected)


def volume(key: str, expected: Any) -> Case:
    def configuration(it: World) -> Any:
        found = next((one for one in it.definition["volumes"] if "efsVolumeConfiguration" in one), {})
        efs = found.get("efsVolumeConfiguration", {})
        return {**efs, **efs.get("authorizationConfig", {})}.get(key)

    return Case("job", configuration, expected)


def mounted(it: World) -> Any:
    return [mount for mount in it.container().get("mountPoints", []) if mount["sourceVolume"] == "efs-0"]


def tmpfs(expected: Any, name: str = "job") -> Case:
    return Case("job", lambda it: it.container(name).get("linuxParameters", {}).get("tmpfs"), expected)


def cost() -> Case:
    return Case("job", lambda it: it.call["maxCostUsdPerHour"], pytest.approx(1000 + 4 * 10 + 30 * 0.1 + 0.5))


def answer(key: str, *path: str) -> Callable[[World], Any]:
    def seen(it: World) -> Any:
        found: Any = getattr(it, key)
        for step in path:
            found = found.get(step) if found else None
        return found

    return seen


def redrive(it: World) -> Any:
    return json.loads(it.queue("-queue").get("RedrivePolicy", "{}")).get("maxReceiveCount")


def definition_tags(it: World) -> Any:
    arn = it.launcher.outputs["task_definition_arn"]
    return named(it.aws.client("ecs").list_tags_for_resource(resourceArn=arn)["tags"], "key").get("team")


def stored(it: World) -> Any:
    found = it.aws.client("s3").list_objects_v2(Bucket="payloads-of-all", Prefix=f"other-dev-{it.name}/")
    return it.asked["result"].get("launched"), found["KeyCount"]


def ended(it: World) -> Any:
    expiring = it.bucket("get_bucket_lifecycle_configuration")["Rules"]
    return expiring[0]["Expiration"]["Days"]


def encryption(it: World) -> Any:
    (rule,) = it.bucket("get_bucket_encryption")["ServerSideEncryptionConfiguration"]["Rules"]
    return rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")


def imported(image: str) -> Case:
    """Whether ECS may have ECR fetch an image."""
    return Case("cached", lambda it: image in (it.statement("execution", "ImportThroughCache") or []), True)


def setting(key: str, expected: Any = True, of: str = "job") -> Case:
    """One of the function's settings, by its path."""

    def seen(it: World) -> Any:
        found: Any = it.settings
        for step in key.split("."):
            found = (found or {}).get(step)
        return found

    return Case(of, seen, expected)


def invokers(it: World) -> Any:
    """The roles that may invoke the function."""
    found = it.aws.client("lambda").get_policy(FunctionName=it.function["FunctionName"])["Policy"]
    return [one["Principal"].get("AWS") for one in json.loads(found)["Statement"]]


def key_of_supervisor(it: World) -> Any:
    """The keys that the supervisor's policy names."""
    made = it.of_runs("aws:iam/rolePolicy:RolePolicy", "-supervisor")
    statements = [] if made is None else json.loads(made.outputs["policy"])["Statement"]
    return next((one["Resource"] for one in statements if one["Sid"] == "DecryptRuns"), None)


KEY: Final = "the key"
"""Stands for the ARN of the KMS key, which AWS chooses."""
SIGNED: Final = "the archive"
"""Stands for the digest of the signed archive."""

CASES: Final[dict[str, Case]] = {
    "image": container("image", "registry.example.com/job:1"),
    "pull_through_cache": imported(f"{REPOSITORY}hub/job"),
    "cluster_arn": of_job(lambda it: it.launched["clusterArn"] == it.deployment.outputs["clusters"]["made"], True),
    "subnet_ids": network(lambda it: it["subnets"], ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]),
    "security_group_ids": network(lambda it: it["securityGroups"], ["sg-0123456789abcdef1"]),
    "assign_public_ip": network(lambda it: it["assignPublicIp"], "ENABLED"),
    "command": container("command", ["run"]),
    "entry_point": container("entryPoint", ["/enter"]),
    "working_directory": container("workingDirectory", "/app"),
    "ulimits.nofile.soft": file_limit("softLimit", 1000),
    "ulimits.nofile.hard": file_limit("hardLimit", 2000),
    "log_options.mode": of_job(lambda it: it.container()["logConfiguration"]["options"].get("mode"), "non-blocking"),
    "log_options.max_buffer_size": of_job(
        lambda it: it.container("proxy").get("logConfiguration", {"options": {}})["options"].get("max-buffer-size"),
        "25m",
    ),
    "user": container("user", "1000:1000"),
    "read_only_root": Case("other", lambda it: it.container().get("readonlyRootFilesystem"), None),
    "writable_paths": tmpfs([{"containerPath": "/scratch", "size": 32}]),
    "stop_timeout_seconds": container("stopTimeout", 90),
    "health_check.command": health("command", ["CMD", "well"]),
    "health_check.interval_seconds": health("interval", 7),
    "health_check.timeout_seconds": health("timeout", 3),
    "health_check.retries": health("retries", 4),
    "health_check.start_period_seconds": health("startPeriod", 9),
    "sidecars.name": container("name", "proxy", "proxy"),
    "sidecars.image": container("image", "proxy:1", "proxy"),
    "sidecars.pull_through_cache": imported(f"{REPOSITORY}hub/proxy"),
    "sidecars.command": container("command", ["serve"], "proxy"),
    "sidecars.entry_point": container("entryPoint", ["/proxy"], "proxy"),
    "sidecars.working_directory": container("workingDirectory", "/proxy", "proxy"),
    "sidecars.ulimits.nofile.soft": file_limit("softLimit", 1000, "proxy"),
    "sidecars.ulimits.nofile.hard": file_limit("hardLimit", 2000, "proxy"),
    "sidecars.environment": variables("MODE", "local", "proxy"),
    "sidecars.not_secret": variables("API_KEY", "none", "proxy"),
    "sidecars.secrets": variables("KEY", SECRET % "proxy", "proxy", "secrets", "valueFrom"),
    "sidecars.repository_credentials_arn": container(
        "repositoryCredentials", {"credentialsParameter": SECRET % "beside"}, "proxy"
    ),
    "sidecars.essential": container("essential", True, "proxy"),
    "sidecars.user": container("user", "7:7", "proxy"),
    "sidecars.read_only_root": of_job(
        lambda it: it.container("migrate").get("readonlyRootFilesystem", "writable") if it.container("migrate") else "",
        "writable",
    ),
    "sidecars.writable_paths": tmpfs([{"containerPath": "/run", "size": 8}], "proxy"),
    "sidecars.health_check.command": health("command", ["CMD", "well"], "proxy"),
    "sidecars.health_check.interval_seconds": health("interval", 7, "proxy"),
    "sidecars.health_check.timeout_seconds": health("timeout", 3, "proxy"),
    "sidecars.health_check.retries": health("retries", 4, "proxy"),
    "sidecars.health_check.start_period_seconds": health("startPeriod", 9, "proxy"),
    "sidecars.stop_timeout_seconds": container("stopTimeout", 80, "proxy"),
    "sidecars.job_waits_for": of_job(
        lambda it: named(it.container().get("dependsOn", []), "containerName", "condition").get("migrate"), "SUCCESS"
    ),
    "efs_volumes.file_system_id": volume("fileSystemId", "fs-0123456789abcdef0"),
    "efs_volumes.access_point_id": volume("accessPointId", "fsap-0123456789abcdef0"),
    "efs_volumes.path": of_job(lambda it: [one["containerPath"] for one in mounted(it)], ["/data"]),
    "efs_volumes.read_only": of_job(lambda it: [one.get("readOnly") for one in mounted(it)], [True]),
    "repository_credentials_arn": container("repositoryCredentials", {"credentialsParameter": SECRET % "registry"}),
    "architecture": of_job(lambda it: it.definition["runtimePlatform"]["cpuArchitecture"], "ARM64"),
    "allow_exec": Case("debug", lambda it: it.launched["enableExecuteCommand"], True),
    "environment": variables("LEVEL", "debug"),
    "not_secret": variables("DB_PASSWORD", "none"),
    "secrets": variables("PASSWORD", (SECRET % "db") + ":password::", "job", "secrets", "valueFrom"),
    "secret_key_arns": of_job(lambda it: it.statement("execution", "DecryptDeclaredSecrets"), [KEY]),
    "task_policy": of_job(lambda it: it.statement("task", ""), "*"),
    "task_role_arn": Case("other", lambda it: it.definition["taskRoleArn"], f"{ROLE}own-task"),
    "execution_role_arn": Case("other", lambda it: it.definition["executionRoleArn"], f"{ROLE}own-execution"),
    "role_path": of_job(lambda it: it.role("execution")["Path"], "/jobs/"),
    "permissions_boundary_arn": of_job(
        lambda it: it.role("launcher").get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "arn:aws:iam::123456789012:policy/boundary",
    ),
    "cpu": of_job(lambda it: it.definition["cpu"], "1024"),
    "memory": of_job(lambda it: it.definition["memory"], "4096"),
    "ephemeral_storage_gib": of_job(lambda it: it.launched.get("ephemeralStorage"), {"sizeInGiB": 50}),
    "capacity": of_job(lambda it: it.launched.get("capacityProviderName"), "FARGATE_SPOT"),
    "overrides.environment": of_job(lambda it: named(it.asked_of_container("environment") or []).get("SOURCE"), "s"),
    "overrides.command": of_job(lambda it: it.asked_of_container("command"), ["other"]),
    "overrides.payload": of_job(
        lambda it: named(it.asked_of_container("environment") or []).get("JOB_PAYLOAD_S3_URI", "")[:24],
        "s3://payloads-of-all/oth",
    ),
    "overrides.cpu": of_job(answer("asked", "overrides", "cpu"), "2048"),
    "overrides.memory": of_job(answer("asked", "overrides", "memory"), "8192"),
    "overrides.ephemeral_storage_gib": of_job(answer("asked", "overrides", "ephemeralStorage"), {"sizeInGiB": 60}),
    "overrides.max_count": of_job(answer("asked", "result", "launched"), 2),
    "overrides.array.max_size": setting("overrides.array.maxSize", 500),
    "overrides.array.max_parallelism": setting("overrides.array.maxParallelism", 20),
    "overrides.at": of_job(
        lambda it: str(it.statement("launcher", "ScheduleOwnLaunches")).rpartition("/")[2],
        own_prefix("job", "other-dev-job") + "*",
    ),
    "overrides.capacity": of_job(answer("asked", "result", "capacityUsed"), {"FARGATE": 2}),
    "overrides.tags": of_job(answer("asked", "tags", "customer"), "c"),
    "overrides.task_roles": of_job(answer("asked", "overrides", "taskRoleArn"), f"{ROLE}reader"),
    "payload_bucket": of_job(stored, (2, 1)),
    "prices.date": of_job(lambda it: it.call["dryRun"].get("pricesOf"), "2026-11-01"),
    "prices.vcpu_hour": cost(),
    "prices.memory_gib_hour": cost(),
    "prices.storage_gib_hour": cost(),
    "prices.public_ipv4_hour": cost(),
    "asynchronous": of_job(
        lambda it: str(it.launcher.outputs.get("asynchronous_function_arn")).endswith(":async"), True
    ),
    "function.timeout_seconds": of_job(lambda it: it.function["Timeout"], 65),
    "function.memory_mib": of_job(lambda it: it.function["MemorySize"], 640),
    "function.reserved_concurrency": of_job(
        lambda it: (
            it.aws.client("lambda")
            .get_function_concurrency(FunctionName=it.function["FunctionName"])
            .get("ReservedConcurrentExecutions")
        ),
        5,
    ),
    "function.tracing": of_job(answer("function", "TracingConfig", "Mode"), "Active"),
    "function.subnet_ids": of_job(answer("function", "VpcConfig", "SubnetIds"), ["subnet-0123456789abcdef3"]),
    "function.security_group_ids": of_job(
        answer("function", "VpcConfig", "SecurityGroupIds"), ["sg-0123456789abcdef3"]
    ),
    # The emulator takes it and keeps none: seen in what the provider was given.
    "function.code_signing_config_arn": Case(
        "other",
        lambda it: (it.child("aws:lambda/function:Function", "-launcher") or it.launcher).outputs.get(
            "codeSigningConfigArn"
        ),
        OTHER["function"]["code_signing_config_arn"],
    ),
    # What lies there in any other bucket, under any other key or in any other version is no archive, or another one.
    **dict.fromkeys(
        ("function.signed_code.bucket", "function.signed_code.key", "function.signed_code.version"),
        Case("other", lambda it: it.function["CodeSha256"] if it.launched else None, SIGNED),
    ),
    "schedule.expression": of_job(answer("schedule", "ScheduleExpression"), "cron(0 3 * * ? *)"),
    "schedule.time_zone": of_job(answer("schedule", "ScheduleExpressionTimezone"), "Europe/Berlin"),
    "schedule.flexible_window_minutes": of_job(answer("schedule", "FlexibleTimeWindow", "MaximumWindowInMinutes"), 15),
    "schedule.event": of_job(lambda it: json.loads(it.schedule["Target"]["Input"]).get("detail"), {"count": 2}),
    "schedule.retries": of_job(answer("schedule", "Target", "RetryPolicy", "MaximumRetryAttempts"), 5),
    "schedule.max_age_seconds": of_job(answer("schedule", "Target", "RetryPolicy", "MaximumEventAgeInSeconds"), 600),
    "schedule.enabled": Case("other", answer("schedule", "State"), "DISABLED"),
    "schedules.expression": of_job(answer("weekly", "ScheduleExpression"), "cron(0 4 ? * MON *)"),
    "schedules.time_zone": of_job(answer("weekly", "ScheduleExpressionTimezone"), "Europe/Dublin"),
    "schedules.flexible_window_minutes": of_job(answer("weekly", "FlexibleTimeWindow", "MaximumWindowInMinutes"), 30),
    "schedules.event": of_job(
        lambda it: json.loads(it.weekly["Target"]["Input"]).get("detail"), {"command": ["weekly"]}
    ),
    "schedules.retries": of_job(answer("weekly", "Target", "RetryPolicy", "MaximumRetryAttempts"), 6),
    "schedules.max_age_seconds": of_job(answer("weekly", "Target", "RetryPolicy", "MaximumEventAgeInSeconds"), 700),
    "schedules.enabled": of_job(answer("weekly", "State"), "DISABLED"),
    "queue.as_payload": setting("queueAsPayload"),
    "queue.sources": of_job(
        lambda it: it.sender("OnlyTheseBuckets"),
        {"ArnEquals": {"aws:SourceArn": [SENDER]}, "StringEquals": {"aws:SourceAccount": ["123456789012"]}},
    ),
    "queue.batch_size": of_job(answer("mapping", "BatchSize"), 5),
    "queue.maximum_concurrency": of_job(answer("mapping", "ScalingConfig", "MaximumConcurrency"), 3),
    "queue.max_receive_count": of_job(redrive, 7),
    "event_rule.pattern": of_job(lambda it: it.rule().get("EventPattern"), '{"source": ["shop"]}'),
    "event_rule.bus": of_job(lambda it: it.rule().get("EventBusName"), "shop"),
    "event_rule.as_payload": setting("eventAsPayload"),
    "runs.table_arn": setting("runs.table", "kept", "kept"),
    "runs.supervisor_role_arn": Case("kept", invokers, [f"{ROLE}follower"]),
    "runs.notice_topic_arn": setting("noticeTopic", TOPICS["notices"], "kept"),
    "runs.schedule_group_arn": Case("kept", answer("schedule", "GroupName"), "kept"),
    "runs.kms_key_arn": Case("kept", lambda it: it.statement("launcher", "DecryptStored"), KEY),
    "runs.keep_days": setting("runs.keepDays", 7, "kept"),
    "supervision.max_runtime_minutes": setting("policy.maxRuntimeMinutes", 45),
    "supervision.start_timeout_minutes": setting("policy.startTimeoutMinutes", 12),
    "supervision.retries": setting("policy.retries", 2),
    "supervision.retry_on": setting("policy.retryOn", ["timed_out"]),
    "supervision.retry_exit_codes": setting("policy.retryExitCodes", [75]),
    "supervision.never_retry_exit_codes": setting("policy.neverRetryExitCodes", [64]),
    "notify.topic_arn": of_job(lambda it: it.statement("launcher", "Notify"), [TOPICS["notices"]]),
    "notify.log_lines": setting("logLines", 20),
    "max_running": setting("maxRunning", 9),
    "overlap": setting("overlap", "skip"),
    "result": setting("resultPrefix", "s3://payloads-of-all/other-dev-kept/results/", "kept"),
    "callbacks": of_job(lambda it: it.statement("launcher", "AnswerCallbacks"), [MACHINE]),
    "alarms.topic_arn": of_job(lambda it: it.alarm("-launch-failed").get("AlarmActions"), [TOPICS["alarms"]]),
    "alarms.dashboard": of_job(lambda it: it.child("aws:cloudwatch/dashboard:Dashboard", "") is not None, True),
    "alarms.max_job_minutes": of_job(lambda it: it.alarm("-slow").get("Threshold"), 1800),
    "log_retention_days": of_job(lambda it: it.group()["retentionInDays"], 7),
    "further_kms_key_arns": of_job(lambda it: NEXT_KEY in (it.statement("launcher", "EncryptMessages") or ()), True),
    "kms_key_arn": of_job(lambda it: (it.group().get("kmsKeyId"), it.function.get("KMSKeyArn")), (KEY, KEY)),
    "keep_logs": of_job(lambda it: sorted(it.retained), ["job-job", "job-launcher"]),
    "adopt_logs": of_job(lambda it: "before" in it.streams(), True),
    "protect_logs": of_job(
        lambda it: sorted(it.protected["LogGroup"]), ["job-job", "job-launcher", "job-runs-supervisor"]
    ),
    "protect_queues": of_job(
        lambda it: sorted(it.protected["Queue"]),
        ["job-dead-letters", "job-queue", "job-runs-dead-letters", "job-runs-stopped"],
    ),
    "tags": of_job(lambda it: (definition_tags(it), it.function["Tags"].get("team")), ("data", "data")),
    "runs:cluster_arns": Case(
        "made",
        lambda it: len(json.loads(it.kept_by(RULE, "-stopped")["eventPattern"])["detail"]["clusterArn"]),
        2,
    ),
    "runs:topic_arn": Case("made", lambda it: it.of_runs("aws:sns/topic:Topic", "-notices"), None),
    "runs:alarms.enabled": Case("quiet", lambda it: it.supervisor_alarm(), None),
    "runs:alarms.topic_arn": Case("made", lambda it: it.supervisor_alarm(), [TOPICS["alarms"]]),
    "runs:log_retention_days": Case("made", lambda it: it.kept_by(LOG_GROUP, "-supervisor")["retentionInDays"], 7),
    "runs:kms_key_arn": Case("made", lambda it: it.supervisor.get("KMSKeyArn"), KEY),
    "runs:further_kms_key_arns": Case("made", lambda it: NEXT_KEY in (key_of_supervisor(it) or ()), True),
    "runs:role_path": Case("made", lambda it: it.supervisor_role()["Path"], "/jobs/"),
    "runs:permissions_boundary_arn": Case(
        "made",
        lambda it: it.supervisor_role().get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "arn:aws:iam::123456789012:policy/boundary",
    ),
    "runs:keep_logs": Case("made", lambda it: sorted(it.retained), ["of-made-supervisor"]),
    "runs:adopt_logs": Case("made", lambda it: "before" in it.streams_of_supervisor(), True),
    "runs:protect": Case(
        "made",
        lambda it: (it.kept_by(TABLE)["deletionProtectionEnabled"], sorted(it.protected["Queue"])),
        (True, ["of-made-dead-letters", "of-made-stopped"]),
    ),
    "runs:tags": Case("made", lambda it: it.kept_by(TABLE).get("tags", {}).get("team"), "data"),
    "network:subnets": Case("made", lambda it: it.exported("networks")["public"], True),
    "network:nat_gateways": Case("single", lambda it: len(it.of_vpc("describe_nat_gateways", "NatGateways")), 1),
    "network:endpoints": Case(
        "made",
        lambda it: [one["ServiceName"] for one in it.of_vpc("describe_vpc_endpoints", "VpcEndpoints")],
        ["com.amazonaws.eu-west-1.s3"],
    ),
    "network:flow_log_days": Case("made", lambda it: it.flow_log_group().get("retentionInDays"), 7),
    "network:kms_key_arn": Case("made", lambda it: it.flow_log_group().get("kmsKeyId"), KEY),
    "network:availability_zones": Case("made", lambda it: len({one["AvailabilityZone"] for one in it.subnets()}), 3),
    "network:cidr_block": Case("made", lambda it: {one["CidrBlock"][:5] for one in it.subnets()}, {"10.9."}),
    # Halves of each zone's half of the VPC; without it, sixteenths of the VPC.
    "network:subnet_ranges": Case("single", lambda it: {one["CidrBlock"][-3:] for one in it.subnets()}, {"/18"}),
    "network:vpc_id": Case("adopted", lambda it: it.exported("networks")["vpc"], "vpc-0123456789abcdef0"),
    "network:subnet_ids": Case("adopted", lambda it: it.exported("networks")["subnets"], ["subnet-0123456789abcdef0"]),
    "network:assign_public_ip": Case("adopted", lambda it: it.exported("networks")["public"], True),
    "network:tags": Case(
        "made", lambda it: {named(one.get("Tags", []), "Key", "Value").get("team") for one in it.subnets()}, {"data"}
    ),
    "cluster:container_insights": Case(
        "made", lambda it: named(it.cluster()["settings"])["containerInsights"], "enhanced"
    ),
    "cluster:stop_tasks": Case("made", lambda it: it.drained(), (True, "CRUD")),
    "cluster:cluster_arn": Case("adopted", lambda it: it.exported("clusters"), f"arn:aws:ecs:{HERE}:cluster/shared"),
    "cluster:tags": Case("made", lambda it: named(it.cluster().get("tags", []), "key").get("team"), "data"),
    "bucket:expire_days": Case("made", ended, 3),
    # Of the bucket's end, which the provider brings about: seen in what it was given.
    "bucket:force_destroy": Case("made", lambda it: it.made_bucket().outputs.get("forceDestroy"), True),
    "bucket:kms_key_arn": Case("made", encryption, KEY),
    "bucket:tags": Case(
        "made", lambda it: named(it.bucket("get_bucket_tagging").get("TagSet", []), "Key", "Value").get("team"), "data"
    ),
}


def arguments(declared: type, path: str = "") -> Iterator[str]:
    """Every argument that a component's declaration knows, those within others included."""

    def within(hint: Any) -> list[type]:
        if typing.is_typeddict(hint):
            return [hint]
        return [inner for it in typing.get_args(hint) for inner in within(it)]

    for key, hint in declared.__annotations__.items():
        inner = within(hint)
        for it in inner:
            yield from arguments(it, f"{path}{key}.")
        if not inner:
            yield f"{path}{key}"


ARGUMENTS: Final = [
    *arguments(FargateJobLauncherArgs),
    *arguments(JobNetworkArgs, "network:"),
    *arguments(JobClusterArgs, "cluster:"),
    *arguments(PayloadBucketArgs, "bucket:"),
    *arguments(JobRunsArgs, "runs:"),
]


@dataclass
class Deployed:
    """Each launcher, network, cluster and bucket by its name, and what AWS chose itself."""

    worlds: dict[str, World]
    chosen: dict[str, str]


def signed() -> bytes:
    """The function's archive, which can be told from the one that is uploaded."""
    body = io.BytesIO(zipped(archive()))
    with zipfile.ZipFile(body, "a") as opened:
        opened.comment = b"signed"
    return body.getvalue()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with Emulator(region="eu-west-1") as aws:
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        iam, s3 = aws.client("iam"), aws.client("s3")
        for role in ("own-task", "own-execution", "reader", "follower"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(ANYTHING))
        iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(ANYTHING))
        for topic in TOPICS:
            aws.client("sns").create_topic(Name=topic)
        aws.client("events").create_event_bus(Name="shop")
        aws.client("ecs").create_cluster(clusterName="shared")
        for bucket in ("payloads-of-all", "signed"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_bucket_versioning(Bucket="signed", VersioningConfiguration={"Status": "Enabled"})
        body = signed()
        version = s3.put_object(Bucket="signed", Key="launcher.zip", Body=body)["VersionId"]
        s3.put_object(Bucket="signed", Key="launcher.zip", Body=b"no archive")

        aws.client("scheduler").create_schedule_group(Name="kept")
        for group in KEPT:
            aws.client("logs").create_log_group(logGroupName=group)
            aws.client("logs").create_log_stream(logGroupName=group, logStreamName="before")

        def filled(value: Any, chosen: str) -> Any:
            return json.loads(json.dumps(value).replace("%s", chosen))

        given = {
            "launchers": {
                **{"plain": {}, "job": job(key), "debug": {"allow_exec": True}},
                **{"other": filled(OTHER, version), "cached": CACHED, "kept": filled(KEPT_RUNS, key)},
            },
            **{"networks": filled(NETWORKS, key), "clusters": CLUSTERS, "buckets": filled(BUCKETS, key)},
            "runs": filled(RUNS, key),
        }
        stack = program(tmp_path_factory.mktemp("program"), SOURCE.format(given=json.dumps(given)))
        deployment, recording = deploy(stack, aws), record(stack)

        def protected(name: str) -> dict[str, set[str]]:
            prefixes = (f"{name}-", f"of-{name}-")
            kinds = {"LogGroup": LOG_GROUP, "Queue": "aws:sqs/queue:Queue"}
            return {
                of: {it.name for it in recording.kind(kind) if it.protect and it.name.startswith(prefixes)}
                for of, kind in kinds.items()
            }

        def retained(name: str) -> set[str]:
            prefixes = (f"{name}-", f"of-{name}-")
            return {it.name for it in recording.kind(LOG_GROUP) if it.retained and it.name.startswith(prefixes)}

        names = {*given["launchers"], *NETWORKS, *CLUSTERS, *BUCKETS, *RUNS}
        worlds = {name: World(aws, deployment, name, protected(name), retained(name)) for name in names}
        yield Deployed(worlds, {KEY: key, SIGNED: b64encode(sha256(body).digest()).decode()})


def test_every_argument_has_a_case() -> None:
    assert sorted(CASES) == sorted(ARGUMENTS)
    assert len(ARGUMENTS) > 130


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_argument_reaches_aws_and_nothing_like_it_does_without(argument: str, deployed: Deployed) -> None:
    case = CASES[argument]
    expected = case.expected
    for stands, chosen in deployed.chosen.items():
        expected = _put(expected, stands, chosen)
    assert case.seen(deployed.worlds[case.given]) == expected
    assert case.seen(deployed.worlds["plain"]) != expected


def _put(value: Any, stands: str, chosen: str) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_put(it, stands, chosen) for it in cast("list[Any]", value))
    return chosen if isinstance(value, str) and value == stands else value
