"""The policy pack as teams use it: served to Pulumi's engine, configured, waived, in a preview and at an update."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_policy.policy
import pytest
import yaml
from fargate_job_launcher.arguments import examine
from fargate_job_launcher.policies import RULES, environment_of, select, serving
from fargate_job_launcher.policies.__main__ import main
from fargate_job_launcher.policies.config import configured
from fargate_job_launcher.policies.table import replaced
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy

from tools.pack.analyzer import PACK, Analyzer, analyzer
from tools.pack.judging import NOT_KNOWN, Thing, judge, things
from tools.pack.policy_cases import (
    ACCOUNT,
    ADMINISTRATOR,
    ANOTHER_TEAM,
    CASES,
    FUNCTION_ARN,
    LAUNCHES,
    ONLY_LAMBDA,
    PASSES,
    USER,
    allow,
    attached,
    function,
    ingress,
    inline,
    managed,
    of_user,
    permission,
    role,
    text,
)
from tools.recording import Recording, program, record

ALL = f"arn:aws:iam::{ACCOUNT}:policy/all"
MANDATORY = {env: {r.id for r in RULES if r.level(env) is EnforcementLevel.MANDATORY} for env in ("dev", "prod")}


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> list[Thing]:
    return things(record(program(tmp_path_factory.mktemp("other"), ANOTHER_TEAM)))


@pytest.fixture(scope="module")
def at_update() -> Iterator[Analyzer]:
    with analyzer(preview=False) as pack:
        yield pack


@pytest.fixture(scope="module")
def in_preview() -> Iterator[Analyzer]:
    with analyzer(preview=True) as pack:
        yield pack


def test_the_stacks_of_this_repository_comply_without_any_configuration(recording: Recording, environment: str) -> None:
    judged = judge(things(recording), environment=environment_of(environment))
    assert judged.not_judged == {}
    # Digests come from the images' own pipeline; until then this rule is advisory.
    advice = {"dev": {"image-digest", "no-public-ip"}, "prod": {"image-digest"}}[environment_of(environment)]
    assert judged.rules == advice
    assert judged.rules & MANDATORY[environment_of(environment)] == set()


def test_another_teams_pasted_stack_is_refused_over_the_real_protocol_with_the_fix(
    at_update: Analyzer, pasted: list[Thing]
) -> None:
    at_update.configure({})
    found = [one for thing in pasted for one in at_update.analyze(thing)] + at_update.analyze_stack(pasted)
    refused = {policy: message for policy, level, message, _ in found if level == "mandatory"}
    assert refused.keys() == {
        *("passrole-named-roles", "passrole-service", "runtask-one-definition", "runtask-cluster"),
        *("trust-source", "task-own-roles", "execution-role-inline", "task-read-only-root", "task-user"),
        *("image-registry", "task-logs", "environment-no-secrets", "function-runtime", "launcher-timeout"),
    }
    assert refused["passrole-named-roles"] == (
        "iam:PassRole is allowed on named roles only.\n"
        "launcher (aws:iam/rolePolicy:RolePolicy): policy allows iam:PassRole on *\n"
        "Fix: grant iam:PassRole by itself, on the ARNs of the task's execution role and task role and nothing else "
        "(FargateJobLauncher computes that policy): Action iam:PassRole, Resource [execution_role.arn, task_role.arn], "
        "Condition StringEquals iam:PassedToService ecs-tasks.amazonaws.com"
    )
    assert not any("hunter22" in message for _, _, message, _ in found)


@pytest.mark.parametrize("missing", ["json_format", "_PolicyAnalyzerServicer"])
def test_the_pack_works_with_another_structure_of_pulumi_policy(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(**{key: value for key, value in vars(pulumi_policy.policy).items() if key != missing})
    before = dict(vars(other))
    monkeypatch.setattr(serving, "served", other)
    assert not serving.read_once()
    assert vars(other) == before


def test_a_pack_whose_levels_could_be_lowered_without_a_word_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "served", SimpleNamespace())
    with pytest.raises(RuntimeError, match="configured in another way; install one that is supported"):
        select("passrole-alone")


def test_a_resource_is_read_once_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    class Servicer:
        def Analyze(self, request: object, _context: None) -> list[object]:  # noqa: N802 - gRPC's name
            return [deserialize(other.json_format.MessageToDict(request)) for _ in range(2)]

        AnalyzeStack = Analyze

    def deserialize(given: object) -> object:
        return other.deserialize_properties(given)

    def message(given: object) -> dict[str, object]:
        read.append(given)
        return {"is": given}

    other = SimpleNamespace(
        json_format=SimpleNamespace(MessageToDict=message),
        deserialize_properties=dict,
        _PolicyAnalyzerServicer=Servicer,
    )
    monkeypatch.setattr(serving, "served", other)
    assert serving.read_once()
    assert Servicer().Analyze("one", None) == [{"is": "one"}] * 2
    assert Servicer().AnalyzeStack("one", None) == [{"is": "one"}] * 2
    assert read == ["one", "one"]


def test_the_policy_that_passes_every_role_is_refused_before_it_is_created(
    at_update: Analyzer, pasted: list[Thing]
) -> None:
    (policy,) = (it for it in pasted if it.kind == "aws:iam/rolePolicy:RolePolicy")
    assert {name for name, level, _, urn in at_update.analyze(policy) if (level, urn) == ("mandatory", policy.urn)} == {
        *("passrole-named-roles", "passrole-service", "runtask-one-definition", "runtask-cluster"),
    }


def test_the_pack_describes_every_rule_with_its_remedy_and_the_schema_of_its_settings(at_update: Analyzer) -> None:
    told = {it.name: it for it in at_update.info().policies}
    assert list(told) == [rule.id for rule in RULES]
    for rule in RULES:
        assert (told[rule.id].description, told[rule.id].remediation_steps) == (rule.says, rule.remedy)
        assert set(told[rule.id].configSchema.properties) == set(rule.schema())
    assert "waivers" not in told["passrole-named-roles"].configSchema.properties
    registries = told["image-registry"].configSchema.properties["registries"]
    assert (registries["type"], registries["items"]["type"]) == ("array", "string")


def _unknown_stack() -> list[Thing]:
    return [
        role("launcher"),
        Thing(
            "aws:iam/rolePolicy:RolePolicy",
            "launcher",
            {"role": NOT_KNOWN, "policy": NOT_KNOWN},
            computed_from={"role": ["launcher"], "policy": ["launcher"]},
        ),
    ]


def test_a_preview_reports_what_it_could_not_judge(in_preview: Analyzer) -> None:
    stack = _unknown_stack()
    found = [one for thing in stack for one in in_preview.analyze(thing)] + in_preview.analyze_stack(stack)
    assert {level for _, level, _, _ in found} == {"advisory"}
    said = {policy: message for policy, _, message, _ in found}
    waiting = "not known yet, will be judged at the update: launcher (aws:iam/rolePolicy:RolePolicy): policy"
    for rule in ("passrole-named-roles", "passrole-alone", "passrole-no-administrator", "runtask-cluster"):
        assert said[rule].endswith(waiting), said[rule]


@pytest.mark.parametrize("preview", [True, False])
def test_a_role_whose_arn_or_name_is_not_known_yet_is_not_skipped(preview: bool) -> None:
    # The policy is known, but the role that it names is not created yet and may be an administrator.
    launcher, passes = role("launcher", ONLY_LAMBDA), inline(PASSES)
    task = replace(role("task", managedPolicyArns=[ADMINISTRATOR]), outputs={"arn": NOT_KNOWN, "name": "task"})
    # Their holders are not known: both may belong to one principal.
    given = replace(inline(PASSES, name="given"), props={"role": NOT_KNOWN, "policy": text(PASSES)})
    for stack, rule, path in (
        ([launcher, passes, task], "passrole-no-administrator", "task (aws:iam/role:Role): arn"),
        ([launcher, given], "passrole-alone", "given (aws:iam/rolePolicy:RolePolicy): role"),
    ):
        judged = judge(stack, preview=preview)
        said = judged.not_judged.get(rule, []) if preview else judged.messages(rule)
        assert any(path in message for message in said), rule
        assert (rule in judged.rules) is not preview


def test_a_known_violation_is_refused_in_the_preview(in_preview: Analyzer) -> None:
    wide = inline({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"})
    assert ("passrole-named-roles", "mandatory") in {(policy, level) for policy, level, *_ in in_preview.analyze(wide)}


def test_a_value_that_is_unknown_at_the_update_is_refused(at_update: Analyzer) -> None:
    stack = _unknown_stack()
    found = [one for thing in stack for one in at_update.analyze(thing)] + at_update.analyze_stack(stack)
    refused = {policy: message for policy, level, message, _ in found if level == "mandatory"}
    for rule in ("passrole-named-roles", "passrole-alone", "passrole-no-administrator", "runtask-cluster"):
        assert "policy is not known even at the update, so it cannot be judged" in refused[rule]


def test_one_unknown_value_hides_no_violation_beside_it() -> None:
    secret = Thing(
        "aws:lambda/function:Function",
        "f",
        {"environment": {"variables": {"URL": NOT_KNOWN, "API_TOKEN": "s3cr3t-value"}}},
    )
    judged = judge([secret], preview=True)
    assert judged.rules >= {"environment-no-secrets"}
    assert "environment.variables.URL" in judged.not_judged["environment-no-secrets"][0]


def test_a_first_preview_refuses_nothing_of_this_repository_and_lists_what_it_could_not_judge(
    recording: Recording, environment: str
) -> None:
    # The provider has not filled in its own values yet.
    filled = {"aws:iam/role:Role": ("managedPolicyArns", "inlinePolicies"), "aws:sqs/queue:Queue": ("policy",)}

    def before(it: Thing) -> Thing:
        later = {prop: NOT_KNOWN for prop, names in it.computed_from.items() if names}
        outputs = {*it.outputs, *filled.get(it.kind, ())} - it.props.keys()
        return replace(it, props={**it.props, **later}, outputs=dict.fromkeys(outputs, NOT_KNOWN))

    judged = judge([before(it) for it in things(recording)], environment=environment_of(environment), preview=True)
    assert judged.violations == {}
    (left,) = judged.not_judged["launcher-timeout"]
    for job in recording.jobs():
        assert f"{job}-launcher (aws:iam/rolePolicy:RolePolicy): policy" in left
    assert not any(prop in left for prop in filled["aws:iam/role:Role"])
    # The roles of a task are known from the resources from which they are computed.
    assert "task-own-roles" not in judged.not_judged


LOOKS_SECRET: dict[str, Any] = {
    **{"environment": {"DB_PASSWORD": "x", "LEVEL": "debug"}, "command": ["a", "--token=x"]},
    **{"entry_point": ["--api-key=x"], "health_check": {"command": ["CMD", "--token=x"]}},
}
NOT_SECRET = {"not_secret": ["DB_PASSWORD", "command", "entry_point", "health_check"]}


def test_the_pack_accepts_what_a_launcher_marks_as_not_secret_and_both_check_the_same_places(
    tmp_path: Path,
) -> None:
    sidecar = {"name": "side", "image": "nginx", **LOOKS_SECRET}
    job = {
        **{"image": "nginx", "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c"},
        **{"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], **LOOKS_SECRET},
    }
    told = {**job, **NOT_SECRET, "sidecars": [{**sidecar, **NOT_SECRET}]}
    source = f"from fargate_job_launcher import FargateJobLauncher\nFargateJobLauncher('job', {told!r})"
    (definition,) = (
        it for it in things(record(program(tmp_path, source))) if it.kind == "aws:ecs/taskDefinition:TaskDefinition"
    )
    assert judge([definition]).messages("environment-no-secrets") == []
    bare = [
        {key: it for key, it in one.items() if key != "dockerLabels"}
        for one in json.loads(definition.props["containerDefinitions"])
    ]
    unlabelled = replace(definition, props={**definition.props, "containerDefinitions": json.dumps(bare)})
    messages = judge([unlabelled]).messages("environment-no-secrets")
    untold: Any = {**job, "sidecars": [sidecar]}
    said = [it.partition(": ")[0].rpartition("].")[2] for it in examine("job", untold)[1]]
    spelt = {
        "environment.DB_PASSWORD": "the variable DB_PASSWORD",
        "command[1]": "command[1]",
        "entry_point[0]": "entryPoint[0]",
        "health_check.command[1]": "healthCheck[1]",
    }
    assert sorted(said) == sorted([*spelt, *spelt])
    places = [f"container {container}: {place} " for container in ("job", "side") for place in spelt.values()]
    assert [[it for it in places if it in message] for message in messages] == [[it] for it in places]


def test_a_property_of_an_unknown_form_is_refused() -> None:
    odd = Thing("aws:ecs/taskDefinition:TaskDefinition", "odd", {"containerDefinitions": '[{"environment": 7}]'})
    (message,) = judge([odd]).messages("environment-no-secrets")
    assert "has a form that cannot be judged: 'int' object is not iterable" in message


LOGS = Thing("aws:cloudwatch/logGroup:LogGroup", "l", {"retentionInDays": 30})


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "is kept for 30 days, at least 90 are needed"),
        ({"minimumDays": 30}, None),
        ({"minimumDays": 60.0}, "at least 60 are needed"),
        ({"minimumDays": "30"}, "minimumDays: '30' is not a whole number of at least 1"),
        ({"minimumDay": 30}, "minimumDay: unknown; allowed: minimumDays, waivers"),
        ({"waivers": [{"urn": LOGS.urn, "reason": "kept by the archive", "expires": "2026-11-24"}]}, None),
        (
            {"waivers": [{"urn": LOGS.urn, "reason": "kept by the archive", "expires": "2026-11-23"}]},
            "the waiver (kept by the archive) expired on 2026-11-23; fix the violation and remove the waiver",
        ),
        (
            {
                "minimumDays": 1,
                "waivers": [{"urn": LOGS.urn, "reason": "kept by the archive", "expires": "2020-01-01"}],
            },
            "expired on 2020-01-01",
        ),
        (
            {"waivers": [{"urn": "l", "reason": "because", "expires": "soon"}]},
            "waivers[0].urn: 'l' is not the URN of a resource",
        ),
        (
            {"waivers": [{"urn": "l", "reason": "because", "expires": "soon"}]},
            "waivers[0].reason: 'because' does not explain the waiver; write 10",
        ),
        (
            {"waivers": [{"urn": "l", "reason": "because", "expires": "soon"}]},
            "waivers[0].expires: 'soon' is not a date",
        ),
        (
            {"waivers": [{"urn": LOGS.urn, "reason": "kept by the archive", "expires": "2027-W05-1"}]},
            "waivers[0].expires: '2027-W05-1' is not a date; write it as 2027-01-31",
        ),
        (
            {"waivers": [{"urn": f"{LOGS.urn}-2", "reason": "kept by the archive", "expires": "2027-01-01"}]},
            "is kept for 30 days",
        ),
    ],
)
def test_a_wrong_limit_or_waiver_is_a_violation(config: dict[str, Any], said: str | None) -> None:
    (rule,) = (it for it in RULES if it.id == "log-retention")
    messages = judge([LOGS], rules=[rule], config={rule.id: config}).messages(rule.id)
    if said is None:
        assert messages == []
    else:
        assert any(said in message for message in messages), messages


def test_a_rule_on_the_whole_stack_is_waived_for_one_resource_until_a_day() -> None:
    stack = CASES["queue-tls"].catches["no policy"]
    waiver = {"urn": stack[0].urn, "reason": "its policy comes next week", "expires": "2026-12-01"}
    (rule,) = (it for it in RULES if it.id == "queue-tls")
    assert judge(stack, rules=[rule]).rules == {"queue-tls"}
    assert judge(stack, rules=[rule], config={rule.id: {"waivers": [waiver]}}).rules == set()
    (late,) = judge([], rules=[rule], config={rule.id: {"waivers": [{**waiver, "expires": "2026-11-01"}]}}).messages(
        rule.id
    )
    assert "expired on 2026-11-01" in late


def test_rules_on_passing_roles_and_public_access_cannot_be_waived() -> None:
    fixed = [rule for rule in RULES if not rule.waivable]
    assert {rule.id for rule in fixed} == {
        *("passrole-named-roles", "passrole-service", "passrole-no-administrator", "passrole-trust", "passrole-alone"),
        *("function-not-public", "launcher-not-public", "queue-not-public", "policies-well-formed"),
    }
    for rule in fixed:
        stack = next(iter(CASES[rule.id].catches.values()))
        found = judge(stack, rules=[rule]).violations[rule.id]
        waivers = [{"urn": urn, "reason": "we really want it", "expires": "2027-01-01"} for _, urn in found]
        still = judge(stack, rules=[rule], config={rule.id: {"waivers": waivers}}).messages(rule.id)
        assert {message for message, _ in found} <= set(still)
        assert any("cannot be waived" in message for message in still)
        assert rule.level("dev") is rule.level("prod") is EnforcementLevel.MANDATORY


@pytest.mark.parametrize(("level", "said"), [(0, "advisory"), (2, "disabled")])
def test_no_configuration_switches_off_a_rule_that_cannot_be_waived(at_update: Analyzer, level: int, said: str) -> None:
    wide = inline({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"})
    for rule in RULES:
        at_update.configure({rule.id: {"enforcementLevel": level}})
        stack = next(iter(CASES[rule.id].catches.values()))
        found = [one for thing in stack for one in at_update.analyze(thing)] + at_update.analyze_stack(stack)
        levels = {its for policy, its, *_ in found if policy == rule.id}
        if rule.waivable:
            assert levels == ({"advisory"} if said == "advisory" else set()), rule.id
        else:
            assert levels == {"mandatory"}
            told = f"enforcementLevel: {said}; {rule.id} is always mandatory; remove the setting"
            assert any(told in message for policy, _, message, _ in found if policy == rule.id)
    # The default for all rules is no way around it either.
    at_update.configure({rule.id: {"enforcementLevel": level} for rule in RULES})
    assert "passrole-named-roles" in {policy for policy, its, *_ in at_update.analyze(wide) if its == "mandatory"}
    at_update.configure({})


def test_a_deployer_that_is_declared_may_pass_named_roles_and_register_what_runs_with_them() -> None:
    deploys = [
        role("deployer", ONLY_LAMBDA),
        inline(PASSES, allow(["ecs:RegisterTaskDefinition", "ecs:UpdateService"]), role="deployer", name="deploys"),
    ]
    registers = [USER, of_user(PASSES), managed(allow("ecs:Register*"), name="all")]
    more = Thing("aws:iam/userPolicyAttachment:UserPolicyAttachment", "u", {"user": "deploy", "policyArn": ALL})
    (rule,) = (it for it in RULES if it.id == "passrole-alone")
    for stack, name in ((deploys, "deployer"), ([*registers, more], "deploy")):
        for declared in (name, stack[0].urn, stack[0].outputs.get("arn", name)):
            assert judge(stack, rules=[rule], config={rule.id: {"deployers": [declared]}}).violations == {}
        (message,) = judge(stack, rules=[rule], config={rule.id: {"deployers": ["another"]}}).messages(rule.id)
        assert "RegisterTaskDefinition" in message
    # The rules on what is passed hold for a deployer too.
    wide = [role("deployer"), inline(allow(["iam:PassRole", "ecs:UpdateService"]), role="deployer")]
    declared = {rule.id: {"deployers": ["deployer"]}}
    assert judge(wide, config=declared).rules >= {"passrole-named-roles", "passrole-service"}


def test_a_boundary_that_another_stack_uses_is_declared() -> None:
    stack = [managed(allow("*"), name="boundary")]
    config = {"boundaries": ["boundary"]}
    documents = ("passrole-named-roles", "passrole-service", "passrole-alone", "runtask-cluster", "exec-named-tasks")
    for rule in (it for it in RULES if it.id in documents):
        assert judge(stack, rules=[rule]).rules == {rule.id}
        assert judge(stack, rules=[rule], config={rule.id: config}).violations == {}
        # What is attached, and what is no managed policy, grants whatever a setting says.
        attaching = [*stack, attached(str(stack[0].outputs["arn"]))]
        assert judge(attaching, rules=[rule], config={rule.id: config}).rules == {rule.id}
        other = inline(allow("*"), name="boundary")
        assert judge([role("launcher"), other], rules=[rule], config={rule.id: config}).rules == {rule.id}


def test_a_principal_outside_is_not_declared_by_the_name_of_its_policy() -> None:
    stack = [inline(PASSES, allow("ecs:RegisterTaskDefinition"), role="outsider", name="deploy"), role("task")]
    (rule,) = (it for it in RULES if it.id == "passrole-alone")
    assert judge(stack, rules=[rule], config={rule.id: {"deployers": ["outsider"]}}).violations == {}
    assert judge(stack, rules=[rule], config={rule.id: {"deployers": ["deploy"]}}).rules == {rule.id}


WEB = ingress("0.0.0.0/0", ipv6CidrBlocks=["::/0"])
URL = Thing("aws:lambda/functionUrl:FunctionUrl", "u", {"functionName": "launch", "authorizationType": "NONE"})


@pytest.mark.parametrize(
    ("rule", "thing", "public"),
    [
        ("nothing-comes-in", WEB, "jobs"),
        ("nothing-comes-in", WEB, WEB.urn),
        ("function-not-public", URL, "launch"),
        ("function-not-public", URL, URL.urn),
        ("function-not-public", permission(principal="*", function=FUNCTION_ARN), "launch"),
        ("function-not-public", permission(principal="*", function=FUNCTION_ARN), FUNCTION_ARN),
    ],
)
def test_a_public_web_service_is_declared(rule: str, thing: Thing, public: str) -> None:
    (its,) = (it for it in RULES if it.id == rule)
    assert judge([thing], rules=[its], config={rule: {"public": ["another"]}}).rules == {rule}
    assert judge([thing], rules=[its], config={rule: {"public": [public]}}).violations == {}


def test_a_public_web_service_opens_the_ports_of_the_web_only_and_launches_nothing() -> None:
    (rule,) = (it for it in RULES if it.id == "nothing-comes-in")
    for wrong, said in (
        ({"toPort": 65535}, "tcp 443-65535"),
        ({"protocol": "-1"}, "-1 443"),
        ({"fromPort": 22}, "tcp 22-443"),
    ):
        (message,) = judge([ingress("0.0.0.0/0", **wrong)], config={rule.id: {"public": ["jobs"]}}).messages(rule.id)
        assert f"to {said}" in message
    launcher = [*LAUNCHES, function(), URL]
    assert judge(launcher, config={"function-not-public": {"public": ["launch"]}}).rules >= {"launcher-not-public"}


def test_an_enforcement_level_and_a_limit_are_set_over_the_protocol(at_update: Analyzer) -> None:
    at_update.configure({"log-retention": {"minimumDays": 365, "enforcementLevel": 0}})
    ((policy, level, message, urn),) = at_update.analyze(LOGS)
    assert (policy, level, urn) == ("log-retention", "advisory", LOGS.urn)
    assert "at least 365 are needed" in message


@pytest.mark.parametrize(
    ("stack", "environment"),
    [
        ("dev", "dev"),
        ("dev-anna", "dev"),
        ("payments.dev", "dev"),
        ("prod-dev-tools", "prod"),
        ("prod", "prod"),
        ("devices", "prod"),
        ("", "prod"),
    ],
)
def test_a_stack_is_held_to_the_strict_environment_unless_its_name_says_dev(stack: str, environment: str) -> None:
    assert environment_of(stack) == environment


def test_another_team_takes_three_rules_into_its_own_pack() -> None:
    three = select("passrole-named-roles", "queue-tls", "passrole-alone")
    assert [it.name for it in three] == ["passrole-named-roles", "queue-tls", "passrole-alone"]
    (lowered,) = select("queue-tls", level=EnforcementLevel.ADVISORY)
    assert lowered.enforcement_level is EnforcementLevel.ADVISORY
    assert isinstance(three[0], ResourceValidationPolicy)
    assert isinstance(three[1], StackValidationPolicy)
    assert isinstance(three[2], ResourceValidationPolicy | StackValidationPolicy)
    with pytest.raises(ValueError, match="no rule is called passrole-wide; the rules are: passrole-named-roles, "):
        select("passrole-wide")
    with pytest.raises(ValueError, match="passrole-alone: always mandatory"):
        select("queue-tls", "passrole-alone", level=EnforcementLevel.ADVISORY)


def test_the_table_of_rules_in_the_documentation_is_computed_from_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    page = PACK.parent / "docs" / "policies.md"
    assert replaced(page.read_text(), RULES) == page.read_text(), "stale; run `make docs`"
    assert main([]) == 0
    assert capsys.readouterr().out.strip() in page.read_text()
    for rule in RULES:
        assert f"| `{rule.id}`" in page.read_text()


def test_the_settings_that_the_documentation_shows_are_accepted() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", (PACK.parent / "docs" / "policies.md").read_text(), re.DOTALL)
    known = {rule.id: rule for rule in RULES}
    for name, given in json.loads(shown).items():
        without = {key: value for key, value in given.items() if key != "enforcementLevel"}
        configuration = configured(name, without, known[name].limits, "prod", waivable=known[name].waivable)
        assert configuration.problems == []
        assert len(configuration.waivers) == len(without.get("waivers", []))


def test_the_pack_is_where_pulumi_looks_for_it() -> None:
    declared = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert declared["runtime"]["name"] == "python"
    # It runs on the Python that the tests ran on.
    assert (PACK / declared["runtime"]["options"]["virtualenv"]).resolve() == PACK.parent / ".venv"
    assert (PACK / "requirements.txt").read_text().splitlines() == [
        "--constraint ../requirements/program.txt",
        "--editable ..[policies]",
    ]
