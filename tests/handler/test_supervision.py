"""Supervision end to end in the sandbox: the tests check the contents of tasks, queues and topics."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from fargate_job_launcher.sandbox.engine.deployment import Resource
from fargate_job_launcher.sandbox.engine.jobs import launch
from fargate_job_launcher.sandbox.proof.attacks import supervisor_attacks
from fargate_job_launcher.sandbox.proof.calls import consequences
from fargate_job_launcher.sandbox.proof.facts import Facts, Role, read, read_role
from fargate_job_launcher.sandbox.proof.needs import supervisor_needs
from fargate_job_launcher.sandbox.proof.supervised import mailbox

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster
cluster = JobCluster("c", {})
usual = {
    "image": "nginx",
    "cluster_arn": cluster.cluster_arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "overrides": {"environment": ["A"], "payload": True, "max_count": 3, "tags": ["customer"]},
    "supervision": {"retries": 2, "max_runtime_minutes": 1},
    "capacity": "spot_then_on_demand",
}
FargateJobLauncher("job", usual)
FargateJobLauncher("away", usual)
FargateJobLauncher("few", {**usual, "max_running": 3, "function": {"reserved_concurrency": 1}, "queue": {}})
FargateJobLauncher("crowd", {**usual, "max_running": 3})
FargateJobLauncher("down", {
    **usual, "queue": {}, "event_rule": {"pattern": '{"source": ["bank"]}', "as_payload": True},
})
FargateJobLauncher("many", {
    **usual,
    "queue": {},
    "schedule": {"expression": "rate(1 minute)", "event": '{"environment": {"A": "scheduled"}}'},
    "event_rule": {"pattern": '{"source": ["shop"]}', "as_payload": True},
    "alarms": {"dashboard": True, "max_job_minutes": 30},
})
"""


@dataclass
class Job:
    """A deployed job, and its tasks and notices in AWS."""

    aws: Emulator
    launcher: Resource
    mail: str
    """URL of a queue that is subscribed to the job's topic."""

    def script(self, *runs: Run) -> None:
        self.aws.script(f"other-dev-{self.launcher.name}", *runs)

    def launch(self, **event: Any) -> str:
        """Launch; the beginning of the tasks' startedBy."""
        result: dict[str, Any] = launch(self.aws, self.launcher, event).result
        return result["startedBy"]

    def tasks(self, started_by: str) -> list[dict[str, Any]]:
        ecs, cluster = self.aws.client("ecs"), self.aws.client("ecs").list_clusters()["clusterArns"][0]
        # A task that stops between the two lists is in both.
        arns = sorted(
            {
                arn
                for status in ("RUNNING", "STOPPED")
                for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
                for arn in page["taskArns"]
            }
        )
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):
            found += ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
        return sorted((it for it in found if it["startedBy"].startswith(started_by)), key=lambda it: it["startedBy"])

    def ended(self, started_by: str, count: int) -> list[dict[str, Any]]:
        """The tasks of a launch, after all of them have stopped."""
        eventually(
            lambda: [it["lastStatus"] for it in self.tasks(started_by)] == ["STOPPED"] * count,
            lambda: str([(it["startedBy"], it["lastStatus"]) for it in self.tasks(started_by)]),
        )
        return self.tasks(started_by)

    def notices(self, wanted: int, *about: str) -> list[dict[str, Any]]:
        """The notices about these launches: after the wanted number has come, and a moment more for others."""
        found: list[dict[str, Any]] = []

        def receive() -> None:
            sqs = self.aws.client("sqs")
            while messages := sqs.receive_message(QueueUrl=self.mail, MaxNumberOfMessages=10).get("Messages", []):
                take(sqs, messages)

        def take(sqs: Any, messages: list[dict[str, Any]]) -> None:
            for message in messages:
                sqs.delete_message(QueueUrl=self.mail, ReceiptHandle=message["ReceiptHandle"])
                notice = json.loads(message["Body"])
                found.append(
                    {"subject": notice["Subject"], **json.loads(notice["Message"].partition("\n\n{")[2].join("{ "))}
                )

        def received() -> bool:
            receive()
            return len([it for it in found if it["startedBy"].startswith(about)]) >= wanted

        eventually(received)
        time.sleep(0.5)
        receive()
        return [it for it in found if it["startedBy"].startswith(about)]


