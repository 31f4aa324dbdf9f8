"""What Amazon EC2 refuses of a new subnet."""

from __future__ import annotations

from typing import Final

from .row import Before, Refusal

ERRORS: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
SIZES: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"
_VPC: Final[Before] = ("ec2", "CreateVpc", {"CidrBlock": "10.77.0.0/16"})

ROWS: Final = (
    Refusal(
        id="ec2.CreateSubnet.vpc",
        refuses="A subnet is in an existing VPC",
        code="InvalidVpcID.NotFound",
        words="The vpc ID '{vpc}' does not exist",
        sources=(ERRORS,),
        request={"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.77.0.0/24"},
        fields={"vpc": "vpc-0123456789abcdef0"},
        seen=False,
    ),
    Refusal(
        id="ec2.CreateSubnet.range.format",
        refuses="The range of a subnet is a valid CIDR block",
        code="InvalidParameterValue",
        words="Value ({given}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        sources=(ERRORS,),
        request={"VpcId": "{0}", "CidrBlock": "10.77.0.1/24"},
        fields={"given": "10.77.0.1/24"},
        before=(_VPC,),
        seen=False,
    ),
    Refusal(
        id="ec2.CreateSubnet.range",
        refuses="A subnet is inside the range of its VPC and has 16 to 65,536 addresses",
        code="InvalidSubnet.Range",
        words="The CIDR '{given}' is invalid.",
        sources=(ERRORS, SIZES),
        request={"VpcId": "{0}", "CidrBlock": "10.78.0.0/24"},
        fields={"given": "10.78.0.0/24"},
        before=(_VPC,),
        takes={"VpcId": "{0}", "CidrBlock": "10.77.9.0/28"},
    ),
    Refusal(
        id="ec2.CreateSubnet.range.conflict",
        refuses="A subnet does not overlap another subnet of its VPC",
        code="InvalidSubnet.Conflict",
        words="The CIDR '{given}' conflicts with another subnet",
        sources=("https://github.com/pulumi/pulumi-awsx/issues/910", ERRORS),
        request={"VpcId": "{0}", "CidrBlock": "10.77.1.128/25"},
        fields={"given": "10.77.1.128/25"},
        before=(_VPC, ("ec2", "CreateSubnet", {"VpcId": "{0}", "CidrBlock": "10.77.1.0/24"})),
        takes={"VpcId": "{0}", "CidrBlock": "10.77.2.0/24"},
    ),
)
