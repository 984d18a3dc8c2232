#!/usr/bin/env python3
"""The command line: exit codes, one JSON document on standard output, messages that name the place and the nearest word."""
import array
import fcntl
import json
import os
import subprocess
import re
import signal
import termios
import time
import unittest

import harness

HELLO = """
Comment: no AWS in it
StartAt: Hello
States:
  Hello: {Type: Pass, Parameters: {"who.$": "$.name", "n": 1}, ResultPath: $.greeting, Next: Done}
  Done: {Type: Succeed}
"""

WAITS = """
StartAt: Wait
States:
  Wait: {Type: Wait, SecondsPath: $.seconds, Next: Done}
  Done: {Type: Pass, Result: waited, End: true}
"""


class Faults(harness.Case):
    """Each of these starts nothing: exit 2, file:line:column: message, and the nearest known word."""

    def faulty(self, name, text, pattern, *args):
        path = self.write(name, text)
        done = self.tmflow("validate", path)
        self.assertEqual(done.code, 2, done.err)
        self.assertRegex(done.err, pattern)
        line = [l for l in done.err.splitlines() if re.search(pattern, l)][0]
        self.assertRegex(line, r"^%s:\d+:\d+: error: " % re.escape(path))
        as_json = self.tmflow("validate", "-o", "json", path)
        self.assertEqual(as_json.code, 2)
        self.assertEqual((as_json.json["result"], as_json.json["truncated"]), ("FAIL", False))
        first = as_json.json["diagnostics"][0]
        self.assertLessEqual({"severity", "code", "message", "location", "line", "column", "file"}, set(first))

    def faulty_config(self, text, pattern):
        self.faulty("config.yaml", text, pattern)
        path = os.path.join(self.dir, "config.yaml")
        done = self.tmflow("run", harness.BACKFILL, "--config", path, "--region", "us-east-1", "-o", "json")
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("diagnostics", done.json)

    def test_config_empty(self):
        self.faulty_config("", "at least one rule")

    def test_config_braces(self):
        self.faulty_config("{}", "at least one rule")

    def test_config_null_list(self):
        self.faulty_config("vpcs:\n", "at least one rule")

    def test_config_unknown_key(self):
        self.faulty_config("vpc:\n  - vpcId: vpc-1\n", 'vpc.*did you mean "vpcs"')

    def test_config_wrong_prefix(self):
        self.faulty_config("vpcs:\n  - vpcId: subnet-1\n    filterId: tmf-1\n    targetId: tmt-1\n", "subnet-1.*vpc-")

    def test_config_tag_without_value(self):
        self.faulty_config("tags:\n  - tagList: [{Key: a}]\n    filterId: tmf-1\n    targetId: tmt-1\n", "Value")

    def test_config_without_filter(self):
        self.faulty_config("subnets:\n  - subnetId: subnet-1\n    targetId: tmt-1\n", "filterId")

    def test_config_without_target(self):
        self.faulty_config("subnets:\n  - subnetId: subnet-1\n    filterId: tmf-1\n", "targetId.*targetInstanceType|target")

    def test_config_null_word(self):
        self.faulty_config("vpcs: null\n", "at least one rule.*vpcs")

    def test_config_tag_with_a_misspelt_value(self):
        self.faulty_config("tags:\n  - tagList: [{Key: a, Vaule: b}]\n    filterId: tmf-1\n    targetId: tmt-1\n", 'Vaule.*did you mean "Value"')

    def test_config_duplicate_key(self):
        self.faulty_config("vpcs: []\nvpcs: []\n", r":2:1: error: duplicate key \"vpcs\" \(first at line 1\)")

    def test_config_is_no_yaml(self):
        self.faulty_config("vpcs: [\n", "did not find expected")

    def test_workflow_unknown_state(self):
        self.faulty("w.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, Next: Bee}\n  Be: {Type: Succeed}\n", 'Bee.*"Be"')

    def test_workflow_unknown_action(self):
        self.faulty("w.yaml", "StartAt: A\nStates:\n  A: {Type: Task, Resource: tmflow:describe-pag, End: true}\n",
                    'did you mean "tmflow:describe-page"')

    def test_workflow_unknown_field(self):
        self.faulty("w.yaml", "StartAt: A\nStates:\n  A: {Type: Pass, Resultpath: $.x, End: true}\n", 'did you mean "ResultPath"')

    def test_workflow_duplicate_key(self):
        text = "StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n  A: {Type: Pass, End: true}\n"
        self.faulty("w.yaml", text, ':4:3: error: duplicate key "A"')
        done = self.tmflow("run", self.write("w.yaml", text), "-o", "json")
        self.assertEqual(done.code, 2)
        self.assertRegex(done.err, r"^%s:4:3: error: duplicate key" % re.escape(os.path.join(self.dir, "w.yaml")))
        self.assertEqual([(d["line"], d["column"]) for d in done.json["diagnostics"]], [(4, 3)])

    def test_workflow_unknown_input_field(self):
        self.faulty("w.yaml", "StartAt: A\nStates:\n  A: {Type: Task, Resource: 'tmflow:describe-page', Parameters: {MaxResult: 5}, End: true}\n",
                    'did you mean "MaxResults"')

    def test_workflow_is_no_json(self):
        self.faulty("w.json", '{"StartAt": "A",\n "States": tru}\n', "invalid JSON")

    def test_all_faults_at_once(self):
        path = self.write("w.yaml", "StartAt: A\nStates:\n  A: {Type: Pas, End: true}\n  B: {Type: Wait, End: true}\n")
        done = self.tmflow("validate", path)
        self.assertIn(":3:", done.err)
        self.assertIn(":4:", done.err)

    def test_usage(self):
        for args, pattern in ((["rnu"], 'did you mean "run"'), (["run"], "missing argument"),
                              (["run", "a", "--inputt", "x"], "did you mean --input"), (["runs", "--status", "DONE"], "SUCCEEDED"),
                              (["run", "/does/not/exist.yaml"], "/does/not/exist.yaml"), (["show", "@latest"], "no run"),
                              (["runs", "--since", "yesterday"], "2026-01-15")):
            done = self.tmflow(*args)
            self.assertEqual(done.code, 2, (args, done.err))
            self.assertRegex(done.err, pattern)
            as_json = self.tmflow(*args, "-o", "json")
            self.assertEqual(as_json.code, 2)
            self.assertIn("cause", as_json.json)

    def test_region_and_credentials(self):
        config = self.write("c.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        done = self.tmflow("run", harness.BACKFILL, "--config", config)
        self.assertEqual(done.code, 2)
        self.assertIn("region", done.err)
        done = self.tmflow("run", harness.BACKFILL, "--config", config, "--region", "us-east-1", "-o", "json")
        self.assertEqual((done.code, done.json["error"]), (2, "TMFlow.Credentials"))
        self.assertIn("environment: ", done.err)
        self.assertIn("shared credentials file: ", done.err)


class Runs(harness.Case):
    def test_run_without_aws(self):
        path = self.write("hello.yaml", HELLO)
        done = self.tmflow("run", path, "--input", "-", "-o", "json", "--history", stdin='{"name": "World"}')
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["status"], "SUCCEEDED")
        self.assertEqual(done.json["output"], {"name": "World", "greeting": {"who": "World", "n": 1}})
        self.assertEqual(done.json["path"], ["Hello", "Done"])
        self.assertEqual(set(done.json) - {"path"}, {"runId", "status", "output", "startTime", "stopTime", "summary"})
        text = self.tmflow("run", path, "--input", self.write("i.yaml", "name: World\n"))
        self.assertEqual(text.code, 0, text.err)
        self.assertIn("SUCCEEDED", text.out)
        self.assertIn('"who":"World"', text.out)

    def test_failed_run(self):
        path = self.write("fail.yaml", "StartAt: F\nStates:\n  F: {Type: Fail, Error: Mine, Cause: because}\n")
        done = self.tmflow("run", path, "-o", "json")
        self.assertEqual(done.code, 1)
        self.assertEqual((done.json["status"], done.json["error"], done.json["cause"]), ("FAILED", "Mine", "because"))
        self.assertNotIn("output", done.json)

    def test_ids_and_listing(self):
        path = self.write("hello.yaml", HELLO)
        argument = ["--input", self.write("i.json", '{"name": 1}')]
        for run in ("alpha-1", "alpha-2", "beta"):
            self.assertEqual(self.tmflow("run", path, "--run-id", run, *argument).code, 0)
        again = self.tmflow("run", path, "--run-id", "beta", *argument)
        self.assertEqual(again.code, 2)
        self.assertIn("beta", again.err)
        self.assertEqual(self.tmflow("run", path, "--run-id", "a/b", *argument).code, 2)
        self.assertEqual(self.tmflow("show", "be", "-o", "json").json["runId"], "beta")
        self.assertEqual(self.tmflow("show", "@latest", "-o", "json").json["runId"], "beta")
        ambiguous = self.tmflow("show", "alpha")
        self.assertEqual(ambiguous.code, 2)
        self.assertIn("alpha-1", ambiguous.err)
        self.assertEqual([r["runId"] for r in self.tmflow("runs", "-o", "json").json], ["beta", "alpha-2", "alpha-1"])
        lines = self.tmflow("runs", "-o", "jsonl").out.splitlines()
        self.assertEqual([json.loads(l)["status"] for l in lines], ["SUCCEEDED"] * 3)
        self.assertEqual(self.tmflow("runs", "--status", "failed", "-o", "json").json, [])

    def test_no_checkpoint_keeps_nothing(self):
        path = self.write("hello.yaml", HELLO)
        done = self.tmflow("run", path, "--no-checkpoint", "--input", self.write("i.json", '{"name": 1}'), "-o", "json")
        self.assertEqual(done.code, 0)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "state", "tmflow.db")))

    def test_interrupt_and_resume(self):
        path = self.write("waits.yaml", WAITS)
        for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            run = "wait-%d" % signo
            process = self.start("run", path, "--run-id", run, "--input", self.write("i.json", '{"seconds": 2}'), "-o", "json")
            self.until_signals_are_caught(process)
            busy = self.tmflow("resume", run)
            self.assertEqual(busy.code, 4)
            self.assertIn(str(process.pid), busy.err)
            process.send_signal(signo)
            out, err = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 3, err)
            self.assertEqual(json.loads(out)["status"], "INTERRUPTED")
            self.assertIn("interrupted", err)
            self.assertIn("tmflow resume " + run, err)
            done = self.tmflow("resume", run, "-o", "json")
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual(done.json["output"], "waited")
            again = self.tmflow("resume", run, "-o", "json")
            self.assertEqual((again.code, again.json["output"]), (0, "waited"))

    def test_interrupted_without_checkpoints(self):
        path = self.write("waits.yaml", WAITS)
        process = self.start("run", path, "--no-checkpoint", "--input", self.write("i.json", '{"seconds": 60}'))
        self.until_signals_are_caught(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3, err)
        self.assertNotIn("tmflow resume", out + err)
        self.assertIn("run the workflow again", out)

    def test_a_second_signal_stops_at_once(self):
        """Calls in flight would go on for ten minutes: the first signal waits for them, the second does not."""
        sim = self.sim("--fault", "delay:600000:DescribeInstances@1", instances=20)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--no-online-check", "--run-id", "slow", "-o", "json", sim=sim)
        while sim.report()["requests"] == 0:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        for line in process.stderr:
            if "a second signal stops at once" in line:
                break
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3, err)
        self.assertEqual(json.loads(out)["status"], "INTERRUPTED")
        sim.ask("/_sim/faults", {"faults": []})
        done = self.tmflow("resume", "slow", "-o", "json", sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertTrue(sim.expected()["ok"])

    def test_a_signal_during_the_report_cuts_nothing_off(self):
        """The run is over and its result does not fit into the pipe: a SIGTERM finds the process writing."""
        path = self.write("hello.yaml", HELLO)
        given = self.write("i.json", json.dumps({"name": "x" * 100000}))
        process = self.start("run", path, "--input", given, "-o", "json")
        room = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)
        full = array.array("i", [0])
        while full[0] < room:
            self.assertIsNone(process.poll())
            fcntl.ioctl(process.stdout, termios.FIONREAD, full)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["output"]["greeting"]["who"], "x" * 100000)

    def test_failure_is_one_document_too(self):
        """Whatever fails, and wherever: standard output holds one JSON document, and nothing was started."""
        path = self.write("hello.yaml", HELLO)
        junk = os.path.join(self.dir, "junk")
        os.mkdir(junk)
        with open(os.path.join(junk, "tmflow.db"), "wb") as f:
            f.write(bytes(range(256)) * 20)
        for args in (["--state-dir", "/proc/none"], ["--state-dir", path], ["--state-dir", junk], ["--input", "/none"], ["--input", path + "x"]):
            done = self.tmflow("run", path, "-o", "json", *args)
            self.assertEqual(done.code, 2, (args, done.err))
            self.assertEqual(set(done.json), {"error", "cause"})

    def test_standard_output_that_takes_nothing(self):
        path = self.write("hello.yaml", HELLO)
        argument = ["--input", self.write("i.json", '{"name": 1}')]
        with open("/dev/full", "w", encoding="ascii") as full:
            process = self.start("run", path, "-o", "json", *argument, stdout=full)
            _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("standard output", err)
        self.assertEqual(self.tmflow("show", "@latest", "-o", "json").json["status"], "SUCCEEDED")

    def test_help_that_nobody_gets(self):
        for word in ("--help", "--version"):
            with open("/dev/full", "w", encoding="ascii") as full:
                process = self.start(word, stdout=full)
                _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 1, word)
            self.assertIn("standard output", err)

    def test_closed_standard_files_and_a_limit_of_file_size(self):
        """The store never becomes standard error, and a limit of the shell's is a full disk and no death by signal."""
        path = self.write("hello.yaml", HELLO)
        state = os.path.join(self.dir, "closed")
        tmflow = os.path.join(harness.BUILD, "tmflow")
        argument = self.write("i.json", '{"name": 1}')
        closed = subprocess.run(["sh", "-c", f"exec {tmflow} run {path} --input {argument} --state-dir {state} 0<&- 1>&- 2>&-"], check=False)
        self.assertEqual(closed.returncode, 0)
        self.assertEqual(self.tmflow("store", "check", "--state-dir", state).code, 0)
        big = self.write("big.yaml", HELLO + "# " + 3000000 * "x" + "\n")
        limited = subprocess.run(["bash", "-c", f"ulimit -f 1000; exec {tmflow} run {big} --input {argument} --state-dir {state}-2"],
                                 check=False, capture_output=True, text=True)
        self.assertIn(limited.returncode, (1, 2), limited.stderr)

    def test_readers_that_go_away(self):
        """Neither progress nor results that nobody reads end a run; what standard output did not take is an error."""
        path = self.write("log.yaml", "StartAt: L\nStates:\n  L: {Type: Task, Resource: tmflow:log, End: true}\n")
        argument = ["--log-level", "info"]
        for stream, code in (("stderr", 0), ("stdout", 1)):
            reader, writer = os.pipe()
            os.close(reader)
            process = self.start("run", path, "--run-id", stream, *argument, **{stream: writer})
            os.close(writer)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, err)
            self.assertEqual(self.tmflow("show", stream, "-o", "json").json["status"], "SUCCEEDED")

    def test_a_list_that_is_cut_off_is_one_document(self):
        """The store fails while the list is printed: the document says so, and no other follows."""
        states = "".join(f"  S{i}: {{Type: Pass, Next: S{i + 1}}}\n" for i in range(400))
        path = self.write("long.yaml", f"StartAt: S0\nStates:\n{states}  S400: {{Type: Succeed}}\n")
        self.assertEqual(self.tmflow("run", path, "--run-id", "long", "--history").code, 0)
        store = os.path.join(self.dir, "state", "tmflow.db")
        with open(store, "r+b") as f:
            page = f.read().rindex(b'"name":"S350"') // 4096 * 4096
            f.seek(page)
            f.write(b"\xff" * 4096)
        done = self.tmflow("show", "long", "--history", "-o", "json")
        self.assertEqual(done.code, 2, done.err)
        self.assertGreater(len(done.json["events"]), 10)
        self.assertIn("malformed", done.json["incomplete"]["cause"])
        self.assertIn("malformed", done.err)
        lines = self.tmflow("show", "long", "--history", "-o", "jsonl").out.splitlines()
        self.assertIn("malformed", json.loads(lines[-1])["cause"])

    def test_help_and_version(self):
        self.assertRegex(self.tmflow("--version").out, r"^tmflow \d+\.\d+\.\d+\n$")
        overview = self.tmflow("--help")
        self.assertEqual(overview.code, 0)
        for name in ("run", "resume", "runs", "show", "validate", "actions"):
            self.assertIn("  " + name, overview.out)
            page = self.tmflow(name, "--help")
            self.assertEqual(page.code, 0)
            self.assertIn("usage: tmflow " + name, page.out)
        self.assertEqual(self.tmflow().code, 2)

    def pages(self):
        names = re.findall(r"^  ([a-z-]+) ", self.tmflow("--help").out, re.M)
        with open(os.path.join(harness.ROOT, "src/cli/subcommands.c"), encoding="utf-8") as table:
            self.assertEqual(sorted(names), sorted(re.findall(r'\.name = "([a-z-]+)"', table.read())))
        return {name: self.tmflow(name, "--help").out for name in names}

    def test_help_fits_a_terminal(self):
        """80 columns, and what people need most stands in each page."""
        for name, page in [("", self.tmflow("--help").out), *self.pages().items()]:
            for line in page.splitlines():
                self.assertLessEqual(len(line), 80, (name, line))
            if name:
                self.assertIn("\nExamples\n  $ ", page)
                self.assertIn("\nOutput\n", page)

    def test_long_words_of_a_cause_are_shortened_in_text(self):
        workflow = self.write("w.yaml", "StartAt: A\nStates: {A: {Type: Fail, Error: Denied, CausePath: $.c}}\n")
        cause = "Encoded authorization failure message: " + "x" * 900 + " end"
        given = self.write("in.json", json.dumps({"c": cause}))
        text = self.tmflow("run", workflow, "--input", given)
        self.assertIn("error Denied: Encoded authorization failure message: " + "x" * 40 + "... end\n", text.out)
        self.assertEqual(self.tmflow("run", workflow, "--input", given, "-o", "json").json["cause"], cause)

    def test_manual_names_every_option(self):
        with open(os.path.join(harness.ROOT, "src", "tmflow.1"), encoding="utf-8") as f:
            manual = f.read()
        options = {o for page in self.pages().values() for o in re.findall(r"^ +(?:-\w, )?--([a-z-]+)", page, re.M)}
        self.assertGreater(len(options), 40)
        for option in options:
            self.assertRegex(manual, rf"\.It .*(?:Fl|,) -{option}\b")
        named = set(re.findall(r"(?:Fl|,) -([a-z-]{2,})", manual))
        self.assertEqual(named - options, set())

    def test_manual_names_every_subcommand(self):
        with open(os.path.join(harness.ROOT, "src", "tmflow.1"), encoding="utf-8") as f:
            manual = f.read()
        names = re.findall(r"^  ([a-z-]+) ", self.tmflow("--help").out, re.M)
        self.assertGreater(len(names), 10)
        for name in names:
            self.assertRegex(manual, rf"\.It Cm {name}\b")

    def test_actions(self):
        listed = self.tmflow("actions", "-o", "json")
        names = [a["resource"] for a in listed.json]
        for name in ("describe-page", "match", "exclude-target-instances", "find-sessions", "ensure-target", "ensure-session", "log"):
            self.assertIn("tmflow:" + name, names)
        self.assertIn("NextToken", self.tmflow("actions", "describe-page").out)
        self.assertEqual(self.tmflow("actions", "nothing").code, 2)


