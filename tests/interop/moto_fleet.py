"""Makes a user with keys and a fleet in a moto server. argv: the end point, how many. Writes the keys and the fleet as JSON."""
import json
import sys

import boto3

url, count = sys.argv[1], int(sys.argv[2])
keys = dict(aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1", endpoint_url=url)
iam = boto3.client("iam", **keys)
# The first three calls are not checked (INITIAL_NO_AUTH_ACTION_COUNT); all others are, signature and policy.
iam.create_user(UserName="tmflow")
key = iam.create_access_key(UserName="tmflow")["AccessKey"]
actions = ["ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "ec2:DescribeInstances", "ec2:DescribeImages"]
iam.put_user_policy(UserName="tmflow", PolicyName="p", PolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
keys.update(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
ec2 = boto3.client("ec2", **keys)
image = ec2.describe_images()["Images"][0]["ImageId"]
tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web <1> & \"co\""}]}]
# moto counts reservations for a page, so each instance is one of its own.
ids = [ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)["Instances"][0]["InstanceId"] for _ in range(count)]
ec2.terminate_instances(InstanceIds=ids[:1])
fleet = [i for page in ec2.get_paginator("describe_instances").paginate() for r in page["Reservations"] for i in r["Instances"]]
print(json.dumps({"keyId": key["AccessKeyId"], "secret": key["SecretAccessKey"], "instances": [
    {"InstanceId": i["InstanceId"], "State": i["State"]["Name"], "Tags": i.get("Tags", []),
     "NetworkInterfaces": [n["NetworkInterfaceId"] for n in i.get("NetworkInterfaces", [])]} for i in fleet]}))
