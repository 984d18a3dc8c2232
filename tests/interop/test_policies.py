"""What each policy of `export --iam-policy --for` must allow and must not, by an evaluator that nobody here wrote."""
import json
import unittest

import harness
import interop

ACCOUNT, REGION = "123456789012", "eu-west-1"
ACTIVITY = f"arn:aws:states:{REGION}:{ACCOUNT}:activity:mirror"
TOOL = {"aws:RequestTag/tmflow:tool": "tmflow"}
OURS = {"aws:ResourceTag/tmflow:tool": "tmflow"}
GIVEN = "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n"
CREATED = ("prune: true\nvpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetInstanceType: t3.large, targetInstanceAmi: ami-1, "
           "targetSecurityGroupIds: [sg-1], targetSubnetId: subnet-1}\n")


def arn(kind, name="*", region=REGION):
    return f"arn:aws:ec2:{region}:{'' if kind == 'image' else ACCOUNT}:{kind}/{name}"


def looks(action, region=REGION):
    return [(action, "*", {"aws:RequestedRegion": region})]


# --- requests: each is a list of (action, resource, context), of which AWS allows all or refuses the request ---

def create_session(filter_="tmf-1", target="tmt-1", tags=TOOL):
    places = [("traffic-mirror-filter", filter_), ("traffic-mirror-target", target), ("network-interface", "eni-1")]
    return ([("ec2:CreateTrafficMirrorSession", arn(kind, name), {}) for kind, name in places]
            + [("ec2:CreateTrafficMirrorSession", arn("traffic-mirror-session"), tags)]
            + [("ec2:CreateTags", arn("traffic-mirror-session"), {**tags, "ec2:CreateAction": "CreateTrafficMirrorSession"})])


def change_session(action, context=OURS):
    return [(f"ec2:{action}TrafficMirrorSession", arn("traffic-mirror-session", "tms-1"), context)]


def create_target(tags=TOOL):
    return [("ec2:CreateTrafficMirrorTarget", arn("network-interface", "eni-1"), {}), ("ec2:CreateTrafficMirrorTarget", arn("traffic-mirror-target"), tags),
            ("ec2:CreateTags", arn("traffic-mirror-target"), {**tags, "ec2:CreateAction": "CreateTrafficMirrorTarget"})]


def delete_target(context=OURS):
    return [("ec2:DeleteTrafficMirrorTarget", arn("traffic-mirror-target", "tmt-1"), context)]


def launch(image="ami-1", group="sg-1", subnet="subnet-1", kind="t3.large", tags=TOOL):
    places = [("image", image), ("security-group", group), ("subnet", subnet), ("network-interface", "*"), ("volume", "*")]
    instance = {**tags, "ec2:InstanceType": kind}
    return ([("ec2:RunInstances", arn(where, name), {}) for where, name in places] + [("ec2:RunInstances", arn("instance"), instance)]
            + [("ec2:CreateTags", arn("instance"), {**tags, "ec2:CreateAction": "RunInstances"})])


def terminate(context=OURS):
    return [("ec2:TerminateInstances", arn("instance", "i-1"), context)]


def queue(action, region=REGION):
    return [("sqs:" + action, f"arn:aws:sqs:{region}:{ACCOUNT}:events", {})]


LOOKS = [looks("ec2:DescribeInstances"), looks("ec2:DescribeTrafficMirrorSessions"), looks("ec2:DescribeTrafficMirrorTargets")]
CHANGES = [create_session(), change_session("Modify"), change_session("Delete"), create_target(), delete_target(), launch(), terminate(),
           [("ec2:CreateTags", arn("traffic-mirror-session", "tms-1"), {"aws:RequestTag/a": "b"})]]
STRANGE = [[("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x", {})], [("ec2:CreateTrafficMirrorFilter", arn("traffic-mirror-filter"), {})],
           [("ec2:StopInstances", arn("instance", "i-1"), OURS)], [("s3:GetObject", "arn:aws:s3:::bucket/key", {})]]


