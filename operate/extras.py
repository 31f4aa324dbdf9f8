"""The extras of this package: what to install where a module of one is missing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from .errors import JobError


@contextmanager
def extra(names: str) -> Generator[None]:
    """Around the import of what these extras bring, such as `cli,policies`. Raises JobError with the way to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fargate_job_launcher"):
            raise
        raise JobError(f"{error.name} is not installed", f"pip install 'fargate-job-launcher[{names}]'") from None
