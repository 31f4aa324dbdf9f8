"""What the emulator answers otherwise than AWS, mended in front of it: read back as the AWS provider reads it back."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.provider_config import SERVICES, provider_config

CLIENT = Path(__file__).parent / "go_client"
BLANKS = '{"deadLetterTargetArn": "%s", "maxReceiveCount": 10}'


def function(aws: Emulator, name: str) -> str:
    """A function with one version besides its newest code."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def handle(event, context): return 1")
    made = aws.client("lambda").create_function(
        FunctionName=name,
        Role=f"arn:aws:iam::{aws.account}:role/f",
        Runtime="python3.13",
        Handler="f.handle",
        Code={"ZipFile": code.getvalue()},
        Publish=True,
    )
    return ":".join(made["FunctionArn"].split(":")[:7])


def queue(aws: Emulator, name: str) -> tuple[str, str]:
    """A queue whose redrive policy was written with blanks, and the policy as AWS gives it back."""
    dead = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}-dead"
    aws.client("sqs").create_queue(QueueName=f"{name}-dead")
    url = aws.client("sqs").create_queue(QueueName=name, Attributes={"RedrivePolicy": BLANKS % dead})["QueueUrl"]
    return url, (BLANKS % dead).replace(" ", "")


def test_what_was_written_is_read_back_as_aws_gives_it(emulator: Emulator) -> None:
    arn = function(emulator, "read-back")
    found = emulator.client("lambda").list_versions_by_function(FunctionName="read-back")["Versions"]
    assert [it["FunctionArn"] for it in found] == [f"{arn}:$LATEST", f"{arn}:1"]

    url, policy = queue(emulator, "read-back")
    read = emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert read["RedrivePolicy"] == policy


def test_a_log_groups_key_can_be_changed_and_taken_away(emulator: Emulator) -> None:
    logs, key = emulator.client("logs"), f"arn:aws:kms:{emulator.region}:{emulator.account}:key/k"
    logs.create_log_group(logGroupName="/keyed")
    logs.associate_kms_key(logGroupName="/keyed", kmsKeyId=key)
    assert logs.describe_log_groups(logGroupNamePrefix="/keyed")["logGroups"][0]["kmsKeyId"] == key
    logs.disassociate_kms_key(logGroupName="/keyed")
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix="/keyed")["logGroups"][0]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.associate_kms_key(logGroupName="/none", kmsKeyId=key)


def test_a_flow_log_and_an_endpoint_are_described_whole(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    role, group = (
        f"arn:aws:iam::{emulator.account}:role/flow",
        f"arn:aws:logs:{emulator.region}:{emulator.account}:log-group:g",
    )
    tags = [{"Key": "owner", "Value": "platform"}]
    (identifier,) = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogDestinationType="cloud-watch-logs",
        LogDestination=group,
        DeliverLogsPermissionArn=role,
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": tags}],
    )["FlowLogIds"]
    (log,) = ec2.describe_flow_logs(FlowLogIds=[identifier])["FlowLogs"]
    assert log["DeliverLogsPermissionArn"] == role
    assert log["MaxAggregationInterval"] == 600
    assert log["LogFormat"].startswith("${version} ${account-id}")
    assert log["LogGroupName"] == "g"
    assert log["Tags"] == tags

    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    security = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("first", "second")
    ]
    made: Any = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{emulator.region}.logs",
        VpcEndpointType="Interface",
        SubnetIds=[subnet],
        SecurityGroupIds=security[:1],
        PrivateDnsEnabled=True,
    )["VpcEndpoint"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=made["VpcEndpointId"], AddSecurityGroupIds=security[1:], RemoveSecurityGroupIds=security[:1]
    )
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])["VpcEndpoints"]
    assert [it["GroupId"] for it in endpoint["Groups"]] == security[1:]
    assert endpoint["PrivateDnsEnabled"] is True
    assert json.loads(endpoint["PolicyDocument"])["Statement"][0]["Effect"] == "Allow"
    assert endpoint["DnsOptions"] == {"DnsRecordIpType": "ipv4"}
    assert len(endpoint["NetworkInterfaceIds"]) == 1


def in_query(aws: Emulator, action: str, **given: str) -> Any:
    """CloudWatch asked in the Query protocol, as older providers do: status, and the answer without its namespace."""
    asked = urllib.parse.urlencode({"Action": action, "Version": "2010-08-01", **given}).encode()
    signed = f"AWS4-HMAC-SHA256 Credential=test/20260101/{aws.region}/monitoring/aws4_request"
    try:
        answer = urllib.request.urlopen(urllib.request.Request(aws.endpoint, asked, {"Authorization": signed}))
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        text = answer.read().decode()
    return answer.status, ElementTree.fromstring(re.sub(r' xmlns="[^"]*"', "", text))