class Policies(harness.Case):
    @classmethod
    def setUpClass(cls):
        interop.node_packages()

    def export(self, command, *args, config=None):
        words = ["export", harness.BACKFILL, "--iam-policy", "--for", command, *args]
        if config is not None:
            words += ["--config", self.write("policy.yaml", config)]
        done = self.tmflow(*words)
        self.assertEqual(done.code, 0, done.err)
        return json.loads(done.out)

    def judge(self, policy, requests):
        """Whether each request is allowed: all of its resources are. The evaluator knows the actions, resources and keys of all of them."""
        flat = [{"policy": policy, "action": a, "resource": r, "context": c} for request in requests for a, r, c in request]
        results = iter(json.loads(interop.node("policies.cjs", stdin=json.dumps(flat))))
        judged = []
        for request in requests:
            of = [next(results) for _ in request]
            self.assertLessEqual({json.dumps(r) for r in of}, {'"Allowed"', '"ImplicitlyDenied"'}, request)
            judged.append(all(r == "Allowed" for r in of))
        return judged

    def expect(self, policy, must, must_not):
        judged = self.judge(policy, [*must, *must_not])
        self.assertEqual([r for r, is_ in zip(must, judged) if not is_], [])
        self.assertEqual([r for r, is_ in zip(must_not, judged[len(must):]) if is_], [])

    def test_commands_that_look(self):
        more = {"audit": [looks("cloudtrail:LookupEvents"), looks("ram:ListPrincipals"), looks("ec2:DescribeTrafficMirrorFilters")],
                "doctor": [looks("ec2:DescribeNetworkAcls"), looks("elasticloadbalancing:DescribeTargetHealth"), looks("events:ListRules")], "coverage": []}
        for command, looked in more.items():
            policy = self.export(command, "--region", REGION)
            elsewhere = [looks(request[0][0], "us-east-1") for request in LOOKS]
            self.expect(policy, LOOKS + looked, CHANGES + STRANGE + elsewhere + [queue("ReceiveMessage")])

    def test_runs_with_given_targets(self):
        """Nothing is launched or pruned, so that neither is allowed."""
        for command in ("run", "reconcile"):
            policy = self.export(command, "--region", REGION, config=GIVEN)
            self.expect(policy, LOOKS + [create_session(), change_session("Modify")], STRANGE + [
                create_session(filter_="tmf-2"), create_session(target="tmt-2"), create_session(tags={}), create_session(tags={"aws:RequestTag/tmflow:tool": "other"}),
                change_session("Modify", {}), change_session("Delete"), create_target(), delete_target(), launch(), terminate()])

    def test_runs_that_make_targets_and_prune(self):
        policy = self.export("run", "--region", REGION, config=CREATED)
        self.expect(policy, LOOKS + [create_session(), change_session("Modify"), change_session("Delete"), create_target(), delete_target(), launch(), terminate()],
                    STRANGE + [launch(image="ami-2"), launch(group="sg-2"), launch(subnet="subnet-2"), launch(kind="p5.48xlarge"), launch(tags={}), terminate({}),
                               delete_target({}), change_session("Delete", {}), create_target(tags={}),
                               [("ec2:CreateTags", arn("instance", "i-1"), {"aws:RequestTag/tmflow:tool": "tmflow"})],
                               [("ec2:CreateTags", arn("instance", "i-1"), {**TOOL, "ec2:CreateAction": "CreateVolume"})]])

    def test_without_a_configuration(self):
        """What rules name is not known: any of it. What is made, changed or removed bears tmflow's tag all the same."""
        for args, elsewhere in (((), []), (("--region", REGION), [looks("ec2:DescribeInstances", "us-east-1")])):
            self.expect(self.export("run", *args),
                        LOOKS + [create_session(), create_session(filter_="tmf-2", target="tmt-2"), create_target(), launch(), launch(image="ami-2", kind="m5.large"),
                                 terminate(), change_session("Modify"), change_session("Delete"), delete_target()],
                        STRANGE + elsewhere + [create_session(tags={}), create_target(tags={}), launch(tags={}), terminate({}), change_session("Modify", {}),
                                               change_session("Delete", {}), delete_target({}), [("ec2:CreateTags", arn("instance", "i-1"), TOOL)]])

    def test_maps_that_read_objects(self):
        """With a configuration, too: a bucket is not what its rules are of."""
        path = self.write("objects.yaml", """
            StartAt: Each
            States:
              Each:
                Type: Map
                ItemProcessor:
                  ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}
                  StartAt: Nothing
                  States: {Nothing: {Type: Pass, End: true}}
                ItemReader: {Resource: "arn:aws:states:::s3:getObject", ReaderConfig: {InputType: JSON}, Parameters: {Bucket: in, Key: a.json}}
                End: true
            """)
        for args in ((), ("--config", self.write("policy.yaml", GIVEN), "--region", REGION)):
            done = self.tmflow("export", path, "--iam-policy", *args)
            self.assertEqual(done.code, 0, done.err)
            self.expect(json.loads(done.out), [[("s3:GetObject", "arn:aws:s3:::in/a.json", {})]],
                        [[("s3:PutObject", "arn:aws:s3:::in/a.json", {})], [("s3:DeleteObject", "arn:aws:s3:::in/a.json", {})], launch(), *LOOKS])

    def test_listen_and_worker(self):
        listen = self.export("listen", "--region", REGION, config=GIVEN)
        self.expect(listen, LOOKS + [create_session(), queue("ReceiveMessage"), queue("DeleteMessage"), queue("ChangeMessageVisibility")],
                    STRANGE + [queue("SendMessage"), queue("ReceiveMessage", "us-east-1"), launch(), terminate()])
        worker = self.export("worker", "--activity-arn", ACTIVITY, "--region", REGION, config=GIVEN)
        self.expect(worker, [create_session(), [("states:GetActivityTask", ACTIVITY, {})], [("states:SendTaskSuccess", "*", {})]],
                    STRANGE + [[("states:GetActivityTask", ACTIVITY + "-other", {})], queue("ReceiveMessage"), launch(), [("states:StartExecution", "*", {})]])

    def test_organization(self):
        """The role of each account and the keys that assume it have nothing in common."""
        role, other = f"arn:aws:iam::{ACCOUNT}:role/mirror", f"arn:aws:iam::{ACCOUNT}:role/mirror-other"
        lists = [[("organizations:" + action, "*", {})] for action in ("ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent")]
        assumes, regions = [[("sts:AssumeRole", role, {})]], [looks("ec2:DescribeRegions"), looks("ec2:DescribeRegions", "us-east-1")]
        for command in ("run", "coverage", "audit", "doctor"):
            of_role = self.export(command, "--organization", "--region", REGION)
            # What doctor checks is of the region that it checks.
            self.expect(of_role, LOOKS + regions, STRANGE + lists + assumes + [looks("ec2:DescribeInstances", "us-east-1")])
            if command in ("run", "coverage", "audit"):
                self.expect(self.export(command, "--region", REGION), LOOKS, regions + lists + assumes)
            of_keys = self.export(command, "--organization", "--assume-role", "mirror")
            self.expect(of_keys, lists + assumes, STRANGE + LOOKS + CHANGES + regions + [[("sts:AssumeRole", other, {})], [("organizations:CreateAccount", "*", {})]])
        one = self.export("coverage", "--assume-role", role)
        self.expect(one, assumes, lists + LOOKS + [[("sts:AssumeRole", role.replace(ACCOUNT, "111111111111"), {})]])

    def test_destroy(self):
        policy = self.export("destroy", "--region", REGION)
        self.expect(policy, LOOKS + [change_session("Delete"), delete_target(), terminate()],
                    STRANGE + [change_session("Delete", {}), delete_target({}), terminate({}), create_session(), create_target(), launch(), change_session("Modify")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
