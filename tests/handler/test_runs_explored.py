"""Everything that can happen to a run in a small world, one thing after another and one in the middle of another.

Kills, repeats, other orders, lost answers, forgetting: nothing is lost, made twice or told twice in any of it.

STATES says how many states of each world are visited; STATES=1000000 visits all there are. The number is printed.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from fargate_job_launcher.handler.settings import Settings
from world import STEPS, Budget, State, finish, finished_problems, job, problems, successors

MOST: Final = int(os.environ.get("STATES", "600"))
"""How many states of each world are visited."""


@dataclass(frozen=True)
class Small:
    """A small world: what may go wrong, what each event requests, and which events come."""

    left: Budget
    of: Settings
    event: dict[str, Any] = field(default_factory=dict[str, Any])
    keys: tuple[str, ...] = ("first",)


FORGETFUL: Final = STEPS
AWAKE: Final = (150.0, 1000.0)
"""Steps of a clock at which the supervisor is awake: it looks before ECS forgets."""

WORLDS: Final = {
    "a launch, a retry, a kill, ECS forgets": Small(Budget(1, 0, 0, 0, 2, 0, 0, FORGETFUL), job(retries=1)),
    "two kills": Small(Budget(2, 0, 0, 0, 2, 0, 0, FORGETFUL), job(retries=1)),
    "a repeat, a lost event, no capacity": Small(Budget(0, 1, 1, 1, 2, 0, 0, AWAKE), job(retries=1)),
    "a kill, a repeat, one in the middle of another": Small(Budget(1, 1, 0, 0, 2, 1, 0, FORGETFUL), job(retries=1)),
    "two tasks, a kill, one in the middle of another": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, FORGETFUL), job(retries=1), {"count": 2}
    ),
    "two tasks, no capacity, a repeat": Small(Budget(0, 1, 0, 2, 1, 1, 0, FORGETFUL), job(retries=1), {"count": 2}),
    "two launches, one may run": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, FORGETFUL), job(maxRunning=1), keys=("first", "second")
    ),
    "two launches, the second is skipped": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, FORGETFUL), job(maxRunning=1, overlap="skip"), keys=("first", "second")
    ),
    "a launch that is stopped, a retry": Small(Budget(0, 0, 0, 0, 1, 1, 1, FORGETFUL), job(retries=1)),
    "a launch that is stopped, a retry, a kill": Small(Budget(1, 0, 0, 0, 2, 0, 1, FORGETFUL), job(retries=1)),
    "two tasks that are stopped, no capacity, a repeat": Small(
        Budget(0, 1, 0, 1, 1, 1, 1, FORGETFUL), job(retries=1), {"count": 2}
    ),
    "two launches, one may run, one is stopped": Small(
        Budget(0, 0, 1, 0, 2, 1, 1, AWAKE), job(maxRunning=1), keys=("first", "second")
    ),
    "an array, one at once, a kill, a change": Small(
        Budget(1, 0, 0, 0, 2, 0, 1, AWAKE), job(retries=1), {"array": {"size": 3, "parallelism": 1}}
    ),
    "an array, two at once, a kill in the middle of another": Small(
        Budget(1, 1, 0, 0, 2, 1, 0, FORGETFUL), job(retries=1), {"array": {"size": 3, "parallelism": 2}}
    ),
    "an array, no capacity, lost events, two changes": Small(
        Budget(0, 0, 1, 2, 3, 0, 2, AWAKE), job(), {"array": {"size": 2, "parallelism": 1, "maxFailed": 0}}
    ),
    "two arrays, two tasks may run": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, AWAKE),
        job(maxRunning=2),
        {"array": {"size": 2, "parallelism": 2}},
        keys=("first", "second"),
    ),
    "two arrays, the second replaces": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, AWAKE),
        job(maxRunning=1, overlap="replace"),
        {"array": {"size": 2, "parallelism": 1}},
        keys=("first", "second"),
    ),
    "two launches, the second replaces": Small(
        Budget(1, 0, 0, 0, 2, 1, 0, FORGETFUL),
        job(maxRunning=1, overlap="replace", retries=1),
        keys=("first", "second"),
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_in_every_order_of_everything_that_can_go_wrong_nothing_is_lost_or_made_twice(name: str) -> None:
    world = WORLDS[name]
    start = State(left=world.left, deliveries=list(world.keys))
    came: dict[str, tuple[str, Any]] = {start.key(): ("", None)}
    queue = deque([start])
    while queue and len(came) < MOST:
        state = queue.popleft()
        before = state.key()
        for what, after in successors(state, world.of, world.event):
            key = after.key()
            if key in came:
                continue
            came[key] = (before, what)
            wrong = problems(after, world.of, world.event)
            wrong = wrong or finished_problems(finish(after, world.of, world.event), world.of, world.event)
            assert not wrong, f"{wrong} after {_way(came, key)}"
            queue.append(after)
    print(f"\n{name}: {len(came)} states, {'more are left' if queue else 'all there are'}")


def _way(came: dict[str, tuple[str, Any]], key: str) -> list[Any]:
    """The steps that led to a state."""
    steps = list[Any]()
    while key:
        key, what = came[key]
        steps.append(what)
    return steps[-2::-1]
