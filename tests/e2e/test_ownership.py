#!/usr/bin/env python3
"""Whose session it is: configurations that mirror the same instances, and sessions from before configurations had names."""
import itertools
import json

import harness


class Ownership(harness.Case):
    def world(self, instances=6):
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=instances)
        return sim, sim.ask("/_sim/world")

    def config(self, world, file, which=0, name=None, **more):
        """A rule of the VPC with the which-th filter and target. Each configuration has the same rule's name."""
        rule = {"name": "all", "vpcId": world["Vpcs"][0], "filterId": world["Filters"][which], "targetId": world["GivenTargets"][which], **more}
        return self.write(file, json.dumps({**({"name": name} if name else {}), "vpcs": [rule]}))

    def run_it(self, sim, config, *options):
        done = self.backfill(sim, *options, config=config)
        self.assertEqual(done.code, 0, done.err + done.out)
        return done.json["summary"]

    def changes(self, sim):
        return sum(row["calls"] for action, row in sim.report()["actions"].items() if action.startswith(("Modify", "Delete")))

    def by_configuration(self, sim):
        found = {}
        for session in sim.every_session():
            found.setdefault(session["tags"].get("tmflow:configuration"), []).append((session["networkInterfaceId"], session["trafficMirrorFilterId"]))
        return {name: sorted(sessions) for name, sessions in found.items()}

    def test_two_configurations_in_any_order(self):
        """Their rules have one name and want other filters and targets: neither changes what the other made, in whichever order they run."""
        for order in itertools.product("ab", repeat=3):
            sim, world = self.world(4)
            configs = {"a": self.config(world, "a.json", 0, sessionNumber=10), "b": self.config(world, "b.json", 1, sessionNumber=20)}
            ran = set()
            for which in order:
                # Both filters take everything, and a's number is the lower one.
                there = "shadowed" if which == "b" and "a" in ran else "present"
                wanted = {there: 4} if which in ran else {"created": 4}
                self.assertEqual(self.run_it(sim, configs[which], "--dry-run"), wanted, order)
                self.assertEqual(self.run_it(sim, configs[which]), wanted, order)
                ran.add(which)
            self.assertEqual(self.changes(sim), 0)
            self.assertEqual({name: len(sessions) for name, sessions in self.by_configuration(sim).items()}, {name: 4 for name in ran})
            sim.stop()

    def test_one_number_for_two_is_a_conflict(self):
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 0, sessionNumber=10)), {"created": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "b.json", 1, sessionNumber=10)), {"conflict": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 0, sessionNumber=10)), {"present": 6})
        self.assertEqual(self.changes(sim), 0)

    def test_numbers_are_chosen_without_a_describe_an_interface(self):
        """Number 100 is taken on half of the interfaces. The listing of the sessions that there are says so, and is all that is asked."""
        listings = {}
        for taken in (0, 150):
            sim = self.sim("--no-auth", "--plain", "--single-subnet", instances=300)
            world = sim.ask("/_sim/world?limit=300")
            for interface in self.interfaces(world)[:taken]:
                sim.query("CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=world["GivenTargets"][1],
                          TrafficMirrorFilterId=world["Filters"][1], SessionNumber=100)
            sim.ask("/_sim/reset-counters", b"")
            self.assertEqual(self.run_it(sim, self.config(world, "a.json")), {"created": 300})
            actions = sim.report()["actions"]
            self.assertEqual(actions["CreateTrafficMirrorSession"]["calls"], 300)
            listings[taken] = actions["DescribeTrafficMirrorSessions"]["calls"]
            numbers = [s["sessionNumber"] for s in sim.every_session() if "tmflow:tool" in s["tags"]]
            self.assertEqual((numbers.count("100"), numbers.count("101")), (300 - taken, taken))
            sim.stop()
        self.assertLessEqual(max(listings.values()), 6, listings)

    def test_without_numbers_both_find_room(self):
        """Neither asks for a number: the second takes the next one, and a third tool's session leaves no room for another."""
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 0)), {"created": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "b.json", 1)), {"created": 6})
        self.assertEqual({(s["tags"]["tmflow:configuration"], s["sessionNumber"]) for s in sim.every_session()}, {("a", "100"), ("b", "101")})
        for interface in self.interfaces(world):
            sim.query("CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=world["GivenTargets"][1],
                      TrafficMirrorFilterId=world["Filters"][0], SessionNumber=1)
        self.assertEqual(self.run_it(sim, self.config(world, "c.json", 0, filterId=world["Filters"][1])), {"ineligible": 6})
        self.assertEqual(self.changes(sim), 0)

    def test_what_another_mirrors_alike_is_present(self):
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 0)), {"created": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "b.json", 0, sessionNumber=7, packetLength=64)), {"present": 6})
        self.assertEqual(self.changes(sim), 0)
        self.assertEqual(list(self.by_configuration(sim)), ["a"])

    def test_the_name_goes_with_the_configuration_not_the_file(self):
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 0, name="blue")), {"created": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "b.json", 1, name="blue")), {"updated": 6})
        self.assertEqual(list(self.by_configuration(sim)), ["blue"])

    def test_a_renamed_file_is_told_whose_sessions_are_there(self):
        """Without a name in it: first the rules are the same, then another filter makes sessions beside the former ones, which take the packets."""
        sim, world = self.world()
        self.assertEqual(self.run_it(sim, self.config(world, "before.json")), {"created": 6})
        after = self.config(world, "after.json")
        done = self.backfill(sim, config=after)
        self.assertEqual(done.json["reasons"], {"present": {"other-owner": 6}})
        rows = [json.loads(line) for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()]
        for row in rows:
            self.assertEqual(row["cause"], f"session {row['sessionId']} is of the configuration before")
        self.assertIn("6  present: 6 other-owner", self.tmflow("show", "@latest").out)
        self.assertEqual(self.run_it(sim, self.config(world, "after.json", 1)), {"created": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "after.json", 1)), {"shadowed": 6})
        rows = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out
        self.assertEqual(rows.count("of the configuration before has a lower number and takes all packets"), 6, rows)
        self.assertEqual(self.backfill(sim, config=self.config(world, "before.json")).json.get("reasons", {}), {})

    def test_everything_that_is_made_bears_the_name(self):
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=3)
        self.assertEqual(self.run_it(sim, sim.config), {"created": 3})
        targets = sim.query("DescribeTrafficMirrorTargets").findall("trafficMirrorTargetSet/item")
        instances = sim.query("DescribeInstances").findall("reservationSet/item/instancesSet/item")
        for resources in (targets, instances):
            tags = [{tag.findtext("key"): tag.findtext("value") for tag in item.findall("tagSet/item")} for item in resources]
            made = [t for t in tags if "tmflow:tool" in t]
            self.assertEqual([t.get("tmflow:configuration") for t in made], ["config"])

    # --- from before ---

    def old_session(self, sim, interface, world, which=0, number=100, rule="all"):
        """As a tmflow made it whose configurations had no names."""
        tags = {"tmflow:tool": "tmflow", "tmflow:rule": rule, "tmflow:workflow": "backfill"}
        specification = {"TagSpecification.1.ResourceType": "traffic-mirror-session"}
        for i, (key, value) in enumerate(tags.items(), 1):
            specification[f"TagSpecification.1.Tag.{i}.Key"] = key
            specification[f"TagSpecification.1.Tag.{i}.Value"] = value
        sim.query("CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=world["GivenTargets"][which],
                  TrafficMirrorFilterId=world["Filters"][which], SessionNumber=number, **specification)

    def interfaces(self, world):
        return [i["NetworkInterfaces"][0] if isinstance(i["NetworkInterfaces"][0], str) else i["NetworkInterfaces"][0]["NetworkInterfaceId"]
                for i in world["Instances"]]

    def test_old_sessions_are_adopted(self):
        sim, world = self.world()
        for interface in self.interfaces(world):
            self.old_session(sim, interface, world)
        config = self.config(world, "a.json")
        self.assertEqual(self.run_it(sim, config, "--dry-run"), {"present": 6})
        self.assertEqual(list(self.by_configuration(sim)), [None])
        self.assertEqual(self.run_it(sim, config), {"present": 6})
        self.assertEqual(list(self.by_configuration(sim)), ["a"])
        self.assertEqual(sim.report()["actions"]["CreateTags"]["calls"], 1)
        # From now on they are this configuration's, also when the rule changes.
        self.assertEqual(self.run_it(sim, self.config(world, "b.json", sessionNumber=7)), {"present": 6})
        self.assertEqual(self.run_it(sim, self.config(world, "a.json", 1)), {"updated": 6})
        self.assertEqual(sim.report()["actions"]["CreateTags"]["calls"], 1)

    def test_old_sessions_that_do_not_fit_are_left_alone(self):
        sim, world = self.world()
        first, second, third, *rest = self.interfaces(world)
        self.old_session(sim, first, world, which=1, number=1)
        self.old_session(sim, second, world, rule="another", number=1)
        self.old_session(sim, third, world, number=1)
        config = self.config(world, "a.json", sessionNumber=7)
        self.assertEqual(self.run_it(sim, config, "--dry-run"), {"created": 1 + len(rest), "present": 1, "updated": 1})
        self.assertEqual(self.run_it(sim, config), {"created": 1 + len(rest), "present": 1, "updated": 1})
        self.assertEqual(self.changes(sim), 1)
        self.assertEqual(len(self.by_configuration(sim)[None]), 2)
        self.assertEqual(self.run_it(sim, config), {"present": 6})

    def test_adoption_that_is_denied_does_not_stop_the_run(self):
        sim, world = self.world()
        for interface in self.interfaces(world):
            self.old_session(sim, interface, world)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:CreateTags@1"]})
        done = self.backfill(sim, config=self.config(world, "a.json"))
        self.assertEqual((done.code, done.json["summary"]), (0, {"present": 6}), done.err)
        self.assertIn("session.adoption_failed", done.err)


if __name__ == "__main__":
    harness.main()
