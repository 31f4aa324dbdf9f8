"""The end-to-end suite: the same tests against the sandbox (`make test`) and against an account (`make test-aws`).

No test in here knows which of the two it talks to: it is given a `Place`. What differs is in conftest.py, account.py
and by_pulumi.py, and those are tested by tests/project/test_end_to_end.py.
"""
