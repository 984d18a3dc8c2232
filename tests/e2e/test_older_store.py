#!/usr/bin/env python3
"""A store that an earlier release wrote opens and resumes.

older_store/tmflow.db was left by the release before checkpoint rows were checked, killed in the middle of a run of
older_store/workflow.yaml on {"items": [1, 2, 3, 4, 5, 1]}: a Map with two finished items, three in a Wait and one to
come, a Task before its third attempt, a Wait, and variables shared between all of them. Its clock stood in 2025, so
all waits are over. It is never written anew: what it holds is what users have."""
import os
import shutil

import harness

OLDER = os.path.join(harness.ROOT, "tests", "e2e", "older_store")
INPUT = {"items": [1, 2, 3, 4, 5, 1]}


class OlderStore(harness.Case):
    def setUp(self):
        super().setUp()
        state = os.path.join(self.dir, "state")
        os.mkdir(state, mode=0o700)
        shutil.copyfile(os.path.join(OLDER, "tmflow.db"), os.path.join(state, "tmflow.db"))
        os.chmod(os.path.join(state, "tmflow.db"), 0o600)

    def test_shows(self):
        runs = self.tmflow("runs", "-o", "json")
        self.assertEqual([(run["runId"], run["status"]) for run in runs.json], [("older", "KILLED")])
        graph = self.tmflow("graph", os.path.join(OLDER, "workflow.yaml"), "--run", "older")
        self.assertEqual(graph.code, 0, graph.err)

    def test_resumes(self):
        done = self.tmflow("resume", "older", "-o", "json")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json["status"], "SUCCEEDED")
        self.assertEqual(done.json["output"], dict(INPUT, done=[[101, 102, 103, 104, 105, 101], {"count": 2, "base": 100}, INPUT]))
        again = self.tmflow("resume", "older", "-o", "json")
        self.assertEqual(again.json["output"], done.json["output"])


if __name__ == "__main__":
    harness.main()
