"""Every way in which one statement is made a little wider: without a condition, on more resources, with more actions; a
Deny left out, or made narrower."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fargate_job_launcher.sandbox.proof.facts import Document, listed

Statement = dict[str, Any]


def loosened(documents: tuple[Document, ...]) -> Iterator[tuple[str, Statement, list[Document]]]:
    """What was done, the statement as it was, and the policies with it changed."""
    for number, document in enumerate(documents):
        for index, statement in enumerate(document["Statement"]):
            for how, changed in _changes(statement):
                kept = [*document["Statement"][:index], *changed, *document["Statement"][index + 1 :]]
                others = [*documents[:number], {**document, "Statement": kept}, *documents[number + 1 :]]
                name = f"{statement['Sid']} {how}"
                yield name, statement, [it for it in others if it["Statement"]]


def _changes(statement: Statement) -> Iterator[tuple[str, list[Statement]]]:
    if statement["Effect"] == "Deny":
        yield "left out", []
        for resource in listed(statement.get("NotResource", [])):
            wider = [*listed(statement["NotResource"]), f"{resource}*"]
            yield f"not on {resource}* either", [{**statement, "NotResource": wider}]
        return
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            left = {
                op: {k: v for k, v in block.items() if (op, k) != (operator, key)}
                for op, block in statement["Condition"].items()
            }
            yield f"without {operator} {key}", [{**statement, "Condition": {op: it for op, it in left.items() if it}}]
            if operator in ("StringEquals", "ArnEquals"):
                others = {op: block for op, block in statement["Condition"].items() if op != operator}
                if_exists = {**others, f"{operator}IfExists": keys}
                yield f"with {operator}IfExists {key}", [{**statement, "Condition": if_exists}]
    if "Resource" not in statement:
        # A trust policy's: it is about one action, on the role itself.
        return
    if statement["Resource"] != "*":
        yield "on everything", [{**statement, "Resource": "*"}]
        for resource in listed(statement["Resource"]):
            wider = [f"{resource.rstrip('*')[:-1]}*" if it == resource else it for it in listed(statement["Resource"])]
            yield f"on {resource.rstrip('*')[:-1]}*", [{**statement, "Resource": wider}]
    services = sorted({it.partition(":")[0] for it in listed(statement["Action"])})
    yield f"for {services[0]}:*", [{**statement, "Action": f"{services[0]}:*"}]
