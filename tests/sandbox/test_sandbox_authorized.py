"""What the sandbox asks IAM about calls made with a role, service by service, and by which policies it decides."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.item_calls import calls

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(aws: Emulator, name: str, *statements: dict[str, Any], **more: Any) -> str:
    """A role whose only policy has these statements; without any it has none."""
    arn = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy(TRUST), **more)["Role"]["Arn"]
    if statements:
        aws.client("iam").put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=policy(*statements))
    return arn


def said(call: Callable[[], Any]) -> str:
    """`done`, or the code of the refusal."""
    try:
        call()
    except ClientError as error:
        answered: Any = error.response
        return answered["Error"]["Code"]
    return "done"


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> Iterator[str]:
    """A table of runs, with a key and an index as the component's has."""
    emulator.client("dynamodb").create_table(
        TableName="authorized",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("pk", "S"), ("sk", "S"), ("duty", "S"), ("due", "N"))
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "duty", "KeyType": "HASH"},
                    {"AttributeName": "due", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    yield "authorized"
    emulator.client("dynamodb").delete_table(TableName="authorized")


def item(pk: str, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "job"}, **more}


def test_a_role_limited_to_its_leading_key_reaches_its_own_items_in_no_way_anothers(
    emulator: Emulator, table: str
) -> None:
    """Every way to an item that DynamoDB has, with the policy that a launcher has plus all other actions on items."""
    own = {
        "Effect": "Allow",
        "Action": "dynamodb:*",
        "Resource": [
            f"arn:aws:dynamodb:{emulator.region}:{emulator.account}:table/{table}{it}" for it in ("", "/index/*")
        ],
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }
    db = emulator.client("dynamodb", role_arn=role(emulator, "leading", own))
    name = {"TableName": table}

    def put(pk: str) -> dict[str, Any]:
        return {"Put": {**name, "Item": item(pk)}}

    def checked(pk: str) -> dict[str, Any]:
        return {"ConditionCheck": {**name, "Key": item(pk), "ConditionExpression": "attribute_exists(pk)"}}

    def queried(**given: Any) -> Any:
        return db.query(**name, **given)

    def by(pk: str) -> dict[str, Any]:
        return {":k": {"S": pk}, ":s": {"S": "job"}}

    ways: dict[str, Callable[[str], Any]] = {
        "PutItem": lambda pk: db.put_item(**name, Item=item(pk)),
        "GetItem": lambda pk: db.get_item(**name, Key=item(pk)),
        "UpdateItem": lambda pk: db.update_item(**name, Key=item(pk)),
        "BatchGetItem": lambda pk: db.batch_get_item(RequestItems={table: {"Keys": [item(pk)]}}),
        "BatchWriteItem": lambda pk: db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item(pk)}}]}),
        "TransactWriteItems": lambda pk: db.transact_write_items(TransactItems=[put(pk)]),
        "ConditionCheck": lambda pk: db.transact_write_items(TransactItems=[checked(pk)]),
        "TransactGetItems": lambda pk: db.transact_get_items(TransactItems=[{"Get": {**name, "Key": item(pk)}}]),
        "Query": lambda pk: queried(
            KeyConditionExpression="(#p = :k) AND sk = :s",
            ExpressionAttributeNames={"#p": "pk"},
            ExpressionAttributeValues=by(pk),
        ),
        "Query reversed": lambda pk: queried(
            KeyConditionExpression="sk <= :s and :k = pk", ExpressionAttributeValues=by(pk)
        ),
        "Query legacy": lambda pk: queried(
            KeyConditions={"pk": {"AttributeValueList": [{"S": pk}], "ComparisonOperator": "EQ"}}
        ),
        "DeleteItem": lambda pk: db.delete_item(**name, Key=item(pk)),
    }
    assert {way: said(lambda ask=ask: ask("mine")) for way, ask in ways.items()} == dict.fromkeys(ways, "done")
    refused = dict.fromkeys(ways, "AccessDeniedException")
    assert {way: said(lambda ask=ask: ask("other")) for way, ask in ways.items()} == refused
    both = {
        "batch": lambda: db.batch_get_item(RequestItems={table: {"Keys": [item("mine"), item("other")]}}),
        "transaction": lambda: db.transact_write_items(TransactItems=[put("mine"), put("other")]),
        "scan": lambda: db.scan(**name),
        "index": lambda: db.query(
            **name,
            IndexName="due",
            KeyConditionExpression="duty = :k",
            ExpressionAttributeValues={":k": {"S": "other"}},
        ),
        "statement": lambda: db.execute_statement(Statement=f"SELECT * FROM \"{table}\" WHERE pk = 'other'"),
        "table": lambda: db.delete_table(**name),
    }
    assert {way: said(ask) for way, ask in both.items()} == dict.fromkeys(both, "AccessDeniedException")
    assert said(lambda: emulator.client("dynamodb").get_item(**name, Key=item("other"))) == "done"


