"""A backfill against EC2's buckets: how near to what the bucket gives, how often refused."""
from .common import Row, check_world, measuring

# EC2's bucket of creations (50 deep, 5 a second), refilled 50 times as fast.
BUCKET_SIZE, BUCKET_RATE, BUCKET_SCALE = 50, 5, 50

# Sources of one subnet that need thirty targets of ten places, one after the other, at the buckets as they are published.
SOURCES = 300


def one_subnet(given):
    """Seconds for all sources: with the load balancer target that is given, or with targets that are made."""
    with measuring() as bench:
        if given:
            sim = bench.missing_sessions(SOURCES, "--single-subnet", "--buckets")
        else:
            sim = bench.sim("--plain", "--single-subnet", "--buckets", instances=SOURCES)
        run = bench.backfill(sim)
        check_world(sim)
        if run.closing["summary"].get("created") != SOURCES:
            raise RuntimeError(f"not all sources are mirrored: {run.closing['summary']}")
        return run.wall_seconds


def rows(sizes):
    with measuring() as bench:
        sim = bench.missing_sessions(sizes.paced, "--buckets", "--bucket-scale", str(BUCKET_SCALE))
        run = bench.backfill(sim)
        calls = sim.report()["actions"]["CreateTrafficMirrorSession"]
        check_world(sim)
        if "failed" in run.closing["summary"]:
            raise RuntimeError("the paced backfill is not complete")
        ideal = (calls["ok"] - BUCKET_SIZE) / (BUCKET_RATE * BUCKET_SCALE)
        yield Row(f"{calls['ok']:,} sessions, times the bucket's ideal of {ideal:.1f} s", run.wall_seconds / ideal, "", 1.02, digits=4)
        yield Row("share of their calls refused", 100 * calls["throttled"] / calls["calls"], "%", 2, digits=2)
    yield Row(f"{SOURCES} sources of a subnet to made targets, times a load balancer's", one_subnet(False) / one_subnet(True), "", 1.15, digits=2)
