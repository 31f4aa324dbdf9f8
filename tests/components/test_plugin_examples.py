"""Checks the examples in YAML and TypeScript by the plugin's schema. With the Pulumi CLI they run: test_cli.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tools.other_languages import PACKAGE, Output, Program, of_typescript, of_yaml
from tools.recording import PROGRAM
from tools.schema import computed

YAML: Final = (PROGRAM / "examples" / "from-yaml" / "Pulumi.yaml").read_text()
TYPESCRIPT: Final = (PROGRAM / "examples" / "from-typescript" / "index.ts").read_text()
PLAIN: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


def problems(program: Program) -> list[str]:
    """Everything in a program that the schema does not allow."""
    schema = computed()

    def fields(path: str, value: dict[str, Any], declared: dict[str, Any], required: list[str]) -> Iterator[str]:
        yield from (f"{path}.{key}: unknown" for key in value.keys() - declared.keys())
        yield from (f"{path}.{key}: is missing" for key in set(required) - value.keys())
        for key in value.keys() & declared.keys():
            yield from checked(f"{path}.{key}", value[key], declared[key])

    def checked(path: str, value: Any, declared: dict[str, Any]) -> Iterator[str]:
        if isinstance(value, Output):
            if declared.get("plain"):
                yield f"{path}: has to be known"
            component = program[value.resource].component
            if not component:
                return
            outputs = schema["resources"][f"{PACKAGE}:index:{component}"]["properties"]
            if outputs.get(value.name, {}).get("type") != declared.get("type"):
                yield f"{path}: {value.resource} has no {value.name} like that"
        elif "$ref" in declared:
            nested = schema["types"][declared["$ref"].rpartition("/")[2]]
            if "enum" in nested:
                if value not in [it["value"] for it in nested["enum"]]:
                    yield f"{path}: {value!r} is none of its values"
            elif isinstance(value, dict):
                yield from fields(path, value, nested["properties"], nested.get("required", []))
            else:
                yield f"{path}: is no object"
        elif declared["type"] == "array":
            if not isinstance(value, list):
                yield f"{path}: is not a list"
                return
            for number, it in enumerate(value):
                yield from checked(f"{path}[{number}]", it, declared["items"])
        elif declared["type"] == "object":
            for key, it in value.items():
                yield from checked(f"{path}.{key}", it, declared["additionalProperties"])
        elif not isinstance(value, PLAIN[declared["type"]]) or (
            isinstance(value, bool) and declared["type"] != "boolean"
        ):
            yield f"{path}: {value!r} is no {declared['type']}"

    found = list[str]()
    for name, it in program.items():
        if it.component:
            component = schema["resources"][f"{PACKAGE}:index:{it.component}"]
            found += fields(name, it.properties, component["inputProperties"], component["requiredInputs"])
    return sorted(found)


@pytest.mark.parametrize("program", [of_yaml(YAML), of_typescript(TYPESCRIPT)], ids=["yaml", "typescript"])
def test_an_example_in_another_language_says_what_the_schema_allows(program: Program) -> None:
    assert sorted(it.component for it in program.values()) == ["", "FargateJobLauncher", "JobNetwork"]
    assert len(program["report"].properties) >= 8
    assert problems(program) == []


def test_what_an_example_exports_is_an_output_of_the_component() -> None:
    outputs = computed()["resources"][f"{PACKAGE}:index:FargateJobLauncher"]["properties"]
    exported = {
        *re.findall(r"\$\{report\.(\w+)\}", YAML.partition("outputs:")[2]),
        *re.findall(r"^export const \w+ = report\.(\w+);$", TYPESCRIPT, re.MULTILINE),
    }
    assert {"functionName", "noticeTopicArn", "queueUrl"} == exported <= outputs.keys()


@pytest.mark.parametrize(
    ("program", "right", "wrong", "problem"),
    [
        (of_typescript, "maxRuntimeMinutes: 60", 'maxRuntimeMinutes: "60"', "report.supervision.maxRuntimeMinutes: "),
        (of_typescript, "maxCount: 5", "maxCounts: 5", "report.overrides.maxCounts: unknown"),
        (of_typescript, "network.subnetIds", "network.vpcId", "report.subnetIds: network has no vpcId like that"),
        (of_typescript, '    image: "public.ecr.aws/docker/library/busybox:1.37",\n', "", "report.image: is missing"),
        (
            of_yaml,
            "environment: [REPORT_DATE]",
            "environment: REPORT_DATE",
            "report.overrides.environment: is not",
        ),
        (of_yaml, "subnets: public", "subnets: open", "network.subnets: 'open' is none of its values"),
        (of_yaml, "retries: 2", "retries: ${cluster.name}", "report.supervision.retries: has to be known"),
        (of_yaml, "expression: cron(0 3 * * ? *)", "rate: 1", "report.schedule.expression: is missing"),
    ],
)
def test_a_slip_in_an_example_is_found(program: Any, right: str, wrong: str, problem: str) -> None:
    text = YAML if program is of_yaml else TYPESCRIPT
    assert right in text
    assert [it for it in problems(program(text.replace(right, wrong))) if it.startswith(problem)]
