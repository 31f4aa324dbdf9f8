"""The plugin's process: Pulumi's engine starts it and reads its port from its output."""

import sys

from fargate_job_launcher.provider import Provider
from pulumi.provider import main

if __name__ == "__main__":
    main(Provider(), sys.argv[1:])
