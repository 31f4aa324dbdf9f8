"""The public components as a Pulumi provider, for programs in every language that Pulumi supports.

Pulumi's SDK derives the schema from the components' annotations and builds them on request. It silently drops unknown
keys and values of another type than the schema's; here the components' own checks see everything that was given.
"""

import json
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Final, cast

import pulumi
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyDefinition
from pulumi.provider.experimental.component import ComponentProvider

from .arguments import examine
from .checks.shapes import unknown
from .cluster import JobCluster, examine_cluster
from .launcher import FargateJobLauncher
from .network import JobNetwork, examine_network
from .payload import PayloadBucket, examine_bucket
from .plugin_schema import completed, respelt
from .runs import JobRuns, examine_runs

NAME: Final = "fargate-job-launcher"
"""Name of the Pulumi package and of the Python one; each component's type begins with it."""


COMPONENTS: Final[dict[type[pulumi.ComponentResource], Callable[[str, Any], list[str]]]] = {
    FargateJobLauncher: lambda name, args: examine(name, args)[1],
    JobCluster: lambda _, args: examine_cluster(args)[1],
    JobNetwork: lambda _, args: examine_network(args)[1],
    PayloadBucket: lambda _, args: examine_bucket(args)[1],
    JobRuns: lambda _, args: examine_runs(args)[1],
}
"""Every public component → its check of a name and arguments, which returns every problem."""


class Provider(ComponentProvider):
    """Serves every public component."""

    def __init__(self) -> None:
        super().__init__(list(COMPONENTS), NAME, version=metadata.version(NAME))
        of = metadata.metadata(NAME)
        urls = dict(it.split(", ", 1) for it in of.get_all("Project-URL") or [])
        self.schema = json.dumps(
            completed(
                json.loads(self.schema or "{}"),
                self._names(),
                description=of["Summary"],
                repository=urls.get("Repository", ""),
            )
        )

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Build a component. Raises InputPropertiesError, naming every problem at once, in the schema's spelling."""
        component = self._components.get(resource_type.rpartition(":")[2])
        if component is not None:
            declared, problems = self._component_defs[component.__name__], list[InputPropertyErrorDetails]()
            args = self._fields("", inputs, declared.inputs, declared.inputs_mapping, problems)
            problems += [_problem(self._respelt(it)) for it in COMPONENTS[component](name, args)]
            if problems:
                raise InputPropertiesError(f"{component.__name__} {name!r} cannot be built", problems)
        return super().construct(name, resource_type, inputs, options)

    def _fields(
        self,
        path: str,
        given: Mapping[str, Any],
        known: Mapping[str, PropertyDefinition],
        names: Mapping[str, str],
        problems: list[InputPropertyErrorDetails],
    ) -> dict[str, Any]:
        """The given values by their Python names; a key that the schema does not have is a problem."""
        found: dict[str, Any] = {}
        for key, value in given.items():
            if key in known:
                found[names[key]] = self._value(f"{path}{key}", value, known[key], problems)
            else:
                types = {name: self.get_type_definition(it) for name, it in known.items() if it.ref}
                inside = [name for name, it in types.items() if it is not None and key in it.properties]
                problems.append({"property_path": f"{path}{key}", "reason": unknown(key, list(known), inside)})
        return found

    def _value(
        self, path: str, value: Any, declared: PropertyDefinition, problems: list[InputPropertyErrorDetails]
    ) -> Any:
        """A value with Python's names in it; a value of another type stays unchanged for the component's check."""
        nested = self.get_type_definition(declared) if declared.ref else None
        if isinstance(value, dict) and nested is not None:
            given = cast("dict[str, Any]", value)
            return self._fields(f"{path}.", given, nested.properties, nested.properties_mapping, problems)
        if isinstance(value, list) and declared.items is not None:
            items = enumerate(cast("list[Any]", value))
            return [self._value(f"{path}[{number}]", it, declared.items, problems) for number, it in items]
        return value

    def _names(self) -> dict[str, str]:
        """Name of every argument and output in Python → in the schema (camelCase)."""
        mappings = [it.inputs_mapping for it in self._component_defs.values()]
        mappings += [it.outputs_mapping for it in self._component_defs.values()]
        mappings += [it.properties_mapping for it in self._type_defs.values()]
        return {python: schema for mapping in mappings for schema, python in mapping.items()}

    def _respelt(self, said: str) -> str:
        """An error with the arguments' names in the schema's spelling."""
        return respelt(said, self._names())


def _problem(line: str) -> InputPropertyErrorDetails:
    path, _, reason = line.partition(": ")
    return {"property_path": path, "reason": reason}
