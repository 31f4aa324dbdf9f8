"""What AWS Fargate accepts: task sizes and the limits of a task definition. Numbers only, nothing that acts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
"""

from __future__ import annotations

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
"""CPU units (1024 is one vCPU) → the memory sizes in MiB that go with them."""

EPHEMERAL_STORAGE_DEFAULT_GIB: Final = 20
"""Every Fargate task has this much scratch space without asking."""

EPHEMERAL_STORAGE_RANGE_GIB: Final = (21, 200)
"""What can be asked for instead."""

LOG_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""The retention periods that CloudWatch Logs knows.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""


def size_problem(cpu: int, memory: int) -> str | None:
    """Why Fargate has no task of this size, in words that name the remedy; None when it has one."""
    if cpu not in SIZES:
        return f"cpu: {cpu} is no Fargate size; allowed: {', '.join(map(str, SIZES))} (1024 is one vCPU)"
    if memory not in SIZES[cpu]:
        allowed = ", ".join(map(str, SIZES[cpu]))
        return f"memory: {memory} MiB does not go with cpu {cpu}; allowed with it: {allowed}"
    return None
