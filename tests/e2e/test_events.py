#!/usr/bin/env python3
"""workflows/on-launch.yaml and on-guardduty.yaml: each event has its one effect, however often it comes; the two scenarios of the sample application."""
import glob
import json
import os
import re
import unittest

import harness

LAUNCH = os.path.join(harness.ROOT, "workflows", "on-launch.yaml")
GUARDDUTY = os.path.join(harness.ROOT, "workflows", "on-guardduty.yaml")
SAMPLES = os.path.join(os.path.dirname(harness.ROOT), "shared", "aws", "events")
CASES = os.path.join(os.path.dirname(harness.ROOT), "shared", "cases", "mirror", "events")
ACCOUNT = "123456789012"
MEMBER = "123456789013"
MUTATING = ("Create", "Modify", "Delete", "Run", "Terminate")


def state_change(instance, state="running", account=ACCOUNT, region="us-east-1"):
    return {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification",
            "source": "aws.ec2", "account": account, "time": "2026-01-15T11:58:03Z", "region": region,
            "resources": [f"arn:aws:ec2:{region}:{account}:instance/{instance}"],
            "detail": {"instance-id": instance, "state": state}}


def finding(instance, account=ACCOUNT, region="us-east-1", severity=8, kind="UnauthorizedAccess:EC2/SSHBruteForce", tags=None,
            interfaces=(), resource="Instance", additional=None):
    details = {"instanceId": instance, "instanceType": "t3.large", "outpostArn": None, "tags": tags, "instanceState": "running",
               "networkInterfaces": [dict(i, securityGroups=[]) for i in interfaces]}
    return {"version": "0", "id": "c8c4daa7-a20c-2f03-0070-b7393dd52392", "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
            "account": ACCOUNT, "time": "1970-01-01T00:00:00Z", "region": region, "resources": [],
            "detail": {"accountId": account, "region": region, "id": "16afba5c5c43e07c9e3e5e2e544e95df", "type": kind, "severity": severity,
                       "resource": {"resourceType": resource, "instanceDetails": details},
                       "service": {"serviceName": "guardduty", "count": 1, "additionalInfo": additional or {"value": "{}", "type": "default"}}}}


def member_world(case, *options, role="arn:aws:iam::{account}:role/member"):
    """Two accounts at one end point, and the configuration of the second's subnets with a role in it; an instance of the second's."""
    sim = case.sim("--accounts", "2", *options, instances=20)
    with open(sim.config, encoding="utf-8") as f:
        text = f.read() + f"\nguardduty:\n  roleArn: {role}\n"
    config = case.write("member.yaml", text)
    subnets = set(re.findall("subnet-[0-9a-f]+", text))
    running = [i for i in sim.ask(f"/_sim/world?account={MEMBER}")["Instances"] if i["State"] == "running" and i["SubnetId"] in subnets]
    return sim, config, running[0]["InstanceId"]


