"""What there is in a moto server, as boto3 sees it. argv: the end point, the keys. Writes JSON."""
import json
import sys

import boto3

ec2 = boto3.client("ec2", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
instances = [i for page in ec2.get_paginator("describe_instances").paginate() for r in page["Reservations"] for i in r["Instances"]]
print(json.dumps({
    "instances": [{"InstanceId": i["InstanceId"], "InstanceType": i["InstanceType"], "State": i["State"]["Name"], "Tags": i.get("Tags", []),
                   "SubnetId": i.get("SubnetId"), "ImageId": i["ImageId"], "Groups": [g["GroupId"] for g in i.get("SecurityGroups", [])],
                   "NetworkInterfaces": [n["NetworkInterfaceId"] for n in i.get("NetworkInterfaces", [])]} for i in instances],
    "targets": ec2.describe_traffic_mirror_targets()["TrafficMirrorTargets"],
    "tags": [[t["ResourceId"], t["Key"], t["Value"]] for t in ec2.describe_tags()["Tags"]],
    "sessions": ec2.describe_traffic_mirror_sessions()["TrafficMirrorSessions"]}))
