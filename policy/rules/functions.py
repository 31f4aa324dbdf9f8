"""Lambda functions: settings with which a launcher loses no launch and is not overloaded, and who may invoke it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from fargate_job_launcher.handler.partitions import PARTITIONS

from .config import PUBLIC, Limit
from .documents import is_pattern, of_one_owner
from .launched import EVENT_TARGET, FUNCTION, SCHEDULE
from .principals import ROLE, Principal, declared, holder
from .rule import ADVISORY, CRITICAL, HIGH, MANDATORY, MEDIUM, Finding, Limits, resources, rule
from .runtask import DEFINITIONS, RUN_TASK
from .senders import ALIAS, MAPPING, QUEUE, function_of, open_to_everyone
from .stack import UNKNOWN, Resource, Stack, Unknown

PERMISSION: Final = "aws:lambda/permission:Permission"
FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
INVOKE_CONFIG: Final = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
ROUTE: Final = "aws:apigatewayv2/route:Route"
ROUTE_INTEGRATION: Final = "aws:apigatewayv2/integration:Integration"
HTTP_API: Final = "aws:apigatewayv2/api:Api"
METHOD: Final = "aws:apigateway/method:Method"
METHOD_INTEGRATION: Final = "aws:apigateway/integration:Integration"
SUPPORTED: Final = [
    *("python3.11", "python3.12", "python3.13", "python3.14"),
    *("nodejs22.x", "nodejs24.x", "java11", "java17", "java21", "java25", "dotnet10", "ruby3.3", "ruby3.4"),
    *("provided.al2023",),
]
"""Runtimes that AWS patches at the end of 2026. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""


def may_run(it: Principal) -> bool:
    """Whether a principal may run a task."""
    return any(statement.reaching(DEFINITIONS) for _, statement in it.allowing(RUN_TASK))


def launchers(stack: Stack) -> list[Resource | Unknown]:
    """The functions whose role may run a task, and for other functions the policies that are not known yet."""
    return stack.once(_launchers)


def _launchers(stack: Stack) -> list[Resource | Unknown]:
    found: list[Resource | Unknown] = []
    for it in stack.of(FUNCTION):
        role = stack.meant(it, "role", ROLE)
        if role is None:
            continue
        who = holder(stack, role)
        if may_run(who):
            found.append(it)
        else:
            found += who.unknown
    return found


def of_function(stack: Stack, kind: str, prop: str, *path: str) -> dict[str, list[Resource]]:
    """The resources of a type by the URN of the function that each names."""
    return stack.once(_FUNCTIONS[(kind, prop, *path)])


def _finder(kind: str, prop: str, *path: str) -> Callable[[Stack], dict[str, list[Resource]]]:
    return lambda stack: stack.grouped(stack.of(kind), lambda it: function_of(stack, it, prop, *path))


_FUNCTIONS: Final[dict[tuple[str, ...], Callable[[Stack], dict[str, list[Resource]]]]] = {
    key: _finder(*key)
    for key in (
        (MAPPING, "functionName"),
        (INVOKE_CONFIG, "functionName"),
        (SCHEDULE, "target", "arn"),
        (EVENT_TARGET, "arn"),
        (PERMISSION, "function"),
        (FUNCTION_URL, "functionName"),
    )
}


