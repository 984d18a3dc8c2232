"""tmflow listen against a fake queue and ec2sim: events that come up to three times and out of order have one effect each."""
import http.client
import json
import os
import random
import re
import signal
import time

import harness
import services

EVENT = {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification",
         "source": "aws.ec2", "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": []}


def launch(instance, state="running"):
    return {**EVENT, "detail": {"instance-id": instance, "state": state}}


class Listen(services.Case):
    def queue(self, hold_seconds=1, **named):
        server = services.Queue(random.Random(1), hold_seconds=hold_seconds, **named)
        self.addCleanup(server.stop)
        return server

    def listen(self, queue, *args, sim=None, config=None, **env):
        environment = self.keys(sim)
        environment.update(AWS_ENDPOINT_URL_SQS=queue.url, **env)
        words = ["listen", "--queue-url", queue.queue_url, *args]
        if sim is not None:
            words += ["--config", config or sim.config]
        return self.spawn(words, environment)

    def instances(self, sim, *state):
        """Ids of the fleet, as the configuration sees them."""
        page = self.write("page.yaml", 'StartAt: D\nStates:\n  D: {Type: Task, Resource: "tmflow:describe-page", End: true}\n')
        result = self.tmflow("run", page, "--input", "-", "--config", sim.config, "-o", "json", sim=sim,
                             stdin=json.dumps({"MaxResults": 1000}))
        self.assertEqual(result.code, 0, result.out)
        return [i["InstanceId"] for i in result.json["output"]["Instances"] if i["State"] in state]

    def test_each_event_has_one_effect(self):
        sim = self.sim(instances=120)
        running = self.instances(sim, "running")
        queue = self.queue(copies=3)
        queue.add(*[launch(i) for i in running], *[launch(i, "pending") for i in running[:10]])
        processes = [self.listen(queue, "--concurrency", "20", "--visibility", "20", sim=sim, TMFLOW_STATE_DIR=os.path.join(self.dir, f"s{n}"))
                     for n in range(2)]
        queue.wait(lambda q: not q.messages, 120)
        self.assertEqual(queue.dead, [])
        report = sim.report()
        self.assertTrue(report["ok"], report)
        created = report["sessions"]["created"]
        self.assertEqual(created, report["sessions"]["live"])
        self.assertGreater(created, 20)
        for process in processes:
            self.drain(process)
        # What was not launched was not mirrored; what was, is all that a backfill finds for the running ones.
        result = self.backfill(sim, state="later")
        self.assertGreaterEqual(result.json["summary"].get("present", 0), created)

    def test_a_store_that_is_cut(self):
        """It ends and says why; what it could not note comes again."""
        sim = self.sim(instances=60)
        running = self.instances(sim, "running")
        queue = self.queue()
        process = self.listen(queue, sim=sim)
        queue.add(launch(running[0]))
        queue.wait(lambda q: not q.messages)
        os.truncate(os.path.join(self.dir, "state", "tmflow.db-wal"), 0)
        queue.add(*[launch(i) for i in running[1:]])
        self.assertEqual(process.wait(60), 2, self.said(process))
        self.assertIn("tmflow.db-wal was cut under this process", self.said(process))
        self.assertTrue(queue.messages)

    def test_a_storm_is_looked_up_together(self):
        sim = self.sim("--plain", "--single-subnet", instances=200)
        world = sim.ask("/_sim/world")
        config = self.write("storm.yaml", f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n")
        queue = self.queue()
        queue.add(*[launch(i["InstanceId"]) for i in world["Instances"][:200]])
        process = self.listen(queue, sim=sim, config=config)
        queue.wait(lambda q: not q.messages, 120)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual((report["sessions"]["live"], queue.dead), (200, []))
        calls = {action: row["calls"] for action, row in report["actions"].items()}
        self.assertLessEqual(sum(n for action, n in calls.items() if action.startswith("Describe")), 40, calls)
        self.drain(process)

    def hurried(self):
        """A copy of on-launch.yaml that tries again what failed after a second, while the process still trusts what AWS refused."""
        with open(os.path.join(harness.ROOT, "workflows", "on-launch.yaml"), encoding="utf-8") as f:
            text = f.read()
        for slow in ("Seconds: 65\n", "Seconds: 6\n"):
            self.assertIn(slow, text)
            text = text.replace(slow, "Seconds: 1\n")
        return self.write("hurried.yaml", text)

    def test_a_storm_without_capacity_asks_once(self):
        """No event's last round forgets for the others what the process has been refused."""
        sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InsufficientInstanceCapacity:RunInstances@1", instances=30)
        queue = self.queue(receives_max=1)
        queue.add(*[launch(i) for i in self.instances(sim, "running")])
        process = self.listen(queue, "--on-launch", self.hurried(), "--visibility", "10", sim=sim)
        queue.wait(lambda q: len(q.dead) == 30, 60)
        self.assertEqual(sim.report()["actions"]["RunInstances"]["calls"], 1)
        self.assertIn("InsufficientInstanceCapacity", self.said(process))
        self.drain(process)

    def test_what_failed_and_then_went_well_is_done(self):
        sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InvalidParameterValue:CreateTrafficMirrorSession@#1", instances=1)
        queue = self.queue(receives_max=1)
        queue.add(launch(self.instances(sim, "running")[0]))
        process = self.listen(queue, "--on-launch", self.hurried(), sim=sim)
        queue.wait(lambda q: not q.messages, 60)
        self.assertEqual((len(queue.deleted), queue.dead, sim.report()["sessions"]["live"]), (1, [], 1))
        self.drain(process)

    def test_what_is_gone_has_not_failed(self):
        """In the ledger of all events a failure does not stay beside the end of its instance."""
        sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InvalidParameterValue:CreateTrafficMirrorSession@1", instances=1)
        queue = self.queue(receives_max=1)
        instance = self.instances(sim, "running")[0]
        queue.add(launch(instance))
        state = os.path.join(self.dir, "gone")
        process = self.listen(queue, "--on-launch", self.hurried(), "--visibility", "10", sim=sim, TMFLOW_STATE_DIR=state)
        queue.wait(lambda q: len(q.dead) == 1, 60)
        sim.ask("/_sim/answers?operation=DescribeInstances", b"<reservationSet/>")
        queue.add(launch(instance))
        queue.wait(lambda q: not q.messages, 90)
        self.drain(process)
        shown = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl", state=state)
        self.assertEqual(shown.code, 0, shown.out + shown.err)
        rows = [json.loads(line) for line in shown.out.splitlines()]
        self.assertEqual([(r["instanceId"], r["outcome"]) for r in rows], [(instance, "gone")])

    def test_a_storm_whose_listener_is_killed(self):
        """What was looked up together is acknowledged one by one: each message comes again whose run did not end."""
        sim = self.sim("--plain", "--single-subnet", "--fault", "delay:20@1", instances=48)
        world = sim.ask("/_sim/world")
        config = self.write("storm.yaml", f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n")
        queue = self.queue()
        queue.add(*[launch(i["InstanceId"]) for i in world["Instances"][:48]])
        process = self.listen(queue, "--visibility", "10", sim=sim, config=config)
        sim.ask("/_sim/signal", json.dumps({"at": 30, "pid": process.pid, "signal": 9, "when": "after"}).encode())
        process.wait(60)
        self.assertGreater(len(queue.messages), 0)
        self.assertEqual(len(queue.messages) + len(queue.deleted), 48)
        process = self.listen(queue, "--visibility", "10", sim=sim, config=config)
        queue.wait(lambda q: not q.messages, 120)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual((report["sessions"]["live"], report["sessions"]["created"]), (48, 48))
        self.drain(process)

    def test_kinds_of_messages(self):
        queue = self.queue(receives_max=2)
        fails = self.write("fails.yaml", "StartAt: A\nStates:\n  A: {Type: Fail, Error: Own.Error, Cause: so}\n")
        done = self.write("done.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n")
        notification = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:123456789012:t",
                        "Message": json.dumps({**EVENT, "detail-type": "GuardDuty Finding", "detail": {}})}
        queue.add({**EVENT, "detail-type": "GuardDuty Finding", "detail": {}}, notification,
                  {**EVENT, "detail-type": "Scheduled Event", "detail": {}}, "not json", "[]", {"a": 1}, launch("i-1"))
        process = self.listen(queue, "--on-launch", fails, "--on-guardduty", done, "--visibility", "10", "--log-level", "info")
        queue.wait(lambda q: len(q.deleted) == 3)
        # The others are left to come again, and in the end to the redrive policy.
        queue.wait(lambda q: len(q.dead) == 4 and not q.messages, 60)
        said = self.said(process)
        self.assertIn("event.ignored", said)
        self.assertIn("Own.Error", said)
        self.assertEqual(len(queue.deleted), 3)
        self.drain(process)
        self.assertIn("2 done, 1 ignored", self.said(process))

    def test_visibility_is_extended_while_a_run_lasts(self):
        queue = self.queue()
        waits = self.write("waits.yaml", "StartAt: A\nStates:\n  A: {Type: Wait, Seconds: 13, End: true}\n")
        queue.add(launch("i-1"))
        process = self.listen(queue, "--on-launch", waits, "--visibility", "10")
        queue.wait(lambda q: not q.messages, 60)
        self.assertGreaterEqual(len(queue.visibility), 2)
        self.assertTrue(all(seconds == 10 for _, seconds in queue.visibility))
        self.assertEqual(len(queue.deleted), 1)
        self.assertEqual(queue.waits, {20})     # long polls
        self.drain(process)
        self.assertIn("1 messages received: 1 done", self.said(process))

    def test_drain_ends_runs_and_gives_back_the_rest(self):
        queue = self.queue(hold_seconds=20)
        waits = self.write("waits.yaml", "StartAt: A\nStates:\n  A: {Type: Wait, Seconds: 4, End: true}\n")
        queue.add(launch("i-1"))
        process = self.listen(queue, "--on-launch", waits, "--log-level", "debug")
        self.until_said(process, "event.started")
        process.send_signal(signal.SIGTERM)
        self.until_said(process, "stopping: ")
        queue.add(launch("i-2"))
        self.assertEqual(process.wait(60), 0, self.said(process))
        self.assertEqual(len(queue.deleted), 1)
        left = list(queue.messages.values())
        self.assertEqual(len(left), 1)
        self.assertIn((left[0]["id"], 0), queue.visibility)

    def test_a_second_signal_stops(self):
        queue = self.queue()
        waits = self.write("waits.yaml", "StartAt: A\nStates:\n  A: {Type: Wait, Seconds: 600, End: true}\n")
        queue.add(launch("i-1"))
        process = self.listen(queue, "--on-launch", waits, "--log-level", "debug")
        self.until_said(process, "event.started")  # not only sent: a signal before that gives it back, and all is over
        process.send_signal(signal.SIGTERM)
        self.until_said(process, "stopping: ")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 3, self.said(process))
        self.assertEqual(queue.deleted, [])     # it comes again

    def test_receives_that_are_not_held_get_slower(self):
        queue = self.queue(hold_seconds=0)
        began = time.monotonic()
        process = self.listen(queue, "--pollers", "5")
        self.until_said(process, "does not hold the poll")
        while queue.calls.get("ReceiveMessage", 0) < 7:
            time.sleep(0.05)
        queue.add({**EVENT, "detail-type": "Scheduled Event", "detail": {}})
        queue.wait(lambda q: not q.messages)
        self.assertLessEqual(queue.calls["ReceiveMessage"], 11 + (time.monotonic() - began) / 0.5)
        self.assertEqual(self.said(process).count("listener.receive"), 1)
        self.drain(process)

    def test_no_queue(self):
        queue = self.queue()
        url, queue.queue_url = queue.queue_url, queue.queue_url + "-other"
        process = self.listen(queue)
        queue.queue_url = url
        self.assertEqual(process.wait(60), 2, self.said(process))
        self.assertIn("no such queue", self.said(process))

    # --- the backfill beside ---

    def until(self, process, what, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if what():
                return
            self.assertIsNone(process.poll(), self.said(process))
            time.sleep(0.05)
        self.fail(self.said(process))

    def said_of(self, process, event):
        return len(re.findall(rf"event={re.escape(event)}\b|\b{re.escape(event)}\b", self.said(process)))

    def test_rounds_beside_events(self):
        """What no event brings is mirrored by a round, and what is deleted comes again; events have their effect meanwhile, once."""
        sim = self.sim("--no-auth", instances=60)
        queue = self.queue(copies=2)
        running = self.instances(sim, "running")
        queue.add(*[launch(i) for i in running[:10]])
        process = self.listen(queue, "--reconcile", "1s", "--log-level", "info", sim=sim)
        queue.wait(lambda q: not q.messages, 60)
        self.until(process, lambda: self.said_of(process, "reconcile.next") >= 1)
        self.assertTrue(sim.expected()["ok"], sim.expected())
        before = sim.sessions()
        sim.query("DeleteTrafficMirrorSession", TrafficMirrorSessionId=before[sorted(before)[0]]["trafficMirrorSessionId"])
        done = self.said_of(process, "reconcile.next")
        self.until(process, lambda: self.said_of(process, "reconcile.next") >= done + 2)
        self.assertEqual(set(sim.sessions()), set(before))
        self.drain(process)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["sessions"]["created"], len(before) + 1)

    def test_one_process_at_a_time_reconciles_a_place(self):
        sim = self.sim("--no-auth", instances=30)
        queue = self.queue()
        sim.ask("/_sim/faults", {"faults": ["delay:4000:DescribeInstances@1"]})
        first = self.listen(queue, "--reconcile", "1s", "--log-level", "info", sim=sim)
        self.until(first, lambda: sim.report()["actions"].get("DescribeInstances"))
        second = self.listen(queue, "--reconcile", "1s", "--log-level", "info", sim=sim)
        self.until(second, lambda: self.said_of(second, "reconcile.held") >= 1)
        third = self.spawn(["reconcile", harness.BACKFILL, "--every", "1s", "--config", sim.config, "--log-level", "info"], self.keys(sim))
        self.until(third, lambda: "reconcile-123456789012-us-east-1" in self.said(third))
        for process in (first, second):
            self.drain(process)
        third.send_signal(signal.SIGTERM)
        third.wait(60)
        # A round that is stopped with its process lets the turn go.
        sim.ask("/_sim/faults", {"faults": []})
        fourth = self.listen(queue, "--reconcile", "1s", "--log-level", "info", sim=sim)
        self.until(fourth, lambda: self.said_of(fourth, "reconcile.next") >= 1)
        self.assertEqual(self.said_of(fourth, "reconcile.held"), 0)
        self.drain(fourth)
        self.assertTrue(sim.expected()["ok"])

    def test_rounds_that_fail_show_in_health_and_numbers(self):
        sim = self.sim("--no-auth", instances=30)
        queue = self.queue()
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeInstances@1"]})
        process = self.listen(queue, "--reconcile", "1s", "--log-level", "info", "--metrics-listen", "127.0.0.1:0", sim=sim)
        self.until(process, lambda: self.said_of(process, "reconcile.round") >= 2)
        port = int(re.search(r"metrics at http://127\.0\.0\.1:(\d+)/metrics", self.said(process))[1])

        def page(path):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", path, headers={"Connection": "close"})
            reply = connection.getresponse()
            text = reply.read().decode()
            connection.close()
            return reply.status, text

        self.assertEqual(page("/healthz")[0], 503)
        text = page("/metrics")[1]
        self.assertRegex(text, r'(?m)^tmflow_reconcile_rounds_total\{result="failed"\} [1-9]')
        self.assertRegex(text, r"(?m)^tmflow_reconcile_failed_rounds_in_a_row [1-9]")
        self.assertIn("UnauthorizedOperation", self.said(process))
        sim.ask("/_sim/faults", {"faults": []})
        self.until(process, lambda: page("/healthz")[0] == 200)
        text = page("/metrics")[1]
        self.assertRegex(text, r'(?m)^tmflow_reconcile_rounds_total\{result="succeeded"\} [1-9]')
        self.assertRegex(text, r"(?m)^tmflow_reconcile_failed_rounds_in_a_row 0$")
        self.drain(process)

    def test_wrong_schedules(self):
        sim = self.sim(instances=10)
        for words, said in ((["--reconcile", "soon"], "--reconcile"), (["--reconcile", "10ms"], "--reconcile")):
            done = self.tmflow("listen", "--queue-url", "http://127.0.0.1:9/q", "--config", sim.config, *words, sim=sim)
            self.assertEqual(done.code, 2, done.err)
            self.assertIn(said, done.err)
        done = self.tmflow("listen", "--queue-url", "http://127.0.0.1:9/q", "--reconcile", "1h", sim=sim)
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("--reconcile: missing configuration", done.err)

    def test_wrong_usage(self):
        for words, text in (([], "missing queue"), (["--queue-url", "events"], "--queue-url takes a URL"),
                            (["--queue-url", "http://127.0.0.1:1/1/q", "--visibility", "5"], "--visibility"),
                            (["--queue-url", "http://127.0.0.1:1/1/q", "--on-launch", "absent.yaml"], "absent.yaml")):
            result = self.tmflow("listen", *words, env={"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
            self.assertEqual(result.code, 2)
            self.assertIn(text, result.err)


if __name__ == "__main__":
    harness.main()
