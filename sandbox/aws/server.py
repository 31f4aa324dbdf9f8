"""Starts and stops the emulator: one process that listens on 127.0.0.1 and ends with its parent process.

This is the parent's side; process.py is the emulator's. The parent holds the only write end of the pipe that is the
emulator's standard input. When the parent ends for any reason, the emulator reads the end of the file, ends its
function workers and removes its files.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import boto3
import botocore.session
from botocore.config import Config

from . import constraints
from .tasks.run import Run
from .tasks.scripts import PATH

ACCOUNT: Final = "123456789012"
"""The account of a stack whose config names no account."""
START_SECONDS: Final = 180
"""How long the process may take to start on a busy machine."""
ANSWER_SECONDS: Final = 120
STOP_SECONDS: Final = 10


class EmulatorFailed(Exception):
    """The emulator did not start, or has ended."""


class Emulator:
    """An emulated AWS. Use it as a context manager: leaving it ends every process of the emulator."""

    def __init__(
        self, *, region: str = "us-east-1", account: str = ACCOUNT, port: int = 0, docker: bool = False
    ) -> None:
        """`port` 0 takes any free port. With `docker` the containers of tasks really run, on the Docker engine of
        DOCKER_HOST (default: this machine's). Without it no container runs, even on a machine with Docker, and `script`
        defines what tasks do. Raises EmulatorFailed when the port is taken or no Docker engine answers."""
        self._docker = _engine() if docker else ""
        self.region = region
        self.account = account
        self.exports: dict[str, dict[str, Any]] = {}
        """ORGANIZATION/PROJECT/STACK → outputs of each deployed stack, for a StackReference of another program."""
        self._clients: dict[tuple[str, str], Any] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="fargate-job-launcher-"))
        try:
            self._process = self._spawn(port)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        # The caller's profiles and settings files must have no effect.
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        core.set_credentials("test", "test")
        self._session = boto3.Session(botocore_session=core, region_name=region)
        self._session.events.register("before-parameter-build", constraints.hold)

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise EmulatorFailed(
                f"port {port} of 127.0.0.1 cannot be used: {reason}; PORT=0 takes any free one"
            ) from None
        with listener:
            # From here on connections queue, so the first request waits until the process is ready.
            listener.listen(socket.SOMAXCONN)
            self.endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
            command = [sys.executable, "-m", f"{__package__}.process", str(listener.fileno())]
            with (self._folder / "log").open("wb") as log:
                return subprocess.Popen(  # noqa: S603
                    [*command, "docker"] if self._docker else command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                    env=self._environment(listener.getsockname()[1]),
                )

    def _environment(self, port: int) -> dict[str, str]:
        # Function workers inherit all of it, so it must have none of the caller's AWS settings.
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "SYSTEMROOT") if key in os.environ}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "TMPDIR": str(self._folder),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": self.account,
            "MINISTACK_REGION": self.region,
            "DOCKER_HOST": self._docker or f"unix://{self._folder}/no-docker.sock",
            "S3_DATA_DIR": str(self._folder / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    def __enter__(self) -> Emulator:
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self) -> None:
        """Wait until the emulator answers. Raises EmulatorFailed with the end of its log."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5):  # noqa: S310
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.05)
        log = (self._folder / "log").read_text(errors="replace").strip()
        ended = f"ended with {self._process.returncode}" if self._process.poll() is not None else "does not answer"
        raise EmulatorFailed(f"the emulator {ended}:\n{log[-2000:]}")

    def client(self, service: str, *, role_arn: str = "") -> Any:
        """A boto3 client of the emulator. Each of its requests is first checked against AWS's service model.

        It calls as the account's root user, who may do everything; with `role_arn` it calls as code with that role.
        """
        if (service, role_arn) not in self._clients:
            session: dict[str, str] = {}
            if role_arn:
                assumed = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="sandbox")["Credentials"]
                session = {
                    "aws_access_key_id": assumed["AccessKeyId"],
                    "aws_secret_access_key": assumed["SecretAccessKey"],
                    "aws_session_token": assumed["SessionToken"],
                }
            self._clients[service, role_arn] = cast("Any", self._session).client(
                service,
                endpoint_url=self.endpoint,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=ANSWER_SECONDS),
                **session,
            )
        return self._clients[service, role_arn]

    def calls(self) -> list[dict[str, Any]]:
        """Every call that was made with a role so far.

        Calls that the gate authorizes have `action`, `resource`, `context`, `allowed` and `sid`; all others have the
        `service` and `operation` of the request.
        """
        with urllib.request.urlopen(f"{self.endpoint}/_gate/calls", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return json.load(answer)

    def script(self, family: str, *runs: Run, indexes: Mapping[int, Run] | None = None) -> None:
        """Define what the next tasks of this task definition's family do, one `Run` a task, and what every task of an
        array with one of these indexes does. A task without either runs five seconds and ends with exit code 0. Raises
        EmulatorFailed with `docker`, where containers really run."""
        if self._docker:
            raise EmulatorFailed("docker: True, so containers really run and cannot be scripted; leave out docker=True")
        of_indexes = {str(index): run.as_json() for index, run in (indexes or {}).items()}
        body = json.dumps({family: {"next": [run.as_json() for run in runs], "indexes": of_indexes}}).encode()
        with urllib.request.urlopen(self.endpoint + PATH, data=body, timeout=ANSWER_SECONDS):  # noqa: S310
            pass

    def pass_minutes(self, minutes: float) -> None:
        """Move the clock forward by so many minutes: each running task has run that much longer, and EventBridge and
        Scheduler start what is due by then, at a rate or once."""
        body = json.dumps(minutes).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_gate/lapse", data=body, timeout=30):  # noqa: S310
            pass

    def stop(self) -> None:
        """End the process and the function workers, and remove their files. Calling it again does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # It leads its own process group; this ends what is left of the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _engine() -> str:
    """The address of the Docker engine. Raises EmulatorFailed when none answers."""
    # Most emulators run without Docker, and the import is slow.
    import docker
    import docker.errors

    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = docker.DockerClient(base_url=host, timeout=10)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        raise EmulatorFailed(
            f"DOCKER_HOST: no Docker engine answers at {host}: {error}; start one, or leave out Docker: then no "
            "container runs"
        ) from None
    return host
