"""The program under the real Pulumi CLI and its language hosts, with stand-ins for the AWS and awsx providers.

It runs wherever Pulumi's own distribution is on the PATH: programs from their files, policy packs and plugins need a
language host beside the engine. What needs the engine only is in test_engine.py. It needs neither an account nor a
network. `make test-cli` runs it alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools import engine
from tools.recording import PROGRAM, copied

pytestmark = pytest.mark.skipif(engine.hosts_missing() != "", reason=engine.hosts_missing())

PROJECT: Final = "fargate-job-launcher"
DEFINITION: Final = ("aws:ecs/taskDefinition:TaskDefinition", "report")
POLICY: Final = ("aws:iam/rolePolicy:RolePolicy", "report-launcher")
FUNCTION: Final = ("aws:lambda/function:Function", "report-launcher")
ONE_JOB: Final[dict[str, Any]] = {
    "aws:region": "eu-west-1",
    "pulumi:disable-default-providers": ["aws"],
    f"{PROJECT}:network": {"vpcId": "vpc-1", "subnetIds": ["subnet-1"]},
    f"{PROJECT}:jobs": {"report": {"image": "nginx:1"}},
}


@dataclass(frozen=True)
class Done:
    """A command of the CLI, as it ended."""

    ok: bool
    said: str
    steps: list[tuple[str, str, str]]
    """What the provider was asked to do meanwhile, in order: step, type, name."""

    def of(self, *steps: str) -> list[tuple[str, str, str]]:
        return [it for it in self.steps if it[0] in steps]


@dataclass(frozen=True)
class Cli:
    """A copy of the program with one stack, a backend and plugins of its own."""

    folder: Path
    stack: str

    @property
    def kept(self) -> Path:
        return self.folder / "stand-in"

    def configure(self, config: dict[str, Any]) -> None:
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump({"config": config}))

    def run(self, *arguments: str) -> Done:
        log = self.kept / "log.jsonl"
        before = len(log.read_text().splitlines()) if log.exists() else 0
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        lines = log.read_text().splitlines()[before:] if log.exists() else []
        steps = [(it["step"], it["kind"], it["name"]) for it in map(json.loads, lines)]
        return Done(done.returncode == 0, done.stdout, steps)

    def up(self, *options: str) -> Done:
        return self.run("up", "--yes", "--skip-preview", "--stack", self.stack, *options)

    def state(self) -> list[dict[str, Any]]:
        exported = self.run("stack", "export", "--stack", self.stack)
        assert exported.ok, exported.said
        return json.loads(exported.said)["deployment"].get("resources", [])

    def _environment(self) -> dict[str, str]:
        kept = {key: it for key, it in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
        return {**kept, **engine.environment(self.folder, self.kept)}


def opened(folder: Path, stack: str = "dev", config: dict[str, Any] | None = None) -> Cli:
    """A program ready for `pulumi up`, with the environment's own config unless another is given."""
    copied(folder)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    cli = Cli(folder, stack)
    if config is not None:
        cli.configure(config)
    return initialized(cli, PROJECT)


def initialized(cli: Cli, project: str) -> Cli:
    """With an empty backend, the stand-ins for the providers, and the stack."""
    made = cli.run("stack", "init", f"organization/{project}/{cli.stack}")
    assert made.ok, made.said
    return cli


