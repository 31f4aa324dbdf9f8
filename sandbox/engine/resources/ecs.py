"""Amazon ECS: clusters, task definitions, services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...aws.server import Emulator
from .creator import Inputs, Made, State, creates, tag_list


@creates("aws:ecs/cluster:Cluster")
def _cluster(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name()
    cluster = aws.client("ecs").create_cluster(
        clusterName=name,
        **inputs.given(
            settings=inputs.spelt("settings", "ecs", "ClusterSettings"),
            configuration=inputs.spelt("configuration", "ecs", "ClusterConfiguration"),
            serviceConnectDefaults=inputs.spelt(
                "serviceConnectDefaults", "ecs", "ClusterServiceConnectDefaultsRequest"
            ),
            tags=tag_list(inputs.tags(), "key", "value"),
        ),
    )["cluster"]
    return Made(cluster["clusterArn"], {"name": name, "arn": cluster["clusterArn"]})


@creates("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
def _cluster_capacity_providers(aws: Emulator, inputs: Inputs) -> Made:
    cluster = inputs.take("clusterName")
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=inputs.take("capacityProviders", []),
        defaultCapacityProviderStrategy=inputs.spelt(
            "defaultCapacityProviderStrategies", "ecs", "CapacityProviderStrategy"
        )
        or [],
    )
    return Made(cluster, {})


@creates("aws:ecs/taskDefinition:TaskDefinition")
def _task_definition(aws: Emulator, inputs: Inputs) -> Made:
    for key in ("skipDestroy", "trackLatest"):
        inputs.take(key)
    definition = aws.client("ecs").register_task_definition(
        family=inputs.take("family"),
        containerDefinitions=json.loads(inputs.take("containerDefinitions")),
        **inputs.given(
            requiresCompatibilities=inputs.take("requiresCompatibilities"),
            networkMode=inputs.take("networkMode"),
            cpu=inputs.take("cpu"),
            memory=inputs.take("memory"),
            executionRoleArn=inputs.take("executionRoleArn"),
            taskRoleArn=inputs.take("taskRoleArn"),
            runtimePlatform=inputs.spelt("runtimePlatform", "ecs", "RuntimePlatform"),
            ephemeralStorage=inputs.spelt("ephemeralStorage", "ecs", "EphemeralStorage"),
            volumes=_volumes(inputs),
            placementConstraints=inputs.spelt("placementConstraints", "ecs", "TaskDefinitionPlacementConstraints"),
            ipcMode=inputs.take("ipcMode"),
            pidMode=inputs.take("pidMode"),
            enableFaultInjection=inputs.take("enableFaultInjection"),
            tags=tag_list(inputs.tags(), "key", "value"),
        ),
    )["taskDefinition"]
    arn, revision = definition["taskDefinitionArn"], definition["revision"]
    return Made(
        definition["family"],
        {
            "arn": arn,
            "arnWithoutRevision": arn.rpartition(":")[0],
            "revision": revision,
            "family": definition["family"],
        },
    )


def _volumes(inputs: Inputs) -> Any:
    """The provider has the path on the host as `hostPath` of a volume, and AWS as `sourcePath` of its `host`."""
    given: list[State] = inputs.take("volumes") or []
    plain = [{key: value for key, value in it.items() if key != "hostPath"} for it in given]
    made = inputs.as_spelt("volumes", plain, "ecs", "VolumeList")
    for volume, it in zip(made, given, strict=True):
        volume |= {"host": {"sourcePath": it["hostPath"]}} if it.get("hostPath") else {}
    return made


@creates("aws:ecs/service:Service")
def _service(aws: Emulator, inputs: Inputs) -> Made:
    """A service as ECS records it. The sandbox starts no tasks for it."""
    # These affect an update or the deletion, which do not happen here.
    for key in ("forceDelete", "forceNewDeployment", "sigintRollback", "triggers", "waitForSteadyState"):
        inputs.take(key)
    cluster, count, grace = (inputs.take(key) for key in ("cluster", "desiredCount", "healthCheckGracePeriodSeconds"))
    most, least = inputs.take("deploymentMaximumPercent"), inputs.take("deploymentMinimumHealthyPercent")
    breaker = inputs.spelt("deploymentCircuitBreaker", "ecs", "DeploymentCircuitBreaker")
    percent = inputs.given(
        maximumPercent=int(most) if most else None,
        minimumHealthyPercent=int(least) if least is not None else None,
        deploymentCircuitBreaker=breaker,
    )
    name = inputs.physical_name()
    made = aws.client("ecs").create_service(
        serviceName=name,
        **inputs.given(
            cluster=cluster,
            taskDefinition=inputs.take("taskDefinition"),
            desiredCount=int(count) if count is not None else None,
            launchType=inputs.take("launchType"),
            role=inputs.take("iamRole"),
            platformVersion=inputs.take("platformVersion"),
            propagateTags=inputs.take("propagateTags"),
            schedulingStrategy=inputs.take("schedulingStrategy"),
            enableECSManagedTags=inputs.take("enableEcsManagedTags"),
            enableExecuteCommand=inputs.take("enableExecuteCommand"),
            availabilityZoneRebalancing=inputs.take("availabilityZoneRebalancing"),
            healthCheckGracePeriodSeconds=int(grace) if grace is not None else None,
            deploymentConfiguration=percent,
            deploymentController=inputs.spelt("deploymentController", "ecs", "DeploymentController"),
            networkConfiguration=awsvpc(
                inputs.take("networkConfiguration"), "subnets", "securityGroups", "assignPublicIp"
            ),
            capacityProviderStrategy=inputs.spelt("capacityProviderStrategies", "ecs", "CapacityProviderStrategy"),
            placementConstraints=inputs.spelt("placementConstraints", "ecs", "PlacementConstraints"),
            placementStrategy=inputs.spelt("orderedPlacementStrategies", "ecs", "PlacementStrategies"),
            tags=tag_list(inputs.tags(), "key", "value"),
        ),
    )["service"]
    return Made(made["serviceArn"], {"name": name, "arn": made["serviceArn"]})


def awsvpc(given: Mapping[str, Any] | None, subnets: str, groups: str, public: str) -> State | None:
    """A task's network as EventBridge and ECS take it: in `awsvpcConfiguration`, with ENABLED or DISABLED."""
    if not given:
        return None
    made = {subnets: given["subnets"], public: "ENABLED" if given.get("assignPublicIp") else "DISABLED"}
    return {
        "awsvpcConfiguration": {**made, **({groups: given["securityGroups"]} if given.get("securityGroups") else {})}
    }
