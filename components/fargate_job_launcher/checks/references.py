"""Checks of arguments that name an AWS resource by ARN, id or name. IAM, ECS and Lambda compare these character by
character: a reference of another type, or to the same resource by another name, deploys and then fails or is denied.
Pure.

Each such argument has a row in NAMED; a test compares the rows with the components' annotations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from fargate_job_launcher import iam
from fargate_job_launcher.handler import partitions


@dataclass(frozen=True)
class Kind:
    """A type of reference."""

    what: str
    """What the argument has to be, with an article."""
    shape: str = ""
    """Regular expression; empty when another module checks the form."""
    looks_like: str = ""
    """An example of the form."""
    regional: bool = False
    """Whether it has to be in the job's region."""
    owned: bool = False
    """Whether it has to be in the job's account."""
    hidden: bool = False
    """Whether a message hides the value, which may be a secret by mistake."""


_ARN: Final = r"arn:[a-z0-9-]+:"
_HERE: Final = r"[a-z0-9-]+:\d{12}:"

SUBNET: Final = Kind("a subnet's id", r"subnet-[0-9a-f]+", "subnet-0123456789abcdef0")
GROUP: Final = Kind("a security group's id", r"sg-[0-9a-f]+", "sg-0123456789abcdef0")
VPC: Final = Kind("a VPC's id", r"vpc-[0-9a-f]+", "vpc-0123456789abcdef0")
CLUSTER: Final = Kind("the ARN of an ECS cluster")
"""iam.Place checks its form."""
ROLE: Final = Kind("the ARN of one role", owned=True)
POLICY: Final = Kind("the ARN of a policy", owned=True)
KEY: Final = Kind("the ARN of a KMS key", regional=True)
SECRET_KEY: Final = Kind("the ARN of a KMS key")
"""Key of a secret, which may be in another region."""
TOPIC: Final = Kind("the ARN of a topic", regional=True)
TABLE: Final = Kind(
    "the ARN of a table of runs",
    rf"{_ARN}dynamodb:{_HERE}table/[A-Za-z0-9_.-]{{3,255}}",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs-0123abc",
    regional=True,
    owned=True,
)
SCHEDULE_GROUP: Final = Kind(
    "the ARN of a schedule group",
    rf"{_ARN}scheduler:{_HERE}schedule-group/[0-9A-Za-z_.-]{{1,64}}",
    "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/jobs-0123abc",
    regional=True,
    owned=True,
)
STATE_MACHINE: Final = Kind(
    "the ARN of a state machine",
    rf"{_ARN}states:{_HERE}stateMachine:[\w-]{{1,80}}",
    "arn:aws:states:eu-west-1:123456789012:stateMachine:NAME",
    regional=True,
    owned=True,
)
SECRET: Final = Kind("the ARN of a secret or a parameter", hidden=True)
FILE_SYSTEM: Final = Kind("an EFS file system's id")
ACCESS_POINT: Final = Kind("an EFS access point's id")
BUCKET: Final = Kind("a bucket's name", r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", "payloads-5f8078d")
BUS: Final = Kind(
    "an event bus's name or ARN",
    rf"[A-Za-z0-9/._-]{{1,256}}|{_ARN}events:{_HERE}event-bus/[A-Za-z0-9/._-]{{1,256}}",
    "orders, or arn:aws:events:eu-west-1:123456789012:event-bus/orders",
    regional=True,
    owned=True,
)
SIGNING: Final = Kind(
    "the ARN of a code signing configuration",
    rf"{_ARN}lambda:{_HERE}code-signing-config:csc-[a-z0-9]{{17}}",
    "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0",
    regional=True,
    owned=True,
)
SOURCE: Final = Kind("the ARN of a bucket, a topic or a rule")
IMAGE: Final = Kind("a container image")
"""image_problems checks its form."""

NAMED: Final[Mapping[str, Kind]] = {
    "cluster_arn": CLUSTER,
    "subnet_ids[]": SUBNET,
    "security_group_ids[]": GROUP,
    "vpc_id": VPC,
    "function.subnet_ids[]": SUBNET,
    "function.security_group_ids[]": GROUP,
    "function.code_signing_config_arn": SIGNING,
    "function.signed_code.bucket": BUCKET,
    "payload_bucket": BUCKET,
    "kms_key_arn": KEY,
    "further_kms_key_arns[]": KEY,
    "secret_key_arns[]": SECRET_KEY,
    "task_role_arn": ROLE,
    "execution_role_arn": ROLE,
    "overrides.task_roles.*": ROLE,
    "permissions_boundary_arn": POLICY,
    "runs.table_arn": TABLE,
    "runs.supervisor_role_arn": ROLE,
    "runs.notice_topic_arn": TOPIC,
    "runs.schedule_group_arn": SCHEDULE_GROUP,
    "runs.kms_key_arn": KEY,
    "notify.topic_arn": TOPIC,
    "callbacks[]": STATE_MACHINE,
    "cluster_arns[]": CLUSTER,
    "topic_arn": TOPIC,
    "alarms.topic_arn": TOPIC,
    "queue.sources[]": SOURCE,
    "event_rule.bus": BUS,
    "efs_volumes[].file_system_id": FILE_SYSTEM,
    "efs_volumes[].access_point_id": ACCESS_POINT,
    "repository_credentials_arn": SECRET,
    "secrets.*": SECRET,
    "sidecars[].repository_credentials_arn": SECRET,
    "sidecars[].secrets.*": SECRET,
    "image": IMAGE,
    "sidecars[].image": IMAGE,
}
"""Argument → its type of reference. `[]` means each item of a list, `*` each name of a mapping."""

_RECOGNIZED: Final = (
    (r"subnet-[0-9a-f]+", "a subnet's id"),
    (r"sg-[0-9a-f]+", "a security group's id"),
    (r"vpc-[0-9a-f]+", "a VPC's id"),
    (r"eni-[0-9a-f]+", "a network interface's id"),
    (r"fsap-[0-9a-f]+", "an EFS access point's id"),
    (r"fs-[0-9a-f]+", "an EFS file system's id"),
    (r"https?://.*", "a URL"),
    (r"s3://.*", "an address in S3"),
    (r"alias/.*", "an alias of a KMS key"),
    (rf"{_ARN}kms:.*:alias/.*", "the ARN of an alias, by which IAM grants nothing"),
    (r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", "a KMS key's id"),
)
"""Pattern → what a misplaced value is."""


def reference_problems(given: Mapping[str, Any], place: iam.Place | None) -> Iterator[str]:
    """Problems with references in these arguments: `field: what`. `place` is the job's, if it is known; its account is
    empty if only that is unknown."""
    for pattern, kind in NAMED.items():
        for field, value in _values(pattern.replace("[]", ".[]").split("."), given, ""):
            if isinstance(value, str):
                yield from _problems(field, value, kind, place)


def _values(steps: Sequence[str], given: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Path and value of each argument at these steps."""
    if not steps:
        yield path, given
    elif steps[0] == "[]" and isinstance(given, list):
        for number, it in enumerate(cast("list[Any]", given)):
            yield from _values(steps[1:], it, f"{path}[{number}]")
    elif isinstance(given, Mapping):
        entries = cast("Mapping[str, Any]", given)
        for key in entries if steps[0] == "*" else {steps[0]} & entries.keys():
            yield from _values(steps[1:], entries[key], f"{path}.{key}".lstrip("."))


def _problems(field: str, value: str, kind: Kind, place: iam.Place | None) -> Iterator[str]:
    shown = "it (not shown, it may be a secret)" if kind.hidden else repr(value)
    if kind.shape and re.fullmatch(kind.shape, value, re.ASCII) is None:
        yield f"{field}: {shown} is {called(value)}not {kind.what}; it looks like {kind.looks_like}"
    elif kind is not CLUSTER and value.count(":") >= 5 and value.startswith("arn:"):
        _, partition, _, region, account, _ = value.split(":", 5)
        yield from (f"{field}: {shown} {problem}" for problem in _elsewhere(partition, region, account, kind, place))


def _elsewhere(partition: str, region: str, account: str, kind: Kind, place: iam.Place | None) -> Iterator[str]:
    """Why the job cannot use an ARN with these parts."""
    known = [it.name for it in partitions.PARTITIONS]
    if partition not in known:
        yield f"is in the partition {partition!r}, which AWS does not have; known: {', '.join(known)}"
    elif region and partitions.partition_of(region).name != partition:
        right = partitions.partition_of(region).name
        yield f"is in the partition {partition}, but the region {region} is in {right}; write arn:{right}:…"
    elif place is None:
        return
    elif partition != place.partition:
        yield f"is in the partition {partition}, but the cluster is in {place.partition}; name one in that"
    elif kind.regional and region != place.region:
        yield f"is in another region than the cluster; name one in {place.region}"
    elif kind.owned and place.account and account not in (place.account, "aws"):
        yield f"is in the account {account}, but the cluster is in {place.account}; name one in that"


def called(value: str) -> str:
    """What a misplaced value seems to be, with a comma; empty when its form does not show that."""
    for shape, what in _RECOGNIZED:
        if re.fullmatch(shape, value):
            return f"{what}, "
    if value.startswith("arn:") and value.count(":") >= 5:
        return f"an ARN of {value.split(':')[2]}, "
    return "an ARN cut short, " if value.startswith("arn:") else ""


_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN: Final = rf"{_LABEL}(?:\.{_LABEL})*(?::\d{{1,5}})?"
_COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE: Final = re.compile(
    rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?P<tag>:\w[\w.-]{{0,127}})?(?P<digest>@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
"""https://github.com/distribution/reference/blob/main/reference.go, with the one digest that registries use"""

LONGEST_IMAGE: Final = 255
"""The most characters of an image's name in a container definition.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""


def image_problems(path: str, container: Mapping[str, Any]) -> Iterator[str]:
    """Problems with a container's image; `path` is the prefix of its fields."""
    image = container.get("image")
    if not isinstance(image, str):
        return
    problem = _image_problem(image)
    if problem:
        yield f"{path}image: {image!r} {problem}"
        return
    try:
        iam.refuse_ecr_image(f"{path}image", image)
    except ValueError as error:
        yield str(error)
        return
    if container.get("pull_through_cache") and not iam.ecr_region(image):
        yield (
            f"{path}pull_through_cache: needs an image in ECR, and {image!r} is none; write its name in the cache, "
            "such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/PREFIX/NAME, with the PREFIX of the cache's rule"
        )


def _image_problem(image: str) -> str:
    if re.search(r"\s", image) or not image:
        return "is no image; give its name without white space, such as nginx@sha256:…"
    if len(image) > LONGEST_IMAGE:
        return f"has {len(image)} characters; ECS accepts {LONGEST_IMAGE}"
    if "://" in image:
        return f"has a scheme; leave it out: {image.partition('://')[2]}"
    if _REFERENCE.fullmatch(image):
        return ""
    name, at, digest = image.partition("@")
    if at and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return f"has no digest after the @: sha256: and 64 hexadecimal digits in lower case, not {digest!r}"
    # A tag may have capitals; a colon before the last slash precedes a port.
    repository, colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    right = f"{repository.lower()}{colon}{tag}{at}{digest}"
    if _REFERENCE.fullmatch(right):
        return f"has capitals in its name; a repository is written in lower case: {right}"
    return "is not an image; it looks like REGISTRY/NAME:TAG, such as public.ecr.aws/docker/library/python:3.13-slim"


def ecr_place_problems(given: Mapping[str, Any], place: iam.Place) -> Iterator[str]:
    """Problems with images in another AWS partition, which the job cannot reach."""
    containers = {"": given} | {f"sidecars[{number}].": it for number, it in enumerate(given.get("sidecars", []))}
    for path, container in containers.items():
        image = container.get("image")
        region = iam.ecr_region(image) if isinstance(image, str) else ""
        there = partitions.partition_of(region).name if region else place.partition
        if there != place.partition:
            yield (
                f"{path}image: {image!r} is in the partition {there}, but the cluster is in {place.partition}; copy it "
                "to a registry in that partition"
            )
