"""Calls a program's transforms and hooks, as Pulumi's engine does, through the callback server that the SDK runs.

Their order and meaning are the engine's:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/source_eval.go
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import rpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

MOST_RETRIES: Final = 100
"""Of one resource whose error hooks request a retry."""

_SIGNATURE: Final = rpc._special_sig_key  # pyright: ignore[reportPrivateUsage]
_SECRET: Final = rpc._special_secret_sig  # pyright: ignore[reportPrivateUsage]
_OUTPUT: Final = rpc._special_output_value_sig  # pyright: ignore[reportPrivateUsage]

# Generated from protobuf: their members are not visible to a type checker.
Callback = Any
Request = Any
_pb: Any = resource_pb2


class CallbackFailed(Exception):
    """A transform or hook of the program failed. The message quotes it."""


class Callbacks:
    """The transforms and hooks that a program has registered."""

    def __init__(self) -> None:
        self.stack_transforms: list[Callback] = []
        self.invoke_transforms: list[Callback] = []
        self.hooks: dict[str, Request] = {}
        self.error_hooks: dict[str, Request] = {}
        self._transforms: dict[str, Sequence[Callback]] = {}
        self._parents: dict[str, str] = {}
        self._channels: dict[str, Any] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections to the callback servers."""
        for channel in self._channels.values():
            channel.close()

    def transformed(self, request: Request, urn: str) -> Request:
        """A registration after the resource's own transforms, then those of each parent, then the stack's."""
        self._transforms[urn], self._parents[urn] = list(request.transforms), request.parent
        applying = list(self._applying(urn))
        if not applying:
            return request
        properties, options = _with_outputs(request), _options(request)
        for callback in applying:
            answer = self._transform(callback, request, properties, options)
            properties = answer.properties if answer.HasField("properties") else properties
            options = answer.options if answer.HasField("options") else options
        changed = _pb.RegisterResourceRequest()
        changed.CopyFrom(request)
        changed.object.CopyFrom(_without_outputs(properties))
        changed.provider, changed.importId = options.provider, getattr(options, "import")
        changed.hooks.CopyFrom(options.hooks)
        changed.providers.clear()
        changed.providers.update(options.providers)
        return changed

    def transformed_part(self, kind: str, name: str, parent: str) -> Request:
        """The same for a resource that another package's component creates inside; its inputs are not known."""
        request = _pb.RegisterResourceRequest(type=kind, name=name, parent=parent, custom=True)
        return self.transformed(request, f"{parent}::{kind}::{name}")

    def transformed_invoke(self, request: Request) -> Request:
        """The request to a data source after the stack's transforms."""
        for callback in self.invoke_transforms:
            options = _pb.TransformInvokeOptions(provider=request.provider, version=request.version)
            asked = _pb.TransformInvokeRequest(token=request.tok, args=request.args, options=options)
            answer = _pb.TransformInvokeResponse.FromString(self._call(callback, asked, "its transform"))
            changed = _pb.ResourceInvokeRequest()
            changed.CopyFrom(request)
            changed.args.CopyFrom(answer.args)
            changed.provider = answer.options.provider
            request = changed
        return request

    def run_hooks(self, when: str, request: Request, urn: str, identifier: str = "", outputs: Any = None) -> None:
        """Run the resource's hooks for `before_create` or `after_create`. Raises CallbackFailed."""
        for name in getattr(request.hooks, when):
            hook = self.hooks[name]
            about = {"urn": urn, "id": identifier, "name": request.name, "type": request.type}
            asked = _pb.ResourceHookRequest(**about, new_inputs=request.object, new_outputs=outputs)
            named = f"{when.partition('_')[0]} hook {name!r}"
            answer = _pb.ResourceHookResponse.FromString(self._call(hook.callback, asked, named))
            if answer.error and not hook.ignore_errors:
                raise CallbackFailed(f"{named} failed: {answer.error}")
            if answer.error:
                logging.getLogger(__name__).warning("%s: %s failed: %s", request.name, named, answer.error)

    def retries(self, request: Request, urn: str, errors: list[str]) -> bool:
        """Whether an error hook requests a retry; `errors` are all errors so far, the newest first."""
        wanted = False
        for name in request.hooks.on_error if len(errors) <= MOST_RETRIES else []:
            about = {"urn": urn, "name": request.name, "type": request.type, "new_inputs": request.object}
            asked = _pb.ErrorHookRequest(**about, failed_operation="create", errors=errors)
            named = f"error hook {name!r}"
            answer = _pb.ErrorHookResponse.FromString(self._call(self.error_hooks[name].callback, asked, named))
            if answer.error:
                raise CallbackFailed(f"{named} failed: {answer.error}")
            wanted = wanted or answer.retry
        return wanted

    def _applying(self, urn: str) -> Iterator[Callback]:
        while urn:
            yield from self._transforms.get(urn, [])
            urn = self._parents.get(urn, "")
        yield from self.stack_transforms

    def _transform(self, callback: Callback, request: Request, properties: Struct, options: Any) -> Any:
        asked = _pb.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=properties,
            options=options,
        )
        return _pb.TransformResponse.FromString(self._call(callback, asked, "a transform"))

    def _call(self, callback: Callback, asked: Message, named: str) -> bytes:
        """The answer of the SDK's callback server, which runs the function in the program's event loop."""
        made: Any = grpc
        with self._lock:
            if callback.target not in self._channels:
                self._channels[callback.target] = made.insecure_channel(callback.target)
        stub: Any = callback_pb2_grpc.CallbacksStub(self._channels[callback.target])
        request = callback_pb2.CallbackInvokeRequest(token=callback.token, request=asked.SerializeToString())
        try:
            return stub.Invoke(request).response
        except made.RpcError as error:
            raise CallbackFailed(f"{named} failed: {error.details().partition(' error: ')[2]}") from None


