"""Everything that can happen to a run in a small world: kills, repeats, reordering, forgetting. Nothing is lost or made
twice in any of it."""

from __future__ import annotations

import os
from collections import deque

import pytest
from world import Budget, State, finish, finished_problems, limited, problems, successors

MOST: Final = int(os.environ.get("STATES", "4000"))
