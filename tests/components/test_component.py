"""The component as Pulumi users expect one to behave: its children, their options, and names that do not change."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints, is_typeddict

import fargate_job_launcher
import pulumi
import pytest
from fargate_job_launcher import JobCluster, JobNetwork, PayloadBucket
from fargate_job_launcher.checks import choices
from fargate_job_launcher.provider import COMPONENTS
from fargate_job_launcher.task_definition import family
from hypothesis import given
from hypothesis import strategies as st

from tools.recording import Recording, program, record

NAMES = Path(__file__).with_name("urns.txt")

EVERYTHING: dict[str, Any] = {
    "image": "nginx",
    "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "task_policy": '{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}',
    "overrides": {"payload": True, "at": True, "array": {"max_size": 100}},
    "payload_bucket": "payloads",
    "allow_exec": True,
    "efs_volumes": [{"file_system_id": "fs-01234567", "access_point_id": "fsap-01234567", "path": "/d"}],
    "schedule": {"expression": "rate(1 hour)"},
    "schedules": {"nightly": {"expression": "cron(0 3 * * ? *)"}},
    "queue": {},
    "event_rule": {"pattern": '{"source": ["shop"]}'},
    "supervision": {"retries": 1, "max_runtime_minutes": 60},
    "alarms": {"dashboard": True, "max_job_minutes": 60},
}
KIND = "fargate-job-launcher:index:FargateJobLauncher"


def launcher(tmp_path: Path, options: str = "", before: str = "", name: str = "job") -> Recording:
    """A launcher with everything, with these resource options as Python source."""
    source = f"""
import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
{before}
FargateJobLauncher({name!r}, {EVERYTHING!r}, pulumi.ResourceOptions({options}))
"""
    return record(program(tmp_path, source))


def children(recording: Recording) -> list[Any]:
    """What a launcher makes, and what its own JobRuns makes."""
    inside = (KIND, f"{KIND}$fargate-job-launcher:index:JobRuns")
    return [it for it in recording.resources.values() if it.parent.rpartition("::")[0].endswith(inside)]


def test_the_names_of_what_it_makes_are_a_promise(tmp_path: Path) -> None:
    """Another name is another resource: a change here replaces things in every stack, and needs an alias and a note."""
    urns = sorted(it.urn for it in launcher(tmp_path).resources.values())
    listed = "\n".join(urns) + "\n"
    assert listed == NAMES.read_text(), f"write the new names into {NAMES.name} on purpose, with aliases for the old"


def test_everything_that_it_makes_belongs_to_it(tmp_path: Path) -> None:
    recording = launcher(tmp_path)
    outside = [it.urn for it in recording.resources.values() if it not in children(recording)]
    assert sorted(it.rpartition("::")[0].rpartition("$")[2].rpartition("::")[2] for it in outside) == sorted(
        [KIND, "pulumi:pulumi:Stack"]
    )
    assert len(children(recording)) > 45


def test_its_options_reach_its_children(tmp_path: Path) -> None:
    before = 'elsewhere = aws.Provider("elsewhere", region="eu-west-1")'
    recording = launcher(tmp_path, "protect=True, provider=elsewhere", before)
    found = children(recording)
    assert {it.protect for it in found} == {True}
    assert {it.provider.rpartition("::")[0].rpartition("::")[2] for it in found} == {"elsewhere"}


def test_it_can_be_renamed_with_an_alias(tmp_path: Path) -> None:
    recording = launcher(tmp_path, 'aliases=[pulumi.Alias(name="before")]', name="after")
    (component,) = recording.kind(KIND)
    assert component.aliases == ("::before",)
    # The engine looks for a child under the old name where the child's own begins with its parent's.
    assert [it.name for it in children(recording) if not it.name.startswith("after")] == []


def test_a_transform_of_the_callers_sees_every_child(tmp_path: Path) -> None:
    before = """
def costs(args):
    if args.type_ == "aws:lambda/function:Function":
        return pulumi.ResourceTransformationResult({**args.props, "tags": {"cost": "centre"}}, args.opts)
