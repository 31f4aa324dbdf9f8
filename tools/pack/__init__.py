"""The stacks that the policy pack must catch and those that it must pass, and what it says of them."""
