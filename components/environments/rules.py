"""What the types of a config cannot say. A rule of a component is asked from the component, never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from fargate_job_launcher.arguments import examine
from fargate_job_launcher.cluster import cluster_problems
from fargate_job_launcher.network import network_problems
from fargate_job_launcher.payload import payload_problems

from .fields import camel
from .model import merged

_PLACE: Final[dict[str, Any]] = {
    "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
}
"""Stands for what the program gives, while the rest is examined."""

_SECRET_NAME: Final = re.compile(
    r"(?i)(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)$"
)
_SECRET_VALUE: Final = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[opsu]_[A-Za-z0-9]{36}|\bxox[abprs]-|"
    r"\beyJ[\w-]{10,}\.[\w-]{10,}\.|://[^/\s:@$]+:[^/\s:@$]+@"
)
"""Keys of AWS, private keys, tokens of GitHub and Slack, JSON web tokens, a password in an address."""

_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/.+")


def problems(config: Mapping[str, Any], broken: Mapping[str, Any], *, secret: set[str]) -> Iterator[str]:
    """Every problem of a config in a component's spelling, of which what has the wrong type was taken out.

    `broken` names what was: path → the reason; no rule speaks of it again. `secret` are keys that came encrypted.
    """
    for path, rules in (
        ("network", network_problems(config.get("network", {}))),
        ("cluster", cluster_problems(config.get("cluster", {}))),
        ("payloads", payload_problems(config.get("payloads") or {})),
    ):
        yield from (f"{path}.{camel(it)}" for it in rules)
    yield from _account_problems(config, broken)
    yield from _tag_problems(config.get("tags", {}))
    yield from _secret_problems(config, secret=secret)
    yield from _job_problems(config, broken)
    yield from _way_out_problems(config)


def _account_problems(config: Mapping[str, Any], broken: Mapping[str, Any]) -> Iterator[str]:
    region, accounts = config.get("region", "eu-west-1"), config.get("allowed_account_ids", [])
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", region):
        yield f"aws:region: {region!r} is no region, such as eu-west-1"
    for it in accounts:
        if not re.fullmatch(r"\d{12}", it):
            yield f"aws:allowedAccountIds: {it!r} is no account's id: twelve digits, in quotes"
    told = any(path.startswith("aws:allowedAccountIds") for path in broken)
    if config.get("protect") and not accounts and not told:
        yield (
            "aws:allowedAccountIds: is missing, and protect is true: a protected environment says which account it "
            "belongs to, so that nobody deploys it into another"
        )
    disabled = "pulumi:disable-default-providers"
    if disabled not in broken and "aws" not in config.get("disabled_default_providers", ["aws"]):
        yield f"{disabled}: has to name aws: everything is made with the environment's own provider"
    key = config.get("kms_key")
    if key is not None and key != "new" and not re.fullmatch(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/\S+", key):
        yield f"kmsKey: {key!r} is neither new nor the ARN of a key (not of an alias)"
    for it in (config.get("alarms") or {}).get("emails", []):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", it):
            yield f"alarms.emails: {it!r} is no address"


def _tag_problems(tags: Mapping[str, str]) -> Iterator[str]:
    for key, value in tags.items():
        if not re.fullmatch(r"[\w .:/=+@-]{1,128}", key) or key.lower().startswith("aws:"):
            yield f"tags.{key}: is no key of a tag of your own"
        elif not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            yield f"tags.{key}: {value!r} is no value of a tag: letters, digits, spaces and . : / = + - @ _"


def _secret_problems(config: Mapping[str, Any], *, secret: set[str]) -> Iterator[str]:
    kept = config.get("secrets", [])
    for name in kept:
        if not re.fullmatch(r"[A-Za-z0-9][\w+=.@-]{0,200}", name):
            yield f"secrets: {name!r} is no name of a secret: letters, digits and _ + = . @ -"
    values = config.get("secret_values", {})
    if values and "secretValues" not in secret:
        yield (
            "secretValues: is plain text (not shown); encrypt each: "
            "pulumi config set --secret --path 'secretValues.NAME', and change what was shown here"
        )
    for name in values.keys() - set(kept):
        yield f"secretValues.{name}: is no secret of this stack; name it under secrets"
    for section in ("defaults", *(f"jobs.{name}" for name in config.get("jobs", {}))):
        holder = config.get("jobs", {}).get(section.removeprefix("jobs."), config.get("defaults", {}))
        for name, value in holder.get("environment", {}).items():
            if value and (_SECRET_NAME.search(name) or _SECRET_VALUE.search(value)):
                yield (
                    f"{section}.environment.{name}: looks like a secret in plain text (not shown); name the secret "
                    "under secrets of the stack and of the job, and put its value into Secrets Manager"
                )
    yield from (
        f"{path}: holds what looks like a secret in plain text (not shown); it belongs into Secrets Manager"
        for path, text in _texts("", config)
        if _SECRET_VALUE.search(text) and ".environment." not in path and not path.startswith("secretValues.")
    )


def _job_problems(config: Mapping[str, Any], broken: Mapping[str, Any]) -> Iterator[str]:
    defaults, jobs, said = config.get("defaults", {}), config.get("jobs", {}), set[str]()
    if not jobs and "jobs" not in broken:
        yield "jobs: names no job"
    for name, job in jobs.items():
        args = {**_PLACE, **merged(defaults, job)}
        kept = dict.fromkeys(config.get("secrets", []), "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s")
        # A secret is named as one that this stack keeps, or given as the ARN of one kept elsewhere.
        args["secrets"] = {key: kept.get(at, at) for key, at in args.get("secrets", {}).items()}
        for problem in examine(name, cast("Any", args))[1]:
            field = problem.partition(":")[0].partition(".")[0]
            at = "defaults" if field in defaults and field not in job else f"jobs.{name}"
            path = f"{at}.{problem}"
            if field == "secrets":
                path = (
                    f"{path.partition(': ')[0]}: is neither a secret of this stack nor an ARN (not shown, it may be a "
                    "secret); name one of those under secrets, and put the value into Secrets Manager"
                )
            if field == "name":
                path = f"jobs.{name}: {problem.partition(': ')[2]}"
            if path not in said:
                said.add(path)
                yield _spelt(path)


def _way_out_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """A network that reaches AWS by endpoints alone starts only what AWS keeps."""
    network = config.get("network", {})
    if network.get("nat_gateways") != "none" or network.get("subnets", "private") != "private":
        return
    for name, job in config.get("jobs", {}).items():
        args = merged(config.get("defaults", {}), job)
        image = _ECR.fullmatch(args.get("image", ""))
        if "image" in args and (image is None or image["region"] != config.get("region")):
            yield (
                f"jobs.{name}.image: {args['image']!r} cannot be pulled: with network.natGateways none, tasks reach "
                f"ECR in {config.get('region')} only; copy the image there, or say natGateways: single"
            )
        if args.get("secrets") and "secretsmanager" not in network.get("endpoints", []):
            yield f"jobs.{name}.secrets: cannot be read: network.endpoints has no secretsmanager"


def _spelt(problem: str) -> str:
    """In a config's spelling; the names of variables, tags and aliases are the job's own."""
    path, colon, said = problem.partition(": ")
    head = path.split(".")
    own = next((at for at, it in enumerate(head) if it in ("environment", "secrets", "tags", "task_roles")), len(head))
    return ".".join([camel(it) for it in head[: own + 1]] + head[own + 1 :]) + colon + camel(said)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield camel(path), value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from _texts(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(path, inner)
