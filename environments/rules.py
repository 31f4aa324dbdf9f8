"""Checks that the types of a config cannot express. The checks of a component are called, never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from fargate_job_launcher.arguments import examine
from fargate_job_launcher.checks.kinds import outside
from fargate_job_launcher.checks.plain_secrets import secret_text
from fargate_job_launcher.checks.runs import KEPT_DAYS
from fargate_job_launcher.checks.shapes import repeated
from fargate_job_launcher.checks.tags import LAUNCHER_TAGS, tag_problems
from fargate_job_launcher.cluster import examine_cluster
from fargate_job_launcher.endpoints import TO_START_A_TASK
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.partitions import partition_of
from fargate_job_launcher.iam import Place, is_key_arn, is_topic_arn
from fargate_job_launcher.network import examine_network
from fargate_job_launcher.payload import examine_bucket
from fargate_job_launcher.reach import INTERNET, Reached, reached
from fargate_job_launcher.runs import examine_runs
from pulumi.output import Unknown

from .fields import camel
from .model import OWN_TAGS, WHOLE_PARTS, merged, with_secrets

_PLACE: Final[dict[str, Any]] = {
    "cluster_arn": Unknown(),
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
}
"""Placeholders for the arguments that the program sets, while the rest is examined."""


def _place(config: Mapping[str, Any]) -> Place:
    """Where the jobs of a config will run; the account is empty if several are allowed."""
    cluster, region = config.get("cluster", {}).get("cluster_arn"), config.get("region", "eu-west-1")
    accounts = config.get("allowed_account_ids", [])
    try:
        return Place.of(cluster)
    except (TypeError, ValueError):
        return Place(partition_of(region).name, region, accounts[0] if len(accounts) == 1 else "")


def problems(config: Mapping[str, Any], broken: Mapping[str, Any], *, secret: set[str]) -> Iterator[str]:
    """Every problem of a config in a component's spelling, without its values of the wrong type.

    `broken` names those: path → the reason; no rule reports them again. `secret` are the keys that came encrypted.
    """
    for path, (_, rules) in (
        ("network", examine_network(config.get("network", {}))),
        ("cluster", examine_cluster(config.get("cluster", {}))),
        ("payloads", examine_bucket(config.get("payloads") or {})),
        ("runs", _examine_runs(config)),
    ):
        yield from (f"{path}.{camel(it)}" for it in rules)
    yield from _account_problems(config, broken)
    if config.get("alarms") == {} and not any(it.startswith("alarms.") for it in broken):
        yield "alarms: notify nobody; name emails, or a topicArn"
    yield from _retiring_problems(config)
    yield from _elsewhere_problems(config)
    yield from _tag_problems(config)
    yield from _secret_problems(config, secret=secret)
    yield from _job_problems(config, broken)
    yield from _way_out_problems(config)


def _examine_runs(config: Mapping[str, Any]) -> tuple[Any, list[str]]:
    runs = {**config.get("runs", {})}
    days = outside("keep_days", runs.pop("keep_days", 1), *KEPT_DAYS)
    return runs, [*days, *examine_runs(cast("Any", {**runs, "cluster_arns": [Unknown()]}))[1]]


def _account_problems(config: Mapping[str, Any], broken: Mapping[str, Any]) -> Iterator[str]:
    region, accounts = config.get("region", "eu-west-1"), config.get("allowed_account_ids", [])
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", region):
        yield f"aws:region: {region!r} is not a region such as eu-west-1"
    for it in accounts:
        if not re.fullmatch(r"\d{12}", it):
            yield f"aws:allowedAccountIds: {it!r} is not an account id; write twelve digits, in quotes"
    reported = any(path.startswith("aws:allowedAccountIds") for path in broken)
    if config.get("protect") and not accounts and not reported:
        yield (
            "aws:allowedAccountIds: is missing, but protect is true; name the account of a protected environment, so "
            "that it cannot be deployed into another"
        )
    disabled = "pulumi:disable-default-providers"
    if disabled not in broken and "aws" not in config.get("disabled_default_providers", ["aws"]):
        yield f"{disabled}: has to name aws: every resource is created with the environment's own provider"


def _retiring_problems(config: Mapping[str, Any]) -> Iterator[str]:
    retiring = config.get("retiring", [])
    yield from (f"retiring: {it!r} is named twice; once is enough" for it in repeated(retiring))
    if retiring and not config.get("protect"):
        yield "retiring: requires protect: true; without it nothing is protected, and a removed part is deleted at once"
    known = [*(f"jobs.{it}" for it in config.get("jobs", {})), *(f"secrets.{it}" for it in config.get("secrets", []))]
    known += WHOLE_PARTS
    for it in dict.fromkeys(retiring):
        if it not in known:
            yield (
                f"retiring: {it!r} is not a part of this stack; known: {', '.join(known)}. When you remove a part, "
                "remove its name here too"
            )


def _elsewhere_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Existing resources have to be of the right kind, and in the region of the stack."""
    key = config.get("kms_key")
    if key is not None and key != "new" and not is_key_arn(key):
        yield f"kmsKey: {key!r} is neither new nor the ARN of a key (not of an alias)"
    alarms = config.get("alarms")
    topic = (alarms or {}).get("topic_arn")
    if topic is not None and not is_topic_arn(topic):
        yield f"alarms.topicArn: {topic!r} is not the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:NAME"
    region = config.get("region")
    for path, arn in (
        ("kmsKey", key),
        ("cluster.clusterArn", config.get("cluster", {}).get("cluster_arn")),
        ("alarms.topicArn", topic),
    ):
        parts = str(arn).split(":")
        if region is not None and len(parts) > 5 and parts[3] != region:
            yield f"{path}: {arn!r} is in {parts[3]}, but aws:region is {region}; name one in the same region"
    if alarms is None:
        return
    emails = alarms.get("emails", [])
    for it in emails:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", it):
            yield f"alarms.emails: {it!r} is not an email address"
    yield from (f"alarms.emails: {it!r} is named twice; once is enough" for it in repeated(emails))
    if emails and topic is not None:
        yield "alarms.emails: need a new topic, but topicArn names an existing one; subscribe them to that one instead"