"""
    recording = launcher(tmp_path, "transformations=[costs]", before)
    functions = recording.kind("aws:lambda/function:Function")
    assert len(functions) == 2
    assert {it.inputs["tags"]["cost"] for it in functions} == {"centre"}


def test_the_longest_name_fits_wherever_aws_wants_a_name(tmp_path: Path) -> None:
    """Pulumi appends eight characters to what is not named here."""
    limits = {
        **{"aws:iam/role:Role": 64, "aws:lambda/function:Function": 64, "aws:cloudwatch/eventRule:EventRule": 64},
        **{"aws:scheduler/schedule:Schedule": 64, "aws:sqs/queue:Queue": 80, "aws:sns/topic:Topic": 256},
        **{"aws:cloudwatch/metricAlarm:MetricAlarm": 255},
    }
    recording = launcher(tmp_path, name="a" * 40)
    seen = 0
    for it in children(recording):
        if it.kind in limits:
            assert "name" not in it.inputs
            longest = len(it.name) + 8 + (len(".fifo") if it.inputs.get("fifoQueue") else 0)
            assert longest <= limits[it.kind], it.name
            seen += 1
    assert seen > 15
    with pytest.raises(pulumi.RunError, match="is not a letter followed by at most 39"):
        launcher(tmp_path, name="a" * 41)


NAME = st.text("ab-._", min_size=1, max_size=6)


@given(st.lists(st.tuples(NAME, NAME, st.text("ab-", min_size=1, max_size=6)), unique=True, min_size=2, max_size=30))
def test_two_jobs_never_share_a_task_definition(jobs: list[tuple[str, str, str]]) -> None:
    families = []
    for project, stack, name in jobs:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pulumi, "get_project", lambda project=project: project)
            patch.setattr(pulumi, "get_stack", lambda stack=stack: stack)
            families.append(family(name))
    assert len(set(families)) == len(families)
    assert all(set(it) <= set("ab-_0123456789cdef") for it in families)


def test_the_longest_project_and_stack_fit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_project", lambda: "p-" * 50)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "s" * 100)
    assert len(family("j" * 40)) <= 255


def test_its_import_loads_no_service_that_it_has_not_come_to_use() -> None:
    # Of pulumi_aws, a whole service takes a tenth of a second: as long as everything else of one launcher.
    code = "import sys; from fargate_job_launcher import *; print(*(it for it in sys.modules if '_aws.s3.' in it))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def typed(hint: Any) -> set[Any]:
    """The TypedDicts in a type, at any depth."""
    if is_typeddict(hint):
        hints = get_type_hints(hint, localns={"Output": pulumi.Output, "T": Any})
        return {hint}.union(*(typed(it) for it in hints.values()))
    return set[Any]().union(*(typed(it) for it in get_args(hint)))


def test_whoever_writes_typed_arguments_finds_the_type_of_each_part_in_the_package() -> None:
    found = set[Any]().union(*(typed(inspect.signature(it).parameters["args"].annotation) for it in COMPONENTS))
    assert len(found) > 15
    public = {name: getattr(fargate_job_launcher, name) for name in fargate_job_launcher.__all__}
    assert [it.__name__ for it in found if public.get(it.__name__) is not it] == []
    assert [it.__name__ for it in COMPONENTS if public.get(it.__name__) is not it] == []
    # Nothing public is left behind by a component that is gone. The type of a choice is plain at run time.
    few = {name for name, it in vars(choices).items() if it in (str, int)}
    assert few <= public.keys()
    assert {it for name, it in public.items() if name not in few} == found | COMPONENTS.keys()


def test_two_launchers_never_make_a_resource_of_the_same_name() -> None:
    """Whatever they are called: of a type, what one adds to its name is not the end of what another adds."""
    added: dict[str, set[str]] = {}
    for urn in NAMES.read_text().splitlines():
        kind, _, name = urn.rpartition("::")
        added.setdefault(kind, set()).add(name.removeprefix("job"))
    assert added
    for kind, ends in added.items():
        for one in ends:
            assert [it for it in ends if it != one and it.endswith(one)] == [], kind


BESIDE: Final[dict[str, Callable[[str, Any], Any]]] = {
    it.__name__: it for it in (JobNetwork, JobCluster, PayloadBucket)
}
"""The components beside the launcher."""
OUTPUT: Final = pulumi.Output.from_input("x")
NEEDED: Final = "is an output, known only while the stack is deployed, or a secret; a plain value is needed here"


def refused(component: str, args: Any) -> list[str]:
    """The problems with arguments, line by line."""
    with pytest.raises(pulumi.RunError) as raised:
        BESIDE[component]("shared", args)
    said, *listed = str(raised.value).split("\n  - ")
    assert said == f"{component} 'shared' cannot be built:"
    return listed


@pytest.mark.parametrize(
    ("component", "args", "said"),
    [
        (
            "JobNetwork",
            {
                **{"vpcid": "vpc-1", "tags": {"a": 1, "aws:b": "c"}, "subnet_ids": ["subnet-1", 2, "x"]},
                **{"flow_log_days": 8, "availability_zones": "2", "cidr_block": 10, "endpoints": "s3"},
                **{"nat_gateways": OUTPUT, "assign_public_ip": "yes", "zones": 2},
            },
            [
                "vpcid: unknown; did you mean `vpc_id`?",
                "tags.a: 1 is not text; write '1'",
                "subnet_ids[1]: 2 is not text; give one text",
                "availability_zones: '2' is not a whole number; write 2",
                "cidr_block: 10 is not text; give one text",
                "endpoints: 's3' is not a list; write ['s3']",
                f"nat_gateways: {NEEDED}",
                "assign_public_ip: 'yes' is not true or false; write True",
                "zones: unknown; known: subnets, nat_gateways, endpoints, flow_log_days, kms_key_arn, "
                "availability_zones, cidr_block, subnet_ranges, vpc_id, subnet_ids, assign_public_ip, tags",
                "subnet_ids: vpc_id and subnet_ids go together, to adopt an existing VPC",
                "flow_log_days: 8 is not a period of CloudWatch Logs; allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, "
                "180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
                "tags.aws:b: 'aws:b' is not a valid key for your own tag: AWS keeps the prefix aws: for itself; "
                "leave it out",
            ],
        ),
        (
            "JobCluster",
            {"container_insight": "enabled", "container_insights": "all", "cluster_arn": "shared", "tags": ["a"]},
            [
                "container_insight: unknown; did you mean `container_insights`?",
                "tags: ['a'] is not an object of names and values; write {'NAME': '…'}, or leave it out",
                "container_insights: 'all' is unknown; allowed: disabled, enabled, enhanced",
                "container_insights: configures a new cluster, but cluster_arn adopts one; keep one of them",
                "cluster_arn: 'shared' is not the ARN of an ECS cluster; it looks like "
                "arn:aws:ecs:eu-west-1:123456789012:cluster/NAME (its `arn` output, not its name)",
            ],
        ),
        (
            "PayloadBucket",
            {"expire_day": 7, "expire_days": 0, "kms_key_arn": 5, "tags": {"a": "<b>", 1: "c"}},
            [
                "expire_day: unknown; did you mean `expire_days`?",
                "kms_key_arn: 5 is not text; give one text",
                "tags: the name 1 is not text; write '1'",
                "expire_days: 0 is not a whole number of days from 1",
                "tags.a: '<b>' is not a tag's value: up to 256 letters, digits, spaces and . : / = + - @ _",
            ],
        ),
        (
            "PayloadBucket",
            {"kms_key_arn": "alias/jobs"},
            [
                "kms_key_arn: 'alias/jobs' is an alias of a KMS key, not the ARN of a KMS key; it looks like "
                "arn:aws:kms:eu-west-1:123456789012:key/ID (not an alias or an id)",
            ],
        ),
        ("PayloadBucket", {"expire_days": 1.5}, ["expire_days: 1.5 is not a whole number; write 1 or 2"]),
        (
            "PayloadBucket",
            {"expire_days": True},
            ["expire_days: True is not a whole number; give a number such as 1, without quotes and without a fraction"],
        ),
        (
            "JobCluster",
            {"container_insights": ["enabled"]},
            ["container_insights: ['enabled'] is not text; write 'enabled'"],
        ),
        (
            "JobNetwork",
            {"vpc_id": "v", "subnet_ids": [*(f"subnet-{it}" for it in range(16)), "a", "a"], "kms_key_arn": "k"},
            [
                "subnet_ids: 18 subnets; a task takes 1 to 16",
                "subnet_ids: 'a' is named twice; once is enough",
                "kms_key_arn: 'k' is not the ARN of a KMS key; it looks like "
                "arn:aws:kms:eu-west-1:123456789012:key/ID (not an alias or an id)",
                "subnet_ids[16]: 'a' is not a subnet's id; it looks like subnet-0123456789abcdef0",
                "subnet_ids[17]: 'a' is not a subnet's id; it looks like subnet-0123456789abcdef0",
                "vpc_id: 'v' is not a VPC's id; it looks like vpc-0123456789abcdef0",
            ],
        ),
        ("JobNetwork", {"vpc_id": 1, "subnet_ids": ["subnet-1"]}, ["vpc_id: 1 is not text; give one text"]),
        (
            "JobNetwork",
            {"nat_gateways": "none"},
            ["nat_gateways: none leaves private subnets no way out; write single, subnets: public, or name endpoints"],
        ),
        ("JobNetwork", {"nat_gateways": "none", "endpoints": [1]}, ["endpoints[0]: 1 is not text; give one text"]),
        (
            "JobNetwork",
            {"nat_gateways": "two", "endpoints": ["s3", "s3"]},
            [
                "nat_gateways: 'two' is unknown; allowed: none, single, one_per_az",
                "endpoints: 's3' is named twice; one endpoint is enough",
            ],
        ),
        *((component, OUTPUT, [f"args: {NEEDED}"]) for component in BESIDE),
        *(
            (
                component,
                None,
                ["args: None is not an object of names and values; write {} for all of its defaults, or leave it out"],
            )
            for component in BESIDE
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_every_problem_of_a_component_beside_it_is_told_at_once(component: str, args: Any, said: list[str]) -> None:
    assert refused(component, args) == said


def test_what_is_none_is_not_given_and_what_only_a_deployment_knows_passes(tmp_path: Path) -> None:
    source = """
