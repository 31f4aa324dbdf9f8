"""A queue that S3 and SNS fill: what arrives is the job's payload, launched once, and a test is nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher import iam
from fargate_job_launcher.handler import notifications
from fargate_job_launcher.handler.trigger import Delivery, identify
from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy

from tools.recording import PROGRAM


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Emulator, Deployment]]:
    with Emulator(region="eu-west-1") as aws:
        yield aws, deploy(Stack.read(PROGRAM / "examples" / "filled-by-s3", "dev"), aws)


def payloads(aws: Emulator, count: int) -> list[Any]:
    """What the tasks were given, once there are so many."""
    ecs = aws.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    deadline = time.monotonic() + 120
    while True:
        arns = {
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
        }
        if len(arns) >= count or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    tasks = ecs.describe_tasks(cluster=cluster, tasks=sorted(arns))["tasks"] if arns else []
    found = [
        next(
            it["value"]
            for it in task["overrides"]["containerOverrides"][0]["environment"]
            if it["name"] == "JOB_PAYLOAD"
        )
        for task in tasks
    ]
    return [json.loads(it) for it in found]


def test_a_file_and_a_message_each_launch_the_job_and_s3s_own_test_launches_and_parks_nothing(
    filled: tuple[Emulator, Deployment],
) -> None:
    aws, deployment = filled
    outputs = deployment.outputs
    aws.client("s3").put_object(Bucket=outputs["bucketName"], Key="2026/01.csv", Body=b"a,b")
    aws.client("s3").put_object(Bucket=outputs["bucketName"], Key="2026/01.txt", Body=b"not asked for")
    aws.client("sns").publish(TopicArn=outputs["topicArn"], Message="order 17")
    found = payloads(aws, 2)
    assert len(found) == 2
    (record,) = next(it for it in found if it != "order 17")["Records"]
    assert record["eventSource"] == "aws:s3"
    assert record["s3"]["object"]["key"] in ("2026/01.csv", "2026%2F01.csv")
    assert "order 17" in found
    parked = aws.client("sqs").receive_message(QueueUrl=outputs["deadLetterQueueUrl"], MaxNumberOfMessages=10)
    assert parked.get("Messages", []) == []


def test_a_bucket_that_is_no_source_may_not_send(filled: tuple[Emulator, Deployment]) -> None:
    aws, deployment = filled
    place = {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    aws.client("s3").create_bucket(Bucket="stranger", **place)
    (launcher,) = deployment.launchers.values()
    wanted = {"QueueConfigurations": [{"QueueArn": launcher.outputs["queue_arn"], "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        aws.client("s3").put_bucket_notification_configuration(Bucket="stranger", NotificationConfiguration=wanted)


S3 = {
    "Records": [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"arn": "arn:aws:s3:::b"}, "object": {"key": "k", "sequencer": "0055AED6DCD90281E5"}},
        }
    ]
}
TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}


def envelope(message: str, identifier: str = "m-1") -> dict[str, str]:
    topic = "arn:aws:sns:eu-west-1:123456789012:orders"
    return {"Type": "Notification", "MessageId": identifier, "TopicArn": topic, "Message": message}


def delivered(body: object, *, as_payload: bool = True, **more: Any) -> Delivery:
    text = body if isinstance(body, str) else json.dumps(body)
    record = {"eventSource": "aws:sqs", "messageId": "sqs-1", "body": text, **more}
    spoken = identify(
        {"Records": [record]}, request_id="r", function_arn="", trace_id="", now=0.0, queue_as_payload=as_payload
    )
    (delivery,) = spoken.deliveries
    return delivery


def test_the_message_is_the_payload_whatever_it_is() -> None:
    for body in (S3, envelope("hello"), {"command": ["rm"]}, [1], "no JSON"):
        assert delivered(body).event == {"payload": body}


def test_what_is_told_of_twice_has_one_key_and_what_was_parked_another() -> None:
    twice = delivered(S3, messageId="a"), delivered(S3, messageId="b")
    assert twice[0].key == twice[1].key
    through_sns = delivered(envelope(json.dumps(S3))), delivered(envelope(json.dumps(S3), "m-2"))
    assert {it.key for it in through_sns} == {twice[0].key}
    later = json.loads(json.dumps(S3).replace("0055", "0056"))
    assert delivered(later).key != twice[0].key
    assert delivered(envelope("x", "m-1")).key != delivered(envelope("x", "m-2")).key
    assert delivered({"any": "thing"}).key == "sqs-1"
    parked = {"status": {"stringValue": "REJECTED", "dataType": "String"}}
    assert delivered(S3, messageAttributes=parked).key == "sqs-1"


def test_s3s_test_is_known_through_sns_too_and_asks_for_nothing() -> None:
    for body in (TEST, envelope(json.dumps(TEST))):
        for as_payload in (True, False):
            assert delivered(body, as_payload=as_payload).ignored == "is S3's test of the way here"
    assert not delivered(S3).ignored


def test_where_messages_are_launch_events_a_notification_names_what_to_set() -> None:
    for body, source in ((S3, "S3"), (envelope("hello"), "SNS")):
        assert notifications.source_of(body) == source
        assert "queue.as_payload" in delivered(body, as_payload=False).problem


def test_the_queue_admits_its_sources_by_arn_and_account_and_nothing_else() -> None:
    sources = [
        "arn:aws:s3:::incoming",
        "arn:aws:sns:eu-west-1:210987654321:orders",
        "arn:aws:events:eu-west-1:123456789012:rule/files",
    ]
    queue = "arn:aws:sqs:eu-west-1:123456789012:q"
    policy = iam.filled_queue_policy(queue, sources, "123456789012")
    allowed = {it["Principal"]["Service"]: it["Condition"] for it in policy["Statement"] if it["Effect"] == "Allow"}
    accounts = ["123456789012", "210987654321", "123456789012"]
    assert allowed == {
        f"{source.split(':')[2]}.amazonaws.com": {
            "ArnEquals": {"aws:SourceArn": [source]},
            "StringEquals": {"aws:SourceAccount": [account]},
        }
        for source, account in zip(sources, accounts, strict=True)
    }
    for stranger in ("arn:aws:lambda:eu-west-1:123456789012:function:f", "arn:aws:s3:::*", "incoming"):
        with pytest.raises(ValueError, match="not the ARN of a bucket"):
            iam.filled_queue_policy(queue, [stranger], "123456789012")
