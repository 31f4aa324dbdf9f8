"""What a launcher must never be allowed with EventBridge Scheduler, and what its schedules must never be allowed."""

from __future__ import annotations

from collections.abc import Iterator

from ..aws.authorization import SCHEDULER_SERVICE, Call
from .calls import (
    Attack,
    account_of,
    arns_of,
    family_of,
    item_call,
    launch_calls,
    pass_role_call,
    runs_table,
    schedule_call,
    schedule_group,
)
from .facts import Facts


def on_schedules(facts: Facts) -> Iterator[Attack]:
    """Other schedules than its own, and other roles than theirs."""
    later, group = facts.settings.scheduling, schedule_group(facts)
    own = "job.0123456789." if later is None else later.prefix
    for name, (schedule, elsewhere) in {
        "a schedule of another job": ("another.0123456789.0123", ""),
        "a schedule whose name begins nearly like its own": (f"{own[:-1]}0", ""),
        "a schedule of its arguments": (f"{own.partition('.')[0]}-schedule-0123abc", ""),
        "a schedule in the default group": (f"{own}0123", "default"),
        "a schedule in a group whose name begins the same": (f"{own}0123", f"{group}-2"),
    }.items():
        for action in ("CreateSchedule", "DeleteSchedule", "GetSchedule"):
            yield Attack(f"reach {name} ({action})", schedule_call(facts, action, schedule, elsewhere))
    yield Attack("change a schedule of its own", schedule_call(facts, "UpdateSchedule", f"{own}0123"))
    group_arn = arns_of(facts)("scheduler", f"schedule-group/{group}")
    for action in ("CreateScheduleGroup", "DeleteScheduleGroup", "TagResource"):
        yield Attack(f"reach the schedule group ({action})", Call(f"scheduler:{action}", group_arn))
    if later is None:
        yield Attack("schedule a launch", schedule_call(facts, "CreateSchedule", f"{own}0123"))
    yield from _passing(facts)


def _passing(facts: Facts) -> Iterator[Attack]:
    base = f"arn:{facts.cluster_arn.split(':')[1]}:iam::{account_of(facts)}:role"
    for name, arn in {
        "the execution role": facts.execution.arn,
        "the task role": facts.task.arn,
        "its own role": facts.launcher.arn,
    }.items():
        yield Attack(f"hand {name} to Scheduler", pass_role_call(arn, SCHEDULER_SERVICE))
    administrator = pass_role_call(f"{base}/Administrator", SCHEDULER_SERVICE)
    yield Attack("hand an administrator's role to Scheduler", administrator)
    yield Attack(
        "hand an administrator's role to Scheduler, after somebody allowed everything", administrator, broad=True
    )
    later = facts.settings.scheduling
    schedule = f"{base}/schedule" if later is None else later.role
    yield Attack("hand the role of schedules to ECS", pass_role_call(schedule))
    yield Attack("hand the role of schedules to Lambda", pass_role_call(schedule, "lambda.amazonaws.com"))
    yield Attack("hand the role of schedules to nobody in particular", Call("iam:PassRole", schedule))
    yield Attack(
        "hand a role to Scheduler whose name begins the same", pass_role_call(f"{schedule}-2", SCHEDULER_SERVICE)
    )
    if later is None:
        yield Attack("hand the role of schedules to Scheduler", pass_role_call(schedule, SCHEDULER_SERVICE))


def schedule_attacks(facts: Facts) -> list[Attack]:
    """What a schedule must not reach with its role; none without such a role."""
    later = facts.settings.scheduling
    if later is None or facts.schedule is None:
        return []
    place, function, queue = arns_of(facts), facts.function["FunctionArn"], later.dead_letters
    return [
        *(Attack(f"launch the job itself ({it.action} on {it.resource})", it) for it in launch_calls(facts)),
        Attack("invoke the launcher past its alias", Call("lambda:InvokeFunction", function)),
        Attack("invoke another function", Call("lambda:InvokeFunction", place("lambda", "function:another:async"))),
        Attack("send a message to another queue", Call("sqs:SendMessage", f"{queue}-2")),
        Attack("take the dead letters", Call("sqs:ReceiveMessage", queue)),
        Attack("make a schedule", schedule_call(facts, "CreateSchedule", f"{later.prefix}0123")),
        Attack("hand itself to Scheduler", pass_role_call(facts.schedule.arn, SCHEDULER_SERVICE)),
        Attack("read a run", item_call("GetItem", runs_table(facts), family_of(facts))),
    ]
