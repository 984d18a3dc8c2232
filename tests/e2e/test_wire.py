#!/usr/bin/env python3
"""A connection is trusted one exchange at a time: a proxy between tmflow and ec2sim spoils replies byte by byte.

What it does to one reply must not reach another request: at the end every session is there, to the right target, and
nothing was launched or made that belongs to nobody."""
import os
import socket
import ssl
import subprocess
import threading

import harness
import wire

CONFIG = "vpcs: [{vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}]\n"


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
            wire.read_message(stream)
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


class Wire(harness.Case):
    def run_through(self, spoil, instances=300):
        sim = self.sim("--no-auth", instances=instances)
        proxy = wire.Proxy(sim.url, spoil)
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
        for fault in (wire.twice, wire.twice_late, wire.other_surplus, wire.split, wire.truncated, wire.headless):
            with self.subTest(fault.__name__):
                sim, _, done = self.run_through(lambda action, number, reply: fault(reply) if number % 7 == 3 else None)
                self.expect_whole(sim, done)
                sim.stop()

    def test_stalled_replies(self):
        """A reply that goes on for ever is given up in bounded time and asked for again, on a connection of its own; the others go on meanwhile."""
        stalls = {2: wire.stops_in_the_middle, 3: wire.endless_headers, 4: wire.a_byte_a_second}
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
                odd = wire.status(code, text)
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
