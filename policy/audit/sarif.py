"""An audit as SARIF 2.1.0, which GitHub, GitLab and Azure DevOps show beside the file's lines.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.rule import Rule
from pulumi_policy import EnforcementLevel, Severity

from .judging import Audit, Broken

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL: Final = {EnforcementLevel.MANDATORY.value: "error", EnforcementLevel.ADVISORY.value: "warning"}
_SCORE: Final = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""GitHub shows a score from 9.0 on as critical, from 7.0 on as high, from 4.0 on as medium, and others as low.
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""


def as_sarif(audit: Audit, *, rules: Iterable[Rule] = RULES) -> dict[str, Any]:
    """The audit as one run of SARIF 2.1.0. What could not be judged or converted is a notification of the run."""
    listed = list(rules)
    index = {it.id: number for number, it in enumerate(listed)}
    unseen = [
        *(f"{it.resource}: {it.said}: {', '.join(it.rules)} cannot judge it" for it in audit.not_judged),
        *(f"{what} is not converted: {why}" for what, why in audit.left.items()),
    ]
    notes = [{"level": "warning", "message": {"text": it}} for it in unseen]
    notes += [{"level": "error", "message": {"text": f"the configuration of the rules: {it}"}} for it in audit.problems]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "fargate-job audit",
                        "version": version("fargate-job-launcher"),
                        "rules": [_rule(it, audit) for it in listed],
                    }
                },
                "invocations": [{"executionSuccessful": not audit.problems, "toolExecutionNotifications": notes}],
                "results": [_result(it, index[it.rule], audit) for it in audit.broken],
                "properties": {"environment": audit.environment, "form": audit.form, "resources": audit.resources},
            }
        ],
    }


def _rule(it: Rule, audit: Audit) -> dict[str, Any]:
    return {
        "id": it.id,
        "name": "".join(word.title() for word in it.id.split("-")),
        "shortDescription": {"text": it.says},
        "fullDescription": {"text": it.why},
        "help": {"text": it.remedy},
        "defaultConfiguration": {"level": _LEVEL.get(it.level(audit.environment).value, "none")},
        "properties": {"tags": ["security", "aws"], "security-severity": _SCORE[it.severity], "waivable": it.waivable},
    }


def _result(it: Broken, index: int, audit: Audit) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(audit.name.replace("\\", "/") or "stdin")}}
    # GitHub shows a result only where it has a line.
    place["region"] = {"startLine": it.line or 1}
    logical = {"name": it.resource, "fullyQualifiedName": it.urn, "kind": "resource"}
    same = hashlib.sha256("\n".join((it.rule, it.urn, it.says)).encode(errors="replace")).hexdigest()
    return {
        "ruleId": it.rule,
        "ruleIndex": index,
        "level": _LEVEL[it.level],
        "message": {"text": f"{it.resource}: {it.says}\nFix: {it.remedy}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [logical]}],
        "partialFingerprints": {"ruleResourceAndFinding/v1": same},
    }
