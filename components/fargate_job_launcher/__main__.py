"""`python -m fargate_job_launcher`: explain a deployed launcher, or write the zip of its code."""

import sys

from fargate_job_launcher.operate.package import main
from fargate_job_launcher.operate.pipes import piped

if __name__ == "__main__":
    sys.exit(piped(main))
