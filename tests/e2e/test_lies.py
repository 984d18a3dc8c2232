#!/usr/bin/env python3
"""Servers that lie and clocks that jump, for what stays or looks: `listen`, `worker`, `reconcile`, `coverage`, `ui`.

A lie costs a retry or the request, never a wrong effect, and a process that stays goes on. So does one whose wall clock is set."""
import http.client
import json
import os
import random
import signal
import struct
import time
import urllib.parse

import harness
import services
import wire

CLOCK = os.path.join(os.path.dirname(harness.TMFLOW), "tests", "e2e", "libclock.so")
DAY = 24 * 3600
EVERY = 6               # one reply in so many is a lie
SWAPPED = ("CreateTrafficMirrorSession", "CreateTrafficMirrorTarget", "CreateTags", "ReceiveMessage", "DeleteMessage", "GetActivityTask", "SendTaskSuccess")
LAUNCH = {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
          "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": []}
PAGE = 'StartAt: D\nStates:\n  D: {Type: Task, Resource: "tmflow:describe-page", End: true}\n'
HELLO = "StartAt: A\nStates: {A: {Type: Succeed}}\n"
LIES = (wire.twice, wire.twice_late, wire.other_surplus, wire.split, wire.truncated, wire.headless, wire.status(101, "Switching Protocols"),
        wire.status(204, "No Content"), wire.status(302, "Found"), wire.status(304, "Not Modified"), wire.status(407, "Proxy Authentication Required"),
        wire.status(502, "Bad Gateway"))


class Case(services.Case):
    def lying(self, url, seed=1):
        """A proxy before url that spoils every sixth reply to each operation, in one way or another; and of what nobody asks again as it stands, swaps as many."""
        chance = random.Random(seed)
        before = {}

        def spoil(action, number, reply):
            kept, before[action] = before.get(action), reply
            if number % EVERY == 2:
                return chance.choice(LIES)(reply)
            return [(0, kept)] if number % EVERY == 5 and action in SWAPPED else None

        proxy = wire.Proxy(url, spoil)
        self.addCleanup(proxy.stop)
        return proxy

    def running(self, sim):
        done = self.tmflow("run", self.write("page.yaml", PAGE), "--input", "-", "--config", sim.config, "-o", "json", sim=sim, state="page",
                           stdin='{"MaxResults": 1000}')
        self.assertEqual(done.code, 0, done.out)
        return [i["InstanceId"] for i in done.json["output"]["Instances"] if i["State"] == "running"]

    def add_launches(self, queue, instances):
        queue.add(*[{**LAUNCH, "detail": {"instance-id": i, "state": "running"}} for i in instances])

    def new_queue(self):
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        return queue

    def listen(self, queue, sim, **env):
        words = ["listen", "--queue-url", queue.queue_url, "--config", sim.config, "--visibility", "10", "--log-level", "info"]
        return self.spawn(words, {**self.keys(sim), "AWS_ENDPOINT_URL_SQS": queue.url, **env})

    def until_empty(self, queue, process):
        deadline = time.monotonic() + 120
        while queue.call(lambda: queue.messages):
            self.assertIsNone(process.poll(), self.said(process))
            self.assertLess(time.monotonic(), deadline, self.said(process))
            time.sleep(0.05)

    def mirrored(self, sim):
        """Each session once, and nothing that belongs to nobody."""
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["sessions"]["created"], report["sessions"]["live"])
        return report["sessions"]["live"]

    def adding(self, activities, numbers):
        adds = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.n, 1)"}, "End": True}}}
        activities.add(*[{"workflow": adds, "input": {"n": n}} for n in numbers])

    def activities(self):
        activities = services.Activities(hold_seconds=1, heartbeat_seconds=4, attempts=50)
        self.addCleanup(activities.stop)
        return activities

    def worker(self, activities, url, **env):
        environment = {**self.keys(), "AWS_ENDPOINT_URL_SFN": url, **env}
        return self.spawn(["worker", "--activity-arn", activities.arn, "--log-level", "info"], environment)


class Lies(Case):
    def test_listen(self):
        sim = self.sim("--no-auth", instances=60)
        instances = self.running(sim)
        queue = self.new_queue()
        self.add_launches(queue, instances)
        ec2, sqs = self.lying(sim.url), self.lying(queue.url, 2)
        process = self.listen(queue, sim, AWS_ENDPOINT_URL=ec2.url, AWS_ENDPOINT_URL_SQS=sqs.url)
        self.until_empty(queue, process)
        self.drain(process)
        self.assertEqual(queue.dead, [])
        self.assertGreater(ec2.spoilt, 2)
        self.assertGreater(sqs.spoilt, 2)
        sessions = self.mirrored(sim)
        self.assertGreater(sessions, 10)
        done = self.backfill(sim, state="later")
        self.assertGreaterEqual(done.json["summary"].get("present", 0), sessions)

    def test_worker(self):
        activities = self.activities()
        sfn = self.lying(activities.url)
        process = self.worker(activities, sfn.url)
        self.adding(activities, range(40))
        activities.wait_all()
        self.drain(process)
        self.assertGreater(sfn.spoilt, 10)
        self.assertEqual([task.get("output") for task in activities.tasks], [{"sum": n + 1} for n in range(40)])

    def test_reconcile(self):
        sim = self.sim("--no-auth", instances=80)
        ec2 = self.lying(sim.url)
        process = self.spawn(["reconcile", harness.BACKFILL, "--config", sim.config, "--every", "1s"], {**self.keys(sim), "AWS_ENDPOINT_URL": ec2.url})
        deadline = time.monotonic() + 120
        while not sim.expected()["ok"] or ec2.spoilt < 10:
            self.assertIsNone(process.poll(), self.said(process))
            self.assertLess(time.monotonic(), deadline, self.said(process))
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        self.assertIn(process.wait(60), (0, 3), self.said(process))     # 3: within a round
        self.mirrored(sim)

    def test_coverage(self):
        sim = self.sim("--no-auth", instances=200)
        words = ["coverage", "--config", sim.config, "-o", "json"]
        honest = self.tmflow(*words, sim=sim)
        self.assertEqual(honest.code, 0, honest.err)
        spoilt = 0
        for seed in range(8):
            ec2 = self.lying(sim.url, seed)
            done = self.tmflow(*words, sim=sim, env={"AWS_ENDPOINT_URL": ec2.url})
            self.assertEqual(done.code, 0, done.err + done.out)
            self.assertEqual(done.json["classes"], honest.json["classes"])
            spoilt += ec2.spoilt
        self.assertGreater(spoilt, 8)


