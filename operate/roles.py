"""What roles of an account may do, as the policy pack's list of known roles: their trust and all their policies."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast
from urllib.parse import unquote

from .account import Account
from .errors import JobError

_NAME: Final = re.compile(r"[\w+=,.@-]{1,64}")
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html"""


class NoSuchRole(JobError):
    """The account has no role of this name."""


def known_roles(
    roles: Iterable[str],
    *,
    account: Account | None = None,
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
) -> dict[str, Any]:
    """The list that `policies(known_roles=…)` of the policy pack takes: `{"roles": […]}`, in the order of `roles`.

    `roles` are names or ARNs of roles. Each entry has the role's ARN, its trust policy, the documents of its inline and
    attached policies (those of AWS too), and the time at which they were read. A permissions boundary grants nothing
    and is left out. It takes iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies,
    iam:GetPolicy and iam:GetPolicyVersion. `account`: by default that of the environment.

    Raises NoSuchRole, and JobError for what is not the name or ARN of a role, and as AWS refuses.
    """
    where = account or Account()
    named = {it: _name(it) for it in roles}
    if not named:
        raise JobError("no role is named", "name the roles by their names or ARNs")
    read: dict[str, Any] = {}
    with where.asking():
        return {"roles": [_role(where.client("iam"), name, said, now(), read) for said, name in named.items()]}


def _name(said: str) -> str:
    name = said.rpartition("/")[2] if re.match(r"arn:[\w-]+:iam::\d{12}:role/", said) else said
    if not _NAME.fullmatch(name):
        raise JobError(f"{said!r} is not the name or ARN of a role", "write a name, or arn:aws:iam::ACCOUNT:role/NAME")
    return name


def _role(iam: Any, name: str, said: str, now: datetime.datetime, read: dict[str, Any]) -> dict[str, Any]:
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        raise NoSuchRole(f"there is no role {name}", "look at its name, the profile and the account") from None
    if said.startswith("arn:") and role["Arn"] != said:
        raise NoSuchRole(
            f"there is no role {said}; the credentials' account has {role['Arn']}",
            "use a profile of the role's account",
        )
    return {
        "arn": role["Arn"],
        "readAt": now.isoformat(timespec="seconds"),
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "policies": [*_inline(iam, name), *_attached(iam, name, read)],
    }


def _inline(iam: Any, name: str) -> Iterator[dict[str, Any]]:
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in page["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield {"name": policy, "document": _document(document)}


def _attached(iam: Any, name: str, read: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Attached policies; several roles often have one policy, which is read once."""
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for policy in page["AttachedPolicies"]:
            arn = policy["PolicyArn"]
            if arn not in read:
                version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                found = iam.get_policy_version(PolicyArn=arn, VersionId=version)
                read[arn] = _document(found["PolicyVersion"]["Document"])
            yield {"name": arn, "document": read[arn]}


def _document(given: Any) -> dict[str, Any]:
    """A document as an object: AWS sends it percent-encoded, which boto3 decodes."""
    if isinstance(given, Mapping):
        return dict(cast("Mapping[str, Any]", given))
    return cast("dict[str, Any]", json.loads(unquote(str(given))))
