"""One execution on LocalStack. argv: the end point; on standard input an exported definition, with ACTIVITY where the resource is to stand.

Writes the activity's ARN when the execution has started, its status and output when it is over.
"""
import json
import sys
import time

import boto3

states = boto3.client("stepfunctions", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="any", aws_secret_access_key="any")
arn = states.create_activity(name="mirror")["activityArn"]
machine = states.create_state_machine(name="backfill", definition=sys.stdin.read().replace("ACTIVITY", arn),
                                      roleArn="arn:aws:iam::000000000000:role/any")["stateMachineArn"]
execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
print(arn, flush=True)
while (now := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(0.5)
print(json.dumps({key: now.get(key) for key in ("status", "output", "error", "cause")}))
