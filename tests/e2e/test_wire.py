#!/usr/bin/env python3
"""A connection is trusted one exchange at a time: a proxy between tmflow and ec2sim spoils replies byte by byte.

What it does to one reply must not reach another request: at the end every session is there, to the right target, and
nothing was launched or made that belongs to nobody."""
import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import harness

LATE_SECONDS = 0.05
IDLE_SECONDS = 60
STALL_SECONDS = 100  # longer than a request may take
CONFIG = "vpcs: [{vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}]\n"


def read_message(stream):
    """A request or reply with its Content-Length; b"" at the end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + stream.read(length)


def action_of(request):
    body = request.split(b"\r\n\r\n", 1)[1].decode()
    return urllib.parse.parse_qs(body).get("Action", [""])[0]


class Proxy:
    """Passes on what tmflow and ec2sim say. spoil(action, number, reply) -> list of (seconds to wait, bytes), or None: as it is."""

    def __init__(self, url, spoil):
        self.upstream = urllib.parse.urlsplit(url)
        self.spoil = spoil
        self.counts = {}
        self.spoilt = 0
        self.stalled = set()  # connections on which a reply was spoilt
        self.reused = 0  # requests that came on one of those afterwards
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        """A connection of its own for each request: upstream is not what is tried here."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(IDLE_SECONDS)
        try:
            with client, client.makefile("rb") as requests:
                while request := read_message(requests):
                    with socket.create_connection((self.upstream.hostname, self.upstream.port)) as server:
                        server.sendall(request)
                        with server.makefile("rb") as replies:
                            reply = read_message(replies)
                    if not self.answer(client, action_of(request), reply):
                        return
        except OSError:
            pass

    def answer(self, client, action, reply):
        """False: the connection ends."""
        with self.lock:
            if client in self.stalled:
                self.reused += 1
            number = self.counts[action] = self.counts.get(action, 0) + 1
            parts = self.spoil(action, number, reply)
            self.spoilt += parts is not None
        if parts is not None:
            self.stalled.add(client)
        for seconds, part in parts if parts is not None else [(0, reply)]:
            if part is None:
                return False
            if seconds:
                time.sleep(seconds)
            client.sendall(part)
        return True

    def stop(self):
        self.listener.close()


def twice(reply):
    return [(0, reply + reply)]


def twice_late(reply):
    return [(0, reply), (LATE_SECONDS, reply)]


