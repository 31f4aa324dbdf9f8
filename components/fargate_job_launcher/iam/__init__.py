"""IAM policy documents of a launcher: ARNs in, documents out. Pure functions; no Pulumi, no AWS call.

This file alone decides what is granted, to which role, and why. roles.py attaches the documents.

A statement uses only condition keys that its action supports: with any other key its Allow never applies.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html

- arns.py           the shapes of ARNs and of images in ECR
- documents.py      a policy as IAM stores it, and the statements that several policies share
- launcher.py       what a launcher's function and its schedules may do
- task.py           what a task may do
- control_plane.py  what the supervisor, the drain function and the flow log may do
- resources.py      the policies of queues, buckets and keys
"""

from .arns import (
    VALUE_FROM_SHAPE,
    Place,
    ecr_region,
    family_arn,
    is_ecr_image,
    is_key_arn,
    is_policy_arn,
    is_role_arn,
    is_secret_arn,
    is_sender_arn,
    is_topic_arn,
    is_whole_secret_arn,
    may_be_partial,
    payload_objects,
    refuse_ecr_image,
    repository_arn,
    secret_reference_problem,
)
from .control_plane import drain_policy, flow_log_policy, flow_log_trust, supervisor_policy
from .documents import (
    EXECUTION_LIMIT,
    LAMBDA_SERVICE,
    LAUNCHER_LIMIT,
    LONGEST_INLINE_POLICY,
    SCHEDULER_SERVICE,
    TASK_LIMIT,
    TASKS_SERVICE,
    Document,
    PolicyLimit,
    Statement,
    document,
    fit_together,
    joined,
    replaced_json,
    to_json,
)
from .launcher import (
    lambda_trust,
    launcher_guard,
    launcher_policy,
    schedule_policy,
    schedule_trust,
    schedules_named,
)
from .resources import filled_queue_policy, key_policy, only_tls, queue_policy, sender_key_statements
from .task import (
    RESULTS,
    exec_policy,
    execution_policy,
    mount_policy,
    payload_reader_policy,
    result_writer_policy,
    tasks_trust,
)

__all__ = [
    "EXECUTION_LIMIT",
    "LAMBDA_SERVICE",
    "LAUNCHER_LIMIT",
    "LONGEST_INLINE_POLICY",
    "RESULTS",
    "SCHEDULER_SERVICE",
    "TASKS_SERVICE",
    "TASK_LIMIT",
    "VALUE_FROM_SHAPE",
    "Document",
    "Place",
    "PolicyLimit",
    "Statement",
    "document",
    "drain_policy",
    "ecr_region",
    "exec_policy",
    "execution_policy",
    "family_arn",
    "filled_queue_policy",
    "fit_together",
    "flow_log_policy",
    "flow_log_trust",
    "is_ecr_image",
    "is_key_arn",
    "is_policy_arn",
    "is_role_arn",
    "is_secret_arn",
    "is_sender_arn",
    "is_topic_arn",
    "is_whole_secret_arn",
    "joined",
    "key_policy",
    "lambda_trust",
    "launcher_guard",
    "launcher_policy",
    "may_be_partial",
    "mount_policy",
    "only_tls",
    "payload_objects",
    "payload_reader_policy",
    "queue_policy",
    "refuse_ecr_image",
    "replaced_json",
    "repository_arn",
    "result_writer_policy",
    "schedule_policy",
    "schedule_trust",
    "schedules_named",
    "secret_reference_problem",
    "sender_key_statements",
    "supervisor_policy",
    "tasks_trust",
    "to_json",
]
