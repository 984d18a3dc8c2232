"""A backfill against EC2's buckets: how near to what the bucket gives, how often refused."""
from .common import Row, check_world, measuring

# EC2's bucket of creations (50 deep, 5 a second), refilled 50 times as fast.
BUCKET_SIZE, BUCKET_RATE, BUCKET_SCALE = 50, 5, 50


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
