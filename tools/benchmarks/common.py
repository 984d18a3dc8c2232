"""What the parts of tools/bench share: rows, and a tmflow run that is measured while it runs."""
import json
import os
import sys
import tempfile
import time
from typing import NamedTuple, Optional

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.setdefault("TMFLOW_BUILD", os.path.join(ROOT, "build", "release"))
PROGRAMS = os.path.join(BUILD, "tools", "benchmarks")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import harness  # noqa: E402  (the same simulator and runner as the tests)

KIB = 1024


class Row(NamedTuple):
    """One figure. bound: what it may be at most, or at_least where more is better; None: for orientation."""
    name: str
    value: float
    unit: str = ""
    bound: Optional[float] = None
    at_least: bool = False
    digits: int = 0

    @property
    def of_bound(self):
        """How far we are: up to 1 the bound is kept, whichever way it points. None without a bound."""
        if self.bound is None:
            return None
        part, whole = (self.bound, self.value) if self.at_least else (self.value, self.bound)
        return part / whole if whole else float(part > 0)

    def text(self, number):
        return f"{number:,.{self.digits}f} {self.unit}".rstrip()


class Sizes(NamedTuple):
    """How much is measured."""
    fleets: tuple  # instances; the first and the last are compared
    mirrored: tuple  # of these, those that are run a second time
    rounds: int  # of the loop: two transitions each
    items: int  # of the large Map
    branches: int  # that wait at the same time, and twice as many
    paced: int  # sessions that run into the quota
    missing: int  # sessions that boto3 would make too
    boto3_sample: int  # of them, those that it makes
    calls: int  # of the client alone
    starts: int  # of the program, for medians
    tasks: int  # of an activity, through one worker
    organizations: tuple  # (accounts, instances of each)
    kept_runs: int  # in the store of the live page
    kept_outcomes: int  # of the newest of them
    reported: int  # rows of a report


FULL = Sizes(fleets=(1000, 10000, 100000, 1000000), mirrored=(10000, 100000), rounds=2000000, items=1000000, branches=10000,
             paced=10000, missing=10000, boto3_sample=1000, calls=5000, starts=21, tasks=10000,
             organizations=((20, 5000), (200, 5000)), kept_runs=10000, kept_outcomes=1000000, reported=100000)
QUICK = Sizes(fleets=(1000, 10000), mirrored=(10000,), rounds=200000, items=100000, branches=5000, paced=2000, missing=2000,
              boto3_sample=200, calls=1000, starts=5, tasks=1000, organizations=((4, 2500),), kept_runs=1000, kept_outcomes=100000, reported=10000)


class Measured(NamedTuple):
    """How a run of tmflow went."""
    closing: dict
    peak_kib: int
    cpu_seconds: float
    wall_seconds: float


class Bench(harness.Case):
    """A directory, simulators and runs, cleaned up afterwards; see measuring."""

    def runTest(self):
        pass

    def measured(self, *args, sim=None):
        """Runs a workflow to its end."""
        return self.measured_command("run", *args, "-o", "json", "-q", sim=sim)

    def measured_command(self, *args, sim=None):
        """Runs tmflow to its end, which writes one JSON document."""
        started = time.monotonic()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            process = self.start(*args, sim=sim, stdout=out)
            peak = 0
            while True:
                # Not ru_maxrss: that counts this Python too, from before the exec.
                peak = max(peak, high_water_kib(process.pid))
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid != 0:
                    break
                time.sleep(0.002)
            wall = time.monotonic() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            with process.stderr:
                if process.returncode != 0:
                    raise RuntimeError(f"tmflow ended with {process.returncode}: {process.stderr.read()}")
            out.seek(0)
            return Measured(json.load(out), peak, usage.ru_utime + usage.ru_stime, wall)

    def backfill(self, sim):
        return self.measured(harness.BACKFILL, "--config", sim.config, sim=sim)

    def missing_sessions(self, sessions, *options):
        """A simulator with that number of instances, which all want a session. Their targets are load balancers: no limit of sources, nothing to launch."""
        sim = self.sim("--plain", *options, instances=sessions)
        world = sim.ask("/_sim/world?limit=1")
        sim.filter, sim.target = world["Filters"][0], world["GivenTargets"][0]
        rules = "".join(f"  - {{vpcId: {vpc}, filterId: {sim.filter}, targetId: {sim.target}}}\n" for vpc in world["Vpcs"])
        sim.config = self.write("missing.yaml", "vpcs:\n" + rules)
        return sim


class measuring:
    """with measuring() as bench: a Bench of its own, or one of a class derived from it."""

    def __init__(self, case=Bench):
        self.bench = case()

    def __enter__(self):
        self.bench.setUp()
        return self.bench

    def __exit__(self, *_):
        self.bench.doCleanups()


def high_water_kib(pid):
    """The process's peak resident memory so far, once it runs tmflow."""
    try:
        if os.readlink(f"/proc/{pid}/exe") != harness.TMFLOW:
            return 0
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def total_calls(sim):
    return sum(row["calls"] for row in sim.report()["actions"].values())


def check_world(sim):
    """That what was measured was also right."""
    if not sim.expected()["ok"]:
        raise RuntimeError("the simulator's world is not as the configuration wants it")


def median(rows):
    """Of each column."""
    return [sorted(column)[len(rows) // 2] for column in zip(*rows)]
