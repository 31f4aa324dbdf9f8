"""CrossGuard rules for programs that launch containers on Fargate. Import all or some of them into any policy pack.

from fargate_job_launcher.policies import policies, select
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final

from pulumi_policy import EnforcementLevel, Policy

from . import alone, capacity, control, functions, network, outside, passrole, queues, roles, runtask, tasks
from .known import read_known_roles, roles_of_list
from .rule import Environment, Rule
from .serving import always_mandatory
from .stack import Resource

RULES: Final[tuple[Rule, ...]] = (
    *(passrole.named_roles, passrole.exact_service, passrole.no_administrator, passrole.trusts_only_service),
    *(alone.passes_alone,),
    *(runtask.one_definition, runtask.in_cluster, runtask.known_keys, runtask.exec_named_tasks),
    *(control.controlled, control.no_own_permissions, control.assume_named_roles),
    *(roles.trust_source, roles.own_roles, roles.execution_inline, roles.task_no_administrator),
    *(roles.policies_well_formed, roles.policies_readable, outside.roles_known, outside.resources_readable),
    *(tasks.on_fargate, tasks.size, tasks.not_privileged, tasks.read_only_root, tasks.user),
    *(tasks.image_digest, tasks.image_registry, tasks.logs, tasks.no_secrets),
    *(functions.supported_runtime, functions.launcher_timeout, functions.launcher_concurrency),
    *(functions.failure_destination, functions.not_public, functions.launcher_not_public, functions.permission_source),
    *(queues.encrypted, queues.tls_only, queues.queue_not_public, queues.dead_letter, queues.visibility),
    *(queues.schedule_bounded, queues.event_target_dead_letter, queues.retention),
    *(network.no_public_ip, network.two_subnets, network.no_exec, network.nothing_comes_in, capacity.associated),
)
"""Every rule, in the order of the documentation."""


def environment_of(stack: str) -> Environment:
    """The environment whose severities and limits apply to a stack without configuration: dev if `dev` is a part of its
    name and prod is not (`dev`, `dev-anna`, `payments.dev`), otherwise prod, which is stricter."""
    parts = re.split(r"[-_./]", stack.lower())
    return "dev" if "dev" in parts and not {"prod", "production", "prd"} & set(parts) else "prod"


def policies(*, environment: Environment | None = None, known_roles: tuple[Resource, ...] = ()) -> list[Policy]:
    """All rules, for a PolicyPack. The default `environment` is that of the current stack. `known_roles` are roles
    outside the stack, and what they may do: `read_known_roles` reads the list that `fargate-job known-roles` prints."""
    return _made(RULES, environment, known_roles=known_roles)


def select(
    *ids: str,
    environment: Environment | None = None,
    level: EnforcementLevel | None = None,
    known_roles: tuple[Resource, ...] = (),
) -> list[Policy]:
    """Some rules, by id, for a PolicyPack of your own. Raises ValueError, naming the known ones, for an unknown id,
    and for a `level` below mandatory on a rule that cannot be waived."""
    known = {it.id: it for it in RULES}
    unknown = [it for it in ids if it not in known]
    if unknown:
        raise ValueError(f"no rule is called {', '.join(unknown)}; the rules are: {', '.join(known)}")
    fixed = [it for it in ids if not known[it].waivable]
    if fixed and level not in (None, EnforcementLevel.MANDATORY):
        raise ValueError(f"{', '.join(fixed)}: always mandatory; select them without a level")
    return _made((known[it] for it in ids), environment, level, known_roles)


def _made(
    rules: Iterable[Rule],
    environment: Environment | None,
    level: EnforcementLevel | None = None,
    known_roles: tuple[Resource, ...] = (),
) -> list[Policy]:
    chosen, every = environment or environment_of(os.environ.get("PULUMI_STACK", "")), list(rules)
    always_mandatory(*(it.id for it in every if not it.waivable))
    return [it.policy(environment=chosen, level=level, known_roles=known_roles) for it in every]


__all__ = [
    "RULES",
    "Environment",
    "Rule",
    "environment_of",
    "policies",
    "read_known_roles",
    "roles_of_list",
    "select",
]
