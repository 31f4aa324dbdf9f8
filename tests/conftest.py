"""What all tests share: each environment's program, recorded, and an emulated AWS."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import Iterator

import hypothesis
import pytest
from fargate_job_launcher.sandbox import Emulator, Stack

from tools.recording import ENVIRONMENTS, PROGRAM, Recording, record

# How long an example takes says how busy the machine is, and nothing of the code. The same code is tested with the same
# examples; --hypothesis-profile=random finds others.
hypothesis.settings.register_profile("random", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("same", hypothesis.settings.get_profile("random"), derandomize=True)
hypothesis.settings.load_profile("same")

# An output in a test file's table is created while the file is read, when no loop runs yet: Python 3.12 and later warn
# of it.
_LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(_LOOP)


def pytest_unconfigure() -> None:
    """The end of pytest's own process, or of one of its workers."""
    _LOOP.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds that the tests of each room took, those of all workers added up."""
    seconds = defaultdict[str, float](float)
    for reports in terminalreporter.stats.values():
        for it in reports:
            if isinstance(it, pytest.TestReport):
                seconds["/".join(it.nodeid.split("/")[:2])] += it.duration
    terminalreporter.write_line(
        "seconds of each room's tests: " + ", ".join(f"{k} {v:.0f}" for k, v in sorted(seconds.items()))
    )


# A CI runner or `make test &` starts the tests in the background with SIGINT ignored, and every program that they start
# would inherit that, so that no Ctrl-C reached it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def loop() -> None:
    """An event loop for outputs that the test itself makes: an earlier test's asyncio.run may have removed it."""
    asyncio.set_event_loop(_LOOP)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """The name of each environment."""
    return request.param


@pytest.fixture(scope="session")
def recording(environment: str) -> Recording:
    """Each environment's program, recorded."""
    return record(Stack.read(PROGRAM, environment))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulated AWS, shared by the tests of a file that deploy something of their own into it."""
    with Emulator(region="eu-west-1") as aws:
        yield aws
