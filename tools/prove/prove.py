"""`make prove`: for each environment, that each role of each launcher is allowed exactly what is intended, for every
request; that no task runs with another role; and that a counterexample is found wherever one statement is loosened."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from fargate_job_launcher.policies.solver import (
    Answer,
    Difference,
    Holder,
    Intended,
    Proven,
    World,
    differences,
    exceeding,
    runs_another_role,
)
from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.proof.calls import ANYTHING
from fargate_job_launcher.sandbox.proof.facts import Document, Facts, NotALauncher, Role, listed, of_settings, read_role

from tools.prove import intended
from tools.prove.loosened import loosened
from tools.recording import ENVIRONMENTS, PROGRAM

_RUNS = "fargate-job-launcher:index:JobRuns"
_FLOW_LOG = "aws:ec2/flowLog:FlowLog"


@dataclass(frozen=True)
class Subject:
    """A role, and what it is to be allowed."""

    job: str
    kind: str
    role: Role
    intended: list[Intended]
    trusted: intended.Trusted

    @property
    def name(self) -> str:
        """For a line of text."""
        return f"{self.job} {self.kind}"


@dataclass(frozen=True)
class Environment:
    """A deployed stack."""

    name: str
    facts: dict[str, Facts]
    supervisor: Role
    subjects: list[Subject]


@dataclass
class Result:
    """The proofs of one environment."""

    environment: str
    exact: dict[str, tuple[list[Difference | str], float]] = field(
        default_factory=dict[str, tuple[list[Difference | str], float]]
    )
    """Role → where its policies or its trust policy differ from the intention, and seconds."""
    alone: dict[str, tuple[Answer, float]] = field(default_factory=dict[str, tuple[Answer, float]])
    """Job → whether its launcher can run a task with another role, and seconds."""
    loose: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    """Loosened statement → a request that it then allows, and seconds; empty: none was found."""

    @property
    def failed(self) -> list[str]:
        """What is not proven."""
        return [
            *(f"{name}: {it}" for name, (found, _) in self.exact.items() for it in found),
            *(f"{name}: {it}" for name, (it, _) in self.alone.items() if not isinstance(it, Proven)),
            *(f"no counterexample: {name}" for name, (it, _) in self.loose.items() if not it),
        ]


def deployed(name: str) -> Environment:
    """An environment's stack, deployed to the sandbox and read from it."""
    stack = Stack.read(PROGRAM, name)
    with Emulator(region=stack.region, account=stack.account) as aws:
        return _read(name, aws, deploy(stack, aws))


def prove(environment: Environment, *, loosen: bool = True) -> Result:
    """The proofs."""
    result = Result(environment.name)
    holders = {it.role.arn: _holder(it.role) for it in environment.subjects}
    functions = {it.function["FunctionArn"]: it.launcher.arn for it in environment.facts.values()}
    world = World(tuple(holders.values()), functions)
    for subject in environment.subjects:
        begun = time.perf_counter()
        found = [
            *differences(holders[subject.role.arn], subject.intended),
            *whatever_is_attached(subject),
            *becoming(subject, subject.role.trust),
        ]
        result.exact[subject.name] = (found, time.perf_counter() - begun)
    for job, facts in environment.facts.items():
        begun = time.perf_counter()
        answer = runs_another_role(
            holders[facts.launcher.arn], [it.arn for it in (facts.execution, facts.task, *facts.choices)], world
        )
        result.alone[job] = (answer, time.perf_counter() - begun)
    for subject in environment.subjects if loosen else []:
        for name, statement, documents in loosened(subject.role.documents):
            begun = time.perf_counter()
            shown = counterexample(subject, statement, documents)
            result.loose[f"{subject.name}: {name}"] = (shown, time.perf_counter() - begun)
        for name, _, documents in loosened((subject.role.trust,)):
            begun = time.perf_counter()
            shown = next((str(it) for it in becoming(subject, documents[0])), "")
            result.loose[f"{subject.name}'s trust: {name}"] = (shown, time.perf_counter() - begun)
    return result


