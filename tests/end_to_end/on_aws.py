"""`make test-aws`: the suite against the account that AWS_ACCOUNT names, and against no other."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

# It is started as a script, and is a module of a package all the same.
sys.path.insert(0, str(Path(__file__).parents[1]))

from end_to_end import account


def main() -> int:
    """Run the suite; the exit code is pytest's, or 2 where it does not run."""
    try:
        mine = account.identified(os.environ)
        if shutil.which("pulumi") is None:
            raise account.Refused(  # noqa: TRY301 - refused as the account is
                "pulumi is not on the PATH, and deploys the stack; https://www.pulumi.com/docs/install/"
            )
    except account.Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 2
    name = f"e2e-{secrets.token_hex(3)}"
    print(
        f"Stack {name} in account {mine.account}, region {mine.region}, as {mine.arn}: about 40 minutes and less than "
        "0.10 USD. It is destroyed at the end, after a failure and after Ctrl-C too.",
        flush=True,
    )
    os.environ[account.STACK] = name
    os.environ["AWS_REGION"] = mine.region
    # What ends a job of CI is no reason to leave a stack behind.
    signal.signal(signal.SIGTERM, _interrupt)
    # Not the settings of `make test`: AWS's clients and the engine's leave warnings of their own.
    return int(pytest.main([str(Path(__file__).parent), "-v", "-p", "no:cacheprovider", "-W", "default", "-s"]))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
