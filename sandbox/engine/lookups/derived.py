"""Answers for the data sources of table.py: puts their arguments into the request of one operation."""

from __future__ import annotations

from typing import Any

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from ..resources import Inputs, State
from .answerer import Answerer, answers
from .table import LOOKUPS, Lookup


def _at(path: str, answer: Any) -> Any:
    for key in path.split(".") if path else []:
        if isinstance(answer, list):
            answer = answer[int(key)] if int(key) < len(answer) else None
        else:
            answer = (answer or {}).get(key)
    return answer


def _answerer(lookup: Lookup) -> Answerer:
    service, _, operation = lookup.operation.partition(".")

    def answer(aws: Emulator, inputs: Inputs) -> State:
        asked: State = {}
        for argument, parameter in lookup.arguments.items():
            value = inputs.take(argument)
            if value is not None:
                asked[parameter.removesuffix("[]")] = [value] if parameter.endswith("[]") else value
        found: Any = _at(lookup.at, getattr(aws.client(service), operation)(**asked))
        several = any(name.startswith(("=", "*")) for name in lookup.outputs.values())
        if not found and not several:
            given = ", ".join(str(it[0] if isinstance(it, list) else it) for it in asked.values())
            raise NotMade(f"there is no {given}")
        made: State = {}
        for key, name in lookup.outputs.items():
            if name.startswith("*"):
                made[key] = [it[name[1:]] for it in found or []]
            elif name == "=":
                made[key] = found or []
            elif found and name in found:
                made[key] = found[name]
        return {"id": aws.region, **made}

    return answer


for _token, _lookup in LOOKUPS.items():
    answers(_token)(_answerer(_lookup))
