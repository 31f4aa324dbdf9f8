"""What the end-to-end suite does with an account, tried on one that is a sandbox: tests/end_to_end/."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from end_to_end import account
from end_to_end.account import Identity, LeftBehind, Refused, deployed, identified
from end_to_end.by_pulumi import ByPulumi
from end_to_end.place import PROJECT
from fargate_job_launcher.sandbox import Emulator
from pulumi import automation as auto

from tools import engine
from tools.recording import PROGRAM

SCRIPT: Final = PROGRAM / "tests" / "end_to_end" / "on_aws.py"
MINE: Final = {"AWS_ACCOUNT": "123456789012", "AWS_REGION": "eu-west-1"}


@pytest.fixture
def leading(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment of somebody who is logged in to an account, which is the sandbox."""
    for name in [it for it in os.environ if it.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(account, "SETTLE_SECONDS", 0.0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return dict(os.environ)


def test_the_account_that_was_named_is_taken(leading: Mapping[str, str]) -> None:
    mine = identified({**leading, **MINE})
    assert (mine.account, mine.region) == ("123456789012", "eu-west-1")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "AWS_ACCOUNT: '' is no account's id of 12 digits; say which account the suite may use"),
        ({"AWS_ACCOUNT": "12345678901"}, "AWS_ACCOUNT: '12345678901' is no account's id"),
        ({"AWS_ACCOUNT": "\uff11" * 12}, f"AWS_ACCOUNT: '{chr(0xFF11) * 12}' is no account's id"),
        ({**MINE, "AWS_PROFILE": "nobodys"}, "AWS does not say who calls: The config profile (nobodys) could not be"),
        ({**MINE, "AWS_REGION": "eu west"}, "AWS does not say who calls: Provided region_name 'eu west'"),
        ({**MINE, "AWS_ENDPOINT_URL": "nowhere"}, "AWS does not say who calls: Invalid endpoint: nowhere"),
        ({"AWS_ACCOUNT": "999999999999", "AWS_REGION": "eu-west-1"},
         "AWS_ACCOUNT: 999999999999 was named, and these credentials are of account 123456789012 (arn:aws:iam::"),
        ({"AWS_ACCOUNT": "123456789012"}, "AWS_REGION: is not set"),
    ],
)  # fmt: skip
def test_any_other_account_is_refused(
    leading: Mapping[str, str], environ: Mapping[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT], env={**leading, **environ}, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1
    # The suite refuses in the same way when it is started in another one.
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refused):
        identified({**leading, **environ})


