"""What a launcher's roles are allowed, proven and explained; the attack that is refused."""
