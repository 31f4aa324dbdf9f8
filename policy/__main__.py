"""The policy pack: `pulumi preview --policy-pack policy`. The rules are in fargate_job_launcher.policies."""

import gc

from fargate_job_launcher.policies import policies
from fargate_job_launcher.policies.serving import read_once
from pulumi_policy import PolicyPack

# For each rule on the whole stack, Pulumi creates every resource again and drops it. The garbage collector would take
# two thirds of the time, and there are no cycles to find. The process ends with the preview or update.
gc.disable()
read_once()

PolicyPack("fargate-job-launcher", policies())
