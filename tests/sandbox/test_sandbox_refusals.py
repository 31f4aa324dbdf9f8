"""What AWS refuses and the emulator takes: the sandbox refuses it, with AWS's own codes."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.rows.schedules import assumable

JOB: dict[str, Any] = {"name": "job", "image": "nginx"}
MOUNT = {"sourceVolume": "v", "containerPath": "/data"}
FAMILY: dict[str, Any] = {
    "family": "f",
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [JOB],
}
SUBNETS = [f"subnet-{number:017x}" for number in range(17)]
GROUPS = [f"sg-{number:017x}" for number in range(6)]
PROVIDERS = [{"capacityProvider": "FARGATE"}] * 21
FARGATE = ["FARGATE", "FARGATE_SPOT"]
TAGS = [{"key": f"tag-{number}", "value": "v"} for number in range(51)]


@pytest.fixture(scope="module")
def aws(emulator: Emulator) -> Iterator[Emulator]:
    """With a cluster and a task definition to launch."""
    ecs = emulator.client("ecs")
    ecs.create_cluster(clusterName="refusing", capacityProviders=["FARGATE"])
    ecs.register_task_definition(**FAMILY)
    bridged = {**FAMILY, "family": "bridged", "networkMode": "bridge", "requiresCompatibilities": ["EC2"]}
    ecs.register_task_definition(**bridged)
    yield emulator
    delete_cluster(emulator, "refusing")


def delete_cluster(aws: Emulator, name: str) -> None:
    """Delete a cluster, which ECS does once its tasks have stopped."""
    ecs, deadline = aws.client("ecs"), time.monotonic() + 60
    for task in ecs.list_tasks(cluster=name)["taskArns"]:
        ecs.stop_task(cluster=name, task=task)
    while True:
        stopped = ecs.list_tasks(cluster=name, desiredStatus="STOPPED")["taskArns"]
        tasks = ecs.describe_tasks(cluster=name, tasks=stopped)["tasks"] if stopped else []
        if all(it["lastStatus"] == "STOPPED" for it in tasks) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    ecs.delete_cluster(cluster=name)


def run_task(aws: Emulator, **more: Any) -> Any:
    network = {"awsvpcConfiguration": {"subnets": SUBNETS[:1]}}
    asked = {"cluster": "refusing", "taskDefinition": "f", "networkConfiguration": network, **more}
    if "capacityProviderStrategy" not in more:
        asked = {"launchType": "FARGATE", **asked}
    # A client of boto3's own: the sandbox's would check the request by the service model before it sends it.
    make: Any = boto3.client
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    given = {key: value for key, value in asked.items() if value is not None}
    return make("ecs", endpoint_url=aws.endpoint, region_name=aws.region, **keys).run_task(**given)


def network(**given: Any) -> dict[str, Any]:
    return {"networkConfiguration": {"awsvpcConfiguration": {"subnets": SUBNETS[:1], **given}}}


def overrides(**given: Any) -> dict[str, Any]:
    return {"overrides": {"containerOverrides": [given]}}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (network(subnets=[]), "subnets can not be empty."),
        (network(subnets=SUBNETS), "subnets can have at most 16 items."),
        (network(securityGroups=GROUPS), "securityGroups can have at most 5 items."),
        ({"capacityProviderStrategy": PROVIDERS}, "capacityProviderStrategy can have at most 20 items."),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with "
            "the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and "
            "try again.",
        ),
        (
            {"capacityProviderStrategy": PROVIDERS[:1], "launchType": "FARGATE"},
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            {"capacityProviderStrategy": [*PROVIDERS[:1], {"capacityProvider": "instances"}]},
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and",
        ),
        ({"launchType": None}, "No Container Instances were found in your cluster."),
        ({"launchType": "EC2"}, "No Container Instances were found in your cluster."),
        (
            {"taskDefinition": "bridged", "networkConfiguration": None},
            "Task definition does not support launch_type FARGATE.",
        ),
        ({"startedBy": "a" * 129}, "startedBy longer than 128."),
        ({"startedBy": "a b"}, "startedBy contains invalid characters."),
        ({"startedBy": "ä"}, "startedBy contains invalid characters."),
        ({"tags": TAGS}, "tags: 51 items, at most 50"),
        ({"tags": [{"key": "k" * 129}]}, "tags[0].key: 129 characters, at most 128"),
        ({"tags": [{"key": "k", "value": "v" * 257}]}, "tags[0].value: 257 characters, at most 256"),
        ({"tags": [{"key": "aws:k", "value": "v"}]}, "Tag keys and values can't start with aws:, which is reserved"),
        ({"tags": [{"key": "k", "value": "AWS:v"}]}, "Tag keys and values can't start with aws:, which is reserved"),
        (overrides(name="j"), "Override for container named j is not a container in the TaskDefinition."),
        (overrides(command=["c"]), "name cannot be blank."),
        ({"count": 11}, "Count must be between 1 and 10."),
        ({"clientToken": "ü"}, "clientToken must be at most 64 ASCII characters"),
    ],
)  # fmt: skip
def test_run_task_refuses_what_ecs_refuses(aws: Emulator, request_: dict[str, Any], said: str) -> None:
    before = aws.client("ecs").list_tasks(cluster="refusing")["taskArns"]
    with pytest.raises(ClientError) as refused:
        run_task(aws, **request_)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    assert said in refused.value.response["Error"]["Message"]
    assert aws.client("ecs").list_tasks(cluster="refusing")["taskArns"] == before


def test_run_task_takes_as_much_as_ecs_does(aws: Emulator) -> None:
    started = "Az09-_/" + "a" * 121
    (task,) = run_task(
        aws,
        **network(subnets=SUBNETS[:16], securityGroups=GROUPS[:5]),
        **overrides(name="job", command=["c"]),
        capacityProviderStrategy=PROVIDERS[:20],
        startedBy=started,
        tags=[{"key": "k" * 128, "value": "v" * 256}, *TAGS[:49]],
    )["tasks"]
    assert task["startedBy"] == started
    # An empty override is one: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html
    assert len(run_task(aws, overrides={"containerOverrides": [{}]})["tasks"]) == 1


def test_a_cluster_takes_the_default_strategy_that_it_can_have_and_launches_by_it(aws: Emulator) -> None:
    ecs, providers = aws.client("ecs"), [*FARGATE, "instances"]
    ecs.create_cluster(clusterName="strategic")
    for strategy, said in (
        (["FARGATE", "instances"], "A capacity provider strategy cannot contain a mix of"),
        (["other"], "a capacity provider that is not associated with the cluster"),
    ):
        items = [{"capacityProvider": it} for it in strategy]
        with pytest.raises(ClientError, match=said):
            ecs.put_cluster_capacity_providers(
                cluster="strategic", capacityProviders=providers, defaultCapacityProviderStrategy=items
            )
    ecs.put_cluster_capacity_providers(
        cluster="strategic",
        capacityProviders=providers,
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}],
    )
    (by_default,) = run_task(aws, cluster="strategic", launchType=None)["tasks"]
    (on_demand,) = run_task(aws, cluster="strategic")["tasks"]
    assert (by_default["capacityProviderName"], on_demand.get("capacityProviderName")) == ("FARGATE_SPOT", None)
    assert by_default["launchType"] == on_demand["launchType"] == "FARGATE"
    delete_cluster(aws, "strategic")


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"containerDefinitions": []}, "Container list cannot be empty."),
        ({"containerDefinitions": [{**JOB, "image": ""}]}, "Container.image should not be null or empty."),
        ({"containerDefinitions": [{"image": "nginx"}]}, "Container.name should not be null or empty."),
        ({"containerDefinitions": [JOB, JOB]}, "Container names must be unique within a Task Definition."),
        (
            {"containerDefinitions": [{**JOB, "essential": False}]},
            "Task definition doesn't have any essential container.",
        ),
        ({"containerDefinitions": [{**JOB, "mountPoints": [MOUNT]}]}, "Unknown volume 'v'."),
        (
            {
                "containerDefinitions": [{**JOB, "mountPoints": [MOUNT, {**MOUNT, "sourceVolume": "w"}]}],
                "volumes": [{"name": "v"}, {"name": "w"}],
            },
            "containerPath values aren't unique across mountPoints.",
        ),
        (
            {"containerDefinitions": [{**JOB, "memory": 513}]},
            "The 'memory' setting for container 'job' is greater than for the task.",
        ),
        (
            {"containerDefinitions": [{**JOB, "cpu": 200}, {"name": "b", "image": "b", "cpu": 57}]},
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        ),
        ({"cpu": "a lot"}, "Invalid 'cpu' setting for task."),
        ({"memory": "4096"}, "No Fargate configuration exists for given values: 256 CPU, 4096 memory."),
        ({"cpu": "0.5 vCPU"}, "No Fargate configuration exists for given values: 512 CPU, 512 memory."),
        (
            {"requiresCompatibilities": ["EC2"], "memory": ""},
            "Invalid setting for container 'job'. At least one of 'memory' or 'memoryReservation' must be specified.",
        ),
        ({"tags": [{"key": "aws:k", "value": "v"}]}, "Tag keys and values can't start with aws:, which is reserved"),
    ],
)  # fmt: skip
def test_a_task_definition_that_ecs_refuses_is_refused(aws: Emulator, definition: dict[str, Any], said: str) -> None:
    ecs = aws.client("ecs")
    with pytest.raises(ClientError) as refused:
        ecs.register_task_definition(**{**FAMILY, "family": "refused", **definition})
    assert refused.value.response["Error"]["Code"] == "ClientException"
    assert said in refused.value.response["Error"]["Message"]
    assert ecs.list_task_definitions(familyPrefix="refused")["taskDefinitionArns"] == []


@pytest.mark.parametrize("missing", ["cpu", "memory"])
def test_a_task_on_fargate_has_a_size(aws: Emulator, missing: str) -> None:
    definition = {key: it for key, it in FAMILY.items() if key != missing}
    with pytest.raises(ClientError, match=f"Fargate requires that '{missing}' be defined at the task level"):
        aws.client("ecs").register_task_definition(**definition)


def test_a_task_definition_that_just_fits_is_taken(aws: Emulator) -> None:
    job = {**JOB, "cpu": 200, "memory": 2048, "mountPoints": [MOUNT, {**MOUNT, "containerPath": "/more"}]}
    aws.client("ecs").register_task_definition(
        family="fits",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu=".25 vCPU",
        memory="2 GB",
        containerDefinitions=[job, {"name": "b", "image": "b", "cpu": 56, "essential": False}],
        volumes=[{"name": "v"}],
    )
    aws.client("ecs").register_task_definition(family="ec2", containerDefinitions=[{**JOB, "memoryReservation": 64}])


@pytest.fixture(autouse=True)
def role_of_schedules(aws: Emulator) -> None:
    """The role `r`, which Scheduler can assume."""
    service, operation, request = assumable("r")
    client: Any = aws.client(service)
    with contextlib.suppress(client.exceptions.EntityAlreadyExistsException):
        assert operation == "CreateRole"
        client.create_role(**request)


def schedule(aws: Emulator, name: str, expression: str, zone: str = "UTC") -> None:
    role = f"arn:aws:iam::{aws.account}:role/r"
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:lambda:{aws.region}:{aws.account}:function:f", "RoleArn": role},
        State="DISABLED",
    )


@pytest.mark.parametrize(
    ("expression", "by_rules", "by_scheduler"),
    [
        ("cron(0 3 * * ? *)", True, True),
        ("cron(0/15 8-17 ? JAN-mar MON,WED 2026/2)", True, True),
        ("cron(0 3 LW * ? *)", True, True),
        ("cron(0 3 3W * ? *)", True, True),
        ("cron(0 3 ? * 6L *)", True, True),
        ("cron(0 3 ? * FRI#2 *)", True, True),
        ("rate(1 minute)", True, True),
        ("rate(2 hours)", True, True),
        ("rate(1 minutes)", False, True),
        ("rate(2 day)", False, False),
        ("at(2036-01-31T03:00:00)", False, True),
        ("at(2036-02-30T03:00:00)", False, False),
        ("rate(0 minutes)", False, False),
        ("rate(1.5 hours)", False, False),
        ("rate(1 week)", False, False),
        ("cron(0 3 * * ?)", False, False),
        ("cron(0 3 * * * *)", False, False),
        ("cron(0 3 ? * ? *)", False, False),
        ("cron(60 3 * * ? *)", False, False),
        ("cron(*/60 3 * * ? *)", False, False),
        ("cron(0 3 32W * ? *)", False, False),
        ("cron(0 3 ? * 8#1 *)", False, False),
        ("cron(0 3 ? * FRO *)", False, False),
        ("cron(0 3 * 13 ? *)", False, False),
        ("every day", False, False),
    ],
)
def test_a_schedule_is_taken_or_refused_as_aws_does(
    aws: Emulator, expression: str, by_rules: bool, by_scheduler: bool
) -> None:
    events, scheduler = aws.client("events"), aws.client("scheduler")
    if by_rules:
        events.put_rule(Name="r", ScheduleExpression=expression, State="DISABLED")
        events.delete_rule(Name="r")
    else:
        with pytest.raises(events.exceptions.ClientError) as refused:
            events.put_rule(Name="r", ScheduleExpression=expression)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert refused.value.response["Error"]["Message"] == "Parameter ScheduleExpression is not valid."
    if by_scheduler:
        schedule(aws, "s", expression)
        scheduler.delete_schedule(Name="s")
    else:
        with pytest.raises(scheduler.exceptions.ValidationException, match="Invalid Schedule Expression "):
            schedule(aws, "s", expression)
        assert scheduler.list_schedules()["Schedules"] == []


def test_a_time_zone_that_scheduler_does_not_know_is_refused_at_a_change_too(aws: Emulator) -> None:
    scheduler = aws.client("scheduler")
    for zone in ("Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"):
        schedule(aws, "s", "rate(1 day)", zone)
        scheduler.delete_schedule(Name="s")
    with pytest.raises(scheduler.exceptions.ValidationException, match="Europe/Berln"):
        schedule(aws, "s", "rate(1 day)", "Europe/Berln")
    schedule(aws, "s", "rate(1 day)")
    found = scheduler.get_schedule(Name="s")
    kept = {key: found[key] for key in ("Name", "FlexibleTimeWindow", "Target", "ScheduleExpression")}
    with pytest.raises(scheduler.exceptions.ValidationException, match="Europe/Berln"):
        scheduler.update_schedule(**kept, ScheduleExpressionTimezone="Europe/Berln")
    with pytest.raises(scheduler.exceptions.ValidationException, match=r"rate\(0 days\)"):
        scheduler.update_schedule(**{**kept, "ScheduleExpression": "rate(0 days)"})
    scheduler.delete_schedule(Name="s")


def test_iam_is_asked_about_each_task_that_a_request_names(aws: Emulator) -> None:
    mine, other = (f"arn:aws:ecs:{aws.region}:{aws.account}:task/refusing/{number:032x}" for number in (1, 2))
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="describes-one", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": mine}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="describes-one", PolicyName="only", PolicyDocument=policy)
    ecs = aws.client("ecs", role_arn=role)
    assert ecs.describe_tasks(cluster="refusing", tasks=[mine])["failures"][0]["reason"] == "MISSING"
    for tasks in ([mine, other], [other, mine], [mine, mine.replace(f"{1:032x}", "3")], ["1", f"{1:032x}"]):
        with pytest.raises(ClientError) as refused:
            ecs.describe_tasks(cluster="refusing", tasks=tasks)
        error: Any = refused.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        (denied,) = (it for it in tasks if it not in (mine, f"{1:032x}"))
        assert (
            f"perform: ecs:DescribeTasks on resource: {denied if ':' in denied else mine[:-32] + denied}"
            in error["Message"]
        )
    asked = [
        it["resource"]
        for it in aws.calls()
        if it.get("action") == "ecs:DescribeTasks" and "describes-one" in it["principal"]
    ]
    assert asked[:3] == [mine, mine, other]
