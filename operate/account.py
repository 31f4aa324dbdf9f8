"""An account and a region, as boto3's usual settings name them: profile, environment, AWS_ENDPOINT_URL."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import WrongRegion, explained

LONGEST_FUNCTION_SECONDS: Final = 900
"""A launcher answers within its own time-out, at most Lambda's.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


class Account:
    """Clients of one account and region, made when they are first needed."""

    def __init__(self, *, profile: str = "", region: str = "") -> None:
        """`profile` and `region` empty: what AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION and the files say.

        Raises NoCredentials for a profile that there is not.
        """
        self._clients: dict[str, Any] = {}
        with self.asking("?"):
            # boto3 looks at AWS_DEFAULT_REGION only; every other tool of AWS's looks at AWS_REGION first.
            wanted = region or os.environ.get("AWS_REGION", "")
            self._session: Any = cast("Any", boto3).Session(profile_name=profile or None, region_name=wanted or None)
        self.profile = profile
        self.region: str = self._session.region_name or ""

    def client(self, service: str) -> Any:
        """A client. Raises WrongRegion when no region is set."""
        if not self.region:
            raise WrongRegion("no AWS region is set", "Name the region that the stack is in: --region or AWS_REGION")
        if service not in self._clients:
            long = {"read_timeout": LONGEST_FUNCTION_SECONDS + 10, "tcp_keepalive": True}
            more = long if service == "lambda" else {}
            config = Config(
                retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, **cast("Any", more)
            )
            with self.asking(self.region):
                self._clients[service] = self._session.client(service, region_name=self.region, config=config)
        return self._clients[service]

    @contextmanager
    def asking(self, region: str = "") -> Generator[None]:
        """Whatever AWS answers with an error in here is raised as a JobError."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise explained(error, region=region or self.region) from error
