"""What test_updates.py changes: the arguments of each launcher and of each table of runs, before and after."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

ECR: Final = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLES: Final = "arn:aws:iam::123456789012:role"
SECRETS: Final = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
POLICIES: Final = "arn:aws:iam::123456789012:policy"
TOPICS: Final = "arn:aws:sns:eu-west-1:123456789012"
MACHINES: Final = "arn:aws:states:eu-west-1:123456789012:stateMachine"
KEYS: Final = "arn:aws:kms:eu-west-1:123456789012:key"
FIRST_KEY, SECOND_KEY = f"{KEYS}/1111", f"{KEYS}/2222"
ENCRYPTED: Final = {f"{SECRETS}:first-AbCdEf": FIRST_KEY, f"{SECRETS}:second-AbCdEf": SECOND_KEY}
"""Secret → the key that it is encrypted with."""
BOUNDARIES: Final = {
    f"{POLICIES}/{name}": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    for name in ("first", "second")
}


def policy(*allowed: str, denied: str = "") -> str:
    """A job's policy: it reads these buckets, and never this one."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{it}/*"} for it in allowed
    ]
    if denied:
        statements.append({"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{denied}/*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@dataclass(frozen=True)
class Change:
    """A launcher's arguments before and after, beside those that all have.

    `cluster` is the name of a cluster, `runs` that of a table of RUNS, or its own one; otherwise both are the first.
    """

    before: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])
    one_way: bool = False
    """Whether only the way there is asked about. The way back takes a cluster out of a table in the same update that
    takes the launcher out of the cluster: a table follows a cluster until the last run there has ended."""

    @property
    def tables(self) -> set[str]:
        """The tables of RUNS that it uses."""
        return {it.get("runs", "first") for it in (self.before, self.after)} & RUNS.keys()


def volume(number: int) -> dict[str, str]:
    return {
        "file_system_id": f"fs-0123456{number}",
        "access_point_id": f"fsap-0123456{number}",
        "path": "/data",
    }


CLUSTERS: Final = ("first", "second")
RUNS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "first": ({"cluster_arns": CLUSTERS}, {"cluster_arns": CLUSTERS}),
    "second": ({"cluster_arns": CLUSTERS[:1]}, {"cluster_arns": CLUSTERS}),
    "coded": (
        {"cluster_arns": CLUSTERS[:1], "kms_key_arn": FIRST_KEY, "further_kms_key_arns": [SECOND_KEY]},
        {"cluster_arns": CLUSTERS[:1], "kms_key_arn": SECOND_KEY, "further_kms_key_arns": [FIRST_KEY]},
    ),
    "placed": ({"cluster_arns": CLUSTERS[:1]}, {"cluster_arns": CLUSTERS[:1], "role_path": "/j/"}),
}
"""The arguments of each JobRuns, before and after."""

