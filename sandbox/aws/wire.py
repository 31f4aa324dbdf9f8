"""What the emulator answers otherwise than AWS, mended: seen by whoever reads back what it wrote.

boto3 and the launcher never ask for most of it. The AWS provider of Pulumi and of Terraform does, at every refresh, and
what comes back incomplete is a change in every plan. One function a fault, each with AWS's page; each is for the
emulator to take over, and CHANGELOG.md says so under Known.

CloudWatch spoken in CBOR, as SDKs of other languages do, needs no mending: the emulator reads it with `cbor2`. What is
wrong in the Query protocol is mended by query_protocol.py, what services may put into queues is said by delivery.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import ministack.app
from ministack.core.responses import get_account_id, json_response
from ministack.services import cloudwatch, cloudwatch_logs, ec2, eventbridge, lambda_svc, s3, sqs

from . import delivery, query_protocol
from .rows import answer_of, refusal

Scope = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]
Parameters = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

FLOW_LOG_FORMAT: Final = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
"""Of a flow log that asks for none. https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""

# The emulator's own steps, which it gives no public way to; its version is pinned.
_app: Any = ministack.app
_cloudwatch: Any = cloudwatch
_ec2: Any = ec2
_events: Any = eventbridge
_lambda: Any = lambda_svc
_logs: Any = cloudwatch_logs
_s3: Any = s3
_sqs: Any = sqs


def install(app: App) -> App:
    """The emulator, answering as AWS does in all of this."""
    _sqs._HANDLERS["GetQueueAttributes"] = _compact_policies(_sqs._HANDLERS["GetQueueAttributes"])
    _sqs.queue_policy_allows = delivery.admitted
    _s3._validate_notification_configs = _as_s3_words_it(_s3._validate_notification_configs)
    _cloudwatch.handle_request = query_protocol.spoken(_cloudwatch.handle_request)
    for name in query_protocol.ECHOING:
        _app.SERVICE_HANDLERS[name] = query_protocol.echoed(_app.SERVICE_HANDLERS[name])
    _logs.handle_request = _with_log_keys(_logs.handle_request)
    _events._put_permission = _whole_policy(_events._put_permission)
    for named in _OF_A_BUS:
        setattr(_events, named, _by_name_or_arn(getattr(_events, named)))
    _lambda._list_versions = _qualified(_lambda._list_versions)
    actions = _ec2._ACTION_MAP
    actions["CreateFlowLogs"] = _flow_log_kept(actions["CreateFlowLogs"])
    actions["DescribeFlowLogs"] = _described(actions["DescribeFlowLogs"], "flowLogId", _flow_log)
    actions["CreateVpcEndpoint"] = _endpoint_kept(actions["CreateVpcEndpoint"])
    actions["ModifyVpcEndpoint"] = _endpoint_changed(actions["ModifyVpcEndpoint"])
    actions["DescribeVpcEndpoints"] = _described(actions["DescribeVpcEndpoints"], "vpcEndpointId", _endpoint)
    return _without_account_in_host(app)


def _compact_policies(get: Callable[..., Parameters]) -> Callable[..., Parameters]:
    """SQS gives a redrive policy back without the blanks that it was written with.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html shows it so.
    """

    def got(*given: Any) -> Parameters:
        answer = get(*given)
        attributes = answer["Attributes"]
        for key in {"RedrivePolicy", "RedriveAllowPolicy"} & attributes.keys():
            attributes[key] = json.dumps(json.loads(attributes[key]), separators=(",", ":"))
        return answer

    return got


_OF_A_BUS: Final = (
    *("_put_rule", "_delete_rule", "_list_rules", "_describe_rule", "_enable_rule", "_disable_rule"),
    *("_put_targets", "_remove_targets", "_list_targets_by_rule", "_list_rule_names_by_target"),
    *("_put_permission", "_remove_permission"),
)