def eventually(true: Callable[[], bool], state: Callable[[], str] = lambda: "", seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true in time: {state()}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Job]]:
    stack = program(tmp_path_factory.mktemp("program"), SOURCE)
    with Emulator(region="eu-west-1") as aws:
        deployment = deploy(stack, aws)
        found: dict[str, Job] = {}
        for name, launcher in deployment.launchers.items():
            topic = launcher.outputs["notice_topic_arn"]
            mail = mailbox(aws, topic, f"mail-{name}")
            found[name] = Job(aws, launcher, mail)
        # This job needs a minute, during which the other tests run.
        found["away"].script(quick(seconds=600), quick(seconds=600, started_minutes_ago=5))
        found["away"].launch()
        aws.client("ecs").run_task(
            launchType="FARGATE",
            cluster=aws.client("ecs").list_clusters()["clusterArns"][0],
            taskDefinition=found["away"].launcher.outputs["task_definition_arn"],
            startedBy="somebody",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
        )
        yield found


def quick(exit_code: int | None = 0, **more: Any) -> Run:
    fields: dict[str, Any] = {"seconds": 0.1, **more}
    return Run(exit_code, **fields)


NEVER = quick(None, stop_code="TaskFailedToStart", reason="CannotPullContainerError: pull access denied")


def test_a_job_that_fails_twice_and_then_works_is_launched_three_times_with_the_same_overrides(
    jobs: dict[str, Job],
) -> None:
    job = jobs["job"]
    job.script(quick(1), quick(137), quick(0))
    origin = job.launch(environment={"A": "x"}, payload={"k": 1}, tags={"customer": "c"})
    tasks = job.ended(origin, 3)
    assert [it["startedBy"] for it in tasks] == [origin, f"{origin}/1", f"{origin}/2"]
    assert [it["containers"][0]["exitCode"] for it in tasks] == [1, 137, 0]
    assert tasks[0]["overrides"] == tasks[1]["overrides"] == tasks[2]["overrides"]
    ecs = job.aws.client("ecs")
    for task in tasks:
        tags = ecs.list_tags_for_resource(resourceArn=task["taskArn"])["tags"]
        assert {"key": "customer", "value": "c"} in tags
    assert job.notices(0, origin) == []


