#!/usr/bin/env python3
"""Targets that tmflow creates: never an instance more than needed, none without a target, none over its limit; also while describes are stale and with two processes at once."""
import harness

LIMIT = 10  # sources of an interface target on a small instance


class Targets(harness.Case):
    def test_64_sources_in_one_subnet_while_describes_are_stale(self):
        sim = self.sim("--single-subnet", "--plain", "--stale-ms", "600000", instances=64)
        done = self.backfill(sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["summary"], {"created": 64})
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["instances"]["launched"], -(-64 // LIMIT))
        self.assertEqual(report["instances"]["launchedBehindTarget"], -(-64 // LIMIT))

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


if __name__ == "__main__":
    harness.main()
