"""PayloadBucket: a bucket for payloads that are too large for a call to ECS. One serves every launcher of a stack."""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from collections.abc import Mapping
from typing import Final, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler import fargate

from . import iam
from .arguments import Job
from .checks import shapes
from .checks.later import checked_later
from .checks.names import BUCKET, name_problems
from .checks.place import place_problems
from .checks.tags import tag_problems
from .task_definition import family

EXPIRE_DAYS: Final = 14


class PayloadBucketArgs(TypedDict):
    """How long payloads are kept."""

    expire_days: NotRequired[int]
    """Days until a payload is deleted; set it longer than any job waits or runs. Default: 14."""
    force_destroy: NotRequired[bool]
    """Whether deleting the bucket deletes its payloads too. Otherwise S3 refuses to delete a bucket with objects
    (BucketNotEmpty). Default: false."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the customer-managed KMS key; give the same key to the launchers that use the bucket. Default: none (S3's
    own key)."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of the bucket. Default: none."""


class PayloadBucket(pulumi.ComponentResource):
    """A bucket for payloads: encrypted, private, reached over TLS only, and emptied by age.

    Each launcher may write under its own prefix only, and its job may read there only.
    """

    bucket_name: pulumi.Output[str]
    """Name of the bucket: the `payload_bucket` of a launcher."""

    def __init__(self, name: str, args: PayloadBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments are invalid."""
        args, problems = examine_bucket(args)
        shapes.refuse("PayloadBucket", name, [*name_problems(name, BUCKET), *problems])
        args = cast("PayloadBucketArgs", checked_later("PayloadBucket", name, args, lambda it: examine_bucket(it)[1]))
        super().__init__("fargate-job-launcher:index:PayloadBucket", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(name, force_destroy=args.get("force_destroy", False), tags=args.get("tags"), opts=child)
        private = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[_encryption(args.get("kms_key_arn"))],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": args.get("expire_days", EXPIRE_DAYS)},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket.arn.apply(lambda arn: iam.to_json(iam.only_tls([arn, f"{arn}/*"], "s3:*"))),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        # A resource that uses the name is created after the bucket refuses everything but TLS.
        self.bucket_name = pulumi.Output.all(bucket.bucket, policy.id).apply(lambda it: str(it[0]))
        self.register_outputs({"bucket_name": self.bucket_name})


def examine_bucket(args: PayloadBucketArgs) -> tuple[PayloadBucketArgs, list[str]]:
    """These arguments in their declared types, and every problem with them: `field: what is wrong`."""
    problems: list[str] = []
    given = cast("PayloadBucketArgs", shapes.read("", args, PayloadBucketArgs, problems))
    days = given.get("expire_days", EXPIRE_DAYS)
    if days < 1:
        problems.append(f"expire_days: {days} is not a whole number of days from 1")
    problems += place_problems(given)
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS)
    return given, problems


def _encryption(
    key_arn: pulumi.Input[str] | None,
) -> "aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict":  # in quotes: evaluated, it loads all of aws.s3
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
        # One data key for the bucket's objects instead of a KMS call for each.
        "bucket_key_enabled": True,
    }


def payload_objects(name: str, job: Job, place: pulumi.Output[iam.Place]) -> pulumi.Output[str] | None:
    """ARN pattern of this job's payloads; None when it takes none, or has no bucket for them."""
    return _objects(family(name), job, place) if job.overrides.get("payload", False) else None


def result_objects(name: str, job: Job, place: pulumi.Output[iam.Place]) -> pulumi.Output[str] | None:
    """ARN pattern of the results of this job's tasks; None when they leave none."""
    return _objects(f"{family(name)}/{iam.RESULTS.rstrip('/')}", job, place) if job.result else None


def _objects(own: str, job: Job, place: pulumi.Output[iam.Place]) -> pulumi.Output[str] | None:
    if job.payload_bucket is None:
        return None
    return pulumi.Output.all(place, job.payload_bucket).apply(
        lambda it: iam.payload_objects(cast("iam.Place", it[0]).partition, cast("str", it[1]), own)
    )
