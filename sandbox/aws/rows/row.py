"""The rows of the table. A refusal is a request that AWS refuses; a shape is AWS's answer to one that it accepts.

The code that refuses names a row and raises it (`refuse`), so AWS's words are only in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ..server import Emulator

Request = Mapping[str, Any]
Before = tuple[str, str, Request]
"""A call that must be made before an example: service and operation as botocore names them, and the parameters."""


@dataclass(frozen=True)
class Refusal:
    """A request that AWS refuses."""

    id: str
    """`service.Operation.what`: the service as botocore names it. The operation `*` means every operation."""
    refuses: str
    """The rule that AWS enforces, in a sentence without a full stop."""
    code: str
    """The error's code, as boto3 shows it."""
    words: str
    """The error's message; `{name}` marks a part that depends on the request."""
    sources: tuple[str, ...]
    """Public pages that document the refusal."""
    request: Request
    """An example: all parameters of a request that is refused."""
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    """The fields of `words` in this example. `{region}`, `{account}` and `{principal}` in a value are filled in."""
    takes: Request | None = None
    """A similar request that AWS accepts; None where no such request is worth showing."""
    operation: str = ""
    """The operation of the example, where the id has none."""
    before: tuple[Before, ...] = ()
    """The calls that the example needs. `{0}` in a later request is the id of the first VPC, or the ARN of the
    first task, that they create."""
    policy: Mapping[str, Any] | None = None
    """The only policy of the role that makes the request; None: the account's root user makes it."""
    body: bytes = b""
    """The body that the example sends instead of its parameters, where parameters cannot express it."""
    status: int = 400
    """The status of the HTTP answer."""
    seen: bool = True
    """Whether a source shows exactly these words. Otherwise they follow the words of similar errors."""

    @property
    def service(self) -> str:
        """The service as botocore names it."""
        return self.id.split(".")[0]

    @property
    def asked(self) -> str:
        """The operation of the example."""
        return self.operation or self.id.split(".")[1]


@dataclass(frozen=True)
class Shape:
    """How AWS answers a request that it accepts, where an emulator answers differently."""

    id: str
    """`service.Operation.what`, as in a refusal."""
    answers: str
    """What AWS does, in a sentence without a full stop."""
    sources: tuple[str, ...]
    check: Callable[[Emulator], tuple[Any, Any]] | None = None
    """Returns the sandbox's answer and AWS's, which must be equal. None where `held_by` names the test."""
    held_by: str = ""
    """`room/file::test` under tests/, for a shape whose test needs a moved clock or a running function."""


class Refused(Exception):
    """A request was refused by a row."""

    def __init__(self, row: Refusal, message: str, members: Mapping[str, Any]) -> None:
        self.row, self.message, self.members = row, message, members
        super().__init__(f"{row.code}: {message}")


class Table:
    """Every row, by id."""

    def __init__(self, *rooms: tuple[Refusal | Shape, ...]) -> None:
        """Raises ValueError for an id that is used twice."""
        self._rows: dict[str, Refusal | Shape] = {}
        for row in (row for room in rooms for row in room):
            if row.id in self._rows:
                raise ValueError(f"two rows have the id {row.id}")
            self._rows[row.id] = row

    @property
    def refusals(self) -> list[Refusal]:
        """The rows that are refusals."""
        return [row for row in self._rows.values() if isinstance(row, Refusal)]

    @property
    def shapes(self) -> list[Shape]:
        """The rows that are shapes."""
        return [row for row in self._rows.values() if isinstance(row, Shape)]

    def refusal(self, row_id: str, members: Mapping[str, Any] | None = None, **fields: object) -> Refused:
        """The exception for the row of this id, with its words filled in. Raises KeyError for an unknown id, and for a
        field of its words that is not given."""
        row = self._rows[row_id]
        if not isinstance(row, Refusal):
            raise TypeError(f"{row_id} is a shape, not a refusal")
        return Refused(row, row.words.format_map(fields), members or {})

    def refuse(self, row_id: str, members: Mapping[str, Any] | None = None, **fields: object) -> NoReturn:
        """Refuse a request. `members` are further members of the error, besides its message."""
        raise self.refusal(row_id, members, **fields)
