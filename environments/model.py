"""The whole config of a stack, in the keys of a Pulumi.*.yaml. Problems that no type can say are in rules.py."""

# No `from __future__ import annotations` here: a derived model is a type only at run time.
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from fargate_job_launcher import FargateJobLauncherArgs, JobClusterArgs, JobNetworkArgs, PayloadBucketArgs
from fargate_job_launcher.arguments import CAPACITIES
from fargate_job_launcher.checks.kinds import LOG_RETENTION_DAYS
from fargate_job_launcher.cluster import CONTAINER_INSIGHTS
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.network import NAT_GATEWAYS, SUBNETS
from pydantic import ConfigDict, Field

from .fields import Fields, derived, spelt

spelt(FargateJobLauncherArgs, JobClusterArgs, JobNetworkArgs, PayloadBucketArgs)

GIVEN: Final = frozenset(
    {
        *("cluster_arn", "subnet_ids", "security_group_ids", "assign_public_ip"),
        *("protect_logs", "protect_queues", "payload_bucket", "kms_key_arn"),
    }
)
"""What the program gives to every launcher."""

WHOLE_PARTS: Final = ("network", "cluster", "payloads", "kmsKey")
"""Sections of the config that are retired as a whole."""

OWN_TAGS: Final = ("project", "stack")
"""Keys of the tags that the program puts on everything."""

_ALLOWED: Final = {"cpu": tuple(fargate.SIZES), "capacity": CAPACITIES, "log_retention_days": LOG_RETENTION_DAYS}
NetworkConfig = derived(
    "Network",
    JobNetworkArgs,
    without=("tags", "kms_key_arn"),
    allowed={"subnets": SUBNETS, "nat_gateways": tuple(NAT_GATEWAYS), "flow_log_days": LOG_RETENTION_DAYS},
)
ClusterConfig = derived(
    "Cluster", JobClusterArgs, without=("tags",), allowed={"container_insights": CONTAINER_INSIGHTS}
)
PayloadsConfig = derived("Payloads", PayloadBucketArgs, without=("tags", "kms_key_arn"))
# What a job does not say, the defaults may: what neither says, its component misses.
JobConfig = derived("Job", FargateJobLauncherArgs, without=GIVEN, optional=True, allowed=_ALLOWED)
DefaultsConfig = derived(
    "Defaults",
    FargateJobLauncherArgs,
    # What tags all of them stands under `tags`.
    without={*GIVEN, "tags"},
    optional=True,
    allowed=_ALLOWED,
)


class AlarmsConfig(Fields):
    """Where the alarms of every job go: to addresses, or to a topic. With it every job has alarms."""

    emails: list[str] = Field([], description="Addresses that hear of each alarm; each has to confirm by a link once.")
    topic_arn: str | None = Field(None, description="ARN of an existing SNS topic. Default: one is made here.")


