"""Public programs' shapes: the verdict of each, recomputed, with the reason of every finding.

A rule that changes shows here which programs it reports now. `make corpus` writes the new verdicts; each new finding
then needs a reason in the program's file: right, or a false alarm.
"""

from __future__ import annotations

import json

import pytest
from fargate_job_launcher.policies import RULES

from tools.pack import corpus
from tools.pack.corpus import Program

_EACH = pytest.mark.parametrize("program", corpus.programs(), ids=lambda it: it.name)
KNOWN = {rule.id for rule in RULES}


def test_no_verdict_has_changed() -> None:
    before = json.loads(corpus.VERDICTS.read_text(encoding="utf-8"))
    changed = corpus.difference(before, corpus.verdicts())
    assert not changed, "\n".join([*changed, "if that is right: make corpus, and write the reasons"])


def test_a_change_is_shown_by_program_and_rule() -> None:
    before = {"a": {"x": 1}, "b": {"y": 1}}
    assert corpus.difference(before, {"a": {"x": 2}, "c": {"z": 1}}) == [
        "a: x reports 2, before 1",
        "b: y reports 0, before 1",
        "c: z reports 1, before 0",
    ]


def test_there_are_enough_programs_and_they_differ() -> None:
    assert len(corpus.programs()) >= 25
    assert len({it.program for it in corpus.programs()}) == len(corpus.programs())


@_EACH
def test_every_finding_has_a_reason_and_every_reason_a_finding(program: Program) -> None:
    own = {**program.right, **program.false_alarms}
    assert not program.right.keys() & program.false_alarms.keys()
    assert {it for it in program.verdict if it not in own} <= corpus.common().keys()
    assert own.keys() <= program.verdict.keys()
    assert not program.missed.keys() & program.verdict.keys()
    assert {*own, *program.missed} <= KNOWN


@_EACH
def test_a_program_is_judged_as_a_whole(program: Program) -> None:
    assert (program.audit.not_judged, program.audit.left) == ([], {})


@pytest.mark.parametrize("program", [it for it in corpus.programs() if it.declared], ids=lambda it: it.name)
def test_a_false_alarm_is_gone_once_it_is_declared(program: Program) -> None:
    assert program.declared.keys() <= program.false_alarms.keys()
    assert not program.declared.keys() & program.after_declaring


def test_a_reason_of_every_program_is_needed() -> None:
    reported = {rule for program in corpus.programs() for rule in program.verdict.keys() - program.right.keys()}
    assert corpus.common().keys() <= reported