class Events(harness.Case):
    def event(self, sim, workflow, event, *args, state="state", config=None):
        return self.tmflow("run", workflow, "--config", config or sim.config, "--no-online-check", "--input", "-", "-q", "-o", "json", *args, sim=sim, state=state,
                           stdin=json.dumps(event))

    def rows(self):
        done = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl")
        return [json.loads(line) for line in done.out.splitlines()]

    def only_row(self, done, outcome, reason=None):
        """The run succeeded and its ledger holds one row."""
        self.assertEqual(done.code, 0, done.err + done.out)
        self.assertEqual(done.json["summary"], {outcome: 1})
        rows = self.rows()
        self.assertEqual([(r["outcome"], r.get("reason")) for r in rows], [(outcome, reason)])
        return rows[0]

    def ignored(self, sim, workflow, event, *words):
        done = self.event(sim, workflow, event)
        self.assertEqual(done.code, 0, done.err + done.out)
        self.assertEqual(done.json["output"]["Kind"], "ignored")
        for word in words:
            self.assertIn(word, done.json["output"]["Reason"])
        self.assertEqual(sum(done.json["summary"].values()), 0)

    def mutations(self, sim):
        return {a: row["calls"] for a, row in sim.report()["actions"].items() if a.startswith(MUTATING)}

    def instance(self, sim, index=0):
        return sim.ask("/_sim/world")["Instances"][index]

    def hurried(self, workflow):
        """A copy that looks for an instance only twice, a second apart, and tries again after a second."""
        with open(workflow, encoding="utf-8") as f:
            text = f.read()
        for slow, fast in (("Seconds: 65\n", "Seconds: 1\n"), ("Seconds: 6\n", "Seconds: 1\n"), ("NumericLessThan: 6\n", "NumericLessThan: 2\n")):
            self.assertIn(slow, text)
            text = text.replace(slow, fast)
        return self.write(os.path.basename(workflow), text)

    # --- on-launch ---

    def test_a_launch_has_one_effect(self):
        sim = self.sim("--plain", "--single-subnet", instances=3)
        instance = self.instance(sim)
        event = state_change(instance["InstanceId"])
        row = self.only_row(self.event(sim, LAUNCH, event), "created")
        self.assertEqual(row["instanceId"], instance["InstanceId"])
        self.assertEqual(sim.report()["sessions"]["live"], 1)
        sim.ask("/_sim/reset-counters", b"")
        self.only_row(self.event(sim, LAUNCH, event), "present")
        self.assertEqual(self.mutations(sim), {})
        balancers = sum("endpoint" in t for t in sim.report()["targets"])
        self.assertEqual(sim.report()["requests"], 4 + balancers, "one describe each of instance, targets, the instance behind them, and sessions; and one for each target that no rule names")

    def test_a_dry_run_changes_nothing(self):
        sim = self.sim("--plain", "--single-subnet", instances=2)
        instance = self.instance(sim)["InstanceId"]
        for workflow, event in ((LAUNCH, state_change(instance)), (GUARDDUTY, finding(instance))):
            done = self.event(sim, workflow, event, "--dry-run")
            self.assertEqual((done.code, done.json["summary"]), (0, {"created": 1}), done.err)
        self.assertEqual(self.mutations(sim), {})

    def test_the_same_start_twice_at_once(self):
        sim = self.sim("--plain", "--single-subnet", "--fault", "delay:20@1", instances=3)
        event = self.write("event.json", json.dumps(state_change(self.instance(sim)["InstanceId"])))
        both = [self.start("run", LAUNCH, "--config", sim.config, "--input", event, "-q", sim=sim, state=state) for state in ("one", "two")]
        for process in both:
            _, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual(process.returncode, 0, err)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual((report["sessions"]["live"], report["instances"]["launched"]), (1, 1))

    def test_four_launches_at_once_share_a_target(self):
        sim = self.sim("--plain", "--single-subnet", "--fault", "delay:20@1", "--stale-ms", "600000", instances=4)
        events = [self.write(f"{i}.json", json.dumps(state_change(self.instance(sim, i)["InstanceId"]))) for i in range(4)]
        processes = [self.start("run", LAUNCH, "--config", sim.config, "--input", event, "-q", sim=sim, state=f"s{i}")
                     for i, event in enumerate(events)]
        for process in processes:
            _, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual(process.returncode, 0, err)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual((report["sessions"]["live"], report["instances"]["launched"]), (4, 1))

    def test_other_states_and_events_are_ignored(self):
        sim = self.sim("--plain", "--single-subnet", instances=1)
        instance = self.instance(sim)["InstanceId"]
        for state in ("pending", "stopping", "stopped", "shutting-down", "terminated"):
            self.ignored(sim, LAUNCH, state_change(instance, state), state)
        self.ignored(sim, LAUNCH, finding(instance), "not a launch")
        self.ignored(sim, GUARDDUTY, state_change(instance), "not a finding")
        self.ignored(sim, LAUNCH, {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}, "Scheduled Event")
        self.ignored(sim, LAUNCH, {}, "no detail-type")
        self.assertEqual(sim.report()["requests"], 0)

    def test_an_event_without_its_parts_fails_by_name(self):
        sim = self.sim("--plain", "--single-subnet", instances=1)
        for bad, field in (({"instance-id": "vpc-1", "state": "running"}, "detail.instance-id"), ({"instance-id": "i-1"}, "detail.state"), (7, "detail")):
            done = self.event(sim, LAUNCH, dict(state_change("i-1"), detail=bad))
            self.assertEqual((done.code, done.json["error"]), (1, "TMFlow.InvalidInput"))
            self.assertIn(field, done.json["cause"])
        done = self.event(sim, LAUNCH, [1])
        self.assertEqual((done.code, done.json["error"]), (1, "TMFlow.InvalidInput"))

    def test_an_instance_that_is_gone(self):
        sim = self.sim("--plain", "--single-subnet", instances=2)
        row = self.only_row(self.event(sim, self.hurried(LAUNCH), state_change("i-0123456789abcdef0")), "gone", "not listed")
        self.assertEqual(row["instanceId"], "i-0123456789abcdef0")
        self.assertEqual(sim.report()["actions"]["DescribeInstances"]["calls"], 3, "twice the instance, once whose account this is")
        ended = self.instance(sim, 1)["InstanceId"]
        sim.ask(f"/_sim/instances/{ended}/terminate", b"")
        self.only_row(self.event(sim, LAUNCH, state_change(ended)), "ineligible", "terminated")
        self.assertEqual(self.mutations(sim), {})

    def test_an_instance_launched_for_a_target_is_left_out(self):
        """tmflow's own launches make events too."""
        sim = self.sim("--plain", "--single-subnet", instances=1)
        self.assertEqual(self.backfill(sim).code, 0)
        launched = [i for i in sim.ask("/_sim/world")["Instances"] if "tmflow:target" in i["Tags"]]
        self.assertEqual(len(launched), 1)
        row = self.only_row(self.event(sim, LAUNCH, state_change(launched[0]["InstanceId"])), "excluded", "target-instance")
        self.assertEqual(row["instanceId"], launched[0]["InstanceId"])
        self.assertEqual(sim.report()["sessions"]["live"], 1)

    def test_another_account_or_region(self):
        sim = self.sim("--plain", "--single-subnet", instances=2)
        instance = self.instance(sim)["InstanceId"]
        self.only_row(self.event(sim, LAUNCH, state_change(instance, account="210987654321")), "foreign-account", "account")
        self.only_row(self.event(sim, LAUNCH, state_change("i-0123456789abcdef0", account="210987654321")), "foreign-account", "account")
        self.ignored(sim, LAUNCH, state_change(instance, region="us-gov-west-1"), "another region: us-gov-west-1")
        self.ignored(sim, GUARDDUTY, finding(instance, region="eu-west-1"), "another region: eu-west-1")
        self.only_row(self.event(sim, GUARDDUTY, finding(instance, account="210987654321")), "foreign-account", "account")
        self.assertEqual(self.mutations(sim), {})

    # --- on-guardduty ---

    def member_report(self, sim, account):
        return sim.ask(f"/_sim/report?account={account}")

    def test_a_finding_of_a_member_account(self):
        sim, config, instance = member_world(self)
        for outcome in ("created", "present"):
            row = self.only_row(self.event(sim, GUARDDUTY, finding(instance, account=MEMBER), config=config), outcome)
            self.assertEqual(row["instanceId"], instance)
        self.assertEqual(self.member_report(sim, MEMBER)["sessions"]["live"], 1)
        self.assertEqual(self.member_report(sim, ACCOUNT)["sessions"]["live"], 0)
        self.assertEqual(self.member_report(sim, ACCOUNT)["instances"]["launched"], 0)
        # A launch there is another matter: the role is for findings.
        self.only_row(self.event(sim, LAUNCH, state_change(instance, account=MEMBER), config=config), "foreign-account", "account")

    def test_a_member_account_in_a_plan(self):
        sim, config, instance = member_world(self)
        done = self.event(sim, GUARDDUTY, finding(instance, account=MEMBER), "--dry-run", config=config)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 1}), done.err)
        self.assertEqual(self.member_report(sim, MEMBER)["sessions"]["live"], 0)

    def test_a_member_account_whose_role_is_refused(self):
        sim, config, instance = member_world(self, "--deny-role", MEMBER)
        done = self.event(sim, GUARDDUTY, finding(instance, account=MEMBER), config=config)
        self.assertEqual((done.code, done.json["error"]), (1, "TMFlow.Credentials"), done.err)
        self.assertIn("AccessDenied", done.json["cause"])

    def test_a_role_of_an_account_that_the_finding_is_not_of(self):
        sim, config, instance = member_world(self, role="arn:aws:iam::123456789019:role/member")
        self.only_row(self.event(sim, GUARDDUTY, finding(instance, account=MEMBER), config=config), "foreign-account", "account")

    def test_a_killed_run_goes_on_in_the_member_account(self):
        for call in range(1, 12):
            sim, config, instance = member_world(self, "--fault", "delay:5@1")
            state = f"killed{call}"
            event = self.write("event.json", json.dumps(finding(instance, account=MEMBER)))
            process = self.start("run", GUARDDUTY, "--config", config, "--no-online-check", "--input", event, "-q", sim=sim, state=state)
            sim.ask("/_sim/signal", json.dumps({"at": call, "pid": process.pid, "signal": 9, "when": "after"}).encode())
            process.communicate(timeout=harness.RUN_SECONDS)
            if process.returncode == 0:
                break
            done = self.tmflow("resume", "@latest", "-q", "-o", "json", sim=sim, state=state)
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(sum(done.json["summary"].values()), 1)
            self.assertEqual(self.member_report(sim, MEMBER)["sessions"]["live"], 1)
            self.assertEqual(self.member_report(sim, ACCOUNT)["sessions"]["live"], 0)
            sim.stop()
        self.assertGreater(call, 4)

    def test_a_finding_and_its_repetitions(self):
        sim = self.sim("--plain", "--single-subnet", instances=3)
        instance = self.instance(sim)["InstanceId"]
        first = finding(instance)
        again = finding(instance)
        again["id"] = "c8c4daa7-a20c-2f03-0070-b7393dd59999"
        again["detail"]["service"]["count"] = 37
        self.only_row(self.event(sim, GUARDDUTY, first), "created")
        for event in (first, again):
            self.only_row(self.event(sim, GUARDDUTY, event), "present")
        self.assertEqual(sim.report()["sessions"]["live"], 1)

    def test_tags_and_interfaces_are_described(self):
        """The finding's own are out of date or left out: the tag rule matches by what AWS says now, and the primary interface is mirrored."""
        sim = self.sim("--scenario", "tags", instances=200)
        tagged = [i for i in sim.ask("/_sim/world")["Instances"]
                  if i["State"] == "running" and i["Tags"].get("mirror") == "yes" and len(i["NetworkInterfaces"]) > 1][:2]
        self.assertEqual(len(tagged), 2)
        for instance in tagged:
            interfaces = [{"networkInterfaceId": n["NetworkInterfaceId"], "subnetId": n.get("SubnetId"), "vpcId": instance["VpcId"]}
                          for n in instance["NetworkInterfaces"]]
            told = {"interfaces": interfaces[::-1], "tags": [{"key": "mirror", "value": "yes"}]} if instance is tagged[0] else {}
            done = self.event(sim, GUARDDUTY, finding(instance["InstanceId"], **told))
            row = self.only_row(done, "created") if done.json["summary"].get("created") else self.only_row(done, "ineligible", "type")
            primary = [n["NetworkInterfaceId"] for n in instance["NetworkInterfaces"] if n["DeviceIndex"] == 0]
            self.assertEqual([row["networkInterfaceId"]], primary)

    def test_a_finding_of_a_cluster_counts_by_its_instance(self):
        sim = self.sim("--plain", "--single-subnet", instances=3)
        for index, resource in enumerate(("Container", "EKSCluster", "ECSCluster")):
            instance = self.instance(sim, index)["InstanceId"]
            row = self.only_row(self.event(sim, GUARDDUTY, finding(instance, resource=resource)), "created")
            self.assertEqual(row["instanceId"], instance)

    def test_an_attack_sequence_counts_by_all_its_instances(self):
        sim = self.sim("--plain", "--single-subnet", instances=4)
        ids = [self.instance(sim, i)["InstanceId"] for i in range(3)]
        arn = "arn:aws:ec2:us-east-1:%s:instance/%s"
        event = finding(None, kind="AttackSequence:EC2/CompromisedInstanceGroup", resource="AttackSequence")
        event["detail"]["service"]["detection"] = {"sequence": {"resources": [
            {"uid": arn % (ACCOUNT, ids[0]), "resourceType": "EC2_INSTANCE", "data": {"ec2Instance": {"instanceState": "running"}}},
            {"uid": "arn:aws:autoscaling:us-east-1:1:autoScalingGroup:a:b", "data": {"autoscalingAutoScalingGroup": {
                "ec2InstanceUids": [arn % (ACCOUNT, i) for i in ids] + [arn % ("210987654321", "i-0123456789abcdef0")]}}}]}}
        done = self.event(sim, GUARDDUTY, event)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 3}), done.err + done.out)
        self.assertEqual(sorted(r["instanceId"] for r in self.rows()), sorted(ids))
        self.assertEqual(sim.report()["sessions"]["live"], 3)

    def test_an_attack_sequence_of_which_one_is_gone(self):
        sim = self.sim("--plain", "--single-subnet", instances=2)
        instance, gone = self.instance(sim)["InstanceId"], "i-0123456789abcdef0"
        event = finding(None, kind="AttackSequence:EC2/CompromisedInstanceGroup", resource="AttackSequence")
        event["detail"]["service"]["detection"] = {"sequence": {"resources": [
            {"uid": f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{i}", "resourceType": "EC2_INSTANCE"} for i in (gone, instance)]}}
        done = self.event(sim, GUARDDUTY, event)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 1, "gone": 1}), done.err + done.out)
        self.assertEqual({r["instanceId"]: r["outcome"] for r in self.rows()}, {instance: "created", gone: "gone"})
        self.assertEqual(sim.report()["actions"]["DescribeInstances"]["calls"], 1)

    # --- what fails is tried once more ---

    def sequence(self, ids):
        event = finding(None, kind="AttackSequence:EC2/CompromisedInstanceGroup", resource="AttackSequence")
        event["detail"]["service"]["detection"] = {"sequence": {"resources": [
            {"uid": f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{i}", "resourceType": "EC2_INSTANCE"} for i in ids]}}
        return event

    def test_capacity_comes_back_for_an_event(self):
        for workflow, event in ((LAUNCH, state_change), (GUARDDUTY, finding)):
            sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InsufficientInstanceCapacity:RunInstances@#1", instances=2)
            self.only_row(self.event(sim, self.hurried(workflow), event(self.instance(sim)["InstanceId"])), "created")
            self.assertEqual(sim.report()["actions"]["RunInstances"]["calls"], 2)
            sim.stop()

    def test_what_is_refused_for_an_event_is_asked_for_twice(self):
        sim = self.sim("--plain", "--single-subnet", "--fault", "refuse:InsufficientInstanceCapacity:RunInstances@1", instances=3)
        done = self.event(sim, self.hurried(GUARDDUTY), self.sequence(self.instance(sim, i)["InstanceId"] for i in range(3)))
        self.assertEqual((done.code, done.json["summary"]), (5, {"failed": 3}), done.err)
        self.assertEqual(sim.report()["actions"]["RunInstances"]["calls"], 2)
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", "@latest", "--retry-failed", "-q", "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["summary"]), (0, {"created": 3}), done.err)

    def test_only_what_failed_is_looked_at_again(self):
        """One of three fails, and is terminated or no longer listed when it is tried again: what was said of the others stays."""
        with open(self.hurried(GUARDDUTY), encoding="utf-8") as f:
            workflow = self.write("slower.yaml", f.read().replace("Seconds: 1\n    Assign: {LastRound", "Seconds: 3\n    Assign: {LastRound"))
        for outcome in ("ineligible", "gone"):
            sim = self.sim("--plain", "--single-subnet", "--no-auth", "--fault", "refuse:InvalidParameterValue:CreateTrafficMirrorSession@#2", instances=3)
            ids = {self.instance(sim, i)["NetworkInterfaces"][0]["NetworkInterfaceId"]: self.instance(sim, i)["InstanceId"] for i in range(3)}
            event = self.write("event.json", json.dumps(self.sequence(ids.values())))
            process = self.start("run", workflow, "--config", sim.config, "--no-online-check", "--input", event, "-q", "-o", "json", sim=sim)
            while len(sim.sessions()) < 2:
                self.assertIsNone(process.poll())
            bad = next(i for interface, i in ids.items() if interface not in sim.sessions())
            if outcome == "gone":
                sim.ask("/_sim/answers?operation=DescribeInstances", b"<reservationSet/>")
            else:
                sim.ask(f"/_sim/instances/{bad}/terminate", b"")
            out, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual((process.returncode, json.loads(out)["summary"]), (0, {"created": 2, outcome: 1}), err)
            self.assertEqual({r["instanceId"]: r["outcome"] for r in self.rows()}, {i: outcome if i == bad else "created" for i in ids.values()})
            sim.stop()

    def test_member_accounts_that_are_listed(self):
        sim, config, instance = member_world(self)
        with open(config, "a", encoding="utf-8") as f:
            f.write("  accounts: ['123456789019']\n")
        self.only_row(self.event(sim, GUARDDUTY, finding(instance, account=MEMBER), config=config), "foreign-account", "account")
        with open(config, encoding="utf-8") as f:
            listed = self.write("listed.yaml", f.read().replace("'123456789019'", f"'123456789019', {MEMBER}"))
        self.only_row(self.event(sim, GUARDDUTY, finding(instance, account=int(MEMBER)), config=listed), "created")

    def test_findings_that_do_not_count(self):
        sim = self.sim("--plain", "--single-subnet", instances=1)
        instance = self.instance(sim)["InstanceId"]
        with open(sim.config, "a", encoding="utf-8") as f:
            f.write('guardduty:\n  minSeverity: 4\n  types: ["*:EC2/*", "Recon:EC?/Port"]\n')
        self.ignored(sim, GUARDDUTY, finding(instance, severity=3.9), "severity 3.9", "4")
        self.ignored(sim, GUARDDUTY, finding(instance, kind="Policy:IAMUser/Root"), "Policy:IAMUser/Root")
        self.ignored(sim, GUARDDUTY, finding(instance, resource="AccessKey"), "AccessKey")
        self.ignored(sim, GUARDDUTY, finding(instance, additional={"value": '{"sample":true}'}), "sample")
        self.ignored(sim, GUARDDUTY, finding(instance, additional={"sample": True}), "sample")
        self.ignored(sim, GUARDDUTY, finding(None), "no instance")
        self.assertEqual(sim.report()["requests"], 0)
        self.only_row(self.event(sim, GUARDDUTY, finding(instance, severity=4)), "created")

    # --- the sample application's scenarios, with the configurations of config/ ---

    def scenario(self, name, ids):
        """The example configuration with ids of the simulated account in place of its own."""
        with open(os.path.join(harness.ROOT, "config", name), encoding="utf-8") as f:
            text = f.read()
        for example, real in ids.items():
            self.assertIn(example, text)
            text = text.replace(example, real)
        return self.write("scenario.yaml", text)

    def launch_tagged(self, sim, world, tag):
        """Somebody launches an instance that bears mirror=TAG."""
        reply = sim.query("RunInstances", **{
            "ImageId": world["ImageId"], "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1,
            "SubnetId": world["Subnets"][0]["SubnetId"], "SecurityGroupId.1": world["SecurityGroups"][0],
            "TagSpecification.1.ResourceType": "instance", "TagSpecification.1.Tag.1.Key": "mirror", "TagSpecification.1.Tag.1.Value": tag})
        return reply.findtext("instancesSet/item/instanceId")

    def test_scenario_tag_with_a_given_target(self):
        """Instances that bear the tag, those that exist and those that come, go to the one target; nothing else does."""
        sim = self.sim("--no-auth", instances=300)
        world = sim.ask("/_sim/world")
        config = self.scenario("scenario-tag.yaml", {"tmf-06d57ab5b80cc5dc7": world["Filters"][0], "tmt-0aaaaaaaaaaaaaaaa": world["GivenTargets"][0]})
        done = self.backfill(sim, config=config)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(sim.expected(config)["ok"], sim.expected(config))
        self.only_row(self.event(sim, LAUNCH, state_change(self.launch_tagged(sim, world, "yes")), config=config), "created")
        self.only_row(self.event(sim, LAUNCH, state_change(self.launch_tagged(sim, world, "no")), config=config), "unmatched")
        self.assertTrue(sim.expected(config)["ok"], sim.expected(config))
        self.assertEqual(sim.report()["sessions"]["live"], done.json["summary"]["created"] + 1)

    def test_scenario_guardduty_with_the_subnet_before_the_vpc(self):
        """A finding in the subnet with a rule of its own leads to its target; elsewhere in the VPC to a created one; nothing else is mirrored."""
        sim = self.sim("--plain", "--vpcs", "1", "--subnets-per-vpc", "2", instances=20)
        world = sim.ask("/_sim/world")
        own, other = (s["SubnetId"] for s in world["Subnets"])
        config = self.scenario("scenario-vpc-and-subnet.yaml", {
            "tmf-06d57ab5b80cc5dc7": world["Filters"][0], "tmt-0aaaaaaaaaaaaaaaa": world["GivenTargets"][0], "subnet-0bbbbbbbbbbbbbbbb": own,
            "vpc-0cccccccccccccccc": world["Vpcs"][0], "sg-09b8aa62ffe25a174": world["SecurityGroups"][0]})
        found = {subnet: next(i for i in world["Instances"] if i["SubnetId"] == subnet) for subnet in (own, other)}
        rows = {}
        for subnet, instance in found.items():
            interfaces = [{"networkInterfaceId": n["NetworkInterfaceId"], "subnetId": subnet, "vpcId": world["Vpcs"][0]}
                          for n in instance["NetworkInterfaces"]]
            rows[subnet] = self.only_row(self.event(sim, GUARDDUTY, finding(instance["InstanceId"], interfaces=interfaces), config=config), "created")
        self.assertEqual((rows[own]["rule"], rows[own]["targetId"]), ("subnets[0]", world["GivenTargets"][0]))
        self.assertEqual(rows[other]["rule"], "vpcs[0]")
        self.assertNotIn(rows[other]["targetId"], world["GivenTargets"])
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual((report["sessions"]["live"], report["instances"]["launched"]), (2, 1))


@unittest.skipUnless(os.path.isdir(SAMPLES), "skipped: ../shared/aws/events is not there")
class Samples(harness.Case):
    """Recorded events, as other people's tools send them."""

    wanted = {
        "ec2-state-running.json": "launch", "ec2-state-running.govcloud.json": "launch",
        "guardduty-ec2-instance.json": "guardduty", "guardduty-ec2-instance.again.json": "guardduty",
        "guardduty-ec2-instance.no-interfaces.json": "guardduty", "guardduty-member-account.json": "guardduty",
    }
    events = ("ec2-state-*.json", "guardduty-*.json", "scheduled-event.json")

    def test_every_sample_is_understood(self):
        workflow = self.write("parse.yaml", "StartAt: Parse\nStates:\n  Parse: {Type: Task, Resource: 'tmflow:parse-event', End: true}\n")
        names = sorted(os.path.basename(f) for pattern in self.events for f in glob.glob(os.path.join(SAMPLES, pattern)))
        self.assertGreaterEqual(len(names), 13)
        for name in names:
            done = self.tmflow("run", workflow, "--input", os.path.join(SAMPLES, name), "-q", "-o", "json")
            self.assertEqual(done.code, 0, name + done.err + done.out)
            output = done.json["output"]
            self.assertEqual(output["Kind"], self.wanted.get(name, "ignored"), name + output["Reason"])
            self.assertEqual(output["InstanceIds"], [i["InstanceId"] for i in output["Instances"]])
            self.assertTrue(output["Reason"])

    def test_a_finding_becomes_an_instance(self):
        workflow = self.write("parse.yaml", "StartAt: Parse\nStates:\n  Parse: {Type: Task, Resource: 'tmflow:parse-event', End: true}\n")
        done = self.tmflow("run", workflow, "--input", os.path.join(SAMPLES, "guardduty-ec2-instance.json"), "-q", "-o", "json")
        output = done.json["output"]
        self.assertEqual((output["AccountId"], output["Region"]), (ACCOUNT, "us-east-1"))
        instance = output["Instances"][0]
        self.assertIn({"Key": "Mirror", "Value": "True"}, instance["Tags"])
        self.assertEqual([i["NetworkInterfaceId"] for i in instance["NetworkInterfaces"]], ["eni-0a1b2c3d4e5f60718", "eni-0123456789abcdef0"])
        self.assertEqual(instance["VpcId"], "vpc-0123456789abcdef0")
        self.assertNotIn("SubnetId", instance)  # the two interfaces are in two subnets


@unittest.skipUnless(os.path.isdir(CASES), "skipped: ../shared/cases/mirror/events is not there")
class Cases(harness.Case):
    """Awkward events, each in a world of its instances."""

    wanted = {
        "gd01-instance": {"created": 1}, "gd02-attack-sequence-ec2": {"created": 2}, "gd03-eks-runtime-with-instance": {"created": 1},
        "gd05-malicious-file": {"created": 1}, "gd08-two-interfaces-two-vpcs-ipv6": {"created": 1}, "gd10-lists-null": {"created": 1},
        "gd11-tags-as-object": {"created": 1}, "gd15-member-account-no-role": {"foreign-account": 1}, "st-running": {"created": 1},
    }

    def test_every_case(self):
        names = sorted(os.path.basename(f)[:-len(".json")] for f in glob.glob(os.path.join(CASES, "*.json")))
        self.assertGreaterEqual(len(names), 15)
        for name in names:
            sim = self.sim("--seed", "7", "--plain", instances=20)
            done = self.tmflow("run", LAUNCH if name.startswith("st-") else GUARDDUTY, "--config", os.path.join(CASES, "config.yaml"), "--input",
                               os.path.join(CASES, name + ".json"), "-q", "-o", "json", sim=sim, state=name)
            self.assertEqual((done.code, {k: n for k, n in done.json["summary"].items() if n > 0}), (0, self.wanted.get(name, {})), name + done.err)
            if name not in self.wanted:
                self.assertEqual(done.json["output"]["Kind"], "ignored", name)
            sim.stop()


if __name__ == "__main__":
    harness.main()
