#!/usr/bin/env python3
"""tmflow:lua: a step of the user's own, from a file beside the workflow or from source within it."""
import os
import signal

import harness

SCRIPT = """
local calls = 0
return {
  sum = function(a, b) calls = calls + 1; return {Sum = a + b, Calls = calls} end,
  first = function(list) return list.Items[1] end,
  nothing = function() end,
  bad = function(x) return x.y.z end,
}
"""

TASK = "StartAt: L\nStates:\n  L: {Type: Task, Resource: tmflow:lua, Parameters: %s, End: true}\n"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:mirror"


class Lua(harness.Case):
    def setUp(self):
        super().setUp()
        self.script = self.write("steps.lua", SCRIPT)

    def run_task(self, parameters, given="{}", *args):
        path = self.write("w.yaml", TASK % parameters)
        return self.tmflow("run", path, "--input", "-", "-o", "json", *args, stdin=given)

    def output(self, *args):
        done = self.run_task(*args)
        self.assertEqual(done.code, 0, done.err)
        return done.json["output"]

    def test_functions(self):
        self.assertEqual(self.output('{Script: steps.lua, Function: sum, "Arguments.$": $}', "[3, 4]"), {"Sum": 7, "Calls": 1})
        self.assertEqual(self.output('{Script: steps.lua, Function: first, "Arguments.$": $}', '{"Items": ["x"]}'), "x")
        self.assertIsNone(self.output("{Script: steps.lua, Function: nothing}"))
        self.assertEqual(self.output('{Script: "return {f = function(n) return n * 2 end}", Function: f, Arguments: [21]}'), 42)
        self.assertEqual(self.output('{"Script.$": $.source, Function: f}', '{"source": "return {f = function() return 1 end}"}'), 1)

    def test_each_call_starts_afresh(self):
        path = self.write("w.yaml", """
StartAt: M
States:
  M:
    Type: Map
    ItemProcessor:
      StartAt: L
      States:
        L: {Type: Task, Resource: tmflow:lua, Parameters: {Script: steps.lua, Function: sum, "Arguments.$": "States.Array($, 1)"}, End: true}
    End: true
""")
        done = self.tmflow("run", path, "--input", "-", "-o", "json", stdin="[1, 2, 3]")
        self.assertEqual([row["Calls"] for row in done.json["output"]], [1, 1, 1], done.err)

    def test_failures(self):
        for parameters, given, error, cause in (
                ("{Script: steps.lua, Function: bad, Arguments: [1]}", "{}", "TMFlow.Hook", "steps.lua:7"),
                ('{Script: steps.lua, "Function.$": $.f}', '{"f": "none"}', "TMFlow.InvalidInput", 'no function "none"'),
                ('{"Script.$": $.s, Function: f}', '{"s": "other.lua"}', "TMFlow.InvalidInput", "was not read when the run began"),
                ('{"Script.$": $.s, Function: f}', '{"s": "syntax error"}', "TMFlow.Hook", "syntax"),
                ('{Script: steps.lua, Function: sum, "Arguments.$": $}', str(list(range(17))), "TMFlow.InvalidInput", "too many")):
            done = self.run_task(parameters, given)
            self.assertEqual((done.code, done.json["error"]), (1, error), done.err)
            self.assertIn(cause, done.json["cause"])

    def test_what_is_wrong_from_the_start(self):
        """Nothing is started, and validate says the same, with the place."""
        self.write("broken.lua", "return {")
        for parameters, pattern in (("{Script: none.lua, Function: f}", r"w\.yaml:3:\d+: error: .*none\.lua"),
                                    ("{Script: broken.lua, Function: f}", r"w\.yaml:3:\d+: error: .*broken\.lua"),
                                    ("{Script: steps.lua, Function: sun}", r'w\.yaml:3:\d+: error: .*no function "sun"'),
                                    ("{Function: f}", r'needs the input field "Script"')):
            done = self.run_task(parameters)
            self.assertEqual(done.code, 2, done.err)
            self.assertRegex(done.err, pattern)
            done = self.tmflow("validate", os.path.join(self.dir, "w.yaml"))
            self.assertEqual(done.code, 2)
            self.assertRegex(done.err, pattern)

    def test_a_resume_goes_by_what_was_recorded(self):
        path = self.write("w.yaml", """
StartAt: W
States:
  W: {Type: Wait, Seconds: 2, Next: L}
  L: {Type: Task, Resource: tmflow:lua, Parameters: {Script: steps.lua, Function: sum, Arguments: [1, 1]}, End: true}
""")
        process = self.start("run", path, "--run-id", "r", "-o", "json")
        self.until_signals_are_caught(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        os.unlink(self.script)
        os.unlink(path)
        done = self.tmflow("resume", "r", "-o", "json")
        self.assertEqual((done.code, done.json["output"]), (0, {"Sum": 2, "Calls": 1}), done.err)

    def test_export_takes_the_source_along(self):
        path = self.write("w.yaml", TASK % "{Script: steps.lua, Function: sum, Arguments: [1, 2]}")
        done = self.tmflow("export", path, "--activity-arn", ACTIVITY)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["States"]["L"]["Parameters"],
                         {"action": "lua", "input": {"Script": SCRIPT, "Function": "sum", "Arguments": [1, 2]}})

    def test_test_state(self):
        path = self.write("w.yaml", TASK % "{Script: steps.lua, Function: sum, Arguments: [1, 2]}")
        done = self.tmflow("test-state", path, "L")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn('{"Calls":1,"Sum":3}', done.out)


if __name__ == "__main__":
    harness.main()
