"""Questions about IAM policies, answered for every request by an SMT solver (z3): needs the extra `prove`.

from fargate_job_launcher.policies.solver import Holder, World, runs_another_role

What is here: IAM's evaluation as formulas (three.py, patterns.py, keys.py, request.py, conditions.py, evaluation.py);
asking for a request (asking.py); whether a role is allowed exactly what is intended (exact.py); whether a principal can
run a task with another role (becoming.py, question.py); the principals of a stack (stacks.py). No AWS call is made.
"""

from importlib.util import find_spec

if find_spec("z3") is None:
    raise ModuleNotFoundError("z3 is not installed: pip install 'fargate-job-launcher[prove]'", name="z3")

from .asking import Found, Shown
from .evaluation import Holder
from .exact import Difference, Intended, Needs, differences, exceeding
from .question import Allowed, Answer, Proven, Step, Undecided, World, runs_another_role

__all__ = [
    "Allowed",
    "Answer",
    "Difference",
    "Found",
    "Holder",
    "Intended",
    "Needs",
    "Proven",
    "Shown",
    "Step",
    "Undecided",
    "World",
    "differences",
    "exceeding",
    "runs_another_role",
]
