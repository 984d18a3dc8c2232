#!/usr/bin/env python3
"""`tmflow coverage`: each interface in one class, as a run would find it; changes nothing."""
import collections
import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import harness

EVERYTHING, ALSO_EVERYTHING, WEB, NOTHING = range(4)
CLASSES = ["mirrored", "shadowed", "dead", "missing", "excluded", "ineligible", "unmatched", "foreign"]
WANTED = CLASSES[:4]

# What a plan records, and the classes that this can be. A run leaves alone what a rule's own target does with packets,
# and what differs in number, VXLAN id or length only.
AGREES = {
    "created": {"missing", "dead"}, "present": {"mirrored", "dead"}, "updated": {"missing", "dead", "mirrored"}, "shadowed": {"shadowed"},
    "unmatched": {"unmatched", "foreign"}, "excluded": {"excluded"}, "ineligible": {"ineligible"}, "conflict": {"missing"}, "failed": {"missing"},
}


class Coverage(harness.Case):
    def coverage(self, sim, *args, config=None, code=0, **named):
        done = self.tmflow("coverage", "--config", config or sim.config, "-o", "json", *args, sim=sim, **named)
        self.assertEqual(done.code, code, done.err + done.out)
        document = done.json
        self.adds_up(document)
        return document

    def lines(self, sim, *args, config=None):
        done = self.tmflow("coverage", "--config", config or sim.config, "-o", "jsonl", *args, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        return [json.loads(line) for line in done.out.splitlines()]

    def share(self, counted):
        wanted = sum(counted["classes"][c] for c in WANTED)
        return counted["classes"]["mirrored"] / wanted if wanted else None

    def adds_up(self, document):
        for counted in (document, *document["groups"]):
            self.assertEqual(list(counted["classes"]), CLASSES)
            self.assertEqual(sum(counted["classes"].values()), counted["interfaces"])
            self.assertEqual(counted["coverage"], self.share(counted))
            for class_, reasons in counted["reasons"].items():
                self.assertLessEqual(sum(reasons.values()), counted["classes"][class_])
        self.assertEqual(sum(g["interfaces"] for g in document["groups"]), document["interfaces"])
        for class_ in ("shadowed", "dead", "missing"):
            gaps = [g for g in document["gaps"] if g["class"] == class_]
            self.assertEqual(sum(g["interfaces"] for g in gaps), document["classes"][class_])
            self.assertTrue(all(g["remedy"] and g["reason"] for g in gaps))
        self.assertEqual(document["cost"]["sessions"], sum(document["classes"][c] for c in ("mirrored", "shadowed", "dead")))

    def world(self, *options, instances=12, filter_=EVERYTHING, extra=""):
        sim = self.sim("--no-auth", "--plain", "--vpcs", "1", *options, instances=instances)
        world = sim.ask("/_sim/world")
        config = self.write("rule.yaml", "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n%s"
                            % (world["Vpcs"][0], world["Filters"][filter_], world["GivenTargets"][0], extra))
        return sim, world, config, [i["NetworkInterfaces"][0]["NetworkInterfaceId"] for i in world["Instances"]]

    def session(self, sim, world, interface, number, filter_=ALSO_EVERYTHING, target=1):
        sim.query("CreateTrafficMirrorSession", NetworkInterfaceId=interface, TrafficMirrorTargetId=world["GivenTargets"][target],
                  TrafficMirrorFilterId=world["Filters"][filter_], SessionNumber=number)

    def classes(self, document):
        return {name: n for name, n in document["classes"].items() if n}

    # --- agreement with runs ---

    def agree(self, sim, *args):
        plan = self.backfill(sim, "--dry-run", *args)
        done = self.tmflow("show", plan.json["runId"], "--outcomes", "-o", "jsonl")
        found = {line["networkInterfaceId"]: line for line in self.lines(sim)}
        seen = collections.Counter()
        for row in map(json.loads, done.out.splitlines()):
            if "networkInterfaceId" not in row or row["outcome"] in ("unwanted", "removed"):
                continue
            line = found[row["networkInterfaceId"]]
            self.assertIn(line["class"], AGREES[row["outcome"]], (row, line))
            if row["outcome"] in ("excluded", "ineligible", "conflict"):
                self.assertEqual(line["reason"], row["reason"], (row, line))
            for key in ("vpcId", "subnetId", "availabilityZone", "instanceType", "name"):
                self.assertEqual(line.get(key), row.get(key), (key, row, line))
            seen[line["class"]] += 1
        for interface, line in found.items():
            self.assertTrue(line["class"] in ("unmatched", "foreign", "ineligible", "excluded", "missing") or line["class"] in seen, line)
        return seen

    def test_as_the_next_run(self):
        """A spread of worlds, before a run and after it, and after what an operator does to it."""
        seen = collections.Counter()
        for seed, options in enumerate((("--scenario", "all"), ("--scenario", "tags", "--foreign-share", "0.3"),
                                        ("--foreign-share", "0.5", "--unmirrorable-share", "0.2"), ("--members", "3"),
                                        ("--scenario", "created", "--vpcs", "2"))):
            sim = self.sim(*options, instances=160, seed=seed + 1)
            seen += self.agree(sim)
            self.backfill(sim)
            for instance in [i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"] if i["State"] == "running"][:40:5]:
                sim.ask(f"/_sim/instances/{instance}/stop", {})
            launched = [line["instanceId"] for line in self.lines(sim) if line.get("reason") == "target-instance"]
            for instance in launched[:1]:
                sim.ask(f"/_sim/instances/{instance}/stop", {})
            seen += self.agree(sim)
            before = {a: row["calls"] for a, row in sim.report()["actions"].items() if not a.startswith("Describe")}
            self.coverage(sim)
            self.assertEqual(before, {a: row["calls"] for a, row in sim.report()["actions"].items() if not a.startswith("Describe")})
            sim.stop()
        self.assertLessEqual({"mirrored", "shadowed", "dead", "missing", "excluded", "ineligible", "unmatched", "foreign"}, set(seen))

    def test_several_rules_on_one_interface(self):
        sim, world, _, interfaces = self.world()
        rules = "".join("  - {name: r%d, vpcId: %s, filterId: %s, targetId: %s}\n" % (n, world["Vpcs"][0], world["Filters"][n], world["GivenTargets"][n])
                        for n in range(2))
        config = self.write("all.yaml", "matching: all\nvpcs:\n" + rules)
        self.assertEqual(self.classes(self.coverage(sim, config=config)), {"missing": 12})
        self.session(sim, world, interfaces[0], 7, EVERYTHING, 0)
        self.assertEqual(self.classes(self.coverage(sim, config=config)), {"missing": 12})
        self.session(sim, world, interfaces[0], 9, ALSO_EVERYTHING, 1)
        # What one of the rules counts on is not somebody else's.
        self.assertEqual(self.classes(self.coverage(sim, config=config)), {"missing": 11, "mirrored": 1})
        self.backfill(sim, config=config)
        run = self.tmflow("coverage", "--run", "@latest", "-o", "json").json
        self.assertEqual(run["interfaces"], 12)

    # --- each class, and a world without it ---

    def test_what_it_costs_and_how_long_the_rest_takes(self):
        sim, world, config, interfaces = self.world()
        for number in range(3):
            self.session(sim, world, interfaces[number], 7, EVERYTHING, 0)
        text = self.tmflow("coverage", "--config", config, "--price", "0.02", sim=sim).out
        self.assertRegex(text, r"(?m)^3 sessions: 0\.06 USD an hour, 43\.80 a month; prices of --price; traffic between zones and through load balancers costs extra$")
        self.assertRegex(text, r"(?m)^9 creates: 0 s at 5 a second$")
        self.assertEqual(self.tmflow("coverage", "--config", config, "--price", "cheap", sim=sim).code, 2)
        self.backfill(sim, config=config)
        cost = self.tmflow("coverage", "--run", "@latest", "--price", "0.02", "-o", "json").json["cost"]
        self.assertEqual((cost["sessions"], cost["perHour"]), (12, 0.24))

    def test_missing_then_mirrored(self):
        sim, world, config, interfaces = self.world()
        document = self.coverage(sim, config=config)
        self.assertEqual((self.classes(document), document["coverage"]), ({"missing": 12}, 0))
        self.backfill(sim, config=config)
        document = self.coverage(sim, config=config)
        self.assertEqual((self.classes(document), document["coverage"], document["gaps"]), ({"mirrored": 12}, 1, []))

    def test_shadowed(self):
        sim, world, config, interfaces = self.world()
        self.session(sim, world, interfaces[0], 1)
        self.session(sim, world, interfaces[1], 1, WEB)
        self.backfill(sim, config=config)
        document = self.coverage(sim, config=config)
        self.assertEqual((self.classes(document), document["reasons"]), ({"mirrored": 11, "shadowed": 1}, {"shadowed": {"lower-session": 1}}))
        self.assertEqual(self.tmflow("coverage", "--run", "@latest", "-o", "json").json["classes"], document["classes"])

    def test_shadowed_is_not_judged_where_filters_are_denied(self):
        sim, world, config, interfaces = self.world()
        self.session(sim, world, interfaces[0], 1)
        self.backfill(sim, config=config)
        sim.ask("/_sim/faults", {"faults": ["refuse:UnauthorizedOperation:DescribeTrafficMirrorFilters@1"]})
        done = self.tmflow("coverage", "--config", config, "-o", "json", sim=sim)
        self.assertEqual((done.code, self.classes(done.json)), (0, {"mirrored": 12}), done.err)
        self.assertEqual(done.err.count("filters.unknown"), 1)

    def test_dead_by_filter(self):
        sim, world, config, interfaces = self.world(filter_=NOTHING)
        self.backfill(sim, config=config)
        document = self.coverage(sim, config=config)
        self.assertEqual((self.classes(document), document["reasons"]["dead"]), ({"dead": 12}, {"filter-empty": 12}))

    def test_dead_by_a_stopped_sensor(self):
        """One that tmflow launched, and one that somebody else's target is."""
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=6)
        self.backfill(sim)
        self.assertEqual(self.classes(self.coverage(sim)), {"mirrored": 6, "excluded": 1})
        sensor = next(line for line in self.lines(sim) if line["class"] == "excluded")
        sim.ask(f"/_sim/instances/{sensor['instanceId']}/stop", {})
        document = self.coverage(sim)
        self.assertEqual((self.classes(document), document["reasons"]["dead"]), ({"dead": 6, "excluded": 1}, {"target-instance": 6}))

        sim, world, config, interfaces = self.world()
        reply = sim.query("CreateTrafficMirrorTarget", NetworkInterfaceId=interfaces[0])
        target = reply.findtext(".//trafficMirrorTargetId")
        config = self.write("own.yaml", "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n" % (world["Vpcs"][0], world["Filters"][0], target))
        self.backfill(sim, config=config)
        self.assertEqual(self.coverage(sim, config=config)["classes"]["dead"], 0)
        sim.ask(f"/_sim/instances/{world['Instances'][0]['InstanceId']}/stop", {})
        document = self.coverage(sim, config=config)
        self.assertEqual(document["classes"]["dead"], sum(1 for s in sim.every_session() if s["trafficMirrorTargetId"] == target))
        self.assertGreater(document["classes"]["dead"], 5)

    def test_dead_behind_a_load_balancer_without_healthy_members(self):
        def members(*states):
            items = "".join(f"<member><Target><Id>{i}</Id><Port>4789</Port></Target><TargetHealth><State>{s}</State></TargetHealth></member>" for s, i in states)
            return f"<DescribeTargetHealthResult><TargetHealthDescriptions>{items}</TargetHealthDescriptions></DescribeTargetHealthResult>"

        sim, world, config, interfaces = self.world("--members", "1")
        self.backfill(sim, config=config)
        before = self.classes(self.coverage(sim, config=config))
        self.assertEqual(set(before), {"mirrored", "excluded"})
        member = world["Instances"][0]["InstanceId"]
        for states in (["unhealthy"], ["draining", "unhealthy"], ["unused"], []):
            sim.answer("DescribeTargetHealth", members(*[(s, member) for s in states]))
            document = self.coverage(sim, config=config)
            self.assertNotIn("mirrored", self.classes(document), states)
            self.assertEqual(document["reasons"]["dead"], {"no-healthy-member": document["classes"]["dead"]})
            self.assertGreater(document["classes"]["dead"], 5)
        # One that is healthy, or whose health is not known, is enough; and so is a lookup that is denied.
        for states in (["unhealthy", "healthy"], ["initial"], ["unavailable"]):
            sim.answer("DescribeTargetHealth", members(*[(s, member) for s in states]))
            self.assertEqual(self.coverage(sim, config=config)["classes"]["dead"], 0, states)
        sim.answer("DescribeTargetHealth", members(("unhealthy", member)))
        for operation in ("DescribeTargetHealth", "DescribeTargetGroups"):
            sim.ask("/_sim/faults", {"faults": [f"refuse:AccessDenied:{operation}@1"]})
            self.assertEqual(self.coverage(sim, config=config)["classes"]["dead"], 0, operation)

    def test_drifted(self):
        """Another target than the rule's is a gap; another VXLAN id is not."""
        sim, world, config, interfaces = self.world()
        self.backfill(sim, config=config)
        with open(config, encoding="utf-8") as f:
            text = f.read()
        moved = self.write("rule.json", json.dumps({"name": "rule", "vpcs": [{"vpcId": world["Vpcs"][0], "filterId": world["Filters"][0],
                                                                           "targetId": world["GivenTargets"][1]}]}))
        document = self.coverage(sim, config=moved)
        self.assertEqual((self.classes(document), document["reasons"]["missing"]), ({"missing": 12}, {"drifted": 12}))
        self.write("rule.yaml", text.replace("{vpcId", "{virtualNetworkId: 77, vpcId"))
        document = self.coverage(sim, config=config)
        self.assertEqual((self.classes(document), document["reasons"]["mirrored"], document["coverage"]), ({"mirrored": 12}, {"drifted": 12}, 1))

    def test_excluded(self):
        sim, world, config, interfaces = self.world(extra="exclude: {instanceIds: [@]}\n")
        with open(config, encoding="utf-8") as f:
            text = f.read().replace("@", world["Instances"][3]["InstanceId"])
        document = self.coverage(sim, config=self.write("rule.yaml", text))
        self.assertEqual((self.classes(document), document["reasons"]["excluded"]), ({"missing": 11, "excluded": 1}, {"configured": 1}))

    def test_ineligible_unmatched_foreign(self):
        sim, world, config, interfaces = self.world("--unmirrorable-share", "0.5", instances=40)
        self.assertGreater(self.coverage(sim, config=config)["reasons"]["ineligible"]["type"], 5)
        sim, world, config, interfaces = self.world()
        other = self.write("other.yaml", "tags:\n  - {tagList: [{Key: no, Value: body}], filterId: %s, targetId: %s}\n"
                           % (world["Filters"][0], world["GivenTargets"][0]))
        document = self.coverage(sim, config=other)
        self.assertEqual((self.classes(document), document["coverage"]), ({"unmatched": 12}, None))
        self.session(sim, world, interfaces[0], 5)
        self.assertEqual(self.classes(self.coverage(sim, "--min", "100", config=other)), {"unmatched": 11, "foreign": 1})
        # A session of ours that no rule wants is not somebody else's.
        self.backfill(sim, config=config)
        named = self.write("named.json", json.dumps({"name": "rule", "tags": [{"tagList": [{"Key": "no", "Value": "body"}],
                                                                               "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]}]}))
        document = self.coverage(sim, config=named)
        self.assertEqual((self.classes(document), document["reasons"]["unmatched"]), ({"unmatched": 12}, {"unwanted-session": 12}))

    def test_conflict_and_limit(self):
        sim, world, config, interfaces = self.world()
        with open(config, encoding="utf-8") as f:
            config = self.write("rule.yaml", f.read().replace("{vpcId", "{sessionNumber: 5, vpcId"))
        self.session(sim, world, interfaces[0], 5)
        for number in (1, 2, 3):
            self.session(sim, world, interfaces[1], number, (EVERYTHING, ALSO_EVERYTHING, WEB)[number - 1])
        reasons = self.coverage(sim, config=config)["reasons"]
        self.assertEqual((reasons["missing"], reasons["ineligible"]), ({"no-session": 10, "session-number": 1}, {"session-limit": 1}))

    # --- awkward accounts ---

    def test_an_interface_without_an_id(self):
        sim = self.sim("--no-auth", instances=10)
        sim.change("DescribeInstances", r"<networkInterfaceId>[^<]*</networkInterfaceId>", "", count=0)
        done = self.tmflow("coverage", "--config", sim.config, "-o", "json", sim=sim)
        self.assertEqual((done.code, done.json["interfaces"], done.json["coverage"]), (1, 0, None), done.err)
        self.assertEqual(done.json["failed"][0]["error"], "TMFlow.InvalidReply")
        self.assertRegex(done.json["failed"][0]["cause"], "an interface of i-[0-9a-f]+ has no NetworkInterfaceId")

    def test_numbers_add_up_whatever_happens(self):
        """Throttling, empty pages, tokens that end, replies that are lost: every interface is counted once."""
        sim = self.sim("--empty-pages", "0.3", instances=1500)
        quiet = self.coverage(sim, "--by", "type")
        self.assertEqual(quiet["interfaces"], sum(len(i["NetworkInterfaces"]) for i in sim.ask("/_sim/world")["Instances"]))
        sim.ask("/_sim/faults", {"faults": ["throttle@0.2", "500@0.05", "refuse:InvalidNextToken:DescribeInstances@#4", "truncate@0.05"]})
        self.assertEqual(self.coverage(sim, "--by", "type"), quiet)
        sim.ask("/_sim/reset-counters", {})
        lines = self.lines(sim)
        self.assertEqual(len(lines), quiet["interfaces"])
        self.assertEqual(len({line["networkInterfaceId"] for line in lines}), len(lines))

    def interfaces(self, sim):
        return {n["NetworkInterfaceId"] for i in sim.ask("/_sim/world")["Instances"] for n in i["NetworkInterfaces"]}

    def changed_at(self, at, sim, config, form, change):
        """coverage -o form, which stands still after a request (counted from 1) while the world changes. Its output, and whether it stood."""
        sim.ask("/_sim/reset-counters", {})
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:     # a pipe would be full where it ends before that request
            process = self.start("coverage", "--config", config, "-o", form, sim=sim, stdout=out)
            sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGSTOP, "when": "after"})
            stood = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code == os.CLD_STOPPED
            change()
            process.send_signal(signal.SIGCONT)
            _, err = process.communicate(timeout=harness.RUN_SECONDS)
            self.assertEqual(process.returncode, 0, err)
            out.seek(0)
            return out.read(), stood

    def test_numbers_add_up_while_instances_come_and_go(self):
        """Whatever stays is counted once, and what comes or goes at most once, wherever in the listing the world changes."""
        sim, world, config, _ = self.world(instances=2500)
        self.coverage(sim, config=config)
        requests = sum(row["calls"] for row in sim.report()["actions"].values())
        left = [i["InstanceId"] for i in world["Instances"] if i["State"] == "running"]
        subnet = world["Instances"][0]["SubnetId"]
        self.assertGreater(requests, 4)

        def change():
            """Instances of the first, a middle and the last page go, others come, and so does a session."""
            for place in (0, len(left) // 2, len(left) - 3):
                sim.ask(f"/_sim/instances/{left.pop(place)}/terminate", {})
            sim.query("RunInstances", MinCount=5, MaxCount=5, ImageId="ami-0123456789abcdef0", InstanceType="m5.large", SubnetId=subnet)
            self.session(sim, world, next(mirrored), 1)

        stays = set(left[200:400])
        mirrored = iter([i["NetworkInterfaces"][0]["NetworkInterfaceId"] for i in world["Instances"] if i["InstanceId"] in stays])
        stops = 0
        for at in range(1, requests + 1):
            form = ("jsonl", "json")[at % 2]
            before = self.interfaces(sim)
            out, stood = self.changed_at(at, sim, config, form, change)
            stops += stood
            after = self.interfaces(sim)
            self.assertEqual((len(before - after), len(after - before)), (3, 5))
            if form == "json":
                self.adds_up(json.loads(out))
                self.assertTrue(len(before & after) <= json.loads(out)["interfaces"] <= len(before | after), (at, json.loads(out)["interfaces"]))
                continue
            counted = [json.loads(line)["networkInterfaceId"] for line in out.splitlines()]
            self.assertEqual(len(set(counted)), len(counted), at)
            self.assertEqual((before & after) - set(counted), set(), at)
            self.assertEqual(set(counted) - (before | after), set(), at)
        self.assertGreater(stops, requests // 2)

    def test_accounts_and_regions(self):
        sim = self.sim("--accounts", "3", "--regions", "us-east-1,eu-west-1", "--deny-role", "123456789014/mirror-eu-west-1", instances=60)
        args = ("--region", "us-east-1,eu-west-1", "--account", "123456789012,123456789013,123456789014", "--assume-role",
                "arn:aws:iam::{account}:role/mirror-{region}", "--by", "account,region")
        document = self.coverage(sim, *args, code=1)
        self.assertEqual([(f["account"], f["region"], f["error"]) for f in document["failed"]], [("123456789014", "eu-west-1", "TMFlow.Credentials")])
        self.assertEqual([tuple(g["by"].values()) for g in document["groups"]],
                         [(a, r) for a in ("123456789012", "123456789013", "123456789014") for r in ("eu-west-1", "us-east-1")][:4] + [("123456789014", "us-east-1")])
        for group in document["groups"]:
            world = sim.ask("/_sim/world?account=%s&region=%s" % tuple(group["by"].values()))
            self.assertEqual(group["interfaces"], sum(len(i["NetworkInterfaces"]) for i in world["Instances"]), group["by"])

    # --- forms ---

    def test_a_run_is_enough(self):
        sim = self.sim(instances=200)
        done = self.backfill(sim)
        document = self.tmflow("coverage", "--run", done.json["runId"], "--by", "vpc,subnet,zone,type,rule,tag:Name", "-o", "json").json
        self.adds_up(document)
        self.assertEqual(document["classes"]["mirrored"], done.json["summary"]["created"])
        self.assertEqual(document["interfaces"] + document["instancesWithoutInterface"], sum(done.json["summary"].values()))
        mirrored = [g for g in document["groups"] if g["classes"]["mirrored"]]
        for key in ("vpc", "subnet", "zone", "type", "rule", "tag:Name"):
            self.assertTrue(all(g["by"][key] for g in mirrored), key)
        plan = self.backfill(self.sim(instances=200, seed=2), "--dry-run", state="other").json
        document = self.tmflow("coverage", "--run", plan["runId"], "-o", "json", state="other").json
        self.assertEqual((document["classes"]["missing"], document["coverage"]), (plan["summary"]["created"], 0))
        for args in (("--run", done.json["runId"], "--by", "tag:team"), ("--run", done.json["runId"], "--region", "x")):
            self.assertEqual(self.tmflow("coverage", *args).code, 2)

    def test_a_run_whose_texts_are_not_utf8(self):
        """A store is a file that others may have written."""
        sim = self.sim(instances=20)
        run = self.backfill(sim, "--run-id", "r").json["runId"]
        path = os.path.join(self.dir, "state", "tmflow.db")
        for table, column in [("outcomes", c) for c in ("instance", "interface", "rule", "reason", "target", "session", "error", "cause", "request", "slot")] \
                + [("instances", c) for c in ("type", "vpc", "subnet", "zone", "name")]:
            with self.subTest(column=column):
                shutil.copy(path, path + ".before")
                with contextlib.closing(sqlite3.connect(path)) as db, db:
                    db.execute(f"UPDATE {table} SET kind = 9, error = 'E' WHERE instance IN (SELECT min(instance) FROM outcomes)" if table == "outcomes" else "SELECT 1")
                    db.execute(f"UPDATE {table} SET {column} = CAST(x'78ff' || CAST(rowid_of AS BLOB) AS TEXT) FROM"
                               f" (SELECT instance AS i, interface AS f, row_number() OVER () AS rowid_of FROM {table}) WHERE instance = i AND interface = f")
                self.adds_up(self.tmflow("coverage", "--run", run, "--by", "vpc,subnet,zone,type,rule,tag:Name", "-o", "json").json)
                for words in (("show", run, "-o", "json"), ("show", run, "-o", "html"), ("show", run), ("show", run, "-o", "jsonl")):
                    done = self.tmflow(*words)
                    self.assertEqual(done.code, 0, done.err)
                shutil.copy(path + ".before", path)

    def test_min(self):
        sim, world, config, interfaces = self.world()
        self.assertEqual(self.coverage(sim, "--min", "0", config=config)["coverage"], 0)
        self.coverage(sim, "--min", "0.1", config=config, code=7)
        self.backfill(sim, config=config)
        self.coverage(sim, "--min", "100", config=config)
        for wrong in ("x", "-1", "101", "nan", ""):
            self.assertEqual(self.tmflow("coverage", "--config", config, "--min", wrong, sim=sim).code, 2, wrong)

    def test_by(self):
        sim = self.sim(instances=200)
        whole = self.coverage(sim, "--by", "tag:team,zone")
        for group in whole["groups"]:
            self.assertEqual(list(group["by"]), ["tag:team", "zone"])
        lines = self.lines(sim)
        by_rule = {g["by"]["rule"]: g["interfaces"] for g in self.coverage(sim, "--by", "rule")["groups"]}
        self.assertEqual(by_rule, collections.Counter(line.get("rule") for line in lines))
        for wrong in ("", "vpc,vpc", "colour", "tag:", "vpc,", ",".join("tag:%d" % n for n in range(9))):
            self.assertEqual(self.tmflow("coverage", "--config", sim.config, "--by", wrong, sim=sim).code, 2, wrong)

    def test_forms_say_the_same(self):
        sim = self.sim(instances=100)
        self.backfill(sim)
        document = self.coverage(sim)
        lines = self.lines(sim)
        self.assertEqual(collections.Counter(line["class"] for line in lines), collections.Counter(self.classes(document)))
        rows = list(csv.DictReader(io.StringIO(self.tmflow("coverage", "--config", sim.config, "-o", "csv", sim=sim).out, newline="")))
        self.assertEqual([{k: v for k, v in row.items() if v} for row in rows], lines)
        groups = list(csv.DictReader(io.StringIO(self.tmflow("coverage", "--config", sim.config, "-o", "csv", "--by", "vpc", sim=sim).out, newline="")))
        self.assertEqual([(g["vpc"] or None, int(g["interfaces"])) for g in groups], [(g["by"]["vpc"], g["interfaces"]) for g in document["groups"]])
        text = self.tmflow("coverage", "--config", sim.config, sim=sim)
        self.assertRegex(text.out, r"Coverage +100\.0 %%: %d of %d wanted" % (document["classes"]["mirrored"], document["classes"]["mirrored"]))

    # --- the page ---

    def page(self, sim, *args, config=None):
        done = self.tmflow("coverage", "--config", config or sim.config, "-o", "html", *args, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        return done.out

    def test_the_page_has_the_numbers_of_json(self):
        sim = self.sim(instances=150)
        self.backfill(sim)
        document = self.coverage(sim, "--by", "account,region,vpc,subnet")
        page = self.page(sim)
        data = json.loads(re.search(r'<script type="application/json" id="coverage">(.*?)</script>', page, re.S)[1])
        self.assertGreater(data.pop("readMs"), 1700000000000)
        self.assertEqual(data, document)
        self.assertIn("default-src 'none'", page)
        self.assertIsNone(re.search(r"""(src|href)\s*=\s*["']?(https?:)?//|@import|url\(""", page))
        self.assertEqual(self.tmflow("coverage", "--config", sim.config, "-o", "html", "--by", "vpc", sim=sim).code, 2)
        self.assertIn('id="coverage"', self.tmflow("coverage", "--run", "@latest", "-o", "html").out)

    def test_the_page_draws_itself(self):
        """In a browser, where there is one: without an error, and with text from outside as text."""
        browser = shutil.which("chromium")
        if browser is None:
            self.skipTest("chromium is not installed")
        sim, world, config, interfaces = self.world()
        self.backfill(sim, config=config)
        # A reason is a text of the store; the error of a denied place is AWS's.
        page = self.page(sim, config=config).replace('"reasons":{}', '"reasons":{"mirrored":{"\\u003cimg src=x onerror=document.title=1>":12}}')
        path = self.write("page.html", page)
        dom = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--user-data-dir=" + os.path.abspath(os.path.join(self.dir, "browser")),
                              "file://" + os.path.abspath(path)], capture_output=True, text=True, timeout=120).stdout
        shutil.rmtree(os.path.join(self.dir, "browser"), ignore_errors=True)
        self.assertIn('data-ready="yes"', dom)
        self.assertIn("100.0 % of the interfaces", dom)
        self.assertIn("&lt;img src=x", dom)
        self.assertNotIn("<img", dom)
        for place in (world["Vpcs"][0], "us-east-1", "123456789012"):
            self.assertIn(place, dom)

    def test_formulas_in_names_stay_text(self):
        sim, world, config, interfaces = self.world()
        sim.query("CreateTags", **{"ResourceId.1": world["Instances"][0]["InstanceId"], "Tag.1.Key": "Name", "Tag.1.Value": '=cmd|" /C calc"!A0,1'})
        text = self.tmflow("coverage", "--config", config, "-o", "csv", sim=sim).out
        self.assertIn('"\'=cmd|"" /C calc""!A0,1"', text)

    def test_other_commands_have_no_csv(self):
        done = self.tmflow("runs", "-o", "csv")
        self.assertEqual(done.code, 2)
        self.assertRegex(done.err, "text, json(,| or) jsonl, not")


if __name__ == "__main__":
    harness.main()
