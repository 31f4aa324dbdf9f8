"""AWS's partitions: the table agrees with botocore, and no other module repeats it."""

from __future__ import annotations

import re

import pytest
from fargate_job_launcher.handler.partitions import PARTITIONS, partition, partition_of, service_host

from tools import partitions
from tools.recording import PROGRAM


def test_the_table_agrees_with_botocore() -> None:
    text = partitions.TABLE.read_text()
    assert text == partitions.written(text), "stale; run: make partitions"


def test_every_region_that_botocore_knows_is_found_in_its_partition() -> None:
    for it in partitions.known():
        for region in it["regions"]:
            # `aws-global` and the like are not regions.
            if not region.endswith("-global"):
                assert partition_of(region).name == it["id"], region
                host = service_host("s3", region, it["id"])
                assert host == f"s3.{region}.{it['outputs']['dnsSuffix']}"
    # As in the SDKs.
    assert partition_of("xx-future-9").name == "aws"
    with pytest.raises(ValueError, match=r"partition: 'awz' is unknown; known: aws, aws-cn, aws-eusc"):
        partition("awz")


def test_no_other_module_contains_a_domain_of_a_partition() -> None:
    endings = {it.suffix for it in PARTITIONS} - {"amazonaws.com"}
    for room in ("components", "environments", "handler", "operate", "policy", "sandbox"):
        for path in sorted((PROGRAM / room).rglob("*.py")):
            if path == partitions.TABLE:
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = line.partition("#")[0]
                assert not any(it in code for it in endings), f"{path}:{number}"
                # A service's principal is in amazonaws.com everywhere; a host with a region in it is not.
                assert not re.search(r"\{region\}\.amazonaws|\{place\.region\}\.amazonaws", code), f"{path}:{number}"
