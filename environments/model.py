"""The whole config of a stack, in the keys of a Pulumi.*.yaml. Checks that no type can express are in rules.py."""

# No `from __future__ import annotations` here: a derived model is a type only at run time.
from collections.abc import Mapping
from typing import Any, Final

import pulumi
from fargate_job_launcher import (
    FargateJobLauncherArgs,
    JobClusterArgs,
    JobNetworkArgs,
    JobRunsArgs,
    LaunchRuns,
    PayloadBucketArgs,
)
from fargate_job_launcher.checks.choices import CONTAINER_INSIGHTS, LOG_RETENTION_DAYS, OF_A_JOB, OF_A_NETWORK
from pydantic import ConfigDict, Field

from .fields import Fields, derived, descriptions, spelt

spelt(FargateJobLauncherArgs, JobClusterArgs, JobNetworkArgs, PayloadBucketArgs, JobRunsArgs)

GIVEN: Final = frozenset(
    {
        *("cluster_arn", "subnet_ids", "security_group_ids", "assign_public_ip"),
        *("protect_logs", "protect_queues", "payload_bucket", "kms_key_arn", "runs"),
    }
)
"""Arguments that the program sets on every launcher."""

WHOLE_PARTS: Final = ("network", "cluster", "runs", "payloads", "kmsKey")
"""Sections of the config that are retired as a whole."""

OWN_TAGS: Final = ("project", "stack")
"""Keys of the tags that the program sets on every resource."""

INHERITED: Final = (
    *("log_retention_days", "keep_logs", "role_path", "permissions_boundary_arn", "further_kms_key_arns"),
)
"""Arguments of JobRuns that have the value of `defaults` where `runs` does not set them."""

NetworkConfig = derived(
    "Network",
    JobNetworkArgs,
    without=("tags", "kms_key_arn"),
    allowed=OF_A_NETWORK,
)
ClusterConfig = derived(
    "Cluster", JobClusterArgs, without=("tags",), allowed={"container_insights": CONTAINER_INSIGHTS}
)
_KeptRuns = derived(
    "KeptRuns",
    JobRunsArgs,
    without=("cluster_arns", "kms_key_arn", "protect", "tags"),
    allowed={"log_retention_days": LOG_RETENTION_DAYS},
)


class RunsConfig(_KeptRuns):  # pyright: ignore[reportUntypedBaseClass]
    """The table in which every launch of the stack is kept as a run, and the function that follows each run."""

    keep_days: int | None = Field(default=None, description=descriptions(LaunchRuns)["keep_days"])


PayloadsConfig = derived("Payloads", PayloadBucketArgs, without=("tags", "kms_key_arn"))
# A job may leave out what the defaults set. If neither sets a required argument, the component reports it.
JobConfig = derived("Job", FargateJobLauncherArgs, without=GIVEN, optional=True, allowed=OF_A_JOB)
DefaultsConfig = derived(
    "Defaults",
    FargateJobLauncherArgs,
    # Tags of all jobs are under `tags`.
    without={*GIVEN, "tags"},
    optional=True,
    allowed=OF_A_JOB,
)


class AlarmsConfig(Fields):
    """Who is notified of the alarms of every job: addresses, or a topic. With this section every job has alarms."""

    emails: list[str] = Field([], description="Addresses notified of each alarm; each has to confirm a link once.")
    topic_arn: str | None = Field(None, description="ARN of an existing SNS topic. Default: a new one.")