def test_a_job_that_keeps_failing_causes_one_notice_in_words(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(*[quick(1)] * 2, quick(137, container_reason="OutOfMemoryError: Container killed due to memory usage"))
    origin = job.launch()
    tasks = job.ended(origin, 3)
    (notice,) = job.notices(1, origin)
    assert notice["subject"] == "job: failed"
    assert notice["reason"] == "it ended with exit code 137: it ran out of memory"
    assert (notice["attempts"], notice["exitCode"], notice["task"]) == (3, 137, tasks[2]["taskArn"])
    task_id = notice["task"].rpartition("/")[2]
    assert notice["logs"].startswith(
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:"
    )
    assert notice["logs"].endswith(f"$252Fother$252Fdev$252Fjob$252Fjob/log-events/job$252Fjob$252F{task_id}")


def test_a_job_interrupted_on_spot_continues_on_demand(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(quick(None, stop_code="SpotInterruption", reason="Your Spot Task was interrupted."), quick(0))
    tasks = job.ended(job.launch(), 2)
    # On-demand capacity is a launch type and not a capacity provider.
    assert [it.get("capacityProviderName") for it in tasks] == ["FARGATE_SPOT", None]
    assert [it["launchType"] for it in tasks] == ["FARGATE", "FARGATE"]


def test_a_job_that_never_starts_is_a_failure(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(NEVER, NEVER, NEVER)
    origin = job.launch()
    assert all("exitCode" not in it["containers"][0] for it in job.ended(origin, 3))
    (notice,) = job.notices(1, origin)
    assert (notice["outcome"], notice["attempts"]) == ("never_started", 3)
    assert notice["reason"] == "it never started: CannotPullContainerError: pull access denied"


def test_a_task_that_an_operator_stops_causes_no_retry_and_no_notice(jobs: dict[str, Job]) -> None:
    job, ecs = jobs["job"], jobs["job"].aws.client("ecs")
    job.script(quick(seconds=600))
    origin = job.launch()
    eventually(lambda: [it["lastStatus"] for it in job.tasks(origin)] == ["RUNNING"])
    (task,) = job.tasks(origin)
    ecs.stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason="wrong day")
    job.ended(origin, 1)
    assert job.notices(0, origin) == []
    assert len(job.tasks(origin)) == 1


def test_repeated_deliveries_of_an_end_cause_one_retry_and_one_notice(jobs: dict[str, Job]) -> None:
    job, lambda_ = jobs["job"], jobs["job"].aws.client("lambda")
    job.script(quick(1), quick(1), quick(1))
    origin = job.launch()
    tasks = job.ended(origin, 3)
    assert len(job.notices(1, origin)) == 1

    def deliver(task: dict[str, Any], number: int) -> list[Any]:
        """Invoke the supervisor directly with the end of a task."""
        ended = json.dumps({**task, "tags": []}, default=str)
        received = {"ApproximateReceiveCount": str(number)}
        record = {"messageId": "1", "eventSource": "aws:sqs", "body": ended, "attributes": received}
        answer = lambda_.invoke(
            FunctionName=job.launcher.outputs["supervisor_function_name"],
            Payload=json.dumps({"Records": [record]}).encode(),
        )
        return json.loads(answer["Payload"].read())["batchItemFailures"]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(deliver, tasks * 3, [1, 1, 1, 2, 2, 2, 3, 3, 3])) == [[]] * 9
    assert len(job.tasks(origin)) == 3
    assert job.notices(0, origin) == []


def test_a_storm_of_ends_with_duplicates_loses_none(jobs: dict[str, Job]) -> None:
    """A hundred launches: every second attempt fails, and every end is delivered three times, over 500 events."""
    job, sqs, count = jobs["many"], jobs["many"].aws.client("sqs"), 100
    job.script(*[quick(number % 2) for number in range(3 * count)])
    with ThreadPoolExecutor(8) as pool:
        origins = list(pool.map(lambda number: job.launch(idempotencyKey=f"storm-{number}"), range(count)))
    assert len(set(origins)) == count
    url = sqs.get_queue_url(QueueName=supervisors_queue(job))["QueueUrl"]
    copied = set[str]()

    def stormy() -> list[dict[str, Any]]:
        """The tasks so far; the first call after a task's end sends that end to the queue two more times."""
        tasks = [it for it in job.tasks("many/") if it["startedBy"].startswith(tuple(origins))]
        for task in tasks:
            if task["lastStatus"] == "STOPPED" and task["taskArn"] not in copied:
                copied.add(task["taskArn"])
                ended = json.dumps({key: it for key, it in task.items() if key != "tags"}, default=str)
                copies = [{"Id": it, "MessageBody": ended} for it in "ab"]
                assert not sqs.send_message_batch(QueueUrl=url, Entries=copies).get("Failed")
        return tasks

    def settled() -> bool:
        tasks = stormy()
        return all(it["lastStatus"] == "STOPPED" for it in tasks) and len(tasks) == count + sum(map(retried, tasks))

    def failed(task: dict[str, Any]) -> bool:
        return task["containers"][0].get("exitCode") == 1

    def retried(task: dict[str, Any]) -> bool:
        return failed(task) and not task["startedBy"].endswith("/2")

    eventually(settled, lambda: str(len(job.tasks("many/"))), seconds=600)
    tasks = stormy()
    assert 3 * len(tasks) >= 500
    attempts = sorted(it["startedBy"] for it in tasks)
    assert len(set(attempts)) == len(attempts)
    left = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=left)["Attributes"].values()) == {"0"},
        seconds=600,
    )
    assert sorted(it["startedBy"] for it in stormy()) == attempts
    lost = sorted(it["taskArn"] for it in tasks if failed(it) and not retried(it))
    assert lost
    assert sorted(it["task"] for it in job.notices(len(lost), *origins)) == lost


def supervisors_queue(job: Job) -> str:
    """Name of the queue that delivers the ends of this job's tasks."""
    (mapping,) = job.aws.client("lambda").list_event_source_mappings(
        FunctionName=job.launcher.outputs["supervisor_function_name"]
    )["EventSourceMappings"]
    return mapping["EventSourceArn"].rpartition(":")[2]


