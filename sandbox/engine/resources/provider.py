"""The AWS provider itself."""

from __future__ import annotations

import json

from ...aws.server import Emulator
from .creator import Inputs, Made, Unsupported, creates


@creates("pulumi:providers:aws")
def _provider(aws: Emulator, inputs: Inputs) -> Made:
    """A provider of the program's own. It may be of the emulator's own region and account only."""
    region, allowed = inputs.take("region"), json.loads(inputs.take("allowedAccountIds", "[]"))
    for key in ("skipCredentialsValidation", "skipRegionValidation"):
        inputs.take(key)  # the SDK's own defaults
    inputs.take("defaultTags")  # given to each resource by deploy.py
    if region != aws.region:
        raise Unsupported(f"{inputs.kind}: the sandbox is in {aws.region}, and this provider in {region}")
    if allowed and aws.account not in allowed:
        raise Unsupported(f"{inputs.kind}: AWS account ID not allowed: {aws.account}; allowed: {', '.join(allowed)}")
    return Made(inputs.name, {})
