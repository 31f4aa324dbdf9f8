"""examples/README.md: the index of the examples, computed by deploying each of them to the sandbox.

`make docs` writes it. The purpose, the resources and the idle cost of each are computed every time. Its time is
measured only if one of those has changed, because a time differs at each run.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.engine.jobs import launch

from tools import other_languages
from tools.docs.documents import idle_costs
from tools.recording import PROGRAM, Recorded, Recording

EXAMPLES: Final = PROGRAM / "examples"
PAGE: Final = EXAMPLES / "README.md"
BEGIN: Final = "<!-- examples -->"
END: Final = "<!-- /examples -->"
STACK: Final = "dev"
PLATFORM: Final = "caller"
"""The example that launches a job of this repository's own stack, which has to be deployed before it."""


@dataclass(frozen=True)
class Row:
    """One example in the index."""

    name: str
    purpose: str
    resources: int
    """Resources of AWS, including those that awsx creates."""
    idle: str
    """USD a month while nothing is launched."""

    def line(self, seconds: int) -> str:
        """The row in Markdown, with the measured time."""
        name = f"[`{self.name}`]({self.name})"
        return f"| {name} | {self.purpose} | {self.resources} | {self.idle} | {seconds} s |"


def folders() -> list[Path]:
    """Every example."""
    return sorted(it.parent for it in EXAMPLES.glob("*/Pulumi.yaml"))


def purpose(folder: Path) -> str:
    """What an example is for: the docstring of its program, or the comment at its top."""
    python, typescript = folder / "__main__.py", folder / "index.ts"
    if python.exists():
        text = ast.get_docstring(ast.parse(python.read_text()))
    elif typescript.exists():
        found = re.match(r"/\*\* (.+?) \*/", typescript.read_text(), re.DOTALL)
        text = found and found[1]
    else:
        text = (folder / "Pulumi.yaml").read_text().partition("\n")[0].removeprefix("# ")
    assert text, f"{folder.name} does not say at its top what it is for"
    return re.sub(r"\s+", " ", text)


def adopt(aws: Emulator) -> None:
    """Create what the example `existing` expects in its account."""
    aws.client("ecs").create_cluster(clusterName="shared")
    service = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for role in ("shared-execution", "import-task"):
        trust = {"Version": "2012-10-17", "Statement": [service]}
        aws.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))


def deployed(folder: Path, aws: Emulator) -> Deployment:
    """An example in the sandbox. One in another language is deployed as the same program in Python."""
    if (folder / "__main__.py").exists():
        return deploy(Stack.read(folder, STACK), aws)
    with tempfile.TemporaryDirectory() as name:
        made, settings = Path(name), f"Pulumi.{STACK}.yaml"
        (made / "Pulumi.yaml").write_text(f"name: {folder.name}\nruntime: python\n")
        (made / settings).write_text((folder / settings).read_text())
        (made / "__main__.py").write_text(other_languages.in_python(other_languages.read(folder)))
        return deploy(Stack.read(made, STACK), aws)


def row(folder: Path, deployment: Deployment) -> Row:
    """The row of a deployed example."""
    made = [it for it in deployment.resources.values() if it.kind.startswith("aws:")]
    recording = Recording(
        deployment.stack,
        # The outputs of a deployed resource include its inputs; resources of awsx are listed with their component.
        {it.urn: _recorded(it.urn, it.kind, it.name, it.outputs) for it in made},
        deployment.outputs,
    )
    return Row(folder.name, purpose(folder), len(made), f"{idle_costs(recording):.2f}")


def _recorded(urn: str, kind: str, name: str, state: dict[str, Any]) -> Recorded:
    nothing: frozenset[str] = frozenset()
    return Recorded(urn, "", kind, name, "", state, state, nothing, {}, False, False, (), "", ())


def measured(folder: Path) -> int:
    """Seconds from the start of an example's deployment until its first task has ended."""
    with Emulator(region="eu-west-1") as aws:
        adopt(aws)
        if folder.name == PLATFORM:
            deploy(Stack.read(PROGRAM, STACK), aws)
        began = time.monotonic()
        deployment = deployed(folder, aws)
        ecs = aws.client("ecs")
        if folder.name == PLATFORM:
            payload = json.dumps({"key": "2026/01.csv"}).encode()
            answer = aws.client("lambda").invoke(FunctionName=deployment.outputs["functionName"], Payload=payload)
            task = json.loads(answer["Payload"].read())["tasks"][0]["arn"]
        else:
            first = next(iter(deployment.launchers.values()))
            task = launch(aws, first, {}).tasks[0]["taskArn"]
        while ecs.describe_tasks(cluster=task.split("/")[1], tasks=[task])["tasks"][0]["lastStatus"] != "STOPPED":
            time.sleep(0.1)
        return round(time.monotonic() - began)


def rows(aws: Emulator, known: Mapping[str, Deployment] | None = None) -> list[Row]:
    """The index, smallest example first. `known`: examples that are deployed to this AWS already."""
    found = list[Row]()
    for folder in folders():
        if known and folder.name in known:
            deployment = known[folder.name]
        else:
            if folder.name == PLATFORM:
                deploy(Stack.read(PROGRAM, STACK), aws)
            deployment = deployed(folder, aws)
        found.append(row(folder, deployment))
    return sorted(found, key=lambda it: (it.resources, it.name))


def times(page: str) -> dict[str, int]:
    """Each row of the page without its time → the time."""
    shown = page.partition(BEGIN)[2].partition(END)[0]
    return {it[1]: int(it[2]) for it in re.finditer(r"^(\|.+\|) (\d+) s \|$", shown, re.MULTILINE)}


def table(computed: list[Row], seconds: Mapping[str, int]) -> str:
    """The index. Raises KeyError for an example that was not measured."""
    head = [
        "| example | what for | resources | idle, USD a month | in the sandbox |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join([BEGIN, *head, *(it.line(seconds[it.name]) for it in computed), END])


def main() -> int:
    """Write the index."""
    page = PAGE.read_text()
    before = times(page)
    with Emulator(region="eu-west-1") as aws:
        adopt(aws)
        computed = rows(aws)
    seconds: dict[str, int] = {}
    for it in computed:
        kept = before.get(it.line(0).removesuffix(" 0 s |"))
        seconds[it.name] = measured(EXAMPLES / it.name) if kept is None else kept
    start, end = page.index(BEGIN), page.index(END) + len(END)
    new = page[:start] + table(computed, seconds) + page[end:]
    if new != page:
        PAGE.write_text(new)
        print(f"rewritten: {PAGE.relative_to(PROGRAM)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
