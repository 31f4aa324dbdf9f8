"""Each environment as a whole: its snapshot, its guard rails, and what a preview can say before ARNs are known."""

from __future__ import annotations

from typing import Any

import pytest
import snapshots
from conftest import PROGRAM, Recording, record
from fargate_job_launcher.sandbox import Stack
from pulumi.runtime.rpc import UNKNOWN

PROVIDER = "pulumi:providers:aws"


@pytest.fixture(scope="module")
def preview(environment: str) -> Recording:
    """The program as a preview runs it."""
    return record(Stack.read(PROGRAM, environment), preview=True)


def unknown(value: Any) -> bool:
    """Whether a value holds something that only a deployment knows."""
    if isinstance(value, dict):
        return any(unknown(it) for it in value.values())  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return any(unknown(it) for it in value)  # pyright: ignore[reportUnknownVariableType]
    return value == UNKNOWN or type(value).__name__ == "Unknown"


def test_every_input_of_every_resource_is_as_reviewed(recording: Recording) -> None:
    path = snapshots.FOLDER / f"{recording.stack.name}.yaml"
    assert path.read_text() == snapshots.text(recording), "changed; run: make snapshots, and review the difference"


def test_a_preview_shows_every_resource_that_a_deployment_makes(recording: Recording, preview: Recording) -> None:
    assert preview.resources.keys() == recording.resources.keys()
    for urn, resource in preview.resources.items():
        made = recording.resources[urn]
        assert (resource.protect, resource.replaced_on) == (made.protect, made.replaced_on)
        for key, sources in resource.computed_from.items():
            assert sources <= made.computed_from[key], f"{resource.name}.{key}"
        known = {key: it for key, it in resource.inputs.items() if not unknown(it) and key != "code"}
        assert known == {key: made.inputs[key] for key in known}


def test_in_a_preview_no_policy_is_built_of_half_known_arns(recording: Recording, preview: Recording) -> None:
    launchers = [it for it in recording.kind("aws:iam/rolePolicy:RolePolicy") if it.name.endswith("-launcher")]
    assert launchers
    for it in launchers:
        # Wholly unknown: never a document with holes.
        assert unknown(preview.resources[it.urn].inputs["policy"])
    for it in preview.resources.values():
        for value in it.inputs.values():
            assert not (isinstance(value, str) and UNKNOWN in value and value != UNKNOWN), (it.name, value)


def test_everything_is_made_with_the_environments_own_provider(recording: Recording) -> None:
    (provider,) = recording.kind(PROVIDER)
    config = recording.stack.config
    assert provider.inputs["region"] == config["aws:region"]
    assert provider.inputs.get("allowedAccountIds") == config.get("aws:allowedAccountIds", None)
    made = [it for it in recording.resources.values() if it.kind.startswith(("aws:", "awsx:"))]
    assert made
    assert {it.provider.rpartition("::")[0] for it in made} == {provider.urn}


def test_a_protected_environment_names_its_account_and_protects_what_holds_data(recording: Recording) -> None:
    if not recording.setting("protect"):
        assert [it.name for it in recording.resources.values() if it.protect] == []
        return
    assert recording.stack.config["aws:allowedAccountIds"]
    kinds = ("kms/key:Key", "secretsmanager/secret:Secret", "s3/bucket:Bucket", "ecs/cluster:Cluster")
    for kind in kinds:
        found = recording.kind(f"aws:{kind}")
        assert found, kind
        assert all(it.protect for it in found), kind
    groups = [it for it in recording.kind("aws:cloudwatch/logGroup:LogGroup") if not it.name.endswith("-supervisor")]
    assert all(it.protect for it in groups)
