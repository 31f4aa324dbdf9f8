"""The job itself."""

print("done")
