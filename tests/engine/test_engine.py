"""This repository's program under the real Pulumi engine, with a stand-in for the AWS provider.

It needs the engine only: the program runs in this process, by the Automation API. `make test-engine` builds the engine
where there is none; what needs language hosts too is in test_cli.py.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any, Final

import pulumi_aws as aws
import pytest
from inline import Inline

from tools import engine
from tools.recording import PROGRAM

pytestmark = pytest.mark.skipif(engine.missing() != "", reason=engine.missing())

PROJECT: Final = "fargate-job-launcher"
DEFINITION: Final = ("aws:ecs/taskDefinition:TaskDefinition", "report")
POLICY: Final = ("aws:iam/rolePolicy:RolePolicy", "report-launcher")
GUARD: Final = ("aws:iam/rolePolicy:RolePolicy", "report-launcher-guard")
ROLE: Final = ("aws:iam/role:Role", "report-launcher")
FUNCTION: Final = ("aws:lambda/function:Function", "report-launcher")


def program() -> None:
    """This repository's own program: Pulumi runs it from its first line each time."""
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
    # The provider is asked to delete the old revision, and leaves it ACTIVE: launches in flight still find it.
    (definition,) = (it for it in one_job.state() if it["type"] == DEFINITION[0])
    assert definition["outputs"]["revision"] == 2
    assert definition["inputs"]["skipDestroy"] is True
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


def test_another_size_is_a_new_role_with_policies_of_its_own_so_that_no_old_denial_meets_a_new_launch(
    one_job: Inline,
) -> None:
    done = one_job.up(program, config({"image": "nginx:3", "cpu": 512, "memory": 1024}))
    assert done.ok, done.said[-3000:]
    steps = done.changes
    made, (updated,), gone = steps[:4], [it for it in steps if it[0] == "update"], steps[5:]
    assert steps[4] == updated == ("update", *FUNCTION)
    assert set(made) == {("create", *it) for it in (DEFINITION, ROLE, POLICY, GUARD)}
    assert made.index(("create", *ROLE)) < min(made.index(("create", *POLICY)), made.index(("create", *GUARD)))
    assert made.index(("create", *DEFINITION)) < made.index(("create", *POLICY))
    assert set(gone) == {("delete", *it) for it in (DEFINITION, ROLE, POLICY, GUARD)}
    state = {(it["type"], it["urn"].rpartition("::")[2]): it for it in one_job.state()}
    assert state[FUNCTION]["inputs"]["role"] == state[ROLE]["outputs"]["arn"]


def test_a_destroy_leaves_nothing(one_job: Inline) -> None:
    done = one_job.destroy(program, config())
    assert done.ok, done.said[-3000:]
    made = sorted(it.short[1:] for it in one_job.steps() if it.step == "create")
    gone = sorted(it.short[1:] for it in one_job.steps() if it.step == "delete")
    assert made == gone
    assert [it for it in one_job.state() if it["type"].startswith("aws:")] == []


def test_a_protected_table_is_deleted_only_after_a_deployment_that_says_so(tmp_path: Path) -> None:
    """`pulumi state unprotect --all` is not enough: DynamoDB protects the table by itself."""
    stack = Inline(tmp_path)
    guarded = {"aws:allowedAccountIds": '["123456789012"]', **config(protect=True)}
    assert stack.up(program, guarded).ok
    assert not stack.destroy(program, guarded).ok
    stack.unprotect()
    refused = stack.destroy(program, guarded)
    assert "Disable deletion protection first" in refused.said
    done = stack.up(program, {**guarded, **config(protect=False)})
    assert done.ok, done.said[-3000:]
    assert ("update", "aws:dynamodb/table:Table", "jobs") in done.changes
    assert stack.destroy(program, guarded).ok


def deployed(tmp_path: Path, *programs: Any, world: dict[str, list[str]] | None = None) -> list[tuple[bool, str]]:
    """The engine's result for each of these programs, deployed one after another; None destroys."""
    stack, said = Inline(tmp_path, project="other"), list[tuple[bool, str]]()
    for it in programs:
        stack.kept.mkdir(parents=True, exist_ok=True)
        (stack.kept / "world.json").write_text(json.dumps(world or {}))
        where = {"aws:region": "eu-west-1"}
        done = stack.destroy(lambda: None, where) if it is None else stack.up(it, where)
        said.append((done.ok, done.said))
    return said


def taken() -> None:
    for number in range(2):
        aws.iam.Role(f"r{number}", name="same", assume_role_policy="{}")


def used() -> None:
    aws.s3.Bucket("b", bucket="full")


def test_what_the_stand_in_refuses_reaches_the_user_in_awss_words(tmp_path: Path) -> None:
    """One that is made and one that is deleted; each refusal by itself is in test_standing.py."""
    ((made, said),) = deployed(tmp_path / "taken", taken)
    assert not made
    assert "EntityAlreadyExists: Role with name same already exists." in said
    (made, _), (gone, said) = deployed(tmp_path / "used", used, None, world={"objects": ["full"]})
    assert made
    assert not gone
    assert "BucketNotEmpty: The bucket you tried to delete is not empty" in said
