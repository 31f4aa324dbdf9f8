"""ECS's reason why a task does not run → the next step, in one sentence. Pure.

Each row of CAUSES is a cause with its remedy, and the first row that fits decides. The remedy may name the service that
the reason is about, such as ECR or CloudWatch Logs. tests/handler/test_remedy.py has a public report for each row.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resolve-stopped-errors.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

EXEC_FORMAT: Final = "exec format error"
"""The error of an image that was built for another processor; if the container starts, it is in the job's log."""

_UNREACHED: Final = (
    r"i/o timeout|context deadline|Client\.Timeout|request canceled|RequestCanceled|RequestError|send request failed|"
    r"no route to host|network is unreachable|connection refused|connection timed out|dial tcp|TLS handshake timeout|"
    r"connection reset by peer|could not reach any registry|connection issue between the task and"
)
_DENIED: Final = (
    r"AccessDenied|not authorized|40[13] (Forbidden|Unauthorized)|no basic auth|access denied|failed to authorize|"
    r"Access to KMS is not allowed"
)
_ABSENT: Final = (
    r"not found|does not exist|ResourceNotFound|ParameterNotFound|manifest unknown|can't find|cannot find|"
    r"no such image|is not there|API error \(404\)"
)

_ACTION: Final = r"(?:perform:? |action: ?)"
_OF_SECRETS: Final = r"(secrets?|registry auth) from (asm|ssm)|secrets manager|secretsmanager:|ssm:GetParameter"
_LOGS: Final = r"Cloudwatch log|logger args|logging driver|logs:Create|logs:Put"
_EFS: Final = r"EFS|mount\.nfs4|elasticfilesystem:"

_KEY: Final = (
    "The execution role may not decrypt with the key: declare the key in the component, allow the role in the key's "
    "own policy, and check that the key is enabled"
)

