"""Sends the request of every row in the table of AWS's known behaviour to the running sandbox."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.rows import ROW_HEADER, TABLE, Refusal, Refused, Shape

from tools.recording import PROGRAM

UNSIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request"


def principal(aws: Emulator, row: Refusal) -> str:
    """The role that makes the example's request; empty for the account's root."""
    if row.policy is None:
        return ""
    iam, name = aws.client("iam"), re.sub(r"[^\w-]", "-", row.id)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=json.dumps(row.policy))
    return arn


def client(aws: Emulator, service: str, role_arn: str = "") -> Any:
    """A client that sends what it is asked to: neither boto3's own checks nor the sandbox's look at it before."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    if role_arn:
        assumed = aws.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="row")["Credentials"]
        keys = {
            "aws_access_key_id": assumed["AccessKeyId"],
            "aws_secret_access_key": assumed["SecretAccessKey"],
            "aws_session_token": assumed["SessionToken"],
        }
    # The queue's address in an example is AWS's: the endpoint, not the address, says where the request goes.
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    make: Any = boto3.client
    return make(service, endpoint_url=aws.endpoint, region_name=aws.region, config=config, **keys)


def call(client: Any, operation: str, request: Any) -> Any:
    """An operation by the name that AWS has for it."""
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    return getattr(client, methods[operation])(**request)


def refused(aws: Emulator, row: Refusal) -> tuple[str, str, int, str]:
    """What the sandbox says to the example: code, words, status, and the row that it says it goes by."""
    role = principal(aws, row)
    if row.body:
        target = f"AmazonEC2ContainerServiceV20141113.{row.asked}"
        headers = {"X-Amz-Target": target, "Authorization": UNSIGNED.format(service=row.service)}
        try:
            urllib.request.urlopen(urllib.request.Request(aws.endpoint, data=row.body, headers=headers))
        except urllib.error.HTTPError as error:
            said = json.load(error)
            return said["__type"], said["message"], error.code, error.headers[ROW_HEADER]
        raise AssertionError(f"{row.id}: was taken")
    with pytest.raises(ClientError) as caught:
        call(client(aws, row.service, role), row.asked, row.request)
    response: Any = caught.value.response
    told, meta = response["Error"], response["ResponseMetadata"]
    return told["Code"], told["Message"], meta["HTTPStatusCode"], meta["HTTPHeaders"].get(ROW_HEADER, "no row")


def filled(request: Any, made: list[str]) -> Any:
    """A request of a row, with the id of a VPC or the ARN of a task that was made before it."""
    return {key: value.format(*made) if value == "{0}" else value for key, value in request.items()}


@pytest.mark.parametrize("row", TABLE.refusals, ids=lambda row: row.id)
def test_the_example_of_a_refusal_is_refused_as_its_row_says_and_its_neighbour_is_taken(
    emulator: Emulator, row: Refusal
) -> None:
    made = list[str]()
    for service, operation, request in row.before:
        answered = call(client(emulator, service), operation, filled(request, made))
        made += [answered["Vpc"]["VpcId"]] if operation == "CreateVpc" else []
        made += [answered["tasks"][0]["taskArn"]] if operation == "RunTask" else []
    row = replace(row, request=filled(row.request, made), takes=row.takes and filled(row.takes, made))
    name = re.sub(r"[^\w-]", "-", row.id)
    known = {
        "region": emulator.region,
        "account": emulator.account,
        "principal": f"arn:aws:sts::{emulator.account}:assumed-role/{name}/row",
    }
    words = row.words.format_map({key: value.format_map(known) for key, value in row.fields.items()})
    assert refused(emulator, row) == (row.code, words, row.status, row.id)
    if row.takes is not None:
        call(client(emulator, row.service), row.asked, row.takes)


@pytest.mark.parametrize("row", [it for it in TABLE.shapes if it.check is not None], ids=lambda row: row.id)
def test_an_answer_has_the_shape_that_its_row_says(emulator: Emulator, row: Shape) -> None:
    assert row.check is not None
    answered, expected = row.check(emulator)
    assert answered == expected


@pytest.mark.parametrize("row", [it for it in TABLE.shapes if it.check is None], ids=lambda row: row.id)
def test_a_shape_without_a_check_names_the_test_that_holds_it(row: Shape) -> None:
    file, _, test = row.held_by.partition("::")
    assert f"\ndef {test}(" in (PROGRAM / "tests" / file).read_text()


def test_every_row_has_a_source_and_an_id_of_its_own_form() -> None:
    for row in (*TABLE.refusals, *TABLE.shapes):
        assert row.sources, row.id
        assert all(it.startswith("https://") for it in row.sources), row.id
        assert re.fullmatch(r"[a-z0-9]+\.(\*|[A-Z]\w+)\.[\w.]+", row.id), row.id
        said = row.refuses if isinstance(row, Refusal) else row.answers
        assert re.match(r"[A-Za-z]", said), row.id
        assert not said.endswith("."), row.id


def test_a_refusal_cannot_be_raised_without_a_row_nor_without_its_words() -> None:
    with pytest.raises(KeyError, match="no_such_row"):
        TABLE.refuse("ecs.RunTask.no_such_row")
    with pytest.raises(KeyError, match="name"):
        TABLE.refuse("ecs.RunTask.overrides.container")
    with pytest.raises(Refused, match="ConflictException") as conflict:
        TABLE.refuse("ecs.RunTask.clientToken.used", {"resourceIds": ["a"]})
    assert conflict.value.members == {"resourceIds": ["a"]}
    with pytest.raises(ValueError, match="two rows"):
        type(TABLE)(tuple(TABLE.refusals[:1]), tuple(TABLE.refusals[:1]))


def sources() -> dict[str, str]:
    """The code of the sandbox besides the table, by file."""
    found = (it for it in (PROGRAM / "sandbox").rglob("*.py") if it.parent.name != "rows")
    return {str(path.relative_to(PROGRAM)): path.read_text() for path in found}


def test_every_row_is_raised_somewhere_and_the_sandbox_words_no_refusal_elsewhere() -> None:
    code = "".join(sources().values())
    # An id may be put together: refuse(f"ecs.RunTask.{name}.most").
    named = [re.escape(it) for it in re.findall(r'(?:refuse|refusal)\(\s*f?"([^"]+)"', code)]
    named += [re.escape(it) for it in re.findall(r'"((?:ecs|[a-z]+)\.[A-Z]\w+\.[\w.]+)"', code)]
    patterns = [re.sub(r"\\\{\w+\\\}", r"[\\w.]+", it) for it in named]
    unmet = [row.id for row in TABLE.refusals if not any(re.fullmatch(it, row.id) for it in patterns)]
    # IAM's are named by authorization.refusal, after the action.
    assert [it for it in unmet if not it.endswith((".not_allowed", ".denied"))] == []
    worded = {name: re.findall(r'"\w+Exception"', text) for name, text in sources().items()}
    assert {name: found for name, found in worded.items() if found} == {}
