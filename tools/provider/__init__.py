"""A stand-in for the AWS and awsx provider plugins, for the real Pulumi engine."""
