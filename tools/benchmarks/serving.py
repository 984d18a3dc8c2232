"""Activity tasks through one worker, and a Lambda function's cold start."""
import os
import time

from .common import KIB, Row, harness, high_water_kib, measuring, median

import services  # of tests/e2e


class Serving(services.Case):
    def runTest(self):
        pass


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker(bench, tasks):
    """Nothing is lost, a task costs little, and memory does not grow with their number."""
    activities = services.Activities(hold_seconds=1)
    process = bench.spawn(["worker", "--activity-arn", activities.arn], dict(bench.keys(), AWS_ENDPOINT_URL_SFN=activities.url))
    started = time.monotonic()
    peaks = []
    for _ in range(2):
        activities.add(*[{"action": "log", "input": {"n": n}} for n in range(tasks // 2)])
        activities.wait_all()
        peaks.append(high_water_kib(process.pid) / KIB)
    seconds = time.monotonic() - started
    millis = cpu_seconds(process.pid) * 1e3 / tasks
    lost = sum(task["status"] != "SUCCEEDED" or task["attempt"] != 1 for task in activities.tasks)
    bench.drain(process)
    activities.stop()
    yield Row(f"{tasks:,} activity tasks through one worker: lost", lost, bound=0)
    yield Row("... a second (against a fake in Python)", tasks / seconds)
    yield Row("... CPU of a task", millis, "ms", 1, digits=2)
    yield Row("... peak memory after half of them", peaks[0], "MiB", digits=1)
    yield Row("... after all", peaks[1], "MiB", peaks[0] * 1.05, digits=1)


def cold_start(bench, starts):
    """Milliseconds from exec to a function's first request of /next."""
    runtime = services.Runtime()
    bootstrap = os.path.join(bench.dir, "bootstrap")
    os.symlink(harness.TMFLOW, bootstrap)
    config = bench.write("one.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
    environment = dict(bench.keys(), AWS_LAMBDA_RUNTIME_API=runtime.api, TMFLOW_CONFIG=config)
    environment.pop("TMFLOW_STATE_DIR")
    millis = []
    for _ in range(starts):
        runtime.first_next = None
        started = time.monotonic()
        process = bench.spawn([], environment, program=bootstrap)
        while runtime.first_next is None:
            time.sleep(0.0002)
        millis.append([(runtime.first_next - started) * 1e3])
        bench.end(process)
    os.unlink(bootstrap)
    runtime.stop()
    yield Row("Lambda: exec to the first /next", median(millis)[0], "ms", 10, digits=1)


def rows(sizes):
    with measuring(Serving) as bench:
        yield from worker(bench, sizes.tasks)
        yield from cold_start(bench, sizes.starts)
