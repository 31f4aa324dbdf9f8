"""Capacity: a requested capacity provider is associated with the cluster.

A service, a schedule and an event target name their own; a launcher of this package says in its
LAUNCHER_SETTINGS whether a job may run on Spot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

from fargate_job_launcher.capacity import ASSOCIATION, CLUSTER, may_use_spot

from .launched import EVENT_TARGET, FUNCTION, SCHEDULE, SERVICE
from .rule import MANDATORY, MEDIUM, Limits, resources, rule
from .stack import Resource, Stack

_STRATEGY_IN: Final = {SERVICE: (), SCHEDULE: ("target", "ecsParameters"), EVENT_TARGET: ("ecsTarget",)}
_CLUSTER_IN: Final = {SERVICE: ("cluster",), SCHEDULE: ("target", "arn"), EVENT_TARGET: ("arn",)}
ON_DEMAND: Final = "FARGATE"
SPOT: Final = "FARGATE_SPOT"


def _requested(it: Resource) -> tuple[str, Any, set[str]]:
    """The property that names the cluster, the cluster, and the requested capacity providers. Raises Unknown."""
    if it.kind != FUNCTION:
        given: list[Any] = it.whole(*_STRATEGY_IN[it.kind], "capacityProviderStrategies", default=[])
        names = {one.get("capacityProvider") for one in given}
        return _CLUSTER_IN[it.kind][0], it.get(*_CLUSTER_IN[it.kind]) if names else None, names
    settings = it.get("environment", "variables", "LAUNCHER_SETTINGS")
    try:
        loaded = json.loads(settings) if isinstance(settings, str) else None
    except json.JSONDecodeError:
        loaded = None
    launcher = cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}
    spot = may_use_spot(str(launcher.get("capacity", "")), launcher.get("overrides") or {})
    return "environment", launcher.get("cluster"), {SPOT} if spot else set()


@rule(
    "capacity-associated",
    says="A requested capacity provider is associated with its cluster.",
    why="ECS refuses each launch that names another capacity provider; a new cluster has none, not even Fargate Spot.",
    remedy="associate the capacity provider with the cluster (aws.ecs.ClusterCapacityProviders; JobCluster has FARGATE "
    "and FARGATE_SPOT), or run on demand by the launch type FARGATE, which needs none",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(FUNCTION, *_STRATEGY_IN),
)
def associated(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    prop, named, requested = _requested(it)
    # A cluster of another stack is not known here.
    cluster = stack.meant(it, prop, CLUSTER, named) if requested else None
    if cluster is None:
        return
    known = {
        provider
        for one in stack.of(ASSOCIATION)
        if stack.meant(one, "clusterName", CLUSTER) is cluster
        for provider in one.whole("capacityProviders", default=[])
    }
    if missing := sorted(requested - known):
        yield f"requests {', '.join(missing)}, but {cluster.name} has {', '.join(sorted(known)) or 'none'}"
