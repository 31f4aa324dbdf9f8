"""The manifest.yml of a Copilot job.

https://aws.github.io/copilot-cli/docs/manifest/scheduled-job/
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, cast

from fargate_job_launcher.checks.unix_cron import from_unix

from ..errors import JobError
from .source import OTHER_KIND, READ_ONLY, Document, Given

_CONDITIONS: Final = ("start", "healthy", "success", "complete")
_WHY: Final = {
    "network": "the section network of the stack's config decides where jobs run",
    "env_file": "write the variables of the file under environment",
    "taskdef_overrides": "write what it changes as arguments of the job, if there are such",
    "publish": "a job may send to a topic by its taskPolicy",
    "depends_on": "only the job waits for a sidecar, with the sidecar's jobWaitsFor",
    "port": "a job accepts no connections from outside; its containers share their network",
    "mount_points": "a folder shared between containers has no equal here",
}


def read(document: Document, *, environment: str = "") -> tuple[str, dict[str, Any]]:
    """The name, and the arguments of the job in one of Copilot's environments."""
    document.filled = re.compile(r"\$\{")
    document.content = _of(document, environment)
    given, entry = Given(document, (), document.content), dict[str, Any]()
    name, kind = str(given.take("name", str) or ""), given.take("type", str)
    if kind != "Scheduled Job":
        raise JobError(f"{document.name} is a {kind}, not a Scheduled Job", "Only Copilot's jobs are imported")
    _schedule(given, entry)
    sidecars = given.inside("sidecars")
    waits = _image(given, entry, sidecars.untaken())
    for key in ("cpu", "memory"):
        entry[key] = given.take(key, int)
    _platform(given, entry)
    _supervision(given, entry)
    entry |= _container(given)
    if given.take("exec", bool):
        entry["allowExec"] = True
    _storage(given, entry)
    logging = given.inside("logging")
    entry["logRetentionDays"] = logging.take("retention", int)
    logging.rest()
    entry["sidecars"] = [_sidecar(it, sidecars.inside(it), waits) for it in sidecars.untaken()]
    given.drop("environments")
    given.rest(_WHY)
    document.leave((), "Copilot leaves the user to the image; here it is 65532:65532, unless you write user")
    if entry.get("readOnlyRoot") is None and not entry.get("allowExec"):
        document.leave((), f"Copilot leaves the root writable; {READ_ONLY}")
    return name, {key: value for key, value in entry.items() if value not in (None, {}, [])}


def _of(document: Document, environment: str) -> Any:
    """The manifest with the values of an environment."""
    content: Any = document.content
    others: Any = content.get("environments") or {}
    if not isinstance(others, Mapping):
        document.leave(("environments",), OTHER_KIND)
        others = {}
    if environment and environment not in others:
        known = ", ".join(others) or "none"
        raise JobError(f"{document.name} has no environment {environment!r}", f"Its environments: {known}")
    for it in others:
        if it != environment:
            document.leave(("environments", it), f"is another environment's; import it with --environment {it}")
    over = others.get(environment) or {}
    if not isinstance(over, Mapping):
        document.leave(("environments", environment), OTHER_KIND)
        over = {}
    return _merged(content, over)


