"""The launcher's Lambda function: an event in, ecs:RunTask, a result out.

Standard library and botocore only, both part of Lambda's runtime; nothing here imports the Pulumi components.
"""
