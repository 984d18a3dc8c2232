"""Coverage of all accounts of an organization: memory does not grow with them, and calls an instance stay below the bound."""
from .common import KIB, Row, measuring

PEAK_MIB_MAX = 16
CALLS_AN_INSTANCE_MAX = 0.015
SINGLE_RULE = "vpcs:\n  - {vpcId: vpc-0123456789abcdef0, filterId: tmf-0123456789abcdef0, targetId: tmt-0123456789abcdef0}\n"


def covered(bench, accounts, instances):
    """Its rows. instances: of each account."""
    sim = bench.sim("--accounts", str(accounts), instances=instances)
    config = bench.write("one.yaml", SINGLE_RULE)
    run = bench.measured_command("coverage", "--organization", "--assume-role", "mirror", "--region", "us-east-1", "--config", config, "-o", "json", sim=sim)
    worlds = [w["report"] for w in sim.report()["worlds"]]
    calls = sum(row["calls"] for report in worlds for row in report["actions"].values())
    total = accounts * instances
    if sum(run.closing["classes"].values()) != run.closing["interfaces"] or run.closing["failed"] or run.closing["interfaces"] < total:
        raise RuntimeError("not every interface of the organization is in one class")
    yield Row(f"{accounts} accounts of {instances:,} instances, coverage: peak memory", run.peak_kib / KIB, "MiB", PEAK_MIB_MAX, digits=2)
    yield Row("... calls an instance", calls / total, "", CALLS_AN_INSTANCE_MAX, digits=4)
    yield Row("... instances a second", total / run.wall_seconds)
    yield Row("... CPU an instance", run.cpu_seconds / total * 1e6, "us")


def rows(sizes):
    for accounts, instances in sizes.organizations:
        with measuring() as bench:
            yield from covered(bench, accounts, instances)
