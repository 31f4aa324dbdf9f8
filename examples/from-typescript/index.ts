/** A launcher with a queue in TypeScript, through the plugin. */

import * as aws from "@pulumi/aws";
import { FargateJobLauncher, JobNetwork } from "@pulumi/fargate-job-launcher";

const network = new JobNetwork("jobs", {
    subnets: "public",
});

const cluster = new aws.ecs.Cluster("jobs");

const report = new FargateJobLauncher("report", {
    image: "public.ecr.aws/docker/library/busybox:1.37",
    command: ["sh", "-c", "echo report of $REPORT_DATE"],
    clusterArn: cluster.arn,
    subnetIds: network.subnetIds,
    securityGroupIds: [network.securityGroupId],
    assignPublicIp: network.assignPublicIp,
    overrides: {
        environment: ["REPORT_DATE"],
        maxCount: 5,
    },
    queue: {
        batchSize: 5,
    },
    supervision: {
        maxRuntimeMinutes: 60,
        retries: 2,
    },
});

export const functionName = report.functionName;
export const queueUrl = report.queueUrl;
