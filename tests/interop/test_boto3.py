"""boto3 as a client of ec2sim: every operation that it offers, pages, tokens, errors; and its signatures are checked."""
import json
import os
import subprocess
import unittest

import harness
import interop

OPERATIONS = {"CreateTags", "CreateTrafficMirrorSession", "CreateTrafficMirrorTarget", "DeleteTags", "DeleteTrafficMirrorSession",
              "DeleteTrafficMirrorTarget", "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSubnets", "DescribeTags",
              "DescribeTrafficMirrorFilters", "DescribeTrafficMirrorSessions", "DescribeTrafficMirrorTargets", "DescribeVpcs",
              "ModifyTrafficMirrorSession", "RunInstances", "TerminateInstances"}


class Boto3(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("boto3")

    def test_every_operation(self):
        sim = self.sim(instances=60)
        image = json.loads(subprocess.run([harness.EC2SIM, "--instances", "60", "--seed", "1", "--print-world"], check=True,
                                          stdout=subprocess.PIPE).stdout)["ImageId"]
        done = subprocess.run([self.python, os.path.join(interop.HERE, "boto3_client.py"), sim.url, image],
                              env=self.environment(sim), capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(json.loads(done.stdout)), OPERATIONS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
