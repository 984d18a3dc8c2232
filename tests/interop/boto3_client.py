"""Every operation that ec2sim offers, asked by boto3. argv: the end point, an image. Writes what was asked for: [[service, operation]] as JSON."""
import json
import sys

import boto3
import botocore.exceptions

ec2 = boto3.client("ec2", "us-east-1", endpoint_url=sys.argv[1])
sts = boto3.client("sts", "us-east-1", endpoint_url=sys.argv[1])
elb = boto3.client("elbv2", "us-east-1", endpoint_url=sys.argv[1])
trail = boto3.client("cloudtrail", "us-east-1", endpoint_url=sys.argv[1])
organizations = boto3.client("organizations", "us-east-1", endpoint_url=sys.argv[1])
rules = boto3.client("events", "us-east-1", endpoint_url=sys.argv[1])
ram = boto3.client("ram", "us-east-1", endpoint_url=sys.argv[1])
asked = []
for client in (ec2, sts, elb, trail, organizations, rules, ram):
    client.meta.events.register("before-call", lambda model, **_: asked.append((model.service_model.signing_name, model.name)))


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["RequestId"], e
        return
    raise AssertionError(f"{code} was expected")


def pages(name, key, size, **parameters):
    found = []
    for page in ec2.get_paginator(name).paginate(PaginationConfig={"PageSize": size}, **parameters):
        assert len(page[key]) <= size
        found += page[key]
    return found


instances = [i for r in pages("describe_instances", "Reservations", 20) for i in r["Instances"]]
assert len(instances) == 60 and len({i["InstanceId"] for i in instances}) == 60
running = [i for i in instances if i["State"]["Name"] == "running" and i["NetworkInterfaces"]]
one = running[0]
interface = one["NetworkInterfaces"][0]["NetworkInterfaceId"]
assert ec2.describe_instances(InstanceIds=[one["InstanceId"]])["Reservations"][0]["Instances"][0]["VpcId"] == one["VpcId"]
in_vpc = pages("describe_instances", "Reservations", 50, Filters=[{"Name": "vpc-id", "Values": [one["VpcId"]]}])
assert {i["VpcId"] for r in in_vpc for i in r["Instances"]} == {one["VpcId"]}
refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=["i-00000000000000001"])
assert one["VpcId"] in {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]}
assert one["SubnetId"] in {s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]}
nic = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
assert nic["Attachment"]["InstanceId"] == one["InstanceId"]

filter_id = ec2.describe_traffic_mirror_filters()["TrafficMirrorFilters"][0]["TrafficMirrorFilterId"]
targets = pages("describe_traffic_mirror_targets", "TrafficMirrorTargets", 5)
assert targets
assert [i["ImageId"] for i in ec2.describe_images(Filters=[{"Name": "image-id", "Values": [sys.argv[2], "ami-0"]}])["Images"]] == [sys.argv[2]]
assert one["VpcId"] in {g["VpcId"] for g in pages("describe_security_groups", "SecurityGroups", 5)}

# What stands behind the load balancer targets.
balancer = next(t["NetworkLoadBalancerArn"] for t in targets if t.get("NetworkLoadBalancerArn", "").find("given-0") > 0)
groups = [g for page in elb.get_paginator("describe_target_groups").paginate(LoadBalancerArn=balancer, PaginationConfig={"PageSize": 1})
          for g in page["TargetGroups"]]
assert sorted(g["TargetType"] for g in groups) == ["alb", "instance", "ip"]
for group in groups:
    assert group["LoadBalancerArns"] == [balancer]
    assert elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"][0]["Target"]["Id"]
refused("LoadBalancerNotFound", elb.describe_target_groups, LoadBalancerArn=balancer + "0")
given = elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]
assert given["State"]["Code"] == "active" and given["AvailabilityZones"]
assert [(x["Protocol"], x["Port"]) for x in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]] == [("UDP", 4789)]
assert elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"][0]["Key"] == "load_balancing.cross_zone.enabled"
assert {e["Protocol"] for a in pages("describe_network_acls", "NetworkAcls", 5) for e in a["Entries"]} == {"-1"}
assert {r["State"] for t in pages("describe_route_tables", "RouteTables", 5) for r in t["Routes"]} == {"active"}
assert "us-east-1" in {r["RegionName"] for r in ec2.describe_regions()["Regions"]}
assert {a["Status"] for a in organizations.list_accounts()["Accounts"]} == {"ACTIVE"}
assert organizations.list_organizational_units_for_parent(ParentId="r-ex01")["OrganizationalUnits"][0]["Name"] == "members"
assert organizations.list_accounts_for_parent(ParentId="r-ex01")["Accounts"]
assert ram.list_resources(resourceOwner="SELF")["resources"] == [] and ram.list_principals(resourceOwner="SELF")["principals"] == []
assert rules.list_rules()["Rules"] == []
endpoint = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [
    next(t["GatewayLoadBalancerEndpointId"] for t in targets if "GatewayLoadBalancerEndpointId" in t)]}])["VpcEndpoints"][0]
