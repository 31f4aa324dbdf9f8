"""Questions about IAM policies, answered for every request by an SMT solver (z3).

Needs the extra `prove`.
"""

from .asking import Found, Shown
from .evaluation import Holder
from .exact import Difference, Intended, Needs, differences

__all__ = ["Difference", "Found", "Holder", "Intended", "Needs", "Shown", "differences"]
