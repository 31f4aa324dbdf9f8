"""Each environment's own launchers, in the sandbox: allowed exactly what is intended, for every request."""

from __future__ import annotations

import pytest

pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from tools.prove.prove import Environment, deployed, prove
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
    assert {it.rpartition(" ")[2] for it in result.exact} >= {"launcher", "execution", "task", "supervisor"}
    assert set(result.alone) == set(environment.facts)
    if not loosen:
        return
    assert len(result.loose) > 100
    held_off = [it for it, (shown, _) in result.loose.items() if "NeverAnotherRole holds off" in shown]
    assert held_off
    assert all("PassOnlyTheseRoles" in it or "PassScheduleRole" in it for it in held_off)
