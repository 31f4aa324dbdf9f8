"""KMS keys, and Secrets Manager's secrets."""

from __future__ import annotations

from ...aws.server import Emulator
from .creator import Inputs, Made, creates, tag_list


@creates("aws:kms/key:Key")
def _key(aws: Emulator, inputs: Inputs) -> Made:
    kms = aws.client("kms")
    inputs.take("deletionWindowInDays")  # affects the deletion, which does not happen here
    key = kms.create_key(
        **inputs.given(
            Description=inputs.take("description"),
            Policy=inputs.take("policy"),
            Tags=tag_list(inputs.tags(), "TagKey", "TagValue"),
        )
    )["KeyMetadata"]
    if inputs.take("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return Made(key["KeyId"], {"keyId": key["KeyId"], "arn": key["Arn"]})


@creates("aws:kms/alias:Alias")
def _alias(aws: Emulator, inputs: Inputs) -> Made:
    name, key = inputs.take("name"), inputs.take("targetKeyId")
    aws.client("kms").create_alias(AliasName=name, TargetKeyId=key)
    return Made(name, {"name": name, "arn": f"arn:aws:kms:{aws.region}:{aws.account}:{name}"})


@creates("aws:secretsmanager/secret:Secret")
def _secret(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=512)
    inputs.take("recoveryWindowInDays")  # affects the deletion, which does not happen here
    secret = aws.client("secretsmanager").create_secret(
        Name=name,
        **inputs.given(
            Description=inputs.take("description"), KmsKeyId=inputs.take("kmsKeyId"), Tags=tag_list(inputs.tags())
        ),
    )
    return Made(secret["ARN"], {"name": name, "arn": secret["ARN"]})


@creates("aws:secretsmanager/secretVersion:SecretVersion")
def _secret_version(aws: Emulator, inputs: Inputs) -> Made:
    secret = inputs.take("secretId")
    version = aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=inputs.take("secretString"))[
        "VersionId"
    ]
    return Made(f"{secret}|{version}", {"versionId": version, "arn": secret})
