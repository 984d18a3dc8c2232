#!/usr/bin/env python3
"""No key, token or signature in anything that a run leaves behind or says, whatever befalls it. What is looked for and where: harness.Case."""
import os
import signal
import sqlite3

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
            self.assertRegex(done.err, r"http 1 > POST http://127.0.0.1:\d+ DescribeInstances, attempt 1\n")
            self.assertRegex(done.err, r"http 1 < DescribeInstances, attempt 1 after \d+ ms: status 200\n")
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
        process = harness.subprocess.Popen([harness.TMFLOW, "run", harness.BACKFILL, "--config", sim.config, *self.words], env=environment,
                                           cwd=harness.ROOT, stdin=harness.subprocess.DEVNULL, stdout=harness.subprocess.PIPE,
                                           stderr=harness.subprocess.PIPE)
        self.until_signals_are_caught(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3, err)
        self.found_nowhere(out + err, "what an interrupted run says")

    def test_the_search_finds_what_there_is(self):
        for planted in (SECRET.encode(), TOKEN.encode(), b"Authorization: AWS4-HMAC-SHA256 Credential=x",
                        b"Signature=" + b"0" * 64):
            self.assertRaises(AssertionError, self.found_nowhere, b"some " + planted + b" text", "a plant")


if __name__ == "__main__":
    harness.main()