IMAGE_1, IMAGE_2 = {"image": f"{ECR}/first:1"}, {"image": f"{ECR}/second:1"}
KEY_1: Final[dict[str, Any]] = {"kms_key_arn": FIRST_KEY, "further_kms_key_arns": [SECOND_KEY]}
KEY_2: Final[dict[str, Any]] = {"kms_key_arn": SECOND_KEY, "further_kms_key_arns": [FIRST_KEY]}
"""A key that is moved to was named by the deployment before, and the old one by this: docs/environments.md."""
KEYED: Final[dict[str, Any]] = {
    "queue": {},
    "schedule": {"expression": "rate(1 hour)"},
    "supervision": {"retries": 1},
}
OWN: Final = {"runs": "own"}
PAYLOAD: Final = {"overrides": {"payload": True}}
CHANGES: Final[dict[str, Change]] = {
    "repository": Change(IMAGE_1, IMAGE_2),
    "tag": Change({"image": f"{ECR}/first:1"}, {"image": f"{ECR}/first:2"}),
    "sidecar": Change(IMAGE_1, {**IMAGE_1, "sidecars": [{"name": "proxy", "image": f"{ECR}/proxy:1"}]}),
    "secret": Change({}, {"secrets": {"A": f"{SECRETS}:first-AbCdEf"}, "secret_key_arns": [FIRST_KEY]}),
    "secrets": Change(
        {"secrets": {"A": f"{SECRETS}:first-AbCdEf"}, "secret_key_arns": [FIRST_KEY]},
        {"secrets": {"A": f"{SECRETS}:second-AbCdEf"}, "secret_key_arns": [SECOND_KEY]},
    ),
    "registry": Change({}, {"repository_credentials_arn": f"{SECRETS}:registry-AbCdEf", "image": "ghcr.io/a/b:1"}),
    "policy": Change({"task_policy": policy("a")}, {"task_policy": policy("b")}),
    "nopolicy": Change({**IMAGE_1, "task_policy": policy("a")}, IMAGE_2),
    "policyimage": Change({**IMAGE_1, "task_policy": policy("a")}, {**IMAGE_2, "task_policy": policy("b")}),
    "denied": Change(
        {**IMAGE_1, "task_policy": policy("a", denied="x")}, {**IMAGE_2, "task_policy": policy("b", denied="x")}
    ),
    "volume": Change({"efs_volumes": [volume(7)]}, {"efs_volumes": [volume(8)]}),
    "novolume": Change({"efs_volumes": [{**volume(7), "read_only": True}]}, {}),
    "bucket": Change({**PAYLOAD, "payload_bucket": "first"}, {**PAYLOAD, "payload_bucket": "second"}),
    "key": Change(
        {**PAYLOAD, "payload_bucket": "first", **KEY_1, "asynchronous": True},
        {**PAYLOAD, "payload_bucket": "first", **KEY_2, "asynchronous": True},
    ),
    "keyed": Change({**OWN, **KEYED, **KEY_1, **IMAGE_1}, {**OWN, **KEYED, **KEY_2, **IMAGE_2}),
    "exec": Change({}, {"allow_exec": True}),
    "size": Change({"cpu": 256, "memory": 1024}, {"cpu": 512, "memory": 2048}),
    "ceiling": Change({}, {"overrides": {"cpu": 1024, "memory": 4096}}),
    "roles": Change(
        {"overrides": {"task_roles": {"a": f"{ROLES}/adopted-a"}}},
        {"overrides": {"task_roles": {"b": f"{ROLES}/adopted-b"}}},
    ),
    "retention": Change({}, {"log_retention_days": 90}),
    "path": Change(
        {**IMAGE_1, **OWN, "task_policy": policy("a")},
        {**IMAGE_1, **OWN, "task_policy": policy("a"), "role_path": "/j/"},
    ),
    "boundary": Change(
        {**OWN, "permissions_boundary_arn": f"{POLICIES}/first"},
        {**OWN, "permissions_boundary_arn": f"{POLICIES}/second"},
    ),
    "adopted": Change(
        {}, {"task_role_arn": f"{ROLES}/adopted-task", "execution_role_arn": f"{ROLES}/adopted-execution"}
    ),
    "supervision": Change({}, {"supervision": {"retries": 2, "max_runtime_minutes": 60}}),
    "supervised": Change(
        {"supervision": {"retries": 2}, "notify": {"topic_arn": f"{TOPICS}:first"}},
        {"supervision": {"max_runtime_minutes": 9}, "notify": {"topic_arn": f"{TOPICS}:second", "log_lines": 9}},
    ),
    "notify": Change(IMAGE_1, {**IMAGE_2, "notify": {"log_lines": 20}}),
    "callbacks": Change(IMAGE_1, {**IMAGE_2, "callbacks": [f"{MACHINES}:first"]}),
    "called": Change({"callbacks": [f"{MACHINES}:first"]}, {"callbacks": [f"{MACHINES}:second"]}),
    "result": Change({**IMAGE_1, "payload_bucket": "first"}, {**IMAGE_2, "payload_bucket": "first", "result": True}),
    "results": Change(
        {"result": True, "payload_bucket": "first", **KEY_1}, {"result": True, "payload_bucket": "second", **KEY_2}
    ),
    "running": Change(IMAGE_1, {**IMAGE_2, "max_running": 1, "overlap": "skip"}),
    "overlap": Change(
        {"queue": {}, "max_running": 2}, {"queue": {}, "max_running": 1, "overlap": "replace", "asynchronous": True}
    ),
    "kept": Change({"keep_days": 7}, {"keep_days": 30}),
    "ownkept": Change({**OWN, "keep_days": 7}, {**OWN, **IMAGE_1, "keep_days": 30}),
    "shared": Change({**IMAGE_1, **OWN, **KEYED}, {**IMAGE_2, **KEYED}),
    "shares": Change({**OWN, "notify": {}}, {"cpu": 512, "notify": {}}),
    "table": Change({**IMAGE_1, "notify": {}}, {**IMAGE_2, "runs": "second", "notify": {}}),
    "tablekey": Change({"runs": "coded", "notify": {}, **KEY_1}, {"runs": "coded", "notify": {}, **KEY_2}),
    "ownkey": Change({**OWN, "notify": {}, "further_kms_key_arns": [FIRST_KEY]}, {**OWN, "notify": {}, **KEY_1}),
    "clusters": Change({"runs": "second"}, {"runs": "second", **IMAGE_1}),
    "cluster": Change({"cluster": "first"}, {"cluster": "second"}),
    "follow": Change({"runs": "second"}, {"runs": "second", "cluster": "second"}, one_way=True),
    "moving": Change({"runs": "placed"}, {"runs": "placed"}),
    "queue": Change({}, {"queue": {}}),
    "queued": Change({**IMAGE_1, "queue": {}}, {**IMAGE_2, "queue": {}, "max_running": 3}),
    "schedule": Change(IMAGE_1, {**IMAGE_2, "schedule": {"expression": "rate(1 hour)"}}),
    "scheduled": Change(
        {**IMAGE_1, "schedule": {"expression": "rate(1 hour)"}, "further_kms_key_arns": [FIRST_KEY]},
        {**IMAGE_2, "schedule": {"expression": "rate(2 hours)"}, "kms_key_arn": FIRST_KEY},
    ),
    "named": Change(
        {**IMAGE_1, "schedule": {"expression": "rate(1 hour)"}},
        {**IMAGE_2, "schedules": {it: {"expression": "rate(1 hour)"} for it in ("early", "late")}},
    ),
    "regrouped": Change(
        {**IMAGE_1, "schedule": {"expression": "rate(1 hour)"}},
        {**IMAGE_2, "schedule": {"expression": "rate(1 hour)"}, "runs": "second"},
    ),
    "later": Change(IMAGE_1, {**IMAGE_2, "overrides": {"at": True}}),
    "rule": Change(
        {**IMAGE_1, "event_rule": {"pattern": '{"source":["a"]}'}},
        {**IMAGE_2, "event_rule": {"pattern": '{"source":["b"]}'}},
    ),
    "asynchronous": Change({**IMAGE_1, "asynchronous": True}, {**IMAGE_2, "asynchronous": True}),
    "vpc": Change({}, {"function": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "tracing": True}}),
    "renamed": Change(
        {**IMAGE_1, **OWN, **PAYLOAD, "payload_bucket": "first", "task_policy": policy("a")},
        {**IMAGE_2, **OWN, **PAYLOAD, "payload_bucket": "first", "task_policy": policy("b")},
    ),
}
"""What is changed, by the launcher's name."""
RENAMED: Final = "moved"
"""The name that the launcher `renamed` gets by the change, with an alias."""
