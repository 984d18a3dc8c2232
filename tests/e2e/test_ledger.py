#!/usr/bin/env python3
"""The ledger: what failed is listed in every form, exit 5 says so, and `resume --retry-failed` does exactly that again."""
import json
import os
import re
import signal

import harness

# Without any retrying a single fault fails its item.
ONE_ATTEMPT = {"AWS_MAX_ATTEMPTS": "1"}
SOME_CREATES_FAIL = "500:CreateTrafficMirrorSession@0.3"


class Ledger(harness.Case):
    def setUp(self):
        super().setUp()
        with open(harness.BACKFILL, encoding="utf-8") as f:
            text = f.read()
        text = text.replace("MaxAttempts: 12", "MaxAttempts: 0").replace("MaxAttempts: 8", "MaxAttempts: 0")
        # No last round either: what fails is left to --retry-failed.
        self.workflow = self.write("impatient.yaml", re.sub(r"AnyFailed\.\$: States.*", "AnyFailed: false", text))

    def rows(self, run, *options):
        done = self.tmflow("show", run, "-o", "jsonl", *(options or ("--outcomes",)))
        self.assertEqual(done.code, 0, done.err)
        rows = [json.loads(line) for line in done.out.splitlines()]
        keyed = {(r["instanceId"], r.get("networkInterfaceId")): r for r in rows}
        self.assertEqual(len(rows), len(keyed))
        return keyed

    def failed(self, run):
        return self.rows(run, "--failed")

    def first_run(self, sim, run, fault=SOME_CREATES_FAIL, config=None):
        sim.ask("/_sim/faults", {"faults": [fault]})
        done = self.tmflow("run", self.workflow, "--config", config or sim.config, "--run-id", run, "-o", "json", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual(done.code, 5, done.err)
        self.assertEqual(done.json["status"], "SUCCEEDED")
        self.assertEqual(done.json["summary"]["failed"], len(self.failed(run)))
        sim.ask("/_sim/faults", {"faults": []})
        sim.ask("/_sim/reset-counters", b"")
        return done.json

    def retry(self, sim, run, code):
        done = self.tmflow("resume", run, "--retry-failed", "-o", "json", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual(done.code, code, done.err)
        return done.json

    def settled(self, row):
        """Made, or refused for a type that cannot be mirrored."""
        self.assertIn((row["outcome"], row.get("reason")), (("created", None), ("ineligible", "type")))

    def calls(self, sim, action):
        return sim.report()["actions"].get(action, {}).get("calls", 0)

    def test_every_form_of_show(self):
        sim = self.sim(instances=150)
        summary = self.first_run(sim, "one")["summary"]
        failed = self.failed("one")
        for row in failed.values():
            self.assertEqual(row["outcome"], "failed")
            self.assertEqual(row["error"], "InternalError")
            self.assertEqual(row["operation"], "ec2:CreateTrafficMirrorSession")
            self.assertIn("ec2:CreateTrafficMirrorSession in us-east-1: ", row["cause"])
            self.assertTrue(row["requestId"] and row["rule"])
        document = self.tmflow("show", "one", "--failed", "-o", "json").json
        self.assertEqual(document["summary"], summary)
        self.assertEqual(document["reasons"]["failed"], {"InternalError": len(failed)})
        self.assertEqual({(r["instanceId"], r.get("networkInterfaceId")): r for r in document["outcomes"]}, failed)
        text = self.tmflow("show", "one", "--failed").out.splitlines()
        self.assertEqual([tuple(line.split()[:3]) for line in text], [(i, n, "failed") for i, n in failed])
        self.assertIn("resume one --retry-failed", self.tmflow("show", "one").out)
        rows = self.rows("one")
        self.assertEqual(len(rows), sum(summary.values()))
        types = [row["instanceType"] for row in rows.values() if row.get("reason") == "type"]
        self.assertEqual(document["reasons"].get("ineligible", {}).get("type", 0), len(types))
        for row in rows.values():
            self.assertTrue(row["instanceType"] and (row["outcome"] == "ineligible" or row["vpcId"] and row["subnetId"] and row["availabilityZone"]), row)
        text = self.tmflow("show", "one").out
        self.assertIn(" failed: %d InternalError of ec2:CreateTrafficMirrorSession\n" % len(failed), text)
        self.assertIn("SUCCEEDED, %d of %d failed\n" % (len(failed), len(rows)), text)
        for kind in set(types):
            self.assertIn("%d type %s" % (types.count(kind), kind), text)

    def test_an_event_for_each_failed_one(self):
        sim = self.sim(instances=150)
        sim.ask("/_sim/faults", {"faults": [SOME_CREATES_FAIL]})
        done = self.tmflow("run", self.workflow, "--config", sim.config, "--run-id", "one", "--log-format", "json", "-o", "json", sim=sim, env=ONE_ATTEMPT)
        events = [event for event in map(json.loads, done.err.splitlines()) if event["event"] == "instance.failed"]
        failed = self.failed("one")
        self.assertEqual({(e["instance"], e["interface"]): (e["operation"], e["error"], e["request_id"]) for e in events},
                         {key: (row["operation"], row["error"], row["requestId"]) for key, row in failed.items()})
        self.assertEqual(len(events), len(failed))

    def asked_for(self, sim, failed):
        """Each once. Of a type that AWS refuses not all are asked for."""
        self.assertLessEqual(self.calls(sim, "CreateTrafficMirrorSession"), len(failed))
        self.assertGreaterEqual(self.calls(sim, "CreateTrafficMirrorSession"), len(failed) * 0.8)

    def test_exactly_the_failed_ones_again(self):
        sim = self.sim("--scenario", "tags", instances=1500)  # given targets without a limit: a call an interface
        self.first_run(sim, "one")
        before = self.rows("one")
        failed = self.failed("one")
        self.assertGreater(len(failed), 60)

        sim.ask("/_sim/faults", {"faults": ["500:CreateTrafficMirrorSession@0.5"]})
        again = self.retry(sim, "one", 5)
        still = self.failed("one")
        self.assertEqual(again["status"], "SUCCEEDED")
        self.assertTrue(set(still) < set(failed))
        self.asked_for(sim, failed)
        self.assertLessEqual(self.calls(sim, "DescribeInstances"), -(-len(failed) // 200) + 1)

        sim.ask("/_sim/faults", {"faults": []})
        sim.ask("/_sim/reset-counters", b"")
        over = self.retry(sim, "one", 0)
        self.assertNotIn("failed", over["summary"])
        self.asked_for(sim, still)
        after = self.rows("one")
        self.assertEqual(set(after), set(before))
        for key, row in before.items():
            if key not in failed:
                self.assertEqual(after[key], row)
            else:
                self.settled(after[key])
        self.assertTrue(sim.expected()["ok"])
        self.assertTrue(sim.report()["ok"])

        sim.ask("/_sim/reset-counters", b"")
        self.assertEqual(self.retry(sim, "one", 0)["summary"], over["summary"])
        self.assertEqual(sim.report()["actions"], {})

    def test_other_interfaces_stay_and_what_is_gone_is_said(self):
        sim = self.sim(instances=300)
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("all.yaml", f.read().replace("    filterId:", "    interfaces: all\n    filterId:"))
        self.first_run(sim, "one", config=config)
        before = self.rows("one")
        failed = self.failed("one")
        per_instance = {}
        for (instance, _), row in before.items():
            per_instance.setdefault(instance, []).append(row["outcome"])
        mixed = [i for i, outcomes in per_instance.items() if set(outcomes) == {"created", "failed"}]
        self.assertGreater(len(mixed), 2)
        ended = mixed[0]
        sim.ask(f"/_sim/instances/{ended}/terminate", b"")
        done = self.retry(sim, "one", 0)
        self.assertNotIn("failed", done["summary"])
        after = self.rows("one")
        self.assertEqual(set(after), set(before))
        for key, row in before.items():
            if key not in failed:
                self.assertEqual(after[key], row)
            elif key[0] == ended:
                self.assertIn((after[key]["outcome"], after[key].get("reason")), (("ineligible", "terminated"), ("gone", None)))
            else:
                self.settled(after[key])

    def test_a_failed_run_keeps_what_it_recorded(self):
        sim = self.sim("--scenario", "tags", instances=500)
        sim.ask("/_sim/faults", {"faults": [SOME_CREATES_FAIL, "500:DescribeInstances@#3"]})
        done = self.tmflow("run", self.workflow, "--config", sim.config, "--run-id", "one", "-o", "json", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(done.json["status"], "FAILED")
        failed = self.failed("one")
        self.assertTrue(failed)
        before = self.rows("one")
        sim.ask("/_sim/faults", {"faults": []})
        sim.ask("/_sim/reset-counters", b"")
        done = self.tmflow("resume", "one", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual(done.code, 5, done.err)
        self.assertIn("it goes on first", done.err)
        self.assertEqual(self.failed("one"), failed)
        after = self.rows("one")
        self.assertGreater(len(after), len(before))
        self.assertEqual({key: after[key] for key in before}, before)
        self.retry(sim, "one", 0)
        self.assertTrue(sim.expected()["ok"])
        self.assertEqual(sim.report()["sessions"]["created"], sim.report()["sessions"]["live"])

    def test_killed_in_the_middle_of_a_retry(self):
        for at, when in ((1, "before"), (2, "after"), (9, "before"), (30, "after"), (45, "before")):
            with self.subTest(at=at, when=when):
                sim = self.sim(instances=400)
                run = f"kill-{at}"
                self.first_run(sim, run)
                before, failed = self.rows(run), self.failed(run)
                process = self.start("resume", run, "--retry-failed", "-q", sim=sim)
                sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGKILL, "when": when})
                process.communicate(timeout=harness.RUN_SECONDS)
                self.assertEqual(process.returncode, -signal.SIGKILL)
                self.assertEqual(self.tmflow("show", run, "-o", "json").json["status"], "KILLED")
                done = self.tmflow("resume", run, "-o", "json", sim=sim)
                self.assertEqual(done.code, 0, done.err)
                after = self.rows(run)
                self.assertEqual(set(after), set(before))
                for key, row in before.items():
                    if key not in failed:
                        self.assertEqual(after[key], row)
                self.assertTrue(sim.expected()["ok"])
                self.assertEqual(sim.report()["sessions"]["created"], sim.report()["sessions"]["live"])
                sim.stop()

    def test_events_too(self):
        """The one instance of an event is retried like any other, and planned."""
        path = os.path.join(harness.ROOT, "workflows", "on-launch.yaml")
        with open(path, encoding="utf-8") as f:
            workflow = self.write("on-launch.yaml", f.read().replace("MaxAttempts: 12", "MaxAttempts: 0").replace("MaxAttempts: 8", "MaxAttempts: 0"))
        sim = self.sim("--single-subnet", "--plain", instances=3)
        instance = sim.ask("/_sim/world")["Instances"][0]["InstanceId"]
        event = self.write("event.json", json.dumps({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification",
                                                     "detail": {"instance-id": instance, "state": "running"}}))
        args = ("run", workflow, "--config", sim.config, "--input", event, "-o", "json")
        plan = self.tmflow(*args, "--dry-run", "--detailed-exitcode", sim=sim)
        self.assertEqual((plan.code, plan.json["summary"]), (6, {"created": 1}), plan.err)
        sim.ask("/_sim/faults", {"faults": ["500:CreateTrafficMirrorSession@1"]})
        done = self.tmflow(*args, "--run-id", "one", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual((done.code, done.json["summary"]), (5, {"failed": 1}), done.err)
        sim.ask("/_sim/faults", {"faults": []})
        self.assertEqual(self.retry(sim, "one", 0)["summary"], {"created": 1})
        self.assertEqual([r["instanceId"] for r in self.rows("one").values()], [instance])

    def test_a_retry_has_a_history_of_its_own(self):
        sim = self.sim(instances=150)
        sim.ask("/_sim/faults", {"faults": [SOME_CREATES_FAIL]})
        done = self.tmflow("run", self.workflow, "--config", sim.config, "--run-id", "one", "--history", "-q", sim=sim, env=ONE_ATTEMPT)
        self.assertEqual(done.code, 5, done.err)
        first = self.tmflow("show", "one", "--history", "-o", "json").json["events"]
        sim.ask("/_sim/faults", {"faults": []})
        self.retry(sim, "one", 0)
        again = self.tmflow("show", "one", "--history", "-o", "json").json["events"]
        self.assertLess(len(again), len(first))
        self.assertEqual([e["type"] for e in again if e["type"].startswith("Execution")], ["ExecutionStarted", "ExecutionSucceeded"])

    def test_a_run_that_is_not_over_goes_on(self):
        sim = self.sim("--fault", "delay:20@1", instances=300)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "half", "-q", sim=sim)
        sim.ask("/_sim/signal", {"at": 30, "pid": process.pid, "signal": signal.SIGKILL, "when": "before"})
        process.communicate(timeout=harness.RUN_SECONDS)
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", "half", "--retry-failed", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(sim.expected()["ok"])


if __name__ == "__main__":
    harness.main()