def test_whoever_is_not_logged_in_is_told_so(leading: Mapping[str, str]) -> None:
    nothing = {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull}
    kept = {key: it for key, it in leading.items() if key not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    environ = {**kept, **MINE, **nothing, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, SCRIPT], env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: AWS does not say who calls: Unable to locate credentials; log in first")


class Small:
    """A deployer of what a run could leave behind: a cluster with a task in it, the task's definition, a queue."""

    def __init__(self, mine: Identity, name: str, *, fails: int = 0) -> None:
        self._mine, self._name, self._fails = mine, name, fails
        self.destroyed = 0
        self.queue = ""

    def up(self) -> Mapping[str, Any]:
        ecs, tag = self._mine.client("ecs"), {"key": PROJECT, "value": self._name}
        cluster = ecs.create_cluster(clusterName=self._name, tags=[tag])["cluster"]["clusterArn"]
        definition = ecs.register_task_definition(
            family=f"{PROJECT}-{self._name}-shell",
            containerDefinitions=[{"name": "job", "image": "busybox", "essential": True}],
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            tags=[tag],
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.run_task(
            cluster=cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
        )
        sqs = self._mine.client("sqs")
        self.queue = sqs.create_queue(QueueName=self._name, tags={PROJECT: self._name})["QueueUrl"]
        return {"clusterArn": cluster, "definition": definition}

    def destroy(self) -> None:
        self.destroyed += 1
        if self.destroyed <= self._fails:
            raise RuntimeError("DependencyViolation")
        ecs = self._mine.client("ecs")
        assert ecs.list_tasks(cluster=self._name)["taskArns"] == [], "a cluster with tasks is not deleted"
        ecs.delete_cluster(cluster=self._name)
        with contextlib.suppress(self._mine.client("sqs").exceptions.QueueDoesNotExist):
            self._mine.client("sqs").delete_queue(QueueUrl=self.queue)

    def remaining(self) -> list[str]:
        return [] if self.destroyed > self._fails else ["urn:a-role-that-no-tag-tells-of"]

    def by_hand(self) -> str:
        return "pulumi destroy --stack it"


@pytest.fixture
def mine(leading: Mapping[str, str]) -> Identity:
    return identified({**leading, **MINE})


def test_what_the_tests_fail_in_is_taken_down_with_its_tasks_and_revisions(mine: Identity) -> None:
    small = Small(mine, "e2e-failing")

    def failing() -> None:
        with deployed(small, mine, "e2e-failing") as outputs:
            assert mine.client("ecs").list_tasks(cluster=outputs["clusterArn"])["taskArns"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    left = mine.client("ecs").list_task_definitions(familyPrefix=f"{PROJECT}-e2e-failing-shell")["taskDefinitionArns"]
    assert (small.destroyed, left) == (1, [])


def test_what_aws_still_uses_at_first_is_taken_down_in_the_end(mine: Identity) -> None:
    small = Small(mine, "e2e-used", fails=2)
    with deployed(small, mine, "e2e-used"):
        pass
    assert small.destroyed == 3


def test_what_breaks_off_while_it_is_deployed_is_taken_down(mine: Identity) -> None:
    class Broken(Small):
        def up(self) -> Mapping[str, Any]:
            super().up()
            raise KeyboardInterrupt

    broken = Broken(mine, "e2e-broken")
    with pytest.raises(KeyboardInterrupt), deployed(broken, mine, "e2e-broken"):
        raise AssertionError("it was never deployed")
    assert broken.destroyed == 1


def test_an_interruption_of_the_destruction_does_not_end_it(mine: Identity) -> None:
    class Interrupted(Small):
        def destroy(self) -> None:
            if self.destroyed == 0:
                self.destroyed = 1
                raise KeyboardInterrupt
            super().destroy()

    interrupted = Interrupted(mine, "e2e-interrupted")
    with deployed(interrupted, mine, "e2e-interrupted"):
        pass
    assert interrupted.destroyed == 2


def test_what_is_left_is_named_with_the_way_to_remove_it(mine: Identity) -> None:
    small = Small(mine, "e2e-left", fails=99)
    with pytest.raises(LeftBehind) as raised, deployed(small, mine, "e2e-left"):
        pass
    said = str(raised.value).splitlines()
    assert said[:3] == [
        "Stack e2e-left in account 123456789012, region eu-west-1, was not taken down whole.",
        "The last thing that went wrong: RuntimeError: DependencyViolation",
        "3 of its resources may be there still, and may cost:",
    ]
    assert said[3:6] == [
        "  arn:aws:ecs:eu-west-1:123456789012:cluster/e2e-left",
        "  arn:aws:sqs:eu-west-1:123456789012:e2e-left",
        "  urn:a-role-that-no-tag-tells-of",
    ]
    assert "  pulumi destroy --stack it" in said
    assert said[-1] == (
        "  aws resourcegroupstaggingapi get-resources --region eu-west-1 --tag-filters Key=end-to-end,Values=e2e-left"
    )


def test_where_the_index_of_tags_is_denied_the_stack_is_destroyed_all_the_same(
    mine: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain(Small):
        def destroy(self) -> None:
            self.destroyed += 1

    def denied(*_: Any, **__: Any) -> list[str]:
        raise RuntimeError("AccessDenied: tag:GetResources")

    monkeypatch.setattr(account, "_tagged", denied)
    plain = Plain(mine, "e2e-denied")
    with pytest.raises(LeftBehind) as raised, deployed(plain, mine, "e2e-denied"):
        pass
    assert plain.destroyed == account.ATTEMPTS
    assert "AccessDenied: tag:GetResources" in str(raised.value)
    assert "pulumi destroy --stack it" in str(raised.value)


def test_what_cannot_be_listed_any_more_is_left_with_the_way_to_remove_it(mine: Identity) -> None:
    class Expired(Small):
        def destroy(self) -> None:
            raise RuntimeError("ExpiredToken")

        def remaining(self) -> list[str]:
            raise KeyboardInterrupt

    with pytest.raises(LeftBehind) as raised, deployed(Expired(mine, "e2e-expired"), mine, "e2e-expired"):
        pass
    said = str(raised.value)
    assert "RuntimeError: ExpiredToken" in said
    assert "cluster/e2e-expired" in said
    assert "pulumi destroy --stack it" in said


PROGRAM_OF_THREE: Final = """
import pulumi, pulumi_aws as aws
topic = aws.sns.Topic("told", opts=pulumi.ResourceOptions(protect=True))
role = aws.iam.Role("job", assume_role_policy="{}")
aws.sqs.Queue("mail", tags={"topic": topic.arn, "role": role.arn})
pulumi.export("topicArn", topic.arn)
"""


@pytest.fixture
def by_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ByPulumi:
    """The engine on the PATH, with a stand-in for the provider of AWS."""
    program, kept, plugins = (tmp_path / it for it in ("program", "stand-in", "plugins"))
    for folder in (program, kept, plugins):
        folder.mkdir()
    (program / "__main__.py").write_text(PROGRAM_OF_THREE)
    plugin = plugins / "pulumi-resource-aws"
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}/tools/provider/provider.py" "$@"\n')
    plugin.chmod(0o755)
    for name in [it for it in os.environ if it.startswith(("AWS_", "PULUMI_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "PATH": os.pathsep.join(
            [str(plugins), *([str(found.parent)] if (found := engine.found()) else []), os.environ["PATH"]]
        ),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "STAND_IN": str(kept),
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "run").mkdir()
    return ByPulumi(program, tmp_path / "run", "e2e-1", "eu-west-1", "123456789012")


needs_engine = pytest.mark.skipif(bool(engine.missing()), reason=engine.missing())


def named(by_pulumi: ByPulumi) -> list[str]:
    """The names of what is left of the stack."""
    return sorted(it.split("  ")[0].rpartition("::")[2] for it in by_pulumi.remaining())


@needs_engine
def test_the_engine_deploys_and_destroys_what_is_protected_too(by_pulumi: ByPulumi) -> None:
    assert by_pulumi.remaining() == []
    assert by_pulumi.up()["topicArn"].startswith("arn:aws:sns:eu-west-1:123456789012:told-")
    assert named(by_pulumi) == ["job", "mail", "told"]
    by_pulumi.destroy()
    assert by_pulumi.remaining() == []


@needs_engine
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an inline program that is broken off
def test_the_engine_says_what_stands_of_a_stack_that_aws_refused_and_the_command_by_hand_removes_it(
    by_pulumi: ByPulumi, tmp_path: Path
) -> None:
    (tmp_path / "stand-in" / "refuse").write_text("aws:sqs/queue:Queue::mail")
    with pytest.raises(auto.CommandError, match="not authorized to create mail"):
        by_pulumi.up()
    gc.collect()
    assert named(by_pulumi) == ["job", "told"]
    by_hand = by_pulumi.by_hand()
    refused = subprocess.run(by_hand, shell=True, capture_output=True, text=True, check=False)
    assert refused.returncode == 0, refused.stdout + refused.stderr
    assert by_pulumi.remaining() == []
