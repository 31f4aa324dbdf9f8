"""Explains which principal of a deployed launcher may pass which role: as text, as JSON, and as a Mermaid picture.

There is no table of reasons: the effect of a statement is found by removing it and evaluating the policies again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from ..aws.authorization import SCHEDULER_SERVICE, TASKS_SERVICE, Call
from .attacks import execution_attacks, launcher_attacks, task_attacks
from .calls import Attack, Need, consequences
from .facts import Document, Facts, Role, listed
from .needs import execution_needs, launcher_needs, schedule_needs, task_needs
from .schedule_attacks import schedule_attacks


@dataclass(frozen=True)
class Line:
    """One statement, in text."""

    sid: str
    effect: str
    actions: list[str]
    on: list[str]
    where: list[str]
    without: list[str]
    """What would change if it were removed."""


@dataclass(frozen=True)
class Explanation:
    """A launcher's permissions, explained."""

    launcher: str
    kinds: dict[str, str]
    """Role → what it is for, such as `task role`."""
    statements: dict[str, list[Line]]
    """Role → its statements."""
    passing: dict[str, dict[str, bool]]
    """Role → principal → whether that principal may pass this role to ECS tasks."""
    assuming: dict[str, list[str]]
    """Role → services, accounts and roles that may assume it; `*` for everybody."""
    scheduling: list[str]
    """The roles that the launcher may pass to EventBridge Scheduler."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def explain(facts: Facts) -> Explanation:
    """The explanation of a launcher."""
    statements = {
        facts.launcher.name: described(facts.launcher, launcher_needs(facts), launcher_attacks(facts)),
        facts.execution.name: described(facts.execution, execution_needs(facts), execution_attacks(facts)),
    }
    statements[facts.task.name] = described(facts.task, task_needs(facts), task_attacks(facts))
    for role in facts.choices:
        statements[role.name] = described(role, [], [])
    schedule = [] if facts.schedule is None else [facts.schedule]
    for role in schedule:
        statements[role.name] = described(role, schedule_needs(facts), schedule_attacks(facts))
    stranger = Role(f"{facts.launcher.arn.partition(':role/')[0]}:role/Administrator", (), None, {"Statement": []})
    principals = [facts.launcher, facts.execution, facts.task]
    passing = {
        role.name: {
            principal.name: principal.policies.decide(
                Call("iam:PassRole", role.arn, {"iam:PassedToService": TASKS_SERVICE})
            ).allowed
            for principal in principals
        }
        for role in (*facts.roles, stranger)
    }
    assuming = {role.name: _trusted(role) for role in facts.roles}
    kinds = {
        **dict.fromkeys((it.name for it in facts.choices), "task role of an override"),
        **dict.fromkeys((it.name for it in schedule), "role of the schedules"),
        facts.launcher.name: "role of the Lambda function",
        facts.execution.name: "execution role",
        facts.task.name: "task role",
    }
    scheduled = [it.name for it in schedule if _to_scheduler(facts.launcher, it)]
    return Explanation(facts.launcher.name, kinds, statements, passing, assuming, scheduled)


def _to_scheduler(principal: Role, role: Role) -> bool:
    call = Call("iam:PassRole", role.arn, {"iam:PassedToService": SCHEDULER_SERVICE})
    return principal.policies.decide(call).allowed


def described(role: Role, needs: list[Need], attacks: list[Attack]) -> list[Line]:
    """Each statement of a role, in words, with what changes when it is dropped."""
    return [
        Line(
            sid=statement.get("Sid", "(no Sid)"),
            effect=statement["Effect"],
            actions=_actions(statement),
            on=_objects(statement),
            where=_conditions(statement),
            without=consequences(role, needs, attacks, statement),
        )
        for statement in role.statements
    ]


def granted(explanation: Explanation, *, why: bool = False) -> str:
    """One line for each statement, by role. With `why` a second line says what breaks without the statement."""
    lines: list[str] = []
    for role, statements in explanation.statements.items():
        lines += ["", f"{role}  (assumed by {', '.join(explanation.assuming[role])})"]
        for it in statements:
            where = f" where {', '.join(it.where)}" if it.where else ""
            word = "may" if it.effect == "Allow" else "never"
            lines.append(f"  {it.sid:<22} {word:<5} {', '.join(it.actions)} on {', '.join(it.on)}{where}")
            lines += [f"  {'':<22} without it: {_brief(it.without)}"] if why else []
        if not statements:
            lines.append("  may do nothing")
    return "\n".join(lines[1:])


def as_text(explanation: Explanation) -> str:
    """The explanation as text: each statement with what breaks without it, and who may pass which role."""
    lines = [granted(explanation, why=True)]
    width = max(len(name) for name in explanation.passing)
    lines += ["", "Who may hand which role to ECS tasks", ""]
    for role, row in explanation.passing.items():
        allowed = [it for it in row if row[it]]
        lines.append(f"  {role:<{width}}  {', '.join(allowed) or 'none of these roles'}")
    if explanation.scheduling:
        lines += [
            "",
            f"Only {explanation.launcher} may hand {', '.join(explanation.scheduling)} to EventBridge Scheduler",
        ]
    return "\n".join(lines)


def as_mermaid(explanation: Explanation) -> str:
    """A picture: what the launcher runs, the roles that it may pass to ECS tasks, and those that it may not."""
    launcher = explanation.launcher
    lines = ["flowchart LR", f'  launcher["{launcher}<br/>{explanation.kinds[launcher]}"]']
    for it in explanation.statements[launcher]:
        if it.effect == "Allow" and it.actions == ["ecs:RunTask"]:
            name = it.on[0].removeprefix("task-definition/")
            lines.append(f'  launcher -- "ecs:RunTask" --> definition["{name}<br/>task definition"]')
    refused = list[str]()
    for number, (role, row) in enumerate(explanation.passing.items()):
        if row[launcher]:
            named = f"{role}<br/>{explanation.kinds[role]}"
            lines.append(f'  launcher -- "iam:PassRole" --> role{number}["{named}"]')
        elif role in explanation.scheduling:
            named = f"{role}<br/>{explanation.kinds[role]}"
            lines.append(f'  launcher -- "iam:PassRole to Scheduler" --> role{number}["{named}"]')
        else:
            refused.insert(0, "its own role" if role == launcher else role)
    if any(it.effect == "Deny" and it.actions == ["iam:PassRole"] for it in explanation.statements[launcher]):
        refused.append("any other role")
    if refused:
        lines += [
            f'  launcher -. "iam:PassRole denied" .-x denied["{",<br/>".join(refused)}"]',
            "  style denied stroke:#d1242f,stroke-width:2px,stroke-dasharray:4",
        ]
    return "\n".join(lines)


def mutation_table(facts: Facts) -> str:
    """Each statement, and everything that changes if only this statement is removed."""
    lines: list[str] = []
    for role, statements in explain(facts).statements.items():
        for it in statements:
            lines.append(f"{role}  without {it.sid}:")
            lines += [f"    {change}" for change in it.without]
    return "\n".join(lines)


def _brief(changes: list[str]) -> str:
    if not changes:
        return "nothing that a launch needs would change"
    more = f"; and {len(changes) - 2} more" if len(changes) > 2 else ""
    return "; ".join(changes[:2]) + more


def _actions(statement: Document) -> list[str]:
    if "NotAction" in statement:
        return [f"anything but {', '.join(listed(statement['NotAction']))}"]
    return listed(statement["Action"])


def _objects(statement: Document) -> list[str]:
    if "NotResource" in statement:
        return [f"anything but {', '.join(_short(it) for it in listed(statement['NotResource']))}"]
    return [_short(it) for it in listed(statement["Resource"])]


def _conditions(statement: Document) -> list[str]:
    return [
        f"{key} is {'absent' if value == 'true' else 'given'}"
        if operator == "Null"
        else f"{key} {_SIGNS.get(operator, operator)} {' or '.join(_short(it) for it in listed(value))}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]


_SIGNS: Final = {
    **{"ArnEquals": "=", "StringEquals": "=", "NumericGreaterThan": ">"},
    "ForAllValues:StringEquals": "only",
}
"""Operator of a condition → how a line says it."""


def _trusted(role: Role) -> list[str]:
    principals = (it["Principal"] for it in role.trust["Statement"] if it["Effect"] == "Allow" and "Principal" in it)
    return [who for it in principals for value in ({"AWS": it} if it == "*" else it).values() for who in listed(value)]


def _short(arn: str) -> str:
    """An ARN without partition, service, region and account."""
    return arn.split(":", 5)[5] if arn.startswith("arn:") else arn
