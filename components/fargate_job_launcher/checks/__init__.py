"""Checks of the arguments. Each module reads the given values and returns their problems: `field: what`. Pure."""