CAUSES: Final[tuple[tuple[str, str], ...]] = (
    # Reasons of the launcher itself.
    (
        r"fargate-job-launcher: ran longer|^ran longer",
        "Raise supervision's max_runtime_minutes, or look in the log for what it hung on",
    ),
    (
        r"\bPayloadExpired:",
        "Launch the job again with its payload, which the payload bucket had no longer",
    ),
    (
        r"\bRunNotRecorded:",
        "The launcher could not write into the table of runs: launch again with the same key, which launches nothing "
        "twice; if it happens again, deploy again, and check that no permissions boundary, Deny or key policy refuses "
        "the launcher the table",
    ),
    (r"\bConflict:", "Use a new key for another request; a key is forgotten with its run, after `runs.keep_days`"),
    (
        r"\bLaunchUnderWay:",
        "Another delivery is launching these tasks now: launch again in a minute with the same key, which then "
        "returns them",
    ),
    (
        r"\bOutcomeOpen:",
        "The supervisor finds out what an earlier delivery launched: launch again in some minutes with the same key; "
        "if it happens again, look at the supervisor's dead letters and log",
    ),
    (r"MaxRunning", "As many tasks as max_running allows run already: wait for one to end, or raise max_running"),
    # The image exists, but does not fit the task.
    (
        EXEC_FORMAT + r"|descriptor (matching|for) platform|no matching manifest|image platform .* does not match",
        "The image is built for another processor than the task runs on: build it with "
        "docker build --platform linux/amd64, or linux/arm64 where the job's architecture is ARM64",
    ),
    (r"no space left", "The task's disk is full: raise ephemeral_storage_gib, or have the image or the job use less"),
    (
        r"toomanyrequests|pull rate limit|CannotPull.*\b429\b",
        "The registry limits anonymous pulls: take the image from ECR or public.ecr.aws, or through a pull-through "
        "cache of ECR, which the execution role must be allowed to fill (ecr:BatchImportUpstreamImage)",
    ),
    (
        r"Throttling|Rate exceeded|RequestLimitExceeded|Request limit exceeded|TooManyRequestsException",
        "AWS takes no more of the account's calls for now: launch again later, and fewer tasks at once",
    ),
    # AWS has no room for the task.
    (
        r"capacity is unavailable|(?-i:\bRESOURCE:)(?!ENI)|insufficient capacity|no capacity|"
        r"Spot ?Interruption|Spot Task was|Fargate Spot took its capacity back",
        "AWS has no such capacity now: launch again later, let Spot fall back to on demand "
        "(capacity spot_then_on_demand), or give the job subnets in more zones",
    ),
    (
        r"InsufficientFreeAddresses|not have enough free addresses|insufficient free (IP )?addresses",
        "A subnet has no free address left: give the job larger subnets, or more of them",
    ),
    (
        r"(?-i:\bRESOURCE:ENI)|network interface (provisioning|limit)|NetworkInterfaceLimitExceeded|EniProvision",
        "The task got no network interface in time: launch again; if it happens again, check the subnets and the "
        "account's quota of network interfaces",
    ),
    (
        r"concurrent tasks|vCPU.*limit|limit.*vCPU|reached the limit on the number of",
        "The account's Fargate quota is used up: wait for tasks to end, or request a higher quota in Service Quotas",
    ),
    (
        r"account is currently blocked|BlockedException",
        "AWS has blocked the account, as it does with some new accounts: ask AWS Support to verify it",
    ),
    (
        r"AWS retired the capacity|infrastructure under it failed|maintenance on the underlying infrastructure|"
        r"underlying (infrastructure|host) failed",
        "Nothing is wrong with the job: launch it again, or have supervision do so (`retries`)",
    ),
    # The launch names resources that do not exist or do not fit together.
    (
        r"capacity provider that is not associated with the cluster",
        "The cluster does not know Fargate's capacity providers: associate FARGATE and FARGATE_SPOT with it "
        "(aws.ecs.ClusterCapacityProviders), or run the job on demand",
    ),
    (
        r"ClusterNotFound|Cluster not found|TaskDefinition (not found|is inactive)",
        "The cluster or the revision that the launcher runs is gone: run pulumi refresh, then pulumi up",
    ),
    (
        r"subnet ID .* does not exist|security group .* does not exist|Invalid(Subnet|SubnetID|Group)\.NotFound|"
        r"belong to different networks|belong to the same VPC|must be from the same VPC",
        "Subnets and security groups have to exist and be in one VPC: correct `subnet_ids` and `security_group_ids`",
    ),
    (
        r"(?-i:^AGENT\b|: AGENT\b)|agent (is )?(not connected|disconnected)",
        "The capacity that the task was placed on has lost its connection: launch again",
    ),
    (
        r"unable to assume (the )?(service linked )?role|verify that the ECS service role",
        "ECS may not assume the task's role: launch again a minute after a deploy; if it happens again, deploy again",
    ),
    # The container ran, or could not start.
    (
        r"OutOfMemory|ran out of memory|OOMKilled",
        "Give the job more memory (`memory`, in MiB), or have it use less; a launch may request more if "
        "overrides.memory allows it",
    ),
    (
        r"failed container health checks?|health check.*unhealthy|UNHEALTHY",
        "The container's own health check failed: run its command in the image, and give the program longer to start "
        "(health_check.start_period_seconds)",
    ),
    (
        r"unable to find (user|group)|no matching entries in (passwd|group) file",
        "The image has no such user: correct `user`, or create it in the image",
    ),
    (
        r"mount callback failed.*/etc/(passwd|group).*no such file",
        "The image has no /etc/passwd to look up the name of a user: give `user` as a number, such as 65534:65534",
    ),
    (
        r"chdir to cwd",
        "The container's working directory is not in the image, or its user may not enter it: correct "
        "`working_directory` or `user`",
    ),
    (
        r"mounting.*to rootfs.*(not a directory|read-only file system|no such file)",
        "A volume cannot be mounted there: each path of `writable_paths` and `efs_volumes` has to be a folder "
        "in the image, and not a file",
    ),
    (
        r"CannotCreateVolume|copy contents to volume",
        "A volume could not be filled from the image: launch again; if it happens again, keep less in the folders that "
        "the image declares as VOLUME, or declare none",
    ),
    (
        r"setting rlimit",
        "The container may not have such limits: correct `ulimits`",
    ),
    (
        r"argument list too long",
        "The command and the environment are longer than Linux takes: put the data into S3 and pass its address",
    ),
    (
        r"not found in the image|executable file not found|exec: .*no such file|exec .*no such file|"
        r"stat .*no such file|cannot be executed|"
        r"exec.*permission denied|(?<!\w)exec user process caused.*(permission denied|no such file)",
        "Check the command: it has to be an executable file in the image; a shell's syntax needs sh -c",
    ),
    (
        r"exit code 137|SIGKILL",
        "It was killed: give it more memory if it needs more, and have it end within stop_timeout_seconds "
        "after SIGTERM",
    ),
    # ECS killed a step before the container started: the reason does not tell whether a role or the network is wrong.
    (
        r"signal: killed",
        "Setting the task up took too long, and ECS broke it off: launch again; if it happens again, the task does not "
        "reach {what}: it needs a public IP, NAT, or VPC endpoints, and a security group that lets HTTPS out",
    ),
    # A secret.
    (
        rf"({_OF_SECRETS}).*marked for deletion",
        "A secret is scheduled for deletion: keep it with aws secretsmanager restore-secret, then launch again",
    ),
    (
        # Before the row of missing secrets: KMS's refusal also says that the key may not exist.
        r"ciphertext refers to a customer master key|KMS ?key.*(disabled|pending deletion)|KMSInvalidState|"
        r"DecryptionFailure|can't decrypt",
        _KEY,
    ),
    (
        rf"({_OF_SECRETS}).*(AWSCURRENT|invalid ssm parameters|InvalidParameters|{_ABSENT})|"
        rf"can't find the specified secret",
        "A secret is not there or has no value yet: check its name, set it with aws secretsmanager put-secret-value or "
        "aws ssm put-parameter, then launch again",
    ),
    (
        rf"({_OF_SECRETS}).*(did not contain json key|invalid character|looking for beginning of value)",
        "A secret holds no JSON object with that key: correct its value, or the key after the secret's ARN",
    ),
    # An action was denied.
    (
        rf"{_ACTION}kms:|Access to KMS is not allowed|KMS.*(AccessDenied|not authorized)",
        _KEY,
    ),
    (
        rf"{_ACTION}ecr:BatchImportUpstreamImage|{_ACTION}ecr:CreateRepository",
        "The execution role may not fill the pull-through cache: allow ecr:BatchImportUpstreamImage, and "
        "ecr:CreateRepository for the first pull, on the cache's repositories",
    ),
    (
        rf"{_ACTION}ecr:|(CannotPull|retrieve ecr registry auth).*({_DENIED}|denied|authorization failed)",
        "The registry refuses the pull or has no such image: check the image's name and, for an ECR image of "
        "another account, that repository's policy; the execution role may only pull from the image's own "
        "repository; a registry outside ECR that requires a login needs `repository_credentials_arn`",
    ),
    (
        rf"{_ACTION}(secretsmanager|ssm):|({_OF_SECRETS}).*({_DENIED})",
        "The execution role may not read a secret: declare it under `secrets` and deploy again; for a secret in "
        "another account or with its own key, the policies of that secret and key have to allow the role too",
    ),
    (
        rf"{_ACTION}logs:|({_LOGS}).*({_DENIED})",
        "The execution role may not write the job's log: deploy again, and check that no permissions boundary or Deny "
        "refuses logs:CreateLogStream and logs:PutLogEvents",
    ),
    (
        rf"{_ACTION}elasticfilesystem:|access denied by server while mounting|({_EFS}).*({_DENIED})",
        "The file system refuses the mount: its policy, and the task role if the mount uses IAM, have to allow "
        "elasticfilesystem:ClientMount and ClientWrite through the access point",
    ),
    # The network.
    (
        r"no such host|server misbehaving",
        "No DNS server knows the name: check it for a slip, such as a region that does not exist, and let the VPC "
        "resolve DNS names (enableDnsSupport)",
    ),
    (
        r"Failed to resolve .*efs|efs.*(name or service not known|could not be resolved)|mount target",
        "The file system has no mount target that the task finds: create one in each of the job's zones, and let the "
        "VPC resolve DNS names",
    ),
    (
        rf"({_EFS}).*(Connection (reset|timed out|refused)|timed out|timeout|signal: terminated)",
        "The task does not reach the file system: the security group of its mount targets has to let NFS (2049) in "
        "from the job",
    ),
    (
        _UNREACHED,
        "The task does not reach {what}: it needs a public IP in a public subnet, NAT in a private one, or VPC "
        "endpoints, and a security group that lets HTTPS out",
    ),
    # Something does not exist.
    (
        rf"({_EFS}).*(No such file or directory|{_ABSENT})",
        "The file system has no such folder: create it, or mount an access point that creates it (creation_info)",
    ),
    (
        rf"({_LOGS}).*({_ABSENT})|log group does not exist",
        "The job's log group is gone: run pulumi refresh, then pulumi up",
    ),
    (
        rf"CannotPull.*({_ABSENT})|(repository|image|tag|manifest) .*(not found|does not exist)",
        "There is no such image or tag: push it, or correct `image` and deploy again",
    ),
    (
        rf"({_LOGS}).*MissingEndpoint",
        "The log driver has no such region: correct awslogs-region, or leave it to the component",
    ),
    # Other problems of the image or its registry.
    (
        r"CannotPull.*(x509|certificate)",
        "Fargate does not trust the registry's certificate, and cannot be made to: give the registry a certificate of "
        "a public authority, or copy the image to ECR",
    ),
    (
        r"CannotPull.*(failed to (extract|register) layer|apply failure|apply ?layer)",
        "The image could not be unpacked, most often because the task's disk is full: raise ephemeral_storage_gib; if "
        "it happens again, build the image again",
    ),
    (
        r"CannotPull.*layers and diffIDs",
        "The image's layers are compressed in different ways, which Fargate does not read: build it with one "
        "compression for all (docker buildx: --output type=image,force-compression=true)",
    ),
    (
        r"CannotPull",
        "The image could not be pulled: check its name, its tag, and the task's network path to the registry",
    ),
    (
        r"ContainerRuntimeTimeout|DockerTimeout|Could not transition to",
        "The container did not start in time: launch again; if it happens again, make the image smaller",
    ),
    (
        r"InternalError|internal error",
        "A service of AWS's own failed: launch again; if it happens again, give AWS Support the task's ARN",
    ),
)
"""Cause → remedy. `{what}` becomes the service that the reason is about."""

