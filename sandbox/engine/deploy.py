"""A Pulumi program run against the emulator: its own `__main__.py`, under Pulumi's SDK, with a monitor that creates.

The monitor is the SDK's own for tests, with real creation behind it. The SDK registers a resource once everything it
depends on exists, so the order is Pulumi's own.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import runpy
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import pulumi
from botocore.exceptions import BotoCoreError, ClientError
from fargate_job_launcher.archive import UnknownArchive
from fargate_job_launcher.checks.shapes import ConfigRefused
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import configure, mocks, rpc, run_in_stack, set_all_config
from pulumi.runtime.proto.resource_pb2 import (
    RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS,
    ReadResourceResponse,
    RegisterResourceResponse,
)

from ..aws.constraints import ConstraintViolation
from ..aws.server import Emulator
from ..aws.subnets import NotMade
from . import derived as derived  # the import makes its resource types known
from . import environment as environment  # the same
from . import files as files  # the same
from .adopting import ADOPTED, adopt
from .callbacks import CallbackFailed, Callbacks
from .lookups import invoke
from .resources import Inputs, Made, Unsupported, create, tag_list
from .stack import Stack

ORGANIZATION: Final = "organization"
"""What Pulumi calls it where a backend has none."""


REFUSED: Final = (ClientError, BotoCoreError, ConstraintViolation, Unsupported, UnknownArchive, NotMade)
"""What a resource fails with that AWS refuses, or the sandbox."""


class DeploymentFailed(Exception):
    """A program that could not be deployed: the resource and AWS's words, or the program's own."""


@dataclass(frozen=True)
class Resource:
    """A resource of the deployed stack."""

    urn: str
    kind: str
    name: str
    parent: str
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Deployment:
    """What was deployed."""

    stack: Stack
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Type and name of each resource, in the order of the program. They reach the monitor in any order."""

    @property
    def launchers(self) -> dict[str, Resource]:
        """Every FargateJobLauncher by name, in the order of the program, each with its outputs."""
        place = {it: number for number, it in reversed(list(enumerate(self.declared)))}
        found = self.of_kind("fargate-job-launcher:index:FargateJobLauncher")
        return {it.name: it for it in sorted(found, key=lambda it: place.get((it.kind, it.name), len(place)))}

    def of_kind(self, kind: str) -> list[Resource]:
        """Every resource of a type, such as `aws:iam/role:Role`."""
        return [resource for resource in self.resources.values() if resource.kind == kind]


Seen = Callable[[Resource, bool], None]
"""Told of each resource twice: when its creation starts (False) and when it stands (True)."""


def deploy(stack: Stack, aws: Emulator, *, seen: Seen = lambda _resource, _done: None) -> Deployment:
    """Run the stack's program and create what it registers.

    Raises DeploymentFailed for what AWS refuses and for what the program refuses with pulumi.RunError; any other
    exception of the program passes as it is.
    """
    monitor = _Creator(stack, aws, seen)
    try:
        with closing(monitor.callbacks):
            run_program(stack, monitor, declared=monitor.deployment.declared)
    except Exception as error:
        # The SDK wraps what a registration raised; what the monitor saw first is the cause.
        if monitor.failure is not None:
            raise monitor.failure from None
        if isinstance(error, ConfigRefused):
            raise DeploymentFailed(f"the program refuses its config: {error}") from None
        if isinstance(error, pulumi.RunError):
            raise DeploymentFailed(f"{_where(error, stack.folder)}{error}") from None
        raise
    aws.exports[f"{ORGANIZATION}/{stack.project}/{stack.name}"] = monitor.deployment.outputs
    return monitor.deployment


def _where(error: BaseException, folder: Path) -> str:
    """File and line of the program that an error came from: the last of its own that Python was in. Empty where none
    was, as in what an output's value sets off."""
    found, at = "", error.__traceback__
    while at is not None:
        frame = at.tb_frame
        path = folder / frame.f_code.co_filename
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        # An environment may lie in the program's folder, and this package beside it.
        if path.is_relative_to(folder) and "site-packages" not in path.parts and package != "fargate_job_launcher":
            found = f"{path.relative_to(folder)}, line {at.tb_lineno}: "
        at = at.tb_next
    return found


