#!/usr/bin/python3
"""A backfill as one writes it first: boto3, one instance after another, one look-up and one create each, as the Lambda sample does.

usage: boto3_loop.py END-POINT FILTER TARGET COUNT     prints {"instances", "calls", "cpuSeconds", "wallSeconds"}

Keys and region come from the environment. Importing boto3 and listing the instances are not counted: only what is paid for each of them.
tools/bench runs it on the simulator next to tmflow.
"""
import json
import os
import resource
import sys
import time

import boto3


def listed(ec2, count):
    """The ids of the first so many instances."""
    pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"MaxItems": count, "PageSize": 200})
    ids = [instance["InstanceId"] for page in pages for reservation in page["Reservations"] for instance in reservation["Instances"]]
    return ids[:count]


def mirror(ec2, instance_id, filter_id, target_id):
    """One event's work. Returns the number of calls."""
    described = ec2.describe_instances(InstanceIds=[instance_id])
    instance = described["Reservations"][0]["Instances"][0]
    interface = next(i["NetworkInterfaceId"] for i in instance["NetworkInterfaces"] if i["Attachment"]["DeviceIndex"] == 0)
    sessions = ec2.describe_traffic_mirror_sessions(Filters=[{"Name": "network-interface-id", "Values": [interface]}])
    if sessions["TrafficMirrorSessions"]:
        return 2
    ec2.create_traffic_mirror_session(NetworkInterfaceId=interface, TrafficMirrorTargetId=target_id, TrafficMirrorFilterId=filter_id,
                                      SessionNumber=100)
    return 3


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    url, filter_id, target_id, count = sys.argv[1:]
    ec2 = boto3.client("ec2", os.environ["AWS_REGION"], endpoint_url=url)
    ids = listed(ec2, int(count))
    cpu, wall = cpu_seconds(), time.monotonic()
    calls = sum(mirror(ec2, instance_id, filter_id, target_id) for instance_id in ids)
    json.dump({"instances": len(ids), "calls": calls, "cpuSeconds": cpu_seconds() - cpu, "wallSeconds": time.monotonic() - wall},
              sys.stdout)


if __name__ == "__main__":
    main()
