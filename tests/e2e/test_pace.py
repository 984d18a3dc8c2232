#!/usr/bin/env python3
"""The pace of a run: estimated while much is ahead, kept with the run, forgotten when it is over."""
import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import termios
import time

import harness


class Pace(harness.Case):
    def world(self, *options, **named):
        """Every instance is covered, by targets that take any number of sources."""
        sim = self.sim("--plain", *options, **named)
        world = sim.ask("/_sim/world?limit=1")
        sim.config = self.write("pace.yaml", "vpcs:\n" + "".join(
            f"  - {{vpcId: {vpc}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n"
            for vpc in world["Vpcs"]))
        return sim

    def facts(self):
        db = sqlite3.connect(os.path.join(self.dir, "state", "tmflow.db"))
        try:
            return db.execute("SELECT value FROM facts WHERE kind = 'pacer'").fetchall()
        finally:
            db.close()

    def first_estimate(self, sim):
        """What the progress line of a run says is ahead, as (sessions, whether pages follow, seconds, rate)."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        process = subprocess.Popen([harness.TMFLOW, "run", harness.BACKFILL, "--config", sim.config], cwd=harness.ROOT,
                                   env={**self.environment(sim), "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs)
        self.addCleanup(process.wait)
        os.close(theirs)
        text, found = b"", None
        while not found:
            text += os.read(ours, 65536)  # an OSError where the run ends without a word of it
            found = re.search(rb", (\d+) sessions( and further pages)? to create: at least (\d+) s at (\d+\.\d)/s, ", text)
        process.kill()
        os.close(ours)
        self.found_nowhere(text, "what a terminal shows")
        return int(found[1]), (found[2] or b"").decode(), int(found[3]), float(found[4])

    def test_estimate(self):
        for instances, pages in ((200, ""), (400, " and further pages")):
            sim = self.world("--buckets", "--bucket-size-scale", "0.2", instances=instances)
            ahead, more, seconds, rate = self.first_estimate(sim)
            self.assertEqual(more, pages)
            self.assertTrue(ahead < 190, ahead)  # of a page of 200, behind the bucket's 10
            self.assertAlmostEqual(seconds, ahead / rate, delta=0.6 + seconds / rate / 20)  # rounded, both
            self.assertTrue(2.5 < rate < 10, rate)  # 5; how near depends on this machine's load

    def assert_calls(self, run, reports):
        """What `show` says of calls is what the simulator saw in all processes of the run."""
        calls = self.tmflow("show", run, "-o", "json").json["calls"]
        self.assertEqual(set(calls), set().union(*reports))
        for action, counts in calls.items():
            seen = [report[action] for report in reports if action in report]
            self.assertEqual(counts["requests"], sum(one["calls"] for one in seen), action)
            self.assertEqual(counts.get("throttled", 0), sum(one["throttled"] for one in seen), action)
            self.assertEqual(counts["replies"]["200"], sum(one["ok"] for one in seen), action)
            self.assertEqual(sum(counts["replies"].values()), counts["requests"], action)
        text = self.tmflow("show", run).out
        create = calls["CreateTrafficMirrorSession"]
        self.assertRegex(text, rf"CreateTrafficMirrorSession +{create['requests']} +{create['retries']} +{create['throttled']} +0\n")

    def test_calls_are_told(self):
        sim = self.world("--fault", "throttle:CreateTrafficMirrorSession@#2", "--fault", "500:CreateTrafficMirrorSession@#3", instances=30)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-q", "--run-id", "told", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assert_calls("told", [sim.report()["actions"]])
        self.assertIn(self.tmflow("show", "told").out[-200:], done.out)
        closing = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", sim=sim).json
        self.assertNotIn("calls", closing)

    def has_learnt(self):
        """Whether the refill of the bucket is known in the store, and is no guess any more."""
        for value, in self.facts():
            bucket = json.loads(value).get("CreateTrafficMirrorSession", {"learnt": False})
            return bucket.get("learnt", True) and not bucket.get("searching", False)
        return False

    def test_kept_with_the_run(self):
        sim = self.world("--buckets", "--bucket-scale", "8", instances=280)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "paced", "-q", sim=sim)
        deadline = time.monotonic() + harness.START_SECONDS
        while sim.report()["actions"].get("CreateTrafficMirrorSession", {}).get("throttled", 0) == 0 or not self.has_learnt():
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3)
        before = sim.report()["actions"]
        sim.ask("/_sim/reset-counters", b"")
        done = self.tmflow("resume", "paced", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(self.facts()), 1)  # for the run's numbers
        self.assert_calls("paced", [before, sim.report()["actions"]])
        self.assertTrue(sim.expected()["ok"])
        calls = sim.report()["actions"]["CreateTrafficMirrorSession"]
        # One that knew nothing would be refused as often as there are branches.
        self.assertGreater(calls["ok"], 20, "too little was left to do")
        self.assertLess(calls["throttled"], 3, (calls, before["CreateTrafficMirrorSession"]))


if __name__ == "__main__":
    harness.main()
