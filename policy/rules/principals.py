"""Policies and their holders: every document of a stack, and all documents of each role, user and group.

Inline, attached and managed policies, groups' policies for their members, and a policy's JSON wherever it was made
(an object, Output.json_dumps, aws.iam.getPolicyDocument). A Deny never excuses an Allow: an unneeded permission should
not be granted, and a condition easily disables a Deny.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .documents import Document, Statement, Unreadable, read
from .managed import known
from .stack import UNKNOWN, Resource, Stack, Unknown

ROLE: Final = "aws:iam/role:Role"
USER: Final = "aws:iam/user:User"
GROUP: Final = "aws:iam/group:Group"
POLICY: Final = "aws:iam/policy:Policy"
PERMISSION_SET: Final = "aws:ssoadmin/permissionSet:PermissionSet"
_SET_INLINE: Final = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
_SET_ATTACHED: Final = "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"
_SET_BOUNDARY: Final = "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
_INLINE: Final = {
    "aws:iam/rolePolicy:RolePolicy": ("role", ROLE),
    "aws:iam/userPolicy:UserPolicy": ("user", USER),
    "aws:iam/groupPolicy:GroupPolicy": ("group", GROUP),
    _SET_INLINE: ("permissionSetArn", PERMISSION_SET),
}
"""Type of an inline policy → the property that names its holder, and the holder's type."""
_ATTACHED: Final = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (("role", ROLE),),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": (("user", USER),),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": (("group", GROUP),),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": (("roleName", ROLE),),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": (("userName", USER),),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": (("groupName", GROUP),),
    "aws:iam/policyAttachment:PolicyAttachment": (("roles", ROLE), ("users", USER), ("groups", GROUP)),
    _SET_ATTACHED: (("permissionSetArn", PERMISSION_SET),),
}
_DOCUMENT: Final = {_SET_INLINE: "inlinePolicy"}
"""Type → the property with its document; by default `policy`."""
_ARN: Final = {_SET_ATTACHED: "managedPolicyArn"}
"""Type → the property with the ARN of the policy that it attaches; by default `policyArn`."""
_ROLE_ARN: Final = re.compile(r"arn:([\w-]+):iam::(\d+):role/(?:.*/)?([^/]+)")
EVERYONE: Final = ("AWS", "*")
"""The principal of a statement that is about everyone."""
HOLDERS: Final = (ROLE, USER, GROUP, PERMISSION_SET)
GRANTING: Final = (*_INLINE, *_ATTACHED, ROLE)
"""Every type of resource that grants permissions to a principal as soon as it exists."""
BEARERS: Final = (POLICY, *GRANTING)
"""The same, and managed policies, which grant once they are attached, and nothing as a boundary."""


@dataclass(frozen=True)
class Held:
    """A policy document, and where it is."""

    origin: Resource
    """The resource whose property it is."""
    what: str
    """The property, for a message: `policy`, `inlinePolicies[0]`, the ARN of an AWS-managed policy."""
    document: Document

    @property
    def urn(self) -> str:
        """URN of the resource that contains it."""
        return self.origin.urn


@dataclass
class Principal:
    """A role, user or group of the stack (or one outside it to which the stack gives a policy), and all permissions
    that the stack gives it."""

    resource: Resource
    held: list[Held] = field(default_factory=list[Held])
    unknown: list[Unknown] = field(default_factory=list[Unknown])
    """Documents that are not known yet."""
    policies: set[str] = field(default_factory=set[str])
    """ARNs of the managed policies that it holds."""
    outside: str = ""
    """Its name, if it is not in the stack."""
    groups: set[str] = field(default_factory=set[str])
    """ARNs of its groups of the stack, as far as they are known."""
    groups_outside: set[str] = field(default_factory=set[str])
    """Names of its groups that are not in the stack."""

    @property
    def word(self) -> str:
        """`role`, `user` or `group`; the type of what gives it a policy, if it is not in the stack."""
        return self.resource.kind.rpartition(":")[2].lower()

    def named_in(self, names: list[str]) -> bool:
        """Whether a setting names it. One outside the stack is named by what the stack calls it, not by its policy."""
        if self.outside:
            return self.outside in names
        return self.resource.kind in HOLDERS and declared(self.resource, names)

    @property
    def urn(self) -> str:
        """URN of the role, user or group."""
        return self.resource.urn

    def allowing(self, action: str) -> Iterator[tuple[Held, Statement]]:
        """Every statement that allows an action, and the document that contains it."""
        return ((held, it) for held in self.held for it in held.document.allowing(action))


def documents(resource: Resource) -> Iterator[Held]:
    """The documents of a resource itself. Raises Unknown for one that is not known yet.

    A text that is not a policy is left out, and `unreadable` reports it; so is a policy attached by an ARN from outside
    the stack, which the rule `policies-readable` reports.
    """
    for what, given in _given(resource):
        document = _judged(given)
        if isinstance(document, Document):
            yield Held(resource, what, document)


