"""Lambda: functions, their aliases, layers, permissions, event source mappings and invocations."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fargate_job_launcher.archive import zipped

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from .creator import Inputs, Made, State, creates
from .naming import pascal


@creates("aws:lambda/function:Function")
def _function(aws: Emulator, inputs: Inputs) -> Made:
    name, lambda_ = inputs.physical_name(longest=64), aws.client("lambda")
    environment = inputs.take("environment")
    timeout, memory = inputs.take("timeout"), inputs.take("memorySize")
    concurrency, files, storage = (
        inputs.take(key) for key in ("reservedConcurrentExecutions", "fileSystemConfig", "ephemeralStorage")
    )
    for key in ("skipDestroy", "sourceCodeHash", "replaceSecurityGroupsOnDestroy", "replacementSecurityGroupIds"):
        inputs.take(key)
    function = lambda_.create_function(
        FunctionName=name,
        Role=inputs.take("role"),
        Code=code_of(inputs),
        **inputs.given(
            Runtime=inputs.take("runtime"),
            Handler=inputs.take("handler"),
            Description=inputs.take("description"),
            Timeout=int(timeout) if timeout else None,
            MemorySize=int(memory) if memory else None,
            Architectures=inputs.take("architectures"),
            Environment={"Variables": environment["variables"]} if environment else None,
            KMSKeyArn=inputs.take("kmsKeyArn"),
            LoggingConfig=inputs.spelt("loggingConfig", "lambda", "LoggingConfig"),
            Publish=inputs.take("publish"),
            PackageType=inputs.take("packageType"),
            ImageConfig=_image_config(inputs),
            Layers=inputs.take("layers"),
            DeadLetterConfig=inputs.spelt("deadLetterConfig", "lambda", "DeadLetterConfig"),
            EphemeralStorage={"Size": int(storage["size"])} if storage else None,
            FileSystemConfigs=[{"Arn": files["arn"], "LocalMountPath": files["localMountPath"]}] if files else None,
            SnapStart=_snap_start(inputs),
            CodeSigningConfigArn=inputs.take("codeSigningConfigArn"),
            TracingConfig=inputs.spelt("tracingConfig", "lambda", "TracingConfig"),
            VpcConfig=inputs.spelt("vpcConfig", "lambda", "VpcConfig"),
            Tags=inputs.tags(),
        ),
    )
    if concurrency is not None:
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(concurrency))
    arn, version = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{name}", function["Version"]
    return Made(name, {"name": name, "arn": arn, "qualifiedArn": f"{arn}:{version}", "version": version})


@creates("aws:lambda/invocation:Invocation")
def _invocation(aws: Emulator, inputs: Inputs) -> Made:
    """An invocation when the resource is created. With lifecycleScope CRUD the provider adds the step to the input."""
    name, given = inputs.take("functionName"), json.loads(inputs.take("input"))
    if inputs.take("lifecycleScope", "CREATE_ONLY") == "CRUD":
        given[inputs.take("terraformKey", "tf")] = {"action": "create", "prev_input": None}
    qualifier, payload = inputs.take("qualifier", "$LATEST"), json.dumps(given)
    answer = aws.client("lambda").invoke(FunctionName=name, Qualifier=qualifier, Payload=payload)
    result = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise NotMade(f"invoking Lambda Function ({name}): {result}")
    return Made(
        f"{name},{qualifier},{hashlib.md5(payload.encode(), usedforsecurity=False).hexdigest()}", {"result": result}
    )


@creates("aws:lambda/alias:Alias")
def _alias(aws: Emulator, inputs: Inputs) -> Made:
    alias = aws.client("lambda").create_alias(
        FunctionName=inputs.take("functionName"),
        Name=inputs.physical_name(),
        FunctionVersion=inputs.take("functionVersion"),
        **inputs.given(
            Description=inputs.take("description"),
            RoutingConfig=inputs.spelt("routingConfig", "lambda", "AliasRoutingConfiguration"),
        ),
    )
    return Made(alias["AliasArn"], {"name": alias["Name"], "arn": alias["AliasArn"]})


@creates("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def _function_event_invoke_config(aws: Emulator, inputs: Inputs) -> Made:
    function, retries, age = (
        inputs.take(key) for key in ("functionName", "maximumRetryAttempts", "maximumEventAgeInSeconds")
    )
    destinations = {
        pascal(key): {"Destination": it["destination"]} for key, it in inputs.take("destinationConfig", {}).items()
    }
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        **inputs.given(
            Qualifier=inputs.take("qualifier"),
            MaximumRetryAttempts=int(retries) if retries is not None else None,
            MaximumEventAgeInSeconds=int(age) if age else None,
            DestinationConfig=destinations,
        ),
    )
    return Made(function, {})


@creates("aws:lambda/permission:Permission")
def _permission_of_function(aws: Emulator, inputs: Inputs) -> Made:
    statement = inputs.physical_name("statementId", longest=100)
    aws.client("lambda").add_permission(
        FunctionName=inputs.take("function"),
        StatementId=statement,
        Action=inputs.take("action"),
        Principal=inputs.take("principal"),
        **inputs.given(
            SourceArn=inputs.take("sourceArn"),
            SourceAccount=inputs.take("sourceAccount"),
            Qualifier=inputs.take("qualifier"),
            PrincipalOrgID=inputs.take("principalOrgId"),
            EventSourceToken=inputs.take("eventSourceToken"),
            FunctionUrlAuthType=inputs.take("functionUrlAuthType"),
        ),
    )
    return Made(statement, {})


@creates("aws:lambda/eventSourceMapping:EventSourceMapping")
def _event_source_mapping(aws: Emulator, inputs: Inputs) -> Made:
    size, window = inputs.take("batchSize"), inputs.take("maximumBatchingWindowInSeconds")
    ends = inputs.take("destinationConfig")
    mapping = aws.client("lambda").create_event_source_mapping(
        EventSourceArn=inputs.take("eventSourceArn"),
        FunctionName=inputs.take("functionName"),
        **inputs.given(
            BatchSize=int(size) if size else None,
            Enabled=inputs.take("enabled"),
            MaximumBatchingWindowInSeconds=int(window) if window else None,
            StartingPosition=inputs.take("startingPosition"),
            BisectBatchOnFunctionError=inputs.take("bisectBatchOnFunctionError"),
            FilterCriteria=inputs.spelt("filterCriteria", "lambda", "FilterCriteria"),
            DestinationConfig={"OnFailure": {"Destination": ends["onFailure"]["destinationArn"]}} if ends else None,
            KMSKeyArn=inputs.take("kmsKeyArn"),
            FunctionResponseTypes=inputs.take("functionResponseTypes"),
            ScalingConfig=inputs.spelt("scalingConfig", "lambda", "ScalingConfig"),
            Tags=inputs.tags(),
        ),
    )
    return Made(mapping["UUID"], {"uuid": mapping["UUID"]})


@creates("aws:lambda/layerVersion:LayerVersion")
def _layer_version(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name("layerName", longest=140)
    for key in ("skipDestroy", "sourceCodeHash"):
        inputs.take(key)
    layer = aws.client("lambda").publish_layer_version(
        LayerName=name,
        Content=code_of(inputs),
        **inputs.given(
            CompatibleRuntimes=inputs.take("compatibleRuntimes"),
            CompatibleArchitectures=inputs.take("compatibleArchitectures"),
            Description=inputs.take("description"),
            LicenseInfo=inputs.take("licenseInfo"),
        ),
    )
    arn, version = layer["LayerVersionArn"], str(layer["Version"])
    return Made(arn, {"arn": arn, "layerArn": layer["LayerArn"], "layerName": name, "version": version})


def code_of(inputs: Inputs) -> dict[str, Any]:
    """A function's code: an archive of the program, an object in a bucket, or an image."""
    bucket, key, version, image = (inputs.take(it) for it in ("s3Bucket", "s3Key", "s3ObjectVersion", "imageUri"))
    if image:
        return {"ImageUri": image}
    if bucket:
        return {"S3Bucket": bucket, "S3Key": key, **inputs.given(S3ObjectVersion=version)}
    return {"ZipFile": zipped(inputs.take("code"))}


def _image_config(inputs: Inputs) -> State | None:
    given = inputs.take("imageConfig")
    named = {"commands": "Command", "entryPoints": "EntryPoint", "workingDirectory": "WorkingDirectory"}
    return {named[key]: value for key, value in given.items() if value} if given else None


def _snap_start(inputs: Inputs) -> State | None:
    given = inputs.take("snapStart")
    return {"ApplyOn": given["applyOn"]} if given else None
