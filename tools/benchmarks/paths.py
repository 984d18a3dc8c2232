"""Instructions of the hot paths, counted by callgrind: they repeat exactly, whatever else the machine does."""
import json
import os
import re
import shutil
import subprocess

from .common import PROGRAMS, Row, harness, measuring
from .engine import MACHINES

PAGE = 200  # instances


def instructions(argv, env=None):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *argv], env=env, check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    for directory in re.findall(r"^/tmp/bench-\w{6}$", done.stdout, re.MULTILINE):
        shutil.rmtree(directory)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def each(path, few, many):
    """What one more costs: the difference of two runs."""
    program = os.path.join(PROGRAMS, "bench_paths")
    return (instructions([program, path, str(many)]) - instructions([program, path, str(few)])) / (many - few)


def transition(bench, few, many):
    """Of the loop of a Choice and a Pass, in memory."""
    def run(rounds):
        value = bench.write("rounds.json", json.dumps({"n": 0, "count": rounds}))
        machine = os.path.join(MACHINES, "loop.json")
        return instructions([harness.TMFLOW, "run", machine, "--input", value, "--no-checkpoint", "-q"], bench.environment())
    return (run(many) - run(few)) / (2 * (many - few))


def rows(sizes):
    del sizes  # exact counts need no large ones
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed (tools/setup bench)")
    page = each("parse", 5, 25)
    yield Row(f"instructions: parse a page of {PAGE} instances", page)
    yield Row("... an instance", page / PAGE)
    yield Row("... match such a page", each("match", 5, 105))
    yield Row("... sign a call", each("sign", 100, 1100))
    yield Row("... a checkpoint, in commits of 40", each("checkpoint", 400, 4400))
    with measuring() as bench:
        yield Row("... a transition, in memory", transition(bench, 1000, 11000))
