"""LocalStack's Step Functions runs the exported backfill with two workers against ec2sim, one of which is killed in the middle."""
import json
import os
import socket
import subprocess
import time
import unittest

import harness
import interop
import services

INSTANCES = 150
ARN = "arn:aws:states:us-east-1:123456789012:activity:tmflow"


class LocalStack(services.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("localstack")

    def server(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        environment = dict(self.environment(), GATEWAY_LISTEN=address, SERVICES="stepfunctions", EAGER_SERVICE_LOADING="0", DISABLE_EVENTS="1",
                           SKIP_SSL_CERT_DOWNLOAD="1", DNS_ADDRESS="0", FILESYSTEM_ROOT=os.path.join(self.dir, "localstack"))
        process = self.spawn([os.path.join(interop.HERE, "localstack_server.py")], environment, program=self.python)
        self.addCleanup(process.terminate)
        return "http://" + address

    def test_backfill_with_a_killed_worker(self):
        url = self.server()
        sim = self.sim("--fault", "delay:50@1", instances=INSTANCES)
        exported = self.tmflow("export", harness.BACKFILL, "--activity-arn", ARN)
        definition = json.loads(exported.out.replace(ARN, "ACTIVITY"))
        text = json.dumps(definition).replace('"HeartbeatSeconds": 60', '"HeartbeatSeconds": 5')
        self.until_open(url)
        run = subprocess.Popen([self.python, os.path.join(interop.HERE, "localstack_run.py"), url], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(run.stdout.close)
        run.stdin.write(text)
        run.stdin.close()
        arn = run.stdout.readline().strip()
        words = ["worker", "--activity-arn", arn, "--config", sim.config, "--heartbeat", "1"]
        workers = [self.spawn(words, dict(self.keys(sim), AWS_ENDPOINT_URL_SFN=url, TMFLOW_STATE_DIR=os.path.join(self.dir, f"s{n}")))
                   for n in range(2)]
        while sim.report()["sessions"]["live"] < 5:
            if run.poll() is not None:
                self.ended_early(json.loads(run.stdout.readline()))
        workers[0].kill()
        result = json.loads(run.stdout.readline())
        run.wait(60)
        self.assertEqual(result["status"], "SUCCEEDED", result)
        self.assertTrue(sim.expected()["ok"], sim.expected())
        self.assertTrue(sim.report()["ok"], sim.report())

    def ended_early(self, result):
        """LocalStack works out variables with a Java program, and fetches Java for it: not everywhere can it."""
        if "Installation of java" in (result["cause"] or ""):
            self.skipTest("LocalStack: " + result["cause"])
        self.fail(result)

    def until_open(self, url):
        host, port = url[len("http://"):].split(":")
        for _ in range(1200):
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        self.fail("LocalStack does not start")


if __name__ == "__main__":
    unittest.main(verbosity=2)
