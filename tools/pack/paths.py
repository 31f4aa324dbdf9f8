"""The published ways from one permission to another principal's, and which of them the pack and checkov refuse.

The ways and the actions that each needs are those of https://pathfinding.cloud/paths/ (65 in December 2025), in
tests/policy/published_paths.json. Each is judged as a role's inline policy in three forms; `make paths` runs checkov on
all of them and writes what it says to tests/policy/checkov_paths.json; the comparison in docs/policies.md is made of
that, by `make docs` too.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from fargate_job_launcher.policies import RULES
from pulumi_policy import EnforcementLevel

from tools.docs import scan
from tools.pack.actions import published
from tools.pack.judging import judge
from tools.pack.policy_cases import ADMINISTRATOR, ONLY_LAMBDA, TASK, Stack, allow, attached, definition, inline, role
from tools.recording import PROGRAM

PATHS: Final = published()
"""Published way → the actions that it needs."""
CHECKOV: Final = PROGRAM / "tests" / "policy" / "checkov_paths.json"
PAGE: Final = PROGRAM / "docs" / "policies.md"
BEGIN, END = "<!-- made by `make paths` -->", "<!-- end: paths -->"
PASS_ROLE: Final = "iam:PassRole"
NAMED_CHECK: Final = "CKV_AWS_286"
"""checkov's check of this name: IAM policies do not allow privilege escalation."""
FORMS: Final = {
    "everything": "every action on `*`",
    "role named": "PassRole on one administrator's role of the stack, for one service; the rest on `*`",
    "role elsewhere": "the same, with the role outside the stack",
}
_SERVICES: Final = {
    "apprunner": "tasks.apprunner.amazonaws.com",
    "bedrock-agentcore": "bedrock-agentcore.amazonaws.com",
    "cloudformation": "cloudformation.amazonaws.com",
    "codebuild": "codebuild.amazonaws.com",
    "datapipeline": "datapipeline.amazonaws.com",
    "ec2": "ec2.amazonaws.com",
    "ecs": "ecs-tasks.amazonaws.com",
    "glue": "glue.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "sagemaker": "sagemaker.amazonaws.com",
}
"""Service of the actions → the service to which they pass a role."""
_MANDATORY: Final = {it.id for it in RULES if it.prod is EnforcementLevel.MANDATORY}


def statements(path: str, form: str) -> list[dict[str, Any]]:
    """The statements of a way in a form."""
    actions = PATHS[path]
    if form == "everything" or PASS_ROLE not in actions:
        return [allow(actions)]
    rest = [it for it in actions if it != PASS_ROLE]
    service = _SERVICES[rest[0].partition(":")[0]]
    return [allow(PASS_ROLE, TASK, {"StringEquals": {"iam:PassedToService": service}}), allow(rest)]


def stack(path: str, form: str) -> Stack:
    """A role with these statements and, where the form has it, the administrator's role."""
    made = [role("launcher", ONLY_LAMBDA), inline(*statements(path, form))]
    return [*made, role("task"), attached(ADMINISTRATOR, role="task"), definition()] if form == "role named" else made


@cache
def refused(path: str, form: str) -> frozenset[str]:
    """The mandatory rules of prod that a way breaks because of the role that holds it."""
    judged = judge(stack(path, form))
    by_it = {
        rule
        for rule, found in judged.violations.items()
        if any("launcher" in message.partition("\nFix")[0] for message, _ in found)
    }
    return frozenset(by_it & _MANDATORY)


def ran() -> dict[str, dict[str, list[str]]]:
    """What the installed checkov says: form → way → its checks that fail."""
    resources: list[dict[str, Any]] = []
    for form in FORMS:
        for path in PATHS:
            name = f"{form}_{path}".replace(" ", "_").replace("-", "_")
            values = {
                "role": "launcher",
                "policy": json.dumps({"Version": "2012-10-17", "Statement": statements(path, form)}),
            }
            resources.append(
                {
                    "address": f"aws_iam_role_policy.{name}",
                    "mode": "managed",
                    "type": "aws_iam_role_policy",
                    "name": name,
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "values": values,
                }
            )
    failed = _checkov(resources)
    return {
        form: {path: failed[f"{form}_{path}".replace(" ", "_").replace("-", "_")] for path in PATHS} for form in FORMS
    }


def _checkov(resources: list[dict[str, Any]]) -> dict[str, list[str]]:
    changes = [
        {**it, "change": {"actions": ["create"], "before": None, "after": it["values"], "after_unknown": {}}}
        for it in resources
    ]
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {}},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(plan))
        results = scan.results(file)
    made: dict[str, list[str]] = {str(it["name"]): [] for it in resources}
    for it in results["failed_checks"]:
        made[it["resource"].partition(".")[2]].append(it["check_id"])
    return {name: sorted(set(checks)) for name, checks in made.items()}


def recorded() -> dict[str, Any]:
    """What checkov said when it last ran, with its version."""
    return cast("dict[str, Any]", json.loads(CHECKOV.read_text(encoding="utf-8")))


def comparison(said: Mapping[str, Any]) -> str:
    """The tables of docs/policies.md."""
    version, checks = said["version"], cast("dict[str, dict[str, list[str]]]", said["checks"])
    passing = [it for it in PATHS if PASS_ROLE in PATHS[it]]
    others = [it for it in PATHS if it not in passing]
    ecs = [it for it in passing if it.startswith("ecs-")]
    rows = [f"| published ways | form | this pack | checkov {version} |", "| --- | --- | --- | --- |"]
    groups = ((f"{len(ecs)} by PassRole and ECS", ecs), (f"{len(passing)} by PassRole, those included", passing))
    for name, paths in groups:
        for form in FORMS:
            rows.append(_row(name, FORMS[form], paths, form, checks[form]))
    rows.append(
        _row(f"{len(others)} without PassRole", FORMS["everything"], others, "everything", checks["everything"])
    )
    return "\n".join([BEGIN, *rows, "", *_words(checks), END])


def _row(name: str, form: str, paths: list[str], key: str, checks: Mapping[str, list[str]]) -> str:
    ours = sum(bool(refused(it, key)) for it in paths)
    counted = Counter(check for it in paths for check in checks[it])
    theirs = ", ".join(f"{check} {count}" for check, count in sorted(counted.items())) or "none"
    return f"| {name} | {form} | {ours} | {sum(bool(checks[it]) for it in paths)}: {theirs} |"


def _words(checks: Mapping[str, Mapping[str, list[str]]]) -> list[str]:
    on_star = checks["everything"]["ecs-004"]
    named = checks["role named"]["ecs-004"]
    both = f"{', '.join(on_star[:-1])} and {on_star[-1]}" if len(on_star) > 1 else on_star[0]
    return [
        f"checkov refuses PassRole with RegisterTaskDefinition and RunTask on `*` by {both}"
        + ("" if NAMED_CHECK in on_star else f", and not by {NAMED_CHECK}, whose name is privilege escalation")
        + f". With the role named it reports {', '.join(named) or 'nothing'}: it does not know what the role may do.",
    ]


def page(text: str, said: Mapping[str, Any]) -> str:
    """A page with its comparison replaced. Raises ValueError if it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN!r} with {END!r} after it")
    return before + comparison(said) + after


if __name__ == "__main__":
    if sys.argv[1:] != ["--recorded"]:
        scan.install()
        CHECKOV.write_text(json.dumps({"version": scan.VERSION, "checks": ran()}, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), recorded()), encoding="utf-8")
