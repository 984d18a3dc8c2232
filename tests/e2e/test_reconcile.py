"""tmflow reconcile: the backfill on a schedule in one process, in one place or several."""
import json
import os
import re
import signal
import time

import harness
import services

ACCOUNTS = "123456789012,123456789013"
REGIONS = "us-east-1,eu-west-1"
ROLE = "arn:aws:iam::{account}:role/mirror-{region}"


class Reconcile(services.Case):
    def reconcile(self, sim, *args, config=None):
        words = ["reconcile", harness.BACKFILL, "--config", config or sim.config, "--log-level", "info", "-o", "json", *args]
        return self.spawn(words, self.keys(sim))

    def runs(self, sim):
        return self.tmflow("runs", "-o", "json", sim=sim).json

    def until_rounds(self, process, n, seconds=90):
        """Until it waits after its nth round; the pauses so far, in milliseconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pauses = [int(ms) for ms in re.findall(r"reconcile\.next.* in_ms=(\d+)", self.said(process))]
            if len(pauses) >= n:
                return pauses
            self.assertIsNone(process.poll(), self.said(process))
            time.sleep(0.05)
        self.fail(f"no {n} rounds: {self.said(process)}")

    def finish(self, process, signo=signal.SIGTERM, seconds=60):
        process.send_signal(signo)
        return process.wait(seconds)

    def test_rounds_mend_what_is_gone(self):
        sim = self.sim("--no-auth", instances=40)
        process = self.reconcile(sim, "--every", "1s")
        self.until_rounds(process, 1)
        before = sim.sessions()
        self.assertGreater(len(before), 0)
        victim = sorted(before)[0]
        sim.query("DeleteTrafficMirrorSession", TrafficMirrorSessionId=before[victim]["trafficMirrorSessionId"])
        done = len(self.until_rounds(process, 1))
        self.until_rounds(process, done + 2)
        self.assertEqual(set(sim.sessions()), set(before))
        self.assertEqual(self.finish(process), 0)
        rounds = self.runs(sim)
        self.assertGreaterEqual(len(rounds), 3)
        self.assertEqual({run["workflow"] for run in rounds}, {harness.BACKFILL})
        self.assertTrue(sim.expected()["ok"])

    def test_an_edited_configuration_counts_from_the_next_round(self):
        sim = self.sim("--no-auth", instances=40)
        with open(sim.config, encoding="utf-8") as f:
            whole = f.read()
        config = self.write("edited.yaml", whole)
        health = os.path.join(self.dir, "health")
        process = self.reconcile(sim, "--every", "1s", "--health-file", health, config=config)
        self.until_rounds(process, 1)
        self.assertTrue(os.path.exists(health))
        self.write("edited.yaml", "vpcs: 1\n")
        seen = len(self.until_rounds(process, 1))
        pauses = self.until_rounds(process, seen + 3)
        # What fails again and again is tried less and less often: a tenth of jitter is not two.
        failures = [int(n) for n in re.findall(r"reconcile\.next.* failures=(\d+)", self.said(process))]
        self.assertGreaterEqual(failures[-1], 2, failures)
        self.assertGreater(pauses[-1], 1.5 * pauses[0], pauses)
        self.assertIsNone(process.poll())
        self.write("edited.yaml", whole)
        deadline = time.monotonic() + 60
        while failures[-1] != 0 and time.monotonic() < deadline:
            time.sleep(0.1)
            failures = [int(n) for n in re.findall(r"reconcile\.next.* failures=(\d+)", self.said(process))]
        self.assertEqual(failures[-1], 0)
        self.assertEqual(self.finish(process), 0)
        self.assertFalse(os.path.exists(health))

    def test_what_is_wrong_at_the_start_ends_it(self):
        sim = self.sim(instances=5)
        for words, said in ([], "--every 15m"), (["--every", "soon"], "takes an age"), (["--every", "0s"], "less than a second"):
            refused = self.tmflow("reconcile", "--config", sim.config, *words, sim=sim)
            self.assertEqual(refused.code, 2, refused.err)
            self.assertIn(said, refused.err)
        wrong = self.write("wrong.yaml", "vpcs: 1\n")
        self.assertEqual(self.tmflow("reconcile", "--every", "1h", "--config", wrong, sim=sim).code, 2)
        self.assertEqual(self.tmflow("reconcile", "no-such-workflow", "--every", "1h", "--config", sim.config, sim=sim).code, 2)
        self.assertEqual(self.runs(sim) if os.path.exists(os.path.join(self.dir, "state", "tmflow.db")) else [], [])

    def test_a_signal_in_a_round_leaves_a_checkpoint(self):
        sim = self.sim("--no-auth", "--fault", "delay:40@1", instances=120)
        process = self.reconcile(sim, "--every", "1h")
        deadline = time.monotonic() + 60
        while not sim.sessions() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(self.finish(process), 3)
        run, = self.runs(sim)
        self.assertEqual(run["status"], "INTERRUPTED")
        # The next process's first round does the rest; what the round before left goes by its age, though it could be resumed.
        process = self.reconcile(sim, "--every", "1h", "--retention", "0s")
        self.until_rounds(process, 1)
        self.assertEqual(self.finish(process), 0)
        self.assertNotIn(run["runId"], [left["runId"] for left in self.runs(sim)])
        self.assertTrue(sim.expected()["ok"])
        self.assertEqual(sim.report()["sessions"]["created"], sim.report()["sessions"]["live"])

    def test_never_two_in_one_place(self):
        sim = self.sim("--no-auth", "--fault", "delay:400@1", instances=120)
        first = self.reconcile(sim, "--every", "1h")
        deadline = time.monotonic() + 60
        while not sim.sessions() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = self.reconcile(sim, "--every", "1h")
        self.until_rounds(second, 1)
        self.assertIn(f"reconcile-123456789012-us-east-1 is held by pid {first.pid}", self.said(second))
        self.assertEqual(self.finish(second), 0)
        self.assertEqual(len(self.runs(sim)), 1)
        self.until_rounds(first, 1)
        self.assertEqual(self.finish(first), 0)

    def test_several_places(self):
        sim = self.sim("--accounts", "2", "--regions", REGIONS, instances=20)
        process = self.reconcile(sim, "--every", "1s", "--region", REGIONS, "--account", ACCOUNTS, "--assume-role", ROLE)
        self.until_rounds(process, 2)
        self.assertEqual(self.finish(process), 0)
        first = self.runs(sim)[-1]
        parts = self.tmflow("show", first["runId"], "-o", "json", sim=sim).json["parts"]
        self.assertEqual({part["status"] for part in parts}, {"SUCCEEDED"})
        self.assertEqual(len(parts), 4)
        for account in ACCOUNTS.split(","):
            for region in REGIONS.split(","):
                with open(sim.config, "rb") as f:
                    verdict = sim.ask(f"/_sim/expected?account={account}&region={region}", f.read())
                self.assertTrue(verdict["ok"], (account, region, verdict))

    def test_pruning_where_the_configuration_says_so(self):
        sim = self.sim("--no-auth", instances=40)
        with open(sim.config, encoding="utf-8") as f:
            whole = f.read()
        config = self.write("pruned.yaml", whole + "\nprune: true\n")
        process = self.reconcile(sim, "--every", "1s", "--prune-limit", "100%", config=config)
        self.until_rounds(process, 1)
        before = sim.sessions()
        # Its instance is excluded from now on: the session is unwanted.
        victim = sorted(before)[0]
        owners = {n["NetworkInterfaceId"]: i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"] for n in i["NetworkInterfaces"]}
        self.write("pruned.yaml", whole + f"\nprune: true\nexclude: {{instanceIds: [{owners[victim]}]}}\n")
        self.until_rounds(process, len(self.until_rounds(process, 1)) + 2)
        self.assertNotIn(victim, sim.sessions())
        self.assertEqual(self.finish(process), 0)

    def test_rounds_leave_nothing_open(self):
        sim = self.sim("--no-auth", instances=10)
        process = self.reconcile(sim, "--every", "1s", "--retention", "0s")
        self.until_rounds(process, 2)
        before = sorted(os.listdir(f"/proc/{process.pid}/fd"))
        self.until_rounds(process, 8)
        self.assertEqual(len(os.listdir(f"/proc/{process.pid}/fd")), len(before))
        self.assertEqual(self.finish(process), 0)
        self.assertEqual(self.runs(sim), [])


if __name__ == "__main__":
    harness.main()
