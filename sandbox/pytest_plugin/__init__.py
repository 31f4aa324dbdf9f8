"""The fixture `fargate_sandbox`, for the tests of a team that installed `fargate-job-launcher[sandbox]`.

pytest loads this module by its entry point wherever the package is installed, before any test is known: it is a package
of its own, so that nothing else is imported then, and it does not need the extra by itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fargate_job_launcher.sandbox.testing import FargateSandbox


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Where warnings are errors, those of Pulumi's SDK are none of the tests': its providers deprecate parts of
    themselves as they are imported, and it leaves the event loops of its worker threads to the garbage collector."""
    for ignored in (
        "ignore::DeprecationWarning:pulumi_aws.*",
        "ignore:Exception ignored in. <function BaseEventLoop.__del__:pytest.PytestUnraisableExceptionWarning",
        "ignore:unclosed event loop:ResourceWarning",
    ):
        early_config.addinivalue_line("filterwarnings", ignored)
    # pytest has already read those lines for the conftest.py that it imports next.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="pulumi_aws")


@pytest.fixture(scope="module")
def fargate_sandbox() -> Iterator[FargateSandbox]:
    """Deploys each program to its own emulated AWS on this machine, which runs until the last test of the module."""
    try:
        from fargate_job_launcher.sandbox.testing import FargateSandbox
    except ModuleNotFoundError as error:
        pytest.fail(f"{error.name} is not installed; pip install 'fargate-job-launcher[sandbox]'", pytrace=False)
    with FargateSandbox() as sandbox:
        yield sandbox
