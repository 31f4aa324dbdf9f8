"""JobCluster: a new ECS cluster for Fargate and Fargate Spot, or an existing one.

Any cluster runs jobs on demand, also one made with `aws.ecs.Cluster`. Spot is a capacity provider, which has to be
associated with the cluster: this component does so for a new cluster; an adopted cluster without it refuses jobs on
Spot.

Nothing here lets anybody open a shell in a task: ECS Exec is requested for each task, and a launcher is denied it
unless its job sets `allow_exec`.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler import fargate

from .checks import shapes
from .checks.choices import CONTAINER_INSIGHTS, ContainerInsights
from .checks.later import checked_later
from .checks.names import CLUSTER, name_problems
from .checks.place import place_problems
from .checks.tags import tag_problems
from .draining import drained

CAPACITY_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")


class JobClusterArgs(TypedDict, total=False):
    """Either the settings of a new cluster, or the ARN of an existing one."""

    container_insights: ContainerInsights
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
        """Raises pulumi.RunError, naming every problem at once, when the arguments are invalid."""
        args, problems = examine_cluster(args)
        made = [] if "cluster_arn" in args else name_problems(name, CLUSTER)
        shapes.refuse("JobCluster", name, [*made, *problems])
        args = cast("JobClusterArgs", checked_later("JobCluster", name, args, lambda it: examine_cluster(it)[1]))
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
            # In earlier versions it was a resource at the root of the stack, without this component.
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
        # A resource that uses this ARN is created after the capacity providers, and deleted before tasks are stopped.
        return pulumi.Output.all(cluster.arn, *standing).apply(lambda it: cast("str", it[0]))


def examine_cluster(args: JobClusterArgs) -> tuple[JobClusterArgs, list[str]]:
    """These arguments in their declared types, and every problem with them: `field: what is wrong`."""
    problems: list[str] = []
    given = cast("JobClusterArgs", shapes.read("", args, JobClusterArgs, problems))
    insights = given.get("container_insights", "disabled")
    if insights not in CONTAINER_INSIGHTS:
        problems.append(f"container_insights: {insights!r} is unknown; allowed: {', '.join(CONTAINER_INSIGHTS)}")
    if "cluster_arn" in given and "container_insights" in given:
        problems.append("container_insights: configures a new cluster, but cluster_arn adopts one; keep one of them")
    if "cluster_arn" in given and given.get("stop_tasks"):
        problems.append(
            "stop_tasks: needs a new cluster, but cluster_arn adopts one, whose tasks others may need; leave it out"
        )
    problems += place_problems(given)
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS)
    return given, problems
