"""Each environment's own launchers, in the sandbox: allowed exactly what is intended, for every request."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from fargate_job_launcher.policies.solver import Holder, differences

from tools.prove.prove import Environment, Subject, becoming, deployed, prove
from tools.recording import ENVIRONMENTS


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> Environment:
    return deployed(request.param)


def test_each_role_is_allowed_exactly_what_is_intended_and_each_loosened_statement_has_a_counterexample(
    environment: Environment,
) -> None:
    # Loosening takes most of the time; prod has every statement that dev has.
    loosen = environment.name == "prod"
    result = prove(environment, loosen=loosen)
    assert result.failed == []
    own = {"dev": "drain", "prod": "log"}[environment.name]
    kinds = {it.rpartition(" ")[2] for it in result.exact}
    assert kinds == {"launcher", "execution", "task", "supervisor", "schedules", own}
    assert set(result.alone) == set(environment.facts)
    if not loosen:
        return
    assert len(result.loose) > 100
    held_off = [it for it, (shown, _) in result.loose.items() if "NeverAnotherRole holds off" in shown]
    assert held_off
    assert all("PassOnlyTheseRoles" in it or "PassScheduleRole" in it for it in held_off)


def _changed(subject: Subject, old: str, new: str) -> Subject:
    documents = tuple(json.loads(json.dumps(it).replace(old, new)) for it in subject.role.documents)
    assert documents != subject.role.documents
    return replace(subject, role=replace(subject.role, documents=documents))


def test_what_is_intended_is_not_read_from_the_policies(environment: Environment) -> None:
    (of_import,) = (it for it in environment.subjects if it.name == "import launcher")
    facts, other = environment.facts["import"], environment.facts["nightly-report"]
    assert facts.settings.scheduling is not None
    for old, new in (
        (facts.cluster_arn, f"{facts.cluster_arn}-other"),
        (facts.definition["taskDefinitionArn"], other.definition["taskDefinitionArn"]),
        (f'"{facts.task.arn}"', f'"{facts.task.arn}", "{other.task.arn}"'),
        (f'"{facts.task.arn}"', f'"{facts.task.arn}", "{facts.settings.scheduling.role}"'),
    ):
        changed = _changed(of_import, old, new)
        found = differences(Holder.of(changed.role.arn, *changed.role.documents), changed.intended)
        assert any(it.kind == "allowed, not intended" for it in found), (old, new)


def test_who_may_become_a_role_is_proven_too(environment: Environment) -> None:
    for subject in environment.subjects:
        (statement,) = subject.role.trust["Statement"]
        assert list(becoming(subject, subject.role.trust)) == []
        for principal in ({"Service": [subject.trusted.service, "states.amazonaws.com"]}, {"AWS": "123456789012"}, "*"):
            assert list(becoming(subject, {"Statement": [{**statement, "Principal": principal}]}))
        if subject.trusted.needs:
            assert list(becoming(subject, {"Statement": [{**statement, "Condition": {}}]}))
