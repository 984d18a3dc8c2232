"""AWS's Lambda Runtime Interface Emulator has tmflow as the bootstrap of a function, and is asked as Lambda's Invoke is."""
import json
import os
import tempfile
import unittest
import urllib.error
import urllib.request

import harness
import interop
import services
from test_events import finding, state_change
from test_lambda import ON_LAUNCH, record, resource

INVOKE = "/2015-03-31/functions/function/invocations"
OWN = {
    "on-launch": ON_LAUNCH,
    "backfill": "StartAt: A\nStates:\n  A: {Type: Fail, Error: Own.Error, Cause: so}\n",
}


class Emulator(services.Case):
    @classmethod
    def setUpClass(cls):
        cls.program = interop.emulator()

    def function(self, sim=None, seconds=60, **env):
        """The emulator with a function; where to ask it."""
        os.makedirs(interop.DIR, exist_ok=True)
        task = tempfile.TemporaryDirectory(dir=interop.DIR)
        self.addCleanup(task.cleanup)
        bootstrap = os.path.join(task.name, "bootstrap")
        os.symlink(harness.TMFLOW, bootstrap)
        self.address, environment = interop.free_address(), self.keys(sim)
        environment.pop("TMFLOW_STATE_DIR")
        environment.update(AWS_LAMBDA_FUNCTION_TIMEOUT=str(seconds), **env)
        words = ["--runtime-interface-emulator-address", self.address, "--runtime-api-address", interop.free_address(), bootstrap]
        self.process = self.spawn(words, environment, program=self.program)
        self.addCleanup(self.process.terminate)     # it ends the function too
        interop.until_open(self.address)

    def own_workflows(self):
        folder = os.path.join(self.dir, "workflows")
        os.mkdir(folder)
        for name, text in OWN.items():
            self.write(os.path.join("workflows", name + ".yaml"), text)
        return folder

    def ask(self, payload, **headers):
        """(status, the answer) of one invocation."""
        request = urllib.request.Request(f"http://{self.address}{INVOKE}", data=json.dumps(payload).encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                status, text = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            self.fail(f"{status} {text}: {self.said(self.process)}")

    def fails(self, payload, error, text):
        _, body = self.ask(payload)
        self.assertEqual(body["errorType"], error, body)
        self.assertIn(text, body["errorMessage"])

    def test_tasks_of_step_functions(self):
        self.function()
        traced = {"X-Amzn-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"}
        for n in range(20):     # one process does all of them
            self.assertEqual(self.ask({"action": "log", "input": {"n": n, "text": "\u00e9"}}, **traced), (200, {"n": n, "text": "\u00e9"}))
        self.fails({"action": "absent"}, "TMFlow.InvalidInput", "unknown action")
        self.fails({"any": "thing"}, "TMFlow.InvalidInput", "unknown payload")
        self.assertEqual(self.ask({"action": "log", "input": 7}), (200, 7))
        self.assertEqual(self.said(self.process).count("exec '"), 1)

    def test_events_with_the_real_workflows(self):
        sim = self.sim("--plain", "--single-subnet", instances=4)
        ids = [i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"]]
        self.function(sim, TMFLOW_CONFIG=sim.config, TMFLOW_WORKFLOWS=os.path.join(harness.ROOT, "workflows"))
        for event, live in ((state_change(ids[0]), 1), (state_change(ids[0]), 1), (finding(ids[1]), 2), (state_change(ids[2], "stopped"), 2)):
            status, body = self.ask(event)
            self.assertEqual(status, 200, body)
            self.assertNotIn("errorType", body)
            self.assertEqual(sim.report()["sessions"]["live"], live)
        self.assertTrue(sim.report()["ok"], sim.report())

    def test_a_batch_with_failures(self):
        self.function(TMFLOW_WORKFLOWS=self.own_workflows())
        records = [record(0, state_change("i-1")), record(1, "not json"), record(2, state_change("i-bad")), record(3, state_change("i-2"))]
        self.assertEqual(self.ask({"Records": records}), (200, {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}))
        records = [record(n, state_change("i-bad" if n == 1 else "i-1"), "events.fifo") for n in range(3)]
        self.assertEqual(self.ask({"Records": records}), (200, {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}))

    def test_a_handler_that_fails(self):
        self.function(TMFLOW_WORKFLOWS=self.own_workflows())
        self.fails(state_change("i-bad"), "Own.Error", "so")
        self.assertEqual(self.ask(state_change("i-1"))[0], 200)

    def test_the_time_of_the_function(self):
        """Answered by tmflow before the emulator would end it."""
        self.function(seconds=3, TMFLOW_WORKFLOWS=self.own_workflows())
        self.fails(state_change("i-slow"), "TMFlow.Deadline", "timeout is near")
        self.assertEqual(self.ask(state_change("i-1"))[0], 200)

    def test_custom_resources(self):
        answers = services.Runtime()    # CloudFormation's side alone
        self.addCleanup(answers.stop)
        self.function(TMFLOW_WORKFLOWS=self.own_workflows(), AWS_ENDPOINT_URL=answers.url)
        for kind, wanted in (("Create", "FAILED"), ("Update", "FAILED"), ("Delete", "SUCCESS")):
            status, body = self.ask(resource(answers.url, kind))
            self.assertEqual((status, "errorType" in body), (200, False), body)
            self.assertEqual(json.loads(answers.puts.pop()[2])["Status"], wanted, kind)

    def test_an_init_that_fails(self):
        config = self.write("config.yaml", "tags:\n  - {tagList: [], filterId: tmf-1, targetId: tmt-1}\n  - nonsense: 1\n")
        self.function(TMFLOW_CONFIG=config)
        status, body = self.ask({"action": "log"})
        self.assertEqual(status, 502)
        self.assertTrue(body["errorType"].startswith("TMFlow."), body)
        self.assertIn("config.yaml:", body["errorMessage"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
