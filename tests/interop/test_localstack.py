"""LocalStack's Step Functions runs the exported backfill with workers against ec2sim, one of which is killed in the middle."""
import json
import os
import subprocess
import tempfile
import time
import unittest

import harness
import interop
import services

ARN = "arn:aws:states:us-east-1:123456789012:activity:tmflow"
SLOW = "delay:300@1"    # each call of EC2 takes so many milliseconds: a worker that is killed has tasks under way
TASKS_MIN = 200
KILLS_MAX = 4
PAGE_EVENTS_MAX = 50    # as tools/deploy/README.md says
KEPT = ("trafficMirrorFilterId", "sessionNumber", "packetLength", "ownerId", "description")
FULL = "TrafficMirrorSourcesPerTargetLimitExceeded"     # what the workflow has an answer to, as each local run has


class LocalStack(services.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("localstack")

    def server(self):
        address = interop.free_address()
        environment = dict(self.environment(), GATEWAY_LISTEN=address, SERVICES="stepfunctions", EAGER_SERVICE_LOADING="0", DISABLE_EVENTS="1",
                           SKIP_SSL_CERT_DOWNLOAD="1", DNS_ADDRESS="0", FILESYSTEM_ROOT=os.path.join(self.dir, "localstack"))
        process = self.spawn([os.path.join(interop.HERE, "localstack_server.py")], environment, program=self.python)
        self.addCleanup(process.terminate)
        interop.until_open(address)
        return "http://" + address

    def execution(self, url, *options, workflow=harness.BACKFILL, event="{}"):
        """The exported backfill under way, and its activity. Heartbeats are due every 5 s, so that a dead worker's tasks come again soon."""
        exported = self.tmflow("export", workflow, "--activity-arn", ARN, *options)
        definition = json.dumps(json.loads(exported.out.replace(ARN, "ACTIVITY"))).replace('"HeartbeatSeconds": 60', '"HeartbeatSeconds": 5')
        run = subprocess.Popen([self.python, os.path.join(interop.HERE, "localstack_run.py"), url, event], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait, 60)
        self.addCleanup(run.kill)
        run.stdin.write(definition)
        run.stdin.close()
        return run, run.stdout.readline().strip()

    def begin(self, sim, count, *options, **what):
        """One execution, and so many workers for it."""
        url = self.server()
        run, arn = self.execution(url, *options, **what)
        words = ["worker", "--activity-arn", arn, "--config", sim.config, "--heartbeat", "1"]
        workers = [self.spawn(words, dict(self.keys(sim), AWS_ENDPOINT_URL_SFN=url, TMFLOW_STATE_DIR=tempfile.mkdtemp(dir=self.dir)))
                   for _ in range(count)]
        return run, workers

    def work(self, sim, count, kill_at):
        """One execution by so many workers, the first of which is killed when there are kill_at sessions. Its result, and that worker's name."""
        run, workers = self.begin(sim, count)
        while sim.report()["sessions"]["live"] < kill_at:
            if run.poll() is not None:
                self.fail(run.stdout.readline())
            time.sleep(0.05)
        workers[0].kill()
        result = json.loads(run.stdout.readline())
        return result, f"-{workers[0].pid}"

    def lose_a_task(self, make_sim, count, kill_at):
        """As work, in a new world until the kill hits a worker that has a task: between two polls it has none."""
        for _ in range(KILLS_MAX):
            sim = make_sim()
            result, killed = self.work(sim, count, kill_at)
            if any(task[0] == "ActivityTimedOut" for task in result["tasks"]):
                break
        return sim, result, killed

    def check_tasks(self, result, killed):
        """All tasks succeeded but those that the killed worker had; they came again. How many succeeded."""
        self.assertEqual(result["status"], "SUCCEEDED", result)
        lost = [worker for how, worker, _ in result["tasks"] if how == "ActivityTimedOut"]
        self.assertTrue(lost, "the worker was killed between two tasks")
        for worker in lost:
            self.assertTrue((worker or "").endswith(killed), f"a heartbeat of {worker} was late, and {killed} was killed")
        succeeded = [task for task in result["tasks"] if task[0] == "ActivitySucceeded"]
        failed = [task for task in result["tasks"] if task[0] == "ActivityFailed" and task[2] == FULL]
        self.assertEqual(len(succeeded) + len(failed) + len(lost), len(result["tasks"]), result["tasks"])
        return len(succeeded)

    def check_world(self, sim):
        self.assertTrue(sim.expected()["ok"], sim.expected())
        self.assertTrue(sim.report()["ok"], sim.report())

    def sessions_of_a_local_run(self, instances):
        os.mkdir(os.path.join(self.dir, "local"))
        sim = harness.Sim(os.path.join(self.dir, "local"), "--no-auth", instances=instances)
        self.addCleanup(sim.stop)
        self.assertEqual(self.backfill(sim, state="local-state").code, 0)
        return sim.sessions()

    def test_two_workers_one_killed(self):
        sim, result, killed = self.lose_a_task(lambda: self.sim("--fault", SLOW, instances=60), 2, 5)
        self.check_tasks(result, killed)
        self.check_world(sim)

    def test_distributed_items_leave_the_history_short(self):
        """Step Functions ends an execution whose history reaches 25,000 events."""
        sim = self.sim(instances=250)
        run, _ = self.begin(sim, 1, "--distributed")
        result = json.loads(run.stdout.readline())
        self.assertEqual(result["status"], "SUCCEEDED", result)
        self.check_world(sim)
        pages = sim.report()["actions"]["DescribeInstances"]["calls"]
        self.assertGreaterEqual(pages, 2)
        print(f"{result['events']} events in the history, {pages} pages, {sim.report()['sessions']['live']} sessions")
        self.assertLessEqual(result["events"], PAGE_EVENTS_MAX * pages)

    def pruning(self, sim, **more):
        world = sim.ask("/_sim/world")
        rule = {"name": "all", "vpcId": world["Vpcs"][0], "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]}
        return self.write("pruning.json", json.dumps({"name": "pruning", "vpcs": [rule], **more}))

    def test_unwanted_sessions_are_removed(self):
        """With prune: true the execution removes exactly what a local run does, and too many at once are the same error."""
        sim = self.sim("--no-auth", "--plain", "--single-subnet", instances=24)
        self.assertEqual(self.backfill(sim, config=self.pruning(sim)).json["summary"], {"created": 24})
        excluded = sorted(i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"])
        interfaces = {i["NetworkInterfaces"][0]["NetworkInterfaceId"]: i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"]}
        for count, error in ((5, None), (24, "TMFlow.PruneLimit")):
            sim.config = self.pruning(sim, prune=True, exclude={"instanceIds": excluded[:count]})
            plan = self.backfill(sim, "--dry-run", config=sim.config, state=f"plan{count}")
            run, workers = self.begin(sim, 1)
            result = json.loads(run.stdout.readline())
            self.assertEqual((result["status"], result.get("error")), ("FAILED" if error else "SUCCEEDED", error), result)
            self.assertEqual({interfaces[interface] for interface in sim.sessions()}, set(excluded[5:]))
            if error is None:
                self.assertEqual(plan.json["summary"], {"present": 19, "removed": 5}, plan.err)
            else:
                self.assertEqual(plan.json["error"], error, plan.err)
            for worker in workers:
                worker.terminate()
            run.wait(60)

    def test_an_event_without_capacity_is_tried_again(self):
        """The last round of on-launch.yaml: its wait is longer than a worker trusts what AWS has refused."""
        sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InsufficientInstanceCapacity:RunInstances@#1", instances=1)
        instance = sim.ask("/_sim/world")["Instances"][0]["InstanceId"]
        event = {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "account": "123456789012", "region": "us-east-1",
                 "detail": {"instance-id": instance, "state": "running"}}
        run, _ = self.begin(sim, 1, workflow=os.path.join(harness.ROOT, "workflows", "on-launch.yaml"), event=json.dumps(event))
        result = json.loads(run.stdout.readline())
        self.assertEqual(result["status"], "SUCCEEDED", result)
        self.assertEqual((sim.report()["sessions"]["live"], sim.report()["actions"]["RunInstances"]["calls"]), (1, 2))

    def test_200_tasks_by_three_workers_one_killed(self):
        instances = 300
        sim, result, killed = self.lose_a_task(lambda: self.sim("--fault", SLOW, "--no-auth", instances=instances), 3, 20)
        self.assertGreaterEqual(self.check_tasks(result, killed), TASKS_MIN)
        self.check_world(sim)
        found, local = sim.sessions(), self.sessions_of_a_local_run(instances)
        self.assertEqual(set(found), set(local))
        for interface, session in found.items():
            for key in KEPT:
                self.assertEqual(session.get(key), local[interface].get(key), f"{interface}: {key}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
