#!/usr/bin/env python3
"""SIGKILL at 100 points spread over a backfill, by the n-th request that the simulator sees: each time the run is resumed, and the world ends as without the kill,
with each session created once."""
import os
import random
import signal

import harness

POINTS = 100
INSTANCES = 300
ROUNDS = int(os.environ.get("TMFLOW_KILL_ROUNDS", 8))   # with faults and lag; tools/nightly plays more of them
FIRST = int(os.environ.get("TMFLOW_KILL_SEED", 1))
KILLS_MAX = 4
FAULTS = ("throttle@0.05", "500@0.03", "503@0.03", "reset-before@0.03", "reset-after@0.03", "500-after@0.03", "truncate@0.03", "garbage@0.03", "delay:40@0.2")
STALE_MS = (0, 500, 3000)


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

    def play(self, seed):
        """A run and its resumptions, each killed but the last; over an account that throttles, breaks connections and lags."""
        chance = random.Random(seed)
        faults = [word for fault in chance.sample(FAULTS, chance.randint(0, 4)) for word in ("--fault", fault)]
        sim = self.sim("--stale-ms", str(chance.choice(STALE_MS)), "--boot-ms", str(chance.choice((0, 800))), *faults, instances=chance.randint(20, 120),
                       seed=seed)
        run = f"round-{seed}"
        words = ["run", harness.BACKFILL, "--config", sim.config, "--no-online-check", "--run-id", run, "-q"]
        kills = 0
        for _ in range(chance.randint(1, KILLS_MAX)):
            process = self.start(*words, sim=sim, state=run)
            sim.ask("/_sim/reset-counters", b"")
            sim.ask("/_sim/signal", {"at": chance.randint(1, 60), "pid": process.pid, "signal": signal.SIGKILL, "when": chance.choice(("before", "after"))})
            _, err = process.communicate(timeout=harness.RUN_SECONDS)
            kills += process.returncode == -signal.SIGKILL
            # 2: it died before its run stood in the store.
            self.assertIn(process.returncode, (-signal.SIGKILL, 0, 2), err)
            words = ["resume", run, "-q"]
        done = self.tmflow("resume", run, "-o", "json", sim=sim, state=run)
        if done.code == 2:
            done = self.backfill(sim, "--run-id", run, state=run)
        self.assertEqual(done.code, 0, done.err + done.out)
        self.assertNotIn("failed", done.json["summary"])
        report = self.end(sim)
        self.assertEqual(report["sessions"]["created"], report["sessions"]["live"])
        self.assertEqual(report["instances"]["launched"], report["instances"]["launchedBehindTarget"])
        sim.stop()
        return kills

    def test_rounds_with_faults_and_lag(self):
        kills = 0
        for seed in range(FIRST, FIRST + ROUNDS):
            with self.subTest(seed=seed):
                kills += self.play(seed)
        print(f"{ROUNDS} rounds, {kills} kills", flush=True)
        self.assertGreaterEqual(kills, ROUNDS // 2)


if __name__ == "__main__":
    harness.main()
