"""The monitor behind a program: it takes the engine's place and creates each resource that the program registers.

It extends the SDK's monitor for tests, which creates nothing.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any, Final

import grpc
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
"""The exceptions with which AWS or the sandbox refuses a resource."""


class _Provider(mocks.Mocks):
    """The provider behind the monitor: the emulator."""

    def __init__(self, aws: Emulator) -> None:
        self._aws = aws

    def call(self, args: mocks.MockCallArgs) -> Any:
        return invoke(self._aws, args.token, args.args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"{args.typ} is created by the monitor")


class LookupRefused(grpc.RpcError):
    """A data source that fails, as the engine hands it to the SDK: an error that the program may catch."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class Monitor(mocks.MockMonitor):
    """Creates each registered resource and answers with the outputs that AWS gave it."""

    def __init__(self, stack: Stack, aws: Emulator, seen: Seen) -> None:
        super().__init__(_Provider(aws))
        self.callbacks = Callbacks()
        self.deployment = Deployment(stack)
        self._failure: DeploymentFailed | None = None
        self._refused_lookups: list[str] = []
        self._aws = aws
        self._seen = seen
        self._default_tags: dict[str, dict[str, str]] = {}
        self._components: dict[str, Any] = {}
        self._lock = threading.Lock()

    def cause(self, error: Exception) -> DeploymentFailed | None:
        """Why a program that ended with this error was not deployed: the first refusal of a resource or, if the error
        is that of a refused data source, this. None if the error is the program's own: it may have caught a data
        source's error before."""
        if self._failure is not None:
            return self._failure
        # The SDK raises a refusal as an Exception whose words end with ours.
        refused = (it for it in self._refused_lookups if type(error) is Exception and str(error).endswith(it))
        return next(map(DeploymentFailed, refused), None)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        resource = Resource(urn, request.type, request.name, request.parent)
        with self._lock:
            duplicate = urn in self.deployment.resources
            self.deployment.resources.setdefault(urn, resource)
        if duplicate:
            # The engine's words.
            raise self._failed(f"Duplicate resource URN {urn!r}; try giving it a unique name", request)
        self._note(resource, done=False)
        try:
            request = self.callbacks.transformed(request, urn)
            _refuse_options(request)
            self.callbacks.run_hooks("before_create", request, urn)
            # The program's own components have no counterpart on AWS; those of another package (awsx) have.
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
        """Create the resource, again each time that an error hook requests it, and return what a provider returns."""
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
        # A provider returns a resource's inputs too; a component of another package returns its outputs only.
        state = {**inputs, **made.outputs} if request.custom else made.outputs
        inside = {(kind, name): (self.make_urn(urn, kind, name), identifier) for kind, name, identifier in made.parts}
        for part, identifier in inside.values():
            self.resources[part] = self.ResourceRegistration(part, identifier, {})
        for key, (kind, names) in made.references.items():
            state[key] = [reference(*inside[kind, name]) for name in names]
        if request.type == "pulumi:providers:aws":
            # The SDK gives a provider everything but text as JSON.
            self._default_tags[f"{urn}::{made.id}"] = json.loads(inputs.get("defaultTags", "{}")).get("tags", {})
        self.resources[urn] = self.ResourceRegistration(urn, made.id, state)
        return made, state

    def _transform_part(self, kind: str, name: str, identifier: str, parent: str) -> None:
        """Apply the program's transforms to a resource that another package's component created. Raises Unsupported."""
        asked = self.callbacks.transformed_part(kind, name, parent)
        changes = plain(received(asked.object))
        tags = changes.pop("tags", {})
        if changes or asked.importId or asked.hooks.ByteSize():
            what = ", ".join(changes) or "its options"
            raise Unsupported(
                f"a transform changes {what} of {name} ({kind}); the sandbox can change only its tags; "
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
        except CallbackFailed as error:
            raise self._failed(f"{request.tok}: {error}") from None
        except REFUSED as error:
            # A program may catch this one and go on.
            said = f"{request.tok}: {error}"
            with self._lock:
                self._refused_lookups.append(said)
            raise LookupRefused(said) from None

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Another stack's outputs. Nothing else can be read: the account contains only resources created here."""
        known = self._aws.exports.get(request.id)
        if request.type != "pulumi:pulumi:StackReference":
            raise self._failed("the sandbox cannot read a resource that it did not create", request)
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
        """The features that the SDK may use. A state migration changes an earlier state, and this stack has none."""
        info = super().GetDeploymentInfo(request)
        info.supportedFeatures.append(RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS)
        return info

    def _failed(self, reason: str, request: Any = None) -> DeploymentFailed:
        """The failure of this deployment, naming the resource of the request. The first failure is kept."""
        where = f"{request.name} ({request.type}): " if request is not None else ""
        with self._lock:
            self._failure = self._failure or DeploymentFailed(where + reason)
            return self._failure

    def _note(self, resource: Resource, *, done: bool) -> None:
        with self._lock:
            self.deployment.resources[resource.urn] = resource
            self._seen(resource, done)


def _refuse_options(request: Any) -> None:
    """Refuse options that would change a first deployment and are not available here. Raises Unsupported.

    The other options affect later steps only: an update, a replacement, a deletion.
    """
    if request.importId and request.type not in ADOPTED:
        raise Unsupported(
            f"import_ adopts {request.importId!r}, and the sandbox adopts log groups only: it begins with an empty "
            "account; leave the option out of the stack that is deployed here"
        )
    if request.envVarMappings:
        raise Unsupported(
            "env_var_mappings: the sandbox's provider reads no environment variables; give it these values as arguments"
        )
