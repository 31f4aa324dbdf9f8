"""The question: can a principal, alone or by the roles that it can become, run a task with a role outside a set?"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import pytest

pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from fargate_job_launcher.policies.solver import (
    Allowed,
    Answer,
    Holder,
    Intended,
    Needs,
    Proven,
    Undecided,
    World,
    differences,
    runs_another_role,
)

BASE: Final = "arn:aws:iam::123456789012:role/"
LAUNCHER, TASK, ADMINISTRATOR, DEPLOYER = (BASE + it for it in ("launcher", "task", "Administrator", "deployer"))
TO_TASKS: Final = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
DEFINITION: Final = "arn:aws:ecs:eu-west-1:123456789012:task-definition/job:7"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", condition: Any = None) -> dict[str, Any]:
    more = {} if condition is None else {"Condition": condition}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, **more}


def trusting(*principals: tuple[str, str], condition: Any = None) -> dict[str, Any]:
    more = {} if condition is None else {"Condition": condition}
    return policy(
        *({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {k: v}, **more} for k, v in principals)
    )


def task(*statements: dict[str, Any]) -> Holder:
    return Holder.of(TASK, policy(*statements), trust=trusting(("Service", "ecs-tasks.amazonaws.com")))


RUN: Final = allow("ecs:RunTask", DEFINITION)
PASS: Final = allow("iam:PassRole", TASK, TO_TASKS)
PASS_ANY: Final = allow("iam:PassRole", "*", TO_TASKS)


def asked(*statements: dict[str, Any], roles: tuple[Holder, ...] = (), **more: Any) -> Answer:
    return runs_another_role(
        Holder.of(LAUNCHER, policy(*statements), **more), [TASK], World((*roles, *([] if _has(roles) else [task()])))
    )


def _has(roles: tuple[Holder, ...]) -> bool:
    return any(it.arn == TASK for it in roles)


def test_a_launcher_that_passes_one_role_is_proven() -> None:
    assert asked(RUN, PASS) == Proven((TASK,))


def test_passing_any_role_is_shown_with_both_requests() -> None:
    answer = asked(RUN, PASS_ANY)
    assert isinstance(answer, Allowed)
    passing, run = answer.steps[-1].requests
    assert (passing.action, passing.resource) == ("iam:PassRole", ADMINISTRATOR)
    assert passing.context == {"iam:passedtoservice": "ecs-tasks.amazonaws.com"}
    assert (run.action, run.resource, run.by) == ("ecs:RunTask", DEFINITION, (f"ecs:runtask on {DEFINITION}",))


def test_passing_any_role_without_a_launch_is_proven() -> None:
    assert asked(PASS_ANY, allow("ecs:RegisterTaskDefinition")) == Proven(())


@pytest.mark.parametrize("action", ["ecs:StartTask", "ecs:CreateService", "ecs:Update*", "ecs:*", "batch:*"])
def test_each_action_that_launches_counts(action: str) -> None:
    answer = asked(allow(action), PASS_ANY)
    assert isinstance(answer, Allowed)


def test_a_deny_of_all_other_roles_holds_whatever_is_allowed() -> None:
    assert isinstance(asked(RUN, PASS_ANY, deny("iam:PassRole", NotResource=[TASK])), Proven)
    assert isinstance(asked(RUN, PASS_ANY, deny("iam:PassRole", NotResource=[f"{TASK}*"])), Allowed)


def test_a_deny_with_a_condition_that_a_request_avoids_denies_nothing() -> None:
    from_outside = deny("iam:PassRole", Resource="*", Condition={"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    answer = asked(RUN, PASS_ANY, from_outside)
    assert isinstance(answer, Allowed)
    assert str(answer.steps[-1].requests[0].context["aws:sourceip"]).startswith("10.")


def test_what_is_about_the_caller_is_the_same_in_both_requests() -> None:
    def at(network: str) -> dict[str, Any]:
        return {"IpAddress": {"aws:SourceIp": network}}

    both = {**TO_TASKS, **at("10.0.0.0/8")}
    assert isinstance(asked(allow("ecs:RunTask", "*", at("10.1.0.0/16")), allow("iam:PassRole", "*", both)), Allowed)
    assert isinstance(asked(allow("ecs:RunTask", "*", at("192.168.0.0/16")), allow("iam:PassRole", "*", both)), Proven)


def test_a_boundary_takes_away_and_grants_nothing() -> None:
    assert isinstance(asked(RUN, PASS_ANY, boundary=policy(RUN, PASS)), Proven)
    assert isinstance(asked(RUN, PASS_ANY, boundary=policy(allow("*"))), Allowed)
    assert isinstance(asked(RUN, PASS, boundary=policy(allow("*"))), Proven)


def test_a_role_that_it_may_assume_counts() -> None:
    deployer = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("AWS", "123456789012")))
    assume = allow("sts:AssumeRole", DEPLOYER)
    answer = asked(RUN, PASS, assume, roles=(deployer,))
    assert isinstance(answer, Allowed)
    assert [it.arn for it in answer.steps] == [LAUNCHER, DEPLOYER]
    # Without the Allow, or where the trust policy is about somebody else, it may not.
    assert isinstance(asked(RUN, PASS, roles=(deployer,)), Proven)
    stranger = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("AWS", f"{BASE}another")))
    assert isinstance(asked(RUN, PASS, assume, roles=(stranger,)), Proven)
    # A trust policy that names it needs no Allow of its own, and an external id is the caller's choice.
    named = trusting(("AWS", LAUNCHER), condition={"StringEquals": {"sts:ExternalId": "secret"}})
    assert isinstance(asked(RUN, PASS, roles=(Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=named),)), Allowed)


def test_the_role_of_its_own_task_counts() -> None:
    assert isinstance(asked(RUN, PASS, roles=(task(RUN, PASS_ANY),)), Allowed)
    assert isinstance(asked(PASS, roles=(task(RUN, PASS_ANY),)), Proven)


def test_a_role_that_it_passes_to_another_service_counts_if_that_service_starts_something() -> None:
    schedules = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "scheduler.amazonaws.com")))
    to_scheduler = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    passing = allow("iam:PassRole", DEPLOYER, to_scheduler)
    assert isinstance(asked(RUN, PASS, passing, allow("scheduler:CreateSchedule"), roles=(schedules,)), Allowed)
    assert isinstance(asked(RUN, PASS, passing, roles=(schedules,)), Proven)
    unheard_of = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "new.amazonaws.com")))
    to_new = allow("iam:PassRole", DEPLOYER, {"StringEquals": {"iam:PassedToService": "new.amazonaws.com"}})
    answer = asked(RUN, PASS, to_new, roles=(unheard_of,))
    assert isinstance(answer, Undecided)
    assert "which calls have new.amazonaws.com act with a role" in str(answer)
    # An action for which the rules look, and of which it is not known that it suffices.
    instances = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "ec2.amazonaws.com")))
    to_ec2 = allow("iam:PassRole", DEPLOYER, {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
    assert isinstance(asked(RUN, PASS, to_ec2, roles=(instances,)), Proven)
    assert isinstance(asked(RUN, PASS, to_ec2, allow("ec2:RequestSpotInstances"), roles=(instances,)), Allowed)
    for action in ("eks:CreateNodegroup", "iam:AddRoleToInstanceProfile"):
        answer = asked(RUN, PASS, to_ec2, allow(action), roles=(instances,))
        assert isinstance(answer, Undecided)
        assert f"whether {action} has ec2.amazonaws.com act with a role" in str(answer)


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("ec2", "autoscaling:UpdateAutoScalingGroup"),
        ("ec2", "ec2:RequestSpotInstances"),
        ("ssm", "ssm:StartAutomationExecution"),
        ("sagemaker", "sagemaker:CreateTrainingJob"),
        ("batch", "batch:CreateComputeEnvironment"),
        ("lambda", "lambda:CreateFunction"),
    ],
)
def test_each_action_that_a_service_starts_something_with_counts(service: str, action: str) -> None:
    administrator = Holder.of(
        ADMINISTRATOR, policy(RUN, PASS_ANY), trust=trusting(("Service", f"{service}.amazonaws.com"))
    )
    passing = allow("iam:PassRole", ADMINISTRATOR)
    answer = asked(RUN, PASS, passing, allow(action), roles=(administrator,))
    assert isinstance(answer, Allowed)
    assert action in str(answer)
    other = allow("iam:PassRole", ADMINISTRATOR, {"StringEquals": {"iam:PassedToService": "iot.amazonaws.com"}})
    assert not isinstance(asked(RUN, PASS, other, allow(action), roles=(administrator,)), Allowed)


@pytest.mark.parametrize("action", ["lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"])
def test_the_role_of_a_function_that_it_may_change_counts(action: str) -> None:
    function = "arn:aws:lambda:eu-west-1:123456789012:function:deploy"
    deployer = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "lambda.amazonaws.com")))
    launcher = Holder.of(LAUNCHER, policy(RUN, PASS, allow(action, function)))
    answer = runs_another_role(launcher, [TASK], World((task(), deployer), {function: DEPLOYER}))
    assert isinstance(answer, Allowed)
    assert [it.arn for it in answer.steps] == [LAUNCHER, DEPLOYER]
    # The function of a role of which nothing is known.
    assert isinstance(runs_another_role(launcher, [TASK], World((task(),), {function: DEPLOYER})), Undecided)


def test_a_deny_of_a_trust_policy_is_about_whomever_it_covers() -> None:
    assume, session = allow("sts:AssumeRole", DEPLOYER), "arn:aws:sts::123456789012:assumed-role/launcher/"
    kinds = {
        "*": Proven,
        "123456789012": Proven,
        "arn:aws:iam::123456789012:root": Proven,
        f"{session}nightly": Undecided,
        f"{BASE}another": Allowed,
    }
    for denied, kind in kinds.items():
        for named in (LAUNCHER, "123456789012"):
            trust = trusting(("AWS", named))
            trust["Statement"] += [{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": denied}}]
            answer = asked(RUN, PASS, assume, roles=(Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trust),))
            assert isinstance(answer, kind), (denied, named, answer)
    for_session = trusting(("AWS", f"{session}nightly"))
    for own in ([], [assume]):
        answer = asked(RUN, PASS, *own, roles=(Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=for_session),))
        assert isinstance(answer, Undecided)


def test_a_role_of_another_account_or_partition_cannot_be_passed() -> None:
    for role in ("arn:aws:iam::999999999999:role/Administrator", "arn:aws-cn:iam::123456789012:role/Administrator"):
        assert isinstance(asked(RUN, PASS, allow("iam:PassRole", role, TO_TASKS)), Proven)
    everywhere = asked(RUN, PASS, allow("iam:PassRole", "arn:aws:iam::*:role/Administrator", TO_TASKS))
    assert isinstance(everywhere, Allowed)
    assert everywhere.role == ADMINISTRATOR


def test_what_the_arn_of_a_principal_says_of_its_requests_is_used() -> None:
    of_users = {"Null": {"aws:username": "false"}}
    passing = allow("iam:PassRole", "*", {**TO_TASKS, **of_users})
    assert isinstance(asked(RUN, PASS, passing), Proven)
    alice = Holder.of("arn:aws:iam::123456789012:user/alice", policy(RUN, passing))
    assert isinstance(runs_another_role(alice, [TASK], World((task(),))), Allowed)
    of_bob = {"StringEquals": {"aws:username": "bob"}}
    bob = Holder.of(alice.arn, policy(RUN, allow("iam:PassRole", "*", {**TO_TASKS, **of_bob})))
    assert isinstance(runs_another_role(bob, [TASK], World((task(),))), Proven)


def test_a_boundary_of_a_user_may_not_hold_against_a_trust_policy_that_names_the_user() -> None:
    alice = "arn:aws:iam::123456789012:user/alice"
    for named, kind in ((alice, Undecided), ("123456789012", Proven)):
        deployer = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("AWS", named)))
        holder = Holder.of(alice, policy(allow("sts:AssumeRole", DEPLOYER)), boundary=policy(allow("s3:*")))
        assert isinstance(runs_another_role(holder, [TASK], World((task(), deployer))), kind)


def test_a_service_is_the_same_in_every_region() -> None:
    machines = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "states.eu-west-1.amazonaws.com")))
    to_states = allow("iam:PassRole", DEPLOYER, {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}})
    assert isinstance(asked(RUN, PASS, to_states, allow("states:CreateStateMachine"), roles=(machines,)), Allowed)
    usual = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("Service", "states.amazonaws.com")))
    regional = {"StringEquals": {"iam:PassedToService": "states.eu-west-1.amazonaws.com"}}
    passing = allow("iam:PassRole", DEPLOYER, regional)
    answer = asked(RUN, PASS, passing, allow("states:CreateStateMachine"), roles=(usual,))
    assert isinstance(answer, Undecided)
    assert "whether a region's name of states.amazonaws.com counts" in str(answer)


def test_a_job_of_batch_is_shown_with_resources_of_batch() -> None:
    answer = asked(allow("batch:*"), PASS_ANY)
    assert isinstance(answer, Allowed)
    shown = {it.action: it.resource for it in answer.steps[-1].requests}
    assert shown["batch:RegisterJobDefinition"].startswith("arn:aws:batch:")
    elsewhere = asked(allow(["batch:RegisterJobDefinition", "batch:SubmitJob"], "arn:aws:ecs:*"), PASS_ANY)
    assert not isinstance(elsewhere, Allowed)


def test_a_trust_policy_of_everyone_is_never_proven() -> None:
    everyone = Holder.of(DEPLOYER, policy(RUN, PASS_ANY), trust=trusting(("AWS", "*")))
    assert isinstance(asked(RUN, PASS, allow("sts:AssumeRole", DEPLOYER), roles=(everyone,)), Allowed)
    assert isinstance(asked(RUN, PASS, roles=(everyone,)), Undecided)
    to_batch = allow("iam:PassRole", DEPLOYER, {"StringEquals": {"iam:PassedToService": "batch.amazonaws.com"}})
    answer = asked(RUN, PASS, to_batch, allow("batch:CreateComputeEnvironment"), roles=(everyone,))
    assert isinstance(answer, Undecided)


def test_a_job_definition_counts_once_its_job_can_be_submitted_at_another_time() -> None:
    early, late = ({it: {"aws:CurrentTime": "2026-06-01T00:00:00Z"}} for it in ("DateLessThan", "DateGreaterThan"))
    register = allow("batch:RegisterJobDefinition", "*", early)
    passing = allow("iam:PassRole", "*", {**TO_TASKS, **early})
    assert isinstance(asked(passing, register, allow("batch:SubmitJob", "*", late)), Allowed)
    assert isinstance(asked(passing, register), Proven)
    assert isinstance(asked(allow("iam:PassRole", "*", {**TO_TASKS, **late}), register), Proven)


def test_what_a_role_that_it_becomes_may_launch_with_an_unknown_role_is_open() -> None:
    strange = f"{BASE}strange"
    launching = Holder.of(DEPLOYER, policy(RUN, allow("iam:PassRole", strange)), trust=trusting(("AWS", LAUNCHER)))
    launcher = Holder.of(LAUNCHER, policy(allow("sts:AssumeRole", DEPLOYER)))
    answer = runs_another_role(launcher, [strange], World((launching,)))
    assert isinstance(answer, Undecided)
    assert f"what {strange} may do is not known, and a task of {DEPLOYER} may run with it" in str(answer)


@pytest.mark.parametrize(
    ("statements", "more", "reason"),
    [
        ([RUN, PASS], {"unread": ["arn:aws:iam::aws:policy/New"]}, "arn:aws:iam::aws:policy/New, whose text is not"),
        ([RUN, allow("iam:PassRole", f"{BASE}${{aws:PrincipalTag/role}}", TO_TASKS)], {}, "the policy variable in"),
        ([RUN, PASS, allow("sts:AssumeRole")], {}, "may become a role of which nothing is known"),
        ([RUN, PASS, allow("iam:PutRolePolicy", LAUNCHER)], {}, "may change permissions: iam:PutRolePolicy"),
        ([RUN, PASS, allow("iam:De*RolePolicy", LAUNCHER)], {}, "permissions: iam:DeleteRolePolicy, iam:DetachRolePo"),
        ([RUN, PASS, allow("iam:TagUser")], {}, "may change permissions: iam:TagUser"),
        ([RUN, PASS, allow("ecs:ExecuteCommand")], {}, "may enter tasks, instances or functions"),
        ([RUN, PASS, allow("states:UpdateStateMachine")], {}, "may enter tasks, instances or functions"),
        ([RUN, PASS, allow("glue:UpdateJob")], {}, "may enter tasks, instances or functions"),
        ([RUN, PASS, allow("batch:SubmitJob")], {}, "may enter tasks, instances or functions"),
        *(
            ([RUN, PASS, allow(action)], {}, f"unknown permissions: {action}")
            for action in ("codedeploy:CreateDeployment", "glue:StartJobRun", "emr-containers:StartJobRun")
        ),
        *(
            ([RUN, PASS, allow(action)], {}, f"unknown permissions: {action}")
            for action in ("ssm:CreateAssociation", "events:PutTargets", "elasticmapreduce:AddJobFlowSteps")
        ),
        *(
            ([RUN, PASS, allow(action)], {}, f"unknown permissions: {action}")
            for action in ("ecs:Poll", "ssm:RegisterTaskWithMaintenanceWindow", "airflow:CreateCliToken")
        ),
        ([RUN, PASS, allow("codebuild:StartBuild")], {}, "may enter tasks, instances or functions"),
        ([RUN, allow("iam:PassRole", "*", {"DateOver": {"x": "1"}, **TO_TASKS})], {}, "dateover 1 on x"),
        (
            [RUN, allow("iam:PassRole", "*", {"Bool": {"ecs:new": "true"}, **TO_TASKS})],
            {},
            "which iam:passrole has",
        ),
    ],
)
def test_what_is_not_known_is_never_proven(statements: list[Any], more: dict[str, Any], reason: str) -> None:
    answer = asked(*statements, **more)
    assert isinstance(answer, Undecided)
    assert reason in str(answer)


def test_a_task_role_of_which_nothing_is_known_is_open() -> None:
    answer = runs_another_role(Holder.of(LAUNCHER, policy(RUN, PASS)), [TASK])
    assert isinstance(answer, Undecided)
    assert TASK in str(answer)


def test_an_exact_comparison_finds_what_is_too_much_and_what_is_missing() -> None:
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
    wanted = [Intended("run", ("ecs:RunTask",), (DEFINITION,), needs=(Needs("ecs:cluster", "is", (cluster,)),))]

    def held(**condition: Any) -> Holder:
        return Holder.of(LAUNCHER, json.dumps(policy(allow("ecs:RunTask", DEFINITION, condition))))

    assert differences(held(ArnEquals={"ecs:cluster": cluster}), wanted) == []
    (more,) = differences(held(ArnEqualsIfExists={"ecs:cluster": cluster}), wanted)
    assert (more.kind, more.found.requests[0].context) == ("allowed, not intended", {})
    (less,) = differences(held(ArnEquals={"ecs:cluster": cluster}, Bool={"aws:SecureTransport": "true"}), wanted)
    assert (less.kind, less.why) == ("intended, not allowed", "run")
    (other,) = differences(Holder.of(LAUNCHER, policy(allow("s3:*"))), [])
    assert other.found.requests[0].action.startswith("s3:")


def test_a_role_that_ecs_cannot_assume_runs_no_task() -> None:
    of_lambda = Holder.of(ADMINISTRATOR, policy(allow("*")), trust=trusting(("Service", "lambda.amazonaws.com")))
    of_tasks = Holder.of(ADMINISTRATOR, policy(allow("*")), trust=trusting(("Service", "ecs-tasks.amazonaws.com")))
    passing = allow("iam:PassRole", [TASK, ADMINISTRATOR], TO_TASKS)
    assert isinstance(asked(RUN, passing, roles=(of_lambda,)), Proven)
    assert isinstance(asked(RUN, passing, roles=(of_tasks,)), Allowed)


def test_a_policy_variable_alone_in_a_value_is_compared_with_its_key() -> None:
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    answer = asked(allow("ecs:RunTask", "*", same), PASS_ANY)
    assert isinstance(answer, Allowed)
    context = answer.steps[-1].requests[1].context
    assert context["aws:resourcetag/team"] == context["aws:principaltag/team"]
    never = {**same, "Null": {"aws:PrincipalTag/team": "true"}}
    assert isinstance(asked(allow("ecs:RunTask", "*", never), PASS_ANY), Proven)


def test_a_policy_variable_in_an_old_policy_is_open() -> None:
    same = allow("ecs:RunTask", "*", {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})
    old = Holder.of(LAUNCHER, {"Version": "2008-10-17", "Statement": [same]}, policy(PASS_ANY))
    answer = runs_another_role(old, [TASK], World((task(),)))
    assert isinstance(answer, Undecided)
    assert "a policy variable in a policy whose Version is 2008-10-17" in str(answer)


def test_a_key_of_several_values_is_absent_or_has_one() -> None:
    none = {"Null": {"aws:TagKeys": "true"}, "ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}
    assert isinstance(asked(allow("ecs:RunTask", "*", none), PASS_ANY), Proven)
    two = {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}, "ForAnyValue:StringLike": {"aws:TagKeys": "job*"}}
    answer = asked(allow("ecs:RunTask", "*", two), PASS_ANY)
    assert isinstance(answer, Allowed)
    assert len(answer.steps[-1].requests[1].context["aws:tagkeys"]) == 2


def test_without_z3_the_solver_says_what_to_install() -> None:
    hidden = (
        "import importlib.util as u; f = u.find_spec; u.find_spec = lambda it, *a: None if it == 'z3' else f(it, *a);"
        "import fargate_job_launcher.policies.solver"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("z3 is not installed: pip install 'fargate-job-launcher[prove]'\n")
