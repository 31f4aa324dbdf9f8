"""For every rule, the stacks that it must catch, at least one of them devious, and those that it must pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.checks.plain_secrets import NOT_SECRET_LABEL

from tools.pack.judging import Thing

ACCOUNT: Final = "123456789012"
REGIONAL: Final = f"arn:aws:%s:eu-west-1:{ACCOUNT}:%s"
CLUSTER: Final = REGIONAL % ("ecs", "cluster/jobs")
DEFINITION: Final = REGIONAL % ("ecs", "task-definition/report:7")
EXECUTION, TASK = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("execution", "task"))
TASKS: Final = "ecs-tasks.amazonaws.com"
TO_TASKS: Final = {"StringEquals": {"iam:PassedToService": TASKS}}
IN_CLUSTER: Final = {"ArnEquals": {"ecs:cluster": CLUSTER}}
SPOT: Final = "FARGATE_SPOT"
DIGEST: Final = "@sha256:" + "0a" * 32

Stack = list[Thing]


@dataclass(frozen=True)
class Cases:
    """The stacks of a rule, by description."""

    catches: Mapping[str, Stack]
    passes: Mapping[str, Stack]


def allow(action: Any, resource: Any = "*", condition: Any = None, **more: Any) -> dict[str, Any]:
    """A statement that allows; if `action` or `resource` is None, `more` has NotAction or NotResource."""
    made = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition, **more}
    return {key: value for key, value in made.items() if value is not None}


PASSES: Final = allow("iam:PassRole", [EXECUTION, TASK], TO_TASKS)
RUNS: Final = allow("ecs:RunTask", DEFINITION, IN_CLUSTER)
ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
EXECUTES: Final = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def text(*statements: Any) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def inline(*statements: Any, role: str = "launcher", name: str = "launcher") -> Thing:
    """A role's inline policy."""
    return Thing("aws:iam/rolePolicy:RolePolicy", name, {"role": role, "policy": text(*statements)})


def managed(*statements: Any, name: str = "shared") -> Thing:
    """A managed policy of the stack."""
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    return Thing("aws:iam/policy:Policy", name, {"policy": text(*statements)}, {"arn": arn})


def attached(arn: str, *, role: str = "launcher", name: str = "attached") -> Thing:
    """A managed policy attached to a role."""
    return Thing("aws:iam/rolePolicyAttachment:RolePolicyAttachment", name, {"role": role, "policyArn": arn})


def trusting(principal: Any, **condition: Any) -> str:
    """A trust policy."""
    return text(allow("sts:AssumeRole", None, condition or None, Principal=principal))


