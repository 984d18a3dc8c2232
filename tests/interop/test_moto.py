"""moto's server as the EC2 end point: signatures are checked, instances are listed page by page, and its errors keep their names."""
import json
import os
import subprocess
import time
import unittest
import urllib.request

import harness
import interop

INSTANCES = 23
START_SECONDS = 60
PAGES = """
StartAt: Page
States:
  Page:
    Type: Task
    Resource: tmflow:describe-page
    Parameters: {MaxResults: 5, NextToken.$: $.NextToken}
    ResultPath: $.Page
    Next: Gather
  Gather:
    Type: Pass
    Parameters:
      NextToken.$: $.Page.NextToken
      Pages.$: States.MathAdd($.Pages, 1)
      Found.$: States.Array($.Found, $.Page.Instances)
    Next: More
  More:
    Type: Choice
    Choices: [{Variable: $.NextToken, IsNull: false, Next: Page}]
    Default: Over
  Over: {Type: Succeed}
"""


def flat(found):
    """[[[[], page], page], page] as one list."""
    return flat(found[0]) + found[1] if found else []


class Moto(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.python = interop.python_packages("moto")

    def setUp(self):
        super().setUp()
        address = interop.free_address()
        port = address.split(":")[1]
        self.url = "http://" + address
        environment = dict(self.environment(), INITIAL_NO_AUTH_ACTION_COUNT="3", MOTO_PORT=port)
        self.server = subprocess.Popen([os.path.join(os.path.dirname(self.python), "moto_server"), "-p", port], env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(self.url + "/moto-api/", timeout=10).close()
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
        done = subprocess.run([self.python, os.path.join(interop.HERE, "moto_fleet.py"), self.url, str(INSTANCES)],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.fleet = json.loads(done.stdout)

    def pages(self, secret):
        config = self.write("config.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        return self.tmflow("run", self.write("pages.yaml", PAGES), "--config", config, "--input", "-", "-o", "json",
                           stdin=json.dumps({"NextToken": None, "Pages": 0, "Found": []}),
                           env={"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": self.fleet["keyId"],
                                "AWS_SECRET_ACCESS_KEY": secret})

    def test_pages(self):
        result = self.pages(self.fleet["secret"])
        self.assertEqual(result.code, 0, result.out)
        output = result.json["output"]
        found = flat(output["Found"])
        self.assertEqual(output["Pages"], (INSTANCES + 4) // 5)
        self.assertEqual({i["InstanceId"]: (i["State"], i["Tags"], [n["NetworkInterfaceId"] for n in i["NetworkInterfaces"]]) for i in found},
                         {i["InstanceId"]: (i["State"], i["Tags"], i["NetworkInterfaces"]) for i in self.fleet["instances"]})

    def test_a_wrong_secret(self):
        result = self.pages("x" * 40)
        self.assertEqual(result.code, 1, result.out)
        self.assertIn(result.json["error"], ("AuthFailure", "SignatureDoesNotMatch"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