def becoming(subject: Subject, trust: Document) -> Iterator[Difference | str]:
    """Where a trust policy differs from the intention: in who may become the role, or for what."""
    service, needs = subject.trusted.service, subject.trusted.needs
    named = [it.get("Principal", {"not": "Principal"}) for it in trust["Statement"] if it["Effect"] == "Allow"]
    if any(it != {"Service": service} for it in named):
        yield f"the trust policy names {json.dumps(named)}, and only {service} is intended"
    wanted = Intended(f"become it, for {service}", ("sts:AssumeRole",), needs=needs)
    yield from differences(Holder.of(service, trust), [wanted])


def counterexample(subject: Subject, statement: dict[str, Any], documents: Sequence[dict[str, Any]]) -> str:
    """A request that these policies allow and that is not intended, after this statement was changed; empty if there is
    none. Where a Deny holds the change off, the request is one that it then holds off alone."""
    found = _exceeds(subject, statement, documents)
    if found or statement["Effect"] == "Deny":
        return found
    for deny in (it for document in documents for it in document["Statement"] if it["Effect"] == "Deny"):
        left = [{**it, "Statement": [one for one in it["Statement"] if one is not deny]} for it in documents]
        found = _exceeds(subject, statement, left)
        if found:
            return f"only {deny['Sid']} holds off what would be {found}"
    return ""


def _exceeds(subject: Subject, statement: dict[str, Any], documents: Sequence[dict[str, Any]]) -> str:
    """Only the statement's own actions can be allowed more widely, and those that a new pattern matches."""
    changed = replace(subject, role=_with(subject.role, documents))
    actions, wide = (
        listed(statement["Action"]),
        any("*" in json.dumps(it.get("Action")) for it in changed.role.statements),
    )
    found = exceeding(_holder(changed.role), subject.intended, actions, others=wide)
    attached = whatever_is_attached(changed) if "iam:PassRole" in actions else iter(())
    return next((str(it) for it in chain(found, attached) if it.found.verdict == "yes"), "")


def whatever_is_attached(subject: Subject) -> Iterator[Difference]:
    """What a launcher's Denies do not hold off once somebody attaches a policy that allows everything: other roles."""
    if subject.kind != "launcher":
        return iter(())
    roles = tuple(role for it in subject.intended if it.actions == ("iam:PassRole",) for role in it.resources)
    wide = _holder(_with(subject.role, [*subject.role.documents, ANYTHING]))
    return exceeding(
        wide, [Intended("hand a role of the job", ("iam:PassRole",), roles)], ["iam:PassRole"], others=False
    )


def _with(role: Role, documents: Sequence[dict[str, Any]]) -> Role:
    return Role(role.arn, tuple(documents), role.boundary, role.trust)


def _holder(role: Role) -> Holder:
    return Holder.of(role.arn, *role.documents, boundary=role.boundary, trust=role.trust)


