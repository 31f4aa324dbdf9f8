"""The schema that other languages' SDKs are made of: what the SDK derives from annotations, in those languages' terms.

Pure. The SDK takes docstrings as they stand in Python; elsewhere an argument is called taskRoleArn, and a line that is
indented is code. Of choices it knows nothing, as they are plain strings in Python; here they are enumerations, which
other languages complete and check, and which take the same strings in TypeScript, Go and YAML.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from .arguments import CAPACITIES
from .checks.containers import ARCHITECTURES, CONDITIONS
from .checks.supervision import RETRYABLE
from .cluster import CONTAINER_INSIGHTS
from .network import NAT_GATEWAYS, SUBNETS

CHOICES: Final[dict[tuple[str, str], tuple[str, Sequence[str]]]] = {
    ("FargateJobLauncher", "capacity"): ("Capacity", CAPACITIES),
    ("LaunchOverrides", "capacity"): ("Capacity", CAPACITIES),
    ("FargateJobLauncher", "architecture"): ("Architecture", tuple(ARCHITECTURES)),
    ("Sidecar", "jobWaitsFor"): ("SidecarCondition", CONDITIONS),
    ("Supervision", "retryOn"): ("RetriedOutcome", RETRYABLE),
    ("JobCluster", "containerInsights"): ("ContainerInsights", CONTAINER_INSIGHTS),
    ("JobNetwork", "subnets"): ("NetworkSubnets", SUBNETS),
    ("JobNetwork", "natGateways"): ("NatGateways", tuple(NAT_GATEWAYS)),
}
"""Component or type, and its property → the enumeration's name, and its values."""

GO_PATH: Final = "fargate-job-launcher/fargatejoblauncher"
"""Of the Go package in an SDK that `pulumi package add` makes in a program's own folder, where nobody downloads it."""


def completed(
    schema: Mapping[str, Any], names: Mapping[str, str], *, description: str, repository: str = ""
) -> dict[str, Any]:
    """The schema for other languages. `names`: an argument in Python → in the schema. `repository`: where the package
    is published, as a URL; Go's module path begins with it."""
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
        # As the SDK writes a reference.
        del one["type"]
    go = whole["language"]["go"]
    whole["language"] = {**whole["language"], "go": go if repository else {**go, "importBasePath": GO_PATH}}
    return {**whole, "repository": repository} if repository else whole


def respelt(said: str, names: Mapping[str, str]) -> str:
    """A text with the arguments' names as the schema has them. What stands in single quotes was given by somebody."""
    return re.sub(r"'[^']*'|\b[a-z]+(?:_[a-z]+)+\b", lambda it: names.get(it[0], it[0]), said)


def _described(value: Any, names: Mapping[str, str]) -> Any:
    """A copy whose descriptions have the schema's names in them, and no indents."""
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
    """Of an enumeration's member: `spot_then_on_demand` is SpotThenOnDemand, `x86_64` is X86_64."""
    return re.sub(r"_(?!\d)", "", "_".join(it.capitalize() for it in value.split("_")))
