"""What Amazon ECS refuses of a question for tasks: ListTasks and DescribeTasks."""

from __future__ import annotations

from typing import Final

from .row import Refusal, Shape
from .run_task import THERE

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_%s.html"

ROWS: Final = (
    Refusal(
        id="ecs.ListTasks.startedBy",
        refuses="A ListTasks by startedBy has no other filter, but desiredStatus",
        code="InvalidParameterException",
        words="cannot specify startedBy with other arguments",
        sources=("https://github.com/aws/aws-sdk-go-v2/issues/1893", API % "ListTasks"),
        request={"cluster": "rows", "startedBy": "me", "family": "rows"},
        before=THERE,
        takes={"cluster": "rows", "startedBy": "me", "desiredStatus": "RUNNING"},
    ),
    Refusal(
        id="ecs.ListTasks.serviceName",
        refuses="A ListTasks by the name of a service goes with neither a family nor a container instance",
        code="InvalidParameterException",
        words="cannot specify serviceName with other arguments",
        sources=("https://github.com/boto/boto3/issues/874", "https://github.com/fujiwara/ecsta/pull/119"),
        request={"cluster": "rows", "serviceName": "s", "containerInstance": "i"},
        before=THERE,
    ),
    Refusal(
        id="ecs.DescribeTasks.none",
        refuses="A DescribeTasks names a task",
        code="InvalidParameterException",
        words="Tasks cannot be empty.",
        sources=("https://github.com/convox/rack/pull/1908", API % "DescribeTasks"),
        request={"cluster": "rows", "tasks": []},
        before=THERE,
    ),
    Shape(
        "ecs.DescribeTasks.each",
        "IAM is asked about each task of a DescribeTasks: one that the caller may not describe refuses them all",
        (
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html",
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        ),
        held_by="test_sandbox_refusals.py::test_iam_is_asked_about_each_task_that_a_request_names",
    ),
)
