"""`python -m fargate_job_launcher.policies`: the rules as tables; `--write PAGE` puts them into a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import RULES
from .table import replaced, section


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m fargate_job_launcher.policies", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="the page whose tables are replaced")
    page: Path | None = parser.parse_args(argv).write
    if page is None:
        print(section(RULES))
        return 0
    try:
        page.write_text(replaced(page.read_text(encoding="utf-8"), RULES), encoding="utf-8")
    except (OSError, ValueError) as error:
        print(f"error: {page}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
