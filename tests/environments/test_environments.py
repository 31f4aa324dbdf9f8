"""Every environment's program, recorded under mocks: what it registers and how the resources depend on each other."""

from __future__ import annotations

import json
from typing import Any

from fargate_job_launcher.arguments import Job
from fargate_job_launcher.container import NOBODY
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.settings import JOB_TAG, STACK_TAG
from fargate_job_launcher.payload import EXPIRE_DAYS

from tools.recording import SUBNETS, Recorded, Recording, group_id

RUNS = "fargate-job-launcher:index:JobRuns"
TABLE = "aws:dynamodb/table:Table"
LAUNCHER = "fargate-job-launcher:index:FargateJobLauncher"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
ALIAS = "aws:lambda/alias:Alias"
INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
EVENT_SOURCE = "aws:lambda/eventSourceMapping:EventSourceMapping"
PERMISSION = "aws:lambda/permission:Permission"
SCHEDULE = "aws:scheduler/schedule:Schedule"
GROUP = "aws:scheduler/scheduleGroup:ScheduleGroup"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
TOPIC = "aws:sns/topic:Topic"

FOLLOWING = (TARGET, EVENT_SOURCE)
"""What brings the supervisor the ends of tasks, and makes it look for what is late."""

TAKE_NO_TAGS = {
    ROLE_POLICY,
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    ALIAS,
    INVOKE_CONFIG,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    QUEUE_POLICY,
    TARGET,
    PERMISSION,
    SCHEDULE,
    DASHBOARD,
    "aws:lambda/invocation:Invocation",
    "aws:kms/alias:Alias",
    "aws:sns/topicSubscription:TopicSubscription",
}


def launchers(recording: Recording) -> list[Recorded]:
    found = recording.kind(LAUNCHER)
    assert {it.name for it in found} == recording.jobs().keys()
    return found


