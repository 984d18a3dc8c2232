#!/usr/bin/env python3
"""workflows/from-csv.yaml: instances that a CSV file names get their sessions, and each a line that says what became of it."""
import collections
import json
import os

import harness
import services

FROM_CSV = os.path.join(harness.ROOT, "workflows", "from-csv.yaml")
INSTANCES = 120


class FromCsv(harness.Case):
    def run_csv(self, sim, text, s3=None):
        """The run's result and its lines."""
        if s3 is None:
            self.write("ids.csv", text)
        else:
            s3.put("lists", "ids.csv", text)
        value = {"Bucket": f"file://{self.dir}" if s3 is None else "lists", "Key": "ids.csv", "Results": {"Bucket": f"file://{self.dir}", "Prefix": "done"}}
        done = self.tmflow("run", FROM_CSV, "--config", sim.config, "--input", self.write("input.json", json.dumps(value)), "-o", "json", sim=sim,
                           env={} if s3 is None else {"AWS_ENDPOINT_URL_S3": s3.url})
        self.assertEqual(done.code, 0, done.err + done.out)
        with open(os.path.join(self.dir, done.json["output"]["ResultWriterDetails"]["Key"]), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual(manifest["ResultFiles"]["FAILED"], [])
        lines = []
        for entry in manifest["ResultFiles"]["SUCCEEDED"]:
            with open(os.path.join(self.dir, entry["Key"]), encoding="utf-8") as file:
                lines += [json.loads(line) for line in file]
        return done, lines

    def test_whole(self):
        sim = self.sim(instances=INSTANCES)
        ids = sorted(i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"])
        self.assertGreater(len(ids), INSTANCES // 2)
        rows = [f'{i},"web, {i}",yes\n' for i in ids[1:]]
        text = "InstanceId,Name,Mirror\n" + "".join(rows) + f"{ids[0]},a, No\nnot-an-id,b,\ni-0123456789abcdef0,c,\n"
        done, lines = self.run_csv(sim, text)
        self.assertEqual({line["InstanceId"] for line in lines}, {*ids, "not-an-id", "i-0123456789abcdef0"})
        outcome = {line["InstanceId"]: line["Outcome"] for line in lines}
        self.assertEqual((outcome[ids[0]], outcome["not-an-id"], outcome["i-0123456789abcdef0"]), ("left-alone", "invalid", "not-found"))
        counts = collections.Counter(line["Outcome"] for line in lines)
        self.assertGreater(counts["created"], 10)
        for name in ("created", "present", "unmatched"):
            self.assertEqual(counts[name], done.json["summary"].get(name, 0), (counts, done.json["summary"]))
        self.assertEqual(counts["failed"], 0)
        self.assertTrue(all(line["SessionId"].startswith("tms-") for line in lines if line["Outcome"] == "created"))
        self.assertTrue(sim.report()["ok"], sim.report()["reasons"])

        done, lines = self.run_csv(sim, text)
        again = collections.Counter(line["Outcome"] for line in lines)
        self.assertEqual((again["created"], again["present"]), (0, counts["created"] + counts["present"]))

    def test_a_list_in_s3(self):
        sim = self.sim(instances=INSTANCES)
        s3 = services.Storage()
        self.addCleanup(s3.stop)
        ids = sorted(i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"])
        _, lines = self.run_csv(sim, "InstanceId,Mirror\n" + "".join(f"{i},yes\n" for i in ids), s3)
        self.assertEqual({line["InstanceId"] for line in lines}, set(ids))
        self.assertGreater(collections.Counter(line["Outcome"] for line in lines)["created"], 10)
        self.assertEqual({request[:3] for request in s3.requests}, {("GET", "lists", "ids.csv")})


if __name__ == "__main__":
    harness.main()
