"""boto3 as a client of ec2sim: every operation that it offers, pages, tokens, errors; and its signatures are checked."""
import json
import os
import subprocess
import unittest

import harness
import interop

INSTANCES = 60


def operations():
    """[[service, operation]] of ec2sim's own table: one without a call of each client here fails."""
    told = subprocess.run([harness.EC2SIM, "--print-operations"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return sorted(line.split(" ") for line in told.splitlines())


def image():
    world = subprocess.run([harness.EC2SIM, "--instances", str(INSTANCES), "--print-world"], check=True, stdout=subprocess.PIPE)
    return json.loads(world.stdout)["ImageId"]


class Boto3(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("boto3")

    def test_every_operation(self):
        sim = self.sim("--members", "2", "--gateway", instances=INSTANCES)
        done = subprocess.run([self.python, os.path.join(interop.HERE, "boto3_client.py"), sim.url, image()],
                              env=self.environment(sim), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), operations())


if __name__ == "__main__":
    unittest.main(verbosity=2)
