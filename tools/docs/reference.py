"""The tables of docs/reference.md, computed from code and schema: arguments, outputs, event, result, exports."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any, Final

from fargate_job_launcher.handler.answers import Failure
from fargate_job_launcher.handler.event import LaunchEvent
from fargate_job_launcher.handler.result import LaunchedTask, LaunchResult

from tools import schema
from tools.recording import PROGRAM

COMPONENTS: Final = ("FargateJobLauncher", "JobRuns", "JobNetwork", "JobCluster", "PayloadBucket")


def arguments() -> str:
    """The arguments of each component and of each type of nested object."""
    computed = schema.computed()
    pages: list[str] = []
    for name in COMPONENTS:
        resource = computed["resources"][f"fargate-job-launcher:index:{name}"]
        pages.append(_inputs(name, resource["inputProperties"], resource.get("requiredInputs", []), computed))
    for kind, declared in computed["types"].items():
        if "enum" in declared:
            continue
        pages.append(_inputs(kind.rpartition(":")[2], declared["properties"], declared.get("required", []), computed))
    return "\n\n".join(pages)


def outputs() -> str:
    """The outputs of each component."""
    computed, pages = schema.computed(), list[str]()
    for name in COMPONENTS:
        resource = computed["resources"][f"fargate-job-launcher:index:{name}"]
        lines = [
            (f"`{_python(key)}`", _type(it, computed), it["description"]) for key, it in resource["properties"].items()
        ]
        pages.append(f"### Outputs of {name}\n\n" + table(("output", "type", ""), lines))
    return "\n\n".join(pages)


def event() -> str:
    """What a launcher is invoked with."""
    return _fields("key", LaunchEvent)


def result() -> str:
    """What a launcher answers."""
    tasks, failures = _fields("key", LaunchedTask), _fields("key", Failure)
    return "\n\n".join((_fields("key", LaunchResult), "Each of `tasks`:", tasks, "Each of `failures`:", failures))


def exports() -> str:
    """The exports of the program, read from its source."""
    component_of = {
        **{"launcher": "FargateJobLauncher", "runs": "JobRuns"},
        **{"network": "JobNetwork", "cluster": "JobCluster"},
    }
    computed = schema.computed()["resources"]
    lines: list[tuple[str, ...]] = []
    for name, value in _exported(ast.parse((PROGRAM / "__main__.py").read_text())):
        assert isinstance(value, ast.Attribute), ast.dump(value)
        assert isinstance(value.value, ast.Name), ast.dump(value)
        properties = computed[f"fargate-job-launcher:index:{component_of[value.value.id]}"]["properties"]
        lines.append((f"`{name}`", properties[_schema(value.attr)]["description"]))
    return table(("export", ""), lines)


def _exported(program: ast.Module) -> list[tuple[str, ast.expr]]:
    found: list[tuple[str, ast.expr]] = []
    for node in ast.walk(program):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pulumi.export":
            name = ast.literal_eval(node.args[0])
            value = node.args[1]
            below = name
            if isinstance(value, ast.DictComp):
                below, value = f"{name}.JOB", value.value
            if isinstance(value, ast.Dict):
                keys = [ast.literal_eval(it) for it in value.keys if it is not None]
                found += [(f"{below}.{key}", it) for key, it in zip(keys, value.values, strict=True)]
            else:
                found.append((name, value))
    return found


def _inputs(name: str, properties: dict[str, Any], required: list[str], computed: dict[str, Any]) -> str:
    lines = [
        (f"`{_python(key)}`" + (" (required)" if key in required else ""), _type(it, computed), it["description"])
        for key, it in properties.items()
    ]
    return f"### {name}\n\n" + table(("argument", "type", ""), lines)


def _type(declared: dict[str, Any], computed: dict[str, Any]) -> str:
    """The type in the schema; for a choice, its strings."""
    if "$ref" in declared:
        name = declared["$ref"].rpartition(":")[2]
        choices = computed["types"].get(declared["$ref"].removeprefix("#/types/"), {}).get("enum", [])
        if choices:
            return "one of " + ", ".join(f"`{it['value']}`" for it in choices)
        return f"[{name}](#{name.lower()})" if declared["$ref"].startswith("#") else name.rpartition("/")[2].lower()
    if declared["type"] == "array":
        return f"list of {_type(declared['items'], computed)}"
    if declared["type"] == "object":
        return f"map to {_type(declared['additionalProperties'], computed)}"
    return declared["type"]


def _fields(heading: str, declared: type) -> str:
    """The fields of a class, with their annotations and descriptions."""
    lines = [
        (f"`{name}`", "`" + re.sub(r"NotRequired\[(.*)\]$", r"\1", annotation) + "`", text)
        for name, (annotation, text) in _declared(declared).items()
    ]
    return table((heading, "type", ""), lines)


def described(declared: type) -> dict[str, str]:
    """The fields of a class → the docstring after each."""
    return {name: text for name, (_, text) in _declared(declared).items()}


def _declared(declared: type) -> dict[str, tuple[str, str]]:
    """The fields of a class → annotation and docstring, as its source has them."""
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(declared))).body
    assert isinstance(parsed, ast.ClassDef)
    found: dict[str, tuple[str, str]] = {}
    for node, after in zip(parsed.body, [*parsed.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign):
            name = ast.unparse(node.target)
            assert isinstance(after, ast.Expr), f"{declared.__name__}.{name} has no docstring"
            assert isinstance(after.value, ast.Constant)
            found[name] = (ast.unparse(node.annotation), str(after.value.value))
    return found


def table(heading: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    rows = [heading, tuple("---" for _ in heading), *lines]
    return "\n".join(f"| {' | '.join(_cell(it) for it in row)} |" for row in rows)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def _python(key: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", key).lower()


def _schema(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(it.capitalize() for it in rest)
