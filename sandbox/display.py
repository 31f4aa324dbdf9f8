"""What a person sees of a deployment: a live tree on a terminal, plain lines in a pipe, and the tasks launched."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from .engine.deploy import Resource
from .engine.jobs import Launched
from .proof.supervised import Supervised


class Briefly:
    """On a terminal one line, which goes away again; in a pipe nothing. Give `seen` to deploy()."""

    def __init__(self, stack: str) -> None:
        # What is asked for is on standard output, and may go elsewhere.
        console = Console(stderr=True, highlight=False, emoji=False, markup=False)
        self._stack = stack
        self._made: set[str] = set()
        self._live = Live(self._text(), console=console, transient=True) if console.is_terminal else None

    def __enter__(self) -> Briefly:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def seen(self, resource: Resource, done: bool) -> None:
        """A resource whose creation has started, or that stands."""
        if self._live is not None and done and resource.id:
            self._made.add(resource.urn)
            self._live.update(self._text())

    def _text(self) -> Text:
        return Text(f"Deploying {self._stack} to an emulated AWS: {len(self._made)} resources so far")


class Progress:
    """Shows resources while they are created. Give `seen` to deploy()."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._resources: dict[str, tuple[Resource, bool]] = {}
        self._live = Live(console=console, refresh_per_second=12) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._tree(), refresh=True)
            self._live.stop()

    def seen(self, resource: Resource, done: bool) -> None:
        """A resource whose creation has started, or that stands."""
        self._resources[resource.urn] = resource, done
        if self._live is not None:
            self._live.update(self._tree())
        elif done and resource.id:
            self._console.print(
                f"created  {resource.kind}  {resource.name}  {resource.id}", highlight=False, soft_wrap=True
            )

    def _tree(self) -> Tree:
        nodes: dict[str, Tree] = {}
        root = Tree(Text("stack"))
        for urn, (resource, done) in self._resources.items():
            label = Text.assemble(
                ("✓ " if done else "… ", "green" if done else "yellow"),
                (resource.kind.rpartition(":")[2], "bold"),
                f" {resource.name}",
                (f"  {_short(resource.id)}" if resource.id else "", "dim"),
            )
            parent = nodes.get(resource.parent)
            if parent is None:
                root.label, nodes[urn] = label, root
            else:
                nodes[urn] = parent.add(label)
        return root


def show_launch(console: Console, job: str, launched: Launched) -> None:
    """The tasks of a launch: ARN, state, and where their output goes; of a dry run, what it would do."""
    if "dryRun" in launched.result:
        console.print(Text(f"\nWould launch {job}", style="bold"))
        console.print_json(data=launched.result)
    for task, described in zip(launched.result["tasks"], launched.tasks, strict=True):
        console.print(Text(f"\nLaunched {job}", style="bold"))
        for label, value in (
            ("task", task["arn"]),
            ("state", described["lastStatus"]),
            ("log", f"{task['logGroup']} {task['logStream']}"),
        ):
            console.print(Text(f"  {label:<6} {value}"), soft_wrap=True)


def show_supervised(console: Console, job: str, supervised: Supervised) -> None:
    """The attempts of a job that failed, and the end of one that ran away."""
    console.print(Text(f"\nSupervised {job}", style="bold"))
    lines = [("failing", task) for task in supervised.retried]
    lines += [("runaway", supervised.stopped)] if supervised.stopped is not None else []
    for label, task in lines:
        code = task["containers"][0].get("exitCode")
        ended = task["stoppedReason"] + ("" if code is None else f", exit code {code}")
        console.print(Text(f"  {label}  {task['startedBy']}  {task['lastStatus']}  {ended}"), soft_wrap=True)
    if supervised.notice:
        console.print(Text(f"  notice   {supervised.notice}"), soft_wrap=True)


def _short(arn: str) -> str:
    """An ARN without what is the same in all of them."""
    return arn.split(":", 5)[5] if arn.startswith("arn:") else arn
