"""What Amazon ECS refuses of a cluster: its capacity providers, and its end."""

from __future__ import annotations

from typing import Final

from .row import Refusal
from .run_task import BOTH_KINDS, LAUNCH, MIXED, THERE, UNASSOCIATED

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_%s.html"
_PROVIDERS: Final = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-capacity-providers.html"
_ALONE: Final = [{"capacityProvider": "FARGATE"}]

ROWS: Final = (
    Refusal(
        id="ecs.CreateCluster.strategy.associated",
        refuses="The default strategy of a cluster names only capacity providers that are associated with it",
        code="InvalidParameterException",
        words=UNASSOCIATED,
        sources=("https://github.com/dask/dask-cloudprovider/issues/328", API % "CreateCluster"),
        request={"clusterName": "rows-refused", "defaultCapacityProviderStrategy": _ALONE},
        takes={
            "clusterName": "rows-taken",
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": _ALONE,
        },
        seen=False,
    ),
    Refusal(
        id="ecs.CreateCluster.strategy.mixed",
        refuses="A cluster's default strategy has capacity providers of Fargate or of Auto Scaling groups, not both",
        code="InvalidParameterException",
        words=MIXED,
        sources=("https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/68", _PROVIDERS),
        request={
            "clusterName": "rows-refused",
            "capacityProviders": ["FARGATE", "instances"],
            "defaultCapacityProviderStrategy": BOTH_KINDS,
        },
    ),
    Refusal(
        id="ecs.PutClusterCapacityProviders.strategy.associated",
        refuses="The default strategy names only capacity providers that the same request associates",
        code="InvalidParameterException",
        words=UNASSOCIATED,
        sources=(
            "https://github.com/dask/dask-cloudprovider/issues/328",
            API % "PutClusterCapacityProviders",
        ),
        request={"cluster": "rows", "capacityProviders": [], "defaultCapacityProviderStrategy": _ALONE},
        before=THERE,
        seen=False,
    ),
    Refusal(
        id="ecs.PutClusterCapacityProviders.strategy.mixed",
        refuses="The default strategy has capacity providers of Fargate or of Auto Scaling groups, not both",
        code="InvalidParameterException",
        words=MIXED,
        sources=("https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/68", _PROVIDERS),
        request={
            "cluster": "rows",
            "capacityProviders": ["FARGATE", "instances"],
            "defaultCapacityProviderStrategy": BOTH_KINDS,
        },
        before=THERE,
    ),
    Refusal(
        id="ecs.DeleteCluster.tasks",
        refuses="A cluster can be deleted only after all its tasks have stopped",
        code="ClusterContainsTasksException",
        words="The Cluster cannot be deleted while Tasks are active.",
        sources=("https://github.com/gruntwork-io/cloud-nuke/issues/368", API % "DeleteCluster"),
        request={"cluster": "rows-busy"},
        before=(
            ("ecs", "CreateCluster", {"clusterName": "rows-busy"}),
            THERE[1],
            ("ecs", "RunTask", {**LAUNCH, "cluster": "rows-busy"}),
        ),
    ),
)
