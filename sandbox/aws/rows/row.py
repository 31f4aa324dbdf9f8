"""What a row of the table is. A refusal says what AWS does not take; a shape says how AWS answers what it takes.

The code that refuses names a row and raises it (`refuse`), so that AWS's words stand in the table alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ..server import Emulator

Request = Mapping[str, Any]
Before = tuple[str, str, Request]
"""A call that has to go before an example: service and operation as botocore names them, and the parameters."""


@dataclass(frozen=True)
class Refusal:
    """A request that AWS refuses."""

    id: str
    """`service.Operation.what`: the service as botocore names it. An operation `*` is any of the service's."""
    refuses: str
    """What AWS does not take, in a sentence without a full stop."""
    code: str
    """Of the error, as boto3 shows it."""
    words: str
    """Of the error; `{name}` stands for what depends on the request."""
    sources: tuple[str, ...]
    """Public pages that say so."""
    request: Request
    """An example: the whole parameters of a request that is refused."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stands in `words` for this example. `{region}`, `{account}` and `{principal}` in it are filled in."""
    takes: Request | None = None
    """The example's neighbour that AWS takes; None where there is none worth showing."""
    operation: str = ""
    """Of the example, where the id names none."""
    before: tuple[Before, ...] = ()
    """What the example needs to be there. `{0}` in a later request is the id of the VPC that the first one makes."""
    policy: Mapping[str, Any] | None = None
    """The only policy of the role that makes the request; None: the account's root makes it."""
    body: bytes = b""
    """What the example sends in place of its parameters, where they cannot be written as such."""
    status: int = 400
    """Of the HTTP answer."""
    seen: bool = True
    """Whether a source shows these very words. Else they follow those of its neighbours."""

    @property
    def service(self) -> str:
        """As botocore names it."""
        return self.id.split(".")[0]

    @property
    def asked(self) -> str:
        """The operation of the example."""
        return self.operation or self.id.split(".")[1]


@dataclass(frozen=True)
class Shape:
    """How AWS answers what it takes, where an emulator answers otherwise."""

    id: str
    """`service.Operation.what`, as a refusal's."""
    answers: str
    """What AWS does, in a sentence without a full stop."""
    sources: tuple[str, ...]
    check: Callable[[Emulator], tuple[Any, Any]] | None = None
    """What the sandbox answers, and what AWS does: the same. None where `held_by` names the test."""
    held_by: str = ""
    """`room/file::test` under tests/, for a shape that needs a moved clock or a function that runs."""


class Refused(Exception):
    """A request that a row refuses."""

    def __init__(self, row: Refusal, message: str, members: Mapping[str, Any]) -> None:
        self.row, self.message, self.members = row, message, members
        super().__init__(f"{row.code}: {message}")


class Table:
    """Every row, by id."""

    def __init__(self, *rooms: tuple[Refusal | Shape, ...]) -> None:
        """Raises ValueError for an id that stands twice."""
        self._rows: dict[str, Refusal | Shape] = {}
        for row in (row for room in rooms for row in room):
            if row.id in self._rows:
                raise ValueError(f"two rows are called {row.id}")
            self._rows[row.id] = row

    @property
    def refusals(self) -> list[Refusal]:
        """The rows of the first kind."""
        return [row for row in self._rows.values() if isinstance(row, Refusal)]

    @property
    def shapes(self) -> list[Shape]:
        """The rows of the second kind."""
        return [row for row in self._rows.values() if isinstance(row, Shape)]

    def refusal(self, row_id: str, members: Mapping[str, Any] | None = None, **fields: object) -> Refused:
        """The refusal of this id, its words filled in, to be raised. Raises KeyError for an id without a row, and for
        a field that its words have and nobody gives."""
        row = self._rows[row_id]
        if not isinstance(row, Refusal):
            raise TypeError(f"{row_id} is a shape, which refuses nothing")
        return Refused(row, row.words.format_map(fields), members or {})

    def refuse(self, row_id: str, members: Mapping[str, Any] | None = None, **fields: object) -> NoReturn:
        """Refuse a request. `members` are what the error carries besides its message."""
        raise self.refusal(row_id, members, **fields)