def _tag_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """The tags of all resources, and those that a job adds."""
    room, stack = fargate.TAGS - len(OWN_TAGS) - LAUNCHER_TAGS, config.get("tags", {})
    yield from tag_problems(stack, most=room)
    places = {"": config, **{f"jobs.{name}.": job for name, job in config.get("jobs", {}).items()}}
    for path, holder in places.items():
        tags = holder.get("tags", {})
        yield from (
            f"{path}tags.{key}: is the program's own tag; choose another key" for key in OWN_TAGS if key in tags
        )
        if path and len(stack) <= room < len({**stack, **tags}):
            yield f"{path}tags: {len({**stack, **tags})} tags with the stack's; at most {room} are possible"


def _secret_problems(config: Mapping[str, Any], *, secret: set[str]) -> Iterator[str]:
    kept = config.get("secrets", [])
    for name in kept:
        if not re.fullmatch(r"[A-Za-z0-9][\w+=.@-]{0,200}", name):
            yield f"secrets: {name!r} is not the name of a secret; use letters, digits and _ + = . @ -"
    yield from (f"secrets: {it!r} is named twice; each is one secret" for it in repeated(kept))
    values = config.get("secret_values", {})
    if values and "secretValues" not in secret:
        yield (
            "secretValues: is plain text (not shown); encrypt each: "
            "pulumi config set --secret --path 'secretValues.NAME', and change the values that were shown here"
        )
    for name in values.keys() - set(kept):
        yield f"secretValues.{name}: is not a secret of this stack; name it under secrets"
    # The component judges the arguments of a container.
    yield from (
        _spelt(f"{path}: {looks} (not shown); it belongs in Secrets Manager")
        for path, text in _texts("", config)
        if not path.startswith("secret_values.") and not _JUDGED.search(path) and (looks := secret_text(text))
    )


_JUDGED: Final = re.compile(
    r"^(defaults|jobs\..+?)(\.sidecars\[\d+\])?\."
    r"(environment\.|command\[|entry_point\[|health_check\.command\[|schedule\.event$|schedules\.[^.]+\.event$)"
)


