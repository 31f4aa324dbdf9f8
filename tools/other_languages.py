"""The examples in YAML and TypeScript: their resources, and the same program in Python, which the sandbox runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

PACKAGE: Final = "fargate-job-launcher"


@dataclass(frozen=True)
class Output:
    """An output of another resource, in place of a value."""

    resource: str
    name: str


@dataclass(frozen=True)
class Declared:
    """A resource of a program."""

    component: str
    """Its name in the plugin's package; empty for one of another package."""
    properties: dict[str, Any]


Program = dict[str, Declared]
"""Name → resource."""


def of_yaml(text: str) -> Program:
    """The resources of a program in YAML."""

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: read(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [read(inner) for inner in value]
        found = re.fullmatch(r"\$\{(\w+)\.(\w+)\}", value) if isinstance(value, str) else None
        return Output(*found.groups()) if found else value

    return {
        name: Declared(
            it["type"].removeprefix(f"{PACKAGE}:") if it["type"].startswith(f"{PACKAGE}:") else "",
            read(it.get("properties", {})),
        )
        for name, it in yaml.safe_load(text)["resources"].items()
    }


def of_typescript(text: str) -> Program:
    """The literals of an object are YAML's flow style, too; what stands there unquoted is an expression."""

    def read(node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {key.value: read(value) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [read(it) for it in node.value]
        assert isinstance(node, yaml.ScalarNode)
        found = re.fullmatch(r"(\w+)\.(\w+)", node.value) if node.style is None else None
        return Output(*found.groups()) if found else yaml.SafeLoader("").construct_object(node)

    (imported,) = re.findall(rf'import {{ (.+) }} from "@pulumi/{PACKAGE}"', text)
    made = re.findall(r'const (\w+) = new ([\w.]+)\("[^"]+"(?:, (\{.*?^\}))?\);', text, re.DOTALL | re.MULTILINE)
    return {
        name: Declared(kind if kind in imported.split(", ") else "", read(yaml.compose(body)) if body else {})
        for name, kind, body in made
    }


def read(folder: Path) -> Program:
    """The program in a folder, in either language."""
    typescript = folder / "index.ts"
    return (
        of_typescript(typescript.read_text()) if typescript.exists() else of_yaml((folder / "Pulumi.yaml").read_text())
    )


def in_python(program: Program) -> str:
    """A program that declares the same resources in Python. Its keys are those of the components' arguments, so every
    key of an object is one; the examples set no environment variables by name."""

    def written(value: Any) -> str:
        if isinstance(value, dict):
            items = (f"{_python(key)!r}: {written(it)}" for key, it in value.items())
            return "{" + ", ".join(items) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        return f"{value.resource}.{_python(value.name)}" if isinstance(value, Output) else repr(value)

    lines = ["import pulumi_aws as aws", "from fargate_job_launcher import FargateJobLauncher, JobNetwork"]
    for name, it in program.items():
        made = f"{it.component}({name!r}, {written(it.properties)})" if it.component else f"aws.ecs.Cluster({name!r})"
        lines.append(f"{name} = {made}")
    return "\n".join(lines) + "\n"


def _python(key: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", key).lower()
