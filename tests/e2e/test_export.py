#!/usr/bin/env python3
"""tmflow export: the workflow for Step Functions, and the policy that it needs."""
import glob
import fnmatch
import json
import subprocess
import os
import re

import harness

ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:mirror"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:mirror:live"


def tasks(scope):
    """Every Task of a definition, by name, nested ones included."""
    for name, state in scope["States"].items():
        if state["Type"] == "Task":
            yield name, state
        for key in ("Iterator", "ItemProcessor"):
            if key in state:
                yield from tasks(state[key])
        for branch in state.get("Branches", []):
            yield from tasks(branch)


class Export(harness.Case):
    def export(self, *args):
        done = self.tmflow("export", *args)
        self.assertEqual(done.code, 0, done.err)
        return done.json

    def test_backfill_for_an_activity(self):
        exported = self.export(harness.BACKFILL, "--activity-arn", ACTIVITY)
        found = dict(tasks(exported))
        self.assertEqual(found["DescribePage"]["Parameters"], {"action": "describe-page", "input": {"NextToken.$": "$NextToken", "LastRound.$": "$LastRound"}})
        self.assertIsNone(exported["States"]["FirstPage"]["Assign"]["NextToken"])
        for name, task in found.items():
            self.assertEqual(task["Resource"], ACTIVITY, name)
            self.assertEqual(set(task["Parameters"]), {"action", "input"}, name)
            self.assertLess(task["HeartbeatSeconds"], task["TimeoutSeconds"], name)
        self.assertNotIn("tmflow:", json.dumps(exported))

    def test_what_is_exported_is_a_valid_workflow(self):
        for option, arn in (("--activity-arn", ACTIVITY), ("--lambda-arn", FUNCTION)):
            exported = self.write("exported.json", json.dumps(self.export(harness.BACKFILL, option, arn)))
            done = self.tmflow("validate", exported)
            self.assertEqual(done.code, 0, done.err)

    def test_distributed(self):
        inline = self.export(harness.BACKFILL, "--lambda-arn", FUNCTION)
        exported = self.export(harness.BACKFILL, "--lambda-arn", FUNCTION, "--distributed")
        for name in ("EnsureEach", "RemoveEach"):
            self.assertEqual(exported["States"][name]["ItemProcessor"].pop("ProcessorConfig"), {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
            inline["States"][name]["ItemProcessor"].pop("ProcessorConfig")
        self.assertEqual(exported, inline)

    def test_a_distributed_map_sees_no_variables_from_outside(self):
        def workflow(reads):
            return self.write("map.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, Assign: {Outer: 1}, Next: Each}\n  Each:\n    Type: Map\n"
                              "    ItemProcessor:\n      StartAt: B\n      States:\n        B: {Type: Pass, Assign: {Mine: 1}, Next: C}\n"
                              f"        C: {{Type: Pass, Parameters: {reads}, End: true}}\n    End: true\n")
        arguments = ("--activity-arn", ACTIVITY, "--distributed")
        self.export(workflow("{a.$: $Mine, b.$: $$.State.Name, c.$: \"States.Format('$Outer {}', $.x)\", d: $Outer}"), *arguments)
        for reads in ("{a.$: $Outer}", "{a.$: \"States.Format('{}', $Outer.b)\"}"):
            done = self.tmflow("export", workflow(reads), *arguments)
            self.assertEqual(done.code, 2)
            self.assertRegex(done.err, r"items of Each read the variable \$Outer, .* ItemSelector")
        self.assertEqual(self.tmflow("export", workflow("{a.$: $Outer}"), "--activity-arn", ACTIVITY).code, 0)

    def test_every_task_outlives_its_worker(self):
        for workflow in glob.glob(os.path.join(harness.ROOT, "workflows", "*.yaml")):
            for name, task in tasks(self.export(workflow, "--activity-arn", ACTIVITY)):
                retried = [error for retrier in task.get("Retry", []) for error in retrier["ErrorEquals"]]
                self.assertIn("States.Timeout", retried, (workflow, name))

    def test_lambda_errors_are_retried(self):
        for name, task in tasks(self.export(harness.BACKFILL, "--lambda-arn", FUNCTION)):
            self.assertEqual(task["Retry"][0]["ErrorEquals"],
                             ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
                              "Lambda.TooManyRequestsException"], name)
        self.assertNotIn("Lambda.", json.dumps(self.export(harness.BACKFILL, "--activity-arn", ACTIVITY)))

    def test_function_gets_no_heartbeats(self):
        for name, task in tasks(self.export(harness.BACKFILL, "--lambda-arn", FUNCTION)):
            self.assertEqual(task["Resource"], FUNCTION)
            self.assertNotIn("HeartbeatSeconds", task, name)
            self.assertLessEqual(task["TimeoutSeconds"], 900)

    def test_the_policy_is_what_a_backfill_asks_for(self):
        policy = self.export(harness.BACKFILL, "--iam-policy")
        allowed = {a for s in policy["Statement"] for a in s["Action"]}
        self.assertEqual(policy["Version"], "2012-10-17")
        self.assertFalse([a for a in allowed if not re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", a)])
        sim = self.sim(instances=300)
        self.assertEqual(self.backfill(sim).code, 0)
        told = subprocess.run([harness.EC2SIM, "--print-operations"], check=True, stdout=subprocess.PIPE, text=True).stdout
        service = {operation: name for name, operation in (line.split(" ") for line in told.splitlines())}
        asked = {service[action] + ":" + action for action, row in sim.report()["actions"].items() if row["calls"] > 0}
        self.assertGreater(len(asked), 4)
        self.assertLessEqual(asked, allowed)

    def test_the_policy_of_a_worker(self):
        path = self.write("log.yaml", "StartAt: A\nStates:\n  A: {Type: Task, Resource: tmflow:log, End: true}\n")
        self.assertEqual(self.export(path, "--iam-policy")["Statement"], [])
        statements = self.export(path, "--iam-policy", "--activity-arn", ACTIVITY)["Statement"]
        self.assertEqual(statements[0]["Action"], ["states:GetActivityTask"])
        self.assertEqual(statements[0]["Resource"], ACTIVITY)

    def allows(self, policy, action, resource, context):
        """Whether a policy of Allow statements with StringEquals lets a request to one resource through, as IAM decides it."""
        def one_of(value, wanted):
            return value in (wanted if isinstance(wanted, list) else [wanted])
        def fits(statement):
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            conditions = statement.get("Condition", {}).get("StringEquals", {})
            return (action in statement["Action"] and any(fnmatch.fnmatchcase(resource, pattern) for pattern in resources)
                    and all(one_of(context.get(key), wanted) for key, wanted in conditions.items()))
        return any(fits(s) for s in policy["Statement"])

    def test_the_policy_without_a_configuration(self):
        """Any filter, image or group, as the rules are not known; but nothing that does not bear tmflow's tag is changed."""
        policy = self.export(harness.BACKFILL, "--iam-policy", "--region", "eu-west-1")
        arn, made, ours = "arn:aws:ec2:eu-west-1:123456789012:", {"aws:RequestTag/tmflow:tool": "tmflow"}, {"aws:ResourceTag/tmflow:tool": "tmflow"}
        for action, resource, context in (
                ("CreateTrafficMirrorSession", "traffic-mirror-session/*", made), ("CreateTrafficMirrorTarget", "traffic-mirror-target/*", made),
                ("RunInstances", "instance/*", {**made, "ec2:InstanceType": "t3.large"}), ("TerminateInstances", "instance/i-1", ours),
                ("ModifyTrafficMirrorSession", "traffic-mirror-session/tms-1", ours), ("DeleteTrafficMirrorTarget", "traffic-mirror-target/tmt-1", ours)):
            self.assertTrue(self.allows(policy, "ec2:" + action, arn + resource, context), (action, resource))
            self.assertFalse(self.allows(policy, "ec2:" + action, arn + resource, {}), (action, resource))
            self.assertFalse(self.allows(policy, "ec2:" + action, arn.replace("eu-west-1", "us-east-1") + resource, context), (action, resource))
        for kind in ("traffic-mirror-filter/tmf-9", "traffic-mirror-target/tmt-9"):
            self.assertTrue(self.allows(policy, "ec2:CreateTrafficMirrorSession", arn + kind, {}), kind)

    def test_the_policy_is_narrowed_by_a_configuration(self):
        given = self.write("given.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        actions = {a for s in self.export(harness.BACKFILL, "--iam-policy", "--config", given)["Statement"] for a in s["Action"]}
        for needless in ("RunInstances", "TerminateInstances", "CreateTrafficMirrorTarget", "DeleteTrafficMirrorSession"):
            self.assertNotIn("ec2:" + needless, actions)
        launched = self.write("launched.yaml", "prune: true\nvpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetInstanceType: t3.large, "
                              "targetInstanceAmi: ami-1, targetSecurityGroupIds: [sg-1]}\n")
        policy = self.export(harness.BACKFILL, "--iam-policy", "--config", launched, "--region", "eu-west-1")
        arn = "arn:aws:ec2:eu-west-1:123456789012:"
        ours, tagged = {"aws:ResourceTag/tmflow:tool": "tmflow"}, {"aws:RequestTag/tmflow:tool": "tmflow", "ec2:InstanceType": "t3.large"}
        for action, resource, context in (
                ("CreateTrafficMirrorSession", arn + "traffic-mirror-filter/tmf-1", {}), ("CreateTrafficMirrorSession", arn + "network-interface/eni-1", {}),
                ("CreateTrafficMirrorSession", arn + "traffic-mirror-session/*", tagged), ("DeleteTrafficMirrorSession", arn + "traffic-mirror-session/tms-1", ours),
                ("RunInstances", arn + "instance/*", tagged), ("RunInstances", "arn:aws:ec2:eu-west-1::image/ami-1", {}),
                ("TerminateInstances", arn + "instance/i-1", ours), ("CreateTags", arn + "instance/i-1", {"ec2:CreateAction": "RunInstances"})):
            self.assertTrue(self.allows(policy, "ec2:" + action, resource, context), (action, resource))
            self.assertFalse(self.allows(policy, "ec2:" + action, resource.replace("eu-west-1", "us-east-1"), context), (action, resource))
        for action, resource, context in (
                ("CreateTrafficMirrorSession", arn + "traffic-mirror-filter/tmf-2", {}), ("CreateTrafficMirrorSession", arn + "traffic-mirror-session/*", {}),
                ("DeleteTrafficMirrorSession", arn + "traffic-mirror-session/tms-1", {}), ("TerminateInstances", arn + "instance/i-1", {}),
                ("RunInstances", arn + "instance/*", {**tagged, "ec2:InstanceType": "p5.48xlarge"}), ("CreateTags", arn + "instance/i-1", {}),
                ("RunInstances", "arn:aws:ec2:eu-west-1::image/ami-2", {}), ("RunInstances", arn + "security-group/sg-2", {})):
            self.assertFalse(self.allows(policy, "ec2:" + action, resource, context), (action, resource))

    def test_policies_of_commands_that_only_look(self):
        for command in ("audit", "doctor", "coverage"):
            actions = {a for s in self.export(harness.BACKFILL, "--iam-policy", "--for", command)["Statement"] for a in s["Action"]}
            self.assertGreater(len(actions), 8)
            self.assertEqual([a for a in actions if not re.search(":(Describe|List|Lookup)", a)], [])
        self.assertEqual(self.tmflow("export", harness.BACKFILL, "--iam-policy", "--for", "all").code, 2)

    def asked(self, sim):
        """The IAM actions of what its worlds were asked for."""
        told = subprocess.run([harness.EC2SIM, "--print-operations"], check=True, stdout=subprocess.PIPE, text=True).stdout
        service = {operation: name for name, operation in (line.split(" ") for line in told.splitlines())}
        report = sim.report()
        reports = [world["report"] for world in report["worlds"]] if "worlds" in report else [report]
        return {service[action] + ":" + action for of in reports for action, row in of["actions"].items() if row["calls"] > 0}

    def test_each_command_asks_for_what_its_policy_allows(self):
        """Both ways: what a command calls is allowed, and a command that only looks may change nothing."""
        def allowed(command):
            return {a for s in self.export(harness.BACKFILL, "--iam-policy", "--for", command)["Statement"] for a in s["Action"]}
        sim = self.sim(instances=100)
        self.assertEqual(self.tmflow("coverage", "--config", sim.config, sim=sim).code, 0)
        asked = self.asked(sim)
        self.assertGreaterEqual(len(asked), 3)
        self.assertLessEqual(asked, allowed("coverage"))
        self.assertEqual(self.backfill(sim).code, 0)
        before = {action: row["calls"] for action, row in sim.report()["actions"].items()}
        self.assertEqual(self.tmflow("destroy", "--yes", sim=sim).code, 0)
        more = {action for action, row in sim.report()["actions"].items() if row["calls"] > before.get(action, 0)}
        self.assertIn("DeleteTrafficMirrorSession", more)
        self.assertLessEqual({"ec2:" + action for action in more - {"GetCallerIdentity"}}, allowed("destroy"))

    def test_policies_of_an_organization(self):
        """What coverage asks for, by whom: the keys list and assume, the role does all else."""
        def allowed(*args):
            return {a for s in self.export(harness.BACKFILL, "--iam-policy", "--for", "coverage", "--organization", *args)["Statement"] for a in s["Action"]}
        sim = self.sim("--plain", "--accounts", "2", "--regions", "us-east-1,eu-west-1", instances=20)
        for words in ([], ["--unit", "r-ex01"]):
            done = self.tmflow("coverage", "--config", sim.config, "--organization", "--assume-role", "mirror", *words, sim=sim)
            self.assertEqual(done.code, 0, done.err)
        asked = {a for a in self.asked(sim) if not a.endswith("GetCallerIdentity")}
        keys, role = allowed("--assume-role", "mirror"), allowed()
        self.assertLessEqual({"organizations:ListAccounts", "organizations:ListAccountsForParent", "sts:AssumeRole", "ec2:DescribeRegions"}, asked)
        self.assertEqual(keys & role, set())
        self.assertEqual({a for a in asked if a.startswith(("organizations:", "sts:"))} - keys, set())
        self.assertEqual(asked - keys - role, set())
        rounds = {a for s in self.export(harness.BACKFILL, "--iam-policy", "--for", "reconcile", "--organization")["Statement"] for a in s["Action"]}
        self.assertLessEqual({"ec2:DescribeRegions", "ec2:CreateTrafficMirrorSession"}, rounds)
        for args, said in ((["--organization", "--for", "destroy"], "does not take"), (["--organization", "--for", "listen"], "does not take"), (["--organization", "--assume-role", "arn:aws:iam::1:role/a"], "{account}"),
                           (["--assume-role", "mirror"], "needs an ARN")):
            done = self.tmflow("export", harness.BACKFILL, "--iam-policy", *args)
            self.assertEqual(done.code, 2, args)
            self.assertIn(said, done.err)
        done = self.tmflow("export", harness.BACKFILL, "--activity-arn", ACTIVITY, "--organization")
        self.assertIn("only with --iam-policy", done.err)

    def test_policies_of_other_commands(self):
        destroy = self.export(harness.BACKFILL, "--iam-policy", "--for", "destroy", "--region", "eu-west-1")
        arn, ours = "arn:aws:ec2:eu-west-1:123456789012:", {"aws:ResourceTag/tmflow:tool": "tmflow"}
        for action, kind in (("DeleteTrafficMirrorSession", "traffic-mirror-session/tms-1"), ("DeleteTrafficMirrorTarget", "traffic-mirror-target/tmt-1"),
                             ("TerminateInstances", "instance/i-1")):
            self.assertTrue(self.allows(destroy, "ec2:" + action, arn + kind, ours), action)
            self.assertFalse(self.allows(destroy, "ec2:" + action, arn + kind, {}), action)
        self.assertFalse(self.allows(destroy, "ec2:CreateTrafficMirrorSession", arn + "traffic-mirror-session/*", ours))
        run = self.export(harness.BACKFILL, "--iam-policy")
        self.assertEqual(self.export(harness.BACKFILL, "--iam-policy", "--for", "reconcile"), run)
        listen = self.export(harness.BACKFILL, "--iam-policy", "--for", "listen", "--region", "eu-west-1")
        self.assertTrue(self.allows(listen, "sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:123456789012:events", {}))
        self.assertFalse(self.allows(listen, "sqs:DeleteMessage", "arn:aws:sqs:us-east-1:123456789012:events", {}))
        self.assertEqual(self.tmflow("export", harness.BACKFILL, "--iam-policy", "--for", "worker").code, 2)
        worker = self.export(harness.BACKFILL, "--iam-policy", "--for", "worker", "--activity-arn", ACTIVITY)
        self.assertEqual(worker, self.export(harness.BACKFILL, "--iam-policy", "--activity-arn", ACTIVITY))

    def test_the_policy_of_roles_in_other_accounts(self):
        """Only findings are followed into other accounts; the configuration says by which role."""
        def roles(workflow, *args):
            return [(s["Action"], s["Resource"]) for s in self.export(workflow, "--iam-policy", *args)["Statement"] if s["Sid"] == "TmflowRoles"]
        guardduty = harness.BACKFILL.replace("backfill", "on-guardduty")
        launch = harness.BACKFILL.replace("backfill", "on-launch")
        rule = "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n"
        plain = self.write("plain.yaml", rule)
        member = self.write("member.yaml", rule + "guardduty: {roleArn: 'arn:aws:iam::{account}:role/mirror-{region}'}\n")
        self.assertEqual(roles(guardduty, "--config", member), [(["sts:AssumeRole"], "arn:aws:iam::*:role/mirror-*")])
        listed = self.write("listed.yaml", rule + "guardduty: {roleArn: 'arn:aws:iam::{account}:role/mirror', accounts: ['111111111111', 22222222222]}\n")
        self.assertEqual(roles(guardduty, "--config", listed),
                         [(["sts:AssumeRole"], ["arn:aws:iam::111111111111:role/mirror", "arn:aws:iam::022222222222:role/mirror"])])
        nobody = self.write("nobody.yaml", rule + "guardduty: {roleArn: 'arn:aws:iam::{account}:role/mirror', accounts: []}\n")
        self.assertEqual(roles(guardduty, "--config", nobody), [])
        self.assertEqual(roles(guardduty, "--config", plain), [])
        self.assertEqual(roles(guardduty), [(["sts:AssumeRole"], "arn:*:iam::*:role/*")])
        self.assertEqual(roles(launch, "--config", member), [])
        self.assertEqual(roles(harness.BACKFILL, "--config", member), [])
        done = self.tmflow("export", guardduty, "--iam-policy", "--config", self.write("bad.yaml", "vpcs: []\n"))
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("bad.yaml:", done.err)
        done = self.tmflow("export", guardduty, "--activity-arn", ACTIVITY, "--config", member)
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("--iam-policy", done.err)

    def test_actions_name_their_policy(self):
        rows = {row["resource"]: row["iamActions"] for row in self.tmflow("actions", "-o", "json").json}
        self.assertEqual(rows["tmflow:describe-page"], ["ec2:DescribeInstances"])
        self.assertEqual(rows["tmflow:log"], [])

    def test_states_data_fit_at_200_instances_a_page(self):
        """Step Functions ends an execution whose state takes or gives more than 256 KiB. 200 instances fit, and where their tags do not, the page is smaller."""
        sim = self.sim("--plain", "--single-subnet", "--no-auth", instances=600)
        ids = [i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"]]
        tags = {f"Tag.{n}.Key": f"key-{n}" for n in range(1, 41)} | {f"Tag.{n}.Value": "value " * 20 for n in range(1, 41)}
        for first in range(200, 400, 20):
            sim.query("CreateTags", **{f"ResourceId.{n}": i for n, i in enumerate(ids[first:first + 20], 1)}, **tags)
        done = self.backfill(sim, "--history")
        self.assertEqual((done.code, done.json["summary"]["created"]), (0, 600), done.err)
        data, pages = [], []
        for line in self.tmflow("show", "@latest", "--history", "-o", "jsonl").out.splitlines():
            event = json.loads(line)
            for details in (v for v in event.values() if isinstance(v, dict)):
                data += [len(details[key].encode()) for key in ("input", "output", "parameters") if key in details]
            if event["type"] == "TaskSucceeded":
                output = json.loads(event["taskSucceededEventDetails"]["output"])
                pages += [len(output["Instances"])] if isinstance(output, dict) and "Instances" in output else []
        self.assertIn(200, pages)
        self.assertTrue(any(0 < page < 200 for page in pages), pages)
        self.assertGreaterEqual(sum(pages), 600)    # and what was launched for targets meanwhile
        self.assertGreater(max(data), 64 << 10)
        self.assertLess(max(data), 256 << 10)

    def test_faults(self):
        bad = self.write("bad.yaml", "StartAt: A\nStates:\n  A: {Type: Pas, End: true}\n")
        for args, pattern in (([harness.BACKFILL], "--activity-arn ARN"),
                              ([harness.BACKFILL, "--activity-arn", "mirror"], "begin with arn:"),
                              ([harness.BACKFILL, "--activity-arn", FUNCTION], "looks like arn:aws:states"),
                              ([harness.BACKFILL, "--lambda-arn", ACTIVITY], "looks like arn:aws:lambda"),
                              ([harness.BACKFILL, "--activity-arn", ACTIVITY, "--lambda-arn", FUNCTION], "not both"),
                              ([bad, "--activity-arn", ACTIVITY], "bad.yaml:3:"),
                              (["/does/not/exist", "--activity-arn", ACTIVITY], "/does/not/exist")):
            done = self.tmflow("export", *args)
            self.assertEqual((done.code, done.out), (2, ""), (args, done.err))
            self.assertRegex(done.err, pattern)
            self.assertIn("cause", self.tmflow("export", *args, "-o", "json").json)


if __name__ == "__main__":
    harness.main()
