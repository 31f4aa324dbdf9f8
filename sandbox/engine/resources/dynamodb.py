"""DynamoDB tables, with their indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...aws.server import Emulator
from .creator import Inputs, Made, State, Unsupported, creates, tag_list

ON_DEMAND = "PAY_PER_REQUEST"


@creates("aws:dynamodb/table:Table")
def _table(aws: Emulator, inputs: Inputs) -> Made:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""
    name, dynamodb = inputs.physical_name(), aws.client("dynamodb")
    mode = inputs.take("billingMode", "PROVISIONED")
    ttl, recovery = inputs.take("ttl"), inputs.take("pointInTimeRecovery")
    own = {key: inputs.take(key) for key in ("hashKey", "rangeKey", "readCapacity", "writeCapacity")}
    global_ones, local_ones = (inputs.take(f"{it}SecondaryIndexes", []) for it in ("global", "local"))
    encryption, streamed = inputs.take("serverSideEncryption"), inputs.take("streamEnabled")
    view = inputs.take("streamViewType")
    made = dynamodb.create_table(
        TableName=name,
        BillingMode=mode,
        AttributeDefinitions=[
            {"AttributeName": it["name"], "AttributeType": it["type"]} for it in inputs.take("attributes", [])
        ],
        KeySchema=_keys(own),
        **inputs.given(
            ProvisionedThroughput=_throughput(own, mode),
            GlobalSecondaryIndexes=[_index(it, mode, inputs.kind) for it in global_ones],
            # A local index has the partition key of its table.
            LocalSecondaryIndexes=[
                _index({"hashKey": own["hashKey"], **it}, ON_DEMAND, inputs.kind) for it in local_ones
            ],
            SSESpecification=_encryption(encryption),
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view} if streamed else None,
            DeletionProtectionEnabled=inputs.take("deletionProtectionEnabled"),
            TableClass=inputs.take("tableClass"),
            Tags=tag_list(inputs.tags()),
        ),
    )["TableDescription"]
    if ttl and ttl.get("enabled", True):
        expiry = {"AttributeName": ttl["attributeName"], "Enabled": True}
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
    if recovery and recovery["enabled"]:
        days = recovery.get("recoveryPeriodInDays")
        kept = {"PointInTimeRecoveryEnabled": True, **({"RecoveryPeriodInDays": int(days)} if days else {})}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=kept)
    outputs: State = {"name": name, "arn": made["TableArn"], "billingMode": mode}
    if streamed:
        outputs |= {"streamArn": made["LatestStreamArn"], "streamLabel": made["LatestStreamLabel"]}
    return Made(name, outputs)


def _keys(given: Mapping[str, Any]) -> list[dict[str, str]]:
    """The provider takes an index's keys as a list too, in the form of DynamoDB."""
    if given.get("keySchemas"):
        return [{"AttributeName": it["attributeName"], "KeyType": it["keyType"]} for it in given["keySchemas"]]
    named = (("hashKey", "HASH"), ("rangeKey", "RANGE"))
    return [{"AttributeName": given[key], "KeyType": kind} for key, kind in named if given.get(key)]


def _throughput(given: Mapping[str, Any], mode: str) -> dict[str, int] | None:
    units = {"ReadCapacityUnits": given.get("readCapacity"), "WriteCapacityUnits": given.get("writeCapacity")}
    return {key: int(value) for key, value in units.items() if value} if mode != ON_DEMAND else None


def _index(given: Mapping[str, Any], mode: str, kind: str) -> State:
    known = {"name", "hashKey", "rangeKey", "keySchemas", "projectionType", "nonKeyAttributes"}
    known |= {"readCapacity", "writeCapacity"}
    unknown = sorted(key for key, value in given.items() if value is not None and key not in known)
    if unknown:
        raise Unsupported(f"{kind}: the sandbox does not know {', '.join(unknown)} of an index")
    others, units = given.get("nonKeyAttributes"), _throughput(given, mode)
    return {
        "IndexName": given["name"],
        "KeySchema": _keys(given),
        "Projection": {
            "ProjectionType": given["projectionType"],
            **({"NonKeyAttributes": list(others)} if others else {}),
        },
        **({"ProvisionedThroughput": units} if units else {}),
    }


def _encryption(given: Mapping[str, Any] | None) -> State | None:
    """The provider leaves out the block where DynamoDB's own key encrypts the table, which costs nothing.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html
    """
    if not given or not given["enabled"]:
        return None
    key = given.get("kmsKeyArn")
    return {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}
