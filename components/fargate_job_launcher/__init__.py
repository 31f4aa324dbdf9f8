"""Launch container jobs on AWS Fargate from a Lambda, safely: Pulumi components to import.

from fargate_job_launcher import FargateJobLauncher, JobNetwork
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arguments import (
        Alarms,
        FargateJobLauncherArgs,
        LaunchArray,
        LauncherFunction,
        LaunchEventRule,
        LaunchOverrides,
        LaunchPrices,
        LaunchQueue,
        LaunchRuns,
        LaunchSchedule,
        Notify,
        SignedCode,
        Supervision,
    )
    from .checks.choices import (
        Architecture,
        Capacity,
        ContainerInsights,
        Cpu,
        LogGroup,
        LogMode,
        LogRetentionDays,
        NatGateways,
        NetworkSubnets,
        Overlap,
        RetriedOutcome,
        SidecarCondition,
        SubnetRanges,
    )
    from .cluster import JobCluster, JobClusterArgs
    from .container import EfsVolume, HealthCheck, LogOptions, Sidecar, Ulimit, Ulimits
    from .launcher import FargateJobLauncher
    from .network import JobNetwork, JobNetworkArgs
    from .payload import PayloadBucket, PayloadBucketArgs
    from .runs import JobRuns, JobRunsArgs, RunsAlarms

__all__ = [
    "Alarms",
    "Architecture",
    "Capacity",
    "ContainerInsights",
    "Cpu",
    "EfsVolume",
    "FargateJobLauncher",
    "FargateJobLauncherArgs",
    "HealthCheck",
    "JobCluster",
    "JobClusterArgs",
    "JobNetwork",
    "JobNetworkArgs",
    "JobRuns",
    "JobRunsArgs",
    "LaunchArray",
    "LaunchEventRule",
    "LaunchOverrides",
    "LaunchPrices",
    "LaunchQueue",
    "LaunchRuns",
    "LaunchSchedule",
    "LauncherFunction",
    "LogGroup",
    "LogMode",
    "LogOptions",
    "LogRetentionDays",
    "NatGateways",
    "NetworkSubnets",
    "Notify",
    "Overlap",
    "PayloadBucket",
    "PayloadBucketArgs",
    "RetriedOutcome",
    "RunsAlarms",
    "Sidecar",
    "SidecarCondition",
    "SignedCode",
    "SubnetRanges",
    "Supervision",
    "Ulimit",
    "Ulimits",
]

_ROOMS = ("arguments", "checks.choices", "cluster", "container", "launcher", "network", "payload", "runs")


def __getattr__(name: str) -> Any:
    """A public name, imported on first use, so that the command that launches a job (`operate`) never loads Pulumi."""
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f".{room}", __name__)
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
