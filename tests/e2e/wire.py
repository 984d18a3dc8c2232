"""A proxy between tmflow and a server, which spoils replies byte by byte, and the ways in which it does."""
import socket
import threading
import time
import urllib.parse

LATE_SECONDS = 0.05
IDLE_SECONDS = 60
STALL_SECONDS = 100  # longer than a request may take


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
    """Of a query, or of AWS JSON."""
    head, body = request.split(b"\r\n\r\n", 1)
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"x-amz-target:"):
            return line.split(b".")[-1].decode().strip()
    return urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]


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
