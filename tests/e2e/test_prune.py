#!/usr/bin/env python3
"""Sessions that no rule wants any more: each run finds and names them, a pruning one removes them and no others, and never too many."""
import json
import signal

import harness


class Prune(harness.Case):
    def world(self, *options, instances=20):
        sim = self.sim("--no-auth", "--single-subnet", "--plain", *options, instances=instances)
        return sim, sim.ask("/_sim/world")

    def config(self, world, file="a.json", which=0, **more):
        rule = {"name": "all", "vpcId": world["Vpcs"][0], "filterId": world["Filters"][which], "targetId": world["GivenTargets"][which],
                "sessionNumber": 10 + which}
        return self.write(file, json.dumps({"name": file[0], "vpcs": [rule], **more}))

    def run_it(self, sim, config, *options, code=0):
        done = self.backfill(sim, *options, config=config)
        self.assertEqual(done.code, code, done.err + done.out)
        return done.json

    def summary(self, sim, config, *options):
        return self.run_it(sim, config, *options)["summary"]

    def rows(self, run, outcome):
        done = self.tmflow("show", run["runId"], "--outcomes", "-o", "jsonl")
        return [row for row in map(json.loads, done.out.splitlines()) if row["outcome"] == outcome]

    def instances(self, sim):
        return [item.findtext("instanceId") for item in sim.query("DescribeInstances").findall("reservationSet/item/instancesSet/item")]

    def deletes(self, sim):
        return sim.report()["actions"].get("DeleteTrafficMirrorSession", {"calls": 0})["calls"]

    def excluding(self, sim, world, count, **more):
        return self.config(world, exclude={"instanceIds": self.instances(sim)[:count]}, **more)

    def test_excluded(self):
        """Found and named by a plain run and by its plan, removed by a pruning one, and gone after that."""
        sim, world = self.world()
        self.assertEqual(self.summary(sim, self.config(world)), {"created": 20})
        config = self.excluding(sim, world, 3)
        for options in (("--dry-run", "--detailed-exitcode"), ()):
            self.assertEqual(self.summary(sim, config, *options), {"present": 17, "unwanted": 3})
        self.assertEqual(self.deletes(sim), 0)

        plan = self.run_it(sim, config, "--dry-run", "--detailed-exitcode", "--prune", code=6)
        self.assertEqual(plan["summary"], {"present": 17, "removed": 3})
        deletes = [item for item in plan["plan"] if item["action"] == "delete"]
        self.assertEqual([item["reason"] for item in deletes], ["configured"] * 3)
        text = self.tmflow("run", harness.BACKFILL, "--config", config, "--dry-run", "--prune", sim=sim).out
        self.assertEqual(sum(line.startswith("  - i-") for line in text.splitlines()), 3)
        self.assertIn("3 to delete", text)
        self.assertEqual(self.deletes(sim), 0)

        run = self.run_it(sim, config, "--prune")
        self.assertEqual(run["summary"], {"present": 17, "removed": 3})
        rows = self.rows(run, "removed")
        self.assertEqual({row["sessionId"] for row in rows}, {item["sessionId"] for item in deletes})
        self.assertEqual({row["instanceId"] for row in rows}, set(self.instances(sim)[:3]))
        self.assertEqual(len(sim.every_session()), 17)
        self.assertEqual(self.summary(sim, config, "--prune"), {"present": 17, "excluded": 3})

        # What is wanted again is made anew, although the client token of the session that was removed is used up.
        self.assertEqual(self.summary(sim, self.config(world)), {"present": 17, "created": 3})

    def test_the_configuration_can_say_it(self):
        sim, world = self.world()
        self.summary(sim, self.config(world))
        self.assertEqual(self.summary(sim, self.excluding(sim, world, 2, prune=True)), {"present": 18, "removed": 2})
        done = self.tmflow("validate", self.config(world, prune="yes"))
        self.assertEqual(done.code, 2)
        self.assertIn("prune must be true or false", done.err + done.out)

    def test_tag_gone_and_rule_gone(self):
        sim, world = self.world()
        ids = self.instances(sim)
        for i in ids[:8]:
            sim.query("CreateTags", **{"ResourceId.1": i, "Tag.1.Key": "mirror", "Tag.1.Value": "yes"})
        place = {"filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]}
        tags = [{"name": "by-tag", "tagList": [{"Key": "mirror", "Value": "yes"}], **place}]
        subnets = [{"name": "by-subnet", "subnetId": world["Subnets"][0]["SubnetId"], **place}]
        config = self.write("a.json", json.dumps({"name": "a", "tags": tags}))
        self.assertEqual(self.summary(sim, config)["created"], 8)
        sim.query("DeleteTags", **{"ResourceId.1": ids[0], "Tag.1.Key": "mirror"})
        run = self.run_it(sim, config, "--prune")
        self.assertEqual(run["summary"], {"present": 7, "removed": 1, "unmatched": 12})
        self.assertEqual([(row["instanceId"], row["reason"], row["rule"]) for row in self.rows(run, "removed")], [(ids[0], "no-rule", "by-tag")])

        both = self.write("both.json", json.dumps({"name": "a", "tags": tags, "subnets": subnets}))
        self.assertEqual(self.summary(sim, both), {"present": 7, "created": 13})
        run = self.run_it(sim, config, "--prune", "--prune-limit", "100%")
        self.assertEqual(run["summary"], {"present": 7, "removed": 13})
        self.assertEqual({row["rule"] for row in self.rows(run, "removed")}, {"by-subnet"})

    def test_the_limit(self):
        sim, world = self.world(instances=60)
        self.summary(sim, self.config(world))
        config = self.excluding(sim, world, 16)
        for options in (("--prune",), ("--prune", "--prune-limit", "15"), ("--prune", "--prune-limit", "26%"), ("--prune", "--dry-run")):
            run = self.run_it(sim, config, *options, code=1)
            self.assertEqual((run["status"], run["error"]), ("FAILED", "TMFlow.PruneLimit"), options)
            self.assertIn("16 of 60", run["cause"])
            self.assertEqual(run["summary"], {"present": 44, "unwanted": 16})
        self.assertEqual(self.deletes(sim), 0)
        text = self.tmflow("run", harness.BACKFILL, "--config", config, "--prune", "-q", sim=sim).out
        self.assertRegex(text, "to remove them anyway: `tmflow resume [0-9A-Z]{26} --prune-limit N`")
        self.assertEqual(self.tmflow("resume", "@latest", "--prune-limit", "some", sim=sim).code, 2)
        self.assertEqual(self.tmflow("resume", "@latest", "-q", "-o", "json", sim=sim).json["error"], "TMFlow.PruneLimit")
        self.assertEqual(self.deletes(sim), 0)
        done = self.tmflow("resume", "@latest", "--prune-limit", "27%", "-q", "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["summary"]), (0, {"present": 44, "removed": 16}), done.err)
        # A quarter, or ten, need no leave.
        self.assertEqual(self.summary(sim, self.excluding(sim, world, 26), "--prune"), {"present": 34, "removed": 10, "excluded": 16})
        done = self.backfill(sim, "--prune-limit", "some", config=config)
        self.assertEqual(done.code, 2)
        self.assertIn("--prune-limit", done.out)

    def test_two_configurations(self):
        sim, world = self.world()
        self.summary(sim, self.config(world))
        other = self.config(world, "b.json", 1)
        self.summary(sim, other)
        ids = self.instances(sim)
        self.assertEqual(self.summary(sim, self.config(world, exclude={"instanceIds": ids[:4]}), "--prune"), {"present": 16, "removed": 4})
        owners = [session["tags"]["tmflow:configuration"] for session in sim.every_session()]
        self.assertEqual((owners.count("a"), owners.count("b")), (16, 20))
        # b came second: where a's sessions are left, they take all packets first.
        self.assertEqual(self.summary(sim, other, "--prune"), {"present": 4, "shadowed": 16})

    def test_asks_little(self):
        """A mirrored fleet costs one describe for 500 sessions; unwanted ones one more for 200."""
        sim, world = self.world(instances=900)
        self.summary(sim, self.config(world))
        config = self.excluding(sim, world, 150)
        calls = []
        for options in ((), ("--prune",)):
            sim.ask("/_sim/reset-counters", b"")
            self.summary(sim, config, *options)
            calls.append({name: row["calls"] for name, row in sim.report()["actions"].items()})
        self.assertLessEqual(calls[0]["DescribeTrafficMirrorSessions"], 8)
        self.assertLessEqual(calls[0]["DescribeInstances"], 8)
        self.assertEqual(calls[1]["DeleteTrafficMirrorSession"], 150)
        self.assertLessEqual(calls[1]["DescribeTrafficMirrorSessions"], 14)
        self.assertLessEqual(calls[1]["DescribeInstances"], 14)

    def test_killed_and_resumed(self):
        for when in ("before", "after"):
            with self.subTest(when=when):
                sim, world = self.world(instances=40)
                self.summary(sim, self.config(world))
                config = self.excluding(sim, world, 10)
                sim.ask("/_sim/reset-counters", b"")
                process = self.start("run", harness.BACKFILL, "--config", config, "--prune", "--run-id", "killed-" + when, sim=sim)
                sim.ask("/_sim/signal", {"at": 11, "pid": process.pid, "signal": signal.SIGKILL, "when": when})
                process.communicate(timeout=harness.RUN_SECONDS)
                done = self.tmflow("resume", "killed-" + when, "-o", "json", sim=sim)
                self.assertEqual(done.code, 0, done.err + done.out)
                self.assertEqual(done.json["summary"], {"present": 30, "removed": 10})
                self.assertEqual(len(sim.every_session()), 30)
                sim.stop()

    def test_a_removal_that_is_denied_is_asked_for_once(self):
        sim, world = self.world(instances=60)
        self.summary(sim, self.config(world))
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DeleteTrafficMirrorSession@1"]})
        run = self.run_it(sim, self.excluding(sim, world, 40), "--prune", "--prune-limit", "100%", code=5)
        self.assertEqual(run["summary"], {"present": 20, "failed": 40})
        self.assertEqual(self.deletes(sim), 1)

    def test_a_removal_that_fails_is_tried_again(self):
        sim, world = self.world()
        self.summary(sim, self.config(world))
        config = self.excluding(sim, world, 2)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DeleteTrafficMirrorSession@1"]})
        run = self.run_it(sim, config, "--prune", code=5)
        self.assertEqual(run["summary"], {"present": 18, "failed": 2})
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", run["runId"], "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err + done.out)
        self.assertEqual(done.json["summary"], {"present": 18, "removed": 2})
        self.assertEqual(len(sim.every_session()), 18)


if __name__ == "__main__":
    harness.main()
