"""Refusals of Amazon ECS for ListTasks and DescribeTasks."""

from __future__ import annotations

from typing import Final

from .row import Refusal, Shape
from .run_task import THERE

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_%s.html"

ROWS: Final = (
    Refusal(
        id="ecs.ListTasks.startedBy",
        refuses="ListTasks accepts startedBy without other filters, except desiredStatus",
        code="InvalidParameterException",
        words="cannot specify startedBy with other arguments",
        sources=("https://github.com/aws/aws-sdk-go-v2/issues/1893", API % "ListTasks"),
        request={"cluster": "rows", "startedBy": "me", "family": "rows"},
        before=THERE,
        takes={"cluster": "rows", "startedBy": "me", "desiredStatus": "RUNNING"},
    ),
    Refusal(
        id="ecs.ListTasks.serviceName",
        refuses="ListTasks does not accept serviceName together with a family or a container instance",
        code="InvalidParameterException",
        words="cannot specify serviceName with other arguments",
        sources=("https://github.com/boto/boto3/issues/874", "https://github.com/fujiwara/ecsta/pull/119"),
        request={"cluster": "rows", "serviceName": "s", "containerInstance": "i"},
        before=THERE,
    ),
    Refusal(
        id="ecs.DescribeTasks.none",
        refuses="DescribeTasks needs at least one task",
        code="InvalidParameterException",
        words="Tasks cannot be empty.",
        sources=("https://github.com/convox/rack/pull/1908", API % "DescribeTasks"),
        request={"cluster": "rows", "tasks": []},
        before=THERE,
    ),
    Shape(
        "ecs.DescribeTasks.each",
        "IAM authorizes each task of a DescribeTasks; if the caller may not describe one of them, the call is refused",
        (
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        ),
        held_by="sandbox/test_sandbox_refusals.py::test_iam_is_asked_about_each_task_that_a_request_names",
    ),
)
