"""What people look at: the live page over a large store, and the size of a report."""
import http.client
import json
import os
import sqlite3
import time
import urllib.parse

from .common import KIB, Row, harness, high_water_kib, measuring

import services  # of tests/e2e

TIMES = 9  # a page is asked for; the slowest counts, and so does the first one
ROWS_AT_ONCE = 10000


class Pages(services.Case):
    def runTest(self):
        pass


def fill(bench, runs, outcomes):
    """A store of runs, the newest of which has all outcomes: copies of a run and of rows that tmflow wrote."""
    sim = bench.sim("--plain", "--no-auth", instances=60)
    done = bench.tmflow("run", harness.BACKFILL, "--config", sim.config, "-q", "--run-id", "zz-large", sim=sim)
    assert done.code == 0, done.err
    db = sqlite3.connect(os.path.join(bench.dir, "state", "tmflow.db"))
    names = [row[1] for row in db.execute("PRAGMA table_info(runs)") if row[1] not in ("n", "id", "start_ms", "start_sum", "end_sum")]
    columns = ", ".join(names)
    db.execute(f"WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < ?) INSERT INTO runs (id, start_ms, {columns}) "
               f"SELECT printf('run-%06d', i), start_ms - 60000 * i, {columns} FROM c, runs WHERE id = 'zz-large'", (runs - 1,))
    number = db.execute("SELECT n FROM runs WHERE id = 'zz-large'").fetchone()[0]
    chosen = db.execute("SELECT instance FROM outcomes WHERE run = ? AND kind = 0", (number,)).fetchone()[0]
    for table in ("outcomes", "instances"):
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        first = dict(zip(names, db.execute(f"SELECT * FROM {table} WHERE run = ? AND instance = ?", (number, chosen)).fetchone()))
        db.execute(f"DELETE FROM {table} WHERE run = ?", (number,))
        marks = ", ".join("?" for _ in names)
        for begin in range(0, outcomes, ROWS_AT_ONCE):
            rows = []
            for i in range(begin, min(begin + ROWS_AT_ONCE, outcomes)):
                row = dict(first, instance=f"i-{i * 2654435761 % 2**32:08x}{i:09x}")
                if first["interface"]:
                    row["interface"] = f"eni-{i * 2246822519 % 2**32:08x}{i:09x}"
                if table == "instances":
                    row["name"] = f"host-{i}"
                if first.get("session"):
                    row["session"] = f"tms-{i * 3266489917 % 2**32:08x}{i:09x}"
                rows.append(tuple(row[name] for name in names))
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    db.commit()
    db.close()


class Page:
    def __init__(self, process):
        url = urllib.parse.urlsplit(process.stdout.readline().strip())
        self.cookie = "tmflow=" + urllib.parse.parse_qs(url.query)["token"][0]
        self.port = url.port

    def millis(self, *paths):
        """How long it takes to load these, one after the other, over one connection as a browser's."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        started = time.monotonic()
        for path in paths:
            connection.request("GET", path, headers={"Cookie": self.cookie})
            reply = connection.getresponse()
            text = reply.read()
            assert reply.status == 200, (path, text)
        return (time.monotonic() - started) * 1e3

    def cursor(self, path):
        """Where the page behind this one begins, as a parameter."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path, headers={"Cookie": self.cookie})
        return urllib.parse.quote(json.load(connection.getresponse())["next"])

    def slowest(self, *paths):
        return max(self.millis(*paths) for _ in range(TIMES))


def live(bench, runs, outcomes):
    fill(bench, runs, outcomes)
    process = bench.start("ui")
    page = Page(process)
    shell = ("/", "/style.css", "/app.js", "/api/runs?limit=50")
    yield Row(f"tmflow ui, {runs:,} runs, one of {outcomes:,} outcomes: first page", page.slowest(*shell), "ms", 100, digits=1)
    yield Row("... the next runs", page.slowest("/api/runs?limit=50&before=" + page.cursor("/api/runs?limit=50")), "ms", 50, digits=1)
    yield Row("... the large run", page.slowest("/api/runs/zz-large"), "ms", 50, digits=1)
    yield Row("... its first outcomes", page.slowest("/api/runs/zz-large/outcomes?limit=100"), "ms", 50, digits=1)
    behind = page.cursor("/api/runs/zz-large/outcomes?limit=100")
    yield Row("... the next outcomes", page.slowest("/api/runs/zz-large/outcomes?limit=100&after=" + behind), "ms", 50, digits=1)
    yield Row("... those of one kind that is not there", page.slowest("/api/runs/zz-large/outcomes?limit=100&outcome=failed"), "ms", 50, digits=1)
    yield Row("... a search that finds nothing", page.slowest("/api/runs/zz-large/outcomes?limit=100&search=nowhere"), "ms", 50, digits=1)
    yield Row("... peak memory", high_water_kib(process.pid) / KIB, "MiB", 24, digits=1)
    process.terminate()
    process.wait(60)


def report(bench, outcomes):
    fill(bench, 1, outcomes)
    file = os.path.join(bench.dir, "report.html")
    started = time.monotonic()
    done = bench.tmflow("show", "zz-large", "-o", "html", "--output-file", file)
    assert done.code == 0, done.err
    yield Row(f"show -o html, {outcomes:,} rows", os.path.getsize(file) / KIB / KIB, "MiB", 4, digits=2)
    yield Row("... written in", time.monotonic() - started, "s", digits=2)


def rows(sizes):
    with measuring(Pages) as bench:
        yield from live(bench, sizes.kept_runs, sizes.kept_outcomes)
    with measuring(Pages) as bench:
        yield from report(bench, sizes.reported)