@rule(
    "function-runtime",
    says="A function runs on a runtime that AWS still patches.",
    why="After its end of support a runtime gets no security fixes, and later its functions cannot be updated.",
    remedy="move to a supported runtime, such as python3.13 (the rule's `runtimes`)",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=resources(FUNCTION),
    kinds=(FUNCTION,),
    limits=(
        Limit(
            "runtimes", "Allowed runtimes of functions. Default: those that AWS patches.", "array", SUPPORTED, SUPPORTED
        ),
    ),
    beside=("Security Hub Lambda.2", "checkov CKV_AWS_363", "cdk-nag AwsSolutions-L1"),
)
def supported_runtime(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    runtime = it.get("runtime")
    # A function that is an image brings its own runtime.
    if it.get("packageType", default="Zip") != "Image" and runtime not in limits["runtimes"]:
        yield f"runtime is {runtime or 'missing'}"


@rule(
    "launcher-timeout",
    says="A launcher has enough time to launch.",
    why="Lambda's default of 3 seconds ends before a call to ECS is retried once: a task may run of which there is no "
    "record.",
    remedy="set timeout to 30 seconds or more",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=launchers,
    limits=(Limit("minimumSeconds", "The shortest timeout of a launcher, in seconds.", "integer", 30, 30, 1),),
)
def launcher_timeout(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    timeout = it.number("timeout", default=3)
    if timeout < limits["minimumSeconds"]:
        yield f"timeout is {int(timeout)} seconds, at least {int(limits['minimumSeconds'])} are needed"


@rule(
    "launcher-concurrency",
    says="The concurrency of a launcher that a queue invokes is limited.",
    why="One queue can invoke up to 1,250 functions at once; Fargate starts 20 tasks a second for the whole account.",
    remedy="set scalingConfig.maximumConcurrency of the event source mapping, or the function's "
    "reservedConcurrentExecutions",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=launchers,
    limits=(Limit("maximum", "The most invocations that a queue may run at once.", "integer", 100, 100, 1),),
    beside=("checkov CKV_AWS_115",),
)
def launcher_concurrency(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    reserved = it.number("reservedConcurrentExecutions", default=-1)
    if 0 <= reserved <= limits["maximum"]:
        return
    for mapping in of_function(stack, MAPPING, "functionName").get(it.urn, []):
        queue = stack.meant(mapping, "eventSourceArn", QUEUE)
        bound = mapping.number("scalingConfig", "maximumConcurrency")
        # Lambda limits a FIFO queue to one invocation for each message group.
        if not (queue is not None and queue.get("fifoQueue")) and not (bound and bound <= limits["maximum"]):
            bounded = f"a maximumConcurrency of {int(bound)}" if bound else "no maximumConcurrency"
            yield f"{mapping.name} invokes it with {bounded}; at most {int(limits['maximum'])} is allowed"


@rule(
    "launcher-failure-destination",
    says="A launcher that is invoked asynchronously keeps failed events.",
    why="Lambda delivers an event twice more and then drops it: the launch is lost and nobody notices.",
    remedy="add a FunctionEventInvokeConfig with destinationConfig.onFailure, or deadLetterConfig on the function",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=launchers,
    beside=("checkov CKV_AWS_116",),
)
def failure_destination(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    if it.get("deadLetterConfig", "targetArn"):
        return
    for config in of_function(stack, INVOKE_CONFIG, "functionName").get(it.urn, []):
        # The destination of an alias applies to callers of the alias; all triggers of the component call the alias.
        if config.get("destinationConfig", "onFailure", "destination"):
            return
    callers = [one.name for one in of_function(stack, SCHEDULE, "target", "arn").get(it.urn, [])]
    callers += [one.name for one in of_function(stack, EVENT_TARGET, "arn").get(it.urn, [])]
    permissions = of_function(stack, PERMISSION, "function").get(it.urn, [])
    callers += [one.name for one in permissions if str(one.known("principal")) in _ASYNCHRONOUS]
    if callers:
        yield f"{', '.join(sorted(set(callers)))} may invoke it asynchronously, and failed events are not kept"


_SERVICES: Final = tuple(sorted({f".{it.suffix}" for it in PARTITIONS}))
"""Endings of the names of services as principals: amazonaws.com nearly everywhere, or the partition's own."""

_ASYNCHRONOUS: Final = ("events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com", "scheduler.amazonaws.com")


@rule(
    "function-not-public",
    says="No function can be invoked by everyone.",
    why="A launcher that everyone may call runs containers for everyone, at the cost of this account.",
    remedy='set authorizationType to "AWS_IAM"; name a principal instead of "*". A web service for everyone, which '
    "launches nothing: name its function in the rule's `public`",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=resources(FUNCTION_URL, PERMISSION),
    kinds=(FUNCTION_URL, PERMISSION),
    limits=(PUBLIC,),
    waivable=False,
    beside=("Security Hub Lambda.1", "checkov CKV_AWS_258, CKV_AWS_301"),
)
def not_public(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    function = str(it.known("functionName") or it.known("function") or "")
    meant = {function, function.rpartition(":")[2]}
    if not (declared(it, limits["public"]) or meant.intersection(limits["public"])):
        yield from _everyone(it)


def _everyone(it: Resource) -> Iterator[str]:
    """How a function's URL or a permission lets everyone invoke it."""
    if it.kind == FUNCTION_URL:
        if it.get("authorizationType") != "AWS_IAM":
            yield f"everyone can call its URL (authorizationType {it.get('authorizationType') or 'missing'})"
        return
    principal = str(it.get("principal", default=""))
    if is_pattern(principal) and not it.get("principalOrgId"):
        yield f"{it.get('action', default='an action')} is allowed to everyone (principal {principal})"
    if it.get("functionUrlAuthType") == "NONE":
        yield "its URL may be called without credentials (functionUrlAuthType NONE)"


@rule(
    "launcher-not-public",
    says="Nothing lets everyone invoke a launcher: no HTTP API, URL, permission, topic or event bus.",
    why="A launcher that everyone may call runs containers for everyone, at the cost of this account.",
    remedy='set authorizationType (API Gateway v1: authorization) to "AWS_IAM", or to an authorizer; name a principal '
    'instead of "*", or one organization by aws:PrincipalOrgID',
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=launchers,
    waivable=False,
    beside=("Security Hub APIGateway.8", "checkov CKV_AWS_59, CKV_AWS_309", "cdk-nag AwsSolutions-APIG4"),
)
def launcher_not_public(it: Resource, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    for behind, route, authorization in stack.once(_http):
        if behind is it and authorization is UNKNOWN:
            raise Unknown(route.urn, "authorization")
        if behind is it and (authorization or "NONE") == "NONE":
            yield Finding(f"lets everyone call {it.name} (authorization {authorization or 'missing'})", route.urn)
    for kind, prop in ((FUNCTION_URL, "functionName"), (PERMISSION, "function")):
        for one in of_function(stack, kind, prop).get(it.urn, []):
            yield from (Finding(f"{said}: it is {it.name}'s, which launches", one.urn) for said in _everyone(one))
    for by, what in stack.once(open_to_everyone).get(it.urn, []):
        yield Finding(f"lets everyone send to {what}, which invokes {it.name}", by.urn)


def _http(stack: Stack) -> list[tuple[Resource, Resource, Any]]:
    """Routes of HTTP APIs to functions: the function, the route, and its authorization, None if it is not set."""
    found: list[tuple[Resource | None, Resource, Any]] = []
    for route in stack.of(ROUTE):
        said = route.known("target")
        named = said.removeprefix("integrations/") if isinstance(said, str) else None
        integration = stack.meant(route, "target", ROUTE_INTEGRATION, named)
        behind = None if integration is None else _of_uri(stack, integration, "integrationUri")
        found.append((behind, route, route.props.get("authorizationType")))
    # An API that is created with a target has one route, without authorization.
    found += [(_of_uri(stack, api, "target"), api, None) for api in stack.of(HTTP_API)]
    for method in stack.of(METHOD):
        for integration in stack.of(METHOD_INTEGRATION):
            if _place(method) == _place(integration):
                found.append((_of_uri(stack, integration, "uri"), method, method.props.get("authorization")))
    return [(behind, route, who) for behind, route, who in found if behind is not None]


def _of_uri(stack: Stack, by: Resource, prop: str) -> Resource | None:
    """The function of an integration: by its ARN, or by API Gateway's own form of it."""
    said = by.known(prop)
    form = re.fullmatch(r"arn:[^:]+:apigateway:.*/functions/(.+)/invocations", said) if isinstance(said, str) else None
    if form is not None:
        alias = stack.named(ALIAS, form[1])
        return stack.named(FUNCTION, form[1]) if alias is None else stack.meant(alias, "functionName", FUNCTION)
    return function_of(stack, by, prop)


def _place(it: Resource) -> tuple[Any, ...]:
    """The place of a method or its integration in a REST API: the values, or the resources from which they are
    computed."""
    props = ("restApi", "resourceId", "httpMethod")
    return tuple(it.known(one) or tuple(origin.urn for origin in it.origins.get(one, ())) for one in props)


@rule(
    "permission-source",
    says="A service may invoke a function only for a named source, or for sources of one account.",
    why="All customers share a service principal: without SourceArn or SourceAccount a rule or bucket of any account "
    "may invoke the function.",
    remedy="set sourceArn to the ARN of the rule, topic, bucket or schedule that invokes it, or sourceAccount",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(PERMISSION),
    kinds=(PERMISSION,),
    beside=("checkov CKV_AWS_364",),
)
def permission_source(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    principal = str(it.get("principal", default=""))
    if not principal.endswith(_SERVICES):
        return
    source = it.get("sourceArn")
    if it.get("sourceAccount"):
        return
    if not source:
        yield f"{principal} may invoke it for any source: sourceArn and sourceAccount are missing"
    elif not of_one_owner(source):
        yield f"{principal} may invoke it for {source}, which is not limited to one account"
