"""The services that each argument makes a task reach, and the function where it runs in a VPC: one table.

A task in subnets without a way to the internet reaches only services that have a VPC endpoint there, in its own region.
Calls between AWS services need no endpoint: they decrypt with a key, deliver to a queue and read the keys of an image's
layers by themselves. Pure; used by the check of a stack's config, and shown in docs/environments.md.

The endpoint of each service: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from . import iam

INTERNET: Final = "internet"
"""Instead of a service: an address that no endpoint reaches."""


@dataclass(frozen=True)
class Reached:
    """A service that a task has to reach."""

    service: str
    """The endpoint's name of it, such as `ecr.api`; or INTERNET."""
    what: str
    """The part of the argument that needs it, in the words of a problem."""
    region: str = ""
    """The service's region, if the argument has it; an endpoint reaches its own region only."""


Given = Mapping[str, Any]
Find = Callable[[Any], Iterator[Reached]]


@dataclass(frozen=True)
class Row:
    """The services that an argument makes a task reach."""

    said: str
    """For the table of the docs."""
    find: Find = lambda _: iter(())


def _image(image: Any) -> Iterator[Reached]:
    repository = iam.repository_arn(image, "aws") if isinstance(image, str) else None
    if repository is not None:
        region = repository.split(":")[3]
        yield from (Reached(it, f"image: {image!r}", region) for it in ("ecr.api", "ecr.dkr"))
        yield Reached("s3", "image: the layers of an image in ECR")
    elif isinstance(image, str):
        yield Reached(INTERNET, f"image: {image!r}")


def _secret(path: str, arn: Any) -> Iterator[Reached]:
    if not isinstance(arn, str):
        return
    parts = arn.split(":")
    known = arn.startswith("arn:") and len(parts) > 5
    service = parts[2] if known and parts[2] == "ssm" else "secretsmanager"
    yield Reached(service, path, parts[3] if known else "")


def _secrets(secrets: Any) -> Iterator[Reached]:
    for name, arn in cast("Mapping[str, Any]", secrets).items():
        yield from _secret(f"secrets.{name}", arn)


def _sidecars(sidecars: Any) -> Iterator[Reached]:
    for number, sidecar in enumerate(cast("Sequence[Given]", sidecars)):
        yield from _prefixed(f"sidecars[{number}].", found(SIDECAR, sidecar))


_ENDPOINT_OF: Final = {
    **{"cloudwatch": "monitoring", "ecr": "ecr.api", "execute-api": "execute-api", "codeartifact": "codeartifact.api"},
    **{"bedrock": "bedrock-runtime", "ses": "email", "elasticloadbalancing": "elasticloadbalancing"},
}
"""Name of a service in IAM → in its endpoint, where the two differ.

https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""
_NO_CALL: Final = ("iam", "ssmmessages")
"""Services without an endpoint, or that a task does not call although its policy names them."""


def _task_policy(text: Any) -> Iterator[Reached]:
    """The job's code is assumed to call each service that its policy allows; a policy for all of AWS names none."""
    if not isinstance(text, str):
        return
    try:
        document = json.loads(text)
        statements = document["Statement"]
    except (ValueError, TypeError, KeyError):
        return
    services = set[str]()
    for it in statements if isinstance(statements, list) else [statements]:
        if not isinstance(it, dict) or cast("Given", it).get("Effect") != "Allow":
            continue
        actions = cast("Given", it).get("Action", [])
        named = cast("list[Any]", actions if isinstance(actions, list) else [actions])
        services |= {str(action).partition(":")[0] for action in named if ":" in str(action)}
    for service in sorted(services - set(_NO_CALL)):
        yield Reached(_ENDPOINT_OF.get(service, service), f"task_policy: it lets the job call {service}")


def _exec(allowed: Any) -> Iterator[Reached]:
    if allowed:
        yield Reached("ssmmessages", "allow_exec: a shell is opened through it")


def _overrides(overrides: Any) -> Iterator[Reached]:
    if cast("Given", overrides).get("payload"):
        yield Reached("s3", "overrides.payload: a large payload is in a bucket")


def _result(left: Any) -> Iterator[Reached]:
    if left:
        yield Reached("s3", "result: the job leaves it in a bucket")


NOTHING: Final = Row("nothing")
IMAGE: Final = Row("in ECR: `ecr.api`, `ecr.dkr` and `s3`, in its region; elsewhere: the internet", _image)
SECRETS: Final = Row("`secretsmanager` or `ssm`, in the region of each secret", _secrets)
REGISTRY: Final = Row(
    "`secretsmanager`, and the registry itself, on the internet", lambda it: _secret("repository_credentials_arn", it)
)
_OF_THE_SERVICE: Final = Row("nothing: AWS services use it, not the task")
_BY_THE_FUNCTION: Final = Row("nothing: it concerns the launcher's function, which runs outside the task's subnets")

