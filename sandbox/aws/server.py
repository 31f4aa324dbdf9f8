"""The emulator and its life: one process that listens on 127.0.0.1 and ends with whoever started it.

This is the starter's side; the process is process.py. The starter holds the only end of a pipe that is the process's
standard input: when the starter ends, however it ends, the process reads the end of the file, and takes its function
workers and its files with it.
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
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import boto3
import botocore.session
from botocore.config import Config

from . import constraints
from .tasks.run import Run

ACCOUNT: Final = "123456789012"
"""The account of a stack that names none."""
START_SECONDS: Final = 180
"""How long the process may take to answer, on a machine that is busy with other things."""
ANSWER_SECONDS: Final = 120
STOP_SECONDS: Final = 10


class EmulatorFailed(Exception):
    """The emulator did not start, or is gone."""


class Emulator:
    """An emulated AWS. Use it as a context manager; when it is left, nothing of it runs any more."""

    def __init__(
        self, *, region: str = "us-east-1", account: str = ACCOUNT, port: int = 0, docker: bool = False
    ) -> None:
        """`port` 0 takes any free one. With `docker` the containers of tasks really run, on the Docker engine of
        DOCKER_HOST (this machine's); without it no container runs, on a machine with Docker too, and `script` says
        what tasks do. Raises EmulatorFailed when the port is taken or no Docker engine answers."""
        self._docker = _engine() if docker else ""
        self.region = region
        self.account = account
        self.exports: dict[str, dict[str, Any]] = {}
        """ORGANIZATION/PROJECT/STACK → outputs of what was deployed here, for a StackReference of another program."""
        self._clients: dict[tuple[str, str], Any] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="fargate-job-launcher-"))
        try:
            self._process = self._spawn(port)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        # Neither a profile nor a file of the caller's own settings has a say in it.
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
            # From here on connections queue: the first request waits for the process by itself.
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
        # Function workers inherit it whole: nothing of the caller's own AWS settings may be in it.
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
        """Until it answers. Raises EmulatorFailed with the end of its log."""
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
        """A boto3 client of the emulator, whose every request is held against AWS's service model first.

        It calls as the account's root, who may do everything, or with a role: what code that runs with it could do.
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

        Those that the gate authorizes carry `action`, `resource`, `context`, `allowed` and `sid`; all others the
        `service` and `operation` of the request.
        """
        with urllib.request.urlopen(f"{self.endpoint}/_gate/calls", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return json.load(answer)

    def script(self, family: str, *runs: Run) -> None:
        """What the next tasks of this task definition's family do, one after the other. Those that nothing is asked
        for run five seconds and end with exit code 0. Raises EmulatorFailed where their containers really run."""
        if self._docker:
            raise EmulatorFailed("containers really run here; what they do is asked for where docker=True is left out")
        body = json.dumps({family: [run.as_json() for run in runs]}).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_gate/runs", data=body, timeout=ANSWER_SECONDS):  # noqa: S310
            pass

    def pass_minutes(self, minutes: float) -> None:
        """Let so many minutes pass at once: every task that runs has run so much longer, and what EventBridge and
        Scheduler do at a rate is done as far as it is due by then."""
        body = json.dumps(minutes).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_gate/lapse", data=body, timeout=30):  # noqa: S310
            pass

    def stop(self) -> None:
        """End the process, the function workers and every file of theirs. Calling it again does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # It leads a process group of its own; whatever is left of the group goes too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _engine() -> str:
    """Where the Docker engine listens. Raises EmulatorFailed when none answers."""
    # Most emulators go without, and it takes its time.
    import docker
    import docker.errors

    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = docker.DockerClient(base_url=host, timeout=10)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        raise EmulatorFailed(
            f"DOCKER_HOST: no Docker engine answers at {host}: {error}; start one, or go without, where none runs"
        ) from None
    return host
