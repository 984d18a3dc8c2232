#!/usr/bin/env python3
"""What `listen` and `worker` say of themselves over HTTP: numbers that add up, a probe, and nothing for a page of another site."""
import http.client
import pathlib
import random
import re
import socket
import time
import unittest

import harness
import services
from openmetrics import samples, total


def launch(instance):
    """An event of EventBridge's: that this instance runs now."""
    return {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification",
            "source": "aws.ec2", "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": [],
            "detail": {"instance-id": instance, "state": "running"}}


class MetricsListen(services.Case):
    def address(self, process):
        for _ in range(600):
            match = re.search(r"metrics at http://127\.0\.0\.1:(\d+)/metrics", self.said(process))
            if match:
                return int(match[1])
            self.assertIsNone(process.poll(), self.said(process))
            time.sleep(0.05)
        self.fail("no address: " + self.said(process))

    def get(self, port, path, method="GET", source="127.0.0.1", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
        self.addCleanup(connection.close)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()  # one address has so many of them
        return reply.status, reply.headers.get("Content-Type"), text

    def listen(self, queue, sim, address="127.0.0.1:0"):
        environment = self.keys(sim)
        environment.update(AWS_ENDPOINT_URL_SQS=queue.url)
        return self.spawn(["listen", "--queue-url", queue.queue_url, "--config", sim.config, "--metrics-listen", address],
                          environment)

    def started(self):
        sim = self.sim(instances=60)
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        return sim, queue, self.listen(queue, sim)

    def test_numbers_of_listen(self):
        sim, queue, process = self.started()
        port = self.address(process)
        queue.add(launch("i-0123456789abcdef0"), {**launch("i-1"), "detail-type": "Scheduled Event", "detail": {}})
        queue.wait(lambda q: not q.messages, 60)
        deadline = time.monotonic() + 30
        while True:
            status, kind, text = self.get(port, "/metrics")
            self.assertEqual(status, 200, text)
            found = samples(text)
            if total(found, "tmflow_listen_messages_total") == 2 or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.assertIn("application/openmetrics-text", kind)
        self.assertEqual(total(found, "tmflow_listen_messages_received_total"), 2)
        self.assertEqual(total(found, "tmflow_listen_messages_total"), 2)
        self.assertEqual(total(found, "tmflow_listen_messages_total", result="ignored"), 1)
        self.assertEqual(total(found, "tmflow_listen_message_age_seconds_count"), 2)
        jobs = total(found, "tmflow_jobs_total")
        self.assertGreaterEqual(jobs, 1)
        self.assertEqual(total(found, "tmflow_job_duration_seconds_count"), jobs)
        self.assertEqual(total(found, "tmflow_job_duration_seconds_bucket", le="+Inf"), jobs)
        self.assertEqual(total(found, "tmflow_jobs_in_progress"), 0)
        self.assertGreaterEqual(total(found, "tmflow_aws_requests_total", service="sqs", operation="ReceiveMessage"), 1)
        self.assertGreaterEqual(total(found, "tmflow_aws_request_duration_seconds_count", service="sqs"), 1)
        self.assertEqual(total(found, "tmflow_build_info", command="listen"), 1)
        self.assertEqual(total(found, "tmflow_runs", status="RUNNING"), 1)
        shown = self.tmflow("show", "@latest", "-o", "json").json["summary"]
        self.assertGreaterEqual(sum(shown.values()), 1)
        for outcome, count in shown.items():
            self.assertEqual(total(found, "tmflow_outcomes_total", outcome=outcome), count)
        self.drain(process)

    def test_numbers_of_reconcile(self):
        """Between rounds, of a good one and of those that fail; the probe follows."""
        sim = self.sim(instances=60)
        config = self.write("c.yaml", pathlib.Path(sim.config).read_text(encoding="utf-8"))
        process = self.spawn(["reconcile", "--every", "1s", "--config", config, "--metrics-listen", "127.0.0.1:0"], self.keys(sim))
        port = self.address(process)

        def until(condition):
            deadline = time.monotonic() + 60
            while True:
                status, _, text = self.get(port, "/metrics")
                self.assertEqual(status, 200, text)
                found = samples(text)
                if condition(found):
                    return found
                self.assertLess(time.monotonic(), deadline, text)
                time.sleep(0.1)
        found = until(lambda f: total(f, "tmflow_reconcile_rounds_total", result="succeeded") >= 2)
        self.assertEqual(self.get(port, "/healthz")[0], 200)
        self.assertEqual(total(found, "tmflow_reconcile_rounds_total"), total(found, "tmflow_reconcile_round_duration_seconds_count"))
        self.assertEqual(total(found, "tmflow_build_info", command="reconcile"), 1)
        self.assertGreaterEqual(total(found, "tmflow_last_run_outcomes", workflow="backfill", outcome="present"), 1)
        self.assertGreaterEqual(total(found, "tmflow_last_run_aws_requests", operation="DescribeInstances"), 1)
        self.write("c.yaml", "vpcs: 7\n")
        found = until(lambda f: total(f, "tmflow_reconcile_failed_rounds_in_a_row") >= 1)
        self.assertEqual(self.get(port, "/healthz")[0], 503)
        self.drain(process)

    def test_numbers_of_worker(self):
        activities = services.Activities()
        self.addCleanup(activities.stop)
        environment = self.keys(None)
        environment.update(AWS_ENDPOINT_URL_SFN=activities.url, AWS_REGION="us-east-1")
        process = self.spawn(["worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:mirror", "--metrics-listen", "127.0.0.1:0"], environment)
        found = samples(self.get(self.address(process), "/metrics")[2])
        self.assertEqual(found["tmflow_worker_tasks_received_total"], {frozenset(): 0})
        self.assertEqual(total(found, "tmflow_build_info", command="worker"), 1)

    def test_who_may_ask_for_what(self):
        _, _, process = self.started()
        port = self.address(process)
        self.assertEqual(self.get(port, "/healthz")[::2], (200, "ok\n"))
        self.assertEqual(self.get(port, "/metrics", Origin="http://evil.example")[0], 403)
        self.assertEqual(self.get(port, "/metrics", Sec_Fetch_Site="cross-site")[0], 403)
        self.assertEqual(self.get(port, "/metrics", method="POST")[0], 405)
        for path in ("/", "/../../etc/passwd", "/%2e%2e/metrics", "/metrics/x", "/api/runs"):
            self.assertEqual(self.get(port, path)[0], 404, path)
        self.assertEqual(self.get(port, "/metrics", X="a" * 100000)[0] // 100, 4)
        self.drain(process)

    def test_a_crowd_and_slow_ones(self):
        """Connections beyond the limit and heads that never end cost others nothing but a wait, and the work goes on."""
        _, queue, process = self.started()
        port = self.address(process)
        slow = []
        for _ in range(20):
            held = socket.create_connection(("127.0.0.1", port))
            held.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
            slow.append(held)
        self.assertEqual(self.get(port, "/metrics")[0], 200)
        for _ in range(300):
            slow.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        queue.add(launch("i-0123456789abcdef0"))
        queue.wait(lambda q: not q.messages, 60)
        for held in slow:
            held.close()
        self.assertEqual(self.get(port, "/healthz")[0], 200) # it listens again
        self.drain(process)

    def test_one_address_does_not_take_all(self):
        """A probe from elsewhere is answered while somebody holds what he gets."""
        _, _, process = self.started()
        port = self.address(process)
        held = []
        for _ in range(100):
            connection = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0), timeout=30)
            self.addCleanup(connection.close)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
            held.append(connection)
        self.assertEqual(self.get(port, "/healthz", source="127.0.0.3")[0], 200)
        self.assertEqual(self.get(port, "/metrics")[0], 200)
        taken = sum(self.is_open(connection) for connection in held)
        self.assertTrue(0 < taken < 32, taken)  # METRICS_CONNECTIONS_MAX: it was still holding them
        self.drain(process)

    def is_open(self, connection):
        connection.setblocking(False)
        try:
            return connection.recv(1) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False

    def test_an_address_that_cannot_be(self):
        sim = self.sim(instances=10)
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        process = self.listen(queue, sim, "everywhere")
        self.assertEqual(process.wait(60), 2, self.said(process))
        self.assertIn("--metrics-listen: not an address to listen on: everywhere", self.said(process))


if __name__ == "__main__":
    unittest.main(verbosity=2)
