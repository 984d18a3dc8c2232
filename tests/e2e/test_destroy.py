#!/usr/bin/env python3
"""`tmflow destroy` removes exactly what tmflow made: nothing without --yes, in an order that AWS takes, again after a kill; a run after it starts anew."""
import signal
import urllib.parse
import urllib.request

import harness

MUTATING = ("Create", "Modify", "Delete", "Run", "Terminate")


class Destroy(harness.Case):
    def mutating(self, sim):
        return sum(row["calls"] for name, row in sim.report()["actions"].items() if name.startswith(MUTATING))

    def mirrored(self, *options, instances=200):
        sim = self.sim("--no-auth", *options, instances=instances)
        done = self.backfill(sim)
        self.assertEqual(done.code, 0, done.err)
        sim.ask("/_sim/reset-counters", b"")
        return sim, sim.report()

    def destroy(self, sim, *args, code=0, state="state"):
        done = self.tmflow("destroy", "-o", "json", *args, sim=sim, state=state)
        self.assertEqual(done.code, code, done.err)
        return done.json

    def live(self, sim):
        report = sim.report()
        return (report["sessions"]["live"], report["targetsCreated"] - report["targetsDeleted"],
                sum(i["state"] not in ("terminated", "shutting-down") for i in report["launched"]))

    def ask_ec2(self, sim, **parameters):
        body = urllib.parse.urlencode({"Version": "2016-11-15", **parameters}).encode()
        with urllib.request.urlopen(urllib.request.Request(sim.url + "/", data=body), timeout=60) as reply:
            return reply.read().decode()

    def counts(self, lists):
        return tuple(len(lists[kind]) for kind in ("sessions", "targets", "instances"))

    def test_no_warning_about_what_it_removed(self):
        sim, _ = self.mirrored(instances=60)
        self.destroy(sim, "--yes")
        done = self.backfill(sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn(" warn ", done.err)

    def test_plan_then_all_of_it_then_nothing(self):
        sim, before = self.mirrored()
        live = self.live(sim)
        self.assertGreater(min(live), 0)
        plan = self.destroy(sim)["plan"]
        self.assertEqual(self.counts(plan), live)
        text = self.tmflow("destroy", sim=sim)
        self.assertEqual(text.code, 0)
        self.assertEqual(sum(line.startswith("  - ") for line in text.out.splitlines()), sum(live))
        self.assertIn("--yes", text.out)
        self.assertEqual(self.mutating(sim), 0)

        result = self.destroy(sim, "--yes")
        self.assertEqual(result["failed"], [])
        self.assertEqual(set(result["removed"]["sessions"]), {s["sessionId"] for s in plan["sessions"]})
        self.assertEqual(self.counts(result["removed"]), live)
        self.assertEqual(self.live(sim), (0, 0, 0))
        given = {t["targetId"] for t in before["targets"]} - {t["targetId"] for t in plan["targets"]}
        self.assertEqual({t["targetId"] for t in sim.report()["targets"]}, given)

        sim.ask("/_sim/reset-counters", b"")
        again = self.destroy(sim, "--yes")
        self.assertEqual(self.counts(again["removed"]), (0, 0, 0))
        self.assertEqual(self.mutating(sim), 0)
        self.assertIn("nothing", self.tmflow("destroy", sim=sim).out)

    def test_what_is_not_ours_stays(self):
        sim, before = self.mirrored()
        given = next(t["targetId"] for t in before["targets"] if t["createdBy"]["userAgent"] == "ec2sim")
        with open(sim.config, encoding="utf-8") as f:
            filter_id = "tmf-" + f.read().split("filterId: tmf-")[1].split()[0]
        plan = self.destroy(sim)["plan"]
        held = plan["targets"][0]["targetId"]
        interface = next(s["networkInterfaceId"] for s in plan["sessions"] if s["targetId"] == held)
        self.ask_ec2(sim, Action="CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=given,
                     TrafficMirrorFilterId=filter_id, SessionNumber=5)
        self.ask_ec2(sim, Action="CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=held,
                     TrafficMirrorFilterId=filter_id, SessionNumber=6)
        plan = self.destroy(sim)["plan"]
        self.assertEqual([(k["kind"], k["id"]) for k in plan["kept"]], [("targets", held)])
        self.assertNotIn(held, {t["targetId"] for t in plan["targets"]})
        self.assertEqual(len(plan["instances"]), len(plan["targets"]))
        self.assertIn(f"= {held} is kept: session tms-", self.tmflow("destroy", sim=sim).out)
        sim.ask("/_sim/reset-counters", b"")
        result = self.destroy(sim, "--yes", code=1)
        self.assertEqual([f["id"] for f in result["failed"]], [held])
        # AWS would let a target go that is shared with another account, and make that one's sessions inactive: it is not even asked.
        self.assertEqual(sim.report()["actions"]["DeleteTrafficMirrorTarget"]["calls"], len(plan["targets"]))
        self.assertIn("not tmflow's", result["failed"][0]["cause"])
        self.assertEqual(self.live(sim), (2, 1, 1))  # both sessions, the target that one of them uses, and its instance

    def test_tags_are_no_proof(self):
        """Whoever may tag can put tmflow's tags on any instance and target: these are shown and left alone, whatever store is asked."""
        sim, _ = self.mirrored("--single-subnet", "--plain", instances=24)
        world = sim.ask("/_sim/world")
        subnet = world["Subnets"][0]["SubnetId"]
        victim = sim.query("RunInstances", MinCount=1, MaxCount=1, ImageId="ami-0123456789abcdef0", InstanceType="m5.large", SubnetId=subnet,
                           ClientToken="somebody-elses").find("instancesSet/item")
        victim_id, interface = victim.findtext("instanceId"), victim.findtext("networkInterfaceSet/item/networkInterfaceId")
        target_id = sim.query("CreateTrafficMirrorTarget", NetworkInterfaceId=interface).findtext("trafficMirrorTarget/trafficMirrorTargetId")
        tags = {"tmflow:tool": "tmflow", "tmflow:target": subnet, "tmflow:subnet": subnet, "tmflow:generation": "1", "Name": "database"}
        for resource in (victim_id, target_id):
            sim.query("CreateTags", **{"ResourceId.1": resource}, **{f"Tag.{i}.{part}": value for i, pair in enumerate(tags.items(), 1)
                                                                       for part, value in zip(("Key", "Value"), pair)})
        live = self.live(sim)
        for state in ("other", "state"):
            plan = self.destroy(sim, state=state)["plan"]
            self.assertEqual(self.counts(plan), (24, 3, 3), state)
            self.assertEqual({item["kind"]: (item.get("instanceId") or item["targetId"]) for item in plan["tagged"]},
                             {"instances": victim_id, "targets": target_id})
        text = self.tmflow("destroy", sim=sim).out
        self.assertRegex(text, rf"  \? instance {victim_id} of {subnet}, database, m5.large, launched 20")
        self.assertIn("--trust-tags", text)
        result = self.destroy(sim, "--yes", state="other")
        self.assertEqual((self.counts(result["removed"]), result["failed"], len(result["tagged"])), ((24, 3, 3), [], 2))
        self.assertEqual([b - a for a, b in zip((24, 3, 3), live)], list(self.live(sim)))
        self.assertEqual(self.counts(self.destroy(sim, "--trust-tags", state="other")["plan"]), (0, 1, 1))
        self.assertEqual(self.counts(self.destroy(sim, "--yes", "--trust-tags", state="other")["removed"]), (0, 1, 1))
        self.assertEqual(self.live(sim), (0, 0, 0))

    def test_what_describes_do_not_show_yet(self):
        """Right behind a run: the store knows what that has made."""
        sim, _ = self.mirrored("--single-subnet", "--plain", "--stale-ms", "600000", instances=24)
        self.assertEqual(self.live(sim), (24, 3, 3))
        self.assertEqual(self.counts(self.destroy(sim, state="other")["plan"]), (0, 0, 0))
        self.assertEqual(self.counts(self.destroy(sim)["plan"]), (24, 3, 3))
        self.assertEqual(self.counts(self.destroy(sim, "--yes")["removed"]), (24, 3, 3))
        self.assertEqual(self.live(sim), (0, 0, 0))
        sim.ask("/_sim/reset-counters", b"")
        self.assertEqual(self.counts(self.destroy(sim, "--yes")["removed"]), (0, 0, 0))
        self.assertEqual(self.mutating(sim), 0)

    def test_describes_that_lag_behind(self):
        """Another store knows of nothing: what is in use, but by no session that is listed, is tried again until it is."""
        for state in ("state", "other"):
            with self.subTest(state=state):
                sim, _ = self.mirrored("--single-subnet", "--plain", "--stale-calls", "2", instances=24)
                for _ in range(3):
                    self.destroy(sim, state=state)
                self.assertEqual(self.destroy(sim, "--yes", state=state)["failed"], [])
                self.assertEqual(self.live(sim), (0, 0, 0))
                self.destroy(sim, "--yes", state=state)
                self.assertTrue(sim.report()["ok"])
                sim.stop()

    def test_a_run_after_it_starts_anew(self):
        for state in ("state", "other"):
            with self.subTest(state=state):
                sim, _ = self.mirrored("--single-subnet", "--plain", instances=24)
                self.destroy(sim, "--yes")
                done = self.backfill(sim, state=state)
                self.assertEqual(done.code, 0, done.err)
                self.assertEqual(done.json["summary"]["created"], 24)
                self.assertEqual(self.live(sim), (24, 3, 3))
                sim.stop()

    def test_a_token_that_answers_with_the_deleted_session(self):
        """AWS does not say what the token of a deleted session does: a session that is made after a destroy has another one."""
        sim, _ = self.mirrored("--replay-deleted")
        live = self.live(sim)
        self.destroy(sim, "--yes")
        self.assertEqual(self.backfill(sim).code, 0)
        self.assertEqual(self.live(sim), live)
        self.assertTrue(sim.expected()["ok"])

    def test_killed_and_done_again(self):
        for at, when in ((5, "before"), (40, "after"), (90, "before"), (97, "after")):
            with self.subTest(at=at):
                sim, _ = self.mirrored()
                process = self.start("destroy", "--yes", sim=sim)
                sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGKILL, "when": when})
                process.communicate(timeout=harness.RUN_SECONDS)
                result = self.destroy(sim, "--yes")
                self.assertEqual(result["failed"], [])
                self.assertEqual(self.live(sim), (0, 0, 0))
                sim.stop()

    def test_faults_on_the_way(self):
        sim, _ = self.mirrored()
        sim.ask("/_sim/faults", {"faults": ["throttle@0.1", "reset-after@0.1", "500@0.1"]})
        self.assertEqual(self.destroy(sim, "--yes")["failed"], [])
        self.assertEqual(self.live(sim), (0, 0, 0))


if __name__ == "__main__":
    harness.main()
