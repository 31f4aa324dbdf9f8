"""What a program's resource options ask for is done in the sandbox as Pulumi's engine does it, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Deployment, DeploymentFailed, Emulator, deploy

from tools.recording import program

HEAD = """
import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx
from pulumi import ResourceOptions, ResourceTransformArgs, ResourceTransformResult

def tagged(**tags):
    def transform(args):
        if args.type_.startswith("aws:"):
            given = {"order": "", **args.props.get("tags", {}), **tags}
            given["order"] += "".join(tags)
            return ResourceTransformResult({**args.props, "tags": given}, args.opts)
    return transform

class Own(pulumi.ComponentResource):
    def __init__(self, name, opts=None, transforms=()):
        super().__init__("own:index:Own", name, None, opts)
        queue = aws.sqs.Queue(name, opts=ResourceOptions(parent=self, transforms=list(transforms)))
        self.register_outputs({"url": queue.url})

said = []
"""


def run(tmp_path: Path, aws: Emulator, source: str) -> Deployment:
    return deploy(program(tmp_path, HEAD + source), aws)


def tags(aws: Emulator, deployment: Deployment) -> list[dict[str, str]]:
    """As AWS has them, of each queue of the deployment."""
    queues = deployment.of_kind("aws:sqs/queue:Queue")
    return [aws.client("sqs").list_queue_tags(QueueUrl=it.id).get("Tags", {}) for it in queues]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("aws.sqs.Queue('q', opts=ResourceOptions(transforms=[tagged(a='1')]))", {"a": "1", "order": "a"}),
        (
            "aws.sqs.Queue('q', opts=ResourceOptions(transforms=[tagged(a='1'), tagged(b='2')]))",
            {"a": "1", "b": "2", "order": "ab"},
        ),
        ("Own('o', ResourceOptions(transforms=[tagged(a='1')]))", {"a": "1", "order": "a"}),
        # Its own first, then its parent's, then the stack's.
        (
            "pulumi.runtime.register_resource_transform(tagged(c='3'))\n"
            "Own('o', ResourceOptions(transforms=[tagged(b='2')]), [tagged(a='1')])",
            {"a": "1", "b": "2", "c": "3", "order": "abc"},
        ),
        ("pulumi.runtime.register_stack_transform(tagged(a='1'))\naws.sqs.Queue('q')", {"a": "1", "order": "a"}),
        # Those that the SDK runs itself.
        (
            "def old(args): args.props['tags'] = {'a': '1'}; return pulumi.ResourceTransformationResult(args.props,"
            " args.opts)\naws.sqs.Queue('q', opts=ResourceOptions(transformations=[old]))",
            {"a": "1"},
        ),
        (
            "def old(args): args.props['tags'] = {'a': '1'}; return pulumi.ResourceTransformationResult(args.props,"
            " args.opts)\npulumi.runtime.register_stack_transformation(old)\naws.sqs.Queue('q')",
            {"a": "1"},
        ),
        # One that changes nothing, and one that takes its time.
        ("aws.sqs.Queue('q', tags={'a': '1'}, opts=ResourceOptions(transforms=[lambda args: None]))", {"a": "1"}),
        (
            "async def slow(args):\n    import asyncio; await asyncio.sleep(0.01); return tagged(a='1')(args)\n"
            "aws.sqs.Queue('q', opts=ResourceOptions(transforms=[slow]))",
            {"a": "1", "order": "a"},
        ),
    ],
)  # fmt: skip
def test_a_transform_is_run(tmp_path: Path, emulator: Emulator, source: str, expected: dict[str, str]) -> None:
    (found,) = tags(emulator, run(tmp_path, emulator, source))
    assert found == expected


def test_a_transform_sees_outputs_where_the_engine_gives_it_outputs(tmp_path: Path, emulator: Emulator) -> None:
    source = """
def longer(args):
    kinds.append({key: type(value).__name__ for key, value in sorted(args.props.items())})
    tags = pulumi.Output.from_input(args.props["tags"]).apply(lambda it: {**it, "dead": it["dead"].rpartition(":")[2]})
    return ResourceTransformResult({**args.props, "tags": tags}, args.opts)

