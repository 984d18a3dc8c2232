#!/usr/bin/env python3
"""Distributed Maps over S3: objects of each kind, lists and inventories, by ranges, in flat memory, after kills; and the results in a bucket."""
import contextlib
import gzip
import json
import os
import signal
import sqlite3
import time

import harness
import services

RANGE = 1 << 20  # OBJECT_RANGE_BYTES
FAST = "{StartAt: P, ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}, States: {P: %s}}"
MEMORY_ROWS = 60000
RESULT_ROWS = 20000     # a tenth of them fills an object, all of them several
KILLS = 8
MEMORY_KIB_MORE = 4096  # for ten times as many rows: what the allocator keeps, not what the rows are


class Storage(services.Case):
    def setUp(self):
        super().setUp()
        self.s3 = services.Storage()
        self.addCleanup(self.s3.stop)

    def keys(self, sim=None):
        return {**super().keys(sim), "AWS_ENDPOINT_URL_S3": self.s3.url}

    def workflow(self, reader, state="{Type: Pass, End: true}", more=""):
        return self.write("s3.yaml", f"""
StartAt: Each
States:
  Each:
    Type: Map
    ItemReader: {reader}
    ItemProcessor: {FAST % state}
{more}
    End: true
""")

    def get(self, key, config, bucket="data"):
        return ("{Resource: 'arn:aws:states:::s3:getObject', Parameters: {Bucket: %s, Key: %s}, ReaderConfig: %s}"
                % (bucket, json.dumps(key), config))

    def run_map(self, reader, *words, env=None, peak=None, **named):
        return self.tmflow("run", self.workflow(reader, **named), "-o", "json", *words, env={**self.keys(), **(env or {})}, peak=peak)

    def ranges(self):
        return [r for method, _, _, r in self.s3.requests if method == "GET"]

    def test_the_kinds(self):
        self.s3.put("data", "a b/ä.csv", "id;name\ni-1;x\ni-2\n")
        self.s3.put("data", "a.jsonl", '{"id": "i-1"}\n{"id": "i-2"}\n')
        self.s3.put("data", "a.json", '[{"id": "i-1"}, 2]')
        self.s3.put("data", "a.csv.gz", gzip.compress(b"id\ni-1\n") + gzip.compress(b"i-2\n"), encoding="gzip")
        self.s3.put("data", "empty", "")
        for key, config, wanted in (
                ("a b/ä.csv", "{InputType: CSV, CSVDelimiter: SEMICOLON}", [{"id": "i-1", "name": "x"}, {"id": "i-2", "name": ""}]),
                ("a.jsonl", "{InputType: JSONL, MaxItems: 1}", [{"id": "i-1"}]),
                ("a.json", "{InputType: JSON}", [{"id": "i-1"}, 2]),
                ("a.csv.gz", "{InputType: CSV}", [{"id": "i-1"}, {"id": "i-2"}]),
                ("empty", "{InputType: JSONL}", [])):
            done = self.run_map(self.get(key, config))
            self.assertEqual(done.json.get("output"), wanted, (key, done.err, done.json))

    def test_an_array_within_an_object(self):
        """What stands before it is passed over, what stands behind is not read."""
        rows = [{"n": n} for n in range(30)]
        self.s3.put("data", "deep.json", json.dumps({"before": [{"rows": "x" * 2 * RANGE}, [1]], "in": [0, {"rows": rows}], "behind": "y" * 3 * RANGE}))
        done = self.run_map(self.get("deep.json", "{InputType: JSON, ItemsPointer: /in/1/rows}"))
        self.assertEqual(done.json.get("output"), rows, done.err)
        self.assertEqual(len(self.ranges()), 3)
        done = self.run_map(self.get("deep.json", "{InputType: JSON, ItemsPointer: /in/1/none}"))
        self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"))
        self.assertIn("ItemsPointer names nothing in the text", done.json["cause"])

    def test_many_ranges(self):
        """An item may lie across two of them; each is asked for with the ETag of the first."""
        rows = [{"n": n, "text": "x" * 1000} for n in range(3 * RANGE // 1000)]
        text = "".join(json.dumps(r) + "\n" for r in rows)
        self.s3.put("data", "long.jsonl", text)
        batches = "    ItemBatcher: {MaxItemsPerBatch: 100}\n    ResultPath: null\n    ItemSelector: {n.$: $$.Map.Item.Value.n}\n"
        done = self.run_map(self.get("long.jsonl", "{InputType: JSONL}"), more=batches)
        self.assertEqual(done.json["status"], "SUCCEEDED", done.err)
        self.assertEqual(self.ranges(), [f"bytes={n * RANGE}-{(n + 1) * RANGE - 1}" for n in range(len(text) // RANGE + 1)])

    def test_list(self):
        for n in range(8):
            self.s3.put("data", f"in/{n} ä+.csv", "x" * n)
        self.s3.put("data", "out/1", "")
        reader = "{Resource: 'arn:aws:states:::s3:listObjectsV2', Parameters: {Bucket: data, Prefix: in/}, ReaderConfig: {MaxItems: 7}}"
        done = self.run_map(reader, more="    ItemSelector: {item.$: $$.Map.Item.Value, from.$: $$.Map.Item.Source}\n")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual([r["item"]["Key"] for r in done.json["output"]], [f"in/{n} ä+.csv" for n in range(7)])
        self.assertEqual(done.json["output"][3], {"from": "s3://data/in/", "item": {
            "Etag": self.s3.etag(b"xxx"), "Key": "in/3 ä+.csv", "LastModified": 1768478400, "Size": 3, "StorageClass": "STANDARD"}})

    def inventory(self, rows, files):
        each = -(-rows // files)
        names = []
        for n in range(files):
            lines = "".join(f'"source","key-{i}","{i}"\n' for i in range(n * each, min(rows, (n + 1) * each)))
            names.append({"key": f"inventory/{n}.csv.gz", "size": len(lines), "MD5checksum": "x"})
            self.s3.put("stock", names[-1]["key"], gzip.compress(lines.encode()))
        self.s3.put("data", "manifest.json", json.dumps({
            "sourceBucket": "source", "destinationBucket": "arn:aws:s3:::stock", "version": "2016-11-30",
            "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size", "files": names}))

    def test_inventory(self):
        self.inventory(5, 3)
        for config in ("{InputType: MANIFEST}", "{InputType: MANIFEST, ManifestType: S3_INVENTORY}"):
            done = self.run_map(self.get("manifest.json", config))
            self.assertEqual(done.json.get("output"), [{"Bucket": "source", "Key": f"key-{n}", "Size": str(n)} for n in range(5)], done.err)
        for text, cause in (("[", "not a JSON text"), ("{}", "not the manifest.json of an S3 inventory"),
                            ('{"fileFormat": "ORC", "files": []}', "its fileFormat is not CSV")):
            self.s3.put("data", "manifest.json", text)
            done = self.run_map(self.get("manifest.json", config))
            self.assertIn(cause, done.json["cause"])

    def test_faults(self):
        self.s3.put("data", "bad.csv", 'id\ni-1\n"i-2\n')
        self.s3.put("data", "cut.gz", gzip.compress(b"id\n" + b"i-1\n" * 1000)[:-20], encoding="gzip")
        self.s3.put("data", "br", "x", encoding="br")
        for bucket, key, cause in (
                ("data", "none", "s3://data/none: NoSuchKey: s3:GetObject in us-east-1: The specified key does not exist."),
                ("none", "k", "s3://none/k: NoSuchBucket"), ("Data", "k", "s3://Data/k: InvalidBucketName"),
                ("far-away", "k", "the bucket is in eu-west-1: run it with --region eu-west-1"),
                ("data", "bad.csv", "s3://data/bad.csv: byte 7: a quote is not closed"),
                ("data", "cut.gz", "s3://data/cut.gz: the text in gzip's form is cut off"),
                ("data", "br", "s3://data/br: its Content-Encoding is not gzip")):
            done = self.run_map(self.get(key, "{InputType: CSV}", bucket), more="    ResultPath: null\n")
            self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"), done.err)
            self.assertIn(cause, done.json["cause"])

    def test_without_a_region_or_keys(self):
        nothing = {"AWS_REGION": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
        done = self.run_map(self.get("k", "{InputType: CSV}"), env=nothing)
        self.assertNotEqual(done.code, 0)
        self.assertIn("region", done.err + done.out)
        reader = "{Resource: 'arn:aws:states:::s3:getObject', Parameters: {Bucket.$: $.b, Key: k}, ReaderConfig: {InputType: CSV}}"
        source = self.write("input.json", '{"b": "data"}')
        done = self.run_map(reader, "--input", source, env=nothing)
        self.assertIn("a region is missing", done.json["cause"])
        source = self.write("input.json", json.dumps({"b": "file://" + self.dir}))
        self.write("k", "id\n1\n")
        done = self.run_map(reader, "--input", source, env=nothing)
        self.assertEqual(done.json["output"], [{"id": "1"}], done.err)
        self.assertEqual(self.s3.requests, [])

    def test_mocks_do_not_ask(self):
        mock = self.write("mock.json", json.dumps({"StateMachines": {"s3": {"TestCases": {"T": {}}}}, "MockedResponses": {}}))
        done = self.run_map(self.get("k", "{InputType: CSV}"), "--mock", mock, "--test-case", "T")
        self.assertIn("S3 is not asked here", done.json["cause"])
        self.assertEqual(self.s3.requests, [])

    def test_memory_is_flat(self):
        peaks = []
        for count in (MEMORY_ROWS // 10, MEMORY_ROWS):
            self.s3.put("data", "rows.csv", "id,text\n" + "".join(f'i-{n:017x},"a, ""{n}"" {"y" * 60}"\n' for n in range(count)))
            done = self.run_map(self.get("rows.csv", "{InputType: CSV}"), peak=peaks, more="    ResultPath: null\n",
                                env={"ASAN_OPTIONS": "quarantine_size_mb=0"})
            self.assertEqual(done.json["status"], "SUCCEEDED", done.err)
        self.assertLess(peaks[1] - peaks[0], MEMORY_KIB_MORE + 4 * RANGE // 1024, peaks)

    # --- kills ---

    def stored(self):
        path = os.path.join(self.dir, "state", "tmflow.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return " ".join(str(row) for row in db.execute("SELECT state FROM branches"))

    def kill_at(self, reader, run_id, taken):
        """Kills a run where its place says that so many items were taken."""
        workflow = self.workflow(reader, state="{Type: Wait, Seconds: 2, End: true}", more=f"    MaxConcurrency: {taken}\n    ResultPath: null\n")
        process = self.start("run", workflow, "--run-id", run_id, "-q", env=self.keys())
        self.kill_when(lambda: f'"taken":{taken},' in self.stored(), process)
        self.assertIn(f'"taken":{taken},', self.stored())

    def place(self):
        path = os.path.join(self.dir, "state", "tmflow.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = [json.loads(row[0]) for row in db.execute("SELECT state FROM branches")]
        return next(row["source"] for row in rows if "source" in row)

    def test_goes_on_in_the_object(self):
        text = "id,text\n" + "".join(f"{n},{'x' * 1000}\n" for n in range(3000))
        self.s3.put("data", "rows.csv", text)
        self.s3.put("data", "rows.csv.gz", gzip.compress(text.encode()), encoding="gzip")
        for key in ("rows.csv", "rows.csv.gz"):
            workflow = self.workflow(self.get(key, "{InputType: CSV}"), state="{Type: Wait, Seconds: 1, End: true}",
                                     more="    MaxConcurrency: 15\n    ItemBatcher: {MaxItemsPerBatch: 100}\n"
                                          "    ItemSelector: {n.$: $$.Map.Item.Value.id}\n")
            self.s3.requests.clear()
            run_id = key.replace(".", "-")
            process = self.start("run", workflow, "--run-id", run_id, "-q", env=self.keys())
            self.kill_when(lambda: '"taken":1500,' in self.stored(), process)
            place = self.place()
            self.s3.requests.clear()
            done = self.tmflow("resume", run_id, "-o", "json", env=self.keys())
            self.assertEqual(done.code, 0, done.err)
            numbers = [int(item["n"]) for batch in done.json["output"] for item in batch["Items"]]
            self.assertEqual(numbers, list(range(3000)))
            self.assertEqual(place["taken"], 1500)
            if key == "rows.csv":  # the header, and on from the place
                self.assertEqual(self.ranges()[:2], [f"bytes=0-{RANGE - 1}", f"bytes={place['offset']}-{place['offset'] + RANGE - 1}"])

    def test_a_changed_object_is_not_gone_on_with(self):
        self.s3.put("data", "rows.csv", "id\n" + "".join(f"{n}\n" for n in range(100)))
        self.kill_at(self.get("rows.csv", "{InputType: CSV}"), "cut", 4)
        self.s3.put("data", "rows.csv", "id\n" + "".join(f"{n}\n" for n in range(101)))
        done = self.tmflow("resume", "cut", "-o", "json", env=self.keys())
        self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"), done.err)
        self.assertIn("s3://data/rows.csv: changed since the run began", done.json["cause"])

    def test_goes_on_in_lists_and_inventories(self):
        for n in range(9):
            self.s3.put("data", f"in/{n}", "")
        self.inventory(9, 3)
        readers = {"list": "{Resource: 'arn:aws:states:::s3:listObjectsV2', Parameters: {Bucket: data, Prefix: in/}}",
                   "inventory": self.get("manifest.json", "{InputType: MANIFEST}")}
        for name, reader in readers.items():
            keys = [f"in/{n}" if name == "list" else f"key-{n}" for n in range(9)]
            workflow = self.workflow(reader, state="{Type: Wait, Seconds: 1, End: true}", more="    MaxConcurrency: 5\n")
            process = self.start("run", workflow, "--run-id", name, "-q", env=self.keys())
            self.kill_when(lambda: '"taken":5,' in self.stored(), process)
            place = self.place()
            self.assertEqual(place.get("after"), "in/4" if name == "list" else None)
            self.assertEqual(place.get("file"), None if name == "list" else 1)
            done = self.tmflow("resume", name, "-o", "json", env=self.keys())
            self.assertEqual([item["Key"] for item in done.json["output"]], keys, done.err)

    # --- results ---

    def writer(self, config="{OutputType: JSON}", bucket="results"):
        return ("    ResultWriter: {Resource: 'arn:aws:states:::s3:putObject', Parameters: {Bucket: %s, Prefix: out}, WriterConfig: %s}\n"
                % (bucket, config))

    def numbers(self, count, bucket="results"):
        self.s3.buckets.setdefault(bucket, {})
        self.s3.put("data", "rows.csv", "id\n" + "".join(f"{n}\n" for n in range(count)))
        return self.get("rows.csv", "{InputType: CSV}")

    def results(self, key, bucket="results"):
        """What the manifest of that key lists, by kind; each object of the folder is listed."""
        manifest = json.loads(self.s3.buckets[bucket][key])
        self.assertEqual(manifest["DestinationBucket"], bucket)
        found, listed = {}, {key}
        for kind, files in manifest["ResultFiles"].items():
            found[kind] = []
            for file in files:
                text = self.s3.buckets[bucket][file["Key"]].decode()
                self.assertEqual(len(text.encode()), file["Size"])
                found[kind] += [json.loads(line) for line in text.splitlines()] if file["Key"].endswith("jsonl") else json.loads(text)
                listed.add(file["Key"])
        trial = os.path.dirname(key) + "/.writability_check_file_can_be_deleted"
        self.assertEqual({k for k in self.s3.buckets[bucket] if k.startswith(os.path.dirname(key))} - {trial}, listed)
        return found

    def spooled(self):
        """Files that wait beside the store."""
        return sorted(name for _, _, names in os.walk(os.path.join(self.dir, "state", "spool")) for name in names)

    def test_results(self):
        reader = self.numbers(3)
        state = ("{Type: Choice, Choices: [{Variable: $.id, StringEquals: '1', Next: F}], Default: S},"
                 " S: {Type: Pass, Parameters: {n.$: $.id}, End: true}, F: {Type: Fail, Error: Bad, Cause: a text}")
        more = self.writer() + "    ToleratedFailureCount: 1\n    Label: Rows\n"
        done = self.run_map(reader, more=more, state=state)
        details = done.json["output"]
        self.assertEqual(details["ResultWriterDetails"]["Bucket"], "results", done.err)
        self.assertRegex(details["ResultWriterDetails"]["Key"], r"^out/[0-9a-f-]{36}/manifest\.json$")
        self.assertRegex(details["MapRunArn"], r"^arn:aws:states:local:000000000000:mapRun:s3/Rows:[0-9a-f-]{36}$")
        found = self.results(details["ResultWriterDetails"]["Key"])
        self.assertEqual([(r["Input"], r["Output"]) for r in found["SUCCEEDED"]], [('{"id":"0"}', '{"n":"0"}'), ('{"id":"2"}', '{"n":"2"}')])
        self.assertEqual([(r["Input"], r["Error"], r["Cause"]) for r in found["FAILED"]], [('{"id":"1"}', "Bad", "a text")])
        self.assertEqual(found["PENDING"], [])
        puts = [key.rpartition("/")[2] for method, _, key, _ in self.s3.requests if method == "PUT"]
        self.assertEqual(puts, [".writability_check_file_can_be_deleted", "SUCCEEDED_0.json", "FAILED_0.json", "manifest.json"])
        self.assertEqual(self.spooled(), [])
        self.assertFalse(os.path.exists(os.path.join(self.dir, "state", "spool", done.json["runId"])))
        done = self.run_map(reader, "--no-checkpoint", more=self.writer("{OutputType: JSONL, Transformation: COMPACT}"), env={"TMPDIR": self.dir})
        self.assertEqual(self.results(done.json["output"]["ResultWriterDetails"]["Key"])["SUCCEEDED"], [{"id": str(n)} for n in range(3)], done.err)
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("tmflow-spool")], [])

    def test_the_folder_goes_with_the_map(self):
        """Once it is committed that the Map was left nothing waits beside the store, however long the run goes on."""
        workflow = self.workflow(self.numbers(3), more=self.writer())
        with open(workflow, encoding="utf-8") as file:
            text = file.read().rstrip().removesuffix("End: true")
        self.write("s3.yaml", text + "Next: W\n  W: {Type: Wait, Seconds: 3600, End: true}\n")
        process = self.start("run", workflow, "--run-id", "long", "-q", env=self.keys())
        self.until_signals_are_caught(process)
        self.wait_for(lambda: any(key.endswith("manifest.json") for key in list(self.s3.buckets["results"])))
        spool = os.path.join(self.dir, "state", "spool", "long")
        self.wait_for(lambda: not os.path.exists(spool))
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def test_a_bucket_that_is_not_written_to(self):
        """Known before a child begins, as on AWS; so is a place without S3."""
        reader = self.numbers(3)
        for bucket, cause in (("none", "NoSuchBucket"), ("far-away", "run it with --region eu-west-1"), ("Data", "is not the name of a bucket")):
            done = self.run_map(reader, more=self.writer(bucket=bucket))
            self.assertEqual((done.code, done.json["error"]), (1, "States.ResultWriterFailed"), done.err)
            self.assertIn(cause, done.json["cause"])
        self.assertEqual([r for r in self.s3.requests if r[0] == "GET"], [])
        mock = self.write("mock.json", json.dumps({"StateMachines": {"s3": {"TestCases": {"T": {}}}}, "MockedResponses": {}}))
        self.s3.requests.clear()
        self.write("k", "id\n1\n")
        done = self.run_map(self.get("k", "{InputType: CSV}", f"'file://{self.dir}'"), "--mock", mock, "--test-case", "T", more=self.writer())
        self.assertIn("s3://results: S3 is not asked here", done.json["cause"])
        self.assertEqual(self.s3.requests, [])

    def test_results_of_a_failed_map(self):
        """They are put before anybody hears that it failed; a redrive puts them again, from what waits beside the store."""
        reader = self.numbers(3)
        state = "{Type: Choice, Choices: [{Variable: $.id, StringEquals: '1', Next: F}], Default: S}, S: {Type: Pass, End: true}, F: {Type: Fail, Error: Bad}"
        more = "    MaxConcurrency: 1\n" + self.writer()
        done = self.run_map(reader, "--run-id", "bad", more=more, state=state)
        self.assertEqual((done.code, done.json["error"]), (1, "Bad"), done.err)
        key = next(k for k in self.s3.buckets["results"] if k.endswith("manifest.json"))
        for _ in range(2):
            found = self.results(key)
            self.assertEqual([[r["Input"] for r in found[kind]] for kind in ("SUCCEEDED", "FAILED")], [['{"id":"0"}'], ['{"id":"1"}']])
            self.assertEqual(self.spooled(), ["FAILED_0.json", "SUCCEEDED_0.json"])
            self.s3.buckets["results"].clear()
            self.assertEqual(self.tmflow("resume", "bad", "-o", "json", env=self.keys()).json["error"], "Bad")
        caught = more + "    Catch: [{ErrorEquals: [Bad], Next: C}]\n"
        workflow = self.workflow(reader, state=state, more=caught)
        with open(workflow, "a", encoding="utf-8") as file:
            file.write("  C: {Type: Pass, Parameters: {caught.$: $.Error}, End: true}\n")
        done = self.tmflow("run", workflow, "-o", "json", env=self.keys())
        self.assertEqual(done.json["output"], {"caught": "Bad"}, done.err)
        self.assertEqual(self.spooled(), ["FAILED_0.json", "SUCCEEDED_0.json"])    # of the other run, which may be redriven
        self.assertEqual(self.tmflow("runs", "--prune", "--older-than", "0s", env=self.keys()).code, 0)
        self.assertEqual(self.spooled(), [])

    def test_a_bucket_that_refuses_at_the_end(self):
        """What was done is kept: a redrive puts it where it belongs, and runs no child again."""
        reader = self.numbers(20)
        workflow = self.workflow(reader, more=self.writer() + "    ItemSelector: {id.$: $$.Map.Item.Value.id, u.$: States.UUID()}\n")
        self.s3.refused = "manifest.json"
        done = self.tmflow("run", workflow, "--run-id", "late", "-o", "json", env=self.keys())
        self.assertEqual((done.code, done.json["error"]), (1, "States.ResultWriterFailed"), done.err)
        self.assertIn("manifest.json: AccessDenied", done.json["cause"])
        written = {k: v for k, v in self.s3.buckets["results"].items() if "SUCCEEDED" in k}
        self.s3.refused = None
        self.s3.buckets["results"].clear()
        done = self.tmflow("resume", "late", "-o", "json", env=self.keys())
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(len(self.results(done.json["output"]["ResultWriterDetails"]["Key"])["SUCCEEDED"]), 20)
        self.assertEqual({k: v for k, v in self.s3.buckets["results"].items() if "SUCCEEDED" in k}, written)

    def test_killed_while_results_are_put(self):
        """Whatever was on its way: the same objects are there after a resume, each row once."""
        rows = 200
        reader = self.numbers(rows)
        for n, stop in enumerate(("SUCCEEDED_0.json", "manifest.json")):
            self.s3.held = stop
            run_id = f"cut-{n}"
            process = self.start("run", self.workflow(reader, more=self.writer()), "--run-id", run_id, "-q", env=self.keys())
            self.kill_when(lambda: any(key.endswith(stop) for _, _, key, _ in list(self.s3.requests)), process)
            self.assertEqual(process.returncode, -signal.SIGKILL)
            self.s3.held = None
            self.s3.buckets["results"].clear()
            done = self.tmflow("resume", run_id, "-o", "json", env=self.keys())
            self.assertEqual(done.code, 0, done.err)
            found = self.results(done.json["output"]["ResultWriterDetails"]["Key"])
            self.assertEqual(sorted(int(json.loads(r["Input"])["id"]) for r in found["SUCCEEDED"]), list(range(rows)))
            self.assertEqual(self.spooled(), [])
            self.s3.requests.clear()

    def test_results_after_kills(self):
        """Each row is in the objects once, whatever the moment of the kill."""
        rows = 2000
        workflow = self.workflow(self.numbers(rows), more=self.writer("{OutputType: JSONL, Transformation: COMPACT}"))
        begun = time.monotonic()
        self.assertEqual(self.tmflow("run", workflow, "-o", "json", env=self.keys()).code, 0)
        seconds = time.monotonic() - begun
        killed = 0
        for k in range(KILLS):
            self.s3.buckets["results"].clear()
            process = self.start("run", workflow, "--run-id", f"kill-{k}", "-q", env=self.keys())
            killed += self.killed_after(seconds * (k + 1) / KILLS, process)
            if self.tmflow("show", f"kill-{k}", "-o", "json").code != 0:
                continue  # killed before it had a record
            done = self.tmflow("resume", f"kill-{k}", "-o", "json", env=self.keys())
            self.assertEqual(done.code, 0, done.err)
            found = self.results(done.json["output"]["ResultWriterDetails"]["Key"])["SUCCEEDED"]
            self.assertEqual(sorted(int(row["id"]) for row in found), list(range(rows)))
        self.assertGreater(killed, 1)

    def test_memory_is_flat_with_results(self):
        """Many objects, of which one at a time is in memory."""
        peaks = []
        for count in (RESULT_ROWS // 10, RESULT_ROWS):
            self.s3.buckets["results"] = {}
            self.s3.put("data", "rows.csv", "id,text\n" + "".join(f"{n},{'y' * 2000}\n" for n in range(count)))
            done = self.run_map(self.get("rows.csv", "{InputType: CSV}"), peak=peaks, more=self.writer(),
                                env={"ASAN_OPTIONS": "quarantine_size_mb=0"})
            self.assertEqual(len(self.results(done.json["output"]["ResultWriterDetails"]["Key"])["SUCCEEDED"]), count, done.err)
        files = [k for k in self.s3.buckets["results"] if "SUCCEEDED" in k]
        self.assertGreater(len(files), 5)
        self.assertLess(peaks[1] - peaks[0], MEMORY_KIB_MORE + 4 * RANGE // 1024, peaks)


if __name__ == "__main__":
    harness.main()
