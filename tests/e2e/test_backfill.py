#!/usr/bin/env python3
"""The main job on a fleet of 1,000 awkward instances: every one accounted for, sessions exactly where the configuration wants them, a second run silent."""
import json
import signal

import harness

MUTATING = ("Create", "Modify", "Delete", "Run", "Terminate")
PAGE = 200


def calls(report, prefixes):
    return sum(row["calls"] for action, row in report["actions"].items() if action.startswith(prefixes))


class Backfill(harness.Case):
    def outcomes(self, run="@latest", **named):
        done = self.tmflow("show", run, "--outcomes", "-o", "jsonl", **named)
        self.assertEqual(done.code, 0, done.err)
        return [json.loads(line) for line in done.out.splitlines()]

    def test_1000_instances_twice(self):
        sim = self.sim("--empty-pages", "0.2", instances=1000)
        first = self.backfill(sim)
        self.assertEqual(first.code, 0, first.err)
        self.assertEqual(first.json["status"], "SUCCEEDED")

        rows = self.outcomes()
        world = sim.ask("/_sim/world")
        launched = {i["instanceId"] for i in sim.report()["launched"]}  # for targets, by this very run: no part of the fleet
        self.assertTrue(launched)
        self.assertEqual({r["instanceId"] for r in rows}, {i["InstanceId"] for i in world["Instances"]} - launched)
        self.assertEqual(len(rows), len({(r["instanceId"], r.get("networkInterfaceId")) for r in rows}))
        self.assertEqual(sum(first.json["summary"].values()), len(rows))
        self.assertGreater(first.json["summary"]["created"], 300)
        self.assertNotIn("failed", first.json["summary"])

        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)

        sim.ask("/_sim/reset-counters", b"")
        second = self.backfill(sim)
        self.assertEqual(second.code, 0, second.err)
        report = sim.report()
        self.assertEqual(calls(report, MUTATING), 0, report["actions"])
        pages = report["actions"]["DescribeInstances"]["calls"]
        self.assertLessEqual(calls(report, ("Describe",)), 4 * pages)
        self.assertNotIn("created", second.json["summary"])
        self.assertEqual(second.json["summary"]["present"], first.json["summary"]["created"])
        # Another run finds them there.
        excluded = {r["instanceId"] for r in self.outcomes() if r.get("reason") == "target-instance"}
        self.assertLessEqual(launched, excluded)

    def test_signals_leave_a_resumable_run(self):
        sim = self.sim("--fault", "delay:20@1", instances=600)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "stopped", "-o", "json", sim=sim)
        sim.ask("/_sim/signal", {"at": 40, "pid": process.pid, "signal": signal.SIGTERM, "when": "before"})
        out, err = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3, err)
        self.assertEqual(json.loads(out)["status"], "INTERRUPTED")
        done = self.tmflow("resume", "stopped", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(sim.expected()["ok"])
        self.assertTrue(sim.report()["ok"])

    def test_pages_expire(self):
        """A stored NextToken may be refused later: the listing starts again, what is done is present."""
        sim = self.sim("--fault", "throttle@0.1", instances=900)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "old", sim=sim)
        sim.ask("/_sim/signal", {"at": 150, "pid": process.pid, "signal": signal.SIGKILL, "when": "before"})
        process.communicate(timeout=harness.RUN_SECONDS)
        sim.ask("/_sim/expire-tokens", b"")
        done = self.tmflow("resume", "old", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(sim.expected()["ok"])

    def test_pages_that_are_always_refused(self):
        """The listing begins again a bounded number of times, then the run says what AWS says."""
        sim = self.sim("--plain", "--token-ttl", "1", instances=900)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", sim=sim)
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual((done.json["status"], done.json["error"]), ("FAILED", "InvalidNextToken"))
        self.assertLessEqual(sim.report()["actions"]["DescribeInstances"]["calls"], 30)


if __name__ == "__main__":
    harness.main()
