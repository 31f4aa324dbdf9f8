"""Sets of whole numbers as text, as Kubernetes writes the indexes of a job: `0-41,43`. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def pairs(text: str) -> list[tuple[int, int]]:
    """First and last number of each range, in order. Raises ValueError if the text is no such set."""
    found: list[tuple[int, int]] = []
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and first.isascii() and (not dash or (last.isdecimal() and last.isascii()))):
            raise ValueError(f"{part[:20]!r} is neither a number nor a range such as 3-7")
        one = (int(first), int(last) if dash else int(first))
        if one[1] < one[0]:
            raise ValueError(f"{part[:20]!r} ends before it begins")
        found.append(one)
    return merged(found)


def merged(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same numbers in as few ranges as possible, in order."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def text(found: Iterable[tuple[int, int]]) -> str:
    """Ranges as text."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def of(numbers: Iterable[int]) -> str:
    """These numbers as text."""
    return text(merged((it, it) for it in numbers))


def union(*texts: str) -> str:
    """The numbers of all these sets."""
    return text(merged(it for one in texts for it in pairs(one)))


def size(of_text: str) -> int:
    """How many numbers there are."""
    return sum(last - first + 1 for first, last in pairs(of_text))


def numbers(of_text: str) -> list[int]:
    """Every number, in order."""
    return [it for first, last in pairs(of_text) for it in range(first, last + 1)]


def first(of_text: str, most: int) -> tuple[list[int], str]:
    """The smallest numbers, at most so many, and the set of the others."""
    taken, rest = list[int](), list[tuple[int, int]]()
    for begin, end in pairs(of_text):
        some = min(end - begin + 1, max(0, most - len(taken)))
        taken += range(begin, begin + some)
        if begin + some <= end:
            rest.append((begin + some, end))
    return taken, text(rest)
