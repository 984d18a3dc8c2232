#!/usr/bin/env python3
"""`run --dry-run` changes nothing and says exactly what the next run does, in several worlds; --detailed-exitcode tells whether that is something."""
import json
import os
import signal
import urllib.parse
import urllib.request

import harness

WORLDS = 24
LIMIT = 10  # sources of an interface target on a small instance
LOOKS = ("Describe", "Get")
LUA_HALF = "return {eligible = function(i) return i.InstanceId:byte(-1) % 2 == 0, 'half' end}"


class Plan(harness.Case):
    def rows(self, run):
        done = self.tmflow("show", run, "--outcomes", "-o", "jsonl")
        return {(r["instanceId"], r.get("networkInterfaceId")): r for r in map(json.loads, done.out.splitlines())}

    def mutating(self, sim):
        return {name: row["calls"] for name, row in sim.report()["actions"].items() if not name.startswith(LOOKS)}

    def plan(self, sim, code, *args, config=None):
        before = sim.report()
        done = self.backfill(sim, "--dry-run", "--detailed-exitcode", *args, config=config)
        self.assertEqual(done.code, code, done.err + done.out[:2000])
        after = sim.report()
        for key in ("sessions", "instances"):
            self.assertEqual(after[key], before[key])
        return done.json

    def check(self, sim, *args, config=None, code=6, run_code=0):
        """Plans, runs, compares, and plans again: nothing is left to do."""
        sim.ask("/_sim/reset-counters", b"")
        plan = self.plan(sim, code, *args, config=config)
        self.assertEqual(self.mutating(sim), {})
        self.assertIs(plan["dryRun"], True)
        planned = self.rows(plan["runId"])
        launched = sim.report()["instances"]["launched"]
        run = self.backfill(sim, *args, config=config)
        self.assertEqual(run.code, run_code, run.err)
        self.assertNotIn("dryRun", run.json)
        done = self.rows(run.json["runId"])
        # Instances that the run launches may turn up in its own listing; they are no part of the fleet.
        self.assertEqual(plan["summary"], run.json["summary"])
        self.assertEqual(set(planned), set(done))
        for key, row in done.items():
            other = planned[key]
            self.assertEqual(other["outcome"], row["outcome"])
            self.assertEqual(other.get("rule"), row.get("rule"))
            if row["outcome"] in ("created", "updated"):
                self.assertEqual(other["reason"], "planned")
                self.assertEqual(other.get("sessionId"), row["sessionId"] if row["outcome"] == "updated" else None)
                if not other["targetId"].startswith("new:"):
                    self.assertEqual(other["targetId"], row["targetId"])
            else:
                self.assertEqual(other.get("reason"), row.get("reason"))
        targets = [item for item in plan["plan"] if item.get("resource") == "traffic-mirror-target"]
        created = plan["summary"].get("created", 0)
        self.assertEqual(plan.get("cost", {}).get("sessions", 0), created)
        if created > 0:
            self.assertEqual(plan["cost"]["instances"], len(targets))
            self.assertAlmostEqual(plan["cost"]["perMonth"], 730 * plan["cost"]["perHour"])
            self.assertEqual(plan["cost"]["seconds"], max(0, created - 50) / 5)
        self.assertEqual(len(targets), sim.report()["instances"]["launched"] - launched)
        self.compare_lists(plan["plan"], planned)
        return plan

    def compare_lists(self, items, rows):
        listed = {}
        for item in items:
            if "instanceId" in item:
                listed[(item["instanceId"], item.get("networkInterfaceId"))] = item
        self.assertEqual(set(listed), set(rows))
        for key, item in listed.items():
            self.assertEqual(item["action"], {"created": "create", "updated": "modify"}.get(rows[key]["outcome"], "leave"))

    def stranger(self, sim, interface, target, filter_id, number):
        body = urllib.parse.urlencode({"Action": "CreateTrafficMirrorSession", "Version": "2016-11-15", "NetworkInterfaceId": interface,
                                       "TrafficMirrorTargetId": target, "TrafficMirrorFilterId": filter_id, "SessionNumber": number})
        with urllib.request.urlopen(urllib.request.Request(sim.url + "/", data=body.encode()), timeout=60) as reply:
            self.assertEqual(reply.status, 200)

    def test_awkward_fleet_then_nothing(self):
        sim = self.sim("--empty-pages", "0.2", instances=700)
        plan = self.check(sim)
        self.assertIn("type", {item.get("reason") for item in plan["plan"]})
        again = self.plan(sim, 0)
        self.assertEqual({item["action"] for item in again["plan"]}, {"leave"})

    def test_targets_are_counted_by_their_limit(self):
        sim = self.sim("--single-subnet", "--plain", instances=64)
        plan = self.check(sim)
        targets = [item for item in plan["plan"] if item.get("resource") == "traffic-mirror-target"]
        self.assertEqual([t["generation"] for t in targets], list(range(1, -(-64 // LIMIT) + 1)))
        self.assertEqual(sum(t["sources"] for t in targets), 64)

    def test_many_worlds(self):
        """Whatever types, subnets and rules there are: what is planned is done, no target stands idle, and then nothing is left to do."""
        for seed in range(WORLDS):
            with self.subTest(seed=seed):
                sim = self.sim("--vpcs", str(1 + seed % 4), "--small-vpc-instances", str(20 + 7 * seed % 60), "--unmirrorable-share", str(seed % 5 / 5),
                               "--scenario", ("all", "created")[seed % 2], instances=60 + 13 * seed % 90, seed=100 + seed)
                self.check(sim, code=6 if self.backfill(sim, "--dry-run", state=f"probe-{seed}").json["summary"].get("created") else 0)
                self.assertTrue(sim.report()["ok"], sim.report()["reasons"])
                self.assertEqual(self.backfill(sim, "--dry-run", "--detailed-exitcode").code, 0)
                sim.stop()

    def test_types_that_are_not_mirrored_launch_nothing(self):
        """Neither one that AWS names as such, nor, where it is the only one, one that is on no list: AWS is asked about that, but not by launching."""
        for share, launched in (("1.0", 0), ("0.9", None)):
            sim = self.sim("--single-subnet", "--unmirrorable-share", share, instances=30, seed=3)
            plan = self.backfill(sim, "--dry-run", "--detailed-exitcode")
            done = self.backfill(sim)
            self.assertEqual(plan.json["summary"], done.json["summary"])
            self.assertEqual(plan.code, 6 if done.json["summary"].get("created") else 0)
            if launched is not None:
                self.assertNotIn("created", done.json["summary"])
                self.assertEqual(sim.report()["instances"]["launchedBehindTarget"], 0)
            self.assertEqual(sim.report()["instances"]["launchedIdle"], 0)
            sim.stop()

    def test_text_says_what_it_costs_and_how_long_it_takes(self):
        sim = self.sim("--plain", instances=40)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--dry-run", "-q", sim=sim)
        self.assertRegex(done.out, r"(?m)^  cost: \d+ sessions: .* USD an hour, .* launched instances; traffic between zones .* costs extra\n  time: \d+ creates: \d+ s at 5 a second$")

    def test_the_same_plan_each_time(self):
        sim = self.sim("--single-subnet", "--plain", instances=64)
        runs = [self.plan(sim, 6) for _ in range(3)]
        plans = [run["plan"] for run in runs]
        self.assertEqual(plans[0], plans[1])
        self.assertEqual(plans[0], plans[2])
        # Who comes first is served first.
        shared = self.rows(runs[2]["runId"])
        order = [i["InstanceId"] for i in sim.ask("/_sim/world")["Instances"]]
        targets = [row["targetId"] for i in order for key, row in shared.items() if key[0] == i]
        self.assertEqual(targets, sorted(targets, key=lambda t: int(t.rsplit(":", 1)[1])))

    def test_larger_types_take_more(self):
        sim = self.sim("--single-subnet", "--plain", instances=130)
        with open(sim.config, encoding="utf-8") as f:
            text = f.read()
        kind = text.split("targetInstanceType: ")[1].split()[0]
        plan = self.check(sim, config=self.write("large.yaml", text.replace(kind, "c5.18xlarge")))
        targets = [item for item in plan["plan"] if item.get("resource") == "traffic-mirror-target"]
        self.assertEqual(len(targets), 2)

    def test_a_target_that_is_half_full(self):
        sim = self.sim("--single-subnet", "--plain", instances=50)
        first = self.backfill(sim, "--hook", self.write("half.lua", LUA_HALF))
        self.assertEqual(first.code, 0, first.err)
        self.assertNotEqual(first.json["summary"]["created"] % LIMIT, 0)
        self.check(sim)

    def test_a_given_target_that_is_full_fails_in_both(self):
        sim = self.sim("--single-subnet", "--plain", instances=30)
        first = self.backfill(sim, "--hook", self.write("none.lua", "local n = 0 return {eligible = function(i) n = n + 1 return n <= 4 end}"))
        self.assertEqual(first.code, 0, first.err)
        made = next(r["targetId"] for r in self.rows("@latest").values() if r["outcome"] == "created")
        with open(sim.config, encoding="utf-8") as f:
            lines = [line for line in f.read().splitlines() if "targetInstance" not in line and "targetSecurity" not in line and "    - sg-" not in line and "      - sg-" not in line]
        at = next(i for i, line in enumerate(lines) if "filterId" in line)
        lines.insert(at + 1, lines[at].split("filterId")[0] .replace("- ", "  ") + "targetId: " + made)
        plan = self.check(sim, config=self.write("given.yaml", "\n".join(lines) + "\n"), code=5, run_code=5)
        self.assertEqual(plan["summary"]["failed"], 30 - LIMIT)
        self.assertEqual(self.mutating(sim), {"CreateTrafficMirrorSession": LIMIT - 4})  # no eleventh is asked for

    def test_all_interfaces(self):
        sim = self.sim(instances=200)
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("all.yaml", f.read().replace("    filterId:", "    interfaces: all\n    filterId:"))
        self.check(sim, config=config)

    def test_drift_and_options(self):
        sim = self.sim(instances=300)
        self.assertEqual(self.backfill(sim).code, 0)
        with open(sim.config, encoding="utf-8") as f:
            text = "name: config\n" + f.read()
        filters = sorted({word for word in text.replace("\n", " ").split() if word.startswith("tmf-")})
        options = text.replace("    filterId:", "    sessionNumber: 7\n    virtualNetworkId: 4242\n    packetLength: 128\n    filterId:")
        changed = options.replace(filters[0], "tmf-x").replace(filters[-1], filters[0]).replace("tmf-x", filters[-1]) if len(filters) > 1 else None
        plan = self.check(sim, config=self.write("options.yaml", options))
        self.assertFalse([i for i in plan["plan"] if i.get("resource") == "traffic-mirror-target"])
        item = next(i for i in plan["plan"] if i["action"] == "modify")
        self.assertIn("session number 100 instead of 7", item["differences"])
        self.assertIn("instead of 4242", item["differences"])
        # Without them again: any number and any VXLAN id will do, whole packets are wanted.
        plan = self.check(sim)
        item = next(i for i in plan["plan"] if i["action"] == "modify")
        self.assertIn("packet length 128 instead of whole packets", item["differences"])
        self.assertNotIn("virtual network", item["differences"])
        self.assertEqual(self.plan(sim, 0)["summary"].get("updated"), None)
        self.check(sim, config=self.write("options.yaml", options))
        if changed is not None:
            plan = self.check(sim, config=self.write("changed.yaml", changed))
            self.assertIn("filter tmf-", next(i["differences"] for i in plan["plan"] if i["action"] == "modify"))

    def test_conflicts_and_limits(self):
        sim = self.sim("--no-auth", "--scenario", "tags", instances=300)
        with open(sim.config, encoding="utf-8") as f:
            text = f.read()
        filter_id = "tmf-" + text.split("filterId: tmf-")[1].split()[0]
        targets = [t["targetId"] for t in sim.report()["targets"]]
        probe = self.plan(sim, 6)
        wanted = [i["networkInterfaceId"] for i in probe["plan"] if i["action"] == "create"]
        given = next(i["target"]["targetId"] for i in probe["plan"] if i["action"] == "create")
        other = next(t for t in targets if t != given)
        for interface in wanted[:5]:
            self.stranger(sim, interface, other, filter_id, 100)
            self.stranger(sim, interface, other, filter_id, 102)
        for interface in wanted[5:8]:
            for number in (1, 2, 3):
                self.stranger(sim, interface, other, filter_id, number)
        asks = self.write("asks.yaml", text.replace("    filterId:", "    sessionNumber: 100\n    filterId:"))
        plan = self.plan(sim, 6, config=asks)
        self.assertEqual(plan["summary"]["conflict"], 5)
        self.assertEqual(sum(1 for i in plan["plan"] if i.get("reason") == "session-limit"), 3)
        # A number that no rule asks for is no conflict: the next free one is taken, without another look at the interface.
        sim.ask("/_sim/reset-counters", b"")
        plan = self.check(sim)
        self.assertNotIn("conflict", plan["summary"])
        self.assertEqual(sum(1 for i in plan["plan"] if i.get("reason") == "session-limit"), 3)
        numbers = {interface: [] for interface in wanted[:5]}
        for session in sim.every_session():
            if session["networkInterfaceId"] in numbers and session["trafficMirrorTargetId"] == given:
                numbers[session["networkInterfaceId"]].append(session["sessionNumber"])
        self.assertEqual(set(map(tuple, numbers.values())), {("101",)})
        self.assertLess(sim.report()["actions"]["DescribeTrafficMirrorSessions"]["calls"], 20)

    def test_rules_that_took_nothing(self):
        """Named once at the end of a run and of a plan, with their line; not those that were warned of at the start."""
        sim = self.sim("--no-auth", "--single-subnet", "--plain", instances=10)
        world = sim.ask("/_sim/world")
        place = {"filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]}
        first = world["Instances"][0]["InstanceId"]
        sim.query("CreateTags", **{"ResourceId.1": first, "Tag.1.Key": "role", "Tag.1.Value": "lone"})
        config = self.write("rules.yaml", "tags:\n" + "".join(
            f"  - {json.dumps({'name': name, 'tagList': [{'Key': 'role', 'Value': value}], **place})}\n"
            for name, value in (("lone", "lone"), ("misspelt", "lonely"), ("never", "lone"))) +
            f"vpcs:\n  - {json.dumps({'vpcId': world['Vpcs'][0], **place})}\nexclude: {{instanceIds: [{first}]}}\n")
        for options in (("--dry-run",), ()):
            done = self.backfill(sim, *options, config=config)
            self.assertEqual(done.code, 0, done.err)
            said = [line for line in done.err.splitlines() if "warning" in line]
            self.assertEqual(said, [
                f"{config}:4:5: warning: the rule lone, which is tried before, takes all instances of the rule",
                f"{config}:2:5: warning: all that the rule lone took in this run is excluded",
                f"{config}:3:5: warning: the rule misspelt took no instance in this run"])
        # An event has one instance: its run says nothing of the other rules.
        event = self.write("event.json", json.dumps({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "id": "e",
                                                     "account": "111122223333", "region": "us-east-1", "time": "2026-01-01T00:00:00Z",
                                                     "detail": {"instance-id": world["Instances"][1]["InstanceId"], "state": "running"}}))
        done = self.tmflow("run", os.path.join(harness.ROOT, "workflows", "on-launch.yaml"), "--input", event, "--config", config, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("in this run", done.err)

    def test_exit_codes_and_marks(self):
        sim = self.sim(instances=60)
        done = self.backfill(sim, "--dry-run")
        self.assertEqual(done.code, 0, done.err)
        run = done.json["runId"]
        text = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--dry-run", "--detailed-exitcode", sim=sim)
        self.assertEqual(text.code, 6)
        created = done.json["summary"]["created"]
        self.assertEqual(sum(line.startswith("  + i-") for line in text.out.splitlines()), created)
        self.assertIn("nothing was changed", text.out)
        self.assertIs(self.tmflow("show", run, "-o", "json").json["dryRun"], True)
        self.assertIn("PLANNED", self.tmflow("runs").out)
        self.assertIs(self.tmflow("runs", "-o", "json").json[0]["dryRun"], True)
        usage = self.backfill(sim, "--detailed-exitcode")
        self.assertEqual(usage.code, 2)
        self.assertIn("--dry-run", usage.err)
        for option in ((), ("--retry-failed",)):
            again = self.tmflow("resume", run, *option, sim=sim)
            self.assertEqual(again.code, 2 if option else 0, again.err)
        self.assertEqual(self.mutating(sim), {})

    def test_an_interrupted_dry_run_is_not_resumed(self):
        sim = self.sim("--fault", "delay:20@1", instances=500)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "stopped", "--dry-run", "--no-online-check", "-q",
                             sim=sim)
        sim.ask("/_sim/signal", {"at": 4, "pid": process.pid, "signal": signal.SIGTERM, "when": "before"})
        out, err = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3, err)
        self.assertIn("repeat the dry run", out)
        self.assertEqual(self.tmflow("resume", "stopped", sim=sim).code, 2)
        self.assertEqual(self.mutating(sim), {})


if __name__ == "__main__":
    harness.main()
