"""All numbers are read by Prometheus' own parsers: prometheus_client's of OpenMetrics, and promtool's."""
import json
import os
import random
import re
import shutil
import subprocess
import time
import unittest
import urllib.request

import harness
import interop
import services

READ = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.unit, [[s.name, s.labels, s.value] for s in f.samples]] for f in text_string_to_metric_families(sys.stdin.read())]))
"""


def classic(text):
    """The same in Prometheus' older text format, the one that promtool checks: a counter bears the name of its samples."""
    for name in re.findall(r"^# TYPE (\S+) counter$", text, re.MULTILINE):
        text = re.sub(rf"^# (TYPE|HELP) {name} ", rf"# \1 {name}_total ", text, flags=re.MULTILINE)
    return text


class Metrics(services.Case):
    def read(self, text):
        """{metric: its samples}, as prometheus_client reads them. promtool has nothing to say of them."""
        python = interop.python_packages("metrics")
        promtool = shutil.which("promtool")
        if promtool is None:
            interop.missing("promtool (tools/setup interop)")
        done = subprocess.run([python, "-c", READ], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        linted = subprocess.run([promtool, "check", "metrics"], input=classic(text), capture_output=True, text=True, check=False)
        self.assertEqual((linted.returncode, linted.stderr), (0, ""))
        return {name: samples for name, _, _, samples in json.loads(done.stdout)}

    def file(self, *words, sim):
        path = os.path.join(self.dir, "numbers.prom")
        done = self.tmflow(*words, "--config", sim.config, "--metrics-file", path, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        with open(path, encoding="utf-8") as f:
            return self.read(f.read())

    def test_a_run(self):
        sim = self.sim("--fault", "throttle@0.05", instances=200)
        families = self.file("run", harness.BACKFILL, "-q", sim=sim)
        shown = self.tmflow("show", "@latest", "-o", "json").json
        for outcome, count in shown["summary"].items():
            self.assertEqual(sum(value for _, labels, value in families["tmflow_run_outcomes"] if labels["outcome"] == outcome), count)

    def test_what_looks_only(self):
        sim = self.sim(instances=200)
        self.assertIn("tmflow_coverage_group_interfaces", self.file("coverage", "--by", "vpc,tag:mirror", sim=sim))
        self.assertIn("tmflow_audit_findings", self.file("audit", sim=sim))

    def served(self, words, environment):
        process = self.spawn([*words, "--metrics-listen", "127.0.0.1:0"], environment)
        deadline = time.monotonic() + 60
        while not (match := re.search(r"metrics at (http://\S+)", self.said(process))):
            self.assertLess(time.monotonic(), deadline, self.said(process))
            time.sleep(0.05)
        time.sleep(3)  # for some work
        with urllib.request.urlopen(match[1], timeout=30) as reply:
            families = self.read(reply.read().decode())
        self.drain(process)
        return families

    def test_what_serves(self):
        sim = self.sim("--fault", "throttle:CreateTrafficMirrorSession@0.05", instances=200)
        environment = self.keys(sim)
        self.assertIn("tmflow_reconcile_rounds", self.served(["reconcile", "--every", "1s", "--config", sim.config], environment))
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        environment.update(AWS_ENDPOINT_URL_SQS=queue.url)
        self.assertIn("tmflow_listen_message_age_seconds", self.served(["listen", "--queue-url", queue.queue_url, "--config", sim.config], environment))
        activities = services.Activities()
        self.addCleanup(activities.stop)
        environment.update(AWS_ENDPOINT_URL_SFN=activities.url, AWS_REGION="us-east-1")
        families = self.served(["worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:mirror"], environment)
        self.assertIn("tmflow_worker_tasks", families)


if __name__ == "__main__":
    unittest.main(verbosity=2)