class Clocks(Case):
    """A day on, then two days back."""
    def setUp(self):
        super().setUp()
        self.clock = os.path.join(self.dir, "clock")
        self.set_clock(0)
        self.env = {"LD_PRELOAD": CLOCK, "TMFLOW_CLOCK_FILE": self.clock, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set_clock(self, seconds):
        mode = "r+b" if os.path.exists(self.clock) else "w+b"
        with open(self.clock, mode) as f:
            f.write(struct.pack("=q", seconds))

    def jumps(self):
        for seconds in (0, DAY, -DAY):
            self.set_clock(seconds)
            yield seconds

    def test_listen(self):
        sim = self.sim(instances=60)
        instances = self.running(sim)
        queue = self.new_queue()
        process = self.listen(queue, sim, **self.env)
        for k, _ in enumerate(self.jumps()):
            self.add_launches(queue, instances[k::3])
            self.until_empty(queue, process)
        self.drain(process)
        self.assertEqual(queue.dead, [])
        self.assertGreater(self.mirrored(sim), 10)
        self.assertIn("aws.clock", self.said(process))

    def test_worker(self):
        activities = self.activities()
        process = self.worker(activities, activities.url, **self.env)
        for seconds in self.jumps():
            self.adding(activities, [seconds])
            activities.wait_all()
        self.drain(process)
        self.assertEqual([task.get("output") for task in activities.tasks], [{"sum": n + 1} for n in (0, DAY, -DAY)])

    def test_a_task_has_its_time_by_a_clock_that_nobody_sets(self):
        """A timeout of two seconds is not one of two days."""
        waits = {"StartAt": "L", "States": {"L": {"Type": "Task", "Resource": "tmflow:describe-page", "TimeoutSeconds": 3, "End": True}}}
        sim = self.sim("--no-auth", "--fault", "delay:20000@1", instances=5)
        process = self.start("run", self.write("slow.yaml", json.dumps(waits)), "--config", sim.config, "--no-online-check", "-o", "json", sim=sim,
                             env=self.env)
        while sim.report()["requests"] == 0:
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        self.set_clock(-2 * DAY)
        began = time.monotonic()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        self.assertEqual(json.loads(out)["error"], "States.Timeout")
        self.assertLess(time.monotonic() - began, 15)

    def test_reconcile(self):
        sim = self.sim(instances=40)
        words = ["reconcile", harness.BACKFILL, "--config", sim.config, "--every", "1s", "--log-level", "info"]
        process = self.spawn(words, {**self.keys(sim), **self.env})
        for _ in self.jumps():
            rounds = self.said(process).count("reconcile.next")
            deadline = time.monotonic() + 60
            while self.said(process).count("reconcile.next") < rounds + 2:
                self.assertIsNone(process.poll(), self.said(process))
                self.assertLess(time.monotonic(), deadline, self.said(process))
                time.sleep(0.05)
        self.drain(process)
        self.assertTrue(sim.expected()["ok"])
        self.mirrored(sim)
        runs = self.tmflow("runs", "-o", "json", sim=sim).json
        self.assertEqual({run["status"] for run in runs}, {"SUCCEEDED"})

    def test_coverage(self):
        sim = self.sim(instances=100)
        words = ["coverage", "--config", sim.config, "-o", "json"]
        counts = []
        for _ in self.jumps():
            done = self.tmflow(*words, sim=sim, env=self.env)
            self.assertEqual(done.code, 0, done.err)
            counts.append(done.json["classes"])
        self.assertEqual(counts[1:], counts[:1] * 2)

    def test_ui(self):
        path = self.write("hello.yaml", HELLO)
        process = self.start("ui", env=self.env)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        url = urllib.parse.urlsplit(process.stdout.readline().strip())
        token = urllib.parse.parse_qs(url.query)["token"][0]
        for k, _ in enumerate(self.jumps()):
            self.assertEqual(self.tmflow("run", path, "--run-id", f"run-{k}", "-q", env=self.env).code, 0)
            connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=30)
            connection.request("GET", "/api/runs", headers={"Cookie": f"tmflow={token}"})
            reply = connection.getresponse()
            text = reply.read()
            connection.close()
            self.assertEqual(reply.status, 200, text)
            listed = {run["runId"] for run in json.loads(text)["runs"]}
            self.assertEqual(listed, {f"run-{n}" for n in range(k + 1)})


if __name__ == "__main__":
    harness.main()
