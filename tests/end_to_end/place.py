"""Where the suite runs: a deployed stack, clients of its account, and the time that things may take there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import boto3
from click.testing import CliRunner
from fargate_job_launcher.operate.command import main

PROJECT: Final = "end-to-end"
"""Of the program, and the key of the tag that all of a run's resources have."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Ran:
    """What the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output."""
        assert self.out, self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A deployed stack of program/, with the environment of this process leading to its account."""

    stack: str
    outputs: Mapping[str, Any]
    patience_seconds: float
    """The longest that anything takes here which AWS does by itself."""
    pass_minutes: Callable[[float], None]
    """Returns when so many minutes have passed for tasks and schedules."""

    def client(self, service: str) -> Any:
        """A client of the account, as any program has it."""
        return cast("Any", boto3).client(service)

    def job(self, name: str) -> Mapping[str, str]:
        """What the stack exports of a job."""
        return self.outputs[name]

    def invoke(self, name: str, event: Any) -> dict[str, Any]:
        """A job's launcher called with an event: its answer."""
        answer = self.client("lambda").invoke(
            FunctionName=self.job(name)["functionName"], Payload=json.dumps(event).encode()
        )
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def command(self, verb: str, name: str, *options: str) -> Ran:
        """`fargate-job VERB JOB OPTIONS`; the job by its function's name, which no other stack has."""
        words = [*verb.split(), self.job(name)["functionName"], *options]
        done = CliRunner().invoke(main, words, prog_name="fargate-job", catch_exceptions=False)
        return Ran(done.exit_code, done.stdout, done.stderr)

    def tasks(self, name: str, *, containing: str = "") -> list[dict[str, Any]]:
        """The tasks of a job that ECS shows, those whose overrides contain a text; the oldest first."""
        ecs, cluster = self.client("ecs"), self.outputs["clusterArn"]
        # One that stops in between is on both lists.
        arns = {
            arn: None
            for status in ("RUNNING", "STOPPED")
            for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
            for arn in page["taskArns"]
        }
        listed = list(arns)
        found = [
            it
            for start in range(0, len(listed), 100)
            for it in ecs.describe_tasks(cluster=cluster, tasks=listed[start : start + 100])["tasks"]
            if it["taskDefinitionArn"] == self.job(name)["taskDefinitionArn"]
            and containing in json.dumps(it["overrides"])
        ]
        return sorted(found, key=lambda it: it["createdAt"])

    def stopped(self, task: str) -> dict[str, Any]:
        """A task, by ARN, once it has stopped."""
        ecs, cluster = self.client("ecs"), self.outputs["clusterArn"]

        def look() -> dict[str, Any] | None:
            (found,) = ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"]
            return found if found["lastStatus"] == "STOPPED" else None

        return self.eventually(look, f"{task} has stopped")

    def notices(self, said: str) -> dict[str, Any]:
        """The notice of a final failure that contains a text, once it is in the mail; its data."""
        sqs, url = self.client("sqs"), self.outputs["mailUrl"]

        def look() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                words = json.loads(message["Body"])["Message"]
                if said in words:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return json.loads(words[words.index("{") :])
            return None

        return self.eventually(look, f"a notice with {said}")

    def eventually(self, look: Callable[[], Found | None], what: str) -> Found:
        """What is found sooner or later, and not empty."""
        deadline = time.monotonic() + self.patience_seconds
        while True:
            if found := look():
                return found
            assert time.monotonic() < deadline, f"not after {self.patience_seconds:g} seconds: {what}"
            time.sleep(min(5, self.patience_seconds / 300))
