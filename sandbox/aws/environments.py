"""A function's execution environments: one that is taken out of use finishes the invocation that runs in it, as on AWS.

The emulator has a pool of processes for each function. If the start of one fails, or the function is changed, it kills
the whole pool, with the processes in which other invocations run: "Worker process died". One that it kills while it
starts fails to start, so that under parallel launches one failure becomes many: "Worker process exited immediately".
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

# Internals of the emulator, which has no public interface for this; its version is pinned.
_runtime: Any = lambda_runtime
_lambda: Any = lambda_svc

_FIELDS: Final = ("account", "region", "func_name", "qualifier")
"""What the key of a pool consists of."""


def install() -> None:
    """Make the emulator do this."""
    _lambda.invalidate_worker = _invalidate
    _lambda.release_worker = _release


def _invalidate(
    func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
) -> None:
    """Take a function's processes out of use; those in which an invocation runs end when it has ended."""
    asked = dict(zip(_FIELDS, (account, region, func_name, qualifier), strict=True))

    def meant(key: str) -> bool:
        found = dict(zip(_FIELDS, key.split(":"), strict=True))
        return all(it is None or it == found[name] for name, it in asked.items())

    with _runtime._lock:
        gone = [it for key in [it for it in _runtime._workers if meant(it)] for it in _runtime._workers.pop(key)]
        # An invocation that failed holds its process too, and releases it no more: it has ended, or failed to start.
        idle = [it for it in gone if not it.in_use or not _alive(it)]
    _runtime.kill_workers(idle)


def _alive(worker: Any) -> bool:
    process = worker._proc
    return process is None or process.poll() is None


def _release(worker: Any) -> None:
    """An invocation has ended: its process is free for the next one, or ends if it was taken out of use."""
    if worker is None:
        return
    with _runtime._lock:
        worker.in_use = False
        pooled = any(worker is it for pool in _runtime._workers.values() for it in pool)
    if not pooled:
        _runtime.kill_workers([worker])
