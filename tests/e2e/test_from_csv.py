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
    def run_csv(self, sim, text, *options, s3=None, code=0, config=None):
        """The run's result and its lines. With s3 both the list and the results are there."""
        if s3 is None:
            self.write("ids.csv", text)
        else:
            s3.put("lists", "ids.csv", text)
        bucket = f"file://{self.dir}" if s3 is None else "lists"
        value = {"Bucket": bucket, "Key": "ids.csv", "Results": {"Bucket": bucket, "Prefix": "done"}}
        done = self.tmflow("run", FROM_CSV, "--config", config or sim.config, "--input", self.write("input.json", json.dumps(value)), "-o", "json",
                           *options, sim=sim, env={} if s3 is None else {"AWS_ENDPOINT_URL_S3": s3.url})
        self.assertEqual(done.code, code, done.err + done.out)
        return done, self.lines(done, s3) if code in (0, 5) else None

    def read(self, key, s3):
        if s3 is not None:
            return s3.buckets["lists"][key].decode()
        with open(os.path.join(self.dir, key), encoding="utf-8") as file:
            return file.read()

    def lines(self, done, s3=None):
        manifest = json.loads(self.read(done.json["output"]["ResultWriterDetails"]["Key"], s3))
        self.assertEqual(manifest["ResultFiles"]["FAILED"], [])
        return [json.loads(line) for entry in manifest["ResultFiles"]["SUCCEEDED"] for line in self.read(entry["Key"], s3).splitlines()]

    def same_as_recorded(self, lines, no_rows=()):
        """The lines say what `show` says: each outcome of each instance and interface, with its reason."""
        rows = [json.loads(line) for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()]
        told = collections.Counter((line["InstanceId"], line["Outcome"], line.get("Rule") or line.get("NetworkInterfaceId") and "excluded", line.get("SessionId"))
                                   for line in lines if line["Outcome"] not in no_rows)
        recorded = collections.Counter((row["instanceId"], row["outcome"], "excluded" if row["outcome"] == "excluded" else row.get("rule"), row.get("sessionId"))
                                       for row in rows)
        self.assertEqual(told, recorded)
        reasons = {(row["instanceId"], row["outcome"]): row.get("reason") for row in rows}
        for line in lines:
            if line["Outcome"] not in (*no_rows, "failed"):
                self.assertEqual(line.get("Reason"), reasons[line["InstanceId"], line["Outcome"]], line)
        return collections.Counter(line["Outcome"] for line in lines)

    def csv_of(self, ids):
        return "InstanceId,Mirror\n" + "".join(f"{i},yes\n" for i in ids)

    def test_lines_are_what_was_recorded(self):
        """A world in which hardly two instances have the same fate, three times: what AWS refused once is known then."""
        sim = self.sim("--unmirrorable-share", "0.3", "--foreign-share", "0.3", "--members", "3", "--no-auth", instances=400)
        ids = [i["InstanceId"] for i in sim.ask("/_sim/world?limit=400")["Instances"]]
        with open(sim.config, encoding="utf-8") as file:
            text = file.read()
        hook = self.write("hook.lua", 'return {eligible = function(i) if i.InstanceId:sub(-1) == "0" then error("odd") end'
                          ' if i.InstanceId:sub(-1) == "1" then return false, "ours" end return true end}')
        for name, config in (("first", text), ("first", text), ("all", "matching: all\n" + text.replace("    filterId:", "    interfaces: all\n    filterId:"))):
            with self.subTest(name):
                done, lines = self.run_csv(sim, self.csv_of(ids), "--hook", hook, code=5, config=self.write(name + ".yaml", "name: x\n" + config))
                counts = self.same_as_recorded(lines)
                self.assertEqual({k: n for k, n in counts.items() if n > 0}, done.json["summary"])
                self.assertLessEqual({"failed", "ineligible", "unmatched", "excluded"}, set(counts), counts)

    def test_what_failed_is_tried_again(self):
        """A batch's retry leaves the failures of the other batches alone, and what had not failed."""
        sim = self.sim("--plain", "--no-auth", "--vpcs", "1", "--subnets-per-vpc", "2", instances=INSTANCES)
        world = sim.ask("/_sim/world?limit=1000")
        ids = [i["InstanceId"] for i in world["Instances"]]
        subnets = [s["SubnetId"] for s in world["Subnets"]]
        config = self.write("two.json", json.dumps({"subnets": [{"subnetId": s, "filterId": f, "targetId": world["GivenTargets"][0]}
                                                                for s, f in zip(subnets, world["Filters"])]}))
        bad = {i["InstanceId"] for i in world["Instances"] if i["SubnetId"] == subnets[1]}
        sim.ask("/_sim/faults", {"faults": ["refuse:InvalidTrafficMirrorFilterId.NotFound:CreateTrafficMirrorSession:%s@1" % world["Filters"][1]]})
        text = self.csv_of(ids) + "i-0123456789abcdef0,yes\nodd,yes\n"
        first, lines = self.run_csv(sim, text, code=5, config=config)
        self.assertEqual(first.json["summary"], {"created": len(ids) - len(bad), "failed": len(bad)})
        self.same_as_recorded(lines, ("not-found", "invalid"))
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", "@latest", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": len(ids)}), done.err)
        self.assertEqual(len(sim.every_session()), len(ids))
        outcomes = {line["InstanceId"]: line["Outcome"] for line in self.lines(done)}
        wanted = {i: "created" if i in bad else "as-before" for i in ids}
        self.assertEqual(outcomes, {**wanted, "i-0123456789abcdef0": "as-before", "odd": "invalid"})

    def test_a_failed_run_goes_on(self):
        """AWS refuses something for good: the run FAILED. Its resume continues there, and each row of the file is told once."""
        for action, n in (("DescribeInstances", 1), ("DescribeInstances", 2), ("DescribeTrafficMirrorTargets", 1), ("DescribeTrafficMirrorSessions", 2)):
            with self.subTest(action=action, n=n):
                sim = self.sim("--plain", "--no-auth", "--fault", f"refuse:OptInRequired:{action}@#{n}", instances=4 * INSTANCES)
                ids = [i["InstanceId"] for i in sim.ask("/_sim/world?limit=1000")["Instances"]]
                run = f"{action}-{n}"
                done, _ = self.run_csv(sim, self.csv_of(ids), "--run-id", run, "--no-online-check", code=1)
                self.assertEqual((done.json["status"], done.json["error"]), ("FAILED", "OptInRequired"), done.out)
                self.assertIn(f"ec2:{action}", done.json["cause"])
                before = sim.report()["actions"].get("CreateTrafficMirrorSession", {"calls": 0})["calls"]
                again = self.tmflow("resume", run, "-o", "json", sim=sim)
                self.assertEqual((again.code, again.json["status"]), (0, "SUCCEEDED"), again.err + again.out)
                lines = self.lines(again)
                self.assertEqual(sorted(line["InstanceId"] for line in lines), sorted(ids))
                created = self.same_as_recorded(lines)["created"]
                self.assertGreater(created, before)
                self.assertEqual(len(sim.every_session()), created)
                sim.stop()

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

    def test_in_s3(self):
        sim = self.sim(instances=INSTANCES)
        s3 = services.Storage()
        self.addCleanup(s3.stop)
        ids = sorted(i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"])
        _, lines = self.run_csv(sim, "InstanceId,Mirror\n" + "".join(f"{i},yes\n" for i in ids), s3=s3)
        self.assertEqual({line["InstanceId"] for line in lines}, set(ids))
        self.assertGreater(collections.Counter(line["Outcome"] for line in lines)["created"], 10)
        self.assertEqual({(method, key.rpartition("/")[2]) for method, _, key, _ in s3.requests},
                         {("GET", "ids.csv"), *(("PUT", name) for name in (".writability_check_file_can_be_deleted", "SUCCEEDED_0.jsonl", "manifest.json"))})


if __name__ == "__main__":
    harness.main()
