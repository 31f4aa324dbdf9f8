"""What a launcher must never be allowed with runs: those of other jobs, and notices and events about its own."""

from __future__ import annotations

from collections.abc import Iterator

from fargate_job_launcher.handler.settings import DUE_INDEX, HISTORY_INDEX, RUN_EVENTS_SOURCE

from ..aws.authorization import Call
from .calls import Attack, arns_of, event_call, family_of, granted_resources, item_call, job_log, runs_table
from .facts import Facts


def on_runs(facts: Facts) -> Iterator[Attack]:
    """The table of runs, which it shares with other jobs."""
    table, own = runs_table(facts), family_of(facts)
    other = f"{own}-2"
    for action, what in {"GetItem": "read", "PutItem": "write"}.items():
        yield Attack(f"{what} another job's run", item_call(action, table, "another"))
        yield Attack(f"{what} the run of a job whose name begins the same", item_call(action, table, other))
        yield Attack(f"{what} its own run and another job's", item_call(action, table, own, other))
        yield Attack(f"{what} a run without naming a job", item_call(action, table))
        yield Attack(f"{what} a run in another table", item_call(action, f"{table}-2", own))
    for action in ("Scan", "PartiQLSelect", "ExportTableToPointInTime", "DeleteTable", "UpdateTimeToLive"):
        yield Attack(f"reach every job's runs ({action})", item_call(action, table))
    for action in ("Query", "UpdateItem", "DeleteItem", "BatchGetItem", "BatchWriteItem", "ConditionCheckItem"):
        yield Attack(f"reach its runs in another way ({action})", item_call(action, table, own))
    yield Attack("see what is due", item_call("Query", f"{table}/index/{DUE_INDEX}", "due"))
    yield Attack("read its history", item_call("Query", f"{table}/index/{HISTORY_INDEX}", own))
    yield Attack("open the table to others", Call("dynamodb:PutResourcePolicy", table))


def on_telling(facts: Facts) -> Iterator[Attack]:
    """Events, notices, the lines of tasks, and executions that wait for an answer."""
    place, settings = arns_of(facts), facts.settings
    yield Attack("announce as AWS", event_call(facts, "aws.ecs"))
    yield Attack("announce as a source that begins the same", event_call(facts, f"{RUN_EVENTS_SOURCE}-2"))
    yield Attack("announce without a source", event_call(facts, ""))
    yield Attack("announce on another bus", event_call(facts, bus="another"))
    topic = settings.notice_topic or place("sns", "notices")
    yield Attack("publish to another topic", Call("sns:Publish", f"{topic}-2"))
    yield Attack("subscribe to its topic", Call("sns:Subscribe", topic))
    if not settings.notice_topic:
        yield Attack("publish a notice", Call("sns:Publish", topic))
    job = job_log(facts)
    yield Attack("read the log of a sibling", Call("logs:GetLogEvents", f"{job}-2:log-stream:s"))
    yield Attack("search the job's log", Call("logs:FilterLogEvents", job))
    if not settings.log_lines:
        yield Attack("read the job's log", Call("logs:GetLogEvents", f"{job}:log-stream:s"))
    machine = next(iter(granted_resources(facts.launcher, "states:SendTaskSuccess")), place("states", "stateMachine:m"))
    yield Attack("answer another state machine", Call("states:SendTaskSuccess", f"{machine}-2"))
    yield Attack("keep an execution waiting", Call("states:SendTaskHeartbeat", machine))
    yield Attack("start an execution", Call("states:StartExecution", machine))
    if not settings.callbacks:
        yield Attack("answer an execution", Call("states:SendTaskSuccess", machine))
    elsewhere = {"ecs:cluster": f"{facts.cluster_arn}-2"}
    yield Attack("list the tasks of another cluster", Call("ecs:ListTasks", "*", elsewhere))
    yield Attack("list the tasks of no cluster in particular", Call("ecs:ListTasks", "*"))
