#!/usr/bin/env python3
"""--history: what happened in a run, in the shape of GetExecutionHistory, also over an interruption."""
import json
import re
import signal

import harness

WORK = """
StartAt: Each
States:
  Each:
    Type: Map
    ItemProcessor:
      StartAt: Log
      States:
        Log: {Type: Task, Resource: tmflow:log, TimeoutSeconds: 5, End: true}
    Next: Wait
  Wait: {Type: Wait, Seconds: 2, Next: Fail}
  Fail: {Type: Fail, Error: Mine, Cause: because}
"""

DETAILS = {  # AWS's members, by type
    "ExecutionStarted": {"input", "inputDetails", "roleArn"},
    "MapStateEntered": {"name", "input", "inputDetails"},
    "MapStateStarted": {"length"},
    "MapIterationStarted": {"name", "index"},
    "TaskStateEntered": {"name", "input", "inputDetails"},
    "TaskScheduled": {"resourceType", "resource", "region", "parameters", "timeoutInSeconds"},
    "TaskStarted": {"resourceType", "resource"},
    "TaskSucceeded": {"resourceType", "resource", "output", "outputDetails"},
    "TaskStateExited": {"name", "output", "outputDetails"},
    "MapIterationSucceeded": {"name", "index"},
    "MapStateSucceeded": None,
    "MapStateExited": {"name", "output", "outputDetails"},
    "WaitStateEntered": {"name", "input", "inputDetails"},
    "WaitStateExited": {"name", "output", "outputDetails"},
    "FailStateEntered": {"name", "input", "inputDetails"},
    "ExecutionFailed": {"error", "cause"},
}


def member(kind):
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails"
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails"
    return kind[0].lower() + kind[1:] + "EventDetails"


NESTED = """
StartAt: Each
States:
  Each:
    Type: Map
    MaxConcurrency: 2
    ItemProcessor:
      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}
      StartAt: In
      States:
        In:
          Type: Map
          ItemProcessor: {StartAt: Log, States: {Log: {Type: Task, Resource: "tmflow:log", End: true}}}
          Next: Last
        Last: {Type: Pass, End: true}
    Next: Behind
  Behind: {Type: Pass, End: true}
"""


