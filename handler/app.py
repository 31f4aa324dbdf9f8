"""The function's entry point: which trigger spoke, and what it is owed."""

from __future__ import annotations

import logging
import os
from typing import Any, Protocol

import boto3
from botocore.config import Config

from .launch import LaunchResult, launch, rejection
from .request import Rejected, parse
from .settings import Settings

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

SETTINGS = Settings.read(os.environ)
# Three tries with the same clientToken, and time-outs well within the function's own.
ECS: Any = boto3.client(
    "ecs",
    config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5),
)


class Context(Protocol):
    """What of Lambda's context object is used."""

    aws_request_id: str


def handle(event: object, context: Context) -> LaunchResult:
    """Launch the job as the event asks, or say why not."""
    try:
        request = parse(event, SETTINGS, request_id=context.aws_request_id)
    except Rejected as rejected:
        result = rejection(SETTINGS, rejected.problems)
    else:
        result = launch(ECS, SETTINGS, request)
    logger.info(
        "launch %s: %d of %d",
        result["status"],
        result["launched"],
        result["requested"],
        extra={"job": SETTINGS.job, "startedBy": result["startedBy"], "status": result["status"]},
    )
    return result