def test_only_so_many_tasks_run_at_once_and_the_queue_waits(jobs: dict[str, Job]) -> None:
    """The limit is exact, because the function runs once at a time."""
    job, sqs = jobs["few"], jobs["few"].aws.client("sqs")
    # The tasks run until the test stops them: it does not depend on the speed of the machine.
    job.script(*[quick(seconds=3600.0)] * 3)
    first = job.launch(count=3, idempotencyKey="first")
    refused = json.loads(
        job.aws.client("lambda")
        .invoke(FunctionName=job.launcher.outputs["function_name"], Payload=b'{"idempotencyKey": "second"}')["Payload"]
        .read()
    )
    assert (refused["status"], refused["attempts"]) == ("FAILED", 0)
    (failure,) = refused["failures"]
    assert failure.pop("remedy").startswith("As many tasks as max_running allows run already: wait for one to end")
    assert failure == {
        **{"reason": "MaxRunning", "retryable": True},
        "detail": "3 tasks of few run; at most 3 may (max_running)",
    }
    # The same launch again is not a new launch.
    assert job.launch(count=3, idempotencyKey="first") == first
    # An asynchronous event is delivered twice more and then kept.
    alias = job.launcher.outputs["asynchronous_function_arn"]
    job.aws.client("lambda").invoke(FunctionName=alias, InvocationType="Event", Payload=b'{"idempotencyKey": "third"}')
    dead = job.launcher.outputs["dead_letter_queue_url"]
    letters: list[dict[str, Any]] = []

    def kept_by_now() -> bool:
        letters.extend(sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []))
        return bool(letters)

    eventually(kept_by_now)
    (letter,) = letters
    kept = json.loads(letter["Body"])
    assert kept["requestPayload"] == {"idempotencyKey": "third"}
    assert "MaxRunning" in kept["responsePayload"]["errorMessage"]
    url = job.launcher.outputs["queue_url"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"idempotencyKey": f"queued-{number}"}))
    most = 0

    def launched() -> bool:
        nonlocal most
        tasks = job.tasks("few/")
        most = max(most, sum(it["desiredStatus"] == "RUNNING" for it in tasks))
        return len(tasks) == 6

    def delivered() -> bool:
        """Whether the queue's messages have been delivered while max_running tasks run."""
        assert not launched()
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
        return asked["Attributes"]["ApproximateNumberOfMessagesNotVisible"] != "0"

    eventually(delivered)
    for it in job.tasks(first):
        job.aws.client("ecs").stop_task(cluster=it["clusterArn"], task=it["taskArn"])
    eventually(launched, lambda: str(len(job.tasks("few/"))))
    assert most == 3


def test_with_more_invocations_at_once_it_is_a_bound(jobs: dict[str, Job]) -> None:
    """Invocations at the same moment do not see one another's tasks: at most all of them but one exceed the limit."""
    job, at_once = jobs["crowd"], 4
    job.script(*[quick(seconds=60.0)] * 20)
    function, lambda_ = job.launcher.outputs["function_name"], job.aws.client("lambda")

    def status(number: int) -> str:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps({"idempotencyKey": f"crowd-{number}"}))
        return json.loads(answer["Payload"].read())["status"]

    with ThreadPoolExecutor(at_once) as pool:
        statuses = list(pool.map(status, range(20)))
    launched = statuses.count("LAUNCHED")
    assert len(job.tasks("crowd/")) == launched
    assert 3 <= launched <= 3 + at_once - 1
    assert statuses.count("FAILED") == 20 - launched
    assert status(20) == "FAILED"


def test_an_event_and_a_schedule_launch_the_job(jobs: dict[str, Job]) -> None:
    job = jobs["many"]
    job.aws.client("events").put_events(
        Entries=[{"Source": "shop", "DetailType": "Paid", "Detail": json.dumps({"order": 4711})}]
    )

    def launched(text: str) -> Callable[[], bool]:
        return lambda: any(text in json.dumps(it["overrides"]) for it in job.tasks("many/"))

    eventually(launched("4711"))
    eventually(launched('"scheduled"'), seconds=90)


