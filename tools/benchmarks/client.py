"""What a signed call costs, and how long the first one takes, next to python3-boto3."""
import contextlib
import os
import socket
import subprocess
import time

from . import boto3_race
from .common import PROGRAMS, ROOT, Row, harness, measuring, median

# One small call of the same kind, over and over; what both pay for is not separated.
BOTO3_CALLS = """
import resource, sys, boto3
ec2 = boto3.client("ec2", "us-east-1", endpoint_url=sys.argv[1])
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
for i in range(int(sys.argv[2]) + 50):
    if i == 50:
        before = cpu()
    ec2.describe_traffic_mirror_sessions(MaxResults=5)
print((cpu() - before) / int(sys.argv[2]) * 1e6)
"""
BOTO3_FIRST = """
import os, boto3
boto3.client("ec2", "us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).describe_instances(MaxResults=5)
"""
BOTO3_STARTS = 5


def first_request(bench, argv):
    """Milliseconds from exec to the first byte of a request at a listener of ours, and the CPU time until then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        env = dict(bench.environment(), AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="x" * 40, AWS_REGION="us-east-1",
                   AWS_ENDPOINT_URL=f"http://127.0.0.1:{listener.getsockname()[1]}")
        started = time.monotonic()
        process = subprocess.Popen(argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        connection, _ = listener.accept()
        connection.recv(1)
        wall = time.monotonic() - started
        process.kill()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        connection.close()
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


@contextlib.contextmanager
def pinned(sim, processors):
    """What is started meanwhile runs on the first of the processors, the simulator on the last."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(sim.process.pid, {processors[-1]})
    os.sched_setaffinity(0, {processors[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        os.sched_setaffinity(sim.process.pid, before)


def cpu_of_a_call(bench, sim, calls, *argv):
    done = subprocess.run([*argv, sim.url, str(calls)], env=bench.environment(sim), check=True, capture_output=True, text=True)
    return float(done.stdout)


def calls_rows(bench, sim, calls):
    """On one processor a call's time is its own. Else the system charges who sends with waking up the idle processor that the receiver waits on, which on a
    virtual machine costs as much as the call."""
    program = os.path.join(PROGRAMS, "bench_call")
    processors = sorted(os.sched_getaffinity(0))
    with pinned(sim, processors[:1]):
        ours = cpu_of_a_call(bench, sim, calls, program)
        yield Row("CPU of a signed call, warm connection, on one processor", ours, "us", digits=1)
        if boto3_race.is_there():
            theirs = cpu_of_a_call(bench, sim, calls, boto3_race.PYTHON, "-c", BOTO3_CALLS)
            yield Row("... boto3", theirs, "us")
            yield Row("... times less", theirs / ours, digits=1)
    if len(processors) > 1:
        with pinned(sim, processors):
            yield Row("... on two, with waking up the other", cpu_of_a_call(bench, sim, calls, program), "us", digits=1)


def rows(sizes):
    with measuring() as bench:
        sim = bench.sim(instances=10)
        config = bench.write("one.yaml", "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}\n")
        yield from calls_rows(bench, sim, sizes.calls)
        run = [harness.TMFLOW, "run", harness.BACKFILL, "--config", config, "-q"]
        wall, cpu = median([first_request(bench, run) for _ in range(sizes.starts)])
        yield Row("exec to the first request on the wire", wall, "ms", digits=1)
        yield Row("... its CPU time", cpu, "ms", digits=1)
        if boto3_race.is_there():
            wall, cpu = median([first_request(bench, [boto3_race.PYTHON, "-c", BOTO3_FIRST]) for _ in range(BOTO3_STARTS)])
            yield Row("... boto3", wall, "ms", digits=1)
            yield Row("... its CPU time", cpu, "ms", digits=1)
