#!/usr/bin/env python3
"""`tmflow explain` gives, for every instance, the very answer that the next run records; and changes nothing."""
import json

import harness

LOOKS = ("Describe",)


class Explain(harness.Case):
    def rows(self, run):
        done = self.tmflow("show", run, "--outcomes", "-o", "jsonl")
        rows = {}
        for row in map(json.loads, done.out.splitlines()):
            rows.setdefault(row["instanceId"], []).append(row)
        return rows

    def explain(self, sim, instance, *args, code=0, config=None):
        done = self.tmflow("explain", instance, "--config", config or sim.config, "-o", "json", *args, sim=sim)
        self.assertEqual(done.code, code, done.err)
        return done.json

    def agree(self, answer, rows):
        """The explanation says what the ledger says."""
        for row in rows:
            outcome = row["outcome"]
            if outcome == "unmatched":
                self.assertIsNone(answer["rule"])
            elif outcome == "excluded":
                self.assertEqual(answer["excluded"]["reason"], row["reason"])
            elif outcome == "ineligible" and row["reason"] in ("terminated", "no-interface", "hook"):
                self.assertFalse(answer["eligible"])
                self.assertEqual(answer["reason"], row["reason"])
            else:
                self.assertEqual(answer["rule"], row["rule"])
                interface = next(i for i in answer["interfaces"] if i["networkInterfaceId"] == row["networkInterfaceId"])
                self.assertTrue(interface["mirrored"])
                self.assertEqual(interface["outcome"], outcome)
                self.assertEqual(interface.get("reason"), row.get("reason") if outcome != "created" else None)

    def some_of_each(self, rows):
        """Instances of every outcome and reason."""
        chosen = {}
        for instance, of_it in rows.items():
            for row in of_it:
                key = (row["outcome"], row.get("reason"), row.get("rule"))
                if len(chosen.setdefault(key, [])) < 2:
                    chosen[key].append(instance)
        return sorted({instance for list_ in chosen.values() for instance in list_})

    def test_as_the_next_run(self):
        sim = self.sim(instances=250)
        plan = self.backfill(sim, "--dry-run")
        rows = self.rows(plan.json["runId"])
        for instance in self.some_of_each(rows):
            answer = self.explain(sim, instance)
            self.agree(answer, rows[instance])
            self.assertEqual([r["matches"] for r in answer["rules"]].count(True), 0 if answer["rule"] is None else 1)
            self.assertTrue(all(r["why"] for r in answer["rules"]))
        self.assertTrue(all(name.startswith(LOOKS) for name in sim.report()["actions"]))

        self.assertEqual(self.backfill(sim).code, 0)
        rows = self.rows(self.backfill(sim).json["runId"])
        for instance in self.some_of_each(rows):
            self.agree(self.explain(sim, instance), rows[instance])
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("other.yaml", "name: config\n" + f.read().replace("    filterId:", "    sessionNumber: 9\n    filterId:"))
        rows = self.rows(self.backfill(sim, "--dry-run", config=config).json["runId"])
        updated = next(i for i, of_it in rows.items() if of_it[0]["outcome"] == "updated")
        answer = self.explain(sim, updated, config=config)
        self.assertIn("session number 100 instead of 9", answer["interfaces"][0]["differences"])
        session = answer["interfaces"][0]["sessions"][0]
        self.assertEqual((session["ours"], session["configuration"]), (True, "config"))

    def test_each_rule_with_matching_all(self):
        """Rules share the places of an interface: what one of them takes, another does not find, in the order of a run."""
        sim = self.sim("--no-auth", "--plain", "--vpcs", "1", "--foreign-share", "0.3", instances=20)
        world = sim.ask("/_sim/world?limit=20")
        steps = ([("a", 0, 0, 0), ("b", 1, 1, 0), ("c", 1, 0, 0)],
                 [("b", 0, 0, 0), ("a", 0, 1, 0), ("c", 1, 0, 1), ("x", 1, 1, 0)],   # "x" takes what "b" had, and "a" finds no place
                 [("a", 1, 0, 0), ("b", 1, 1, 100), ("d", 0, 1, 0), ("e", 0, 0, 0)],
                 [("z", 1, 1, 0), ("b", 0, 0, 7)])
        for step, rules in enumerate(steps):
            config = self.write(f"{step}.json", json.dumps({"name": "all", "matching": "all", "vpcs": [
                {"name": name, "vpcId": world["Vpcs"][0], "filterId": world["Filters"][f], "targetId": world["GivenTargets"][t],
                 **({"sessionNumber": number} if number else {})} for name, f, t, number in rules]}))
            rows = self.rows(self.backfill(sim, "--dry-run", config=config).json["runId"])
            answers = {}
            for instance in self.some_of_each(rows):
                answers[instance] = self.explain(sim, instance, config=config)
                found = {(i["networkInterfaceId"], i["rule"]): (i["outcome"], i.get("reason"))
                         for i in answers[instance]["interfaces"] if i["mirrored"]}
                self.assertEqual(found, {(r["networkInterfaceId"], r["rule"]): (r["outcome"], r["reason"] if r["outcome"] in ("ineligible", "conflict") else None)
                                         for r in rows[instance] if "rule" in r and r["outcome"] != "unwanted"})
            self.assertEqual(self.backfill(sim, config=config).code, 0)
            self.says_which_session(sim, answers)

    def says_which_session(self, sim, answers):
        """A session that is changed is the one that was named, and what is made has the number that was named."""
        sessions = sim.every_session()
        numbers = {s["trafficMirrorSessionId"]: int(s["sessionNumber"]) for s in sessions}
        made = {(s["networkInterfaceId"], int(s["sessionNumber"])): s["tags"].get("tmflow:rule") for s in sessions}
        for interface in [i for answer in answers.values() for i in answer["interfaces"]]:
            if interface.get("outcome") == "updated":
                self.assertEqual(numbers[interface["sessionId"]], interface["sessionNumber"])
            if interface.get("outcome") == "created":
                self.assertNotIn("sessionId", interface)
                self.assertEqual(made[interface["networkInterfaceId"], interface["sessionNumber"]], interface["rule"])

    def test_hook(self):
        sim = self.sim(instances=60)
        rows = self.rows(self.backfill(sim, "--dry-run").json["runId"])
        unmatched = next(i for i, of_it in rows.items() if of_it[0]["outcome"] == "unmatched")
        hook = self.write("h.lua", "return {match = function(i, r) if r.Kind == 'tags' then return true end end,"
                                   f"eligible = function(i) if i.InstanceId ~= '{unmatched}' then return false, 'not now' end end}}")
        answer = self.explain(sim, unmatched, "--hook", hook)
        self.assertEqual((answer["rule"], answer["rules"][0]["by"]), ("tags[0]", "hook"))
        other = next(i for i, of_it in rows.items() if of_it[0]["outcome"] == "created")
        answer = self.explain(sim, other, "--hook", hook)
        self.assertEqual((answer["eligible"], answer["reason"], answer["hookReason"]), (False, "hook", "not now"))
        text = self.tmflow("explain", unmatched, "--config", sim.config, "--hook", hook, sim=sim)
        self.assertEqual(text.code, 0)
        self.assertIn("the hook says yes", text.out)

    def test_exclusions(self):
        sim = self.sim("--single-subnet", "--plain", instances=5)
        self.assertEqual(self.backfill(sim).code, 0)
        target = sim.report()["launched"][0]["instanceId"]
        answer = self.explain(sim, target)
        self.assertEqual(answer["excluded"]["reason"], "target-instance")
        self.assertTrue(answer["excluded"]["targetId"].startswith("tmt-"))
        source = next(i for i in self.rows("@latest") if i != target)
        with open(sim.config, encoding="utf-8") as f:
            config = self.write("out.yaml", f.read() + f"exclude:\n  instanceIds: [{source}]\n")
        self.assertEqual(self.explain(sim, source, config=config)["excluded"], {"reason": "configured"})

    def test_no_such_instance(self):
        sim = self.sim(instances=5)
        for instance in ("i-0123456789abcdef0", "nonsense"):
            answer = self.explain(sim, instance, code=2)
            self.assertEqual(answer["error"], "TMFlow.NotFound")
            self.assertIn(instance, answer["cause"])


if __name__ == "__main__":
    harness.main()