def policy(recording: Recording, name: str) -> dict[str, dict[str, Any]]:
    """The statements of a role's policy by their Sid."""
    document = json.loads(recording.one(ROLE_POLICY, name).inputs["policy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def settings(recording: Recording, job: str) -> dict[str, Any]:
    return json.loads(
        recording.one(FUNCTION, f"{job}-launcher").inputs["environment"]["variables"]["LAUNCHER_SETTINGS"]
    )


PROMISED: dict[str, dict[str, Any]] = {
    "dev": {
        **{"subnets": "public", "zones": 2, "nat": "None", "capacity": "spot_then_on_demand"},
        **{"logs": 14, "key": False, "alarms": False, "protected": False},
    },
    "prod": {
        **{"subnets": "private", "zones": 3, "nat": "OnePerAz", "capacity": "on_demand"},
        **{"logs": 365, "key": True, "alarms": True, "protected": True},
    },
}
"""The properties of this repository's two environments, which a third one need not have."""


def test_dev_and_prod_are_as_documented(recording: Recording) -> None:
    if recording.stack.name not in PROMISED:
        return
    (vpc,) = recording.kind("awsx:ec2:Vpc")
    jobs = [settings(recording, it) for it in recording.jobs()]
    assert PROMISED[recording.stack.name] == {
        "subnets": "public" if all(it["assignPublicIp"] for it in jobs) else "private",
        "zones": vpc.inputs["numberOfAvailabilityZones"],
        "nat": vpc.inputs["natGateways"]["strategy"],
        "capacity": " ".join({it["capacity"] for it in jobs}),
        "logs": max(it.inputs["retentionInDays"] for it in recording.kind(LOG_GROUP)),
        "key": bool(recording.kind("aws:kms/key:Key")),
        "alarms": any(it.name.endswith("-launch-failed") for it in recording.kind(ALARM)),
        "protected": vpc.protect,
    }
    # Together they use every feature of a job, so that the tests below see each of them.
    features = [extras(recording, it) for it in recording.jobs()]
    assert len(features) >= 2
    for it in ("scheduler", "schedules", "queue", "payload"):
        assert any(it in found for found in features), it
    assert all(job.get("supervision", {}).get("maxRuntimeMinutes") for job in recording.jobs().values())
    assert any(job.get("secrets") for job in recording.jobs().values())


def test_each_job_is_the_same_set_of_resources_and_those_of_its_features(recording: Recording) -> None:
    assert launchers(recording)
    for launcher in launchers(recording):
        kinds = sorted(it.kind for it in recording.resources.values() if it.parent == launcher.urn)
        usual = [*[ROLE] * 3, *[ROLE_POLICY] * 3, LOG_GROUP, LOG_GROUP, TASK_DEFINITION, FUNCTION]
        assert len(usual) + 1 <= 11
        assert kinds == sorted(
            [*usual, *(kind for kinds in extras(recording, launcher.name).values() for kind in kinds)]
        )


def extras(recording: Recording, name: str) -> dict[str, list[str]]:
    """What a job's features add to its resources."""
    job = recording.jobs()[name]
    # If the stack has alarms, every job has some.
    supervision, alarms = job.get("supervision"), job.get("alarms", {} if recording.setting("alarms") else None)
    found: dict[str, list[str]] = {"followed": [PERMISSION]}
    schedules = len(job.get("schedules", {})) + ("schedule" in job)
    if schedules or job.get("overrides", {}).get("at"):
        found["scheduler"] = [ROLE, ROLE_POLICY]
    if schedules:
        found["schedules"] = [SCHEDULE] * schedules
    if "scheduler" in found or any(job.get(it) is not None for it in ("asynchronous", "queue", "eventRule")):
        found["asynchronous"] = [ALIAS, INVOKE_CONFIG, QUEUE, QUEUE_POLICY]
    if "eventRule" in job:
        found["event rule"] = [RULE, TARGET, PERMISSION]
    if "queue" in job:
        found["queue"] = [QUEUE, QUEUE_POLICY, EVENT_SOURCE]
    if alarms is not None:
        slow = "maxJobMinutes" in alarms
        reaps = any(it in (supervision or {}) for it in ("maxRuntimeMinutes", "startTimeoutMinutes"))
        found["alarms"] = [ALARM] * (3 + ("asynchronous" in found) + reaps + slow)
        found["dashboard"] = [DASHBOARD] if alarms.get("dashboard") else []
    if "taskPolicy" in job:
        found["task policy"] = [ROLE_POLICY]
    if recording.setting("payloads") is not None and job.get("overrides", {}).get("payload"):
        found["payload"] = [ROLE_POLICY]
    if job.get("result"):
        found["result"] = [ROLE_POLICY]
    return found


def test_the_control_plane_is_one_for_all_jobs(recording: Recording) -> None:
    (runs,) = recording.kind(RUNS)
    kinds = [it.kind for it in recording.resources.values() if it.parent == runs.urn]
    queues = [QUEUE, QUEUE_POLICY, QUEUE, QUEUE_POLICY]
    function = [ROLE, ROLE_POLICY, LOG_GROUP, FUNCTION, EVENT_SOURCE]
    topic = [] if "topicArn" in (recording.setting("runs") or {}) else [TOPIC]
    assert sorted(kinds) == sorted([TABLE, *queues, *function, *[RULE, TARGET] * 2, ALARM, GROUP, *topic])
    assert len(kinds) <= 17
    table = recording.one(TABLE, runs.name)
    role = recording.one(ROLE, f"{runs.name}-supervisor")
    for job in recording.jobs():
        own = settings(recording, job)
        assert own["runs"]["table"] == table.outputs["name"]
        # A job is launched once the ends of its tasks are followed, and the table is there until no launcher is.
        function = recording.one(FUNCTION, f"{job}-launcher")
        followed = {it.urn for it in recording.resources.values() if it.parent == runs.urn and it.kind in FOLLOWING}
        assert len(followed) == 3
        assert {table.urn, *followed} <= function.dependencies
        permission = recording.one(PERMISSION, f"{job}-supervisor").inputs
        assert (permission["principal"], permission["action"]) == (role.outputs["arn"], "lambda:InvokeFunction")
        assert "qualifier" not in permission
        statement = policy(recording, f"{job}-launcher")["RecordOwnRuns"]
        family = recording.one(TASK_DEFINITION, job).inputs["family"]
        assert statement["Condition"]["ForAllValues:StringEquals"] == {"dynamodb:LeadingKeys": [family]}
        assert statement["Resource"] == table.outputs["arn"]


def test_the_supervisor_receives_the_ends_of_jobs_in_this_cluster_and_not_those_of_services(
    recording: Recording,
) -> None:
    (runs,) = recording.kind(RUNS)
    detail = json.loads(recording.one(RULE, f"{runs.name}-stopped").inputs["eventPattern"])["detail"]
    cluster = recording.exports["clusterArn"]
    assert detail == {"lastStatus": ["STOPPED"], "clusterArn": [cluster], "group": [{"prefix": "family:"}]}
    given = recording.one(FUNCTION, f"{runs.name}-supervisor").inputs["environment"]["variables"]
    table, queue = recording.one(TABLE, runs.name), recording.one(QUEUE, f"{runs.name}-stopped")
    assert json.loads(given["SUPERVISOR_SETTINGS"]) == {"table": table.outputs["name"], "queue": queue.outputs["url"]}


def test_the_table_keeps_what_it_promises(recording: Recording) -> None:
    (table,) = recording.kind(TABLE)
    given, protected = table.inputs, bool(recording.setting("protect"))
    keys = {it["attributeName"] for index in given["globalSecondaryIndexes"] for it in index["keySchemas"]}
    assert {it["name"] for it in given["attributes"]} == {given["hashKey"], given["rangeKey"], *keys}
    assert given["billingMode"] == "PAY_PER_REQUEST"
    assert given["ttl"] == {"attributeName": "expires", "enabled": True}
    assert given["pointInTimeRecovery"] == {"enabled": protected}
    assert (table.protect, given["deletionProtectionEnabled"]) == (protected, protected)
    assert ("serverSideEncryption" in given) == own_key(recording)


def own_key(recording: Recording) -> bool:
    return f"{recording.stack.project}:kmsKey" in recording.stack.config


def test_payloads_are_encrypted_private_and_expire(recording: Recording) -> None:
    for bucket in recording.kind("fargate-job-launcher:index:PayloadBucket"):
        inside = {it.kind.rpartition(":")[2]: it for it in recording.resources.values() if it.parent == bucket.urn}
        name = inside["Bucket"].outputs["name"]
        blocked = {key: it for key, it in inside["BucketPublicAccessBlock"].inputs.items() if key != "bucket"}
        assert (len(blocked), set(blocked.values())) == (4, {True})
        (encrypted,) = inside["BucketServerSideEncryptionConfiguration"].inputs["rules"]
        algorithm = encrypted["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        assert algorithm == ("aws:kms" if own_key(recording) else "AES256")
        (rule,) = inside["BucketLifecycleConfiguration"].inputs["rules"]
        assert rule["expiration"]["days"] == recording.setting("payloads").get("expireDays", EXPIRE_DAYS)
        (denied,) = json.loads(inside["BucketPolicy"].inputs["policy"])["Statement"]
        assert denied["Effect"] == "Deny"
        assert denied["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_job_reaches_its_own_payloads_only_and_one_without_any_none(recording: Recording) -> None:
    buckets = [it.outputs["name"] for it in recording.kind("aws:s3/bucket:Bucket")]
    for job in recording.jobs():
        takes = "payload" in extras(recording, job)
        assert ("KeepPayloads" in policy(recording, f"{job}-launcher")) == takes
        if takes:
            (name,) = buckets
            family = recording.one(TASK_DEFINITION, job).inputs["family"]
            assert family.startswith(f"{recording.stack.project}-{recording.stack.name}-{job}-")
            mine = f"arn:aws:s3:::{name}/{family}/*"
            assert policy(recording, f"{job}-launcher")["KeepPayloads"]["Resource"] == mine
            assert policy(recording, f"{job}-payload")["ReadPayloads"]["Resource"] == mine
            assert settings(recording, job)["payloadPrefix"] == mine.replace("arn:aws:s3:::", "s3://")[:-1]


def test_queues_are_encrypted_private_and_keep_messages_for_two_weeks(recording: Recording) -> None:
    policies = {it.inputs["queueUrl"]: it.inputs["policy"] for it in recording.kind(QUEUE_POLICY)}
    assert len(policies) == len(recording.kind(QUEUE))
    own = own_key(recording)
    for queue in recording.kind(QUEUE):
        assert (queue.inputs.get("sqsManagedSseEnabled"), "kmsMasterKeyId" in queue.inputs) == (not own or None, own)
        assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600
        denied, *allowed = json.loads(policies[f"{queue.outputs['name']}-id"])["Statement"]
        assert (denied["Effect"], denied["Resource"]) == ("Deny", [queue.outputs["arn"]])
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        # Only the rule that sends the supervisor its events may send to a queue, and each rule the events that it
        # cannot deliver.
        rules = {it.name for it in recording.kind(RULE)}
        own_rules = {queue.name, *(queue.name.replace("-dead-letters", it) for it in ("-events", "-stopped"))}
        assert len(allowed) == bool(own_rules & rules)
        assert all(set(it["Condition"]["ArnEquals"]) == {"aws:SourceArn"} for it in allowed)


def test_an_asynchronous_event_is_delivered_again_and_then_kept(recording: Recording) -> None:
    for job in recording.jobs():
        if "asynchronous" not in extras(recording, job):
            continue
        queue = recording.one(QUEUE, f"{job}-dead-letters")
        alias = recording.one(ALIAS, f"{job}-async")
        invoked = recording.one(INVOKE_CONFIG, f"{job}-async").inputs
        assert (alias.inputs["name"], invoked["qualifier"]) == ("async", "async")
        assert invoked["maximumRetryAttempts"] == 2
        assert invoked["destinationConfig"]["onFailure"]["destination"] == queue.outputs["arn"]
        assert recording.one(FUNCTION, f"{job}-launcher").inputs["publish"] is True
        assert policy(recording, f"{job}-launcher")["ParkDeadLetters"]["Resource"] == queue.outputs["arn"]
        assert settings(recording, job)["deadLetterQueue"] == queue.outputs["url"]


def test_passrole_names_exactly_the_two_roles_of_the_task_definition(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        execution, task = recording.one(ROLE, f"{job}-execution"), recording.one(ROLE, f"{job}-task")
        roles = sorted([execution.outputs["arn"], task.outputs["arn"]])
        statements = policy(recording, f"{job}-launcher-guard")
        assert statements["PassOnlyTheseRoles"] == {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }
        later = recording.jobs()[job].get("overrides", {}).get("at", False)
        # A job that may be launched later passes one role more, to Scheduler only.
        scheduled = [recording.one(ROLE, f"{job}-schedule").outputs["arn"]] if later else []
        assert ("PassScheduleRole" in statements) is later
        for arn in scheduled:
            assert statements["PassScheduleRole"] == {
                "Sid": "PassScheduleRole",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": arn,
                "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            }
        assert statements["NeverAnotherRole"]["NotResource"] == sorted([*roles, *scheduled])
        definition = recording.one(TASK_DEFINITION, job)
        assert definition.inputs["executionRoleArn"] == execution.outputs["arn"]
        assert definition.inputs["taskRoleArn"] == task.outputs["arn"]


def test_the_launcher_may_run_only_the_exact_revision_in_the_one_cluster(recording: Recording) -> None:
    cluster = recording.exports["clusterArn"]
    for launcher in launchers(recording):
        statement = policy(recording, f"{launcher.name}-launcher")["RunOnlyThisTask"]
        definition = recording.one(TASK_DEFINITION, launcher.name).outputs["arn"]
        assert definition.endswith(":7")
        assert statement["Resource"] == definition == settings(recording, launcher.name)["taskDefinition"]
        assert statement["Condition"] == {"ArnEquals": {"ecs:cluster": cluster}}


def test_the_policies_are_computed_from_the_roles_the_task_definition_and_the_cluster(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        guard, allows = (
            recording.one(ROLE_POLICY, it).computed_from["policy"]
            for it in (f"{job}-launcher-guard", f"{job}-launcher")
        )
        assert {recording.one(ROLE, f"{job}-{it}").urn for it in ("execution", "task")} <= guard
        clusters = {it.urn for it in recording.kind("aws:ecs/cluster:Cluster")}
        assert {recording.one(TASK_DEFINITION, job).urn, *clusters} <= allows


def test_the_function_and_the_task_definition_depend_on_the_policies_of_their_roles(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        function = recording.one(FUNCTION, f"{job}-launcher")
        for attached in (f"{job}-launcher", f"{job}-launcher-guard"):
            assert recording.one(ROLE_POLICY, attached).urn in function.dependencies
        assert function.inputs["role"] == recording.one(ROLE, f"{job}-launcher").outputs["arn"]
        definition = recording.one(TASK_DEFINITION, job)
        assert recording.one(ROLE_POLICY, f"{job}-execution").urn in definition.dependencies


def test_every_resource_that_takes_tags_has_the_stacks_and_its_jobs(recording: Recording) -> None:
    tagged = [it for it in recording.resources.values() if it.kind.startswith("aws") and it.kind not in TAKE_NO_TAGS]
    expected = {
        "project": recording.stack.project,
        "stack": recording.stack.name,
        **recording.setting("tags"),
    }
    assert tagged
    stack = f"{recording.stack.project}/{recording.stack.name}"
    of_job = {it.urn: recording.jobs()[it.name].get("tags", {}) for it in launchers(recording)}
    found = {f"{it.name}-launcher": {JOB_TAG: it.name, STACK_TAG: stack} for it in launchers(recording)}
    assert {it.urn: it.inputs.get("tags") for it in tagged} == {
        it.urn: {
            **expected,
            **of_job.get(it.parent, {}),
            **(found[it.name] if it.kind == FUNCTION and it.name in found else {}),
        }
        for it in tagged
    }


def test_logs_are_kept_and_protected_as_configured(recording: Recording) -> None:
    protect = recording.setting("protect")
    for job, config in recording.jobs().items():
        for group in (recording.one(LOG_GROUP, f"{job}-job"), recording.one(LOG_GROUP, f"{job}-launcher")):
            assert group.inputs["retentionInDays"] == config.get("logRetentionDays", Job.log_retention_days)
            assert group.protect is protect
    for kind in ("aws:ecs/cluster:Cluster", "aws:secretsmanager/secret:Secret", "awsx:ec2:Vpc"):
        assert {it.protect for it in recording.kind(kind)} <= {protect}


def test_tasks_run_in_the_network_and_on_the_capacity_of_the_environment(recording: Recording) -> None:
    network = recording.setting("network")
    if "vpcId" in network:
        public, subnets = network.get("assignPublicIp", False), network["subnetIds"]
    else:
        public, nat = network.get("subnets") == "public", network.get("natGateways", "one_per_az")
        (vpc,) = recording.kind("awsx:ec2:Vpc")
        zones = network.get("availabilityZones", 2)
        assert vpc.inputs["numberOfAvailabilityZones"] == zones
        strategies = {"none": "None", "single": "Single", "one_per_az": "OnePerAz"}
        assert vpc.inputs["natGateways"]["strategy"] == ("None" if public else strategies[nat])
        where = "public" if public else "private"
        subnets = [f"{SUBNETS[where]}{zone + 1}" for zone in range(zones)]
    assert "ingress" not in recording.one("aws:ec2/securityGroup:SecurityGroup", "jobs").inputs
    for job, config in recording.jobs().items():
        given = settings(recording, job)
        assert given["subnets"] == subnets
        assert given["assignPublicIp"] is public
        assert given["securityGroups"] == [group_id("jobs")]
        assert given["capacity"] == config.get("capacity", Job.capacity)
        cpu = config.get("cpu", Job.cpu)
        definition = recording.one(TASK_DEFINITION, job)
        assert definition.inputs["cpu"] == str(cpu)
        assert definition.inputs["memory"] == str(config.get("memory", fargate.SIZES[cpu][0]))


def test_a_container_gets_its_environment_and_secrets_by_arn(recording: Recording) -> None:
    kept = {it.name: it.outputs["arn"] for it in recording.kind("aws:secretsmanager/secret:Secret")}
    for job, config in recording.jobs().items():
        given = [config, *config.get("sidecars", [])]
        containers = json.loads(recording.one(TASK_DEFINITION, job).inputs["containerDefinitions"])
        readable = set[str]()
        for container, said in zip(containers, given, strict=True):
            secrets = {name: kept.get(at, at) for name, at in said.get("secrets", {}).items()}
            readable |= set(secrets.values())
            assert {it["name"]: it["value"] for it in container.get("environment", [])} == said.get("environment", {})
            assert {it["name"]: it["valueFrom"] for it in container.get("secrets", [])} == secrets
            assert container["user"] == said.get("user", NOBODY)
            read_only = container.get("readonlyRootFilesystem", False)
            assert read_only is said.get("readOnlyRoot", not config.get("allowExec", False))
            if read_only and "writablePaths" not in said:
                assert container["linuxParameters"]["tmpfs"] == [{"containerPath": "/tmp", "size": 64}]
            assert container["logConfiguration"]["options"]["awslogs-group"] == f"/{recording.stack.project}/" + (
                f"{recording.stack.name}/{job}/job"
            )
        allowed = policy(recording, f"{job}-execution").get("ReadDeclaredSecrets", {}).get("Resource", [])
        assert allowed == sorted(readable)


def test_what_a_caller_needs_is_exported(recording: Recording) -> None:
    assert recording.exports["subnetIds"]
    for job in recording.jobs():
        exported, features = recording.exports["jobs"][job], extras(recording, job)
        assert exported["taskDefinitionArn"] == recording.one(TASK_DEFINITION, job).outputs["arn"]
        assert exported["functionName"] == recording.one(FUNCTION, f"{job}-launcher").outputs["name"]
        absent = {
            "asynchronousFunctionArn": "asynchronous" not in features,
            "deadLetterQueueUrl": "asynchronous" not in features,
            "queueUrl": "queue" not in features,
            "noticeTopicArn": not {"supervision", "notify"} & recording.jobs()[job].keys(),
        }
        assert {key for key, it in exported.items() if it is None} <= {key for key, it in absent.items() if it}


def test_an_update_replaces_the_launchers_policy_and_keeps_the_old_revision(recording: Recording) -> None:
    for launcher in launchers(recording):
        assert recording.one(ROLE_POLICY, f"{launcher.name}-launcher").replaced_on == ("policy",)
        assert recording.one(ROLE, f"{launcher.name}-launcher").replaced_on == ("description",)
        assert recording.one(TASK_DEFINITION, launcher.name).inputs["skipDestroy"] is True