def test_a_launcher_that_is_down_for_a_while_loses_nothing(jobs: dict[str, Job]) -> None:
    """Its queue keeps the messages meanwhile; they are launched when it is back."""
    job, sqs, lambda_ = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("lambda")
    url = job.launcher.outputs["queue_url"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    (mapping,) = [
        it
        for it in lambda_.list_event_source_mappings(FunctionName=job.launcher.outputs["asynchronous_function_arn"])[
            "EventSourceMappings"
        ]
        if it["EventSourceArn"].rpartition(":")[2] in url
    ]
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    for number in range(10):
        sqs.send_message(
            QueueUrl=url, MessageBody=json.dumps({"idempotencyKey": f"lost-{number}", "environment": {"A": "lost"}})
        )
    time.sleep(1)

    def launched() -> int:
        return sum('"lost"' in json.dumps(it["overrides"]) for it in job.tasks("down/"))

    assert launched() == 0
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    eventually(lambda: launched() == 10, lambda: str(launched()))


def test_functions_that_do_not_run_for_a_while_lose_nothing(jobs: dict[str, Job]) -> None:
    """Neither the launcher nor the supervisor may run: what came by a queue, and what has to be launched again, is when
    they may; what came by a rule is a dead letter at once, as on AWS."""
    job, sqs, lambda_ = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("lambda")
    launcher, supervisor = (job.launcher.outputs[it] for it in ("function_name", "supervisor_function_name"))
    queue = job.launcher.outputs["queue_url"]
    for url in (queue, sqs.get_queue_url(QueueName=supervisors_queue(job))["QueueUrl"]):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    job.script(quick(1, seconds=1.0))
    retried = job.launch(idempotencyKey="fails-meanwhile")

    def launched() -> list[str]:
        return sorted(
            word
            for it in job.tasks("down/")
            for word in ("by-queue-0", "by-queue-1", "by-rule")
            if word in json.dumps(it["overrides"])
        )

    for down in (launcher, supervisor):
        lambda_.put_function_concurrency(FunctionName=down, ReservedConcurrentExecutions=0)
    for number in range(2):
        event = {"idempotencyKey": f"limited-{number}", "environment": {"A": f"by-queue-{number}"}}
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    job.aws.client("events").put_events(
        Entries=[{"Source": "bank", "DetailType": "Paid", "Detail": json.dumps({"order": "by-rule"})}]
    )
    with pytest.raises(lambda_.exceptions.TooManyRequestsException):
        lambda_.invoke(FunctionName=launcher, Payload=b"{}")
    job.ended(retried, 1)
    time.sleep(1)
    assert (launched(), len(job.tasks(retried))) == ([], 1)
    # The supervisor is back first, and has nobody to launch with.
    lambda_.delete_function_concurrency(FunctionName=supervisor)
    time.sleep(3)
    assert (launched(), len(job.tasks(retried))) == ([], 1)
    lambda_.delete_function_concurrency(FunctionName=launcher)
    job.ended(retried, 2)
    eventually(lambda: launched() == ["by-queue-0", "by-queue-1"], lambda: str(launched()))
    (letter,) = sqs.receive_message(QueueUrl=job.launcher.outputs["dead_letter_queue_url"])["Messages"]
    assert json.loads(letter["Body"])["requestPayload"]["detail"] == {"order": "by-rule"}


def test_an_end_that_does_not_reach_the_supervisor_is_kept_and_can_be_dealt_with_later(jobs: dict[str, Job]) -> None:
    job, sqs, events = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("events")
    name = supervisors_queue(job)
    url, kept = (sqs.get_queue_url(QueueName=it)["QueueUrl"] for it in (name, unsupervised(job)))
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    (rule,) = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{**target, "Arn": f"{arn}-gone"}])
    job.script(quick(1), quick(0))
    origin = job.launch()
    job.ended(origin, 1)
    letters: list[dict[str, Any]] = []
    eventually(lambda: bool(letters.extend(sqs.receive_message(QueueUrl=kept).get("Messages", [])) or letters))
    assert len(job.tasks(origin)) == 1
    events.put_targets(Rule=rule, Targets=[target])
    sqs.send_message(QueueUrl=url, MessageBody=letters[0]["Body"])
    job.ended(origin, 2)


