"""What Amazon ECS refuses of a RunTask."""

from __future__ import annotations

from typing import Any, Final

from .row import Before, Refusal

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"
SUBNETS: Final = [f"subnet-{number:017x}" for number in range(17)]
GROUPS: Final = [f"sg-{number:017x}" for number in range(6)]

FAMILY: Final[dict[str, Any]] = {
    "family": "rows",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [{"name": "job", "image": "nginx"}],
}
"""A task definition that ECS takes."""
LAUNCH: Final[dict[str, Any]] = {
    "cluster": "rows",
    "taskDefinition": "rows",
    "launchType": "FARGATE",
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": SUBNETS[:1]}},
}
"""A launch that ECS takes, once its cluster and its task definition are there."""
THERE: Final[tuple[Before, ...]] = (
    ("ecs", "CreateCluster", {"clusterName": "rows"}),
    ("ecs", "RegisterTaskDefinition", FAMILY),
)


def network(**given: Any) -> dict[str, Any]:
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": SUBNETS[:1], **given}}}


def overriding(**given: Any) -> dict[str, Any]:
    return {"overrides": {"containerOverrides": [{"name": "job", **given}]}}


UNASSOCIATED: Final = (
    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
    "cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again."
)
MIXED: Final = (
    "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate "
    "providers. Specify one or the other and try again."
)
BOTH_KINDS: Final = [{"capacityProvider": "FARGATE"}, {"capacityProvider": "instances"}]


def _with(request: dict[str, Any]) -> dict[str, Any]:
    """A launch with these parameters; None leaves one out."""
    return {key: value for key, value in {**LAUNCH, **request}.items() if value is not None}


def _of_a_launch(
    what: str,
    refuses: str,
    words: str,
    request: dict[str, Any],
    *sources: str,
    takes: dict[str, Any] | None = None,
    code: str = "InvalidParameterException",
    before: tuple[Before, ...] = THERE,
    **more: Any,
) -> Refusal:
    """A row whose example is a launch with something else in it; `takes`, what in its place is taken."""
    return Refusal(
        id=f"ecs.RunTask.{what}",
        refuses=refuses,
        code=code,
        words=words,
        sources=(*sources, API),
        request=_with(request),
        takes=None if takes is None else _with(takes),
        before=before,
        **more,
    )


