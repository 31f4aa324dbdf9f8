"""How the pack is served: what pulumi_policy does otherwise than this package's rules need.

`read_once`: pulumi_policy reads every resource again for every policy; here it is read once per request, and so is what
the rules compute from the whole stack. The policies of one request then share the result: none of this package's rules
changes a resource, and only policy/ is served this way. With another structure of pulumi_policy nothing is changed, and
the pack is slower.

`always_mandatory`: the configuration of a pack may lower any policy's level, and of some rules it must not.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final, TypeVar

import pulumi_policy.policy as served
from pulumi.runtime.proto import analyzer_pb2

Made = TypeVar("Made")
_SHARED: ContextVar[dict[Any, Any] | None] = ContextVar("_SHARED", default=None)
"""What the policies of the current request share; None where nobody knows where a request begins."""
_READERS: Final = ("json_format", "deserialize_properties")
_REQUESTS: Final = ("Analyze", "AnalyzeStack")


def read_once() -> bool:
    """Have each resource read once per request. False if this pulumi_policy has another structure."""
    module: Any = served
    servicer = getattr(module, "_PolicyAnalyzerServicer", None)
    if not all(hasattr(module, it) for it in _READERS) or not all(hasattr(servicer, it) for it in _REQUESTS):
        return False
    seen: dict[tuple[Any, int], tuple[Any, Any]] = {}
    messages = _remembering(module.json_format.MessageToDict, seen)
    module.json_format = SimpleNamespace(**{**vars(module.json_format), "MessageToDict": messages})
    module.deserialize_properties = _remembering(module.deserialize_properties, seen)
    for name in _REQUESTS:
        setattr(servicer, name, _forgetting(getattr(servicer, name), seen))
    return True


_HELD: Final[set[str]] = set()
_LEVELS: Final = {analyzer_pb2.ADVISORY: "advisory", analyzer_pb2.DISABLED: "disabled"}


def always_mandatory(*names: str) -> None:
    """Have these policies stay mandatory whatever a pack's configuration says.

    A policy whose level is lowered gets the level as a setting, which it then reports as a violation. Raises
    RuntimeError if this pulumi_policy has another structure: the levels could then be lowered without a word.
    """
    servicer: Any = getattr(served, "_PolicyAnalyzerServicer", None)
    if not hasattr(servicer, "Configure"):
        raise RuntimeError("this version of pulumi-policy is configured in another way; install one that is supported")
    if not _HELD:
        servicer.Configure = _holding(servicer.Configure)
    _HELD.update(names)


def _holding(configure: Callable[..., Any]) -> Callable[..., Any]:
    def held(servicer: Any, request: Any, context: Any) -> Any:
        for name, config in request.policyConfig.items():
            lowered = _LEVELS.get(config.enforcementLevel)
            if name in _HELD and lowered is not None:
                config.enforcementLevel = analyzer_pb2.MANDATORY
                config.properties.update({"enforcementLevel": lowered})
        return configure(servicer, request, context)

    return held


def shared(key: Any, make: Callable[[], Made]) -> Made:
    """A value that all policies of a request share; made again for each where requests are not known."""
    known = _SHARED.get()
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    return known[key]


def _remembering(read: Callable[..., Any], seen: dict[tuple[Any, int], tuple[Any, Any]]) -> Callable[..., Any]:
    def once(given: Any, *more: Any, **named: Any) -> Any:
        if more or named:
            return read(given, *more, **named)
        key = (read, id(given))
        hit = seen.get(key)
        # The object is kept with its result, so that no other object can have its id meanwhile.
        if hit is None:
            hit = seen[key] = (given, read(given))
        return hit[1]

    return once


def _forgetting(answer: Callable[..., Any], seen: dict[tuple[Any, int], tuple[Any, Any]]) -> Callable[..., Any]:
    def answered(*asked: Any) -> Any:
        token = _SHARED.set({})
        try:
            return answer(*asked)
        finally:
            _SHARED.reset(token)
            # A request that is answered at the same time reads its resources again.
            seen.clear()

    return answered
