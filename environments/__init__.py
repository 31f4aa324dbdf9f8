"""An environment is data: the model of a stack's config, and the few resources that only the program creates.

- fields.py      a component's arguments as a config spells them, derived from the component
- model.py       the whole config of a stack
- rules.py       checks that the fields' types cannot express, the components' own included
- config.py      reads the config from Pulumi, and reports every problem at once
- schema.py      the same model for editors
- foundation.py  the provider, the key, the secrets and the alarms' topic of a stack

Nothing here is needed to use the components: they are imported without it.
"""

from .config import read
from .foundation import Foundation
from .model import StackConfig, with_secrets

__all__ = ["Foundation", "StackConfig", "read", "with_secrets"]
