"""The policy pack: `pulumi preview --policy-pack policy`. The rules are in fargate_job_launcher.policies.

Roles outside the stacks, and what they may do, are in known-roles.json beside this file, if there is one.
"""

import gc
from pathlib import Path

from fargate_job_launcher.policies import policies, read_known_roles
from fargate_job_launcher.policies.serving import read_once
from pulumi_policy import PolicyPack

# For each rule on the whole stack, Pulumi creates every resource again and drops it. The garbage collector would take
# two thirds of the time, and there are no cycles to find. The process ends with the preview or update.
gc.disable()
read_once()

KNOWN = Path(__file__).with_name("known-roles.json")

PolicyPack("fargate-job-launcher", policies(known_roles=read_known_roles(KNOWN) if KNOWN.exists() else ()))
