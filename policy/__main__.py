"""The policy pack: `pulumi preview --policy-pack policy`. The rules are fargate_job_launcher.policies."""

import gc

from fargate_job_launcher.policies import policies
from fargate_job_launcher.policies.serving import read_once
from pulumi_policy import PolicyPack

# Pulumi makes every resource anew for each rule on the whole stack, and drops it: two thirds of the time would be the
# collector's, looking for cycles that are not there. The process ends with the preview or update.
gc.disable()
read_once()

PolicyPack("fargate-job-launcher", policies())
