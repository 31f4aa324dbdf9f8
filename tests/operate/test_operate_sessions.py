"""Sessions in a running task: how AWS's plugin is started, who may open one, and what is said when none opens."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from fargate_job_launcher.operate import Account, NoSession, Task, find, open_shell, tasks
from fargate_job_launcher.operate import plugin as plugins
from fargate_job_launcher.sandbox import FargateSandbox, Run
from fargate_job_launcher.sandbox.testing import DeployedStack
from shell import block, command, eventually, leading_to

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
common = {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": JobRuns("jobs", {"cluster_arns": [cluster.arn]}).shared,
    "overrides": {"array": {"max_size": 10}},
}
FargateJobLauncher("debug", {**common, "allow_exec": True, "sidecars": [{"name": "beside", "image": "nginx"}]})
FargateJobLauncher("closed", common)
"""
LONG = Run(0, 3600)
NEWEST, OLD = "1.2.707.0", "1.2.497.0"
PLUGIN = """#!{python}
import json, os, signal, sys, termios
if sys.argv[1:] == ["--version"]:
    print(os.environ.get("PLUGIN_VERSION", "{version}"))
    sys.exit()
if os.environ.get("PLUGIN_WAITS"):
    settings = termios.tcgetattr(0)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, settings)
    signal.signal(signal.SIGINT, lambda *_: sys.exit(5))
inherited = {{name: str(signal.getsignal(getattr(signal, name))) for name in ("SIGINT", "SIGQUIT", "SIGTSTP")}}
with open(os.environ["PLUGIN_RECORD"], "w") as record:
    known = {{key: it for key, it in os.environ.items() if key.startswith("AWS_SSM")}}
    json.dump({{"argv": sys.argv, "environ": known, "signals": inherited}}, record)
print("Starting session with SessionId", flush=True)
if os.environ.get("PLUGIN_WAITS"):
    while True:
        signal.pause()
sys.exit(int(os.environ.get("PLUGIN_CODE", "0")))
"""
"""Records how it was started, as its contract with AWS's CLI is."""


@dataclass(frozen=True)
class Plugin:
    """A plugin on the PATH."""

    path: Path
    record: Path

    @property
    def started(self) -> dict[str, Any]:
        """How it was started last."""
        return json.loads(self.record.read_text())


@pytest.fixture(scope="module")
def stack() -> Iterator[DeployedStack]:
    with FargateSandbox() as sandbox:
        stack = sandbox.deploy(SOURCE)
        with leading_to(stack.aws):
            yield stack


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    found = Plugin(tmp_path / "bin" / "session-manager-plugin", tmp_path / "record")
    found.path.parent.mkdir()
    found.path.write_text(PLUGIN.format(python=sys.executable, version=NEWEST))
    found.path.chmod(0o755)
    monkeypatch.setenv("PATH", str(found.path.parent), prepend=os.pathsep)
    monkeypatch.setenv("PLUGIN_RECORD", str(found.record))
    return found


@pytest.fixture
def running(stack: DeployedStack) -> Iterator[Task]:
    """The only running task of the job."""
    stack.script("debug", LONG)
    (launched,) = stack.launch("debug")
    yield connected(launched.id)
    stop_all(stack)


def stop_all(stack: DeployedStack) -> None:
    """End every running task of the job."""
    for it in tasks(find(Account(), "debug"), running_only=True):
        stack.aws.client("ecs").stop_task(cluster=it.record["clusterArn"], task=it.arn)


def connected(task_id: str) -> Task:
    """The task when its agent runs."""

    def look() -> Task | None:
        (found,) = (it for it in tasks(find(Account(), "debug")) if it.id == task_id)
        agents = [agent for it in found.record["containers"] for agent in it.get("managedAgents", [])]
        return found if agents and all(it["lastStatus"] == "RUNNING" for it in agents) else None

    return eventually(look)


def target(task: Task, container: str = "job") -> str:
    """The task as Systems Manager names it."""
    (runtime,) = (it["runtimeId"] for it in task.record["containers"] if it["name"] == container)
    return f"ecs:{task.record['clusterArn'].rpartition('/')[2]}_{task.id}_{runtime}"


