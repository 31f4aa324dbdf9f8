"""The rules over a file, without Pulumi's engine: an exported stack, a CloudFormation template or a Terraform plan.

from fargate_job_launcher.policies.audit import audited

audit = audited(Path("template.yml").read_text(), name="template.yml")
"""

from __future__ import annotations

from .judging import Audit, Broken, audited
from .sarif import as_sarif

__all__ = ["Audit", "Broken", "as_sarif", "audited"]
