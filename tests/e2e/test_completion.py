#!/usr/bin/env python3
"""Completion in the real shells: bash, zsh and fish ask tmflow, which answers out of its option table, its store and its files."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import harness

PROFILES = "[default]\nregion = eu-west-1\n[profile production]\nregion = eu-west-1\n[profile preview]\nregion = us-east-1\n"
TWO = "StartAt: First\nStates:\n  First: {Type: Pass, Next: Second}\n  Second: {Type: Succeed}\n"
SECONDS = 30


class Completion(harness.Case):
    def setUp(self):
        super().setUp()
        self.dir = os.path.abspath(self.dir)
        self.two = self.write("two.yaml", TWO)
        os.makedirs(os.path.join(self.dir, ".config", "tmflow", "workflows"))
        self.write(".config/tmflow/workflows/nightly.yaml", TWO)
        for run in ("alpha", "beta-1", "beta-2"):
            self.assertEqual(self.tmflow("run", self.two, "--run-id", run).code, 0)
        self.env = {**self.environment(), "AWS_CONFIG_FILE": self.write("aws", PROFILES), "TERM": "xterm", "PS1": "> ",
                    "PATH": os.path.abspath(harness.BUILD) + ":" + os.environ["PATH"]}

    def cases(self):
        """What is typed, and the words that may stand for the last one."""
        return ((["ru"], {"run", "runs"}), (["show", "bet"], {"beta-1", "beta-2"}), (["resume", "@"], {"@latest"}),
                (["test-state", self.two, ""], {"First", "Second"}), (["runs", "--status", "P"], {"PLANNED"}),
                (["run", "x.yaml", "--region", "eu-west-"], {"eu-west-1", "eu-west-2", "eu-west-3"}),
                (["run", "x.yaml", "--profile", "pr"], {"production", "preview"}), (["-o", "json", "stor"], {"store"}),
                (["completion", "z"], {"zsh"}), (["audit", "-o", "s"], {"sarif"}), (["coverage", "-o", "h"], {"html"}),
                (["runs", "-o", "j"], {"json", "jsonl"}), (["audit", "--fail-on", "h"], {"high"}), (["runs", "--older"], {"--older-than"}), (["run", "nigh"], {"nightly"}),
                (["graph", "two.yaml", "--run", "al"], {"alpha"}), (["--output", "jsonl", "show", "alpha", "--sta"], {"--state-dir"}))

    def shell(self, name):
        path = shutil.which(name)
        if path is None:
            self.skipTest(f"{name} is not installed: tools/setup test")
        return path

    def test_bash(self):
        bash = self.shell("bash")
        for typed, expected in self.cases():
            script = ('eval "$(tmflow completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tmflow; '
                      'printf "%s\\n" "${COMPREPLY[@]}"')
            done = subprocess.run([bash, "--norc", "-c", script, "bash", "tmflow", *typed], env=self.env, cwd=self.dir, capture_output=True, text=True)
            self.assertEqual((set(done.stdout.split()), done.stderr), (expected, ""), typed)
        done = subprocess.run([bash, "--norc", "-c", 'eval "$(tmflow completion bash)"; COMP_WORDS=(tmflow validate tw); COMP_CWORD=2; _tmflow; '
                               'echo "${COMPREPLY[@]}"'], env=self.env, cwd=self.dir, capture_output=True, text=True)
        self.assertEqual(done.stdout, "two.yaml\n")

    def test_fish(self):
        fish = self.shell("fish")
        for typed, expected in self.cases():
            line = "tmflow " + " ".join(typed)
            done = subprocess.run([fish, "--no-config", "-c", "tmflow completion fish | source; complete -C $argv[1]", line],
                                  env=self.env, cwd=self.dir, capture_output=True, text=True)
            self.assertEqual({found.split("\t")[0] for found in done.stdout.splitlines()}, expected, (typed, done.stderr))

    def test_zsh(self):
        """A tab in a shell on a terminal: what is unique is written into the line."""
        zsh = self.shell("zsh")
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.dir)
            os.execve(zsh, [zsh, "-f", "-i"], self.env)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.close, terminal)
        self.said = ""

        def until(pattern):
            deadline = time.monotonic() + SECONDS
            while not re.search(pattern, self.said):
                ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
                self.assertTrue(ready, (pattern, self.said))
                self.said += os.read(terminal, 65536).decode(errors="replace")
        os.write(terminal, b"autoload -U compinit; compinit -D -u; unsetopt zle_bracketed_paste; "
                           b"eval \"$(tmflow completion zsh)\"; echo rea''dy\n")
        until("ready\r")
        for typed, written in (("store c", "store check"), ("show al", "show alpha"), ("runs --older", "runs --older-than"),
                               ("test-state two.yaml F", "test-state two.yaml First"), ("runs --status P", "runs --status PLANNED"),
                               ("run x --profile prod", "run x --profile production")):
            self.said = ""
            # Completed as a line of tmflow, then shown: the beginning of the line, echo, and its end.
            os.write(terminal, b"\x15tmflow " + typed.encode() + b"\t\x01echo is: \x05\n")
            until(f"is: tmflow {re.escape(written)} ?\r")

    def test_nothing_is_made_or_said(self):
        """A key that is pressed makes no directory and prints no error."""
        for words in (("show", ""), ("show", "--state-dir", "/nonexistent", ""), ("test-state", "no.yaml", ""), ("run", "--profile", "")):
            done = self.tmflow("__complete", *words, state="other", env={"AWS_CONFIG_FILE": self.dir})
            self.assertEqual((done.code, done.err), (0, ""), words)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "other")))
        self.assertEqual(self.tmflow("completion", "csh").code, 2)


if __name__ == "__main__":
    harness.main()
