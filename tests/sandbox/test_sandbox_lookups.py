"""What a program asks for instead of making it, and that Pulumi's own pages show little else than the sandbox knows."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pulumi_aws
import pytest
from fargate_job_launcher.sandbox import DeploymentFailed, Emulator, Inputs, answers, deploy
from fargate_job_launcher.sandbox.engine.lookups import known_lookups
from fargate_job_launcher.sandbox.engine.lookups.policy_documents import NoDocument, policy_document
from fargate_job_launcher.sandbox.engine.resources import known_types

from tools.recording import program

MADE: Final = """
import json
import pulumi
import pulumi_aws as aws

trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws.iam.Role("r", name="reader", assume_role_policy=trust, inline_policies=[
    {"name": "inline", "policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]})}])
policy = aws.iam.Policy("p", name="reading", policy={"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
aws.ecs.Cluster("c", name="jobs")
aws.ecs.TaskDefinition("t", family="report", requires_compatibilities=["FARGATE"], network_mode="awsvpc", cpu="256",
                       memory="512", container_definitions=json.dumps([{"name": "job", "image": "nginx"}]))
aws.ecr.Repository("e", name="images")
files = aws.efs.FileSystem("f")
key = aws.kms.Key("k")
aws.kms.Alias("k", name="alias/mine", target_key_id=key.key_id)
code = pulumi.FileArchive("code.zip")
function = aws.lambda_.Function("f", name="fn", role=role.arn, runtime="python3.13", handler="f.handle", code=code,
                                publish=True)
aws.lambda_.Alias("a", name="live", function_name=function.name, function_version="1")
aws.lambda_.FunctionUrl("f", function_name=function.name, authorization_type="AWS_IAM")
aws.lambda_.LayerVersion("l", layer_name="layer", code=code)
aws.cloudwatch.EventBus("b", name="orders")
secret = aws.secretsmanager.Secret("s", name="db", recovery_window_in_days=0)
aws.secretsmanager.SecretVersion("s", secret_id=secret.id, secret_string="v")
aws.ssm.Parameter("s", name="/a/b", type="String", value="w")
aws.sqs.Queue("q", name_prefix="work-")
aws.sqs.Queue("q2", name="orders")
aws.sns.Topic("t", name="told")
table = aws.dynamodb.Table("t", name="items", attributes=[{"name": "pk", "type": "S"}], hash_key="pk",
                           billing_mode="PAY_PER_REQUEST")
aws.s3.Bucket("b", bucket="kept")
aws.cloudwatch.LogGroup("g", name="/kept", retention_in_days=7)
pulumi.export("files", files.id)
pulumi.export("key", key.key_id)
"""
ITEM: Final = {"pk": {"S": "a"}, "many": {"N": "3"}, "kept": {"M": {"x": {"BOOL": True}}}}

HERE: Final = "eu-west-1:123456789012"
ASKED: Final[dict[str, tuple[str, str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": ("aws.get_caller_identity()", "account_id", "123456789012"),
    "aws:index/getRegion:getRegion": ("aws.get_region()", "region", "eu-west-1"),
    "aws:index/getPartition:getPartition": ("aws.get_partition()", "dns_suffix", "amazonaws.com"),
    "aws:index/getAvailabilityZones:getAvailabilityZones": (
        "aws.get_availability_zones(state='available', exclude_names=['eu-west-1b'])",
        "names",
        ["eu-west-1a", "eu-west-1c"],
    ),
    "aws:iam/getPolicyDocument:getPolicyDocument": (
        "aws.iam.get_policy_document(statements=[{'actions': ['s3:*'], 'resources': ['*']}])",
        "minified_json",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    ),
    "aws:iam/getRole:getRole": ("aws.iam.get_role(name='reader')", "arn", "arn:aws:iam::123456789012:role/reader"),
    "aws:iam/getPolicy:getPolicy": (
        "aws.iam.get_policy(name='reading')",
        "arn",
        "arn:aws:iam::123456789012:policy/reading",
    ),
    "aws:ecs/getCluster:getCluster": (
        "aws.ecs.get_cluster(cluster_name='jobs')",
        "arn",
        f"arn:aws:ecs:{HERE}:cluster/jobs",
    ),
    "aws:ecs/getClusters:getClusters": ("aws.ecs.get_clusters()", "cluster_arns", [f"arn:aws:ecs:{HERE}:cluster/jobs"]),
    "aws:ecs/getTaskDefinition:getTaskDefinition": (
        "aws.ecs.get_task_definition(task_definition='report')",
        "arn",
        f"arn:aws:ecs:{HERE}:task-definition/report:1",
    ),
    "aws:ecr/getRepository:getRepository": (
        "aws.ecr.get_repository(name='images')",
        "arn",
        f"arn:aws:ecr:{HERE}:repository/images",
    ),
    "aws:efs/getFileSystem:getFileSystem": ("aws.efs.get_file_system(file_system_id=FILES)", "file_system_id", "FILES"),
    "aws:kms/getKey:getKey": ("aws.kms.get_key(key_id=KEY)", "id", "KEY"),
    "aws:kms/getAlias:getAlias": ("aws.kms.get_alias(name='alias/mine')", "target_key_id", "KEY"),
    "aws:lambda/getFunction:getFunction": (
        "aws.lambda_.get_function(function_name='fn')",
        "role",
        "arn:aws:iam::123456789012:role/reader",
    ),
    "aws:lambda/getFunctions:getFunctions": ("aws.lambda_.get_functions()", "function_names", ["fn"]),
    "aws:lambda/getFunctionUrl:getFunctionUrl": (
        "aws.lambda_.get_function_url(function_name='fn')",
        "authorization_type",
        "AWS_IAM",
    ),
    "aws:lambda/getAlias:getAlias": (
        "aws.lambda_.get_alias(function_name='fn', name='live')",
        "function_version",
        "1",
    ),
    "aws:lambda/getLayerVersion:getLayerVersion": (
        "aws.lambda_.get_layer_version(layer_name='layer')",
        "arn",
        f"arn:aws:lambda:{HERE}:layer:layer:1",
    ),
    "aws:cloudwatch/getEventBus:getEventBus": (
        "aws.cloudwatch.get_event_bus(name='orders')",
        "arn",
        f"arn:aws:events:{HERE}:event-bus/orders",
    ),
    "aws:cloudwatch/getLogGroup:getLogGroup": ("aws.cloudwatch.get_log_group(name='/kept')", "retention_in_days", 7),
    "aws:secretsmanager/getSecret:getSecret": ("aws.secretsmanager.get_secret(name='db')", "name", "db"),
    "aws:secretsmanager/getSecretVersion:getSecretVersion": (
        "aws.secretsmanager.get_secret_version(secret_id='db')",
        "secret_string",
        "v",
    ),
    "aws:ssm/getParameter:getParameter": ("aws.ssm.get_parameter(name='/a/b')", "value", "w"),
    "aws:sqs/getQueue:getQueue": ("aws.sqs.get_queue(name='orders')", "arn", f"arn:aws:sqs:{HERE}:orders"),
    "aws:sqs/getQueues:getQueues": ("aws.sqs.get_queues(queue_name_prefix='ord')", "queue_urls", 1),
    "aws:dynamodb/getTableItem:getTableItem": (
        'aws.dynamodb.get_table_item(table_name=\'items\', key=\'{"pk": {"S": "a"}}\')',
        "item",
        json.dumps(ITEM),
    ),
    "aws:sns/getTopic:getTopic": ("aws.sns.get_topic(name='told')", "arn", f"arn:aws:sns:{HERE}:told"),
    "aws:s3/getBucket:getBucket": ("aws.s3.get_bucket(bucket='kept')", "arn", "arn:aws:s3:::kept"),
    "aws:ec2/getVpc:getVpc": ("aws.ec2.get_vpc(default=True)", "default", True),
    "aws:ec2/getSubnets:getSubnets": (
        "aws.ec2.get_subnets(filters=[{'name': 'vpc-id', 'values': [aws.ec2.get_vpc(default=True).id]}])",
        "ids",
        3,
    ),
    "aws:ec2/getSubnet:getSubnet": (
        "aws.ec2.get_subnet(availability_zone='eu-west-1a', default_for_az=True)",
        "availability_zone",
        "eu-west-1a",
    ),
    "aws:ec2/getSecurityGroup:getSecurityGroup": (
        "aws.ec2.get_security_group(name='default', vpc_id=aws.ec2.get_vpc(default=True).id)",
        "name",
        "default",
    ),
}
"""Data source → how a program asks, which part of the answer is looked at, and what that is; a number counts a list."""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """What each data source answers, and what AWS chose itself."""
    folder = tmp_path_factory.mktemp("made")
    with zipfile.ZipFile(folder / "code.zip", "w") as code:
        code.writestr("f.py", "def handle(event, context): return 1")
    with Emulator(region="eu-west-1") as aws:
        made = deploy(program(folder, MADE), aws).outputs
        aws.client("dynamodb").put_item(TableName="items", Item=ITEM)
        chosen = {"FILES": made["files"], "KEY": made["key"]}
        lines = ["import pulumi", "import pulumi_aws as aws", *(f"{key} = {it!r}" for key, it in chosen.items())]
        lines += [f"pulumi.export({token!r}, {asked}.{part})" for token, (asked, part, _) in ASKED.items()]
        yield deploy(program(tmp_path_factory.mktemp("asked"), "\n".join(lines)), aws).outputs, chosen


def test_every_data_source_that_the_sandbox_knows_has_a_case() -> None:
    assert set(ASKED) == {it for it in known_lookups() if not it.startswith("random:")}


@pytest.mark.parametrize("token", ASKED)
def test_a_data_source_answers_with_what_there_is(answered: tuple[dict[str, Any], dict[str, str]], token: str) -> None:
    outputs, chosen = answered
    expected = ASKED[token][2]
    said = outputs[token]
    if isinstance(said, list) and isinstance(expected, int):
        assert len(said) == expected
    else:
        assert said == (chosen.get(expected, expected) if isinstance(expected, str) else expected)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("aws.ecs.get_cluster(cluster_name='nowhere')", "getCluster: there is no nowhere"),
        ("aws.ec2.get_vpc(cidr_block='1.2.3.0/24')", "getVpc: no matching resources found"),
        ("aws.ec2.get_subnet(default_for_az=True)", "getSubnet: multiple matching resources found"),
        ("aws.sqs.get_queue(name='nowhere')", "getQueue: An error occurred (AWS.SimpleQueueService.NonExistentQueue)"),
        ("aws.get_region(region='us-east-1')", "the sandbox is in eu-west-1, and its input region says us-east-1"),
        ("aws.get_billing_service_account()", "the sandbox does not know this data source; it knows aws:cloudwatch/"),
        ("aws.iam.get_policy_document(source_policy_documents=['x'])", "is not the JSON of a policy"),
    ],
)
def test_what_is_not_there_is_said_with_the_data_source(
    emulator: Emulator, tmp_path: Path, asked: str, said: str
) -> None:
    with pytest.raises(DeploymentFailed) as raised:
        deploy(program(tmp_path, f"import pulumi_aws as aws\n{asked}\n"), emulator)
    assert said in str(raised.value)


MISSED: Final = """
import pulumi, pulumi_aws as aws
async def ask(_):
    try:
        await pulumi.runtime.invoke_async("aws:sqs/getQueue:getQueue", {"name": "nowhere"})
    except Exception as error:
        return str(error)
said = pulumi.Output.from_input("x").apply(ask)
pulumi.export("said", said)
"""


def test_a_program_may_go_on_without_what_is_not_there_and_its_next_failure_is_that_of_the_deployment(
    emulator: Emulator, tmp_path: Path
) -> None:
    said = deploy(program(tmp_path, MISSED), emulator).outputs["said"]
    assert said.startswith("invoke of aws:sqs/getQueue:getQueue failed: ")
    assert "NonExistentQueue" in said
    (tmp_path / "next").mkdir()
    next_failure = (
        MISSED
        + """
aws.scheduler.Schedule("s", schedule_expression=said.apply(lambda _: "every day"), flexible_time_window={"mode": "OFF"},
    target={"arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "role_arn": "arn:aws:iam::123456789012:role/r"})
"""
    )
    with pytest.raises(DeploymentFailed) as raised:
        deploy(program(tmp_path / "next", next_failure), emulator)
    assert str(raised.value).startswith("s (aws:scheduler/schedule:Schedule): ")


@pytest.mark.parametrize(
    ("mistake", "raised", "said"),
    [
        ("raise pulumi.RunError('my own words')", DeploymentFailed, "__main__.py, line 10: my own words"),
        ("said.apply(lambda _: {}['x'])", KeyError, "'x'"),
        ("{}['x']", KeyError, "'x'"),
        ("raise Exception('mine: ' + str(aws.get_region().region))", Exception, "mine: eu-west-1"),
        # That one is not caught.
        ("aws.ec2.get_subnet(default_for_az=True)", DeploymentFailed, "aws:ec2/getSubnet:getSubnet: multiple"),
        (
            "pulumi.export('a', aws.ec2.get_subnet_output(default_for_az=True))",
            DeploymentFailed,
            "aws:ec2/getSubnet:getSub",
        ),
        (
            "aws.ecs.Cluster('c', name=aws.sqs.get_queue_output(name='no').url)",
            DeploymentFailed,
            "aws:sqs/getQueue:getQ",
        ),
    ],
)
def test_a_data_source_whose_error_the_program_caught_is_not_told_in_place_of_the_programs_own_error(
    emulator: Emulator, tmp_path: Path, mistake: str, raised: type[Exception], said: str
) -> None:
    with pytest.raises(raised) as found:
        deploy(program(tmp_path, f"{MISSED.lstrip()}\n{mistake}\n"), emulator)
    assert (type(found.value), str(found.value)[: len(said)]) == (raised, said)


def test_a_team_adds_a_data_source(emulator: Emulator, tmp_path: Path) -> None:
    @answers("random:index/getWord:getWord")
    def _word(aws: Emulator, inputs: Inputs) -> dict[str, Any]:
        return {"word": f"{inputs.take('begins')}-{aws.region}"}

    source = """
import pulumi
pulumi.export("word", pulumi.runtime.invoke("random:index/getWord:getWord", {"begins": "a"}).value["word"])
"""
    assert deploy(program(tmp_path, source), emulator).outputs["word"] == "a-eu-west-1"


def test_a_policy_document_has_its_parts_as_the_provider_writes_them() -> None:
    own = {
        "statements": [
            {
                **{"sid": "One", "actions": ["s3:GetObject", "s3:PutObject"], "resources": ["arn:aws:s3:::b/&{aws:u}"]},
                "principals": [{"type": "AWS", "identifiers": ["a", "b"]}, {"type": "Service", "identifiers": ["c"]}],
                "conditions": [
                    {"test": "StringLike", "variable": "s3:prefix", "values": ["x/*", "y/*"]},
                    {"test": "StringLike", "variable": "aws:u", "values": ["z"]},
                ],
            },
            {"effect": "Deny", "notActions": ["iam:*"], "notResources": ["*"], "principals": [ALL]},
        ],
        "policyId": "mine",
    }
    document = json.loads(policy_document(own)["json"])
    assert document == {
        "Version": "2012-10-17",
        "Id": "mine",
        "Statement": [
            {
                **{"Sid": "One", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"]},
                "Resource": "arn:aws:s3:::b/${aws:u}",
                "Principal": {"AWS": ["a", "b"], "Service": "c"},
                "Condition": {"StringLike": {"s3:prefix": ["x/*", "y/*"], "aws:u": "z"}},
            },
            {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*", "Principal": "*"},
        ],
    }
    over = {"overridePolicyDocuments": [json.dumps({"Statement": {"Sid": "One", "Effect": "Deny"}})]}
    merged = json.loads(policy_document({"sourcePolicyDocuments": [json.dumps(document)], **over})["json"])
    assert merged["Statement"] == [{"Sid": "One", "Effect": "Deny"}, document["Statement"][1]]
    with pytest.raises(NoDocument, match="duplicate Sid"):
        policy_document({"sourcePolicyDocuments": [json.dumps(document)] * 2})


ALL: Final = {"type": "*", "identifiers": ["*"]}

PAGES: Final = {"ecs": "*.py", "lambda_": "*.py", "sqs": "*.py", "cloudwatch": "event_*.py", "scheduler": "*.py"}
"""Where Pulumi's SDK has the examples of its pages for ECS, Lambda, SQS and EventBridge."""

ELSEWHERE: Final = {
    "of containers on instances, services or daemons, which no job on Fargate has": (
        *("autoscaling.Group", "batch.ComputeEnvironment", "ecs.CapacityProvider", "ecs.Daemon", "ecs.Tag"),
        *("ecs.DaemonTaskDefinition", "ecs.ExpressGatewayService", "ecs.TaskSet", "ecs.get_container_definition"),
        *("ecs.get_service", "ecs.get_task_execution"),
    ),
    "of functions that no launcher or its caller has": (
        *("lambda_.CapacityProvider", "lambda_.CoreNetworkConnector", "lambda_.FunctionScalingConfig"),
        *("lambda_.ResourcePolicy", "lambda_.Runtime", "lambda_.RuntimeManagementConfig", "lambda_.get_invocation"),
        *("lambdamicrovms.Image", "s3.FilesAccessPoint", "s3.FilesFileSystem"),
    ),
    "of services that are neither asked by a job's launcher nor call it": (
        *("apigateway.Deployment", "apigateway.Integration", "apigateway.RestApi", "apigateway.Stage"),
        *("appsync.GraphQLApi", "elasticache.Cluster", "kinesis.FirehoseDeliveryStream", "route53.Record"),
        *("cloudwatch.LogDelivery", "cloudwatch.LogDeliveryDestination", "cloudwatch.LogDeliverySource"),
        *("cloudwatch.EventEndpoint", "cloudwatch.get_event_source"),
    ),
    "the emulator does not know it, or answers with what AWS would not": (
        *("lambda_.CodeSigningConfig", "lambda_.get_code_signing_config", "signer.SigningProfile", "ssm.Document"),
        "cloudwatch.EventApiDestination",
    ),
}
"""What those pages show besides, and why the sandbox has not got it; a team adds it as the page says."""


def shown() -> set[str]:
    """What the examples of those pages make and ask for."""
    root = Path(str(pulumi_aws.__file__)).parent
    found = set[str]()
    for module, pattern in PAGES.items():
        for page in (root / module).glob(pattern):
            for example in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
                made = re.findall(r"\baws\.([a-z_0-9]+\.[A-Z]\w+)\(", example)
                asked = re.findall(r"\baws\.((?:[a-z_0-9]+\.)?get_\w+?)(?:_output)?\(", example)
                found |= {it for it in made if not it.endswith("Args")} | set(asked)
    return found


def test_what_pulumis_pages_show_for_ecs_lambda_sqs_and_eventbridge_is_known() -> None:
    said = {it for some in ELSEWHERE.values() for it in some}
    unknown = set[str]()
    for it in shown():
        module, _, name = it.rpartition(".")
        of: Any = getattr(pulumi_aws, module) if module else pulumi_aws
        if name.startswith("get_"):
            first, *rest = name.split("_")
            token = "".join([first, *(word.capitalize() for word in rest)])
            known = f"aws:{module.strip('_') or 'index'}/{token}:{token}" in known_lookups()
        else:
            known = getattr(of, name).pulumi_type in known_types()
        if not known:
            unknown.add(it)
    assert unknown == said
