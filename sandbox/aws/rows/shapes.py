"""How AWS answers a request that it accepts, where an emulator answers differently. ../tasks/lifecycle.py,
../tasks/tokens.py and ../asynchronous.py implement this.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from ..admission import admitting
from ..tasks.run import Run
from .row import Shape
from .run_task import FAMILY, LAUNCH

if TYPE_CHECKING:
    from ..server import Emulator

SECONDS: Final = 60
"""How long a check waits for a task's end."""

CODES: Final = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"
IDEMPOTENCY: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html"
LIFECYCLE: Final = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html"

Checked = tuple[Any, Any]
"""The sandbox's answer, and AWS's."""


def _launched(aws: Emulator, family: str, *runs: Run, **more: Any) -> dict[str, Any]:
    """A new task of this family."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="rows")
    ecs.register_task_definition(**{**FAMILY, "family": family})
    if runs:
        aws.script(family, *runs)
    return ecs.run_task(**{**LAUNCH, "taskDefinition": family, **more})["tasks"][0]


def _ended(aws: Emulator, task: dict[str, Any]) -> dict[str, Any]:
    """The task after it has stopped, or as it is after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while True:
        (found,) = aws.client("ecs").describe_tasks(cluster="rows", tasks=[task["taskArn"]])["tasks"]
        if found["lastStatus"] == "STOPPED" or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _unknown_task(aws: Emulator) -> Checked:
    arn = f"arn:aws:ecs:{aws.region}:{aws.account}:task/rows/{'0' * 32}"
    aws.client("ecs").create_cluster(clusterName="rows")
    answered = aws.client("ecs").describe_tasks(cluster="rows", tasks=[arn])
    return (answered["tasks"], answered["failures"]), ([], [{"arn": arn, "reason": "MISSING"}])


def _unknown_cluster(aws: Emulator) -> Checked:
    arn = f"arn:aws:ecs:{aws.region}:{aws.account}:cluster/nowhere"
    answered = aws.client("ecs").describe_clusters(clusters=["nowhere"])
    return (answered["clusters"], answered["failures"]), ([], [{"arn": arn, "reason": "MISSING"}])


def _begins(aws: Emulator) -> Checked:
    task = _launched(aws, "rows-begins")
    shown = task["lastStatus"], task["desiredStatus"], task.get("startedAt")
    return shown, ("PROVISIONING", "RUNNING", None)


def _ends(aws: Emulator) -> Checked:
    task = _ended(aws, _launched(aws, "rows-ends", Run(exit_code=3, seconds=0)))
    shown = task["lastStatus"], task["stopCode"], task["containers"][0].get("exitCode")
    return shown, ("STOPPED", "EssentialContainerExited", 3)


def _never_starts(aws: Emulator) -> Checked:
    run = Run(exit_code=None, stop_code="TaskFailedToStart", reason="CannotPullContainerError: not found")
    task = _ended(aws, _launched(aws, "rows-never", run))
    shown = task["stopCode"], task["containers"][0].get("exitCode"), task.get("startedAt")
    return shown, ("TaskFailedToStart", None, None)


def _stopped_by_a_caller(aws: Emulator) -> Checked:
    task = _launched(aws, "rows-stopped", Run(seconds=SECONDS))
    aws.client("ecs").stop_task(cluster="rows", task=task["taskArn"], reason="enough")
    found = _ended(aws, task)
    return (found["stopCode"], found["stoppedReason"]), ("UserInitiated", "enough")


def _same_token(aws: Emulator) -> Checked:
    asked = {"clientToken": "rows-same", "taskDefinition": "rows-same", "count": 2}
    first = _launched(aws, "rows-same", **{**asked, "taskDefinition": "rows-same"})
    again = aws.client("ecs").run_task(**{**LAUNCH, **asked})["tasks"]
    return (first["taskArn"], len(again)), (again[0]["taskArn"], 2)


