"""AWS's partitions: the regions and the host names of each. Computed from botocore's data.

`make partitions` updates the table; a test fails if botocore has a newer one. The components use it too, so that
programs do without botocore.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True)
class Partition:
    """A part of AWS with accounts, regions and names of its own."""

    name: str
    """As in ARNs."""
    suffix: str
    """The domain of the services' hosts."""
    dual_stack_suffix: str
    """The domain of the hosts that also answer over IPv6."""
    regions: str
    """A regular expression for the names of its regions."""

    @property
    def dual_stack_registry_suffix(self) -> str:
        """The domain of private ECR registries that also answer over IPv6: `api.aws` → `on.aws`.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
        """
        return self.dual_stack_suffix.replace("api.", "on.", 1)


# Computed from here on by `make partitions`.
PARTITIONS: Final = (
    Partition("aws", "amazonaws.com", "api.aws", r"^(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+$"),
    Partition("aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", r"^cn\-\w+\-\d+$"),
    Partition("aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", r"^eusc\-(de)\-\w+\-\d+$"),
    Partition("aws-iso", "c2s.ic.gov", "api.aws.ic.gov", r"^us\-iso\-\w+\-\d+$"),
    Partition("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", r"^us\-isob\-\w+\-\d+$"),
    Partition("aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", r"^eu\-isoe\-\w+\-\d+$"),
    Partition("aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", r"^us\-isof\-\w+\-\d+$"),
    Partition("aws-us-gov", "amazonaws.com", "api.aws", r"^us\-gov\-\w+\-\d+$"),
)
# Computed up to here.


@cache
def partition(name: str) -> Partition:
    """A partition by its name in an ARN. Raises ValueError for an unknown name."""
    found = next((it for it in PARTITIONS if it.name == name), None)
    if found is None:
        raise ValueError(f"partition: {name!r} is unknown; known: {', '.join(it.name for it in PARTITIONS)}")
    return found


@cache
def partition_of(region: str) -> Partition:
    """The partition of a region; `aws` if no pattern matches, as in the AWS SDKs."""
    return next((it for it in PARTITIONS if re.match(it.regions, region)), partition("aws"))


def service_host(service: str, region: str, partition_name: str) -> str:
    """A service's host in a region, as in kms:ViaService."""
    return f"{service}.{region}.{partition(partition_name).suffix}"
