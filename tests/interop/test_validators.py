#!/usr/bin/env python3
"""What `tmflow export` gives passes the validators asl-validator and amazon-states-language-service."""
import copy
import glob
import json
import os
import unittest

import harness
import interop

TARGETS = (("--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:mirror"),
           ("--lambda-arn", "arn:aws:lambda:us-east-1:123456789012:function:mirror:live"))


def faults(definitions):
    return json.loads(interop.node("validate.cjs", stdin=json.dumps(definitions)))


class Validators(harness.Case):
    def exported(self, workflow, *options):
        done = self.tmflow("export", workflow, *options)
        self.assertEqual(done.code, 0, done.err)
        return done.json

    def test_exported_workflows(self):
        workflows = sorted(glob.glob(os.path.join(harness.ROOT, "workflows", "*.yaml")))
        self.assertIn(harness.BACKFILL, workflows)
        asked = [(workflow, option) for workflow in workflows for option, _ in TARGETS]
        answers = faults([self.exported(workflow, *target) for workflow in workflows for target in TARGETS])
        for (workflow, option), answer in zip(asked, answers):
            with self.subTest(workflow=os.path.basename(workflow), option=option):
                self.assertEqual(answer, {"asl-validator": [], "amazon-states-language-service": []})

    def test_distributed_backfill(self):
        definitions = [self.exported(harness.BACKFILL, *target, "--distributed") for target in TARGETS]
        for (option, _), answer in zip(TARGETS, faults(definitions)):
            self.assertEqual(answer, {"asl-validator": [], "amazon-states-language-service": []}, option)

    def test_both_find_what_is_wrong(self):
        """Else passing them would say nothing."""
        good = self.exported(harness.BACKFILL, *TARGETS[0])
        nowhere, untyped = copy.deepcopy(good), copy.deepcopy(good)
        nowhere["States"]["FirstPage"]["Next"] = "Nowhere"
        del untyped["States"]["FirstPage"]["Type"]
        for answer in faults([nowhere, untyped]):
            for validator, found in answer.items():
                self.assertNotEqual(found, [], validator)


if __name__ == "__main__":
    interop.node_packages()
    unittest.main(verbosity=2)
