"""Valid names of a component. Pulumi appends a hyphen and seven characters to the name of each resource that has a name
in AWS, and the components append endings of their own before these; AWS has to accept the longest result. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from .shapes import output_in_name

CONTAINER: Final = "job"
"""Name of the job's own container, to which a launch's overrides apply."""
PULUMI_ADDS: Final = 8
"""Characters that Pulumi appends to a resource's name to make the physical one.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
"""


@dataclass(frozen=True)
class Rule:
    """The rule for a component's name."""

    shape: str
    """Regular expression."""
    longest: int
    requirement: str
    """The rule and its reason."""


BUCKET: Final = Rule(
    # The AWS provider writes the name in lower case, so capitals are allowed.
    r"(?!(?i:xn--|sthree-|amzn-s3-demo-))[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9.-]*",
    63 - PULUMI_ADDS,
    "letters, digits, hyphens and single dots, beginning with a letter or digit and with none of S3's own prefixes "
    "(https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html)",
)
CLUSTER: Final = Rule(r"[A-Za-z0-9_-]+", 255 - PULUMI_ADDS, "letters, digits, hyphens and underscores, as ECS has them")
NETWORK: Final = Rule(
    r"(?!sg-)[A-Za-z0-9. _:/()#,@\[\]+=&;{}!$*-]+",
    255 - PULUMI_ADDS - len("-endpoints"),
    "letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *, and not sg- at its beginning, as a "
    "security group has them",
)
RUNS: Final = Rule(
    r"[A-Za-z0-9_-]+",
    64 - PULUMI_ADDS - len("-supervisor"),
    "letters, digits, hyphens and underscores, as the supervisor's function and role have them",
)
LOGGED_NETWORK: Final = Rule(
    r"(?!sg-)[A-Za-z0-9._-]+",
    64 - PULUMI_ADDS - len("-flow-log"),
    "letters, digits, dots, hyphens and underscores, and not sg- at its beginning, as the role and the log group of "
    "its flow log have them",
)


def name_problems(name: Any, rule: Rule) -> list[str]:
    """The problem with a component's name; empty when AWS accepts every name that is made of it."""
    if output := output_in_name(name):
        return output
    if isinstance(name, str) and len(name) <= rule.longest and re.fullmatch(rule.shape, name, re.ASCII):
        return []
    size = f" ({len(name)} characters)" if isinstance(name, str) and len(name) > rule.longest else ""
    return [
        f"name: {name!r}{size} is not at most {rule.longest} {rule.requirement}; "
        f"Pulumi adds {PULUMI_ADDS} more to each name"
    ]
