#!/usr/bin/env python3
"""Lua hooks as a user gives them: the worked examples of lua/, faults that fail their instance only, files that do not load."""
import json
import os

import harness

LUA = os.path.join(harness.ROOT, "lua")

# What goes wrong within one call: raising, no end, no end of memory, nonsense, and reaching out of the sandbox.
FAULTS = (
    "error('boom')", "error({})", "while true do end", "pcall(function() while true do end end) while true do end", "return ('a'):rep(48):match(('a?'):rep(48) .. ('a'):rep(48))",
    "local t = {} for i = 1, 1e9 do t[i] = i end", "local s = 'x' while true do s = s .. s end", "local function f() return 1 + f() end f()",
    "return 7", "return {}", "return 'yes'", "return function() end", "local t = {} for i = 1, 60 do t = {t, t} end return t",
    "io.open('/etc/passwd')", "os.execute('true')", "require('socket')", "dofile('/etc/passwd')", "load('return 1')()", "string.dump(error)",
    "debug.getregistry()", "package.loadlib('libc.so.6', '*')", "coroutine.wrap(error)()",
    "setmetatable({}, {__gc = function() while true do end end})", "getmetatable('').__index.find(i.InstanceId, ('.-'):rep(20) .. '!')",
)


class Hooks(harness.Case):
    def mirrored(self, sim, hook, config=None):
        done = self.backfill(sim, "--hook", hook, config=config)
        self.assertIn(done.code, (0, 5), done.err)
        rows = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()
        return done, [json.loads(row) for row in rows]

    def text_of(self, path):
        with open(path, encoding="utf-8") as f:
            return f.read()

    def instances(self, sim):
        return {i["InstanceId"]: i for i in sim.ask("/_sim/world")["Instances"]}

    def test_sample_takes_a_tenth_and_always_the_same(self):
        sim = self.sim(instances=400)
        _, rows = self.mirrored(sim, os.path.join(LUA, "sample_tenth.lua"))
        created = [r for r in rows if r["outcome"] == "created"]
        left_out = [r for r in rows if r.get("reason", "").startswith("hook")]
        self.assertGreater(len(left_out), 200)
        self.assertLess(len(created), 60)
        again, rows = self.mirrored(sim, os.path.join(LUA, "sample_tenth.lua"))
        self.assertNotIn("created", again.json["summary"])
        self.assertEqual({r["instanceId"] for r in rows if r["outcome"] == "present"}, {r["instanceId"] for r in created})

    def test_skip_by_type(self):
        sim = self.sim(instances=300)
        types = self.instances(sim)
        with open(os.path.join(LUA, "skip_types.lua"), encoding="utf-8") as f:
            hook = self.write("skip.lua", f.read())
        _, rows = self.mirrored(sim, hook)
        skipped = {r["instanceId"] for r in rows if r.get("reason", "").startswith("hook")}
        self.assertTrue(skipped)
        self.assertLessEqual({types[i]["InstanceType"] for i in skipped}, {"t3.nano", "t3.micro", "t3.small", "t4g.nano", "t4g.micro", "t4g.small"})
        created = {types[r["instanceId"]]["InstanceType"] for r in rows if r["outcome"] == "created"}
        self.assertFalse(created & {"t3.nano", "t3.micro", "t3.small"})

    def test_match_by_name(self):
        sim = self.sim(instances=200)
        config = self.write("c.yaml", self.text_of(sim.config).replace("  - tagList:", "  - name: web\n    tagList:"))
        with open(os.path.join(LUA, "match_by_name.lua"), encoding="utf-8") as f:
            hook = self.write("name.lua", f.read().replace("^web%-%d+%.prod$", "^host%-1%d$"))
        _, rows = self.mirrored(sim, hook, config)
        names = {i: instance["Tags"].get("Name", "") for i, instance in self.instances(sim).items()}
        by_web = [r for r in rows if r.get("rule") == "web"]
        self.assertTrue(by_web)
        for row in by_web:
            self.assertRegex(names[row["instanceId"]], r"^host-1\d$")

    def test_team_first(self):
        sim = self.sim(instances=300)
        subnet = self.text_of(sim.config).split("subnetId: ")[1].split()[0]
        with open(os.path.join(LUA, "team_first.lua"), encoding="utf-8") as f:
            hook = self.write("team.lua", f.read().replace("subnet-0123456789abcdef0", subnet))
        _, rows = self.mirrored(sim, hook)
        instances = self.instances(sim)
        for row in rows:
            if row["outcome"] == "created" and instances[row["instanceId"]].get("SubnetId") == subnet:
                self.assertEqual(row["rule"], "subnets[0]")

    def test_a_fault_fails_its_instance_only(self):
        sim = self.sim(instances=60)
        victim = sorted(self.instances(sim))[7]
        for fault in FAULTS:
            hook = self.write("bad.lua", f"return {{eligible = function(i) if i.InstanceId == '{victim}' then {fault} end end}}")
            done, rows = self.mirrored(sim, hook)
            failed = [r for r in rows if r["outcome"] == "failed"]
            self.assertEqual([r["instanceId"] for r in failed], [victim], fault)
            self.assertEqual(failed[0]["error"], "TMFlow.Hook")
            self.assertEqual(done.code, 5)

    def test_a_file_that_does_not_load_starts_nothing(self):
        sim = self.sim(instances=20)
        for source in ("return {", "return 1", "error('no')", "\x1bLua"):
            done = self.backfill(sim, "--hook", self.write("bad.lua", source))
            self.assertEqual(done.code, 2, source)
            self.assertEqual(done.json["error"], "TMFlow.Hook")
        self.assertEqual(sim.report()["requests"], 0)


if __name__ == "__main__":
    harness.main()
