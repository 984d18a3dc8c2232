#!/usr/bin/env python3
"""Backfills beside each other, each with a store of its own, over one account whose describes lag: whatever one makes, the others come to see. No instance is launched
for nothing, no session is moved, nothing fails.

TMFLOW_BESIDE_ROUNDS=N plays N rounds; TMFLOW_BESIDE_SEED=S begins with that one.
"""
import json
import os
import random

import harness

ROUNDS = int(os.environ.get("TMFLOW_BESIDE_ROUNDS", 6))
FIRST = int(os.environ.get("TMFLOW_BESIDE_SEED", 1))
STALE_MS = (0, 500, 2000, 4000)     # of describes: the longest look again takes 14 s
DELAYS_MS = (5, 20, 60)            # of each reply: the processes are at work at the same time
START_SECONDS_MAX = 3               # between two of them


class Beside(harness.Case):
    def fleet(self, chance, seed):
        """Created targets in many subnets, or one subnet with many more sources than a target takes."""
        stale = chance.choice(STALE_MS)
        options = ["--no-auth", "--stale-ms", str(stale), "--boot-ms", str(chance.choice((0, 1000))), "--fault", f"delay:{chance.choice(DELAYS_MS)}@1"]
        if chance.random() < 0.5:
            return self.sim(*options, "--plain", "--single-subnet", instances=chance.randint(10, 60), seed=seed)
        return self.sim(*options, "--scenario", "created", instances=chance.randint(100, 300), seed=seed)

    def play(self, seed):
        chance = random.Random(seed)
        sim = self.fleet(chance, seed)
        # Some start behind another one: what that has made they do not see at first.
        words = ["run", harness.BACKFILL, "--config", sim.config, "-o", "json"]
        processes = []
        for k in range(chance.randint(2, 4)):
            delay = f"{chance.random() * START_SECONDS_MAX:.2f}" if k else "0"
            processes.append(self.watched(["sh", "-c", f'sleep {delay}; exec "$0" "$@"', harness.TMFLOW, *words], cwd=harness.ROOT, text=True,
                                          env=self.environment(sim, f"state-{seed}-{k}"), stdout=harness.subprocess.PIPE,
                                          stderr=harness.subprocess.PIPE))
        for process in processes:
            out, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual(process.returncode, 0, err)
            self.assertNotIn("failed", json.loads(out)["summary"])
        self.check(sim)
        sim.stop()

    def check(self, sim):
        report = sim.report()
        self.assertTrue(report["ok"], report)
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        self.assertEqual(report["instances"]["launched"], report["instances"]["launchedBehindTarget"])
        self.assertNotIn("ModifyTrafficMirrorSession", report["actions"])
        self.assertEqual(report["sessions"]["created"], report["sessions"]["live"])

    def test_rounds(self):
        for seed in range(FIRST, FIRST + ROUNDS):
            with self.subTest(seed=seed):
                self.play(seed)


if __name__ == "__main__":
    harness.main()
