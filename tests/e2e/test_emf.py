#!/usr/bin/env python3
"""CloudWatch's embedded metric format in the log: each line as AWS's rules want it, and the numbers those of -o json."""
import json
import os
import random

import harness
import services

SCHEMA = os.path.join(harness.ROOT, "..", "shared", "aws", "emf-schema.json")
TYPES = {"object": dict, "array": list, "string": str, "integer": int}
UNITS = {"Seconds", "Count", "None"}


def faults(schema, value, where=""):
    """What of a JSON schema's rules a value breaks; the keywords are those that the schema of EMF uses."""
    found = []
    for key, rule in schema.items():
        if key == "type" and (not isinstance(value, TYPES[rule]) or isinstance(value, bool)):
            return [f"{where}: not of type {rule}"]
        if key == "enum" and value not in rule:
            found.append(f"{where}: {value!r} is not one of {rule}")
        elif key == "required":
            found += [f"{where}: no {name}" for name in rule if name not in value]
        elif key in ("minLength", "minItems") and len(value) < rule or key in ("maxLength", "maxItems") and len(value) > rule:
            found.append(f"{where}: {key} {rule}")
        elif key == "properties":
            for name in rule:
                if name in value:
                    found += faults(rule[name], value[name], f"{where}.{name}")
        elif key == "items":
            for i, item in enumerate(value):
                found += faults(rule, item, f"{where}[{i}]")
        elif key not in ("type", "enum", "required", "minLength", "minItems", "maxLength", "maxItems", "$schema", "title", "$comment", "description"):
            found.append(f"the schema has a keyword that is not known here: {key}")
    return found


class Emf(services.Case):
    def documents(self, log):
        """The documents among the lines of a log, each of which is JSON. They keep the rules that a schema can say, and the others."""
        schema = None
        if os.path.exists(SCHEMA):
            with open(SCHEMA, encoding="utf-8") as f:
                schema = json.load(f)
        else:
            print("no ../shared/aws/emf-schema.json: the rules of this file only", flush=True)
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        found = [line for line in lines if "_aws" in line]
        for document in found:
            if schema:
                self.assertEqual(faults(schema, document), [])
            self.assertLess(len(json.dumps(document)), 256 << 10)  # an event of CloudWatch's log
            for directive in document["_aws"]["CloudWatchMetrics"]:
                self.assertEqual(directive["Namespace"], "tmflow")
                for name in sum(directive["Dimensions"], []):
                    self.assertTrue(document[name].isascii() and document[name].strip(), document)
                    self.assertLessEqual(len(document[name]), 1024)
                for metric in directive["Metrics"]:
                    self.assertIn(metric["Unit"], UNITS)
                    values = document[metric["Name"]]
                    values = values if isinstance(values, list) else [values]
                    self.assertTrue(0 < len(values) <= 100 and all(isinstance(v, (int, float)) for v in values), document)
        return found

    def total(self, documents, name, **dimensions):
        """The sum of a metric over the documents that have these dimensions."""
        values = [d[name] for d in documents if name in d and all(d.get(k) == v for k, v in dimensions.items())]
        return sum(sum(v) if isinstance(v, list) else v for v in values)

    def test_the_schema_has_teeth(self):
        schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "maxItems": 1, "items": {"enum": ["x"]}}}}
        self.assertEqual(faults(schema, {"a": ["x"]}), [])
        for wrong in ({}, [], {"a": "x"}, {"a": ["x", "x"]}, {"a": ["y"]}):
            self.assertEqual(len(faults(schema, wrong)), 1, wrong)

    def test_a_run(self):
        sim = self.sim("--fault", "throttle@0.05", instances=100)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", "--log-format", "emf", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        found = self.documents(done.err)
        for outcome, count in done.json["summary"].items():
            self.assertEqual(self.total(found, "tmflow_run_outcomes", outcome=outcome, workflow="backfill", region="us-east-1"), count)
        self.assertEqual({d["run"] for d in found}, {done.json["runId"]})
        for operation, counts in self.tmflow("show", "@latest", "-o", "json").json["calls"].items():
            self.assertEqual(self.total(found, "tmflow_run_aws_requests", operation=operation), counts["requests"])

    def test_only_where_it_is_asked_for(self):
        sim = self.sim("--no-auth", instances=10)
        for words, has in ((("--log-format", "json"), False), ((), False), (("--log-format", "emf"), True)):
            done = self.tmflow("audit", "--config", sim.config, *words, sim=sim)
            self.assertEqual(bool(self.documents(done.err)), has, words)
        done = self.tmflow("audit", "--log-format", "xml")
        self.assertEqual(done.code, 2)
        self.assertIn("--log-format takes logfmt, json, emf or ecs, not \"xml\"", done.err)

    def test_coverage_and_audit(self):
        sim = self.sim("--no-auth", instances=60)
        done = self.tmflow("coverage", "--config", sim.config, "-o", "json", "--log-format", "emf", sim=sim)
        found = self.documents(done.err)
        self.assertEqual(self.total(found, "tmflow_coverage_ratio"), done.json["coverage"])
        self.assertEqual(self.total(found, "tmflow_coverage_interfaces"), done.json["interfaces"])
        done = self.tmflow("audit", "--config", sim.config, "-o", "json", "--log-format", "emf", sim=sim)
        self.assertEqual(self.total(self.documents(done.err), "tmflow_audit_findings"), len(done.json["findings"]))

    def test_listen(self):
        """What comes at the end is all that was counted, since it takes less than the minute after which there is a line before."""
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        environment = {**self.keys(None), "AWS_ENDPOINT_URL_SQS": queue.url}
        process = self.spawn(["listen", "--queue-url", queue.queue_url, "--log-format", "emf"], environment)
        queue.add({"detail-type": "Scheduled Event", "detail": {}}, {"detail-type": "Scheduled Event", "detail": {}, "source": "x"})
        queue.wait(lambda q: not q.messages, 60)
        self.drain(process)
        found = self.documents(self.said(process))
        self.assertEqual(self.total(found, "tmflow_listen_messages_received_total"), 2)
        self.assertEqual(self.total(found, "tmflow_listen_message_age_seconds_count"), 2)
        self.assertGreaterEqual(self.total(found, "tmflow_aws_requests_total", service="sqs", operation="ReceiveMessage"), 1)
        self.assertEqual({d["process"] for d in found}, {"listen"})

    def test_lambda(self):
        """Lambda stops a process between its invocations: what an invocation did is in the log before it is answered."""
        runtime = services.Runtime()
        self.addCleanup(runtime.stop)
        environment = {**self.keys(None), "AWS_LAMBDA_RUNTIME_API": runtime.api, "AWS_REGION": "us-east-1"}
        process = self.spawn(["lambda", "--log-format", "emf"], environment)
        for n in range(1, 4):
            kind, _, body = runtime.result(runtime.invoke({"action": "log", "input": n}))
            self.assertEqual((kind, body), ("response", n), self.said(process))
            found = self.documents(self.said(process))
            self.assertEqual(self.total(found, "tmflow_jobs_total", result="succeeded"), n)
            self.assertEqual(self.total(found, "tmflow_job_duration_seconds_count"), n)
        self.end(process)


if __name__ == "__main__":
    harness.main()
