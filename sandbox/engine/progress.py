"""Shows the progress of a deployment: a live tree on a terminal, plain lines in a pipe; or one temporary line."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from .deployment import Resource


class Briefly:
    """Shows one line on a terminal and removes it at the end; shows nothing in a pipe. Give `seen` to deploy()."""

    def __init__(self, stack: str) -> None:
        # Standard output is for the command's result, and may be redirected.
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
        """Show a resource: its creation has started, or it exists."""
        if self._live is not None and done and resource.id:
            self._made.add(resource.urn)
            self._live.update(self._text())

    def _text(self) -> Text:
        return Text(f"Deploying {self._stack} to an emulated AWS: {len(self._made)} resources so far")


class Progress:
    """Shows resources while they are being created. Give `seen` to deploy()."""

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
        """Show a resource: its creation has started, or it exists."""
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


def _short(arn: str) -> str:
    """An ARN without partition, service, region and account."""
    return arn.split(":", 5)[5] if arn.startswith("arn:") else arn
