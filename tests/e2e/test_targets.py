#!/usr/bin/env python3
"""Targets that tmflow creates: never an instance more than needed, none without a target, none over its limit; also while describes are stale and with two processes at once."""
import json
import re
import signal

import harness

LIMIT = 10  # sources of an interface target on a small instance


class Targets(harness.Case):
    def test_no_target_stands_idle(self):
        """A source of a type that AWS names as one that it does not mirror makes no instance be launched for it."""
        sim = self.sim(instances=1000)
        self.assertEqual(self.backfill(sim).code, 0)
        made = [target for target in sim.report()["targets"] if target.get("subnetId")]
        self.assertGreater(len(made), 3)
        self.assertEqual([target for target in made if target["sessions"] == 0], [])

    def test_what_a_run_took_back_is_not_missed(self):
        """Its targets stood idle, as AWS refused the sessions. The next run does not warn of them as of targets that somebody has stopped."""
        sim = self.sim("--single-subnet", "--plain", "--fault", "refuse:TrafficMirrorSessionLimitExceeded:CreateTrafficMirrorSession@1", instances=25)
        for _ in range(2):
            done = self.backfill(sim)
            self.assertEqual(done.json["summary"]["failed"], 25, done.err)
            self.assertNotIn("target.dead", done.err)
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_64_sources_in_one_subnet_while_describes_are_stale(self):
        sim = self.sim("--single-subnet", "--plain", "--stale-ms", "600000", instances=64)
        done = self.backfill(sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["summary"], {"created": 64})
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["instances"]["launched"], -(-64 // LIMIT))
        self.assertEqual(report["instances"]["launchedBehindTarget"], -(-64 // LIMIT))

    def summary(self, done):
        """Without the instances behind targets, which a process that did not launch them sees as excluded."""
        return {outcome: count for outcome, count in done.json["summary"].items() if outcome != "excluded"}

    def creates(self, sim):
        return sim.report()["actions"]["CreateTrafficMirrorSession"]["calls"]

    def test_300_sources_in_one_subnet_are_counted(self):
        """Nobody asks for an eleventh session on a target, and those who wait for a new one do not all run into it. Counting costs a listing, not one a source."""
        sim = self.sim("--single-subnet", "--plain", "--boot-ms", "200", "--fault", "delay:50:CreateTrafficMirrorTarget@1", instances=300)
        done = self.backfill(sim)
        self.assertEqual(done.json["summary"], {"created": 300})
        actions = sim.report()["actions"]
        self.assertLessEqual(actions["CreateTrafficMirrorSession"]["calls"], 320)
        self.assertEqual(actions["CreateTrafficMirrorTarget"]["calls"], 300 // LIMIT)
        self.assertEqual(sim.report()["instances"]["launched"], 300 // LIMIT)
        self.assertLessEqual(sum(row["calls"] for name, row in actions.items() if name.startswith("Describe")), 12)

    def test_made_targets_cost_hardly_more_than_a_given_one(self):
        """At EC2's buckets the creates decide how long a run takes: with targets that are made there are as few of them, refused ones included."""
        creates = {}
        for given in (False, True):
            sim = self.sim("--single-subnet", "--plain", "--buckets", "--bucket-scale", "50", instances=300)
            world = sim.ask("/_sim/world?limit=1")
            config = self.write("given.yaml", f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n")
            done = self.backfill(sim, config=config if given else None, state=f"given {given}")
            self.assertEqual(done.json["summary"], {"created": 300}, done.err)
            creates[given] = self.creates(sim)
            sim.stop()
        self.assertLessEqual(creates[False], 1.15 * creates[True], creates)

    def test_places_are_counted_that_others_took(self):
        """Sessions that are there already count, in this process and in the next one; a place that came to nothing is given to another source."""
        sim = self.sim("--single-subnet", "--plain", instances=44)
        half = self.write("half.lua", "local n = 0 return {eligible = function(i) n = n + 1 return n <= 14 end}")
        self.assertEqual(self.backfill(sim, "--hook", half).json["summary"]["created"], 14)
        sim.ask("/_sim/faults", {"faults": ["refuse:InvalidParameterValue:CreateTrafficMirrorSession@#17", "refuse:InvalidParameterValue:CreateTrafficMirrorSession@#22"]})
        done = self.backfill(sim, state="another")
        self.assertEqual(self.summary(done), {"created": 30, "present": 14})
        self.assertEqual(self.creates(sim), 46)  # the two that were refused came again at the end
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])
        self.assertEqual(sim.report()["instances"]["launched"], 5)

    def test_the_other_name_of_a_full_target(self):
        sim = self.sim("--single-subnet", "--plain", "--fault", "refuse:TrafficMirrorSessionsPerTargetLimitExceeded:CreateTrafficMirrorSession@#4", instances=8)
        done = self.backfill(sim)
        self.assertEqual(done.json["summary"], {"created": 8})
        self.assertEqual(sim.report()["instances"]["launched"], 2)
        self.assertEqual(self.creates(sim), 9)

    SEEDS = {"Name": "TrafficMirroringSourceAutomation"}
    OURS = {"tmflow:tool": "tmflow", "tmflow:generation": "1", "tmflow:configuration": "config"}

    def tagged(self, *options, instances=6, tags=OURS):
        """A world in which somebody has made a target, and given it the tags of one that serves the subnet; that target."""
        sim = self.sim("--no-auth", "--single-subnet", "--plain", *options, instances=instances)
        subnet = sim.ask("/_sim/world")["Subnets"][0]["SubnetId"]
        theirs = sim.query("RunInstances", MinCount=1, MaxCount=1, ImageId="ami-0123456789abcdef0", InstanceType="m5.large", SubnetId=subnet)
        interface = theirs.find("instancesSet/item/networkInterfaceSet/item").findtext("networkInterfaceId")
        target = sim.query("CreateTrafficMirrorTarget", NetworkInterfaceId=interface).findtext("trafficMirrorTarget/trafficMirrorTargetId")
        subnets = {"TargetSubnetId": subnet, **({"tmflow:subnet": subnet} if tags is self.OURS else {})}
        for key, value in {**tags, **subnets}.items():
            sim.query("CreateTags", **{"ResourceId.1": target, "Tag.1.Key": key, "Tag.1.Value": value})
        return sim, target

    def trusting(self, sim):
        with open(sim.config, encoding="utf-8") as f:
            return self.write("trusting.yaml", f.read() + "\nname: config\ntrustTags: true\n")

    def test_tags_are_no_proof(self):
        """Who may tag a target would have a subnet's traffic: a run makes its own, says so once, and finds that one again without this store."""
        for tags in (self.OURS, self.SEEDS):
            sim, target = self.tagged(tags=tags)
            plan = self.backfill(sim, "--dry-run")
            self.assertNotIn(target, json.dumps([item for item in plan.json["plan"] if item["action"] == "create"]), plan.err)
            done = self.backfill(sim)
            self.assertEqual((done.code, done.json["summary"]["created"]), (0, 6), done.err)
            self.assertEqual(done.err.count("target.only_tagged"), 1, done.err)
            self.assertIn(target, done.err)
            self.assertIn("trustTags", done.err)
            mirrored_to = {session["trafficMirrorTargetId"] for session in sim.every_session()}
            self.assertNotIn(target, mirrored_to)
            self.assertEqual(self.summary(self.backfill(sim, state="another")), {"present": 6})
            session = sim.every_session()[0]
            sim.query("DeleteTrafficMirrorSession", TrafficMirrorSessionId=session["trafficMirrorSessionId"])
            self.assertEqual(self.summary(self.backfill(sim, state="a third")), {"created": 1, "present": 5})
            self.assertEqual({session["trafficMirrorTargetId"] for session in sim.every_session()}, mirrored_to)
            sim.stop()

    def test_tags_that_are_trusted(self):
        for tags in (self.OURS, self.SEEDS):
            sim, target = self.tagged(tags=tags)
            done = self.backfill(sim, config=self.trusting(sim))
            self.assertEqual((done.code, done.json["summary"]["created"]), (0, 6), done.err)
            self.assertNotIn("target.only_tagged", done.err)
            self.assertEqual({session["trafficMirrorTargetId"] for session in sim.every_session()}, {target})
            sim.stop()

    def test_tags_that_a_run_trusts(self):
        """By an option, which its resume keeps."""
        sim, target = self.tagged("--fault", "delay:300:CreateTrafficMirrorSession@1")
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--trust-tags", "-q", sim=sim)
        self.until_signals_are_caught(process)
        process.kill()
        process.wait()
        done = self.tmflow("resume", "@latest", "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["status"]), (0, "SUCCEEDED"), done.err)
        self.assertNotIn("target.only_tagged", done.err)
        self.assertEqual([session["trafficMirrorTargetId"] for session in sim.every_session()], 6 * [target])

    def test_sessions_to_a_tagged_target_stay(self):
        """What mirrors there already is as the rule says: only new sources go elsewhere."""
        sim, target = self.tagged(tags=self.SEEDS)
        self.assertEqual(self.backfill(sim, "--hook", self.write("half.lua", "local n = 0 return {eligible = function(i) n = n + 1 return n <= 3 end}"),
                                       config=self.trusting(sim)).json["summary"]["created"], 3)
        done = self.backfill(sim, state="another")
        self.assertEqual(self.summary(done), {"created": 3, "present": 3}, done.err)
        self.assertEqual([session["trafficMirrorTargetId"] for session in sim.every_session()].count(target), 3)

    def test_a_target_that_another_account_shares(self):
        """Its owner writes its tags: with tmflow's they would have a subnet's traffic."""
        sim, target = self.tagged()
        sim.config = self.trusting(sim)
        sim.change("DescribeTrafficMirrorTargets", r"<ownerId>\d+</ownerId>", "<ownerId>999999999999</ownerId>", count=0)
        done = self.backfill(sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["summary"]["created"], 6)
        self.assertNotIn(target, [session["trafficMirrorTargetId"] for session in sim.every_session()])

    def test_two_processes_with_two_stores_end_with_one_target(self):
        sim = self.sim("--single-subnet", "--plain", "--fault", "delay:20@1", instances=8)
        both = [self.start("run", harness.BACKFILL, "--config", sim.config, "-q", sim=sim, state=state) for state in ("one", "two")]
        for process in both:
            out, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual(process.returncode, 0, err)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["instances"]["launched"], 1)
        self.assertEqual(report["sessions"]["created"], 8)

    def test_a_terminated_instance_is_replaced_and_its_sessions_move(self):
        sim = self.sim("--single-subnet", "--plain", "--no-auth", instances=15)
        self.assertEqual(self.backfill(sim).code, 0)
        launched = [i for i in sim.ask("/_sim/world?limit=100")["Instances"] if "tmflow:target" in json.dumps(i)]
        self.assertEqual(len(launched), 2)
        dead = {s["trafficMirrorTargetId"] for s in sim.sessions().values()}
        sim.ask(f"/_sim/instances/{launched[0]['InstanceId']}/terminate", b"")
        for state in ("state", "another"):  # the store that knows the target to be new, and one that knows nothing
            plan = self.backfill(sim, "--dry-run", state=state)
            done = self.backfill(sim, state=state)
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(plan.json["summary"], done.json["summary"])
            moved = done.json["summary"].get("updated", 0)
            self.assertEqual(moved, 10 if state == "state" else 0)
            self.assertEqual(done.json["summary"]["present"], 15 - moved)
        self.assertEqual(len({s["trafficMirrorTargetId"] for s in sim.sessions().values()} & dead), 1)
        self.assertEqual(sim.report()["instances"]["launched"], 3)
        self.assertTrue(sim.report()["ok"], sim.report())

    def test_killed_while_making_a_target_that_nobody_wants_any_more(self):
        """Another run in the same state directory, whose configuration needs no such target, leaves no launched instance without one."""
        launched = 0
        for at in range(3, 12):
            with self.subTest(at=at):
                sim = self.sim("--single-subnet", "--plain", "--no-auth", instances=8)
                with open(sim.config, encoding="utf-8") as f:
                    text = f.read()
                given = next(t["targetId"] for t in sim.report()["targets"] if t["createdBy"]["userAgent"] == "ec2sim")
                ids = [re.search(pattern, text).group() for pattern in (r"vpc-\w+", r"tmf-\w+")]
                config = self.write("given.yaml", "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n" % (*ids, given))
                process = self.start("run", harness.BACKFILL, "--config", sim.config, "-q", sim=sim, state=f"at-{at}")
                sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGKILL, "when": "after"})
                process.communicate(timeout=harness.RUN_SECONDS)
                left = sim.report()["instances"]
                launched += left["launched"] > left["launchedBehindTarget"]
                done = self.backfill(sim, config=config, state=f"at-{at}")
                self.assertEqual(done.code, 0, done.err)
                report = sim.report()
                self.assertTrue(report["ok"], report["reasons"])
                # One that became a target was taken back, since nobody mirrors to it.
                self.assertEqual(report["instances"]["launched"] - report["instances"]["terminated"], report["instances"]["launchedBehindTarget"])
                self.assertEqual(report["instances"]["launchedBehindTarget"], 0)
                sim.stop()
        self.assertGreater(launched, 0)  # otherwise this shows nothing


if __name__ == "__main__":
    harness.main()
