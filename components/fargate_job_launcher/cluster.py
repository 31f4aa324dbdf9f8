"""Where jobs are run: an ECS cluster for Fargate and Fargate Spot, or an existing one adopted.

Any cluster runs jobs on demand, one made with `aws.ecs.Cluster` too. Spot is a capacity provider, which has to be
associated with the cluster: a new cluster has it from here, an adopted one has it or its jobs on Spot are refused.

Nothing here lets anybody open a shell in a task: ECS Exec is asked for task by task, and a launcher may not.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler import fargate

from .checks import shapes
from .checks.later import held
from .checks.names import CLUSTER, name_problems
from .checks.place import place_problems
from .checks.tags import tag_problems
from .draining import drained

CONTAINER_INSIGHTS: Final = ("disabled", "enabled", "enhanced")
CAPACITY_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")


class JobClusterArgs(TypedDict, total=False):
    """Either the settings of a new cluster, or the ARN of an existing one."""

    container_insights: str
    """Metrics of every task: `disabled`, `enabled` or `enhanced`; CloudWatch charges for them. Default: disabled."""
    stop_tasks: bool
    """Whether deleting the cluster stops the tasks that run in it, with a function for this purpose. Otherwise a
    cluster with tasks is not deleted: ECS refuses that, and the AWS provider tries for ten minutes. Default: false."""
    cluster_arn: NotRequired[pulumi.Input[str]]
    """ARN of an existing cluster to adopt; for jobs on Spot it needs the capacity provider FARGATE_SPOT. The component
    changes nothing in it; set none of the fields above with it."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags of a new cluster. Default: none."""


class JobCluster(pulumi.ComponentResource):
    """A cluster with the capacity providers FARGATE and FARGATE_SPOT, or an adopted one."""

    cluster_arn: pulumi.Output[str]
    """ARN of the cluster, known once its capacity providers are associated: the `cluster_arn` of a launcher."""

    def __init__(self, name: str, args: JobClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments make no cluster."""
        args, problems = examine_cluster(args)
        made = [] if "cluster_arn" in args else name_problems(name, CLUSTER)
        shapes.refuse("JobCluster", name, [*made, *problems])
        args = cast("JobClusterArgs", held("JobCluster", name, args, lambda it: examine_cluster(it)[1]))
        super().__init__("fargate-job-launcher:index:JobCluster", name, {}, opts)
        if "cluster_arn" in args:
            self.cluster_arn = pulumi.Output.from_input(args["cluster_arn"])
        else:
            self.cluster_arn = self._made(name, args)
        self.register_outputs({"cluster_arn": self.cluster_arn})

    def _made(self, name: str, args: JobClusterArgs) -> pulumi.Output[str]:
        cluster = aws.ecs.Cluster(
            name,
            settings=[{"name": "containerInsights", "value": args.get("container_insights", "disabled")}],
            tags=args.get("tags"),
            # It stood at the root of the stack before it had this component around it.
            opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]),
        )
        providers = aws.ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=list(CAPACITY_PROVIDERS),
            opts=pulumi.ResourceOptions(parent=cluster),
        )
        standing: list[pulumi.Output[str]] = [providers.id]
        if args.get("stop_tasks"):
            standing.append(drained(name, cluster, tags=args.get("tags", {}), parent=self).id)
        # Whoever has the ARN finds the capacity there, and is gone before the tasks are stopped.
        return pulumi.Output.all(cluster.arn, *standing).apply(lambda it: cast("str", it[0]))


def examine_cluster(args: JobClusterArgs) -> tuple[JobClusterArgs, list[str]]:
    """These arguments in the kinds that are declared, and every problem with them: `field: what is wrong`."""
    problems: list[str] = []
    given = cast("JobClusterArgs", shapes.read("", args, JobClusterArgs, problems))
    insights = given.get("container_insights", "disabled")
    if insights not in CONTAINER_INSIGHTS:
        problems.append(f"container_insights: {insights!r} is unknown; allowed: {', '.join(CONTAINER_INSIGHTS)}")
    if "cluster_arn" in given and "container_insights" in given:
        problems.append("container_insights: shapes a new cluster, but cluster_arn adopts one; keep one of them")
    if "cluster_arn" in given and given.get("stop_tasks"):
        problems.append(
            "stop_tasks: goes with a new cluster, but cluster_arn adopts one, whose tasks others may need; leave it out"
        )
    problems += place_problems(given)
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS)
    return given, problems
