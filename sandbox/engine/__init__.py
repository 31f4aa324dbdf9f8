"""Runs a Pulumi program against the emulated AWS, creates its resources and launches its jobs."""
