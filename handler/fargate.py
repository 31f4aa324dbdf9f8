"""What AWS Fargate accepts: task sizes and limits of a launch. The component and the function both check them.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from __future__ import annotations

import re
from typing import Final

SIZES: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
    32768: (61440, 122880, 249856),
}
"""CPU units (1024 is one vCPU) → the memory sizes in MiB that Fargate has for them."""

EPHEMERAL_STORAGE_DEFAULT_GIB: Final = 20
"""The scratch space of every Fargate task by default."""

EPHEMERAL_STORAGE_RANGE_GIB: Final = (21, 200)
"""The smallest and the largest size that a task can request instead."""

TASKS_PER_CALL: Final = 10
"""The most tasks of one RunTask call. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"""

LAUNCH_BURST: Final = 100
LAUNCHES_PER_SECOND: Final = 20
"""How fast an account may start Fargate tasks: LAUNCH_BURST at once, then LAUNCHES_PER_SECOND.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
"""

OVERRIDES_CHARACTERS: Final = 8192
"""The most characters of a call's `overrides`, JSON punctuation included."""

TAGS: Final = 50
"""The most tags of a task."""

ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
"""The allowed names of environment variables."""

_RESERVED_PREFIXES: Final = ("AWS_", "ECS_", "LD_", "DYLD_", "JOB_PAYLOAD", "JOB_RESULT")
_RESERVED_NAMES: Final = frozenset(
    {
        *("JOB_COUNT", "JOB_INDEX"),
        *("BASH_ENV", "GCONV_PATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "NODE_OPTIONS", "PATH", "PERL5LIB"),
        *("PERL5OPT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "RUBYLIB", "RUBYOPT", "_JAVA_OPTIONS"),
    }
)


def reserved(name: str) -> bool:
    """Whether no caller may set this variable: AWS or the launcher uses it, or a loader or an interpreter would run
    other code because of it."""
    return name.upper().startswith(_RESERVED_PREFIXES) or name.upper() in _RESERVED_NAMES


def size_problem(cpu: int, memory: int) -> str | None:
    """Why Fargate has no task of this size, and the allowed sizes; None if it has one."""
    if cpu not in SIZES:
        return f"cpu: {cpu} is no Fargate size; allowed: {', '.join(map(str, SIZES))} (1024 is one vCPU)"
    if memory not in SIZES[cpu]:
        allowed = ", ".join(map(str, SIZES[cpu]))
        return f"memory: {memory} MiB does not go with cpu {cpu}; allowed with it: {allowed}"
    return None
