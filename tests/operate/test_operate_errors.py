"""The error messages of the command: one sentence with the problem, and one with the next step."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.handler.outcome import classify
from fargate_job_launcher.operate import AccessDenied, CredentialsExpired, NotLaunched
from fargate_job_launcher.operate.errors import explained, missing_statement, nearest
from fargate_job_launcher.operate.rejections import valued
from shell import command

ROLE = "arn:aws:sts::123456789012:assumed-role/developer/me"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:job-launcher-1"


class Refusing:
    """An AWS that refuses every call, with the answer that the test has set."""

    def __init__(self) -> None:
        self.code, self.message = "", ""
        refusing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                body = json.dumps({"__type": refusing.code, "message": refusing.message}).encode()
                self.send_response(400)
                self.send_header("x-amzn-errortype", refusing.code)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


@pytest.fixture(scope="module")
def refusing() -> Iterator[Refusing]:
    aws = Refusing()
    thread = threading.Thread(target=aws.server.serve_forever)
    thread.start()
    yield aws
    aws.server.shutdown()
    thread.join()
    aws.server.server_close()


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [it for it in os.environ if it.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def error_of(*arguments: str) -> str:
    """The error message of the command."""
    done = command(*arguments)
    assert (done.code, done.out) == (125, ""), done
    assert done.err.count("\n") == 1
    return done.err.removeprefix("error: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "the credentials have expired (The security token included in the request is expired). "
            "Log in again: aws login, aws sso login, or new keys; aws sts get-caller-identity shows who you are.",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "AWS does not know these credentials, or region eu-west-1 is not enabled for this account (The security "
            "token included in the request is invalid). "
            "Log in again: aws login, aws sso login, or new keys; aws sts get-caller-identity shows who you are.",
        ),
        (
            "OptInRequired",
            "The AWS Access Key Id needs a subscription for the service",
            "AWS does not know these credentials, or region eu-west-1 is not enabled for this account (The AWS Access "
            "Key Id needs a subscription for the service). "
            "Log in again: aws login, aws sso login, or new keys; aws sts get-caller-identity shows who you are.",
        ),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
            "AWS does not know these credentials (The request signature we calculated does not match the signature you "
            "provided). "
            "Log in again: aws login, aws sso login, or new keys; aws sts get-caller-identity shows who you are.",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20260131T100000Z is now earlier than 20260131T101000Z (20260131T101500Z - 5 min.)",
            "AWS's clock and this machine's differ (Signature expired: 20260131T100000Z is now earlier than "
            "20260131T101000Z (20260131T101500Z - 5 min.)). Check this machine's clock: date -u.",
        ),
        (
            "AccessDeniedException",
            f"User: {ROLE} is not authorized to perform: lambda:GetFunctionConfiguration on resource: {FUNCTION} "
            "because no identity-based policy allows the lambda:GetFunctionConfiguration action",
            f"access denied: User: {ROLE} is not authorized to perform: lambda:GetFunctionConfiguration on resource: "
            f"{FUNCTION} because no identity-based policy allows the lambda:GetFunctionConfiguration action. Your "
            'policy lacks {"Effect": "Allow", "Action": "lambda:GetFunctionConfiguration", "Resource": "'
            f'{FUNCTION}"}}.',
        ),
        (
            "AccessDeniedException",
            f"User: {ROLE} is not authorized to perform: tag:GetResources with an explicit deny in a service control "
            "policy",
            f"access denied: User: {ROLE} is not authorized to perform: tag:GetResources with an explicit deny in a "
            "service control policy. A Deny applies; another Allow does not help.",
        ),
        (
            "InternalThing",
            "Something odd.",
            "GetFunctionConfiguration in eu-west-1: InternalThing: Something odd.",
        ),
    ],
)
def test_an_error_of_aws_is_reported_with_the_next_step(
    refusing: Refusing, monkeypatch: pytest.MonkeyPatch, code: str, message: str, said: str
) -> None:
    refusing.code, refusing.message = code, message
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{refusing.server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert error_of("status", FUNCTION, "--region", "eu-west-1") == said


def test_errors_before_the_first_call_to_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    assert error_of("list") == ("no AWS region is set. Name the stack's region: --region or AWS_REGION.")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert error_of("list").startswith(
        "there are no AWS credentials here (Unable to locate credentials). Log in: aws login"
    )
    assert error_of("list", "--profile", "nope") == (
        "The config profile (nope) could not be found. aws configure list-profiles shows the profiles."
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert error_of("list", "--region", "not a region").endswith("--region or AWS_REGION.")
    assert error_of("status", FUNCTION, "--region", "us-east-1").endswith("not in us-east-1. Add --region eu-west-1.")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert error_of("list").startswith("AWS does not answer in region eu-west-1: Could not connect to the endpoint URL")
    assert error_of("list").endswith("Check the region's name (--region), AWS_ENDPOINT_URL, and the network.")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    assert error_of("list").startswith("Invalid endpoint: localhost. AWS_ENDPOINT_URL is an address such as http://")


def stopped(stop_code: str, reason: str, container: str = "", exit_code: int | None = None) -> dict[str, Any]:
    job: dict[str, Any] = {"name": "job", **({"reason": container} if container else {})}
    job |= {} if exit_code is None else {"exitCode": exit_code}
    return {"stopCode": stop_code, "stoppedReason": reason, "containers": [job]}


PULL = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
ASM = "unable to retrieve secret from asm"
EXITED = "Essential container in task exited"


@pytest.mark.parametrize(
    ("task", "then"),
    [
        (stopped("TaskFailedToStart", f"{PULL} x.dkr.ecr.eu-west-1.amazonaws.com/a:1: not found"), "no such image or"),
        (stopped("TaskFailedToStart", f"{PULL} a: unexpected status from HEAD request: 403 Forbidden"), "refuses the"),
        (stopped("TaskFailedToStart", f"{PULL} a: dial tcp 1.2.3.4:443: i/o timeout"), "does not reach the registry"),
        (stopped("TaskFailedToStart", f"{PULL} a: 429: toomanyrequests: You have reached"), "limits anonymous pulls"),
        (
            stopped(
                "TaskFailedToStart",
                "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
            ),
            "another processor",
        ),
        (stopped("TaskFailedToStart", "CannotPullContainerError: write /var: no space left on device"), "ephemeral_"),
        (stopped("TaskFailedToStart", f"{SECRETS} {ASM}: ResourceNotFoundException: can't find"), "no value yet"),
        (stopped("TaskFailedToStart", f"{SECRETS} {ASM}: AccessDeniedException: not authorized"), "may not read a"),
        (stopped("TaskFailedToStart", f"{SECRETS} context deadline exceeded"), "does not reach AWS's services"),
        (
            stopped(
                "TaskFailedToStart",
                "ResourceInitializationError: failed to validate logger args: The task cannot find the Amazon "
                "CloudWatch log group defined in the task definition",
            ),
            "log group is gone",
        ),
        (stopped("TaskFailedToStart", "Capacity is unavailable at this time. Please try again later"), "no such cap"),
        (stopped("SpotInterruption", "Your Spot Task was interrupted."), "spot_then_on_demand"),
        (
            stopped("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."),
            "no network interface in time",
        ),
        (
            stopped("TaskFailedToStart", "subnet-1 does not have enough free addresses to satisfy the request."),
            "larger subnets",
        ),
        (
            stopped("TaskFailedToStart", EXITED, "CannotStartContainerError: exec /job: exec format error"),
            "docker build --platform linux/amd64",
        ),
        (stopped(EXITED, EXITED, "OutOfMemoryError: Container killed due to memory usage", 137), "more memory"),
        (stopped("EssentialContainerExited", EXITED, exit_code=127), "executable file in the image"),
        (
            stopped("TaskFailedToStart", "ECS was unable to assume the role 'arn:aws:iam::1:role/r'"),
            "may not assume the task's role",
        ),
        (stopped("UserInitiated", "fargate-job-launcher: ran longer than 5 minutes", exit_code=143), "max_runtime_min"),
        # For these, only the log shows the cause, or nothing is wrong.
        (stopped("EssentialContainerExited", EXITED, exit_code=137), "stop_timeout_seconds after SIGTERM"),
        (stopped("EssentialContainerExited", EXITED, exit_code=1), ""),
        (stopped("EssentialContainerExited", EXITED, exit_code=0), ""),
        (stopped("UserInitiated", "out of memory, said somebody", exit_code=143), ""),
    ],
)
def test_the_stop_reason_of_a_task_leads_to_the_next_step(task: dict[str, Any], then: str) -> None:
    remedy = classify(task, "job").remedy
    assert (then in remedy) if then else not remedy
    assert not remedy.endswith(".")


@pytest.mark.parametrize(
    ("reason", "detail", "said"),
    [
        ("RESOURCE:FARGATE", "", "AWS has no such capacity now"),
        ("Capacity is unavailable at this time.", "try later", "AWS has no such capacity now"),
        ("MaxRunning", "3 run already", "wait for one to end, or raise max_running"),
        ("ClientException", "You've reached the limit on the number of vCPUs", "Fargate quota is used up"),
        (
            "AccessDeniedException",
            "User: a is not authorized to perform: ecs:RunTask on resource: arn:aws:ecs:a:1:task/b because",
            'The launcher\'s role lacks {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": "arn:aws:',
        ),
        ("Odd", "never seen", "--dry-run"),
    ],
)
def test_the_failure_of_a_launch_leads_to_the_next_step(reason: str, detail: str, said: str) -> None:
    failure = {"reason": reason, "detail": detail, "retryable": True}
    error = NotLaunched("job", {"launched": 0, "requested": 2, "failures": [failure, failure]})
    assert str(error).startswith(f"job: 0 of 2 tasks launched: {reason}")
    assert str(error).count(reason) == 1
    assert said in error.then


def test_every_code_of_a_denial_is_known() -> None:
    from botocore.exceptions import ClientError, LoginRefreshRequired, LoginTokenLoadError, SSOTokenLoadError

    encoded = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "DescribeTasks")
    denied = explained(encoded, region="eu-west-1")
    assert isinstance(denied, AccessDenied)
    assert denied.then == "Your policy lacks a statement for DescribeTasks"
    assert isinstance(explained(SSOTokenLoadError(profile_name="p", error_msg="x"), region=""), CredentialsExpired)
    for expired in (LoginRefreshRequired(), LoginTokenLoadError(error_msg="no token")):
        said = explained(expired, region="")
        assert isinstance(said, CredentialsExpired)
        assert "aws login" in said.then
    with pytest.raises(ZeroDivisionError):
        explained(ZeroDivisionError(), region="")
    said = "User: a is not authorized to perform: ecs:StopTask on resource: arn:aws:ecs:eu-west-1:1:task/c/*."
    assert json.loads(missing_statement(said))["Resource"] == "arn:aws:ecs:eu-west-1:1:task/c/*"
    assert missing_statement("no") == ""


DECLARED = "not declared under overrides.environment; declared: MODE"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("count: a whole number from 1 to 3 is expected", "count: 9: a whole number from 1 to 3 is expected"),
        ("array.size: a whole number is expected", "array.size: 0: a whole number is expected"),
        ("memory: 1000 MiB does not go with cpu 256", "memory: 1000 MiB does not go with cpu 256"),
        ("capacity: one of spot is expected", "capacity: 'cheap': one of spot is expected"),
        (f"environment: name 2 of 3: {DECLARED}", f"environment: 'TABLE': {DECLARED}"),
        (f"environment: names 1, 2 and 3 of 3: {DECLARED}", f"environment: 'MODE', 'TABLE', 'B': {DECLARED}"),
        (
            f"environment: names 1, 2 and 7 more of 9: {DECLARED}",
            f"environment: 'MODE', 'TABLE' and 7 more: {DECLARED}",
        ),
        ("event: name 2 of 6: unknown", "event: 'memory': unknown"),
        # Values of variables and of tags are not repeated.
        ("environment.MODE: holds control characters", "environment.MODE: holds control characters"),
        ("tags.team: a string is expected", "tags.team: a string is expected"),
        ("payload: not declared", "payload: not declared"),
        ("event: a JSON object is expected", "event: a JSON object is expected"),
    ],
)
def test_a_rejection_names_what_the_event_had(problem: str, said: str) -> None:
    event = {
        **{"count": 9, "memory": 1000, "capacity": "cheap", "array": {"size": 0}, "payload": "secret"},
        "environment": {"MODE": "secret", "TABLE": "secret", "B": "secret"},
    }
    assert valued(problem, event) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("launch job --env FOO", "'FOO': NAME=VALUE is expected"),
        ("launch job --env =x", "'=x': NAME=VALUE is expected"),
        ("launch job --env K=a -e K=b", "K is given twice; leave one of them out"),
        ("launch job --payload @nofile", "the file nofile cannot be read: No such file or directory"),
        ("launch job --payload @.", "the file . cannot be read: Is a directory"),
        ("launch job --payload {x", "'{x' is no JSON; write '{\"rows\": 5}'"),
        ("launch job --payload @Makefile", "the file Makefile, line 1, is no JSON; write"),
        ("runs show 90c079ee", "RUN is missing, or JOB is: '90c079ee' was taken for JOB, which comes first: "),
        ("schedules pause nightly", "which comes first: fargate-job schedules pause JOB NAME"),
        ("rerun 90c079ee", "which comes first: fargate-job rerun JOB RUN"),
        ("runs show", "Missing argument 'JOB'"),
    ],
)
def test_a_wrong_command_line_repeats_what_was_written_and_says_what_to_write(words: str, said: str) -> None:
    done = command(*words.split())
    assert (done.code, said in " ".join(done.err.split())) == (2, True), done.err


def test_a_width_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("abc", "0", "-60", "²0"):
        monkeypatch.setenv("FARGATE_JOB_COLUMNS", wrong)
        done = command("list")
        assert (done.code, f"FARGATE_JOB_COLUMNS={wrong!r}: a whole number of columns from 20 on" in done.err) == (
            2,
            True,
        )


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("nightly-reprot", ["nightly-report"]),
        ("report", ["nightly-report"]),
        ("NIGHTLY-REPORT", ["nightly-report"]),
        ("zzz", []),
    ],
)
def test_the_nearest_names_are_found(asked: str, near: list[str]) -> None:
    assert nearest(asked, ["nightly-report", "import"]) == near
