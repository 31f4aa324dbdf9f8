"""Condition keys: which type each has, whether it can have several values, which action knows it."""

from __future__ import annotations

from typing import Final

from fargate_job_launcher.policies.runtask import KNOWN_KEYS

from .key_types import TYPES

_GLOBAL: Final = {
    "ArrayOfString": (
        *("aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:resourceorgpaths"),
        *("aws:sourceorgpaths", "aws:tagkeys", "aws:vpceorgpaths"),
    ),
    "Bool": (
        *("aws:multifactorauthpresent", "aws:principalisawsservice", "aws:securetransport", "aws:viaawsservice"),
        *("aws:ismcpserviceaction", "aws:issupportedaction", "aws:viaawsmcpservice"),
    ),
    "Date": ("aws:currenttime", "aws:epochtime", "aws:tokenissuetime"),
    "IPAddress": ("aws:ec2instancesourceprivateipv4", "aws:sourceip", "aws:vpcsourceip"),
    "Numeric": ("aws:multifactorauthage",),
    "ARN": ("aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "lambda:sourcefunctionarn"),
}
"""Types of the global keys, which the service authorization reference does not have.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_OF_THE_ACTION: Final = (
    *("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys", "aws:resourceaccount", "aws:resourceorgid"),
    *("aws:resourceorgpaths", "aws:requestedregion"),
)
"""Global keys whose values differ from one request of a principal to its next."""


def type_of(key: str) -> str:
    """Type of a key in lower case: `String`, `ArrayOfARN`, …; `Several` where services differ."""
    for table in (_GLOBAL, TYPES):
        for kind, keys in table.items():
            if key in keys or any(it.endswith("/") and key.startswith(it) for it in keys):
                return kind
    return "String"


def has_several_values(key: str) -> bool:
    """Whether a request may have several values of a key."""
    return type_of(key).startswith("ArrayOf")


def of_the_session(key: str) -> bool:
    """Whether a key says something about the caller, so that it is the same in each of its requests at one moment."""
    return key.startswith("aws:") and not key.startswith(_OF_THE_ACTION)


def may_have(action: str, key: str) -> bool:
    """Whether a request of this action may have a key, as far as the rules know; they know two actions' keys."""
    known = {name.lower(): keys for name, keys in KNOWN_KEYS.items()}.get(action.lower())
    if known is None or key.startswith("aws:"):
        return True
    # Comes with the caller's credentials: https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    return key.startswith(("lambda:source", "sts:", *(it.removesuffix("*") for it in known)))


ONE_VALUE: Final = {"events:source": "events:putevents", "events:detail-type": "events:putevents"}
"""Key of several values → an action whose requests have one: of PutEvents each entry is authorized by itself.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
"""
