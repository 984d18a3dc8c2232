#!/usr/bin/env python3
"""The live page: what it says is what -o json says, nobody else's page or name reaches it, and no request harms it."""
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import time
import urllib.parse

import harness

SLOW_READERS = 40
HELLO = "StartAt: A\nStates: {A: {Type: Succeed}}\n"


class Ui(harness.Case):
    def serve(self, *args, **env):
        process = self.start("ui", *args, env=env)
        url = urllib.parse.urlsplit(process.stdout.readline().strip())
        self.addCleanup(process.kill)
        self.port = url.port
        self.token = urllib.parse.parse_qs(url.query)["token"][0]
        return process

    def ask(self, path, method="GET", cookie=True, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie:
            named["Cookie"] = f"a=1; tmflow={self.token}; b=2"
        connection.request(method, path, body=body, headers=named)
        reply = connection.getresponse()
        text = reply.read()
        self.reply = reply
        connection.close()
        return reply.status, text

    def api(self, path):
        status, text = self.ask(path)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def every(self, path, key, parameter="after", most=100):
        """All pages of a list."""
        rows, cursor = [], None
        for _ in range(most):
            joint = "&" if "?" in path else "?"
            page = self.api(path + (f"{joint}{parameter}={urllib.parse.quote(cursor)}" if cursor else ""))
            rows += page[key]
            cursor = page.get("next")
            if cursor is None:
                return rows
        raise AssertionError(f"{path} has no end")

    @staticmethod
    def resident(process):
        with open(f"/proc/{process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def test_what_it_says(self):
        sim = self.sim("--fault", "500:CreateTrafficMirrorSession@0.2", instances=300)
        for run, text in (("one", "Retry"), ("two", "Retry")):
            done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "--run-id", run, "--history", "-q", sim=sim, env={"AWS_MAX_ATTEMPTS": "1"})
            self.assertIn(done.code, (0, 5), done.err)
        self.tmflow("run", self.write("hello.yaml", HELLO), "--run-id", "hello", "-q")
        self.serve()
        wanted = self.tmflow("runs", "-o", "json").json
        found = self.every("/api/runs?limit=1", "runs", "before")
        self.assertEqual([run["runId"] for run in found], [run["runId"] for run in wanted])
        for one, other in zip(found, wanted):
            self.assertEqual((one["status"], one["summary"]), (other["status"], other["summary"]))
        self.assertEqual([run["runId"] for run in self.every("/api/runs?workflow=hello", "runs", "before")], ["hello"])
        self.assertEqual(self.every("/api/runs?status=failed", "runs", "before"), [])
        shown = self.tmflow("show", "two", "-o", "json").json
        page = self.api("/api/runs/two")
        self.assertEqual((page["run"]["summary"], page["run"]["output"], page["calls"]), (shown["summary"], shown["output"], shown["calls"]))
        why = self.api("/api/runs/two/why")
        self.assertEqual(sum(row["count"] for row in why["reasons"] if row["outcome"] == "ineligible"), shown["summary"]["ineligible"])
        rows = [json.loads(line) for line in self.tmflow("show", "two", "--outcomes", "-o", "jsonl").out.splitlines()]
        self.assertEqual(self.every("/api/runs/two/outcomes?limit=70", "outcomes"), rows)
        name = next(row["name"] for row in rows if row["outcome"] == "present")
        self.assertEqual(self.every(f"/api/runs/two/outcomes?search={name.upper()}", "outcomes"), [row for row in rows if name in json.dumps(row)])
        self.assertEqual(self.every("/api/runs/two/outcomes?outcome=unmatched", "outcomes"), [row for row in rows if row["outcome"] == "unmatched"])
        events = self.tmflow("show", "two", "--history", "-o", "json").json["events"]
        self.assertEqual(self.every("/api/runs/two/history?limit=1000", "events"), events)
        named = self.every("/api/runs/two/history?state=DescribePage", "events")
        self.assertTrue(named)
        self.assertEqual({event.get("stateEnteredEventDetails", event.get("stateExitedEventDetails"))["name"] for event in named}, {"DescribePage"})
        status, text = self.ask("/api/runs/two/report.html")
        self.assertEqual((status, text.decode()), (200, self.tmflow("show", "two", "-o", "html").out))
        before = {(r["instanceId"], r.get("networkInterfaceId")): r for r in map(json.loads, self.tmflow("show", "one", "--outcomes", "-o", "jsonl").out.splitlines())}
        differ = {key for key in before if key not in {(r["instanceId"], r.get("networkInterfaceId")) for r in rows}}
        differ |= {(r["instanceId"], r.get("networkInterfaceId")) for r in rows
                   if any(r.get(k) != before.get((r["instanceId"], r.get("networkInterfaceId")), {}).get(k) for k in ("outcome", "reason", "rule", "targetId", "error"))}
        changes = self.every("/api/compare?a=one&b=two&limit=50", "changes")
        self.assertEqual({(c["instanceId"], c.get("networkInterfaceId")) for c in changes}, differ)
        self.assertEqual(len(changes), len(differ))

    def test_who_may_ask(self):
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        self.serve()
        self.assertEqual(self.ask("/api/runs", cookie=False)[0], 403)
        self.assertEqual(self.ask("/?token=" + "0" * 32, cookie=False)[0], 403)
        self.assertEqual(self.ask("/?token=", cookie=False)[0], 403)
        status, _ = self.ask("/?token=" + self.token, cookie=False)
        self.assertEqual((status, self.reply.headers["Location"]), (303, "/"))
        self.assertEqual(self.reply.headers["Set-Cookie"], f"tmflow={self.token}; HttpOnly; SameSite=Strict; Path=/")
        self.assertEqual(self.ask("/api/runs")[0], 200)
        for name in ("Access-Control-Allow-Origin", "Server"):
            self.assertNotIn(name, self.reply.headers)
        self.assertIn("default-src 'none'", self.reply.headers["Content-Security-Policy"])
        self.assertEqual(self.reply.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.ask("/api/runs", Host=f"evil.example:{self.port}")[0], 421)
        self.assertEqual(self.ask("/?token=" + self.token, cookie=False, Host=f"evil.example:{self.port}")[0], 421)
        self.assertEqual(self.ask("/api/runs", Host=f"localhost:{self.port}")[0], 200)
        self.assertEqual(self.ask("/api/runs", Origin="https://evil.example")[0], 403)
        self.assertEqual(self.ask("/api/runs", Origin=f"http://127.0.0.1:{self.port}")[0], 200)
        self.assertEqual(self.ask("/api/runs", Sec_Fetch_Site="cross-site")[0], 403)
        self.assertEqual(self.ask("/api/runs", Sec_Fetch_Site="same-origin")[0], 200)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            self.assertEqual(self.ask("/api/runs", method=method, body="x" * 100000)[0], 405)
        self.assertEqual(self.ask("/api/runs", method="HEAD"), (200, b""))

    def test_what_is_not_there(self):
        self.tmflow("run", self.write("hello.yaml", HELLO), "--run-id", "hello", "-q")
        process = self.serve()
        for path in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api", "/api/runs/", "/api/runs/nobody", "/api/runs/hello/nothing",
                     "/api/runs/hello/outcomes/more", "/style.css/..", "/api/runs/%00", "/api/compare", "/api/compare?a=hello", "//", "/api/runs/hello%0a"):
            status, text = self.ask(path)
            self.assertIn(status, (400, 404), (path, text))
            self.assertNotIn(b"root:", text)
        for path in ("/api/runs?before=%00&limit=-5", "/api/runs?limit=99999999999999999999", "/api/runs?before=" + "9" * 30, "/api/runs?status=" + "x" * 5000,
                     "/api/runs/hello/outcomes?after=%0a%0a%0a%0a", "/api/runs/hello/history?after=-1", "/api/compare?a=hello&b=hello&after=c%0a"):
            self.assertEqual(self.ask(path)[0], 200, path)
        self.assertEqual(self.ask("/api/runs/hello/outcomes?outcome=lost")[0], 400)
        self.assertIn(self.ask("/" + "a" * 100000)[0], (414, 431))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)

    def test_many_and_slow(self):
        """Connections that say nothing are bounded in number and time, and do not keep others out for ever."""
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        process = self.serve()
        slow = []
        for _ in range(300):
            one = socket.create_connection(("127.0.0.1", self.port))
            one.sendall(b"GET / HTTP/1.1\r\nHost: ")
            slow.append(one)
        time.sleep(1)
        self.assertLess(len(os.listdir(f"/proc/{process.pid}/fd")), 200 + 30)  # UI_CONNECTIONS_MAX, and what it has by itself
        deadline = time.monotonic() + 60
        while True:
            try:
                status, _ = self.ask("/api/runs")
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(1)
        self.assertEqual(status, 200)
        for one in slow:
            one.close()

    def test_a_thousand_at_once(self):
        """Each has an answer or is closed, nothing of them stays, and another address has its page among them."""
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        process = self.serve()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

        def descriptors():
            return len(os.listdir(f"/proc/{process.pid}/fd"))
        self.assertEqual(self.ask("/api/runs")[0], 200)
        before, memory = descriptors(), self.resident(process)
        request = f"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: tmflow={self.token}\r\n\r\n".encode()
        many, most = [], 0
        try:
            for _ in range(1000):
                one = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                many.append(one)
                try:
                    one.sendall(request)
                except OSError:
                    pass # refused already
                most = max(most, descriptors()) if len(many) % 50 == 0 else most
            with socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=("127.0.0.2", 0)) as other:
                other.sendall(request)
                self.assertEqual(other.recv(12), b"HTTP/1.1 200")
            answered = refused = 0
            for one in many:
                try:
                    first = one.recv(12)
                except ConnectionError:
                    first = b""
                self.assertIn(first, (b"HTTP/1.1 200", b""))
                answered += first != b""
                refused += first == b""
                one.close()
        finally:
            for one in many:
                one.close()
        self.assertGreaterEqual(answered, 100)
        self.assertEqual(answered + refused, 1000)
        self.assertLessEqual(most, before + 200)  # UI_CONNECTIONS_MAX
        self.assertLess(self.resident(process) - memory, 24 << 20)
        self.assertEqual(self.ask("/api/runs")[0], 200)
        deadline = time.monotonic() + 60
        while descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertLessEqual(descriptors(), before)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)

    def test_slow_readers(self):
        """Answers that nobody reads to their end cost no memory, however long they are, and others have theirs meanwhile."""
        big = json.dumps("x" * 200000)
        path = self.write("big.yaml", f"QueryLanguage: JSONata\nStartAt: S0\nStates:\n" + "".join(
            f"  S{i}: {{Type: Pass, Output: {big}, {'End: true' if i == 9 else f'Next: S{i + 1}'}}}\n" for i in range(10)))
        done = self.tmflow("run", path, "--run-id", "big", "--history", "-q")
        self.assertEqual(done.code, 0, done.err)
        process = self.serve(ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1")  # what is freed is of no interest here
        path = "/api/runs/big/history?limit=1000"
        status, whole = self.ask(path)
        self.assertEqual(status, 200)
        self.assertIn(len(whole) >> 10, range(512, 1024))  # UI_DETAILS_BYTES_MAX, and the event that was more
        self.assertEqual(len(self.every("/api/runs/big/history?limit=1000", "events")), len(self.tmflow("show", "big", "--history", "-o", "json").json["events"]))
        before = self.resident(process)
        slow = []
        for _ in range(SLOW_READERS):
            one = socket.socket()
            self.addCleanup(one.close)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the rest of the answer stays where it is
            one.connect(("127.0.0.1", self.port))
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: tmflow={self.token}\r\n\r\n".encode())
            slow.append(one)
        for one in slow:
            one.settimeout(60)
            self.assertEqual(one.recv(12), b"HTTP/1.1 200")
            self.assertEqual(self.ask("/api/runs?limit=1")[0], 200)
        self.assertLess(self.resident(process) - before, 16 << 20)
        with slow[0].makefile("rb") as rest:  # the first 12 bytes of the head are gone
            text = rest.read(len(whole))
        self.assertIn(whole[:1000], text)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 0)

    def test_a_megabyte_of_headers(self):
        """It is refused once it is more than a connection may have, however it comes, and leaves no memory behind."""
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        process = self.serve()
        self.assertEqual(self.ask("/api/runs")[0], 200)
        before = self.resident(process)
        for head in (b"X: " + b"a" * (1 << 20) + b"\r\n", b"".join(b"X-%d: %s\r\n" % (i, b"b" * 1000) for i in range(1024))):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", self.port), timeout=30) as one:
                    said = b""
                    try:
                        one.sendall(f"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: tmflow={self.token}\r\n".encode() + head + b"\r\n")
                        said = one.recv(4096)
                    except OSError:
                        pass # it has gone before all was sent
                    self.assertNotIn(b" 200 ", said)
        self.assertLess(self.resident(process) - before, 16 << 20)
        self.assertEqual(self.ask("/api/runs")[0], 200)

    def test_what_is_rare_is_on_a_later_page(self):
        """A filter looks at a bounded number of rows for an answer, and goes on from there: a run may have a million."""
        self.large_run("large")
        self.serve()
        lines = self.tmflow("show", "large", "--outcomes", "-o", "jsonl").out.splitlines()
        rare = [row for row in map(json.loads, lines) if row["instanceId"] == "i-z011000"]
        first = self.api(f"/api/runs/large/outcomes?outcome={rare[0]['outcome']}")
        self.assertEqual((first["outcomes"], bool(first["next"])), ([], True))
        self.assertEqual(self.every(f"/api/runs/large/outcomes?outcome={rare[0]['outcome']}", "outcomes"), rare)
        self.assertEqual(self.every("/api/runs/large/outcomes?search=I-Z011000", "outcomes"), rare)
        self.assertEqual(len(self.every("/api/runs/large/outcomes?limit=1000", "outcomes")), len(lines))

    def test_a_page_that_would_hold_up_others(self):
        """Of more rows than UI_PAGE_ROWS_MAX it is left to the command, which is named."""
        self.large_run("large")
        self.serve()
        self.assertEqual(self.ask("/api/runs/large/report.html")[0], 200)
        db = sqlite3.connect(os.path.join(self.dir, "state", "tmflow.db"))
        columns = [row[1] for row in db.execute("PRAGMA table_info(outcomes)")]
        chosen = ", ".join("instance || '-' || i" if name == "instance" else name for name in columns)
        db.execute(f"WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 9) INSERT INTO outcomes SELECT {chosen} FROM outcomes, c")
        db.commit()
        db.close()
        status, text = self.ask("/api/runs/large/report.html")
        self.assertEqual((status, json.loads(text)["error"]), (413, "TMFlow.Limit"))
        self.assertIn("tmflow show large -o html", json.loads(text)["cause"])

    def test_it_follows(self):
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        process = self.serve()
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: tmflow={self.token}\r\n\r\n".encode())
        text = b""
        while b"still here" not in text:
            text += connection.recv(4096)
        self.assertNotIn(b"event: change", text)
        self.tmflow("run", os.path.join(self.dir, "hello.yaml"), "-q")
        while b"event: change" not in text:
            more = connection.recv(4096)
            self.assertTrue(more)
            text += more
        streams = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(40)]
        for one in (connection, *streams):
            self.addCleanup(one.close)
        for one in streams:
            one.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: tmflow={self.token}\r\n\r\n".encode())
        self.assertEqual({one.recv(12) for one in streams}, {b"HTTP/1.1 200", b"HTTP/1.1 503"})
        self.assertEqual(self.ask("/api/runs")[0], 200)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)

    def test_addresses(self):
        self.tmflow("run", self.write("hello.yaml", HELLO), "-q")
        for address in ("127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "somewhere:80", "[::1:80", "::1:80", "127.0.0.1:8o"):
            done = self.tmflow("ui", "--listen", address)
            self.assertEqual(done.code, 2, address)
            self.assertIn("not an address to listen on", done.err)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = self.tmflow("ui", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
            self.assertEqual(done.code, 2)
            self.assertIn("failed to listen on", done.err)


if __name__ == "__main__":
    harness.main()
