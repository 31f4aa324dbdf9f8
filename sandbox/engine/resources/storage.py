"""S3 buckets and EFS file systems."""

from __future__ import annotations

import secrets
from typing import Any

from fargate_job_launcher.archive import asset

from ...aws.server import Emulator
from .creator import Inputs, Made, State, Unsupported, creates, tag_list
from .naming import pascal


@creates("aws:s3/bucket:Bucket")
def _bucket(aws: Emulator, inputs: Inputs) -> Made:
    # The AWS provider names buckets in lower case: AutoNameTransform in its provider/resources.go.
    name, s3 = inputs.physical_name("bucket", longest=63).lower(), aws.client("s3")
    inputs.take("forceDestroy")  # affects the deletion, which does not happen here
    place = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    s3.create_bucket(Bucket=name, **place)
    tags = inputs.tags()
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(tags)})
    return Made(name, {"bucket": name, "arn": f"arn:aws:s3:::{name}", "region": aws.region})


@creates("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def _bucket_public_access_block(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    blocked = {pascal(key): bool(inputs.take(key, False)) for key in keys}
    aws.client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
    return Made(bucket, {})


@creates("aws:s3/bucketPolicy:BucketPolicy")
def _bucket_policy(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
    return Made(bucket, {})


@creates("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def _bucket_encryption(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = inputs.spelt("rules", "s3", "ServerSideEncryptionRules")
    aws.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    return Made(bucket, {})


@creates("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def _bucket_lifecycle(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = inputs.spelt("rules", "s3", "LifecycleRules")
    aws.client("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    return Made(bucket, {})


@creates("aws:s3/bucketNotification:BucketNotification")
def _bucket_notification(aws: Emulator, inputs: Inputs) -> Made:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html"""
    bucket, configuration = inputs.take("bucket"), State()
    if inputs.take("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    for key, member, arn, target in (
        ("queues", "QueueConfigurations", "queueArn", "QueueArn"),
        ("topics", "TopicConfigurations", "topicArn", "TopicArn"),
        ("lambdaFunctions", "LambdaFunctionConfigurations", "lambdaFunctionArn", "LambdaFunctionArn"),
    ):
        for it in inputs.take(key, []):
            ends = [("prefix", it.get("filterPrefix")), ("suffix", it.get("filterSuffix"))]
            rules = [{"Name": name, "Value": value} for name, value in ends if value]
            one: State = {target: it[arn], "Events": it["events"]}
            one |= {"Id": it["id"]} if it.get("id") else {}
            one |= {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
            configuration.setdefault(member, []).append(one)
    aws.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    return Made(bucket, {})


@creates("aws:s3/bucketObject:BucketObject")
@creates("aws:s3/bucketObjectv2:BucketObjectv2")
def _bucket_object(aws: Emulator, inputs: Inputs) -> Made:
    bucket, key = inputs.take("bucket"), inputs.physical_name("key", longest=1024)
    content: Any = inputs.take("content")
    source: Any = inputs.take("source")
    if content is None and source is None:
        raise Unsupported(f"{inputs.kind}: the sandbox takes an object's `content` or its `source`")
    body = asset(source) if content is None else content.encode()
    kept = inputs.given(ContentType=inputs.take("contentType"), Metadata=inputs.take("metadata"))
    etag = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **kept)["ETag"]
    return Made(key, {"key": key, "etag": etag.strip('"'), "arn": f"arn:aws:s3:::{bucket}/{key}"})


@creates("aws:efs/fileSystem:FileSystem")
def _file_system(aws: Emulator, inputs: Inputs) -> Made:
    inputs.take("lifecyclePolicies")
    made = aws.client("efs").create_file_system(
        CreationToken=inputs.take("creationToken") or secrets.token_hex(8),
        **inputs.given(
            Encrypted=inputs.take("encrypted"), KmsKeyId=inputs.take("kmsKeyId"), Tags=tag_list(inputs.tags())
        ),
    )
    return Made(made["FileSystemId"], {"arn": made["FileSystemArn"]})


@creates("aws:efs/accessPoint:AccessPoint")
def _access_point(aws: Emulator, inputs: Inputs) -> Made:
    user, root = inputs.take("posixUser"), inputs.take("rootDirectory")
    creation = (root or {}).get("creationInfo")
    directory = {"Path": root["path"]} if root else None
    if directory and creation:
        owner = {"OwnerUid": int(creation["ownerUid"]), "OwnerGid": int(creation["ownerGid"])}
        directory["CreationInfo"] = {**owner, "Permissions": creation["permissions"]}
    made = aws.client("efs").create_access_point(
        ClientToken=secrets.token_hex(8),
        FileSystemId=inputs.take("fileSystemId"),
        **inputs.given(
            PosixUser={"Uid": int(user["uid"]), "Gid": int(user["gid"])} if user else None,
            RootDirectory=directory,
            Tags=tag_list(inputs.tags()),
        ),
    )
    return Made(made["AccessPointId"], {"arn": made["AccessPointArn"]})
