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

    def test_retry_modes(self):
        """AWS_RETRY_MODE and the profile's keys mean what they mean to the AWS CLI."""
        sim = self.sim("--fault", "500:DescribeInstances@1", instances=5)
        once = self.write("once.yaml", "StartAt: A\nStates: {A: {Type: Task, Resource: tmflow:describe-page, Parameters: {}, End: true}}\n")
        profile = self.write("aws-config", "[default]\nretry_mode = legacy\nmax_attempts = 2\n")
        for env, attempts in (({"AWS_RETRY_MODE": "standard"}, 3), ({"AWS_RETRY_MODE": "adaptive"}, 3), ({"AWS_RETRY_MODE": "legacy"}, 5),
                              ({"AWS_CONFIG_FILE": profile}, 2), ({"AWS_CONFIG_FILE": profile, "AWS_MAX_ATTEMPTS": "1"}, 1)):
            sim.ask("/_sim/reset-counters", b"")
            done = self.tmflow("run", once, "--config", sim.config, "-o", "json", sim=sim, env=env)
            self.assertEqual(done.code, 1, done.err)
            self.assertEqual(sim.report()["actions"]["DescribeInstances"]["calls"], attempts, env)
        for env, said in (({"AWS_RETRY_MODE": "eager"}, "AWS_RETRY_MODE must be legacy, standard or adaptive, not \"eager\""),
                          ({"AWS_CONFIG_FILE": self.write("bad", "[default]\nmax_attempts = none\n")},
                           "bad:2: max_attempts must be a number from 1 to 100, not \"none\"")):
            done = self.tmflow("run", once, "--config", sim.config, "-o", "json", sim=sim, env=env)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(said, done.json["cause"])

    def test_adaptive(self):
        """A mode that somebody chose keeps its three attempts, and nothing is lost."""
        sim = self.sim("--buckets", "--bucket-scale", "50", "--fault", "throttle@0.05", instances=200)
        report = self.complete(sim, self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", sim=sim,
                                                env={"AWS_RETRY_MODE": "adaptive"}))
        self.assertGreater(sum(row["throttled"] for row in report["actions"].values()), 3)


if __name__ == "__main__":
    harness.main()
