"""Container images and shared files as resources: ECR, through awsx too, and EFS. See resources.py."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from pathlib import Path

from ..aws.server import Emulator
from .resources import Inputs, Made, Unsupported, creates


@creates("awsx:ecr:Repository")
def _repository(aws: Emulator, inputs: Inputs) -> Made:
    inputs.take("forceDelete")
    inputs.take("lifecyclePolicy")
    name = inputs.physical_name(longest=256)
    mutability, scan = inputs.take("imageTagMutability"), inputs.take("imageScanningConfiguration")
    made = aws.client("ecr").create_repository(
        repositoryName=name,
        **inputs.given(
            imageTagMutability=mutability,
            imageScanningConfiguration=scan,
            tags=[{"Key": key, "Value": value} for key, value in inputs.tags().items()],
        ),
    )["repository"]
    parts = [("aws:ecr/repository:Repository", inputs.name, name)]
    return Made(name, {"url": made["repositoryUri"]}, parts)


@creates("awsx:ecr:Image")
def _image(aws: Emulator, inputs: Inputs) -> Made:
    """Nothing is built: the digest is one of the files that would be."""
    context = Path(str(inputs.take("context", ".")))
    dockerfile = Path(str(inputs.take("dockerfile", context / "Dockerfile")))
    for key in ("args", "platform", "target", "builderVersion", "cacheFrom", "imageName", "imageTag", "registryId"):
        inputs.take(key)
    if not dockerfile.is_file():
        raise Unsupported(f"{inputs.kind}: dockerfile: there is no {dockerfile}")
    digest = hashlib.sha256()
    for path in sorted(it for it in context.rglob("*") if it.is_file()):
        digest.update(f"{path.relative_to(context)}\0".encode() + path.read_bytes())
    repository, pushed = str(inputs.take("repositoryUrl")), f"sha256:{digest.hexdigest()}"
    ecr, name = aws.client("ecr"), repository.partition("/")[2]
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        # A task that names it finds it there. In a repository that was not made here, everything is taken to be there.
        manifest = json.dumps({"schemaVersion": 2, "config": {"digest": pushed}})
        pushed = ecr.put_image(repositoryName=name, imageManifest=manifest)["image"]["imageId"]["imageDigest"]
    return Made(f"{repository}@{pushed}", {"imageUri": f"{repository}@{pushed}"})


@creates("aws:efs/fileSystem:FileSystem")
def _file_system(aws: Emulator, inputs: Inputs) -> Made:
    inputs.take("lifecyclePolicies")
    made = aws.client("efs").create_file_system(
        CreationToken=inputs.take("creationToken") or secrets.token_hex(8),
        **inputs.given(Encrypted=inputs.take("encrypted"), KmsKeyId=inputs.take("kmsKeyId"), Tags=_tags(inputs)),
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
            Tags=_tags(inputs),
        ),
    )
    return Made(made["AccessPointId"], {"arn": made["AccessPointArn"]})


def _tags(inputs: Inputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(inputs.tags().items())]
