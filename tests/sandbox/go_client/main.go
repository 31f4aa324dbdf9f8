// Reads back what was written, as the AWS provider of Pulumi does: with its SDK, which is Go's.
// Usage: go_client ENDPOINT FUNCTION QUEUE_URL LOG_GROUP KEY_ARN ALARM BUCKET. It prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	endpoint, function, queue, group, key, alarm, bucket :=
		os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6], os.Args[7]
	ctx := context.Background()
	proxy := must(url.Parse(endpoint))
	config := aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		// As Go's own rule for proxies has it: what is for 127.0.0.1 goes to none.
		HTTPClient: &http.Client{Transport: &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.Host == proxy.Host {
				return nil, nil
			}
			return proxy, nil
		}}},
	}
	found := map[string]any{}

	versions := must(lambda.NewFromConfig(config).ListVersionsByFunction(ctx,
		&lambda.ListVersionsByFunctionInput{FunctionName: &function}))
	arns := []string{}
	for _, it := range versions.Versions {
		arns = append(arns, *it.FunctionArn)
	}
	found["versions"] = arns

	attributes := must(sqs.NewFromConfig(config).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"All"}}))
	found["redrivePolicy"] = attributes.Attributes["RedrivePolicy"]

	logs := cloudwatchlogs.NewFromConfig(config)
	must(logs.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: &group, KmsKeyId: &key}))
	groups := must(logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group}))
	found["logGroupKey"] = groups.LogGroups[0].KmsKeyId

	watch := cloudwatch.NewFromConfig(config) // speaks CBOR
	must(watch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &alarm, ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: aws.Int32(1),
		MetricName: aws.String("Errors"), Namespace: aws.String("AWS/Lambda"), Period: aws.Int32(60),
		Statistic: "Sum", Threshold: aws.Float64(1.5)}))
	alarms := must(watch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{alarm}}))
	found["threshold"] = alarms.MetricAlarms[0].Threshold

	tags := must(s3control.NewFromConfig(config).ListTagsForResource(ctx, &s3control.ListTagsForResourceInput{
		AccountId: aws.String("123456789012"), ResourceArn: aws.String("arn:aws:s3:::" + bucket)}))
	named := map[string]string{}
	for _, it := range tags.Tags {
		named[*it.Key] = *it.Value
	}
	found["tags"] = named

	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
