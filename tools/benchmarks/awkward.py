"""A backfill over an awkward account, against EC2's buckets: unmirrorable types, a subnet without capacity, a missing filter, others' sessions, and instances
that are terminated meanwhile. All that can be mirrored is, in about the time that the bucket takes for it, and what is refused is asked for a few times only."""
import json
import threading
import time

from .common import Bench, Row, harness, measuring
from .paced import BUCKET_RATE, BUCKET_SCALE, BUCKET_SIZE

INSTANCES_MIN = 400  # of fewer no share of two percent is left
TERMINATED_EVERY = 50


class Terminator(threading.Thread):
    """Terminates instances, one after the other, while a run creates sessions."""

    def __init__(self, sim, ids):
        super().__init__(daemon=True)
        self.sim, self.ids = sim, ids
        self.gone, self.over = set(), threading.Event()

    def run(self):
        while self.ids and not self.over.is_set():
            if self.sim.report()["actions"].get("CreateTrafficMirrorSession", {"ok": 0})["ok"] > 0:
                instance = self.ids.pop()
                self.gone.add(instance)
                self.sim.ask(f"/_sim/instances/{instance}/terminate", b"")
            time.sleep(0.01)


class Awkward(Bench):
    def world(self, instances):
        """The simulator, what is refused in it by scope, and the instances that no session can be made for."""
        sim = self.sim("--no-auth", "--unmirrorable-share", "0.2", "--foreign-share", "0.05", "--buckets", "--bucket-scale", str(BUCKET_SCALE),
                       instances=instances)
        world = sim.ask(f"/_sim/world?limit={instances}")
        full, missing = world["Subnets"][0]["SubnetId"], world["Filters"][1]
        launched = {"targetInstanceType": "t3.large", "targetInstanceAmi": world["ImageId"], "targetSecurityGroupIds": [world["SecurityGroups"][0]]}
        rules = [{"vpcId": vpc, "filterId": world["Filters"][0], "targetId": world["GivenTargets"][0]} for vpc in world["Vpcs"]]
        rules[-1]["filterId"] = missing
        sim.config = self.write("awkward.json", json.dumps(
            {"subnets": [{"subnetId": full, "filterId": world["Filters"][0], **launched}], "vpcs": rules}))
        sim.ask("/_sim/faults", {"faults": [f"refuse:InsufficientInstanceCapacity:RunInstances:{full}@1",
                                            f"refuse:InvalidTrafficMirrorFilterId.NotFound:CreateTrafficMirrorSession:{missing}@1"]})
        sim.bad = {i["InstanceId"] for i in world["Instances"] if i.get("SubnetId") == full or i.get("VpcId") == world["Vpcs"][-1]}
        sim.ids = [i["InstanceId"] for i in world["Instances"]]
        return sim

    def run_it(self, sim):
        """Seconds, and the rows of the ledger."""
        terminator = Terminator(sim, sim.ids[::TERMINATED_EVERY])
        terminator.start()
        started = time.monotonic()
        done = self.backfill_of(sim)
        seconds = time.monotonic() - started
        terminator.over.set()
        terminator.join()
        if done.code not in (0, 5):
            raise RuntimeError(f"tmflow ended with {done.code}: {done.err}")
        rows = self.tmflow("show", "@latest", "--outcomes", "-o", "jsonl").out.splitlines()
        return seconds, [json.loads(row) for row in rows], terminator.gone

    def backfill_of(self, sim):
        return self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-q", sim=sim)

    def check(self, sim, rows, gone):
        """Nothing that can be mirrored is left out, and each that is left out is so for one of the reasons."""
        mirrored = {session["networkInterfaceId"] for session in sim.every_session() if "tmflow:tool" in session["tags"]}
        for row in rows:
            instance = row["instanceId"]
            if row["outcome"] in ("created", "shadowed") and row["networkInterfaceId"] not in mirrored and instance not in gone:
                raise RuntimeError(f"{instance} has no session")
            if row["outcome"] == "failed" and instance not in sim.bad and instance not in gone:
                raise RuntimeError(f"{instance} failed: {row}")
        if {row["instanceId"] for row in rows} | gone < set(sim.ids):
            raise RuntimeError("instances without an outcome")


def rows(sizes):
    with measuring(Awkward) as bench:
        sim = bench.world(max(INSTANCES_MIN, sizes.paced))
        seconds, outcomes, gone = bench.run_it(sim)
        bench.check(sim, outcomes, gone)
        actions = sim.report()["actions"]
        creates = actions["CreateTrafficMirrorSession"]
        types = {row["instanceType"] for row in outcomes if row.get("reason") == "type"}
        # Terminated between its page and its create: AWS was asked once, and no scope is refused. One that was terminated before has no target.
        raced = sum(1 for row in outcomes if row["instanceId"] in gone and "targetId" in row and row.get("reason") != "type" and
                    row["outcome"] in ("failed", "gone", "ineligible") and row["instanceId"] not in sim.bad)
        refused = creates["calls"] - creates["ok"] - creates["throttled"] - raced
        if refused < len(types) + 1:
            raise RuntimeError(f"{refused} refusals counted for {len(types)} types and a filter: each is refused at least once")
        ideal = (creates["ok"] - BUCKET_SIZE) / (BUCKET_RATE * BUCKET_SCALE)
        yield Row(f"{creates['ok']:,} sessions in an awkward account, times the ideal of {ideal:.1f} s", seconds / ideal, "", 1.2, digits=2)
        yield Row(f"creates that are refused, for each of {len(types)} types and a filter", refused / (len(types) + 1), "", 3, digits=2)
        yield Row("launches that are refused, for the subnet", actions["RunInstances"]["calls"] - actions["RunInstances"]["ok"], "", 3)