def _options(request: Request) -> Any:
    """The options of a registration as a transform receives them."""
    options = _pb.TransformResourceOptions(
        depends_on=request.dependencies,
        ignore_changes=request.ignoreChanges,
        replace_on_changes=request.replaceOnChanges,
        version=request.version,
        aliases=request.aliases,
        provider=request.provider,
        providers=request.providers,
        plugin_download_url=request.pluginDownloadURL,
        deleted_with=request.deletedWith,
        replace_with=request.replace_with,
        additional_secret_outputs=request.additionalSecretOutputs,
        hide_diff=request.hideDiffs,
        hooks=request.hooks,
        **{"import": request.importId},
    )
    for name, own in (("protect", "protect"), ("retain_on_delete", "retainOnDelete")):
        if request.HasField(own):
            setattr(options, name, getattr(request, own))
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    return options


def _with_outputs(request: Request) -> Struct:
    """The inputs as a transform receives them: secrets are outputs. If the resource has its own transforms, inputs that
    were computed from other resources are outputs too."""
    properties = Struct()
    properties.CopyFrom(request.object)
    for value in _signed(properties, _SECRET):
        value.struct_value.fields[_SIGNATURE].string_value = _OUTPUT
        value.struct_value.fields["secret"].bool_value = True
    for name, computed in request.propertyDependencies.items() if request.transforms else ():
        if name in properties.fields and computed.urns:
            value = properties.fields[name]
            inner = Value()
            inner.CopyFrom(value)
            if value.struct_value.fields.get(_SIGNATURE, Value()).string_value != _OUTPUT:
                value.Clear()
                value.struct_value.fields[_SIGNATURE].string_value = _OUTPUT
                value.struct_value.fields["value"].CopyFrom(inner)
            value.struct_value.update({"dependencies": list(computed.urns)})
    return properties


def _without_outputs(properties: Struct) -> Struct:
    """The properties with secrets and plain values in the place of those outputs."""
    plain = Struct()
    plain.CopyFrom(properties)
    for value in _signed(plain, _OUTPUT):
        output = Value()
        output.CopyFrom(value)
        if output.struct_value.fields["secret"].bool_value:
            value.Clear()
            value.struct_value.update({_SIGNATURE: _SECRET})
            value.struct_value.fields["value"].CopyFrom(output.struct_value.fields["value"])
        else:
            value.CopyFrom(output.struct_value.fields["value"])
    return plain


def _signed(properties: Struct, signature: str) -> Iterator[Value]:
    """Each value with this signature. A value is visited again until the caller has replaced its signature."""
    remaining = list(properties.fields.values())
    while remaining:
        value = remaining.pop()
        fields = value.struct_value.fields if value.HasField("struct_value") else {}
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == signature:
            yield value
            remaining.append(value)
        else:
            remaining += [*fields.values(), *(value.list_value.values if value.HasField("list_value") else [])]
