"""What answers for a data source: the function marked with `answers`.

An argument that the function does not take is an error, and so is a data source without a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ...aws.server import Emulator
from ..resources import Inputs, State, Unsupported

Answerer = Callable[[Emulator, Inputs], State]
_ANSWERERS: Final[dict[str, Answerer]] = {}


def answers(token: str) -> Callable[[Answerer], Answerer]:
    """Marks the function that answers for this data source, such as `aws:ec2/getVpc:getVpc`."""

    def register(answerer: Answerer) -> Answerer:
        _ANSWERERS[token] = answerer
        return answerer

    return register


def known_lookups() -> frozenset[str]:
    """Every data source that the sandbox can answer for."""
    return frozenset(_ANSWERERS)


def invoke(aws: Emulator, token: str, given: Mapping[str, Any]) -> State:
    """What a data source of the AWS provider answers. Raises Unsupported, or botocore's own errors."""
    answerer = _ANSWERERS.get(token)
    if answerer is None:
        raise Unsupported(
            f"{token}: the sandbox does not know this data source; it knows {', '.join(sorted(_ANSWERERS))}"
        )
    inputs = Inputs(token, token, given)
    inputs.hold_region(aws)
    answer = answerer(aws, inputs)
    inputs.done()
    return {**given, "region": aws.region, **answer}
