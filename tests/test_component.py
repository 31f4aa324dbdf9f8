"""The component as Pulumi users expect one to behave: its children, their options, and names that do not change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from conftest import Recording, program, record
from fargate_job_launcher.task_definition import family
from hypothesis import given
from hypothesis import strategies as st

NAMES = Path(__file__).with_name("urns.txt")

EVERYTHING: dict[str, Any] = {
    "image": "nginx",
    "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "task_policy": '{"Version": "2012-10-17", "Statement": []}',
    "overrides": {"payload": True},
    "payload_bucket": "payloads",
    "allow_exec": True,
    "efs_volumes": [{"file_system_id": "fs-01234567", "access_point_id": "fsap-01234567", "path": "/d"}],
    "schedule": {"expression": "rate(1 hour)"},
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
    return [it for it in recording.resources.values() if it.parent.rpartition("::")[0].endswith(KIND)]


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
    assert len(children(recording)) > 40


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


def test_two_launchers_of_a_stack_cannot_share_a_name_whatever_their_parents(tmp_path: Path) -> None:
    """Pulumi knows them apart by their parents; log groups and the task definition's family would not be."""
    made = f"""
import pulumi
from fargate_job_launcher import FargateJobLauncher
class Team(pulumi.ComponentResource):
    def __init__(self, name, job):
        super().__init__(f"teams:index:{{name.title()}}", name)
        FargateJobLauncher(job, {EVERYTHING!r}, pulumi.ResourceOptions(parent=self))
Team("one", "job")
Team("two", %r)
"""
    assert len(record(program(tmp_path, made % "other")).kind(KIND)) == 2
    with pytest.raises(Exception, match=r"name: 'job' is another launcher's of this stack, .* choose another name"):
        record(program(tmp_path, made % "job"))
    # Another run of the same process begins anew.
    assert len(record(program(tmp_path, made % "other")).kind(KIND)) == 2
