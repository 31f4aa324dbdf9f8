"""Adopts resources that are in the account already, which a program imports with `import_` instead of creating them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from .creator import Inputs, Made


def _log_group(aws: Emulator, name: str, inputs: Inputs) -> Made:
    logs = aws.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if not any(it.get("logGroupName") == name for it in found):
        raise NotMade(f"resource '{name}' does not exist")
    if inputs.take("name", name) != name:
        raise NotMade(f"inputs to import do not match the existing resource: name of '{name}'")
    days, key, tags = inputs.take("retentionInDays"), inputs.take("kmsKeyId"), inputs.tags()
    if days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    if key:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    if tags:
        logs.tag_log_group(logGroupName=name, tags=tags)
    return Made(name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"})


ADOPTED: Final[dict[str, Callable[[Emulator, str, Inputs], Made]]] = {"aws:cloudwatch/logGroup:LogGroup": _log_group}
"""Type → the function that adopts a resource of it by its id, then updates it to the inputs, as the engine does."""


def adopt(aws: Emulator, inputs: Inputs, identifier: str) -> Made:
    """The existing resource, updated to the inputs. Raises NotMade if it does not exist."""
    made = ADOPTED[inputs.kind](aws, identifier, inputs)
    inputs.check_all_taken()
    return made
