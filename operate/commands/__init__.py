"""The verbs of `fargate-job`, a file each, named as they are typed; asked.py is what all of them share."""