_SERVICES: Final = (
    (r"ecr registry auth|api\.ecr|\.dkr\.ecr|\becr:", "ECR"),
    (r"CannotPull|registry", "the registry"),
    (r"from ssm|ssm\.|ssm:", "Parameter Store"),
    (r"from asm|asm fetching|secrets ?manager", "Secrets Manager"),
    (_LOGS, "CloudWatch Logs"),
    (_EFS, "the file system"),
)
"""The service that a reason is about: the most specific name first."""

_PREAMBLE: Final = re.compile(r"unable to pull secrets or registry auth:?", re.IGNORECASE)
"""Names secrets and registry together, whichever of them failed, and so does not tell the cause."""


def remedy(reason: str) -> str:
    """The next step after a reason of ECS, without a full stop; empty if no known cause fits."""
    cause = _PREAMBLE.sub("", reason)
    found = next((then for pattern, then in _compiled() if pattern.search(cause)), "")
    return found.replace("{what}", _service(cause))


def advice(reason: str) -> str:
    """The next step after a reason of ECS; if no known cause fits, a sentence that says so and has the reason."""
    return remedy(reason) or f"No known cause fits the reason that ECS gives: {reason}"


def _service(reason: str) -> str:
    return next((name for pattern, name in _SERVICES if re.search(pattern, reason, re.IGNORECASE)), "AWS's services")


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled at the first use: a launch that succeeds needs none."""
    return tuple(_rows())


def _rows() -> Iterator[tuple[re.Pattern[str], str]]:
    for cause, then in CAUSES:
        yield re.compile(cause, re.IGNORECASE | re.DOTALL), then
