"""EventBridge rules, targets and connections, and EventBridge Scheduler's schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...aws.server import Emulator
from .creator import Inputs, Made, State, Unsupported, creates, tag_list
from .ecs import awsvpc


@creates("aws:cloudwatch/eventRule:EventRule")
def _event_rule(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=64)
    inputs.take("forceDestroy")  # affects the deletion, which does not happen here
    enabled = inputs.take("isEnabled", True)
    rule = aws.client("events").put_rule(
        Name=name,
        **inputs.given(
            EventPattern=inputs.take("eventPattern"),
            ScheduleExpression=inputs.take("scheduleExpression"),
            EventBusName=inputs.take("eventBusName"),
            Description=inputs.take("description"),
            State=inputs.take("state", None if enabled else "DISABLED"),
            RoleArn=inputs.take("roleArn"),
            Tags=tag_list(inputs.tags()),
        ),
    )
    return Made(name, {"name": name, "arn": rule["RuleArn"]})


@creates("aws:cloudwatch/eventTarget:EventTarget")
def _event_target(aws: Emulator, inputs: Inputs) -> Made:
    rule, dead, sqs = inputs.take("rule"), inputs.take("deadLetterConfig"), inputs.take("sqsTarget")
    changed, kinesis, commands = (
        inputs.take(key) for key in ("inputTransformer", "kinesisTarget", "runCommandTargets")
    )
    inputs.take("forceDestroy")  # the same
    transformer = changed and inputs.given(
        InputPathsMap=changed.get("inputPaths"), InputTemplate=changed["inputTemplate"]
    )
    target = inputs.given(
        Id=inputs.physical_name("targetId", longest=64),
        Arn=inputs.take("arn"),
        Input=inputs.take("input"),
        InputPath=inputs.take("inputPath"),
        DeadLetterConfig={"Arn": dead["arn"]} if dead else None,
        SqsParameters={"MessageGroupId": sqs["messageGroupId"]} if sqs else None,
        RoleArn=inputs.take("roleArn"),
        InputTransformer=transformer,
        KinesisParameters={"PartitionKeyPath": kinesis["partitionKeyPath"]} if kinesis else None,
        RunCommandParameters={"RunCommandTargets": [{"Key": it["key"], "Values": it["values"]} for it in commands]}
        if commands
        else None,
        RetryPolicy=inputs.spelt("retryPolicy", "events", "RetryPolicy"),
        EcsParameters=_ecs_target(inputs),
        HttpParameters=inputs.spelt("httpTarget", "events", "HttpParameters"),
    )
    answer = aws.client("events").put_targets(
        Rule=rule, Targets=[target], **inputs.given(EventBusName=inputs.take("eventBusName"))
    )
    if answer["FailedEntryCount"]:
        raise Unsupported(f"{inputs.kind}: {answer['FailedEntries'][0]['ErrorMessage']}")
    return Made(f"{rule}-{target['Id']}", {})


def _ecs_target(inputs: Inputs) -> State | None:
    given = inputs.take("ecsTarget")
    if not given:
        return None
    network = given.get("networkConfiguration")
    plain = {key: value for key, value in given.items() if key not in ("networkConfiguration", "tags", "taskCount")}
    named = {"capacityProviderStrategies": "capacityProviderStrategy"}
    made = inputs.as_spelt(
        "ecsTarget", {named.get(key, key): value for key, value in plain.items()}, "events", "EcsParameters"
    )
    count, tags = given.get("taskCount"), given.get("tags")
    return made | inputs.given(
        TaskCount=int(count) if count else None,
        NetworkConfiguration=awsvpc(network, "Subnets", "SecurityGroups", "AssignPublicIp"),
        Tags=tag_list(tags) if tags else None,
    )


@creates("aws:scheduler/schedule:Schedule")
def _schedule(aws: Emulator, inputs: Inputs) -> Made:
    name, group = inputs.physical_name(longest=64), inputs.take("groupName", "default")
    schedule = aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=inputs.take("scheduleExpression"),
        FlexibleTimeWindow=inputs.spelt("flexibleTimeWindow", "scheduler", "FlexibleTimeWindow"),
        Target=inputs.spelt("target", "scheduler", "Target"),
        **inputs.given(
            ScheduleExpressionTimezone=inputs.take("scheduleExpressionTimezone"),
            State=inputs.take("state"),
            Description=inputs.take("description"),
            GroupName=None if group == "default" else group,
            StartDate=inputs.take("startDate"),
            EndDate=inputs.take("endDate"),
            KmsKeyArn=inputs.take("kmsKeyArn"),
            ActionAfterCompletion=inputs.take("actionAfterCompletion"),
        ),
    )
    return Made(f"{group}/{name}", {"name": name, "arn": schedule["ScheduleArn"]})


@creates("aws:cloudwatch/eventConnection:EventConnection")
def _event_connection(aws: Emulator, inputs: Inputs) -> Made:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnection.html"""
    name, given = inputs.physical_name(longest=64), inputs.take("authParameters")
    parameters: State = {}
    if key := given.get("apiKey"):
        parameters["ApiKeyAuthParameters"] = {"ApiKeyName": key["key"], "ApiKeyValue": key["value"]}
    if basic := given.get("basic"):
        parameters["BasicAuthParameters"] = {"Username": basic["username"], "Password": basic["password"]}
    if oauth := given.get("oauth"):
        client = oauth.get("clientParameters") or {}
        parameters["OAuthParameters"] = {
            "AuthorizationEndpoint": oauth["authorizationEndpoint"],
            "HttpMethod": oauth["httpMethod"],
            **(
                {"ClientParameters": {"ClientID": client["clientId"], "ClientSecret": client["clientSecret"]}}
                if client
                else {}
            ),
            **_http_parameters("OAuthHttpParameters", oauth.get("oauthHttpParameters")),
        }
    parameters |= _http_parameters("InvocationHttpParameters", given.get("invocationHttpParameters"))
    made = aws.client("events").create_connection(
        Name=name,
        AuthorizationType=inputs.take("authorizationType"),
        AuthParameters=parameters,
        **inputs.given(Description=inputs.take("description"), KmsKeyIdentifier=inputs.take("kmsKeyIdentifier")),
    )
    return Made(name, {"name": name, "arn": made["ConnectionArn"]})


def _http_parameters(named: str, given: Mapping[str, Any] | None) -> State:
    kinds = {"bodies": "BodyParameters", "headers": "HeaderParameters", "queryStrings": "QueryStringParameters"}
    found = {
        kinds[kind]: [
            {"Key": it["key"], "Value": it["value"], "IsValueSecret": bool(it.get("isValueSecret"))} for it in some
        ]
        for kind, some in (given or {}).items()
        if some
    }
    return {named: found} if found else {}