def unsupervised(job: Job) -> str:
    """Name of the dead-letter queue of the supervisor."""
    (found,) = (
        it for it in job.aws.client("sqs").list_queues()["QueueUrls"] if f"/{job.launcher.name}-unsupervised" in it
    )
    return found.rpartition("/")[2]


def test_a_job_that_runs_too_long_is_stopped_without_further_launches(jobs: dict[str, Job]) -> None:
    job = jobs["away"]
    # The rule invokes the supervisor once a minute.
    eventually(lambda: job.tasks("away/")[0]["lastStatus"] == "STOPPED", seconds=150)
    (task,) = job.tasks("away/")
    # The supervisor does not stop the tasks of others.
    assert [it["lastStatus"] for it in job.tasks("somebody")] == ["RUNNING"]
    assert task["stoppedReason"] == "fargate-job-launcher: ran longer than 1 minute"
    assert 60 <= (task["stoppedAt"] - task["startedAt"]).total_seconds() <= 130
    (notice,) = job.notices(1, "away/")
    assert (notice["outcome"], notice["reason"], notice["attempts"]) == ("timed_out", "ran longer than 1 minute", 1)


def supervisor(job: Job) -> tuple[Role, Facts]:
    name = job.launcher.outputs["supervisor_function_name"]
    arn = job.aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    return read_role(job.aws.client, arn), read(job.aws.client, job.launcher.outputs["launcher_role_arn"])


def test_the_supervisor_may_do_what_it_does_and_nothing_else(jobs: dict[str, Job]) -> None:
    role, facts = supervisor(jobs["job"])
    needs, attacks = supervisor_needs(role, facts), supervisor_attacks(role, facts)
    assert [it.name for it in needs if not role.policies.decide(it.call).allowed] == []
    assert [it.name for it in attacks if it.succeeds(role.policies)] == []
    for statement in role.statements:
        assert consequences(role, needs, attacks, statement), statement["Sid"]
    # Both supervisors have done everything by now: retries, notices, stops.
    made = [it for it in jobs["job"].aws.calls() if re.search(r"/(job|away)-supervisor-", it["principal"])]
    assert [it for it in made if "action" not in it] == []
    assert all(it["allowed"] for it in made)
    granted = {need.call.action for need in needs}
    by_lambda = {it for it in granted if it.startswith(("logs:PutLogEvents", "sqs:"))}
    assert {it["action"] for it in made} == granted - by_lambda


def test_each_alarm_watches_a_metric_that_the_functions_write(jobs: dict[str, Job]) -> None:
    from fargate_job_launcher.handler.report import METRICS

    alarms = [
        it
        for it in jobs["many"].aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if it["AlarmName"].startswith("many-")
    ]
    ours = {it["MetricName"] for it in alarms if it["Namespace"] == "FargateJobLauncher"}
    assert ours == {"LaunchesFailed", "JobsFailed", "TasksReaped", "JobSeconds"}
    written = {*METRICS, "JobsSucceeded", "JobsFailed", "JobsRetried", "TasksReaped", "JobSeconds"}
    assert ours <= written
    assert len(alarms) == 9
    topic = jobs["many"].launcher.outputs["notice_topic_arn"]
    assert {tuple(it["AlarmActions"]) for it in alarms} == {(topic,)}
    assert {(it["ComparisonOperator"], it["TreatMissingData"]) for it in alarms} == {
        ("GreaterThanThreshold", "notBreaching")
    }
    limits = {it["MetricName"]: it["Threshold"] for it in alarms}
    assert limits.pop("JobSeconds") == 30 * 60
    assert set(limits.values()) == {0}


def test_a_trigger_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    from fargate_job_launcher.sandbox import DeploymentFailed

    source = SOURCE.replace("rate(1 minute)", "every day").replace('"retries": 2', '"retries": 99')
    stack = program(tmp_path, source)
    with Emulator(region="eu-west-1") as aws, pytest.raises(DeploymentFailed) as raised:
        deploy(stack, aws)
    assert "supervision.retries: 99 is not between 0 and 10" in str(raised.value)