import pulumi
import pulumi_aws as aws
from fargate_job_launcher import JobCluster, JobNetwork, PayloadBucket
key = aws.kms.Key("jobs").arn
nothing = dict.fromkeys(("vpc_id", "subnet_ids", "assign_public_ip", "nat_gateways", "subnets", "endpoints", "tags"))
JobNetwork("made", {**nothing, "availability_zones": 3.0, "flow_log_days": 7.0, "kms_key_arn": key})
adopted = dict.fromkeys(("subnets", "nat_gateways", "availability_zones", "cidr_block", "endpoints", "flow_log_days"))
known = lambda value: key.apply(lambda _: value)
JobNetwork("adopted", {**adopted, "vpc_id": known("vpc-1"), "subnet_ids": pulumi.Output.all(known("subnet-1"))})
JobCluster("made", {"container_insights": None, "cluster_arn": None, "tags": {"key": key}})
cluster = known("arn:aws:ecs:eu-west-1:123456789012:cluster/c")
pulumi.export("cluster", JobCluster("adopted", {"container_insights": None, "cluster_arn": cluster}).cluster_arn)
PayloadBucket("made", {"expire_days": None, "kms_key_arn": None, "tags": None})
PayloadBucket("short", {"expire_days": 2.0, "kms_key_arn": key})
"""
    recording = record(program(tmp_path, source))
    key = recording.one("aws:kms/key:Key", "jobs").outputs["arn"]
    (vpc,) = recording.kind("awsx:ec2:Vpc")
    assert (vpc.inputs["numberOfAvailabilityZones"], vpc.inputs["natGateways"]) == (3, {"strategy": "OnePerAz"})
    assert [it.inputs["retentionInDays"] for it in recording.kind("aws:cloudwatch/logGroup:LogGroup")] == [7]
    assert recording.one("aws:ec2/securityGroup:SecurityGroup", "adopted").inputs["vpcId"] == "vpc-1"
    (cluster,) = recording.kind("aws:ecs/cluster:Cluster")
    assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert cluster.inputs["tags"] == {"key": key}
    assert recording.exports == {"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/c"}
    days = recording.kind("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert {it.name: it.inputs["rules"][0]["expiration"]["days"] for it in days} == {"made": 14, "short": 2}


@pytest.mark.parametrize(
    ("component", "args", "room"),
    [
        ("JobNetwork", {}, 48),
        ("JobNetwork", {"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"]}, 50),
        ("JobCluster", {}, 50),
        ("PayloadBucket", {}, 50),
    ],
)
def test_there_is_room_for_as_many_tags_as_aws_leaves(component: str, args: dict[str, Any], room: int) -> None:
    (said,) = refused(component, {**args, "tags": {f"k{number}": "v" for number in range(room + 1)}})
    assert said.startswith(f"tags: {room + 1} tags; at most {room} fit: ")


@pytest.mark.parametrize(
    ("cluster", "job", "told"),
    [
        ("aws.ecs.Cluster('c').arn", {}, ""),
        ("aws.ecs.Cluster('c').arn", {"capacity": "spot"}, "capacity: Spot is refused on a cluster without"),
        (
            "aws.ecs.Cluster('c').arn",
            {"overrides": {"capacity": ["spot_then_on_demand"]}},
            "overrides.capacity: Spot is refused on a cluster without the capacity provider FARGATE_SPOT",
        ),
        ("JobCluster('c', {}).cluster_arn", {"capacity": "spot"}, ""),
        ("'arn:aws:ecs:eu-west-1:123456789012:cluster/shared'", {"capacity": "spot"}, ""),
        (
            "JobCluster('c', {'cluster_arn': aws.ecs.Cluster('c').arn}).cluster_arn",
            {"capacity": "spot"},
            "capacity: Spot is refused on a cluster without",
        ),
    ],
)
@pytest.mark.parametrize("preview", [False, True])
def test_spot_on_a_cluster_that_the_program_makes_without_it_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: str, job: dict[str, Any], told: str, preview: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda message, *_: said.append(message))
    source = f"""
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster
place = {{"image": "nginx", "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}}
FargateJobLauncher("job", {{**place, "cluster_arn": {cluster}, **{job!r}}})
"""
    record(program(tmp_path, source), preview=preview)
    assert len(said) == bool(told), said
    assert told in "".join(said)
