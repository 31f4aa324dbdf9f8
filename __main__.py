"""The program: a stack's config → network, cluster, runs, launchers → exports. Everything else is in components/."""

from typing import Any, cast

import pulumi
from fargate_job_launcher import (
    FargateJobLauncher,
    FargateJobLauncherArgs,
    JobCluster,
    JobClusterArgs,
    JobNetwork,
    JobNetworkArgs,
    JobRuns,
    JobRunsArgs,
    LaunchRuns,
    PayloadBucket,
    PayloadBucketArgs,
    environments,
)

config = environments.read()
stack = environments.Foundation(config)
shared: dict[str, Any] = {"tags": stack.tags} | ({} if stack.key_arn is None else {"kms_key_arn": stack.key_arn})

# `pulumi destroy` of a cluster that is not protected needs no second command: it stops the tasks first.
destroyed = {} if config.protects("cluster") or "cluster_arn" in config.arguments("cluster") else {"stop_tasks": True}

network = JobNetwork(
    "jobs", cast("JobNetworkArgs", {**shared, **config.arguments("network")}), opts=stack.guarded("network")
)
cluster = JobCluster(
    "jobs",
    cast("JobClusterArgs", {"tags": stack.tags, **destroyed, **config.arguments("cluster")}),
    opts=stack.guarded("cluster"),
)
payload_bucket = None
if config.payloads is not None:
    emptied = {"force_destroy": not config.protects("payloads")}
    payloads = cast("PayloadBucketArgs", {**shared, **emptied, **config.arguments("payloads")})
    payload_bucket = PayloadBucket("payloads", payloads, opts=stack.guarded("payloads"))

kept: dict[str, Any] = {
    **shared,
    **config.run_arguments(),
    "cluster_arns": [cluster.cluster_arn],
    "protect": config.protects("runs"),
}
if stack.alarm_topic_arn is not None:
    kept["alarms"] = {"topic_arn": stack.alarm_topic_arn, **kept.get("alarms", {})}
runs = JobRuns("jobs", cast("JobRunsArgs", kept), opts=stack.open)
launch_runs: LaunchRuns = runs.shared
if config.runs.keep_days is not None:
    launch_runs["keep_days"] = config.runs.keep_days

launchers: dict[str, FargateJobLauncher] = {}
for name in config.jobs:
    job = environments.with_secrets(config.job_arguments(name), stack.secret_arns)
    args: dict[str, Any] = {
        **shared,
        **job,
        "cluster_arn": cluster.cluster_arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "runs": launch_runs,
        "protect_logs": config.protects(f"jobs.{name}"),
        "protect_queues": config.protects(f"jobs.{name}"),
        "tags": {**stack.tags, **job.get("tags", {})},
    }
    if stack.key_arn is not None and any(it.get("secrets") for it in (job, *job.get("sidecars", []))):
        args["secret_key_arns"] = [*job.get("secret_key_arns", []), stack.key_arn]
    if stack.alarm_topic_arn is not None:
        args["alarms"] = {"topic_arn": stack.alarm_topic_arn, **job.get("alarms", {})}
    # Only a job that takes payloads or leaves a result gets access to the bucket.
    if payload_bucket is not None and (job.get("overrides", {}).get("payload") or job.get("result")):
        args["payload_bucket"] = payload_bucket.bucket_name
    launchers[name] = FargateJobLauncher(name, cast("FargateJobLauncherArgs", args), opts=stack.open)

pulumi.export("clusterArn", cluster.cluster_arn)
pulumi.export("vpcId", network.vpc_id)
pulumi.export("subnetIds", network.subnet_ids)
pulumi.export(
    "runs",
    {
        "tableName": runs.table_name,
        "tableArn": runs.table_arn,
        "supervisorRoleArn": runs.supervisor_role_arn,
        "supervisorFunctionName": runs.supervisor_function_name,
        "supervisorLogGroup": runs.log_group_name,
        "noticeTopicArn": runs.notice_topic_arn,
        "scheduleGroupName": runs.schedule_group_name,
        "scheduleGroupArn": runs.schedule_group_arn,
        "deadLetterQueueUrl": runs.dead_letter_queue_url,
    },
)
pulumi.export(
    "jobs",
    {
        name: {
            "functionName": launcher.function_name,
            "functionArn": launcher.function_arn,
            "asynchronousFunctionArn": launcher.asynchronous_function_arn,
            "deadLetterQueueUrl": launcher.dead_letter_queue_url,
            "queueUrl": launcher.queue_url,
            "noticeTopicArn": launcher.notice_topic_arn,
            "taskDefinitionArn": launcher.task_definition_arn,
            "executionRoleArn": launcher.execution_role_arn,
            "taskRoleArn": launcher.task_role_arn,
            "launcherRoleArn": launcher.launcher_role_arn,
            "logGroup": launcher.log_group_name,
            "launcherLogGroup": launcher.launcher_log_group_name,
        }
        for name, launcher in launchers.items()
    },
)
