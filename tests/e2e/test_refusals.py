#!/usr/bin/env python3
"""One bad place never holds up the rest: what AWS refuses for a subnet, target, filter, action, account or type is asked for a few times only, and once more at the end."""
import collections
import json

import harness

ASKED_MAX = 3  # times that a run asks for what is refused, for each scope


class Refusals(harness.Case):
    def rows(self, state="state"):
        done = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl", state=state)
        return [json.loads(line) for line in done.out.splitlines()]

    def calls(self, sim, action):
        return sim.report()["actions"].get(action, {"calls": 0})["calls"]

    def world(self, sim):
        """A rule a VPC: one in order, one whose filter is missing, one whose target is, one whose targets are created."""
        world = sim.ask("/_sim/world?limit=10000")
        targets, filters = world["GivenTargets"], world["Filters"]
        given = "  - {vpcId: %s, filterId: %s, targetId: %s}\n"
        text = "vpcs:\n" + given % (world["Vpcs"][0], filters[0], targets[0])
        text += given % (world["Vpcs"][1], filters[1], targets[0]) + given % (world["Vpcs"][2], filters[0], targets[1])
        text += "  - {vpcId: %s, filterId: %s, targetInstanceType: t3.large, targetInstanceAmi: %s, targetSecurityGroupIds: [%s]}\n" % (
            world["Vpcs"][3], filters[0], world["ImageId"], world["SecurityGroups"][3])
        full = next(s["SubnetId"] for s in world["Subnets"] if s["VpcId"] == world["Vpcs"][3])
        faults = ["refuse:InsufficientInstanceCapacity:RunInstances:%s@1" % full,
                  "refuse:InvalidTrafficMirrorFilterId.NotFound:CreateTrafficMirrorSession:%s@1" % filters[1],
                  "refuse:InvalidTrafficMirrorTargetId.NotFound:CreateTrafficMirrorSession:%s@1" % targets[1]]
        sim.ask("/_sim/faults", {"faults": faults})
        vpcs = {i["InstanceId"]: (i.get("VpcId"), i.get("SubnetId"), i["InstanceType"]) for i in world["Instances"]}
        bad = {i for i, (vpc, subnet, _) in vpcs.items() if vpc in world["Vpcs"][1:3] or subnet == full}
        return self.write("bad.yaml", text), bad, {i: kind for i, (_, _, kind) in vpcs.items()}

    def test_a_bad_world_gets_every_session_that_it_can(self):
        sim = self.sim("--unmirrorable-share", "0.2", "--foreign-share", "0.05", "--no-auth", instances=800)
        config, bad, kinds = self.world(sim)
        foreign = len(sim.every_session())
        done = self.backfill(sim, config=config)
        self.assertEqual(done.code, 5, done.err)
        rows = self.rows()
        for row in rows:
            if row["outcome"] == "failed":
                self.assertIn(row["instanceId"], bad, row)
        failed = {row["instanceId"] for row in rows if row["outcome"] == "failed"}
        self.assertGreater(len(failed), 100)
        created = done.json["summary"]["created"]
        self.assertEqual(len([s for s in sim.every_session() if "tmflow:tool" in s["tags"]]), created)
        types = collections.Counter(kinds[row["instanceId"]] for row in rows if row.get("reason") == "type")
        self.assertGreater(sum(types.values()), ASKED_MAX * len(types))
        self.assertLessEqual(self.calls(sim, "CreateTrafficMirrorSession"), created + ASKED_MAX * (len(types) + 2) + foreign)
        self.assertLessEqual(self.calls(sim, "RunInstances"), sim.report()["instances"]["launched"] + ASKED_MAX)
        # What was in the way is mended: the rest follows.
        sim.ask("/_sim/faults", {"faults": []})
        again = self.tmflow("resume", "@latest", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual(again.code, 0, again.err)
        self.assertNotIn("failed", again.json["summary"])
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_who_waits_for_a_target_holds_up_nobody(self):
        """A subnet whose first target takes long has more sources than the Map has places: all others get their sessions meanwhile, also in a resume."""
        sim = self.sim("--plain", "--vpcs", "1", "--subnets-per-vpc", "2", "--no-auth", instances=200)
        world = sim.ask("/_sim/world?limit=1000")
        slow, other = [s["SubnetId"] for s in world["Subnets"][:2]]
        wanted = {s: sum(1 for i in world["Instances"] if i.get("SubnetId") == s) for s in (slow, other)}
        self.assertGreater(min(wanted.values()), 60)
        config = self.write("slow.yaml", "subnets:\n  - {subnetId: %s, filterId: %s, targetInstanceType: t3.large, targetInstanceAmi: %s,"
                            " targetSecurityGroupIds: [%s]}\n  - {subnetId: %s, filterId: %s, targetId: %s}\n" % (
                                slow, world["Filters"][0], world["ImageId"], world["SecurityGroups"][0], other, world["Filters"][0],
                                world["GivenTargets"][0]))
        sim.ask("/_sim/faults", {"faults": ["refuse:RequestLimitExceeded:RunInstances:%s@1" % slow]})
        words = ("run", harness.BACKFILL, "--config", config, "--run-id", "slow", "-o", "json")
        for after, words in ((25, words), (wanted[other], ("resume", "slow", "-o", "json"))):
            process = self.start(*words, sim=sim, env={"AWS_MAX_ATTEMPTS": "100"})
            while len(sim.every_session()) < after:
                self.assertIsNone(process.poll())
            if after != wanted[other]:
                process.kill()
            else:
                sim.ask("/_sim/faults", {"faults": []})
            out, err = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(sum(json.loads(out)["summary"].values()), 200)
        self.assertEqual(len(sim.every_session()), sum(wanted.values()))
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

    def test_capacity_comes_back_before_the_run_is_over(self):
        sim = self.sim("--single-subnet", "--plain", "--fault", "refuse:InsufficientInstanceCapacity:RunInstances@#1", instances=25)
        done = self.backfill(sim)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 25}), done.err)
        self.assertEqual(self.calls(sim, "RunInstances"), 4)

    def check_refused(self, error, action, created=0):
        """A run over 60 sources in which an action is refused: tried once, and once more at the end; then resumed without the fault."""
        sim = self.sim("--plain", "--vpcs", "1", "--subnets-per-vpc", "2", "--single-subnet", instances=60)
        sim.ask("/_sim/faults", {"faults": ["refuse:%s:%s@#%d+" % (error, action, created + 1)]})
        done = self.backfill(sim, state=error + action)
        self.assertEqual(done.code, 5, done.err)
        self.assertEqual(done.json["summary"], {"failed": 60})
        self.assertLessEqual(self.calls(sim, action), ASKED_MAX)
        self.assertEqual(done.err.count(" warn refused "), 1, done.err)  # not again at the end
        causes = collections.Counter("not asked again" in row["cause"] for row in self.rows(error + action))
        self.assertEqual(causes, {True: 59, False: 1})
        sim.ask("/_sim/faults", {"faults": []})
        again = self.tmflow("resume", "@latest", "--retry-failed", "-o", "json", sim=sim, state=error + action)
        self.assertEqual(again.json["summary"], {"created": 60}, again.err)
        sim.stop()

    def test_denied_actions_and_quotas(self):
        self.check_refused("UnauthorizedOperation", "CreateTrafficMirrorSession")
        self.check_refused("UnauthorizedOperation", "RunInstances")
        self.check_refused("VcpuLimitExceeded", "RunInstances")
        self.check_refused("OptInRequired", "RunInstances")  # the image's terms were not accepted
        self.check_refused("InvalidGroup.NotFound", "RunInstances")
        self.check_refused("TrafficMirrorSessionLimitExceeded", "CreateTrafficMirrorSession")

    def test_what_a_policy_denies_for_one_rule_the_others_may(self):
        sim = self.sim("--plain", "--vpcs", "3", "--no-auth", instances=120)
        world = sim.ask("/_sim/world?limit=1000")
        config = self.write("denied.yaml", "vpcs:\n" + "".join(
            f"  - {{vpcId: {vpc}, filterId: {f}, targetId: {world['GivenTargets'][0]}}}\n" for vpc, f in zip(world["Vpcs"], world["Filters"])))
        denied = {i["InstanceId"] for i in world["Instances"] if i["VpcId"] == world["Vpcs"][0]}
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:CreateTrafficMirrorSession:%s@1" % world["Filters"][0]]})
        done = self.backfill(sim, config=config)
        self.assertEqual((done.code, done.json["summary"]), (5, {"created": 120 - len(denied), "failed": len(denied)}), done.err)
        self.assertEqual({row["instanceId"] for row in self.rows() if row["outcome"] == "failed"}, denied)
        self.assertLessEqual(self.calls(sim, "CreateTrafficMirrorSession"), 120 - len(denied) + ASKED_MAX)
        self.assertIn('scope="action CreateTrafficMirrorSession rule vpcs[0]"', done.err)

    def test_a_quota_that_ends_in_mid_run(self):
        sim = self.sim("--single-subnet", "--plain", "--session-limit", "100", "--no-auth", instances=300)
        world = sim.ask("/_sim/world?limit=1")
        config = self.write("given.yaml", "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n" % (world["Vpcs"][0], world["Filters"][0], world["GivenTargets"][0]))
        done = self.backfill(sim, config=config)
        self.assertEqual(done.json["summary"], {"created": 100, "failed": 200}, done.err)
        self.assertLessEqual(self.calls(sim, "CreateTrafficMirrorSession"), 100 + 45)  # as many as were under way, and one at the end


if __name__ == "__main__":
    harness.main()
