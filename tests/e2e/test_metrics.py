#!/usr/bin/env python3
"""Numbers for a monitoring system: they are those of -o json, in a form that is read line by line here and by others' parsers in tools/interop."""
import http.client
import json
import os
import urllib.parse

import harness
from openmetrics import samples, total

class Metrics(harness.Case):
    def test_a_run(self):
        sim = self.sim("--fault", "throttle@0.05", instances=200)
        file = os.path.join(self.dir, "tmflow.prom")
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", "--metrics-file", file, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(os.listdir(self.dir).count("tmflow.prom.tmp"), 0)
        with open(file, encoding="utf-8") as f:
            found = samples(f.read())
        shown = self.tmflow("show", "@latest", "-o", "json").json
        for outcome, count in shown["summary"].items():
            self.assertEqual(total(found, "tmflow_run_outcomes", outcome=outcome), count)
        for reason, count in shown["reasons"]["ineligible"].items():
            self.assertEqual(total(found, "tmflow_run_outcomes", outcome="ineligible", reason=reason), count)
        for operation, counts in shown["calls"].items():
            for kind in ("requests", "retries", "throttled", "failed"):
                self.assertEqual(total(found, "tmflow_run_aws_" + kind, operation=operation), counts.get(kind, 0))
        self.assertEqual(total(found, "tmflow_run_status"), 1)
        self.assertEqual(total(found, "tmflow_run_status", status="SUCCEEDED", workflow="backfill", region="us-east-1"), 1)
        self.assertGreaterEqual(total(found, "tmflow_run_stop_timestamp_seconds"), total(found, "tmflow_run_start_timestamp_seconds"))

    def test_what_cannot_be_written(self):
        workflow = self.write("w.yaml", "StartAt: A\nStates: {A: {Type: Succeed}}\n")
        done = self.tmflow("run", workflow, "-q", "--metrics-file", os.path.join(self.dir, "no", "file"))
        self.assertNotEqual(done.code, 0)
        self.assertIn("failed to write", done.err)
        sim = self.sim("--no-auth", instances=10)
        for command in ("coverage", "audit"):
            done = self.tmflow(command, "--config", sim.config, "--metrics-file", os.path.join(self.dir, "no", "file"), sim=sim)
            self.assertNotEqual(done.code, 0)
            self.assertIn("failed to write", done.err)

    def file(self, *words, sim, code=0):
        """What a command prints as JSON, and the samples that it writes."""
        path = os.path.join(self.dir, "tmflow.prom")
        done = self.tmflow(*words, "-o", "json", "--metrics-file", path, sim=sim)
        self.assertEqual(done.code, code, done.err)
        with open(path, encoding="utf-8") as f:
            return done.json, samples(f.read())

    def test_rules_and_buckets(self):
        sim = self.sim("--buckets", "--bucket-size-scale", "0.2", instances=150)
        _, found = self.file("run", harness.BACKFILL, "--config", sim.config, sim=sim)
        rules = {}
        for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines():
            row = json.loads(line)
            if "rule" in row:
                rules[row["rule"], row["outcome"]] = rules.get((row["rule"], row["outcome"]), 0) + 1
        self.assertGreater(len(rules), 1)
        self.assertEqual({(dict(k)["rule"], dict(k)["outcome"]): v for k, v in found["tmflow_run_rule_outcomes"].items()}, rules)
        for name in ("tokens", "size_tokens", "refill_tokens_per_second"):
            self.assertIn("CreateTrafficMirrorSession", [dict(k)["operation"] for k in found["tmflow_run_aws_bucket_" + name]])

    def test_several_places(self):
        sim = self.sim("--accounts", "2", "--regions", "us-east-1,eu-west-1", instances=60)
        words = ("run", harness.BACKFILL, "--config", sim.config, "--region", "us-east-1,eu-west-1", "--account", "123456789012,123456789013",
                 "--assume-role", "arn:aws:iam::{account}:role/mirror-{region}")
        document, found = self.file(*words, sim=sim)
        self.assertEqual(len(document["parts"]), 4)
        for part in document["parts"]:
            place = {"account": part["account"], "region": part["region"], "workflow": "backfill"}
            self.assertEqual(total(found, "tmflow_run_status", status="SUCCEEDED", **place), 1)
            for outcome, count in part["summary"].items():
                self.assertEqual(total(found, "tmflow_run_outcomes", outcome=outcome, **place), count)
            self.assertGreater(total(found, "tmflow_run_aws_requests", **place), 0)

    def test_coverage(self):
        sim = self.sim("--no-auth", instances=100)
        document, found = self.file("coverage", "--config", sim.config, "--by", "vpc,tag:team-a,tag:team_a", sim=sim)
        self.assertEqual(total(found, "tmflow_coverage_ratio"), document["coverage"])
        for class_, count in document["classes"].items():
            self.assertEqual(found["tmflow_coverage_interfaces"][frozenset({("class", class_)})], count)
        for group in document["groups"]:
            for class_, count in group["classes"].items():
                self.assertEqual(found["tmflow_coverage_group_interfaces"][frozenset(
                    {("class", class_), ("vpc", group["by"]["vpc"]), ("tag_team_a", ""), ("tag_team_a_3", "")})], count)
        for gap in document["gaps"]:
            self.assertEqual(total(found, "tmflow_coverage_gap_interfaces", **{"class": gap["class"], "reason": gap["reason"]}), gap["interfaces"])
        self.assertEqual(total(found, "tmflow_coverage_failed_places"), 0)

    def test_audit(self):
        sim = self.sim("--no-auth", instances=100)
        document, found = self.file("audit", "--config", sim.config, sim=sim)
        self.assertGreater(len(document["findings"]), 0)
        for severity, count in document["counts"].items():
            self.assertEqual(total(found, "tmflow_audit_findings", severity=severity), count)
            self.assertEqual(total(found, "tmflow_audit_place_findings", severity=severity, region="us-east-1"), count)
        self.assertIn(frozenset({("kind", "foreign-target"), ("severity", "high")}), found["tmflow_audit_findings"]) # 0 is said, too

    def test_of_all_runs(self):
        sim = self.sim(instances=60)
        for options in ((), (), ("--dry-run",)):
            done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", *options, sim=sim)
            self.assertEqual(done.code, 0, done.err)
        newest = self.tmflow("show", "@latest", "-o", "json").json
        process = self.start("ui")
        self.addCleanup(process.kill)
        url = urllib.parse.urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", "/metrics", headers={"Cookie": "tmflow=" + url.query.split("=")[1]})
        reply = connection.getresponse()
        self.assertIn("application/openmetrics-text", reply.headers["Content-Type"])
        found = samples(reply.read().decode())
        self.assertEqual(total(found, "tmflow_runs"), 3)
        self.assertEqual((total(found, "tmflow_runs", status="SUCCEEDED"), total(found, "tmflow_runs", status="PLANNED")), (2, 1))
        for outcome, count in newest["summary"].items():
            self.assertEqual(total(found, "tmflow_last_run_outcomes", outcome=outcome, workflow="backfill"), count)


if __name__ == "__main__":
    harness.main()
