"""The schema from which other languages' SDKs are generated: Pulumi's own, derived from annotations, in their terms.

Pure. Pulumi's SDK copies docstrings unchanged; in other languages an argument is called taskRoleArn, and an indented
line is code. It does not know choices, which are plain strings in Python; here they are enumerations, which other
languages complete and check, and which accept the same strings in TypeScript, Go and YAML.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from .checks.choices import (
    CAPACITIES,
    CONDITIONS,
    CONTAINER_INSIGHTS,
    LOG_GROUPS,
    LOG_MODES,
    OVERLAPS,
    RETRYABLE,
    SUBNET_RANGES,
    SUBNETS,
)
from .checks.containers import ARCHITECTURES
from .network import NAT_GATEWAYS

CHOICES: Final[dict[tuple[str, str], tuple[str, Sequence[str]]]] = {
    ("FargateJobLauncher", "capacity"): ("Capacity", CAPACITIES),
    ("LaunchOverrides", "capacity"): ("Capacity", CAPACITIES),
    ("FargateJobLauncher", "architecture"): ("Architecture", tuple(ARCHITECTURES)),
    ("Sidecar", "jobWaitsFor"): ("SidecarCondition", CONDITIONS),
    ("LogOptions", "mode"): ("LogMode", LOG_MODES),
    ("Supervision", "retryOn"): ("RetriedOutcome", RETRYABLE),
    ("FargateJobLauncher", "overlap"): ("Overlap", OVERLAPS),
    ("FargateJobLauncher", "adoptLogs"): ("LogGroup", LOG_GROUPS),
    ("JobCluster", "containerInsights"): ("ContainerInsights", CONTAINER_INSIGHTS),
    ("JobNetwork", "subnets"): ("NetworkSubnets", SUBNETS),
    ("JobNetwork", "natGateways"): ("NatGateways", tuple(NAT_GATEWAYS)),
    ("JobNetwork", "subnetRanges"): ("SubnetRanges", SUBNET_RANGES),
}
"""Component or type, and its property → the enumeration's name, and its values. Numbers stay numbers: Go has no plain
number in place of an enumeration's, and programs read `cpu` from their config."""

GO_PATH: Final = "fargate-job-launcher/fargatejoblauncher"
"""Version of the Go package in an SDK that `pulumi package add` creates in a program's folder; nobody downloads it."""


def completed(
    schema: Mapping[str, Any], names: Mapping[str, str], *, description: str, repository: str = ""
) -> dict[str, Any]:
    """The schema for other languages. `names`: an argument's name in Python → in the schema. `repository`: URL of the
    package's repository; Go's module path begins with it."""
    whole: dict[str, Any] = {**_described(schema, names), "description": description}
    package = whole["name"]
    whole["types"] = {**whole["types"]}
    for (owner, name), (kind, values) in CHOICES.items():
        token = f"{package}:index:{kind}"
        whole["types"][token] = {"type": "string", "enum": [{"name": _title(it), "value": it} for it in values]}
        holder = f"{package}:index:{owner}"
        if holder in whole["resources"]:
            declared = whole["resources"][holder]["inputProperties"][name]
        else:
            declared = whole["types"][holder]["properties"][name]
        one = declared["items"] if declared["type"] == "array" else declared
        one |= {"$ref": f"#/types/{token}"}
        # The form in which Pulumi's SDK writes a reference.
        del one["type"]
    go = whole["language"]["go"]
    whole["language"] = {**whole["language"], "go": go if repository else {**go, "importBasePath": GO_PATH}}
    return {**whole, "repository": repository} if repository else whole


def respelt(said: str, names: Mapping[str, str]) -> str:
    """A text with the arguments' names in the schema's spelling, except in single quotes, which hold the user's own
    values."""
    return re.sub(r"'[^']*'|\b[a-z]+(?:_[a-z]+)+\b", lambda it: names.get(it[0], it[0]), said)


def _described(value: Any, names: Mapping[str, str]) -> Any:
    """A copy whose descriptions use the schema's names and have no indentation."""
    if isinstance(value, list):
        return [_described(it, names) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    given = cast("dict[str, Any]", value)
    return {
        key: _spelt(it, names) if key == "description" and isinstance(it, str) else _described(it, names)
        for key, it in given.items()
    }


def _spelt(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda it: names.get(it[0], it[0]), inspect.cleandoc(text))


def _title(value: str) -> str:
    """Name of an enumeration's member: SpotThenOnDemand for `spot_then_on_demand`, X86_64 for `x86_64`."""
    return re.sub(r"_(?!\d)", "", "_".join(it.capitalize() for it in re.split("[_-]", value)))
