"""Files of other tools as the resources that the rules read: an exported Pulumi stack, a CloudFormation template, a
Terraform plan. Pure: text in, resources out; nothing is called and nothing is read from disk.

What a file says in a way that cannot be converted is listed by name in `Converted.left`. The rules are not here.
"""

from __future__ import annotations

from .declared import Converted, Declared, NotAStack
from .reading import converted

__all__ = ["Converted", "Declared", "NotAStack", "converted"]