def example(folder: Path, name: str) -> Cli:
    """A copy of an example in another language, and of the plugin where the example looks for it."""
    shutil.copytree(PROGRAM / "examples" / name, folder / "examples" / name)
    plugin = folder / "components" / "plugin"
    shutil.copytree(PROGRAM / "components" / "plugin", plugin, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (plugin / ".venv").symlink_to(Path(sys.prefix))
    return initialized(Cli(folder / "examples" / name, "dev"), name)


def test_each_environment_is_previewed_made_from_nothing_and_then_the_same(environment: str, tmp_path: Path) -> None:
    cli = opened(tmp_path, environment)
    preview = cli.run("preview", "--stack", environment)
    assert preview.ok, preview.said
    assert preview.of("create", "update", "delete") == []
    first = cli.up()
    assert first.ok, first.said
    created = first.of("create")
    assert len(created) == len(set(created)) > 40
    # Nothing went through a provider that nobody configured.
    providers = [it["urn"].split("::")[2:] for it in cli.state() if it["type"] == "pulumi:providers:aws"]
    assert providers == [["pulumi:providers:aws", "environment"]]
    used = {it["provider"] for it in cli.state() if it["type"].startswith("aws:")}
    assert len(used) == 1
    again = cli.up()
    assert again.ok, again.said
    assert again.of("create", "update", "delete") == []
    assert "unchanged" in again.said
    assert not [word for word in ("created", "updated", "deleted", "replaced") if word in again.said]


def test_what_is_protected_is_not_destroyed_until_somebody_says_so(tmp_path: Path) -> None:
    guarded = {**ONE_JOB, "aws:allowedAccountIds": ["123456789012"], f"{PROJECT}:protect": True}
    cli = opened(tmp_path, config={**guarded, f"{PROJECT}:secrets": ["database-url"]})
    assert cli.up().ok
    refused = cli.run("destroy", "--yes", "--stack", "dev")
    assert not refused.ok
    assert "protect" in refused.said, refused.said[-1500:]
    assert refused.of("delete") == []
    # Without the preview the launchers go, which a deployment brings back; what holds data stays.
    assert not cli.run("destroy", "--yes", "--skip-preview", "--stack", "dev").ok
    protected = {it["urn"].rpartition("::")[2] for it in cli.state() if it.get("protect")}
    assert {"database-url", "report-job", "report-launcher", "jobs"} <= protected
    assert cli.run("state", "unprotect", "--all", "--yes", "--stack", "dev").ok
    # DynamoDB protects the table by itself.
    refused = cli.run("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert "Disable deletion protection first" in refused.said
    cli.configure({**guarded, f"{PROJECT}:secrets": ["database-url"], f"{PROJECT}:protect": False})
    assert cli.up().ok
    done = cli.run("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert done.ok, done.said
    assert cli.state() == []
    log = [json.loads(line) for line in (cli.kept / "log.jsonl").read_text().splitlines()]
    made, gone = (sorted((it["kind"], it["name"]) for it in log if it["step"] == step) for step in ("create", "delete"))
    assert made == gone


def test_a_config_with_mistakes_names_all_of_them_and_touches_nothing(tmp_path: Path) -> None:
    cli = opened(tmp_path, config={**ONE_JOB, f"{PROJECT}:jbos": {}, f"{PROJECT}:jobs": {"report": {"cpu": 300}}})
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        done = cli.run(*command, "--stack", "dev")
        assert not done.ok
        assert "Pulumi.dev.yaml has 3 problems:" in done.said
        assert "  - jobs.report.cpu: 300 is no Fargate size; allowed: 256, 512, 1024" in done.said
        assert "  - jobs.report.image: is missing" in done.said
        assert "  - jbos: unknown; did you mean `jobs`?" in done.said
        assert "Traceback" not in done.said
        assert done.steps == []


def test_another_account_and_an_old_cli_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    cli = opened(tmp_path, config={**ONE_JOB, "aws:allowedAccountIds": ["210987654321"]})
    done = cli.up()
    assert not done.ok
    assert "AWS account ID not allowed: 123456789012" in done.said
    assert done.of("create") == []
    project = cli.folder / "Pulumi.yaml"
    project.write_text(project.read_text().replace(">=3.260.0", ">=99.0.0"))
    done = cli.up()
    assert not done.ok
    assert ">=99.0.0" in done.said


def test_a_secret_of_the_config_stays_encrypted_and_one_in_plain_text_is_refused(tmp_path: Path) -> None:
    cli = opened(tmp_path, config={**ONE_JOB, f"{PROJECT}:secrets": ["database-url"]})
    path = ("config", "set", "--path", "secretValues.database-url", "s3cr3t", "--stack", "dev")
    assert cli.run(*path, "--plaintext").ok
    refused = cli.up()
    assert not refused.ok
    assert "secretValues: is plain text (not shown)" in refused.said
    assert "s3cr3t" not in refused.said
    assert cli.run("config", "rm", "--path", "secretValues", "--stack", "dev").ok
    assert cli.run(*path, "--secret").ok
    done = cli.up()
    assert done.ok, done.said
    assert ("create", "aws:secretsmanager/secretVersion:SecretVersion", "database-url") in done.steps
    assert "s3cr3t" not in done.said + json.dumps(cli.state())
    assert "s3cr3t" not in (cli.folder / "Pulumi.dev.yaml").read_text()


PASTED: Final = """
import json
import pulumi_aws as aws
role = aws.iam.Role("launcher", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
]}))
aws.iam.RolePolicy("launcher", role=role.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ecs:RunTask", "iam:PassRole"], "Resource": "*"},
]}))
"""
"""What most answers on the web say."""


def test_the_policy_pack_lets_this_program_pass_and_refuses_the_pasted_policy(tmp_path: Path) -> None:
    cli = opened(tmp_path)
    pack = ("--policy-pack", str(PROGRAM / "policy"))
    for done in (cli.run("preview", "--stack", "dev", *pack), cli.up(*pack)):
        assert done.ok, done.said
        assert "fargate-job-launcher" in done.said, "the pack has run"
        assert "[mandatory]" not in done.said
    (cli.folder / "__main__.py").write_text(PASTED)
    cli.configure({**ONE_JOB, "pulumi:disable-default-providers": []})
    refused = cli.up(*pack)
    assert not refused.ok
    assert re.search(r"\[mandatory\].*  passrole-named-roles", refused.said), refused.said
    assert "policy allows iam:PassRole on *" in refused.said
    assert "Fix: grant iam:PassRole by itself" in refused.said
    assert ("create", "aws:iam/rolePolicy:RolePolicy", "launcher") not in refused.steps


def exports(cli: Cli) -> dict[str, str]:
    done = cli.run("stack", "output", "--json", "--stack", "dev")
    assert done.ok, done.said
    return json.loads(done.said)


def test_a_yaml_program_makes_the_component_through_the_plugin(tmp_path: Path) -> None:
    cli = example(tmp_path, "from-yaml")
    assert cli.run("preview", "--stack", "dev").ok
    done = cli.up()
    assert done.ok, done.said
    created = done.of("create")
    assert {DEFINITION, POLICY, FUNCTION} <= {(kind, name) for _, kind, name in created}
    (definition,) = (it for it in cli.state() if it["type"] == DEFINITION[0])
    assert definition["urn"].split("::")[2].startswith("fargate-job-launcher:index:FargateJobLauncher$")
    said = exports(cli)
    assert said["functionName"].startswith("report-launcher-")
    assert said["noticeTopicArn"].startswith("arn:aws:sns:eu-west-1:123456789012:report-runs-notices")
    assert cli.up().of("create", "update", "delete") == []
    text = (cli.folder / "Pulumi.yaml").read_text()
    (cli.folder / "Pulumi.yaml").write_text(text.replace("retries: 2", "retries: 12"))
    refused = cli.up()
    assert not refused.ok
    assert "supervision.retries" in refused.said
    assert "12 is not between 0 and 10" in refused.said


def node(cli: Cli, *command: str, code: int = 0) -> str:
    done = subprocess.run(command, cwd=cli.folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on the PATH, and this program is in TypeScript")
def test_a_typescript_program_is_type_checked_and_makes_the_component_through_the_plugin(tmp_path: Path) -> None:
    cli = example(tmp_path, "from-typescript")
    # `pulumi install` makes the SDK of the plugin in an environment that it sets up for it; here of the same schema.
    schema = str(PROGRAM / "components" / "plugin" / "schema.json")
    made = cli.run("package", "gen-sdk", schema, "--language", "nodejs", "--local", "--out", "sdks")
    assert made.ok, made.said
    (cli.folder / "sdks" / "nodejs").rename(cli.folder / "sdks" / "fargate-job-launcher")
    node(cli, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
    node(cli, "npx", "--no-install", "tsc")
    done = cli.up()
    assert done.ok, done.said
    said = exports(cli)
    assert said["functionName"].startswith("report-launcher-")
    assert said["queueUrl"].startswith("https://sqs.eu-west-1.amazonaws.com/123456789012/report-queue-")
    assert cli.up().of("create", "update", "delete") == []
    program = cli.folder / "index.ts"
    program.write_text(program.read_text().replace("batchSize: 5", "batchSizes: 5"))
    assert "batchSizes" in node(cli, "npx", "--no-install", "tsc", code=2)
