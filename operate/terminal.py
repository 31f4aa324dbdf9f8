"""The command `fargate-job`. Where boto3 or click is not installed, it says so in one line."""

from __future__ import annotations

import sys

from .pipes import INTERRUPTED, piped, writable


def fargate_job() -> None:
    """The command `fargate-job`."""
    writable(sys.stdout, sys.stderr)
    try:
        from .command import main
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fargate_job_launcher"):
            raise
        sys.exit(f"error: {error.name} is not installed; pip install 'fargate-job-launcher[cli]'")
    except KeyboardInterrupt:
        # Nothing has started.
        sys.exit(INTERRUPTED)

    def run() -> int:
        try:
            main(prog_name="fargate-job")
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 0
        return 0

    sys.exit(piped(run))