def _events(aws: Emulator, name: str, **more: Any) -> list[dict[str, Any]]:
    """The details of the events of a task with this startedBy that ends at once, as a queue receives them."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": {"startedBy": [name]}}
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": admitting(arn, rule)})
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    _ended(aws, _launched(aws, name, Run(seconds=0), startedBy=name, **more))
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + SECONDS
    while not any(it["lastStatus"] == "STOPPED" for it in seen) and time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            seen.append(json.loads(message["Body"])["detail"])
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)
    return seen


def _event(aws: Emulator) -> Checked:
    """The states that the events of one task tell."""
    seen = _events(aws, "rows-event", tags=[{"key": "customer", "value": "c"}])
    return (
        ({it["lastStatus"] for it in seen}, any("tags" in it for it in seen)),
        ({"PROVISIONING", "PENDING", "RUNNING", "STOPPED"}, False),
    )


MOMENTS: Final = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "stoppedAt")


def _members(aws: Emulator) -> Checked:
    """What the first and the last event of a task have of the members that a reader of events goes by."""
    seen = {
        it["lastStatus"]: it for it in _events(aws, "rows-members", overrides={"ephemeralStorage": {"sizeInGiB": 30}})
    }
    first, last = seen["PROVISIONING"], seen["STOPPED"]
    shown = (
        [it for it in MOMENTS if it in first],
        [it for it in MOMENTS if it in last],
        sorted(last[it] for it in MOMENTS) == [last[it] for it in MOMENTS],
        {it: last[it] for it in ("group", "launchType", "stopCode", "ephemeralStorage", "cpu", "memory")},
        last["overrides"]["containerOverrides"],
        [(it["name"], it["lastStatus"], it["exitCode"]) for it in last["containers"]],
        [it for it in ("stopCode", "stoppedReason", "capacityProviderName", "containerInstanceArn") if it in first],
        first["version"] < last["version"],
    )
    sizes = {"cpu": "256", "memory": "512", "ephemeralStorage": {"sizeInGiB": 30}}
    ended = {"group": "family:rows-members", "launchType": "FARGATE", "stopCode": "EssentialContainerExited"}
    said = [{"name": "job"}], [("job", "STOPPED", 0)]
    return shown, (["createdAt"], list(MOMENTS), True, {**ended, **sizes}, *said, [], True)


def _unmounted(aws: Emulator) -> Checked:
    """A task with an EFS volume in a zone without a mount target, and one in the zone with the mount target."""
    ec2, efs, ecs = aws.client("ec2"), aws.client("efs"), aws.client("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"{aws.region}{zone}")
        for number, zone in enumerate("ab")
    ]
    without, there = (it["Subnet"]["SubnetId"] for it in subnets)
    files = efs.create_file_system(CreationToken="rows-files")["FileSystemId"]
    efs.create_mount_target(FileSystemId=files, SubnetId=there)
    ecs.create_cluster(clusterName="rows")
    volume = {"name": "files", "efsVolumeConfiguration": {"fileSystemId": files}}
    ecs.register_task_definition(**{**FAMILY, "family": "rows-files", "volumes": [volume]})

    def ended(subnet: str) -> dict[str, Any]:
        network = {"awsvpcConfiguration": {"subnets": [subnet]}}
        asked = {**LAUNCH, "taskDefinition": "rows-files", "networkConfiguration": network}
        return _ended(aws, ecs.run_task(**asked)["tasks"][0])

    refused, mounted = ended(without), ended(there)
    name = f"{files}.efs.{aws.region}.amazonaws.com"
    words = (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to "
        f'resolve "{name}" - check that your file system ID is correct, and ensure that the VPC has an EFS mount '
        "target for this file system ID. See https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail. "
        "Attempting to lookup mount target ip address using botocore. Failed to import necessary dependency botocore, "
        "please install botocore first. : unsuccessful EFS utils command execution; code: 1"
    )
    return (
        (refused["stopCode"], refused["stoppedReason"], refused.get("startedAt"), mounted["stopCode"]),
        ("TaskFailedToStart", words, None, "EssentialContainerExited"),
    )


ROWS: Final = (
    Shape(
        "ecs.RunTask.volumes.unmounted",
        "A task whose EFS file system has no mount target in its zone is launched and fails to start",
        (
            "https://github.com/aws/copilot-cli/issues/5419",
            "https://github.com/rileydakota/valheim-ecs-fargate-cdk/issues/28",
            "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html",
        ),
        _unmounted,
    ),
    Shape(
        "ecs.DescribeTasks.missing",
        "For a task that ECS does not know, the answer has a failure with the reason MISSING, not an error",
        ("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html",),
        _unknown_task,
    ),
    Shape(
        "ecs.DescribeClusters.missing",
        "For a cluster that ECS does not know, the answer has a failure with the reason MISSING, not an error",
        ("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html",),
        _unknown_cluster,
    ),
    Shape(
        "ecs.RunTask.begins",
        "A task on Fargate is PROVISIONING when RunTask answers, and has not started",
        (LIFECYCLE,),
        _begins,
    ),
    Shape(
        "ecs.RunTask.ends",
        "A task stops when its essential container has ended, and shows that container's exit code",
        (LIFECYCLE, CODES),
        _ends,
    ),
    Shape(
        "ecs.RunTask.never_starts",
        "A task that fails before it runs has the stop code TaskFailedToStart and no exit code",
        (CODES, "https://github.com/apache/airflow/issues/52943"),
        _never_starts,
    ),
    Shape(
        "ecs.StopTask.reason",
        "A task that a caller stops has the stop code UserInitiated and the caller's reason",
        (CODES,),
        _stopped_by_a_caller,
    ),
    Shape(
        "ecs.RunTask.clientToken.again",
        "The same request with the same client token gets the same answer and launches no further task",
        (IDEMPOTENCY,),
        _same_token,
    ),
    Shape(
        "ecs.RunTask.clientToken.lifetime",
        "A client token is known for 24 hours, or until one hour after its last task has stopped, if that is sooner",
        (IDEMPOTENCY,),
        held_by="sandbox/test_sandbox_tokens.py::test_a_token_is_known_for_an_hour_after_the_last_of_its_tasks",
    ),
    Shape(
        "ecs.DescribeTasks.forgets",
        "A stopped task is shown for at least one hour; a caller cannot rely on more",
        ("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html",),
        held_by="sandbox/test_sandbox_tokens.py::test_a_stopped_task_is_shown_for_an_hour",
    ),
    Shape(
        "ecs.RunTask.event",
        "Each state of a task sends an event, ECS Task State Change, without the task's tags",
        ("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html",),
        _event,
    ),
    Shape(
        "ecs.RunTask.event.members",
        "An event names the family as the task's group, and each moment and size of the task once it has them",
        (
            "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html",
            "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html",
        ),
        _members,
    ),
    Shape(
        "ecs.RunTask.family",
        "The name of a family is resolved to its newest revision before the request is authorized",
        ("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_service-with-iam.html",),
        held_by="components/test_permissions.py::test_a_family_name_is_resolved_to_its_revision_before_it_is_authorized",
    ),
    Shape(
        "lambda.Invoke.asynchronous",
        "An asynchronous event is delivered up to three times, then goes to the failure destination",
        ("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",),
        held_by="handler/test_runs.py::test_a_launcher_that_is_down_for_a_while_loses_nothing",
    ),
    Shape(
        "lambda.PutFunctionConcurrency.zero",
        "If the reserved concurrency is 0, an asynchronous event goes to the failure destination at once",
        ("https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",),
        held_by="handler/test_runs.py::test_functions_that_do_not_run_for_a_while_lose_nothing",
    ),
    Shape(
        "events.PutTargets.dead_letters",
        "An event that a rule or a schedule cannot deliver goes to the dead-letter queue of its target",
        ("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",),
        held_by="handler/test_runs.py::test_an_end_that_does_not_reach_the_supervisor_is_kept_and_can_be_dealt_with_later",
    ),
    Shape(
        "events.PutPermission.policy",
        "A whole policy given for a bus becomes the bus's policy, and admits nobody else",
        ("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html",),
        held_by="sandbox/test_wire.py::test_a_policy_of_a_bus_that_is_given_as_a_whole_is_the_policy",
    ),
    Shape(
        "events.PutRule.bus",
        "A request names a rule's bus by its name or by its ARN",
        ("https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",),
        held_by="sandbox/test_wire.py::test_a_bus_is_named_by_its_name_or_by_its_arn",
    ),
    Shape(
        "scheduler.CreateSchedule.context",
        "Scheduler fills in <aws.scheduler.scheduled-time> and similar attributes in a target's input",
        ("https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html",),
        held_by="sandbox/test_sandbox_triggers.py::test_a_schedule",
    ),
    Shape(
        "scheduler.CreateSchedule.once",
        "The time of a schedule that runs once is in its own zone, and ActionAfterCompletion deletes the schedule then",
        ("https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",),
        held_by="operate/test_operate_schedules.py::test_a_launch_at_a_later_time_is_made_at_that_time_and_only_once",
    ),
)