kinds = []
dead = aws.sqs.Queue("dead", name="dead")
queue = aws.sqs.Queue("q", max_message_size=2048, tags={"dead": dead.arn},
    name=pulumi.Output.secret("hidden"), opts=ResourceOptions(transforms=[longer, lambda args: None]))
aws.sqs.Queue("kept", name=pulumi.Output.secret("kept"), tags={"dead": dead.arn, "secret": pulumi.Output.secret("s")},
    opts=ResourceOptions(transforms=[lambda args: None]))
pulumi.export("kinds", pulumi.Output.all(dead.id, queue.id).apply(lambda _: kinds))
"""
    deployment = run(tmp_path, emulator, source)
    assert deployment.outputs["kinds"] == [{"maxMessageSize": "float", "name": "Output", "tags": "Output"}]
    named = {
        it.outputs["name"]: given
        for it, given in zip(deployment.of_kind("aws:sqs/queue:Queue"), tags(emulator, deployment), strict=True)
    }
    kept = {"dead": f"arn:aws:sqs:eu-west-1:{emulator.account}:dead", "secret": "s"}
    assert named == {"dead": {}, "hidden": {"dead": "dead"}, "kept": kept}


def test_a_transform_gives_another_provider_with_its_tags(tmp_path: Path, emulator: Emulator) -> None:
    source = """
other = aws.Provider("other", region="eu-west-1", default_tags={"tags": {"by": "other"}})
def moved(args):
    return ResourceTransformResult(args.props, ResourceOptions.merge(args.opts, ResourceOptions(provider=other)))
def same(args):
    return ResourceTransformResult(args.props, None)
aws.sqs.Queue("q", opts=ResourceOptions(transforms=[moved]))
aws.sqs.Queue("r", opts=ResourceOptions(provider=other, transforms=[same]))
"""
    assert tags(emulator, run(tmp_path, emulator, source)) == [{"by": "other"}, {"by": "other"}]


def test_a_stacks_transform_tags_what_another_packages_component_makes(tmp_path: Path, emulator: Emulator) -> None:
    source = """
