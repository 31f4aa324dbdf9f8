"""No update has a moment without permission: updates by the real engine, asked after every step of theirs.

One stack has a launcher for each kind of change, and several tables of runs. It is made, changed in everything at once,
changed back and taken away, with some resources slow to come, so that what does not wait for them shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
import pulumi_aws as aws
import pytest
import replay
from changes import BOUNDARIES, CHANGES, CLUSTERS, ENCRYPTED, RENAMED, RUNS, Change
from fargate_job_launcher import FargateJobLauncher, JobRuns
from fargate_job_launcher.sandbox.aws.authorization import Call
from following import not_allowed_yet
from inline import Done, Inline
from stands import DEFINITION, PARKED, PERMISSION, QUEUE_POLICY, ROLE, ROLE_POLICY, TARGET, Account

from tools import engine
from tools.engine import Step

pytestmark = pytest.mark.skipif(engine.missing() != "", reason=engine.missing())

SLOW: Final = [
    *(f"{ROLE_POLICY}::{it}" for it in ("policyimage-task", "repository-execution", "schedule-launcher")),
    *(f"{ROLE_POLICY}::{it}" for it in ("scheduled-schedule", "bucket-payload", "result-result", "table-launcher")),
    *(f"{ROLE_POLICY}::{it}-supervisor" for it in ("second", "coded", "shared-runs")),
    *(f"{PERMISSION}::{it}" for it in ("rule-events", "shared-supervisor")),
    *(f"{QUEUE_POLICY}::{it}" for it in ("rule-dead-letters", "shared-runs-stopped")),
    f"{TARGET}::shares-runs-stopped",
    f"{PARKED}::scheduled-async",
]
"""What is slow to come."""


def launchers(*, changed: bool) -> Callable[[], None]:
    """A program with every launcher, before or after its change."""

    def program() -> None:
        clusters = {it: aws.ecs.Cluster(it) for it in CLUSTERS}
        tables = dict[str, JobRuns]()
        for name, both in RUNS.items():
            given = both[changed]
            arguments = {**given, "cluster_arns": [clusters[it].arn for it in given["cluster_arns"]]}
            tables[name] = JobRuns(name, cast("Any", arguments))
        for name, change in CHANGES.items():
            called, options = name, None
            if name == "renamed":
                called, other = (RENAMED, name) if changed else (name, RENAMED)
                options = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=other)])
            given = dict(change.after if changed else change.before)
            runs, days = given.pop("runs", "first"), given.pop("keep_days", None)
            always: dict[str, Any] = {
                "image": "nginx:1",
                "cluster_arn": clusters[given.pop("cluster", "first")].arn,
                "subnet_ids": ["subnet-1"],
                "security_group_ids": ["sg-1"],
                "runs": {**({} if runs == "own" else tables[runs].shared), **({"keep_days": days} if days else {})},
            }
            FargateJobLauncher(called, cast("Any", {**always, **given}), options)

    return program


def declared(steps: list[Step], name: str, change: Change) -> replay.Declared:
    """What the job's code may do under each revision: both policies may be meant where the revision stays."""
    wanted = [_calls(it) for it in (change.before, change.after)]
    found: dict[str, list[list[Call]]] = {}
    for it in steps:
        if it.kind == DEFINITION and it.step == "create" and it.name in (name, RENAMED):
            image = json.loads(it.inputs["containerDefinitions"])[0]["image"]
            fits = [
                calls
                for calls, arguments in zip(wanted, (change.before, change.after), strict=True)
                if arguments.get("image", "nginx:1") == image
            ]
            found[it.outputs["arn"]] = fits
    return found


def _calls(arguments: dict[str, Any]) -> list[Call]:
    document = json.loads(arguments.get("task_policy", '{"Statement": []}'))
    return [
        Call(it["Action"], it["Resource"].replace("*", "0123"))
        for it in document["Statement"]
        if it["Effect"] == "Allow"
    ]


@dataclass(frozen=True)
class Walk:
    """A stack made, changed, changed back and taken away."""

    updates: list[Done]

    def steps(self, updates: int) -> list[Step]:
        """Those of its first updates."""
        return [step for it in self.updates[:updates] for step in it.steps]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    stack = Inline(tmp_path_factory.mktemp("updates"), project="updates")
    stack.kept.mkdir(parents=True)
    (stack.kept / "slow").write_text("\n".join(SLOW))
    done = [stack.up(launchers(changed=it), {"aws:region": "eu-west-1"}) for it in (False, True, False)]
    done.append(stack.destroy(lambda: None))
    for it in done:
        assert it.ok, it.said[-3000:]
    return Walk(done)


def own_names(name: str) -> tuple[str, ...]:
    """The names that a launcher has had."""
    return (name, RENAMED) if name == "renamed" else (name,)


def asked_after_every_step(walk: Walk, name: str) -> tuple[int, list[str], list[str]]:
    """How often something could be launched, what it could not do then, and who may not ask it yet."""
    account, found, late, asked = Account(BOUNDARIES), list[str](), list[str](), 0
    means = declared(walk.steps(3), name, CHANGES[name])
    own = own_names(name)
    for number, update in enumerate(walk.updates[:2] if CHANGES[name].one_way else walk.updates):
        for step in update.steps:
            account.take(step)
            if step.name.partition("-")[0] not in {*own, *CHANGES[name].tables}:
                continue
            if step.step not in ("create", "update", "delete"):
                continue
            for called in own:
                said = replay.problems(account, called, means, ENCRYPTED)
                found += [f"update {number}, after {step.step} of {step.name} ({step.kind}): {it}" for it in said]
            asked += 1
        late += [f"after update {number}: {it}" for called in own for it in not_allowed_yet(account, called)]
    return asked, found, late


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_what_stands_can_be_launched_and_followed_after_every_step(walk: Walk, name: str) -> None:
    asked, found, late = asked_after_every_step(walk, name)
    assert asked > 10
    assert found == []
    assert late == []


@pytest.mark.parametrize("name", [*CHANGES, *RUNS])
def test_what_an_update_takes_away_is_gone_after_it(walk: Walk, name: str) -> None:
    """Old and new stand side by side while it runs, and not a step longer."""
    account = Account(BOUNDARIES)
    for step in walk.steps(3):
        account.take(step)
    for kind in (ROLE_POLICY, ROLE, PERMISSION if name in CHANGES else ROLE):
        called = [it["called"] for it in account.of(kind) if it["called"].startswith(f"{name}-")]
        assert len(called) == len(set(called)) >= 1
