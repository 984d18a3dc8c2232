#!/usr/bin/env python3
"""tmflow audit: each kind of finding has a world in which it is seen, and is not seen in the same world before."""
import csv
import io
import json
import re

import harness

OTHER = "999988887777"


class Audit(harness.Case):
    def setUp(self):
        super().setUp()
        self.world = self.sim("--no-auth", "--plain", instances=24)
        self.assertEqual(self.backfill(self.world).code, 0)

    # --- a world and its changes ---

    def answer(self, operation, text):
        self.world.answer(operation, text)

    def change(self, operation, old, new):
        self.world.change(operation, old, new)

    def audit(self, *args, config=None):
        return self.tmflow("audit", "--config", config or self.world.config, *args, sim=self.world)

    def findings(self, *args, config=None):
        done = self.audit("-o", "json", *args, config=config)
        self.assertEqual(done.code, 0, done.err)
        return done.json["findings"]

    def of(self, kind, *args, config=None):
        return [f for f in self.findings(*args, config=config) if f["kind"] == kind]

    def seen(self, kind, resource, severity, *args, config=None):
        found = [f for f in self.of(kind, *args, config=config) if f["resource"] == resource]
        self.assertEqual([f["severity"] for f in found], [severity], found)
        return found[0]

    def sessions(self):
        return sorted(self.world.every_session(), key=lambda s: s["trafficMirrorSessionId"])

    def one(self):
        """A session of tmflow's to a load balancer."""
        created = {t["TargetId"] if "TargetId" in t else t for t in self.created_targets()}
        return next(s for s in self.sessions() if s["trafficMirrorTargetId"] not in created)

    def created_targets(self):
        return [t.findtext("trafficMirrorTargetId") for t in self.targets() if t.findtext("networkInterfaceId")]

    def targets(self):
        return self.world.query("DescribeTrafficMirrorTargets").findall("trafficMirrorTargetSet/item")

    def text(self):
        with open(self.world.config, encoding="utf-8") as f:
            return f.read()

    # --- the kinds ---

    def test_a_world_that_is_as_it_should_be(self):
        done = self.audit("-o", "json")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual({f["kind"] for f in done.json["findings"]} - {"open-filter", "idle-target"}, set())
        self.assertEqual(done.err, "")
        self.assertEqual(sorted(done.json["counts"]), ["low"])
        writes = [a for a in self.world.report()["actions"] if not a.startswith(("Describe", "Get", "List", "Lookup"))]
        self.world.ask("/_sim/reset-counters", b"")
        self.audit()
        self.assertEqual([a for a in self.world.report()["actions"] if a in writes], [])

    def test_the_contract_of_a_finding(self):
        finding = self.findings()[0]
        self.assertEqual(sorted(finding), ["account", "evidence", "kind", "region", "remedy", "resource", "severity"])
        self.assertEqual((finding["account"], finding["region"]), ("123456789012", "us-east-1"))

    def test_foreign_target(self):
        one = self.one()
        target = one["trafficMirrorTargetId"]
        self.assertEqual(self.of("foreign-target"), [])
        self.change("DescribeTrafficMirrorTargets", rf"({target}.*?<ownerId>)\d+", rf"\g<1>{OTHER}")
        found = self.seen("foreign-target", one["trafficMirrorSessionId"], "critical")     # it hides behind tmflow's tags
        self.assertIn(OTHER, found["evidence"])
        trusting = self.write("trusting.yaml", self.text() + f"\ntrustedAccounts: ['{OTHER}']\n")
        self.assertEqual(self.of("foreign-target", config=trusting), [])

    def test_foreign_target_of_a_session_of_somebody_else(self):
        one = self.one()
        made = self.world.query("CreateTrafficMirrorSession", NetworkInterfaceId=one["networkInterfaceId"], SessionNumber=7,
                                TrafficMirrorTargetId=one["trafficMirrorTargetId"], TrafficMirrorFilterId=one["trafficMirrorFilterId"])
        session = made.findtext("trafficMirrorSession/trafficMirrorSessionId")
        self.seen("stranger-session", session, "medium")
        self.change("DescribeTrafficMirrorTargets", rf"<item><trafficMirrorTargetId>{one['trafficMirrorTargetId']}.*?</item>(?=<item>|</traff)", "")
        self.assertIn("not listed", self.seen("foreign-target", session, "high")["evidence"])

    def test_shared_target(self):
        target = self.one()["trafficMirrorTargetId"]
        self.assertEqual(self.of("shared-target"), [])
        self.answer("ListResources", json.dumps({"resources": [
            {"arn": f"arn:aws:ec2:us-east-1:123456789012:traffic-mirror-target/{target}", "resourceShareArn": "arn:share"}]}))
        self.answer("ListPrincipals", json.dumps({"principals": [{"id": OTHER, "resourceShareArn": "arn:share", "external": True}]}))
        self.assertIn("outside of the organization", self.seen("shared-target", target, "high")["evidence"])
        self.answer("ListPrincipals", json.dumps({"principals": [{"id": "arn:aws:organizations::1:organization/o-1", "resourceShareArn": "arn:share"}]}))
        self.seen("shared-target", target, "medium")
        trusting = self.write("trusting.yaml", self.text() + f"\ntrustedAccounts: ['{OTHER}']\n")
        self.answer("ListPrincipals", json.dumps({"principals": [{"id": OTHER, "resourceShareArn": "arn:share", "external": True}]}))
        self.assertEqual(self.of("shared-target", config=trusting), [])

    def test_mirrored_sensor(self):
        one = self.one()
        self.assertEqual(self.of("mirrored-sensor"), [])
        self.change("DescribeTrafficMirrorTargets", r"<networkLoadBalancerArn>[^<]*given-1[^<]*</networkLoadBalancerArn>",
                    f"<networkInterfaceId>{one['networkInterfaceId']}</networkInterfaceId>")
        self.seen("mirrored-sensor", one["trafficMirrorSessionId"], "high")

    def holder(self, target):
        interface = next(t.findtext("networkInterfaceId") for t in self.targets() if t.findtext("trafficMirrorTargetId") == target)
        reply = self.world.query("DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": interface})
        return reply.findtext("networkInterfaceSet/item/attachment/instanceId")

    def test_dead_target(self):
        target = self.created_targets()[0]
        self.assertEqual(self.of("dead-target"), [])
        self.world.ask(f"/_sim/instances/{self.holder(target)}/stop", b"")
        self.assertIn("stopped", self.seen("dead-target", target, "high")["evidence"])

    def test_idle_instance_and_idle_target(self):
        target = self.created_targets()[0]
        instance = self.holder(target)
        self.assertNotIn(target, [f["resource"] for f in self.of("idle-target")])
        for session in self.sessions():
            if session["trafficMirrorTargetId"] == target:
                self.world.query("DeleteTrafficMirrorSession", TrafficMirrorSessionId=session["trafficMirrorSessionId"])
        self.assertEqual(self.of("idle-instance"), [])
        self.seen("idle-target", target, "low")
        self.world.query("DeleteTrafficMirrorTarget", TrafficMirrorTargetId=target)
        self.seen("idle-instance", instance, "medium")
        self.assertNotIn(target, [f["resource"] for f in self.findings()])

    def test_full_quota(self):
        def listed(count):
            items = "".join(f"<item><trafficMirrorSessionId>tms-{n}</trafficMirrorSessionId></item>" for n in range(count))
            self.answer("DescribeTrafficMirrorSessions", f"<trafficMirrorSessionSet>{items}</trafficMirrorSessionSet>")
        listed(8999)
        self.assertEqual(self.of("full-quota"), [])
        listed(9000)
        self.seen("full-quota", "sessions", "medium")
        listed(10000)
        self.assertIn("10000 of 10000", self.seen("full-quota", "sessions", "high")["evidence"])

    def test_filters(self):
        one = self.one()["trafficMirrorFilterId"]
        self.seen("open-filter", one, "low")
        self.assertEqual(self.of("empty-filter"), [])
        self.change("DescribeTrafficMirrorFilters", rf"({one}.*?<ruleAction>accept</ruleAction>)", r"\g<1><protocol>6</protocol>")
        self.assertEqual([f for f in self.findings() if f["resource"] == one], [])
        self.answer("DescribeTrafficMirrorFilters", "")
        self.change("DescribeTrafficMirrorFilters", rf"({one}</trafficMirrorFilterId>)<ingress.*?</egressFilterRuleSet>", r"\g<1>")
        self.seen("empty-filter", one, "medium")

    def test_drifted_session(self):
        one = self.one()["trafficMirrorSessionId"]
        self.assertEqual(self.of("drifted-session"), [])
        other = self.world.query("DescribeTrafficMirrorFilters").findall("trafficMirrorFilterSet/item")
        wrong = next(f.findtext("trafficMirrorFilterId") for f in other if f.findtext("trafficMirrorFilterId") != self.one()["trafficMirrorFilterId"])
        self.world.query("ModifyTrafficMirrorSession", TrafficMirrorSessionId=one, TrafficMirrorFilterId=wrong)
        self.assertIn(f"filter {wrong} instead of", self.seen("drifted-session", one, "medium")["evidence"])

    def instance_of(self, interface):
        reply = self.world.query("DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": interface})
        return reply.findtext("networkInterfaceSet/item/attachment/instanceId")

    def test_unwanted_session(self):
        one = self.one()
        instance = self.instance_of(one["networkInterfaceId"])
        excluding = self.write("config.d.yaml", self.text() + f"\nname: config\nexclude:\n  instanceIds: [{instance}]\n")
        self.assertEqual(self.of("unwanted-session"), [])
        self.assertIn("excluded", self.seen("unwanted-session", one["trafficMirrorSessionId"], "medium", config=excluding)["evidence"])

    def test_sources(self):
        one = self.one()
        session, interface = one["trafficMirrorSessionId"], one["networkInterfaceId"]
        instance = self.instance_of(interface)
        for kind in ("detached-source", "unmirrorable-source", "stopped-source"):
            self.assertEqual(self.of(kind), [])
        self.change("DescribeInstances", rf"({instance}</instanceId>.*?<instanceType>)[^<]*", r"\g<1>t2.micro")
        self.assertIn("t2.micro", self.seen("unmirrorable-source", session, "medium")["evidence"])
        self.answer("DescribeInstances", "")
        self.world.ask(f"/_sim/instances/{instance}/stop", b"")
        self.seen("stopped-source", session, "low")
        self.change("DescribeNetworkInterfaces", rf"({interface}</networkInterfaceId>.*?)<attachment>.*?</attachment>", r"\g<1>")
        self.seen("detached-source", session, "medium")

    def test_stranger_target(self):
        self.assertEqual(self.of("stranger-target"), [])
        arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/other/0123456789abcdef"
        made = self.world.query("CreateTrafficMirrorTarget", NetworkLoadBalancerArn=arn)
        target = made.findtext("trafficMirrorTarget/trafficMirrorTargetId")
        self.seen("stranger-target", target, "low")
        self.assertIn(arn, self.seen("idle-target", target, "low")["evidence"])

    def test_events(self):
        one = self.one()["trafficMirrorSessionId"]
        self.assertEqual(self.of("foreign-change", "--events"), [])
        self.world.query("DeleteTrafficMirrorSession", TrafficMirrorSessionId=one)
        self.assertEqual(self.of("foreign-change"), [])
        found = self.seen("foreign-change", one, "medium", "--events")
        self.assertIn("DeleteTrafficMirrorSession by ", found["evidence"])
        by_name = {e["name"]: e for e in found["events"]}
        run = self.tmflow("runs", "-o", "json").json[0]["runId"]
        self.assertEqual(by_name["CreateTrafficMirrorSession"]["run"], run)
        self.assertNotIn("run", by_name["DeleteTrafficMirrorSession"])
        self.assertIn("Python-urllib", by_name["DeleteTrafficMirrorSession"]["userAgent"])

    # --- what cannot be looked up ---

    def test_refused_lookups_are_named(self):
        self.world.ask("/_sim/faults", {"faults": ["refuse:AccessDeniedException:ListResources@1", "refuse:UnauthorizedOperation:DescribeInstances@1"]})
        done = self.audit("-o", "json")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual({i["operation"] for i in done.json["incomplete"]}, {"ram:ListResources", "ec2:DescribeInstances"})
        self.assertIn("is not complete: ram:ListResources: AccessDeniedException", done.err)
        self.assertEqual([f for f in done.json["findings"] if f["kind"] in ("detached-source", "dead-target")], [])

    def test_refused_sessions_end_it(self):
        self.world.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeTrafficMirrorSessions@1"]})
        done = self.audit("-o", "json")
        self.assertEqual(done.code, 1)
        self.assertEqual(done.json["error"], "UnauthorizedOperation")

    def test_without_a_configuration(self):
        done = self.tmflow("audit", "-o", "json", sim=self.world)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("stranger-target", {f["kind"] for f in done.json["findings"]})

    # --- options and forms ---

    def test_fail_on(self):
        self.assertEqual(self.audit("--fail-on", "low").code, 7)
        self.assertEqual(self.audit("--fail-on", "medium").code, 0)
        done = self.audit("--fail-on", "grave")
        self.assertEqual(done.code, 2)
        self.assertIn("low, medium, high or critical", done.err)

    def suppress(self, *lines):
        return self.write("accepted.yaml", "suppressions:\n" + "".join(f"  - {line}\n" for line in lines))

    def test_suppressions(self):
        accepted = self.suppress("{kind: open-filter, resource: 'tmf-*', reason: all traffic is wanted, until: 2999-12-31}",
                                 "{kind: idle-target, resource: '*', reason: spare, until: 2999-12-31}")
        done = self.audit("--suppress", accepted, "--fail-on", "low", "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual((done.json["findings"], done.json["counts"]), ([], {}))
        self.assertEqual({(f["reason"], f["until"]) for f in done.json["suppressed"] if f["kind"] == "open-filter"}, {("all traffic is wanted", "2999-12-31")})
        ended = self.suppress("{kind: '*', resource: '*', reason: r, until: 2020-01-01}", "{kind: dead-target, resource: x, reason: r, until: 2999-01-01}")
        done = self.audit("--suppress", ended, "--fail-on", "low")
        self.assertEqual(done.code, 7)
        self.assertIn("accepted.yaml:2:", done.err)
        self.assertIn("the suppression has ended", done.err)
        self.assertIn("fits no finding", done.err)

    def test_suppressions_that_are_wrong(self):
        for line, text in (("{kind: open-filter, resource: x, until: 2999-01-01}", "reason must be a text"),
                           ("{kind: open-filter, resource: x, reason: r}", "until must be a text"),
                           ("{kind: open-filter, resource: x, reason: r, until: 2999-02-30}", "not a date"),
                           ("{kind: nothing, resource: x, reason: r, until: 2999-01-01}", "not a kind of finding"),
                           ("{kind: open-filter, resource: x, reason: r, until: 2999-01-01, who: me}", "unknown key")):
            with self.subTest(line=line):
                done = self.audit("--suppress", self.suppress(line))
                self.assertEqual(done.code, 2)
                self.assertIn(text, done.err)

    def test_text_has_a_heading_for_findings_of_a_kind(self):
        self.world = self.sim("--no-auth", instances=60)
        self.assertEqual(self.backfill(self.world).code, 0)
        stopped = self.of("stopped-source")
        self.assertGreater(len(stopped), 1)
        lines = self.audit().out.splitlines()
        at = next(i for i, line in enumerate(lines) if "stopped-source" in line)
        self.assertRegex(lines[at], f"^low +stopped-source: {len(stopped)} in [0-9]{{12}}, us-east-1$")
        self.assertEqual([line.split()[0] for line in lines[at + 1:at + 1 + len(stopped)]], [f["resource"] for f in stopped])
        self.assertEqual(lines[at + 1 + len(stopped)].strip(), "remedy: " + stopped[0]["remedy"])
        self.assertEqual(sum("stopped-source" in line for line in lines), 1)

    def test_csv(self):
        self.change("DescribeTrafficMirrorTargets", r"(given-1.*?<type>)[^<]*", r"\g<1>a, &quot;b&quot;")
        self.world.query("CreateTrafficMirrorTarget", NetworkLoadBalancerArn="arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/o/0123456789abcdef")
        rows = list(csv.DictReader(io.StringIO(self.audit("-o", "csv").out)))
        self.assertEqual([r["kind"] for r in rows], [f["kind"] for f in self.findings()])
        self.assertEqual(self.tmflow("runs", "-o", "csv").code, 2)

    def test_sarif(self):
        accepted = self.suppress("{kind: open-filter, resource: '*', reason: wanted, until: 2999-12-31}")
        sarif = self.audit("-o", "sarif", "--suppress", accepted).json
        self.assertEqual(sarif["version"], "2.1.0")
        run = sarif["runs"][0]
        rules = {r["id"]: r for r in run["tool"]["driver"]["rules"]}
        for result in run["results"]:
            self.assertIn(result["ruleId"], rules)
            self.assertIn(result["level"], ("note", "warning", "error"))
            self.assertEqual("suppressions" in result, result["ruleId"] == "open-filter")
        self.assertEqual(rules["foreign-target"]["defaultConfiguration"]["level"], "error")

    def test_cost(self):
        cost = self.audit("-o", "json", "--price", "0.02").json["cost"]
        self.assertEqual(cost["sessions"], len(self.sessions()))
        self.assertAlmostEqual(cost["perHour"], 0.02 * cost["sessions"])
        prices = self.write("prices.yaml", "date: 2026-01-01\nsource: a list\nsessionHour: 0.5\nregions: {us-east-1: 0.1}\ninstanceHour: {t3.large: 1}\n")
        cost = self.audit("-o", "json", "--price", prices).json["cost"]
        self.assertAlmostEqual(cost["perHour"], 0.1 * cost["sessions"])
        self.assertEqual((cost["date"], cost["source"]), ("2026-01-01", "a list"))
        self.assertIn("USD an hour", self.audit().out)
        self.assertEqual(self.audit("--price", self.write("bad.yaml", "sessionHour: 1\n")).code, 2)


class Places(harness.Case):
    def test_accounts_trust_each_other_and_one_is_denied(self):
        sim = self.sim("--accounts", "3", "--deny-role", "123456789014", instances=10)
        done = self.tmflow("audit", "--account", "123456789013,123456789014", "--assume-role", "arn:aws:iam::{account}:role/audit", "-o", "json", sim=sim)
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual([(f["account"], f["region"]) for f in done.json["failed"]], [("123456789014", "us-east-1")])
        self.assertEqual({f["account"] for f in done.json["findings"]}, {"123456789013"})
        self.assertIn("123456789014 in us-east-1 was not audited", done.err)

    def test_the_trail_shows_the_run_in_a_role(self):
        sim = self.sim(instances=60)   # some of them are stopped, and their sessions findings
        role = "arn:aws:iam::123456789012:role/mirror"
        self.assertEqual(self.backfill(sim, "--assume-role", role, "--run-id", "nightly").code, 0)
        events = self.tmflow("audit", "-o", "json", "--events", sim=sim).json["findings"]
        users = {(e["user"], e["run"]) for f in events for e in f.get("events", []) if e["name"] == "CreateTrafficMirrorSession"}
        self.assertEqual(users, {("arn:aws:sts::123456789012:assumed-role/mirror/tmflow-nightly", "nightly")})


if __name__ == "__main__":
    harness.main()
