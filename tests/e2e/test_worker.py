"""tmflow worker against a fake of the activity API and ec2sim: nothing is lost, no heartbeat is late, and it ends as it should."""
import json
import os
import signal
import sys
import time

import services
import harness

TASKS = int(os.environ.get("TMFLOW_TASKS", "600"))


class Worker(services.Case):
    def activities(self, **named):
        server = services.Activities(**named)
        self.addCleanup(server.stop)
        return server

    def worker(self, activities, *args, sim=None, arn=None, **env):
        environment = self.environment(sim)
        environment.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                           AWS_ENDPOINT_URL_SFN=activities.url, **env)
        if sim is None:
            environment.pop("AWS_REGION", None)
        words = ["worker", "--activity-arn", arn or activities.arn, *args]
        if sim is not None:
            words += ["--config", sim.config]
        return self.spawn(words, environment)

    # --- what tasks become ---

    def test_many_tasks(self):
        activities = self.activities(hold_seconds=1)
        process = self.worker(activities)
        activities.add(*[{"action": "log", "input": {"n": n}} for n in range(TASKS)])
        activities.wait_all()
        for task in activities.tasks:
            self.assertEqual(task["status"], "SUCCEEDED", task)
            self.assertEqual(task["output"], {"n": task["n"]})
            self.assertEqual(task["attempt"], 1)
        self.drain(process)
        self.assertIn(f"{TASKS} tasks: {TASKS} succeeded, 0 failed, 0 dropped", self.said(process))

    def results_map(self, bucket):
        return {"StartAt": "M", "States": {"M": {
            "Type": "Map", "ItemsPath": "$.items", "End": True,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
                              "States": {"P": {"Type": "Pass", "End": True}}},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"},
                             "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"}}}}}

    def test_results_of_each_task(self):
        """Maps of several tasks write into folders of their own, in a local folder and in S3, and leave nothing beside the store."""
        activities, s3 = self.activities(hold_seconds=1), services.Storage()
        self.addCleanup(s3.stop)
        s3.buckets["results"] = {}
        process = self.worker(activities, AWS_ENDPOINT_URL_S3=s3.url, AWS_REGION="us-east-1")
        buckets = [f"file://{self.dir}", "results"] * 3
        activities.add(*[{"workflow": self.results_map(b), "input": {"items": [n, n]}} for n, b in enumerate(buckets)])
        activities.wait_all()
        for n, (bucket, task) in enumerate(zip(buckets, activities.tasks)):
            self.assertEqual(task["status"], "SUCCEEDED", task)
            key = task["output"]["ResultWriterDetails"]["Key"].replace("manifest.json", "SUCCEEDED_0.json")
            if bucket == "results":
                text = s3.buckets[bucket][key].decode()
            else:
                with open(os.path.join(self.dir, key), encoding="utf-8") as file:
                    text = file.read()
            self.assertEqual(json.loads(text), [n, n])
        spool = os.path.join(self.dir, "state", "spool")
        self.assertEqual([name for place, folders, files in os.walk(spool) for name in files], [])
        self.drain(process)

    def test_kinds(self):
        activities = self.activities(hold_seconds=1)
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"twice.$": "States.MathAdd($.n, $.n)"}, "End": True}}}
        fails = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Own.Error", "Cause": "so"}}}
        workflows = os.path.join(self.dir, "workflows")
        os.mkdir(workflows)
        self.write("workflows/double.yaml", json.dumps(definition))
        process = self.worker(activities, "--workflows", workflows)
        cases = [
            ({"action": "tmflow:log", "input": [1]}, [1], None),
            ({"action": "log"}, {}, None),
            ({"workflow": definition, "input": {"n": 4}}, {"twice": 8}, None),
            ({"workflow": "double", "input": {"n": 5}}, {"twice": 10}, None),
            ({"workflow": "double.yaml", "input": {"n": 6}}, {"twice": 12}, None),
            ({"workflow": fails}, "so", "Own.Error"),
            ({"workflow": "../double"}, "not the name of a workflow", "TMFlow.InvalidInput"),
            ({"workflow": "absent"}, "absent.yaml", "TMFlow.System"),
            ({"workflow": {"StartAt": "A"}}, "States", "TMFlow.InvalidInput"),
            ({"action": "no-such"}, "unknown action", "TMFlow.InvalidInput"),
            ({"action": "log", "inputs": 1}, "inputs", "TMFlow.InvalidInput"),
            ({"action": 1}, "not a string", "TMFlow.InvalidInput"),
            ({}, "not a task", "TMFlow.InvalidInput"),
            ("[]", "not a task", "TMFlow.InvalidInput"),
            ("{", "the task's input", "TMFlow.InvalidInput"),
            ({"action": "describe-page"}, "configuration", "TMFlow.Config"),
            ({"action": "log", "input": "x" * 262142}, "x" * 262142, None),
            ({"action": "log", "input": "x" * 262143}, "262144", "TMFlow.Limit"),
        ]
        activities.add(*[given for given, _, _ in cases])
        activities.wait_all()
        for (given, wanted, error), task in zip(cases, activities.tasks):
            if error is None:
                self.assertEqual(task["status"], "SUCCEEDED", task)
                self.assertEqual(task["output"], wanted)
            else:
                self.assertEqual(task["status"], "FAILED", task)
                self.assertEqual(task["error"], error)
                self.assertIn(wanted, task["cause"])
        self.drain(process)

    def test_errors_of_aws_keep_their_names(self):
        activities = self.activities(hold_seconds=1)
        sim = self.sim(instances=10)
        process = self.worker(activities, sim=sim)
        activities.add({"action": "describe-page", "input": {"InstanceIds": ["i-00000000000000000"], "Filters": [{"Name": "vpc-id", "Values": ["*"]}]}},
                       {"action": "describe-page", "input": {"MaxResults": 10}})
        activities.wait_all()
        self.assertEqual(activities.tasks[0]["error"], "InvalidInstanceID.NotFound")
        self.assertIn("request id", activities.tasks[0]["cause"])
        self.assertEqual(len(activities.tasks[1]["output"]["Instances"]), 10)
        self.drain(process)

    # --- polls ---

    def test_polls_that_are_not_held_get_slower(self):
        """An endpoint that answers at once with nothing: ten polls, then one after each pause, until there is something."""
        activities = self.activities(hold_seconds=0.001)
        began = time.monotonic()
        process = self.worker(activities)
        self.until_said(process, "does not hold the poll")
        while activities.calls.get("GetActivityTask", 0) < 12:
            time.sleep(0.05)
        activities.add({"action": "log"})
        activities.wait_all()
        self.assertLessEqual(activities.calls["GetActivityTask"], 11 + 10 + (time.monotonic() - began) / 0.5)
        self.assertEqual(self.said(process).count("worker.poll"), 1)
        self.drain(process)

    # --- heartbeats and tokens ---

    def test_heartbeats(self):
        waits = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 4, "End": True}}}
        activities = self.activities(hold_seconds=1, heartbeat_seconds=3)
        process = self.worker(activities, "--heartbeat", "1")
        activities.add(*[{"workflow": waits} for _ in range(30)])
        activities.wait_all()
        self.assertEqual(activities.late, [])
        self.assertTrue(all(t["status"] == "SUCCEEDED" and t["heartbeats"] >= 3 for t in activities.tasks))
        self.drain(process)

    def test_tasks_that_would_hold_the_thread(self):
        """Each fails by itself, and the tasks beside it never miss a heartbeat."""
        waits = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 4, "End": True}}}
        match = 'return {f = function() local n = 48 return ("a"):rep(n):match(("a?"):rep(n) .. ("a"):rep(n)) and 1 or 0 end}'
        path = "$.arr[?($.big =~ /(?:~~?)*[xy]/)]"
        filters = {"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": path, "End": True}}}
        activities = self.activities(hold_seconds=1, heartbeat_seconds=30)
        process = self.worker(activities, "--heartbeat", "1")
        activities.add(*[{"workflow": waits} for _ in range(10)],
                       {"action": "lua", "input": {"Script": match, "Function": "f"}},
                       {"workflow": filters, "input": {"arr": [1] * 100000, "big": "~" * 8191 + "!"}})
        activities.wait_all()
        self.assertEqual(activities.late, [])
        self.assertTrue(all(t["status"] == "SUCCEEDED" for t in activities.tasks[:10]))
        self.assertEqual([t["error"] for t in activities.tasks[10:]], ["TMFlow.Hook", "States.Runtime"])
        self.drain(process)

    def test_heartbeats_while_an_action_waits_for_its_turn(self):
        """More describes than AWS's quota takes at once: the last ones wait for it, and their tasks live."""
        activities = self.activities(hold_seconds=1, heartbeat_seconds=4)
        sim = self.sim("--buckets", instances=10)
        process = self.worker(activities, "--heartbeat", "1", "--concurrency", "400", "--pollers", "100", sim=sim)
        activities.add(*[{"action": "describe-page", "input": {"MaxResults": 5, "Filters": [{"Name": "vpc-id", "Values": [f"vpc-{n:08x}"]}]}}
                         for n in range(350)])
        activities.wait_all()
        self.assertEqual(activities.late, [])
        self.assertEqual([t for t in activities.tasks if (t["status"], t["attempt"]) != ("SUCCEEDED", 1)], [])
        self.assertLess(sim.report()["actions"]["DescribeInstances"]["calls"], 2 * 350)     # they wait before they ask
        self.assertGreater(sum(t["heartbeats"] >= 3 for t in activities.tasks), 20)
        self.drain(process)

    def test_a_closed_task_is_dropped(self):
        waits = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 600, "End": True}}}
        activities = self.activities(hold_seconds=1)
        process = self.worker(activities, "--heartbeat", "1")
        activities.add({"workflow": waits}, {"action": "log"})
        activities.wait(lambda tasks: tasks[0]["status"] == "GIVEN" and tasks[1]["status"] == "SUCCEEDED")
        activities.close_task(0)
        deadline = time.monotonic() + 30
        while "task.dropped" not in self.said(process):
            self.assertLess(time.monotonic(), deadline)
        self.assertIn("error=TaskTimedOut", self.said(process))
        self.drain(process)
        self.assertIn("2 tasks: 1 succeeded, 0 failed, 1 dropped", self.said(process))

    def test_refusals(self):
        activities = self.activities(hold_seconds=1)
        activities.refuse("GetActivityTask", services.Refused("ThrottlingException", "slow"), services.Refused("InternalFailure", "x", 500))
        activities.refuse("SendTaskSuccess", services.Refused("InvalidOutput", "not so"), services.Refused("TaskDoesNotExist", "gone"),
                          services.Refused("InvalidToken", "what"), services.Refused("ServiceUnavailable", "x", 503))
        process = self.worker(activities, "--pollers", "1", "--concurrency", "1")
        activities.add(*[{"action": "log"}] * 5)
        activities.wait(lambda tasks: tasks[4]["status"] == "SUCCEEDED")
        self.assertEqual([t["status"] for t in activities.tasks], ["FAILED", "GIVEN", "GIVEN", "SUCCEEDED", "SUCCEEDED"])
        self.assertEqual(activities.tasks[0]["error"], "InvalidOutput")
        self.drain(process)
        self.assertIn("5 tasks: 2 succeeded, 1 failed, 2 dropped", self.said(process))

    # --- the process ---

    def test_several_activities(self):
        activities = self.activities(hold_seconds=1)
        other = activities.arn + "-2"
        activities.known.add(other)
        process = self.worker(activities, "--activity-arn", other, "--concurrency", "2")
        activities.add(*[{"action": "log"}] * 5)
        activities.add(*[{"action": "log"}] * 5, arn=other)
        activities.wait_all()
        self.drain(process)

    def test_concurrency_and_pollers(self):
        """What comes finds a free slot: polls and tasks together are never more."""
        waits = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": True}}}
        activities = self.activities(hold_seconds=1)
        process = self.worker(activities, "--concurrency", "4", "--pollers", "3")
        activities.wait_polls(3)
        activities.add(*[{"workflow": waits}] * 12)
        activities.wait_all()
        self.drain(process)
        self.assertEqual([t["attempt"] for t in activities.tasks], [1] * 12)
        self.assertEqual(activities.most, 4)
        self.assertEqual(activities.polls_most, 3)

    def test_an_activity_that_is_not_there(self):
        activities = self.activities()
        process = self.worker(activities, arn=activities.arn + "x")
        self.assertEqual(process.wait(60), 2)
        self.assertIn("Activity does not exist", self.said(process))

    def test_drain_takes_what_an_open_poll_brings(self):
        activities = self.activities(hold_seconds=3)
        process = self.worker(activities, "--pollers", "3")
        activities.wait_polls(3)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while "stopping: " not in self.said(process):
            self.assertLess(time.monotonic(), deadline)
        activities.add(*[{"action": "log"}] * 2)
        self.assertEqual(process.wait(60), 0, self.said(process))
        self.assertEqual([t["status"] for t in activities.tasks], ["SUCCEEDED"] * 2)

    def test_a_second_signal_stops(self):
        activities = self.activities()
        process = self.worker(activities)
        activities.wait_polls(10)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while "stopping: " not in self.said(process):
            self.assertLess(time.monotonic(), deadline)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 3, self.said(process))

    def test_health_file(self):
        activities = self.activities(hold_seconds=1)
        path = os.path.join(self.dir, "healthy")
        process = self.worker(activities, "--health-file", path)
        activities.wait_polls(1)
        first = os.stat(path).st_mtime_ns
        deadline = time.monotonic() + 30
        while os.stat(path).st_mtime_ns == first:
            self.assertLess(time.monotonic(), deadline)
        self.drain(process)
        self.assertFalse(os.path.exists(path))

    def test_wrong_usage(self):
        for words, text in (
                ([], "missing activity"),
                (["--activity-arn", "arn:aws:states:us-east-1:1:activity:x"], "12 digits"),
                (["--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:x",
                  "--activity-arn", "arn:aws:states:eu-west-1:123456789012:activity:x"], "the region of the first"),
                (["--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:x", "--heartbeat", "0"], "--heartbeat"),
                (["--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:x", "--pollers", "x"], "--pollers")):
            result = self.tmflow("worker", *words)
            self.assertEqual(result.code, 2)
            self.assertIn(text, result.err)

    # --- with AWS behind ---

    def test_a_killed_worker(self):
        """200 tasks and more over 3 workers, one killed in mid-task: every task ends, the interfaces end as after a run here."""
        sim = self.sim("--fault", "delay:200@1", instances=600)
        activities = self.activities(hold_seconds=1, heartbeat_seconds=3)
        items = []     # as the backfill finds them
        workflow = self.write("items.yaml", """
StartAt: Describe
States:
  Describe: {Type: Task, Resource: "tmflow:describe-page", Assign: {Token.$: $.NextToken}, Next: Match}
  Match: {Type: Task, Resource: "tmflow:match", Parameters: {Instances.$: $.Instances}, ResultSelector: {Matched.$: $.Matched}, Next: Exclude}
  Exclude: {Type: Task, Resource: "tmflow:exclude-target-instances", ResultSelector: {Matched.$: $.Matched}, Next: Find}
  Find: {Type: Task, Resource: "tmflow:find-sessions", ResultSelector: {Missing.$: $.Missing}, Next: Over}
  Over: {Type: Pass, Parameters: {Missing.$: $.Missing, NextToken.$: $Token}, End: true}
""")
        page = {"MaxResults": 200}
        while True:
            text = json.dumps(page)
            result = self.tmflow("run", workflow, "--input", "-", "--config", sim.config, "-o", "json", sim=sim, stdin=text)
            self.assertEqual(result.code, 0, result.out)
            output = result.json["output"]
            items += output["Missing"]
            if output["NextToken"] is None:
                break
            page["NextToken"] = output["NextToken"]
        self.assertGreaterEqual(len(items), 200)
        task = {"StartAt": "Target", "States": {
            "Target": {"Type": "Task", "Resource": "tmflow:ensure-target", "ResultPath": "$.Target", "Parameters": {
                "Rule.$": "$.Rule", "SubnetId.$": "$.SubnetId", "InstanceId.$": "$.InstanceId",
                "NetworkInterfaceId.$": "$.NetworkInterfaceId"}, "Next": "Session"},
            "Session": {"Type": "Task", "Resource": "tmflow:ensure-session", "End": True, "Parameters": {
                "Rule.$": "$.Rule", "InstanceId.$": "$.InstanceId", "TargetId.$": "$.Target.TargetId",
                "InstanceType.$": "$.InstanceType", "NetworkInterfaceId.$": "$.NetworkInterfaceId"},
                "Catch": [{"ErrorEquals": ["TrafficMirrorSourcesPerTargetLimitExceeded"], "ResultPath": None, "Next": "NextTarget"}]},
            "NextTarget": {"Type": "Task", "Resource": "tmflow:ensure-target", "ResultPath": "$.Target", "Parameters": {
                "Rule.$": "$.Rule", "SubnetId.$": "$.SubnetId", "FullTargetId.$": "$.Target.TargetId",
                "InstanceId.$": "$.InstanceId", "NetworkInterfaceId.$": "$.NetworkInterfaceId"}, "Next": "Session"}}}
        workers = [self.worker(activities, "--heartbeat", "1", "--concurrency", "10", sim=sim,
                               TMFLOW_STATE_DIR=os.path.join(self.dir, f"state{i}")) for i in range(3)]
        activities.add(*[{"workflow": task, "input": item} for item in items])
        activities.wait(lambda tasks: sum(t["status"] == "SUCCEEDED" for t in tasks) > len(tasks) // 10)
        workers[1].kill()
        activities.wait_all(300)
        self.assertEqual([t for t in activities.tasks if t["status"] != "SUCCEEDED"], [])
        killed = set(activities.late)
        self.assertTrue(0 < len(killed) <= 10, killed)    # late are the killed one's, and no others
        self.assertEqual(sum(t["attempt"] > 1 for t in activities.tasks), len(killed))
        for process in (workers[0], workers[2]):
            self.drain(process)
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)


if __name__ == "__main__":
    harness.main()