class StackConfig(Fields):
    """What an environment is."""

    model_config = ConfigDict(title="The config of a stack of fargate-job-launcher")

    region: str = Field(alias="aws:region", description="The AWS region that everything is made in.")
    allowed_account_ids: list[str] = Field(
        [],
        alias="aws:allowedAccountIds",
        description="Accounts that this environment may be deployed to, in quotes; in any other the AWS provider "
        "refuses to do anything. Default: any.",
    )
    disabled_default_providers: list[str] = Field(
        alias="pulumi:disable-default-providers",
        description="[aws]: everything is made with the provider of this environment, so nothing escapes its account, "
        "its region and its tags.",
    )
    network: NetworkConfig = Field(description="Where jobs run: a new VPC, or an existing one adopted.")  # pyright: ignore[reportInvalidTypeForm]
    cluster: ClusterConfig = Field(ClusterConfig(), description="What runs them: a new cluster, or an existing one.")  # pyright: ignore[reportInvalidTypeForm]
    defaults: DefaultsConfig = Field(  # pyright: ignore[reportInvalidTypeForm]
        DefaultsConfig(), description="What every job is given unless it says otherwise, key by key."
    )
    jobs: dict[str, JobConfig] = Field(description="The jobs by name.")  # pyright: ignore[reportInvalidTypeForm]
    secrets: list[str] = Field(
        [],
        description="Names of the secrets that this stack keeps for its jobs. Their values never stand here.",
    )
    secret_values: dict[str, str] = Field(
        {},
        description="Values of those secrets, for whoever wants Pulumi to write them. Encrypted only: "
        "pulumi config set --secret --path 'secretValues.NAME'. Default: none, the values are set in Secrets Manager.",
    )
    payloads: PayloadsConfig | None = Field(  # pyright: ignore[reportInvalidTypeForm]
        None, description="A bucket for payloads too large for a call, used by jobs that take one. Default: no bucket."
    )
    kms_key: str | None = Field(
        None,
        description="`new`, or the ARN of an existing KMS key: what holds data is encrypted with it. The policy of an "
        "existing one has to admit CloudWatch Logs, EventBridge, CloudWatch, and what fills queues (`queue.sources` of "
        "a job). Default: AWS's own keys.",
    )
    alarms: AlarmsConfig | None = Field(
        None, description="Where the alarms of every job go. Default: as each job says."
    )
    tags: dict[str, str] = Field({}, description="Tags of everything, besides project and stack.")
    protect: bool = Field(
        False, description="Whether Pulumi refuses to delete what holds data or what other things stand on."
    )
    retiring: list[str] = Field(
        [],
        description="What of a protected environment is to be taken away next, and so is not protected any more: "
        "jobs.NAME (its supervision and queues included), secrets.NAME, network, cluster, payloads or kmsKey. One "
        "deployment with it, then one without what it names. Default: nothing.",
    )

    def protects(self, part: str) -> bool:
        """Whether Pulumi refuses to delete a part of the stack, by its path in the config."""
        return self.protect and part not in self.retiring

    def arguments(self, section: str) -> dict[str, Any]:
        """A section as the component takes it; what nobody gave is left out."""
        return given(getattr(self, section))

    def job_arguments(self, name: str) -> dict[str, Any]:
        """The arguments of a job's launcher: the job's own, and the defaults where it says nothing."""
        return merged(self.arguments("defaults"), given(self.jobs[name]))

    @property
    def queue_sources(self) -> list[str]:
        """ARNs of the buckets, topics and rules that fill the jobs' queues."""
        queues = [self.job_arguments(name).get("queue", {}) for name in self.jobs]
        return sorted({arn for it in queues for arn in it.get("sources", [])})


def given(config: Fields | None) -> dict[str, Any]:
    """What was written down, in a component's spelling."""
    return {} if config is None else config.model_dump(exclude_unset=True, exclude_none=True)


def merged(defaults: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """A job with the defaults: key by key, and within a mapping key by key again."""
    shared = [key for key in defaults.keys() & job.keys() if isinstance(defaults[key], dict)]
    both = {key: {**defaults[key], **job[key]} for key in shared}
    return {**defaults, **job, **both}


def with_secrets(job: dict[str, Any], arns: Mapping[str, Any]) -> dict[str, Any]:
    """A job whose secrets, and its sidecars', are ARNs: each is named as one that the stack keeps, or by its ARN, and
    may go on with the part of it that is meant, such as `NAME:password::`."""

    def arn(at: str) -> Any:
        name, colon, part = at.partition(":")
        if name not in arns:
            return at
        if not colon:
            return arns[name]
        kept = arns[name]
        return f"{kept}:{part}" if isinstance(kept, str) else pulumi.Output.concat(kept, ":", part)

    def found(container: dict[str, Any]) -> dict[str, Any]:
        return {key: arn(at) for key, at in container.get("secrets", {}).items()}

    sidecars = [{**it, "secrets": found(it)} for it in job.get("sidecars", [])]
    return {**job, "secrets": found(job), **({"sidecars": sidecars} if sidecars else {})}
