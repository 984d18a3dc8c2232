#!/usr/bin/env python3
"""Sessions as the configuration wants them: faults at every single call, changed configurations, options of rules, tags, and what cannot be made."""
import json

import harness

MUTATING = ("Create", "Modify", "Delete", "Run", "Terminate")
DESCRIBES = ("DescribeInstances", "DescribeTrafficMirrorTargets", "DescribeTrafficMirrorSessions")
KINDS = ("throttle", "500", "503", "500-after", "reset-before", "reset-after", "truncate", "garbage")


class Sessions(harness.Case):
    def rows(self, run="@latest"):
        done = self.tmflow("show", run, "--outcomes", "-o", "jsonl")
        return [json.loads(line) for line in done.out.splitlines()]

    def complete(self, sim, done, config=None):
        self.assertEqual(done.code, 0, done.err + done.out)
        verdict = sim.expected(config)
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        return report

    def mutations(self, sim):
        return {action: row["calls"] for action, row in sim.report()["actions"].items() if action.startswith(MUTATING)}

    # --- faults ---

    def small(self, *options):
        return self.sim("--single-subnet", "--plain", *options, instances=2)

    def faulty(self, fault):
        """One fault, then all is as it should be, with one instance launched."""
        sim = self.small("--fault", fault)
        report = self.complete(sim, self.backfill(sim, state=fault))
        self.assertEqual((report["sessions"]["live"], report["instances"]["launched"]), (2, 1), fault)
        sim.stop()
        return report

    def test_a_connection_reset_at_every_call(self):
        sim = self.small()
        calls = self.complete(sim, self.backfill(sim))["requests"]
        self.assertGreaterEqual(calls, 7)
        sim.stop()
        for k in range(1, calls + 1):
            for when in ("before", "after"):
                report = self.faulty(f"reset-{when}@#{k}")
                self.assertEqual(report["requests"], calls + 1)

    def test_each_fault_of_each_operation(self):
        for operation in (*DESCRIBES, "RunInstances", "CreateTrafficMirrorTarget", "CreateTrafficMirrorSession"):
            for kind in KINDS:
                self.faulty(f"{kind}:{operation}@#1")

    def test_sessions_that_cannot_be_made_are_recorded(self):
        sim = self.sim("--single-subnet", "--plain", "--session-limit", "5", instances=8)
        done = self.backfill(sim)
        self.assertEqual(done.code, 5, done.err)
        self.assertEqual(done.json["summary"], {"created": 5, "failed": 3})
        for row in self.rows():
            if row["outcome"] == "failed":
                self.assertEqual(row["error"], "TrafficMirrorSessionLimitExceeded")
                self.assertTrue(row["cause"])
                self.assertTrue(row["requestId"])

    # --- what rules ask for ---

    def config(self, world, **rule):
        """A tag rule with a given target; more of the rule as given."""
        fields = {"tagList": [{"Key": "mirror", "Value": "yes"}], "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0], **rule}
        return self.write("config.json", json.dumps({"tags": [fields]}))

    def test_all_interfaces(self):
        sim = self.sim(instances=200)
        world = sim.ask("/_sim/world")
        config = self.config(world, interfaces="all")
        report = self.complete(sim, self.backfill(sim, config=config), config)
        mirrored = [i for i in world["Instances"] if i["Tags"].get("mirror") == "yes" and i["Mirrorable"]]
        self.assertEqual(report["sessions"]["live"], sum(len(i["NetworkInterfaces"]) for i in mirrored))
        self.assertGreater(report["sessions"]["live"], len(mirrored))

    def test_all_tags(self):
        sim = self.sim(instances=400)
        world = sim.ask("/_sim/world")
        config = self.config(world, tagList=[{"Key": "mirror", "Value": "yes"}, {"Key": "team", "Value": "web"}], tagMatch="all")
        report = self.complete(sim, self.backfill(sim, config=config), config)
        both = [i for i in world["Instances"] if (i["Tags"].get("mirror"), i["Tags"].get("team")) == ("yes", "web")
                and i["Mirrorable"] and i["NetworkInterfaces"]]
        self.assertEqual(report["sessions"]["live"], len(both))
        self.assertGreater(len(both), 5)

    def test_an_empty_tag_value(self):
        """A tag without a value is one of AWS's, and a rule may name it; keys for YAML anchors are passed over."""
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=4)
        world = sim.ask("/_sim/world")
        chosen = world["Instances"][1]["InstanceId"]
        sim.query("CreateTags", **{"ResourceId.1": chosen, "Tag.1.Key": "mirror-me", "Tag.1.Value": ""})
        config = self.write("config.yaml", f"""
x-goal: &goal {{filterId: {world["Filters"][0]}, targetId: {world["GivenTargets"][0]}, targetInstanceType: c5.large}}
tags:
  - <<: *goal
    tagList: [{{Key: mirror-me, Value: ""}}]
""")
        done = self.backfill(sim, config=config)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 1, "unmatched": 3}), done.err)
        self.assertEqual([r["instanceId"] for r in self.rows() if r["outcome"] == "created"], [chosen])
        self.assertIn("keys are ignored, because the rule has a targetId: targetInstanceType", done.err)

    def test_stopped_instances_are_mirrored(self):
        """They can start at any time."""
        sim = self.sim(instances=300)
        world = sim.ask("/_sim/world")
        self.complete(sim, self.backfill(sim))
        stopped = {i["InstanceId"] for i in world["Instances"] if i["State"] == "stopped" and i["Mirrorable"]}
        created = {r["instanceId"] for r in self.rows() if r["outcome"] == "created"}
        self.assertGreater(len(stopped & created), 5)
        self.assertEqual({r["outcome"] for r in self.rows() if r["instanceId"] in stopped}, {"created", "unmatched"})

    def test_stopped_instances_may_be_left_out(self):
        """The dry run, the run and explain say the same; their state is the reason."""
        sim = self.sim("--no-auth", instances=300)
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("running.yaml", f.read() + "instanceStates: [running, pending]\n")
        plan = self.backfill(sim, "--dry-run", config=config)
        done = self.backfill(sim, config=config)
        self.assertEqual(plan.json["summary"], done.json["summary"])
        states = {i["InstanceId"]: i["State"] for i in sim.ask("/_sim/world")["Instances"]}
        stopped = [r for r in self.rows() if states.get(r["instanceId"]) in ("stopped", "stopping")]
        self.assertGreater(len(stopped), 5)
        self.assertEqual({(r["outcome"], r["reason"]) for r in stopped} - {("ineligible", "stopped"), ("ineligible", "stopping")}, set())
        self.assertGreater(done.json["summary"]["created"], 20)
        answer = self.tmflow("explain", stopped[0]["instanceId"], "--config", config, "-o", "json", sim=sim).json
        self.assertEqual((answer["eligible"], answer["reason"]), (False, stopped[0]["reason"]))

    def test_sessions_of_a_type_that_is_not_mirrored(self):
        """They were made when the instance had another type, and carry nothing now."""
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=6)
        self.assertEqual(self.backfill(sim).json["summary"], {"created": 6})
        world = sim.ask("/_sim/world")
        kind = world["Instances"][0]["InstanceType"]
        of_kind = [i["InstanceId"] for i in world["Instances"] if i["InstanceType"] == kind]
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("config.yaml", f.read() + f"instanceTypes: {{unmirrorable: [{kind}]}}\n")
        for options in (("--dry-run",), ()):
            run = self.backfill(sim, *options, config=config).json["runId"]
            rows = {r["instanceId"]: r for r in self.rows(run)}
            for instance in of_kind:
                self.assertEqual((rows[instance]["outcome"], rows[instance]["reason"]), ("unwanted", "type"))
                self.assertTrue(rows[instance]["sessionId"])
        answer = self.tmflow("explain", of_kind[0], "--config", config, "-o", "json", sim=sim).json["interfaces"][0]
        self.assertEqual((answer["outcome"], answer["reason"]), ("ineligible", "type"))
        self.assertEqual(self.mutations(sim), {"CreateTrafficMirrorSession": 6, "CreateTrafficMirrorTarget": 1, "RunInstances": 1})

    def test_a_stopped_sensor_gets_a_successor(self):
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=4)
        self.assertEqual(self.backfill(sim).json["summary"], {"created": 4})
        sensor = sim.report()["launched"][0]["instanceId"]
        sim.ask(f"/_sim/instances/{sensor}/stop", b"")
        plan = self.backfill(sim, "--dry-run")
        self.assertEqual(plan.json["summary"].get("updated"), 4)
        self.assertEqual(sum("whose instance is stopped or gone, instead of the subnet's" in str(item.get("differences")) for item in plan.json["plan"]), 4)
        self.assertEqual(self.backfill(sim).json["summary"].get("updated"), 4)
        self.assertEqual(len({s["trafficMirrorTargetId"] for s in sim.sessions().values()}), 1)
        self.assertEqual(len(sim.report()["launched"]), 2)
        again = self.backfill(sim)
        self.assertEqual(again.json["summary"].get("present"), 4)

    def test_tags_do_not_change_from_run_to_run(self):
        first = self.sim("--no-auth", instances=60)
        world = first.ask("/_sim/world")
        config = self.config(world, name="mine")
        self.complete(first, self.backfill(first, config=config), config)
        tags = [s["tags"] for s in first.sessions().values()]
        self.assertGreater(len(tags), 5)
        self.assertEqual({json.dumps(t, sort_keys=True) for t in tags},
                         {json.dumps({"tmflow:tool": "tmflow", "tmflow:configuration": "config", "tmflow:rule": "mine", "tmflow:workflow": "backfill"},
                                     sort_keys=True)})
        first.stop()
        second = self.sim("--no-auth", instances=60)
        self.complete(second, self.backfill(second, state="other", config=config), config)
        self.assertEqual([s["tags"] for s in second.sessions().values()], tags)

    # --- changed configurations ---

    def test_a_changed_configuration_changes_exactly_the_difference(self):
        sim = self.sim("--no-auth", "--vpcs", "2", instances=120)
        world = sim.ask("/_sim/world")
        rules = [{"vpcId": vpc, "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]} for vpc in world["Vpcs"]]

        def run():
            config = self.write("config.json", json.dumps({"vpcs": rules}))
            sim.ask("/_sim/reset-counters", b"")
            done = self.backfill(sim, config=config)
            self.complete(sim, done, config)
            return done.json["summary"]

        created = run()["created"]
        before = sim.sessions()
        self.assertEqual(len(before), created)
        of_first = {r["networkInterfaceId"] for r in self.rows() if r["outcome"] == "created" and r["rule"] == "vpcs[0]"}
        self.assertTrue(0 < len(of_first) < created)
        for key, value, element in (("filterId", world["Filters"][1], "trafficMirrorFilterId"), ("targetId", world["GivenTargets"][1], "trafficMirrorTargetId"),
                                    ("sessionNumber", 7, "sessionNumber"), ("virtualNetworkId", 4711, "virtualNetworkId"), ("packetLength", 96, "packetLength")):
            rules[0][key] = value
            summary = run()
            self.assertEqual((summary.get("updated"), summary["present"], summary.get("created")), (len(of_first), created - len(of_first), None), key)
            self.assertEqual(self.mutations(sim), {"ModifyTrafficMirrorSession": len(of_first)})
            after = sim.sessions()
            self.assertEqual({s[element] for i, s in after.items() if i in of_first}, {str(value)})
            for interface, session in before.items():
                if interface not in of_first:
                    self.assertEqual(after[interface], session)
                self.assertEqual(after[interface]["trafficMirrorSessionId"], session["trafficMirrorSessionId"])
        self.assertNotIn("updated", run())
        self.assertEqual(self.mutations(sim), {})


if __name__ == "__main__":
    harness.main()
