"""Schedules and launches at a later time, through the command and the calls, on the emulated AWS's test clock."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fargate_job_launcher.handler.run import ENDED
from fargate_job_launcher.operate import (
    AccessDenied,
    Account,
    Conflict,
    NoSuchRun,
    NoSuchSchedule,
    Rejected,
    StillRunning,
    cancel_launch,
    find,
    launch,
    pause_schedule,
    resume_schedule,
    scheduled,
)
from fargate_job_launcher.operate.runs import named, newest
from fargate_job_launcher.operate.runs import read as run_of
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import block, command, completed, eventually, leading_to

from tools.recording import program

SOURCE = f"""
import pulumi_aws as aws
cluster = aws.ecs.Cluster("c")
subnet_ids = ["subnet-0123456789abcdef0"]
security_group = aws.ec2.SecurityGroup("s", vpc_id="vpc-0123456789abcdef0")
{block("schedules", "a job with schedules")}
common = {{
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": subnet_ids,
    "security_group_ids": [security_group.id],
    "runs": runs.shared,
}}
FargateJobLauncher("report-old", {{**common, "schedule": {{"expression": "rate(365 days)"}}}})
FargateJobLauncher("plain", common)
"""


def listed(*arguments: str) -> dict[str, Any]:
    """What `schedules` prints as JSON."""
    done = command("schedules", *arguments, "-o", "json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as emulator, leading_to(emulator):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), emulator)
        yield emulator


def in_days(days: float) -> str:
    """A local time in Berlin, so many days ahead."""
    return f"{datetime.now(ZoneInfo('Europe/Berlin')) + timedelta(days=days):%Y-%m-%dT%H:%M}"


def test_a_launch_at_a_later_time_is_made_at_that_time_and_only_once(aws: Emulator) -> None:
    job, at = find(Account(), "report"), in_days(3)
    aws.script(job.family, Run(0, 0.1))
    told = launch("report", environment={"SCOPE": "later"}, at=at, zone="Europe/Berlin", idempotency_key="k")
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    assert (told.result["status"], told.scheduled_for, told.task_arns) == ("SCHEDULED", moment.astimezone(UTC), [])
    with pytest.raises(StillRunning, match=r"report is launched at 20.*schedules report"):
        told.wait()
    # The same again is the same; another request is not.
    same = launch("report", environment={"SCOPE": "later"}, at=moment, idempotency_key="k", zone="Europe/Berlin")
    assert same.run == told.run
    with pytest.raises(Conflict, match=r"differs in environment.*[Cc]ancel that launch first"):
        launch("report", environment={"SCOPE": "x"}, at=at, zone="Europe/Berlin", idempotency_key="k")
    (waiting,) = scheduled(job).waiting
    assert (waiting.run, waiting.at, waiting.zone, bool(waiting.requested_by)) == (
        told.run,
        moment,
        "Europe/Berlin",
        True,
    )
    # Two days later nothing has happened; an hour and a bit before the time neither, though UTC would say so.
    aws.pass_minutes(60 * 24 * 3 - 50)
    assert (run_of(job, told.run), len(scheduled(job).waiting)) == (None, 1)
    aws.pass_minutes(52)
    run = eventually(lambda: found if (found := run_of(job, told.run)) and found["state"] in ENDED else None)
    assert (run["state"], run["trigger"], run["key"], len(run["tasks"])) == ("SUCCEEDED", "schedule", "k", 1)
    assert run["requestedBy"] == waiting.requested_by
    assert scheduled(job).waiting == ()
    again = launch("report", environment={"SCOPE": "later"}, at=at, zone="Europe/Berlin", idempotency_key="k")
    assert (again.result["status"], again.run, len(again.task_arns)) == ("DUPLICATE", told.run, 1)


def test_the_command_says_the_time_twice_and_how_to_cancel(aws: Emulator) -> None:
    at = in_days(9)
    done = command("launch", "report", "--at", at, "--zone", "Europe/Berlin", "--count", "2")
    assert (done.code, done.err) == (0, "")
    run = re.search(r"\n  run   ([0-9a-f]{8})\n", done.out)
    assert run
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    first, second = (f"{it:%a %Y-%m-%d %H:%M}" for it in (moment, moment.astimezone(UTC)))
    assert done.out.splitlines()[:2] == [
        "Scheduled report",
        f"  at    {first} +0{2 if moment.dst() else 1}:00 (Europe/Berlin), {second} UTC",
    ]
    cancel = f"fargate-job schedules cancel report {run[1]}"
    assert done.out.endswith(f"  next  {cancel}\n")
    shown = command("schedules", "report").out
    assert f"    run   {run[1]}\n" in shown
    assert f"    next  {cancel}\n" in shown
    waits = command("runs", "show", "report", run[1])
    assert (waits.code, waits.out) == (125, "")
    assert waits.err == (
        f"error: run {run[1]} of report is not launched yet: it waits until {first} +0{2 if moment.dst() else 1}:00. "
        "fargate-job schedules report shows it.\n"
    )
    assert run[1] in completed(["schedules", "cancel", "report"], "")
    assert completed(["runs", "show", "report"], run[1]) == []
    assert command(*cancel.split()[1:]).out == f"Cancelled the launch of report, run {run[1]}\n"
    gone = command(*cancel.split()[1:])
    assert (gone.code, "has no waiting launch with id" in gone.err, "fargate-job schedules report" in gone.err) == (
        *(125, True),
        True,
    )
    aws.pass_minutes(60 * 24 * 10)
    with pytest.raises(NoSuchRun):
        named(find(Account(), "report"), run[1])


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("given", "seconds"), [("2h", 7200), ("90m", 5400), ("1d12h", 129600)])
def test_in_counts_from_now(given: str, seconds: int) -> None:
    before = datetime.now(UTC)
    answer = json.loads(command("launch", "report", "--in", given, "-o", "json").out)
    after = datetime.fromisoformat(answer["scheduledFor"]) - before
    assert seconds <= after.total_seconds() <= seconds + 60
    job = find(Account(), "report")
    cancel_launch(job, answer["run"])
    with pytest.raises(NoSuchSchedule, match=r"report has no waiting launch with id "):
        cancel_launch(job, answer["run"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--at 2030-01-01T03:00 --in 2h", "exclude each other"),
        ("--zone UTC", "--zone is the time zone of --at, which is missing"),
        ("--in 2x", "such as 90m, 2h or 1d12h"),
        ("--at 2030-01-01T03:00 --follow", "nothing to --follow or --wait for yet"),
        ("--in 2h -w", "nothing to --follow or --wait for yet"),
        ("--at 2030-01-01", "--at '2030-01-01': a time such as"),
        ("--at 2030-01-01T03:00 --zone Europe/Berln", "--zone 'Europe/Berln': the IANA name"),
        (
            "--at 2030-03-31T02:30 --zone Europe/Berlin",
            "--at '2030-03-31T02:30': this local time does not exist in the zone",
        ),
        ("--at 2030-01-01T03:00 --zone berlin", "did you mean Europe/Berlin?"),
        ("--at 2030-10-27T02:30 --zone Europe/Berlin", "add the offset that you mean, +02:00 or +01:00"),
    ],
)
def test_a_wrong_time_is_a_wrong_command_line(options: str, said: str) -> None:
    done = command("launch", "report", *options.split())
    assert (done.code, said in done.err.replace("\n", " ")) == (2, True), done.err


@pytest.mark.usefixtures("aws")
def test_what_the_launcher_refuses_is_told() -> None:
    with pytest.raises(Rejected, match="at: '2026-01-01T03:00': is in the past; leave it out to launch now"):
        launch("report", at="2026-01-01T03:00")
    with pytest.raises(Rejected, match=r"at: '.*': is more than 366 days ahead"):
        launch("report", at=datetime.now(UTC) + timedelta(days=367))
    with pytest.raises(Rejected, match=r"at, zone: not declared; the job's owner allows them with overrides\.at"):
        launch("plain", at=in_days(1))


@pytest.mark.usefixtures("aws")
def test_each_schedule_is_listed_with_its_next_times_in_its_zone() -> None:
    now = datetime(2027, 10, 29, 12, tzinfo=UTC)
    month_end, nightly, often = scheduled(find(Account(), "report"), now=now).schedules
    assert [it.isoformat() for it in nightly.next] == [
        "2027-10-30T02:30:00+02:00",
        # Of the two half past two, the first; and the clocks of winter from then on.
        "2027-10-31T02:30:00+02:00",
        "2027-11-01T02:30:00+01:00",
        "2027-11-02T02:30:00+01:00",
        "2027-11-03T02:30:00+01:00",
    ]
    assert (nightly.name, nightly.expression, nightly.zone, nightly.state) == (
        *("nightly", "cron(30 2 * * ? *)", "Europe/Berlin"),
        "enabled",
    )
    assert (month_end.state, month_end.next[0]) == ("disabled", datetime(2027, 10, 29, 20, tzinfo=UTC))
    assert often.expression == "rate(30 minutes)"
    # Every job of the account, with and without schedules.
    everything = listed()
    assert [(it["job"], it["schedule"]) for it in everything["schedules"]] == [
        ("report", "month-end"),
        ("report", "nightly"),
        ("report", "often"),
        ("report-old", "schedule"),
    ]
    assert [len(it["next"]) for it in everything["schedules"]] == [5, 5, 5, 5]
    assert listed("plain") == {"schedules": [], "waiting": []}
    assert command("schedules", "plain").out == "plain has no schedules\n"
    text = f"\n{command('schedules').out}"
    assert "\nreport\n  month-end  disabled\n    when  cron(0 20 LW * ? *), UTC\n  nightly  enabled\n" in text
    assert max(len(line) for line in text.splitlines()) <= 120


def fire(aws: Emulator) -> dict[str, Any]:
    """Half an hour passes: the run of `often` that is new then."""
    job = find(Account(), "report")
    before = {it["run"] for it in newest(job, 100)}
    aws.pass_minutes(31)

    def launched(it: dict[str, Any]) -> bool:
        return it.get("schedule") == "often" and it["run"] not in before and bool(it["tasks"] or it["state"] in ENDED)

    return eventually(lambda: next((it for it in newest(job, 100) if launched(it)), None))


def when(run: dict[str, Any]) -> datetime:
    """The time for which Scheduler sent the event of a run."""
    return datetime.fromisoformat(run["key"].rpartition("@")[2])


def test_a_paused_schedule_launches_nothing_until_it_is_resumed(aws: Emulator) -> None:
    job, before = find(Account(), "report"), datetime.now(UTC)
    first = fire(aws)
    assert (len(first["tasks"]), first["trigger"]) == (1, "schedule")
    assert when(first) - before >= timedelta(minutes=31)
    done = command("schedules", "pause", "report", "often")
    assert done.out.splitlines() == [
        "Paused often of report: it launches nothing until it is resumed",
        "  next  fargate-job schedules resume report often",
    ]
    again = command("schedules", "pause", "report", "often").out
    assert re.match(
        r"often of report was paused already, since \S+ \S+ \S+ UTC by \S+: it launches nothing until", again
    )
    skipped = fire(aws)
    by = Account().caller()
    assert by
    assert (skipped["state"], skipped["tasks"]) == ("SKIPPED", [])
    assert re.fullmatch(rf"its schedule often is paused since \S+Z, by {by}", skipped["skipped"])
    aws.pass_minutes(2)  # the supervisor looks
    assert eventually(lambda: (run_of(job, skipped["run"]) or {}).get("toldAt"))
    (often,) = [it for it in scheduled(job).schedules if it.name == "often"]
    assert often.state == "paused"
    assert often.paused
    assert (often.paused.by, often.last and (often.last.run, often.last.state)) == (by, (skipped["run"], "SKIPPED"))
    text = command("schedules", "report").out
    assert "  often  paused\n" in text
    assert "    next  fargate-job schedules resume report often\n" in text
    assert f"paused since {often.paused.since.isoformat(timespec='milliseconds')[:10]}" in text
    # A person, another schedule and a launch at a later time go on: a pause is of one schedule.
    assert launch("report").result["status"] == "LAUNCHED"
    assert (
        command("schedules", "resume", "report", "often").out
        == "Resumed often of report: it launches at its next time\n"
    )
    assert command("schedules", "resume", "report", "often").out == (
        "often of report was not paused: it launches at its next time\n"
    )
    # No command has a schedule launch that the program disables.
    then = "to have it launch, set its `enabled` to true there, and run pulumi up"
    disabled = f"The program disables month-end of report: {then}"
    assert command("schedules", "resume", "report", "month-end").out.splitlines() == [
        *("month-end of report was not paused: it launches nothing", disabled),
    ]
    assert command("schedules", "pause", "report", "month-end").out.splitlines()[1] == disabled
    assert "schedules resume report month-end" not in command("schedules", "report").out
    command("schedules", "resume", "report", "month-end")
    assert completed(["schedules", "pause", "report"], "") == ["month-end", "nightly", "often"]
    assert len(fire(aws)["tasks"]) == 1
    pause_schedule(job, "nightly")
    for change in (pause_schedule, resume_schedule):
        with pytest.raises(NoSuchSchedule, match=r"report has no schedule 'nightl'. Did you mean nightly\?"):
            change(job, "nightl")
    assert command("schedules", "resume", "report", "zz").err == (
        "error: report has no schedule 'zz'. Its schedules: month-end, nightly, often.\n"
    )
    assert json.loads(command("schedules", "resume", "report", "nightly", "-o", "json").out) == {
        "job": "report",
        "schedule": "nightly",
        "paused": False,
    }


@pytest.mark.usefixtures("aws")
def test_the_commands_of_the_page_work() -> None:
    later = f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%d}"
    for name in ("the list", "pausing", "later"):
        for line in block("schedules", name).splitlines():
            # The page's own date comes near one day.
            wanted = line.replace("2027-07-01", later)
            done = command(*shlex.split(wanted)[1:])
            assert (done.code, done.err) == (0, ""), line
    exec(block("schedules", "from Python").replace("2027-07-01", later), {})
    command("schedules", "resume", "report", "often")
    for it in scheduled(find(Account(), "report")).waiting:
        cancel_launch(find(Account(), "report"), it.run)


@pytest.mark.usefixtures("aws")
def test_a_listing_that_is_denied_names_the_missing_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    account = Account()
    job = find(account, "report")

    class Denied:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            said = (
                "User: arn:aws:sts::123456789012:assumed-role/o/ada is not authorized to perform: "
                "scheduler:ListSchedules on resource: arn:aws:scheduler:eu-west-1:123456789012:schedule/*/* because no"
            )
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": said}}
            raise ClientError(error, "ListSchedules")

    clients = {"scheduler": Denied(), "dynamodb": account.client("dynamodb")}
    monkeypatch.setattr(account, "client", clients.__getitem__)
    with pytest.raises(AccessDenied, match=r'lacks {"Effect": "Allow", "Action": "scheduler:ListSchedules"'):
        scheduled(job)
