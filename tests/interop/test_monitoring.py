"""Dashboards and alarms of tools/deploy name only what the program exports, and Prometheus' and AWS's own checkers take them."""
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

DEPLOY = os.path.join(interop.ROOT, "tools", "deploy")
MONITORING = os.path.join(DEPLOY, "monitoring")
GRAFANA = os.path.join(MONITORING, "grafana.json")
TEMPLATE = "import json, sys, cfnlint.decode; print(json.dumps(cfnlint.decode.decode(sys.argv[1])[0]))"
OF_PROMETHEUS = {"job", "instance", "le", "__name__"}
# A bucket is learned from refusals over some time, which a short test does not bring about for certain.
OF_BUCKETS = {"account", "region", "operation"}
# Of a panel's type in Grafana's schema 38, what it cannot be drawn without.
PANEL = {"id": int, "type": str, "title": str, "gridPos": dict, "datasource": dict, "fieldConfig": dict, "options": dict, "targets": list}


class Monitoring(services.Case):
    exported = None

    def files(self):
        """All samples that commands write to files, and those of what serves; and the documents of EMF: {name: [labels]} each."""
        text, log = "", ""
        sim = self.sim(instances=40)
        config = ["--config", sim.config]
        for words in (["coverage"], ["audit"], ["run", harness.BACKFILL, "-q"]):
            file = os.path.join(self.dir, words[0])
            done = self.tmflow(*words, *config, "--metrics-file", file, "--log-format", "emf", sim=sim)
            self.assertEqual(done.code, 0, done.err)
            with open(file, encoding="utf-8") as f:
                text += f.read()
            log += done.err
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        activities = services.Activities()
        self.addCleanup(activities.stop)
        environment = {**self.keys(sim), "AWS_ENDPOINT_URL_SQS": queue.url, "AWS_ENDPOINT_URL_SFN": activities.url, "AWS_REGION": "us-east-1"}
        instance = next(i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"])
        for n in range(4):
            queue.add({"version": "0", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "account": "123456789012",
                       "region": "us-east-1", "resources": [], "time": "2026-01-15T11:58:03Z", "id": f"e{n}", "detail": {"instance-id": instance, "state": "running"}})
        for words in (["reconcile", "--every", "1s"], ["listen", "--queue-url", queue.queue_url],
                      ["worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:mirror"]):
            # An event's run asks for little, and something of that is to be throttled.
            sim.ask("/_sim/faults", {"faults": ["throttle:DescribeInstances@0.7"] if words[0] == "listen" else []})
            process = self.spawn([*words, *config, "--metrics-listen", "127.0.0.1:0", "--log-format", "emf"], environment)
            deadline = time.monotonic() + 60
            while not (match := re.search(r"metrics at (http://\S+)", self.said(process))):
                self.assertLess(time.monotonic(), deadline, self.said(process))
                time.sleep(0.05)
            time.sleep(5)
            with urllib.request.urlopen(match[1], timeout=30) as reply:
                text += reply.read().decode()
            self.drain(process)
            log += self.said(process)
        return text, log

    def setUp(self):
        super().setUp()
        if Monitoring.exported is None:
            text, log = self.files()
            metrics, emf = {}, {}
            for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
                for ending in {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[kind]:
                    metrics.setdefault(name + ending, set())
            for name, labels in re.findall(r"^(\w+)\{(.*)\} \S+$", text, re.MULTILINE):
                metrics[name] |= set(re.findall(r'(\w+)="', labels))
            for line in log.splitlines():
                document = json.loads(line) if line.startswith("{") else {}
                for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
                    for metric in directive["Metrics"]:
                        emf.setdefault(metric["Name"], set()).update(map(frozenset, directive["Dimensions"]))
            Monitoring.exported, Monitoring.emf = metrics, emf

    def check_expression(self, expression):
        names = set(re.findall(r"\btmflow_\w+", expression))
        self.assertTrue(names, expression)
        known = set(OF_PROMETHEUS)
        for name in names:
            self.assertIn(name, self.exported, expression)
            known |= self.exported[name] or (OF_BUCKETS if name.startswith("tmflow_aws_bucket_") else set())
        used = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        used |= {label for selector in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r'(\w+)\s*=~?"', selector)}
        self.assertLessEqual(used, known, expression)

    def promtool(self, *words):
        if shutil.which("promtool") is None:
            interop.missing("promtool (tools/setup interop)")
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_grafana(self):
        with open(GRAFANA, encoding="utf-8") as f:
            board = json.load(f)
        for key, kind in {"uid": str, "title": str, "schemaVersion": int, "panels": list, "templating": dict, "time": dict}.items():
            self.assertIsInstance(board[key], kind, key)
        ids, places, expressions = set(), set(), []
        variables = {v["name"] for v in board["templating"]["list"]}
        for panel in board["panels"]:
            at = panel["gridPos"]
            self.assertTrue(0 <= at["x"] and at["x"] + at["w"] <= 24, panel["title"])
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & places, panel["title"])
            places |= cells
            self.assertNotIn(panel["id"], ids)
            ids.add(panel["id"])
            if panel["type"] == "row":
                continue
            self.assertIn(panel["type"], ("timeseries", "stat", "table"))
            for key, kind in PANEL.items():
                self.assertIsInstance(panel[key], kind, panel["title"])
            self.assertTrue(panel["targets"], panel["title"])
            for target in panel["targets"]:
                self.assertLessEqual(set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}, variables)
                expressions.append(target["expr"])
        rules = ["groups:", "- name: panels", "  rules:"]
        for i, expression in enumerate(expressions):
            self.check_expression(expression)
            rules.append(f"  - {{record: 'panel:n{i}', expr: {json.dumps(expression.replace('$__rate_interval', '5m').replace('$job', '.*'))}}}")
        self.assertIn(f"{len(expressions)} rules found", self.promtool("check", "rules", self.write("panels.yaml", "\n".join(rules) + "\n")))

    def test_alarm_rules(self):
        path = os.path.join(MONITORING, "alarms.yaml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        expressions = re.findall(r"^        expr: (?:\|-\n((?:          .*\n)+)|(.*)\n)", text, re.MULTILINE)
        alarms = re.findall(r"- alert: (\w+)", text)
        self.assertEqual(len(expressions), len(alarms))
        for block, line in expressions:
            self.check_expression(block or line)
        self.promtool("check", "rules", path)
        tests = os.path.join(MONITORING, "alarms.test.yaml")
        with open(tests, encoding="utf-8") as f:
            tried = set(re.findall(r"alertname: (\w+)", f.read()))
        self.assertEqual(tried, set(alarms))
        self.promtool("test", "rules", tests)

    def cloudwatch(self):
        """(name, dimensions or None where any are taken) of each metric of the template."""
        python = interop.python_packages("deploy")
        path = os.path.join(DEPLOY, "cloudwatch.yaml")
        lint = subprocess.run([os.path.join(os.path.dirname(python), "cfn-lint"), path], capture_output=True, text=True, check=False)
        self.assertEqual(lint.returncode, 0, lint.stdout)
        template = json.loads(subprocess.run([python, "-c", TEMPLATE, path], capture_output=True, text=True, check=True).stdout)
        for resource in template["Resources"].values():
            properties = resource["Properties"]
            if resource["Type"] == "AWS::CloudWatch::Dashboard":
                for widget in json.loads(properties["DashboardBody"]["Fn::Sub"])["widgets"]:
                    for metric in widget["properties"]["metrics"]:
                        if isinstance(metric[0], dict):
                            yield re.search(r'MetricName="(\w+)"', metric[0]["expression"])[1], None
                        elif metric[0] != "...":
                            self.assertEqual(metric[0], "tmflow")
                            yield metric[1], frozenset(metric[2::2]) if isinstance(metric[-1], str) else frozenset(metric[2:-1:2])
                continue
            for one in [p["MetricStat"]["Metric"] for p in properties.get("Metrics", []) if "MetricStat" in p] or [properties]:
                self.assertEqual(one["Namespace"], "tmflow")
                yield one["MetricName"], frozenset(d["Name"] for d in one.get("Dimensions", []))

    def test_cloudwatch(self):
        found = list(self.cloudwatch())
        self.assertGreater(len(found), 20)
        for name, dimensions in found:
            if name == "tmflow_aws_bucket_tokens":
                self.assertIn(name, self.exported)
                continue
            self.assertIn(name, self.emf)
            if dimensions is not None:
                self.assertIn(dimensions, self.emf[name], name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
