"""Whether a job on Spot finds it: what a program can know of its cluster's capacity providers before anything launches.

On demand needs nothing of a cluster. Spot is a capacity provider, and RunTask refuses one that is not associated with
the cluster: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from .arguments import Job

CLUSTER: Final = "aws:ecs/cluster:Cluster"
ASSOCIATION: Final = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"


def may_use_spot(capacity: str, overrides: Mapping[str, Any]) -> list[str]:
    """The arguments by which a job may be launched on Spot."""
    asked = {"capacity": [capacity], "overrides.capacity": overrides.get("capacity", [])}
    return [key for key, values in asked.items() if any(it.startswith("spot") for it in values)]


def tell_of_missing_spot(name: str, job: Job, *, resource: pulumi.Resource) -> None:
    """Warn where a job may run on Spot, and its cluster is made by this program without a word of Spot.

    A warning and no error: the association may stand elsewhere in the program, or in another one.
    """
    keys = may_use_spot(job.capacity, job.overrides)
    if not keys:
        return
    arn = pulumi.Output.from_input(job.cluster_arn)

    async def look() -> None:
        urns = [await it.urn.future() for it in await arn.resources()]
        kinds = {str(urn).split("::")[2].rpartition("$")[2] for urn in urns if urn}
        if CLUSTER in kinds and ASSOCIATION not in kinds:
            pulumi.log.warn(
                f"FargateJobLauncher {name!r}: {' and '.join(keys)}: Spot is refused on a cluster without the capacity "
                "provider FARGATE_SPOT, and cluster_arn is a cluster's that this program gives none; make it with "
                "JobCluster, or associate FARGATE and FARGATE_SPOT with it (aws.ecs.ClusterCapacityProviders) and take "
                "cluster_arn from both, as examples/scheduled-on-spot does",
                resource,
            )

    # An output is waited for at the end of the program.
    pulumi.Output.from_input(look())
