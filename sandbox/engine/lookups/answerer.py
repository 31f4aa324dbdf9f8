"""Answers for a data source by calling the function that `answers` registered for it.

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
    """Registers the function that answers for this data source, such as `aws:ec2/getVpc:getVpc`."""

    def register(answerer: Answerer) -> Answerer:
        _ANSWERERS[token] = answerer
        return answerer

    return register


def known_lookups() -> frozenset[str]:
    """Every data source that the sandbox can answer for."""
    return frozenset(_ANSWERERS)


def invoke(aws: Emulator, token: str, given: Mapping[str, Any]) -> State:
    """The answer of a data source of the AWS provider. Raises Unsupported, or botocore's own errors."""
    answerer = _ANSWERERS.get(token)
    if answerer is None:
        raise Unsupported(
            f"{token}: the sandbox does not know this data source; it knows {', '.join(sorted(_ANSWERERS))}"
        )
    inputs = Inputs(token, token, given)
    inputs.check_region(aws)
    answer = answerer(aws, inputs)
    inputs.check_all_taken()
    return {**given, "region": aws.region, **answer}
