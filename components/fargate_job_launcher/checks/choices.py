"""Arguments that take one of a few values: their types, which editors complete and type checkers hold, and the values.

The components refuse every other value themselves; the plugin's schema and a config's schema read the values here.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

Capacity: TypeAlias = Literal["on_demand", "spot", "spot_then_on_demand"]
Architecture: TypeAlias = Literal["x86_64", "arm64"]
Cpu: TypeAlias = Literal[256, 512, 1024, 2048, 4096, 8192, 16384, 32768]
SidecarCondition: TypeAlias = Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]
LogMode: TypeAlias = Literal["blocking", "non-blocking"]
RetriedOutcome: TypeAlias = Literal["failed", "never_started", "interrupted", "timed_out"]
Overlap: TypeAlias = Literal["allow", "skip", "wait", "replace"]
LogGroup: TypeAlias = Literal["job", "launcher"]
LogRetentionDays: TypeAlias = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
ContainerInsights: TypeAlias = Literal["disabled", "enabled", "enhanced"]
NetworkSubnets: TypeAlias = Literal["private", "public"]
NatGateways: TypeAlias = Literal["none", "single", "one_per_az"]
SubnetRanges: TypeAlias = Literal["fixed", "divided"]

CAPACITIES: Final[tuple[Capacity, ...]] = get_args(Capacity)
CONDITIONS: Final[tuple[SidecarCondition, ...]] = get_args(SidecarCondition)
LOG_MODES: Final[tuple[LogMode, ...]] = get_args(LogMode)
RETRYABLE: Final[tuple[RetriedOutcome, ...]] = get_args(RetriedOutcome)
OVERLAPS: Final[tuple[Overlap, ...]] = get_args(Overlap)
LOG_GROUPS: Final[tuple[LogGroup, ...]] = get_args(LogGroup)
LOG_RETENTION_DAYS: Final[tuple[LogRetentionDays, ...]] = get_args(LogRetentionDays)
"""The retention periods that CloudWatch Logs accepts.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""
CONTAINER_INSIGHTS: Final[tuple[ContainerInsights, ...]] = get_args(ContainerInsights)
SUBNETS: Final[tuple[NetworkSubnets, ...]] = get_args(NetworkSubnets)
SUBNET_RANGES: Final[tuple[SubnetRanges, ...]] = get_args(SubnetRanges)

OF_A_JOB: Final[Mapping[str, tuple[Any, ...]]] = {
    "capacity": CAPACITIES,
    "architecture": get_args(Architecture),
    "cpu": get_args(Cpu),
    "job_waits_for": CONDITIONS,
    "mode": LOG_MODES,
    "retry_on": RETRYABLE,
    "overlap": OVERLAPS,
    "adopt_logs": LOG_GROUPS,
    "log_retention_days": LOG_RETENTION_DAYS,
}
"""Arguments of a launcher, or of a part of it → their values, or those of each item."""
OF_A_NETWORK: Final[Mapping[str, tuple[Any, ...]]] = {
    "subnets": SUBNETS,
    "nat_gateways": get_args(NatGateways),
    "subnet_ranges": SUBNET_RANGES,
    "flow_log_days": LOG_RETENTION_DAYS,
}

if not TYPE_CHECKING:
    # At run time an annotation is the plain type: Pulumi's analyzer of components (analyze_property in its SDK's
    # pulumi/provider/experimental/analyzer.py) takes no Literal, and an Enum refuses the text that programs write.
    Capacity = Architecture = SidecarCondition = LogMode = RetriedOutcome = Overlap = LogGroup = str
    ContainerInsights = NetworkSubnets = NatGateways = SubnetRanges = str
    Cpu = LogRetentionDays = int
