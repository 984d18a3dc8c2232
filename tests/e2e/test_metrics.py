#!/usr/bin/env python3
"""Numbers for a monitoring system: they are those of -o json, in a form that is read line by line here and by others' parsers in tools/interop."""
import http.client
import os
import re
import urllib.parse

import harness

SAMPLE = re.compile(r'^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?\d+(?:\.\d+)?)$')


def samples(text):
    """{name: {labels as a frozenset: value}}; every line is a comment or a sample of the metric above it, and the last one is # EOF."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""], lines[-3:]
    found, named = {}, []
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            named.append(line.split()[2])
            assert line.split()[3] == "gauge"
            continue
        if line.startswith("# "):
            assert line.split()[2] == named[-1], line
            continue
        match = SAMPLE.match(line)
        assert match and match[1] == named[-1], line
        labels = frozenset(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match[2]))
        of_name = found.setdefault(match[1], {})
        assert labels not in of_name, line
        of_name[labels] = float(match[3])
    assert len(named) == len(set(named))
    return found


class Metrics(harness.Case):
    def of(self, found, name, **labels):
        return sum(value for key, value in found[name].items() if set(labels.items()) <= key)

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
            self.assertEqual(self.of(found, "tmflow_run_outcomes", outcome=outcome), count)
        for reason, count in shown["reasons"]["ineligible"].items():
            self.assertEqual(self.of(found, "tmflow_run_outcomes", outcome="ineligible", reason=reason), count)
        for operation, counts in shown["calls"].items():
            for kind in ("requests", "retries", "throttled", "failed"):
                self.assertEqual(self.of(found, "tmflow_run_aws_" + kind, operation=operation), counts.get(kind, 0))
        self.assertEqual(self.of(found, "tmflow_run_status"), 1)
        self.assertEqual(self.of(found, "tmflow_run_status", status="SUCCEEDED", workflow="backfill", region="us-east-1"), 1)
        self.assertGreaterEqual(self.of(found, "tmflow_run_stop_timestamp_seconds"), self.of(found, "tmflow_run_start_timestamp_seconds"))

    def test_what_cannot_be_written(self):
        workflow = self.write("w.yaml", "StartAt: A\nStates: {A: {Type: Succeed}}\n")
        done = self.tmflow("run", workflow, "-q", "--metrics-file", os.path.join(self.dir, "no", "file"))
        self.assertNotEqual(done.code, 0)
        self.assertIn("failed to write", done.err)
        done = self.tmflow("run", harness.BACKFILL, "--region", "us-east-1,eu-west-1", "--metrics-file", "x")
        self.assertEqual(done.code, 2)
        self.assertIn("--metrics-file", done.err)

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
        self.assertEqual(self.of(found, "tmflow_runs"), 3)
        self.assertEqual((self.of(found, "tmflow_runs", status="SUCCEEDED"), self.of(found, "tmflow_runs", status="PLANNED")), (2, 1))
        for outcome, count in newest["summary"].items():
            self.assertEqual(self.of(found, "tmflow_last_run_outcomes", outcome=outcome, workflow="backfill"), count)


if __name__ == "__main__":
    harness.main()
