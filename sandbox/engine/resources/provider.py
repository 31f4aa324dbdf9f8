"""The AWS provider itself."""

from __future__ import annotations

import json

from ...aws.server import Emulator
from .creator import Inputs, Made, Unsupported, creates


@creates("pulumi:providers:aws")
def _provider(aws: Emulator, inputs: Inputs) -> Made:
    """A provider that the program creates. Its region and account must be the emulator's."""
    region, allowed = inputs.take("region"), json.loads(inputs.take("allowedAccountIds", "[]"))
    for key in ("skipCredentialsValidation", "skipRegionValidation"):
        inputs.take(key)  # the SDK's defaults
    inputs.take("defaultTags")  # monitor.py gives them to each resource
    if region != aws.region:
        raise Unsupported(f"{inputs.kind}: the sandbox is in {aws.region}, and this provider is in {region}")
    if allowed and aws.account not in allowed:
        raise Unsupported(f"{inputs.kind}: AWS account ID not allowed: {aws.account}; allowed: {', '.join(allowed)}")
    return Made(inputs.name, {})