def _read(name: str, aws: Emulator, deployment: Deployment) -> Environment:
    lambda_ = aws.client("lambda")
    queues = {
        it["FunctionArn"].removesuffix(":async"): it["EventSourceArn"]
        for it in lambda_.list_event_source_mappings()["EventSourceMappings"]
    }
    functions = {it["Role"]: it for it in lambda_.list_functions()["Functions"]}
    facts = {job: of_settings(aws.client, it.outputs["launcher_role_arn"]) for job, it in deployment.launchers.items()}
    subjects = [it for job, of in facts.items() for it in _subjects(job, of, queues)]
    (runs,) = deployment.of_kind(_RUNS)
    supervisor = read_role(aws.client, runs.outputs["supervisor_role_arn"])
    function, first = functions[supervisor.arn], next(iter(facts.values()))
    own = intended.of_supervisor(first, queues[function["FunctionArn"]], function["LoggingConfig"]["LogGroup"])
    subjects.append(_subject("jobs", "supervisor", supervisor, own, first))
    for job, role, dead_letters, group in _schedules(aws, facts):
        wanted = intended.of_schedules(facts[job], dead_letters)
        subjects.append(_subject(job, "schedules", read_role(aws.client, role), wanted, first, group))
    for it in functions.values():
        if "DRAINED_CLUSTER" in it.get("Environment", {}).get("Variables", {}):
            role = read_role(aws.client, it["Role"])
            subjects.append(_subject("jobs", "drain", role, intended.of_drain(it), first))
    for log in deployment.of_kind(_FLOW_LOG):
        role = read_role(aws.client, log.outputs["iamRoleArn"])
        subjects.append(_subject("jobs", "flow log", role, intended.of_flow_log(log.outputs["logDestination"]), first))
    known = {it.role.arn for it in subjects}
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    others = [role["Arn"] for page in pages for role in page["Roles"] if role["Arn"] not in known]
    if others:
        raise NotALauncher(f"nothing is intended of {', '.join(others)}")
    return Environment(name, facts, supervisor, subjects)


def _schedules(aws: Emulator, facts: dict[str, Facts]) -> Iterator[tuple[str, str, str, str]]:
    """Each role of schedules once: its job, the role, the dead-letter queue, the ARN of the schedules' group."""
    scheduler, seen = aws.client("scheduler"), set[str]()
    by_function = {it.function["FunctionArn"]: job for job, it in facts.items()}
    for job, it in facts.items():
        later = it.settings.scheduling
        if later is not None:
            group = scheduler.get_schedule_group(Name=later.group)["Arn"]
            seen.add(later.role)
            yield job, later.role, later.dead_letters, group
    for page in scheduler.get_paginator("list_schedules").paginate():
        for listed_one in page["Schedules"]:
            one = scheduler.get_schedule(Name=listed_one["Name"], GroupName=listed_one["GroupName"])
            target = one["Target"]
            job = by_function.get(target["Arn"].rpartition(":")[0], "")
            if job and target["RoleArn"] not in seen:
                seen.add(target["RoleArn"])
                group = scheduler.get_schedule_group(Name=one["GroupName"])["Arn"]
                yield job, target["RoleArn"], target["DeadLetterConfig"]["Arn"], group


def _subjects(job: str, facts: Facts, queues: dict[str, str]) -> Iterator[Subject]:
    queue = queues.get(facts.function["FunctionArn"], "")
    yield _subject(job, "launcher", facts.launcher, intended.of_launcher(facts, queue), facts)
    yield _subject(job, "execution", facts.execution, intended.of_execution(facts), facts)
    yield _subject(job, "task", facts.task, intended.of_task(facts), facts)


def _subject(job: str, kind: str, role: Role, wanted: list[Intended], facts: Facts, group: str = "") -> Subject:
    _, partition, _, region, account, *_ = facts.cluster_arn.split(":")
    return Subject(job, kind, role, wanted, intended.trusted(kind, account, region, partition, group))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("environment", nargs="*", default=ENVIRONMENTS)
    failed = 0
    for name in parser.parse_args(argv).environment:
        result = prove(deployed(name))
        print(f"{name}: every request, by z3")
        for subject, (found, seconds) in result.exact.items():
            said = "allowed exactly what is intended" if not found else "; ".join(map(str, found))
            print(f"  {subject:<26} {seconds:6.2f} s  {said}")
        for job, (answer, seconds) in result.alone.items():
            print(f"  {job:<26} {seconds:6.2f} s  {answer}")
        shown, total = [it for it, _ in result.loose.values() if it], sum(it for _, it in result.loose.values())
        print(f"  {len(shown)} of {len(result.loose)} loosened statements have a counterexample, {total:.1f} s")
        for how, (it, _) in list(result.loose.items())[:1]:
            print(f"    {how}\n      {it}")
        failed += len(result.failed)
        for it in result.failed:
            print(f"  NOT PROVEN  {it}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
