"""`fargate-job known-roles`."""

from __future__ import annotations

import json

import click

from ..roles import known_roles
from .context import Context, common


@click.command("known-roles")
@click.argument("roles", nargs=-1, required=True, metavar="ROLE...")
@common
def knowing(context: Context, roles: tuple[str, ...]) -> None:
    """Print what roles outside a stack may do, as the policy pack's list of known roles.

    ROLE is a role's name or ARN. Write the list to known-roles.json in the folder of the policy pack:

    fargate-job known-roles shared-execution > policy/known-roles.json
    """
    click.echo(json.dumps(known_roles(roles, account=context.account), indent=2))
