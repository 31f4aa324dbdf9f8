"""What DynamoDB asks IAM about: an action on a table or an index, with the partition keys that the request names. Pure.

`dynamodb:LeadingKeys` has the value of the partition key of each item that a request names. A request that names none,
such as a Scan, has no such key, so a condition on it with ForAllValues is true there unless a Null condition requires
the key. A transaction is no action of IAM's: each of its items is authorized as the action that it is.

`dynamodb:Attributes` and `dynamodb:Select` are left out: no policy of a launcher has them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .authorization import Call

PartitionKey = Callable[[str, str], str]
"""Table and index → the name of the partition key. The index "" is the table itself; a table that does not exist has
the partition key ""."""

Given = Mapping[str, Any]

_NAMES_ITEM: Final = {"GetItem": "Key", "PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}
"""Operation on one item → the parameter that has its partition key."""

_IN_TRANSACTION: Final = {
    "Get": ("GetItem", "Key"),
    "Put": ("PutItem", "Item"),
    "Update": ("UpdateItem", "Key"),
    "Delete": ("DeleteItem", "Key"),
    "ConditionCheck": ("ConditionCheckItem", "Key"),
}
"""Member of a transaction's item → its action, and the parameter that has its partition key."""

_STATEMENT: Final = re.compile(
    r"""\s*(?P<verb>select|insert|update|delete)\b.*?(?:from|into|(?<=update))\s+"?(?P<table>[\w.:/-]+)"?"""
    r"""(?:\."(?P<index>[\w.-]+)")?""",
    re.IGNORECASE | re.DOTALL,
)
"""The start of a PartiQL statement. Its partition key is not read: it counts as a statement that names none."""


def calls(operation: str, given: Given, arn: Callable[[str], str], partition_key: PartitionKey) -> Iterator[Call]:
    """Everything that an operation asks IAM about. `arn` makes the ARN of a resource from its name, `table/NAME`."""

    def call(action: str, named: Any, values: list[Any], index: str = "", **context: str) -> Call:
        table = str(named)
        resource = table if table.startswith("arn:") else arn(f"table/{table}")
        keys = [next(iter(it.values())) for it in values if isinstance(it, Mapping) and it]
        leading = {"dynamodb:LeadingKeys": [str(it) for it in keys]} if keys else {}
        enclosing = {f"dynamodb:{key}": value for key, value in context.items()}
        return Call(f"dynamodb:{action}", f"{resource}/index/{index}" if index else resource, {**leading, **enclosing})

    def key_of(named: Any, index: str = "") -> str:
        return partition_key(str(named).rpartition("table/")[2], index)

    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in given.get("TransactItems") or []:
            for member, (action, parameter) in _IN_TRANSACTION.items():
                inner = item.get(member)
                if inner:
                    table = inner.get("TableName", "")
                    values = [inner.get(parameter, {}).get(key_of(table))]
                    # IAM's reference knows this key for every item of a transaction but a condition.
                    within = {} if member == "ConditionCheck" else {"EnclosingOperation": operation}
                    yield call(action, table, values, **within)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table, asked in (given.get("RequestItems") or {}).items():
            yield call(operation, table, [it.get(key_of(table)) for it in _batched(asked)])
    elif operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
        for one in given.get("Statements") or given.get("TransactStatements") or [given]:
            found = _STATEMENT.match(str(one.get("Statement", "")))
            if found:
                yield call(f"PartiQL{found['verb'].capitalize()}", found["table"], [], found["index"] or "")
    else:
        table, index = given.get("TableName", ""), str(given.get("IndexName") or "")
        key = key_of(table, index)
        named = [given[_NAMES_ITEM[operation]].get(key)] if given.get(_NAMES_ITEM.get(operation, "")) else []
        yield call(operation, table, named or [_queried(given, key)], index)


def _batched(asked: Any) -> Iterator[Given]:
    """The key or the item of each entry of a batch."""
    if isinstance(asked, Mapping):
        yield from asked.get("Keys") or []
        return
    for it in asked:
        for request in it.values():
            yield request.get("Item") or request.get("Key") or {}


def _queried(given: Given, key: str) -> Any:
    """The value that a Query's condition requires of the partition key; None if it names none, as a Scan."""
    legacy = (given.get("KeyConditions") or {}).get(key)
    if legacy:
        return next(iter(legacy.get("AttributeValueList") or []), None)
    names, values = (given.get(f"ExpressionAttribute{it}") or {} for it in ("Names", "Values"))
    condition = str(given.get("KeyConditionExpression") or "")
    for left, right in re.findall(r"([#:\w.-]+)\s*=\s*([#:\w.-]+)", condition):
        for name, value in ((left, right), (right, left)):
            if names.get(name, name) == key and value in values:
                return values[value]
    return None