LAUNCHER: Final[dict[str, Row]] = {
    "image": IMAGE,
    "cluster_arn": NOTHING,
    "subnet_ids": NOTHING,
    "security_group_ids": Row("nothing; they limit what the task can reach"),
    "assign_public_ip": Row("nothing by itself; in a public subnet it gives access to everything"),
    "pull_through_cache": Row("nothing: ECR itself connects to the registry that it caches"),
    "command": Row("what the program calls, which is unknown here"),
    "entry_point": NOTHING,
    "working_directory": NOTHING,
    "ulimits": NOTHING,
    "log_options": NOTHING,
    "not_secret": NOTHING,
    "user": NOTHING,
    "read_only_root": NOTHING,
    "writable_paths": NOTHING,
    "stop_timeout_seconds": NOTHING,
    "health_check": Row("nothing: it runs inside the container"),
    "sidecars": Row("as the job's own `image`, `secrets` and `repository_credentials_arn`", _sidecars),
    "efs_volumes": Row("the file system's mount target in the task's zone, TCP 2049, inside the VPC: no endpoint"),
    "repository_credentials_arn": REGISTRY,
    "architecture": NOTHING,
    "allow_exec": Row("`ssmmessages`", _exec),
    "environment": Row("what the program uses it for, which is unknown here"),
    "secrets": SECRETS,
    "secret_key_arns": Row("nothing: Secrets Manager and SSM decrypt themselves"),
    "task_policy": Row("each service that it allows the job's code to call", _task_policy),
    "task_role_arn": Row("nothing: its credentials come from inside the task; what it allows is unknown here"),
    "execution_role_arn": NOTHING,
    "role_path": NOTHING,
    "permissions_boundary_arn": NOTHING,
    "cpu": NOTHING,
    "memory": NOTHING,
    "ephemeral_storage_gib": NOTHING,
    "capacity": NOTHING,
    "overrides": Row("with `payload`: `s3`; for a role of `task_roles`: as for `task_role_arn`", _overrides),
    "payload_bucket": Row("`s3`", lambda _: iter([Reached("s3", "payload_bucket: the job reads its payloads there")])),
    "prices": NOTHING,
    "asynchronous": _BY_THE_FUNCTION,
    "function": Row("nothing; with `subnet_ids` the function itself reaches what the next table lists"),
    "schedule": _BY_THE_FUNCTION,
    "schedules": _BY_THE_FUNCTION,
    "queue": _BY_THE_FUNCTION,
    "event_rule": _BY_THE_FUNCTION,
    "runs": _BY_THE_FUNCTION,
    "supervision": _BY_THE_FUNCTION,
    "notify": _BY_THE_FUNCTION,
    "max_running": _BY_THE_FUNCTION,
    "overlap": _BY_THE_FUNCTION,
    "result": Row("`s3`", _result),
    "callbacks": _BY_THE_FUNCTION,
    "alarms": NOTHING,
    "log_retention_days": Row("`logs`, as for every task", lambda _: iter(())),
    "kms_key_arn": _OF_THE_SERVICE,
    "further_kms_key_arns": _OF_THE_SERVICE,
    "keep_logs": NOTHING,
    "adopt_logs": NOTHING,
    "protect_logs": NOTHING,
    "protect_queues": NOTHING,
    "tags": NOTHING,
}
"""Every argument of a launcher; a test requires each."""

SIDECAR: Final[dict[str, Row]] = {
    "name": NOTHING,
    "image": IMAGE,
    "pull_through_cache": LAUNCHER["pull_through_cache"],
    "command": LAUNCHER["command"],
    "entry_point": NOTHING,
    "working_directory": NOTHING,
    "ulimits": NOTHING,
    "not_secret": NOTHING,
    "environment": LAUNCHER["environment"],
    "secrets": SECRETS,
    "repository_credentials_arn": REGISTRY,
    "essential": NOTHING,
    "user": NOTHING,
    "read_only_root": NOTHING,
    "writable_paths": NOTHING,
    "health_check": LAUNCHER["health_check"],
    "stop_timeout_seconds": NOTHING,
    "job_waits_for": NOTHING,
}
"""Every argument of a sidecar."""

FUNCTION: Final[dict[str, str]] = {
    "always": "`ecs`: RunTask and ListTasks; `dynamodb`: the table of runs; `events`: the event of each run's end",
    "`supervision`, `notify`": "`sns`: a notice of a run that failed",
    "`notify.log_lines`": "`logs`: the last lines of the task that failed",
    "`callbacks`": "`states`: the answer to an execution that waits",
    "`asynchronous`, `schedule`, `queue`, `event_rule`": "`sqs`: an event that can never succeed goes to dead letters",
    "`payload_bucket`": "`s3`: a payload that does not fit into the call, and the result of a run",
    "`kms_key_arn`": "nothing: DynamoDB, S3, SNS and SQS use the key themselves",
    "its log, X-Ray": "nothing: Lambda sends both from outside the VPC",
}
"""The services that the launcher's function reaches from its own subnets (`function.subnet_ids`)."""


def reached(args: Given) -> list[Reached]:
    """Everything that a task of a launcher with these arguments has to reach, its log included."""
    return [Reached("logs", "the log of every task"), *found(LAUNCHER, args)]


def found(rows: Mapping[str, Row], given: Given) -> Iterator[Reached]:
    """The services that these arguments reach by a table's rows. Raises KeyError for an argument without a row."""
    for key, value in given.items():
        if value is not None:
            yield from rows[key].find(value)


def _prefixed(path: str, these: Iterator[Reached]) -> Iterator[Reached]:
    yield from (Reached(it.service, path + it.what, it.region) for it in these)
