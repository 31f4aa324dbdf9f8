"""Jobs that other tools describe, as entries for a stack's config. Nothing is guessed: a part without an equal is told.

- source.py           a file, the lines of its parts, and what of it nobody took
- copilot.py          a Copilot job's manifest.yml
- ecschedule.py       a file of ecschedule
- task_definition.py  the JSON of a task definition
- stack_config.py     a Pulumi.STACK.yaml of this repository's program
"""

from __future__ import annotations

from .jobs import imported
from .source import Imported, Left

__all__ = ["Imported", "Left", "imported"]
