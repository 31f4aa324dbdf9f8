"""Reasons of ECS from public reports → the remedy of their cause."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from fargate_job_launcher import FargateJobLauncherArgs
from fargate_job_launcher.handler.outcome import classify
from fargate_job_launcher.handler.remedy import CAUSES, advice, remedy

from tools.declared import nodes

GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/"
ECR_AUTH = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to retrieve ecr registry auth: service call has been retried "
)
SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to retrieve secret from asm: service call has been retried "
)
PARAMETER = SECRET.replace("secret from asm", "secrets from ssm")
LOGGER = "ResourceInitializationError: failed to validate logger args: "
STREAM = LOGGER + "create stream has been retried 1 times: failed to create Cloudwatch log stream: "
NO_GROUP = (
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create "
    "Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. status code: 400"
)
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "
GONE = "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"
OCI = (
    "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: "
    "OCI runtime create failed: container_linux.go:370: starting container process caused: "
)

REPORTS = (
    # The reason, its report (on github.com if no host is named), and words that the remedy has to contain.
    ("CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref quay.io/deepfenceio/cloud-scanner:latest: failed to do request: Head \"https://quay.io/v2/deepfenceio/cloud-scanner/manifests/latest\": dial tcp 3.210.148.47:443: i/o timeout", "deepfence/terraform-aws-cloud-scanner/issues/13", "does not reach the registry"),
    (f"CannotPullContainerError: API error (500): Get https://xxx.dkr.ecr.ap-southeast-2.amazonaws.com/v2/: {GONE}", "aws/amazon-ecs-agent/issues/1680", "does not reach ECR"),
    (f"CannotPullContainerError: API error (500): Get https://registry-1.docker.io/v2/: {GONE}", "aws/amazon-ecs-agent/issues/1128", "does not reach the registry"),
    (f"CannotPullContainerError: Error response from daemon: Get https://registry-1.docker.io/v2/: {GONE}", "aws/amazon-ecs-agent/issues/2061", "does not reach the registry"),
    (f"CannotPullContainerError: API error (500): Get https://1.dkr.ecr.us-east-1.amazonaws.com/v2/: {GONE}\\n", "JetBrains/teamcity-amazon-ecs-plugin/issues/17", "does not reach ECR"),
    ("CannotPullContainerError: inspect image has been retried 1 time(s): failed to resolve ref \"xxxxx.xxx\": unexpected status code [manifests 6981141]: 403 Forbidden", "aws/aws-cdk/issues/14457", "registry refuses the pull"),
    ("CannotPullContainerError: failed to find a descriptor for platform {linux/amd64}", "aws/containers-roadmap/issues/1120", "another processor"),
    ("(service relay-temporal-worker) was unable to place a task. Reason: CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'.", "aviswerdlow/relay/issues/71", "another processor"),
    ("CannotPullContainerError: write /var/lib/docker/tmp/GetImageBlob111111111: no space left on device", "awsdocs/amazon-ecs-developer-guide/pull/42", "ephemeral_storage_gib"),
    ("failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/cypress/included/manifests/sha256:86e3: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.", "apptension/saas-boilerplate/issues/204", "limits anonymous pulls"),
    ("CannotPullContainerError: inspect image has been retried 5 time(s): ", "aws/amazon-ecs-agent/issues/3035", "could not be pulled"),
    ("CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/amazon/aws-xray-daemon/manifests/sha256:2d96...", "aws/aws-xray-daemon/issues/146", "could not be pulled"),
    (ECR_AUTH + "3 time(s): RequestError: send request failed caused by: Post \"https://api.ecr.us-east-2.amazonaws.com/\": dial tcp 1.2.3.4:443: i/o timeout. Please check your task network configuration.", "doctorray117/minecraft-ondemand/issues/74", "does not reach ECR"),
    (SECRET + "1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-central-1:1:secret:algo-EaPYTy from secrets manager: AccessDeniedException: Access to KMS is not allowed status code: 400", "GiamPy5/terraform-aws-directus/issues/10", "may not decrypt with the key"),
    (SECRET + "5 time(s): failed to fetch secret arn:aws:secretsmanager:us-west-2:*:secret:DBPasswordSecret-* from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.", "Releem/releem-agent/issues/195", "does not reach Secrets Manager"),
    (PARAMETER + "1 time(s): AccessDeniedException: User: ....", "aws/copilot-cli/issues/3104", "may not read a secret"),
    (PARAMETER + "1 time(s): AccessDeniedException: User: arn:aws:sts::1:assumed-role/aits-ExecutionRole/f83b is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-west-2:1:parameter/GOOGLE_CLIENT_ID because no identity-based policy allows the ssm:GetParameters action status code: 400", "aws/copilot-cli/issues/4504", "may not read a secret"),
    (PARAMETER + "1 time(s): invalid ssm parameters: /api//new-relic-license-key", "HHS/simpler-grants-gov/pull/4330", "not there or has no value"),
    (PARAMETER + "5 time(s): RequestCanceled: request context canceled caused by: context deadli...", "aws-samples/serverless-jenkins-on-aws-fargate/issues/7", "does not reach Parameter Store"),
    (SECRET + "1 time(s): invalid character '\\'' looking for beginning of value", "rileydakota/valheim-ecs-fargate-cdk/issues/9", "no JSON object with that key"),
    (STREAM + "MissingEndpoint: 'Endpoint' configuration is required for this service", "TechToSpeech/terraform-aws-serverless-static-wordpress/issues/74", "awslogs-region"),
    (STREAM + "AccessDeniedException: User: arn:aws:sts::1:assumed-role/ecs.task.minecraft-server/123456a999ee4b919...", "doctorray117/minecraft-ondemand/issues/12", "may not write the job's log"),
    (STREAM + "ResourceNotFoundException: The specified log group does not exist. : exit status ", "airbnb/ottr/issues/7", "log group is gone"),
    (NO_GROUP, "Rayraegah/terraform-aws-hasura/issues/25", "log group is gone"),
    (NO_GROUP + ", request id: 7463029c-9f12-4e3f-b914-f", "cn-terraform/terraform-aws-ecs-fargate-task-definition/issues/1", "log group is gone"),
    ("API error (500): failed to initialize logging driver: ResourceNotFoundException: The specified log group does not exist.", "muccg/rdrf/issues/617", "log group is gone"),
    ("CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log group: AccessDeniedException: User: arn:aws:sts::1:assumed-role/amazon-ecs-cli-setup-foodtrucks-EcsInstanceRole-1II7J9P4", "prakhar1989/docker-curriculum/issues/260", "may not write the job's log"),
    (LOGGER + ": signal: killed", "gist.github.com 7b568d87", "broke it off"),
    (STREAM + "AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs:us-west-2:1:log-group:/aws/overture:log-stream:a because no identity-based policy allows the logs:CreateLogStream action", "OvertureMaps/overture-tiles/issues/20", "may not write the job's log"),
    (EFS + "b'mount.nfs4: mounting fs-1.efs.eu-west-1.amazonaws.com:/grafana failed, reason given by server: No such file or directory' : unsuccessful EFS utils command execution; code: 32", "acp-io/terraform-grafana/issues/4", "no such folder"),
    (EFS + "mount.nfs4: Connection reset by peer : unsuccessful EFS utils command execution; code: 32", "docker-archive/compose-cli/issues/1490", "NFS (2049)"),
    (EFS + "Failed to resolve \"fs-0867a83d8ed398433.efs.", "cn-terraform/terraform-aws-jenkins/issues/23", "no mount target"),
    (EFS + "Failed to resolve \"fs-00000000.efs.us-east-1.amazonaws.com\" - check that your file system ID is correct.", "aws/amazon-ecs-cli/issues/1083", "no mount target"),
    (EFS + "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/' : unsuccessful EFS utils command execution; code: 32", "aws/copilot-cli/issues/3350", "refuses the mount"),
    ("b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'", "terraform-aws-modules/terraform-aws-iam/pull/388", "refuses the mount"),
    ("standard_init_linux.go:190: exec user process caused \"permission denied\"", "aws/amazon-ecs-agent/issues/1568", "Check the command"),
    ("CannotStartContainerError: API error (500): Cannot start container 54b6: [8] System error: exec: \"node index.js -t sockets_transport -i 0\": executable file not found in $PATH", "aws/amazon-ecs-cli/issues/78", "Check the command"),
    ("System error: exec: \"echo hi\": executable file not found in $PATH", "aws/amazon-ecs-cli/issues/25", "Check the command"),
    ("failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/entrypoint.sh\": permission denied: unknown.", "aminvakil/docker-ocserv/issues/52", "Check the command"),
    ("DockerStateError: [8] System error: exec: \"./stocks.rb\": permission denied", "amazon-archives/service-discovery-ecs-consul/pull/1", "Check the command"),
    (OCI + "exec: \"/sonarqube/bin/run.sh\": stat /sonarqube/bin/run.sh...no such file or direct...", "aws/amazon-ecs-agent/issues/2954", "Check the command"),
    ("Timeout waiting for network interface provisioning to complete.", "aws/amazon-ecs-agent/issues/4825", "no network interface in time"),
    ("was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone", "sil-org/ecs-deploy/issues/277", "no such capacity"),
    ("ECS was unable to assume the role 'arn:aws:iam::1:role/r' that was provided for this task.", GUIDE + "stopped-task-error-codes.html", "may not assume"),
    ("OutOfMemoryError: Container killed due to memory usage", GUIDE + "stopped-task-error-codes.html", "more memory"),
    ("Task failed container health checks", GUIDE + "stopped-task-error-codes.html", "start_period_seconds"),
    ("ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m: <reason>", GUIDE + "stopped-task-error-codes.html", "did not start in time"),
    ("RESOURCE:ENI", GUIDE + "api_failures_messages.html", "quota of network interfaces"),
    ("RESOURCE:CPU", GUIDE + "api_failures_messages.html", "no such capacity"),
    ("AGENT", GUIDE + "api_failures_messages.html", "lost its connection"),
    # The same words about another service, and other words for the same cause.
    (LOGGER + "create stream has been retried 7 times: failed to create Cloudwatch log stream: RequestError: send request failed caused by: Post \"https://logs.undefined.amazonaws.com/\": dial tcp: lookup logs.undefined.amazonaws.com on 172.31.0.2:53: no such host : exit status 1", "pulumi/pulumi-awsx/issues/1279", "No DNS server knows the name"),
    ("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref .dkr.ecr.us-west-2.amazonaws.com/otel-collector:latest@sha256:863: unexpected status from HEAD request to https://1.dkr.ecr.us-west-2.amazonaws.com/v2/otel-collector/blobs/sha256:863: 403 Forbidden", "aws/containers-roadmap/issues/2493", "registry refuses the pull"),
    ("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 12345678-eu-west-1.amazonaws.com/example-service:example-image:image-tag@sha256:sha digest: not found", "aws/containers-roadmap/issues/2687", "no such image or tag"),
    ("CannotPullContainerError: API error (404)", "aws/amazon-ecs-agent/issues/1185", "no such image or tag"),
    ("CannotPullContainerError: API error (404): repository serverless-batch not found: does not exist or no pull access", "RafalWilinski/deploy-with-serverless/issues/11", "no such image or tag"),
    ("CannotPullContainerError: Could not reach any registry endpoint", "aws/amazon-ecs-agent/issues/719", "does not reach the registry"),
    ("CannotPullContainerError: inspect image has been retried 1 time(s): failed to resolve ref \"rrr-docker-nonprod-virtual.us.artifactory.r1.rrr.com/rrr-backend-service/aws2o:20220128.2\": failed to authorize: failed to fetch anonymous token.", "aws/containers-roadmap/issues/1658", "repository_credentials_arn"),
    ("CannotPullContainerError: Error response from daemon: pull access denied for elasticsearch/elasticsearch, repository does not exist or may require 'docker login'", "aws/amazon-ecs-agent/issues/2343", "registry refuses the pull"),
    ("CannotPullContainerError: ref pull has been retried 1 time(s): failed to extract layer sha256:7c5: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/86/fs/a.pyc: no space left on device: unknown", "anomalyco/sst/pull/3542", "ephemeral_storage_gib"),
    ("CannotPullContainerError: containerd: pull command failed: time=\"2021-08-20T13:58:49Z\" level=info msg=\"apply failure, attempting cleanup\" error=\"failed to extract layer sha256:e246: write /var...", "aws/containers-roadmap/issues/1133", "could not be unpacked"),
    ("CannotPullContainerError: ref pull has been retried 1 time(s): number of layers and diffIDs don't match: 3 != 15.", "https://vrnithinkumar.github.io/2025/02/17/aws-ecs-docker-pull-error", "compressed in different ways"),
    ("CannotPullContainerError: Error response from daemon: Get https://r.sb/v2/: x509: certificate signed by unknown authority.", "docker-archive/for-aws/issues/75", "certificate"),
    ("CannotPullECRContainerError: ThrottlingException: Rate exceeded status code: 400, request id: 75567eb3", "convox/rack/issues/1164", "takes no more of the account's calls"),
    (PARAMETER + "5 time(s): ThrottlingException: Rate exceeded", "external-secrets/external-secrets/issues/4065", "takes no more of the account's calls"),
    ("InvalidParameterException: Error retrieving security group information for [sg-05937427457b61ff5]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)", "dask/dask-cloudprovider/issues/56", "takes no more of the account's calls"),
    (PARAMETER + "1 time(s): AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.", "tryolabs/aws-workshop/issues/6", "may not decrypt with the key"),
    (PARAMETER + "1 time(s): ParameterNotFound: ", "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html", "not there or has no value"),
    (SECRET + "1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-west-1:1:secret:a from secrets manager: InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.", "external-secrets/kubernetes-external-secrets/issues/415", "restore-secret"),
    ("CannotCreateVolumeError: unable to copy contents to volume on host: containerd: failed to get image reference: context deadline exceeded", "aws/containers-roadmap/issues/1425", "could not be filled from the image"),
    ("CannotStartContainerError: ResourceInitializationError: unable to create new container: mount callback failed on /tmp/containerd-mount916692511: open /tmp/containerd-mount916692511/etc/passwd: no such file or directory", "aws-samples/net-modernization/issues/13", "no /etc/passwd"),
    ("container_linux.go:247: starting container process caused \"process_linux.go:359: container init caused \\\"rootfs_linux.go:54: mounting \\\\\\\"…/nginx_conf\\\\\\\" to rootfs \\\\\\\"/var/lib/docker/overlay/db/merged\\\\\\\" caused \\\\\\\"mkdir /merged/etc/nginx/sites-enabled: read-only file system", "aws/amazon-ecs-agent/issues/951", "efs_volumes"),
    (OCI + "chdir to cwd (\"/testdir\") set in config.json failed: no such file or directory", "opencontainers/runc/pull/979", "working_directory"),
    (OCI + "error during container init: error setting rlimits for ready process: error setting rlimit type 8: operation not permitted: unknown", "containerd/nerdctl/issues/1937", "ulimits"),
    ("exec /osmo/bin/osmo_exec: argument list too long", "microsoft/physical-ai-toolchain/issues/1036", "longer than Linux takes"),
    (OCI + "exec: \"-url\": executable file not found in", "jenkinsci/amazon-ecs-plugin/issues/258", "Check the command"),
    ("Your Spot Task was interrupted.", "reproio/wrapbox/pull/53", "no such capacity"),
    ("Reason: You've reached the limit on the number of spot tasks you can run concurrently. For more information, see the Troubleshooting section.", "aws/copilot-cli/issues/2685", "quota is used up"),
    ("Your AWS account is currently blocked and thus cannot launch any Fargate pods", "clowdhaus/eks-reference-architecture/issues/12", "has blocked the account"),
    ("ECS is performing maintenance on the underlying infrastructure hosting the task.", GUIDE + "task-maintenance.html", "Nothing is wrong with the job"),
    ("Error creating ENI: InternalError: An internal error has occurred", "hashicorp/terraform/issues/2055", "AWS's own"),
    ("InvalidParameterException: The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.", "dask/dask-cloudprovider/issues/328", "ClusterCapacityProviders"),
    ("InvalidParameterException: Error retrieving subnet information for [birdzview]: The subnet ID 'birdzview' does not exist (ErrorCode: InvalidSubnetID.NotFound)", "eddmann/serverless-fargate/issues/20", "in one VPC"),
    ("InvalidParameterException: Security group sg-1 does not appear to belong to the same VPC as the input subnets.", "aws/aws-dotnet-deploy/pull/735", "in one VPC"),
    ("ClientException: TaskDefinition is inactive", GUIDE + "deregister-task-definition-v2.html", "revision that the launcher runs is gone"),
    ("fargate-job-launcher: ran longer than 60 minutes", "this launcher", "max_runtime_minutes"),
    ("MaxRunning: 5 tasks of import run; at most 5 may (max_running)", "this launcher", "raise max_running"),
    ("it ended with exit code 1; it could not be retried: PayloadExpired: the payload that was stored for it is gone, or the launcher may not read it: s3://b/k", "this launcher", "again with its payload"),
    ("RunNotRecorded: the run could not be recorded: AccessDeniedException: User: u is not authorized to perform: dynamodb:PutItem on resource: t", "this launcher", "the table of runs"),
    ("RunNotRecorded: the run could not be recorded: ProvisionedThroughputExceededException: Rate exceeded", "this launcher", "the table of runs"),
    ("Conflict: the idempotency key belongs to another request, which differs in count; send the same request again, or use another key", "this launcher", "a new key"),
    ("LaunchUnderWay: another delivery of this event is launching its tasks at this moment", "this launcher", "in a minute"),
    ("OutcomeOpen: an earlier delivery ended in the middle, and the supervisor has not settled yet what it launched", "this launcher", "The supervisor finds out"),
    ("it ended with exit code 137: it was killed (SIGKILL)", "this launcher", "stop_timeout_seconds"),
    ("Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': InsufficientFreeAddressesInSubnet", GUIDE + "stopped-task-error-codes.html", "no free address"),
    ("Error response from daemon: linux spec user: unable to find user dsh: no matching entries in passwd file.", "YelpArchive/dockersh/issues/28", "no such user"),
)  # fmt: skip


ACTIONS = {
    "ecr:GetAuthorizationToken on resource: *": "registry refuses the pull",
    "ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:1:repository/a": "registry refuses the pull",
    "ecr:BatchImportUpstreamImage on resource: arn:aws:ecr:eu-west-1:1:repository/a": "pull-through cache",
    "secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:1:secret:a": "read a secret",
    "kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/a": "may not decrypt",
    "logs:CreateLogStream on resource: arn:aws:logs:eu-west-1:1:log-group:a": "may not write the job's log",
    "elasticfilesystem:ClientMount on resource: arn:aws:elasticfilesystem:eu-west-1:1:fs/a": "refuses the mount",
}


@pytest.mark.parametrize(("said", "_source", "then"), REPORTS, ids=[it[1].removeprefix(GUIDE) for it in REPORTS])
def test_a_reported_reason_leads_to_the_remedy_of_its_cause(said: str, _source: str, then: str) -> None:
    assert then in remedy(said), remedy(said)


@pytest.mark.parametrize(
    "said",
    [
        # Of an ECS service: a launched task belongs to none, and has no load balancer.
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/1)",
        # ECS cuts the reason short here, before the cause: the name of the service alone is not one.
        SECRET.replace("retrieve secret", "get registry auth")
        + "5 time(s): asm fetching secret from the service for a",
        OCI + 'process_linux.go:449: container init caused \\"rootfs_linux.go:58',
        OCI + "error creating device nodes: mknod /run/containerd/rootfs/dev/null: errno 524: unknown",
    ],
)
def test_a_reason_without_a_known_cause_has_no_remedy(said: str) -> None:
    assert remedy(said) == ""
    assert advice(said).endswith(said)


def test_each_row_is_the_first_that_fits_one_of_the_reports() -> None:
    """Each row has a report, and no row before it takes that report."""
    said = [it[0] for it in REPORTS] + [f"not authorized to perform: {it}" for it in ACTIONS]
    left = {then for _, then in CAUSES}
    for reason in said:
        about = remedy(reason)
        left -= {it for it in left if re.fullmatch(re.escape(it).replace(r"\{what\}", ".+"), about)}
    assert left == set()


@pytest.mark.parametrize(("action", "then"), ACTIONS.items())
def test_the_denied_action_decides_and_the_words_around_it_do_not(action: str, then: str) -> None:
    """Each has the same preamble, and `on resource:`, which does not mean a lack of capacity."""
    preamble = "ResourceInitializationError: unable to pull secrets or registry auth: "
    said = (
        f"{preamble}AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: {action}"
    )
    assert then in remedy(said)


def test_if_no_cause_fits_the_advice_says_so_and_has_ecss_reason() -> None:
    words = "Something that nobody has seen before"
    assert remedy(words) == ""
    assert advice(words) == f"No known cause fits the reason that ECS gives: {words}"
    never = classify({"stopCode": "TaskFailedToStart", "stoppedReason": words, "containers": []}, "job")
    assert words in never.remedy
    assert never.remedy.startswith("No known cause fits")
    # A task that ran has a log, which shows more.
    failed = {"stopCode": "EssentialContainerExited", "containers": [{"name": "job", "exitCode": 1}]}
    assert classify(failed, "job").remedy == ""


def test_a_remedy_uses_the_names_of_the_arguments() -> None:
    known = {path.replace("[0]", "") for path, _ in nodes(FargateJobLauncherArgs)}
    known |= {it.rpartition(".")[2] for it in known}
    # An argument of aws.efs.AccessPoint.
    known |= {"creation_info"}
    for _, then in CAUSES:
        named = {next(filter(None, it)) for it in re.findall(r"`([a-z_.]+)`|\b([a-z]+_[a-z_.]*[a-z])", then)}
        assert named <= known | {"spot_then_on_demand"}, then


def test_a_launch_that_succeeds_compiles_no_pattern() -> None:
    code = (
        "from fargate_job_launcher.handler import remedy; "
        "assert remedy._compiled.cache_info().currsize == 0; remedy.remedy('x'); "
        "assert remedy._compiled.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
