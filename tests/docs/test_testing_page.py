"""docs/testing.md: its tests, in the order of the page, pass against the example that they are about."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.docs.documents import DOCS
from tools.recording import PROGRAM

MARKER = "<!-- run by tests/docs/test_testing_page.py -->"


def run(folder: Path, code: str) -> str:
    """What pytest prints of these tests beside a copy of the example."""
    shutil.copytree(PROGRAM / "examples" / "tested-job", folder, ignore=shutil.ignore_patterns("tests", ".venv"))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_report.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_the_tests_of_the_page_pass_and_fail_where_the_job_does_something_else(tmp_path: Path) -> None:
    code = "\n\n".join(re.findall(rf"{MARKER}\n```python\n(.*?)```", (DOCS / "testing.md").read_text(), re.DOTALL))
    assert "6 passed" in (printed := run(tmp_path / "as-shown", code)), printed
    other = code.replace("report for 2026-01-31", "no report", 1)
    other = other.replace("FAILS = Run(exit_code=1,", "FAILS = Run(exit_code=2,")
    assert "2 failed, 4 passed" in (printed := run(tmp_path / "otherwise", other)), printed
