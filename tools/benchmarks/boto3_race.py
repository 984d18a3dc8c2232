"""The same missing sessions by tmflow and by a straightforward boto3 loop, on the same simulator: answering at once, and after 20 ms."""
import json
import os
import subprocess

from .common import Row, check_world, measuring, median

PYTHON = "/usr/bin/python3"  # Debian's, which has python3-boto3
LOOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boto3_loop.py")
DELAY_MS = 20
CPU_TIMES_LESS_MIN = 15  # a session
ROUNDS = 5  # of each; the median counts


def is_there():
    return subprocess.run([PYTHON, "-c", "import boto3"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def loop(bench, sim, count):
    done = subprocess.run([PYTHON, LOOP, sim.url, sim.filter, sim.target, str(count)], env=bench.environment(sim), check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def run_ours(sizes, options):
    """Wall seconds, and CPU a session in microseconds."""
    with measuring() as bench:
        sim = bench.missing_sessions(sizes.missing, *options)
        ours = bench.backfill(sim)
        check_world(sim)
    return ours.wall_seconds, ours.cpu_seconds / sizes.missing * 1e6


def run_theirs(sizes, options):
    """The same of the loop; its wall seconds are those that all sessions would take."""
    with measuring() as bench:
        sim = bench.missing_sessions(sizes.missing, *options)
        theirs = loop(bench, sim, sizes.boto3_sample // ROUNDS)
    made = theirs["instances"]
    return theirs["wallSeconds"] * sizes.missing / made, theirs["cpuSeconds"] / made * 1e6


def race(sizes, options, when):
    """One after the other, several times: a machine that is slower for a while is so for both."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(run_ours(sizes, options))
        theirs.append(run_theirs(sizes, options))
    wall, a_session = median(ours)
    their_wall, their_session = median(theirs)
    yield Row(f"{sizes.missing:,} missing sessions, {when}: tmflow", wall, "s", digits=2)
    yield Row(f"... boto3 (from {ROUNDS} times {sizes.boto3_sample // ROUNDS:,} of them)", their_wall, "s", digits=1)
    yield Row("... times faster", their_wall / wall, digits=1)
    yield Row("... CPU a session: tmflow, engine and store included", a_session, "us")
    yield Row("... CPU a session: boto3", their_session, "us")
    yield Row("... CPU a session, times less", their_session / a_session, "", CPU_TIMES_LESS_MIN, at_least=True, digits=1)


def rows(sizes):
    if not is_there():
        raise RuntimeError("python3-boto3 is not installed (tools/setup bench)")
    yield from race(sizes, [], "answered at once")
    yield from race(sizes, ["--fault", f"delay:{DELAY_MS}@1"], f"answered after {DELAY_MS} ms")