ROWS: Final = (
    _of_a_launch(
        "count",
        "A call launches 1 to 10 tasks",
        "Count must be between 1 and 10.",
        {"count": 11},
        takes={"count": 10},
        seen=False,
    ),
    _of_a_launch(
        "overrides.length",
        "The overrides have at most 8,192 characters, as JSON",
        "Overrides length must be at most 8192, it is {length}.",
        overriding(command=["c" * 8150]),
        fields={"length": "8204"},
        takes=overriding(command=["c" * 8138]),
        seen=False,
    ),
    _of_a_launch(
        "clientToken",
        "A client token has at most 64 ASCII characters, from 33 to 126",
        "clientToken must be at most 64 ASCII characters from 33 to 126.",
        {"clientToken": "t" * 65},
        takes={"clientToken": "t" * 64},
        seen=False,
    ),
    _of_a_launch(
        "clientToken.used",
        "A client token that a different request has used launches nothing; the error names the tasks of that request",
        "The provided clientToken is already in use with a different RunTask request.",
        {"clientToken": "used", "count": 2},
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html",
        code="ConflictException",
        before=(*THERE, ("ecs", "RunTask", {**LAUNCH, "clientToken": "used"})),
        takes={"clientToken": "used"},
        seen=False,
    ),
    _of_a_launch(
        "startedBy.length",
        "startedBy has at most 128 characters",
        "startedBy longer than 128.",
        {"startedBy": "a" * 129},
        "https://github.com/mapbox/ecs-watchbot/issues/78",
        takes={"startedBy": "a" * 128},
    ),
    _of_a_launch(
        "startedBy.characters",
        "startedBy consists of letters, digits, and _ - /",
        "startedBy contains invalid characters.",
        {"startedBy": "a b"},
        takes={"startedBy": "Az09-_/"},
        seen=False,
    ),
    _of_a_launch(
        "subnets.none",
        "A network has at least one subnet",
        "subnets can not be empty.",
        network(subnets=[]),
        "https://github.com/getmoto/moto/blob/master/moto/ecs/models.py",
    ),
    _of_a_launch(
        "subnets.most",
        "A network has at most 16 subnets",
        "subnets can have at most 16 items.",
        network(subnets=SUBNETS),
        "https://github.com/opensearch-project/opensearch-migrations/issues/1430",
        takes=network(subnets=SUBNETS[:16]),
    ),
    _of_a_launch(
        "securityGroups.most",
        "A network has at most 5 security groups",
        "securityGroups can have at most 5 items.",
        network(securityGroups=GROUPS),
        takes=network(securityGroups=GROUPS[:5]),
        seen=False,
    ),
    _of_a_launch(
        "capacityProviderStrategy.most",
        "A strategy has at most 20 items",
        "capacityProviderStrategy can have at most 20 items.",
        {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}] * 21},
        seen=False,
    ),
    _of_a_launch(
        "launchType.strategy",
        "A launch names a launch type or a capacity provider strategy, not both",
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
        "https://github.com/terraform-linters/tflint-ruleset-aws/issues/349",
    ),
    _of_a_launch(
        "strategy.associated",
        "A strategy names only capacity providers that are associated with the cluster; a new cluster has none",
        UNASSOCIATED,
        {"launchType": None, "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},
        "https://github.com/dask/dask-cloudprovider/issues/328",
        before=(*THERE, ("ecs", "CreateCluster", {"clusterName": "rows-spot", "capacityProviders": ["FARGATE_SPOT"]})),
        takes={
            "launchType": None,
            "cluster": "rows-spot",
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
        },
    ),
    _of_a_launch(
        "strategy.mixed",
        "A strategy has capacity providers of Fargate or of Auto Scaling groups, not both",
        MIXED,
        {"launchType": None, "capacityProviderStrategy": BOTH_KINDS},
        "https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/68",
    ),
    _of_a_launch(
        "launchType.definition",
        "A task on Fargate has the network mode awsvpc, a cpu and a memory",
        "Task definition does not support launch_type FARGATE.",
        {"taskDefinition": "rows-ec2"},
        "https://github.com/oranmoshai/ecsServiceRestart/issues/2",
        before=(
            *THERE,
            (
                "ecs",
                "RegisterTaskDefinition",
                {"family": "rows-ec2", "memory": "512", "containerDefinitions": FAMILY["containerDefinitions"]},
            ),
        ),
    ),
    _of_a_launch(
        "launchType.instances",
        "Without a launch type, a strategy or a default strategy, a task runs on instances of the cluster",
        "No Container Instances were found in your cluster.",
        {"launchType": None},
        "https://github.com/aws/aws-cdk/issues/30171",
    ),
    _of_a_launch(
        "tags.aws",
        "No tag key or value begins with aws:",
        "Tag keys and values can't start with aws:, which is reserved for AWS.",
        {"tags": [{"key": "k", "value": "AWS:v"}]},
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
        takes={"tags": [{"key": "k", "value": "v"}]},
        seen=False,
    ),
    _of_a_launch(
        "cluster",
        "The cluster exists and is active",
        "Cluster not found.",
        {"cluster": "no-such-cluster"},
        "https://github.com/aws/aws-sdk-js/issues/3118",
        code="ClusterNotFoundException",
    ),
    _of_a_launch(
        "taskDefinition",
        "The task definition exists",
        "TaskDefinition not found.",
        {"taskDefinition": "no-such-family"},
        code="ClientException",
        seen=False,
    ),
    _of_a_launch(
        "taskDefinition.inactive",
        "A deregistered revision starts no task",
        "TaskDefinition is inactive",
        {"taskDefinition": "gone:1"},
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html",
        code="ClientException",
        before=(
            THERE[0],
            ("ecs", "RegisterTaskDefinition", {**FAMILY, "family": "gone"}),
            ("ecs", "DeregisterTaskDefinition", {"taskDefinition": "gone:1"}),
        ),
        seen=False,
    ),
    _of_a_launch(
        "networkConfiguration",
        "A task with the network mode awsvpc has a network configuration",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        {"networkConfiguration": {}},
        "https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/802",
    ),
    _of_a_launch(
        "overrides.container",
        "An override names a container of the task definition",
        "Override for container named {name} is not a container in the TaskDefinition.",
        {"overrides": {"containerOverrides": [{"name": "other", "command": ["c"]}]}},
        "https://github.com/azavea/django-ecsmanage/issues/21",
        fields={"name": "other"},
        takes={"overrides": {"containerOverrides": [{"name": "job", "command": ["c"]}]}},
    ),
    _of_a_launch(
        "overrides.name",
        "An override that is not empty names its container",
        "name cannot be blank.",
        {"overrides": {"containerOverrides": [{"command": ["c"]}]}},
        "https://github.com/aws/aws-sdk-go/issues/2553",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html",
        takes={"overrides": {"containerOverrides": [{}]}},
    ),
    Refusal(
        id="ecs.*.model",
        refuses="A request matches the service model of botocore: required members, enumerations, patterns, lengths "
        "and ranges",
        code="InvalidParameterException",
        words="{problems}",
        sources=("https://github.com/boto/botocore/tree/develop/botocore/data/ecs",),
        operation="RunTask",
        request={**LAUNCH, "tags": [{"key": "k" * 129, "value": "v"}]},
        fields={"problems": "tags[0].key: 129 characters, at most 128"},
        takes={**LAUNCH, "tags": [{"key": "k" * 128, "value": "v" * 256}]},
        before=THERE,
        seen=False,
    ),
    Refusal(
        id="ecs.*.body",
        refuses="The body of a request is JSON",
        code="SerializationException",
        words="The request body is not JSON.",
        sources=("https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html",),
        operation="RunTask",
        request=LAUNCH,
        body=b"{",
        seen=False,
    ),
)
