"""The engine without AWS: in memory, and with every turn committed to the store."""
import json
import os

from .common import KIB, ROOT, Row, measuring

MACHINES = os.path.join(ROOT, "tools", "bench_data")
WAIT_SECONDS = 3  # long enough for all branches to have begun


def machine(bench, name, value, output, *args):
    """Runs one of tools/bench_data and looks at its output."""
    path = os.path.join(bench.dir, "input.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f)
    measured = bench.measured(os.path.join(MACHINES, name), "--input", path, *args)
    if measured.closing["output"] != output:
        raise RuntimeError(f"{name} ended with {measured.closing['output']}, not with {output}")
    return measured


def waiting_bytes(bench, branches, *args):
    """What one more branch costs that waits: two Maps over the same items, one with twice as many at once. (Against none it
    would seem less: the first branches take what reading the input has left free.)"""
    items = [WAIT_SECONDS] * (2 * branches)

    def peak(at_once):
        return machine(bench, "waiting.json", {"atOnce": at_once, "items": items}, at_once, *args).peak_kib
    return (peak(2 * branches) - peak(branches)) * KIB / branches


def mode(bench, sizes, where, least, *args):
    done = {"n": sizes.rounds, "count": sizes.rounds}
    loop = machine(bench, "loop.json", {"n": 0, "count": sizes.rounds}, done, *args)
    each = machine(bench, "map.json", {"count": sizes.items, "items": [0] * sizes.items}, sizes.items, *args)
    yield Row(f"transitions a second, Choice/Pass loop, {where}", 2 * sizes.rounds / loop.cpu_seconds, bound=least, at_least=True)
    yield Row(f"bytes a waiting branch beyond {sizes.branches:,}, {where}", waiting_bytes(bench, sizes.branches, *args), bound=1024)
    yield Row(f"CPU of a Map over {sizes.items:,} items, {where}", each.cpu_seconds, "s", digits=1)
    yield Row("... its peak memory", each.peak_kib / KIB, "MiB", digits=1)


def rows(sizes):
    with measuring() as bench:
        yield from mode(bench, sizes, "in memory", 1000000, "--no-checkpoint")
        yield from mode(bench, sizes, "checkpointed", 200000)
