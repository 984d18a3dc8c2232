#!/usr/bin/env python3
"""The log as its readers take it: systemd's journal by the priority of each line, Elasticsearch by the names of Elastic Common Schema."""
import json
import os
import re

import harness

# Of the schema's fields those that may occur, with their types (generated/csv/fields.csv of github.com/elastic/ecs).
FIELDS = {"@timestamp": "date", "log.level": "keyword", "message": "text", "ecs.version": "keyword", "service.name": "keyword", "event.dataset": "keyword",
          "event.action": "keyword", "error.type": "keyword", "error.message": "text", "http.request.id": "keyword", "cloud.instance.id": "keyword",
          "rule.name": "keyword"}
FIRST = ["@timestamp", "log.level", "message", "ecs.version"]  # in this order, and in every line (github.com/elastic/ecs-logging, spec/spec.json)
PRIORITIES = {"debug": "<7>", "info": "<6>", "warn": "<4>", "error": "<3>"}


class Log(harness.Case):
    def to_file(self, *args, sim=None, journal=True, **env):
        """Lines of standard error, which is a file that JOURNAL_STREAM names as systemd would name its socket."""
        path = os.path.join(self.dir, "stderr")
        with open(path, "wb") as out:
            of = os.fstat(out.fileno())
            name = f"{of.st_dev}:{of.st_ino}" if journal else f"{of.st_dev}:{of.st_ino + 1}"
            process = self.start(*args, sim=sim, env={"JOURNAL_STREAM": name, **env}, stderr=out)
            process.communicate(timeout=harness.RUN_SECONDS)
        with open(path, encoding="utf-8") as f:
            return f.read().splitlines()

    def a_run(self, *more, **named):
        """Of which some instances fail, with events of every level but error."""
        sim = self.sim("--fault", "500:CreateTrafficMirrorSession@0.3", instances=150)
        with open(harness.BACKFILL, encoding="utf-8") as f:
            text = re.sub(r"MaxAttempts: \d+", "MaxAttempts: 0", f.read())
        workflow = self.write("impatient.yaml", re.sub(r"AnyFailed\.\$: States.*", "AnyFailed: false", text))
        return self.to_file("run", workflow, "--config", sim.config, "-o", "json", "--log-level", "debug", *more, sim=sim, AWS_MAX_ATTEMPTS="2", **named)

    def test_priorities(self):
        """Each event's is that of its level; nothing else has one but errors."""
        seen = set()
        for line in self.a_run("--log-format", "json"):
            start, rest = line[:3], line[3:]
            if rest.startswith("{"):
                self.assertEqual(start, PRIORITIES[json.loads(rest)["level"]])
                seen.add(start)
            else:
                self.assertRegex(line, r"^(<[34]>|tmflow: )")
        self.assertLessEqual({"<7>", "<6>", "<4>"}, seen)
        for line in self.a_run("--log-format", "json", journal=False):
            self.assertNotRegex(line, r"^<\d>")

    def test_priorities_of_what_ends_it(self):
        """Why a service could not begin is found by `journalctl -p err`, whatever it is."""
        self.assertRegex(self.to_file("runs", "--limit", "x")[0], r"^<3>tmflow: --limit ")
        self.assertRegex(self.to_file("rnus")[0], r"^<3>tmflow: .*rnus")
        bad = self.to_file("validate", self.write("bad.yaml", "vpcs:\n  - vpcId: 1\n"))
        self.assertGreater(len(bad), 1)
        for line in bad:
            self.assertRegex(line, r"^<3>\S*bad\.yaml:\d+:\d+: error: ")

    def test_ecs(self):
        """Names and types are those of the schema, or stand below our own."""
        lines = [json.loads(line[3:], object_pairs_hook=list) for line in self.a_run("--log-format", "ecs") if line[3:4] == "{"]
        self.assertGreater(len(lines), 100)
        names = set()
        for line in lines:
            self.assertEqual([name for name, _ in line[:4]], FIRST)
            self.assertEqual(len(line), len(dict(line)))
            for name, value in line:
                names.add(name)
                if name == "tmflow":
                    for key, one in value:
                        self.assertRegex(key, r"^[a-z0-9_]+$")
                        self.assertIsInstance(one, (str, int))
                    continue
                self.assertIn(name, FIELDS)
                self.assertIsInstance(value, str)
                self.assertNotEqual(value, "")
                if FIELDS[name] == "date":
                    self.assertTrue(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value), value)
        self.assertEqual(names, {*FIELDS, "tmflow"})


if __name__ == "__main__":
    harness.main()
