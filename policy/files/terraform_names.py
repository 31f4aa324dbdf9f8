"""Terraform's names of types and properties, as Pulumi's AWS provider names them. Tables: that provider is made from
Terraform's, and its names are the camelCase of those."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from .declared import camel

_SINGLE: Final = {
    "aws_scheduler_schedule": (
        *("target", "retry_policy", "dead_letter_config", "ecs_parameters", "network_configuration"),
        *("flexible_time_window", "sqs_parameters", "kinesis_parameters", "eventbridge_parameters"),
    ),
    "aws_cloudwatch_event_target": (
        *("ecs_target", "network_configuration", "dead_letter_config", "retry_policy", "input_transformer"),
        *("sqs_target", "batch_target", "http_target", "kinesis_target"),
    ),
    "aws_ecs_service": ("network_configuration", "deployment_controller", "deployment_circuit_breaker"),
    "aws_ecs_task_definition": ("runtime_platform", "ephemeral_storage", "proxy_configuration"),
    "aws_lambda_function": (
        *("environment", "dead_letter_config", "vpc_config", "tracing_config", "ephemeral_storage", "image_config"),
        *("logging_config", "file_system_config", "snap_start"),
    ),
    "aws_lambda_event_source_mapping": ("scaling_config", "destination_config", "on_failure", "filter_criteria"),
    "aws_lambda_function_event_invoke_config": ("destination_config", "on_failure", "on_success"),
    "aws_pipes_pipe": (
        *("target_parameters", "ecs_task_parameters", "network_configuration", "aws_vpc_configuration", "overrides"),
        *("source_parameters", "sqs_queue_parameters", "enrichment_parameters", "lambda_function_parameters"),
    ),
    "aws_sfn_state_machine": ("logging_configuration", "tracing_configuration", "encryption_configuration"),
    "aws_ecs_cluster": ("configuration",),
}
"""Type → its blocks of which there is at most one: an object, not a list, in Pulumi. From the provider's schema."""
_SINGULAR: Final = ("ingress", "egress")
"""Blocks whose name Pulumi does not make a plural."""
_PLURAL: Final = {"capacity_provider_strategy": "capacityProviderStrategies", "inline_policy": "inlinePolicies"}
_FREE: Final = ("tags", "tags_all", "variables", "request_parameters", "request_templates", "parameters")
"""Maps whose keys are the user's own."""


@lru_cache(maxsize=4096)
def kind(terraform: str) -> str:
    """Pulumi's name of a type: `aws_iam_role` is `aws:iam/role:Role`. Of another provider, Terraform's own name.

    pulumi_aws lists its types, whose names are Terraform's in other letters: module and name, or of EC2 the name alone.
    The module can be shorter than Terraform's word for the service (`serverlessapplicationrepository`).
    """
    if not terraform.startswith("aws_"):
        return terraform
    words = terraform.removeprefix("aws_").split("_")
    exact = _types().get("".join(words))
    if exact is not None:
        return exact
    for length in range(1, len(words)):
        service, name = "".join(words[:length]), "".join(words[length:])
        near = [it for it in _of_name().get(name, []) if _shortened(_module(it), service)]
        if len(near) == 1:
            return near[0]
    # A type that the installed provider does not have.
    first, *rest = words
    word = camel("_".join(rest or [first]))
    return f"aws:{first}/{word}:{word[:1].upper()}{word[1:]}"


@lru_cache(maxsize=1)
def _types() -> dict[str, str]:
    """Letters of Terraform's name → type, of all types of the installed AWS provider."""
    found = _tokens()
    nameless = {_name(it): it for it in found if _module(it) == "ec2"}
    return {**nameless, **{_module(it) + _name(it): it for it in found}}


@lru_cache(maxsize=1)
def _of_name() -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for it in _tokens():
        made.setdefault(_name(it), []).append(it)
    return made


@lru_cache(maxsize=1)
def _tokens() -> tuple[str, ...]:
    """The types that pulumi_aws registers, read without importing it: that takes seconds."""
    spec = find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        return ()
    return tuple(sorted(set(re.findall(r'"(aws:\w+/\w+:\w+)"', Path(spec.origin).read_text(encoding="utf-8")))))


def _module(token: str) -> str:
    return token.split(":")[1].partition("/")[0].lower()


def _name(token: str) -> str:
    return token.rpartition(":")[2].lower()


def _shortened(module: str, service: str) -> bool:
    """Whether a module's name is a service's with letters left out."""
    letters = iter(service)
    return len(module) > len(service) / 2 and module[:1] == service[:1] and all(it in letters for it in module)


def properties(terraform: str, values: dict[str, Any]) -> dict[str, Any]:
    """A resource's values in Pulumi's names and form; null is a value that is not set."""
    single = _SINGLE.get(terraform, ())
    made = cast("dict[str, Any]", _renamed(values, single))
    # What Terraform names otherwise than by rule.
    for old, new in _OTHERWISE.get(terraform, {}).items():
        if old in made:
            made[new] = made.pop(old)
    return made


_OTHERWISE: Final = {
    "aws_lambda_permission": {"functionName": "function"},
    "aws_lambda_function": {"functionName": "name"},
    "aws_api_gateway_method": {"restApiId": "restApi"},
    "aws_api_gateway_integration": {"restApiId": "restApi"},
}
"""https://www.pulumi.com/registry/packages/aws/"""


def _renamed(value: Any, single: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_renamed(it, single) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in cast("dict[str, Any]", value).items():
        if inner is None:
            continue
        blocks = isinstance(inner, list) and any(isinstance(it, dict) for it in cast("list[Any]", inner))
        if key in _FREE:
            made[camel(key)] = inner
        elif key in single and isinstance(inner, list):
            if inner:
                made[camel(key)] = _renamed(cast("list[Any]", inner)[0], single)
        elif blocks and key not in _SINGULAR:
            made[_PLURAL.get(key) or _plural(camel(key))] = _renamed(inner, single)
        else:
            made[camel(key)] = _renamed(inner, single)
    return made


def _plural(name: str) -> str:
    if name.endswith("s"):
        return name
    return re.sub(r"y$", "ies", name) if name.endswith("y") else f"{name}s"
