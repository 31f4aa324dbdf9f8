"""What a stack stands on before its jobs: the provider of this environment, its key, its secrets, its alarms' topic."""

from __future__ import annotations

import hashlib
import re

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import iam

from .model import OWN_TAGS, StackConfig

KEY_DELETION_DAYS = 30
"""How long a key that is deleted can still be taken back: the longest that KMS knows."""


def _plain(name: str) -> str:
    """A name as KMS takes it for an alias, which knows no dot; a digest keeps two that would become one apart.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    """
    plain = re.sub(r"[^A-Za-z0-9/_-]", "-", name)
    return name if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


class Foundation:
    """Everything of a stack that its jobs share, but the network and the cluster."""

    def __init__(self, config: StackConfig) -> None:
        """Registers what the config asks for; it was checked before."""
        own = dict(zip(OWN_TAGS, (pulumi.get_project(), pulumi.get_stack()), strict=True))
        self.tags: dict[str, str] = {**own, **config.tags}
        # What awsx and AWS make by themselves carries these tags too, and no account but these is ever touched.
        self.provider = aws.Provider(
            "environment",
            region=config.region,
            allowed_account_ids=config.allowed_account_ids or None,
            default_tags={"tags": self.tags},
        )
        self._config = config
        self.open = pulumi.ResourceOptions(provider=self.provider)
        self.key_arn = self._key_arn(config)
        self.secret_arns = {name: self._secret(name, config) for name in config.secrets}
        self.alarm_topic_arn = self._alarm_topic_arn(config)

    def guarded(self, part: str) -> pulumi.ResourceOptions:
        """Options of a part of the stack that holds data or that other things stand on, by its path in the config."""
        return pulumi.ResourceOptions(provider=self.provider, protect=self._config.protects(part))

    def _key_arn(self, config: StackConfig) -> pulumi.Output[str] | None:
        if config.kms_key != "new":
            return None if config.kms_key is None else pulumi.Output.from_input(config.kms_key)
        # The account is the role's that deploys: the provider has made sure that it is an allowed one.
        caller = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=self.provider))
        policy = caller.apply(
            lambda it: iam.to_json(
                iam.key_policy(it.arn.split(":")[1], it.account_id, config.region, config.queue_sources)
            )
        )
        key = aws.kms.Key(
            "jobs",
            description=f"What {pulumi.get_project()} keeps in {pulumi.get_stack()}: logs, secrets, queues, payloads.",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            policy=policy,
            tags=self.tags,
            opts=self.guarded("kmsKey"),
        )
        aws.kms.Alias(
            "jobs",
            name=f"alias/{_plain(f'{pulumi.get_project()}-{pulumi.get_stack()}')}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=key),
        )
        return key.arn

    def _secret(self, name: str, config: StackConfig) -> pulumi.Output[str]:
        secret = aws.secretsmanager.Secret(
            name, kms_key_id=self.key_arn, tags=self.tags, opts=self.guarded(f"secrets.{name}")
        )
        if name in config.secret_values:
            aws.secretsmanager.SecretVersion(
                name,
                secret_id=secret.id,
                secret_string=pulumi.Output.secret(config.secret_values[name]),
                opts=pulumi.ResourceOptions(parent=secret),
            )
        return secret.arn

    def _alarm_topic_arn(self, config: StackConfig) -> pulumi.Output[str] | None:
        if config.alarms is None:
            return None
        if config.alarms.topic_arn is not None:
            return pulumi.Output.from_input(config.alarms.topic_arn)
        topic = aws.sns.Topic("alarms", kms_master_key_id=self.key_arn, tags=self.tags, opts=self.open)
        for address in config.alarms.emails:
            aws.sns.TopicSubscription(
                f"alarms-{address}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                opts=pulumi.ResourceOptions(parent=topic),
            )
        return topic.arn
