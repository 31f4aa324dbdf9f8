"""Two jobs, one after the other: the second is launched by the event that the first has succeeded."""

import json

import pulumi
from fargate_job_launcher import FargateJobLauncher, FargateJobLauncherArgs, JobCluster, JobNetwork, JobRuns

network = JobNetwork("jobs", {"subnets": "public"})
cluster = JobCluster("jobs", {})
runs = JobRuns("jobs", {"cluster_arns": [cluster.cluster_arn]})
where: FargateJobLauncherArgs = {
    "image": "public.ecr.aws/docker/library/python:3.13-slim",
    "cluster_arn": cluster.cluster_arn,
    "subnet_ids": network.subnet_ids,
    "security_group_ids": [network.security_group_id],
    "assign_public_ip": network.assign_public_ip,
    "runs": runs.shared,
}

extract = FargateJobLauncher(
    "extract", {**where, "command": ["python", "-c", "print('extracted')"], "supervision": {"retries": 2}}
)
succeeded = {
    "source": ["fargate-job-launcher"],
    "detail-type": ["Job Run State Change"],
    "detail": {"job": ["extract"], "state": ["SUCCEEDED"]},
}
load = FargateJobLauncher(
    "load",
    {
        **where,
        "command": ["python", "-c", "import json, os; print(json.loads(os.environ['JOB_PAYLOAD'])['detail']['run'])"],
        "overrides": {"payload": True},
        "event_rule": {"pattern": json.dumps(succeeded), "as_payload": True},
        "supervision": {"retries": 2},
    },
)

pulumi.export("functionName", extract.function_name)
