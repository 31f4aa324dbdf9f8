"""DynamoDB in memory, as far as the table of runs uses it: conditional puts, transactions, the index of what is due.

It speaks the JSON that handler/table.py sends. tests/sandbox holds the same calls against an emulated DynamoDB.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError
from fargate_job_launcher.handler.run import Item
from fargate_job_launcher.handler.table import plain


def refused(code: str, operation: str, **more: Any) -> ClientError:
    """botocore's error of this code."""
    status = 500 if code.startswith("Internal") else 400
    error: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(error, operation)


LARGEST_ITEM: Final = 400 * 1024


def size(value: Any) -> int:
    """Bytes of an item, or of a value in it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    if "M" in value and len(value) == 1:
        return 3 + size(value["M"])
    if "L" in value and len(value) == 1:
        return 3 + sum(1 + size(it) for it in value["L"])
    if len(value) == 1 and {"S", "N", "BOOL"} & value.keys():
        ((kind, text),) = value.items()
        return len(text) if kind == "S" else 1 if kind == "BOOL" else len(text) // 2 + 2
    return sum(1 + len(key) + size(it) for key, it in value.items())


@dataclass
class Memory:
    """A table's items, by pk and sk, in DynamoDB's JSON."""

    fault: Callable[[str, dict[str, Any]], str] = lambda _operation, _request: ""
    """Called with each request: "before" loses the request, "after" its answer, and any other text is the code of the
    error with which it is refused."""
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    calls: list[str] = field(default_factory=list[str])
    """The operation of each call, in order."""
    _due: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._operations = {
            "GetItem": self._get_item,
            "PutItem": self._put_item,
            "Query": self._query,
            "TransactWriteItems": self._transact_write_items,
        }
        for item in self.items.values():
            self._index(item)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """A call, as AwsJson makes it."""
        from botocore.exceptions import ReadTimeoutError

        fault = self.fault(operation, request)
        if fault and fault not in ("before", "after"):
            raise refused(fault, operation)
        answer: dict[str, Any] = {}
        if fault != "before":
            with self._lock:
                self.calls.append(operation)
                answer = self._operations[operation](request)
        if fault:
            raise ReadTimeoutError(endpoint_url="memory", error=fault)
        return answer

    def next_due(self) -> float | None:
        """When the next item is due; None if none is."""
        return min(self._due.values(), default=None)

    def plain(self, kind: str = "") -> Iterator[Item]:
        """The items as plain data: runs (`run`), attempts (`attempt`), jobs (`job`), pauses (`schedules`), or all."""
        for (_, sk), item in sorted(self.items.items()):
            is_a = sk if sk in ("job", "schedules") else "attempt" if "#task#" in sk else "run"
            if kind in ("", is_a):
                yield plain(item)

    def _get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get((request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]))
        return {} if item is None else {"Item": item}

    def _holds(self, put: dict[str, Any]) -> bool:
        there = self.items.get((put["Item"]["pk"]["S"], put["Item"]["sk"]["S"]))
        if put["ConditionExpression"] == "attribute_not_exists(pk)":
            return there is None
        assert put["ConditionExpression"] == "version = :read"
        return there is not None and there["version"] == put["ExpressionAttributeValues"][":read"]

    def _write(self, put: dict[str, Any]) -> None:
        if size(put["Item"]) > LARGEST_ITEM:
            raise refused("ValidationException", "PutItem")
        # Nobody changes it: handler/table.py makes new JSON for each write, and plain data of what it reads.
        self.items[put["Item"]["pk"]["S"], put["Item"]["sk"]["S"]] = put["Item"]
        self._index(put["Item"])

    def _index(self, item: dict[str, Any]) -> None:
        key = item["pk"]["S"], item["sk"]["S"]
        self._due.pop(key, None)
        if "duty" in item:
            self._due[key] = float(item["due"]["N"])

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._holds(request):
            raise refused("ConditionalCheckFailedException", "PutItem")
        self._write(request)
        return {}

    def _transact_write_items(self, request: dict[str, Any]) -> dict[str, Any]:
        puts = [it["Put"] for it in request["TransactItems"]]
        assert len(puts) <= 100
        assert len({(it["Item"]["pk"]["S"], it["Item"]["sk"]["S"]) for it in puts}) == len(puts)
        held = [self._holds(it) for it in puts]
        if not all(held):
            reasons = [{"Code": "None" if it else "ConditionalCheckFailed"} for it in held]
            raise refused("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        for it in puts:
            self._write(it)
        return {}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        assert request["IndexName"] == "due"
        now = float(request["ExpressionAttributeValues"][":now"]["N"])
        due = sorted((at, key) for key, at in self._due.items() if at <= now)
        return {"Items": [{"pk": {"S": pk}, "sk": {"S": sk}} for _, (pk, sk) in due[: request["Limit"]]]}