_declared: contextvars.ContextVar[list[tuple[str, str]] | None] = contextvars.ContextVar("declared", default=None)
"""Where the program that runs in this context has its resources noted."""
_resources: Any = pulumi.resource
_register = _resources.register_resource


def _noted(resource: pulumi.Resource, kind: str, name: str, *more: Any, **named: Any) -> None:
    """The SDK's own registration, whose first step the program itself waits for: its order is the program's."""
    declared = _declared.get()
    if declared is not None:
        declared.append((kind, name))
    _register(resource, kind, name, *more, **named)


_resources.register_resource = _noted


def run_program(
    stack: Stack,
    monitor: mocks.MockMonitor,
    *,
    preview: bool = False,
    declared: list[tuple[str, str]] | None = None,
) -> None:
    """Run the program of a stack, with its config, against a monitor. Nothing of it stays behind in this process.

    `preview`: as `pulumi preview` runs it; what the monitor answers may then be unknown. `declared`: is given the type
    and name of each resource, in the order of the program.
    """

    def main() -> None:
        # An SDK probe for a deployment that ends early would log futures that nobody awaits any more.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        configure(
            mocks.MockSettings(
                monitor=monitor,
                monitor_features=set(monitor.GetDeploymentInfo(Empty()).supportedFeatures),
                engine=mocks.MockEngine(None),
                project=stack.project,
                stack=stack.name,
                dry_run=preview,
                organization=ORGANIZATION,
                root_directory=str(stack.folder),
                callbacks=None,
                # The SDK's own for tests would share these with every other program of this process, and wait for what
                # one that failed left behind.
                outputs=set[Any](),
                lock=threading.Lock(),
            )
        )
        set_all_config(stack.config)
        _declared.set(declared)
        with _inside(stack.folder):
            asyncio.run(_held(program))

    def program() -> None:
        try:
            runpy.run_path("__main__.py", run_name="__main__")
        except SystemExit as left:
            # It would end this process, with what it was told; the engine lets no program leave in this way either.
            said = left.code if isinstance(left.code, str) else f"the program leaves by sys.exit({left.code or 0})"
            raise pulumi.RunError(said).with_traceback(left.__traceback__) from None

    # Pulumi keeps its settings in context variables: a context of its own is a Pulumi of its own.
    contextvars.Context().run(main)


