"""What docs/policies.md claims: which published escalations the pack refuses, and what checkov reports for the same."""

from __future__ import annotations

import pytest

from tools.docs import scan
from tools.pack import paths

PASSING = [it for it, actions in paths.PATHS.items() if paths.PASS_ROLE in actions]
BY_ECS = [it for it in PASSING if it.startswith("ecs-")]


def test_the_page_has_the_comparison_as_it_is_now() -> None:
    page = paths.PAGE.read_text(encoding="utf-8")
    assert paths.page(page, paths.recorded()) == page, "make docs"
    with pytest.raises(ValueError, match="the page has no"):
        paths.page("a page", paths.recorded())


@pytest.mark.parametrize("form", paths.FORMS)
@pytest.mark.parametrize("path", BY_ECS)
def test_every_published_way_by_passrole_and_ecs_is_refused_in_every_form(path: str, form: str) -> None:
    assert paths.refused(path, form)


@pytest.mark.parametrize("path", PASSING)
def test_every_other_way_by_passrole_is_refused_on_every_role_and_on_an_administrators(path: str) -> None:
    assert "passrole-named-roles" in paths.refused(path, "everything")
    assert "passrole-no-administrator" in paths.refused(path, "role named")


def test_the_numbers_of_published_ways() -> None:
    assert (len(paths.PATHS), len(PASSING), len(BY_ECS)) == (65, 26, 5)


def test_checkov_says_what_was_recorded() -> None:
    recorded = paths.recorded()
    assert recorded["version"] == scan.VERSION, "make paths"
    assert set(recorded["checks"]) == set(paths.FORMS)
    if not scan.installed():
        pytest.skip(f"checkov {scan.VERSION} is not installed; make paths installs it")
    assert paths.ran() == recorded["checks"]


def test_the_check_that_is_named_after_escalation_is_not_the_one_that_refuses_runtask() -> None:
    checks = paths.recorded()["checks"]["everything"]["ecs-004"]
    assert checks
    assert paths.NAMED_CHECK not in checks
