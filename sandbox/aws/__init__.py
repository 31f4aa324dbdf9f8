"""The emulator, and the gate in front of it, which refuses requests as AWS does; rows/ has each refusal's source."""