CONFIGS = os.path.join(os.path.dirname(harness.ROOT), "shared", "cases", "mirror", "configs")


@unittest.skipUnless(os.path.isdir(CONFIGS), "skipped: ../shared/cases/mirror/configs is not there")
class Configurations(harness.Case):
    """Configurations that people have: what validate says of each."""

    wanted = {  # exit code, and the faults by line, column and words
        "anchors": (0, []),
        "both": (0, [("5:23: warning", "ignored, because the rule has a targetId: targetInstanceType, targetInstanceAmi, targetSecurityGroupIds")]),
        "samekey-all": (0, [("2:3: warning", "can never match: with tagMatch: all the tag Name must have two values")]),
        "exclude-all": (0, [("2:3: warning", "exclude takes all instances of the rule")]),
        # An empty value is a tag's like any other. No tag has an empty key.
        "awsreserved": (2, [("2:67: error", "no Key")]),
        "arn-target": (2, [("4:13: error", 'targetId is "arn:aws:ec2:eu-west-1'), ("5:10: error", 'vpcId is "*"')]),
        "fork-az": (2, [("2:3: error", "filterId is missing"), ("2:3: error", "has no target"), ("5:3: error", 'did you mean "filterId"'),
                        ("6:3: error", 'did you mean "filterId"'), ("7:3: error", 'did you mean "targetId"'), ("8:3: error", 'did you mean "targetId"')]),
    }

    def test_every_case(self):
        names = sorted(name[: -len(".yaml")] for name in os.listdir(CONFIGS))
        self.assertEqual(names, sorted(self.wanted))
        for name in names:
            path = os.path.join(CONFIGS, name + ".yaml")
            code, faults = self.wanted[name]
            done = self.tmflow("validate", path)
            self.assertEqual(done.code, code, name + done.err)
            said = [line for line in (done.out + done.err).splitlines() if not line.endswith(": valid")]
            self.assertEqual(len(said), len(faults), said)
            for line, (place, words) in zip(said, faults):
                self.assertIn(f"{path}:{place}: ", line)
                self.assertIn(words, line)


if __name__ == "__main__":
    harness.main()
