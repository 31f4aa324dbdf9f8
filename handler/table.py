"""The table of runs: whole items, each written only if nobody has written it since it was read.

DynamoDB holds one item for each run, one for each attempt that has ended, and one for each job that limits how many of
its tasks run. Every item has a `version`. A write names the version that it replaces, so two writers never overwrite
each other's facts; the loser reads again and decides again. An answer that is lost is recognized by the `writer` of the
item, which is new for each write.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from .awsjson import AwsJson, Credentials, Service, Unanswered, endpoint, error_of
from .run import DUE, Item
from .settings import DUE_INDEX
from .timing import jitter

SERVICE: Final = Service("dynamodb", "DynamoDB_20120810", "1.0")
TRIES: Final = 4
"""How often a call is tried that DynamoDB did not answer or throttled."""
# Not compiled here, as in answers.py.
_LATER: Final = r"Throttl|ProvisionedThroughput|RequestLimit|InternalServer|ServiceUnavailable|InProgress"
_MOVED: Final = r"ConditionalCheckFailed|TransactionConflict"


class NotRecorded(Exception):
    """The table could not be read or written; the message is AWS's. Nothing is known about the last write."""


class Changed(Exception):
    """Another writer was first: at least one of the items has another version than the one that was read."""

    def __init__(self, found: Item | None = None) -> None:
        super().__init__()
        self.found = found
        """The first of the items as it is now; None if there is none."""


class Table:
    """One table of runs. Safe to share between threads."""

    def __init__(self, api: Any, name: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        """`api` has `call(operation, request)`, as AwsJson has."""
        self._api, self._name, self._wait = api, name, wait

    @staticmethod
    def of(environ: Mapping[str, str], name: str) -> Table:
        """From the environment variables that Lambda sets. Raises KeyError outside a function."""
        credentials = Credentials.of(environ)
        return Table(AwsJson(SERVICE, endpoint(environ, SERVICE.name), environ["AWS_REGION"], credentials), name)

    def get(self, pk: str, sk: str) -> Item | None:
        """An item as the last write left it; None if there is none. Raises NotRecorded."""
        request = {"TableName": self._name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "ConsistentRead": True}
        found = self._call("GetItem", request).get("Item")
        return None if found is None else plain(found)

    def put(self, *items: Item) -> list[Item]:
        """Write new versions of items, all of them or none; returns them as written.

        An item without `version` is new; one with a version replaces exactly that version. Raises Changed or
        NotRecorded.
        """
        writer = os.urandom(16).hex()
        written = [{**it, "version": it.get("version", 0) + 1, "writer": writer} for it in items]
        writes = [self._write(it) for it in written]
        try:
            if len(writes) == 1:
                self._call("PutItem", writes[0])
            else:
                # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
                self._call("TransactWriteItems", {"TransactItems": [{"Put": it} for it in writes]})
        except Changed:
            # The first try may have been written, and its answer lost.
            found = self.get(written[0]["pk"], written[0]["sk"])
            if found is None or found["writer"] != writer:
                raise Changed(found) from None
        return written

    def due(self, now: float, most: int) -> list[tuple[str, str]]:
        """pk and sk of the items whose time has come, the oldest first. Raises NotRecorded."""
        values = {":duty": {"S": DUE}, ":now": {"N": str(int(now))}}
        request = {
            "TableName": self._name,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": "duty = :duty AND due <= :now",
            "ExpressionAttributeValues": values,
            "Limit": most,
        }
        return [(it["pk"]["S"], it["sk"]["S"]) for it in self._call("Query", request).get("Items", [])]

    def _write(self, item: Item) -> dict[str, Any]:
        first = item["version"] == 1
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if not first:
            condition = {
                "ConditionExpression": "version = :read",
                "ExpressionAttributeValues": {":read": {"N": str(item["version"] - 1)}},
            }
        return {"TableName": self._name, "Item": typed(item), **condition}

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        problem = ""
        for tries in range(1, TRIES + 1):
            try:
                return self._api.call(operation, request)
            except ClientError as error:
                code, message, status = error_of(error)
                reasons = cast("list[dict[str, Any]]", cast("Any", error.response).get("CancellationReasons", []))
                codes = " ".join([code, *(str(it.get("Code", "")) for it in reasons)])
                if re.search(_MOVED, codes) or (code.startswith("TransactionCanceled") and re.search(_MOVED, message)):
                    raise Changed from None
                problem = f"{code}: {message}"
                if not (re.search(_LATER, f"{codes} {message}") or status >= 500):
                    raise NotRecorded(problem) from None
            except Unanswered as error:
                problem = f"{type(error).__name__}: {error}"
            if tries < TRIES:
                self._wait(jitter(tries - 1))
        raise NotRecorded(problem)


def typed(value: Any) -> Any:
    """Plain data as DynamoDB's JSON; an item's own attributes are not wrapped in a map."""
    return {key: _typed(it) for key, it in cast("dict[str, Any]", value).items() if it is not None}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, Mapping):
        return {"M": typed(value)}
    return {"L": [_typed(it) for it in cast("Sequence[Any]", value)]}


def plain(item: Mapping[str, Any]) -> Item:
    """DynamoDB's JSON as plain data."""
    return {key: _plain(it) for key, it in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, it),) = value.items()
    if kind == "N":
        return int(it) if it.lstrip("-").isdecimal() else float(it)
    if kind == "M":
        return plain(it)
    return [_plain(each) for each in it] if kind == "L" else it
