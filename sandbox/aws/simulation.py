"""IAM's SimulatePrincipalPolicy, answered by the code that authorizes the calls of roles here: with the condition keys
that the caller gives, and for each resource that it names.

The emulator's implementation passes no condition keys to the policies and evaluates only the first resource, so an
Allow with a condition appears as a denial.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from .authorization import Call, Policies
from .rows import answer_of, refusal

Parameters = Mapping[str, Any]

# Internals of the emulator, which has no public interface for this; its version is pinned.
_iam: Any = iam
_evaluator: Any = iam_evaluator


def install() -> None:
    """Make the emulator answer so."""
    _iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _simulate


def _simulate(parameters: Parameters) -> Any:
    source = _one(parameters, "PolicySourceArn")
    kind, _, name = source.partition(":role/")
    role = name.rpartition("/")[2]
    if not kind.startswith("arn:") or _iam._roles.get(role) is None:
        return answer_of(refusal("iam.SimulatePrincipalPolicy.source", arn=source))
    account = get_account_id()
    policies = Policies(
        _evaluator._gather_role_policies(role, account), _evaluator._permissions_boundary(_iam._roles, role, account)
    )
    context = {_one(it, "ContextKeyName"): _several(it, "ContextKeyValues") for it in _records(parameters)}
    asked = [
        Call(action, resource, context)
        for action in _several(parameters, "ActionNames")
        for resource in _several(parameters, "ResourceArns") or ["*"]
    ]
    results = "".join(
        _result(policies, call, f"arn:aws:sts::{account}:assumed-role/{role}/simulation") for call in asked
    )
    return _iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        "<SimulatePrincipalPolicyResult>"
        f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        "</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _result(policies: Policies, call: Call, principal: str) -> str:
    decision = policies.decide(_single(call), principal=principal)
    result = "allowed" if decision.allowed else "explicitDeny" if decision.explicit else "implicitDeny"
    return (
        f"<member><EvalActionName>{escape(call.action)}</EvalActionName>"
        f"<EvalResourceName>{escape(call.resource)}</EvalResourceName><EvalDecision>{result}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
    )


def _single(call: Call) -> Call:
    """The call with each condition key of one value as that value, not as a list."""
    context = {key: it[0] if isinstance(it, list) and len(it) == 1 else it for key, it in call.context.items()}
    return Call(call.action, call.resource, context)


def _records(parameters: Parameters) -> Iterator[Parameters]:
    """The entries of ContextEntries, which are sent flat: ContextEntries.member.1.ContextKeyName and so on."""
    number = 1
    while any(key.startswith(prefix := f"ContextEntries.member.{number}.") for key in parameters):
        yield {key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)}
        number += 1


def _several(parameters: Parameters, name: str) -> list[str]:
    found, number = list[str](), 1
    while (value := _one(parameters, f"{name}.member.{number}")) != "":
        found.append(value)
        number += 1
    return found


def _one(parameters: Parameters, name: str) -> str:
    return str(_iam._p(parameters, name))
