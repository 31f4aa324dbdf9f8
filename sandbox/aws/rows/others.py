"""What other services refuse of the few calls that the sandbox answers in the emulator's place."""

from __future__ import annotations

from typing import Final

from .row import Refusal

ROWS: Final = (
    Refusal(
        id="iam.SimulatePrincipalPolicy.source",
        refuses="A simulated principal exists",
        code="NoSuchEntity",
        words="The entity with ARN {arn} cannot be found.",
        sources=("https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",),
        request={"PolicySourceArn": "arn:aws:iam::123456789012:role/nobody", "ActionNames": ["ecs:RunTask"]},
        fields={"arn": "arn:aws:iam::123456789012:role/nobody"},
        status=404,
        seen=False,
    ),
    Refusal(
        id="logs.AssociateKmsKey.group",
        refuses="A key is associated with an existing log group",
        code="ResourceNotFoundException",
        words="The specified log group does not exist.",
        sources=("https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html",),
        request={
            "logGroupName": "/rows/nowhere",
            "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
        },
    ),
)
