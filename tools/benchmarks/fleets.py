"""Whole backfills against ec2sim: the first creates what is missing, the second finds everything mirrored."""
import os

from .common import KIB, Row, check_world, measuring, total_calls

PEAK_MIB_MAX = 16
GROWTH_MAX = 1.10
CALLS_AN_INSTANCE_MAX = 0.015


def first_run(bench, sim, instances, smallest):
    """Its rows. smallest: the peak of the smallest fleet, None for that itself; bench.peak is this one's."""
    run = bench.backfill(sim)
    calls = total_calls(sim)
    store = os.path.getsize(os.path.join(bench.dir, "state", "tmflow.db"))
    check_world(sim)
    bench.peak = run.peak_kib
    yield Row(f"{instances:,} instances, first run: peak memory", run.peak_kib / KIB, "MiB", PEAK_MIB_MAX, digits=2)
    if smallest is not None:
        yield Row("... times that of the smallest fleet", run.peak_kib / smallest, bound=GROWTH_MAX, digits=3)
    yield Row("... instances a second", instances / run.wall_seconds)
    yield Row("... calls an instance", calls / instances, digits=4)
    yield Row("... CPU a call", run.cpu_seconds / calls * 1e6, "us")
    yield Row("... CPU an instance", run.cpu_seconds / instances * 1e6, "us")
    yield Row("... bytes in the store an instance", store / instances)


def second_run(bench, sim, instances):
    sim.ask("/_sim/reset-counters", b"")
    run = bench.backfill(sim)
    calls = total_calls(sim)
    check_world(sim)
    yield Row(f"{instances:,} instances, all mirrored: calls an instance", calls / instances, "", CALLS_AN_INSTANCE_MAX, digits=4)
    yield Row("... instances a second", instances / run.wall_seconds)
    yield Row("... CPU an instance", run.cpu_seconds / instances * 1e6, "us")
    yield Row("... peak memory", run.peak_kib / KIB, "MiB", PEAK_MIB_MAX, digits=2)


def rows(sizes):
    smallest = None
    for instances in sizes.fleets:
        with measuring() as bench:
            sim = bench.sim(instances=instances)
            yield from first_run(bench, sim, instances, smallest)
            smallest = smallest or bench.peak
            if instances in sizes.mirrored:
                yield from second_run(bench, sim, instances)
