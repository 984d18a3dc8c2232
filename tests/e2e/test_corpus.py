#!/usr/bin/env python3
"""AWS's own answers (../shared/asl-conformance, where it is there): every execution, with the path of states; every definition."""
import os
import subprocess
import sys
import unittest

import harness

CORPUS = os.path.join(harness.ROOT, "..", "shared", "asl-conformance")


@unittest.skipUnless(os.path.isdir(CORPUS), "SKIP: ../shared/asl-conformance is not there")
class Corpus(harness.Case):
    def run_corpus(self, *words):
        done = subprocess.run([sys.executable, os.path.join(CORPUS, "run_corpus.py"), *words], capture_output=True, text=True,
                              env=self.environment(), timeout=harness.RUN_SECONDS)
        print(" ".join(words[:1]), done.stdout.splitlines()[-1] if done.stdout else done.stderr)
        return done

    def executions(self, *options):
        return self.run_corpus(os.path.join(CORPUS, "execution"), *options, "--", harness.TMFLOW, "run",
                               "{definition}", "--input", "{input}", "-o", "json", "--no-checkpoint", "--history", "-q")

    def test_executions(self):
        done = self.executions("--check-path")
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])

    def test_executions_with_causes(self):
        """AWS's wording of every cause, with the numbers of its events."""
        done = self.executions("--strict-cause", "--exact-event-ids")
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])

    def test_definitions(self):
        """What AWS recorded, and what the two linters judge."""
        done = self.run_corpus(os.path.join(CORPUS, "validation"), "--validate-cmd",
                               harness.TMFLOW + " validate {definition}")
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])


if __name__ == "__main__":
    harness.main()
