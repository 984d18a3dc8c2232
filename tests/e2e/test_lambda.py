"""tmflow as the bootstrap of a Lambda function, against a fake of the runtime API, and CloudFormation's ResponseURL."""
import json
import os
import shutil
import tempfile
import time

import harness
import services

SHARED = os.path.join(harness.ROOT, "..", "shared", "aws", "events")
EVENT = {"version": "0", "id": "e", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
         "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": []}


def record(n, body, queue="events"):
    return {"messageId": f"m{n}", "receiptHandle": "h", "body": body if isinstance(body, str) else json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:" + queue, "awsRegion": "us-east-1"}


def resource(url, kind, **more):
    """CloudFormation's request, to be answered below url."""
    return {"RequestType": kind, "ResponseURL": url + "/cfn/arn%3Aaws%3Acfn%7CMirror?X-Amz-Signature=00%2F",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/mirror/5b918d10", "RequestId": "7c0f6d0e",
            "LogicalResourceId": "Backfill", "ResourceType": "Custom::Backfill", "ResourceProperties": {}, **more}


# Fails, or takes too long, for the instances of these names.
ON_LAUNCH = """
StartAt: Which
States:
  Which:
    Type: Choice
    Choices:
      - {Variable: $.detail.instance-id, StringEquals: i-bad, Next: Bad}
      - {Variable: $.detail.instance-id, StringEquals: i-slow, Next: Slow}
    Default: Good
  Bad: {Type: Fail, Error: Own.Error, Cause: so}
  Slow: {Type: Wait, Seconds: 600, End: true}
  Good: {Type: Pass, End: true}
"""


class Lambda(services.Case):
    def setUp(self):
        super().setUp()
        self.runtime = services.Runtime()
        self.addCleanup(self.runtime.stop)
        self.workflows = os.path.join(self.dir, "workflows")
        os.mkdir(self.workflows)
        self.write("workflows/on-launch.yaml", ON_LAUNCH)
        self.write("workflows/on-guardduty.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, Result: finding, End: true}\n")
        self.write("workflows/backfill.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n")

    def function(self, sim=None, **env):
        folder = tempfile.mkdtemp(prefix="lambda-", dir=harness.BUILD)
        self.addCleanup(shutil.rmtree, folder)
        bootstrap = os.path.join(folder, "bootstrap")
        os.symlink(harness.TMFLOW, bootstrap)
        environment = self.keys(sim)
        environment.pop("TMFLOW_STATE_DIR")
        environment.setdefault("AWS_ENDPOINT_URL", self.runtime.url)   # as with an emulator: ResponseURL may lead to it
        environment.update(AWS_LAMBDA_RUNTIME_API=self.runtime.api, TMFLOW_WORKFLOWS=self.workflows, _HANDLER="any")
        environment.update(env)
        return self.spawn([], environment, program=bootstrap)

    def event(self, instance="i-1", **more):
        return {**EVENT, "detail": {"instance-id": instance, "state": "running"}, **more}

    def ask(self, payload, **named):
        return self.runtime.result(self.runtime.invoke(payload, **named))

    def test_tasks_and_events(self):
        self.function()
        for payload, wanted in (
                ({"action": "log", "input": {"a": 1}}, {"a": 1}),
                ({"workflow": "on-guardduty"}, "finding"),
                (self.event(), self.event()),
                ({**EVENT, "detail-type": "GuardDuty Finding", "detail": {}}, "finding"),
                ({**EVENT, "detail-type": "Other", "detail": {}}, {"Kind": "ignored", "DetailType": "Other"})):
            kind, _, body = self.ask(payload)
            self.assertEqual((kind, body), ("response", wanted))

    def test_failures_in_the_format_of_the_api(self):
        self.function()
        for payload, error, text in (
                (self.event("i-bad"), "Own.Error", "so"),
                ({"action": "absent"}, "TMFlow.InvalidInput", "unknown action"),
                ({"action": "describe-page"}, "TMFlow.Config", "configuration"),
                ({"any": "thing"}, "TMFlow.InvalidInput", "not a task"),
                ("{", "TMFlow.InvalidInput", "")):
            kind, headers, body = self.ask(payload)
            self.assertEqual(kind, "error")
            self.assertEqual(body["errorType"], error)
            self.assertIn(text, body["errorMessage"])
            self.assertEqual(body["stackTrace"], [])
            self.assertEqual(headers["lambda-runtime-function-error-type"], "Function.Failed")
        self.assertEqual(self.ask({"action": "log"})[0], "response")

    def test_invocation_id_is_echoed(self):
        self.function()
        _, headers, _ = self.ask({"action": "log"}, headers={"Lambda-Runtime-Invocation-Id": "inv-7"})
        self.assertEqual(headers["lambda-runtime-invocation-id"], "inv-7")
        _, headers, _ = self.ask({"action": "log"})
        self.assertNotIn("lambda-runtime-invocation-id", headers)

    def test_trace_id(self):
        """Programs that tmflow starts, here for keys of a short life, see which request they work for."""
        sim, seen = self.sim(instances=5), os.path.join(self.dir, "seen")
        keys = '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "%s", "Expiration": "%s"}'
        script = self.write("keys.sh", f"""#!/bin/sh
echo "$_X_AMZN_TRACE_ID" >>{seen}
printf '{keys}' {harness.SECRET} "$(date -u -d '+3 seconds' +%Y-%m-%dT%H:%M:%SZ)"
""")
        os.chmod(script, 0o700)
        profile = self.write("profile", f"[default]\ncredential_process = {script}\n")
        self.function(sim, TMFLOW_CONFIG=sim.config, AWS_CONFIG_FILE=profile, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        deadline = time.monotonic() + 60
        for trace in ("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1", "Root=1-5bef4de8-ad49b0e87f6ef6c87fc2e700;Sampled=0"):
            last = None
            while last != trace:
                self.assertLess(time.monotonic(), deadline, f"not {trace} but {last}")
                self.ask({"action": "describe-page", "input": {"MaxResults": 5}}, headers={"Lambda-Runtime-Trace-Id": trace})
                with open(seen, encoding="ascii") as f:
                    last = f.read().splitlines()[-1]

    def test_deadline(self):
        self.function()
        kind, _, body = self.ask(self.event("i-slow"), seconds=2)
        self.assertEqual((kind, body["errorType"]), ("error", "TMFlow.Deadline"))
        self.assertEqual(self.ask({"action": "log"})[0], "response")

    # --- batches ---

    def test_batch(self):
        self.function()
        records = [record(0, self.event()), record(1, "not json"), record(2, self.event("i-bad")),
                   record(3, {**EVENT, "detail-type": "Other", "detail": {}}), record(4, self.event())]
        kind, _, body = self.ask({"Records": records})
        self.assertEqual((kind, body), ("response", {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}))

    def test_batch_of_a_fifo_queue_stops_at_the_first_failure(self):
        self.function()
        records = [record(n, self.event("i-bad" if n == 1 else "i-1"), "events.fifo") for n in range(4)]
        _, _, body = self.ask({"Records": records})
        self.assertEqual([f["itemIdentifier"] for f in body["batchItemFailures"]], ["m1", "m2", "m3"])

    def test_batch_at_the_deadline(self):
        self.function()
        _, _, body = self.ask({"Records": [record(0, self.event()), record(1, self.event("i-slow"))]}, seconds=2)
        self.assertEqual(body, {"batchItemFailures": [{"itemIdentifier": "m1"}]})

    # --- storms ---

    def storm(self, instances, rule):
        """A batch of so many launches in one subnet; the simulator's report of it."""
        sim = self.sim("--plain", "--single-subnet", instances=instances)
        world = sim.ask("/_sim/world")
        config = self.write("storm.yaml", f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, {rule(world)}}}\n")
        self.function(sim, TMFLOW_CONFIG=config, TMFLOW_WORKFLOWS=os.path.join(harness.ROOT, "workflows"))
        records = [record(n, self.event(i["InstanceId"])) for n, i in enumerate(world["Instances"][:instances])]
        kind, _, body = self.ask({"Records": records}, seconds=600)
        self.assertEqual((kind, body), ("response", {"batchItemFailures": []}))
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["sessions"]["live"], instances)
        return {action: row["calls"] for action, row in report["actions"].items()}

    def test_a_storm_with_a_given_target_costs_few_describes(self):
        calls = self.storm(1000, lambda world: f"targetId: {world['GivenTargets'][0]}")
        self.assertEqual(calls["CreateTrafficMirrorSession"], 1000)
        self.assertLessEqual(sum(n for action, n in calls.items() if action.startswith("Describe")), 20, calls)

    def test_a_storm_in_one_subnet_makes_the_targets_it_needs(self):
        calls = self.storm(64, lambda world: f"targetInstanceType: t3.micro, targetInstanceAmi: {world['ImageId']}, "
                                             f"targetSecurityGroupIds: [{world['SecurityGroups'][0]}]")
        self.assertEqual((calls["RunInstances"], calls["CreateTrafficMirrorTarget"]), (7, 7), calls)

    # --- custom resource ---

    def resource(self, kind, **more):
        return resource(self.runtime.url, kind, **more)

    def put(self):
        path, headers, body = self.runtime.puts.pop()
        self.assertEqual(path, "/cfn/arn%3Aaws%3Acfn%7CMirror?X-Amz-Signature=00%2F")
        self.assertNotIn("content-type", headers)
        self.assertLessEqual(len(body), 4096)
        answer = json.loads(body)
        self.assertEqual(answer["RequestId"], "7c0f6d0e")
        self.assertEqual(answer["LogicalResourceId"], "Backfill")
        return answer

    def test_custom_resource(self):
        self.function()
        self.assertEqual(self.ask(self.resource("Create"))[0], "response")
        created = self.put()
        self.assertEqual((created["Status"], created["PhysicalResourceId"]), ("SUCCESS", "tmflow-Backfill"))
        for kind in ("Update", "Delete"):
            self.assertEqual(self.ask(self.resource(kind, PhysicalResourceId="of-before"))[0], "response")
            answer = self.put()
            self.assertEqual((answer["Status"], answer["PhysicalResourceId"]), ("SUCCESS", "of-before"))
            self.assertEqual("Data" in answer, kind == "Update")

    def test_custom_resource_that_fails(self):
        cause = "\u00e9" * 5000
        self.write("workflows/backfill.yaml", f"StartAt: A\nStates:\n  A: {{Type: Fail, Error: Own.Error, Cause: {cause}}}\n")
        self.function()
        self.assertEqual(self.ask(self.resource("Create"))[0], "response")     # or Lambda would try again
        answer = self.put()
        self.assertEqual(answer["Status"], "FAILED")
        self.assertTrue(answer["Reason"].startswith("Own.Error: \u00e9\u00e9"))
        self.assertEqual(self.ask(self.resource("Delete", PhysicalResourceId=answer["PhysicalResourceId"]))[0], "response")
        self.assertEqual(self.put()["Status"], "SUCCESS")

    def test_custom_resource_at_the_deadline(self):
        self.write("workflows/backfill.yaml", "StartAt: A\nStates:\n  A: {Type: Wait, Seconds: 600, End: true}\n")
        self.function()
        self.assertEqual(self.ask(self.resource("Create"), seconds=10)[0], "response")
        answer = self.put()
        self.assertEqual(answer["Status"], "FAILED")
        self.assertIn("TMFlow.Deadline", answer["Reason"])

    def test_response_url_that_is_not_of_aws(self):
        """Nothing is done, and nothing is sent there."""
        self.function(AWS_ENDPOINT_URL="")
        for url in (self.runtime.url, "https://amazonaws.com.example", "http://bucket.s3.amazonaws.com"):
            kind, _, body = self.ask(resource(url, "Create"))
            self.assertEqual((kind, body["errorType"]), ("error", "TMFlow.InvalidInput"))
            self.assertIn("ResponseURL", body["errorMessage"])
        self.assertEqual(self.runtime.puts, [])

    def test_response_url_that_stumbles(self):
        self.function()
        self.runtime.put_statuses = [500, 503]
        self.assertEqual(self.ask(self.resource("Create"))[0], "response")
        self.assertEqual(len(self.runtime.puts), 3)
        self.runtime.put_statuses = [500, 500, 500]
        self.assertEqual(self.ask(self.resource("Create"))[0], "error")

    def test_custom_resource_starts_an_execution(self):
        states = services.Activities()
        self.addCleanup(states.stop)
        arn = "arn:aws:states:us-east-1:123456789012:stateMachine:backfill"
        self.function(AWS_ENDPOINT_URL_SFN=states.url)
        properties = {"ServiceToken": "x", "StateMachineArn": arn}
        for _ in range(2):
            self.assertEqual(self.ask(self.resource("Create", ResourceProperties=properties))[0], "response")
            answer = self.put()
            self.assertEqual(answer["Status"], "SUCCESS", answer)
            self.assertEqual(answer["Data"]["Backfill"], "started")
        self.assertEqual(states.executions, {(arn, "stack-7c0f6d0e"): "{}"})

    # --- the process ---

    def test_init_errors(self):
        config = self.write("config.yaml", "tags:\n  - {tagList: [], filterId: tmf-1, targetId: tmt-1}\n  - nonsense: 1\n")
        for env, text in ((dict(TMFLOW_CONFIG=config), "config.yaml:"), (dict(TMFLOW_CONFIG="/absent.yaml"), "/absent.yaml"),
                          (dict(AWS_ACCESS_KEY_ID=""), "")):
            process = self.function(**env)
            self.assertNotEqual(process.wait(30), 0)
            headers, body = self.runtime.init_errors.pop()
            self.assertIn(text, body["errorMessage"])
            self.assertTrue(body["errorType"].startswith("TMFlow."), body)
            self.assertEqual(headers["lambda-runtime-function-error-type"], "Runtime.InitFailed")
            self.assertEqual(self.runtime.nexts, 0)

    def test_outside_of_lambda(self):
        result = self.tmflow("lambda")
        self.assertEqual(result.code, 2)
        self.assertIn("AWS_LAMBDA_RUNTIME_API", result.err)

    def test_debug_http(self):
        """Asked for by a variable: what goes to AWS, to the runtime API and to CloudFormation, without keys and signed addresses."""
        sim = self.sim("--plain", "--single-subnet", instances=2)
        process = self.function(sim, TMFLOW_CONFIG=sim.config, TMFLOW_WORKFLOWS=os.path.join(harness.ROOT, "workflows"), TMFLOW_DEBUG_HTTP="1")
        self.secrets.add(b"00%2F")      # the signature of ResponseURL
        self.assertEqual(self.ask(self.resource("Create"))[0], "response")
        self.assertEqual(self.put()["Status"], "SUCCESS")
        said = self.said(process)
        self.assertRegex(said, r"http \d+ > POST http://127.0.0.1:\d+/ CreateTrafficMirrorSession, attempt 1\n")
        self.assertIn("/2018-06-01/runtime/invocation/next", said)
        self.assertRegex(said, r"http \d+ > PUT http://127.0.0.1:\d+/cfn/arn%3Aaws%3Acfn%7CMirror ")
        self.assertIn('"ResponseURL": "(removed)"', said)
        self.found_nowhere(said.encode(), "what the function says")

    def test_real_events(self):
        """The recorded answers of the runtime API; skipped where they are not at hand."""
        if not os.path.isdir(SHARED):
            self.skipTest(SHARED + " is not there")
        self.function()
        for name in ("lambda-next-ec2-state", "lambda-next-guardduty", "lambda-next-sqs"):
            with open(os.path.join(SHARED, name + ".json"), encoding="utf-8") as f:
                response = json.load(f)["response"]
            headers = {k: v for k, v in response["headers"].items() if k in ("Lambda-Runtime-Trace-Id", "Lambda-Runtime-Invocation-Id")}
            kind, got, body = self.ask(response["body"], headers=headers)
            self.assertEqual(kind, "response")
            self.assertEqual(got.get("lambda-runtime-invocation-id"), headers.get("Lambda-Runtime-Invocation-Id"))
            if name == "lambda-next-sqs":
                with open(os.path.join(SHARED, "lambda-sqs-partial-failure-response.json"), encoding="utf-8") as f:
                    self.assertEqual(body, json.load(f))

    def test_with_the_real_workflow(self):
        sim = self.sim(instances=30)
        self.function(sim, TMFLOW_CONFIG=sim.config, TMFLOW_WORKFLOWS=os.path.join(harness.ROOT, "workflows"))
        self.assertEqual(self.ask(self.resource("Create"))[0], "response")
        self.assertEqual(self.put()["Status"], "SUCCESS")
        self.assertTrue(sim.expected()["ok"], sim.expected())


if __name__ == "__main__":
    harness.main()
