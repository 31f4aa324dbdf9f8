"""`python -m fargate_job_launcher`: explain a deployed launcher, or write the zip of its code.

- explain: which roles a deployed launcher may pass to which service, and why
- archive: the zip of the launcher's code, the same bytes on every machine, to be signed
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, cast

from fargate_job_launcher.archive import handler_zip

PROGRAM = "python -m fargate_job_launcher"


def main(argv: list[str] | None = None) -> int:
    """Run the command. The exit code is 0 only if a launcher was explained or the zip was written."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Container jobs on AWS Fargate, launched from a Lambda.")
    commands = parser.add_subparsers(dest="command", required=True)
    summary = "write the launcher's code as a zip, the same bytes on every machine, and print their SHA-256"
    commands.add_parser("archive", help=summary, description=summary).add_argument("file", type=Path)
    summary = "show which roles a deployed launcher may pass to which service, and why"
    explain = commands.add_parser("explain", help=summary, description=summary)
    explain.add_argument("--program", type=Path, default=Path(), help="the Pulumi program's folder (this folder)")
    explain.add_argument("--stack", default="dev", help="the stack to deploy to the sandbox (dev)")
    explain.add_argument("--job", default="", help="the job (the first)")
    explain.add_argument(
        "--role-arn", default="", help="ARN of a deployed launcher's role: read the live account, not the sandbox"
    )
    shape = explain.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="as JSON")
    shape.add_argument("--mermaid", action="store_true", help="as a Mermaid picture")
    shape.add_argument(
        "--mutations", action="store_true", help="each statement removed in turn, with everything that changes"
    )
    options = parser.parse_args(argv)
    return _archive(options.file) if options.command == "archive" else _explain(options)


def _archive(file: Path) -> int:
    content = handler_zip()
    try:
        file.write_bytes(content)
    except OSError as error:
        return _failed(f"{file}: cannot be written: {error.strerror}")
    print(f"{hashlib.sha256(content).hexdigest()}  {file}")
    return 0


def _explain(options: argparse.Namespace) -> int:
    try:
        from fargate_job_launcher.sandbox.proof import explanations
    except ModuleNotFoundError as error:
        return _failed(f"{error.name} is not installed; pip install 'fargate-job-launcher[sandbox]'")
    try:
        facts = (
            explanations.of_account(options.role_arn)
            if options.role_arn
            else explanations.of_stack(options.program, options.stack, options.job)
        )
    except explanations.ERRORS as error:
        return _failed(str(error))
    print(_shaped(explanations, facts, options))
    return 0


def _shaped(explanations: Any, facts: Any, options: argparse.Namespace) -> str:
    if options.mutations:
        return cast("str", explanations.mutation_table(facts))
    explanation = explanations.explain(facts)
    if options.json:
        return json.dumps(explanation.as_json(), indent=2)
    return cast("str", (explanations.as_mermaid if options.mermaid else explanations.as_text)(explanation))


def _failed(problem: str) -> int:
    print(f"error: {problem}", file=sys.stderr)
    return 1
