"""A GuardDuty finding of another account, for which the configuration has a role, by the ways in that are no command line: worker, listen, lambda."""
import json
import os
import random
import shutil
import tempfile

import harness
import services
from test_events import ACCOUNT, MEMBER, finding, member_world, state_change
from test_lambda import record

WORKFLOWS = os.path.join(harness.ROOT, "workflows")


class Members(services.Case):
    def live(self, sim, account):
        return sim.ask(f"/_sim/report?account={account}")["sessions"]["live"]

    def check(self, sim, mirrored=1):
        """The sessions are the member's, and nothing was made here."""
        self.assertEqual((self.live(sim, MEMBER), self.live(sim, ACCOUNT)), (mirrored, 0))
        self.assertEqual(sim.ask(f"/_sim/report?account={ACCOUNT}")["instances"]["launched"], 0)

    def worker(self, sim, config, state="state"):
        activities = services.Activities(hold_seconds=1)
        self.addCleanup(activities.stop)
        environment = dict(self.keys(sim), AWS_ENDPOINT_URL_SFN=activities.url, TMFLOW_STATE_DIR=os.path.join(self.dir, state))
        return activities, self.spawn(["worker", "--activity-arn", activities.arn, "--config", config, "--workflows", WORKFLOWS], environment)

    def task(self, activities, task, status="SUCCEEDED"):
        n, = activities.add(task)
        activities.wait(lambda tasks: tasks[n]["status"] in ("SUCCEEDED", "FAILED"))
        self.assertEqual(activities.tasks[n]["status"], status, activities.tasks[n])
        return activities.tasks[n]

    # --- worker ---

    def test_a_workflow_of_a_worker(self):
        sim, config, instance = member_world(self)
        activities, process = self.worker(sim, config)
        for _ in range(2):
            self.task(activities, {"workflow": "on-guardduty", "input": finding(instance, account=MEMBER)})
            self.check(sim)
        self.drain(process)

    def test_single_tasks_of_workers(self):
        """As Step Functions hands them out: the account is told from task to task, and a worker may be asked that never saw the finding."""
        sim, config, instance = member_world(self)
        one, first = self.worker(sim, config, "one")
        two, second = self.worker(sim, config, "two")
        asked = {"AccountId": MEMBER, "Region": "us-east-1", "InstanceIds": [instance], "Member": True}
        member = self.task(one, {"action": "check-account", "input": asked})["output"]
        self.assertEqual((member["Foreign"], member["MemberAccountId"]), (False, MEMBER))
        account = {"MemberAccountId": member["MemberAccountId"]}
        page = self.task(two, {"action": "describe-page", "input": {"InstanceIds": [instance], **account}})["output"]
        self.assertEqual([i["InstanceId"] for i in page["Instances"]], [instance])
        matched = self.task(one, {"action": "match", "input": {"Instances": page["Instances"]}})["output"]["Matched"]
        missing = self.task(two, {"action": "find-sessions", "input": {"Matched": matched, **account}})["output"]["Missing"]
        self.assertEqual(len(missing), 1)
        source = {key: missing[0][key] for key in ("Rule", "InstanceId", "NetworkInterfaceId")}
        target = self.task(one, {"action": "ensure-target", "input": {**source, "SubnetId": missing[0]["SubnetId"], **account}})["output"]
        session = {"action": "ensure-session", "input": {**source, "TargetId": target["TargetId"], **account}}
        made = self.task(two, session)["output"]
        self.assertEqual(made["Outcome"], "created")
        self.assertEqual(self.task(one, session)["output"], made)   # sent again, it is the same one
        self.check(sim)
        found = self.task(one, {"action": "find-sessions", "input": {"Matched": matched, **account}})["output"]
        self.assertEqual([f["SessionId"] for f in found["Present"]], [made["SessionId"]])
        for process in (first, second):
            self.drain(process)

    def test_a_worker_whose_role_is_refused(self):
        sim, config, instance = member_world(self, "--deny-role", MEMBER)
        activities, process = self.worker(sim, config)
        failed = self.task(activities, {"workflow": "on-guardduty", "input": finding(instance, account=MEMBER)}, "FAILED")
        self.assertEqual(failed["error"], "TMFlow.Credentials")
        self.assertIn("AccessDenied", failed["cause"])
        self.check(sim, 0)
        self.drain(process)

    # --- listen ---

    def test_the_queue_of_a_listener(self):
        sim, config, instance = member_world(self)
        queue = services.Queue(random.Random(1), copies=2, hold_seconds=1)
        self.addCleanup(queue.stop)
        queue.add(finding(instance, account=MEMBER), state_change(instance, account=MEMBER))
        process = self.spawn(["listen", "--queue-url", queue.queue_url, "--config", config, "--workflows", WORKFLOWS],
                             dict(self.keys(sim), AWS_ENDPOINT_URL_SQS=queue.url))
        queue.wait(lambda q: not q.messages)
        self.assertEqual(queue.dead, [])
        self.check(sim)
        self.drain(process)
        rows = [json.loads(line) for line in self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()]
        self.assertIn(instance, {row["instanceId"] for row in rows})

    # --- lambda ---

    def function(self, sim, config):
        runtime = services.Runtime()
        self.addCleanup(runtime.stop)
        folder = tempfile.mkdtemp(prefix="lambda-", dir=harness.BUILD)
        self.addCleanup(shutil.rmtree, folder)
        bootstrap = os.path.join(folder, "bootstrap")
        os.symlink(harness.TMFLOW, bootstrap)
        environment = dict(self.keys(sim), AWS_LAMBDA_RUNTIME_API=runtime.api, TMFLOW_WORKFLOWS=WORKFLOWS, TMFLOW_CONFIG=config)
        environment.pop("TMFLOW_STATE_DIR")
        self.spawn([], environment, program=bootstrap)
        return lambda payload: runtime.result(runtime.invoke(payload))

    def test_events_and_batches_of_a_function(self):
        sim, config, instance = member_world(self)
        ask = self.function(sim, config)
        event = finding(instance, account=MEMBER)
        for payload in (event, event):
            kind, _, body = ask(payload)
            self.assertEqual(kind, "response", body)
            self.check(sim)
        self.assertEqual(ask({"Records": [record(0, event), record(1, state_change(instance, account=MEMBER))]})[2], {"batchItemFailures": []})
        self.check(sim)

    def test_a_function_whose_role_is_refused(self):
        sim, config, instance = member_world(self, "--deny-role", MEMBER)
        ask = self.function(sim, config)
        event = finding(instance, account=MEMBER)
        kind, _, body = ask(event)
        self.assertEqual((kind, body["errorType"]), ("error", "TMFlow.Credentials"))
        self.assertIn("AccessDenied", body["errorMessage"])
        self.assertEqual(ask({"Records": [record(0, event)]})[2], {"batchItemFailures": [{"itemIdentifier": "m0"}]})
        self.check(sim, 0)


if __name__ == "__main__":
    harness.main()
