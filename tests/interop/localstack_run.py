"""One execution on LocalStack. argv: the end point, and the input if it is not {}; on standard input an exported definition, with ACTIVITY where the resource is to stand.

Writes the activity's ARN when the execution has started, and when it is over its status, its output, the number of events in its
history, and of each activity task in it what became of it: [how it ended, the worker that took it, its error].
"""
import json
import sys
import time

import boto3

ENDS = ("ActivitySucceeded", "ActivityFailed", "ActivityTimedOut", "ActivityScheduleFailed")

states = boto3.client("stepfunctions", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="any", aws_secret_access_key="any")


def tasks(events):
    workers, ends = {}, []
    for event in events:
        if event["type"] == "ActivityStarted":
            workers[event["id"]] = event["activityStartedEventDetails"].get("workerName")
        elif event["type"] in ENDS:
            details = event.get("activityFailedEventDetails") or event.get("activityTimedOutEventDetails") or {}
            ends.append([event["type"], workers.get(event["previousEventId"]), details.get("error")])
    return ends


arn = states.create_activity(name="mirror")["activityArn"]
machine = states.create_state_machine(name="backfill", definition=sys.stdin.read().replace("ACTIVITY", arn),
                                      roleArn="arn:aws:iam::000000000000:role/any")["stateMachineArn"]
execution = states.start_execution(stateMachineArn=machine, input=sys.argv[2] if len(sys.argv) > 2 else "{}")["executionArn"]
print(arn, flush=True)
while (now := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
    time.sleep(0.5)
result = {key: now.get(key) for key in ("status", "output", "error", "cause")}
events = [event for page in states.get_paginator("get_execution_history").paginate(executionArn=execution) for event in page["events"]]
print(json.dumps(dict(result, events=len(events), tasks=tasks(events))))
