"""What the emulated account knows about the things that a request names: IAM's question or answer depends on it."""

from __future__ import annotations

import json
from typing import Any, Final

from fargate_job_launcher.handler.settings import VARIABLE, Settings
from ministack.services import dynamodb, iam, lambda_svc, s3, scheduler

from . import delivery, task_tokens
from .authorization import Call
from .schedule_calls import There
from .service_calls import Known

# Internals of the emulator, which has no public interface for this; its version is pinned.
_dynamodb: Any = dynamodb
_lambda: Any = lambda_svc
_s3: Any = s3
_iam: Any = iam
_scheduler: Any = scheduler


def _partition_key(table: str, index: str) -> str:
    """The name of a table's or an index's partition key; empty if there is no such table or index."""
    found = _dynamodb._tables.get(table) or {}
    indexes = [*found.get("GlobalSecondaryIndexes", []), *found.get("LocalSecondaryIndexes", [])]
    named = next((it for it in indexes if it["IndexName"] == index), {}) if index else found
    return next((it["AttributeName"] for it in named.get("KeySchema", []) if it["KeyType"] == "HASH"), "")


KNOWN: Final = Known(_partition_key, task_tokens.state_machine)


def policy_of(call: Call) -> dict[str, Any] | None:
    """The policy of the function that a call is about; None where there is none.

    Other resources' policies are not asked: a bucket's denies a request without TLS, and no request here has any.
    """
    found = _lambda.function_policy_for_arn(call.resource) if call.action == "lambda:InvokeFunction" else None
    return found[0] if found else None


def lacks_object(bucket: str, key: str) -> bool:
    """Whether there is this bucket, and no object of this key in it."""
    found = _s3._buckets.get(bucket)
    return found is not None and key not in found["objects"]


def families() -> dict[str, list[str]]:
    """The jobs of all deployed launchers → the families of their task definitions; stacks may have jobs of one name."""
    found = dict[str, list[str]]()
    for record in list(_lambda._functions._data.values()):
        variables = record["config"].get("Environment", {}).get("Variables", {})
        if VARIABLE in variables:
            settings = Settings.read(variables)
            family = settings.task_definition.rpartition("/")[2].rpartition(":")[0]
            found.setdefault(settings.job, []).append(family)
    return found


def _trusts(role_arn: str, service: str, source_arn: str) -> bool:
    found = _iam._roles.get(role_arn.rpartition("/")[2])
    if found is None or found["Arn"] != role_arn:
        return False
    trust = json.loads(found["AssumeRolePolicyDocument"])
    statements = trust["Statement"] if isinstance(trust["Statement"], list) else [trust["Statement"]]
    # A trust policy names no resource: it is the role's own.
    on_itself = {**trust, "Statement": [{"Resource": "*", **it} for it in statements]}
    source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}
    return delivery.allows(on_itself, "sts:AssumeRole", role_arn, service, source)


THERE: Final = There(
    group=lambda name: name == "default" or name in _scheduler._schedule_groups,
    schedule=lambda group, name: f"{group}/{name}" in _scheduler._schedules,
    trusts=_trusts,
)
