"""moto's server as the EC2 end point, with signatures checked: tmflow lists, mirrors, mirrors again and cleans up; boto3 looks at what there is."""
import json
import os
import subprocess
import unittest

import harness
import interop
from test_events import state_change

ACCOUNT = "123456789012"    # moto's own
INSTANCES = 10              # in each of two subnets, as many as a target takes; one of them is terminated
CONFIG = """
subnets:
  - {{subnetId: {subnets[0]}, filterId: {filters[0]}, targetId: {given}}}
vpcs:
  - {{name: rest, vpcId: {vpc}, filterId: {filters[1]}, targetInstanceType: t3.large, targetInstanceAmi: {image}, targetSecurityGroupIds: [{group}],
     sessionNumber: 7, packetLength: 128, virtualNetworkId: 4711}}
"""
PAGES = """
StartAt: Page
States:
  Page:
    Type: Task
    Resource: tmflow:describe-page
    Parameters: {MaxResults: 5, NextToken.$: $.NextToken}
    ResultPath: $.Page
    Next: Gather
  Gather:
    Type: Pass
    Parameters:
      NextToken.$: $.Page.NextToken
      Pages.$: States.MathAdd($.Pages, 1)
      Found.$: States.Array($.Found, $.Page.Instances)
    Next: More
  More:
    Type: Choice
    Choices: [{Variable: $.NextToken, IsNull: false, Next: Page}]
    Default: Over
  Over: {Type: Succeed}
"""


def flat(found):
    """[[[[], page], page], page] as one list."""
    return flat(found[0]) + found[1] if found else []


def tags(resource):
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}