def unreadable(resource: Resource) -> Iterator[tuple[str, str]]:
    """The policies of a resource that no rule can read: where each is, and why."""
    for what, given in _given(resource):
        document = _judged(given)
        if isinstance(document, str):
            yield what, document


def attached_arns(resource: Resource) -> Iterator[str]:
    """ARNs of managed policies that a resource attaches. Raises Unknown."""
    if resource.kind in _ATTACHED:
        arn = resource.get(_ARN.get(resource.kind, "policyArn"))
        if isinstance(arn, str):
            yield arn
        yield from (str(it) for it in resource.whole("policyArns", default=[]))
    if resource.kind == ROLE:
        yield from (str(it) for it in _own(resource, "managedPolicyArns"))


def _given(resource: Resource) -> Iterator[tuple[str, Any]]:
    if resource.kind in _INLINE or resource.kind == POLICY:
        prop = _DOCUMENT.get(resource.kind, "policy")
        yield prop, resource.whole(prop, default={})
    for arn in attached_arns(resource):
        yield arn, arn
    if resource.kind == ROLE:
        for index, inline in enumerate(_own(resource, "inlinePolicies")):
            policy = cast("dict[str, Any]", inline).get("policy")
            # The outputs of a role without inline policies have one empty inline policy.
            if policy:
                yield f"inlinePolicies[{index}]", policy


def _own(role: Resource, prop: str) -> list[Any]:
    """A role's property that the provider fills in if the program does not set it. Raises Unknown.

    In a preview it is then unknown, although the program has not set it. A value that the program computes from other
    resources has dependencies.
    """
    if role.outputs and not role.origins.get(prop) and role.props.get(prop) is UNKNOWN:
        return []
    return role.whole(prop, default=[])


def _judged(given: Any) -> Document | str | None:
    """A document, the reason why there is none, or None for a policy that may be elsewhere in the stack."""
    if isinstance(given, str) and given.startswith("arn:"):
        return known(given)
    if not isinstance(given, str | dict):
        return f"is {given!r}, not a policy document"
    try:
        return read(cast("str | dict[str, Any]", given))
    except Unreadable as error:
        return str(error)


def granting(stack: Stack) -> Iterator[Resource]:
    """What a rule on documents judges: before it is created, each resource that grants; over the whole stack, each
    managed policy that is not only a boundary."""
    if not stack.whole:
        return stack.of(*GRANTING)
    limiting = stack.once(_boundaries)
    return (it for it in stack.of(POLICY) if it.urn not in limiting)


def _boundaries(stack: Stack) -> set[str]:
    """URNs of the managed policies that are boundaries only."""
    named = [stack.meant(it, "permissionsBoundary", POLICY) for it in stack.of(ROLE, USER)]
    for it in stack.of(_SET_BOUNDARY):
        # A permission set names a policy that each of its accounts has.
        name = it.known("permissionsBoundary", "customerManagedPolicyReference", "name")
        named.append(stack.named(POLICY, name) if isinstance(name, str) else None)
    return {it.urn for it in named if it is not None} - stack.once(_attached_policies)


def _attached_policies(stack: Stack) -> set[str]:
    """URNs of the managed policies that the stack attaches to somebody."""
    found: set[str] = set()
    for it in stack.of(*GRANTING):
        props = ("policyArn", "managedPolicyArn", "policyArns", "managedPolicyArns")
        attached = [stack.meant(it, prop, POLICY, it.known(prop)) for prop in props]
        for prop in props[2:]:
            attached += [stack.meant(it, prop, POLICY, arn) for arn in it.known(prop) or [] if isinstance(arn, str)]
        found |= {policy.urn for policy in attached if policy is not None}
    return found


def bounding(it: Resource, stack: Stack, names: list[str]) -> bool:
    """Whether a setting names a managed policy as a boundary, and nothing in the stack attaches it."""
    return it.kind == POLICY and declared(it, names) and it.urn not in stack.once(_attached_policies)


def declared(it: Resource, names: list[str]) -> bool:
    """Whether a setting names a resource, by its URN, its ARN or its name."""
    return bool({it.urn, it.name, it.known("arn"), it.known("name")}.intersection(names))


def trust(role: Resource) -> Document:
    """A role's trust policy. Raises Unknown, and Unreadable if it is not a policy."""
    return read(role.whole("assumeRolePolicy", default={}))


def trusted(role: Resource) -> list[tuple[str, str]]:
    """Who may assume a role, by its trust policy: everyone for a NotPrincipal. Raises as `trust` does."""
    allows = [it for it in trust(role).statements if it.allows]
    return [who for it in allows for who in (*it.principals, *([EVERYONE] if it.not_principal else []))]


def sessions(arn: str) -> str:
    """How the ARNs of a role's sessions begin, which have no path; empty for any other principal."""
    found = _ROLE_ARN.fullmatch(arn)
    return "" if found is None else f"arn:{found[1]}:sts::{found[2]}:assumed-role/{found[3]}/"