def test_a_command_starts_the_plugin_as_awss_cli_does_and_ends_with_its_exit_code(
    stack: DeployedStack, running: Task, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_CODE", "7")
    done = command("exec", "debug", "--", "ls", "-la", "/tmp/a b")
    assert (done.code, done.out) == (7, "")
    assert done.err == f"ls -la '/tmp/a b' in task {running.id[:8]}, container job\n"
    argv, environ = plugin.started["argv"], plugin.started["environ"]
    assert argv == [
        str(plugin.path),
        "AWS_SSM_START_SESSION_RESPONSE",
        stack.aws.region,
        "StartSession",
        "",
        json.dumps({"Target": target(running)}),
        stack.aws.endpoint,
    ]
    opened = json.loads(environ["AWS_SSM_START_SESSION_RESPONSE"])
    assert set(opened) == {"sessionId", "streamUrl", "tokenValue"}
    assert opened["tokenValue"] not in done.err + json.dumps(argv)
    assert "AWS_SSM_START_SESSION_RESPONSE" not in os.environ


def test_a_word_is_a_whole_command_line_and_none_is_a_shell(
    running: Task, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[Any]()
    call: Any = BaseClient._make_api_call  # pyright: ignore[reportPrivateUsage]

    def recorded(client: Any, operation: str, parameters: Any) -> Any:
        asked.extend([parameters] if operation == "ExecuteCommand" else [])
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    for words in ([], ["--", "python manage.py shell"], ["--container", "beside", "--", "sh", "-c", "echo 'a b'"]):
        assert command("exec", "debug", *words).code == 0
    assert [(it["command"], it["container"], it["interactive"]) for it in asked] == [
        ("/bin/sh", "job", True),
        ("python manage.py shell", "job", True),
        ("sh -c 'echo '\"'\"'a b'\"'\"''", "beside", True),
    ]
    assert {it["task"] for it in asked} == {running.arn}
    assert json.loads(plugin.started["argv"][5]) == {"Target": target(running, "beside")}


def test_the_keys_signals_are_left_to_the_plugin_as_they_were(running: Task, plugin: Plugin) -> None:
    before = {it: signal.getsignal(it) for it in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTERM)}
    assert open_shell(find(Account(), "debug"), task=running.id).run() == 0
    assert {it: signal.getsignal(it) for it in before} == before
    assert "SIG_IGN" not in str(plugin.started["signals"])


@pytest.mark.usefixtures("running")
def test_an_older_plugin_takes_the_session_on_its_command_line_and_that_is_said(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGIN_VERSION", OLD)
    done = command("exec", "debug")
    assert "1.2.497.0 takes the session's token on its command line, where other users of this machine can" in done.err
    given = json.loads(plugin.started["argv"][1])
    assert given["tokenValue"] not in done.err
    assert plugin.started["environ"] == {}


@pytest.mark.parametrize(
    ("version", "takes"),
    [
        (OLD, False),
        ("1.2.497.1", True),
        ("1.2.536.0", True),
        ("1.3", True),
        ("1.2", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_which_versions_take_a_session_in_their_environment(version: str, takes: bool) -> None:
    assert plugins.Plugin("plugin", version).takes_environment == takes


def test_a_session_never_shows_its_token(running: Task, plugin: Plugin) -> None:
    session = open_shell(find(Account(), "debug"))
    token = json.loads(session.started.environment["AWS_SSM_START_SESSION_RESPONSE"])["tokenValue"]
    assert token not in repr(session) + str(session.started) + json.dumps(session.as_json())
    assert session.as_json() == {
        **{"job": "debug", "task": running.id, "container": "job"},
        **{"session": session.id, "command": "/bin/sh"},
    }
    assert not plugin.record.exists()


def test_a_port_of_a_task_is_led_to_a_free_port_here(stack: DeployedStack, running: Task, plugin: Plugin) -> None:
    done = command("ports", "debug", "5432")
    local = done.out.split()[0].rpartition(":")[2]
    assert done.out == f"127.0.0.1:{local} leads to job:5432, through task {running.id[:8]}; Ctrl-C ends it\n"
    asked = {
        "Target": target(running),
        "DocumentName": "AWS-StartPortForwardingSession",
        "Parameters": {"portNumber": ["5432"], "localPortNumber": [local]},
    }
    argv = plugin.started["argv"]
    assert argv[1:] == [
        *("AWS_SSM_START_SESSION_RESPONSE", stack.aws.region, "StartSession", ""),
        *(json.dumps(asked), stack.aws.endpoint),
    ]
    response = json.loads(plugin.started["environ"]["AWS_SSM_START_SESSION_RESPONSE"])
    assert list(response) == ["SessionId", "TokenValue", "StreamUrl"]


def test_a_port_of_a_host_behind_a_task_is_led_to_the_port_that_is_named(running: Task, plugin: Plugin) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        local = one.getsockname()[1]
    done = command("ports", "debug", f"5432:{local}", "--host", "db.internal", "--container", "beside", "-o", "json")
    shown = done.json
    assert shown == {
        **{"type": "session", "job": "debug", "task": running.id, "container": "beside", "session": shown["session"]},
        **{"local": f"127.0.0.1:{local}", "host": "db.internal", "port": 5432},
    }
    asked = json.loads(plugin.started["argv"][5])
    assert asked["DocumentName"] == "AWS-StartPortForwardingSessionToRemoteHost"
    assert asked["Parameters"] == {"host": ["db.internal"], "portNumber": ["5432"], "localPortNumber": [str(local)]}
    assert asked["Target"] == target(running, "beside")


@pytest.mark.usefixtures("running")
def test_a_port_that_is_taken_here_opens_no_session(plugin: Plugin) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        local = one.getsockname()[1]
        done = command("ports", "debug", f"80:{local}")
    assert (done.code, plugin.record.exists()) == (125, False)
    assert done.err.startswith(
        f"error: port {local} of this machine cannot be used: Address already in use. Name another"
    )


@pytest.mark.parametrize("given", ["0", "65536", "a", "80:", "80:65536", "-1", "80:90:100", "db:80"])
@pytest.mark.usefixtures("stack")
def test_a_wrong_port_is_named(given: str) -> None:
    done = command("ports", "debug", "--", given)
    assert (done.code, f"{given!r}: a port is expected, such as 5432, or 5432:15432" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "a", "--run", "b"], "--task and --run: either names the task"),
        (["--index", "1"], "--index names an index of an array run; name the run with --run"),
    ],
)
@pytest.mark.usefixtures("stack")
def test_options_that_do_not_go_together_are_refused(options: list[str], said: str) -> None:
    for words in (["exec", "debug"], ["ports", "debug", "80"]):
        done = command(*words, *options)
        assert (done.code, said in done.err) == (2, True), done.err


def test_of_several_running_tasks_one_is_named_and_of_an_array_its_index(stack: DeployedStack, plugin: Plugin) -> None:
    done = command("exec", "debug")
    assert done.err == "error: debug has no running task. Launch one: fargate-job launch debug.\n"
    stack.script("debug", indexes=dict.fromkeys(range(3), LONG))
    stack.launch("debug", {"array": {"size": 3}})
    job = find(Account(), "debug")
    some = eventually(lambda: found if len(found := tasks(job, running_only=True)) == 3 else None)
    run = some[0].run
    done = command("exec", "debug")
    ids = ", ".join(it.id[:8] for it in some)
    assert done.err == f"error: debug has 3 running tasks: {ids}. Name one with --task.\n"
    assert command("exec", "debug", "--run", run[:8]).err.startswith(f"error: run {run} of debug has 3 running tasks: ")
    for index in (0, 2):
        assert command("exec", "debug", "--run", run[:8], "--index", str(index)).code == 0
        chosen = plugin.started["argv"][5]
        (one,) = (it for it in some if it.id in chosen)
        variables = one.record["overrides"]["containerOverrides"][0]["environment"]
        assert {"name": "JOB_INDEX", "value": str(index)} in variables
    assert command("exec", "debug", "--task", some[1].id[:12]).code == 0
    assert some[1].id in plugin.started["argv"][5]
    nobody = command("exec", "debug", "--run", run, "--index", "7")
    assert nobody.err.startswith(f"error: run {run} of debug, index 7, has no running task. Launch one")
    assert command("exec", "debug", "--run", "ffff").err.startswith("error: debug has no run with id 'ffff'")
    stack.script("debug")
    stop_all(stack)


def test_a_job_that_does_not_allow_sessions_has_none_and_the_field_is_named(
    stack: DeployedStack, plugin: Plugin
) -> None:
    stack.script("closed", Run(0, 0.1))
    stack.launch("closed")
    for words in (["exec", "closed"], ["ports", "closed", "80"]):
        done = command(*words)
        assert done.code == 125
        assert done.err == (
            "error: closed does not allow sessions in its tasks. Set allowExec: true for the job in the stack's "
            "config (in a program allow_exec) and run pulumi up; it holds for tasks that are launched after that.\n"
        )
    assert not plugin.record.exists()


@pytest.mark.usefixtures("running")
def test_without_the_plugin_no_session_is_opened_and_its_page_is_named(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = command("exec", "debug", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, error["kind"]) == (125, "NoSession")
    assert error["message"] == "session-manager-plugin is not on the PATH; a session needs it"
    assert "session-manager-working-with-install-plugin.html" in error["next"]
    broken = tmp_path / "session-manager-plugin"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    assert "does not run: Command" in command("exec", "debug").err
    assert not [it for it in stack.aws.calls() if it.get("operation") == "ExecuteCommand"]


def test_a_task_that_starts_is_waited_for(stack: DeployedStack, plugin: Plugin) -> None:
    stack.script("debug", LONG)
    (launched,) = stack.launch("debug")
    done = command("exec", "debug")
    assert (done.code, launched.id in plugin.started["argv"][5]) == (0, True)
    stop_all(stack)


def test_what_is_waited_for_is_said_and_a_task_that_is_not_ready_is_not_waited_for_for_ever(
    running: Task, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, told = ["PENDING", "PENDING", "RUNNING"], list[str]()
    call: Any = BaseClient._make_api_call  # pyright: ignore[reportPrivateUsage]

    def starting(client: Any, operation: str, parameters: Any) -> Any:
        answer = call(client, operation, parameters)
        if operation == "DescribeTasks":
            state = states.pop(0) if len(states) > 1 else states[0]
            for container in answer["tasks"][0]["containers"]:
                container["managedAgents"][0] |= {"lastStatus": state, "reason": "it could not start"}
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", starting)
    job = find(Account(), "debug")
    assert open_shell(job, seconds=5, told=told.append).task == running.id
    assert told == [f"Waiting: task {running.id[:8]} is RUNNING, its agent PENDING"]
    states[:] = ["PENDING"]
    with pytest.raises(NoSession, match=r"is RUNNING, its agent PENDING after 0.2 seconds. Try again in a minute"):
        open_shell(job, seconds=0.2)
    states[:] = ["STOPPED"]
    with pytest.raises(
        NoSession, match=r"agent of task \w+ that opens sessions has stopped: it could not start. The task"
    ):
        open_shell(job)
    assert not plugin.record.exists()


def test_an_agent_that_is_not_connected_yet_is_tried_again_and_in_the_end_the_remedy_is_named(
    running: Task, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, told = ["TargetNotConnectedException"] * 2, list[str]()
    call: Any = BaseClient._make_api_call  # pyright: ignore[reportPrivateUsage]

    def refusing(client: Any, operation: str, parameters: Any) -> Any:
        if operation in ("ExecuteCommand", "StartSession") and refusals:
            code, _, message = refusals.pop(0).partition(": ")
            raise ClientError({"Error": {"Code": code, "Message": message or "internal error"}}, operation)
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refusing)
    job = find(Account(), "debug")
    assert open_shell(job, seconds=5, told=told.append).task == running.id
    assert told == [f"Waiting: the agent of task {running.id[:8]} is not connected yet"]
    refusals[:] = ["TargetNotConnectedException"] * 100
    with pytest.raises(
        NoSession, match=r"is not connected \(TargetNotConn.*ssmmessages, and its role.*AWS keys in the job"
    ):
        open_shell(job, seconds=0.2)
    limit = "Unable to start new execute sessions because the maximum session limit of 2 has been reached."
    refusals[:] = [f"ClientException: {limit}"]
    assert "as many sessions as AWS allows (Unable to start new" in command("exec", "debug").err
    off = "The execute command failed because execute command was not enabled when the task was run"
    refusals[:] = [f"InvalidParameterException: {off}"]
    assert "takes no sessions (The execute command failed" in command("exec", "debug").err
    refusals[:] = ["ServerException: broken"]
    assert "ExecuteCommand in us-east-1: ServerException: broken" in command("exec", "debug").err
    assert not plugin.record.exists()


def test_a_task_launched_before_sessions_were_allowed_or_that_has_stopped_has_none(
    stack: DeployedStack, running: Task, plugin: Plugin
) -> None:
    launched = {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0"]}}}
    started_by = {"startedBy": f"debug/{'0' * 32}", "taskDefinition": running.record["taskDefinitionArn"]}
    ecs = stack.aws.client("ecs")
    stack.script("debug", LONG)
    (before,) = ecs.run_task(cluster=running.record["clusterArn"], **launched, **started_by)["tasks"]
    earlier = before["taskArn"].rpartition("/")[2]
    assert command("exec", "debug", "--task", earlier).err == (
        f"error: task {earlier[:8]} was launched when debug did not allow sessions. Launch it again: fargate-job "
        "launch debug.\n"
    )
    assert command("exec", "debug", "--task", running.id, "--container", "other").err == (
        f"error: task {running.id[:8]} has no container 'other'. It has job, beside.\n"
    )
    ecs.stop_task(cluster=running.record["clusterArn"], task=running.arn, reason="enough")
    assert command("exec", "debug", "--task", running.id).err.startswith(f"error: task {running.id[:8]} is STOPPED: ")
    assert not plugin.record.exists()


def operator(stack: DeployedStack, cluster: str) -> Account:
    """An operator with the policies of the page, narrowed to the stack as the page says."""
    iam, sts = stack.aws.client("iam"), stack.aws.client("sts")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{stack.aws.account}:root"},
        "Action": "sts:AssumeRole",
    }
    name = f"operator-{time.monotonic_ns()}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sessions = block("operating", "session policy").replace("eu-west-1", stack.aws.region)
    sessions = sessions.replace("123456789012", stack.aws.account).replace("CLUSTER", cluster)
    for number, policy in enumerate((block("operating", "operator policy"), sessions)):
        iam.put_role_policy(RoleName=name, PolicyName=str(number), PolicyDocument=policy)
    keys = sts.assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
    os.environ.update(
        AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
        AWS_SESSION_TOKEN=keys["SessionToken"],
    )
    return Account()


@pytest.mark.usefixtures("plugin")
def test_the_policy_of_the_page_opens_sessions_in_the_jobs_container_and_nothing_more(
    stack: DeployedStack, running: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "test")
    cluster = running.record["clusterArn"].rpartition("/")[2]
    account = operator(stack, cluster)
    for words in (["exec", "debug"], ["ports", "debug", "80"], ["ports", "debug", "80", "--host", "db.internal"]):
        assert command(*words).code == 0
    denied = command("exec", "debug", "--container", "beside")
    assert "is not authorized to perform: ecs:ExecuteCommand on resource" in denied.err
    assert "Your policy lacks" in denied.err
    ssm = account.client("ssm")
    with pytest.raises(ClientError, match="not authorized to perform: ssm:StartSession"):
        ssm.start_session(Target=target(running))
    with pytest.raises(ClientError, match="not authorized to perform: ssm:StartSession"):
        ssm.start_session(
            Target=target(running).replace(cluster, "other"), DocumentName="AWS-StartPortForwardingSession"
        )


def test_the_launchers_own_role_opens_no_session(stack: DeployedStack, running: Task) -> None:
    role = stack.launcher("debug")["launcher_role_arn"]
    asked = {"cluster": running.record["clusterArn"], "task": running.arn, "container": "job"}
    with pytest.raises(ClientError, match="not authorized to perform: ecs:ExecuteCommand"):
        stack.aws.client("ecs", role_arn=role).execute_command(**asked, command="/bin/sh", interactive=True)
    with pytest.raises(ClientError, match="not authorized to perform: ssm:StartSession"):
        stack.aws.client("ssm", role_arn=role).start_session(Target=target(running))


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(("sent", "code"), [(b"\x03", 5), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_ctrl_c_belongs_to_the_session_and_however_it_ends_the_terminal_is_as_it_was(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, sent: bytes | signal.Signals, code: int
) -> None:
    monkeypatch.setenv("PLUGIN_WAITS", "1")
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "fargate_job_launcher.operate", "exec", "debug"])
    before = termios.tcgetattr(terminal)
    eventually(plugin.record.exists)
    printed = b""
    while b"Starting session" not in printed:
        printed += os.read(terminal, 1000)
    assert termios.tcgetattr(terminal) != before
    if isinstance(sent, bytes):
        os.write(terminal, sent)
    else:
        os.kill(process, sent)
    ended = eventually(lambda: it if (it := os.waitpid(process, os.WNOHANG))[0] else None)
    assert os.waitstatus_to_exitcode(ended[1]) == code
    assert termios.tcgetattr(terminal) == before
    os.close(terminal)
