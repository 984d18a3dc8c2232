#!/usr/bin/env python3
"""Somebody else's session with a lower number whose filter takes everything leaves nothing: the outcome is `shadowed`."""
import json

import harness

EVERYTHING, ALSO_EVERYTHING, WEB, NOTHING = range(4)


class Shadowed(harness.Case):
    def world(self, *options, instances=12):
        """A world of one VPC, its rule, and its interfaces."""
        sim = self.sim("--no-auth", "--plain", "--vpcs", "1", *options, instances=instances)
        world = sim.ask("/_sim/world")
        config = self.write("rule.yaml", "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n"
                            % (world["Vpcs"][0], world["Filters"][EVERYTHING], world["GivenTargets"][0]))
        return sim, world, config, [i["NetworkInterfaces"][0]["NetworkInterfaceId"] for i in world["Instances"]]

    def foreign(self, sim, world, interface, number, filter_=ALSO_EVERYTHING):
        sim.query("CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=world["GivenTargets"][1],
                  TrafficMirrorFilterId=world["Filters"][filter_], SessionNumber=number)

    def outcomes(self):
        done = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl")
        return [json.loads(line) for line in done.out.splitlines()]

    def shadowed(self, run):
        return run.json.get("reasons", {}).get("created", {}).get("shadowed", 0)

    def looks(self, sim):
        return sim.report()["actions"].get("DescribeTrafficMirrorFilters", {}).get("calls", 0)

    def test_created_then_present(self):
        sim, world, config, interfaces = self.world()
        self.foreign(sim, world, interfaces[0], 10)
        self.foreign(sim, world, interfaces[1], 10, WEB)
        self.foreign(sim, world, interfaces[2], 10, NOTHING)
        self.foreign(sim, world, interfaces[3], 200)
        plan = self.backfill(sim, "--dry-run", config=config)
        done = self.backfill(sim, config=config)
        for run in (plan, done):
            self.assertEqual((run.code, run.json["summary"]), (0, {"created": 12}), run.err)
        self.assertEqual(self.shadowed(done), 1, done.out)
        row = next(r for r in self.outcomes() if r.get("reason") == "shadowed")
        self.assertEqual(row["networkInterfaceId"], interfaces[0])
        self.assertIn("takes all packets", row["cause"])
        again = self.backfill(sim, config=config)
        self.assertEqual((again.code, again.json["summary"]), (0, {"present": 11, "shadowed": 1}), again.err)
        answer = self.tmflow("explain", row["instanceId"], "--config", config, "-o", "json", sim=sim).json
        self.assertEqual(answer["interfaces"][0]["outcome"], "shadowed")
        self.assertTrue(answer["interfaces"][0]["shadowedBy"].startswith("tms-"))

    def test_each_filter_is_looked_up_once(self):
        sim, world, config, interfaces = self.world("--foreign-share", "0.5", instances=700)
        sim.ask("/_sim/reset-counters", {})
        done = self.backfill(sim, "--no-online-check", config=config)
        self.assertGreater(self.shadowed(done), 100)
        self.assertEqual(self.looks(sim), 1)

    def test_not_looked_up_without_others(self):
        sim, world, config, interfaces = self.world()
        self.foreign(sim, world, interfaces[0], 200)
        sim.ask("/_sim/reset-counters", {})
        done = self.backfill(sim, "--no-online-check", config=config)
        self.assertEqual((done.json["summary"], self.looks(sim)), ({"created": 12}, 0))

    def test_denied_is_said_once_and_not_judged(self):
        sim, world, config, interfaces = self.world("--foreign-share", "0.5", instances=700)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeTrafficMirrorFilters@1"]})
        done = self.backfill(sim, "--no-online-check", config=config)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 700}), done.err)
        self.assertEqual(self.shadowed(done), 0)
        self.assertEqual(done.err.count("filters.unknown"), 1, done.err)
        self.assertEqual(self.looks(sim), 1)

    def test_throttled_is_asked_again(self):
        sim, world, config, interfaces = self.world()
        self.foreign(sim, world, interfaces[0], 10)
        sim.ask("/_sim/faults", {"faults": ["throttle:DescribeTrafficMirrorFilters@#%d" % n for n in (1, 2, 3)]})
        done = self.backfill(sim, "--no-online-check", config=config)
        self.assertEqual((done.code, self.shadowed(done)), (0, 1), done.err)


if __name__ == "__main__":
    harness.main()
