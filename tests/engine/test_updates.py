"""No update has a moment without permission: updates by the real engine, asked after every step of theirs.

One stack has a launcher for each kind of change, and several tables of runs. It is made, changed in everything at once,
changed back and taken away, with some resources slow to come, so that what does not wait for them shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

import pulumi
import pulumi_aws as aws
import pytest
import replay
from fargate_job_launcher import FargateJobLauncher, JobRuns
from fargate_job_launcher.sandbox.aws.authorization import Call
from following import unheard
from inline import Done, Inline
from stands import DEFINITION, PARKED, PERMISSION, QUEUE_POLICY, ROLE, ROLE_POLICY, TARGET, Account

from tools import engine
from tools.engine import Step

pytestmark = pytest.mark.skipif(engine.missing() != "", reason=engine.missing())

ECR: Final = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLES: Final = "arn:aws:iam::123456789012:role"
SECRETS: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
TOPICS: Final = "arn:aws:sns:eu-west-1:123456789012"
MACHINES: Final = "arn:aws:states:eu-west-1:123456789012:stateMachine"
KEYS: Final = "arn:aws:kms:eu-west-1:123456789012:key"
FIRST_KEY, SECOND_KEY = f"{KEYS}/1111", f"{KEYS}/2222"
ENCRYPTED: Final = {f"{SECRETS}:first-AbCdEf": FIRST_KEY, f"{SECRETS}:second-AbCdEf": SECOND_KEY}
"""Secret → the key that it is encrypted with."""
BOUNDARIES: Final = {
    f"arn:aws:iam::123456789012:policy/{name}": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    for name in ("first", "second")
}


def policy(*allowed: str, denied: str = "") -> str:
    """A job's policy: it reads these buckets, and never this one."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{it}/*"} for it in allowed
    ]
    if denied:
        statements.append({"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{denied}/*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@dataclass(frozen=True)
class Change:
    """A launcher's arguments before and after, beside those that all have.

    `cluster` is the name of a cluster, `runs` that of a table of RUNS, or its own one; otherwise both are the first.
    """

    before: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])
    one_way: bool = False
    """Whether only the way there is asked about. The way back takes a cluster out of a table in the same update that
    takes the launcher out of the cluster: a table follows a cluster until the last run there has ended."""

    @property
    def tables(self) -> set[str]:
        """The tables of RUNS that it uses."""
        return {it.get("runs", "first") for it in (self.before, self.after)} & RUNS.keys()


def volume(number: int) -> dict[str, str]:
    return {
        "file_system_id": f"fs-0123456{number}",
        "access_point_id": f"fsap-0123456{number}",
        "path": "/data",
    }


CLUSTERS: Final = ("first", "second")
RUNS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "first": ({"cluster_arns": CLUSTERS}, {"cluster_arns": CLUSTERS}),
    "second": ({"cluster_arns": CLUSTERS[:1]}, {"cluster_arns": CLUSTERS}),
    "coded": (
        {"cluster_arns": CLUSTERS[:1], "kms_key_arn": FIRST_KEY, "further_kms_key_arns": [SECOND_KEY]},
        {"cluster_arns": CLUSTERS[:1], "kms_key_arn": SECOND_KEY, "further_kms_key_arns": [FIRST_KEY]},
    ),
    "placed": ({"cluster_arns": CLUSTERS[:1]}, {"cluster_arns": CLUSTERS[:1], "role_path": "/j/"}),
}
"""The arguments of each JobRuns, before and after."""

