"""The monitor behind a program: it takes the engine's place and creates each resource that the program registers.

It is the SDK's own monitor for tests, with real creation behind it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from fargate_job_launcher.archive import UnknownArchive
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto.resource_pb2 import (
    RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS,
    ReadResourceResponse,
    RegisterResourceResponse,
)

from ..aws.constraints import ConstraintViolation
from ..aws.server import Emulator
from ..aws.subnets import NotMade
from .callbacks import CallbackFailed, Callbacks
from .deployment import Deployment, DeploymentFailed, Resource, Seen
from .lookups import invoke
from .resources import ADOPTED, Inputs, Made, Unsupported, adopt, create, tag_list
from .stack import Stack
from .values import plain, received, reference

REFUSED: Final = (ClientError, BotoCoreError, ConstraintViolation, Unsupported, UnknownArchive, NotMade)
"""What a resource fails with that AWS refuses, or the sandbox."""


class _Provider(mocks.Mocks):
    """The provider behind the monitor: the emulator."""

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws

    def call(self, args: mocks.MockCallArgs) -> Any:
        return invoke(self._aws, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"{args.typ} is created by the monitor")


class Monitor(mocks.MockMonitor):
    """The engine's place: creates each registered resource and answers with what AWS made of it."""

    def __init__(self, stack: Stack, aws: Emulator, seen: Seen) -> None:
        super().__init__(_Provider(aws))
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
        inputs = plain(received(request.object))
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
        changes = plain(received(asked.object))
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
        outputs = plain(received(request.outputs))
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