def _merged(base: Any, over: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    both = cast("dict[str, Any]", {**base, **over})
    return {key: _merged(base[key], over[key]) if key in base and key in over else both[key] for key in both}


def _schedule(given: Given, entry: dict[str, Any]) -> None:
    on = given.inside("on")
    text = on.take("schedule", str)
    if text is None or text == "none":
        return
    aws = [text] if re.match(r"(cron|rate)\(", text) else from_unix(text)
    if len(aws) == 1:
        entry["schedule"] = {"expression": aws[0]}
    elif aws:
        entry["schedules"] = {name: {"expression": it} for name, it in zip(("by-month", "by-week"), aws, strict=True)}
    else:
        on.leave("schedule", "has no equal in AWS's terms; write schedule.expression")
    on.rest()


def _image(given: Given, entry: dict[str, Any], sidecars: list[str]) -> dict[str, str]:
    """Takes the image; returns what the job waits for."""
    if isinstance(given.document.content.get("image"), str):
        entry["image"] = given.take("image", str)
        return {}
    image = given.inside("image")
    entry["image"] = image.take("location", str)
    if image.take("build") is not None:
        image.leave("build", "Copilot builds it; build and push the image, and write its name as image")
    entry["repositoryCredentialsArn"] = image.take("credentials", str)
    entry["healthCheck"] = _check(image)
    others, waits = image.inside("depends_on"), dict[str, str]()
    for name in others.untaken():
        condition = str(others.take(name, str) or "")
        if name in sidecars and condition.lower() in _CONDITIONS:
            waits[name] = condition.upper()
        elif condition:
            others.leave(name, f"is no sidecar, or no condition; the conditions: {', '.join(_CONDITIONS)}")
    image.rest(_WHY)
    return waits


def _platform(given: Given, entry: dict[str, Any]) -> None:
    platform = given.document.content.get("platform")
    if isinstance(platform, Mapping):
        inside = given.inside("platform")
        whole = f"{inside.take('osfamily', str)}/{inside.take('architecture', str)}"
    else:
        whole = str(given.take("platform", str) or "linux/x86_64")
    system, _, processor = whole.partition("/")
    if system != "linux" or processor not in ("x86_64", "amd64", "arm64"):
        given.leave("platform", "a job runs on Linux, on x86_64 or arm64")
    elif platform is not None:
        entry["architecture"] = "arm64" if processor == "arm64" else "x86_64"


def _supervision(given: Given, entry: dict[str, Any]) -> None:
    found: dict[str, Any] = {"retries": given.take("retries", int)}
    timeout = given.take("timeout", str)
    seconds = None if timeout is None else _seconds(timeout)
    if timeout is not None and (seconds is None or seconds % 60):
        given.leave("timeout", "is not in whole minutes; write supervision.maxRuntimeMinutes")
    elif seconds is not None:
        found["maxRuntimeMinutes"] = seconds // 60
        if found["retries"]:
            given.leave("timeout", "Copilot counts all attempts together; maxRuntimeMinutes is for each")
    found = {key: value for key, value in found.items() if value is not None}
    entry |= {"supervision": found} if found else {}


def _seconds(text: str) -> int | None:
    """A duration as Go writes it."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    if found is None or not text.strip():
        return None
    hours, minutes, seconds = (int(it or 0) for it in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _container(it: Given) -> dict[str, Any]:
    found: dict[str, Any] = {"environment": {}, "secrets": {}}
    for key, name in (("entrypoint", "entryPoint"), ("command", "command")):
        value = it.take(key, str, list)
        try:
            found[name] = shlex.split(value) if isinstance(value, str) else value
        except ValueError:
            it.leave(key, "has a quotation mark without its other half; write it as a list")
    found["environment"] = it.names("variables")
    secrets = it.inside("secrets")
    for name in secrets.untaken():
        given = secrets.take(name, str, dict)
        source = given.get("secretsmanager") if isinstance(given, dict) else given
        if isinstance(source, str) and source.startswith("arn:"):
            found["secrets"][name] = source
        elif isinstance(given, dict):
            secrets.leave(name, _secret(source))
        elif source is not None:
            secrets.leave(name, "is the name of a parameter; write its ARN, or a secret of the stack, under secrets")
    return found


def _secret(source: object) -> str:
    """What to do about a secret that the manifest names in Secrets Manager, or in a way that is not known here."""
    if not isinstance(source, str):
        return "is not a secret of Secrets Manager; write the ARN of a secret or parameter under secrets"
    _, colon, rest = source.partition(":")
    of = f" with {colon}{rest} behind it" if colon else ""
    return f"is a name in Secrets Manager; write that secret's ARN{of}, or a secret of the stack, under secrets"


def _sidecar(name: str, it: Given, waits: Mapping[str, str]) -> dict[str, Any]:
    # Copilot's sidecars are essential unless they say otherwise.
    found: dict[str, Any] = {"name": name, "essential": it.take("essential", bool) is not False}
    image = it.take("image", str, dict)
    found["image"] = image if isinstance(image, str) else cast("dict[str, Any]", image or {}).get("location")
    if found["image"] is None:
        it.leave("image", "Copilot builds it; build and push the image, and write its name as image")
    found["repositoryCredentialsArn"] = it.take("credentialsParameter", str)
    found["healthCheck"] = _check(it)
    found["jobWaitsFor"] = waits.get(name)
    found |= _container(it)
    it.rest(_WHY)
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def _check(it: Given) -> dict[str, Any] | None:
    check = it.inside("healthcheck")
    if not check:
        return None
    command = check.take("command", str, list)
    found: dict[str, Any] = {"command": ["CMD-SHELL", command] if isinstance(command, str) else command}
    found["retries"] = check.take("retries", int)
    for key, name in (("interval", "interval"), ("timeout", "timeout"), ("start_period", "startPeriod")):
        text = check.take(key, str)
        found[f"{name}Seconds"] = seconds = None if text is None else _seconds(text)
        if text is not None and seconds is None:
            check.leave(key, f"is not in whole seconds; write healthCheck.{name}Seconds")
    check.rest()
    return {key: value for key, value in found.items() if value is not None}


def _storage(given: Given, entry: dict[str, Any]) -> None:
    storage = given.inside("storage")
    entry["ephemeralStorageGib"] = storage.take("ephemeral", int)
    entry["readOnlyRoot"] = storage.take("readonly_fs", bool)
    volumes = storage.inside("volumes")
    for name in volumes.untaken():
        volume = volumes.inside(name)
        managed = volume.take("efs", str, bool, dict)
        efs = Given(given.document, (*volume.path, "efs"), managed if isinstance(managed, dict) else {})
        system, point = efs.take("id", str), efs.inside("auth").take("access_point_id", str)
        if point is None or system is None:
            given.document.leave(volume.path, "needs the id and an access point of a file system; write efsVolumes")
            continue
        # Copilot mounts read-only unless the manifest says otherwise.
        kept = {"fileSystemId": system, "accessPointId": point, "path": volume.take("path", str)}
        entry.setdefault("efsVolumes", []).append({**kept, "readOnly": volume.take("read_only", bool) is not False})
    storage.rest()
