#!/usr/bin/env python3
"""The command line as a person and a script meet it: options in front, versions, a document a line, directories, a proxy."""
import fcntl
import http.server
import json
import os
import pty
import re
import struct
import termios
import threading

import harness

QUICK = "StartAt: D\nStates:\n  D: {Type: Succeed}\n"
CONFIG = """
hook: hook.lua
vpcs:
  - vpcId: vpc-00000000000000001
    filterId: tmf-00000000000000001
    targetId: tmt-00000000000000001
"""


class Proxy(http.server.BaseHTTPRequestHandler):
    """Notes what it is asked for, and refuses it."""

    def do_POST(self):
        self.server.asked.append(self.path)
        self.send_response(403)
        self.end_headers()

    def log_message(self, *_):
        pass


class Terminal(harness.Case):
    def test_options_in_front(self):
        self.assertEqual(self.tmflow("-o", "json", "runs").json, [])
        other = self.tmflow("--output=json", "--state-dir", os.path.join(self.dir, "other"), "runs")
        self.assertEqual((other.code, other.json["error"]), (2, "TMFlow.Store"))
        self.assertFalse(os.path.exists(os.path.join(self.dir, "other", "tmflow.db")))
        twice = self.tmflow("--limit", "1", "runs", "--limit", "2")
        self.assertEqual((twice.code, "given twice" in twice.err), (2, True))
        for args, pattern in ((("-o", "json"), "missing subcommand"), (("-o",), "missing value"), (("--ouptut", "json", "runs"), "did you mean --output"),
                              (("--mock", "{}", "runs"), "unknown option --mock"), (("-o", "json", "rusn"), "did you mean")):
            done = self.tmflow(*args)
            self.assertEqual(done.code, 2, args)
            self.assertIn(pattern, done.err)

    def test_help_is_of_its_subcommand(self):
        """An option's help says what it does here: its forms, and nothing of other subcommands."""
        overview = self.tmflow("--help").out
        for code in range(8):
            self.assertRegex(overview, rf"\n  {code}  \S")
        names = re.findall(r"^  ([a-z-]+)(?: check)?(?: \S+)*(?:  |$)", overview.split("\nExit codes")[0], re.M)
        self.assertGreater(len(names), 20)
        for name in names:
            words = (name, "check") if name == "store" else (name,)
            text = re.sub(r"\s+", " ", self.tmflow(*words, "--help").out)
            refused = self.tmflow(*words, "-o", "nothing").err
            forms = re.search(r"-o takes one of (.*), not", refused).group(1)
            self.assertIn(f"-o, --output FORMAT {forms.replace('text', 'text (default)', 1)} ", text)
            for other in names:
                self.assertNotRegex(text, rf"[;:,] {other}: ", name)
        self.assertIn("Step Functions activity that gives out the tasks; may be repeated", re.sub(r"\s+", " ", self.tmflow("worker", "--help").out))

    def on_terminal(self, columns, *args):
        """Lines of standard output, which is a terminal of that width."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = self.start(*args, stdout=theirs, env={"NO_COLOR": "1"})
        os.close(theirs)
        text = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:
                break  # the last writer has gone
            if not more:
                break
            text += more
        os.close(ours)
        self.assertEqual(process.wait(60), 0)
        return text.decode().replace("\r\n", "\n").splitlines()

    def test_lists_fit_the_terminal(self):
        sim = self.sim(instances=60)
        self.assertEqual(self.backfill(sim, "--run-id", "0123456789-0123456789-012345").code, 0)
        wide = self.on_terminal(200, "runs")
        self.assertEqual(len(wide), 2)
        self.assertEqual(wide, self.tmflow("runs").out.splitlines())
        for columns in (120, 80, 40):
            lines = self.on_terminal(columns, "runs")
            self.assertGreater(len(lines), 2)
            for line in lines:
                if " unmatched" not in line:  # outcomes are as long as they are
                    self.assertLessEqual(len(line), columns, line)
                self.assertEqual(line, line.rstrip())
            self.assertEqual(" ".join(" ".join(lines).split()), " ".join(" ".join(wide).split()))
        tree = [line for line in self.on_terminal(40, "show", "@latest") if line.startswith("  \u2713 Match ")]
        self.assertEqual([len(line) for line in tree], [39])
        whole = self.tmflow("config").out.splitlines()
        self.assertEqual(self.on_terminal(max(map(len, whole)), "config"), whole)
        narrow = self.on_terminal(80, "config")
        self.assertEqual([line.split() for line in narrow], [line.split() for line in whole])
        self.assertGreater(len([line for line in narrow if len(line) <= 80]), len(narrow) / 2)

    def test_a_reader_that_has_enough(self):
        """`tmflow ... | head`: no complaint, but not a success either."""
        self.large_run("large")
        process = self.start("show", "large", "--outcomes")
        self.assertIn("i-", process.stdout.readline())
        process.stdout.close()
        self.assertEqual((process.stderr.read(), process.wait(60)), ("", 1))

    def test_version(self):
        for args in (("--version", "-o", "json"), ("-o", "json", "--version"), ("version", "-ojson"), ("-V", "--output=json")):
            document = self.tmflow(*args).json
            self.assertEqual("tmflow " + document["version"] + "\n", self.tmflow("--version").out)
            self.assertIn("compiler", document["build"])
            self.assertEqual(set(document["libraries"]), {"curl", "expat", "jansson", "lua", "openssl", "pcre2", "sqlite", "yaml"})
            for version in document["libraries"].values():
                self.assertRegex(version, r"^\d+\.\d+")
        self.assertEqual(len(self.tmflow("--version", "-o", "jsonl").out.splitlines()), 1)

    def test_jsonl_is_a_document_a_line(self):
        sim = self.sim(instances=30)
        quick = self.write("quick.yaml", QUICK)
        runs = [(("run", quick), 1), (("run", quick, "--history", "--run-id", "one"), 1), (("resume", "one"), 1), (("runs",), 2), (("show", "one"), 0),
                (("run", harness.BACKFILL, "--config", sim.config, "--dry-run"), 1), (("validate", quick), 1), (("config",), 1), (("store", "check"), 1),
                (("eval", "1 + 1"), 1), (("actions",), 1), (("destroy",), 1), (("graph", quick), 1), (("show", "nothing"), 1), (("rnu",), 1)]
        for args, least in runs:
            done = self.tmflow(*args, "-o", "jsonl", sim=sim)
            lines = done.out.splitlines()
            self.assertGreaterEqual(len(lines), least, args)
            for line in lines:
                json.loads(line)
        plan = json.loads(self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--dry-run", "-o", "jsonl", sim=sim).out)
        self.assertGreater(len(plan["plan"]), 0)

    def test_an_event_is_asked_for(self):
        for name in ("on-launch", "on-guardduty"):
            path = os.path.join(harness.ROOT, "workflows", name + ".yaml")
            done = self.tmflow("run", path, "-o", "json")
            self.assertEqual(done.code, 2)
            self.assertIn("--input", done.json["cause"])
        self.assertEqual(self.tmflow("runs", "-o", "json").json, [])

    def test_validate_directories_and_hooks(self):
        folder = os.path.join(self.dir, "all")
        os.mkdir(folder)
        self.write("all/b.yaml", QUICK)
        self.write("all/a.json", '{"StartAt": "D", "States": {"D": {"Type": "Succeed"}}}')
        self.write("all/notes.txt", "no workflow")
        self.write("all/.hidden.yaml", "no workflow")
        done = self.tmflow("validate", folder)
        self.assertEqual(done.out, f"{folder}/a.json: valid\n{folder}/b.yaml: valid\n")
        hook = self.write("all/hook.lua", "return {match = function(instance, rule) return true end}")
        config = self.write("all/c.yaml", CONFIG)
        self.assertEqual(self.tmflow("validate", folder).code, 0)
        self.write("all/hook.lua", "return {match = function(")
        done = self.tmflow("validate", folder)
        self.assertEqual(done.code, 2)
        self.assertRegex(done.err, r"c\.yaml:2:7: error: the hook does not load: .*hook\.lua")
        other = self.write("other.lua", "return {}")
        self.assertEqual(self.tmflow("validate", config, "--hook", other).code, 0)
        os.unlink(hook)
        self.assertIn("hook.lua", self.tmflow("validate", config, "-o", "json").json["diagnostics"][0]["message"])
        empty = os.path.join(self.dir, "empty")
        os.mkdir(empty)
        self.assertEqual(self.tmflow("validate", empty).code, 2)

    def test_proxy_of_http(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        proxy = f"http://127.0.0.1:{server.server_port}"

        def destroy(**env):
            server.asked.clear()
            self.tmflow("destroy", "--region", "us-east-1", "--endpoint-url", "http://ec2.invalid:1", env={
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": harness.SECRET, "AWS_MAX_ATTEMPTS": "1", **env})
            return set(server.asked)
        self.assertEqual(destroy(HTTP_PROXY=proxy), {"http://ec2.invalid:1/"})
        self.assertEqual(destroy(HTTP_PROXY=proxy, NO_PROXY="ec2.invalid"), set())
        self.assertEqual(destroy(HTTP_PROXY="http://127.0.0.1:1", http_proxy=proxy), {"http://ec2.invalid:1/"})
        self.assertEqual(destroy(HTTP_PROXY=proxy, REQUEST_METHOD="GET"), set())


if __name__ == "__main__":
    harness.main()
