"""The calls to ECS that a launch makes: RunTask, and ListTasks for a launch whose outcome is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .awsjson import AwsJson, Credentials, Service, endpoint

SERVICE: Final = Service("ecs", "AmazonEC2ContainerServiceV20141113", "1.1")


class Ecs(AwsJson):
    """Both operations, as in a botocore client. Each call is tried once."""

    def __init__(self, endpoint: str, region: str, credentials: Credentials, **more: Any) -> None:
        super().__init__(SERVICE, endpoint, region, credentials, **more)

    @staticmethod
    def of(environ: Mapping[str, str]) -> Ecs:
        """From the environment variables that Lambda sets. Raises KeyError outside a function."""
        return Ecs(endpoint(environ, SERVICE.name), environ["AWS_REGION"], Credentials.of(environ))

    def run_task(self, **request: Any) -> dict[str, Any]:
        """RunTask, as in a botocore client."""
        return self.call("RunTask", request)

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        """ListTasks, as in a botocore client."""
        return self.call("ListTasks", request)