def stops_in_the_middle(reply):
    return [(0, reply[: len(reply) // 2]), (STALL_SECONDS, None)]


def endless_headers(reply):
    return [(0, b"HTTP/1.1 200 OK\r\n")] + [(1, b"X-More: and more\r\n")] * STALL_SECONDS + [(0, None)]


def a_byte_a_second(reply):
    return [(1, reply[i : i + 1]) for i in range(STALL_SECONDS)] + [(0, None)]


def other_surplus(reply):
    return [(0, reply + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")]


def split(reply):
    return [(0.001, reply[i : i + 97]) for i in range(0, len(reply), 97)]


def truncated(reply):
    return [(0, reply[: len(reply) - 20]), (0, None)]


def headless(reply):
    return [(0, reply.split(b"\r\n\r\n", 1)[1]), (0, None)]


def status(code, text):
    return lambda reply: [(0, f"HTTP/1.1 {code} {text}\r\nContent-Length: 0\r\n\r\n".encode())]


def shake_hands(listener, context):
    while True:
        try:
            client, _ = listener.accept()
            with client:
                context.wrap_socket(client, server_side=True).close()
        except ssl.SSLError:
            continue
        except OSError:
            if listener.fileno() < 0:
                return


def refuse(listener):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, client.makefile("rb") as stream:
            read_message(stream)
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


class Wire(harness.Case):
    def run_through(self, spoil, instances=300):
        sim = self.sim("--no-auth", instances=instances)
        proxy = Proxy(sim.url, spoil)
        self.addCleanup(proxy.stop)
        done = self.tmflow("run", harness.BACKFILL, "--config", sim.config, "-o", "json", sim=sim, env={"AWS_ENDPOINT_URL": proxy.url})
        self.assertGreater(proxy.spoilt, 0)
        return sim, proxy, done

    def expect_whole(self, sim, done):
        self.assertEqual(done.code, 0, done.out + done.err)
        self.assertNotIn("failed", done.json["summary"])
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        rows = self.tmflow("show", "@latest", "--outcomes", "-o", "json", sim=sim).json["outcomes"]
        sessions = {s["trafficMirrorSessionId"] for s in sim.sessions().values()}
        self.assertLessEqual({row["sessionId"] for row in rows if row["outcome"] == "created"}, sessions)

    def test_surplus_and_broken_replies(self):
        for fault in (twice, twice_late, other_surplus, split, truncated, headless):
            with self.subTest(fault.__name__):
                sim, _, done = self.run_through(lambda action, number, reply: fault(reply) if number % 7 == 3 else None)
                self.expect_whole(sim, done)
                sim.stop()

    def test_stalled_replies(self):
        """A reply that goes on for ever is given up in bounded time and asked for again, on a connection of its own; the others go on meanwhile."""
        stalls = {2: stops_in_the_middle, 3: endless_headers, 4: a_byte_a_second}
        sim, proxy, done = self.run_through(
            lambda action, number, reply: stalls[number](reply) if action == "CreateTrafficMirrorSession" and number in stalls else None)
        self.assertEqual(proxy.spoilt, len(stalls))
        self.expect_whole(sim, done)
        self.assertEqual(proxy.reused, 0)
        self.assertEqual(sim.report()["actions"]["CreateTrafficMirrorSession"]["replayed"], len(stalls))

    def test_swapped_replies(self):
        """Each fifth reply to a create is that to the create before."""
        before = {}

        def swap(action, number, reply):
            kept = before.get(action)
            before[action] = reply
            return [(0, kept)] if action.startswith("Create") and kept and number % 5 == 0 else None

        sim, _, done = self.run_through(swap)
        self.expect_whole(sim, done)

    def test_statuses_that_aws_does_not_send(self):
        """One such reply to RunInstances costs a retry, not a timeout."""
        for code, text in ((101, "Switching Protocols"), (204, "No Content"), (302, "Found"), (304, "Not Modified"), (401, "Unauthorized"), (407, "Proxy Authentication Required")):
            with self.subTest(code):
                odd = status(code, text)
                sim, _, done = self.run_through(lambda action, number, reply: odd(reply) if action == "RunInstances" and number == 1 else None, instances=60)
                self.expect_whole(sim, done)
                sim.stop()


class Reach(harness.Case):
    """Where nothing of AWS was ever reached, a wrong name is not retried for minutes."""

    def fails(self, name, text, endpoint=None, region="us-east-1", env=None):
        keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": harness.SECRET, **(env or {})}
        options = ["--endpoint-url", endpoint] if endpoint else []
        done = self.tmflow("run", harness.BACKFILL, "--config", self.write("c.yaml", CONFIG), "--region", region, *options, "-o", "json", env=keys)
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(done.json["error"], name, done.out)
        self.assertIn("ec2:DescribeInstances in " + region, done.json["cause"])
        self.assertIn(text, done.json["cause"])
        calls = self.tmflow("show", "@latest", "-o", "json").json["calls"]["DescribeInstances"]
        self.assertLessEqual(calls["requests"], int(keys.get("AWS_MAX_ATTEMPTS", 3)))

    def test_unknown_host(self):
        self.fails("TMFlow.Endpoint", "did you mean the region eu-west-1?", region="eu-wst-1")

    def test_refused_connection(self):
        with socket.socket() as nobody:  # bound, but it listens to no one
            nobody.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d" % nobody.getsockname()[1]
            self.fails("TMFlow.Endpoint", "Failed to connect to 127.0.0.1", endpoint=url)
            self.fails("TMFlow.Endpoint", "Failed to connect to 127.0.0.1", endpoint=url, env={"AWS_MAX_ATTEMPTS": "1"})

    def test_certificates(self):
        pem = os.path.join(self.dir, "server.pem")
        self.written.add(pem)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pem, "-out", pem + ".crt", "-days", "2",
                        "-subj", "/CN=127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem + ".crt", pem)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=shake_hands, args=(listener, context), daemon=True).start()
            url = "https://127.0.0.1:%d" % listener.getsockname()[1]
            self.fails("TMFlow.TLS", "AWS_CA_BUNDLE", endpoint=url)
            self.fails("TMFlow.TLS", "nowhere.pem", endpoint=url, env={"AWS_CA_BUNDLE": os.path.join(self.dir, "nowhere.pem")})

    def test_proxy_that_refuses(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=refuse, args=(listener,), daemon=True).start()
            proxy = "http://127.0.0.1:%d" % listener.getsockname()[1]
            self.fails("TMFlow.Proxy", "403", env={"HTTPS_PROXY": proxy})


if __name__ == "__main__":
    harness.main()
