"""The same missing sessions by tmflow and by a straightforward boto3 loop, on the same simulator: answering at once, and after 20 ms."""
import json
import os
import subprocess

from .common import Row, check_world, measuring, total_calls

PYTHON = "/usr/bin/python3"  # Debian's, which has python3-boto3
LOOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boto3_loop.py")
DELAY_MS = 20
FASTER_MIN = 20


def is_there():
    return subprocess.run([PYTHON, "-c", "import boto3"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def loop(bench, sim, count):
    done = subprocess.run([PYTHON, LOOP, sim.url, sim.filter, sim.target, str(count)], env=bench.environment(sim), check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def race(sizes, options, when):
    with measuring() as bench:
        sim = bench.missing_sessions(sizes.missing, *options)
        ours = bench.backfill(sim)
        calls = total_calls(sim)
        check_world(sim)
        sim.stop()
        theirs = loop(bench, bench.missing_sessions(sizes.missing, *options), sizes.boto3_sample)
    whole = theirs["wallSeconds"] * sizes.missing / theirs["instances"]
    ours_a_call = ours.cpu_seconds / calls * 1e6
    theirs_a_call = theirs["cpuSeconds"] / theirs["calls"] * 1e6
    yield Row(f"{sizes.missing:,} missing sessions, {when}: tmflow", ours.wall_seconds, "s", digits=2)
    yield Row(f"... boto3 (from {theirs['instances']:,} of them)", whole, "s", digits=1)
    yield Row("... times faster", whole / ours.wall_seconds, "", FASTER_MIN, at_least=True, digits=1)
    yield Row("... CPU a call: tmflow, engine and store included", ours_a_call, "us")
    yield Row("... CPU a call: boto3", theirs_a_call, "us")
    yield Row("... CPU a call, times less", theirs_a_call / ours_a_call, digits=1)
    yield Row("... CPU a session, times less", theirs["cpuSeconds"] / theirs["instances"] / (ours.cpu_seconds / sizes.missing), digits=1)


def rows(sizes):
    if not is_there():
        raise RuntimeError("python3-boto3 is not installed (tools/setup bench)")
    yield from race(sizes, [], "answered at once")
    yield from race(sizes, ["--fault", f"delay:{DELAY_MS}@1"], f"answered after {DELAY_MS} ms")
