"""An account and a region, as boto3's usual settings name them: profile, environment, AWS_ENDPOINT_URL."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import Unreachable, WrongRegion, explained

LONGEST_FUNCTION_SECONDS: Final = 900
"""A launcher answers within its own timeout, which is at most Lambda's.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

LONGEST_CALLER: Final = 256
"""Characters of `requestedBy` in a launch event; the path of a user may be longer."""
_SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "lambda": {"read_timeout": LONGEST_FUNCTION_SECONDS + 10, "tcp_keepalive": True},
    # Who calls is a claim, for which no launch waits: a network may have no way to STS.
    "sts": {"retries": {"total_max_attempts": 1}, "connect_timeout": 2, "read_timeout": 2},
}


class Account:
    """Clients of one account and region, created on first use."""

    def __init__(self, *, profile: str = "", region: str = "") -> None:
        """Empty `profile` and `region`: as AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION and AWS's config files say.

        Raises NoCredentials for a profile that does not exist.
        """
        self._clients: dict[str, Any] = {}
        self._making = threading.RLock()
        self._caller: str | None = None
        with self.asking("?"):
            # boto3 reads only AWS_DEFAULT_REGION; AWS's other tools read AWS_REGION first.
            wanted = region or os.environ.get("AWS_REGION", "")
            self._session: Any = cast("Any", boto3).Session(profile_name=profile or None, region_name=wanted or None)
        self.profile = profile
        self.region: str = self._session.region_name or ""

    def client(self, service: str) -> Any:
        """A client. Raises WrongRegion when no region is set."""
        if not self.region:
            raise WrongRegion("no AWS region is set", "Name the stack's region: --region or AWS_REGION")
        # boto3 must not make two clients of a session at the same moment.
        with self._making:
            if service not in self._clients:
                more: dict[str, Any] = {"retries": {"mode": "standard", "total_max_attempts": 5}, "connect_timeout": 5}
                config = Config(**(more | _SPECIAL.get(service, {})))
                try:
                    with self.asking(self.region):
                        self._clients[service] = self._session.client(service, region_name=self.region, config=config)
                except ValueError as error:
                    # botocore's, for a text that is not an address.
                    raise Unreachable(
                        str(error), "AWS_ENDPOINT_URL is an address such as http://127.0.0.1:4566; unset it for AWS"
                    ) from None
        return self._clients[service]

    def caller(self) -> str:
        """Who calls, from the ARN of the caller's identity: `user/ada`, `assumed-role/operator/ada`; empty if AWS does
        not say. It takes no permission."""
        if self._caller is None:
            try:
                arn = str(self.client("sts").get_caller_identity()["Arn"])
            except (BotoCoreError, ClientError, KeyError):
                arn = ""
            self._caller = arn.split(":", 5)[-1][-LONGEST_CALLER:]
        return self._caller

    def claim(self) -> dict[str, str]:
        """Who calls, as a part of a launch event or of another request; empty if AWS does not say."""
        by = self.caller()
        return {"requestedBy": by} if by else {}

    @contextmanager
    def asking(self, region: str = "") -> Generator[None]:
        """Raise each error of AWS inside the block as a JobError."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise explained(error, region=region or self.region) from error
