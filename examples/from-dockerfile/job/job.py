"""The program of the job."""

print("done")
