#!/usr/bin/env python3
"""Refusals: EC2's token buckets (scaled up 50 times) with 30 % of all calls throttled on top, and every other kind of fault; no instance may be lost."""
import harness


class Throttle(harness.Case):
    def complete(self, sim, done):
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("failed", done.json["summary"])
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        return report

    def test_buckets_and_30_percent(self):
        sim = self.sim("--buckets", "--bucket-scale", "50", "--fault", "throttle@0.3", instances=1000)
        report = self.complete(sim, self.backfill(sim))
        refused = sum(row["throttled"] for row in report["actions"].values())
        self.assertGreater(refused, 100)

    def test_every_fault_by_chance(self):
        faults = ("throttle", "500", "503", "reset-before", "reset-after", "truncate", "garbage")
        options = [word for fault in faults for word in ("--fault", f"{fault}@0.03")]
        sim = self.sim(*options, instances=400)
        self.complete(sim, self.backfill(sim))


if __name__ == "__main__":
    harness.main()
