"""Who is admitted to the page, what may change something, and that nothing hostile runs in it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest
from fargate_job_launcher.operate import Account, find, launch
from fargate_job_launcher.operate.runs import newest
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from opened import HEADERS, Opened, opened
from shell import command, eventually, leading_to

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
runs = JobRuns("jobs", {"cluster_arns": [cluster.arn]})
FargateJobLauncher("job", {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
    "asynchronous": True,
    "overrides": {"environment": ["A"]},
})
"""
HOSTILE = "<img src=x onerror=alert(1)>\"'&lt;</script><script>alert(2)</script>{{7*7}}"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), aws)
        yield aws


@pytest.fixture(scope="module")
def page(aws: Emulator) -> Iterator[Opened]:  # noqa: ARG001
    with opened() as it:
        yield it


def job() -> str:
    """The path of the job's page."""
    return f"/jobs/{find(Account(), 'job').function}"


@pytest.mark.parametrize("path", ["/", "/day", "/files/page.js", "/alive", "/no-such-page"])
def test_without_the_cookie_the_host_and_the_folder_there_is_no_answer_but_403(page: Opened, path: str) -> None:
    assert page.ask(path).status == (404 if path == "/no-such-page" else 204 if path == "/alive" else 200)
    foreign = f"evil.example:{page.port}"
    for refused in (
        page.ask(path, cookie=None),
        page.ask(path, cookie=f"{page.cookie.partition('=')[0]}=guess"),
        page.ask(path, cookie=f"{page.cookie}x"),
        # A foreign name that resolves to 127.0.0.1, and names that browsers resolve so.
        page.ask(path, host=foreign),
        page.ask(path, host=f"localhost:{page.port}"),
        page.raw(path),
        page.raw(f"{page.root}x{path}"),
        page.raw(f"{path}?key=guess"),
        page.ask(f"{path}?key=guess", cookie=None),
    ):
        assert refused.status == 403
        assert "fargate-job ui" in refused.text or "only" in refused.text
        assert set(HEADERS) <= refused.headers.keys()
    # The server itself refuses a request without a name.
    assert page.ask(path, host=None).status == 400


def test_the_key_is_good_once_and_becomes_a_cookie_that_no_script_and_no_other_server_gets(aws: Emulator) -> None:  # noqa: ARG001
    with opened() as page:
        used, cookie = page.raw(f"{page.root}/?key=guess", cookie=None), page.cookie
        assert (used.status, "set-cookie" in used.headers) == (403, False)
        first = page.address
        given = page.raw(first.removeprefix(page.origin), cookie=None)
        # Not a redirect: after a link of another site it would not bring the cookie.
        assert (given.status, f'content="0; url={page.root}/"' in given.text) == (200, True)
        name = f"fargate-job-{page.root[1:]}"
        assert re.fullmatch(
            rf"{name}=[\w-]{{43}}; HttpOnly; Path={page.root}; SameSite=strict", given.headers["set-cookie"]
        )
        assert re.fullmatch(r"/[0-9a-f]{16}", page.root)
        # Who finds the address in a history or among the processes of the machine is too late.
        again = page.raw(first.removeprefix(page.origin), cookie=None)
        assert (again.status, "was used before" in again.text, "set-cookie" in again.headers) == (403, True, False)
        # The person who opens it again is led to the first page.
        assert page.raw(first.removeprefix(page.origin)).headers["location"] == f"{page.root}/"
        shown = page.ask("/")
        for secret in (cookie, first.rpartition("=")[2]):
            assert secret.partition("=")[2] or secret not in shown.text
            assert secret not in shown.text


def test_cookies_of_other_servers_of_this_machine_lock_nobody_out(page: Opened) -> None:
    for other in ("prefs=dark mode", "flag", 'json={"a": [1, 2]}', "a=b;;c=d", "fargate-job=x", "fargate-job-0=x"):
        for sent in (f"{other}; {page.cookie}", f"{page.cookie}; {other}"):
            assert page.ask("/", cookie=sent).status == 200, sent
    name = page.cookie.partition("=")[0]
    assert page.ask("/", cookie=f"{name}=tossed; {page.cookie}").status == 200
    assert page.ask("/", cookie=f"{name}=tossed; {name}=").status == 403


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, None])
def test_every_end_is_one_line_and_no_error(aws: Emulator, ending: signal.Signals | None) -> None:  # noqa: ARG001
    command = [sys.executable, "-m", "fargate_job_launcher.operate", "ui", "--no-browser"]
    serving = (
        "from fargate_job_launcher.operate.page.serving import serve; from fargate_job_launcher.operate import Account"
    )
    alone = f"{serving}; serve(Account(), opened=print, moved=print, alone_seconds=0.5)"
    with subprocess.Popen(
        command if ending else [sys.executable, "-c", alone], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        if ending:
            process.send_signal(ending)
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "The page was closed.\n" if ending else "")


