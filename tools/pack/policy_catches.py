"""`make policies`: every rule, the stacks that it catches, and its messages for each."""

from __future__ import annotations

import sys
import tempfile
import textwrap
from pathlib import Path

from fargate_job_launcher.policies import RULES
from rich.console import Console
from rich.text import Text

from tools.pack.judging import judge, things
from tools.pack.policy_cases import ANOTHER_TEAM, CASES
from tools.recording import program, record


def main() -> int:
    console = Console(highlight=False, soft_wrap=True)
    missed = 0
    for rule in RULES:
        waiver = "" if rule.waivable else ", no waiver"
        console.print(Text(f"{rule.id}  (dev {rule.dev.value}, prod {rule.prod.value}{waiver})", style="bold"))
        console.print(Text(f"  {rule.says} {rule.why}"))
        for name, stack in CASES[rule.id].catches.items():
            messages = judge(stack, rules=[rule]).messages(rule.id)
            missed += not messages
            said = [message.partition("\nFix: ")[0] for message in messages] or ["NOT CAUGHT"]
            for one in said:
                console.print(Text(f"    {name:<52} {textwrap.shorten(one, 180)}", style="" if messages else "red"))
        passed = [name for name, stack in CASES[rule.id].passes.items() if not judge(stack, rules=[rule]).rules]
        missed += len(CASES[rule.id].passes) - len(passed)
        console.print(Text(f"    passes: {'; '.join(passed)}", style="green"))
        console.print(Text(f"    fix: {rule.remedy}\n", style="cyan"))
    _another_team(console)
    caught = sum(len(cases.catches) for cases in CASES.values())
    console.print(f"{len(RULES)} rules, {caught} stacks caught, {missed} wrong")
    return 1 if missed else 0


def _another_team(console: Console) -> None:
    """A program pasted from the web, run and refused."""
    with tempfile.TemporaryDirectory() as folder:
        pasted = things(record(program(Path(folder), ANOTHER_TEAM)))
    console.print(Text("A program of another team, pasted from the web, as a prod stack", style="bold"))
    levels = {rule.id: rule.prod.value for rule in RULES}
    for rule, violations in judge(pasted).violations.items():
        for message, _ in violations:
            said, _, fix = message.partition("\nFix: ")
            console.print(Text(f"    {levels[rule]:<10} {rule}: {said}"))
            console.print(Text(f"               fix: {fix}", style="cyan"))
    console.print()


if __name__ == "__main__":
    sys.exit(main())
