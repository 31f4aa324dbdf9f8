"""What AWS assigns to a resource that does not exist yet, made up from its name: the form is AWS's, the account is that
of AWS's documentation. Two resources that name each other are so joined; nothing else depends on the values."""

from __future__ import annotations

from typing import Any, Final

from fargate_job_launcher.handler.partitions import partition_of, service_host

from .declared import ACCOUNT, REGION

_FORMS: Final = {
    **{
        f"aws:iam/{it}:{it[:1].upper()}{it[1:]}": f"arn:aws:iam::{{account}}:{it}/{{name}}"
        for it in ("role", "user", "group", "policy")
    },
    "aws:iam/instanceProfile:InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
    "aws:ecs/cluster:Cluster": "arn:aws:ecs:{region}:{account}:cluster/{name}",
    "aws:ecs/taskDefinition:TaskDefinition": "arn:aws:ecs:{region}:{account}:task-definition/{name}:1",
    "aws:ecs/service:Service": "arn:aws:ecs:{region}:{account}:service/{name}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:lambda/alias:Alias": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:sqs/queue:Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:sfn/stateMachine:StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{name}",
    "aws:scheduler/schedule:Schedule": "arn:aws:scheduler:{region}:{account}:schedule/default/{name}",
    "aws:secretsmanager/secret:Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws:ecr/repository:Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
}
"""Type → the form of its ARN. https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""
_ID_IS_ARN: Final = (
    *("aws:iam/policy:Policy", "aws:ecs/cluster:Cluster", "aws:ecs/service:Service"),
    *("aws:sfn/stateMachine:StateMachine", "aws:sns/topic:Topic", "aws:secretsmanager/secret:Secret"),
)


def assigned(kind: str, name: str, *, account: str = ACCOUNT, region: str = REGION) -> dict[str, Any]:
    """`arn`, `id` and, where there is one, `url` and `invoke_arn` of a resource of this name."""
    service = f"{kind}::".split(":")[1].partition("/")[0] or "aws"
    form = _FORMS.get(kind, f"arn:aws:{service}:{{region}}:{{account}}:{kind.rpartition(':')[2].lower()}/{{name}}")
    arn = form.format(account=account, region=region, name=name)
    made: dict[str, Any] = {"arn": arn, "name": name, "id": arn if kind in _ID_IS_ARN else name}
    if kind == "aws:sqs/queue:Queue":
        url = f"https://{service_host('sqs', region, partition_of(region).name)}/{account}/{name}"
        made |= {"url": url, "id": url}
    if kind == "aws:lambda/function:Function":
        prefix = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions"
        made |= {"invoke_arn": f"{prefix}/{arn}/invocations", "qualified_arn": f"{arn}:1"}
    return made
