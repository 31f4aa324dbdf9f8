"""AWS's JSON protocol over botocore's own signer and HTTP session, without its clients: ECS and DynamoDB speak it.

A botocore client reads the whole model of its service before its first call, which would take most of a cold start.
The answers and errors here are those of a botocore client.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import botocore
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.httpsession import URLLib3Session

from .timing import CONNECT_SECONDS, READ_SECONDS

CONNECTIONS: Final = 100
"""The most calls at once: ten launches of a batch, ten calls of each launch."""

Unanswered = (HTTPClientError, ConnectionFailed)
"""The errors of a call that got no answer, or none that can be read."""


@dataclass(frozen=True, eq=False, repr=False)
class Credentials:
    """The credentials that botocore's signer reads; botocore's own class would import every way to find some."""

    access_key: str
    secret_key: str
    token: str | None = None

    @staticmethod
    def of(environ: Mapping[str, str]) -> Credentials:
        """From the environment variables that Lambda sets. Raises KeyError outside a function."""
        return Credentials(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN")
        )


@dataclass(frozen=True, eq=False, repr=False)
class Service:
    """A service that speaks the protocol."""

    name: str
    """As in its host name and in signatures."""
    target: str
    """The prefix of X-Amz-Target."""
    version: str
    """Of the protocol: 1.0 or 1.1."""


class AwsJson:
    """The calls of one service. Safe to share between threads."""

    def __init__(
        self,
        service: Service,
        endpoint: str,
        region: str,
        credentials: Credentials,
        *,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        """`timeout`: seconds to connect, and to read."""
        self._service, self._endpoint, self._region, self._credentials = service, endpoint, region, credentials
        self._http = _session(timeout)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One call, tried once. Raises botocore's ClientError for an error of the service, and its HTTPClientError or
        ConnectionError if no answer came. Returns an empty answer for a 200 that is not JSON."""
        headers = {
            "Content-Type": f"application/x-amz-json-{self._service.version}",
            "User-Agent": "fargate-job-launcher",
            "X-Amz-Target": f"{self._service.target}.{operation}",
        }
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        if trace:
            headers["X-Amzn-Trace-Id"] = trace
        call = AWSRequest("POST", self._endpoint, headers=headers, data=json.dumps(request).encode())
        SigV4Auth(cast("Any", self._credentials), self._service.name, self._region).add_auth(call)
        answer: Any = self._http.send(call.prepare())
        content = _read(answer.content)
        if answer.status_code < 300:
            return content
        name = str(content.pop("__type", "") or answer.headers.get("x-amzn-errortype", "") or answer.status_code)
        error: Any = {
            **content,
            "Error": {
                "Code": name.split(":")[0].rpartition("#")[2],
                "Message": content.pop("message", content.pop("Message", "")),
            },
            "ResponseMetadata": {"HTTPStatusCode": answer.status_code},
        }
        raise ClientError(error, operation)


def endpoint(environ: Mapping[str, str], service: str) -> str:
    """The address of a service: from the environment variables of AWS's SDKs, otherwise the region's own."""
    given = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
    if given and environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        return given
    region = environ["AWS_REGION"]
    host = f"{service}-fips" if environ.get("AWS_USE_FIPS_ENDPOINT", "").lower() == "true" else service
    return f"https://{host}.{region}.{_domain(region)}/"


def error_of(error: ClientError) -> tuple[str, str, int]:
    """Code, message and HTTP status of a service's error."""
    response: Any = error.response
    code, message = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
    return code, message, int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))


def code_of(error: Exception) -> str:
    """Code of a service's error; empty for any other error."""
    return error_of(error)[0] if isinstance(error, ClientError) else ""


@cache
def _session(timeout: tuple[float, float]) -> Any:
    """A pool of connections, one for all services: its TLS context takes time to make."""
    # Without TCP_NODELAY, which botocore's clients set, each call waits 40 ms for an acknowledgement.
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    return URLLib3Session(timeout=timeout, max_pool_connections=CONNECTIONS, socket_options=options)


@cache
def _domain(region: str) -> str:
    """The domain of a region's partition, from botocore's data."""
    known = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_bytes())
    for partition in known["partitions"]:
        if region in partition["regions"] or re.match(partition["regionRegex"], region):
            return partition["outputs"]["dnsSuffix"]
    raise ValueError(f"AWS_REGION: {region!r} is in no partition that botocore knows; set AWS_ENDPOINT_URL")


def _read(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
