"""Launch container jobs on AWS Fargate from a Lambda, safely: Pulumi components to import.

from fargate_job_launcher import FargateJobLauncher, JobNetwork
"""

from .arguments import FargateJobLauncherArgs, LaunchOverrides
from .launcher import FargateJobLauncher
from .network import JobNetwork, JobNetworkArgs

__all__ = [
    "FargateJobLauncher",
    "FargateJobLauncherArgs",
    "JobNetwork",
    "JobNetworkArgs",
    "LaunchOverrides",
]