def of_session(name: str) -> str:
    """The ARN of a principal as `own_names` has it: of a session, what the ARNs of its role's sessions begin with."""
    return name[: name.rindex("/") + 1] if ":assumed-role/" in name else name


def own_names(it: Principal) -> set[str]:
    """How a trust policy may name a principal: by its ARN, and a role by one of its sessions. Empty if that is not
    known."""
    arn = it.resource.known("arn") if it.resource.kind in HOLDERS else None
    return {arn, sessions(arn)} - {""} if isinstance(arn, str) else set()


def account(arn: str) -> str:
    """The account of a principal's ARN; empty if it has none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def holder(stack: Stack, role: Resource) -> Principal:
    """A role with all of its permissions; one of the known roles too, with those that the stack gives it."""
    return stack.once(_by_urn).get(role.urn) or stack.once(_known)[role.urn]


def _known(stack: Stack) -> dict[str, Principal]:
    made = {it.urn: Principal(it) for it in stack.known_roles.values()}
    for it in made.values():
        _hold(it, it.resource, stack)
    return made


def _by_urn(stack: Stack) -> dict[str, Principal]:
    return {it.resource.urn: it for it in stack.once(principals) if it.resource.kind in HOLDERS}


def principals(stack: Stack) -> list[Principal]:
    """Every principal to which the stack grants permissions."""
    found = {it.urn: Principal(it) for it in stack.of(*HOLDERS)}
    for role in stack.of(ROLE):
        _hold(found[role.urn], role, stack)
    for inline in stack.of(*_INLINE):
        prop, kind = _INLINE[inline.kind]
        _give(found, stack, inline, prop, kind)
    for attachment in stack.of(*_ATTACHED):
        for prop, kind in _ATTACHED[attachment.kind]:
            _give(found, stack, attachment, prop, kind)
    _join_groups(found, stack)
    return list(found.values())


def _give(found: dict[str, Principal], stack: Stack, by: Resource, prop: str, kind: str) -> None:
    """Add what a resource grants to each holder that it names."""
    named = by.props.get(prop)
    many = cast("list[Any]", named) if isinstance(named, list) else [named]
    for value in many if named is not None or by.origins.get(prop) else []:
        holder = stack.meant(by, prop, kind, value if isinstance(value, str) else None)
        if holder is not None:
            if holder.urn not in found:
                # One of the known roles.
                found[holder.urn] = Principal(holder)
                _hold(found[holder.urn], holder, stack)
            _hold(found[holder.urn], by, stack)
        elif isinstance(value, str):
            # A principal outside the stack: all policies that the stack gives to one name are one principal's.
            outside = found.setdefault(f"{kind}::{value}", Principal(by, outside=value))
            _hold(outside, by, stack)
        elif value is UNKNOWN:
            unnamed = found.setdefault(by.urn, Principal(by))
            unnamed.unknown.append(Unknown(by.urn, prop))
            _hold(unnamed, by, stack)


def _hold(principal: Principal, bearer: Resource, stack: Stack) -> None:
    try:
        principal.held += documents(bearer)
        for arn in attached_arns(bearer):
            principal.policies.add(arn)
            policy = stack.named(POLICY, arn)
            if policy is not None:
                principal.held += documents(policy)
    except Unknown as unknown:
        policy = stack.meant(bearer, "policyArns" if "policyArns" in bearer.props else "policyArn", POLICY)
        if policy is None:
            principal.unknown.append(unknown)
            return
        try:
            principal.held += documents(policy)
        except Unknown as deeper:
            principal.unknown.append(deeper)


def _join_groups(found: dict[str, Principal], stack: Stack) -> None:
    for membership in stack.of("aws:iam/userGroupMembership:UserGroupMembership"):
        user = stack.meant(membership, "user", USER)
        for name in membership.known("groups") or []:
            _share(_principal(found, USER, user, membership.known("user")), _group(found, stack, name), name)
    for membership in stack.of("aws:iam/groupMembership:GroupMembership"):
        name = membership.known("name") if membership.known("group") is None else membership.known("group")
        group = _principal(found, GROUP, stack.meant(membership, "group", GROUP), name)
        for user in membership.known("users") or []:
            named = stack.named(USER, user) if isinstance(user, str) else None
            _share(_principal(found, USER, named, user), group, name)


def _group(found: dict[str, Principal], stack: Stack, name: Any) -> Principal | None:
    return _principal(found, GROUP, stack.named(GROUP, name) if isinstance(name, str) else None, name)


def _principal(found: dict[str, Principal], kind: str, it: Resource | None, name: Any) -> Principal | None:
    """A user or group: of the stack, or one outside it to which the stack gives a policy."""
    return found.get(it.urn) if it is not None else found.get(f"{kind}::{name}")


def _share(user: Principal | None, group: Principal | None, name: Any) -> None:
    if user is None:
        return
    if group is None or group.outside:
        user.groups_outside.add(str(name))
    if group is not None:
        user.held += group.held
        user.unknown += group.unknown
        user.policies |= group.policies
        user.groups.add(str(group.resource.known("arn") or ""))
