"""Changes of a run that an operator asks for: of an array its parallelism, a pause, going on; of any run an end."""

from __future__ import annotations

from typing import Any, Final, cast

from . import arrays
from . import run as runs
from .instruction import ACTIONS
from .records import Gone
from .result import LaunchResult
from .run import Item
from .waves import Waves

LONGEST_NAME: Final = 256
"""Characters of the name of who asks."""


class Refused(Exception):
    """The change is not possible; the message says why, and what to do."""


def change(launcher: Waves, run_id: str, asked: dict[str, Any]) -> LaunchResult | None:
    """Change an array that runs, or resume one that has ended, and launch what that admits; None if that is nothing.
    `stop` ends any run: nothing more of it is launched, and the supervisor stops its tasks.

    `asked` has `parallelism`, or `pause`, `resume` or `stop` as true, and `requestedBy` if it is known. Raises Refused,
    or NotRecorded.
    """
    action, parallelism, by = _checked(asked, launcher.settings.overrides.array_parallelism)
    run = launcher.records.read(launcher.family, run_id)
    if run is None:
        raise Refused(f"run: {run_id} is no run of {launcher.settings.job} that is kept")
    if "array" not in run and action != "stop":
        raise Refused(f"run: {run_id} has no array; of such a run only `stop` is a change")
    now = launcher.records.clock()

    def apply(it: Item) -> None:
        if action == "resume":
            _resume(it, launcher, now)
            return
        if it["state"] in runs.ENDED:
            rest = "; `resume` launches what did not succeed" if "array" in it and it["state"] != "SUCCEEDED" else ""
            raise Refused(f"run: {run_id} is {it['state']}, and nothing of it runs any more{rest}")
        if "stopping" in it:
            rest = "; `resume` launches the rest when it has ended" if "array" in it else ""
            raise Refused(f"run: {run_id} is being stopped{rest}")
        if action == "pause":
            it["array"].setdefault("paused", {"at": runs.at(now), **({"by": by} if by else {})})
        elif action == "stop":
            it.setdefault("stopping", {"reason": f"stopped by {by}" if by else "stopped"})
            it.get("array", {}).pop("paused", None)
            # The outcome of a call that is under way is recorded first; an array records it for each index.
            it["launch"]["closed"] = "array" in it or not it["launch"]["open"]
            runs.stop_retries(it)
        else:
            it["array"]["parallelism"] = parallelism

    try:
        launcher.records.change(run, apply)
    except Gone:
        raise Refused(f"run: {run_id} is not kept any more") from None
    return launcher.next(run_id) if action in ("resume", "parallelism") else None


def _checked(asked: dict[str, Any], most: int) -> tuple[str, int, str]:
    """What is requested: an action or `parallelism`, the parallelism, and by whom. Raises Refused."""
    by: Any = asked.get("requestedBy", "")
    if not isinstance(by, str) or len(by) > LONGEST_NAME or not by.isprintable():
        raise Refused(f"requestedBy: a text of at most {LONGEST_NAME} printable characters is expected")
    given = [key for key in asked if key not in ("run", "requestedBy")]
    if len(given) != 1 or given[0] not in ("parallelism", *ACTIONS):
        raise Refused(f"one of parallelism, {', '.join(ACTIONS)} is expected, besides run and requestedBy")
    (what,) = given
    if what != "parallelism":
        if asked[what] is not True:
            raise Refused(f"{what}: true is expected")
        return what, 0, by
    if type(asked[what]) is not int or not 1 <= asked[what] <= most:
        raise Refused(f"parallelism: a whole number from 1 to {most} is expected (overrides.array.max_parallelism)")
    return what, cast("int", asked[what]), by


def _resume(run: Item, launcher: Waves, now: float) -> None:
    array = run["array"]
    if run["state"] not in runs.ENDED:
        if "stopping" in run:
            raise Refused(f"run: {run['run']} is being stopped; resume it when it has ended")
        if "paused" not in array:
            raise Refused(f"run: {run['run']} runs, and is not paused; resume it when it has ended")
        del array["paused"]
        return
    if not arrays.resume(run):
        raise Refused(f"run: every index of {run['run']} succeeded: there is nothing to resume")
    runs.reopen(run)
    run["launch"]["closed"] = True
    run["resumedAt"] = runs.at(now)
    # It goes on as the job is now.
    run |= launcher.of_job()
    hourly = launcher.hourly(run)
    if hourly is not None:
        run["usdPerHour"] = hourly
