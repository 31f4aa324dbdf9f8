"""The stacks of the tests as files of other tools, written independently of what reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, cast

from tools.docs.scan import MAPS, snake, terraform_type
from tools.pack.judging import Thing


def export(stack: Iterable[Thing]) -> str:
    """As `pulumi stack export` writes it."""
    listed = list(stack)
    urns = {it.name: it.urn for it in listed}
    resources = [
        {
            "urn": it.urn,
            "custom": True,
            "type": it.kind,
            **({"id": str(it.outputs["id"])} if "id" in it.outputs else {}),
            "inputs": {"__defaults": [], **it.props},
            "outputs": {**it.props, **it.outputs},
            "propertyDependencies": {
                prop: [urns[one] for one in names if one in urns] for prop, names in it.computed_from.items()
            },
        }
        for it in listed
    ]
    return json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": resources}}, default=str)


def state(stack: Iterable[Thing]) -> str:
    """As `terraform show -json` writes a state: every value is known."""
    resources = [
        {
            "address": f"{terraform_type(it.kind)}.{re.sub(r'[^a-zA-Z0-9_-]', '_', it.name)}_{number}",
            "mode": "managed",
            "type": terraform_type(it.kind),
            "values": _blocks(it.kind, {**it.props, **it.outputs}),
        }
        for number, it in enumerate(stack)
    ]
    return json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": resources}}}, default=str)


_OTHERWISE = {
    "aws:lambda/permission:Permission": {"function": "function_name"},
    "aws:lambda/function:Function": {"name": "function_name"},
    "aws:apigateway/method:Method": {"restApi": "rest_api_id"},
    "aws:apigateway/integration:Integration": {"restApi": "rest_api_id"},
}
_AS_IT_IS = ("ingress", "egress")


def _blocks(kind: str, props: dict[str, Any]) -> dict[str, Any]:
    """An object is a list of one block, and a list of blocks has the name of one."""
    made: dict[str, Any] = {}
    for key, value in props.items():
        name = _OTHERWISE.get(kind, {}).get(key) or snake(key)
        if isinstance(value, dict) and key in ("policy", "redrivePolicy"):
            # Terraform has documents as text only.
            made[name] = json.dumps(value)
        elif isinstance(value, dict) and key not in MAPS:
            made[name] = [_blocks("", cast("dict[str, Any]", value))]
        elif isinstance(value, list) and any(isinstance(it, dict) for it in value):
            one = name if key in _AS_IT_IS else re.sub("ie$", "y", name.removesuffix("s"))
            made[one] = [_blocks("", it) if isinstance(it, dict) else it for it in value]
        else:
            made[name] = value
    return made