ONLY_TASKS: Final = trusting(
    {"Service": TASKS},
    StringEquals={"aws:SourceAccount": ACCOUNT},
    ArnLike={"aws:SourceArn": REGIONAL % ("ecs", "*")},
)
ONLY_LAMBDA: Final = trusting({"Service": "lambda.amazonaws.com"})
BY_LAUNCHER: Final = trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:role/launcher"})
BY_SESSION: Final = trusting({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/launcher/launch"})
ONLY_BUILDS: Final = trusting({"Service": "codebuild.amazonaws.com"})


def role(name: str, trust: str = ONLY_TASKS, **props: Any) -> Thing:
    """A role."""
    outputs = {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "name": name, "id": name}
    return Thing("aws:iam/role:Role", name, {"assumeRolePolicy": trust, **props}, outputs)


def arn_of(name: str) -> str:
    """The ARN of a role of the account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def definition(*, containers: Any = None, **props: Any) -> Thing:
    """A task definition; `containers` has, for each container, its differences from a good one."""
    good = {
        "name": "job",
        "image": f"public.ecr.aws/docker/library/python:3.13-slim{DIGEST}",
        "user": "65532:65532",
        "readonlyRootFilesystem": True,
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/jobs/report"}},
    }
    many = [{**good, **it} for it in (containers or [{}])]
    listed = [{key: value for key, value in it.items() if value is not None} for it in many]
    base = {
        "family": "report",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "executionRoleArn": EXECUTION,
        "taskRoleArn": TASK,
        "containerDefinitions": json.dumps(listed),
    }
    return Thing("aws:ecs/taskDefinition:TaskDefinition", "report", {**base, **props}, {"arn": DEFINITION})


def function(name: str = "launch", **props: Any) -> Thing:
    """A function of the role `launcher`."""
    base = {"role": f"arn:aws:iam::{ACCOUNT}:role/launcher", "runtime": "python3.13", "timeout": 60}
    outputs = {"arn": REGIONAL % ("lambda", f"function:{name}"), "name": name}
    return Thing("aws:lambda/function:Function", name, {**base, **props}, outputs)


LAUNCHES: Final = [role("launcher", ONLY_LAMBDA), inline(RUNS, PASSES)]
NEVER_OTHERS: Final = {
    **allow("iam:PassRole", None, NotResource=[EXECUTION, TASK]),
    "Effect": "Deny",
}
LAUNCHER_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/launcher"
FUNCTION_ARN: Final = REGIONAL % ("lambda", "function:launch")


def queue(name: str = "work", **props: Any) -> Thing:
    """An SQS queue."""
    outputs = {"arn": REGIONAL % ("sqs", name), "url": f"https://sqs/{name}", "id": f"https://sqs/{name}", "name": name}
    return Thing("aws:sqs/queue:Queue", name, {"sqsManagedSseEnabled": True, **props}, outputs)


def queue_policy(*statements: Any, name: str = "work") -> Thing:
    """The policy of a queue."""
    return Thing(
        "aws:sqs/queuePolicy:QueuePolicy", name, {"queueUrl": f"https://sqs/{name}", "policy": text(*statements)}
    )


NO_CLEAR: Final = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": REGIONAL % ("sqs", "work"),
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def mapping(*, function_name: str = "launch", **props: Any) -> Thing:
    """A queue that feeds a function."""
    base = {"eventSourceArn": REGIONAL % ("sqs", "work"), "functionName": function_name}
    return Thing("aws:lambda/eventSourceMapping:EventSourceMapping", "work", {**base, **props})


def redrive(receives: Any, target: str | None = REGIONAL % ("sqs", "dead")) -> str:
    """A queue's redrive policy."""
    return json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": receives})


def schedule(**target: Any) -> Thing:
    """A schedule of Scheduler that invokes the launcher; `target` has the differences of its target."""
    base: dict[str, Any] = {
        "arn": FUNCTION_ARN,
        "roleArn": TASK,
        "retryPolicy": {"maximumRetryAttempts": 5, "maximumEventAgeInSeconds": 3600},
        "deadLetterConfig": {"arn": REGIONAL % ("sqs", "dead")},
    }
    made = {key: value for key, value in {**base, **target}.items() if value is not None}
    return Thing("aws:scheduler/schedule:Schedule", "nightly", {"scheduleExpression": "rate(1 day)", "target": made})


def http_route(**props: Any) -> Stack:
    """A route of API Gateway v2 to the launcher."""
    return [
        Thing("aws:apigatewayv2/integration:Integration", "i", {"integrationUri": FUNCTION_ARN}, {"id": "i1"}),
        Thing("aws:apigatewayv2/route:Route", "r", {"routeKey": "$default", "target": "integrations/i1", **props}),
    ]


def rest_method(authorization: str, arn: str = FUNCTION_ARN) -> Stack:
    """A method of a REST API that calls the launcher."""
    place = {"restApi": "a", "resourceId": "b", "httpMethod": "POST"}
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    return [
        Thing("aws:apigateway/method:Method", "m", {**place, "authorization": authorization}),
        Thing("aws:apigateway/integration:Integration", "i", {**place, "uri": uri}),
    ]


def event_target(**props: Any) -> Thing:
    """A target of an EventBridge rule."""
    return Thing("aws:cloudwatch/eventTarget:EventTarget", "on-event", {"rule": "r", "arn": FUNCTION_ARN, **props})


def permission(**props: Any) -> Thing:
    """Who may invoke the function."""
    base = {
        "action": "lambda:InvokeFunction",
        "function": "launch",
        "principal": "events.amazonaws.com",
        "sourceArn": REGIONAL % ("events", "rule/nightly"),
    }
    made = {key: value for key, value in {**base, **props}.items() if value is not None}
    return Thing("aws:lambda/permission:Permission", "invoke", made)


def service(**props: Any) -> Thing:
    """An ECS service."""
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": False}
    network |= {key: props.pop(key) for key in ("subnets", "assignPublicIp") if key in props}
    return Thing("aws:ecs/service:Service", "web", {"networkConfiguration": network, **props})


def settings(**more: Any) -> Thing:
    """A launcher of this package, with the network in its settings."""
    said = {"job": "report", "subnets": ["subnet-1", "subnet-2"], "assignPublicIp": False, **more}
    return function(environment={"variables": {"LAUNCHER_SETTINGS": json.dumps(said)}})


JOBS: Final = Thing("aws:ecs/cluster:Cluster", "jobs", {}, {"arn": CLUSTER, "name": "jobs", "id": CLUSTER})


def associated(*providers: str, cluster: str = "jobs") -> Thing:
    """The capacity providers of a cluster."""
    props = {"clusterName": cluster, "capacityProviders": list(providers)}
    return Thing("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "jobs", props)


def strategy(*providers: str) -> dict[str, Any]:
    """A capacity provider strategy of a service or a schedule."""
    return {"capacityProviderStrategies": [{"capacityProvider": it, "weight": 1} for it in providers]}


def ecs_schedule(**parameters: Any) -> Thing:
    """A schedule that runs a task without a launcher."""
    return schedule(ecsParameters={"taskDefinitionArn": DEFINITION, **parameters})


def ingress(*cidrs: str, **more: Any) -> Thing:
    """A security group with these ingress rules."""
    rules = [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": list(cidrs), **more}]
    return Thing("aws:ec2/securityGroup:SecurityGroup", "jobs", {"ingress": rules})


USER_ARN: Final = f"arn:aws:iam::{ACCOUNT}:user/deploy"
USER: Final = Thing(
    "aws:iam/user:User",
    "deploy",
    {"name": "deploy"},
    {"name": "deploy", "id": "deploy", "arn": USER_ARN},
)
GROUP: Final = Thing("aws:iam/group:Group", "deployers", {}, {"name": "deployers", "id": "deployers"})
GROUP_ARN: Final = f"arn:aws:iam::{ACCOUNT}:group/deployers"
IN_GROUP: Final = Thing(
    "aws:iam/userGroupMembership:UserGroupMembership", "deploy", {"user": "deploy", "groups": ["deployers"]}
)


def of_group(*statements: Any) -> Thing:
    """A group's inline policy."""
    return Thing("aws:iam/groupPolicy:GroupPolicy", "deployers", {"group": "deployers", "policy": text(*statements)})


def of_user(*statements: Any) -> Thing:
    """A user's inline policy."""
    return Thing("aws:iam/userPolicy:UserPolicy", "deploy", {"user": "deploy", "policy": text(*statements)})


def passes(service: str, *roles: str) -> dict[str, Any]:
    """A statement that lets roles be passed to a service."""
    return allow("iam:PassRole", list(roles) or TASK, {"StringEquals": {"iam:PassedToService": service}})


def in_vpc(public: str, *subnets: str) -> dict[str, Any]:
    """The network of a task, as RunTask takes it."""
    return {"AwsvpcConfiguration": {"Subnets": list(subnets or ("subnet-1", "subnet-2")), "AssignPublicIp": public}}


TOPIC: Final = [
    Thing("aws:sns/topic:Topic", "top", {}, {"arn": REGIONAL % ("sns", "top"), "id": REGIONAL % ("sns", "top")}),
    Thing(
        "aws:sns/topicSubscription:TopicSubscription",
        "top",
        {"topic": REGIONAL % ("sns", "top"), "protocol": "lambda", "endpoint": FUNCTION_ARN},
    ),
]
"""A topic that invokes the launcher."""


def topic_policy(**condition: Any) -> Thing:
    """A topic's policy for everyone."""
    said = allow("sns:Publish", REGIONAL % ("sns", "top"), condition or None, Principal="*")
    return Thing("aws:sns/topicPolicy:TopicPolicy", "top", {"arn": REGIONAL % ("sns", "top"), "policy": text(said)})


def machine(arguments: Any = "", **parameters: Any) -> Thing:
    """A state machine that runs a task in a branch of a parallel state; `arguments` in place of parameters, or None."""
    given = {"Parameters": parameters} if arguments == "" else {} if arguments is None else {"Arguments": arguments}
    run = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", **given, "End": True}
    inner = {"StartAt": "Run", "States": {"Run": run}}
    outer = {"StartAt": "All", "States": {"All": {"Type": "Parallel", "Branches": [inner], "End": True}}}
    return Thing("aws:sfn/stateMachine:StateMachine", "flow", {"definition": json.dumps(outer), "roleArn": TASK})


def of_event(**props: Any) -> Thing:
    """A rule's target that runs a task, with what it takes from the event."""
    return event_target(arn=CLUSTER, ecsTarget={"taskDefinitionArn": DEFINITION}, **props)


def pipe(**parameters: Any) -> Thing:
    """A pipe that runs a task."""
    its = {"taskDefinitionArn": DEFINITION, **parameters}
    return Thing("aws:pipes/pipe:Pipe", "p", {"target": CLUSTER, "targetParameters": {"ecsTaskParameters": its}})


def template(resources: Mapping[str, Any]) -> Thing:
    """A stack of CloudFormation."""
    return Thing("aws:cloudformation/stack:Stack", "legacy", {"templateBody": json.dumps({"Resources": resources})})


def cloud_control(kind: str, desired: Mapping[str, Any]) -> Thing:
    """A resource of Cloud Control."""
    props = {"typeName": kind, "desiredState": json.dumps(desired)}
    return Thing("aws:cloudcontrol/resource:Resource", "controlled", props)


BOUND: Final = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
"""A managed policy that limits, and grants nothing."""


ELSEWHERE: Final = f"arn:aws:iam::{ACCOUNT}:policy/of-another-stack"
ELSEWHERE_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/of-another-stack"
OVERRIDDEN: Final = {"Name": "job", "Environment": [{"Name": "DB_PASSWORD", "Value": "hunter22"}]}
SSO: Final = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Deploy_*"
LONG_ARN: Final = REGIONAL % ("states", "stateMachine:Nightly1Import2Of3All4Orders5And6Returns")
RUN_TASK_CALL: Final = "arn:aws:scheduler:::aws-sdk:ecs:runTask"
"""The universal target of Scheduler that calls RunTask."""

CASES: Final[dict[str, Cases]] = {
    "passrole-named-roles": Cases(
        {
            "pasted from the web": [inline(allow(["ecs:RunTask", "iam:PassRole"]))],
            "every role of the account": [managed(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/*", TO_TASKS))],
            "everything of IAM": [inline(allow("iam:*", "*"))],
            "as aws.iam.getPolicyDocument writes it": [
                Thing(
                    "aws:iam/rolePolicy:RolePolicy",
                    "launcher",
                    {"role": "launcher", "policy": json.dumps({"Statement": [allow("iam:PassRole")]}, indent=2)},
                )
            ],
            "a group's AdministratorAccess": [
                Thing("aws:iam/policyAttachment:PolicyAttachment", "all", {"groups": ["g"], "policyArn": ADMINISTRATOR})
            ],
            **{
                f"devious: AdministratorAccess as a {kind}'s only policies": [
                    Thing(
                        f"aws:iam/{kind}PolicyAttachmentsExclusive:{kind.title()}PolicyAttachmentsExclusive",
                        "only",
                        {f"{kind}Name": "launcher", "policyArns": [ADMINISTRATOR]},
                    )
                ]
                for kind in ("role", "user", "group")
            },
            "devious: everything but what is listed": [inline(allow(None, "*", TO_TASKS, NotAction="s3:*"))],
            "devious: every role but one": [inline(allow("iam:PassRole", None, TO_TASKS, NotResource=TASK))],
            "devious: an action with a wildcard inside": [inline(allow("IAM:P?ssR*e", "*", TO_TASKS))],
            "devious: a role's name from the caller's tag": [
                inline(allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/${{aws:PrincipalTag/team}}", TO_TASKS))
            ],
            "devious: a boundary that is attached too": [
                role("other", ONLY_LAMBDA, permissionsBoundary=BOUND),
                *(managed(allow("*"), name="boundary"), attached(BOUND)),
            ],
            "devious: an old service role of AWS": [
                role(
                    "events",
                    ONLY_LAMBDA,
                    managedPolicyArns=["arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceEventsRole"],
                )
            ],
            "devious: among the role's own inline policies": [
                role("launcher", ONLY_LAMBDA, inlinePolicies=[{"name": "x", "policy": text(allow("iam:Pass*"))}])
            ],
        },
        {
            "two named roles": [inline(PASSES)],
            "a boundary, which grants nothing": [
                *(role("launcher", ONLY_LAMBDA, permissionsBoundary=BOUND), inline(PASSES)),
                managed(allow("*"), name="boundary"),
            ],
            "a wildcard on what is no role": [
                inline(allow(["iam:PassRole", "logs:PutLogEvents"], [TASK, REGIONAL % ("logs", "*")], TO_TASKS))
            ],
            "everything of ECS": [inline(allow("ecs:*"))],
        },
    ),
    "passrole-service": Cases(
        {
            "no condition": [inline(allow("iam:PassRole", TASK))],
            "a pattern of services": [
                inline(allow("iam:PassRole", TASK, {"StringLike": {"iam:PassedToService": "*.amazonaws.com"}}))
            ],
            "devious: one service too many": [
                inline(
                    allow("iam:PassRole", TASK, {"StringEquals": {"iam:PassedToService": [TASKS, "ec2.amazonaws.com"]}})
                )
            ],
            "devious: true when the key is missing": [
                inline(allow("iam:PassRole", TASK, {"StringEqualsIfExists": {"iam:PassedToService": TASKS}}))
            ],
            "devious: all of no values": [
                inline(allow("iam:PassRole", TASK, {"ForAllValues:StringEquals": {"iam:PassedToService": TASKS}}))
            ],
            "devious: every service but one": [
                managed(allow("iam:PassRole", TASK, {"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}))
            ],
            "devious: a Deny beside it that means to do it": [
                inline(allow("iam:PassRole", TASK), {"Effect": "Deny", "Action": "iam:PassRole", "NotResource": TASK})
            ],
        },
        {
            "exactly ECS tasks": [inline(PASSES)],
            "Like without a wildcard": [
                inline(allow("iam:passrole", TASK, {"StringLike": {"IAM:passedtoservice": [TASKS]}}))
            ],
            "if it exists, and it has to": [
                inline(
                    allow(
                        "iam:PassRole",
                        TASK,
                        {
                            "StringEqualsIfExists": {"iam:PassedToService": TASKS},
                            "Null": {"iam:PassedToService": "false"},
                        },
                    )
                )
            ],
        },
    ),
    "passrole-no-administrator": Cases(
        {
            "AdministratorAccess on the task role": [
                *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                *(role("task"), attached(ADMINISTRATOR, role="task")),
            ],
            "everything in an inline policy": [
                *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                *(role("task"), inline(allow("*"), role="task", name="task")),
            ],
            "devious: every role's policy, in this account": [
                *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                *(
                    role("task"),
                    inline(allow("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/*"), role="task", name="t"),
                ),
            ],
            "devious: it may write its own policy": [
                *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                *(role("task"), inline(allow(["s3:GetObject", "iam:Put*"]), role="task", name="task")),
            ],
            **{
                f"devious: {action} on {on}": [
                    *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                    *(role("task"), inline(allow(action, on), role="task", name="task")),
                ]
                for action, on in (
                    ("iam:PutRolePolicy", TASK),
                    ("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/t*"),
                    ("iam:*", "arn:aws:iam::*"),
                    ("iam:AddUserToGroup", "*"),
                    ("iam:PutGroupPolicy", "*"),
                    ("iam:AttachGroupPolicy", "*"),
                    ("iam:CreateLoginProfile", "*"),
                    ("iam:UpdateLoginProfile", "*"),
                    ("sts:AssumeRole", "*"),
                )
            },
            "devious: an administrator through a managed policy of the stack": [
                *(role("launcher", ONLY_LAMBDA), managed(PASSES, name="pass")),
                attached(f"arn:aws:iam::{ACCOUNT}:policy/pass"),
                *(role("execution"), managed(allow("*:*", None, NotResource=TASK), name="all")),
                attached(f"arn:aws:iam::{ACCOUNT}:policy/all", role="execution", name="all"),
            ],
        },
        {
            "a task role that reads one bucket": [
                *(role("launcher", ONLY_LAMBDA), inline(PASSES)),
                *(role("task"), inline(allow("s3:GetObject", "arn:aws:s3:::in/*"), role="task", name="task")),
            ],
            "an administrator whom nobody passes": [role("breakglass", ONLY_LAMBDA), *LAUNCHES],
        },
    ),
    "passrole-trust": Cases(
        {
            "another service than the one named": [*LAUNCHES, role("task", ONLY_LAMBDA)],
            "an account, whichever service is named": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("iam:PassRole", TASK))),
                role("task", trusting({"AWS": "arn:aws:iam::999999999999:root"})),
            ],
            "Lambda too": [
                *LAUNCHES,
                role("task", trusting({"Service": [TASKS, "lambda.amazonaws.com"]})),
            ],
            "another account": [*LAUNCHES, role("task", trusting({"AWS": "arn:aws:iam::999999999999:root"}))],
            "devious: another service, which the statement names too": [
                role("launcher", ONLY_LAMBDA),
                inline(
                    allow("iam:PassRole", TASK, {"StringEquals": {"iam:PassedToService": [TASKS, "ec2.amazonaws.com"]}})
                ),
                role("task", trusting({"Service": [TASKS, "ec2.amazonaws.com"]})),
            ],
            "devious: in a statement of its own": [
                *LAUNCHES,
                role(
                    "execution",
                    text(
                        allow("sts:AssumeRole", None, Principal={"Service": TASKS}),
                        allow("sts:*", None, Principal={"AWS": "*"}),
                    ),
                ),
            ],
        },
        {
            "ECS tasks only": [*LAUNCHES, role("task"), role("execution")],
            "a function's role, passed to Lambda": [
                role("deployer", ONLY_TASKS),
                inline(
                    allow("iam:PassRole", TASK, {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
                    role="deployer",
                ),
                role("task", ONLY_LAMBDA),
            ],
            "one service, where the statement names none": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("iam:PassRole", TASK))),
                role("task", trusting({"Service": "translate.amazonaws.com"})),
            ],
        },
    ),
    "passrole-alone": Cases(
        {
            "in one statement": [inline(allow(["iam:PassRole", "ecs:RegisterTaskDefinition"], "*", TO_TASKS))],
            "in two documents of one role": [
                *LAUNCHES,
                inline(allow("lambda:UpdateFunctionCode"), name="second"),
            ],
            **{
                f"with {action}": [*LAUNCHES, inline(allow(action, on), name="second")]
                for action, on in (
                    ("ecs:UpdateService", REGIONAL % ("ecs", "service/jobs/web")),
                    ("ecs:CreateTaskSet", REGIONAL % ("ecs", "task-set/jobs/web/*")),
                    ("lambda:UpdateFunctionUrlConfig", FUNCTION_ARN),
                    ("lambda:UpdateFunctionEventInvokeConfig", FUNCTION_ARN),
                    ("lambda:PutFunctionEventInvokeConfig", FUNCTION_ARN),
                    ("lambda:UpdateEventSourceMapping", "*"),
                    ("lambda:UpdateFunctionCodeSigningConfig", "*"),
                )
            },
            **{
                f"with {action}, passing to {service}": [
                    *(role("launcher", ONLY_LAMBDA), inline(passes(service))),
                    inline(allow(action), name="second"),
                ]
                for action, service in (
                    ("ecs:CreateExpressGatewayService", TASKS),
                    ("ecs:RegisterDaemonTaskDefinition", TASKS),
                    ("ecs:CreateDaemon", TASKS),
                    ("batch:RegisterJobDefinition", TASKS),
                    ("lambda:CreateFunction", "lambda.amazonaws.com"),
                    ("codebuild:CreateProject", "codebuild.amazonaws.com"),
                    ("cloudformation:*", "cloudformation.amazonaws.com"),
                    ("scheduler:CreateSchedule", "scheduler.amazonaws.com"),
                    ("events:PutTargets", "events.amazonaws.com"),
                    ("states:CreateStateMachine", "states.amazonaws.com"),
                    ("config:PutRemediationConfigurations", "ssm.amazonaws.com"),
                    ("synthetics:CreateCanary", "lambda.amazonaws.com"),
                    ("workspaces-instances:CreateWorkspaceInstance", "ec2.amazonaws.com"),
                    ("apigateway:PUT", "apigateway.amazonaws.com"),
                    ("servicecatalog:CreateConstraint", "servicecatalog.amazonaws.com"),
                    ("ec2:RunInstances", "ec2.amazonaws.com.cn"),
                    ("states:CreateStateMachine", "states.eu-west-1.amazonaws.com"),
                )
            },
            "devious: a schedule of its own, as a role that launches": [
                *(role("launcher", ONLY_LAMBDA), inline(passes("scheduler.amazonaws.com"))),
                inline(allow("scheduler:CreateSchedule", REGIONAL % ("scheduler", "schedule/own/*")), name="second"),
                *(role("task"), inline(RUNS, PASSES, role="task", name="task")),
            ],
            "devious: the other half comes with AWS's policy": [
                *LAUNCHES,
                attached("arn:aws:iam::aws:policy/AWSLambda_FullAccess"),
            ],
            "devious: the user passes, the group registers": [
                *(USER, GROUP, IN_GROUP, of_user(PASSES)),
                of_group(allow("ecs:Register*")),
            ],
            "devious: a role of another stack, given both here": [
                inline(PASSES, role="shared", name="one"),
                inline(allow("ecs:StartTask"), role="shared", name="two"),
            ],
        },
        {
            "passing and running": [*LAUNCHES],
            "to one service, and what runs in another": [*LAUNCHES, inline(allow("glue:CreateJob"), name="second")],
            "to one service, and what another action of the prefix passes elsewhere": [
                *(role("launcher", ONLY_LAMBDA), inline(passes("ec2.amazonaws.com"))),
                inline(allow("ecs:UpdateService"), name="second"),
            ],
            "a schedule of its own, as a role that only invokes a function": [
                *(role("launcher", ONLY_LAMBDA), inline(passes("scheduler.amazonaws.com"))),
                inline(allow("scheduler:CreateSchedule", REGIONAL % ("scheduler", "schedule/own/*")), name="second"),
                *(role("task"), inline(allow("lambda:InvokeFunction", FUNCTION_ARN), role="task", name="task")),
            ],
            "both in a boundary, which grants nothing": [
                *(role("launcher", ONLY_LAMBDA, permissionsBoundary=BOUND), inline(RUNS, PASSES)),
                managed(allow(["iam:PassRole", "ecs:*"]), name="boundary"),
            ],
            "everything, with one bucket": [inline(allow("*", "arn:aws:s3:::in/*"))],
            "two roles, one half each": [
                *LAUNCHES,
                role("deployer", ONLY_LAMBDA),
                inline(allow("ecs:RegisterTaskDefinition"), role="deployer", name="deployer"),
            ],
        },
    ),
    "runtask-one-definition": Cases(
        {
            "every task definition": [inline(allow("ecs:RunTask", "*", IN_CLUSTER))],
            "every revision of a family": [inline(allow("ecs:RunTask", DEFINITION[:-1] + "*", IN_CLUSTER))],
            "devious: every definition but one": [
                managed(allow("ecs:RunTask", None, IN_CLUSTER, NotResource=DEFINITION))
            ],
            "devious: through everything of ECS, in another region": [
                inline(allow("ECS:*", f"arn:aws:ecs:*:{ACCOUNT}:task-definition/report:7", IN_CLUSTER))
            ],
        },
        {
            "one revision": [inline(RUNS)],
            "a wildcard on the tasks that it may stop": [
                inline(
                    allow(["ecs:RunTask", "ecs:StopTask"], [DEFINITION, REGIONAL % ("ecs", "task/jobs/*")], IN_CLUSTER)
                )
            ],
        },
    ),
    "runtask-cluster": Cases(
        {
            "no condition": [inline(allow("ecs:RunTask", DEFINITION))],
            "any cluster": [
                inline(allow("ecs:RunTask", DEFINITION, {"ArnLike": {"ecs:cluster": REGIONAL % ("ecs", "cluster/*")}}))
            ],
            "devious: ArnEquals knows wildcards too": [
                inline(
                    allow("ecs:RunTask", DEFINITION, {"ArnEquals": {"ecs:cluster": REGIONAL % ("ecs", "cluster/*")}})
                )
            ],
            "devious: a named cluster and a pattern": [
                inline(allow("ecs:RunTask", DEFINITION, {"ArnEquals": {"ecs:cluster": [CLUSTER, CLUSTER + "*"]}}))
            ],
            "devious: every cluster but one": [
                inline(allow("ecs:RunTask", DEFINITION, {"ArnNotEquals": {"ecs:cluster": CLUSTER}}))
            ],
        },
        {
            "this cluster": [inline(RUNS)],
            "two named clusters": [
                inline(allow("ecs:RunTask", DEFINITION, {"ArnEquals": {"ecs:cluster": [CLUSTER, CLUSTER + "2"]}}))
            ],
            "this cluster, as a string": [
                managed(allow("ecs:runtask", DEFINITION, {"StringLike": {"ECS:Cluster": CLUSTER}}))
            ],
        },
    ),
    "known-condition-keys": Cases(
        {
            "a subnet, which RunTask does not send": [
                inline(allow("ecs:RunTask", DEFINITION, {**IN_CLUSTER, "StringEquals": {"ecs:subnet": "subnet-1"}}))
            ],
            "the service on RunTask": [inline(allow("ecs:RunTask", DEFINITION, {**IN_CLUSTER, **TO_TASKS}))],
            "devious: through a pattern of actions": [
                inline(allow("ecs:Run*", DEFINITION, {**IN_CLUSTER, "StringEquals": {"ecs:subnet": "subnet-1"}}))
            ],
            "devious: a global key that there is not": [
                inline(allow("ecs:RunTask", DEFINITION, {**IN_CLUSTER, "StringEquals": {"aws:Subnet": "subnet-1"}}))
            ],
            "devious: a Deny that never refuses": [
                inline(
                    RUNS,
                    {
                        "Effect": "Deny",
                        "Action": "ecs:RunTask",
                        "Resource": "*",
                        "Condition": {"Bool": {"ecs:auto-assign-public-ip": "true"}},
                    },
                )
            ],
            "devious: a limit that holds for all": [
                inline(allow("iam:PassRole", TASK, {**TO_TASKS, "StringEqualsIfExists": {"ecs:cluster": CLUSTER}}))
            ],
        },
        {
            "what they know": [
                inline(
                    PASSES,
                    allow("ecs:RunTask", DEFINITION, {**IN_CLUSTER, "NumericLessThanEquals": {"ecs:task-cpu": "1024"}}),
                )
            ],
            "global keys and tags": [
                inline(allow("ecs:RunTask", DEFINITION, {**IN_CLUSTER, "StringEquals": {"aws:ResourceTag/team": "a"}}))
            ],
        },
    ),
    "exec-named-tasks": Cases(
        {
            "every task": [inline(allow("ecs:ExecuteCommand"))],
            "every cluster": [
                inline(allow(["ecs:ExecuteCommand", "ecs:DescribeTasks"], REGIONAL % ("ecs", "task/*/*")))
            ],
            "by Systems Manager": [inline(allow("ssm:StartSession"))],
            "devious: by Systems Manager, on tasks": [
                inline(allow("ssm:Start*", [REGIONAL % ("ssm", "document/*"), "arn:aws:ecs:*:*:task/*"]))
            ],
            "devious: through everything that begins so": [managed(allow("ecs:Exec*", "arn:aws:ecs:*:*:*"))],
        },
        {
            "the tasks of one cluster": [inline(allow("ecs:ExecuteCommand", REGIONAL % ("ecs", "task/debug/*")))],
            "one cluster, by its condition": [inline(allow("ecs:ExecuteCommand", "*", IN_CLUSTER))],
            "looking only": [inline(allow("ecs:DescribeTasks"))],
            "by Systems Manager, into instances": [
                inline(allow("ssm:StartSession", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"))
            ],
            "tasks with a tag": [
                inline(allow("ecs:ExecuteCommand", "*", {"StringEquals": {"aws:ResourceTag/debug": "true"}})),
            ],
        },
    ),
    "launcher-controlled": Cases(
        {
            "another role updates its code": [
                *(*LAUNCHES, function(), role("other", ONLY_LAMBDA)),
                inline(allow("lambda:UpdateFunctionCode", FUNCTION_ARN), role="other", name="other"),
            ],
            "the deployment's role, which is not declared": [
                *(*LAUNCHES, function(), role("ci", ONLY_LAMBDA)),
                inline(allow(["lambda:*", "iam:*"]), role="ci", name="ci"),
            ],
            "its role trusts another account": [
                role("launcher", trusting({"Service": "lambda.amazonaws.com", "AWS": "999999999999"})),
                *(*LAUNCHES[1:], function()),
            ],
            **{
                f"devious: the code of a function that a launching role's trust policy names, by {name}": [
                    *(role("launcher", trusting({"AWS": named})), inline(RUNS, PASSES), role("front", ONLY_LAMBDA)),
                    *(function(role=arn_of("front")), USER),
                    of_user(allow("lambda:UpdateFunctionCode", FUNCTION_ARN)),
                ]
                for name, named in {
                    "its role": arn_of("front"),
                    "a session": f"arn:aws:sts::{ACCOUNT}:assumed-role/front/launch",
                }.items()
            },
            **{
                f"devious: a permission of the function's own, {action}": [
                    *(*LAUNCHES, function()),
                    permission(action=action, principal="999999999999"),
                ]
                for action in ("lambda:UpdateFunctionCode", "lambda:*", "*")
            },
            "devious: its layers and its settings": [
                *(*LAUNCHES, function(), USER),
                of_user(allow("lambda:UpdateFunctionConf*", REGIONAL % ("lambda", "function:*"))),
            ],
            "devious: one of its aliases": [
                *(*LAUNCHES, function(), USER),
                of_user(allow("lambda:UpdateFunctionCode", f"{FUNCTION_ARN}:*")),
            ],
            "devious: its trust": [
                *(*LAUNCHES, function(), USER),
                of_user(allow("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/l*")),
            ],
            "devious: a new version of a policy that it holds": [
                *(role("launcher", ONLY_LAMBDA), managed(RUNS, PASSES), function()),
                attached(f"arn:aws:iam::{ACCOUNT}:policy/shared"),
                *(USER, of_user(allow("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/shared"))),
            ],
            "devious: a function of the caller's tag": [
                *(*LAUNCHES, function(), USER),
                of_user(allow("lambda:UpdateFunctionCode", REGIONAL % ("lambda", "function:${aws:PrincipalTag/team}"))),
            ],
            **{
                f"devious: {action}": [*LAUNCHES, function(), USER, of_user(allow(action, FUNCTION_ARN))]
                for action in ("lambda:AddPermission", "lambda:UpdateAlias", "lambda:CreateFunctionUrlConfig")
            },
            "devious: the permissions of its tasks": [
                *(*LAUNCHES, function(), role("task"), USER),
                of_user(allow("iam:PutRolePolicy", TASK)),
            ],
            "devious: what its own policies deny": [
                *(role("launcher", ONLY_LAMBDA), inline(RUNS, PASSES, NEVER_OTHERS), function(), USER),
                of_user(allow("iam:DetachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/launcher")),
            ],
            "devious: one that launches as a role that it assumes": [
                *(role("outer", ONLY_LAMBDA), function(role=f"arn:aws:iam::{ACCOUNT}:role/outer")),
                inline(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/launcher"), role="outer", name="outer"),
                *(role("launcher", trusting({"AWS": ACCOUNT})), inline(RUNS, PASSES)),
                *(USER, of_user(allow("lambda:UpdateFunctionCode", FUNCTION_ARN))),
            ],
            "devious: the role of a schedule that launches": [
                *(role("launcher", trusting({"Service": "scheduler.amazonaws.com"})), inline(RUNS, PASSES)),
                *(ecs_schedule(), USER, of_user(allow("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/launcher"))),
            ],
        },
        {
            "nobody": [*LAUNCHES, function()],
            "a permission to invoke it": [*LAUNCHES, function(), permission(principal="999999999999")],
            "another function's code": [
                *(*LAUNCHES, function(), USER),
                of_user(allow("lambda:UpdateFunctionCode", REGIONAL % ("lambda", "function:web"))),
            ],
            "code of a function that launches nothing": [
                *(role("launcher", ONLY_LAMBDA), function(), USER),
                of_user(allow("lambda:UpdateFunctionCode", FUNCTION_ARN)),
            ],
            "a policy of its role, which denies nothing": [
                *(*LAUNCHES, function(), USER, of_user(allow("iam:DetachRolePolicy", LAUNCHER_ROLE))),
            ],
        },
    ),
    "no-own-permissions": Cases(
        {
            "its own inline policy": [
                role("task"),
                inline(allow("iam:PutRolePolicy", TASK), role="task", name="task"),
            ],
            "a user's own policy": [
                Thing(
                    "aws:iam/user:User", "deploy", {}, {"name": "deploy", "arn": f"arn:aws:iam::{ACCOUNT}:user/deploy"}
                ),
                of_user(allow("iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/deploy")),
            ],
            "devious: a pattern that matches it": [
                role("task"),
                inline(allow("iam:Attach*", f"arn:aws:iam::{ACCOUNT}:role/t*"), role="task", name="task"),
            ],
            "devious: its boundary": [
                role("task"),
                inline(allow("iam:DeleteRolePermissionsBoundary", TASK), role="task", name="task"),
            ],
            "devious: another boundary": [
                role("task"),
                inline(allow("iam:PutRolePermissionsBoundary", TASK), role="task", name="task"),
            ],
            "devious: a policy that denies": [
                role("task"),
                inline(allow("iam:DetachRolePolicy", TASK), NEVER_OTHERS, role="task", name="task"),
            ],
            "devious: another version of what it holds": [
                *(role("launcher", ONLY_LAMBDA), attached(f"arn:aws:iam::{ACCOUNT}:policy/shared")),
                managed(allow("iam:SetDefaultPolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/s*")),
            ],
            "devious: by a variable": [
                USER,
                of_user(allow("iam:PutUserPolicy", "arn:aws:iam::*:user/${aws:username}")),
            ],
            "devious: everything, on itself": [USER, of_user(allow("*", f"arn:aws:iam::{ACCOUNT}:user/d*"))],
            "devious: its group": [
                *(USER, Thing(GROUP.kind, "deployers", {}, {**GROUP.outputs, "arn": GROUP_ARN}), IN_GROUP),
                of_user(allow("iam:AttachGroupPolicy", GROUP_ARN)),
            ],
        },
        {
            "another role's": [role("task"), inline(allow("iam:PutRolePolicy", EXECUTION), role="task", name="task")],
            "its own, to read": [role("task"), inline(allow("iam:GetRolePolicy", TASK), role="task", name="task")],
            "to take away its own policy, which denies nothing": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("iam:DeleteRolePolicy", LAUNCHER_ROLE))),
            ],
        },
    ),
    "assume-named-roles": Cases(
        {
            "devious: the access keys of an administrator": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("iam:CreateAccessKey", USER_ARN))),
                *(USER, of_user(allow("*"))),
            ],
            "every role": [inline(allow("sts:AssumeRole"))],
            "every role of an account": [managed(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/*"))],
            "devious: power without IAM": [
                role("launcher", ONLY_LAMBDA),
                attached("arn:aws:iam::aws:policy/PowerUserAccess"),
            ],
            **{
                f"devious: roles such as {name}": [
                    inline(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{name}"))
                ]
                for name in ("A*", "*a*", "Admin*", "Organization*", "${aws:PrincipalTag/role}")
            },
            "devious: a pattern that covers an administrator": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/t*"))),
                *(role("task", trusting({"AWS": ACCOUNT})), attached(ADMINISTRATOR, role="task")),
            ],
            "devious: an administrator whose trust policy names it, without a permission of its own": [
                *(role("launcher", ONLY_LAMBDA), role("task", BY_LAUNCHER, managedPolicyArns=[ADMINISTRATOR])),
            ],
            "devious: a session's name in an administrator's trust policy": [
                *(role("launcher", ONLY_LAMBDA), role("task", BY_SESSION, managedPolicyArns=[ADMINISTRATOR])),
            ],
            "devious: by a permission, and a session's name": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("sts:AssumeRole", TASK))),
                role("task", BY_SESSION, managedPolicyArns=[ADMINISTRATOR]),
            ],
            "devious: an administrator, by name": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("sts:Assume*", TASK))),
                role(
                    "task",
                    trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:role/launcher"}),
                    managedPolicyArns=[ADMINISTRATOR],
                ),
            ],
        },
        {
            "one role": [inline(allow("sts:AssumeRole", TASK))],
            "one name in every account": [inline(allow("sts:AssumeRole", "arn:aws:iam::*:role/audit"))],
            "roles of a name of their own": [
                inline(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-*")),
            ],
            "the access keys of somebody else": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("iam:CreateAccessKey", USER_ARN))),
                *(USER, of_user(allow("s3:GetObject"))),
            ],
            "an administrator whose trust policy names another account's role": [
                role("launcher", ONLY_LAMBDA),
                role(
                    "task",
                    trusting({"AWS": "arn:aws:iam::999999999999:role/launcher"}),
                    managedPolicyArns=[ADMINISTRATOR],
                ),
            ],
            "an administrator whose trust policy names a role with the same beginning": [
                role("launch", ONLY_LAMBDA),
                role("task", BY_SESSION, managedPolicyArns=[ADMINISTRATOR]),
            ],
            "a role that is no administrator, and names it": [
                *(role("launcher", ONLY_LAMBDA), role("task", BY_LAUNCHER)),
            ],
            "an administrator that does not trust it": [
                *(role("launcher", ONLY_LAMBDA), inline(allow("sts:AssumeRole", TASK))),
                role("task", ONLY_LAMBDA, managedPolicyArns=[ADMINISTRATOR]),
            ],
        },
    ),
    "trust-source": Cases(
        {
            "no condition": [role("task", trusting({"Service": TASKS}))],
            **{
                f"devious: the service as {name}": [role("task", trusting({"Service": name}))]
                for name in ("ECS-Tasks.amazonaws.com", f"{TASKS}.cn", "scheduler.eu-west-1.amazonaws.com", "*")
            },
            "devious: every identity provider": [role("task", trusting({"Federated": "*"}))],
            "devious: any account's source": [
                role("task", trusting({"Service": TASKS}, ArnLike={"aws:SourceArn": "arn:aws:ecs:*:*:*"}))
            ],
            "devious: a pattern of accounts": [
                role("task", trusting({"Service": TASKS}, StringLike={"aws:SourceAccount": "1234*"}))
            ],
            "devious: if they exist": [
                role(
                    "task",
                    trusting(
                        {"Service": [TASKS]},
                        StringEqualsIfExists={"aws:SourceAccount": ACCOUNT},
                        ArnLikeIfExists={"aws:SourceArn": REGIONAL % ("ecs", "*")},
                    ),
                )
            ],
            "everyone": [role("task", trusting("*"))],
            "EventBridge, for any source": [role("task", trusting({"Service": "events.amazonaws.com"}))],
        },
        {
            "everyone of one organization": [
                role("task", trusting("*", StringEquals={"aws:PrincipalOrgID": "o-1"})),
            ],
            "both": [role("task")],
            "the account alone": [
                role("task", trusting({"Service": TASKS}, StringEquals={"aws:SourceAccount": ACCOUNT}))
            ],
            "Scheduler, by the schedule group alone": [
                role(
                    "task",
                    trusting(
                        {"Service": "scheduler.amazonaws.com"},
                        ArnEquals={"aws:SourceArn": REGIONAL % ("scheduler", "schedule-group/jobs")},
                    ),
                )
            ],
            "Lambda, which sends neither": [role("launcher", ONLY_LAMBDA)],
            "those whom Identity Center lets in": [
                role("task", trusting({"AWS": "*"}, ArnLike={"aws:PrincipalArn": SSO}))
            ],
            "accounts of one part of an organization": [
                role(
                    "task",
                    trusting(
                        {"AWS": "*"},
                        **{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1234567890/r-1/ou-1/*"}},
                    ),
                )
            ],
        },
    ),
    "task-own-roles": Cases(
        {
            "one role for both": [role("task"), definition(executionRoleArn=TASK)],
            "no execution role": [role("task"), definition(executionRoleArn=None)],
            "devious: one role of another stack for both": [definition(executionRoleArn=TASK)],
            "devious: one role, by name and by ARN": [
                role("task"),
                Thing(
                    "aws:ecs/taskDefinition:TaskDefinition",
                    "report",
                    {"executionRoleArn": "task", "taskRoleArn": TASK},
                ),
            ],
        },
        {
            "two roles": [role("task"), role("execution"), definition()],
            "two roles of another stack": [definition()],
            "no role for the job's code": [definition(taskRoleArn=None)],
            "on instances, whose own role pulls": [
                definition(requiresCompatibilities=["EC2"], executionRoleArn=None),
            ],
        },
    ),
    "execution-role-inline": Cases(
        {
            "AWS's policy for it": [role("execution"), attached(EXECUTES, role="execution")],
            "in the role itself": [role("execution", managedPolicyArns=[EXECUTES]), definition()],
            "devious: among several roles": [
                *(role("execution"), definition()),
                Thing(
                    "aws:iam/policyAttachment:PolicyAttachment",
                    "all",
                    {
                        "roles": ["other", "execution"],
                        "policyArn": "arn:aws:iam::aws:policy/SecretsManagerReadWrite",
                    },
                ),
            ],
            "devious: another of AWS's that does as much": [
                *(role("execution"), definition()),
                attached("arn:aws:iam::aws:policy/SecretsManagerReadWrite", role="execution"),
            ],
        },
        {
            "an inline policy": [
                *(role("execution"), definition()),
                inline(allow("ecr:BatchGetImage", REGIONAL % ("ecr", "repository/report")), role="execution"),
            ],
            "AWS's policy on a function's role": [
                role("launcher", ONLY_LAMBDA),
                attached("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
            ],
        },
    ),
    "task-no-administrator": Cases(
        {
            "devious: instead of the definition's role": [
                *(role("task"), attached(ADMINISTRATOR, role="task"), machine(Overrides={"TaskRoleArn": TASK})),
            ],
            "AdministratorAccess": [role("task", managedPolicyArns=[ADMINISTRATOR]), definition()],
            "everything on the execution role": [
                *(role("execution"), definition()),
                inline(allow(["*"]), role="execution"),
            ],
            "devious: power without IAM, which may still assume every role": [
                role("task", managedPolicyArns=["arn:aws:iam::aws:policy/PowerUserAccess"]),
                definition(),
            ],
            "devious: everything but one service": [
                *(role("task"), definition()),
                inline(allow(None, "*", NotAction="s3:*"), role="task"),
            ],
            **{
                f"devious: {action}": [*(role("task"), definition()), inline(allow(action), role="task")]
                for action in (
                    *("sso:PutInlinePolicyToPermissionSet", "identitystore:CreateGroupMembership"),
                    *("sso-directory:UpdatePassword", "rolesanywhere:UpdateTrustAnchor"),
                    *("iam:CreateServiceSpecificCredential", "account:StartPrimaryEmailUpdate"),
                )
            },
        },
        {
            "one bucket": [role("task"), definition(), inline(allow("s3:*", "arn:aws:s3:::in/*"), role="task")],
            "what takes policies away, which grants nothing": [
                *(role("task"), definition()),
                inline(allow(["iam:DetachRolePolicy", "iam:DeleteUserPolicy"]), role="task"),
            ],
            "the keys of the user that asks": [
                *(role("task"), definition()),
                inline(allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}"), role="task"),
            ],
            "power without IAM": [
                *(role("task"), definition()),
                inline(allow(None, "*", NotAction=["iam:*", "sts:*", "organizations:*"]), role="task"),
            ],
        },
    ),
    "policies-well-formed": Cases(
        {
            "not JSON": [Thing("aws:iam/rolePolicy:RolePolicy", "p", {"role": "launcher", "policy": "{"})],
            "an unknown element": [inline({**allow("s3:GetObject"), "Actions": "*"})],
            "devious: one element twice, in different case": [
                inline({**allow("iam:PassRole"), "action": "s3:GetObject"})
            ],
            "devious: a second list of statements, in another case": [
                Thing(
                    "aws:iam/policy:Policy",
                    "p",
                    {"policy": {"Statement": [allow("iam:PassRole")], "statement": []}},
                )
            ],
            "devious: one key twice, the second one harmless": [
                Thing(
                    "aws:iam/rolePolicy:RolePolicy",
                    "p",
                    {
                        "role": "launcher",
                        "policy": '{"Statement": {"Effect": "Allow", "Resource": "*", '
                        '"Action": "iam:PassRole", "Action": "s3:GetObject"}}',
                    },
                )
            ],
        },
        {
            "as json.dumps writes it": [inline(PASSES)],
            "an object": [
                Thing("aws:iam/policy:Policy", "p", {"policy": {"Version": "2012-10-17", "Statement": [PASSES]}})
            ],
            "a role without inline policies, as the provider shows it": [role("launcher", inlinePolicies=[{}])],
        },
    ),
    "policies-readable": Cases(
        {
            "a policy of another stack": [role("launcher", ONLY_LAMBDA), attached(ELSEWHERE)],
            "a customer's policy that is called like AWS's": [
                role("launcher", ONLY_LAMBDA, managedPolicyArns=[f"arn:aws:iam::{ACCOUNT}:policy/ReadOnlyAccess"])
            ],
            "devious: a new one of AWS": [
                role("launcher", ONLY_LAMBDA, managedPolicyArns=["arn:aws:iam::aws:policy/AmazonNovelty"])
            ],
        },
        {
            "a policy of this stack": [
                *(role("launcher", ONLY_LAMBDA), managed(RUNS)),
                attached(f"arn:aws:iam::{ACCOUNT}:policy/shared"),
            ],
            "a known one of AWS": [
                role("launcher", ONLY_LAMBDA),
                attached("arn:aws-us-gov:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
            ],
        },
    ),
    "roles-known": Cases(
        {
            "a passed role of another stack": [role("launcher", ONLY_LAMBDA), inline(PASSES), role("execution")],
            "a task's roles": [role("task"), definition()],
            "a function's": [function()],
            "devious: through a group": [USER, GROUP, IN_GROUP, of_group(PASSES), role("task")],
            "devious: as a user's group": [
                Thing(IN_GROUP.kind, "all", {"user": "deploy", "groups": ["Admins"]}),
                USER,
            ],
            "devious: instead of the task definition's": [
                *(role("task"), machine(Overrides={"TaskRoleArn": ELSEWHERE_ROLE})),
            ],
            "devious: from a state machine's input": [role("task"), machine(Overrides={"TaskRoleArn.$": "$.role"})],
            "devious: all overrides from a state machine's input": [role("task"), machine(**{"Overrides.$": "$.with"})],
            "devious: all parameters by an expression": [role("task"), machine("{% $states.input %}")],
            "devious: the input is the parameters": [role("task"), machine(None)],
            "devious: from the event, by a template": [
                of_event(inputTransformer={"inputPaths": {"r": "$.detail.r"}, "inputTemplate": '{"taskRoleArn": <r>}'}),
            ],
            "devious: all that an event brings, as a template": [
                of_event(inputTransformer={"inputPaths": {"with": "$.detail"}, "inputTemplate": "<with>"}),
            ],
            "devious: a part of the event": [of_event(inputPath="$.detail")],
            "devious: in a pipe's overrides": [pipe(overrides={"executionRoleArn": ELSEWHERE_ROLE})],
            "devious: in the input of an event's target": [
                event_target(
                    arn=CLUSTER,
                    ecsTarget={"taskDefinitionArn": DEFINITION},
                    input=json.dumps({"taskRoleArn": ELSEWHERE_ROLE}),
                )
            ],
            "devious: in a call of ECS's API": [
                role("task"),
                schedule(arn=RUN_TASK_CALL, input=json.dumps({"Overrides": {"TaskRoleArn": ELSEWHERE_ROLE}})),
            ],
            "what launches has": [schedule(roleArn=ELSEWHERE_ROLE, ecsParameters={"taskDefinitionArn": DEFINITION})],
            "devious: with a name like one of the stack": [
                *(role("launcher", ONLY_LAMBDA), role("task")),
                inline(allow("iam:PassRole", "arn:aws:iam::999999999999:role/task", TO_TASKS)),
            ],
        },
        {
            "all of the stack": [*LAUNCHES, role("task"), role("execution"), definition(), function()],
            "a pattern, which another rule refuses": [role("launcher", ONLY_LAMBDA), inline(allow("iam:PassRole"))],
            "overridden with one of the stack": [
                *(role("task"), role("execution"), machine(Overrides={"TaskRoleArn": TASK})),
            ],
            "values of a container from the input": [
                role("task"),
                machine(Overrides={"ContainerOverrides": [{"Name": "job", "Command.$": "$.command"}]}),
            ],
            "values of a container from the event": [
                role("task"),
                of_event(
                    inputTransformer={
                        "inputPaths": {"key": "$.detail.key"},
                        "inputTemplate": '{"containerOverrides": [{"name": "job", "command": ["--key=<key>", <key>]}]}',
                    },
                    roleArn=TASK,
                ),
            ],
            "an event as it is": [role("task"), of_event(roleArn=TASK)],
            "a schedule's that launches nothing itself": [schedule(roleArn=ELSEWHERE_ROLE)],
            "an instance profile in a property that is called a role": [
                role("worker", trusting({"Service": "ec2.amazonaws.com"})),
                Thing(
                    "aws:iam/instanceProfile:InstanceProfile",
                    "worker",
                    {"role": "worker"},
                    {"arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/worker", "name": "worker", "id": "worker"},
                ),
                Thing(
                    "aws:batch/computeEnvironment:ComputeEnvironment",
                    "batch",
                    {"computeResources": {"instanceRole": f"arn:aws:iam::{ACCOUNT}:instance-profile/worker"}},
                ),
            ],
        },
    ),
    "resources-readable": Cases(
        {
            "a template that is elsewhere": [
                Thing("aws:cloudformation/stack:Stack", "s", {"templateUrl": "https://s3.amazonaws.com/b/t.json"})
            ],
            "a job definition of Batch without a container": [
                Thing("aws:batch/jobDefinition:JobDefinition", "b", {"type": "container", "containerProperties": "{"})
            ],
            "a policy by its name in every account": [
                Thing("aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment", "p", {})
            ],
            "a build as a role that launches": [
                *(role("build", ONLY_BUILDS), inline(allow("ecs:RunTask"), role="build")),
                Thing("aws:codebuild/project:Project", "b", {"serviceRole": arn_of("build")}),
            ],
            "devious: an instance whose profile has an administrator's role": [
                role("host", ONLY_BUILDS, managedPolicyArns=[ADMINISTRATOR]),
                Thing("aws:iam/instanceProfile:InstanceProfile", "p", {"name": "p", "role": "host"}),
                Thing("aws:ec2/instance:Instance", "i", {"iamInstanceProfile": "p"}),
            ],
            "devious: a document of Systems Manager that calls APIs as a role that passes roles": [
                *(role("automation", ONLY_BUILDS), inline(allow("iam:PassRole"), role="automation")),
                Thing(
                    "aws:ssm/document:Document",
                    "d",
                    {"content": json.dumps({"schemaVersion": "0.3", "assumeRole": arn_of("automation")})},
                ),
            ],
            "devious: a text that is not a template": [
                Thing("aws:cloudformation/stack:Stack", "s", {"templateBody": "Resources: ["})
            ],
            "devious: a type of Cloud Control that no rule reads": [
                cloud_control("AWS::ServiceCatalog::CloudFormationProvisionedProduct", {})
            ],
            "devious: a stack in the template": [
                template({"S": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x"}}})
            ],
        },
        {
            "a template that is here": [template({"R": {"Type": "AWS::IAM::Role", "Properties": {}}})],
            "a type of Cloud Control that holds nothing": [cloud_control("AWS::S3::Bucket", {})],
            "a build as a role of its own": [
                *(role("build", ONLY_BUILDS), inline(allow("s3:GetObject"), role="build")),
                Thing("aws:codebuild/project:Project", "b", {"serviceRole": arn_of("build")}),
            ],
        },
    ),
    "task-fargate": Cases(
        {
            "on instances": [definition(requiresCompatibilities=["EC2"])],
            "bridged": [definition(networkMode="bridge")],
            "devious: on both": [definition(requiresCompatibilities=["FARGATE", "EC2"])],
            "devious: the host's processes": [definition(pidMode="host")],
        },
        {"Fargate": [definition()], "its own processes": [definition(pidMode="task")]},
    ),
    "task-size": Cases(
        {
            "no size": [definition(cpu=None)],
            "memory that does not go with it": [definition(cpu="256", memory="4096")],
            "devious: 4 vCPU in words, too little memory": [definition(cpu="4 vCPU", memory="4GB")],
            "devious: a step between two sizes": [definition(cpu="8192", memory="17408")],
        },
        {"a pair": [definition()], "the same in words": [definition(cpu=".5 vCPU", memory="1 GB")]},
    ),
    "task-not-privileged": Cases(
        {
            "privileged": [definition(containers=[{"privileged": True}])],
            "more capabilities": [
                definition(containers=[{"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}}}])
            ],
            "devious: the sidecar, as CloudFormation spells it": [definition(containers=[{}, {"Privileged": "true"}])],
            "devious: capabilities, as CloudFormation spells them": [
                definition(containers=[{"LinuxParameters": {"Capabilities": {"Add": ["SYS_ADMIN"]}}}])
            ],
            "devious: shouted": [definition(containers=[{"PRIVILEGED": True}])],
            "devious: in two cases": [definition(containers=[{"Privileged": True, "privileged": False}])],
            "no container": [Thing("aws:ecs/taskDefinition:TaskDefinition", "report", {"containerDefinitions": "[]"})],
        },
        {
            "neither": [definition()],
            "fewer capabilities": [
                definition(containers=[{"privileged": False, "linuxParameters": {"capabilities": {"drop": ["ALL"]}}}])
            ],
        },
    ),
    "task-read-only-root": Cases(
        {
            "not said": [definition(containers=[{"readonlyRootFilesystem": None}])],
            "writable": [definition(containers=[{"readonlyRootFilesystem": False}])],
            "devious: the sidecar's": [definition(containers=[{}, {"name": "log", "readonlyRootFilesystem": False}])],
        },
        {"read-only": [definition()], "both": [definition(containers=[{}, {"name": "log"}])]},
    ),
    "task-user": Cases(
        {
            "not said": [definition(containers=[{"user": None}])],
            "root": [definition(containers=[{"user": "root"}])],
            "devious: root with a group": [definition(containers=[{"user": "0:1000"}])],
            "devious: root, capitalised": [definition(containers=[{"user": "Root"}])],
            "devious: root in hexadecimal": [definition(containers=[{"user": "0x0"}])],
            "devious: a group only": [definition(containers=[{"user": ":0"}])],
            "devious: root in more digits": [definition(containers=[{"user": "000"}])],
        },
        {"a number": [definition()], "a name": [definition(containers=[{"user": "nonroot:nonroot"}])]},
    ),
    "image-digest": Cases(
        {
            "a tag": [definition(containers=[{"image": "public.ecr.aws/x/y:1.2.3"}])],
            "nothing": [definition(containers=[{"image": "public.ecr.aws/x/y"}])],
            "devious: a tag that looks like one": [
                definition(containers=[{"image": "public.ecr.aws/x/y:sha256-" + "0a" * 32}])
            ],
            "devious: half a digest": [definition(containers=[{"image": "public.ecr.aws/x/y@sha256:0a0a"}])],
        },
        {
            "a tag and a digest": [definition()],
            "a digest": [definition(containers=[{"image": f"public.ecr.aws/x/y{DIGEST}"}])],
        },
    ),
    "image-registry": Cases(
        {
            "Docker Hub": [definition(containers=[{"image": f"docker.io/library/python{DIGEST}"}])],
            "Docker Hub, unsaid": [definition(containers=[{"image": "python:3.13"}])],
            "devious: a host that begins like ECR": [
                definition(containers=[{"image": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.evil.io/x{DIGEST}"}])
            ],
            "devious: a repository that is called like ECR": [
                definition(containers=[{"image": f"evil.io/public.ecr.aws/x{DIGEST}"}])
            ],
        },
        {
            "ECR": [definition(containers=[{"image": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/report:7"}])],
            "ECR Public": [definition()],
        },
    ),
    "task-logs": Cases(
        {
            "not said": [definition(containers=[{"logConfiguration": None}])],
            "to nowhere": [definition(containers=[{"logConfiguration": {"logDriver": "none"}}])],
            "devious: to no group": [
                definition(containers=[{"logConfiguration": {"logDriver": "awslogs", "options": {}}}])
            ],
        },
        {
            "to CloudWatch": [definition()],
            "to FireLens": [definition(containers=[{"logConfiguration": {"logDriver": "awsfirelens"}}])],
        },
    ),
    "environment-no-secrets": Cases(
        {
            "devious: overridden by a state machine": [machine(Overrides={"ContainerOverrides": [OVERRIDDEN]})],
            "devious: overridden by an event's target": [
                event_target(
                    arn=CLUSTER,
                    ecsTarget={"taskDefinitionArn": DEFINITION},
                    input=json.dumps({"containerOverrides": [OVERRIDDEN]}),
                )
            ],
            "a password": [definition(containers=[{"environment": [{"name": "DB_PASSWORD", "value": "hunter22"}]}])],
            "a key": [definition(containers=[{"environment": [{"name": "X", "value": "AKIAIOSFODNN7EXAMPLE"}]}])],
            "a function's token": [function(environment={"variables": {"apiToken": "s3cr3t-value"}})],
            "a password by its short name": [
                definition(containers=[{"environment": [{"name": "MYSQL_PWD", "value": "hunter22"}]}])
            ],
            "devious: as CloudFormation spells it": [
                definition(containers=[{"Environment": [{"Name": "DB_PASSWORD", "Value": "hunter22"}]}])
            ],
            "devious: in a URL of a harmless name": [
                definition(containers=[{"environment": [{"name": "DATABASE_URL", "value": "postgres://u:p4ss@db/x"}]}])
            ],
            "in a command": [definition(containers=[{"command": ["sh", "-c", "login --password=hunter22"]}])],
            "in an entry point": [definition(containers=[{"entryPoint": ["run", "AKIAIOSFODNN7EXAMPLE"]}])],
            "in a health check": [definition(containers=[{"healthCheck": {"command": ["CMD", "--token=s3cr3t"]}}])],
            "devious: a label that names another one": [
                definition(
                    containers=[
                        {
                            "environment": [{"name": "DB_PASSWORD", "value": "hunter22"}],
                            "dockerLabels": {NOT_SECRET_LABEL: '["db_password", "*", 7]'},
                        }
                    ]
                )
            ],
            "devious: a label that is not a list": [
                definition(
                    containers=[
                        {
                            "environment": [{"name": "DB_PASSWORD", "value": "hunter22"}],
                            "dockerLabels": {NOT_SECRET_LABEL: "DB_PASSWORD"},
                        }
                    ]
                )
            ],
            "devious: in the settings of a function": [
                function(environment={"variables": {"CONFIG": '{"key": "-----BEGIN RSA PRIVATE KEY-----"}'}})
            ],
        },
        {
            "where the secret is": [
                definition(
                    containers=[
                        {
                            "secrets": [{"name": "DB_PASSWORD", "valueFrom": REGIONAL % ("ssm", "parameter/x")}],
                            "environment": [{"name": "DB_PASSWORD_PATH", "value": "/run/x"}],
                        }
                    ]
                )
            ],
            "a shell that finds it elsewhere": [
                definition(containers=[{"command": ["sh", "-c", 'login --password="$DB_PASSWORD"']}])
            ],
            "what its owner says is none": [
                definition(
                    containers=[
                        {
                            "environment": [{"name": "DB_PASSWORD", "value": "hunter22"}],
                            "command": ["--token=x"],
                            "entryPoint": ["--api-key=x"],
                            "healthCheck": {"command": ["CMD", "--token=x"]},
                            "dockerLabels": {
                                NOT_SECRET_LABEL: '["DB_PASSWORD", "command", "entryPoint", "health_check"]'
                            },
                        }
                    ]
                )
            ],
            "names that only sound so": [
                definition(
                    containers=[
                        {
                            "environment": [
                                {"name": "MAX_TOKENS", "value": "4096"},
                                {"name": "KEYBOARD", "value": "qwerty"},
                                {"name": "USE_SECRET", "value": "true"},
                            ]
                        }
                    ]
                )
            ],
            "an ARN with a part as long as a key": [
                definition(containers=[{"environment": [{"name": "MACHINE", "value": LONG_ARN}]}]),
            ],
        },
    ),
    "function-runtime": Cases(
        {
            "Python 3.8": [function(runtime="python3.8")],
            "Node.js 18": [function(runtime="nodejs18.x")],
            "devious: the one that runs anything, of long ago": [function(runtime="provided")],
        },
        {"Python 3.13": [function()], "an image": [function(runtime=None, packageType="Image")]},
    ),
    "launcher-timeout": Cases(
        {
            "3 seconds": [*LAUNCHES, function(timeout=3)],
            "not said": [*LAUNCHES, function(timeout=None)],
            "devious: it launches through a managed policy": [
                *(role("launcher", ONLY_LAMBDA), managed(RUNS), function(timeout=10)),
                attached(f"arn:aws:iam::{ACCOUNT}:policy/shared"),
            ],
        },
        {
            "a minute": [*LAUNCHES, function()],
            "3 seconds for what launches nothing": [role("launcher", ONLY_LAMBDA), function(timeout=3)],
        },
    ),
    "launcher-concurrency": Cases(
        {
            "a queue without a bound": [*LAUNCHES, function(), queue(), mapping()],
            "a bound of a thousand": [
                *(*LAUNCHES, function(), queue()),
                mapping(scalingConfig={"maximumConcurrency": 1000}),
            ],
            "devious: reserved, but a thousand": [
                *(*LAUNCHES, function(reservedConcurrentExecutions=1000), queue(), mapping()),
            ],
        },
        {
            "five at a time": [*LAUNCHES, function(), queue(), mapping(scalingConfig={"maximumConcurrency": 5})],
            "reserved": [*LAUNCHES, function(reservedConcurrentExecutions=5), queue(), mapping()],
            "one after the other": [*LAUNCHES, function(), queue(fifoQueue=True), mapping()],
        },
    ),
    "launcher-failure-destination": Cases(
        {
            "a schedule": [*LAUNCHES, function(), schedule()],
            "an event rule": [*LAUNCHES, function(), permission(), event_target()],
            "devious: through an alias, whose config names no destination": [
                *(*LAUNCHES, function(), schedule(arn=f"{FUNCTION_ARN}:async")),
                Thing(
                    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "c", {"functionName": "launch"}
                ),
            ],
        },
        {
            "kept in a queue": [
                *(*LAUNCHES, function(), schedule()),
                Thing(
                    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
                    "c",
                    {
                        "functionName": "launch",
                        "destinationConfig": {"onFailure": {"destination": REGIONAL % ("sqs", "d")}},
                    },
                ),
            ],
            "who asks waits": [*LAUNCHES, function(), queue(), mapping()],
        },
    ),
    "function-not-public": Cases(
        {
            "a URL for everyone": [
                Thing(
                    "aws:lambda/functionUrl:FunctionUrl", "u", {"functionName": "launch", "authorizationType": "NONE"}
                )
            ],
            "a permission for everyone": [permission(principal="*", sourceArn=None)],
            "devious: everyone with a source": [permission(principal="*")],
            "devious: a URL's permission": [
                permission(action="lambda:InvokeFunctionUrl", principal=ACCOUNT, functionUrlAuthType="NONE")
            ],
        },
        {
            "a URL for who signs": [
                Thing("aws:lambda/functionUrl:FunctionUrl", "u", {"functionName": "l", "authorizationType": "AWS_IAM"})
            ],
            "everyone of the organization": [permission(principal="*", sourceArn=None, principalOrgId="o-1")],
        },
    ),
    "launcher-not-public": Cases(
        {
            "devious: a topic to which everyone may publish": [*LAUNCHES, function(), *TOPIC, topic_policy()],
            "devious: an event bus of everyone": [
                *(*LAUNCHES, function(), event_target(eventBusName="default")),
                Thing(
                    "aws:cloudwatch/eventPermission:EventPermission", "all", {"principal": "*", "statementId": "all"}
                ),
            ],
            "devious: an event bus's policy, before a queue": [
                *(*LAUNCHES, function(), queue(), mapping(), event_target(arn=REGIONAL % ("sqs", "work"))),
                Thing(
                    "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
                    "all",
                    {"policy": text(allow("events:PutEvents", Principal="*"))},
                ),
            ],
            "a route for everyone": [*LAUNCHES, function(), *http_route(authorizationType="NONE")],
            "a route that says nothing": [*LAUNCHES, function(), *http_route()],
            "a method for everyone": [*LAUNCHES, function(), *rest_method("NONE")],
            "devious: an API in one go": [
                *(*LAUNCHES, function()),
                Thing("aws:apigatewayv2/api:Api", "api", {"protocolType": "HTTP", "target": FUNCTION_ARN}),
            ],
            "a URL for everyone": [
                *(*LAUNCHES, function()),
                Thing("aws:lambda/functionUrl:FunctionUrl", "u", {"functionName": "launch"}),
            ],
            "devious: a permission for everyone, on its alias": [
                *(*LAUNCHES, function(), permission(principal="*", sourceArn=None, function=f"{FUNCTION_ARN}:live")),
            ],
            "devious: through the launcher's alias": [
                *(*LAUNCHES, function(), *rest_method("NONE", f"{FUNCTION_ARN}:async")),
            ],
        },
        {
            "a route for who signs": [*LAUNCHES, function(), *http_route(authorizationType="AWS_IAM")],
            "a method with an authorizer": [*LAUNCHES, function(), *rest_method("CUSTOM")],
            "everyone, for what launches nothing": [role("launcher", ONLY_LAMBDA), function(), *http_route()],
            "a URL for everyone, of what launches nothing": [
                *(role("launcher", ONLY_LAMBDA), function()),
                Thing("aws:lambda/functionUrl:FunctionUrl", "u", {"functionName": "launch"}),
            ],
            "a topic of one organization": [
                *(*LAUNCHES, function(), *TOPIC, topic_policy(StringEquals={"aws:PrincipalOrgID": "o-1234567890"})),
            ],
            "a topic that invokes nothing": [*LAUNCHES, function(), TOPIC[0], topic_policy()],
        },
    ),
    "permission-source": Cases(
        {
            "no source": [permission(sourceArn=None)],
            "S3 without a bucket": [permission(principal="s3.amazonaws.com", sourceArn=None)],
            "devious: a source of any account": [permission(sourceArn="arn:aws:events:*:*:rule/*")],
            "devious: every bucket": [permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::*")],
        },
        {
            "one rule": [permission()],
            "a bucket, whose ARN has no account": [
                permission(principal="s3.amazonaws.com", sourceArn="arn:aws:s3:::inbox")
            ],
            "an account, which is no service": [permission(principal=ACCOUNT, sourceArn=None)],
            "one account": [permission(sourceArn=None, sourceAccount=ACCOUNT)],
        },
    ),
    "queue-encrypted": Cases(
        {
            "not": [queue(sqsManagedSseEnabled=False)],
            "not, and a key without a name": [queue(sqsManagedSseEnabled=False, kmsMasterKeyId="")],
            "devious: a key without a name": [queue(sqsManagedSseEnabled=None, kmsMasterKeyId="")],
        },
        {
            "by SQS": [queue()],
            "nothing said": [queue(sqsManagedSseEnabled=None)],
            "by a key": [queue(sqsManagedSseEnabled=None, kmsMasterKeyId="alias/jobs")],
        },
    ),
    "queue-tls": Cases(
        {
            "no policy": [queue()],
            "another queue's": [queue(), queue("dead"), queue_policy(NO_CLEAR, name="dead")],
            "devious: with one exception": [
                queue(),
                queue_policy(
                    {
                        **NO_CLEAR,
                        "Condition": {
                            "Bool": {"aws:SecureTransport": "false"},
                            "StringNotEquals": {"aws:PrincipalAccount": ACCOUNT},
                        },
                    }
                ),
            ],
            "devious: sending only": [queue(), queue_policy({**NO_CLEAR, "Action": "sqs:SendMessage"})],
        },
        {
            "refused": [queue(), queue_policy(NO_CLEAR)],
            "refused in the queue itself": [
                queue(policy=text({**NO_CLEAR, "Principal": {"AWS": "*"}, "Action": ["SQS:*"]}))
            ],
        },
    ),
    "queue-not-public": Cases(
        {
            "everyone": [queue_policy(allow("sqs:SendMessage", "*", Principal="*"))],
            "in the queue itself": [queue(policy=text(allow("sqs:*", "*", Principal={"AWS": "*"})))],
            "a service for any source": [
                queue_policy(allow("sqs:SendMessage", "*", Principal={"Service": "events.amazonaws.com"}))
            ],
            "devious: everyone but one": [
                queue_policy(allow("sqs:*", "*", NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
            ],
            "devious: any account's rules": [
                queue_policy(
                    allow(
                        "sqs:SendMessage",
                        "*",
                        {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}},
                        Principal={"Service": "events.amazonaws.com"},
                    )
                )
            ],
            "devious: any source": [
                queue_policy(allow("sqs:*", "*", {"ArnLike": {"aws:SourceArn": "*"}}, Principal="*"))
            ],
        },
        {
            "one rule": [
                queue_policy(
                    NO_CLEAR,
                    allow(
                        "sqs:SendMessage",
                        "*",
                        {"ArnEquals": {"aws:SourceArn": REGIONAL % ("events", "rule/x")}},
                        Principal={"Service": "events.amazonaws.com"},
                    ),
                )
            ],
            "one role": [queue_policy(allow("sqs:SendMessage", "*", Principal={"AWS": TASK}))],
            "topics of one organization": [
                queue_policy(
                    allow(
                        "sqs:SendMessage",
                        "*",
                        {"StringEquals": {"aws:SourceOrgID": "o-1234567890"}},
                        Principal={"Service": "sns.amazonaws.com"},
                    )
                )
            ],
            "everyone through one endpoint": [
                queue_policy(allow("sqs:*", "*", {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}, Principal="*"))
            ],
        },
    ),
    "queue-dead-letter": Cases(
        {
            "none": [queue(), mapping()],
            "two tries": [queue(redrivePolicy=redrive(2)), mapping()],
            "devious: tries, and nowhere to go": [queue(redrivePolicy=redrive(5, None)), mapping()],
        },
        {
            "five tries": [queue(redrivePolicy=redrive(5)), mapping()],
            "by a resource of its own": [
                *(queue(), mapping()),
                Thing(
                    "aws:sqs/redrivePolicy:RedrivePolicy",
                    "r",
                    {"queueUrl": "https://sqs/work", "redrivePolicy": redrive("8")},
                ),
            ],
        },
    ),
    "queue-visibility": Cases(
        {
            "SQS's default": [queue(), mapping(), function()],
            "five times": [queue(visibilityTimeoutSeconds=300), mapping(), function()],
            "devious: the function named by its alias": [
                *(queue(visibilityTimeoutSeconds=300), function()),
                mapping(function_name=f"{FUNCTION_ARN}:async"),
            ],
        },
        {
            "six times": [queue(visibilityTimeoutSeconds=360), mapping(), function()],
            "Lambda's default timeout": [queue(), mapping(), function(timeout=None)],
        },
    ),
    "schedule-bounded": Cases(
        {
            "neither": [schedule(retryPolicy=None, deadLetterConfig=None)],
            "no dead-letter queue": [schedule(deadLetterConfig=None)],
            "devious: an age, but no count": [schedule(retryPolicy={"maximumEventAgeInSeconds": 3600})],
            "devious: 185, said out loud": [schedule(retryPolicy={"maximumRetryAttempts": 185})],
        },
        {"both": [schedule()], "no retry at all": [schedule(retryPolicy={"maximumRetryAttempts": 0})]},
    ),
    "event-target-dead-letter": Cases(
        {
            "a launcher": [*LAUNCHES, function(), event_target()],
            "a task itself": [event_target(arn=CLUSTER, ecsTarget={"taskDefinitionArn": DEFINITION})],
            "devious: the launcher's alias": [
                *(*LAUNCHES, function(), event_target(arn=f"{FUNCTION_ARN}:async")),
            ],
        },
        {
            "with one": [*LAUNCHES, function(), event_target(deadLetterConfig={"arn": REGIONAL % ("sqs", "d")})],
            "what launches nothing": [role("launcher", ONLY_LAMBDA), function(), event_target()],
        },
    ),
    "log-retention": Cases(
        {
            "for ever": [Thing("aws:cloudwatch/logGroup:LogGroup", "l", {})],
            "for ever, said": [Thing("aws:cloudwatch/logGroup:LogGroup", "l", {"retentionInDays": 0})],
            "devious: for a day": [Thing("aws:cloudwatch/logGroup:LogGroup", "l", {"retentionInDays": 1})],
        },
        {
            "a year": [Thing("aws:cloudwatch/logGroup:LogGroup", "l", {"retentionInDays": 365})],
            "90 days, as Pulumi sends numbers": [
                Thing("aws:cloudwatch/logGroup:LogGroup", "l", {"retentionInDays": 90.0})
            ],
        },
    ),
    "no-public-ip": Cases(
        {
            "devious: in a call of ECS's API": [
                schedule(arn=RUN_TASK_CALL, input=json.dumps({"NetworkConfiguration": in_vpc("ENABLED")})),
            ],
            "a service": [service(assignPublicIp=True)],
            "a schedule": [ecs_schedule(networkConfiguration={"subnets": ["a", "b"], "assignPublicIp": True})],
            "a service, in words": [service(assignPublicIp="true")],
            "devious: in the launcher's settings": [settings(assignPublicIp=True)],
            "devious: in a branch of a state machine": [machine(NetworkConfiguration=in_vpc("ENABLED"))],
            "devious: a pipe's": [pipe(networkConfiguration={"awsVpcConfiguration": {"assignPublicIp": "ENABLED"}})],
            "devious: from a state machine's input": [
                machine(NetworkConfiguration={"AwsvpcConfiguration": {"AssignPublicIp.$": "$.public"}}),
            ],
            "devious: the network from a state machine's input": [machine(**{"NetworkConfiguration.$": "$.network"})],
            "devious: all parameters by an expression": [machine("{% $states.input %}")],
        },
        {
            "subnets from the input": [
                machine(
                    NetworkConfiguration={"AwsvpcConfiguration": {"Subnets.$": "$.s", "AssignPublicIp": "DISABLED"}}
                ),
            ],
            "a service without": [service()],
            "a launcher without": [settings()],
            "a state machine without": [machine(NetworkConfiguration=in_vpc("DISABLED"))],
        },
    ),
    "two-subnets": Cases(
        {
            "a service in one": [service(subnets=["subnet-1"])],
            "an event target in one": [
                event_target(ecsTarget={"networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": False}})
            ],
            "devious: one twice, in the launcher's settings": [settings(subnets=["subnet-1", "subnet-1"])],
            "devious: in a branch of a state machine": [machine(NetworkConfiguration=in_vpc("DISABLED", "subnet-1"))],
        },
        {
            "a state machine in what it is given": [machine(NetworkConfiguration={"AwsvpcConfiguration.$": "$.net"})],
            "a service in two": [service()],
            "a launcher in three": [settings(subnets=["a", "b", "c"])],
        },
    ),
    "no-exec": Cases(
        {
            "devious: in a call of ECS's API": [
                schedule(arn=RUN_TASK_CALL, input=json.dumps({"EnableExecuteCommand": True})),
            ],
            "a service": [service(enableExecuteCommand=True)],
            "an event target": [event_target(ecsTarget={"enableExecuteCommand": True})],
            "devious: in words": [ecs_schedule(enableExecuteCommand="true")],
            "devious: deep in a schedule": [ecs_schedule(enableExecuteCommand=True)],
            "devious: in a branch of a state machine": [machine(EnableExecuteCommand=True)],
            "devious: a pipe's": [pipe(enableExecuteCommand=True)],
            "devious: from a state machine's input": [machine(**{"EnableExecuteCommand.$": "$.debug"})],
        },
        {"a service without": [service(enableExecuteCommand=False)], "a schedule without": [ecs_schedule()]},
    ),
    "nothing-comes-in": Cases(
        {
            "everyone": [ingress("0.0.0.0/0")],
            "everyone by IPv6": [ingress(ipv6CidrBlocks=["::/0"])],
            "a rule of its own": [
                Thing("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "in", {"cidrIpv4": "0.0.0.0/0"})
            ],
            "the default group": [
                Thing(
                    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
                    "d",
                    {"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]},
                )
            ],
            "devious: everyone in two halves": [ingress("0.0.0.0/1", "128.0.0.0/1")],
            "devious: among rules that are fine": [
                Thing(
                    "aws:ec2/securityGroupRule:SecurityGroupRule",
                    "in",
                    {"type": "ingress", "cidrBlocks": ["10.0.0.0/8"], "ipv6CidrBlocks": ["0::/0"]},
                )
            ],
        },
        {
            "the private network": [ingress("10.0.0.0/8", "192.168.0.0/16")],
            "out only": [
                Thing(
                    "aws:ec2/securityGroupRule:SecurityGroupRule",
                    "out",
                    {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]},
                )
            ],
        },
    ),
    "capacity-associated": Cases(
        {
            "a launcher on Spot, on a bare cluster": [JOBS, settings(capacity="spot", cluster=CLUSTER)],
            "a service": [JOBS, service(cluster=CLUSTER, **strategy("FARGATE"))],
            "a service that names its cluster": [
                JOBS,
                associated("FARGATE"),
                service(cluster="jobs", **strategy(SPOT)),
            ],
            "an event target": [JOBS, event_target(arn=CLUSTER, ecsTarget=strategy(SPOT))],
            "devious: Spot for callers only": [
                *(JOBS, associated("FARGATE")),
                settings(capacity="on_demand", cluster=CLUSTER, overrides={"capacity": ["spot_then_on_demand"]}),
            ],
            "devious: Spot, of another cluster": [
                *(JOBS, associated(SPOT, cluster="other"), settings(capacity="spot", cluster=CLUSTER)),
            ],
        },
        {
            "on demand, on a bare cluster": [JOBS, settings(capacity="on_demand", cluster=CLUSTER)],
            "Spot, with it": [
                *(JOBS, associated("FARGATE", SPOT), settings(capacity="spot_then_on_demand", cluster=CLUSTER)),
            ],
            "a service with it": [JOBS, associated("FARGATE", SPOT), service(cluster=CLUSTER, **strategy(SPOT))],
            "a cluster of another stack": [settings(capacity="spot", cluster=CLUSTER)],
            "a service by its launch type": [JOBS, service(cluster=CLUSTER, launchType="FARGATE")],
        },
    ),
}

ANOTHER_TEAM = """
import json
import pulumi_aws as aws

tasks = aws.iam.Role("ecsTaskExecutionRole", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
aws.iam.RolePolicyAttachment("ecsTaskExecutionRole", role=tasks.name,
    policy_arn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
launcher = aws.iam.Role("launcher", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
aws.iam.RolePolicy("launcher", role=launcher.id, policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["ecs:RunTask", "iam:PassRole"], "Resource": "*"}]}))
aws.ecs.TaskDefinition("job", family="job", requires_compatibilities=["FARGATE"], network_mode="awsvpc",
    cpu="256", memory="512", execution_role_arn=tasks.arn, task_role_arn=tasks.arn,
    container_definitions=json.dumps([{"name": "job", "image": "nginx:latest",
        "environment": [{"name": "DB_PASSWORD", "value": "hunter22"}]}]))
aws.lambda_.Function("launcher", runtime="python3.9", handler="index.handler", role=launcher.arn)
"""
"""A program as the first results of a web search show it."""