def _job_problems(config: Mapping[str, Any], broken: Mapping[str, Any]) -> Iterator[str]:
    defaults, jobs, said = config.get("defaults", {}), config.get("jobs", {}), set[str]()
    if not jobs and not any(it.partition(".")[0] == "jobs" for it in broken):
        yield "jobs: is empty; name at least one job"
    place = _place(config)
    # An ARN as the stack's own secrets will have it, which no check refuses.
    arn = f"arn:{place.partition}:secretsmanager:{place.region}:{place.account or '0' * 12}:secret:kept-AbCdEf"
    kept = dict.fromkeys(config.get("secrets", []), arn)
    for name, job in jobs.items():
        args = with_secrets({**_PLACE, **merged(defaults, job)}, kept)
        if args.get("result") and config.get("payloads") is not None:
            args["payload_bucket"] = Unknown()
        for problem in examine(name, cast("Any", args), place=place)[1]:
            field = problem.partition(":")[0].partition(".")[0]
            at = "defaults" if _by_default(problem.partition(":")[0], defaults, job) else f"jobs.{name}"
            path = f"{at}.{problem}"
            if "secrets." in problem.partition(":")[0] and "is not an ARN" in problem:
                path = (
                    f"{path.partition(': ')[0]}: is neither a secret of this stack nor an ARN (not shown, it may be a "
                    "secret); name one of those under secrets, and put the value into Secrets Manager"
                )
            if path.endswith("result: needs payload_bucket, in which a task leaves it"):
                path = f"{at}.result: needs a bucket in which a task leaves it; add the section payloads"
            if field == "name":
                path = f"jobs.{name}: {problem.partition(': ')[2]}"
            if path not in said:
                said.add(path)
                yield _spelt(path)


def _by_default(path: str, defaults: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether the value at a path of a merged job comes from the defaults."""
    field, _, rest = path.partition(".")
    field = field.partition("[")[0]
    if field not in defaults or field not in job:
        return field in defaults
    both = (defaults[field], job[field])
    inner = rest.partition(".")[0]
    return all(isinstance(it, dict) for it in both) and inner in both[0] and inner not in both[1]


def _way_out_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """For a network that reaches AWS through endpoints only: what jobs need and its endpoints do not reach."""
    network, region = config.get("network", {}), config.get("region", "")
    if network.get("nat_gateways") != "none" or network.get("subnets", "private") != "private":
        return
    endpoints, said = set(network.get("endpoints", [])), set[str]()
    kept = dict.fromkeys(config.get("secrets", []), f"arn:aws:secretsmanager:{region}:123456789012:secret:s")
    for name, job in config.get("jobs", {}).items():
        for it in reached(with_secrets(merged(config.get("defaults", {}), job), kept)):
            problem = _unreached(it, endpoints, region)
            if problem and problem not in said:
                said.add(problem)
                yield f"jobs.{name}.{_spelt(problem)}"


def _unreached(it: Reached, endpoints: set[str], region: str) -> str:
    """Why a task cannot reach this through these endpoints of a region; empty if it can."""
    where, _, why = it.what.partition(": ")
    if it.service == INTERNET or (where.endswith("image") and it.region not in ("", region)):
        return (
            f"{where}: {why} cannot be pulled: with network.natGateways none, tasks reach ECR in {region} only; copy "
            "the image there, or set natGateways: single"
        )
    if it.region not in ("", region):
        return (
            f"{where}: is in {it.region}, but an endpoint reaches its own region only; keep it in {region}, or set "
            "natGateways: single"
        )
    # The network itself checks the endpoints that every task needs.
    if it.service not in endpoints and it.service not in TO_START_A_TASK:
        needed = f"{it.service} ({why})" if why else it.service
        return f"{where}: needs {needed}, but network.endpoints does not have it; add it there"
    return ""


def _spelt(problem: str) -> str:
    """A problem in a config's spelling; the names of variables, tags and aliases stay as the job has them."""
    path, colon, said = problem.partition(": ")
    head = path.split(".")
    own = next((at for at, it in enumerate(head) if it in ("environment", "secrets", "tags", "task_roles")), len(head))
    return ".".join([camel(it) for it in head[: own + 1]] + head[own + 1 :]) + colon + camel(said)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Path and text of each string within a value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from _texts(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _texts(f"{path}[{number}]", inner)
