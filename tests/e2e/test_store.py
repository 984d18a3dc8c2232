#!/usr/bin/env python3
"""A store that was damaged, removed or replaced: nothing goes on from it, and what is wrong is said."""
import os
import shutil
import signal
import sqlite3

import harness


class Store(harness.Case):
    def database(self):
        return os.path.join(self.dir, "state", "tmflow.db")

    def interrupted(self, sim, run):
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", run, "-q", sim=sim)
        sim.ask("/_sim/signal", {"at": 40, "pid": process.pid, "signal": signal.SIGKILL, "when": "before"})
        process.communicate(timeout=harness.RUN_SECONDS)

    def alter(self, sql):
        db = sqlite3.connect(self.database())
        db.execute(sql)
        db.commit()
        db.close()

    def test_altered_rows(self):
        """A digit in a checkpoint, in the configuration, in the end of a run: each is found by resume and by check."""
        sim = self.sim("--plain", instances=300)
        self.interrupted(sim, "one")
        self.assertEqual(self.tmflow("store", "check").code, 0)
        copy = os.path.join(self.dir, "copy")
        shutil.copytree(os.path.dirname(self.database()), copy)
        for sql, what in (
            ("UPDATE branches SET state = CAST(replace(state, '\"state\":', '\"state\": ') AS BLOB) WHERE branch > 0", "checkpoint of run one"),
            ("UPDATE runs SET config = replace(config, 'vpc-', 'vpc-0')", "run one"),
            ("UPDATE runs SET retry_ms = 1", "run one"),
        ):
            with self.subTest(what):
                shutil.rmtree(os.path.dirname(self.database()))
                shutil.copytree(copy, os.path.dirname(self.database()))
                self.alter(sql)
                sim.ask("/_sim/reset-counters", b"")
                done = self.tmflow("resume", "one", "-o", "json", sim=sim)
                self.assertEqual(done.code, 2, done.err)
                self.assertEqual(done.json["error"], "TMFlow.Store")
                self.assertIn("wrong checksum", done.json["cause"])
                self.assertEqual(sim.report()["actions"], {})
                check = self.tmflow("store", "check", "-o", "json")
                self.assertEqual(check.code, 2)
                self.assertIn(what, " ".join(check.json["faults"]))

    def test_a_checkpoint_that_is_no_tree(self):
        """Without checksums, as in a store of an earlier release: the tree itself is checked."""
        sim = self.sim("--plain", instances=300)
        self.interrupted(sim, "one")
        self.alter("UPDATE branches SET sum = NULL, state = CAST(replace(state, '\"entered\":1', '\"entered\":9') AS BLOB) WHERE branch > 0")
        for args in (("resume", "one"), ("store", "check")):
            done = self.tmflow(*args, sim=sim)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn('\"entered\" is in the future', done.out + done.err)

    def test_a_directory_that_is_removed_or_replaced(self):
        for replaces in (False, True):
            with self.subTest(replaces=replaces):
                sim = self.sim("--plain", "--fault", "delay:50@1", instances=300)
                process = self.start("run", harness.BACKFILL, "--config", sim.config, "-q", sim=sim)
                while sim.report()["requests"] < 10:
                    self.assertIsNone(process.poll())
                state = os.path.dirname(self.database())
                os.rename(state, state + f"-gone-{replaces}")
                if replaces:
                    os.mkdir(state, 0o700)
                    shutil.copy(os.path.join(state + f"-gone-{replaces}", "tmflow.db"), state)
                changes = sim.report()["sessions"]["created"]
                _, err = process.communicate(timeout=harness.RUN_SECONDS)
                self.assertEqual(process.returncode, 1, err)
                self.assertRegex(err, "removed under this process|taken the place")
                self.assertLessEqual(sim.report()["sessions"]["created"], changes + 90)
                shutil.rmtree(state, ignore_errors=True)
                sim.stop()

    def test_a_file_that_is_cut(self):
        for name, size in (("tmflow.db", 0), ("tmflow.db", 1000), ("tmflow.db-wal", 0), ("tmflow.db-wal", 5000)):
            with self.subTest(name=name, size=size):
                sim = self.sim("--plain", "--fault", "delay:50@1", instances=300)
                process = self.start("run", harness.BACKFILL, "--config", sim.config, "-o", "json", sim=sim)
                while sim.report()["requests"] < 20:
                    self.assertIsNone(process.poll())
                os.truncate(os.path.join(os.path.dirname(self.database()), name), size)
                changes = sim.report()["sessions"]["created"]
                out, err = process.communicate(timeout=harness.RUN_SECONDS)
                self.assertEqual(process.returncode, 2, err + out)
                self.assertIn(f"{name} was cut under this process: {size} bytes", err)
                self.assertLessEqual(sim.report()["sessions"]["created"], changes + 90)
                shutil.rmtree(os.path.dirname(self.database()))
                sim.stop()

    def test_a_directory_for_all(self):
        os.makedirs(os.path.join(self.dir, "open"))
        os.chmod(os.path.join(self.dir, "open"), 0o777)
        done = self.tmflow("runs", "--state-dir", os.path.join(self.dir, "open"))
        self.assertEqual(done.code, 2)
        self.assertIn("can be written by every user (mode 0777)", done.err)

    def test_a_store_that_is_not_there(self):
        missing = os.path.join(self.dir, "typo")
        reading = (["store", "check"], ["show", "@latest"], ["resume", "@latest"], ["stop", "@latest"], ["runs"])
        for args in reading:
            done = self.tmflow(*args, "--state-dir", missing)
            self.assertEqual(done.code, 2, args)
            self.assertIn("no store, and no runs", done.err)
            self.assertFalse(os.path.exists(missing), args)
        os.makedirs(missing)
        for args in reading:
            self.assertEqual(self.tmflow(*args, "--state-dir", missing).code, 2, args)
            self.assertEqual(os.listdir(missing), [], args)

    def test_a_run_id_like_an_option(self):
        path = self.write("p.yaml", "StartAt: P\nStates:\n  P: {Type: Pass, End: true}\n")
        done = self.tmflow("run", path, "--run-id=-x", "-o", "json")
        self.assertEqual((done.code, done.json["error"]), (2, "TMFlow.InvalidInput"))
        self.assertIn("cannot begin with '-'", done.json["cause"])

    def test_an_action_with_a_nul(self):
        path = self.write("nul.json", '{"StartAt": "P", "States": {"P": {"Type": "Task", "Resource": "tmflow:log\\u0000x", "End": true}}}')
        done = self.tmflow("validate", path)
        self.assertEqual(done.code, 2)
        self.assertIn("should have no NUL character", done.out + done.err)


if __name__ == "__main__":
    harness.main()
