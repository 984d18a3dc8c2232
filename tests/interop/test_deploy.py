"""tools/deploy: its templates pass cfn-lint and allow what the workflows need and no more; its zip runs as a function would."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

import harness
import interop
import services

DEPLOY = os.path.join(interop.ROOT, "tools", "deploy")
TEMPLATES = [os.path.join(DEPLOY, name) for name in ("template.yaml", "worker.yaml")]
WORKFLOWS = ("backfill", "on-launch", "on-guardduty")

# The actions of a template's statement, read by a program that knows CloudFormation's tags.
STATEMENTS = """
import json, sys
import cfnlint.decode
template, _ = cfnlint.decode.decode(sys.argv[1])
found = []
def walk(value):
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            action = value["Action"]
            found.append({"Sid": value.get("Sid"), "Action": [action] if isinstance(action, str) else list(action)})
        for member in value.values():
            walk(member)
    elif isinstance(value, list):
        for member in value:
            walk(member)
walk(template)
print(json.dumps(found))
"""


class Deploy(services.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("deploy")

    def run_here(self, *words, **named):
        return subprocess.run(words, cwd=interop.ROOT, capture_output=True, text=True, timeout=600, **named)

    def statements(self, template):
        done = self.run_here(self.python, "-c", STATEMENTS, template)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_templates_pass_cfn_lint(self):
        done = self.run_here(os.path.join(os.path.dirname(self.python), "cfn-lint"), *TEMPLATES)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_no_action_is_a_wildcard(self):
        for template in TEMPLATES:
            for statement in self.statements(template):
                self.assertEqual([a for a in statement["Action"] if "*" in a], [], template)

    def test_policies_are_those_of_the_workflows(self):
        needed = {}
        for name in WORKFLOWS:
            done = self.run_here(harness.TMFLOW, "export", f"workflows/{name}.yaml", "--iam-policy", "--activity-arn",
                                 "arn:aws:states:us-east-1:123456789012:activity:tmflow")
            for statement in json.loads(done.stdout)["Statement"]:
                needed.setdefault(statement["Sid"], set()).update(statement["Action"])
        for template, sids in zip(TEMPLATES, (["TmflowActions"], ["TmflowActions", "TmflowActivity", "TmflowTasks"])):
            given = {s["Sid"]: set(s["Action"]) for s in self.statements(template) if s["Sid"]}
            self.assertEqual(given, {sid: needed[sid] for sid in sids}, template)

    def test_the_zip_runs(self):
        config = self.write("config.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        done = self.run_here(sys.executable, os.path.join(DEPLOY, "package"), "--config", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        print(done.stdout.strip())
        runtime = services.Runtime()
        self.addCleanup(runtime.stop)
        with tempfile.TemporaryDirectory(dir=interop.DIR) as task:
            with zipfile.ZipFile(os.path.join(interop.ROOT, "build", "deploy", "lambda.zip")) as package:
                for info in package.infolist():
                    os.chmod(package.extract(info, task), info.external_attr >> 16)
            environment = {"AWS_LAMBDA_RUNTIME_API": runtime.api, "LAMBDA_TASK_ROOT": task, "AWS_REGION": "us-east-1",
                           "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x" * 40,
                           "TMFLOW_CONFIG": "config.yaml", "AWS_CA_BUNDLE": "ca-certificates.crt", "PATH": "/usr/bin:/bin"}
            process = self.spawn([], environment, program=os.path.join(task, "bootstrap"))
            kind, _, body = runtime.result(runtime.invoke({"action": "log", "input": 7}))
            self.assertEqual((kind, body), ("response", 7), self.said(process))
            self.end(process)

    def test_definitions_name_the_resource_by_its_variable(self):
        self.assertEqual(self.run_here(sys.executable, os.path.join(DEPLOY, "package"), "--worker").returncode, 0)
        for name in WORKFLOWS:
            with open(os.path.join(interop.ROOT, "build", "deploy", name + ".activity.asl.json"), encoding="utf-8") as f:
                text = f.read()
            self.assertIn('"Resource":"${TaskResource}"', text)
            self.assertNotIn("123456789012", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
