"""`fargate-job audit`: the policy pack over a file, as text, JSON and SARIF, with an exit code for CI."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from fargate_job_launcher.operate import NotAuditable, audited
from fargate_job_launcher.policies.audit import as_sarif
from fargate_job_launcher.policies.files.template_text import loaded
from shell import block, command

from tools.pack.as_files import export, state
from tools.pack.judging import Thing
from tools.pack.policy_cases import LAUNCHES, definition, function, role
from tools.recording import PROGRAM

TEMPLATE: Final = PROGRAM / "tests" / "policy" / "templates" / "launcher.yml"
SCHEMA: Final = json.loads((PROGRAM / "tests" / "policy" / "sarif.schema.json").read_text())
GOOD: Final = [*LAUNCHES, role("task"), role("execution"), definition(), function()]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A stack that breaks no mandatory rule."""
    file = tmp_path / "stack.json"
    file.write_text(export(GOOD))
    return file


def test_the_exit_code_tells_whether_a_mandatory_rule_is_broken(good: Path) -> None:
    refused, passed = command("audit", str(TEMPLATE)), command("audit", str(good))
    assert refused.code == 1
    assert passed.code == 0
    assert passed.out.endswith(f"{good}: an exported Pulumi stack, 6 resources, prod: 0 mandatory, 0 advisory\n")


def test_findings_stand_under_their_resource_with_the_remedy() -> None:
    out = command("audit", str(TEMPLATE)).out
    _, _, after = out.partition("Launcher.Policies[0] (aws:iam/rolePolicy:RolePolicy), line 13\n")
    urn, *first = after.splitlines()[0:3]
    assert urn == "  urn:pulumi:file::file::aws:iam/rolePolicy:RolePolicy::Launcher.Policies[0]"
    assert first[0].startswith("  mandatory passrole-service: policy allows iam:PassRole without an exact")
    assert first[1].startswith('    Fix: add "Condition"')
    assert "Not judged:\n  Launcher.Policies[0].Statement[1]: policy is not known (parameter OtherRole)\n" in out
    assert "  parameter OtherRole: it has no default; give it with --parameter OtherRole=VALUE\n" in out
    assert "A Fix names properties as Pulumi does: sourceArn is SourceArn in CloudFormation" in out
    # A URN stays whole, to copy it into a waiver.
    lines = command("audit", str(TEMPLATE), width=60).out.splitlines()
    assert all(len(line) <= 60 or line.startswith("  urn:") for line in lines)


def test_a_parameter_an_environment_and_settings_are_taken(tmp_path: Path) -> None:
    wide = "arn:aws:iam::123456789012:role/*"
    says = f"policy allows iam:PassRole on {wide}"
    assert says not in {it["says"] for it in findings()}
    assert says in {it["says"] for it in findings("--parameter", f"OtherRole={wide}")}
    levels = {it["rule"]: it["level"] for it in findings("--environment", "dev")}
    assert levels["task-user"] == "advisory"
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"task-user": "disabled", "passrole-service": "disabled", "no-such-rule": {}}))
    audit = command("audit", str(TEMPLATE), "--config", str(settings), "-o", "json").json
    assert "task-user" not in {it["rule"] for it in audit["findings"]}
    assert "passrole-service" in {it["rule"] for it in audit["findings"]}
    assert audit["problems"] == [
        "no-such-rule: no rule is called so",
        "passrole-service: enforcementLevel disabled: this rule is always mandatory; fix the violation",
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"all": {"enforcementLevel": "advisory"}}, None),
        ({"version": 2, "policies": {"all": "advisory"}}, None),
        ({"version": 2, "policies": {"nope": {}}}, "nope: no rule is called so"),
        ({"version": 3, "policies": {}}, "version: 3 is not a version of such a file; write 2"),
        ({"version": "advisory"}, "version: no rule is called so"),
        ({"environments": ["prod/limits"]}, "environments: Pulumi ESC is not opened: write the settings into the file"),
        (
            {"version": 2, "policies": {}, "exceptions": {"EXC-1": {"reason": "later", "match": []}}},
            "exceptions: only Pulumi's engine applies them: give the rule a waiver, if it can be waived",
        ),
        ({"task-user": None}, "task-user: None is neither an enforcement level nor an object of settings"),
    ],
)
def test_a_configuration_is_read_as_the_engine_reads_it(
    config: dict[str, Any], problem: str | None, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(config))
    audit = command("audit", str(TEMPLATE), "--config", str(settings), "-o", "json").json
    assert audit["problems"] == ([] if problem is None else [problem])
    levels = {it["rule"]: it["level"] for it in audit["findings"]}
    # A rule that cannot be waived keeps its level.
    assert (levels["task-user"], levels["passrole-service"]) == (
        "advisory" if problem is None else "mandatory",
        "mandatory",
    )


