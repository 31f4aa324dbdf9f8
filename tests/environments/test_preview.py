"""Each environment as a whole: its snapshot, its guard rails, and what a preview shows before ARNs are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Stack
from pulumi.runtime.rpc import UNKNOWN
from pulumi.runtime.settings import SETTINGS

from tools import snapshots
from tools.recording import PROGRAM, Recording, program, record

PROVIDER = "pulumi:providers:aws"
QUEUE = "sqs/queue:Queue"
HOLD_DATA = (
    *("kms/key:Key", "secretsmanager/secret:Secret", "s3/bucket:Bucket", "ecs/cluster:Cluster"),
    *("cloudwatch/logGroup:LogGroup", QUEUE, "dynamodb/table:Table"),
)


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


def test_in_a_preview_no_policy_contains_half_known_arns(recording: Recording, preview: Recording) -> None:
    launchers = [it for it in recording.kind("aws:iam/rolePolicy:RolePolicy") if it.name.endswith("-launcher")]
    assert launchers
    for it in launchers:
        # Unknown as a whole, never a document with unknown parts.
        assert unknown(preview.resources[it.urn].inputs["policy"])
    for it in preview.resources.values():
        for value in it.inputs.values():
            assert not (isinstance(value, str) and UNKNOWN in value and value != UNKNOWN), (it.name, value)


def test_every_resource_is_created_with_the_environments_own_provider(recording: Recording) -> None:
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
    for kind in HOLD_DATA:
        for it in recording.kind(f"aws:{kind}"):
            assert it.protect, it.urn


def test_prod_has_everything_that_is_protected() -> None:
    recording = record(Stack.read(PROGRAM, "prod"))
    assert [kind for kind in HOLD_DATA if not recording.kind(f"aws:{kind}")] == []
    protected = {it.name for it in recording.kind("aws:sqs/queue:Queue") if it.protect}
    assert protected >= {"import-queue", "import-dead-letters", "jobs-stopped", "jobs-dead-letters"}


def test_a_recording_refuses_two_resources_of_one_urn(tmp_path: Path) -> None:
    source = "import pulumi_aws as aws\naws.sqs.Queue('one')\naws.sqs.Queue('one')\n"
    with pytest.raises(Exception, match=r"registered twice: .*::one"):
        record(program(tmp_path, source))


def test_a_program_shares_no_outputs_with_the_others_of_its_process(tmp_path: Path) -> None:
    shared = (
        f"import pulumi\nfrom pulumi.runtime.settings import SETTINGS\nassert id(SETTINGS.outputs) != {id(_shared())}"
    )
    assert record(program(tmp_path, shared + "\npulumi.export('a', 1)")).exports == {"a": 1}


def _shared() -> Any:
    settings: Any = SETTINGS
    return settings.outputs
