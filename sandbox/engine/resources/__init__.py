"""Pulumi resource type → the AWS calls that create it, and the outputs that the AWS provider would give.

- creator.py     what a creator is given (`Inputs`) and returns (`Made`); `creates` registers it for a type
- table.py       types whose creation is one call of AWS; derived.py turns each row into a creator
- naming.py      an input in the spelling of AWS's own model
- adopting.py    resources that a program imports instead of creating them
- provider.py    the AWS provider itself; awsx.py, the components of pulumi-awsx
- and one file for each service or group of services, with the types that need more than one call
"""

# The import of a module registers its creators.
from . import awsx as awsx
from . import derived as derived
from . import dynamodb as dynamodb
from . import ecs as ecs
from . import events as events
from . import functions as functions
from . import iam as iam
from . import keys as keys
from . import messages as messages
from . import monitoring as monitoring
from . import network as network
from . import provider as provider
from . import storage as storage
from .adopting import ADOPTED, adopt
from .creator import Inputs, Made, State, Unsupported, create, creates, known_types, tag_list

__all__ = [
    "ADOPTED",
    "Inputs",
    "Made",
    "State",
    "Unsupported",
    "adopt",
    "create",
    "creates",
    "known_types",
    "tag_list",
]
