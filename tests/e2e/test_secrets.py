#!/usr/bin/env python3
"""No key, token or signature in anything that a run leaves behind or says, whatever befalls it. What is looked for and where: harness.Case."""
import os
import signal
import sqlite3
import subprocess

import harness

KEY, SECRET, TOKEN = "ASIASECRETS", "secret/key/that+nobody/sees", "session-token/that+nobody==sees"


class Secrets(harness.Case):
    def setUp(self):
        super().setUp()
        self.secrets.update((SECRET.encode(), TOKEN.encode(), KEY.encode()))
        self.env = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
        self.words = ["--log-level", "debug", "--debug-http"]

    def sim_of_ours(self, *options, **named):
        return self.sim("--credentials", f"{KEY}:{SECRET}:{TOKEN}", *options, **named)

    def run_backfill(self, sim, *args, env=None):
        return self.tmflow("run", harness.BACKFILL, "--config", sim.config, *self.words, *args, sim=sim, env={**self.env, **(env or {})})

    def test_a_run_and_its_record(self):
        sim = self.sim_of_ours(instances=200)
        for form in ("logfmt", "json"):
            done = self.run_backfill(sim, "--log-format", form, "-o", "json", "--history")
            self.assertEqual(done.code, 0, done.err)
            self.assertRegex(done.err, r"http \d+ > POST http://127.0.0.1:\d+/ DescribeInstances, attempt 1\n")
            self.assertRegex(done.err, r"http \d+ < DescribeInstances, attempt 1 after \d+ ms: status 200\n")
            self.assertIn("  X-Amz-Security-Token: (removed)\n", done.err)
        self.assertNotEqual(self.tmflow("runs", "-o", "json").out, "[]\n")
        self.tmflow("show", "@latest", "--outcomes", "-o", "json")
        # What the pages of the store hold, deleted ones too, is searched at the end; this is what it says.
        store = sqlite3.connect(os.path.join(self.dir, "state", "tmflow.db"))
        self.found_nowhere("\n".join(store.iterdump()).encode(), "the store")
        store.close()

    def test_faults(self):
        faults = ("throttle", "500", "503", "reset-before", "reset-after", "truncate", "garbage")
        sim = self.sim_of_ours(*[word for fault in faults for word in ("--fault", f"{fault}@0.1")], instances=200)
        self.assertEqual(self.run_backfill(sim).code, 0)

    def test_refusals(self):
        sim = self.sim_of_ours(instances=20)
        for env in ({"AWS_SECRET_ACCESS_KEY": SECRET + "x"}, {"AWS_SESSION_TOKEN": TOKEN + "x"}, {"AWS_ACCESS_KEY_ID": KEY + "X"},
                    {"AWS_SESSION_TOKEN": TOKEN + "\nX-Evil: 1"}, {"AWS_SECRET_ACCESS_KEY": ""}):
            for output in ("text", "json"):
                done = self.run_backfill(sim, "-o", output, env={"AWS_MAX_ATTEMPTS": "2", **env})
                self.assertNotEqual(done.code, 0, env)

    def test_interrupted(self):
        sim = self.sim_of_ours("--buckets", instances=400)
        environment = {**self.environment(sim), **self.env}
        process = self.watched([harness.TMFLOW, "run", harness.BACKFILL, "--config", sim.config, *self.words], env=environment,
                               cwd=harness.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.until_signals_are_caught(process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3, err)

    def test_the_search_finds_what_there_is(self):
        for planted in (SECRET.encode(), TOKEN.encode(), b"Authorization: AWS4-HMAC-SHA256 Credential=x",
                        b"Signature=" + b"0" * 64):
            self.assertRaises(AssertionError, self.found_nowhere, b"some " + planted + b" text", "a plant")
            plant = self.watched(["printf", "%s", "some " + planted.decode()], stdout=subprocess.PIPE)
            self.assertRaises(AssertionError, plant.communicate)

    def test_the_search_of_the_whole_run(self):
        """tools/secrets finds what is planted in the log of ctest, or in what a test left behind, and does not repeat it."""
        log = os.path.join(self.dir, "build", "Testing", "Temporary", "LastTest.log")
        left = os.path.join(self.dir, "build", "e2e-1", "tmflow.db")
        for path in (log, left):
            os.makedirs(os.path.dirname(path))
        self.write("build/Testing/secrets", f"{SECRET}\nshort\n")
        for planted, where in (("", None), ("a short one", None), (SECRET, log), (SECRET, left), ("Signature=" + "0" * 64, log),
                               ("Credential=AKIDEXAMPLE/20260115/us-east-1/ec2/aws4_request", left)):
            for path in (log, left):
                self.write(os.path.relpath(path, self.dir), f"\0 all is well\n{planted if path == where else ''}\n")
            done = subprocess.run([os.path.join(harness.ROOT, "tools", "secrets"), os.path.join(self.dir, "build")], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 1 if where else 0, done.stderr)
            self.assertNotIn(planted or "nothing", done.stdout + done.stderr)
            if where:
                self.assertRegex(done.stderr, f"^{where}: a (secret|signature) stands in it, line 2\n$")


if __name__ == "__main__":
    harness.main()
