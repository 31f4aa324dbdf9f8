"""The program: a stack's config → network, cluster, launchers → exports. Everything else is in components/."""

import re
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, FargateJobLauncherArgs, JobNetwork, JobNetworkArgs


def arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """A component's arguments as a stack's YAML spells them, camelCase, in Python's spelling."""
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower(): value for key, value in config.items()}


config = pulumi.Config()
tags: dict[str, str] = {
    "project": pulumi.get_project(),
    "stack": pulumi.get_stack(),
    **(config.get_object("tags") or {}),
}
protect = config.get_bool("protect") or False
guarded = pulumi.ResourceOptions(protect=protect)

network = JobNetwork(
    "jobs",
    cast("JobNetworkArgs", {"tags": tags, **arguments(config.require_object("network"))}),
    opts=guarded,
)
cluster = aws.ecs.Cluster("jobs", tags=tags, opts=guarded)
capacity_providers = aws.ecs.ClusterCapacityProviders(
    "jobs",
    cluster_name=cluster.name,
    capacity_providers=["FARGATE", "FARGATE_SPOT"],
    opts=pulumi.ResourceOptions(parent=cluster, protect=protect),
)
# Launchers take the cluster's ARN from here, so that none is ready before its capacity is.
cluster_arn = pulumi.Output.all(cluster.arn, capacity_providers.id).apply(lambda it: cast("str", it[0]))
secrets = {
    name: aws.secretsmanager.Secret(name, tags=tags, opts=guarded)
    for name in cast("list[str]", config.get_object("secrets") or [])
}

launchers: dict[str, FargateJobLauncher] = {}
defaults = arguments(config.get_object("defaults") or {})
for name, job in cast("dict[str, dict[str, Any]]", config.require_object("jobs")).items():
    args: dict[str, Any] = {
        "cluster_arn": cluster_arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "protect_logs": protect,
        "tags": tags,
        **defaults,
        **arguments(job),
    }
    if "overrides" in args:
        args["overrides"] = arguments(args["overrides"])
    # A secret is named as one that this stack keeps, or given as the ARN of one kept elsewhere.
    if "secrets" in args:
        args["secrets"] = {key: secrets[at].arn if at in secrets else at for key, at in args["secrets"].items()}
    launchers[name] = FargateJobLauncher(name, cast("FargateJobLauncherArgs", args))

pulumi.export("clusterArn", cluster.arn)
pulumi.export("vpcId", network.vpc_id)
pulumi.export("subnetIds", network.subnet_ids)
pulumi.export(
    "jobs",
    {
        name: {
            "functionName": launcher.function_name,
            "functionArn": launcher.function_arn,
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
