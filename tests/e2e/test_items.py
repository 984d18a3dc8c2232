#!/usr/bin/env python3
"""Distributed Maps over local files: rows of CSV, JSON Lines and JSON arrays, in batches, in flat memory, and after kills."""
import contextlib
import json
import os
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
                           ("../bad.csv", 'leaves its folder by ".."')):
            done = self.run_map(key, "{InputType: CSV}")
            self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"), done.err)
            self.assertTrue(done.json["cause"].endswith(cause), done.json)
            workflow, value = self.workflow(key, "{InputType: CSV}", more=catch)
            with open(workflow, "a", encoding="utf-8") as file:
                file.write("  C: {Type: Pass, Parameters: {caught.$: $.Error}, End: true}\n")
            done = self.tmflow("run", workflow, "--input", self.write("input.json", value), "-o", "json")
            self.assertEqual(done.json["output"], {"caught": "States.ItemReaderFailed"}, done.err)

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
            killed += self.killed_after(seconds * (k + 1) / KILLS, process)
            if self.tmflow("show", run, "-o", "json").code != 0:
                continue  # killed before it had a record
            again = self.tmflow("resume", run, "-o", "json")
            self.assertEqual(again.json["output"], done.json["output"], again.err)
        self.assertGreater(killed, 1)

    def writer(self, config, prefix="out"):
        return (f'    ResultWriter: {{Resource: "arn:aws:states:::s3:putObject", '
                f'Parameters: {{Bucket: "file://{self.dir}", Prefix: {prefix}}}, WriterConfig: {config}}}\n')

    def files(self, key):
        """The manifest of that key, and what is in its files by kind."""
        with open(os.path.join(self.dir, key), encoding="utf-8") as file:
            manifest = json.load(file)
        found = {}
        for kind, listed in manifest["ResultFiles"].items():
            found[kind] = []
            for entry in listed:
                path = os.path.join(self.dir, entry["Key"])
                self.assertEqual(os.path.getsize(path), entry["Size"])
                with open(path, encoding="utf-8") as file:
                    found[kind] += [json.loads(line) for line in file] if path.endswith("jsonl") else json.load(file)
        return manifest, found

    def test_results_in_files(self):
        self.write("a.jsonl", '{"id": 1}\n{"id": "x"}\n{"id": 2}\n')
        state = ("{Type: Choice, Choices: [{Variable: $.id, IsNumeric: true, Next: S}], Default: F},"
                 " S: {Type: Pass, OutputPath: $.id, End: true}, F: {Type: Fail, Error: Bad, Cause: a text}")
        done = self.run_map("a.jsonl", "{InputType: JSONL}", state=state,
                            more="    ToleratedFailureCount: 1\n    Label: Rows\n" + self.writer("{OutputType: JSON}"))
        self.assertEqual(done.code, 0, done.err)
        details = done.json["output"]
        self.assertEqual(details["ResultWriterDetails"]["Bucket"], f"file://{self.dir}")
        manifest, found = self.files(details["ResultWriterDetails"]["Key"])
        self.assertEqual((manifest["MapRunArn"], manifest["DestinationBucket"]), (details["MapRunArn"], f"file://{self.dir}"))
        self.assertRegex(details["MapRunArn"], r"^arn:aws:states:local:000000000000:mapRun:items/Rows:[0-9a-f-]{36}$")
        self.assertEqual([(row["Input"], row["Output"], row["Status"]) for row in found["SUCCEEDED"]],
                         [('{"id":1}', "1", "SUCCEEDED"), ('{"id":2}', "2", "SUCCEEDED")])
        self.assertEqual([(row["Input"], row["Error"], row["Cause"], row["Status"]) for row in found["FAILED"]],
                         [('{"id":"x"}', "Bad", "a text", "FAILED")])
        self.assertEqual(found["PENDING"], [])

    def test_results_of_a_failed_map(self):
        """They are there, with the child that failed and those that it ended; a redrive begins behind those that succeeded."""
        self.write("a.jsonl", '{"s": 0}\n{"s": 3600}\n{"s": -1}\n')
        state = ("{Type: Choice, Choices: [{Variable: $.s, NumericLessThan: 0, Next: F}], Default: W},"
                 " W: {Type: Wait, SecondsPath: $.s, End: true}, F: {Type: Wait, Seconds: 1, Next: G}, G: {Type: Fail, Error: Bad}")
        for _ in range(2):
            done = self.run_map("a.jsonl", "{InputType: JSONL}", state=state, more=self.writer("{OutputType: JSONL}"))
            self.assertEqual(done.json["error"], "Bad", done.err)
        folders = sorted(os.listdir(os.path.join(self.dir, "out")))
        self.assertEqual(len(folders), 2)   # a run has one of its own
        key = f"out/{folders[0]}/manifest.json"
        for attempt in range(2):
            _, found = self.files(key)
            self.assertEqual([row["Input"] for row in found["SUCCEEDED"]], ['{"s":0}'])
            self.assertEqual(sorted((row["Input"], row["Status"]) for row in found["FAILED"]),
                             [('{"s":-1}', "FAILED"), ('{"s":3600}', "ABORTED")])
            for run in self.tmflow("runs", "-o", "json").json if attempt == 0 else []:
                again = self.tmflow("resume", run["runId"], "--retry-failed", "-o", "json")
                self.assertEqual(again.json["error"], "Bad", again.err)

    def test_results_after_kills(self):
        """Each row is in the files once, whatever the moment of the kill."""
        self.rows(KILL_ROWS)
        more = self.writer("{OutputType: JSONL, Transformation: COMPACT}")
        workflow, value = self.workflow("rows.csv", "{InputType: CSV}", more=more, state="{Type: Pass, OutputPath: $.id, End: true}")
        source = self.write("input.json", value)
        begun = time.monotonic()
        whole = self.tmflow("run", workflow, "--input", source, "-o", "json")
        seconds = time.monotonic() - begun
        wanted = sorted(self.files(whole.json["output"]["ResultWriterDetails"]["Key"])[1]["SUCCEEDED"])
        self.assertEqual(len(wanted), KILL_ROWS)
        killed = 0
        for k in range(KILLS):
            process = self.start("run", workflow, "--input", source, "--run-id", f"kill-{k}", "-q")
            killed += self.killed_after(seconds * (k + 1) / KILLS, process)
            if self.tmflow("show", f"kill-{k}", "-o", "json").code != 0:
                continue  # killed before it had a record
            again = self.tmflow("resume", f"kill-{k}", "-o", "json")
            self.assertEqual(again.code, 0, again.err)
            found = self.files(again.json["output"]["ResultWriterDetails"]["Key"])[1]
            self.assertEqual(sorted(found["SUCCEEDED"]), wanted)
        self.assertGreater(killed, 1)

    def test_a_changed_file_is_not_gone_on_with(self):
        path = self.rows(10)
        workflow, value = self.workflow("rows.csv", "{InputType: CSV}", state="{Type: Wait, Seconds: 3600, End: true}",
                                        more="    MaxConcurrency: 2\n")
        process = self.start("run", workflow, "--input", self.write("input.json", value), "--run-id", "cut", "-q")
        self.kill_when(lambda: '"source"' in self.stored(), process)
        with open(path, "a", encoding="utf-8") as file:
            file.write("one,more\n")
        done = self.tmflow("resume", "cut", "-o", "json")
        self.assertNotEqual(done.code, 0)
        self.assertIn("changed since the run began", done.err + done.out)


if __name__ == "__main__":
    harness.main()
