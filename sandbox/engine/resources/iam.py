"""IAM: roles, policies, instance profiles."""

from __future__ import annotations

from ...aws.server import Emulator
from .creator import Inputs, Made, creates, tag_list


@creates("aws:iam/role:Role")
def _role(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=64)
    inputs.take("forceDetachPolicies")  # affects the deletion, which does not happen here
    iam, longest = aws.client("iam"), inputs.take("maxSessionDuration")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs.document("assumeRolePolicy"),
        **inputs.given(
            Path=inputs.take("path"),
            Description=inputs.take("description"),
            PermissionsBoundary=inputs.take("permissionsBoundary"),
            MaxSessionDuration=int(longest) if longest else None,
            Tags=tag_list(inputs.tags()),
        ),
    )["Role"]
    for arn in inputs.take("managedPolicyArns", []):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for it in inputs.take("inlinePolicies", []):
        # One without a name means that the role has no inline policies.
        if it.get("name"):
            iam.put_role_policy(RoleName=name, PolicyName=it["name"], PolicyDocument=it["policy"])
    return Made(name, {"name": name, "arn": role["Arn"], "uniqueId": role["RoleId"], "path": role["Path"]})


@creates("aws:iam/rolePolicy:RolePolicy")
def _role_policy(aws: Emulator, inputs: Inputs) -> Made:
    name, role = inputs.physical_name(longest=128), inputs.take("role")
    aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs.document("policy"))
    return Made(f"{role}:{name}", {"name": name})


@creates("aws:iam/policy:Policy")
def _policy(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=128)
    policy = aws.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=inputs.document("policy"),
        **inputs.given(Path=inputs.take("path"), Description=inputs.take("description"), Tags=tag_list(inputs.tags())),
    )["Policy"]
    return Made(policy["Arn"], {"name": name, "arn": policy["Arn"]})


@creates("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(aws: Emulator, inputs: Inputs) -> Made:
    role, policy = inputs.take("role"), inputs.take("policyArn")
    aws.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
    return Made(f"{role}-{policy}", {})


@creates("aws:iam/instanceProfile:InstanceProfile")
def _instance_profile(aws: Emulator, inputs: Inputs) -> Made:
    name, role, iam = inputs.physical_name(longest=128), inputs.take("role"), aws.client("iam")
    made = iam.create_instance_profile(
        InstanceProfileName=name, **inputs.given(Path=inputs.take("path"), Tags=tag_list(inputs.tags()))
    )["InstanceProfile"]
    if role:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"name": name, "arn": made["Arn"]})