def test_it_listens_on_127_0_0_1_alone_and_says_if_a_port_is_taken(page: Opened) -> None:
    with socket.socket() as other:
        # Every other address of this machine, such as 127.0.0.2, is refused.
        assert other.connect_ex(("127.0.0.2", page.port)) != 0
    taken = command("ui", "--no-browser", "--port", str(page.port))
    assert (taken.code, taken.out) == (125, "")
    assert re.match(r"error: --port \d+: Address already in use\. Name another port, or leave --port out", taken.err)


def test_every_answer_lets_a_browser_load_only_files_of_the_page(page: Opened) -> None:
    for path in ("/", job(), "/files/htmx.js", "/no-such-page", "/files/..%2f..%2fguard.py"):
        answer = page.ask(path)
        policy = dict(it.strip().split(" ", 1) for it in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert {policy[it] for it in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
        assert set(HEADERS) <= answer.headers.keys()
        assert not re.search(r"<script(?! src)|<style|\son\w+=|\sstyle=|javascript:", answer.text) or path.endswith(
            "js"
        )
    for path in ("/files/..%2fguard.py", "/files/../guard.py", "/files/", "/files/%2e%2e/site.py"):
        assert page.ask(path).status == 404


def test_nothing_is_changed_by_reading_nor_by_a_form_of_another_page(page: Opened, aws: Emulator) -> None:
    form = {"what": "launch", "event": json.dumps({"idempotencyKey": "forged"})}
    before = len(newest(find(Account(), "job")))
    send = f"{job()}/send"
    for origin in (
        None,
        "null",
        "https://evil.example",
        "http://127.0.0.1:1",
        page.origin.replace("127.0.0.1", "localhost"),
    ):
        assert page.ask(send, method="POST", form=form, origin=origin).status == 403
    for refused in ({"cookie": None}, {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "cross-site"}):
        assert page.ask(send, method="POST", form=form, **refused).status == 403
    assert page.ask(f"{send}?{urlencode(form)}").status == 405
    assert page.ask(send, method="PUT", form=form).status == 405
    # The confirmation of a change changes nothing either.
    checked = page.ask(f"{job()}/preview", method="POST", form={"event": '{"environment": {"A": "b"}}'})
    assert checked.status == 303
    shown = page.raw(checked.headers["location"])
    assert (shown.status, "What will be sent" in shown.text) == (200, True)
    assert len(newest(find(Account(), "job"))) == before
    # The same form of the page's own launches, and only once.
    aws.script(find(Account(), "job").family, Run(0, 0.1))
    answers = [page.ask(send, method="POST", form=form) for _ in range(2)]
    assert [it.status for it in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(newest(find(Account(), "job"))) == before + 1


def test_a_page_that_only_shows_has_no_form_and_refuses_every_change(aws: Emulator) -> None:  # noqa: ARG001
    with opened("--read-only") as page:
        shown = page.ask(job())
        assert (shown.status, "read-only" in shown.text, "/launch" in shown.text) == (200, True, False)
        for path in ("send", "preview"):
            refused = page.ask(f"{job()}/{path}", method="POST", form={"what": "launch", "event": "{}"})
            assert (refused.status, "--read-only" in refused.text) == (403, True)
        assert page.ask(f"{job()}/launch").status == page.ask(f"{job()}/change?what=stop-run&of=0").status == 404


def test_hostile_lines_names_and_reasons_are_shown_as_text(page: Opened, aws: Emulator) -> None:
    aws.script(find(Account(), "job").family, Run(1, 0.1, lines=(HOSTILE,), container_reason=HOSTILE))
    run = launch("job", environment={"A": HOSTILE}, idempotency_key=HOSTILE).run
    asked = page.ask(f"{job()}/send", method="POST", form={"what": HOSTILE, "of": HOSTILE})
    assert asked.status == 400
    bodies = [asked.text]
    eventually(lambda: newest(find(Account(), "job"), 1)[0]["state"] == "FAILED")
    for path in ("/", "/rows", job(), f"{job()}/runs", f"{job()}/runs/{run}", f"{job()}/runs/{run}/log", "/day/lanes"):
        bodies.append(eventually(lambda path=path: page.ask(path).text))
    bodies += [page.ask(f"{job()}/runs/{path}").text for path in ("%3Cimg%20src=x%3E", "0" * 32)]
    bodies += [page.ask(f"/{path}").text for path in ("?q=%22%3E%3Cimg%20src=x%3E", "day?on=%3Cimg%20src=x%3E")]
    bodies += [page.ask(f"{job()}/launch?of={run}").text]
    for text in bodies:
        assert "<img" not in text
        assert "<script>alert" not in text
    assert HOSTILE in unescape(bodies[6])
    assert json.dumps(HOSTILE) in unescape(bodies[-1])


def test_no_dead_letter_hides_the_others_and_what_looks_like_a_secret_is_hidden(page: Opened, aws: Emulator) -> None:
    sqs, queue = aws.client("sqs"), find(Account(), "job").settings.dead_letter_queue
    half, secret = '{"environment": {"A": "\\ud800"}}', '{"environment": {"A": "shown"}, "taskToken": "hunter2"}'
    for body in ("[" * 100_000, '{"a":' * 400 + "1" + "}" * 400, HOSTILE, '{"requestPayload": 1, "requestContext": 2}'):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    of_half, of_secret = (sqs.send_message(QueueUrl=queue, MessageBody=it)["MessageId"] for it in (half, secret))
    shown = page.ask(f"{job()}/letters")
    text = unescape(shown.text)
    assert (shown.status, text.count("<article"), HOSTILE in text, "shown" in text) == (200, 6, True, True)
    assert "<img" not in shown.text
    assert "more than 64 levels" in text
    # Half a character is none that a browser can be sent.
    sends = page.ask(f"{job()}/change?what=redrive&of={of_half}")
    assert (sends.status, '"A": "\\ud800"' in unescape(sends.text)) == (200, True)
    sends = page.ask(f"{job()}/change?what=redrive&of={of_secret}")
    assert (sends.status, '"taskToken": "(hidden)"' in unescape(sends.text)) == (200, True)
    assert "(hidden) stands for what looks like a secret; it is sent as it is" in sends.text
    assert "hunter2" not in shown.text + sends.text
    sqs.purge_queue(QueueUrl=queue)


def test_what_cannot_be_read_is_said_and_ends_nothing(page: Opened) -> None:
    for day in ("0001-01-01", "9999-12-31", "2026-11-26T00:00+23:59", "x", "0001-01-01T00:00+14:00"):
        assert page.ask(f"/day?{urlencode({'on': day})}").status == 200, day
        assert page.ask(f"/day/lanes?{urlencode({'on': day, 'from': '-1'})}").status == 200, day
    for event, said in (
        ("{", "not JSON at line 1, column 2"), ("[1]", "an object is expected"), ("null", "an object is expected"),
        ("[" * 100_000, "nested too deeply"), ('{"count": ' + "1" * 5000 + "}", "too many digits"),
        ('{"dryRun": true}', "dryRun: the page makes the dry run by itself"), ('{"count": 1.5}', "count: "),
    ):  # fmt: skip
        answer = page.ask(f"{job()}/preview", method="POST", form={"event": event})
        assert (answer.status, said in unescape(answer.text)) == (422, True), event[:20]
    for asked in (
        "what=cancel&of=x",
        "what=pause-schedule&of=nope",
        "what=launch&of=0",
        "what=stop-run&of=",
        "",
        "what=redrive&of=0",
    ):
        assert page.ask(f"{job()}/change?{asked}").status in (400, 404), asked


def test_what_aws_denies_is_said_with_the_missing_statement(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    path, role = job(), find(Account(), "job").role
    assumed = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
    for name, value in (
        ("AWS_ACCESS_KEY_ID", assumed["AccessKeyId"]),
        ("AWS_SECRET_ACCESS_KEY", assumed["SecretAccessKey"]),
        ("AWS_SESSION_TOKEN", assumed["SessionToken"]),
    ):
        monkeypatch.setenv(name, value)
    with opened() as page:
        # A person who may only find the job still has its page.
        for asked, action in (
            ("/rows", "dynamodb:Query"),
            (path, "dynamodb:Query"),
            (f"{path}/runs", "dynamodb:Query"),
        ):
            said = unescape(page.ask(asked).text)
            assert f'Your policy lacks {{"Effect": "Allow", "Action": "{action}", "Resource": "arn:aws:' in said, asked
        assert f"{page.root}{path}/launch" in page.ask(path).text
        refused = page.ask(f"{path}/preview", method="POST", form={"event": '{"environment": {"A": "kept"}}'})
        assert refused.status == 422
        assert '"Action": "lambda:InvokeFunction"' in unescape(refused.text)
        assert '{"environment": {"A": "kept"}}' in unescape(refused.text)
