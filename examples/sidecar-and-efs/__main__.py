"""A job with a proxy beside it and a folder that stays: the sidecar is well before the job starts."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")
files = aws.efs.FileSystem("files", encrypted=True)
folder = aws.efs.AccessPoint(
    "train",
    file_system_id=files.id,
    posix_user={"uid": 65532, "gid": 65532},
    root_directory={
        "path": "/train",
        "creation_info": {"owner_uid": 65532, "owner_gid": 65532, "permissions": "0750"},
    },
)

train = FargateJobLauncher(
    "train",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "open('/data/model', 'w').write('trained')"],
        "cpu": 1024,
        "memory": 4096,
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "efs_volumes": [{"file_system_id": files.id, "access_point_id": folder.id, "path": "/data"}],
        "sidecars": [
            {
                "name": "proxy",
                "image": "public.ecr.aws/docker/library/nginx:1.29-alpine",
                "writable_paths": {"/tmp": 64, "/var/cache/nginx": 16, "/run": 1},
                "health_check": {"command": ["CMD-SHELL", "wget -qO- http://localhost:8080/"]},
            }
        ],
    },
)

pulumi.export("functionName", train.function_name)
