"""The AWS SDK for JavaScript as a client of ec2sim: every operation that it offers, pages, tokens, errors; and its signatures are checked."""
import json
import unittest

import harness
import interop
from test_boto3 import INSTANCES, image, operations


class JavaScript(harness.Case):
    @classmethod
    def setUpClass(cls):
        interop.node_packages()

    def test_every_operation(self):
        sim = self.sim("--members", "2", "--gateway", instances=INSTANCES)
        asked = json.loads(interop.node("js_client.cjs", sim.url, image(), env=self.environment(sim)))
        self.assertEqual(asked, [o for o in operations() if o[0] in ("ec2", "sts")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