async def _held(program: Callable[[], None]) -> None:
    """A loop holds its tasks weakly: one that only its own output waits for could be collected, and the program wait
    for ever. Here each is held until it is done."""
    tasks = set[asyncio.Task[Any]]()

    def held(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    asyncio.get_running_loop().set_task_factory(cast("Any", held))
    await run_in_stack(program)


@contextmanager
def _inside(folder: Path) -> Generator[None]:
    """The working directory and module path that Pulumi gives a program."""
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        # The next program may have modules of the same names.
        for name in set(sys.modules) - modules:
            top = folder / name.partition(".")[0]
            if top.is_dir() or top.with_suffix(".py").exists():
                del sys.modules[name]


class _Emulated(mocks.Mocks):
    """The provider behind the monitor: the emulator."""

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws

    def call(self, args: mocks.MockCallArgs) -> Any:
        return invoke(self._aws, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"{args.typ} is created by the monitor")


class _Creator(mocks.MockMonitor):
    """The engine's place: creates each registered resource and answers with what AWS made of it."""

    def __init__(self, stack: Stack, aws: Emulator, seen: Seen) -> None:
        super().__init__(_Emulated(aws))
        self.callbacks = Callbacks()
        self.deployment = Deployment(stack)
        self.failure: DeploymentFailed | None = None
        self._aws = aws
        self._seen = seen
        self._default_tags: dict[str, dict[str, str]] = {}
        self._components: dict[str, Any] = {}
        self._lock = threading.Lock()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        resource = Resource(urn, request.type, request.name, request.parent)
        with self._lock:
            duplicate = urn in self.deployment.resources
            self.deployment.resources.setdefault(urn, resource)
        if duplicate:
            # As the engine says it.
            raise self._failed(f"Duplicate resource URN {urn!r}; try giving it a unique name", request)
        self._note(resource, done=False)
        try:
            request = self.callbacks.transformed(request, urn)
            _refuse_options(request)
            self.callbacks.run_hooks("before_create", request, urn)
            # A component of the program's own has no counterpart on AWS; one of another package (awsx) does.
            if not (request.custom or request.remote):
                self._components[urn] = request
                self._note(resource, done=True)
                return RegisterResourceResponse(urn=urn)
            made, state = self._create(request, urn)
            self._note(replace(resource, id=made.id, outputs=state), done=True)
            for kind, name, identifier in made.parts:
                part = self.make_urn(urn, kind, name)
                self._transform_part(kind, name, identifier, urn)
                self._note(Resource(part, kind, name, urn, id=identifier), done=True)
            answer = asyncio.run(rpc.serialize_properties(state, {}))
            self.callbacks.run_hooks("after_create", request, urn, made.id, answer)
        except (*REFUSED, CallbackFailed) as error:
            self._failed(str(error), request)
            raise
        return RegisterResourceResponse(urn=urn, id=made.id, object=answer)

    def _create(self, request: Any, urn: str) -> tuple[Made, dict[str, Any]]:
        """What AWS makes of it, as often as the program's error hooks ask for it, and what the provider gives back."""
        inputs = _plain(received(request.object))
        provider = request.provider or request.providers.get("aws", "")
        errors: list[str] = []
        while True:
            try:
                tags = self._default_tags.get(provider)
                if request.importId:
                    made = adopt(self._aws, Inputs(request.type, request.name, inputs, tags), request.importId)
                else:
                    made = create(self._aws, request.type, request.name, inputs, tags)
                break
            except REFUSED as error:
                errors.insert(0, str(error))
                if not self.callbacks.retries(request, urn, errors):
                    raise
        # A provider gives a resource's inputs back; a component of another package gives its outputs only.
        state = {**inputs, **made.outputs} if request.custom else made.outputs
        inside = {(kind, name): (self.make_urn(urn, kind, name), identifier) for kind, name, identifier in made.parts}
        for part, identifier in inside.values():
            self.resources[part] = self.ResourceRegistration(part, identifier, {})
        for key, (kind, names) in made.references.items():
            state[key] = [reference(*inside[kind, name]) for name in names]
        if request.type == "pulumi:providers:aws":
            # As the SDK hands it to a provider: everything that is no text is JSON.
            self._default_tags[f"{urn}::{made.id}"] = json.loads(inputs.get("defaultTags", "{}")).get("tags", {})
        self.resources[urn] = self.ResourceRegistration(urn, made.id, state)
        return made, state

    def _transform_part(self, kind: str, name: str, identifier: str, parent: str) -> None:
        """What the program's transforms ask for what a component of another package made. Raises Unsupported."""
        asked = self.callbacks.transformed_part(kind, name, parent)
        changes = _plain(received(asked.object))
        tags = changes.pop("tags", {})
        if changes or asked.importId or asked.hooks.ByteSize():
            what = ", ".join(changes) or "its options"
            raise Unsupported(
                f"a transform changes {what} of {name} ({kind}), which the sandbox makes with its tags only; "
                "leave resources of this type out of the transform"
            )
        if tags:
            self._aws.client("ec2").create_tags(Resources=[identifier], Tags=tag_list(tags))

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """A data source's answer."""
        try:
            return super().Invoke(self.callbacks.transformed_invoke(request))
        except Unsupported as error:
            raise self._failed(str(error)) from None
        except (*REFUSED, CallbackFailed) as error:
            raise self._failed(f"{request.tok}: {error}") from None

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Another stack's outputs. Nothing else is read: what is there already was not made here."""
        known = self._aws.exports.get(request.id)
        if request.type != "pulumi:pulumi:StackReference":
            raise self._failed("the sandbox reads no resource that it did not make", request)
        if known is None:
            stacks = ", ".join(self._aws.exports) or "none"
            raise self._failed(f"stack {request.id!r} was not deployed here; deployed: {stacks}", request)
        state = {"name": request.id, "outputs": known, "secretOutputNames": []}
        urn = self.make_urn(request.parent, request.type, request.name)
        self._note(Resource(urn, request.type, request.name, request.parent), done=True)
        return ReadResourceResponse(urn=urn, properties=asyncio.run(rpc.serialize_properties(state, {})))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        outputs = _plain(received(request.outputs))
        with self._lock:
            component = self.deployment.resources[request.urn]
            self.deployment.resources[request.urn] = replace(component, outputs=outputs)
            if component.kind == "pulumi:pulumi:Stack":
                self.deployment.outputs = outputs
        registered = self._components[request.urn]
        try:
            self.callbacks.run_hooks("after_create", registered, request.urn, outputs=request.outputs)
        except CallbackFailed as error:
            raise self._failed(str(error), registered) from None
        return Empty()

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802
        self.callbacks.stack_transforms.append(request)
        return Empty()

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: N802
        self.callbacks.invoke_transforms.append(request)
        return Empty()

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802
        self.callbacks.hooks[request.name] = request
        return Empty()

    def RegisterErrorHook(self, request: Any) -> Any:  # noqa: N802
        self.callbacks.error_hooks[request.name] = request
        return Empty()

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: N802
        """What the SDK may ask for. A state migration changes what a stack was before, and this one was nothing."""
        info = super().GetDeploymentInfo(request)
        info.supportedFeatures.append(RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS)
        return info

    def _failed(self, said: str, request: Any = None) -> DeploymentFailed:
        """The deployment's failure, with the resource whose registration this was; the first one stays it."""
        where = f"{request.name} ({request.type}): " if request is not None else ""
        with self._lock:
            self.failure = self.failure or DeploymentFailed(where + said)
            return self.failure

    def _note(self, resource: Resource, *, done: bool) -> None:
        with self._lock:
            self.deployment.resources[resource.urn] = resource
            self._seen(resource, done)


def _refuse_options(request: Any) -> None:
    """Options that would change a first deployment and cannot be had here. Raises Unsupported.

    The others say what is done once a resource stands: with a change, a replacement, a deletion.
    """
    if request.importId and request.type not in ADOPTED:
        raise Unsupported(
            f"import_ adopts {request.importId!r}, and the sandbox adopts log groups only: it begins with an empty "
            "account; leave it out of the stack that is deployed here"
        )
    if request.envVarMappings:
        raise Unsupported("env_var_mappings: the sandbox's provider reads no environment; give it these as arguments")


def reference(urn: str, identifier: str) -> dict[str, str]:
    """A resource as a component of another package gives it: the SDK makes the resource of it again."""
    return {rpc._special_sig_key: rpc._special_resource_sig, "urn": urn, "id": identifier, "packageVersion": ""}  # pyright: ignore[reportPrivateUsage]


def received(properties: Struct, *, keep_unknowns: bool = False) -> dict[str, Any]:
    """What a program sent or was answered, as Python values; a resource in it is its id, or its URN where it has none.

    The SDK would make the resource anew, which asks the monitor for it. A monitor answers on a thread of its own, whose
    event loop nobody runs: the program would wait for that question for ever.
    """
    plain = Struct()
    plain.CopyFrom(properties)
    _unreferenced(plain)
    return rpc.deserialize_properties(plain, keep_unknowns=keep_unknowns)


def _unreferenced(properties: Struct) -> None:
    remaining = list(properties.fields.values())
    while remaining:
        value = remaining.pop()
        if value.HasField("list_value"):
            remaining += value.list_value.values
        elif value.HasField("struct_value"):
            fields = value.struct_value.fields
            text = {key: it.string_value for key, it in fields.items() if it.HasField("string_value")}
            if text.get(rpc._special_sig_key) == rpc._special_resource_sig:  # pyright: ignore[reportPrivateUsage]
                value.string_value = text.get("id") or text["urn"]
            else:
                remaining += fields.values()


def _plain(value: Any) -> Any:
    """Without the wrapping that marks a value as secret."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    return value
