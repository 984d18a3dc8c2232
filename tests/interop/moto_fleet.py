"""Makes users with keys and a fleet in a moto server; the second user may not create targets.

argv: the end point, how many instances in each of two subnets. Writes them as JSON.
"""
import json
import sys

import boto3

url, count = sys.argv[1], int(sys.argv[2])
keys = dict(aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1", endpoint_url=url)
iam = boto3.client("iam", **keys)


def user(name, *more):
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}, *more]}))
    return key


# The first six calls are not checked (INITIAL_NO_AUTH_ACTION_COUNT); all others are, signature and policy.
key = user("tmflow")
narrow = user("narrow", {"Effect": "Deny", "Action": "ec2:CreateTrafficMirrorTarget", "Resource": "*"})
keys.update(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
ec2 = boto3.client("ec2", **keys)
image = ec2.describe_images()["Images"][0]["ImageId"]
vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24")["Subnet"]["SubnetId"] for n in range(2)]
group = ec2.create_security_group(GroupName="targets", Description="of targets", VpcId=vpc)["GroupId"]
filters = [ec2.create_traffic_mirror_filter(Description=d)["TrafficMirrorFilter"]["TrafficMirrorFilterId"] for d in ("one", "two")]
balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/given/0123456789abcdef"
given = ec2.create_traffic_mirror_target(NetworkLoadBalancerArn=balancer, Description="given")["TrafficMirrorTarget"]["TrafficMirrorTargetId"]
tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web <1> & \"co\""}]}]


def launch(subnet):
    # moto counts reservations for a page, so each instance is one of its own.
    launched = ec2.run_instances(ImageId=image, InstanceType="m5.large", SubnetId=subnet, MinCount=1, MaxCount=1, TagSpecifications=tags)
    return launched["Instances"][0]["InstanceId"]


ids = [launch(subnet) for subnet in subnets for _ in range(count)]
ec2.terminate_instances(InstanceIds=ids[:1])
print(json.dumps({"keyId": key["AccessKeyId"], "secret": key["SecretAccessKey"], "narrow": [narrow["AccessKeyId"], narrow["SecretAccessKey"]],
                  "image": image, "vpc": vpc, "subnets": subnets, "group": group, "filters": filters, "given": given, "terminated": ids[0]}))
