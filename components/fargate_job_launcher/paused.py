"""Says at a deployment which schedules of a launcher are paused.

A person pauses a schedule with the command, which writes that into the table of runs: no deployment changes it, and a
deployment that says nothing of it would look as if the schedule ran. Nothing here changes or stops anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.settings import SCHEDULES

from .compact import compact
from .roles import Runs

LOOKUP: Final = "aws:dynamodb/getTableItem:getTableItem"
_NO_ITEM: Final = ("empty result", "couldn't find resource")
"""Words of the data source's error for an item that is not there: nothing is paused.

https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/dynamodb/table_item_data_source.go
"""


def warn_about_paused(
    name: str, runs: Runs, schedules: Mapping[str, aws.scheduler.Schedule], *, parent: pulumi.Resource
) -> pulumi.Output[None]:
    """A warning for each of these schedules that is paused. The preview of a first deployment does not know the table
    yet, and asks nothing. The output is known when all of it is said."""

    async def look(table_arn: str) -> None:
        paused = await _paused(table_arn.rpartition("/")[2], runs.family, parent)
        for schedule in schedules.keys() & paused.keys():
            pulumi.log.warn(_said(name, schedule, paused[schedule]), schedules[schedule])

    return runs.table_arn.apply(look)


async def _paused(table: str, family: str, parent: pulumi.Resource) -> dict[str, Any]:
    """Each paused schedule of the job: when it was paused, and by whom. None if the table cannot be read: that is said,
    and a deployment does not fail for it."""
    key = compact({"pk": {"S": family}, "sk": {"S": SCHEDULES}})
    try:
        found = await pulumi.runtime.invoke_async(
            LOOKUP, {"tableName": table, "key": key}, pulumi.InvokeOptions(parent=parent)
        )
        item: Any = json.loads((found or {}).get("item") or "{}")
        return {name: it.get("M", {}) for name, it in item.get("paused", {}).get("M", {}).items()}
    except Exception as error:  # noqa: BLE001 - whatever it is, the deployment goes on
        if not any(it in str(error).lower() for it in _NO_ITEM):
            said = str(error).strip().partition("\n")[0]
            pulumi.log.info(f"Whether schedules are paused is not known: table {table} cannot be read: {said}", parent)
        return {}


def _said(job: str, schedule: str, paused: Mapping[str, Any]) -> str:
    at, by = (cast("str", paused.get(it, {}).get("S", "")) for it in ("at", "by"))
    since = f" since {at}" if at else ""
    who = f" (by {by})" if by else ""
    return (
        f"Schedule {schedule!r} of the job {job} is paused{since}{who}, and this deployment leaves it so: it launches "
        f"nothing until `fargate-job schedules resume {job} {schedule}`"
    )