pulumi.runtime.register_resource_transform(tagged(team='x'))
awsx.ec2.Vpc('v', number_of_availability_zones=2)
"""
    subnets = run(tmp_path, emulator, source).of_kind("aws:ec2/subnet:Subnet")
    described = emulator.client("ec2").describe_subnets(SubnetIds=[it.id for it in subnets])["Subnets"]
    assert len(described) == 4
    assert all({"Key": "team", "Value": "x"} in it["Tags"] for it in described)
    assert all("Name" in [tag["Key"] for tag in it["Tags"]] for it in described)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "def fails(args): raise ValueError('not like that')\n"
            "aws.sqs.Queue('q', opts=ResourceOptions(transforms=[fails]))",
            r"q \(aws:sqs/queue:Queue\): a transform failed: not like that",
        ),
        # The sandbox checks the inputs from a transform too.
        (
            "def more(args): return ResourceTransformResult({**args.props, 'unknownInput': 5}, args.opts)\n"
            "aws.sqs.Queue('q', opts=ResourceOptions(transforms=[more]))",
            "does not know its input unknownInput",
        ),
        (
            "def more(args):\n"
            "    if args.type_ == 'aws:ec2/subnet:Subnet':\n"
            "        return ResourceTransformResult({'mapPublicIpOnLaunch': False}, args.opts)\n"
            "pulumi.runtime.register_resource_transform(more)\nawsx.ec2.Vpc('v', number_of_availability_zones=2)",
            r"v \(awsx:ec2:Vpc\): a transform changes mapPublicIpOnLaunch of v-public-1 \(aws:ec2/subnet:Subnet\)",
        ),
        (
            "def adopts(args): return ResourceTransformResult(args.props, ResourceOptions(import_='there'))\n"
            "aws.sqs.Queue('q', opts=ResourceOptions(transforms=[adopts]))",
            r"q \(aws:sqs/queue:Queue\): import_ adopts 'there', and the sandbox adopts log groups only",
        ),
        (
            "aws.sqs.Queue('q', opts=ResourceOptions(import_='there'))",
            r"q \(aws:sqs/queue:Queue\): import_ adopts 'there', and the sandbox adopts log groups only.*; leave",
        ),
        (
            "aws.Provider('p', region='eu-west-1', opts=ResourceOptions(env_var_mappings={'MINE': 'AWS_PROFILE'}))",
            r"p \(pulumi:providers:aws\): env_var_mappings: .*; give it these values as arguments",
        ),
        (
            "def before(args): raise ValueError('not yet')\n"
            "hooks = pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook('mine', before)])\n"
            "aws.sqs.Queue('q', name='never', opts=ResourceOptions(hooks=hooks))",
            r"q \(aws:sqs/queue:Queue\): before hook 'mine' failed: not yet",
        ),
        (
            "aws.get_region(region='us-east-1')",
            "aws:index/getRegion:getRegion: the sandbox is in eu-west-1, and its input region says us-east-1",
        ),
        (
            "def moved(args): return pulumi.InvokeTransformResult({'region': 'us-east-1'}, args.opts)\n"
            "pulumi.runtime.register_invoke_transform(moved)\naws.get_region_output()",
            "aws:index/getRegion:getRegion: the sandbox is in eu-west-1, and its input region says us-east-1",
        ),
        (
            "def fails(args): raise ValueError('nothing')\n"
            "pulumi.runtime.register_invoke_transform(fails)\naws.get_region_output()",
            "aws:index/getRegion:getRegion: its transform failed: nothing",
        ),
        (
            "def after(args): raise ValueError('too late')\n"
            "Own('o', ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[after])))",
            r"o \(own:index:Own\): after hook '.*' failed: too late",
        ),
    ],
)
def test_what_fails_or_cannot_be_had_names_the_resource(
    tmp_path: Path, emulator: Emulator, source: str, said: str
) -> None:
    with pytest.raises(DeploymentFailed, match=said):
        run(tmp_path, emulator, source)
    assert not emulator.client("sqs").list_queues(QueueNamePrefix="never").get("QueueUrls")


def test_hooks_are_run_around_the_creation_with_its_inputs_and_outputs(tmp_path: Path, emulator: Emulator) -> None:
    source = """
import boto3, json, os
sqs = boto3.client("sqs", endpoint_url=aws.get_region().endpoint, region_name="eu-west-1",
                   aws_access_key_id="test", aws_secret_access_key="test")

def seen(when):
    def hook(args):
        there = bool(sqs.list_queues(QueueNamePrefix="hooked").get("QueueUrls"))
        outputs = sorted(args.new_outputs or {})
        line = [when, args.name, bool(args.id), there, (args.new_inputs or {}).get("name"), "url" in outputs]
        with open("seen", "a") as file:
            file.write(json.dumps(line) + "\\n")
        assert when != "ignored", "of no matter"
    return hook

ignored = pulumi.ResourceHook("ignored", seen("ignored"), pulumi.ResourceHookOptions(ignore_errors=True))
binding = pulumi.ResourceHookBinding(
    before_create=[seen("before"), ignored], after_create=[seen("after")], before_update=[seen("never")],
    before_delete=[pulumi.ResourceHook("deleted", seen("never"))],
)
aws.sqs.Queue("q", name="hooked", opts=ResourceOptions(hooks=binding, transforms=[lambda args: None]))
around = pulumi.ResourceHookBinding(before_create=[seen("before")], after_create=[seen("after")])
Own("o", ResourceOptions(hooks=around))
"""
    run(tmp_path, emulator, source)
    lines = sorted((tmp_path / "seen").read_text().splitlines())
    assert [line for line in lines if '"q"' in line] == [
        '["after", "q", true, true, "hooked", true]',
        '["before", "q", false, false, "hooked", false]',
        '["ignored", "q", false, false, "hooked", false]',
    ]
    after, before = (json.loads(line) for line in lines if '"o"' in line)
    assert (before[0], before[-2:]) == ("before", [None, False])
    assert (after[0], after[-2:]) == ("after", [None, True])


@pytest.mark.parametrize(("wanted", "tries"), [(2, 3), (0, 1)])
def test_an_error_hook_has_the_creation_tried_again(
    tmp_path: Path, emulator: Emulator, wanted: int, tries: int
) -> None:
    source = f"""