def test_an_alarm_in_the_query_protocol_has_all_that_it_was_given(emulator: Emulator) -> None:
    topic = f"arn:aws:sns:{emulator.region}:{emulator.account}:t"
    given = {
        "AlarmDescription": "more <than> 2 & less",
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Statistic": "Sum",
        "Period": "300",
        "EvaluationPeriods": "2",
        "DatapointsToAlarm": "1",
        "Threshold": "2.5",
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Unit": "Count",
        "ActionsEnabled": "false",
    }
    lists = {
        "AlarmActions.member.1": topic,
        "AlarmActions.member.2": f"{topic}-2",
        "OKActions.member.1": topic,
        "InsufficientDataActions.member.1": topic,
    }
    dimensions = {"Dimensions.member.1.Name": "FunctionName", "Dimensions.member.1.Value": "a&b"}
    tags = {"Tags.member.1.Key": "owner", "Tags.member.1.Value": ""}
    status, made = in_query(emulator, "PutMetricAlarm", AlarmName="in-query", **given, **lists, **dimensions, **tags)
    assert (status, made.tag) == (200, "PutMetricAlarmResponse")

    asked: tuple[tuple[str, dict[str, str]], ...] = (
        ("DescribeAlarms", {"AlarmNames.member.1": "in-query"}),
        ("DescribeAlarmsForMetric", {"MetricName": "Errors", "Namespace": "AWS/Lambda"}),
    )
    for action, parameters in asked:
        _, described = in_query(emulator, action, **parameters)
        (alarm,) = described.findall(f"{action}Result/MetricAlarms/member")
        assert {key: alarm.findtext(key) for key in given} == given
        assert [it.text for it in alarm.findall("AlarmActions/member")] == [topic, f"{topic}-2"]
        for key in ("OKActions", "InsufficientDataActions"):
            assert [it.text for it in alarm.findall(f"{key}/member")] == [topic]
        assert alarm.findtext("Dimensions/member/Value") == "a&b"
        assert alarm.find("ExtendedStatistic") is None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", alarm.findtext("StateUpdatedTimestamp"))

    # Whoever speaks CBOR sees the same alarm.
    (cbor,) = emulator.client("cloudwatch").describe_alarms(AlarmNames=["in-query"])["MetricAlarms"]
    assert (cbor["Period"], cbor["InsufficientDataActions"], cbor["ActionsEnabled"]) == (300, [topic], False)
    kept = emulator.client("cloudwatch").list_tags_for_resource(ResourceARN=cbor["AlarmArn"])["Tags"]
    assert kept == [{"Key": "owner", "Value": ""}]

    status, refused = in_query(emulator, "DescribeAlarms", MaxRecords="101")
    assert (status, refused.findtext("Error/Code")) == (400, "ValidationError")
    emulator.client("cloudwatch").delete_alarms(AlarmNames=["in-query"])


def test_the_providers_own_sdk_reads_it_back_too(emulator: Emulator, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not on the PATH; it compiles the client that speaks as the AWS provider does")
    client = tmp_path / "client"
    subprocess.run(["go", "build", "-o", str(client), "."], cwd=CLIENT, check=True)
    arn = function(emulator, "read-in-go")
    url, policy = queue(emulator, "read-in-go")
    emulator.client("logs").create_log_group(logGroupName="/read-in-go")
    key = f"arn:aws:kms:{emulator.region}:{emulator.account}:key/k"
    place = {"CreateBucketConfiguration": {"LocationConstraint": emulator.region}}
    emulator.client("s3").create_bucket(Bucket="read-in-go", **place)
    tagged = {"TagSet": [{"Key": "owner", "Value": "platform"}]}
    emulator.client("s3").put_bucket_tagging(Bucket="read-in-go", Tagging=tagged)
    asked = [emulator.endpoint, "read-in-go", url, "/read-in-go", key, "read-in-go", "read-in-go"]
    answer = subprocess.run([str(client), *asked], check=True, capture_output=True, text=True)
    assert json.loads(answer.stdout) == {
        "versions": [f"{arn}:$LATEST", f"{arn}:1"],
        "redrivePolicy": policy,
        "logGroupKey": key,
        "threshold": 1.5,
        "tags": {"owner": "platform"},
    }


def test_the_config_for_the_real_provider_names_every_service_and_asks_aws_nothing() -> None:
    config = yaml.safe_load(provider_config("http://127.0.0.1:4566", "eu-west-1"))["config"]
    assert config["aws:endpoints"] == [dict.fromkeys(SERVICES, "http://127.0.0.1:4566")]
    assert all(config[f"aws:{it}"] for it in ("skipCredentialsValidation", "skipMetadataApiCheck", "s3UsePathStyle"))


def test_a_policy_of_a_bus_that_is_given_as_a_whole_is_the_policy(emulator: Emulator) -> None:
    events = emulator.client("events")
    events.create_event_bus(Name="whole")
    statement = {
        **{"Sid": "one", "Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"},
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    events.put_permission(EventBusName="whole", Policy=json.dumps(policy))
    assert json.loads(events.describe_event_bus(Name="whole")["Policy"]) == policy
    events.put_permission(EventBusName="whole", StatementId="two", Action="events:PutEvents", Principal="123456789012")
    kept = json.loads(events.describe_event_bus(Name="whole")["Policy"])["Statement"]
    assert [it["Sid"] for it in kept] == ["one", "two"]


def test_a_bus_is_named_by_its_name_or_by_its_arn(emulator: Emulator) -> None:
    events = emulator.client("events")
    arn = events.create_event_bus(Name="by-arn")["EventBusArn"]
    events.put_rule(Name="r", EventBusName=arn, EventPattern='{"source": ["shop"]}')
    target = {"Id": "t", "Arn": f"arn:aws:sqs:eu-west-1:{emulator.account}:q"}
    events.put_targets(Rule="r", EventBusName=arn, Targets=[target])
    for bus in ("by-arn", arn):
        assert events.describe_rule(Name="r", EventBusName=bus)["EventBusName"] == "by-arn"
        assert events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"] == [target]
        assert [it["Name"] for it in events.list_rules(EventBusName=bus)["Rules"]] == ["r"]
    assert "r" not in [it["Name"] for it in events.list_rules()["Rules"]]
