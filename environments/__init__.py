"""An environment is data: what a stack's config may say, and the few resources that only the program has.

- fields.py      a component's arguments as a config spells them, derived from the component
- model.py       the whole config of a stack
- rules.py       what the fields' types cannot say; the components' own checks, where there are any
- config.py      the config that Pulumi hands to the program, with every problem at once
- schema.py      the same model for editors
- foundation.py  the provider, the key, the secrets and the alarms' topic of a stack

Nothing here is needed to use the components: they are imported without it.
"""

from .config import read
from .foundation import Foundation
from .model import StackConfig, with_secrets

__all__ = ["Foundation", "StackConfig", "read", "with_secrets"]
