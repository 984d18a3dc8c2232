#!/usr/bin/env python3
"""SIGKILL at 100 points spread over a backfill, by the n-th request that the simulator sees: each time the run is resumed, and the world ends as without the kill,
with each session created once."""
import signal

import harness

POINTS = 100
INSTANCES = 300


class Kill(harness.Case):
    def fleet(self):
        return self.sim(instances=INSTANCES)

    def end(self, sim):
        """What must not depend on kills: which interface has which session."""
        report = sim.report()
        self.assertTrue(report["ok"], report)
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        return report

    def run_to_end(self, sim, run, at, when):
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--no-online-check", "--run-id", run, "-q", sim=sim, state=run)
        sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGKILL, "when": when})
        out, err = process.communicate(timeout=harness.RUN_SECONDS)
        if process.returncode != -signal.SIGKILL:
            self.assertEqual(process.returncode, 0, err)
            return False
        return True

    def test_100_points(self):
        sim = self.fleet()
        undisturbed = self.backfill(sim, "--no-online-check", state="undisturbed")
        self.assertEqual(undisturbed.code, 0, undisturbed.err)
        report = self.end(sim)
        total = sum(row["calls"] for row in report["actions"].values())
        sessions = report["sessions"]["live"]
        self.assertGreaterEqual(total, POINTS)
        sim.stop()

        killed = 0
        for k in range(POINTS):
            at = 1 + k * total // POINTS
            when = "after" if k % 2 else "before"
            run = f"kill-{k}"
            sim = self.fleet()
            with self.subTest(at=at, when=when):
                if self.run_to_end(sim, run, at, when):
                    killed += 1
                done = self.tmflow("resume", run, "-o", "json", sim=sim, state=run)
                self.assertEqual(done.code, 0, done.err)
                self.assertEqual(done.json["status"], "SUCCEEDED")
                report = self.end(sim)
                self.assertEqual(report["sessions"]["live"], sessions)
                self.assertEqual(report["sessions"]["created"], sessions)
                self.assertEqual(report["instances"]["launched"], report["instances"]["launchedBehindTarget"])
            sim.stop()
        self.assertGreater(killed, POINTS * 9 // 10)


if __name__ == "__main__":
    harness.main()
