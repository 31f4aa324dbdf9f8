"""The verbs of `fargate-job`, a file each, named as they are typed; context.py has what all of them share."""
