"""What SAM makes of an event of a function: the rule, schedule, mapping or route that invokes it, and the permission.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .declared import mapping

Made = dict[str, tuple[str, dict[str, Any]]]
"""Logical id → type and properties."""
_POLLED: Final = {
    "SQS": "Queue",
    "Kinesis": "Stream",
    "DynamoDB": "Stream",
    "MSK": "Stream",
    "MQ": "Broker",
    "DocumentDB": "Cluster",
}
"""Events that Lambda fetches → the property with the ARN of their source."""
_RULES: Final = {"Schedule": "ScheduleExpression", "EventBridgeRule": "EventPattern", "CloudWatchEvent": "EventPattern"}
"""Events of EventBridge's rules → what the rule has."""
_TO_TARGET: Final = ("Input", "InputPath", "InputTransformer", "RetryPolicy")
_TO_RULE: Final = ("Name", "Description", "State", "EventBusName")
_TO_SCHEDULE: Final = (
    *("Name", "Description", "State", "GroupName", "StartDate", "EndDate", "ScheduleExpressionTimezone", "KmsKeyArn"),
    "FlexibleTimeWindow",
)
_PERMISSION: Final = "AWS::Lambda::Permission"


class Apis:
    """The APIs of a template, for their default authorizers."""

    def __init__(self, resources: Mapping[str, Any], common: Mapping[str, Any]) -> None:
        self._resources, self._common = resources, common

    def authorizer(self, event: Mapping[str, Any], section: str, api: Any) -> Any:
        """The authorizer of an event's route; None without one."""
        given = mapping(event.get("Auth")).get("Authorizer")
        if given is not None:
            return given
        its = mapping(self._resources.get(str(mapping(api).get("Ref"))))
        for holder in (mapping(its.get("Properties")), mapping(self._common.get(section))):
            default = mapping(holder.get("Auth")).get("DefaultAuthorizer")
            if default is not None:
                return default
        return None


def of_event(name: str, kind: str, event: Mapping[str, Any], target: Any, apis: Apis) -> Made | None:
    """What SAM makes of an event; None if it is not known here."""
    if kind in _POLLED:
        source = {"EventSourceArn": event.get(_POLLED[kind]), "FunctionName": target}
        kept = {key: it for key, it in event.items() if key != _POLLED[kind]}
        return {name: ("AWS::Lambda::EventSourceMapping", {**kept, **source})}
    if kind in _RULES:
        return _rule(name, kind, event, target)
    if kind == "ScheduleV2":
        return _schedule(name, event, target)
    if kind == "SNS" and not event.get("SqsSubscription"):
        return {f"{name}Permission": _permission("sns.amazonaws.com", target, event.get("Topic"))}
    if kind == "HttpApi":
        return _route(name, event, target, apis)
    if kind == "Api":
        return _method(name, event, target, apis)
    return None


def _permission(service: str, target: Any, source: Any) -> tuple[str, dict[str, Any]]:
    given = {"Action": "lambda:InvokeFunction", "FunctionName": target, "Principal": service, "SourceArn": source}
    return _PERMISSION, given


def _dead_letters(name: str, event: Mapping[str, Any]) -> tuple[dict[str, Any], Made]:
    """The dead-letter queue of a target, and the one that SAM makes where the event names none."""
    config = mapping(event.get("DeadLetterConfig"))
    if "Arn" in config:
        return {"DeadLetterConfig": {"Arn": config["Arn"]}}, {}
    if not config:
        return {}, {}
    own = config.get("QueueLogicalId")
    queue = own if isinstance(own, str) else f"{name}Queue"
    return {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}}, {queue: ("AWS::SQS::Queue", {})}


def _rule(name: str, kind: str, event: Mapping[str, Any], target: Any) -> Made:
    failed, queue = _dead_letters(name, event)
    when = event.get("Schedule" if kind == "Schedule" else "Pattern")
    sent = {"Arn": target, "Id": name, **failed, **{key: event[key] for key in _TO_TARGET if key in event}}
    rule = {_RULES[kind]: when, "Targets": [sent], **{key: event[key] for key in _TO_RULE if key in event}}
    permission = _permission("events.amazonaws.com", target, {"Fn::GetAtt": [name, "Arn"]})
    return {name: ("AWS::Events::Rule", rule), f"{name}Permission": permission, **queue}


def _schedule(name: str, event: Mapping[str, Any], target: Any) -> Made:
    failed, queue = _dead_letters(name, event)
    made: Made = {}
    role = event.get("RoleArn")
    if role is None:
        statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": target}
        trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        boundary = event.get("PermissionsBoundary")
        made[f"{name}Role"] = (
            "AWS::IAM::Role",
            {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [{"PolicyName": f"{name}LambdaPolicy", "PolicyDocument": document}],
                **({"PermissionsBoundary": boundary} if boundary else {}),
            },
        )
        role = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    sent = {"Arn": target, "RoleArn": role, **failed, **{key: event[key] for key in _TO_TARGET if key in event}}
    schedule = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        **{key: event[key] for key in _TO_SCHEDULE if key in event},
        "ScheduleExpression": event.get("ScheduleExpression"),
        "Target": sent,
    }
    return {**made, name: ("AWS::Scheduler::Schedule", schedule), **queue}


def _authorization(authorizer: Any) -> Any:
    """What authorizes a route: an authorizer that a template names is one of its own."""
    if authorizer is None:
        return "NONE"
    return authorizer if authorizer in ("NONE", "AWS_IAM") or not isinstance(authorizer, str) else "CUSTOM"


def _route(name: str, event: Mapping[str, Any], target: Any, apis: Apis) -> Made:
    api = event.get("ApiId", "ServerlessHttpApi")
    path, method = event.get("Path"), event.get("Method")
    key = "$default" if path is None or method is None else f"{str(method).upper()} {path}"
    route = {
        "ApiId": api,
        "RouteKey": key,
        "AuthorizationType": _authorization(apis.authorizer(event, "HttpApi", api)),
        "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
    }
    integration = {"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": target}
    return {
        name: ("AWS::ApiGatewayV2::Route", route),
        f"{name}Integration": ("AWS::ApiGatewayV2::Integration", integration),
    }


def _method(name: str, event: Mapping[str, Any], target: Any, apis: Apis) -> Made:
    api = event.get("RestApiId", "ServerlessRestApi")
    return {
        name: (
            "AWS::ApiGateway::Method",
            {
                "RestApiId": api,
                "ResourceId": event.get("Path"),
                "HttpMethod": str(event.get("Method")).upper(),
                "AuthorizationType": _authorization(apis.authorizer(event, "Api", api)),
                "Integration": {"Type": "AWS_PROXY", "Uri": target},
            },
        )
    }