class Moto(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("moto")

    def setUp(self):
        super().setUp()
        address = interop.free_address()
        port = address.split(":")[1]
        self.url = "http://" + address
        environment = dict(self.environment(), INITIAL_NO_AUTH_ACTION_COUNT="6")
        self.server = subprocess.Popen([self.python, os.path.join(interop.HERE, "moto_server.py"), "-p", port], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        interop.until_open(address)
        self.fleet = self.script("moto_fleet.py", str(INSTANCES))
        self.keys = self.fleet["keyId"], self.fleet["secret"]
        self.secrets.update(secret.encode() for secret in (self.fleet["secret"], self.fleet["narrow"][1]))
        self.config = self.write("config.yaml", CONFIG.format(**self.fleet))

    def script(self, name, *args):
        done = subprocess.run([self.python, os.path.join(interop.HERE, name), self.url, *args], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def state(self):
        return self.script("moto_state.py", *self.keys)

    def ours(self, *args, stdin=None, keys=None):
        key, secret = keys or self.keys
        if args[0] == "run":
            args += ("--config", self.config)
        return self.tmflow(*args, "-o", "json", stdin=stdin, env={"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
                                                                  "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret})

    def pages(self, **named):
        return self.ours("run", self.write("pages.yaml", PAGES), "--input", "-", stdin=json.dumps({"NextToken": None, "Pages": 0, "Found": []}),
                         **named)

    def target(self, keys=None, **more):
        """The action ensure-target alone, for the second subnet."""
        task = {"Type": "Task", "Resource": "tmflow:ensure-target", "End": True}
        workflow = self.write("target.json", json.dumps({"StartAt": "A", "States": {"A": task}}))
        return self.ours("run", workflow, "--input", "-", keys=keys, stdin=json.dumps({"Rule": "rest", "SubnetId": self.fleet["subnets"][1], **more}))

    def summary(self, result):
        self.assertEqual(result.code, 0, result.out + result.err)
        return {outcome: count for outcome, count in result.json["summary"].items() if count}

    # --- describes ---

    def test_pages(self):
        result = self.pages()
        self.assertEqual(result.code, 0, result.out)
        output = result.json["output"]
        self.assertEqual(output["Pages"], (2 * INSTANCES + 4) // 5)
        self.assertEqual(
            {i["InstanceId"]: (i["State"], i["Tags"], [n["NetworkInterfaceId"] for n in i["NetworkInterfaces"]]) for i in flat(output["Found"])},
            {i["InstanceId"]: (i["State"], i["Tags"], i["NetworkInterfaces"]) for i in self.state()["instances"]})

    def test_a_wrong_secret(self):
        result = self.pages(keys=(self.fleet["keyId"], "x" * 40))
        self.assertEqual((result.code, result.json["status"]), (3, "INTERRUPTED"), result.out)  # with other keys it goes on
        self.assertIn(result.json["error"], ("AuthFailure", "SignatureDoesNotMatch"))

    # --- targets, tags, launches, sessions ---

    def check_sessions(self, state, launched):
        """Each instance that runs has one session, as its rule says; the one that was launched for a target has none."""
        given, made = self.fleet["given"], [t["TrafficMirrorTargetId"] for t in state["targets"] if t["TrafficMirrorTargetId"] != self.fleet["given"]]
        self.assertEqual(len(made), 1, state["targets"])
        wanted = {}
        for instance in state["instances"]:
            if instance["State"] == "running" and instance["InstanceId"] != launched["InstanceId"]:
                by_subnet = instance["SubnetId"] == self.fleet["subnets"][0]
                wanted[instance["NetworkInterfaces"][0]] = (
                    (given, self.fleet["filters"][0], 100, None, None) if by_subnet else (made[0], self.fleet["filters"][1], 7, 128, 4711))
        found = [(s["NetworkInterfaceId"], (s["TrafficMirrorTargetId"], s["TrafficMirrorFilterId"], s["SessionNumber"], s.get("PacketLength"),
                                            s.get("VirtualNetworkId"))) for s in state["sessions"]]
        self.assertEqual(len(found), len(wanted))
        self.assertEqual(dict(found), wanted)

    def launched_for_a_target(self, state):
        launched = [i for i in state["instances"] if "tmflow:target" in tags(i)]
        self.assertEqual(len(launched), 1, state["instances"])
        self.assertEqual((launched[0]["InstanceType"], launched[0]["ImageId"], launched[0]["SubnetId"], launched[0]["Groups"]),
                         ("t3.large", self.fleet["image"], self.fleet["subnets"][1], [self.fleet["group"]]))
        target = next(t for t in state["targets"] if t["TrafficMirrorTargetId"] != self.fleet["given"])
        self.assertEqual(target["NetworkInterfaceId"], launched[0]["NetworkInterfaces"][0])
        self.assertEqual({k: tags(target).get(k) for k in ("Name", "TargetSubnetId")},
                         {"Name": "TrafficMirroringSourceAutomation", "TargetSubnetId": self.fleet["subnets"][1]})
        return launched[0]

    def test_a_fleet_is_mirrored_and_cleaned_up(self):
        self.assertEqual(self.summary(self.ours("run", harness.BACKFILL)), {"created": 2 * INSTANCES - 1, "ineligible": 1})
        state = self.state()
        launched = self.launched_for_a_target(state)
        self.check_sessions(state, launched)
        again = self.summary(self.ours("run", harness.BACKFILL))
        self.assertEqual(again, {"present": 2 * INSTANCES - 1, "ineligible": 1, "excluded": 1})
        self.assertEqual(self.state(), state)
        # Somebody takes one away, and its event comes again.
        gone = next(i for i in state["instances"] if i["State"] == "running" and i["InstanceId"] != launched["InstanceId"])
        event = json.dumps(state_change(gone["InstanceId"], account=ACCOUNT))
        on_launch = os.path.join(harness.ROOT, "workflows", "on-launch.yaml")
        self.assertEqual(self.summary(self.ours("run", on_launch, "--input", "-", stdin=event)), {"present": 1})
        self.script("moto_drop.py", *self.keys, gone["NetworkInterfaces"][0])
        self.assertEqual(self.summary(self.ours("run", on_launch, "--input", "-", stdin=event)), {"created": 1})
        self.check_sessions(self.state(), launched)
        destroyed = self.ours("destroy", "--yes")
        self.assertEqual((destroyed.code, destroyed.json["failed"]), (0, []), destroyed.out)
        self.assertEqual(self.state()["sessions"], [])

    def test_a_full_target_has_a_successor(self):
        """One run asks three times; what it made and nobody mirrors to is taken back at its end."""
        parameters = {"Rule": "rest", "SubnetId": self.fleet["subnets"][1]}
        names = ("First", "Again", "Second")
        states = {name: {"Type": "Task", "Resource": "tmflow:ensure-target", "Parameters": dict(parameters), "ResultPath": "$." + name, "Next": following}
                  for name, following in zip(names, (*names[1:], "End"))}
        states["Second"]["Parameters"]["FullTargetId.$"] = "$.First.TargetId"
        states["End"] = {"Type": "Succeed"}
        done = self.ours("run", self.write("targets.json", json.dumps({"StartAt": "First", "States": states})))
        self.assertEqual(done.code, 0, done.out)
        first, again, second = (done.json["output"][name] for name in names)
        self.assertEqual((first["Created"], again), (True, {"TargetId": first["TargetId"], "Created": False}))
        self.assertEqual((second["Created"], second["TargetId"] != first["TargetId"]), (True, True))
        launched = [i for i in self.state()["instances"] if "tmflow:target" in tags(i)]
        self.assertEqual([i["State"] for i in launched], ["terminated"] * 2)

    def test_a_launch_whose_target_is_refused(self):
        """A policy says no: the instance that was launched for it is terminated."""
        refused = self.target(keys=self.fleet["narrow"])
        self.assertEqual((refused.code, refused.json["error"]), (1, "AccessDenied"), refused.out)    # moto's name for UnauthorizedOperation
        self.assertIn("ec2:CreateTrafficMirrorTarget", refused.json["cause"])
        launched = [i for i in self.state()["instances"] if "tmflow:target" in tags(i)]
        self.assertEqual([i["State"] for i in launched], ["terminated"])
        self.assertTrue(self.target().json["output"]["Created"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
