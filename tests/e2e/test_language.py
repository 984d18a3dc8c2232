#!/usr/bin/env python3
"""The language as people write it: AWS's own answers where tmflow once had others, and definitions with placeholders."""
import json
import os
import re
import unittest

import harness

CASES = os.path.join(harness.ROOT, "..", "shared", "cases", "asl")

# Where ours stands, and why: src/asl/FACTS.md, section "Where ours stands".
OURS_STANDS = {"validate-resource-not-arn"}
# JSONata is a language of its own, with tests of its own.
ELSEWHERE = {"jsonata-pass"}


@unittest.skipUnless(os.path.isdir(CASES), "SKIP: ../shared/cases/asl is not there")
class Cases(harness.Case):
    """Each case is a definition and, in words of a fixed form, what is to come of it."""

    def expected(self, name):
        with open(os.path.join(CASES, name + ".expect.md"), encoding="utf-8") as f:
            return re.search(r"^Expected: (.*)$", f.read(), re.M).group(1)

    def check_run(self, name, expected):
        done = self.tmflow("run", os.path.join(CASES, name + ".asl.json"), "--no-checkpoint", "-o", "json", "-q")
        answer = done.json
        self.assertEqual(answer["status"], expected.split(",")[0], answer)
        output = re.search(r"output `(.*?)`(?: \(|$)", expected)
        if output:
            self.assertEqual(answer["output"], json.loads(output.group(1)))
        error = re.search(r"error `(.*?)`", expected)
        if error:
            self.assertEqual(answer["error"], error.group(1))
        for cause in re.findall(r'cause (?:with )?"((?:[^"\\]|\\.)*)"', expected):
            for part in cause.split(" ... "):
                self.assertIn(part.strip(" ."), answer["cause"])

    def test_cases(self):
        names = sorted(name[: -len(".asl.json")] for name in os.listdir(CASES) if name.endswith(".asl.json"))
        done = 0
        for name in names:
            expected = self.expected(name)
            if name in OURS_STANDS | ELSEWHERE:
                continue
            with self.subTest(name):
                done += 1
                if expected.startswith(("SUCCEEDED", "FAILED")):
                    self.check_run(name, expected)
                    continue
                answer = self.tmflow("validate", os.path.join(CASES, name + ".asl.json"))
                self.assertEqual(answer.code, 2 if expected.startswith("not valid") else 0, answer.err)
        print(f"{done} of {len(names)} cases; ours stands in {', '.join(sorted(OURS_STANDS))}")
        self.assertGreater(done, 20)


WAITS = {"StartAt": "W", "States": {
    "W": {"Type": "Wait", "Seconds": "${Delay}", "Next": "P"},
    "P": {"Type": "Pass", "Result": {"bucket": "s3://${Bucket}/${Prefix}", "n": "${Count}"}, "End": True}}}


class Placeholders(harness.Case):
    def document(self, name, value):
        return self.write(name, json.dumps(value))

    def test_validate_warns(self):
        done = self.tmflow("validate", self.document("w.json", WAITS), "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        answer = done.json
        self.assertEqual([d["code"] for d in answer["diagnostics"]], ["PLACEHOLDER"])
        self.assertIn("${Delay}", answer["diagnostics"][0]["message"])

    def test_validate_fills_in(self):
        done = self.tmflow("validate", self.document("w.json", WAITS), "--set", "Delay=3", "-o", "json")
        self.assertEqual(done.json["diagnostics"], [])
        done = self.tmflow("validate", self.document("w.json", WAITS), "--set", "Delay=soon")
        self.assertEqual(done.code, 2)
        self.assertIn("'Seconds' should have a value of type integer", done.err)

    def test_run_needs_numbers(self):
        done = self.tmflow("run", self.document("w.json", WAITS), "-o", "json", "--no-checkpoint")
        self.assertEqual(done.code, 2)
        self.assertIn("the placeholder ${Delay} has no value", done.err)

    def test_run_fills_in(self):
        values = self.write("values.yaml", "Delay: 1\nCount: 7\nBucket: of-the-file\nUnused: x\n")
        done = self.tmflow("run", self.document("w.json", WAITS), "--set-file", values, "--set", "Delay=0",
                           "--set", "Bucket=b=c", "-o", "json", "-q")
        answer = done.json
        self.assertEqual(answer["output"], {"bucket": "s3://b=c/${Prefix}", "n": 7})
        shown = self.tmflow("show", answer["runId"], "-o", "json").json
        self.assertEqual(shown["status"], "SUCCEEDED")

    def test_wrong_values(self):
        workflow = self.document("w.json", WAITS)
        for words, said in (
                (["--set", "Dely=1"], "has no placeholder ${Dely}"),
                (["--set", "Delay"], "--set takes NAME=VALUE"),
                (["--set", "=1"], "--set takes NAME=VALUE"),
                (["--set-file", self.document("list.json", [1])], "--set-file takes names with their values"),
                (["--set-file", self.document("deep.json", {"Delay": {}})], "the value of Delay must be"),
                (["--set-file", "/nowhere.json"], "--set-file")):
            done = self.tmflow("run", workflow, "--no-checkpoint", *words)
            self.assertEqual(done.code, 2, words)
            self.assertIn(said, done.err)

    def test_state(self):
        done = self.tmflow("test-state", self.document("w.json", WAITS), "P", "--set", "Delay=1", "--set", "Count=5", "-o", "json")
        self.assertEqual(json.loads(done.json["output"])["n"], "5")

    def test_warning_of_aws_is_one_line(self):
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
        states = {f"T{i}": {**task, "Next": f"T{i + 1}"} for i in range(9)}
        states["T9"] = {**task, "End": True}
        done = self.tmflow("validate", self.document("w.json", {"StartAt": "T0", "States": states}))
        self.assertEqual(done.code, 0)
        self.assertEqual(done.err.count("warning"), 1)
        self.assertIn("10 Tasks run on AWS only, and fail here: T0, T1, T2, T3, T4, ...", done.err)


if __name__ == "__main__":
    harness.main()
