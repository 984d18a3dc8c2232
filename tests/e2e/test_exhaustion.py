#!/usr/bin/env python3
"""What runs out under a backfill, or is not to be written: descriptors, the disk, the store. It ends with all mirrored, or says what is wrong; what was begun goes on
when there is room again."""
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import time
import unittest

import harness

DESCRIPTORS = range(4, 26)
DESCRIPTORS_ENOUGH = 256
DISK_KIB = (16, 64, 128, 256, 400, 600)
REGIONS = "us-east-1,eu-west-1"
NOBODY = 65534
CREATES = ("RunInstances", "CreateTrafficMirrorTarget", "CreateTrafficMirrorSession")


def may_mount():
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], stderr=subprocess.DEVNULL, check=False).returncode == 0


class Exhaustion(harness.Case):
    def words(self, sim, run):
        return ["run", harness.BACKFILL, "--config", sim.config, "-o", "json", "--run-id", run]

    def whole(self, sim):
        """Nothing is missing, double or left over."""
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["instances"]["launched"], report["instances"]["launchedBehindTarget"])

    def until_stopped(self, process):
        """Takes note of one stop: the next call waits for the next one."""
        ended = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.assertEqual(ended.si_status, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)

    def follow(self, process):
        """To the end of a process which gets descriptors as soon as it says that it cannot connect. Returns (exit code, stdout, stderr)."""
        said = ""
        for line in process.stderr:
            said += line
            if "unreachable" in line:
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS_ENOUGH, DESCRIPTORS_ENOUGH))
        out = process.stdout.read()
        process.stdout.close()
        process.stderr.close()
        return process.wait(), out, said

    def test_too_few_descriptors(self):
        sim = self.sim(instances=100)
        codes = []
        for limit in DESCRIPTORS:
            with self.subTest(descriptors=limit):
                process = self.start(*self.words(sim, f"d{limit}"), sim=sim, state=f"d{limit}",
                                     preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (n, DESCRIPTORS_ENOUGH)))
                code, out, said = self.follow(process)
                self.assertIn(code, (0, 1, 2), said)
                if code != 0:
                    self.assertIn("Too many open files", json.loads(out)["cause"])
                codes.append(code)
        self.assertIn(2, codes)
        self.assertEqual(codes[-1], 0)
        self.whole(sim)

    def test_descriptors_run_out_on_the_way(self):
        """Connections break, and there is no descriptor for a new one: then there are again."""
        sim = self.sim(instances=300)
        # It stops before it begins, so that the simulator can be told of it, and then at the ninth request.
        process = subprocess.Popen(["sh", "-c", 'kill -STOP $$; exec "$0" "$@"', harness.TMFLOW, *self.words(sim, "r")], cwd=harness.ROOT,
                                   env=self.environment(sim), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.until_stopped(process)
        sim.ask("/_sim/signal", {"at": 9, "pid": process.pid, "signal": signal.SIGSTOP, "when": "before"})
        process.send_signal(signal.SIGCONT)
        self.until_stopped(process)
        sim.ask("/_sim/faults", {"faults": ["reset-after@0.3"]})
        taken = 1 + max(int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (taken, DESCRIPTORS_ENOUGH))
        process.send_signal(signal.SIGCONT)
        code, out, said = self.follow(process)
        self.assertEqual(code, 0, said)
        self.assertIn("unreachable", said)
        self.assertNotIn("failed", json.loads(out)["summary"])
        self.whole(sim)

    def on_a_small_disk(self, sim, kib, words=()):
        """Then it has room, and the very run goes on, or begins where it had not. Returns the first exit code, and the document of the second process."""
        state = f"disk{kib}"
        directory = os.path.join(self.dir, state)
        os.mkdir(directory)
        run = shlex.join([harness.TMFLOW, *self.words(sim, state), *words])
        resume = shlex.join([harness.TMFLOW, "resume", state, "-o", "json"])
        script = (f"mount -t tmpfs -o size={kib}k,mode=0700 none {directory}; {run} >&2; echo $?; mount -o remount,size=64m {directory};"
                  f" {resume} || {{ [ $? = 2 ] && {run}; }}")
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], env=self.environment(sim, state), cwd=harness.ROOT,
                              capture_output=True, text=True, timeout=harness.RUN_SECONDS, check=False)
        first, document = int(done.stdout[:1]), done.stdout[2:]
        if first in (1, 2):
            self.assertRegex(done.stderr, r"full|No space left")
        if first == 1:
            self.assertIn(f"tmflow resume {state}", done.stderr)
        return first, json.loads(document[document.rindex("\n{"):] if "\n{" in document else document)

    @unittest.skipUnless(may_mount(), "skipped: no file system may be mounted here")
    def test_the_disk_is_full(self):
        sim = self.sim(instances=300)
        codes = []
        for kib in DISK_KIB:
            with self.subTest(kib=kib):
                code, document = self.on_a_small_disk(sim, kib)
                self.assertIn(code, (0, 1, 2))
                self.assertEqual(document["status"], "SUCCEEDED")
                codes.append(code)
        self.assertGreater(codes.count(1), 1)
        self.whole(sim)

    @unittest.skipUnless(may_mount(), "skipped: no file system may be mounted here")
    def test_the_disk_is_full_under_a_fleet(self):
        """The same of a run over several regions."""
        sim = self.sim("--regions", REGIONS, instances=300)
        codes = []
        for kib in DISK_KIB:
            with self.subTest(kib=kib):
                code, document = self.on_a_small_disk(sim, kib, ("--region", REGIONS))
                self.assertIn(code, (0, 1, 2))
                self.assertEqual({part["status"] for part in document["parts"]}, {"SUCCEEDED"})
                codes.append(code)
        self.assertGreater(codes.count(1), 1)
        with open(sim.config, "rb") as f:
            config = f.read()
        for region in REGIONS.split(","):
            verdict = sim.ask(f"/_sim/expected?region={region}", config)
            self.assertTrue(verdict["ok"], (region, verdict))

    @unittest.skipUnless(os.geteuid() == 0, "skipped: only root can become somebody else")
    def test_a_store_that_this_user_may_not_write(self):
        sim = self.sim(instances=100)
        os.chmod(self.dir, 0o755)
        os.chmod(sim.config, 0o644)
        theirs = os.path.join(self.dir, "theirs")
        os.mkdir(theirs, 0o700)
        os.chown(theirs, NOBODY, NOBODY)
        database = os.path.join(theirs, "tmflow.db")

        def run(state, words):
            done = subprocess.run([harness.TMFLOW, *words], env=self.environment(sim, state), cwd=harness.ROOT, capture_output=True, text=True,
                                  timeout=harness.RUN_SECONDS, user=NOBODY, group=NOBODY, extra_groups=[], check=False)
            return harness.Result(done.returncode, done.stdout, done.stderr)

        def fine(state):
            done = run(state, self.words(sim, f"r{time.monotonic_ns()}"))
            self.assertEqual(done.code, 0, done.err)

        def refused(state, why):
            sim.ask("/_sim/reset-counters", b"")
            for words in (self.words(sim, f"r{time.monotonic_ns()}"), ["resume", "@latest", "-o", "json"]):
                done = run(state, words)
                self.assertEqual(done.code, 2, done.err)
                self.assertEqual(done.json["error"], "TMFlow.Store")
                self.assertRegex(done.json["cause"], why)
            self.assertFalse(set(CREATES) & set(sim.report()["actions"]))

        os.mkdir(os.path.join(self.dir, "ours"), 0o755)
        refused("ours", "belongs to user")
        os.mkdir(os.path.join(self.dir, "closed"), 0o700)
        refused("closed", "Permission denied")
        fine("theirs")
        os.chmod(database, 0o400)
        refused("theirs", "may not write the file: Permission denied")
        os.chmod(database, 0o600)
        os.chmod(theirs, 0o500)
        refused("theirs", "may this user write to it|Permission denied")
        os.chmod(theirs, 0o700)
        fine("theirs")
        self.whole(sim)

    @unittest.skipUnless(may_mount(), "skipped: no file system may be mounted here")
    def test_a_file_system_that_is_read_only(self):
        sim = self.sim(instances=10)
        directory = os.path.join(self.dir, "state")
        os.mkdir(directory)
        script = f"mount -t tmpfs -o ro,mode=0700 none {directory}; exec {shlex.join([harness.TMFLOW, *self.words(sim, 'r')])}"
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], env=self.environment(sim), cwd=harness.ROOT, capture_output=True,
                              text=True, timeout=harness.RUN_SECONDS, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertTrue(re.search("Read-only file system", json.loads(done.stdout)["cause"]))
        self.assertEqual(sim.report()["requests"], 0)


if __name__ == "__main__":
    harness.main()
