"""A job with a sidecar and a folder on EFS that outlives the task: the job starts once the sidecar is healthy."""

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
nfs = aws.ec2.SecurityGroup(
    "files",
    vpc_id=network.vpc_id,
    ingress=[{"protocol": "tcp", "from_port": 2049, "to_port": 2049, "security_groups": [network.security_group_id]}],
)
# A mount target in each zone in which a task may start.
targets = [
    aws.efs.MountTarget(
        f"files-{zone}",
        file_system_id=files.id,
        subnet_id=network.subnet_ids[zone],
        security_groups=[nfs.id],
    )
    for zone in range(2)
]

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
                "image": "public.ecr.aws/nginx/nginx-unprivileged:1.29-alpine",
                "health_check": {"command": ["CMD-SHELL", "wget -qO- http://127.0.0.1:8080/"]},
            }
        ],
    },
)

pulumi.export("functionName", train.function_name)
