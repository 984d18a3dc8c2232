"""The numbers of a run are read by Prometheus' own parsers: prometheus_client's of OpenMetrics, and promtool's."""
import json
import os
import shutil
import subprocess
import unittest

import harness
import interop

READ = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.unit, [[s.name, s.labels, s.value] for s in f.samples]] for f in text_string_to_metric_families(sys.stdin.read())]))
"""


class Metrics(harness.Case):
    def test_a_run(self):
        python = interop.python_packages("metrics")
        promtool = shutil.which("promtool")
        if promtool is None:
            interop.missing("promtool (tools/setup interop)")
        sim = self.sim("--fault", "throttle@0.05", instances=200)
        file = os.path.join(self.dir, "run.prom")
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-q", "--metrics-file", file, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        with open(file, encoding="utf-8") as f:
            text = f.read()
        read = subprocess.run([python, "-c", READ], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(read.returncode, 0, read.stderr)
        families = {name: samples for name, _, _, samples in json.loads(read.stdout)}
        shown = self.tmflow("show", "@latest", "-o", "json").json
        for outcome, count in shown["summary"].items():
            self.assertEqual(sum(value for _, labels, value in families["tmflow_run_outcomes"] if labels["outcome"] == outcome), count)
        linted = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((linted.returncode, linted.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
