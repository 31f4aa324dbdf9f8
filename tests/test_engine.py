"""This repository's program under the real Pulumi engine, with a stand-in for the AWS provider.

It needs the engine only: the program runs in this process, by the Automation API. `make test-engine` builds the engine
where there is none; what needs language hosts too is in test_cli.py.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any, Final

import engine
import pulumi
import pulumi_aws as aws
import pytest
from conftest import PROGRAM
from inline import Inline

pytestmark = pytest.mark.skipif(engine.missing() != "", reason=engine.missing())

PROJECT: Final = "fargate-job-launcher"
DEFINITION: Final = ("aws:ecs/taskDefinition:TaskDefinition", "report")
POLICY: Final = ("aws:iam/rolePolicy:RolePolicy", "report-launcher")
FUNCTION: Final = ("aws:lambda/function:Function", "report-launcher")


def program() -> None:
    """This repository's own, anew: Pulumi runs a program from its first line each time."""
    runpy.run_path(str(PROGRAM / "__main__.py"))


def config(job: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
    """Of a stack with one job in an adopted network."""
    said: dict[str, Any] = {
        "network": {"vpcId": "vpc-1", "subnetIds": ["subnet-1"]},
        "jobs": {"report": {"image": "nginx:1", **(job or {})}},
        **more,
    }
    return {
        "aws:region": "eu-west-1",
        "pulumi:disable-default-providers": '["aws"]',
        **{f"{PROJECT}:{key}": json.dumps(it) for key, it in said.items()},
    }


@pytest.fixture(scope="module")
def one_job(tmp_path_factory: pytest.TempPathFactory) -> Inline:
    """A stack of one job, deployed once; the tests change its job in their order."""
    stack = Inline(tmp_path_factory.mktemp("one-job"))
    preview = stack.preview(program, config())
    assert preview.ok, preview.said[-3000:]
    assert preview.changes == []
    done = stack.up(program, config())
    assert done.ok, done.said[-3000:]
    assert len(done.of("create")) > 12
    return stack


def test_a_second_deployment_and_a_refresh_change_nothing(one_job: Inline) -> None:
    assert one_job.up(program, config()).changes == []
    refreshed = one_job.refresh(program, config())
    assert refreshed.ok
    assert len(refreshed.of("read")) >= 10
    assert refreshed.changes == []


def test_a_new_image_is_a_new_revision_then_a_new_policy_then_the_function_then_the_old_ones_go(
    one_job: Inline,
) -> None:
    done = one_job.up(program, config({"image": "nginx:2"}))
    assert done.ok, done.said[-3000:]
    assert done.changes == [
        ("create", *DEFINITION),
        ("create", *POLICY),
        ("update", *FUNCTION),
        ("delete", *POLICY),
        ("delete", *DEFINITION),
    ]
    (function,) = (it for it in one_job.state() if (it["type"], it["urn"].rpartition("::")[2]) == FUNCTION)
    assert ":2" in json.loads(function["inputs"]["environment"]["variables"]["LAUNCHER_SETTINGS"])["taskDefinition"]


def test_a_change_that_was_refused_half_way_is_continued_and_nothing_is_made_twice(one_job: Inline) -> None:
    refusing = one_job.kept / "refuse"
    refusing.write_text("::".join(FUNCTION))
    failed = one_job.up(program, config({"image": "nginx:3"}))
    assert not failed.ok
    assert "AccessDenied: not authorized to update report-launcher" in failed.said
    # Nothing of the old revision is gone: the function still names it.
    assert failed.of("delete") == []
    assert failed.of("create") == [("create", *DEFINITION), ("create", *POLICY)]
    refusing.unlink()
    continued = one_job.up(program, config({"image": "nginx:3"}))
    assert continued.ok, continued.said[-3000:]
    assert continued.of("create") == []
    assert continued.of("update") == [("update", *FUNCTION)]
    assert set(continued.of("delete")) == {("delete", *DEFINITION), ("delete", *POLICY)}
    assert continued.changes[0] == ("update", *FUNCTION)


def test_a_destroy_leaves_nothing(one_job: Inline) -> None:
    done = one_job.destroy(program, config())
    assert done.ok, done.said[-3000:]
    made = sorted(it.short[1:] for it in one_job.steps() if it.step == "create")
    gone = sorted(it.short[1:] for it in one_job.steps() if it.step == "delete")
    assert made == gone
    assert [it for it in one_job.state() if it["type"].startswith("aws:")] == []


def deployed(tmp_path: Path, *programs: Any, world: dict[str, list[str]] | None = None) -> list[tuple[bool, str]]:
    """What the engine says of each of these programs, deployed one after another; None destroys."""
    stack, said = Inline(tmp_path, project="other"), list[tuple[bool, str]]()
    for it in programs:
        stack.kept.mkdir(parents=True, exist_ok=True)
        (stack.kept / "world.json").write_text(json.dumps(world or {}))
        where = {"aws:region": "eu-west-1"}
        done = stack.destroy(lambda: None, where) if it is None else stack.up(it, where)
        said.append((done.ok, done.said))
    return said


def overlapping() -> None:
    for zone in ("a", "b"):
        aws.ec2.Subnet(zone, vpc_id="vpc-1", cidr_block="10.0.0.0/20")


def taken() -> None:
    for number in range(2):
        aws.iam.Role(f"r{number}", name="same", assume_role_policy="{}")


def long_policies() -> None:
    role = aws.iam.Role("r", assume_role_policy="{}")
    for number in range(2):
        aws.iam.RolePolicy(f"p{number}", role=role.name, policy="x" * 6000)


def used() -> None:
    aws.s3.Bucket("b", bucket="full")
    aws.ecs.Cluster("c", name="busy")
    aws.iam.Role("r", name="loosened", assume_role_policy="{}")


def forced() -> None:
    aws.s3.Bucket("b", bucket="full", force_destroy=True)
    aws.iam.Role("r", name="loosened", assume_role_policy="{}", force_detach_policies=True)


def grouped() -> None:
    group = aws.ec2.SecurityGroup("g", vpc_id="vpc-1", opts=pulumi.ResourceOptions(retain_on_delete=False))
    endpoint_group = pulumi.Output.from_input(group.id)
    aws.ec2.VpcEndpoint("e", vpc_id="vpc-1", service_name="s", security_group_ids=[endpoint_group])


def ungrouped() -> None:
    aws.ec2.VpcEndpoint("e", vpc_id="vpc-1", service_name="s", security_group_ids=["sg-2"])


WORLD: Final = {"tasks": ["busy"], "objects": ["full"], "attached": ["loosened"]}


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (overlapping, ["InvalidSubnet.Conflict: The CIDR '10.0.0.0/20' conflicts with another subnet"]),
        (taken, ["EntityAlreadyExists: Role with name same already exists."]),
        (long_policies, ["LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r-"]),
    ],
)
def test_the_stand_in_refuses_to_make_what_aws_refuses(tmp_path: Path, refused: Any, said: list[str]) -> None:
    ((ok, words),) = deployed(tmp_path, refused)
    assert not ok
    assert [it for it in said if it not in words] == []


def test_the_stand_in_refuses_to_delete_what_is_used_unless_it_is_forced(tmp_path: Path) -> None:
    (made, _), (gone, words) = deployed(tmp_path / "used", used, None, world=WORLD)
    assert made
    assert not gone
    assert [it for it in ("BucketNotEmpty", "ClusterContainsTasksException", "DeleteConflict") if it in words]
    assert [ok for ok, _ in deployed(tmp_path / "forced", forced, None, world=WORLD)] == [True, True]
    assert [ok for ok, _ in deployed(tmp_path / "group", grouped, ungrouped, None)] == [True, True, True]
