"""`fargate-job ui`."""

from __future__ import annotations

import click

from ..extras import extra
from .context import Context, common


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port on 127.0.0.1 (any free one).")
@click.option("--read-only", is_flag=True, help="Show everything and change nothing.")
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@common
def ui(context: Context, port: int, read_only: bool, no_browser: bool) -> None:
    """Show every job in a browser: what ran, what runs, what will run, what it costs, and what it may do. The page is
    served on this machine only, with your own credentials, until Ctrl-C or until it has been closed for five
    minutes."""
    with extra("ui"):
        from ..page.serving import serve, show

    def opened(address: str) -> None:
        context.output.data({"address": address}, one_line=True)
        context.output.fact(f"{address}\n\nOpen it once; it is good for one browser. Ctrl-C ends the page.")
        if not no_browser and not context.output.json and not show(address):
            context.output.note("No browser was found; open the address yourself.")

    def moved(address: str) -> None:
        context.output.data({"address": address}, one_line=True)
        context.output.fact(f"It was opened. For another browser: {address}")

    serve(
        context.account, stack=context.stack, program=context.program, port=port, read_only=read_only,
        opened=opened, moved=moved,
    )  # fmt: skip
    context.output.note("The page was closed.")