IMAGE_1, IMAGE_2 = {"image": f"{ECR}/first:1"}, {"image": f"{ECR}/second:1"}
KEY_1: Final[dict[str, Any]] = {"kms_key_arn": FIRST_KEY, "further_kms_key_arns": [SECOND_KEY]}
KEY_2: Final[dict[str, Any]] = {"kms_key_arn": SECOND_KEY, "further_kms_key_arns": [FIRST_KEY]}
"""A key that is moved to was named by the deployment before, and the old one by this: docs/environments.md."""
KEYED: Final[dict[str, Any]] = {
    "queue": {},
    "schedule": {"expression": "rate(1 hour)"},
    "supervision": {"retries": 1},
}
OWN: Final = {"runs": "own"}
PAYLOAD: Final = {"overrides": {"payload": True}}
CHANGES: Final[dict[str, Change]] = {
    "repository": Change(IMAGE_1, IMAGE_2),
    "tag": Change({"image": f"{ECR}/first:1"}, {"image": f"{ECR}/first:2"}),
    "sidecar": Change(IMAGE_1, {**IMAGE_1, "sidecars": [{"name": "proxy", "image": f"{ECR}/proxy:1"}]}),
    "secret": Change({}, {"secrets": {"A": f"{SECRETS}:first-AbCdEf"}, "secret_key_arns": [FIRST_KEY]}),
    "secrets": Change(
        {"secrets": {"A": f"{SECRETS}:first-AbCdEf"}, "secret_key_arns": [FIRST_KEY]},
        {"secrets": {"A": f"{SECRETS}:second-AbCdEf"}, "secret_key_arns": [SECOND_KEY]},
    ),
    "registry": Change({}, {"repository_credentials_arn": f"{SECRETS}:registry-AbCdEf", "image": "ghcr.io/a/b:1"}),
    "policy": Change({"task_policy": policy("a")}, {"task_policy": policy("b")}),
    "nopolicy": Change({**IMAGE_1, "task_policy": policy("a")}, IMAGE_2),
    "policyimage": Change({**IMAGE_1, "task_policy": policy("a")}, {**IMAGE_2, "task_policy": policy("b")}),
    "denied": Change(
        {**IMAGE_1, "task_policy": policy("a", denied="x")}, {**IMAGE_2, "task_policy": policy("b", denied="x")}
    ),
    "volume": Change({"efs_volumes": [volume(7)]}, {"efs_volumes": [volume(8)]}),
    "novolume": Change({"efs_volumes": [{**volume(7), "read_only": True}]}, {}),
    "bucket": Change({**PAYLOAD, "payload_bucket": "first"}, {**PAYLOAD, "payload_bucket": "second"}),
    "key": Change(
        {**PAYLOAD, "payload_bucket": "first", **KEY_1, "asynchronous": True},
        {**PAYLOAD, "payload_bucket": "first", **KEY_2, "asynchronous": True},
    ),
    "keyed": Change({**OWN, **KEYED, **KEY_1, **IMAGE_1}, {**OWN, **KEYED, **KEY_2, **IMAGE_2}),
    "exec": Change({}, {"allow_exec": True}),
    "size": Change({"cpu": 256, "memory": 1024}, {"cpu": 512, "memory": 2048}),
    "ceiling": Change({}, {"overrides": {"cpu": 1024, "memory": 4096}}),
    "roles": Change(
        {"overrides": {"task_roles": {"a": f"{ROLES}/adopted-a"}}},
        {"overrides": {"task_roles": {"b": f"{ROLES}/adopted-b"}}},
    ),
    "retention": Change({}, {"log_retention_days": 90}),
    "path": Change(
        {**IMAGE_1, **OWN, "task_policy": policy("a")},
        {**IMAGE_1, **OWN, "task_policy": policy("a"), "role_path": "/j/"},
    ),
    "boundary": Change(*({**OWN, "permissions_boundary_arn": it} for it in BOUNDARIES)),
    "adopted": Change(
        {}, {"task_role_arn": f"{ROLES}/adopted-task", "execution_role_arn": f"{ROLES}/adopted-execution"}
    ),
    "supervision": Change({}, {"supervision": {"retries": 2, "max_runtime_minutes": 60}}),
    "supervised": Change(
        {"supervision": {"retries": 2}, "notify": {"topic_arn": f"{TOPICS}:first"}},
        {"supervision": {"max_runtime_minutes": 9}, "notify": {"topic_arn": f"{TOPICS}:second", "log_lines": 9}},
    ),
    "notify": Change(IMAGE_1, {**IMAGE_2, "notify": {"log_lines": 20}}),
    "callbacks": Change(IMAGE_1, {**IMAGE_2, "callbacks": [f"{MACHINES}:first"]}),
    "called": Change({"callbacks": [f"{MACHINES}:first"]}, {"callbacks": [f"{MACHINES}:second"]}),
    "result": Change({**IMAGE_1, "payload_bucket": "first"}, {**IMAGE_2, "payload_bucket": "first", "result": True}),
    "results": Change(
        {"result": True, "payload_bucket": "first", **KEY_1}, {"result": True, "payload_bucket": "second", **KEY_2}
    ),
    "running": Change(IMAGE_1, {**IMAGE_2, "max_running": 1, "overlap": "skip"}),
    "overlap": Change(
        {"queue": {}, "max_running": 2}, {"queue": {}, "max_running": 1, "overlap": "replace", "asynchronous": True}
    ),
    "kept": Change({"keep_days": 7}, {"keep_days": 30}),
    "ownkept": Change({**OWN, "keep_days": 7}, {**OWN, **IMAGE_1, "keep_days": 30}),
    "shared": Change({**IMAGE_1, **OWN, **KEYED}, {**IMAGE_2, **KEYED}),
    "shares": Change({**OWN, "notify": {}}, {"cpu": 512, "notify": {}}),
    "table": Change({**IMAGE_1, "notify": {}}, {**IMAGE_2, "runs": "second", "notify": {}}),
    "tablekey": Change({"runs": "coded", "notify": {}, **KEY_1}, {"runs": "coded", "notify": {}, **KEY_2}),
    "ownkey": Change({**OWN, "notify": {}, "further_kms_key_arns": [FIRST_KEY]}, {**OWN, "notify": {}, **KEY_1}),
    "clusters": Change({"runs": "second"}, {"runs": "second", **IMAGE_1}),
    "cluster": Change({"cluster": "first"}, {"cluster": "second"}),
    "follow": Change({"runs": "second"}, {"runs": "second", "cluster": "second"}, one_way=True),
    "moving": Change({"runs": "placed"}, {"runs": "placed"}),
    "queue": Change({}, {"queue": {}}),
    "queued": Change({**IMAGE_1, "queue": {}}, {**IMAGE_2, "queue": {}, "max_running": 3}),
    "schedule": Change(IMAGE_1, {**IMAGE_2, "schedule": {"expression": "rate(1 hour)"}}),
    "scheduled": Change(
        {**IMAGE_1, "schedule": {"expression": "rate(1 hour)"}, "further_kms_key_arns": [FIRST_KEY]},
        {**IMAGE_2, "schedule": {"expression": "rate(2 hours)"}, "kms_key_arn": FIRST_KEY},
    ),
    "rule": Change(
        {**IMAGE_1, "event_rule": {"pattern": '{"source":["a"]}'}},
        {**IMAGE_2, "event_rule": {"pattern": '{"source":["b"]}'}},
    ),
    "asynchronous": Change({**IMAGE_1, "asynchronous": True}, {**IMAGE_2, "asynchronous": True}),
    "vpc": Change({}, {"function": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "tracing": True}}),
    "renamed": Change(
        {**IMAGE_1, **OWN, **PAYLOAD, "payload_bucket": "first", "task_policy": policy("a")},
        {**IMAGE_2, **OWN, **PAYLOAD, "payload_bucket": "first", "task_policy": policy("b")},
    ),
}
"""What is changed, by the launcher's name."""
RENAMED: Final = "moved"
"""The name that the launcher `renamed` gets by the change, with an alias."""
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
    """How often something could be launched, what it could not do then, and who was not heard."""
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
        late += [f"after update {number}: {it}" for called in own for it in unheard(account, called)]
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