def findings(*options: str) -> list[dict[str, Any]]:
    return command("audit", str(TEMPLATE), "--format", "json", *options).json["findings"]


def test_a_waiver_of_an_exported_stack_counts_until_its_day(good: Path, tmp_path: Path) -> None:
    loaded = json.loads(good.read_text())
    (log,) = [
        {"type": "aws:cloudwatch/logGroup:LogGroup", "urn": "urn:pulumi:prod::p::aws:cloudwatch/logGroup:LogGroup::l"}
    ]
    loaded["deployment"]["resources"].append({**log, "inputs": {}, "outputs": {}})
    good.write_text(json.dumps(loaded))
    settings = tmp_path / "settings.json"

    def code(day: str) -> int:
        waiver = {"urn": log["urn"], "reason": "kept for the auditors", "expires": day}
        settings.write_text(json.dumps({"log-retention": {"waivers": [waiver]}}))
        return command("audit", str(good), "--config", str(settings)).code

    assert command("audit", str(good)).code == 1
    assert (code("2999-01-01"), code("2020-01-01")) == (0, 1)
    says = [it["says"] for it in command("audit", str(good), "--config", str(settings), "-o", "json").json["findings"]]
    assert says == [
        "the waiver (kept for the auditors) expired on 2020-01-01",
        "retentionInDays is missing: the log is kept for ever",
    ]


def test_the_text_of_a_template_has_what_a_waiver_needs(tmp_path: Path) -> None:
    rule = "event-target-dead-letter"
    out = command("audit", str(TEMPLATE)).out
    _, _, after = out.partition("Nightly.Targets[0] (")
    waiver = {"urn": after.splitlines()[1].strip(), "reason": "nobody waits for it", "expires": "2999-01-01"}
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({rule: {"waivers": [waiver]}}))
    assert rule in out
    assert rule not in command("audit", str(TEMPLATE), "--config", str(settings)).out


