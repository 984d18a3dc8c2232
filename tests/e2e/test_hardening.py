#!/usr/bin/env python3
"""How the program is built, what it gives up when it starts, and that nothing it prints is obeyed by a terminal. See src/SECURITY.md."""
import glob
import os
import platform
import random
import re
import shutil
import subprocess
import unittest

import fakes
import harness
import services

# A colour, CSI as one character, a line end with a line of its own, and a mark that turns the direction of writing.
EVIL = "\u001b[31mred\u009b2J\nforged line\u202e\u007f"
EXPOSURE_MAX = 12  # tenths: 1.2 of 10; what is left is the network, and the host's root directory to read
# The same of what may stand in XML, and so come from AWS.
EVIL_IN_XML = "red\u009b2J\nforged line\u202e\u007f"
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

WORKFLOW = {
    "StartAt": "State " + EVIL,
    "States": {
        "State " + EVIL: {"Type": "Choice", "Choices": [{"Variable": "$.x", "StringEquals": EVIL, "Next": "Fail"}], "Default": "Fail"},
        "Fail": {"Type": "Fail", "Error": "E" + EVIL, "Cause": "cause " + EVIL},
    },
}
WAITS = "StartAt: W\nStates:\n  W: {Type: Wait, Seconds: 600, End: true}\n"
PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Result": {"k" + EVIL: EVIL}, "End": True}}}


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words, harness.TMFLOW], check=True, stdout=subprocess.PIPE, text=True).stdout


def cache():
    with open(os.path.join(os.path.dirname(harness.TMFLOW), "CMakeCache.txt"), encoding="utf-8") as file:
        return dict(re.findall(r"^(\w+):\w+=(.*)$", file.read(), re.M))


