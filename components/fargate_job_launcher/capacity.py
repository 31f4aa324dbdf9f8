"""Whether a job's cluster offers Spot, as far as the program can know before anything launches.

On-demand capacity needs no configuration of the cluster. Spot is a capacity provider, and RunTask refuses one that is
not associated with the cluster: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from .arguments import Job

CLUSTER: Final = "aws:ecs/cluster:Cluster"
ASSOCIATION: Final = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"


def may_use_spot(capacity: str, overrides: Mapping[str, Any]) -> list[str]:
    """The arguments that allow a job to be launched on Spot."""
    asked = {"capacity": [capacity], "overrides.capacity": overrides.get("capacity", [])}
    return [key for key, values in asked.items() if any(it.startswith("spot") for it in values)]


def warn_about_missing_spot(name: str, job: Job, *, resource: pulumi.Resource) -> None:
    """Warn when a job may run on Spot and this program creates its cluster without FARGATE_SPOT.

    A warning, not an error: another part of the program, or another program, may associate it.
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
                "provider FARGATE_SPOT, and this program creates cluster_arn without it; make the cluster with "
                "JobCluster, or associate FARGATE and FARGATE_SPOT with it (aws.ecs.ClusterCapacityProviders) and take "
                "cluster_arn from both, as examples/scheduled-on-spot does",
                resource,
            )

    # Pulumi waits for this output at the end of the program.
    pulumi.Output.from_input(look())