def test_strict_counts_what_no_rule_could_judge(good: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested.yml"
    nested.write_text("Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./inner.yml}}}\n")
    ran = command("audit", str(nested))
    assert (
        "Not judged:\n  N (AWS::CloudFormation::Stack): its template is elsewhere (./inner.yml): audit that" in ran.out
    )
    assert "0 mandatory, 0 advisory, 1 not judged\n" in ran.out
    assert [command("audit", str(it), *more).code for it in (nested, good) for more in ((), ("--strict",))] == [
        0,
        1,
        0,
        0,
    ]


def test_only_options_that_have_an_effect_are_offered() -> None:
    said = command("audit", "--help").out
    assert not [it for it in ("--stack", "--program", "--profile", "--region") if it in said]
    assert command("audit", str(TEMPLATE), "--region", "eu-west-1").code == 2


def test_utf_16_is_read_as_a_shell_writes_it(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-8-sig"):
        file = tmp_path / encoding
        file.write_bytes(TEMPLATE.read_text().encode(encoding))
        assert [it.rule for it in audited(file).broken] == [it.rule for it in audited(TEMPLATE).broken]


def test_sarif_has_each_finding_at_its_line_and_what_was_not_judged() -> None:
    said = command("audit", str(TEMPLATE), "--format", "sarif")
    assert said.code == 1
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(said.json)
    (run,) = said.json["runs"]
    rules = [it["id"] for it in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(findings())
    for it in run["results"]:
        assert rules[it["ruleIndex"]] == it["ruleId"]
    service = next(it for it in run["results"] if it["ruleId"] == "passrole-service" and "Launcher" in str(it))
    (place,) = service["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 13}
    assert (service["level"], place["logicalLocations"][0]["name"]) == ("error", "Launcher.Policies[0]")
    notes = [it["message"]["text"] for it in run["invocations"][0]["toolExecutionNotifications"]]
    assert any("parameter OtherRole is not converted" in it for it in notes)
    assert len({json.dumps(it["partialFingerprints"]) for it in run["results"]}) == len(run["results"])


def test_sarif_has_a_line_also_where_the_file_has_none(good: Path) -> None:
    loaded = json.loads(good.read_text())
    loaded["deployment"]["resources"][0]["inputs"]["assumeRolePolicy"] = "{}"
    good.write_text(json.dumps(loaded))
    said = command("audit", str(good), "--format", "sarif").json
    jsonschema.Draft202012Validator(SCHEMA).validate(said)
    places = [it["locations"][0]["physicalLocation"]["region"] for it in said["runs"][0]["results"]]
    assert places
    assert all(it == {"startLine": 1} for it in places)


def test_standard_input_is_a_file_too() -> None:
    said = command("audit", "-", "-o", "json", typed=TEMPLATE.read_text())
    assert (said.code, said.json["file"]) == (1, "stdin")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((str(PROGRAM / "pyproject.toml"),), 125, "is neither JSON nor YAML"),
        ((str(PROGRAM / "Pulumi.dev.yaml"),), 125, "has config at its top, which is none of:"),
        ((sys.executable,), 125, "is not text. For a saved plan, write its JSON: terraform show -json PLAN."),
        ((str(TEMPLATE), "--parameter", "Nope=1"), 125, "has no parameter Nope; it has: AWS::AccountId,"),
        ((str(TEMPLATE), "--parameter", "Nope"), 2, "NAME=VALUE is expected"),
        ((str(TEMPLATE), "--config", str(TEMPLATE)), 125, "is no configuration of the rules"),
        (("no-such-file",), 2, "does not exist"),
        ((str(PROGRAM),), 125, "cannot be read: Is a directory. Give a file: an exported stack"),
    ],
)
def test_another_file_or_option_is_refused_in_one_line(options: tuple[str, ...], code: int, said: str) -> None:
    ran = command("audit", *options)
    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_python_has_the_same_findings_and_the_error_names_the_file(tmp_path: Path) -> None:
    audit = audited(TEMPLATE)
    assert [(it.rule, it.resource, it.line) for it in audit.broken] == [
        (it["rule"], it["resource"], it["line"]) for it in findings()
    ]
    with pytest.raises(NotAuditable, match="cannot be read: No such file"):
        audited(tmp_path / "none.yml")


def test_nothing_is_called_and_no_credentials_are_needed() -> None:
    alone = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    script = (
        "import socket, sys\n"
        "def no(*_): raise AssertionError('a call')\n"
        "socket.socket.connect = socket.getaddrinfo = no\n"
        "from fargate_job_launcher.operate.terminal import fargate_job\n"
        "sys.argv = ['fargate-job', 'audit', sys.argv[1]]\n"
        "fargate_job()\n"
    )
    words = [sys.executable, "-c", script, str(TEMPLATE)]
    ran = subprocess.run(words, env={**alone, "HOME": "/nonexistent"}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.parametrize(
    "text", [export(GOOD), state(GOOD), json.dumps(loaded(TEMPLATE.read_text()))], ids=["export", "state", "template"]
)
def test_a_damaged_file_is_judged_or_refused_and_never_ends_in_a_traceback(text: str) -> None:
    dice = random.Random(7)
    for _ in range(200):
        damaged = json.loads(text)
        _damage(damaged, dice)
        try:
            as_sarif(_audited(json.dumps(damaged)))
        except NotAuditable:
            continue


def test_a_form_that_no_rule_can_judge_is_refused_in_one_line() -> None:
    # Deeper than any version of Python reads JSON.
    deep = json.dumps({"Statement": "@"}).replace('"@"', "[" * 100_000 + "]" * 100_000)
    wrong = Thing("aws:iam/role:Role", "r", {"managedPolicyArns": 1.5})
    for it, said in (
        (
            Thing("aws:iam/rolePolicy:RolePolicy", "p", {"role": "r", "policy": deep}),
            "nests objects and lists too deeply",
        ),
        (wrong, "cannot judge"),
    ):
        with pytest.raises(NotAuditable, match=said):
            _audited(export([it]))


def _audited(text: str) -> Any:
    from fargate_job_launcher.operate.auditing import audited_text

    return audited_text(text.encode(), name="damaged")


def _damage(value: Any, dice: random.Random) -> None:
    """Put another kind of value somewhere."""
    while isinstance(value, dict | list) and value:
        key = dice.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or dice.random() < 0.2:
            value[key] = dice.choice([None, 1, "x", [], {}, [None], {"a": None}, True])
            return
        value = inner


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = TEMPLATE.read_text().replace("OtherRole", "TaskRoleArn")
    (tmp_path / "template.yml").write_text(template)
    monkeypatch.chdir(tmp_path)
    lines = [it.partition("  #")[0].strip() for it in block("policies", "audit").splitlines()]
    ours = [it for it in lines if it.startswith("fargate-job ")]
    assert len(ours) == 4
    for line in ours:
        words, _, file = line.partition(" > ")
        ran = command(*words.split()[1:])
        assert (ran.code, ran.err) == (1, "")
        assert ran.out.startswith("{") or not file
