"""Words that stop a reader, and the plain ones to write instead: in pages, docstrings, messages and comments.

A page is read without its code and without what is computed, which comes from the rooms. Of Python, every string and
every comment is read.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tools.recording import PROGRAM


class Avoided(NamedTuple):
    """Words to avoid."""

    pattern: str
    """A regex; a space in it is any white space, and case does not count."""
    instead: str
    """What to write."""
    example: str
    """A sentence that has them."""


AVOIDED: Final = (
    Avoided(r"how-?manieth", "the number of this delivery, from 1", "The how-manieth delivery it is."),
    Avoided(
        r"who(?:so)?ever|whomever", "a caller that …, anyone who …, an operator who …", "Whoever invokes it waits."
    ),
    Avoided(
        r"\bwhom to\b|\b(?:of|for) whom\b",
        "who, or name the role: the address that is notified",
        "It says whom to tell.",
    ),
    Avoided(r"\btold of\b", "notified of, reported", "Nobody is told of a retry."),
    Avoided(r"\btell(?:s|ing)? of\b", "report, publish, describe", "The notices tell of an end."),
    Avoided(r"\bhear(?:s|d)? of\b", "receive, is notified of", "The topic hears of each failure."),
    Avoided(r"\bsa(?:y|ys|id|ying) of\b", "say about, report for", "What ECS says of a task."),
    Avoided(r"\bspeaks? of\b", "name, mention, describe", "The message speaks of a role."),
    Avoided(r"\basked of\b", "requested from, sent to, read from", "Nothing is asked of AWS."),
    Avoided(r"\b(?:is|are|was|were|be|been|being) asked for\b", "is requested", "A run that is asked for twice."),
    Avoided(r"\banew\b", "again", "The table is written anew."),
    Avoided(r"\bg(?:ive|ives|ave|iven|iving) up\b", "after the last attempt; has failed", "Lambda gives up on it."),
    Avoided(r"\bset(?:s|ting)? (?:[\w']+ ){0,2}off\b", "start, trigger, invoke", "What sets a launcher off."),
    Avoided(r"\bwav(?:e|es|ed|ing) (?:\w+ )?through\b", "accept", "The emulator waves it through."),
    Avoided(r"\bruns? away\b|\bran away\b", "run too long, exceed its deadline", "A job that runs away is stopped."),
    Avoided(r"\bwhat never will\b", "an event that can never succeed", "What never will goes to the dead letters."),
    Avoided(r"\bis there once\b", "exists after, is created when", "The stream is there once the container writes."),
    Avoided(r"\bthat which\b", "name the thing", "It keeps that which failed."),
    Avoided(r"\bone that \w+ none\b", "without; name the thing", "Empty for one that makes none."),
    Avoided(r"\bthat is none\b", "that is not one", "A key that is none of the known ones."),
    Avoided(
        r"\bwhat (?:is|are|was|were|has|have) [^.,;:?!|`()]{1,60} (?:is|are|was|were|goes|go|stays|stay|gets|get) ",
        "name the subject, as in: a protected resource is not deleted",
        "What is protected is not deleted.",
    ),
    Avoided(
        r"\bneither [^.;]{1,60} nor [^.;]{1,60} is an error", "name what is required", "Neither a nor b is an error."
    ),
    Avoided(
        r"\bwhat (?:\w+ )?(?:became|becomes?|becoming) of\b",
        "the result of, how it ended",
        "It says what became of it.",
    ),
    Avoided(r"\bheld against\b|\bholds? [\w']+ against\b", "checked against, compared with", "It is held against AWS."),
    Avoided(r"\b(?:can|may|could|to) be had\b", "is available", "Spot can be had in no other way."),
    Avoided(r"\bowed\b", "pending, not yet done", "A retry that is owed."),
    Avoided(r"\bbe done with\b", "process, complete", "To be done with a task."),
    Avoided(r"\bforetold\b", "predicted, shown before", "A refusal that could not be foretold."),
    Avoided(r"\bat its time\b", "on schedule", "It starts at its time."),
    Avoided(r"\bis nothing of\b", "is not part of, does not exist in", "'a' is nothing of this stack."),
    Avoided(r"\bstands? in (?!for\b)", "is in, is written in", "No secret stands in the file."),
    Avoided(r"\bwhat goes for\b", "what applies to", "What goes for all jobs."),
    Avoided(
        r"\b(?:whence|thence|whereupon|thereof|therein|thereby|whereby|wherein|hereby|herewith|hitherto|forthwith|lest)\b",
        "plain words: from it, of it, in it, so that … not",
        "The bucket and the keys therein.",
    ),
)
"""In the order of the message; each has an example that the test catches."""

HERE: Final = Path(__file__).relative_to(PROGRAM)
KEPT: Final = (HERE, Path("CHANGELOG.md"))
"""Files that are not read: the words themselves, and what earlier versions were described with."""

PATTERNS: Final = [(re.compile(it.pattern.replace(" ", r"\s+"), re.IGNORECASE), it.instead) for it in AVOIDED]


def found(text: str, line: int = 1) -> Iterator[tuple[int, str, str]]:
    """Line, words and what to write instead, for each that a text has."""
    for pattern, instead in PATTERNS:
        for match in pattern.finditer(text):
            yield line + text.count("\n", 0, match.start()), " ".join(match[0].split()), instead


def prose(page: str) -> str:
    """A page with its code and its computed blocks left empty, so that each line keeps its number."""
    computed = r"<!-- ([a-z ]+) -->\n.*?<!-- /\1 -->"
    for code in (computed, r"^ *```.*?^ *```", r"``[^\n]*?``", r"`[^`]*`"):
        page = re.sub(code, lambda it: "\n" * it[0].count("\n") or "CODE", page, flags=re.DOTALL | re.MULTILINE)
    return page


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string and of each block of comments of a Python file."""
    inside = set[ast.AST]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            inside |= set(node.values)
            parts = (it.value if isinstance(it, ast.Constant) else "{}" for it in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.lineno, node.value
    block, last = list[str](), 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield last - len(block) + 1, "\n".join(block)
            block = []
        block.append(token.string.lstrip("# "))
        last = token.start[0]
    if block:
        yield last - len(block) + 1, "\n".join(block)


def read(path: Path) -> Iterator[str]:
    """What a file has to have changed."""
    text = path.read_text()
    parts = texts(text) if path.suffix == ".py" else [(1, prose(text) if path.suffix == ".md" else text)]
    for start, part in parts:
        for line, words, instead in found(part, start):
            yield f"{path.relative_to(PROGRAM)}:{line}: {words!r}; write: {instead}"


def rooms() -> dict[str, list[Path]]:
    """Room → its files; the room of those at the top is empty."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROGRAM, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    shown: dict[str, list[Path]] = {}
    for it in map(Path, filter(None, listed)):
        if (
            (it.suffix in (".css", ".html", ".js", ".md", ".py", ".yaml", ".yml") or it.name == "Makefile")
            and it not in KEPT
            and (PROGRAM / it).exists()
        ):
            shown.setdefault(it.parts[0] if len(it.parts) > 1 else "", []).append(PROGRAM / it)
    return shown


ROOMS: Final = rooms()


def test_every_room_is_read() -> None:
    assert {"", "components", "docs", "handler", "sandbox"} <= ROOMS.keys()
    assert {PROGRAM / it for it in ("README.md", "CONTRIBUTING.md", "Makefile")} <= set(ROOMS[""])


@pytest.mark.parametrize("room", ROOMS, ids=lambda it: it or "the top")
def test_nothing_in_a_room_needs_to_be_read_twice(room: str) -> None:
    assert [it for path in ROOMS[room] for it in read(path)] == []


@pytest.mark.parametrize("avoided", AVOIDED, ids=lambda it: it.example)
def test_each_is_found_and_the_message_says_what_to_write(avoided: Avoided) -> None:
    assert avoided.instead in {instead for _, _, instead in found(avoided.example)}
    assert list(found(avoided.instead)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "It sets an offset.", "It stands in for AWS.", "They give it an upgrade.", "He asked for a role.",
        "What is a run? It is a launch.", "The tasks of a run are told apart by an index.",
    ],
)  # fmt: skip
def test_plain_words_are_not_refused(sentence: str) -> None:
    assert list(found(sentence)) == []


def test_they_are_found_across_lines_in_strings_and_comments_and_not_in_code() -> None:
    source = '''"""A run that is told
    of."""
whoever = f"{1} waves it" f" through {2}"  # fine
# written
# anew
'''
    said = [(line, words) for start, text in texts(source) for line, words, _ in found(text, start)]
    assert said == [(1, "told of"), (3, "waves it through"), (5, "anew")]
    page = "a\n```text\nanew\n```\n<!-- t -->\nanew\n<!-- /t -->\n`anew` and set\noff\nand anew\n"
    assert sorted((line, words) for line, words, _ in found(prose(page))) == [(8, "set off"), (10, "anew")]
