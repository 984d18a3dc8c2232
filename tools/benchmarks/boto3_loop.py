#!/usr/bin/python3
"""A backfill as one writes it first: boto3, one instance after another, one lookup and one create each.

usage: boto3_loop.py END-POINT FILTER TARGET COUNT     prints {"instances", "calls", "cpuSeconds", "wallSeconds"}

Keys and region come from the environment. Importing boto3 is not counted; listing the instances is, since tmflow lists them too.
tools/bench runs it on the simulator next to tmflow.
"""
import json
import os
import resource
import sys
import time

import boto3


def primary(instance):
    return next(i["NetworkInterfaceId"] for i in instance["NetworkInterfaces"] if i["Attachment"]["DeviceIndex"] == 0)


def mirror(ec2, interface, filter_id, target_id):
    """Returns the number of calls."""
    sessions = ec2.describe_traffic_mirror_sessions(Filters=[{"Name": "network-interface-id", "Values": [interface]}])
    if sessions["TrafficMirrorSessions"]:
        return 1
    ec2.create_traffic_mirror_session(NetworkInterfaceId=interface, TrafficMirrorTargetId=target_id, TrafficMirrorFilterId=filter_id,
                                      SessionNumber=100)
    return 2


def backfill(ec2, filter_id, target_id, count):
    """The first instances, at most that many. Returns how many there were, and the number of calls."""
    instances = calls = 0
    for page in ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 200}):
        calls += 1
        for instance in (i for reservation in page["Reservations"] for i in reservation["Instances"]):
            calls += mirror(ec2, primary(instance), filter_id, target_id)
            instances += 1
            if instances == count:
                return instances, calls
    return instances, calls


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    url, filter_id, target_id, count = sys.argv[1:]
    ec2 = boto3.client("ec2", os.environ["AWS_REGION"], endpoint_url=url)
    cpu, wall = cpu_seconds(), time.monotonic()
    instances, calls = backfill(ec2, filter_id, target_id, int(count))
    json.dump({"instances": instances, "calls": calls, "cpuSeconds": cpu_seconds() - cpu, "wallSeconds": time.monotonic() - wall},
              sys.stdout)


if __name__ == "__main__":
    main()
