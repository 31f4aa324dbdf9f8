"""Roles outside the stack that are known: a list of what each may do, as `fargate-job known-roles` prints it.

{"roles": [{"arn": …, "readAt": …, "assumeRolePolicy": {…}, "policies": [{"name": …, "document": {…}}]}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from .documents import Unreadable, read
from .stack import Resource

_FIELDS: Final = {"arn", "readAt", "assumeRolePolicy", "policies"}


def roles_of_list(text: str) -> tuple[Resource, ...]:
    """The roles of a list. Raises ValueError, naming the role and the field, for a list of another form."""
    try:
        loaded = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"known roles: not JSON: {error.msg}, at character {error.pos}") from None
    listed = cast("dict[str, Any]", loaded).get("roles") if isinstance(loaded, dict) else None
    if not isinstance(listed, list):
        raise ValueError('known roles: expected {"roles": […]}, as `fargate-job known-roles` prints it')  # noqa: TRY004
    return tuple(_role(it, f"known roles: roles[{index}]") for index, it in enumerate(cast("list[Any]", listed)))


def read_known_roles(path: Path) -> tuple[Resource, ...]:
    """The roles of a file. Raises OSError, and ValueError with the file's name."""
    try:
        return roles_of_list(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _role(given: Any, where: str) -> Resource:
    if not isinstance(given, dict):
        raise ValueError(f"{where}: {given!r} is not an object with {', '.join(sorted(_FIELDS))}")  # noqa: TRY004
    fields = cast("dict[str, Any]", given)
    unknown, missing = sorted(fields.keys() - _FIELDS), sorted(_FIELDS - fields.keys())
    if unknown or missing:
        wrong = [*(f"{it}: unknown" for it in unknown), *(f"{it}: missing" for it in missing)]
        raise ValueError(f"{where}: {', '.join(wrong)}; read the role again with `fargate-job known-roles`")
    arn = fields["arn"]
    if not isinstance(arn, str) or ":role/" not in arn:
        raise ValueError(f"{where}.arn: {arn!r} is not the ARN of a role")
    name, policies = arn.rpartition("/")[2], list(_policies(fields["policies"], f"{where}.policies"))
    props: dict[str, Any] = {
        "arn": arn,
        "name": name,
        "assumeRolePolicy": _document(fields["assumeRolePolicy"], f"{where}.assumeRolePolicy"),
        "inlinePolicies": policies,
    }
    return Resource(arn, "aws:iam/role:Role", name, props)


def _policies(given: Any, where: str) -> Iterator[dict[str, Any]]:
    if not isinstance(given, list):
        raise ValueError(f"{where}: {given!r} is not a list of policies, each with name and document")  # noqa: TRY004
    for index, it in enumerate(cast("list[Any]", given)):
        fields = cast("dict[str, Any]", it) if isinstance(it, dict) else {}
        if fields.keys() != {"name", "document"}:
            raise ValueError(f"{where}[{index}]: {it!r} is not an object with name and document")
        yield {"name": fields["name"], "policy": _document(fields["document"], f"{where}[{index}].document")}


def _document(given: Any, where: str) -> str:
    try:
        read(given)
    except (Unreadable, AttributeError) as error:
        raise ValueError(f"{where}: {error}") from None
    return given if isinstance(given, str) else json.dumps(given)
