"""A queue that S3 and SNS fill: what arrives is the job's payload, launched once, and a test is nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher import iam
from fargate_job_launcher.handler import notifications
from fargate_job_launcher.handler.trigger import Delivery, identify
from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.aws.admission import admitting

from tools.recording import PROGRAM, copied


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Emulator, Deployment]]:
    with Emulator(region="eu-west-1") as aws:
        yield aws, deploy(Stack.read(PROGRAM / "examples" / "filled-by-s3", "dev"), aws)


KEYED: Final = """
config:
  aws:region: eu-west-1
  pulumi:disable-default-providers: [aws]
  fargate-job-launcher:network: {subnets: public}
  fargate-job-launcher:kmsKey: new
  fargate-job-launcher:jobs:
    reader:
      image: nginx
      overrides: {payload: true}
      queue:
        asPayload: true
        sources: ["arn:aws:s3:::incoming", "arn:aws:sns:eu-west-1:123456789012:orders"]
"""
"""An environment with a key of its own, whose job is sent to by a bucket and a topic of another stack."""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = copied(tmp_path_factory.mktemp("keyed"))
    (folder / "Pulumi.dev.yaml").write_text(KEYED)
    with Emulator(region="eu-west-1") as aws:
        (launcher,) = deploy(Stack.read(folder, "dev"), aws).launchers.values()
        queue = launcher.outputs["queue_arn"]
        aws.client("s3").create_bucket(Bucket="incoming", CreateBucketConfiguration={"LocationConstraint": aws.region})
        notified = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
        aws.client("s3").put_bucket_notification_configuration(Bucket="incoming", NotificationConfiguration=notified)
        topic = aws.client("sns").create_topic(Name="orders")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
        yield aws


def payloads(aws: Emulator, count: int) -> list[Any]:
    """The payloads of this many tasks: JSON, whatever was sent."""
    return [json.loads(it) for it in variables(aws, count)]


def variables(aws: Emulator, count: int) -> list[str]:
    """The values of JOB_PAYLOAD of this many tasks."""
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
    return [
        next(
            it["value"]
            for it in task["overrides"]["containerOverrides"][0]["environment"]
            if it["name"] == "JOB_PAYLOAD"
        )
        for task in tasks
    ]


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
    assert '"order 17"' in variables(aws, 2)
    parked = aws.client("sqs").receive_message(QueueUrl=outputs["deadLetterQueueUrl"], MaxNumberOfMessages=10)
    assert parked.get("Messages", []) == []


def sent(aws: Emulator, text: str) -> None:
    """A file comes into the bucket, and after it a message into the topic."""
    aws.client("s3").put_object(Bucket="incoming", Key=text, Body=b"a")
    aws.client("sns").publish(TopicArn=f"arn:aws:sns:eu-west-1:{aws.account}:orders", Message=text)


def of(found: list[Any]) -> set[str]:
    """What was sent of what arrived."""
    return {it if isinstance(it, str) else f"file {it['Records'][0]['s3']['object']['key']}" for it in found}


def test_the_key_of_an_environment_admits_what_fills_its_queues(keyed: Emulator) -> None:
    sent(keyed, "first")
    assert of(payloads(keyed, 2)) == {"first", "file first"}


def test_the_statement_that_the_page_shows_lets_each_service_use_a_key_that_is_given(emulator: Emulator) -> None:
    page = (PROGRAM / "docs" / "triggers-and-supervision.md").read_text()
    (shown,) = re.findall(r"<!-- the key of a filled queue: .*? -->\n```json\n(.*?)```", page, re.DOTALL)
    kms, sqs = emulator.client("kms"), emulator.client("sqs")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    (own,) = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [own, json.loads(shown)]})
    bucket, topic = "given-key", emulator.client("sns").create_topic(Name="given-key")["TopicArn"]
    rule = emulator.client("events").put_rule(Name="given-key", EventPattern='{"source": ["given-key"]}')["RuleArn"]
    arn = f"arn:aws:sqs:eu-west-1:{emulator.account}:given-key"
    policy = iam.to_json(iam.filled_queue_policy(arn, [f"arn:aws:s3:::{bucket}", topic, rule], emulator.account))
    url = sqs.create_queue(QueueName="given-key", Attributes={"KmsMasterKeyId": key, "Policy": policy})["QueueUrl"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": emulator.region})
    notified = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=notified)
    emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    emulator.client("sns").publish(TopicArn=topic, Message="published")
    emulator.client("events").put_targets(Rule="given-key", Targets=[{"Id": "q", "Arn": arn}])
    emulator.client("events").put_events(Entries=[{"Source": "given-key", "DetailType": "t", "Detail": "{}"}])
    bodies = list[dict[str, Any]]()
    while len(bodies) < 3:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]
        bodies += [json.loads(it["Body"]) for it in messages]
    assert {notifications.source_of(it) for it in bodies} == {"S3", "SNS", "EventBridge"}


def test_what_a_key_does_not_admit_does_not_arrive(keyed: Emulator) -> None:
    kms = keyed.client("kms")
    (alias,) = (it for it in kms.list_aliases()["Aliases"] if "fargate-job-launcher" in it["AliasName"])
    policy = json.loads(kms.get_key_policy(KeyId=alias["TargetKeyId"], PolicyName="default")["Policy"])

    def admit(*sids: str) -> None:
        left = [it for it in policy["Statement"] if not it["Sid"].endswith("ThatFillQueues") or it["Sid"] in sids]
        document = json.dumps({**policy, "Statement": left})
        kms.put_key_policy(KeyId=alias["TargetKeyId"], PolicyName="default", Policy=document)

    before = len(payloads(keyed, 0))
    admit("TopicsThatFillQueues")
    sent(keyed, "second")
    admit("BucketsThatFillQueues")
    sent(keyed, "third")
    admit("BucketsThatFillQueues", "TopicsThatFillQueues")
    sent(keyed, "last")
    arrived = of(payloads(keyed, before + 4)) - {"first", "file first"}
    assert arrived == {"second", "file third", "last", "file last"}


def test_a_bucket_that_is_no_source_may_not_send(filled: tuple[Emulator, Deployment]) -> None:
    aws, deployment = filled
    place = {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    aws.client("s3").create_bucket(Bucket="stranger", **place)
    (launcher,) = deployment.launchers.values()
    wanted = {"QueueConfigurations": [{"QueueArn": launcher.outputs["queue_arn"], "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        aws.client("s3").put_bucket_notification_configuration(Bucket="stranger", NotificationConfiguration=wanted)


def test_an_event_that_a_queue_does_not_let_in_is_kept_by_the_dead_letters_that_do(emulator: Emulator) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    rule = events.put_rule(Name="closed", EventPattern='{"source": ["closed"]}')["RuleArn"]
    urls = [sqs.create_queue(QueueName=f"closed-{it}")["QueueUrl"] for it in ("target", "kept", "shut")]
    arns = [f"arn:aws:sqs:eu-west-1:{emulator.account}:{it.rpartition('/')[2]}" for it in urls]
    sqs.set_queue_attributes(QueueUrl=urls[1], Attributes={"Policy": admitting(arns[1], rule)})
    targets = [
        {"Id": it, "Arn": arns[0], "DeadLetterConfig": {"Arn": it_arn}}
        for it, it_arn in zip("ab", arns[1:], strict=True)
    ]
    events.put_targets(Rule="closed", Targets=targets)
    events.put_events(Entries=[{"Source": "closed", "DetailType": "t", "Detail": '{"a": 1}'}])
    (kept,) = sqs.receive_message(QueueUrl=urls[1], WaitTimeSeconds=20)["Messages"]
    assert json.loads(kept["Body"])["detail"] == {"a": 1}
    for url in (urls[0], urls[2]):
        assert "Messages" not in sqs.receive_message(QueueUrl=url)


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
    spoken = identify({"Records": [record]}, request_id="r", function_arn="", queue_as_payload=as_payload)
    (delivery,) = spoken.deliveries
    return delivery


def test_the_message_is_the_payload_whatever_it_is() -> None:
    for body in (S3, envelope("hello"), {"command": ["rm"]}, [1], "no JSON", "NaN", '{"a": -Infinity}'):
        assert delivered(body).event == {"payload": body}


def test_two_messages_about_a_change_have_one_key_and_a_redriven_dead_letter_another() -> None:
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
            assert delivered(body, as_payload=as_payload).ignored == "S3 tests its way to the queue"
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
    keys = iam.key_policy("aws", "123456789012", "eu-west-1", sources)["Statement"]
    admitted = {it["Principal"]["Service"]: it for it in keys if it["Sid"].endswith("ThatFillQueues")}
    assert {service: it["Condition"] for service, it in admitted.items()} == {
        service: {"StringEquals": it["StringEquals"]} for service, it in allowed.items()
    }
    assert {tuple(it["Action"]) for it in admitted.values()} == {("kms:Decrypt", "kms:GenerateDataKey")}
    only = iam.key_policy("aws", "123456789012", "eu-west-1", sources[:1])["Statement"]
    assert [it["Principal"] for it in only[3:]] == [{"Service": "s3.amazonaws.com"}]
    for stranger in ("arn:aws:lambda:eu-west-1:123456789012:function:f", "arn:aws:s3:::*", "incoming"):
        with pytest.raises(ValueError, match="not the ARN of a bucket"):
            iam.filled_queue_policy(queue, [stranger], "123456789012")
