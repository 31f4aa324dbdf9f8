"""What the documents show of a deployed launcher's permissions: the stack prod, deployed to the sandbox and explained.

The names are those of the deployment, without the random end that Pulumi gives each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from fargate_job_launcher.sandbox import Emulator, Stack, deploy
from fargate_job_launcher.sandbox.proof.attacks import supervisor_attacks
from fargate_job_launcher.sandbox.proof.explain import Explanation, Line, as_mermaid, described, explain
from fargate_job_launcher.sandbox.proof.facts import read, read_role
from fargate_job_launcher.sandbox.proof.needs import supervisor_needs

from tools.recording import PROGRAM

STACK: Final = "prod"
"""It has every kind of statement: secrets, a queue, payloads, launches at a later time, and a key of its own."""
DRAWN: Final = "nightly-report"
"""The job in the picture."""
LISTED: Final = "import"
"""The job in the table of statements."""

ROLE: Final = "aws:iam/role:Role"

RANDOM: Final = re.compile(r"(?<=\w)-[0-9a-f]{7}(-[0-9a-f]{6})?\b")
"""Pulumi's end of a name, and Secrets Manager's after it."""
KEY: Final = re.compile(r"key/[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True)
class Explained:
    """What there is to show of the stack."""

    jobs: dict[str, Explanation]
    """Job → the roles of its launcher and its tasks."""
    others: dict[str, list[Line]]
    """The kind of a role that no task has → its statements."""


@cache
def explained() -> Explained:
    """The stack, deployed and explained."""
    stack = Stack.read(PROGRAM, STACK)
    with Emulator(region=stack.region, account=stack.account) as aws:
        deployment = deploy(stack, aws)
        facts = {name: read(aws.client, it.outputs["launcher_role_arn"]) for name, it in deployment.launchers.items()}
        arns = {it.name: it.outputs["arn"] for it in deployment.of_kind(ROLE)}
        supervisor = read_role(aws.client, arns["jobs-supervisor"])
        return Explained(
            {name: explain(it) for name, it in facts.items()},
            {
                "The role of the supervisor's function": described(
                    supervisor,
                    supervisor_needs(supervisor, facts[LISTED]),
                    supervisor_attacks(supervisor, facts[LISTED]),
                ),
            },
        )


def named(text: str) -> str:
    """A text with the names of the deployment as the program gives them."""
    return RANDOM.sub("", KEY.sub("key/ID", text))


def passing() -> str:
    """What the launcher may run, and which roles it may pass: `make explain FORMAT=mermaid`."""
    spacing = '%%{init: {"flowchart": {"nodeSpacing": 20, "rankSpacing": 90}}}%%'
    return "\n".join(["```mermaid", spacing, named(as_mermaid(explained().jobs[DRAWN])), "```"])


def execution() -> str:
    """What ECS does with the execution role of each job."""
    lines = ["| execution role | its policy allows | without it ECS |", "| --- | --- | --- |"]
    for explanation in explained().jobs.values():
        (role,) = (name for name, kind in explanation.kinds.items() if kind == "execution role")
        lines += [f"| `{named(role)}` | {_granted(it)} | {_changes(it)} |" for it in explanation.statements[role]]
    return "\n".join(lines)


def statements() -> str:
    """Every statement of a job's roles, role by role, with what changes when it is dropped."""
    job = explained().jobs[LISTED]
    roles = {f"The {job.kinds[role]}": found for role, found in job.statements.items()}
    lines = list[str]()
    for kind, found in {**roles, **explained().others}.items():
        lines += [
            "",
            f"{kind}:",
            "",
            "| statement | what it allows or denies | without it the role |",
            "| --- | --- | --- |",
        ]
        lines += [f"| `{it.sid}` | {_granted(it)} | {_changes(it)} |" for it in found]
    return "\n".join(lines[1:])


def _granted(line: Line) -> str:
    """A statement in words."""
    on = [f"`{named(it)}`" if it != "*" else "anything" for it in line.on]
    where = f", where {' and '.join(f'`{named(it)}`' for it in line.where)}" if line.where else ""
    denied = "**denies** " if line.effect == "Deny" else ""
    return f"{denied}{', '.join(f'`{it}`' for it in line.actions)} on {', '.join(on)}{where}"


def _changes(line: Line) -> str:
    """What changes without a statement; actions of one purpose count once."""
    changes = list(dict.fromkeys(re.sub(r" \(\w+\)$", "", named(it)) for it in line.without))
    assert changes, f"{line.sid}: nothing changes without it, so no launch needs it"
    more = [f"and {len(changes) - 3} more"] if len(changes) > 3 else []
    return "; ".join([*changes[:3], *more])