class History(harness.Case):
    def test_of_one_child(self):
        """Everything from its beginning to its end, the Map within it included, and nothing of the others."""
        workflow = self.write("nested.yaml", NESTED)
        done = self.tmflow("run", workflow, "--input", self.write("in.json", '[["a0", "a1"], ["b0", "b1"], ["c0", "c1"]]'), "--history", "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        whole = self.tmflow("show", "@latest", "--history", "-o", "json").json["events"]
        seen = []
        for child, name in enumerate("abc"):
            events = self.tmflow("show", "@latest", "--history", "--child", str(child), "-o", "json").json["events"]
            kinds = [e["type"] for e in events]
            self.assertEqual((kinds[0], kinds[-1]), ("MapIterationStarted", "MapIterationSucceeded"))
            self.assertEqual([e["mapIterationStartedEventDetails"]["name"] for e in events if e["type"] == "MapIterationStarted"], ["Each", "In", "In"])
            self.assertEqual((kinds.count("TaskSucceeded"), kinds.count("PassStateExited")), (2, 1))
            self.assertEqual({e["taskSucceededEventDetails"]["output"] for e in events if e["type"] == "TaskSucceeded"}, {f'"{name}0"', f'"{name}1"'})
            seen += events
        inside = [e for e in whole if e["id"] in {s["id"] for s in seen}]
        self.assertEqual(sorted(seen, key=lambda e: e["id"]), inside)
        self.assertEqual([e["type"] for e in whole if e not in inside],
                         ["ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapStateSucceeded", "MapStateExited", "PassStateEntered", "PassStateExited",
                          "ExecutionSucceeded"])
        none = self.tmflow("show", "@latest", "--history", "--child", "3")
        self.assertNotEqual(none.code, 0)
        self.assertIn("no Map at the top level has a child 3", none.err)
        self.assertIn("--child: needs --history", self.tmflow("show", "@latest", "--child", "3").err)
        self.assertEqual(len(self.tmflow("show", "@latest", "--history", "--child", "0", "-o", "jsonl").out.splitlines()), len(seen) // 3)

    def check(self, events):
        """Ids without a gap, each after what it follows, details as AWS names them."""
        self.assertEqual([e["id"] for e in events], list(range(1, len(events) + 1)))
        for event in events:
            self.assertLess(event["previousEventId"], event["id"])
            self.assertRegex(event["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            wanted = DETAILS[event["type"]]
            self.assertEqual(set(event) - {"id", "previousEventId", "timestamp", "type"}, set() if wanted is None else {member(event["type"])})
            if wanted is not None:
                self.assertEqual(set(event[member(event["type"])]), wanted, event["type"])

    def test_events_over_an_interruption(self):
        path = self.write("w.yaml", WORK)
        process = self.start("run", path, "--input", self.write("i.json", "[10, 20]"), "--run-id", "r", "--history", "-o", "json")
        self.until_signals_are_caught(process)
        while "WaitStateEntered" not in self.tmflow("show", "r", "--history", "-o", "jsonl").out:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3, err)
        self.assertEqual(json.loads(out)["path"], ["Each", "Wait"])
        done = self.tmflow("resume", "r", "-o", "json")
        self.assertEqual((done.code, done.json["path"]), (1, ["Each", "Wait", "Fail"]), done.err)
        shown = self.tmflow("show", "r", "--history", "-o", "json")
        self.assertEqual(shown.code, 0, shown.err)
        events = shown.json["events"]
        self.check(events)
        self.assertEqual({e["type"] for e in events}, set(DETAILS))
        self.assertEqual(json.loads(events[0]["executionStartedEventDetails"]["input"]), [10, 20])
        self.assertEqual(events[-1]["executionFailedEventDetails"], {"error": "Mine", "cause": "because"})
        lines = self.tmflow("show", "r", "--history", "-o", "jsonl").out.splitlines()
        self.assertEqual([json.loads(line) for line in lines], events)
        text = self.tmflow("show", "r", "--history").out
        self.assertRegex(text, r"(?m)^ +\d+ +\d+ +\d+\.\d{3}  MapIterationStarted +Each \[1\]$")
        self.assertRegex(text, r"(?m)ExecutionFailed +Mine: because$")
        self.assertEqual(self.tmflow("resume", "r", "-o", "json").json["path"], ["Each", "Wait", "Fail"])

    def test_without(self):
        path = self.write("w.yaml", "StartAt: A\nStates:\n  A: {Type: Succeed}\n")
        done = self.tmflow("run", path, "--run-id", "r", "-o", "json")
        self.assertNotIn("path", done.json)
        shown = self.tmflow("show", "r", "--history")
        self.assertEqual(shown.code, 2)
        self.assertIn("tmflow run --history", shown.err)

    def test_long_history_in_flat_memory(self):
        """A loop of 40,000 states: what it takes does not grow with the events."""
        path = self.write("w.yaml", """
StartAt: Count
States:
  Count: {Type: Pass, Parameters: {"n.$": "States.MathAdd($.n, -1)", "ballast.$": "$.ballast"}, Next: More}
  More: {Type: Choice, Choices: [{Variable: $.n, NumericEquals: 0, Next: Done}], Default: Count}
  Done: {Type: Pass, OutputPath: $.n, End: true}
""")
        peaks = []
        for turns in (200, 8000):
            given = self.write("i.json", json.dumps({"n": turns, "ballast": "x" * 2000}))
            done = self.tmflow("run", path, "--input", given, "--run-id", "r%d" % turns, "--history", "-q",
                               env={"ASAN_OPTIONS": "quarantine_size_mb=1"}, peak=peaks)
            self.assertEqual(done.code, 0, done.err)
        lines = self.tmflow("show", "r8000", "--history", "-o", "jsonl").out.splitlines()
        self.assertEqual(len(lines), 2 + 4 * 8000 + 2)
        self.assertLess(peaks[1], 1.5 * peaks[0], peaks)


if __name__ == "__main__":
    harness.main()
