"""Proves and explains what a launcher's roles are allowed; tries the attack, which is refused."""
