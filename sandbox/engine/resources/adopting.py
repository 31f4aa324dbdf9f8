"""Resources that are in the account already, and that a program adopts with `import_` instead of making them."""

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
"""Type → what adopts a resource of it by its id, and then changes what the inputs say otherwise, as the engine does."""


def adopt(aws: Emulator, inputs: Inputs, identifier: str) -> Made:
    """The resource as AWS has it, with what the inputs change. Raises NotMade where there is none."""
    made = ADOPTED[inputs.kind](aws, identifier, inputs)
    inputs.done()
    return made
