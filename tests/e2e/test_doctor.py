#!/usr/bin/env python3
"""tmflow doctor: each check has a world in which it fails or warns, and passes in the same world before."""
import http.server
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request

import harness


class LateClock(http.server.BaseHTTPRequestHandler):
    """Hands everything on to the simulator, and answers with a Date that is off."""
    url, off = "", 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = urllib.request.Request(self.url + self.path, data=body, headers=dict(self.headers))
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                status, text = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(time.time() + self.off))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


class Doctor(harness.Case):
    def setUp(self):
        super().setUp()
        self.world = self.sim("--no-auth", "--members", "3", instances=40)

    def doctor(self, *args, config=None, **named):
        return self.tmflow("doctor", *args, "--config", config or self.world.config, "-o", "json", sim=self.world, **named)

    def checks(self, *args, **named):
        done = self.doctor(*args, **named)
        checks = {c["name"]: c for c in done.json["checks"]}
        self.assertEqual(len(checks), len(done.json["checks"]))
        self.assertEqual(done.code, 1 if any(c["status"] == "fail" for c in checks.values()) else 0, done.err)
        return checks

    def turns(self, status, what, **named):
        """The checks of that name (before the colon) that have the status now; None of them had it before."""
        found = [c for name, c in self.checks(**named).items() if name.split(":")[0] == what and c["status"] == status]
        self.assertTrue(found, what)
        for check in found:
            self.assertTrue(check["seen"] and check["remedy"], check)
        return found[0]

    def text(self):
        with open(self.world.config, encoding="utf-8") as f:
            return f.read()

    def given(self):
        """The first target that the configuration names."""
        return re.search(r"targetId: (\S+)", self.text())[1]

    def test_after_a_run_nothing_is_to_do(self):
        """What the run made is neither wanted again nor in the way of asking for permissions."""
        self.assertEqual(self.backfill(self.world).code, 0)
        for name, check in self.checks().items():
            self.assertEqual(check["status"], "pass", (name, check))

    def test_quotas_count_what_is_there_already(self):
        self.world = self.sim("--no-auth", instances=300)
        before = self.checks()
        self.assertEqual(self.backfill(self.world).code, 0)
        after = self.checks()
        for kind in ("sessions", "targets"):
            self.assertRegex(before["quota:" + kind]["seen"], "would create at most [1-9][0-9]*$")
            self.assertRegex(after["quota:" + kind]["seen"], "would create at most 0$")

    def test_a_world_in_which_it_works(self):
        done = self.doctor()
        self.assertEqual(done.code, 0, done.err)
        for check in done.json["checks"]:
            self.assertEqual(sorted(check), ["name", "remedy", "seen", "status"])
            self.assertEqual((check["status"], check["remedy"]), ("pass", ""), check)
        kinds = {c["name"].split(":")[0] for c in done.json["checks"]}
        self.assertLessEqual({"identity", "endpoint", "clock", "region", "permission", "quota", "filter", "target", "load-balancer", "listener", "members",
                              "member-groups", "security-groups", "network-acls", "routes", "mtu", "launch", "deployment", "hook", "state-directory",
                              "configuration", "credentials", "settings"}, kinds)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "state")))
        self.assertEqual(self.world.report()["sessions"]["created"] if "created" in self.world.report()["sessions"] else 0, 0)

    def test_it_changes_nothing(self):
        before = self.world.ask("/_sim/world")
        self.doctor()
        self.assertEqual(self.world.ask("/_sim/world"), before)
        self.assertEqual(self.world.every_session(), [])

    def test_permissions_are_named(self):
        self.world.ask("/_sim/faults", {"faults": [f"refuse:UnauthorizedOperation:{a}@1" for a in ("CreateTrafficMirrorSession", "RunInstances")]})
        failed = {n for n, c in self.checks().items() if c["status"] == "fail"}
        self.assertEqual(failed, {"permission:ec2:CreateTrafficMirrorSession", "permission:ec2:RunInstances"})

    def test_permissions_of_a_configuration_and_a_workflow(self):
        given = self.write("given.yaml", re.sub(r"(?ms)^vpcs:.*", "", self.text()))
        names = set(self.checks(config=given))
        self.assertNotIn("permission:ec2:RunInstances", names)
        self.assertIn("permission:ec2:CreateTrafficMirrorSession", names)
        names = set(self.checks(harness.BACKFILL))
        self.assertIn("permission:ec2:RunInstances", names)
        self.assertEqual(self.doctor("/nowhere.yaml").code, 2)

    def test_identity_and_endpoint(self):
        done = self.tmflow("doctor", "--config", self.world.config, "-o", "json", sim=self.world, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"})
        self.assertEqual(done.code, 1)
        found = {c["name"]: c for c in done.json["checks"]}
        self.assertEqual(found["identity"]["status"], "fail")
        self.assertIn("127.0.0.1", found["identity"]["seen"])
        self.assertNotIn("permission:ec2:CreateTags", found)

    def test_no_credentials(self):
        done = self.tmflow("doctor", "-o", "json", sim=self.world, env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
        self.assertEqual(done.code, 1)
        self.assertEqual({c["name"] for c in done.json["checks"] if c["status"] == "fail"}, {"credentials"})

    def test_configuration_and_hook(self):
        found = self.checks(config=self.write("wrong.yaml", "vpcs: 1\n"))
        self.assertEqual(found["configuration"]["status"], "fail")
        found = self.checks(config=self.write("hooked.yaml", self.text() + "\nhook: nothing.lua\n"))
        self.assertEqual(found["configuration"]["status"], "fail")
        self.assertIn("nothing.lua", found["configuration"]["seen"])
        done = self.tmflow("doctor", "-o", "json", sim=self.world)
        self.assertEqual({c["name"]: c["status"] for c in done.json["checks"]}["configuration"], "warn")

    def test_state_directory(self):
        path = self.write("a-file", "")
        self.assertEqual(self.turns("fail", "state-directory", env={"TMFLOW_STATE_DIR": path})["seen"], path)

    def test_clock(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LateClock)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        LateClock.url, env = self.world.url, {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}"}
        for off, status, words in ((4000, "fail", "behind AWS's"), (-4000, "fail", "ahead of AWS's"), (0, "pass", "agrees")):
            LateClock.off = off
            check = self.checks(env=env)["clock"]
            self.assertEqual(check["status"], status, check)
            self.assertIn(words, check["seen"])

    def test_region(self):
        self.world.answer("DescribeRegions", "<regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo>")
        self.turns("fail", "region")

    def test_quota(self):
        items = "".join(f"<item><trafficMirrorSessionId>tms-{n}</trafficMirrorSessionId></item>" for n in range(9990))
        self.world.answer("DescribeTrafficMirrorSessions", f"<trafficMirrorSessionSet>{items}</trafficMirrorSessionSet>")
        self.assertIn("9990 of 10000", self.turns("fail", "quota")["seen"])
        self.world.answer("DescribeTrafficMirrorSessions", "<trafficMirrorSessionSet>" + items[:70 * 9000].rsplit("<item>", 1)[0] + "</trafficMirrorSessionSet>")
        self.turns("warn", "quota")

    def test_target(self):
        target = self.given()
        self.world.change("DescribeTrafficMirrorTargets", rf"({target}.*?<ownerId>)\d+", r"\g<1>999988887777")
        self.assertIn("999988887777", self.turns("warn", "target")["seen"])
        trusting = self.write("trusting.yaml", self.text() + "\ntrustedAccounts: ['999988887777']\n")
        self.assertEqual(self.checks(config=trusting)[f"target:{target}"]["status"], "pass")
        self.world.answer("DescribeTrafficMirrorTargets", "<trafficMirrorTargetSet/>")
        self.turns("fail", "target")

    def test_filter(self):
        self.world.change("DescribeTrafficMirrorFilters", r"<ingressFilterRuleSet>.*?</egressFilterRuleSet>", "", count=4)
        self.assertIn("no rule accepts", self.turns("fail", "filter")["seen"])
        self.world.answer("DescribeTrafficMirrorFilters", "<trafficMirrorFilterSet/>")
        self.assertIn("not found", self.turns("fail", "filter")["seen"])

    def balancer(self, operation, text):
        self.world.answer(operation, f"<{operation}Result>{text}</{operation}Result>")

    def test_load_balancer(self):
        self.balancer("DescribeListeners", "<Listeners><member><Protocol>TCP</Protocol><Port>4789</Port></member></Listeners>")
        self.turns("fail", "listener")
        self.balancer("DescribeLoadBalancers", "<LoadBalancers><member><State><Code>failed</Code></State></member></LoadBalancers>")
        self.turns("fail", "load-balancer")

    def member(self, state, zone):
        return (f"<member><Target><Id>10.9.9.9</Id><AvailabilityZone>{zone}</AvailabilityZone></Target>"
                f"<TargetHealth><State>{state}</State></TargetHealth></member>")

    def test_members(self):
        def members(*states, zone="us-east-1a"):
            self.balancer("DescribeTargetHealth", "<TargetHealthDescriptions>" + "".join(self.member(s, zone) for s in states) + "</TargetHealthDescriptions>")
        members("unhealthy")
        self.assertIn("none of them healthy", self.turns("fail", "members")["seen"])
        members("healthy", "draining")
        self.turns("warn", "members")
        members("healthy")
        self.balancer("DescribeLoadBalancerAttributes", "<Attributes><member><Key>load_balancing.cross_zone.enabled</Key><Value>false</Value></member></Attributes>")
        self.assertRegex(self.turns("fail", "members")["seen"], "no healthy member in us-east-1[bc]")

    def test_security_groups(self):
        self.world.change("DescribeSecurityGroups", "<ipProtocol>udp", "<ipProtocol>tcp", count=9)
        self.assertIn("UDP 4789", self.turns("fail", "security-groups")["seen"])
        self.turns("fail", "member-groups")
        self.world.answer("DescribeSecurityGroups", "")
        self.world.change("DescribeSecurityGroups", r"<cidrIp>10.0.0.0/8</cidrIp>", "<cidrIp>10.0.0.0/32</cidrIp>", count=9)
        self.turns("fail", "security-groups")

    def test_network_acls(self):
        deny = ("<item><ruleNumber>50</ruleNumber><protocol>17</protocol><ruleAction>deny</ruleAction><egress>false</egress>"
                "<cidrBlock>10.0.0.0/8</cidrBlock><portRange><from>4000</from><to>5000</to></portRange></item>")
        self.world.change("DescribeNetworkAcls", "<entrySet>", "<entrySet>" + deny, count=9)
        self.turns("fail", "network-acls")
        self.world.answer("DescribeNetworkAcls", "")
        self.world.change("DescribeNetworkAcls", "<entrySet>", "<entrySet>" + deny.replace("4000", "4790"), count=9)
        self.assertEqual({c["status"] for n, c in self.checks().items() if n.startswith("network-acls")}, {"pass"})

    def test_routes(self):
        self.world.change("DescribeRouteTables", "<state>active</state>", "<state>blackhole</state>", count=99)
        self.turns("fail", "routes")
        self.world.answer("DescribeRouteTables", "")
        self.world.change("DescribeRouteTables", r"<vpcPeeringConnectionId>pcx-\w+</vpcPeeringConnectionId>", "<gatewayId>igw-1</gatewayId>", count=99)
        self.turns("fail", "routes")
        self.world.answer("DescribeRouteTables", "")
        self.world.change("DescribeRouteTables", r"<vpcPeeringConnectionId>pcx-\w+</vpcPeeringConnectionId>", "<transitGatewayId>tgw-1</transitGatewayId>", count=99)
        self.assertIn("transit gateway", self.turns("warn", "mtu")["seen"])

    def test_what_is_launched(self):
        self.world.change("DescribeImages", "<imageState>available", "<imageState>deregistered")
        self.assertIn("deregistered", self.turns("fail", "launch")["seen"])
        self.world.answer("DescribeImages", "<imagesSet/>")
        self.assertIn("not found", self.turns("fail", "launch")["seen"])
        self.world.answer("DescribeImages", "")
        self.world.answer("DescribeSecurityGroups", "<securityGroupInfo/>")
        self.assertIn("security group", self.turns("fail", "launch")["seen"])

    def test_a_target_that_is_an_interface(self):
        created = self.sim("--no-auth", "--plain", instances=300)
        self.backfill(created)
        listed = created.query("DescribeTrafficMirrorTargets").findall("trafficMirrorTargetSet/item")
        target, interface = next((t.findtext("trafficMirrorTargetId"), t.findtext("networkInterfaceId")) for t in listed if t.findtext("networkInterfaceId"))
        self.world = created
        with open(created.config, encoding="utf-8") as f:
            config = self.write("interface.yaml", re.sub(r"targetId: \S+", f"targetId: {target}", f.read()))
        found = self.checks(config=config)
        self.assertEqual(found[f"receiver:{target}"]["status"], "pass")
        self.assertEqual(found[f"sources:{target}"]["status"], "fail")     # a t3 takes ten
        instance = created.query("DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": interface}).findtext("networkInterfaceSet/item/attachment/instanceId")
        created.ask(f"/_sim/instances/{instance}/stop", b"")
        self.assertIn("stopped", self.turns("fail", "receiver", config=config)["seen"])

    def test_deployment(self):
        rule = {"Name": "stack-LaunchRule", "Description": "Instances that are running now", "State": "ENABLED"}
        self.world.answer("ListRules", json.dumps({"Rules": [rule, {"Name": "other", "State": "DISABLED"}]}))
        self.assertEqual(self.checks()["deployment:stack-LaunchRule"]["status"], "pass")
        self.world.answer("ListRules", json.dumps({"Rules": [{**rule, "State": "DISABLED"}]}))
        self.turns("warn", "deployment")

    def test_what_cannot_be_looked_at(self):
        self.world.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeRegions@1", "refuse:AccessDenied:DescribeTargetGroups@1"]})
        found = self.checks()
        self.assertEqual(found["region"]["status"], "warn")
        self.assertEqual(found["permission:elasticloadbalancing:DescribeTargetGroups"]["status"], "fail")

    def test_as_text(self):
        done = self.tmflow("doctor", "--config", self.world.config, sim=self.world)
        self.assertRegex(done.out, r"(?m)^pass  identity: arn:aws:iam::123456789012:user/ec2sim in account 123456789012$")
        self.assertRegex(done.out, r"(?m)^\d+ pass, 0 warn, 0 fail$")


if __name__ == "__main__":
    harness.main()
