"""`fargate-job dead-letters` and its calls: list, show, redrive, edit, discard; none is lost or launched twice."""

from __future__ import annotations

import json
import os
import re
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.client import BaseClient
from fargate_job_launcher.operate import (
    Account,
    Conflict,
    JobError,
    Rejected,
    dead_letters,
    edit,
    find,
    redrive,
    tasks,
)
from fargate_job_launcher.operate.hiding import HIDDEN, hidden, hidden_text, restored
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import block, command, leading_to, prompt_queues

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {
    "image": "nginx",
    "cluster_arn": aws.ecs.Cluster("c").arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "asynchronous": True,
    "runs": {},
    "overrides": {"environment": ["A", "B"], "max_count": 3},
})
"""
LONG = Run(0, 3600)
WRONG = {"environment": {"NOT_DECLARED": "1"}, "idempotencyKey": "order 7"}
RIGHT = {"environment": {"A": "1"}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws), prompt_queues():
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), aws)
        yield aws


@pytest.fixture(autouse=True)
def empty(aws: Emulator) -> None:
    aws.client("sqs").purge_queue(QueueUrl=find(Account(), "job").settings.dead_letter_queue)
    aws.script(find(Account(), "job").family, *20 * [LONG])


def parked(aws: Emulator, event: Any, *, status: str = "REJECTED", reasons: str = "environment: not declared") -> str:
    """A dead letter as the launcher leaves it. Returns its id."""
    url = find(Account(), "job").settings.dead_letter_queue
    attributes = {
        name: {"DataType": "String", "StringValue": it} for name, it in (("status", status), ("reasons", reasons))
    }
    body = event if isinstance(event, str) else json.dumps(event)
    return aws.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)["MessageId"]


def left() -> list[str]:
    return [it["id"] for it in command("dead-letters", "job", "-o", "json").json]


def launched() -> int:
    return len(tasks(find(Account(), "job")))


def test_dead_letters_are_listed_with_reason_and_age_on_sixty_columns_and_shown_whole_without_secrets(
    aws: Emulator,
) -> None:
    assert command("dead-letters", "job").out == "job has no dead letters\n"
    secret: dict[str, Any] = {
        "environment": {"DB_PASSWORD": "hunter2hunter2"},
        "taskToken": "AAAA",
        "command": ["x", "--token", "abc123xyz"],
    }
    one, other = parked(aws, secret), parked(aws, "poison", status="", reasons="")
    for verb in ((), ("list",), ("show",)):
        narrow = command("dead-letters", *verb, "job", width=60)
        assert max(map(len, narrow.out.splitlines())) <= 60
        assert narrow.code == 0
        assert all(it in narrow.out for it in (one[:8], "environment: not declared", "s ago"))
    listed = {it["id"]: it for it in command("dead-letters", "list", "job", "-o", "json").json}
    assert listed[one]["reasons"] == "environment: not declared"
    assert 0 <= listed[one]["ageSeconds"] < 100
    assert listed[other]["event"] is None
    for shown in (
        command("dead-letters", "show", "job", one[:8]),
        command("dead-letters", "show", "job", one, "-o", "json"),
    ):
        assert (shown.code, HIDDEN in shown.out) == (0, True)
        assert not any(it in shown.out for it in ("hunter2", "AAAA", "abc123xyz"))
    assert "hunter2" not in command("dead-letters", "job", "-o", "json").out
    assert "\npoison\n" in command("dead-letters", "show", "job", other).out
    # Reading has hidden nothing from the next reader.
    assert sorted(left()) == sorted([one, other])


@pytest.mark.parametrize(
    "poison",
    [
        "[" * 100_000,
        '{"environment":' * 400 + "1" + "}" * 400,
        json.dumps({"requestPayload": {}, "requestContext": "none"}),
        json.dumps({"requestPayload": {}, "requestContext": {}, "responsePayload": {"errorMessage": "[" * 100_000}}),
    ],
    ids=["no JSON for its depth", "a deep event", "no context", "a deep answer"],
)
def test_a_message_that_no_launcher_takes_hides_none_of_the_others(aws: Emulator, poison: str) -> None:
    other = parked(aws, RIGHT)
    one = parked(aws, poison, status="", reasons="")
    listed = {it["id"]: it for it in command("dead-letters", "list", "job", "-o", "json").json}
    assert listed.keys() == {one, other}
    assert listed[one]["body"] == poison
    assert command("dead-letters", "show", "job", one).code == 0
    assert command("dead-letters", "discard", "job", one, "--yes").code == 0
    assert left() == [other]


def test_those_that_another_reader_holds_are_told_and_not_reported_as_none(aws: Emulator) -> None:
    one = parked(aws, RIGHT)
    with dead_letters(find(Account(), "job")) as held:
        assert [it.id for it in held] == [one]
        seen = command("dead-letters", "job")
        assert (seen.out, seen.err) == (
            "job has no dead letters\n", "1 more is held by another reader, for 5 minutes at most.\n"
        )  # fmt: skip
        for verb in (("redrive",), ("discard", "--yes")):
            refused = command("dead-letters", verb[0], "job", one, *verb[1:])
            assert (refused.code, "held by another reader" in refused.err) == (125, True)
    assert left() == [one]


def test_one_that_is_refused_again_says_how_to_correct_it(aws: Emulator) -> None:
    one = parked(aws, WRONG)
    done = command("dead-letters", "redrive", "job", width=60)
    assert done.code == 125
    assert re.match(rf"stays     {one[:8]}  job was not launched:\s", done.out)
    said = " ".join(done.out.split())
    assert f"fargate-job dead-letters edit job {one[:8]} launches it as you correct it." in said
    assert command("dead-letters", "discard", "job", one[:8], "--yes").out == f"discarded {one[:8]}\n"


def test_one_of_several_is_redriven_and_a_wrong_id_redrives_none(aws: Emulator) -> None:
    before = launched()
    one, other = parked(aws, RIGHT), parked(aws, {"environment": {"A": "2"}})
    wrong = command("dead-letters", "redrive", "job", one, "0f0f0f0f")
    assert (wrong.code, wrong.err) == (
        125,
        "error: job has no dead letter with id '0f0f0f0f'. fargate-job dead-letters list job shows its dead letters.\n",
    )
    assert (launched(), sorted(left())) == (before, sorted([one, other]))
    assert command("dead-letters", "redrive", "job", one, "--all").code == 2
    assert command("dead-letters", "redrive", "job", one[:8]).code == 0
    assert (launched(), left()) == (before + 1, [other])
    assert command("dead-letters", "redrive", "job", "--all").code == 0
    assert (launched(), left()) == (before + 2, [])


def test_a_redrive_that_is_cut_off_and_two_at_once_launch_once(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    before, job = launched(), find(Account(), "job")
    one = parked(aws, RIGHT)
    call = cast("Any", BaseClient)._make_api_call

    def cut_off(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "DeleteMessage":
            raise KeyboardInterrupt
        return call(client, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", cut_off)
        assert command("dead-letters", "redrive", "job", one).code == 130
    assert (launched(), left()) == (before + 1, [one])
    again = command("dead-letters", "redrive", "job", one)
    assert (again.code, "before: task" in again.out) == (0, True)
    assert (launched(), left()) == (before + 1, [])

    # Two who have read the same message, because the first took longer than it is held.
    two = parked(aws, RIGHT)
    with dead_letters(job) as (letter,):
        assert letter.id == two
        found = list[Any]()
        both = [threading.Thread(target=lambda: found.append(redrive(job, letter))) for _ in range(2)]
        for it in both:
            it.start()
        for it in both:
            it.join()
    assert (launched(), left()) == (before + 2, [])
    assert len({it.run for it in found}) == 1


def test_an_edited_event_is_checked_launched_under_its_own_key_and_only_then_deleted(aws: Emulator) -> None:
    before = launched()
    one = parked(aws, WRONG)
    for event, said in (
        (WRONG, "not declared under overrides.environment"),
        ({"count": 9}, "count"),
        ({"dryRun": True}, "dryRun: the edited event would launch nothing"),
        ({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": "{}"}]}, "the form of a trigger's event"),
        ({"source": "shop", "detail-type": "Paid", "detail": {}}, "the form of a trigger's event"),
        ({"environment": {"B": HIDDEN}}, "environment.B: (hidden) stands for a value"),
    ):
        refused = command("dead-letters", "edit", "job", one, "--event", json.dumps(event))
        assert (refused.code, said in refused.err) == (125, True), refused.err
    for text in ("", "[]", "{", "null"):
        refused = command("dead-letters", "edit", "job", one, "--event", text)
        assert (refused.code, "is no JSON object" in refused.err) == (125, True)
    assert (launched(), left()) == (before, [one])

    done = command(
        "dead-letters", "edit", "job", one[:8], "--event", "-", "-o", "json", typed=json.dumps({**WRONG, **RIGHT})
    )
    assert (done.code, done.json["key"]) == (0, f"edit of message {one}")
    assert (launched(), left()) == (before + 1, [])
    # The key of the event as it was is still free.
    assert command("launch", "job", "--key", "order 7", "-o", "json").json["status"] == "LAUNCHED"

    own = command("dead-letters", "edit", "job", parked(aws, WRONG), "--event", json.dumps({"idempotencyKey": "mine"}))
    assert (own.code, "key       'mine'" in own.out) == (0, True)


def test_two_different_edits_of_a_message_do_not_both_launch_and_one_that_launched_nothing_uses_up_no_key(
    aws: Emulator,
) -> None:
    before, job = launched(), find(Account(), "job")
    one = parked(aws, WRONG)
    with dead_letters(job) as (letter,):
        edit(job, letter, {"environment": {"A": "x"}})
        with pytest.raises(
            Conflict, match=f"another request.* Another edit of this message is launched already .*discard job {one}"
        ):
            edit(job, letter, {"environment": {"A": "y"}})
        assert edit(job, letter, {"environment": {"A": "x"}}).status == "DUPLICATE"
    assert (launched(), left()) == (before + 1, [])

    two = parked(aws, WRONG)
    with dead_letters(job) as (letter,):
        with pytest.raises(Rejected, match="count"):
            edit(job, letter, {"count": 4})
        assert edit(job, letter, {"count": 2}).key == f"edit of message {two}"
    assert launched() == before + 3

    partial = parked(aws, WRONG, status="PARTIAL")
    refused = command("dead-letters", "edit", "job", partial, "--event", "{}")
    assert (refused.code, "fargate-job dead-letters redrive job" in refused.err) == (125, True)
    assert left() == [partial]


def test_an_editor_edits_the_event_and_an_edit_that_changes_nothing_launches_nothing(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = launched()
    one = parked(aws, {**WRONG, "environment": {"NOT_DECLARED": "1", "A": "token=abc123xyz"}})
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    nobody = command("dead-letters", "edit", "job", one)
    assert (nobody.code, "there is no terminal for an editor. Give the event with --event JSON" in nobody.err) == (
        125,
        True,
    )
    editor, seen = tmp_path / "editor", tmp_path / "seen"
    monkeypatch.setenv("EDITOR", str(editor))

    def edits(line: str) -> None:
        editor.write_text(f'#!/bin/sh\ncp "$1" {seen}\n{line}\nsleep 0.01\ntouch -d "1 minute" "$1"\n')
        editor.chmod(0o700)

    edits("true")
    same = command("dead-letters", "edit", "job", one)
    assert (same.code, "nothing was changed, and nothing is launched" in same.err) == (125, True)
    assert "abc123xyz" not in seen.read_text()
    edits("""sed -i 's/"NOT_DECLARED": "1"/"B": "2"/' "$1" """)
    done = command("dead-letters", "edit", "job", one)
    assert (done.code, done.out.startswith(f"launched  {one[:8]}  task ")) == (0, True), done.err
    assert (launched(), left()) == (before + 1, [])
    # The value that the editor hid is in the launch.
    newest = tasks(find(Account(), "job"))[0].record["overrides"]["containerOverrides"][0]["environment"]
    assert {it["name"]: it["value"] for it in newest}.items() >= {"A": "token=abc123xyz", "B": "2"}.items()
    edits("exit 3")
    failed = command("dead-letters", "edit", "job", parked(aws, WRONG))
    assert (failed.code, "Set $EDITOR" in failed.err) == (125, True)
    assert os.environ["EDITOR"]


def test_discarding_asks_and_without_anybody_to_ask_refuses(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = parked(aws, WRONG), parked(aws, "poison")
    for arguments in ((), (one, "--all")):
        assert command("dead-letters", "discard", "job", *arguments).code == 2
    alone = command("dead-letters", "discard", "job", one)
    assert (alone.code, alone.err) == (
        125,
        "error: 1 dead letter of job would be deleted for good, and nobody is here to be asked. Add --yes.\n",
    )
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    answered = command("dead-letters", "discard", "job", "--all", typed="n\n")
    assert (answered.code, "Delete 2 dead letters of job for good? [y/N]" in answered.err) == (125, True)
    assert "nothing was discarded." in answered.err
    assert sorted(left()) == sorted([one, other])
    assert command("dead-letters", "discard", "job", one[:8], typed="y\n").code == 0
    assert left() == [other]
    done = command("dead-letters", "discard", "job", "--all", "--yes", "-o", "json")
    assert (done.code, done.json) == (0, [{"id": other, "discarded": True}])
    assert command("dead-letters", "discard", "job", "--all", "--yes").out == "job has no dead letters\n"


def test_what_is_hidden_is_put_back_where_it_was_and_nowhere_else() -> None:
    was = {
        "taskToken": "t",
        "environment": {"A": "1", "API_KEY": "s3cr3t!!"},
        "command": ["a", "--password", "pppp1234"],
        "n": 3,
    }
    shown = hidden(was)
    environment = {"A": "1", "API_KEY": HIDDEN}
    assert shown == {
        **{"taskToken": HIDDEN, "environment": environment},
        **{"command": ["a", "--password", HIDDEN], "n": 3},
    }
    assert restored(shown, was) == was
    assert restored({**shown, "n": 4}, was) == {**was, "n": 4}
    with pytest.raises(JobError, match=r"environment\.C: \(hidden\) stands for"):
        restored({"environment": {"C": HIDDEN}}, was)
    assert hidden_text("plain") == "plain"
    assert hidden_text(' {"a" : 1}') == ' {"a" : 1}'
    assert hidden_text("password=hunter2hunter2") == HIDDEN


def test_what_the_page_says_about_dead_letters_works(aws: Emulator) -> None:
    lines = [shlex.split(it, comments=True)[1:] for it in block("operating", "dead letters").splitlines()]
    assert [it[1] for it in lines] == ["job", "show", "edit", "redrive", "discard"]
    for words in lines:
        letter = parked(aws, RIGHT)
        done = command(*(it.replace("ID", letter) for it in words))
        assert (done.code, letter[:8] in done.out) == (0, True), words
