"""What the jobs of a served sandbox do next is defined from a terminal, and every mistake is said in words."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Emulator, FargateSandbox, Run
from fargate_job_launcher.sandbox.__main__ import main
from fargate_job_launcher.sandbox.script import NotScripted, Scripting
from fargate_job_launcher.sandbox.testing import DeployedStack

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
FargateJobLauncher("import", {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": JobRuns("jobs", {"cluster_arns": [cluster.arn]}).shared,
    "overrides": {"array": {"max_size": 30}},
})
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[DeployedStack]:
    with FargateSandbox() as sandbox:
        yield sandbox.deploy(SOURCE)


@pytest.fixture(autouse=True)
def leading_there(stack: DeployedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws.endpoint)


def script(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and everything that `script` prints."""
    try:
        code = main(["script", *words])
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_the_next_tasks_do_what_was_scripted_one_after_the_other_and_what_was_not_used_can_be_cleared(
    stack: DeployedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    script(
        capsys, "import", "--exit-code", "3", "--line", "boom", "--line", "[bang]", "--seconds", "0.1", "--times", "2"
    )
    script(capsys, "import", "--out-of-memory", "--seconds", "0.1")
    script(capsys, "import", "--never-starts", "ResourceInitializationError: no secret")
    assert script(capsys, "import", "--spot-interrupted", "--seconds", "2") == (
        0,
        "import\n"
        "  the next 2 tasks: exit code 3 after 0.1 s, 'boom', '[bang]'\n"
        "  the next task: exit code 137 (OutOfMemoryError: Container killed due to memory usage) after 0.1 s\n"
        "  the next task: never starts: ResourceInitializationError: no secret\n"
        "  the next task: Spot interrupts it after 2 s\n",
    )
    tasks = [stack.stopped(stack.launch("import")[0]) for _ in range(4)]
    assert [it.exit_code for it in tasks] == [3, 3, 137, None]
    assert stack.log_lines(tasks[0]) == ["boom", "[bang]"]
    assert tasks[3].stopped_reason == "ResourceInitializationError: no secret"
    assert script(capsys) == (0, "import\n  the next task: Spot interrupts it after 2 s\n")
    assert script(capsys, "import", "--clear")[1].startswith("nothing is scripted: a task of import does what")
    assert script(capsys)[1].startswith("nothing is scripted: a task does what its command shows")


def test_every_task_of_an_index_does_what_was_scripted_for_it(
    stack: DeployedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    script(capsys, "import", "--index", "0,2-3", "--exit-code", "9", "--seconds", "0.1")
    said = script(capsys, "import", "--index", "1", "--seconds", "0.1", "--started-minutes-ago", "61")[1]
    assert said == (
        "import\n"
        "  index 0,2-3 of an array, every time: exit code 9 after 0.1 s\n"
        "  index 1 of an array, every time: exit code 0 after 0.1 s, as if it had started 61 minutes earlier\n"
    )
    stack.launch("import", {"array": {"size": 4}})
    array = stack.ended(stack.runs("import")[0]).array
    assert array is not None
    assert (array["succeeded"], array["failed"]) == ("1", "0,2-3")
    script(capsys, "import", "--clear")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("impotr --exit-code 1", r"error: the sandbox at http://\S+ has no job 'impotr'; did you mean import\?"),
        ("other --clear", r"error: the sandbox at \S+ has no job 'other'; it has import"),
        ("import --exit-code 256", "--exit-code: '256' is no exit code; give a number from 0 to 255"),
        ("import --exit-code 1 --out-of-memory", "--out-of-memory: not allowed with argument --exit-code"),
        (
            "import --never-starts why --line x --seconds 1",
            "--line, --seconds: not with --never-starts, as no container",
        ),
        ("import --times 0", "--times: '0' is no number of tasks; give 1 to 10000"),
        ("import --seconds nan", "--seconds: 'nan' is no such number; give 0 or more"),
        ("import --index 5-3", "--index: '5-3' ends before it begins; give indexes such as 3,17-20"),
        ("import --index 10000", "--index: '10000': indexes are 0 to 9999"),
        ("import --index 1 --times 2", "--times: every task of an index does the same; leave out --times"),
        ("import --clear --line x", "--clear forgets everything that is scripted, and goes with no other option"),
        ("--line x", "name the JOB to script"),
        ("import --endpoint 127.0.0.1:1", "error: AWS_ENDPOINT_URL: '127.0.0.1:1' is no address such as http://"),
        (
            "import --endpoint http://127.0.0.1:1",
            r"error: no sandbox answers at http://127.0.0.1:1 \(.*refused.*\); make",
        ),
    ],
)
def test_each_mistake_is_said_and_nothing_is_scripted(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    code, printed = script(capsys, *words.split())
    assert code == (1 if said.startswith("error:") else 2)
    assert "Traceback" not in printed
    assert re.search(said, printed), printed
    assert Scripting().waiting() == {}


@contextmanager
def answering(answer: Any) -> Generator[str]:
    """The address of a server that answers everything so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("answer", [{}, [], "hello"])
def test_what_is_no_sandbox_is_given_no_script(answer: Any) -> None:
    with (
        answering(answer) as endpoint,
        pytest.raises(NotScripted, match=r"is no sandbox of this version; paste the exp"),
    ):
        Scripting(endpoint).add("import", Run(1))


def test_a_sandbox_that_runs_containers_takes_no_script() -> None:
    state = {"runs": {}, "jobs": {"import": ["family"]}, "containers": True}
    with answering(state) as endpoint, pytest.raises(NotScripted, match=r"runs containers on Docker.*without DOCKER"):
        Scripting(endpoint).add("import", Run(1))


def test_of_two_jobs_of_one_name_one_is_named_by_its_task_definition() -> None:
    state = {"runs": {}, "jobs": {"import": ["one", "two"]}, "containers": False}
    with answering(state) as endpoint, pytest.raises(NotScripted, match=r"2 jobs are called import.*: one, two"):
        Scripting(endpoint).add("import", Run(1))


def test_without_an_address_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(NotScripted, match=r"AWS_ENDPOINT_URL is not set.*make sandbox starts one and prints"):
        Scripting()


def test_scripts_of_the_fixture_replace_what_was_there(emulator: Emulator) -> None:
    emulator.script("family", Run(1), indexes={4: Run(2)})
    emulator.script("family", Run(3))
    assert Scripting(emulator.endpoint).waiting() == {"family": ([Run(3)], {})}
