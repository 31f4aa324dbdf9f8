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
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
import yaml
from botocore.config import Config
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.admission import admitting
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

    # A client that speaks CBOR sees the same alarm.
    (cbor,) = emulator.client("cloudwatch").describe_alarms(AlarmNames=["in-query"])["MetricAlarms"]
    assert (cbor["Period"], cbor["InsufficientDataActions"], cbor["ActionsEnabled"]) == (300, [topic], False)
    kept = emulator.client("cloudwatch").list_tags_for_resource(ResourceARN=cbor["AlarmArn"])["Tags"]
    assert kept == [{"Key": "owner", "Value": ""}]

    status, refused = in_query(emulator, "DescribeAlarms", MaxRecords="101")
    assert (status, refused.findtext("Error/Code")) == (400, "ValidationError")
    emulator.client("cloudwatch").delete_alarms(AlarmNames=["in-query"])


TEXT = """a & b <c> "d" 'e' </Value> &amp; ü"""
TAG = {"Key": "told", "Value": TEXT}


def role(iam: Any) -> list[Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="told", AssumeRolePolicyDocument=policy, Description=TEXT, Tags=[TAG])
    found = iam.get_role(RoleName="told")["Role"]
    assert found["AssumeRolePolicyDocument"] == json.loads(policy)
    return [found["Description"], *found["Tags"], *iam.list_role_tags(RoleName="told")["Tags"]]


def managed_policy(iam: Any) -> list[Any]:
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"}]}
    )
    made = iam.create_policy(PolicyName="told", PolicyDocument=document, Description=TEXT, Tags=[TAG])["Policy"]
    found = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]["Document"] == json.loads(
        document
    )
    return [found["Description"], *found["Tags"], *iam.list_policy_tags(PolicyArn=made["Arn"])["Tags"]]


def topic(sns: Any) -> list[Any]:
    arn = sns.create_topic(Name="told", Tags=[TAG], Attributes={"DisplayName": TEXT})["TopicArn"]
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return [attributes["DisplayName"], *sns.list_tags_for_resource(ResourceArn=arn)["Tags"]]


def network(ec2: Any) -> list[Any]:
    tags = [{"ResourceType": "vpc", "Tags": [TAG]}]
    made = ec2.create_vpc(CidrBlock="10.78.0.0/16", TagSpecifications=tags)["Vpc"]
    (vpc,) = ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"]
    group = ec2.create_security_group(GroupName="told", Description=TEXT, VpcId=made["VpcId"])["GroupId"]
    (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    found_by_tag = ec2.describe_vpcs(Filters=[{"Name": "tag:told", "Values": [TEXT]}])["Vpcs"]
    assert [it["VpcId"] for it in found_by_tag] == [made["VpcId"]]
    return [found["Description"], *made["Tags"], *vpc["Tags"]]


def balancer(elbv2: Any) -> list[Any]:
    (made,) = elbv2.create_target_group(Name="told", Protocol="HTTP", Port=80, VpcId="vpc-1", Tags=[TAG])[
        "TargetGroups"
    ]
    (found,) = elbv2.describe_tags(ResourceArns=[made["TargetGroupArn"]])["TagDescriptions"]
    return found["Tags"]


def scaling_group(autoscaling: Any) -> list[Any]:
    tag = {**TAG, "PropagateAtLaunch": False, "ResourceId": "told", "ResourceType": "auto-scaling-group"}
    place = {"AvailabilityZones": ["eu-west-1a"], "LaunchTemplate": {"LaunchTemplateName": "t", "Version": "1"}}
    autoscaling.create_auto_scaling_group(AutoScalingGroupName="told", MinSize=0, MaxSize=0, Tags=[tag], **place)
    return [{key: it[key] for key in TAG} for it in autoscaling.describe_tags()["Tags"]]


def cache(elasticache: Any) -> list[Any]:
    elasticache.create_cache_parameter_group(
        CacheParameterGroupName="told", CacheParameterGroupFamily="redis7", Description=TEXT
    )
    (found,) = elasticache.describe_cache_parameter_groups(CacheParameterGroupName="told")["CacheParameterGroups"]
    return [found["Description"]]


@pytest.mark.parametrize(
    ("service", "echoes"),
    [
        ("iam", role),
        ("iam", managed_policy),
        ("sns", topic),
        ("ec2", network),
        ("elbv2", balancer),
        ("autoscaling", scaling_group),
        ("elasticache", cache),
    ],
    ids=lambda it: getattr(it, "__name__", it),
)
def test_a_text_with_what_xml_means_something_by_comes_back_as_it_was_given(
    emulator: Emulator, service: str, echoes: Callable[[Any], list[Any]]
) -> None:
    # Some of these AWS would not take: IAM's tags know few characters. The answer is readable all the same.
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    make: Any = boto3.client
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = make(service, endpoint_url=emulator.endpoint, region_name=emulator.region, config=config, **keys)
    answered = echoes(client)
    assert len(answered) > 0
    assert [it for it in answered if it not in (TEXT, TAG)] == []


def test_a_message_goes_through_a_topic_as_it_was_published(emulator: Emulator) -> None:
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    arn = sns.create_topic(Name="through")["TopicArn"]
    queue = f"arn:aws:sqs:{emulator.region}:{emulator.account}:through"
    url = sqs.create_queue(QueueName="through", Attributes={"Policy": admitting(queue, arn)})["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    sns.publish(TopicArn=arn, Message=TEXT, Subject="a & b")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    told = json.loads(message["Body"])
    assert (told["Message"], told["Subject"]) == (TEXT, "a & b")


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
