#!/usr/bin/env python3
"""tools/bench_data's two machines with tmflow and with the JavaScript runner aws-local-stepfunctions: the same output, and how much faster.

The ratio is printed, not judged: it depends on the machine and on the build.
"""
import json
import os
import resource
import unittest

import harness
import interop

MACHINES = os.path.join(harness.ROOT, "tools", "bench_data")
ROUNDS = 20000
ITEMS = 20000


class Runner(harness.Case):
    def tmflow_seconds(self, definition, given):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.tmflow("run", definition, "--input", given, "-o", "json", "--no-checkpoint", "-q")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(done.code, 0, done.err)
        return done.json["output"], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def compare(self, machine, given, transitions):
        definition = os.path.join(MACHINES, machine)
        path = self.write("input.json", json.dumps(given))
        output, ours = self.tmflow_seconds(definition, path)
        other = json.loads(interop.node("runner.mjs", definition, path))
        self.assertEqual(output, other["output"])
        print(f"{machine}: {transitions} transitions: tmflow {transitions / ours:,.0f} a second of CPU (its start included), "
              f"aws-local-stepfunctions {transitions / other['seconds']:,.0f}: {other['seconds'] / ours:.1f} times", flush=True)

    def test_loop(self):
        self.compare("loop.json", {"n": 0, "count": ROUNDS}, 2 * ROUNDS + 2)

    def test_map(self):
        self.compare("map.json", {"count": ITEMS, "items": [0] * ITEMS}, ITEMS + 1)


if __name__ == "__main__":
    interop.node_packages()
    unittest.main(verbosity=2)