class StackConfig(Fields):
    """The config of an environment."""

    model_config = ConfigDict(title="The config of a stack of fargate-job-launcher")

    region: str = Field(alias="aws:region", description="The AWS region of all resources.")
    allowed_account_ids: list[str] = Field(
        [],
        alias="aws:allowedAccountIds",
        description="Accounts that this environment may be deployed to, in quotes; in any other the AWS provider "
        "refuses to do anything. Default: any.",
    )
    disabled_default_providers: list[str] = Field(
        alias="pulumi:disable-default-providers",
        description="[aws]: every resource is created with the provider of this environment, in its account and "
        "region and with its tags.",
    )
    network: NetworkConfig = Field(description="Where jobs run: a new VPC, or an existing one.")  # pyright: ignore[reportInvalidTypeForm]
    cluster: ClusterConfig = Field(ClusterConfig(), description="What runs them: a new cluster, or an existing one.")  # pyright: ignore[reportInvalidTypeForm]
    defaults: DefaultsConfig = Field(  # pyright: ignore[reportInvalidTypeForm]
        DefaultsConfig(), description="Arguments of every job that does not set them itself, key by key."
    )
    jobs: dict[str, JobConfig] = Field(description="The jobs by name.")  # pyright: ignore[reportInvalidTypeForm]
    secrets: list[str] = Field(
        [],
        description="Names of the secrets that this stack keeps for its jobs. Their values are never written here.",
    )
    secret_values: dict[str, str] = Field(
        {},
        description="Values of those secrets, if Pulumi is to write them. Encrypted only: "
        "pulumi config set --secret --path 'secretValues.NAME'. Default: none, the values are set in Secrets Manager.",
    )
    payloads: PayloadsConfig | None = Field(  # pyright: ignore[reportInvalidTypeForm]
        None, description="A bucket for payloads too large for a call, used by jobs that take one. Default: no bucket."
    )
    runs: RunsConfig = Field(  # pyright: ignore[reportInvalidTypeForm]
        RunsConfig(), description="How the runs of the jobs are kept and followed to their end."
    )
    kms_key: str | None = Field(
        None,
        description="`new`, or the ARN of an existing KMS key, which encrypts all data of the stack. The policy of an "
        "existing key has to allow CloudWatch Logs, EventBridge, CloudWatch, and the services that send to a job's "
        "queue (`queue.sources`). Default: AWS's own keys.",
    )
    alarms: AlarmsConfig | None = Field(
        None, description="Who is notified of the alarms of every job. Default: as each job defines."
    )
    tags: dict[str, str] = Field({}, description="Tags of every resource, besides project and stack.")
    protect: bool = Field(
        False, description="Whether Pulumi refuses to delete resources that hold data or that others need."
    )
    retiring: list[str] = Field(
        [],
        description="What of a protected environment is to be taken away next, and so is not protected any more: "
        "jobs.NAME (its queues included), secrets.NAME, network, cluster, runs, payloads or kmsKey. One "
        "deployment with it, then one without what it names. Default: nothing.",
    )

    def protects(self, part: str) -> bool:
        """Whether Pulumi refuses to delete a part of the stack, by its path in the config."""
        return self.protect and part not in self.retiring

    def arguments(self, section: str) -> dict[str, Any]:
        """A section as the component accepts it, without the fields that are not set."""
        return given(getattr(self, section))

    def job_arguments(self, name: str) -> dict[str, Any]:
        """The arguments of a job's launcher: the job's own, and the defaults where it says nothing."""
        return merged(self.arguments("defaults"), given(self.jobs[name]))

    def run_arguments(self) -> dict[str, Any]:
        """The arguments of the stack's JobRuns: its own, and the defaults of the jobs where it says nothing."""
        defaults, own = self.arguments("defaults"), self.arguments("runs")
        own.pop("keep_days", None)
        return {**{key: defaults[key] for key in INHERITED if key in defaults}, **own}

    @property
    def queue_sources(self) -> list[str]:
        """ARNs of the buckets, topics and rules that fill the jobs' queues."""
        queues = [self.job_arguments(name).get("queue", {}) for name in self.jobs]
        return sorted({arn for it in queues for arn in it.get("sources", [])})


def given(config: Fields | None) -> dict[str, Any]:
    """The fields that are set, in a component's spelling."""
    return {} if config is None else config.model_dump(exclude_unset=True, exclude_none=True)


def merged(defaults: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """A job with the defaults: key by key, and within a mapping key by key again."""
    shared = [key for key in defaults.keys() & job.keys() if isinstance(defaults[key], dict)]
    both = {key: {**defaults[key], **job[key]} for key in shared}
    return {**defaults, **job, **both}


def with_secrets(job: dict[str, Any], arns: Mapping[str, Any]) -> dict[str, Any]:
    """A job with the ARNs of its secrets, and of its sidecars'. A job names each secret as one of the stack's, or by
    its ARN, and may add the part to read, such as `NAME:password::`."""

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
