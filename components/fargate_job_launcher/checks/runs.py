"""Problems with what is kept of a job's runs and what follows from them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher import iam

from .choices import OVERLAPS
from .kinds import boundary_problems, outside, role_path_problems, topic_problems
from .shapes import repeated

MOST_CLUSTERS: Final = 10
KEPT_DAYS: Final = (1, 3650)
"""The fewest and the most days for which a run is kept after its end."""
OF_ONE: Final = ("table_arn", "supervisor_role_arn", "notice_topic_arn")
"""Outputs of one JobRuns, which are of use only together."""


def run_problems(given: Mapping[str, Any]) -> list[str]:
    """Problems with `runs`, `overlap` and `result`."""
    return [
        *_table_problems(given.get("runs", {})),
        *_group_problems(given),
        *_overlap_problems(given),
        *_result_problems(given),
    ]


def control_plane_problems(given: Mapping[str, Any]) -> tuple[iam.Place | None, list[str]]:
    """Where the clusters of a JobRuns are, if that is known, and problems with them, its topics and its role."""
    clusters, place, problems = given.get("cluster_arns"), None, list[str]()
    if clusters is not None:
        problems += outside("cluster_arns", len(clusters), 1, MOST_CLUSTERS)
        problems += [f"cluster_arns: {it!r} is named twice; once is enough" for it in repeated(clusters)]
    for number, arn in enumerate(clusters or []):
        if not isinstance(arn, str):
            continue
        try:
            there = iam.Place.of(arn)
        except ValueError as error:
            problems.append(str(error).replace("cluster_arn", f"cluster_arns[{number}]", 1))
            continue
        place = place or there
        if there != place:
            problems.append(
                f"cluster_arns[{number}]: {arn!r} is not in {place.region} of account {place.account}, as the first "
                "one is; give a JobRuns to each region and account"
            )
    problems += topic_problems("topic_arn", given.get("topic_arn"))
    problems += topic_problems("alarms.topic_arn", given.get("alarms", {}).get("topic_arn"))
    return place, [*problems, *role_path_problems(given), *boundary_problems(given)]


def _table_problems(runs: Mapping[str, Any]) -> list[str]:
    problems = outside("runs.keep_days", runs.get("keep_days", 1), *KEPT_DAYS)
    problems += topic_problems("runs.notice_topic_arn", runs.get("notice_topic_arn"))
    missing = [it for it in OF_ONE if it not in runs]
    if missing and len(missing) < len(OF_ONE):
        problems.append(
            f"runs: {', '.join(missing)} missing; give {', '.join(OF_ONE)} of one JobRuns (its `shared`), or none of "
            "them for a table of its own"
        )
    if "kms_key_arn" in runs and "table_arn" not in runs:
        problems.append(
            "runs.kms_key_arn: is the key of the table in runs.table_arn, which is missing; a table made here has the "
            "job's kms_key_arn"
        )
    return problems


def _group_problems(given: Mapping[str, Any]) -> list[str]:
    """Schedules are in the group of the JobRuns whose table the launcher uses."""
    runs = given.get("runs", {})
    if "schedule_group_arn" in runs and "table_arn" not in runs:
        return [
            "runs.schedule_group_arn: is of the JobRuns whose table is in runs.table_arn, which is missing; a JobRuns "
            "made here has a schedule group of its own"
        ]
    asked = [it for it in ("schedule", "schedules") if given.get(it)]
    asked += ["overrides.at"] if given.get("overrides", {}).get("at") else []
    if not asked or "table_arn" not in runs or "schedule_group_arn" in runs:
        return []
    return [
        f"runs.schedule_group_arn: is missing, and {asked[0]} needs it; give the output of that name of the JobRuns "
        "whose table this is (its `shared` has it). If that is in another stack, deploy it with this version first"
    ]


def _overlap_problems(given: Mapping[str, Any]) -> list[str]:
    overlap = given.get("overlap")
    if overlap is None:
        return []
    if overlap not in OVERLAPS:
        return [f"overlap: {overlap!r} is unknown; allowed: {', '.join(OVERLAPS)}"]
    if overlap == "allow" and "max_running" in given:
        return [f"overlap: allow knows no limit, but max_running is {given['max_running']}; leave one of them out"]
    if overlap != "allow" and "max_running" not in given:
        return [f"overlap: {overlap} needs a limit; set max_running: 1 for one task at a time"]
    return []


def _result_problems(given: Mapping[str, Any]) -> list[str]:
    if not given.get("result"):
        return []
    overrides = given.get("overrides", {})
    problems, largest = list[str](), overrides.get("max_count", 1)
    if "payload_bucket" not in given:
        problems.append("result: needs payload_bucket, in which a task leaves it")
    if largest != 1:
        problems.append(f"result: is that of one task, but overrides.max_count is {largest}; leave that out")
    return problems
