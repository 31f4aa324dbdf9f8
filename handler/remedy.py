"""What ECS says when something does not run → what to do about it, in one sentence. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resolve-stopped-errors.html
"""

from __future__ import annotations

import re
from typing import Final

EXEC_FORMAT: Final = "exec format error"
"""What a container says that was built for another processor; where it gets as far as that, in its own log."""

_REMEDIES: Final = tuple(
    (re.compile(said, re.IGNORECASE), remedy)
    for said, remedy in (
        (
            EXEC_FORMAT + r"|does not contain descriptor matching platform",
            "The image is built for another processor than the task runs on: build it with "
            "docker build --platform linux/amd64, or linux/arm64 where the job's architecture is ARM64",
        ),
        (
            r"CannotPull.*(toomanyrequests|pull rate limit|Rate exceeded)",
            "The registry limits anonymous pulls: take the image from ECR, through a pull-through cache, or from "
            "public.ecr.aws",
        ),
        (
            r"CannotPull.*(i/o timeout|context deadline|Client\.Timeout|dial tcp|request canceled)",
            "The task does not reach the registry: it needs a public IP in a public subnet, NAT in a private one, or "
            "the VPC endpoints of ECR, S3 and logs, and a security group that lets HTTPS out",
        ),
        (
            r"CannotPull.*(not authorized|AccessDenied|403|no basic auth|denied|authorization failed)",
            "The registry refuses the pull or has no such image: check the image's name and, for an ECR image of "
            "another account, that repository's policy; the execution role may pull from the image's own repository",
        ),
        (
            r"CannotPull.*(not found|manifest unknown|does not exist|no such|is not there)",
            "There is no such image or tag: push it, or correct `image` and deploy again",
        ),
        (r"CannotPull.*no space left", "The image does not fit the task's disk: raise ephemeral_storage_gib"),
        (r"CannotPull", "The image could not be pulled: check its name, its tag, and the task's way to the registry"),
        (
            r"(secret|ssm|registry auth).*(ResourceNotFound|can't find the specified secret value|InvalidParameters)",
            "A secret has no value yet: set it with aws secretsmanager put-secret-value, then launch again",
        ),
        (
            r"(secret|ssm|registry auth).*(AccessDenied|not authorized)",
            "The execution role may not read a secret: declare it under `secrets` and deploy again; for one of another "
            "account or with a key of its own, that secret's and that key's policy have to allow it too",
        ),
        (
            r"(secret|ssm|registry auth).*(context deadline|timeout|RequestCanceled|connect)",
            "The task does not reach AWS's services: it needs a public IP, NAT, or VPC endpoints, and a security group "
            "that lets HTTPS out",
        ),
        (r"log ?group|log stream|logger args", "The job's log group is gone: pulumi up makes it again"),
        (r"EFS", "The file system could not be mounted: check its mount targets and that NFS (2049) is let through"),
        (
            r"OutOfMemory|ran out of memory",
            "Give the job more memory (`memory`, in MiB), or have it use less; a launch may ask for more where "
            "overrides.memory allows it",
        ),
        (
            r"capacity is unavailable|RESOURCE:|insufficient capacity|no capacity|SpotInterruption|Spot Task was",
            "AWS has no such capacity now: launch again later, let Spot fall back to on demand "
            "(capacity spot_then_on_demand), or give the job subnets in more zones",
        ),
        (
            r"capacity provider that is not associated with the cluster",
            "The cluster has no Fargate Spot: associate FARGATE and FARGATE_SPOT with it (a cluster of JobCluster has "
            "both), or give the job the capacity on_demand, which any cluster has",
        ),
        (
            r"InsufficientFreeAddresses|not have enough free addresses",
            "A subnet has no free address left: give the job larger subnets, or more of them",
        ),
        (
            r"network interface",
            "The task got no network interface in time: launch again; if it stays so, check the subnets and the "
            "account's quota of network interfaces",
        ),
        (
            r"unable to assume (the )?role",
            "ECS may not assume the task's role: deploy again, then launch again; right after a deploy, a minute later",
        ),
        (
            r"MaxRunning",
            "As many tasks as max_running allows run already: wait for one to end, or raise max_running",
        ),
        (
            r"concurrent tasks|vCPU.*limit|limit.*vCPU|reached the limit on the number of",
            "The account's Fargate quota is used up: wait for tasks to end, or ask for more in Service Quotas",
        ),
        (
            r"not found in the image|executable file not found|no such file or directory|cannot be executed",
            "Check the command: it has to be an executable file in the image; a shell's syntax needs sh -c",
        ),
        (
            r"fargate-job-launcher: ran longer|^ran longer",
            "Raise supervision's max_runtime_minutes, or look in the log for what it hung on",
        ),
    )
)


def remedy(said: str) -> str:
    """The next step after ECS's words, without a full stop; empty where there is none better than the log."""
    return next((then for pattern, then in _REMEDIES if pattern.search(said)), "")
