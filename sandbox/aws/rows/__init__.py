"""What AWS does that an emulator does not do by itself: one row for each refusal and for each shape of an answer.

A row has its source, AWS's words and an example; tests/sandbox/test_sandbox_rows.py sends every row's example to the
running sandbox. The code that refuses is in the files of aws/ (../gate.py, ../rules.py, …) and names a row:

    refuse("ecs.RunTask.overrides.container", name="other")

- row.py              what a row is
- answers.py          a refusal on the wire, in the protocol of its service
- run_task.py         refusals of RunTask, and of any operation of Amazon ECS
- task_definition.py  refusals of RegisterTaskDefinition
- tasks.py            refusals of ListTasks and DescribeTasks
- sessions.py         refusals of a session in a task: ExecuteCommand, StartSession
- clusters.py         refusals of CreateCluster, PutClusterCapacityProviders, DeleteCluster
- subnets.py          refusals of EC2's CreateSubnet
- queues.py           messages that a queue does not admit: refused, or lost without an error
- others.py           refusals of calls that the sandbox answers in the emulator's place
- schedules.py        refusals of EventBridge and EventBridge Scheduler
- permissions.py      IAM's denials, in the words of each service
- shapes.py           how AWS answers a request that it accepts
"""

from typing import Final

from . import (
    clusters,
    others,
    permissions,
    queues,
    run_task,
    schedules,
    sessions,
    shapes,
    subnets,
    task_definition,
    tasks,
)
from .answers import ROW_HEADER, answer, answer_of
from .row import Before, Refusal, Refused, Shape, Table

TABLE: Final = Table(
    run_task.ROWS,
    task_definition.ROWS,
    tasks.ROWS,
    sessions.ROWS,
    clusters.ROWS,
    subnets.ROWS,
    schedules.ROWS,
    permissions.ROWS,
    queues.ROWS,
    others.ROWS,
    shapes.ROWS,
)

refusal = TABLE.refusal
refuse = TABLE.refuse

__all__ = [
    "ROW_HEADER",
    "TABLE",
    "Before",
    "Refusal",
    "Refused",
    "Shape",
    "Table",
    "answer",
    "answer_of",
    "refusal",
    "refuse",
]
