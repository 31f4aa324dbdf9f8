"""Public programs' shapes, and the verdict of each: `make corpus` writes tests/policy/corpus/verdicts.json.

A file of tests/policy/corpus/ has what a public program registers, written by us as a CloudFormation template: the
program, where it was seen, `right` (rule → why its finding is right), `false_alarms` (rule → why it is not) and
`missed` (rule → what it does not see). `declared` has the settings that a team would declare; with them, those rules
report nothing. Findings that are right of every program have their reason in common.yml.

Besides CloudFormation's functions there are `!Trust SERVICE` (a trust policy without conditions),
`!Allow [ACTIONS, RESOURCES, CONDITION]` (a policy document of one statement) and
`!Definition {image, execution, task, readonly}` (a task definition of one container with a log).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from fargate_job_launcher.policies.audit import Audit, audited
from fargate_job_launcher.policies.files.template_text import loaded

from tools.pack.judging import TODAY
from tools.recording import PROGRAM

FOLDER: Final = PROGRAM / "tests" / "policy" / "corpus"
VERDICTS: Final = FOLDER / "verdicts.json"
COMMON: Final = FOLDER / "common.yml"


@dataclass(frozen=True)
class Program:
    """A public program's shape."""

    name: str
    program: str
    seen: str
    right: dict[str, str]
    false_alarms: dict[str, str]
    missed: dict[str, str]
    declared: dict[str, Any]
    template: dict[str, Any]

    @property
    def audit(self) -> Audit:
        """What the rules find, with the limits of prod."""
        return _audit(json.dumps(self.template))

    @property
    def after_declaring(self) -> set[str]:
        """The rules that report with the settings that a team would declare."""
        audit = audited(json.dumps(self.template), environment="prod", today=TODAY, config=self.declared)
        assert audit.problems == []
        return {it.rule for it in audit.broken}

    @property
    def verdict(self) -> dict[str, int]:
        """Rule → how many findings."""
        return dict(sorted(Counter(it.rule for it in self.audit.broken).items()))


@cache
def _audit(template: str) -> Audit:
    return audited(template, environment="prod", today=TODAY)


@cache
def programs() -> tuple[Program, ...]:
    """Every program of the corpus."""
    return tuple(_program(file) for file in sorted(FOLDER.glob("*.yml")) if file != COMMON)


@cache
def common() -> dict[str, str]:
    """Rule → why its findings are right, whatever the program."""
    return cast("dict[str, str]", loaded(COMMON.read_text(encoding="utf-8")))


def verdicts() -> dict[str, dict[str, int]]:
    """The verdict of each program, as verdicts.json has it."""
    return {it.name: it.verdict for it in programs()}


def difference(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> list[str]:
    """What changed, a line for each program and rule."""
    lines: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, {}), after.get(name, {})
        for rule in sorted({*old, *new}):
            if old.get(rule, 0) != new.get(rule, 0):
                lines.append(f"{name}: {rule} reports {new.get(rule, 0)}, before {old.get(rule, 0)}")
    return lines


def _program(file: Path) -> Program:
    content = loaded(file.read_text(encoding="utf-8"))
    about = {key: content.pop(key) for key in ("program", "seen")}
    reasons = {key: content.pop(key, {}) for key in ("right", "false_alarms", "missed", "declared")}
    return Program(file.stem, **about, **reasons, template=_expanded(content))


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(it) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made = {key: _expanded(it) for key, it in cast("dict[str, Any]", value).items()}
    if "Fn::Trust" in made:
        return _document({"Principal": {"Service": f"{made['Fn::Trust']}.amazonaws.com"}, "Action": "sts:AssumeRole"})
    if "Fn::Allow" in made:
        return _document(dict(zip(("Action", "Resource", "Condition"), made["Fn::Allow"], strict=False)))
    if "Fn::Definition" in made:
        return _definition(made["Fn::Definition"])
    return made


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def _definition(given: dict[str, Any]) -> dict[str, Any]:
    options = {"awslogs-group": {"Ref": "LogGroup"}, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "job"}
    container = {"Name": "job", "Image": given["image"], "ReadonlyRootFilesystem": given.get("readonly", False)}
    roles = {"ExecutionRoleArn": "execution", "TaskRoleArn": "task"}
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            **{"Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"]},
            **{prop: {"Fn::GetAtt": [given[key], "Arn"]} for prop, key in roles.items() if key in given},
            "ContainerDefinitions": [
                {**container, "LogConfiguration": {"LogDriver": "awslogs", "Options": options}},
            ],
        },
    }


if __name__ == "__main__":
    before = cast("dict[str, dict[str, int]]", json.loads(VERDICTS.read_text())) if VERDICTS.exists() else {}
    after = verdicts()
    print("\n".join(difference(before, after)) or "no verdict has changed")
    VERDICTS.write_text(json.dumps(after, indent=2) + "\n", encoding="utf-8")
    sys.exit(0)
