"""`python -m fargate_job_launcher.sandbox`: deploy a stack to an emulated AWS and launch a job through it."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import threading
import time
from pathlib import Path
from textwrap import TextWrapper
from typing import Any, Final

from rich.console import Console

from . import script
from .aws.server import Emulator, EmulatorFailed
from .display import show_launch, show_supervised
from .engine.deploy import deploy
from .engine.deployment import Deployment, DeploymentFailed, Resource
from .engine.jobs import LaunchFailed, NoSuchJob, find, launch
from .engine.progress import Briefly, Progress
from .engine.stack import Stack, StackFileError
from .proof.attack import PASTED, attack
from .proof.explain import explain, granted
from .proof.facts import Facts, NotALauncher, read
from .proof.supervised import NotSupervised, supervise, supervises
from .provider_config import provider_config
from .script import NotScripted


class UsageError(Exception):
    """An argument of the command cannot be used."""


class AttackMisjudged(Exception):
    """The attack did not end as it must: refused under the deployed policy, accepted under the loosened one."""


REPORTED = (
    *(UsageError, AttackMisjudged, StackFileError, NoSuchJob, NotALauncher),
    *(EmulatorFailed, DeploymentFailed, LaunchFailed, NotSupervised, NotScripted),
)


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code is 0 only when the stack was deployed and the job was launched."""
    given = sys.argv[1:] if argv is None else argv
    console = Console(highlight=False, emoji=False, markup=False)
    try:
        if given[:1] == ["script"]:
            script.command(given[1:], console)
        else:
            _run(_parser().parse_args(given), console)
    except REPORTED as error:
        errors = Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)
        errors.print(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        console.print("\nstopped; no process is left running")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fargate_job_launcher.sandbox",
        description=__doc__,
        epilog=f"{script.PROGRAM} --help: define what the jobs of a served sandbox do next",
    )
    parser.add_argument("action", choices=["up", "serve", "attack"], help="serve: keep running until Ctrl-C")
    parser.add_argument("--program", type=Path, default=Path(), help="the Pulumi program's folder (default: this one)")
    parser.add_argument("--stack", default="dev", help="the stack to deploy (default: dev)")
    parser.add_argument("--job", default="", help="the job to launch (default: the first)")
    parser.add_argument("--event", default="", help="the launch event, as JSON (default: {})")
    parser.add_argument("--port", default="0", help="the port to listen on (default: any free port)")
    parser.add_argument("--docker", action="store_true", help="run the tasks' containers on this machine's Docker")
    return parser


def _run(options: argparse.Namespace, console: Console) -> None:
    event, port = _event(options.event), _port(options.port)
    stack = Stack.read(options.program.resolve(), options.stack)
    started = time.monotonic()
    emulator = Emulator(region=stack.region, account=stack.account, port=port, docker=options.docker)
    if options.action == "attack":
        with emulator as aws:
            with Briefly(stack.name) as progress:
                deployment = deploy(stack, aws, seen=progress.seen)
            _attack(console, aws, _facts(aws, find(deployment, options.job)))
        return
    console.print(f"Starting an emulated AWS at {emulator.endpoint}")
    with emulator as aws:
        console.print(f"Deploying {stack.name} to it\n")
        with Progress(console) as progress:
            deployment = deploy(stack, aws, seen=progress.seen)
        deployed = time.monotonic() - started
        launcher = find(deployment, options.job)
        console.print(f"\nInvoking {launcher.outputs['function_name']} with {json.dumps(event)}", soft_wrap=True)
        launched = launch(aws, launcher, event)
        ready = time.monotonic() - started
        show_launch(console, launcher.name, launched)
        if launched.tasks and not options.docker and supervises(aws, launcher):
            console.print("\nLaunching a task that fails and one that runs too long, to show supervision …")
            show_supervised(console, launcher.name, supervise(aws, launcher))
        console.print(f"\n{granted(explain(_facts(aws, launcher)))}", soft_wrap=True)
        console.print(
            f"\n{counted(deployment)} in {deployed:.1f} s, launched after {ready:.1f} s. "
            f"An emulation: {'' if options.docker else 'no container has run, and '}nothing of it stays.",
            soft_wrap=True,
        )
        if options.action == "serve":
            _serve(console, aws, stack, launcher)


