#!/usr/bin/env python3
"""tmflow test-state: one state, in the fields of Step Functions' TestState."""
import glob
import json
import os
import unittest

import harness

RECORDED = os.path.join(harness.ROOT, "..", "shared", "asl-conformance", "execution")

STATES = """
StartAt: Task
States:
  Task:
    Type: Task
    Resource: tmflow:describe-page
    InputPath: $.page
    Parameters: {"NextToken.$": $.token, MaxResults: 5}
    ResultSelector: {"Ids.$": "$.Instances[*].InstanceId"}
    ResultPath: $.found
    OutputPath: $.found
    Assign: {"Count.$": "States.ArrayLength($.Instances)"}
    Retry: [{ErrorEquals: [Slow], IntervalSeconds: 3, MaxAttempts: 1}, {ErrorEquals: [Never], MaxAttempts: 0}]
    Catch:
      - {ErrorEquals: [Never], ResultPath: $.error, Next: Choice, Assign: {"Why.$": $.Cause}}
    Next: Choice
  Choice:
    Type: Choice
    Choices: [{Variable: $.n, NumericEquals: 1, Next: Wait, Assign: {taken: one}}]
    Default: Lua
  Wait: {Type: Wait, SecondsPath: $.seconds, Next: Lua}
  Lua: {Type: Task, Resource: tmflow:log, Next: Map}
  Map:
    Type: Map
    ItemProcessor: {StartAt: Inner, States: {Inner: {Type: Pass, Parameters: {"i.$": $$.Map.Item.Value}, End: true}}}
    ResultSelector: {"all.$": $}
    Next: Many
  Many:
    Type: Map
    ItemsPath: $.list
    ItemSelector: {"i.$": $$.Map.Item.Index, "v.$": $$.Map.Item.Value, "k.$": $.k}
    MaxConcurrencyPath: $.at_once
    ToleratedFailurePercentage: 12.5
    ItemProcessor: {StartAt: Each, States: {Each: {Type: Pass, End: true}}}
    Next: Fail
  Fail: {Type: Fail, ErrorPath: $.e, Cause: because}
"""


