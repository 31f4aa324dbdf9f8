"""The emulator, and what refuses as AWS does: the gate in front of it, and in rows/ each refusal with its source."""
