"""The stacks that the policy pack must catch, those that it must pass, and its messages for them."""
