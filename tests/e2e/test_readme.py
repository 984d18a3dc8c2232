#!/usr/bin/env python3
"""Every console block of the README is run as it stands, and prints what stands there: ids, times and durations aside; "..." stands for any lines."""
import os
import re
import subprocess

import harness

BAD = """vpc: []
subnets:
  # two of them
  - subnetId: vpc-0123456789abcdef0
    filterId: tmf-0123456789abcdef0
    targetId: tmt-0123456789abcdef0
  - subnetId: subnet-0123456789abcdef0
    targetId: tmt-0123456789abcdef0
"""
HELLO_FILE = "hello.yaml"
WORDS_MAX = 1200


def blocks(text):
    """The indented blocks with a prompt: lists of (command, lines of its output)."""
    found, commands = [], None
    for line in text.splitlines() + [""]:
        prompt = re.match(r"^( {4,})\$ (.*)", line)
        if prompt and commands is None:
            commands, indent = [], len(prompt[1])
        if commands is None:
            continue
        if line.strip() and not line.startswith(" " * indent):
            found.append(commands)
            commands = None
        elif prompt and len(prompt[1]) == indent:
            commands.append((prompt[2], []))
        else:
            commands[-1][1].append(line[indent:].rstrip())
    return found


def plain(line):
    for pattern, word in ((r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "RUN"), (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"), (r"\b(i|eni|tmt|tms|tmf|subnet|vpc)-[0-9a-f]{17}", r"\1-ID"),
                          (r"took \d+\.\d s", "took N s"), (r" {2}\d+(\.\d)?s +", "  Ns  "), (r"\S+/", "")):
        line = re.sub(pattern, word, line)
    return line.rstrip()


def fits(wanted, got):
    """True if the lines are those wanted, "..." being any number of lines, or the rest of one."""
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(fits(wanted[1:], got[i:]) for i in range(len(got) + 1))
    if not got:
        return False
    start = wanted[0][:-3] if wanted[0].endswith("...") else None
    return (got[0].startswith(start) if start is not None else wanted[0] == got[0]) and fits(wanted[1:], got[1:])


class Readme(harness.Case):
    def setUp(self):
        super().setUp()
        with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as f:
            self.text = f.read()

    def test_console_blocks(self):
        sim = self.sim(instances=1000)
        self.assertEqual(sim.expected()["expectedSessions"], 373)
        self.write("bad.yaml", BAD)
        os.symlink(os.path.join(harness.ROOT, "workflows"), os.path.join(self.dir, "workflows"))
        env = self.environment(sim)
        env["PATH"] = os.path.abspath(harness.BUILD) + os.pathsep + env.get("PATH", os.environ["PATH"])
        ran = 0
        for commands in blocks(self.text):
            for command, wanted in commands:
                while wanted and not wanted[-1]:
                    wanted.pop()
                if command == f"cat {HELLO_FILE}":
                    self.write(HELLO_FILE, "\n".join(wanted) + "\n")
                done = subprocess.run(["sh", "-c", command], cwd=self.dir, env=env, capture_output=True, text=True, check=False, timeout=harness.RUN_SECONDS)
                got = [plain(line) for line in (done.stdout + done.stderr if "validate" in command else done.stdout).splitlines()]
                if "tmflow runs" in command:
                    got = [line for line in got if "hello" not in line]
                self.assertTrue(fits([plain(line) for line in wanted], got), f"$ {command}\n" + "\n".join(got) + "\n--- " + done.stderr[-2000:])
                ran += 1
        self.assertGreaterEqual(ran, 7)

    def test_length(self):
        self.assertLess(len(self.text.split()), WORDS_MAX)

    def test_links(self):
        for target in re.findall(r"\]\(([^)#]+)", self.text):
            if "://" not in target:
                self.assertTrue(os.path.exists(os.path.join(harness.ROOT, target)), target)


if __name__ == "__main__":
    harness.main()
