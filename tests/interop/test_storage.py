"""moto's server as S3, with signatures and policies checked: boto3 writes objects, and distributed Maps read them, each kind, also after a kill; and boto3
reads what their ResultWriters wrote."""
import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import unittest

import harness
import interop

LISTED = 1005   # more than a page
ROWS = 4000     # of 1,000 bytes: four ranges
WORKFLOW = """
StartAt: Each
States:
  Each:
    Type: Map
    MaxConcurrency: 10
    ItemReader: {Resource: 'arn:aws:states:::s3:%s', Parameters: {Bucket: data, %s}, ReaderConfig: %s}
%s
    ItemProcessor: {StartAt: P, ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}, States: {P: %s}}
    End: true
"""
BATCHES = "    ItemBatcher: {MaxItemsPerBatch: 100}\n    ItemSelector: {n.$: $$.Map.Item.Value.n}\n"
PASS, WAIT = "{Type: Pass, End: true}", "{Type: Wait, Seconds: 1, End: true}"


class Storage(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("moto")

    def setUp(self):
        super().setUp()
        address = interop.free_address()
        self.url = "http://" + address
        self.server = subprocess.Popen([self.python, "-m", "moto.server", "-p", address.split(":")[1]], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=dict(self.environment(), INITIAL_NO_AUTH_ACTION_COUNT="9"))
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        interop.until_open(address)
        listed = LISTED if self._testMethodName == "test_list" else 0
        done = subprocess.run([self.python, os.path.join(interop.HERE, "moto_storage.py"), self.url, self.objects(), str(listed)],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.made = json.loads(done.stdout)
        self.secrets.update(secret.encode() for secret in (self.made["secret"], self.made["narrow"][1], self.made["reader"][1]))

    def objects(self):
        folder = os.path.join(self.dir, "objects")
        rows = "n,text\n" + "".join(f"{n},{'x' * 1000}\n" for n in range(ROWS))
        inventory = {f"inventory/{f}.csv.gz": gzip.compress("".join(f'"source","{f}-{n}"\n' for n in range(3)).encode()) for f in range(2)}
        manifest = {"sourceBucket": "source", "destinationBucket": "arn:aws:s3:::data", "fileFormat": "CSV", "fileSchema": "Bucket, Key",
                    "files": [{"key": key} for key in inventory]}
        for key, data in {"a b/ä.csv": b"n\n1\n2\n", "a.jsonl": b'{"n": 1}\n{"n": 2}\n', "a.json": b'[{"n": 1}, {"n": 2}]', "empty.csv": b"",
                          "rows.csv": rows.encode(), "rows.csv.gz": gzip.compress(rows.encode()),
                          "inventory/manifest.json": json.dumps(manifest).encode(), **inventory}.items():
            path = os.path.join(folder, key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        return folder

    def keys(self, keys=None):
        key, secret = keys or (self.made["keyId"], self.made["secret"])
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def workflow(self, what, config, more="", state=PASS, operation="getObject"):
        return self.write("map.yaml", WORKFLOW % (operation, what, config, more, state))

    def run_map(self, *what, keys=None, **named):
        return self.tmflow("run", self.workflow(*what, **named), "-o", "json", env=self.keys(keys))

    def test_each_kind(self):
        for key, config, wanted in (("a b/ä.csv", "{InputType: CSV}", [{"n": "1"}, {"n": "2"}]), ("a.jsonl", "{InputType: JSONL}", [{"n": 1}, {"n": 2}]),
                                    ("a.json", "{InputType: JSON, MaxItems: 1}", [{"n": 1}]), ("empty.csv", "{InputType: CSV}", []),
                                    ("inventory/manifest.json", "{InputType: MANIFEST}",
                                     [{"Bucket": "source", "Key": f"{f}-{n}"} for f in range(2) for n in range(3)])):
            done = self.run_map("Key: " + json.dumps(key), config)
            self.assertEqual((done.code, done.json.get("output")), (0, wanted), (key, done.out, done.err))
        for key in ("rows.csv", "rows.csv.gz"):
            done = self.run_map("Key: " + key, "{InputType: CSV}", BATCHES)
            self.assertEqual([int(i["n"]) for batch in done.json["output"] for i in batch["Items"]], list(range(ROWS)), done.err)

    def test_list(self):
        done = self.run_map("Prefix: list/", "{MaxItems: 100000}", "    ItemSelector: {k.$: $$.Map.Item.Value.Key}\n", operation="listObjectsV2")
        self.assertEqual([i["k"] for i in done.json["output"]], [f"list/{n:04} ä+%.csv" for n in range(LISTED)], done.err)

    def test_refusals(self):
        for key, keys, name in (("none", None, "NoSuchKey"), ("a.json", self.made["narrow"], "AccessDenied"),
                                ("a.json", (self.made["keyId"], "wrong"), "SignatureDoesNotMatch")):
            done = self.run_map("Key: " + key, "{InputType: JSON}", keys=keys)
            self.assertEqual((done.code, done.json["error"]), (1, "States.ItemReaderFailed"), done.out)
            self.assertIn(f"s3://data/{key}: {name}: ", done.json["cause"])

    def taken(self):
        path = os.path.join(self.dir, "state", "tmflow.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = [json.loads(row[0]) for row in db.execute("SELECT state FROM branches")]
        return next((row["source"]["taken"] for row in rows if "source" in row), 0)

    def test_killed_and_resumed(self):
        for key in ("rows.csv", "rows.csv.gz"):
            run_id = key.replace(".", "-")
            process = self.start("run", self.workflow("Key: " + key, "{InputType: CSV}", BATCHES, WAIT), "--run-id", run_id, "-q", env=self.keys())
            self.kill_when(lambda: self.taken() >= 2000, process)
            self.assertIn(self.taken(), range(2000, ROWS))
            done = self.tmflow("resume", run_id, "-o", "json", env=self.keys())
            self.assertEqual([int(i["n"]) for batch in done.json["output"] for i in batch["Items"]], list(range(ROWS)), done.err)

    # --- results ---

    WRITER = "    ResultWriter: {Resource: 'arn:aws:states:::s3:putObject', Parameters: {Bucket: data, Prefix: 'out ä/'}, WriterConfig: %s}\n"

    def results(self):
        """The objects that are there: {name: [content type, text]}."""
        done = subprocess.run([self.python, os.path.join(interop.HERE, "moto_storage.py"), self.url, self.made["keyId"], self.made["secret"], "out ä/"],
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def rows_of(self, done):
        """What the manifest lists, in all files of each kind; every object is one that it lists."""
        details, objects = done.json["output"], self.results()
        folder = details["ResultWriterDetails"]["Key"].rpartition("/")[0]
        objects = {key.rpartition("/")[2]: value for key, value in objects.items() if key.startswith(folder)}
        manifest = json.loads(objects.pop("manifest.json")[1])
        self.assertEqual((manifest["MapRunArn"], manifest["DestinationBucket"]), (details["MapRunArn"], "data"))
        self.assertEqual(objects.pop(".writability_check_file_can_be_deleted")[1], "")
        rows = {}
        for kind, files in manifest["ResultFiles"].items():
            rows[kind] = []
            for file in files:
                content_type, text = objects.pop(file["Key"].rpartition("/")[2])
                self.assertEqual(len(text.encode()), file["Size"])
                self.assertEqual(content_type, "application/jsonl" if file["Key"].endswith("l") else "application/json")
                rows[kind] += [json.loads(line) for line in text.splitlines()] if file["Key"].endswith("l") else json.loads(text)
        self.assertEqual(objects, {})
        return rows

    def test_results(self):
        for config, wanted in (("{OutputType: JSON, Transformation: COMPACT}", [{"n": "1"}, {"n": "2"}]), ("{OutputType: JSONL, Transformation: NONE}", None)):
            done = self.run_map('Key: "a b/ä.csv"', "{InputType: CSV}", self.WRITER % config)
            self.assertEqual(done.code, 0, done.out + done.err)
            rows = self.rows_of(done)
            self.assertEqual([rows["FAILED"], rows["PENDING"]], [[], []])
            self.assertEqual(rows["SUCCEEDED"] if wanted else [r["Output"] for r in rows["SUCCEEDED"]], wanted or ['{"n":"1"}', '{"n":"2"}'])
        done = self.run_map("Key: a.json", "{InputType: JSON}", self.WRITER % "{OutputType: JSON}", keys=self.made["reader"])
        self.assertEqual((done.code, done.json["error"]), (1, "States.ResultWriterFailed"), done.out)
        self.assertIn("AccessDenied", done.json["cause"])

    def test_results_after_a_kill(self):
        more = self.WRITER % "{OutputType: JSONL, Transformation: COMPACT}" + BATCHES
        process = self.start("run", self.workflow("Key: rows.csv", "{InputType: CSV}", more, WAIT), "--run-id", "cut", "-q", env=self.keys())
        self.kill_when(lambda: self.taken() >= 2000, process)
        done = self.tmflow("resume", "cut", "-o", "json", env=self.keys())
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertEqual(sorted(int(i["n"]) for batch in self.rows_of(done)["SUCCEEDED"] for i in batch["Items"]), list(range(ROWS)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