def _facts(aws: Emulator, launcher: Resource) -> Facts:
    return read(aws.client, launcher.outputs["launcher_role_arn"])


def counted(deployment: Deployment) -> str:
    """How many AWS resources exist: those of the program, and those that awsx creates inside its components."""
    components = {it.urn for it in deployment.resources.values() if it.kind.startswith("awsx:")}
    made = [it for it in deployment.resources.values() if it.kind.startswith("aws:") and it.id]
    inside = sum(it.parent in components for it in made)
    return f"{len(made) - inside} resources of AWS" + (
        f", and {inside} that awsx makes for the network," if inside else ""
    )


def _event(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise UsageError(f"EVENT: {text!r} is not JSON: {error}; for example EVENT='{{\"count\": 1}}'") from None


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise UsageError(f"PORT: {text!r} is not a port; give a number from 1 to 65535, or 0 for any free port")


LINES: Final = TextWrapper(101, subsequent_indent=f"{'':12}", break_long_words=False, break_on_hyphens=False)
"""What an attack prints is wrapped between words: an ARN stays in one piece, so that it can be copied."""


def _attack(console: Console, aws: Emulator, facts: Facts) -> None:
    """Show the attack refused, then accepted under the loosened policy. Raises AttackMisjudged otherwise."""
    outcome = attack(aws, facts)
    console.print(f"As {facts.launcher.name}, RunTask with", soft_wrap=True)
    console.print(f"overrides.taskRoleArn = {outcome.administrator}:", soft_wrap=True)
    if outcome.refused is None:
        raise AttackMisjudged("the attack succeeded under the launcher's own policy")
    console.print(LINES.fill(f"  refused   {outcome.refused}"), soft_wrap=True)
    console.print(f"\nThe same call with the policy loosened to\n{json.dumps(PASTED['Statement'])}:", soft_wrap=True)
    if outcome.task is None:
        raise AttackMisjudged("the attack was refused under the loosened policy too")
    task, role = outcome.task["taskArn"], outcome.task["overrides"]["taskRoleArn"]
    console.print(LINES.fill(f"  launched  {task} with {role}"), soft_wrap=True)


def _serve(console: Console, aws: Emulator, stack: Stack, launcher: Resource) -> None:
    cluster = aws.client("ecs").list_clusters()["clusterArns"][0].rpartition("/")[2]
    function, group = launcher.outputs["function_name"], launcher.outputs["log_group_name"]
    beside, region = _beside(), stack.region
    # boto3 reads AWS_DEFAULT_REGION only, AWS's other tools AWS_REGION first.
    exports = (
        f"export AWS_ENDPOINT_URL={aws.endpoint} AWS_REGION={region} AWS_DEFAULT_REGION={region} "
        "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test"
    )
    console.print(
        f"""
{aws.endpoint} runs until Ctrl-C. To try it from another terminal:

  {exports}
  {beside}fargate-job list
  {beside}fargate-job launch {launcher.name} --follow
  {beside}{script.PROGRAM} {launcher.name} --exit-code 1 --line boom
  aws lambda invoke --function-name {function} --payload '{{}}' --cli-binary-format raw-in-base64-out /dev/stdout
  aws ecs list-tasks --cluster {cluster}
  aws logs describe-log-streams --log-group-name {group}
  aws iam list-roles

The Pulumi CLI, with its real engine and AWS provider, can deploy to it too (docs/pulumi-against-the-sandbox.md). Put
this into a separate Pulumi.STACK.yaml:

{provider_config(aws.endpoint, stack.region)}""",
        soft_wrap=True,
    )
    threading.Event().wait()


def _beside() -> str:
    """What stands before this environment's commands to run them from here; empty if they are on the PATH."""
    folder = Path(sys.executable).parent
    if shutil.which("fargate-job") == str(folder / "fargate-job"):
        return ""
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return f"{shlex.quote(str(shown))}/"


if __name__ == "__main__":
    sys.exit(main())
