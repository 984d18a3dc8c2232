#!/usr/bin/env python3
"""What `runs` says is true: who runs, who was killed, what a dry run would do. stop, --prune and --retention, the columns and filters."""
import json
import os
import random
import re
import signal
import socket
import time

import harness
import services

WAITS = "StartAt: W\nStates:\n  W: {Type: Wait, Seconds: 600, End: true}\n"
QUICK = "StartAt: D\nStates:\n  D: {Type: Succeed}\n"
FAILS = "StartAt: F\nStates:\n  F: {Type: Fail, Error: Mine}\n"
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class Runs(services.Case):
    def rows(self, *args, **named):
        """The list's lines below its heading, as lists of cells."""
        done = self.tmflow("runs", *args, **named)
        self.assertEqual(done.code, 0, done.err)
        return [re.split(r"  +", line) for line in done.out.splitlines()[1:]]

    def ids(self, *args):
        return [run["runId"] for run in self.tmflow("runs", "-o", "json", *args).json]

    def waiting(self, run):
        process = self.start("run", self.write("waits.yaml", WAITS), "--run-id", run, "-q")
        self.until_signals_are_caught(process)
        return process

    def quick(self, run, text=QUICK, name="quick.yaml"):
        self.assertIn(self.tmflow("run", self.write(name, text), "--run-id", run).code, (0, 1))

    def kill(self, process):
        process.kill()
        process.communicate()

    def test_running_and_killed(self):
        process = self.waiting("one")
        host = socket.gethostname()
        row, = self.rows()
        self.assertEqual(row[:2], ["one", f"RUNNING pid {process.pid} on {host}"])
        self.assertRegex(row[2], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(row[5], "waits")
        document, = self.tmflow("runs", "-o", "json").json
        self.assertEqual((document["status"], document["holder"]), ("RUNNING", {"pid": process.pid, "host": host}))
        self.assertIn("tmflow stop one", self.tmflow("show", "one").out)
        self.kill(process)
        row, = self.rows()
        self.assertEqual(row[:2] + row[3:4], ["one", "KILLED", "-"])
        self.assertEqual(self.tmflow("show", "one", "-o", "json").json["status"], "KILLED")
        shown = self.tmflow("show", "one").out
        self.assertIn("  KILLED\n", shown)
        self.assertIn("tmflow resume one", shown)
        self.assertEqual(self.ids("--status", "killed"), ["one"])
        self.assertEqual(self.ids("--status", "running"), [])

    def test_stop(self):
        process = self.waiting("one")
        done = self.tmflow("stop", "@latest")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"^run one  INTERRUPTED\n.*tmflow resume one")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3)
        again = self.tmflow("stop", "one", "-o", "json")
        self.assertEqual(again.code, 2)
        self.assertIn("it is INTERRUPTED", again.json["cause"])
        self.quick("two")
        self.assertIn("it is SUCCEEDED", self.tmflow("stop", "two").err)
        process = self.waiting("three")
        self.assertEqual(self.tmflow("stop", "three", "-o", "json").json, {"runId": "three", "status": "INTERRUPTED"})
        process.communicate(timeout=20)

    def test_stop_signals_nobody_else(self):
        """The lock's file names a pid that has not the lock: a container's, or one that was taken over by another program."""
        process = self.waiting("one")
        other = harness.subprocess.Popen(["sleep", "600"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        with open(os.path.join(self.dir, "state", "locks", "one.lock"), "w", encoding="ascii") as f:
            f.write(f"{socket.gethostname()} {other.pid}\n")
        done = self.tmflow("stop", "one")
        self.assertEqual(done.code, 4)
        self.assertIn("stop it there", done.err)
        self.assertIsNone(other.poll())
        self.kill(process)

    def test_filters(self):
        for run, text, name in (("a", QUICK, "quick.yaml"), ("b", FAILS, "fails.yaml"), ("c", QUICK, "quick.yaml")):
            self.quick(run, text, name)
        self.assertEqual(self.ids(), ["c", "b", "a"])
        self.assertEqual(self.ids("--limit", "2"), ["c", "b"])
        self.assertEqual(self.ids("--workflow", "quick"), ["c", "a"])
        self.assertEqual(self.ids("--workflow", os.path.join(self.dir, "fails.yaml")), ["b"])
        self.assertEqual(self.ids("--workflow", "quick", "--limit", "1"), ["c"])
        self.assertEqual(self.ids("--status", "Failed"), ["b"])
        self.assertEqual(self.ids("--since", "30m"), ["c", "b", "a"])
        self.assertEqual(self.ids("--until", "30m"), [])
        self.assertEqual(self.ids("--until", "2999-01-01"), ["c", "b", "a"])
        self.assertEqual(len(self.rows("--limit", "1")), 1)
        for args, pattern in ((("--limit", "0"), "--limit takes a number from 1"), (("--until", "soon"), "--until takes"),
                              (("--status", "DONE"), "KILLED"), (("--prune",), "needs --older-than"), (("--older-than", "3d"), "needs --prune"),
                              (("--prune", "--older-than", "3 days"), "takes an age"),
                              (("--prune", "--older-than", "3d", "--limit", "3"), "alone")):
            done = self.tmflow("runs", *args)
            self.assertEqual(done.code, 2, args)
            self.assertIn(pattern, done.err)

    def test_columns_stand_below_each_other(self):
        self.quick("a")
        self.quick("a-run-with-a-very-long-name-of-its-own")
        lines = self.tmflow("runs").out.splitlines()
        self.assertEqual({line.index(word) for line, word in zip(lines, ("STATUS", "SUCCEEDED", "SUCCEEDED"))}, {lines[0].index("STATUS")})
        self.assertEqual([line for line in lines if line != line.rstrip()], [])

    def test_a_dry_run_is_a_plan(self):
        sim = self.sim(instances=60)
        self.quick("before")
        plan = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--dry-run", "--run-id", "plan", sim=sim)
        self.assertEqual(plan.code, 0, plan.err)
        self.assertRegex(plan.out, r" +\d+  to create\n")
        self.assertNotRegex(plan.out, r" \d+  created")
        self.assertIn("PLANNED", plan.out.splitlines()[0])
        row = self.rows()[0]
        self.assertEqual((row[0], row[1], row[4], row[5]), ("plan", "PLANNED", "us-east-1", "backfill"))
        self.assertRegex(row[6], r"^\d+ to create")
        self.assertEqual(self.tmflow("show", "@latest", "-o", "json").json["runId"], "before")
        self.assertEqual((self.ids("--status", "planned"), self.ids("--status", "succeeded")), (["plan"], ["before"]))
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--run-id", "real", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(self.rows("--limit", "1")[0][6], r"^\d+ created")

    def test_states_as_a_tree(self):
        text = """
StartAt: Each
States:
  Each:
    Type: Map
    ItemsPath: $.items
    ItemProcessor:
      StartAt: Look
      States:
        Look: {Type: Choice, Choices: [{Variable: $, NumericGreaterThan: 2, Next: Wrong}], Default: Right}
        Wrong: {Type: Fail, Error: Mine}
        Right: {Type: Pass, End: true}
    Catch: [{ErrorEquals: [States.ALL], Next: Caught}]
    Next: Never
  Never: {Type: Pass, End: true}
  Caught: {Type: Wait, Seconds: 600, End: true}
"""
        process = self.start("run", self.write("tree.yaml", text), "--run-id", "tree", "--input", self.write("i.json", '{"items": [1, 2, 3]}'))
        deadline = time.monotonic() + harness.START_SECONDS
        while "Caught" not in self.lines_of("tree") and time.monotonic() < deadline:
            self.assertIsNone(process.poll())
        lines = self.lines_of("tree")
        self.assertEqual([lines[name][0] for name in ("Each", "Look", "Wrong", "Right", "Never", "Caught")],
                         ["  !", "    \u2713", "    \u2717", "    \u2713", "  \u00b7", "  \u25b6"])
        self.assertEqual([lines[name][1] for name in ("Each", "Look", "Wrong", "Right", "Caught")], [1, 3, 1, 2, 1])
        self.assertIn("1 caught", lines["Each"][2])
        self.assertIn("1 failed", lines["Wrong"][2])
        self.kill(process)
        self.assertEqual(self.lines_of("tree")["Caught"][0], "  \u2016")
        # A second process goes on counting where the first one stopped.
        second = self.start("resume", "tree", "-q")
        self.until_signals_are_caught(second)
        self.assertEqual(self.tmflow("stop", "tree").code, 0)
        second.communicate(timeout=20)
        self.assertEqual(self.lines_of("tree")["Look"][1], 3)

    def lines_of(self, run):
        """{state: (indentation and mark, how often, the rest)} of show."""
        found = {}
        for line in self.tmflow("show", run).out.splitlines():
            match = re.match(r"( +[!\u2713\u2717\u00b7\u25b6\u2016]) (\w+)(?: +(\d+)x +(.*))?$", line)
            if match:
                found[match[2]] = (match[1], int(match[3] or 0), match[4] or "")
        return found

    def test_failures_by_error_and_rule(self):
        sim = self.sim("--fault", "refuse:UnauthorizedOperation:CreateTrafficMirrorSession@1", instances=60)
        done = self.backfill(sim, "--run-id", "bad")
        self.assertEqual(done.code, 5, done.err)
        failed = done.json["summary"]["failed"]
        groups = re.findall(r"^ +(\d+) x UnauthorizedOperation of ec2:CreateTrafficMirrorSession, rule \S+\n +i-[0-9a-f]+: \S", self.tmflow("show", "bad").out, re.M)
        self.assertEqual(sum(map(int, groups)), failed)
        self.assertLess(len(groups), failed)

    def test_follow(self):
        """Lines while it runs, then the report, with the exit code of the run."""
        process = self.start("run", self.write("w.yaml", WAITS.replace("600", "2")), "--run-id", "one", "-q")
        self.until_signals_are_caught(process)
        done = self.tmflow("show", "one", "--follow")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"^\d\d:\d\d:\d\d  RUNNING pid %d on " % process.pid)
        self.assertIn("  SUCCEEDED\n", done.out)
        process.communicate(timeout=20)
        lines = [json.loads(line) for line in self.tmflow("show", "one", "--follow", "-o", "jsonl").out.splitlines()]
        self.assertEqual([line["status"] for line in lines], ["SUCCEEDED"])
        self.quick("two", FAILS, "fails.yaml")
        self.assertEqual(self.tmflow("show", "two", "--follow").code, 1)
        for args in (("-o", "json"), ("--failed",)):
            self.assertEqual(self.tmflow("show", "one", "--follow", *args).code, 2, args)

    def test_color(self):
        self.quick("a")
        self.assertNotIn("\x1b", self.tmflow("runs").out)
        colored = self.tmflow("runs", "--color", "always")
        self.assertIn("\x1b[32mSUCCEEDED\x1b[0m", colored.out)
        self.assertEqual(COLOR.sub("", colored.out), self.tmflow("runs").out)
        self.assertIn("\x1b[31merror\x1b[0m: ", self.tmflow("validate", self.write("w.yaml", "StartAt: A\n"), "--color", "always").err)
        self.assertEqual(self.tmflow("runs", "--color", "blue").code, 2)

    def test_prune(self):
        self.quick("a")
        self.quick("b", FAILS, "fails.yaml")
        running, killed = self.waiting("c"), self.waiting("d")
        self.kill(killed)
        self.assertEqual(self.tmflow("runs", "--prune", "--older-than", "1h").out, "0 runs removed\n")
        done = self.tmflow("runs", "--prune", "--older-than", "0s")
        self.assertRegex(done.out, "^2 runs removed\n1 that old were not over")
        self.assertEqual(self.ids(), ["d", "c"])
        done = self.tmflow("runs", "--prune", "--older-than", "0s", "--status", "killed", "-o", "json")
        self.assertEqual(done.json, {"removed": 1, "resumable": 0})
        self.assertEqual(self.ids(), ["c"])
        self.assertEqual(os.listdir(os.path.join(self.dir, "state", "locks")), ["c.lock"])
        self.kill(running)
        self.assertEqual(self.tmflow("store", "check").code, 0)

    def test_retention_of_a_listener(self):
        """Old runs go when it starts; a killed listener's run, which nothing goes on from, too."""
        self.quick("old")
        killed = self.waiting("resumable")
        self.kill(killed)
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)

        def listen(*args, **env):
            process = self.spawn(["listen", "--queue-url", queue.queue_url, *args],
                                 {**self.keys(None), "AWS_ENDPOINT_URL_SQS": queue.url, "AWS_REGION": "us-east-1", **env})
            self.until_signals_are_caught(process)
            return process
        first = listen()
        self.assertEqual(len(self.ids()), 3)
        self.kill(first)
        second = listen("--retention", "0s")
        deadline = time.monotonic() + harness.START_SECONDS
        while len(self.ids()) > 2 and time.monotonic() < deadline:
            self.assertIsNone(second.poll())
        self.assertEqual((self.ids("--status", "killed"), len(self.ids())), (["resumable"], 2))
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=60)
        done = self.tmflow("listen", "--queue-url", queue.queue_url, "--retention", "soon", env={"AWS_REGION": "us-east-1"})
        self.assertEqual(done.code, 2)
        self.assertIn("--retention takes an age", done.err)


if __name__ == "__main__":
    harness.main()