def again(args):
    with open("seen", "a") as file:
        file.write(f"{{args.failed_operation}} {{len(args.errors)}} {{'NoSuchEntity' in args.errors[0]}}\\n")
    return len(args.errors) <= {wanted}
hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("again", again)])
aws.iam.RolePolicy("p", role="nobody", policy="{{}}", opts=ResourceOptions(hooks=hooks))
"""
    with pytest.raises(DeploymentFailed, match=r"p \(aws:iam/rolePolicy:RolePolicy\): .*NoSuchEntity"):
        run(tmp_path, emulator, source)
    expected = [f"create {number + 1} True" for number in range(tries)]
    assert (tmp_path / "seen").read_text().splitlines() == expected


def test_a_question_to_a_data_source_goes_through_the_transforms(tmp_path: Path, emulator: Emulator) -> None:
    source = """
from pulumi import InvokeTransformResult
asked = []
def transform(args):
    asked.append(args.token)
    return InvokeTransformResult(args.args, args.opts)
pulumi.runtime.register_invoke_transform(transform)
pulumi.export("region", aws.get_region_output().apply(lambda it: [it.region, *asked]))
"""
    assert run(tmp_path, emulator, source).outputs["region"] == ["eu-west-1", "aws:index/getRegion:getRegion"]


def test_options_for_what_comes_after_a_first_deployment_change_nothing(tmp_path: Path, emulator: Emulator) -> None:
    source = """
first = aws.sqs.Queue("first")
aws.sqs.Queue("q", tags={"a": "1"}, opts=ResourceOptions(
    depends_on=[first], protect=True, ignore_changes=["tags"], retain_on_delete=True, delete_before_replace=True,
    replace_on_changes=["name"], replace_with=[first], deleted_with=first, replacement_trigger="x", hide_diffs=["tags"],
    additional_secret_outputs=["url"], aliases=[pulumi.Alias(name="old")], version="7.51.1",
    custom_timeouts=pulumi.CustomTimeouts(create="1m"), state_migrations=[lambda args: None],
    transforms=[lambda args: ResourceTransformResult(args.props, args.opts)],
))
"""
    deployment = run(tmp_path, emulator, source)
    assert [it.name for it in deployment.of_kind("aws:sqs/queue:Queue")] == ["first", "q"]
    assert tags(emulator, deployment) == [{}, {"a": "1"}]


def test_one_programs_transforms_are_not_the_next_ones(tmp_path: Path, emulator: Emulator) -> None:
    for name, source in (("a", "pulumi.runtime.register_resource_transform(tagged(a='1'))\n"), ("b", "")):
        folder = tmp_path / name
        folder.mkdir()
        found: Any = tags(emulator, run(folder, emulator, f"{source}aws.sqs.Queue('q')"))
        assert found == [{"a": "1", "order": "a"}] if source else [{}]


def test_launchers_come_in_the_order_of_the_program_whichever_is_registered_first(
    tmp_path: Path, emulator: Emulator
) -> None:
    """The first one is what `make up` launches. It registers last here: it waits for a cluster, the others do not."""
    arguments = {
        "image": "nginx",
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_ids": ["sg-0123456789abcdef0"],
    }
    source = f"""
import asyncio, pulumi, pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
async def late():
    await asyncio.sleep(1)
    return aws.ecs.Cluster("c")
for name, waits in (("ordered-b", True), ("ordered-a", False)):
    opts = pulumi.ResourceOptions(depends_on=pulumi.Output.from_input(late())) if waits else None
    FargateJobLauncher(
        name, {{**{arguments!r}, "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c"}}, opts=opts
    )
"""
    deployment = deploy(program(tmp_path, source), emulator)
    registered = [it.name for it in deployment.of_kind("fargate-job-launcher:index:FargateJobLauncher")]
    assert registered == ["ordered-a", "ordered-b"]
    assert list(deployment.launchers) == ["ordered-b", "ordered-a"]