class Built(harness.Case):
    def is_release(self):
        return cache().get("CMAKE_BUILD_TYPE") in ("Release", "RelWithDebInfo") and cache().get("TMFLOW_SANITIZE") != "ON"

    def test_position_independent_and_bound_at_the_start(self):
        self.assertRegex(readelf("-h"), r"Type:\s+DYN")
        dynamic = readelf("-d")
        self.assertRegex(dynamic, r"FLAGS_1.*\bNOW\b.*\bPIE\b")
        self.assertNotRegex(dynamic, r"\(TEXTREL\)|\(RPATH\)|\(RUNPATH\)")

    def test_nothing_is_both_written_and_executed(self):
        segments = readelf("-l")
        self.assertRegex(segments, r"GNU_RELRO")
        self.assertRegex(segments, r"GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW\s")
        for line in segments.splitlines():
            self.assertNotRegex(line, r"^\s+LOAD\s.*\bRWE\b")

    def test_stack_and_strings_are_watched(self):
        symbols = readelf("--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        if self.is_release():
            self.assertRegex(symbols, r"__(vsn|sn|f|vf)?printf_chk|__memcpy_chk")


    def test_what_one_command_needs_is_not_loaded_by_all(self):
        """libmicrohttpd is `tmflow ui`'s, and GnuTLS, which comes with libcurl, does not set itself up. See src/decisions/080."""
        self.assertNotIn("libmicrohttpd", readelf("--dynamic"))
        done = subprocess.run([harness.TMFLOW, "version"], env={**os.environ, "LD_DEBUG": "bindings"}, check=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        asked = re.findall(r"binding file (\S*libgnutls\S*) .* to (\S+) .*_gnutls_global_init_skip", done.stderr)
        if "libgnutls" in done.stderr:
            self.assertEqual({os.path.basename(to) for _, to in asked}, {"tmflow"})

    def test_every_file_is_compiled_so(self):
        """What the linked program no longer shows."""
        with open(os.path.join(harness.BUILD, "compile_commands.json"), encoding="utf-8") as file:
            commands = [c["command"].split() for c in harness.json.load(file) if c["file"].startswith(os.path.join(harness.ROOT, "src"))]
        self.assertGreater(len(commands), 100)
        wanted = {"-fstack-protector-strong", "-fstack-clash-protection"}
        if platform.machine() == "x86_64":
            wanted.add("-fcf-protection")
        if self.is_release():
            wanted.add("-D_FORTIFY_SOURCE=2" if "clang" in cache()["CMAKE_C_COMPILER"] else "-D_FORTIFY_SOURCE=3")
        for words in commands:
            self.assertLessEqual(wanted, set(words))
            self.assertNotIn("-DNDEBUG", words)


class Deployed(harness.Case):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "skipped: no systemd-analyze here")
    def test_services_are_shut_in(self):
        for name in ("tmflow-worker.service", "tmflow-reconcile.service"):
            unit = os.path.join(harness.ROOT, "tools", "deploy", name)
            done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", unit], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)


class Started(harness.Case):
    def waiting(self):
        workflow = self.write("wait.yaml", WAITS)
        process = self.start("run", workflow)
        self.until_signals_are_caught(process)
        return process

    def test_no_core_and_nothing_inherited(self):
        process = self.waiting()
        try:
            with open(f"/proc/{process.pid}/limits", encoding="ascii") as file:
                self.assertRegex(file.read(), r"Max core file size\s+[01]\s+[01]\s")
            for fd in os.listdir(f"/proc/{process.pid}/fd"):
                if int(fd) > 2:
                    with open(f"/proc/{process.pid}/fdinfo/{fd}", encoding="ascii") as file:
                        flags = int(re.search(r"flags:\s+(\d+)", file.read())[1], 8)
                    self.assertTrue(flags & os.O_CLOEXEC, os.readlink(f"/proc/{process.pid}/fd/{fd}"))
        finally:
            process.kill()
            process.communicate()

    def test_no_option_takes_a_secret(self):
        names = re.findall(r"^  ([a-z][a-z-]+) ", self.tmflow("--help").out, re.M)
        self.assertIn("run", names)
        for name in names:
            options = re.findall(r"--([a-z-]+)", self.tmflow(name, "--help").out)
            self.assertIn("help", options)
            for option in options:
                self.assertNotRegex(option, r"secret|(?<!mfa-)token|password|passphrase|key")  # a code of a device works once

    def privileges(self, process):
        """What the process says of NoNewPrivs once it works; then it is ended."""
        try:
            self.until_signals_are_caught(process)
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                return re.search(r"NoNewPrivs:\s+(\d)", file.read())[1]
        finally:
            process.kill()
            process.communicate()

    def test_services_get_no_privileges(self):
        sim = self.sim(instances=1)
        api = services.Runtime()
        self.addCleanup(api.stop)
        queue = services.Queue(random.Random(1))
        self.addCleanup(queue.stop)
        for words, env in ((["worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:a", "--config", sim.config], {}),
                           (["listen", "--queue-url", queue.queue_url, "--config", sim.config], {"AWS_ENDPOINT_URL_SQS": queue.url}),
                           (["lambda"], {"AWS_LAMBDA_RUNTIME_API": api.api, "TMFLOW_CONFIG": sim.config})):
            with self.subTest(words[0]):
                self.assertEqual(self.privileges(self.start(*words, sim=sim, env=env)), "1")
        self.assertEqual(self.privileges(self.start("run", self.write("wait.yaml", WAITS))), "0")

    def test_a_pipe_as_health_file_blocks_nobody(self):
        sim = self.sim(instances=1)
        pipe = os.path.join(self.dir, "pipe")
        os.mkfifo(pipe)
        process = self.start("worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:a", "--config", sim.config,
                             "--health-file", pipe, sim=sim)
        try:
            self.until_signals_are_caught(process)
        finally:
            process.kill()
            process.communicate()

    def test_a_worker_gets_no_privileges_and_follows_no_link(self):
        sim = self.sim(instances=1)
        kept = self.write("kept", "as it was")
        old = os.stat(kept).st_mtime_ns
        link = os.path.join(self.dir, "healthy")
        os.symlink(kept, link)
        process = self.start("worker", "--activity-arn", "arn:aws:states:us-east-1:123456789012:activity:a", "--config", sim.config,
                             "--health-file", link, sim=sim)
        try:
            self.until_signals_are_caught(process)
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                self.assertRegex(file.read(), r"NoNewPrivs:\s+1")
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(os.stat(kept).st_mtime_ns, old)


class Printed(harness.Case):
    """Text of others in everything that is printed."""

    def harmless(self, *args, code=None, sim=None, env=None):
        done = self.tmflow(*args, sim=sim, env=env)
        for name, text in (("stdout", done.out), ("stderr", done.err)):
            found = RAW.search(text)
            self.assertIsNone(found, f"{name} of tmflow {' '.join(args)}: {text!r}")
            if not {"json", "jsonl", "graph"} & set(args):
                self.assertNotRegex(text, r"(?m)^forged line", f"{name} of tmflow {' '.join(args)}")
        if code is not None:
            self.assertEqual(done.code, code, done.err)
        return done

    def test_all_that_tells_of_a_run(self):
        fails = self.write("fails.json", harness.json.dumps(WORKFLOW))
        passes = self.write("passes\u009b2J.json", harness.json.dumps(PASSES))
        for output in ("text", "json"):
            self.harmless("run", fails, "--history", "-o", output, code=1)
            self.harmless("run", passes, "--history", "-o", output, code=0)
            for words in (["show", "@latest"], ["show", "@latest", "--history"], ["runs"], ["validate", fails],
                          ["test-state", fails, "State " + EVIL, "--input", fails], ["export", fails, "--activity-arn", "arn:x"]):
                self.harmless(*words, "-o", output)
        for words in (["runs"], ["show", "@latest", "--history"]):
            self.harmless(*words, "-o", "jsonl", code=0)
        self.assertEqual(self.tmflow("show", "@latest", "-o", "json").json["output"], {"k" + EVIL: EVIL})

    def test_graphs(self):
        fails = self.write("fails.json", harness.json.dumps(WORKFLOW))
        self.tmflow("run", fails, "--run-id", "r", "--history")
        for form in ("dot", "mermaid") + (("svg",) if shutil.which("dot") else ()):
            self.harmless("graph", fails, "--format", form, code=0)
            self.harmless("graph", fails, "--format", form, "--run", "r", code=0)

    def test_tags_and_rules(self):
        """Names of rules, and tags of instances, in tables, JSON, logs and explanations."""
        sim = self.sim("--no-auth", instances=12)
        with open(sim.config, encoding="utf-8") as file:
            text = file.read()
        tagged = sim.query("DescribeInstances").findtext(".//instanceId")
        sim.query("CreateTags", **{"ResourceId.1": tagged, "Tag.1.Key": EVIL_IN_XML, "Tag.1.Value": EVIL_IN_XML})
        rule = {"name": EVIL, "tagList": [{"Key": EVIL_IN_XML, "Value": EVIL_IN_XML}], "filterId": re.search(r"tmf-\w+", text)[0],
                "targetId": "tmt-0123456789abcdef0"}
        config = self.write("evil.yaml", harness.json.dumps({"tags": [rule]}))
        with open(harness.BACKFILL, encoding="utf-8") as file:
            impatient = self.write("impatient.yaml", re.sub(r"MaxAttempts: \d+", "MaxAttempts: 0", file.read()))
        loud = ("--log-level", "debug", "--debug-http")
        unchecked = (*loud, "--no-online-check")
        for output in ("text", "json"):
            self.harmless("validate", config, "-o", output)
            self.harmless("explain", tagged, "--config", config, "-o", output, *loud, sim=sim, code=0)
            self.harmless("run", impatient, "--config", config, "--dry-run", "-o", output, *unchecked, sim=sim, code=0)
            done = self.harmless("run", impatient, "--config", config, "--history", "-o", output, *unchecked, sim=sim, code=5)
            self.assertIn("forged line", done.err)
            for words in (["--outcomes"], ["--failed"], ["--history"], []):
                self.harmless("show", "@latest", *words, "-o", output, code=0)
            self.harmless("runs", "-o", output, code=0)
        self.assertEqual(self.tmflow("explain", tagged, "--config", config, "-o", "json", sim=sim).json["rule"], EVIL)

    def test_causes_of_aws(self):
        """What an error of AWS says, in the log, the progress and the end."""
        fault = f"<Response><Errors><Error><Code>Nope{EVIL_IN_XML}</Code><Message>{EVIL_IN_XML}</Message></Error></Errors><RequestID>r</RequestID></Response>"
        server = fakes.Fake(lambda request: (400, fault))
        self.addCleanup(server.stop)
        config = self.write("c.yaml", "vpcs: [{vpcId: vpc-0123456789abcdef0, filterId: tmf-0123456789abcdef0, targetId: tmt-0123456789abcdef0}]")
        env = {"AWS_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": harness.SECRET}
        for output in ("text", "json"):
            done = self.harmless("run", harness.BACKFILL, "--config", config, "--history", "-o", output, "--log-level", "debug", "--debug-http",
                                 env=env, code=1)
            self.assertIn("forged line", done.out + done.err)
            self.harmless("show", "@latest", "--history", "-o", output, code=0)
            self.harmless("explain", "i-0123456789abcdef0", "--config", config, "-o", output, env=env, code=1)

    def test_faults(self):
        for words in (["run", "/nowhere" + EVIL], ["show", EVIL], [EVIL], ["run", "--" + EVIL], ["runs", "--status", EVIL],
                      ["validate", "/nowhere" + EVIL]):
            for output in ("text", "json"):
                self.harmless(*words, "-o", output, code=2)
        bad = self.write("bad.json", harness.json.dumps({"StartAt": EVIL, "States": {"X" + EVIL: {"Type": EVIL, EVIL: 1}}}))
        self.harmless("validate", bad, code=2)

    def test_any_bytes_are_one_document(self):
        for words in (["run", b"/nowhere/\xff\x80"], [b"\xff"], ["run", b"--x\xe2\x82"]):
            done = subprocess.run([harness.TMFLOW, *words, "-o", "json"], env=self.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("cause", harness.json.loads(done.stdout))

    def test_there_is_one_way_to_print(self):
        """Text of others is printed by cli_print and its like, in print.c; help, manual and version are ours, and so are numbers and blanks."""
        for path in glob.glob(os.path.join(harness.ROOT, "src", "cli", "**", "*.c"), recursive=True):
            if os.path.basename(path) in ("print.c", "help.c", "manual.c", "main.c"):
                continue
            with open(path, encoding="utf-8") as file:
                for call in re.findall(r"(?<![\w])(?:printf|fprintf|puts)\([^;]*;", file.read()):
                    texts = re.findall(r'%[-0-9.*]*s', call)
                    safe = texts == [] and not call.startswith("puts") or texts == ["%*s"] and call.endswith(' "");')
                    safe = safe or "buf_cstr(&safe)" in call or '"tmflow: %s\\n", buf_cstr(&line)' in call or re.match(r'puts\("', call)
                    self.assertTrue(safe, f"{path}: {call}")


if __name__ == "__main__":
    harness.main()
