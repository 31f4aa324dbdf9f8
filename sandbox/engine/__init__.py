"""A Pulumi program run against the emulated AWS, and what it deployed."""
