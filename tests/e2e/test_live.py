#!/usr/bin/env python3
"""SIGUSR1: a process says what it is doing, branch by branch, and goes on."""
import re
import signal

import harness

ASKED_MAX = 200

WAITING = """
StartAt: Each
States:
  Each:
    Type: Map
    ItemsPath: $.items
    ItemProcessor: {StartAt: Rest, States: {Rest: {Type: Wait, Seconds: 3600, End: true}}}
    End: true
"""


class Live(harness.Case):
    def asked(self, process, wanted):
        """Asks until the answer is as wanted: what is asked for first may come before the first state is entered."""
        self.until_signals_are_caught(process, signal.SIGUSR1)
        for _ in range(ASKED_MAX):
            process.send_signal(signal.SIGUSR1)
            line = process.stderr.readline()
            while not line.startswith("run "):
                line = process.stderr.readline()
            branches = int(re.fullmatch(r"run \S+ \(\S+\): (\d+) branches, \d+ ops, \d+ transitions\n", line)[1])
            answer = "".join(process.stderr.readline() for _ in range(branches))
            if re.search(wanted, answer, re.MULTILINE):
                return answer
        self.fail(answer)

    def stopped(self, process):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=harness.RUN_SECONDS)
        self.assertEqual(process.returncode, 3)

    def test_branches(self):
        process = self.start("run", self.write("w.yaml", WAITING), "--input", self.write("i.json", '{"items": [1, 2]}'), "-q")
        answer = self.asked(process, r"^  \d+ Each\[1\]/Rest: waiting, entered [0-9.]+ s ago, 3\d\d\d\.\d s to go$")
        self.assertRegex(answer, r"(?m)^  1 Each: children, entered [0-9.]+ s ago, 0 of 2 ended, 2 live$")
        self.stopped(process)

    def test_calls(self):
        sim = self.sim("--fault", "delay:600000:DescribeInstances@1", instances=5)
        process = self.start("run", harness.BACKFILL, "--config", sim.config, "-q", sim=sim)
        self.asked(process, r": task, .*, describe-page in describe_page_came for [0-9.]+ s, waits for DescribeInstances$")
        process.kill()
        process.communicate()


if __name__ == "__main__":
    harness.main()
