"""`python -m fargate_job_launcher.operate`: the command `fargate-job`."""

from fargate_job_launcher.operate.terminal import fargate_job

if __name__ == "__main__":
    fargate_job()