def test_without_a_null_condition_a_request_that_names_no_key_meets_every_limit_on_keys(
    emulator: Emulator, table: str
) -> None:
    arn = f"arn:aws:dynamodb:{emulator.region}:{emulator.account}:table/{table}"
    limited = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": arn, "Condition": limited}
    db = emulator.client("dynamodb", role_arn=role(emulator, "unguarded", allow))
    assert said(lambda: db.scan(TableName=table)) == "done"
    assert said(lambda: db.get_item(TableName=table, Key=item("other"))) == "AccessDeniedException"


def test_a_query_of_an_index_is_asked_for_on_the_index_by_its_own_partition_key() -> None:
    given = {
        "TableName": "arn:aws:dynamodb:eu-west-1:123456789012:table/runs",
        "IndexName": "due",
        "KeyConditionExpression": "#duty = :duty AND due <= :now",
        "ExpressionAttributeNames": {"#duty": "duty"},
        "ExpressionAttributeValues": {":duty": {"S": "tell"}, ":now": {"N": "5"}},
    }
    known = {("runs", "due"): "duty", ("runs", ""): "pk"}
    (call,) = calls("Query", given, "unused {}".format, lambda table, index: known[table, index])
    assert call.resource == "arn:aws:dynamodb:eu-west-1:123456789012:table/runs/index/due"
    assert call.context == {"dynamodb:LeadingKeys": ["tell"]}
    (call,) = calls("Query", {**given, "IndexName": None}, "unused {}".format, lambda table, index: known[table, index])
    assert call.context == {}


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> Iterator[str]:
    """ARN of a function."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handle(event, context):\n    return 'ran'\n")
    made = emulator.client("lambda").create_function(
        FunctionName="authorized",
        Runtime="python3.13",
        Role=role(emulator, "authorized-function"),
        Handler="index.handle",
        Code={"ZipFile": code.getvalue()},
    )
    yield made["FunctionArn"]
    emulator.client("lambda").delete_function(FunctionName="authorized")


def test_a_function_is_invoked_by_a_role_that_its_own_policy_names_unless_a_policy_of_the_role_forbids_it(
    emulator: Emulator, function: str
) -> None:
    iam = emulator.client("iam")
    invoking = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    boundaries = {
        name: iam.create_policy(PolicyName=name, PolicyDocument=policy(it))["Policy"]["Arn"]
        for name, it in (("wide", ALL), ("narrow", {**ALL, "Action": "s3:*"}))
    }
    roles = {
        "stranger": role(emulator, "stranger"),
        "by-identity": role(emulator, "by-identity", invoking),
        "named": role(emulator, "named"),
        "named-denied": role(emulator, "named-denied", {**invoking, "Effect": "Deny"}),
        "named-bounded": role(emulator, "named-bounded", PermissionsBoundary=boundaries["narrow"]),
        "named-within": role(emulator, "named-within", PermissionsBoundary=boundaries["wide"]),
        "identity-bounded": role(emulator, "identity-bounded", invoking, PermissionsBoundary=boundaries["narrow"]),
    }
    for name, arn in roles.items():
        if name.startswith("named"):
            emulator.client("lambda").add_permission(
                FunctionName="authorized", StatementId=name, Action="lambda:InvokeFunction", Principal=arn
            )
    verdicts = {
        name: said(lambda arn=arn: emulator.client("lambda", role_arn=arn).invoke(FunctionName=function))
        for name, arn in roles.items()
    }
    allowed = {"by-identity", "named", "named-within"}
    assert verdicts == {name: "done" if name in allowed else "AccessDeniedException" for name in roles}


def test_an_event_is_put_only_with_the_source_that_the_policy_names(emulator: Emulator) -> None:
    bus = f"arn:aws:events:{emulator.region}:{emulator.account}:event-bus/default"
    allow = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": bus,
        "Condition": {"StringEquals": {"events:source": "ours", "events:detail-type": "Ended"}},
    }
    events = emulator.client("events", role_arn=role(emulator, "announcing", allow))

    def entry(source: str, kind: str = "Ended", bus: str = "default") -> dict[str, str]:
        return {"Source": source, "DetailType": kind, "Detail": "{}", "EventBusName": bus}

    assert said(lambda: events.put_events(Entries=[entry("ours"), entry("ours", bus=bus)])) == "done"
    for others in ([entry("theirs")], [entry("ours", "Begun")], [entry("ours", bus="b")], [entry("ours"), entry("x")]):
        assert said(lambda others=others: events.put_events(Entries=others)) == "AccessDeniedException"


def test_a_task_token_is_answered_only_by_a_role_that_may_answer_to_its_state_machine(emulator: Emulator) -> None:
    states, sqs = emulator.client("stepfunctions"), emulator.client("sqs")
    url = sqs.create_queue(QueueName="tokens")["QueueUrl"]
    waiting = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": waiting}})
    started = dict[str, str]()
    machines = dict[str, str]()
    for name in ("ours", "theirs"):
        machines[name] = states.create_state_machine(
            name=name, definition=definition, roleArn=role(emulator, f"states-{name}", ALL)
        )["stateMachineArn"]
        started[name] = states.start_execution(stateMachineArn=machines[name])["executionArn"]
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        started[f"{name} token"] = message["Body"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    allow = {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": machines["ours"]}
    answering = emulator.client("stepfunctions", role_arn=role(emulator, "answering", allow))

    def succeeded(token: str) -> str:
        return said(lambda: answering.send_task_success(taskToken=token, output='{"a": 1}'))

    assert succeeded(started["theirs token"]) == "AccessDeniedException"
    assert succeeded("made up") == "AccessDeniedException"
    assert said(lambda: answering.send_task_failure(taskToken=started["ours token"])) == "AccessDeniedException"
    assert succeeded(started["ours token"]) == "done"
    deadline = time.monotonic() + 60
    while (ended := states.describe_execution(executionArn=started["ours"]))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"a": 1})
    states.send_task_failure(taskToken=started["theirs token"])


def test_an_object_is_read_and_found_missing_as_the_policies_say(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="authorized", CreateBucketConfiguration={"LocationConstraint": emulator.region})
    for key in ("mine/a", "other/a"):
        s3.put_object(Bucket="authorized", Key=key, Body=b"x")
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::authorized/mine/*"}
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::authorized"}
    reading = emulator.client("s3", role_arn=role(emulator, "reading", reads))
    listing = emulator.client("s3", role_arn=role(emulator, "listing", reads, lists))

    def asked(client: Any, key: str) -> tuple[str, ...]:
        return tuple(
            said(lambda ask=ask: ask(Bucket="authorized", Key=key)) for ask in (client.get_object, client.head_object)
        )

    assert asked(reading, "mine/a") == asked(listing, "mine/a") == ("done", "done")
    assert asked(reading, "other/a") == ("AccessDenied", "403")
    assert asked(reading, "mine/b") == ("AccessDenied", "403")
    assert asked(listing, "mine/b") == ("NoSuchKey", "404")
