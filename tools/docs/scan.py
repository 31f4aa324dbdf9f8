"""checkov itself, run on prod: the recorded program as a Terraform plan, which checkov reads.

`make scan` installs it once, in its own environment in the user's cache (its pins exclude ours: about a hundred
packages, 300 MB, some minutes), and compares its result with docs/controls.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import pulumi
from fargate_job_launcher.sandbox import Stack

from tools.docs import controls
from tools.recording import PROGRAM, Recorded, Recording, record

VERSION: Final = "3.3.30"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fargate-job-launcher"
CHECKOV: Final = CACHE / f"checkov-{VERSION}" / "bin" / "checkov"

MAPS: Final = {"tags", "variables", "tagsAll"}
"""Inputs whose keys are the user's own: an object there is not a block."""
AS_IT_IS: Final = {"ingress", "egress"}
"""Blocks whose names are not plural."""


def installed() -> bool:
    """Whether checkov is installed."""
    return CHECKOV.exists()


def install() -> None:
    """Create checkov's environment, if there is none yet."""
    if installed():
        return
    print(f"Installing checkov {VERSION} into {CHECKOV.parents[1]} (once, some minutes) …", flush=True)
    folder = CHECKOV.parents[1]
    made = folder.with_name(f"{folder.name}.{os.getpid()}")
    venv.create(made, with_pip=True, symlinks=True)
    pip = [made / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"checkov=={VERSION}"], check=True)
    # Its commands name the folder in which they were created; below, they are started with this environment's Python.
    made.rename(folder)


def plan(recording: Recording) -> dict[str, Any]:
    """The plan of Terraform for a stack of the same resources."""
    addresses = {urn: _address(it) for urn, it in recording.resources.items() if terraform_type(it.kind)}
    resources = [recording.resources[urn] for urn in addresses]
    described = {
        it.urn: {
            "address": addresses[it.urn],
            "mode": "managed",
            "type": terraform_type(it.kind),
            "name": addresses[it.urn].partition(".")[2],
            "provider_name": "registry.terraform.io/hashicorp/aws",
        }
        for it in resources
    }
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {
            "root_module": {"resources": [{**described[it.urn], "values": _values(it.inputs)} for it in resources]}
        },
        "resource_changes": [
            {
                **described[it.urn],
                "change": {"actions": ["create"], "before": None, "after": _values(it.inputs), "after_unknown": {}},
            }
            for it in resources
        ],
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws"}},
            "root_module": {
                "resources": [
                    {
                        **{key: described[it.urn][key] for key in ("address", "mode", "type", "name")},
                        "provider_config_key": "aws",
                        "expressions": _expressions(it, addresses),
                    }
                    for it in resources
                ]
            },
        },
    }


def verdicts(recording: Recording) -> tuple[dict[str, list[str]], set[str]]:
    """checkov's result for a stack: check → resources that fail it, and every check that a resource passed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(plan(recording)))
        found = results(path)
    failed = defaultdict[str, list[str]](list)
    for it in found["failed_checks"]:
        failed[it["check_id"]].append(it["resource"])
    return dict(failed), {it["check_id"] for it in found["passed_checks"]}


def results(plan_file: Path) -> dict[str, Any]:
    """What checkov reports for a plan."""
    words = [CHECKOV.with_name("python"), "-m", "checkov.main", "--file", plan_file, "--framework", "terraform_plan"]
    done = subprocess.run(
        [*words, "--output", "json", "--compact", "--skip-download", "--soft-fail"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
    )
    try:
        return cast("dict[str, Any]", cast("dict[str, Any]", json.loads(done.stdout))["results"])
    except (ValueError, KeyError, TypeError):
        raise SystemExit(f"checkov returned no result: {done.stdout[-500:]}{done.stderr[-2000:]}") from None


def terraform_type(kind: str) -> str:
    """Terraform's name of a type of the AWS provider; empty for any other type."""
    if kind == "awsx:ec2:Vpc":
        return "aws_vpc"
    found = re.fullmatch(r"aws:(\w+)/\w+:(\w+)", kind)
    if found is None:
        return ""
    return f"aws_{'' if found[1] == 'ec2' else f'{found[1]}_'}{snake(found[2])}"


def _address(it: Recorded) -> str:
    return f"{terraform_type(it.kind)}.{re.sub(r'[^a-zA-Z0-9_-]', '_', it.name)}"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _values(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as Terraform has them: an object is a list of one block, and a list of blocks has the name of one."""
    found: dict[str, Any] = {}
    for key, value in inputs.items():
        if isinstance(value, pulumi.Asset | pulumi.Archive):
            found["filename"] = "code.zip"
        elif isinstance(value, dict) and key not in MAPS:
            found[snake(key)] = [_values(cast("dict[str, Any]", value))]
        elif isinstance(value, list) and any(isinstance(it, dict) for it in value):
            found[_block(key)] = [_values(it) for it in value]
        else:
            # Numbers are recorded as in JSON.
            found[snake(key)] = int(value) if isinstance(value, float) and value.is_integer() else value
    return found


def _block(key: str) -> str:
    return snake(key if key in AS_IT_IS else key.removesuffix("s"))


def _expressions(it: Recorded, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        snake(key): {"references": [name for urn in sorted(urns & addresses.keys()) for name in _named(addresses[urn])]}
        for key, urns in it.computed_from.items()
        if urns & addresses.keys()
    }


def _named(address: str) -> tuple[str, str]:
    return f"{address}.id", address


if __name__ == "__main__":
    install()
    found = controls.differences(*verdicts(record(Stack.read(PROGRAM, "prod"))))
    print(
        "\n".join(found) or "checkov's result for prod is that of docs/controls.md, except for the reasons given there"
    )
    sys.exit(1 if found else 0)
