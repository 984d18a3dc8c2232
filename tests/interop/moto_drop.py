"""Takes the sessions of an interface away from a moto server. argv: the end point, the keys, the interface. Writes their ids as JSON."""
import json
import sys

import boto3

ec2 = boto3.client("ec2", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[2], aws_secret_access_key=sys.argv[3])
sessions = ec2.describe_traffic_mirror_sessions()["TrafficMirrorSessions"]
found = [s["TrafficMirrorSessionId"] for s in sessions if s["NetworkInterfaceId"] == sys.argv[4]]
for session in found:
    ec2.delete_traffic_mirror_session(TrafficMirrorSessionId=session)
print(json.dumps(found))