service = ec2.describe_vpc_endpoint_service_configurations(
    Filters=[{"Name": "service-name", "Values": [endpoint["ServiceName"]]}])["ServiceConfigurations"][0]
assert elb.describe_target_groups(LoadBalancerArn=service["GatewayLoadBalancerArns"][0])["TargetGroups"][0]["Protocol"] == "GENEVE"

launch = dict(ImageId=sys.argv[2], InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=one["SubnetId"], ClientToken="launch-1",
              TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "target & <co>"}]}])
launched = ec2.run_instances(**launch)["Instances"][0]
assert ec2.run_instances(**launch)["Instances"][0]["InstanceId"] == launched["InstanceId"]      # the token
refused("IdempotentParameterMismatch", ec2.run_instances, **{**launch, "InstanceType": "t3.small"})
target = ec2.create_traffic_mirror_target(NetworkInterfaceId=launched["NetworkInterfaces"][0]["NetworkInterfaceId"],
                                          Description="made by boto3")["TrafficMirrorTarget"]
assert target["Type"] == "network-interface"
target_id = target["TrafficMirrorTargetId"]

sessions = []
for n, instance in enumerate(running):
    try:
        sessions.append(ec2.create_traffic_mirror_session(
            NetworkInterfaceId=instance["NetworkInterfaces"][0]["NetworkInterfaceId"], TrafficMirrorTargetId=target_id,
            TrafficMirrorFilterId=filter_id, SessionNumber=100 + n, PacketLength=128,
            TagSpecifications=[{"ResourceType": "traffic-mirror-session", "Tags": [{"Key": "k", "Value": str(n)}]}],
        )["TrafficMirrorSession"])
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] in ("NetworkInterfaceNotSupported", "TrafficMirrorSourcesPerTargetLimitExceeded"), e
assert sessions
session_id = sessions[0]["TrafficMirrorSessionId"]
assert sessions[0]["PacketLength"] == 128
changed = ec2.modify_traffic_mirror_session(TrafficMirrorSessionId=session_id, SessionNumber=7, RemoveFields=["packet-length"])
assert changed["TrafficMirrorSession"]["SessionNumber"] == 7 and "PacketLength" not in changed["TrafficMirrorSession"], changed
listed = {s["TrafficMirrorSessionId"]: s for s in pages("describe_traffic_mirror_sessions", "TrafficMirrorSessions", 5)}
assert {s["TrafficMirrorSessionId"] for s in sessions} <= set(listed)
assert listed[session_id]["SessionNumber"] == 7 and {"Key": "k", "Value": "0"} in listed[session_id]["Tags"] or len(sessions) < len(running)

ec2.create_tags(Resources=[target_id, one["InstanceId"]], Tags=[{"Key": "a", "Value": "b c&d"}])
of_target = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [target_id]}])["Tags"]
assert {"a": "b c&d"}.items() <= {t["Key"]: t["Value"] for t in of_target}.items(), of_target
ec2.delete_tags(Resources=[target_id], Tags=[{"Key": "a"}])
assert not ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [target_id]}])["Tags"]

found = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTrafficMirrorSession"}])["Events"]
assert {e["Resources"][0]["ResourceName"] for e in found} == {s["TrafficMirrorSessionId"] for s in sessions}
assert "Boto3" in json.loads(found[0]["CloudTrailEvent"])["userAgent"]
for session in sessions:
    assert ec2.delete_traffic_mirror_session(TrafficMirrorSessionId=session["TrafficMirrorSessionId"])["TrafficMirrorSessionId"]
ec2.delete_traffic_mirror_target(TrafficMirrorTargetId=target_id)
refused("InvalidTrafficMirrorTargetId.NotFound", ec2.delete_traffic_mirror_target, TrafficMirrorTargetId=target_id)
ended = ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])["TerminatingInstances"]
assert ended[0]["CurrentState"]["Name"] in ("shutting-down", "terminated")

account = sts.get_caller_identity()["Account"]
role = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/py", RoleSessionName="py")["Credentials"]
assumed = dict(aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"], aws_session_token=role["SessionToken"])
as_role = boto3.client("sts", "us-east-1", endpoint_url=sys.argv[1], **assumed)
assert as_role.get_caller_identity()["Arn"] == f"arn:aws:sts::{account}:assumed-role/py/py"
wrong = boto3.client("ec2", "us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="not-the-one")
refused("SignatureDoesNotMatch", wrong.describe_vpcs)
print(json.dumps(sorted(set(asked))))
