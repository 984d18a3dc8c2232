#!/usr/bin/env python3
"""`matching: all`: each rule that matches an instance gives it a session."""
import json

import harness


class Matching(harness.Case):
    def rows(self):
        done = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl")
        return [json.loads(line) for line in done.out.splitlines()]

    def world(self, instances=6):
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=instances)
        return sim, sim.ask("/_sim/world")

    def config(self, world, *rules, file="all.json", **more):
        """Rules of the VPC, each (name, filter, target, more of it)."""
        vpcs = [{"name": name, "vpcId": world["Vpcs"][0], "filterId": world["Filters"][f], "targetId": world["GivenTargets"][t], **extra}
                for name, f, t, extra in rules]
        return self.write(file, json.dumps({"matching": "all", "vpcs": vpcs, **more}))

    def run_it(self, sim, config, *options, code=0):
        """Plan and run say the same, and a second run changes nothing."""
        plan = self.backfill(sim, "--dry-run", *options, config=config)
        done = self.backfill(sim, *options, config=config)
        self.assertEqual((plan.code, done.code), (0, code), done.err)
        self.assertEqual(plan.json["summary"], done.json["summary"])
        return done.json["summary"]

    def of_interfaces(self, sim):
        found = {}
        for s in sim.every_session():
            found.setdefault(s["networkInterfaceId"], {})[s["tags"].get("tmflow:rule")] = (int(s["sessionNumber"]), s["trafficMirrorFilterId"])
        return found

    def test_each_rule_gives_a_session(self):
        sim, world = self.world()
        config = self.config(world, ("ids", 0, 0, {}), ("capture", 1, 1, {}), ("ids-again", 0, 0, {}))
        self.assertEqual(self.run_it(sim, config), {"created": 12})
        self.assertEqual({json.dumps(of, sort_keys=True) for of in self.of_interfaces(sim).values()},
                         {json.dumps({"ids": [100, world["Filters"][0]], "capture": [101, world["Filters"][1]]}, sort_keys=True)})
        self.assertEqual({(r["rule"], r["outcome"]) for r in self.rows()}, {("ids", "created"), ("capture", "created")})
        self.assertEqual(self.run_it(sim, config), {"present": 12})
        answer = self.tmflow("explain", world["Instances"][0]["InstanceId"], "--config", config, "-o", "json", sim=sim).json
        self.assertEqual([r["matches"] for r in answer["rules"]], [True, True, True])
        self.assertEqual([(i["rule"], i["outcome"]) for i in answer["interfaces"]], [("ids", "present"), ("capture", "present")])

    def test_a_rule_changes_only_its_own(self):
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, ("ids", 0, 0, {}), ("capture", 1, 1, {}))), {"created": 12})
        before = self.of_interfaces(sim)
        # The filter of one changes to that of the other, with another target: its session follows, the other's stays.
        self.assertEqual(self.run_it(sim, self.config(world, ("ids", 1, 0, {}), ("capture", 1, 1, {}))), {"updated": 6, "present": 6})
        after = self.of_interfaces(sim)
        for interface, sessions in after.items():
            self.assertEqual(sessions["capture"], before[interface]["capture"])
            self.assertEqual(sessions["ids"], (100, world["Filters"][1]))

    def test_numbers_that_rules_ask_for_go_first(self):
        sim, world = self.world()
        config = self.config(world, ("any", 0, 0, {}), ("asks", 1, 1, {"sessionNumber": 100}), ("too", 1, 0, {"sessionNumber": 100}))
        self.assertEqual(self.run_it(sim, config), {"created": 12, "conflict": 6})
        self.assertEqual({tuple(sorted((rule, number) for rule, (number, _) in of.items())) for of in self.of_interfaces(sim).values()},
                         {(("any", 101), ("asks", 100))})

    def test_a_number_that_a_session_is_to_get_is_taken(self):
        """One rule's session moves to the next free number, which the other rule's new session would have got."""
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, ("ids", 0, 0, {}))), {"created": 6})
        config = self.config(world, ("ids", 0, 0, {"sessionNumber": 101}), ("capture", 1, 1, {}))
        self.assertEqual(self.run_it(sim, config), {"updated": 6, "created": 6})
        self.assertEqual({tuple(sorted((rule, number) for rule, (number, _) in of.items())) for of in self.of_interfaces(sim).values()},
                         {(("capture", 102), ("ids", 101))})
        self.assertEqual(self.run_it(sim, config), {"present": 12})

    def test_a_rule_for_all_interfaces_beside_one_for_the_primary(self):
        """Both mirror alike: the primary interface has one session, and the others that of the rule which takes them. None of them is unwanted."""
        sim = self.sim("--no-auth", "--vpcs", "1", "--subnets-per-vpc", "1", instances=40)
        world = sim.ask("/_sim/world")
        config = self.config(world, ("first", 0, 0, {}), ("other", 1, 1, {}), ("every", 0, 0, {"interfaces": "all"}))
        done = self.run_it(sim, config, "--prune")
        found = self.of_interfaces(sim)
        primary = {n["NetworkInterfaceId"]: n["DeviceIndex"] == 0 for i in world["Instances"] if i["Mirrorable"] for n in i["NetworkInterfaces"]}
        self.assertGreater(len(primary), sum(primary.values()))
        self.assertEqual({i: sorted(of) for i, of in found.items()}, {i: ["first", "other"] if first else ["every"] for i, first in primary.items()})
        self.assertEqual(self.run_it(sim, config, "--prune")["present"], done["created"])
        coverage = self.tmflow("coverage", "--config", config, "-o", "json", sim=sim).json
        self.assertEqual(coverage["classes"]["mirrored"], len(primary), coverage["classes"])
        self.assertNotIn("unwanted-session", self.tmflow("audit", "--config", config, sim=sim).out)

    def test_three_on_an_interface_at_most(self):
        sim, world = self.world(2)
        rules = [("a", 0, 0, {}), ("b", 0, 1, {}), ("c", 1, 0, {}), ("d", 1, 1, {})]
        self.assertEqual(self.run_it(sim, self.config(world, *rules)), {"created": 6, "ineligible": 2})
        self.assertEqual({(r["rule"], r.get("reason")) for r in self.rows() if r["outcome"] == "ineligible"}, {("d", "session-limit")})

    def test_from_first_to_all_and_back(self):
        sim, world = self.world()
        rules = [("ids", 0, 0, {}), ("capture", 1, 1, {})]
        first = self.config(world, *rules, file="first.json", matching="first", name="us")
        every = self.config(world, *rules, name="us")
        self.assertEqual(self.run_it(sim, first), {"created": 6})
        self.assertEqual(self.run_it(sim, every), {"present": 6, "created": 6})
        self.assertEqual(self.run_it(sim, first)["present"], 6)
        self.assertEqual(self.run_it(sim, every), {"present": 12})

    def unwanted(self):
        return sorted((row["rule"], row["reason"]) for row in self.rows() if row["outcome"] in ("unwanted", "removed"))

    def test_a_rule_that_is_gone_leaves_nothing_behind(self):
        """Its sessions go, those of the other rule on the same interfaces stay; so with one that does not take all any more."""
        sim, world = self.world()
        both = [("ids", 0, 0, {}), ("capture", 1, 1, {})]
        self.assertEqual(self.run_it(sim, self.config(world, *both, name="us")), {"created": 12})
        one = self.config(world, both[0], name="us")
        self.assertEqual(self.run_it(sim, one), {"present": 6, "unwanted": 6})
        self.assertEqual(self.unwanted(), [("capture", "no-rule")] * 6)
        self.assertEqual(self.run_it(sim, one, "--prune"), {"present": 6, "removed": 6})
        self.assertEqual({tuple(of) for of in self.of_interfaces(sim).values()}, {("ids",)})
        self.assertEqual(self.run_it(sim, one, "--prune"), {"present": 6})
        # A rule by another name and of the same filter and target finds its session there.
        self.assertEqual(self.run_it(sim, self.config(world, ("renamed", 0, 0, {}), both[1], name="us"), "--prune"), {"present": 6, "created": 6})
        # One that takes a single instance now.
        narrow = self.write("narrow.json", json.dumps({"name": "us", "matching": "all", "vpcs": [
            {"name": "ids", "vpcId": world["Vpcs"][0], "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]}],
            "tags": [{"name": "capture", "tagList": [{"Key": "only", "Value": "this"}], "filterId": world["Filters"][1],
                      "targetId": world["GivenTargets"][1]}]}))
        sim.query("CreateTags", **{"ResourceId.1": world["Instances"][0]["InstanceId"], "Tag.1.Key": "only", "Tag.1.Value": "this"})
        self.assertEqual(self.run_it(sim, narrow, "--prune"), {"present": 7, "removed": 5})
        self.assertEqual(len(sim.every_session()), 7)

    def test_back_to_first_leaves_one(self):
        """Where one rule takes an interface, a second session of ours there is surplus; the retry of a refused removal ends it."""
        sim, world = self.world()
        rules = [("ids", 0, 0, {}), ("capture", 1, 1, {})]
        self.assertEqual(self.run_it(sim, self.config(world, *rules, name="us")), {"created": 12})
        first = self.config(world, *rules, file="first.json", matching="first", name="us")
        self.assertEqual(self.run_it(sim, first), {"present": 6, "unwanted": 6})
        self.assertEqual(self.unwanted(), [("capture", "surplus")] * 6)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DeleteTrafficMirrorSession@1"]})
        done = self.backfill(sim, "--prune", config=first)
        self.assertEqual((done.code, done.json["summary"]), (5, {"present": 6, "failed": 6}), done.err)
        sim.ask("/_sim/faults", {"faults": []})
        again = self.tmflow("resume", "@latest", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual((again.code, again.json["summary"]), (0, {"present": 6, "removed": 6}), again.err)
        self.assertEqual({tuple(of) for of in self.of_interfaces(sim).values()}, {("ids",)})
        self.assertEqual(self.run_it(sim, first, "--prune"), {"present": 6})

    def test_a_number_that_another_session_of_ours_has(self):
        """The one with the number becomes the rule's, since the rule's former one cannot get it."""
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, ("ids", 0, 0, {}), ("capture", 1, 1, {}), name="us")), {"created": 12})
        first = self.config(world, ("capture", 1, 1, {"sessionNumber": 100}), file="first.json", matching="first", name="us")
        self.assertEqual(self.run_it(sim, first, "--prune", "--prune-limit", "100%"), {"updated": 6, "removed": 6})
        self.assertEqual({(s["sessionNumber"], s["trafficMirrorFilterId"]) for s in sim.every_session()}, {("100", world["Filters"][1])})
        self.assertEqual(self.run_it(sim, first, "--prune"), {"present": 6})

    def test_what_failed_is_tried_again_by_rule(self):
        """One session of each interface is refused; the retry makes those and leaves the others alone."""
        sim, world = self.world()
        config = self.config(world, ("ids", 0, 0, {}), ("capture", 1, 1, {}))
        sim.ask("/_sim/faults", {"faults": [f"refuse:UnauthorizedOperation:CreateTrafficMirrorSession:{world['GivenTargets'][1]}@1"]})
        done = self.backfill(sim, config=config)
        self.assertEqual((done.code, done.json["summary"]), (5, {"created": 6, "failed": 6}), done.err)
        self.assertEqual({r["rule"] for r in self.rows() if r["outcome"] == "failed"}, {"capture"})
        sim.ask("/_sim/faults", {"faults": []})
        sim.ask("/_sim/reset-counters", b"")
        again = self.tmflow("resume", "@latest", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual((again.code, again.json["summary"]), (0, {"created": 12}), again.err)
        self.assertEqual(sim.report()["actions"]["CreateTrafficMirrorSession"]["calls"], 6)


if __name__ == "__main__":
    harness.main()
