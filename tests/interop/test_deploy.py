"""tools/deploy: its templates pass cfn-lint and SAM and allow what the workflows need and no more; its zip runs as a function would; the three commands
of its README are given to the AWS CLI, with moto's server as S3 and CloudFormation.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
import zipfile

import harness
import interop
import services

DEPLOY = os.path.join(interop.ROOT, "tools", "deploy")
TEMPLATES = [os.path.join(DEPLOY, name) for name in ("template.yaml", "worker.yaml", "reconcile.yaml")]
WORKFLOWS = ("backfill", "on-launch", "on-guardduty")
REGION = "eu-west-1"
ACTIVITY = f"arn:aws:states:{REGION}:123456789012:activity:tmflow"

# The statements of a template that allow actions, read by a program that knows CloudFormation's tags.
STATEMENTS = """
import json, sys
import cfnlint.decode
template, _ = cfnlint.decode.decode(sys.argv[1])
found = []
def walk(value):
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            action = value["Action"]
            found.append({**value, "Action": [action] if isinstance(action, str) else list(action)})
        for member in value.values():
            walk(member)
    elif isinstance(value, list):
        for member in value:
            walk(member)
walk(template)
print(json.dumps(found))
"""

# A template as JSON, its tags as CloudFormation's functions.
TEMPLATE = "import json, sys, cfnlint.decode; print(json.dumps(cfnlint.decode.decode(sys.argv[1])[0]))"


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

    def test_switches_and_what_watches(self):
        template = json.loads(self.run_here(self.python, "-c", TEMPLATE, TEMPLATES[0]).stdout)
        switches = {name: p["Default"] for name, p in template["Parameters"].items() if name.startswith("EnableFor")}
        self.assertEqual(switches, {"EnableForExistingInstances": "true", "EnableForInstanceLaunch": "true", "EnableForGuardDuty": "false"})
        resources = template["Resources"].values()
        kinds = [r["Type"] for r in resources]
        for kind, count in (("AWS::Serverless::StateMachine", 3), ("AWS::Events::Rule", 2), ("AWS::SQS::Queue", 1), ("AWS::Logs::LogGroup", 1)):
            self.assertEqual(kinds.count(kind), count, kind)
        for resource in resources:
            if resource["Type"] == "AWS::Logs::LogGroup":
                self.assertEqual(resource["Properties"]["RetentionInDays"], {"Ref": "LogRetentionInDays"})
            if resource["Type"] == "AWS::Events::Rule":
                self.assertTrue(all("DeadLetterConfig" in t and "RetryPolicy" in t for t in resource["Properties"]["Targets"]))
        watched = {r["Properties"]["MetricName"] for r in resources if r["Type"] == "AWS::CloudWatch::Alarm"}
        self.assertLessEqual({"Errors", "ExecutionsFailed", "ApproximateNumberOfMessagesVisible"}, watched)

    def test_templates_pass_sam(self):
        sam = os.path.join(os.path.dirname(interop.python_packages("sam")), "sam")
        environment = dict(self.keys(), SAM_CLI_TELEMETRY="0", AWS_DEFAULT_REGION="us-east-1")
        for template in TEMPLATES:
            done = self.run_here(sam, "validate", "--lint", "--template", template, env=environment)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def moto(self):
        """The environment in which the AWS CLI talks to a server of moto's."""
        address = interop.free_address()
        program = interop.python_packages("moto")
        self.spawn(["-m", "moto.server", "-p", address.split(":")[1]], self.environment(), program=program)
        interop.until_open(address)
        environment = dict(self.keys(), AWS_ENDPOINT_URL="http://" + address, AWS_DEFAULT_REGION="us-east-1")
        environment["PATH"] = os.path.dirname(self.python) + os.pathsep + environment["PATH"]
        return environment

    def commands(self, heading):
        """The commands below a heading of the README, as lists of words."""
        with open(os.path.join(DEPLOY, "README.md"), encoding="utf-8") as f:
            section = f.read().split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
        block = re.search(r"((?:^    .*\n)+)", section, re.MULTILINE)[1]
        return [shlex.split(line) for line in block.splitlines()]

    def try_commands(self, heading):
        """As a person would give them, but for the last step, which moto's server cannot take: it knows no SAM. Returns the packaged template's path."""
        environment, config = self.moto(), self.write("config.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        self.assertEqual(self.run_here("aws", "s3", "mb", "s3://bucket", env=environment).returncode, 0)
        commands = self.commands(heading)
        self.assertEqual([words[:3] for words in commands[1:]], [["aws", "cloudformation", "package"], ["aws", "cloudformation", "deploy"]])
        for words in commands:
            words = [{"BUCKET": "bucket", "config/us-east-1.yaml": config}.get(word, word) for word in words]
            more = ["--no-execute-changeset"] if words[2:3] == ["deploy"] else []
            done = self.run_here(*words, *more, env=environment)
            self.assertEqual(done.returncode, 0, f"{words}: {done.stdout} {done.stderr}")
        packaged = os.path.join(interop.ROOT, commands[2][commands[2].index("--template-file") + 1])
        stacks = self.run_here("aws", "cloudformation", "list-stacks", "--output", "json", env=environment)
        self.assertEqual([s["StackName"] for s in json.loads(stacks.stdout)["StackSummaries"]], [commands[2][commands[2].index("--stack-name") + 1]])
        lint = self.run_here(os.path.join(os.path.dirname(self.python), "cfn-lint"), packaged)
        self.assertEqual(lint.returncode, 0, lint.stdout)
        with open(packaged, encoding="utf-8") as f:
            return f.read(), environment

    def test_three_commands(self):
        template, environment = self.try_commands("With nothing to run")
        key = re.search(r"CodeUri: s3://bucket/(\w+)", template)[1]
        there = os.path.join(self.dir, "lambda.zip")
        self.run_here("aws", "s3", "cp", f"s3://bucket/{key}", there, env=environment)
        with open(there, "rb") as one, open(os.path.join(interop.ROOT, "build", "deploy", "lambda.zip"), "rb") as other:
            self.assertEqual(one.read(), other.read())
        self.assertEqual(len(re.findall(r"^ +Bucket: bucket$", template, re.MULTILINE)), len(WORKFLOWS))

    def test_three_commands_for_workers(self):
        template, _ = self.try_commands("With workers")
        self.assertNotIn("CodeUri", template)

    def test_no_action_is_a_wildcard(self):
        for template in TEMPLATES:
            for statement in self.statements(template):
                self.assertEqual([a for a in statement["Action"] if "*" in a], [], template)

    def filled(self, value):
        """A template's value as CloudFormation fills it in here, in any partition, with the activity as the only resource that is referred to."""
        if isinstance(value, list):
            return [self.filled(v) for v in value]
        if not isinstance(value, dict):
            return value
        if list(value) == ["Fn::Sub"]:
            return value["Fn::Sub"].replace("${AWS::Partition}", "*").replace("${AWS::Region}", REGION)
        if list(value) == ["Ref"]:
            return {"AWS::Region": REGION, "Activity": ACTIVITY}[value["Ref"]]
        return {key: self.filled(v) for key, v in value.items()}

    def test_policies_are_those_of_the_workflows(self):
        """Statement by statement, resources and conditions included. The workflows differ only in the actions of a statement."""
        needed = {}
        for name in WORKFLOWS:
            done = self.run_here(harness.TMFLOW, "export", f"workflows/{name}.yaml", "--iam-policy", "--activity-arn", ACTIVITY, "--region", REGION)
            for statement in json.loads(done.stdout)["Statement"]:
                actions = statement.pop("Action")
                known = needed.setdefault(statement["Sid"], {**statement, "Action": set()})
                self.assertEqual({**statement, "Action": known["Action"]}, known, name)
                known["Action"].update(actions)
        self.assertIn("Condition", needed["TmflowTerminates"])
        del needed["TmflowRoles"]     # the parameter MemberRole names the role
        works = {sid for sid in needed if sid not in ("TmflowActivity", "TmflowTasks")}
        for template, sids in zip(TEMPLATES, (works, set(needed), works)):
            given = {s["Sid"]: {**self.filled(s), "Action": set(s["Action"])} for s in self.statements(template) if "Sid" in s}
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