def _by_name_or_arn(handle: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """A bus is named by its name or by its ARN, of which the emulator knows one.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    """

    def handling(given: Parameters) -> Answer:
        bus = str(given.get("EventBusName", "default"))
        return handle({**given, "EventBusName": bus.rpartition(":event-bus/")[2]})

    return handling


def _whole_policy(put: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """A bus's policy may be given as a whole, which the emulator takes for one statement that lets everybody in.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
    """

    def putting(given: Parameters) -> Answer:
        if not given.get("Policy"):
            return put(given)
        _events._event_bus_policies[given.get("EventBusName", "default")] = json.loads(given["Policy"])
        return json_response({})

    return putting


def _as_s3_words_it(validate: Callable[..., Answer | None]) -> Callable[..., Answer | None]:
    """The refusal of a destination that S3 may not send to, in S3's words: the emulator adds which one it is."""

    def validated(configs: list[Parameters], region: str, bucket_name: str = "", *more: Any) -> Answer | None:
        answer = validate(configs, region, bucket_name, *more)
        if answer is None or b"Unable to validate the following destination configurations" not in answer[2]:
            return answer
        owner, source = get_account_id(), f"arn:aws:s3:::{bucket_name}"
        queues = [it["arn"] for it in configs if it["type"] == "sqs"]
        hindrances = {delivery.hindrance(it, "s3.amazonaws.com", source, owner) for it in queues}
        what = "key" if "key" in hindrances else "destination"
        return answer_of(refusal(f"s3.PutBucketNotificationConfiguration.{what}"))

    return validated


def _with_log_keys(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """A log group's key can be changed after it was made.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
    """

    async def handled(method: str, path: str, headers: dict[str, str], body: bytes, query: Parameters) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action not in ("AssociateKmsKey", "DisassociateKmsKey"):
            return await handle(method, path, headers, body, query)
        asked = json.loads(body)
        name = asked.get("logGroupName") or str(asked.get("resourceIdentifier", "")).partition(":log-group:")[2]
        group = _logs._log_groups.get(name.removesuffix(":*"))
        if group is None:
            return answer_of(refusal("logs.AssociateKmsKey.group"))
        group["kmsKeyId"] = asked["kmsKeyId"] if action == "AssociateKmsKey" else None
        return json_response({})

    return handled


def _qualified(versions: Callable[..., Answer]) -> Callable[..., Answer]:
    """Each version has its own ARN in the list of them, the newest code's ends with $LATEST.

    https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html
    """

    def listed(name: str, query: Parameters) -> Answer:
        status, headers, body = versions(name, query)
        if status != 200:
            return status, headers, body
        found = json.loads(body)
        for it in found["Versions"]:
            unqualified = ":".join(it["FunctionArn"].split(":")[:7])
            it["FunctionArn"] = f"{unqualified}:{it['Version']}"
        return status, headers, json.dumps(found).encode()

    return listed


def _flow_log_kept(create: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """A flow log keeps its role, format and interval, and its tags, which come as those of a vpc-flow-log.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
    """

    def created(parameters: Parameters) -> Answer:
        answer = create(parameters)
        for identifier in re.findall(rb"<item>(fl-[0-9a-zA-Z]+)</item>", answer[2]):
            name = identifier.decode()
            _ec2._flow_logs[name] |= {
                "role": _ec2._p(parameters, "DeliverLogsPermissionArn"),
                "format": _ec2._p(parameters, "LogFormat") or FLOW_LOG_FORMAT,
                "interval": _ec2._p(parameters, "MaxAggregationInterval") or "600",
            }
            _ec2._parse_tag_specs(parameters, "vpc-flow-log", name)
        return answer

    return created


def _flow_log(identifier: str) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html"""
    kept = _ec2._flow_logs[identifier]
    role, written = kept.get("role"), kept.get("LogDestination", "")
    group = written.partition(":log-group:")[2].removesuffix(":*")
    return (
        (f"<deliverLogsPermissionArn>{escape(role)}</deliverLogsPermissionArn>" if role else "")
        + (f"<logGroupName>{escape(group)}</logGroupName>" if group else "")
        + f"<logFormat>{escape(kept.get('format', FLOW_LOG_FORMAT))}</logFormat>"
        + f"<maxAggregationInterval>{kept.get('interval', '600')}</maxAggregationInterval>"
        + "<deliverLogsStatus>SUCCESS</deliverLogsStatus>"
    )


def _endpoint_kept(create: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """An endpoint keeps its policy, its security groups and whether it answers under the service's own name.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
    """

    def created(parameters: Parameters) -> Answer:
        answer = create(parameters)
        found = re.search(rb"<vpcEndpointId>([^<]+)<", answer[2])
        if found:
            name = found[1].decode()
            kept = _ec2._vpc_endpoints[name]
            interface = kept["VpcEndpointType"] == "Interface"
            said = _ec2._p(parameters, "PrivateDnsEnabled").lower()
            kept["PolicyDocument"] = _ec2._p(parameters, "PolicyDocument")
            kept["groups"] = _ec2._parse_member_list(parameters, "SecurityGroupId")
            kept["dns"] = said == "true" or (interface and not said)
            kept["interfaces"] = [f"eni-{name[5:]}{index}" for index, _ in enumerate(kept["SubnetIds"])]
        return answer

    return created


def _endpoint_changed(modify: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html"""

    def modified(parameters: Parameters) -> Answer:
        kept = _ec2._vpc_endpoints.get(_ec2._p(parameters, "VpcEndpointId"))
        if kept is not None:
            removed = set(_ec2._parse_member_list(parameters, "RemoveSecurityGroupId"))
            groups = [*kept.get("groups", []), *_ec2._parse_member_list(parameters, "AddSecurityGroupId")]
            kept["groups"] = [it for it in dict.fromkeys(groups) if it not in removed]
            said = _ec2._p(parameters, "PrivateDnsEnabled").lower()
            kept["dns"] = said == "true" if said else kept.get("dns", False)
            if _ec2._p(parameters, "ResetPolicy").lower() == "true":
                kept["PolicyDocument"] = ""
        return modify(parameters)

    return modified


def _endpoint(identifier: str) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html"""
    kept = _ec2._vpc_endpoints[identifier]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    policy = kept.get("PolicyDocument") or json.dumps({"Version": "2008-10-17", "Statement": [everybody]})
    groups = "".join(f"<item><groupId>{it}</groupId></item>" for it in kept.get("groups", []))
    interfaces = "".join(f"<item>{it}</item>" for it in kept.get("interfaces", []))
    interface = kept["VpcEndpointType"] == "Interface"
    return (
        f"<policyDocument>{escape(policy)}</policyDocument>"
        f"<privateDnsEnabled>{'true' if kept.get('dns') else 'false'}</privateDnsEnabled>"
        f"<requesterManaged>false</requesterManaged><groupSet>{groups}</groupSet>"
        f"<networkInterfaceIdSet>{interfaces}</networkInterfaceIdSet><ipAddressType>ipv4</ipAddressType>"
        f"<dnsOptions><dnsRecordIpType>{'ipv4' if interface else 'service-defined'}</dnsRecordIpType></dnsOptions>"
    )


def _described(
    describe: Callable[[Parameters], Answer], key: str, more: Callable[[str], str]
) -> Callable[[Parameters], Answer]:
    """A description with what it lacks behind the identifier of each item."""

    def described(parameters: Parameters) -> Answer:
        status, headers, body = describe(parameters)
        text = re.sub(rf"<{key}>([^<]+)</{key}>", lambda found: found[0] + more(found[1]), body.decode())
        return status, headers, text.encode()

    return described


def _without_account_in_host(app: App) -> App:
    """S3 Control puts the account before the host, which no resolver knows: such a call comes through the emulator as
    its proxy, with the whole address in its first line.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListTagsForResource.html
    """

    async def called(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith("http://"):
                raw = scope["raw_path"].decode("latin-1").partition("?")[0]
                scope = {**scope, "path": unquote(urlsplit(raw).path), "raw_path": urlsplit(raw).path.encode()}
            scope = {**scope, "headers": [(name, _local(name, value)) for name, value in scope["headers"]]}
        await app(scope, receive, send)

    return called


def _local(name: bytes, value: bytes) -> bytes:
    return re.sub(rb"^\d{12}\.(?=localhost\b|127\.0\.0\.1\b)", b"", value) if name.lower() == b"host" else value
