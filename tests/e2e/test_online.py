#!/usr/bin/env python3
"""What the configuration names is looked up before anything is changed: what is missing is an error with its place. validate --online does the same."""
import json
import re

import harness

LOOKUPS = ("DescribeTrafficMirrorFilters", "DescribeImages", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
MISSING = {
    "targetId": ("tmt-0123456789abcdef0", "traffic mirror target"), "filterId": ("tmf-0123456789abcdef0", "traffic mirror filter"),
    "targetInstanceAmi": ("ami-0123456789abcdef0", "image"), "subnetId": ("subnet-0123456789abcdef0", "subnet"),
    "vpcId": ("vpc-0123456789abcdef0", "VPC"),
}


class Online(harness.Case):
    def text(self, sim):
        with open(sim.config, encoding="utf-8") as f:
            return f.read()

    def with_missing(self, sim, key):
        """The simulator's configuration with another id, and the line and column where that stands."""
        text = re.sub(rf"(?m)^((?:  - |    ){key}: )\S+", rf"\g<1>{MISSING[key][0]}", self.text(sim), count=1)
        line = next(n for n, line in enumerate(text.splitlines(), 1) if MISSING[key][0] in line)
        return self.write(f"{key}.yaml", text), line, text.splitlines()[line - 1].index(MISSING[key][0]) + 1

    def changes(self, sim):
        return [a for a in sim.report()["actions"] if not a.startswith(("Describe", "Get"))]

    def test_each_kind_at_most_once(self):
        sim = self.sim(instances=30)
        self.assertEqual(self.backfill(sim).code, 0)
        actions = sim.report()["actions"]
        self.assertEqual({a: actions[a]["calls"] for a in LOOKUPS}, dict.fromkeys(LOOKUPS, 1))
        self.assertEqual(actions["DescribeTrafficMirrorTargets"]["calls"], 2)   # with that of the run itself

    def test_what_is_missing_has_a_place_and_nothing_is_started(self):
        sim = self.sim(instances=30)
        for key, (value, noun) in MISSING.items():
            config, line, column = self.with_missing(sim, key)
            for words in (["run", harness.BACKFILL, "--config", config], ["run", harness.BACKFILL, "--config", config, "--dry-run"],
                          ["validate", config, "--online"]):
                with self.subTest(key=key, words=words):
                    done = self.tmflow(*words, sim=sim)
                    self.assertEqual(done.code, 2, done.err)
                    self.assertIn(f"{config}:{line}:{column}: error: {noun} not found in this account and region: {value}", done.err)
        self.assertEqual(self.changes(sim), [])
        self.assertEqual(self.tmflow("runs").out.strip().splitlines()[1:], [])

    def test_as_json(self):
        sim = self.sim(instances=10)
        config, line, _ = self.with_missing(sim, "vpcId")
        done = self.backfill(sim, config=config)
        self.assertEqual(done.code, 2)
        found = done.json["diagnostics"]
        self.assertEqual([(d["code"], d["severity"], d["line"]) for d in found], [("NOT_FOUND_IN_AWS", "ERROR", line)])
        checked = self.tmflow("validate", config, "--online", "-o", "json", sim=sim)
        self.assertEqual(checked.code, 2)
        self.assertEqual([(d["code"], d["line"]) for d in checked.json["diagnostics"]], [("NOT_FOUND_IN_AWS", line)])
        self.assertEqual(self.tmflow("validate", sim.config, "--online", sim=sim).code, 0)

    def test_security_groups_in_a_list(self):
        sim = self.sim(instances=10)
        text = self.text(sim).rstrip("\n") + "\n      - sg-0123456789abcdef0\n"
        config = self.write("groups.yaml", text)
        done = self.tmflow("validate", config, "--online", sim=sim)
        self.assertIn(f"{config}:{len(text.splitlines())}:9: error: security group not found", done.err)

    def test_not_asked(self):
        sim = self.sim(instances=30)
        config, _, _ = self.with_missing(sim, "filterId")
        done = self.backfill(sim, "--no-online-check", "--dry-run", config=config)
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("DescribeTrafficMirrorFilters", sim.report()["actions"])

    def test_denied_is_a_warning(self):
        sim = self.sim("--fault", "refuse:UnauthorizedOperation:DescribeImages@1", instances=30)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.err.count("image not looked up"), 1)
        self.assertIn("ec2:DescribeImages: UnauthorizedOperation", done.err)
        self.assertIn("--no-online-check", done.err)

    def test_resume_does_not_check_again(self):
        sim = self.sim("--fault", "refuse:UnauthorizedOperation:CreateTrafficMirrorSession@1", instances=20)
        run = self.backfill(sim)
        sim.ask("/_sim/faults", {"faults": []})
        sim.ask("/_sim/reset-counters", b"")
        self.tmflow("resume", run.json["runId"], "--retry-failed", sim=sim)
        self.assertEqual([a for a in LOOKUPS if a in sim.report()["actions"]], [])

    def test_other_accounts_may_have_it(self):
        sim = self.sim(instances=20)
        config, _, _ = self.with_missing(sim, "subnetId")
        with open(config, "a", encoding="utf-8") as f:
            f.write("guardduty:\n  roleArn: arn:aws:iam::{account}:role/tmflow\n")
        done = self.tmflow("validate", config, "--online", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("warning: subnet not found", done.err)
        self.assertIn("it may be of another account", done.err)

    def test_launch_keys_beside_a_target_are_not_looked_up(self):
        sim = self.sim(instances=20)
        text = self.text(sim).replace("    targetId: ", "    targetInstanceAmi: ami-0123456789abcdef0\n    targetId: ", 1)
        done = self.tmflow("validate", self.write("both.yaml", text), "--online", sim=sim)
        self.assertNotIn("image not found", done.err)

    def test_options_that_need_online(self):
        done = self.tmflow("validate", "config/example.yaml", "--region", "us-east-1")
        self.assertEqual(done.code, 2)
        self.assertIn("--online", done.err)


if __name__ == "__main__":
    harness.main()
