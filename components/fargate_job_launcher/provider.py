"""The public components as a Pulumi provider, for programs in every language that Pulumi knows.

The SDK derives the schema from the components' annotations and builds them on request. It drops in silence what it
does not know and what comes as an output where a plain value is due; here both are errors, as they are in Python.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, Final, cast

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from .launcher import FargateJobLauncher
from .network import JobNetwork
from .payload import PayloadBucket

NAME: Final = "fargate-job-launcher"
"""Of the Pulumi package, as of the Python one: it begins each component's type."""


class Provider(ComponentProvider):
    """Serves every public component."""

    def __init__(self) -> None:
        super().__init__([FargateJobLauncher, JobNetwork, PayloadBucket], NAME, version=metadata.version(NAME))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Build a component. Raises InputPropertiesError, naming every problem at once, in the schema's spelling."""
        component = self._component_defs.get(resource_type.rpartition(":")[2])
        if component is not None:
            problems = list(self._field_problems("", inputs, component.inputs))
            if problems:
                raise InputPropertiesError(f"{component.name} {name!r} cannot be built", problems)
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, pulumi.RunError):
                # What the component says itself, without a stack: it is about what was given.
                said, *listed = self._respelt(str(error.inner)).split("\n  - ")
                raise InputPropertiesError(said.removesuffix(":"), [_problem(it) for it in listed]) from None
            raise

    def _field_problems(
        self, path: str, given: Mapping[str, Any], known: Mapping[str, PropertyDefinition]
    ) -> Iterator[InputPropertyErrorDetails]:
        for key in sorted(given.keys() - known.keys()):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            yield {"property_path": f"{path}{key}", "reason": f"unknown; {hint}"}
        for key, declared in known.items():
            if given.get(key) is not None:
                yield from self._value_problems(f"{path}{key}", given[key], declared)
            elif not declared.optional:
                yield {"property_path": f"{path}{key}", "reason": "is missing"}

    def _value_problems(
        self, path: str, value: Any, declared: PropertyDefinition
    ) -> Iterator[InputPropertyErrorDetails]:
        if isinstance(value, pulumi.Output):
            if declared.plain:
                reason = "is an output or a secret, but has to be known before anything is created; give a plain value"
                yield {"property_path": path, "reason": reason}
        elif isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            nested = self.get_type_definition(declared) if declared.ref else None
            if nested is not None:
                yield from self._field_problems(f"{path}.", inner, nested.properties)
            elif declared.additional_properties is not None:
                for key, it in inner.items():
                    yield from self._value_problems(f"{path}.{key}", it, declared.additional_properties)
        elif isinstance(value, list) and declared.items is not None:
            for index, it in enumerate(cast("list[Any]", value)):
                yield from self._value_problems(f"{path}[{index}]", it, declared.items)

    def _respelt(self, said: str) -> str:
        """An error with the arguments' names as the schema has them: camelCase."""
        mappings = [it.inputs_mapping for it in self._component_defs.values()]
        mappings += [it.properties_mapping for it in self._type_defs.values()]
        spelt = {python: schema for mapping in mappings for schema, python in mapping.items()}
        return re.sub(r"\b[a-z]+(?:_[a-z]+)+\b", lambda it: spelt.get(it[0], it[0]), said)


def _problem(line: str) -> InputPropertyErrorDetails:
    path, _, reason = line.partition(": ")
    return {"property_path": path, "reason": reason}
