#!/usr/bin/env python3
"""How far a run is: one line that is redrawn on a terminal and never wider than it, lines elsewhere, nothing with --quiet."""
import fcntl
import os
import pty
import re
import signal
import socket
import threading
import struct
import termios

import harness

ERASE = "\r\x1b[K"
PART = re.compile(r"\d+ s|page \d+|\d+ instances( \(\d+/s\))?|\d+ calls|\d+ of \d+ calls throttled|\d+ throttled|(over )?\d+ (s|min) left|"
                  r"\d+ (created|present|updated|unmatched|excluded|ineligible|conflict|gone|foreign-account|failed)")

CONFIG = """
vpcs:
  - vpcId: vpc-00000000000000001
    filterId: tmf-00000000000000001
    targetId: tmt-00000000000000001
"""


def hang_up(listener):
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


class Progress(harness.Case):
    def on_terminal(self, columns, *options, env=None):
        sim = self.sim("--fault", "delay:100@1", *options, instances=200)
        return self.terminal(sim, columns, "run", harness.BACKFILL, "--config", sim.config, env=env)

    def terminal(self, sim, columns, *words, env=None):
        """Everything that tmflow writes to a terminal of that width, and its exit code."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = self.environment(sim)
        environment.update({"TERM": "xterm-256color", **(env or {})})
        process = harness.subprocess.Popen([harness.TMFLOW, *words], cwd=harness.ROOT,
                                           env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the terminal's other side is closed
                break
            if not part:
                break
            text += part
        os.close(ours)
        self.found_nowhere(text, "what a terminal shows")
        return process.wait(harness.RUN_SECONDS), text.decode()

    def drawn(self, text):
        """The lines that were drawn and erased again, and what stands at the end."""
        lines = text.split(ERASE)
        return lines[:-1], lines[-1]

    def test_terminal(self):
        for columns in (40, 60, 200):
            code, text = self.on_terminal(columns, "--fault", "throttle:CreateTrafficMirrorSession@#2")
            self.assertEqual(code, 0, text)
            lines, end = self.drawn(text)
            self.assertGreater(len(lines), 2)
            for line in lines:
                self.assertLess(len(line), columns - 2, lines)
                for part in line.split(", "):
                    self.assertRegex(part, f"^({PART.pattern})$")
            self.assertRegex(lines[-1], r"\d+ instances, (.*, )?\d+ throttled" if columns == 40 else r"page \d+, \d+ instances")
            if columns == 200:
                self.assertRegex(lines[-1], "throttled, .*created, .*unmatched")
            self.assertIn("SUCCEEDED", end)
            self.assertRegex(end, r" +\d+  created\r\n")
            self.assertRegex(end, r" +\d+  in all\r\n")

    def test_no_color_and_dumb_terminals(self):
        _, text = self.on_terminal(100, env={"NO_COLOR": "1"})
        self.assertNotIn("\x1b", text.replace(ERASE, ""))
        _, text = self.on_terminal(100, env={"TERM": "dumb"})
        self.assertNotIn("\x1b", text)

    def test_elsewhere(self):
        sim = self.sim("--fault", "throttle@0.1", "--fault", "delay:11000:DescribeInstances@#1", instances=50)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.err, r"^tmflow: 1\d s, page 0, 0 instances \(0/s\), \d+ ")
        self.assertNotIn("\x1b", done.err)
        self.assertNotIn("\r", done.err)

    def test_out_of_reach(self):
        with socket.create_server(("127.0.0.1", 0)) as nobody:  # lets one in and hangs up
            threading.Thread(target=hang_up, args=(nobody,), daemon=True).start()
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            process = self.start("run", harness.BACKFILL, "--config", self.write("c.yaml", CONFIG), "--endpoint-url", url,
                                 "--region", "us-east-1", env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": harness.SECRET})
            lines = []
            while not lines or "waiting:" not in lines[-1]:
                lines.append(process.stderr.readline())
                self.assertTrue(lines[-1], lines)
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3)
        self.assertRegex(lines[-1], rf"^tmflow: \d+ s, waiting: TMFlow.Transport: no complete reply from {url}/?: ")
        warnings = [line for line in lines + rest.splitlines() if " warn aws.unreachable " in line]
        self.assertEqual(len(warnings), 1, lines)
        self.assertIn(url, warnings[0])

    def test_counts_on_after_a_resume(self):
        """Pages and instances are those of the run, not of the process; their rate is the process's."""
        sim = self.sim("--plain", "--fault", "delay:100@1", instances=1500)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "--run-id", "one", sim=sim)
        while sim.report()["actions"].get("DescribeInstances", {"calls": 0})["calls"] < 4:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3)
        code, text = self.terminal(sim, 100, "resume", "one")
        self.assertEqual(code, 0, text)
        counts = [tuple(map(int, re.search(r"page (\d+), (\d+) instances", line).groups())) for line in self.drawn(text)[0]]
        self.assertGreaterEqual(counts[0], (3, 600))
        self.assertEqual(counts, sorted(counts))
        self.assertLessEqual(counts[-1][0], 8)

    def test_quiet(self):
        code = self.tmflow("run", self.write("w.yaml", "StartAt: A\nStates: {A: {Type: Succeed}}\n"), "-q")
        self.assertEqual((code.code, code.err), (0, ""))


if __name__ == "__main__":
    harness.main()
