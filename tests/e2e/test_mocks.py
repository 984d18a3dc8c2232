#!/usr/bin/env python3
"""run --mock: the mock configuration file of Step Functions Local answers for Tasks."""
import json
import time
import unittest

import harness

LAMBDA = "arn:aws:states:::lambda:invoke"


def task(resource=LAMBDA, **fields):
    return {"Type": "Task", "Resource": resource, **({} if "Next" in fields else {"End": True}), **fields}


def machine(start, **states):
    return {"StartAt": start, "States": states}


def mocks(responses, cases=None, name="w"):
    """One response for each state in a test case "Case", unless other cases are given."""
    return {"StateMachines": {name: {"TestCases": cases or {"Case": {state: state for state in responses}}}},
            "MockedResponses": responses}


def returns(value):
    return {"Return": value}


def throws(error, cause=None):
    return {"Throw": {"Error": error, **({} if cause is None else {"Cause": cause})}}


class Mocks(harness.Case):
    def run_mocked(self, definition, configuration, *words, given=None):
        words = ["run", self.write("w.json", json.dumps(definition)), "--mock", self.write("mock.json", json.dumps(configuration)),
                 "-o", "json", "-q", *words]
        if given is not None:
            words += ["--input", self.write("input.json", json.dumps(given))]
        return self.tmflow(*words)

    def test_any_integration(self):
        """A request and its response, a job that is waited for, a token, the SDK, a function's own ARN, a placeholder."""
        resources = {"A": LAMBDA, "B": "arn:aws:states:::states:startExecution.sync:2", "C": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                     "D": "arn:aws:states:::aws-sdk:s3:listBuckets", "E": "arn:aws:lambda:us-east-1:123456789012:function:f", "F": "${Arn}"}
        names = list(resources)
        states = {name: task(resource, Parameters={"p.$": "$$.Task.Token"} if name == "C" else {"p": 1}, ResultPath=f"$.{name}",
                             **({"Next": names[i + 1]} if i + 1 < len(names) else {}))
                  for i, (name, resource) in enumerate(resources.items())}
        done = self.run_mocked(machine("A", **states), mocks({name: {"0": returns({"of": name})} for name in names}))
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["output"], {name: {"of": name} for name in names})
        self.assertNotIn("AWS only", done.err)

    def test_retry_counts_attempts(self):
        retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]
        responses = {"A": {"0": throws("Busy", "later"), "1-2": throws("Busy"), "3": returns("done")}}
        done = self.run_mocked(machine("A", A=task(Retry=retry)), mocks(responses), "--history", "--run-id", "retried")
        self.assertEqual(done.json["output"], "done")
        events = self.tmflow("show", "retried", "--history", "-o", "json").json["events"]
        failures = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
        self.assertEqual([f.get("cause") for f in failures], ["later", None, None])

    def test_catch(self):
        states = {"A": task(Catch=[{"ErrorEquals": ["Lambda.Unknown"], "Next": "P"}]), "P": {"Type": "Pass", "End": True}}
        done = self.run_mocked(machine("A", **states), mocks({"A": {"0": throws("Lambda.Unknown", "so")}}))
        self.assertEqual(done.json["output"], {"Error": "Lambda.Unknown", "Cause": "so"})

    def test_one_count_for_a_state(self):
        """As Step Functions Local: iterations of a Map and attempts of each share it."""
        inner = machine("T", T=task(Retry=[{"ErrorEquals": ["Boom"], "IntervalSeconds": 1}]))
        definition = machine("M", M={"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": inner, "End": True})
        responses = {"T": {"0": throws("Boom"), "1": returns("one"), "2": returns("two"), "3": returns("three")}}
        done = self.run_mocked(definition, mocks(responses), given=[1, 2])
        self.assertEqual(done.json["output"], ["one", "two"])

    def test_loop(self):
        states = {"Poll": task(Next="Look"),
                  "Look": {"Type": "Choice", "Choices": [{"Variable": "$.s", "StringEquals": "READY", "Next": "Done"}], "Default": "Poll"},
                  "Done": {"Type": "Succeed"}}
        done = self.run_mocked(machine("Poll", **states), mocks({"Poll": {"0-9": returns({"s": "NO"}), "10": returns({"s": "READY"})}}))
        self.assertEqual(done.json["output"], {"s": "READY"})

    def test_what_is_not_mocked_fails_by_name(self):
        caught = task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "P"}])
        states = {"A": task(Next="Send it"), "Send it": caught, "P": {"Type": "Pass", "End": True}}
        done = self.run_mocked(machine("A", **states), mocks({"A": {"0": returns(1)}}))
        self.assertEqual((done.code, done.json["status"], done.json["error"]), (1, "FAILED", "States.Runtime"))
        self.assertIn("The state 'Send it' is not mocked: the test case w#Case", done.json["cause"])
        self.assertIn("1 Task runs on AWS only, and fails here: Send it", done.err)
        done = self.run_mocked(machine("A", A=task(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 1}])), mocks({"A": {"0": throws("E")}}))
        self.assertIn("The state 'A' is not mocked: the test case w#Case has no response for its attempt 1", done.json["cause"])

    def test_own_actions(self):
        """One that needs AWS is mocked or fails; one that needs none runs. Nobody asks for a region or credentials."""
        states = {"Log": task("tmflow:log", Next="Page"), "Page": task("tmflow:describe-page")}
        done = self.run_mocked(machine("Log", **states), mocks({"Page": {"0": returns({"Instances": []})}}), given={"a": 1})
        self.assertEqual(done.json["output"], {"Instances": []})
        done = self.run_mocked(machine("Log", **states), mocks({"Log": {"0": returns({"b": 1})}}))
        self.assertIn("The state 'Page' is not mocked", done.json["cause"])

    def test_test_cases(self):
        responses = {"Good": {"0": returns("good")}, "Bad": {"0": throws("Bad")}}
        cases = {"Happy": {"A": "Good"}, "Sad": {"A": "Bad"}}
        definition = machine("A", A=task())
        configuration = mocks(responses, cases)
        for words, output in ((["--test-case", "Happy"], "good"), (["--test-case", "w#Happy"], "good"), (["--test-case", "Sad"], None)):
            self.assertEqual(self.run_mocked(definition, configuration, *words).json.get("output"), output)
        configuration["StateMachines"]["other"] = {"TestCases": {"Happy": {"A": "Bad"}}}
        self.assertEqual(self.run_mocked(definition, configuration, "--test-case", "Happy").json["output"], "good")
        self.assertEqual(self.run_mocked(definition, configuration, "--test-case", "other#Happy").json["error"], "Bad")

    def test_wrong_files(self):
        definition = machine("A", A=task())
        case = {"Case": {"A": "R"}}
        for configuration, words, said in (
                ({}, [], "a mock configuration has StateMachines and MockedResponses"),
                (mocks({}, case), [], 'no responses by the name "R"'),
                (mocks({"R": {"first": returns(1)}}, case), [], '"first" is not a number or a range'),
                (mocks({"R": {"2-1": returns(1)}}, case), [], '"2-1" is not a number or a range'),
                (mocks({"R": {"0": {"Return": 1, "Throw": {"Error": "E"}}}}, case), [], 'must be {"Return": ...} or {"Throw"'),
                (mocks({"R": {"0": {"Throw": {"Cause": "C"}}}}, case), [], 'must be {"Return": ...} or {"Throw"'),
                (mocks({"R": {"0": returns(1)}}, {"X": {}, "Y": {}}), [], "there are several test cases: X, Y"),
                (mocks({"R": {"0": returns(1)}}, case), ["--test-case", "Cse"], 'no test case by the name "Cse", but: Case'),
                (mocks({"R": {"0": returns(1)}}, case), ["--test-case", "v#Case"], 'no state machine by the name "v", but: w')):
            done = self.run_mocked(definition, configuration, *words)
            self.assertEqual(done.code, 2, configuration)
            self.assertIn(said, done.err)
        done = self.tmflow("run", self.write("w.json", json.dumps(definition)), "--test-case", "Case")
        self.assertIn("--test-case: needs --mock", done.err)

    def test_resume_goes_on_with_the_next_answer(self):
        """The file may be gone by then: the run has its test case in its record."""
        states = {"N": {"Type": "Pass", "Assign": {"n": 0}, "Next": "A"},
                  "A": task(Assign={"n.$": "States.MathAdd($n, 1)"}, Next="W"),
                  "W": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Back"},
                  "Back": {"Type": "Choice", "Choices": [{"Variable": "$.wait", "NumericEquals": 0, "Next": "Done"}], "Default": "A"},
                  "Done": {"Type": "Pass", "Parameters": {"asked.$": "$n"}, "End": True}}
        self.write("w.json", json.dumps(machine("N", **states)))
        self.write("mock.json", json.dumps(mocks({"A": {"0": returns({"wait": 3}), "1": returns({"wait": 0})}})))
        process = self.start("run", self.dir + "/w.json", "--mock", self.dir + "/mock.json", "--run-id", "mocked", "--history", "-q")
        deadline = time.monotonic() + harness.START_SECONDS
        while time.monotonic() < deadline and "WaitStateEntered" not in self.tmflow("show", "mocked", "--history").out:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        self.write("mock.json", "gone")
        done = self.tmflow("resume", "mocked", "-o", "json", "-q")
        self.assertEqual(done.json["output"], {"asked": 2}, done.err)


if __name__ == "__main__":
    harness.main()
