#!/usr/bin/env python3
"""Answers of AWS that pass: each is asked again, by the client and by the workflow, and for a bounded number of times."""
import json
import os
import unittest

import harness

# Those of EC2's list of errors that a later request may not meet any more, those that SDKs ask again after, and the ways of a listing.
PASSING = ("RequestLimitExceeded", "EC2ThrottledException", "Throttling", "ThrottlingException", "RequestThrottled", "RequestThrottledException",
           "TooManyRequestsException", "SlowDown", "BandwidthLimitExceeded", "PriorRequestNotComplete", "InternalError", "InternalFailure", "Unavailable",
           "ServiceUnavailable", "ServerInternal", "RetryableError", "RequestTimeout", "ConcurrentTagAccess")
OF_A_LISTING = ("InvalidInstanceID.NotFound",)  # of a listing that names no ids: something on the page is being deleted
OF_A_TOKEN = ("InvalidNextToken", "InvalidPaginationToken", "InvalidParameterValue")
CALLS = ("DescribeInstances", "DescribeTrafficMirrorTargets", "DescribeTrafficMirrorSessions", "RunInstances", "CreateTrafficMirrorTarget", "CreateTrafficMirrorSession")
ERRORS = os.path.join(os.path.dirname(harness.ROOT), "shared", "aws", "ec2-errors.json")


class Passing(harness.Case):
    def hurried(self, attempts=12):
        """A backfill that asks again within a second, and so often."""
        with open(harness.BACKFILL, encoding="utf-8") as f:
            text = f.read()
        for slow, fast in (("IntervalSeconds: 2\n", "IntervalSeconds: 1\n"), ("BackoffRate: 2\n", "BackoffRate: 1\n"), ("MaxAttempts: 12\n", f"MaxAttempts: {attempts}\n")):
            self.assertIn(slow, text)
            text = text.replace(slow, fast)
        return self.write("hurried.yaml", text)

    def run_with(self, faults, name, attempts=12, client=1, **options):
        """A backfill whose client tries each request `client` times: with 1 it is the workflow that asks again."""
        sim = self.sim("--plain", "--single-subnet", instances=options.get("instances", 3))
        sim.ask("/_sim/faults", {"faults": faults})
        done = self.tmflow("run", self.hurried(attempts), "--config", sim.config, "--no-online-check", "-q", "-o", "json", sim=sim, state=name,
                           env={"AWS_MAX_ATTEMPTS": str(client)})
        calls = {action: row["calls"] for action, row in sim.report()["actions"].items()}
        sim.stop()
        return done, calls

    def test_each_is_asked_again_by_the_workflow(self):
        """Six codes a run, each of another call; the client does not ask again by itself."""
        _, usual = self.run_with([], "usual")
        for start in range(0, len(PASSING), len(CALLS)):
            codes = PASSING[start:start + len(CALLS)]
            done, calls = self.run_with([f"refuse:{code}:{call}@#1" for code, call in zip(codes, CALLS)], codes[0])
            self.assertEqual((done.code, done.json.get("summary")), (0, {"created": 3}), done.err)
            for call in CALLS:
                self.assertIn(calls[call] - usual[call], (1, 2), (codes, call))  # a launch may be looked at once more

    def test_each_is_asked_again_by_the_client(self):
        for code in PASSING + OF_A_LISTING:
            calls = CALLS if code in PASSING else ("DescribeInstances",)
            done, _ = self.run_with([f"refuse:{code}:{call}@#1" for call in calls], code, attempts=1, client=2)
            self.assertEqual((done.code, done.json.get("summary")), (0, {"created": 3}), code + done.err)

    def test_tokens_that_are_refused_begin_the_listing_again(self):
        for code in OF_A_TOKEN:
            sim = self.sim("--plain", "--single-subnet", instances=450)
            world = sim.ask("/_sim/world?limit=1")
            config = self.write("given.yaml", f"vpcs:\n  - {{vpcId: {world['Vpcs'][0]}, filterId: {world['Filters'][0]}, targetId: {world['GivenTargets'][0]}}}\n")
            for faults, wanted in (([f"refuse:{code}:DescribeInstances@#2"], 0), ([f"refuse:{code}:DescribeInstances@#{n}" for n in range(2, 100, 2)], 1)):
                sim.ask("/_sim/reset-counters", b"")
                sim.ask("/_sim/faults", {"faults": faults})
                done = self.tmflow("run", harness.BACKFILL, "--config", config, "--no-online-check", "--dry-run", "-q", "-o", "json", sim=sim, state=code)
                self.assertEqual(done.code, wanted, code + done.err)
                asked = sim.report()["actions"]["DescribeInstances"]["calls"]
                self.assertLessEqual(asked, 30, code)
                if wanted:
                    self.assertEqual(done.json["error"], "InvalidNextToken")
            sim.stop()

    def test_one_that_does_not_pass_ends(self):
        for code in ("Unavailable", "RetryableError"):
            done, calls = self.run_with([f"refuse:{code}:DescribeInstances@1"], code, attempts=2, client=3)
            self.assertEqual((done.code, done.json["error"]), (1, code), done.err)
            self.assertEqual(calls["DescribeInstances"], 3 * 3, code)
            done, calls = self.run_with([f"refuse:{code}:CreateTrafficMirrorSession@1"], code + "s", attempts=2, client=3, instances=1)
            self.assertEqual((done.code, done.json["summary"]), (5, {"failed": 1}), done.err)
            self.assertEqual(calls["CreateTrafficMirrorSession"], 2 * 3 * 3, code)

    @unittest.skipUnless(os.path.exists(ERRORS), "no list of EC2's errors beside the project: " + ERRORS)
    def test_none_of_the_list_is_missing(self):
        with open(ERRORS, encoding="utf-8") as f:
            listed = {e["code"] for e in json.load(f)["errors"] if e["retry"].startswith("yes")}
        self.assertGreater(len(listed), 8)
        self.assertEqual(listed - set(PASSING), set())


if __name__ == "__main__":
    harness.main()
