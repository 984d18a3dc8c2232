#!/usr/bin/env python3
"""Distributed Maps over local files: rows of CSV, JSON Lines and JSON arrays, in batches, in flat memory, and after kills."""
import contextlib
import json
import os
import signal
import sqlite3
import time

import harness

MEMORY_ROWS = 30000
MEMORY_KIB_MORE = 4096  # for ten times as many rows: what the allocator keeps, not what the rows are
KILLS = 12
KILL_ROWS = 6000
BATCH = 100
FAST = "{StartAt: P, ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}, States: {P: %s}}"


class Items(harness.Case):
    def workflow(self, key, config, state="{Type: Pass, End: true}", more=""):
        """A Map over the file of that key beside it."""
        return self.write("items.yaml", f"""
StartAt: Each
States:
  Each:
    Type: Map
    ItemReader:
      Resource: arn:aws:states:::s3:getObject
      Parameters: {{Bucket: "file://{self.dir}", Key.$: $.key}}
      ReaderConfig: {config}
    ItemProcessor: {FAST % state}
{more}
    End: true
"""), json.dumps({"key": key})

    def run_map(self, key, config, **named):
        workflow, value = self.workflow(key, config, **named)
        return self.tmflow("run", workflow, "--input", self.write("input.json", value), "-o", "json")

    def rows(self, count, name="rows.csv"):
        return self.write(name, "id,text\n" + "".join(f'i-{n:017x},"a, ""{n}"""\n' for n in range(count)))

    def stored(self):
        """All rows of the checkpoint."""
        path = os.path.join(self.dir, "state", "tmflow.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return " ".join(str(row) for row in db.execute("SELECT state FROM branches"))

    def test_the_three_kinds(self):
        self.write("a.csv", "id;name\ni-1;\"x;\"\"y\"\"\"\ni-2\n")
        self.write("a.jsonl", '{"id": "i-1"}\n\n{"id": "i-2"}\n')
        self.write("a.json", ' [{"id": "i-1"}, 2, [3]] ')
        done = self.run_map("a.csv", "{InputType: CSV, CSVHeaderLocation: FIRST_ROW, CSVDelimiter: SEMICOLON}")
        self.assertEqual(done.json["output"], [{"id": "i-1", "name": 'x;"y"'}, {"id": "i-2", "name": ""}], done.err)
        done = self.run_map("a.csv", "{InputType: CSV, CSVHeaderLocation: GIVEN, CSVHeaders: [a], MaxItems: 2}")
        self.assertEqual(done.json["output"], [{"a": "id;name"}, {"a": 'i-1;"x;""y"""'}], done.err)
        done = self.run_map("a.jsonl", "{InputType: JSONL}")
        self.assertEqual(done.json["output"], [{"id": "i-1"}, {"id": "i-2"}], done.err)
        done = self.run_map("a.json", "{InputType: JSON}")
        self.assertEqual(done.json["output"], [{"id": "i-1"}, 2, [3]], done.err)

    def test_faults_can_be_caught(self):
        self.write("bad.csv", "id\ni-1\n\"i-2\n")
        catch = "    Catch: [{ErrorEquals: [States.ItemReaderFailed], Next: C}]\n"
        for key, cause in (("none.csv", "No such file or directory"), ("bad.csv", "byte 7: a quote is not closed"),
                           ("../bad.csv", 'the Key leaves its folder by ".."')):
            done = self.run_map(key, "{InputType: CSV}")
            self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"), done.err)
            self.assertTrue(done.json["cause"].endswith(cause), done.json)
            workflow, value = self.workflow(key, "{InputType: CSV}", more=catch)
            with open(workflow, "a", encoding="utf-8") as file:
                file.write("  C: {Type: Pass, Parameters: {caught.$: $.Error}, End: true}\n")
            done = self.tmflow("run", workflow, "--input", self.write("input.json", value), "-o", "json")
            self.assertEqual(done.json["output"], {"caught": "States.ItemReaderFailed"}, done.err)

    def test_s3_is_refused_by_name(self):
        workflow = self.write("s3.yaml", """
StartAt: Each
States:
  Each:
    Type: Map
    ItemReader: {Resource: "arn:aws:states:::s3:getObject", Parameters: {Bucket: b, Key: k}}
    ItemProcessor: %s
    End: true
""" % (FAST % "{Type: Pass, End: true}"))
        done = self.tmflow("validate", workflow)
        self.assertEqual(done.code, 0)
        self.assertIn("ItemReader reads S3 on Step Functions only", done.out + done.err)
        done = self.tmflow("run", workflow, "-o", "json")
        self.assertEqual(done.json["error"], "States.ItemReaderFailed")
        self.assertIn("s3://b/k: this version reads local files only", done.json["cause"])

    def test_memory_is_flat(self):
        peaks = []
        for count in (MEMORY_ROWS // 10, MEMORY_ROWS):
            self.rows(count)
            workflow, value = self.workflow("rows.csv", "{InputType: CSV}", more="    ResultPath: null\n")
            done = self.tmflow("run", workflow, "--input", self.write("input.json", value), "-o", "json", peak=peaks,
                               env={"ASAN_OPTIONS": "quarantine_size_mb=0"})
            self.assertEqual(done.json["status"], "SUCCEEDED", done.err)
        self.assertLess(peaks[1] - peaks[0], MEMORY_KIB_MORE, peaks)

    def test_results_that_are_too_large(self):
        """They end the Map when the limit is passed, and are not gathered until the memory is gone."""
        self.rows(20000)
        done = self.run_map("rows.csv", "{InputType: CSV}")
        self.assertEqual((done.code, done.json["error"]), (1, "States.DataLimitExceeded"), done.err)

    def test_killed_anywhere(self):
        """Each row is in exactly one batch, whatever the moment of the kill."""
        self.rows(KILL_ROWS)
        wait = "{Type: Pass, Parameters: {n.$: States.ArrayLength($.Items), first.$: '$.Items[0].id'}, End: true}"
        more = f"    ItemBatcher: {{MaxItemsPerBatch: {BATCH}}}\n    MaxConcurrency: 2\n"
        workflow, value = self.workflow("rows.csv", "{InputType: CSV}", state=wait, more=more)
        source = self.write("input.json", value)
        begun = time.monotonic()
        done = self.tmflow("run", workflow, "--input", source, "-o", "json", "--run-id", "whole")
        seconds = time.monotonic() - begun
        self.assertEqual(len(done.json["output"]), KILL_ROWS // BATCH, done.err)
        killed = 0
        for k in range(KILLS):
            run = f"kill-{k}"
            process = self.start("run", workflow, "--input", source, "--run-id", run, "-q")
            try:
                process.wait(timeout=seconds * (k + 1) / KILLS)
            except harness.subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            if self.tmflow("show", run, "-o", "json").code != 0:
                continue  # killed before it had a record
            again = self.tmflow("resume", run, "-o", "json")
            self.assertEqual(again.json["output"], done.json["output"], again.err)
        self.assertGreater(killed, 1)

    def test_a_changed_file_is_not_gone_on_with(self):
        path = self.rows(10)
        workflow, value = self.workflow("rows.csv", "{InputType: CSV}", state="{Type: Wait, Seconds: 3600, End: true}",
                                        more="    MaxConcurrency: 2\n")
        process = self.start("run", workflow, "--input", self.write("input.json", value), "--run-id", "cut", "-q")
        self.until_signals_are_caught(process)
        deadline = time.monotonic() + harness.START_SECONDS
        while '"source"' not in self.stored() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with open(path, "a", encoding="utf-8") as file:
            file.write("one,more\n")
        done = self.tmflow("resume", "cut", "-o", "json")
        self.assertNotEqual(done.code, 0)
        self.assertIn("changed since the run began", done.err + done.out)


if __name__ == "__main__":
    harness.main()