class TestState(harness.Case):
    def setUp(self):
        super().setUp()
        self.path = self.write("w.yaml", STATES)

    def answer(self, state="Lua", given=None, *args, code=0):
        """The answer, with texts of JSON read."""
        done = self.tmflow("test-state", self.path, state, "--input", "-", "-o", "json", *args, stdin=json.dumps(given if given is not None else {}))
        self.assertEqual(done.code, code, done.err)
        answer = done.json
        for part in (answer, answer.get("inspectionData", {})):
            for key, value in part.items():
                if isinstance(value, str) and key not in ("error", "cause", "nextState", "status"):
                    part[key] = json.loads(value)
        return answer

    PAGE = {"page": {"token": "t"}, "other": 1}
    RESULT = {"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}], "NextToken": None}

    def test_each_stage(self):
        answer = self.answer("Task", self.PAGE, "--mock", json.dumps({"result": self.RESULT}), "--inspection-level", "DEBUG")
        self.assertEqual(answer, {
            "status": "SUCCEEDED", "nextState": "Choice", "output": {"Ids": ["i-1", "i-2"]},
            "inspectionData": {
                "input": self.PAGE, "afterInputPath": {"token": "t"}, "afterParameters": {"NextToken": "t", "MaxResults": 5},
                "result": self.RESULT, "afterResultSelector": {"Ids": ["i-1", "i-2"]},
                "afterResultPath": {"page": {"token": "t"}, "other": 1, "found": {"Ids": ["i-1", "i-2"]}}, "variables": {"Count": 2}}})
        # AWS's own mock has the result as text; INFO tells no stages.
        again = self.answer("Task", self.PAGE, "--mock", json.dumps({"result": json.dumps(self.RESULT)}))
        self.assertEqual(again, {"status": "SUCCEEDED", "nextState": "Choice", "output": {"Ids": ["i-1", "i-2"]}})

    def failing(self, error, *args, **named):
        return self.answer("Task", self.PAGE, "--mock", json.dumps({"errorOutput": {"error": error, "cause": "so"}}), *args, **named)

    def test_errors(self):
        answer = self.failing("Slow", "--inspection-level", "TRACE", code=1)
        self.assertEqual((answer["status"], answer["error"], answer["cause"]), ("RETRIABLE", "Slow", "so"))
        self.assertEqual(answer["inspectionData"]["errorDetails"], {"retryIndex": 0, "retryBackoffIntervalSeconds": 3})
        answer = self.failing("Never", "--inspection-level", "DEBUG")
        self.assertEqual((answer["status"], answer["nextState"]), ("CAUGHT_ERROR", "Choice"))
        self.assertEqual(answer["output"], dict(self.PAGE, error={"Error": "Never", "Cause": "so"}))
        self.assertEqual(answer["inspectionData"]["variables"], {"Why": "so"})
        self.assertEqual(answer["inspectionData"]["errorDetails"], {"catchIndex": 0})
        self.assertEqual(self.failing("Other", code=1), {"status": "FAILED", "error": "Other", "cause": "so"})

    def test_other_types(self):
        answer = self.answer("Choice", {"n": 1}, "--inspection-level", "DEBUG", "--variables", '{"v": 5}')
        self.assertEqual((answer["nextState"], answer["inspectionData"]["variables"]), ("Wait", {"v": 5, "taken": "one"}))
        self.assertEqual(self.answer("Choice", {"n": 2})["nextState"], "Lua")
        self.assertEqual(self.answer("Wait", {"seconds": 100000}), {"status": "SUCCEEDED", "nextState": "Lua", "output": {"seconds": 100000}})
        answer = self.answer("Wait", {}, code=1)
        self.assertEqual((answer["status"], answer["error"]), ("FAILED", "States.Runtime"))
        self.assertRegex(answer["cause"], r"^An error occurred while executing the state 'Wait' ")
        self.assertEqual(self.answer("Fail", {"e": "Mine"}, code=1), {"status": "FAILED", "error": "Mine", "cause": "because"})
        self.assertEqual(self.answer("Inner", 7), {"status": "SUCCEEDED", "output": {"i": 7}})
        self.assertEqual(self.answer("Map", [1], "--mock", '{"result": [{"i": 1}]}')["output"], {"all": [{"i": 1}]})

    def test_stages_of_a_map(self):
        given = {"list": ["a", "b"], "k": 1, "at_once": 3}
        mock = ("--mock", '{"result": [1, 2]}', "--inspection-level", "DEBUG")
        answer = self.answer("Many", given, *mock)
        self.assertEqual((answer["status"], answer["output"]), ("SUCCEEDED", [1, 2]))
        self.assertEqual(answer["inspectionData"], {
            "input": given, "afterInputPath": given, "afterItemsPath": ["a", "b"],
            "afterItemSelector": [{"i": 0, "v": "a", "k": 1}, {"i": 1, "v": "b", "k": 1}],
            "maxConcurrency": 3, "toleratedFailurePercentage": 12.5,
            "result": [1, 2], "afterResultSelector": [1, 2], "afterResultPath": [1, 2]})
        answer = self.answer("Many", dict(given, list=5), *mock, code=1)
        self.assertEqual((answer["error"], answer["cause"].split("). ")[1]), ("States.Runtime", 'Reference path "$.list" must point to array.'))
        answer = self.answer("Many", {"list": ["a"], "at_once": 1}, *mock, code=1)
        self.assertIn("specified for the field 'k.$'", answer["cause"])

    def test_actions_run_without_a_mock(self):
        self.assertEqual(self.answer("Lua", {"a": 1}), {"status": "SUCCEEDED", "nextState": "Map", "output": {"a": 1}})
        sim = self.sim(instances=12)
        done = self.tmflow("test-state", self.path, "Task", "--input", self.write("i.json", '{"page": {"token": null}}'),
                           "--config", sim.config, "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertLessEqual(len(json.loads(done.json["output"])["Ids"]), 5)
        self.assertGreater(sim.report()["actions"]["DescribeInstances"]["calls"], 0)

    def test_changes_only_with_execute(self):
        """What an action would change, is changed in a dry run's copy."""
        sim = self.sim("--single-subnet", "--plain", instances=4)
        self.path = self.write("target.yaml", """{StartAt: Page, States: {
            Page: {Type: Task, Resource: tmflow:describe-page, OutputPath: "$.Instances[0].SubnetId", Next: EnsureTarget},
            EnsureTarget: {Type: Task, Resource: tmflow:ensure-target, End: true}}}""")
        page = self.tmflow("test-state", self.path, "Page", "--config", sim.config, "-o", "json", sim=sim)
        self.assertEqual(page.code, 0, page.err)
        given = self.write("given.json", json.dumps({"Rule": "vpcs[0]", "SubnetId": json.loads(page.json["output"])}))
        for args in ((), ("--execute",)):
            sim.ask("/_sim/reset-counters", b"")
            done = self.tmflow("test-state", self.path, "EnsureTarget", "--input", given, "--config", sim.config,
                               "-o", "json", *args, sim=sim)
            self.assertEqual(done.code, 0, done.err)
            output = json.loads(done.json["output"])
            self.assertTrue(output["Created"])
            actions = sim.report()["actions"]
            self.assertEqual("RunInstances" in actions, bool(args), actions)
            self.assertEqual("CreateTrafficMirrorTarget" in actions, bool(args), actions)
            self.assertTrue(output["TargetId"].startswith("tmt-" if args else "new:"), output)
        for text in (self.tmflow("test-state", "--help").out, open(os.path.join(harness.ROOT, "src", "tmflow.1"), encoding="utf-8").read()):
            self.assertIn("execute", text)

    def test_text(self):
        done = self.tmflow("test-state", self.path, "Choice", "--inspection-level", "DEBUG", "--input", self.write("i.yaml", "n: 1\n"))
        self.assertEqual(done.code, 0)
        self.assertRegex(done.out, r"(?s)^Choice: SUCCEEDED\n  input +\{\"n\":1\}\n.*  nextState +Wait\n$")

    def test_faults(self):
        for args, pattern in (([self.path, "Tsk"], 'did you mean "Task"'), ([self.path, "Map", "--input", self.write("list.json", "[1]")], "needs --mock"),
                              ([self.path, "Task", "--mock", "{}"], "errorOutput"), ([self.path, "Task", "--mock", "{"], "--mock"),
                              ([self.path, "Task", "--mock", '{"errorOutput": {}}'], 'no string "error"'),
                              ([self.path, "Task", "--inspection-level", "ALL"], "INFO, DEBUG or TRACE"),
                              ([self.path, "Task", "--variables", "[1]"], "an object"),
                              ([self.path, "Task", "--input", "/does/not/exist"], "/does/not/exist"),
                              (["/does/not/exist", "Task"], "/does/not/exist")):
            done = self.tmflow("test-state", *args, "-o", "json")
            self.assertEqual(done.code, 2, args)
            self.assertRegex(done.err, pattern)
            self.assertIn("cause", done.json)

    @unittest.skipUnless(os.path.isdir(RECORDED), "SKIP: ../shared/asl-conformance is not there")
    def test_recorded(self):
        """What AWS's TestState answered."""
        cases = sorted(glob.glob(os.path.join(RECORDED, "ls.test_state_scenarios.*.json")))
        self.assertGreater(len(cases), 3)
        for path in cases:
            with open(path, encoding="utf-8") as f:
                case = json.load(f)
            if "JSONata" in case["features"]:
                continue
            expect = case["expect"]
            self.path = self.write("recorded.json", json.dumps(case["definition"]))
            answer = self.answer("StateName", case["input"], code=0 if expect["status"] == "SUCCEEDED" else 1)
            for key in {"status", "output", "error", "cause"} & set(expect):
                self.assertEqual(answer.get(key), expect[key], (case["id"], key))

class Today(harness.Case):
    """A state alone, and the fields that TestState has had since November 2025."""

    def alone(self, state, *words):
        return self.tmflow("test-state", self.write("Charge.json", json.dumps(state)), *words, "-o", "json")

    def test_state_alone(self):
        state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"T.$": "$$.Task.Token"},
                 "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "MaxAttempts": 2}],
                 "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}], "Next": "Thanks"}
        context = json.dumps({"Task": {"Token": "t-1"}})
        answer = self.alone(state, "--mock", '{"result": "{\\"paid\\": true}", "fieldValidationMode": "NONE"}', "--context", context,
                            "--inspection-level", "DEBUG").json
        self.assertEqual((answer["status"], answer["nextState"], json.loads(answer["output"])), ("SUCCEEDED", "Thanks", {"paid": True}))
        self.assertEqual(json.loads(answer["inspectionData"]["afterParameters"]), {"T": "t-1"})
        busy = ["--mock", '{"errorOutput": {"error": "Busy", "cause": "c"}}', "--context", context, "--inspection-level", "DEBUG"]
        answers = [self.alone(state, *busy, "--state-configuration", json.dumps({"retrierRetryCount": n})).json for n in (0, 1, 2)]
        self.assertEqual([a["status"] for a in answers], ["RETRIABLE", "RETRIABLE", "CAUGHT_ERROR"])
        self.assertEqual([a["inspectionData"]["errorDetails"].get("retryBackoffIntervalSeconds") for a in answers], [2, 4, None])
        self.assertEqual(answers[2]["nextState"], "Sorry")

    def test_choice_alone(self):
        rule = {"And": [{"Variable": "$.n", "NumericGreaterThan": 1}, {"Variable": "$$.Execution.Name", "StringEquals": "x"}], "Next": "Big"}
        choice = {"Type": "Choice", "Choices": [rule], "Default": "Small"}
        words = ["--input", '{"n": 2}', "--context", '{"Execution": {"Name": "x"}}']
        self.assertEqual(self.alone(choice, *words).json["nextState"], "Big")
        self.assertEqual(self.alone(choice, *words[:3], '{"Execution": {"Name": "y"}}').json["nextState"], "Small")

    def test_jsonata_alone(self):
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.n + 1 %}", "End": True}
        self.assertEqual(self.alone(state, "--input", '{"n": 2}').json["output"], "3")

    def test_failed_iterations(self):
        state = {"Type": "Map", "ItemsPath": "$", "ToleratedFailureCount": 1, "End": True,
                 "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}}
        given = ["--input", "[1, 2, 3]", "--mock", '{"result": "[1]"}', "--state-configuration"]
        self.assertEqual(self.alone(state, *given, '{"mapIterationFailureCount": 1}').json["status"], "SUCCEEDED")
        answer = self.alone(state, *given, '{"mapIterationFailureCount": 2}').json
        self.assertEqual((answer["status"], answer["error"]), ("FAILED", "States.ExceedToleratedFailureThreshold"))

    def test_wrong_words(self):
        state = {"Type": "Pass", "End": True}
        mock = ["--mock", '{"result": 1}']
        for words, said in (
                ([*mock, "--context", "[]"], "--context takes an object"),
                (["--mock", '{"result": 1, "fieldValidationMode": "SOME"}'], "fieldValidationMode takes STRICT, PRESENT or NONE"),
                ([*mock, "--state-configuration", '{"retries": 1}'], 'unknown field "retries"'),
                ([*mock, "--state-configuration", '{"retrierRetryCount": -1}'], "retrierRetryCount takes a number from 0"),
                ([*mock, "--state-configuration", '{"errorCausedByState": "Q"}'], "errorCausedByState is not a state of the workflow"),
                (["--state-configuration", '{"retrierRetryCount": 1}'], "retrierRetryCount needs --mock"),
                ([*mock, "--state-configuration", '{"mapItemReaderData": "[]"}'], "an ItemReader does not run here")):
            done = self.alone(state, *words)
            self.assertEqual(done.code, 2, words)
            self.assertIn(said, done.err)
        done = self.tmflow("test-state", self.write("w.json", json.dumps({"StartAt": "P", "States": {"P": state}})))
        self.assertIn("missing argument: STATE", done.err)


if __name__ == "__main__":
    harness.main()
