"""Fakes of what the long-lived subcommands talk to, on loopback: Step Functions' activity API, SQS, Lambda's runtime API, and CloudFormation's ResponseURL.

Each is a server of its own thread and loop, on a free port. Standard library only.
"""
import asyncio
import functools
import hashlib
import html
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse
import uuid

import harness

HEADER_BYTES_MAX = 1 << 16


class Server:
    """HTTP/1.1 with kept connections; subclasses answer: async answer(method, path, headers, body) -> (status, headers, body)."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.connections = set()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()
        self.url = f"http://127.0.0.1:{self.port}"

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._open())
        started.set()
        self.loop.run_forever()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.run_until_complete(asyncio.sleep(0))  # connections that were closed just now
        self.loop.close()

    async def _open(self):
        self.server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=HEADER_BYTES_MAX)
        self.port = self.server.sockets[0].getsockname()[1]
        self.prepare()

    def prepare(self):
        """Makes what belongs to the loop."""

    def stop(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def call(self, function):
        """Runs function within the server's loop; its result."""
        done = threading.Event()
        box = []

        def run():
            box.append(function())
            done.set()
        self.loop.call_soon_threadsafe(run)
        done.wait()
        return box[0]

    async def _connection(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, more, text = await self.answer(method, path, headers, body)
                lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}"] + [f"{k}: {v}" for k, v in more.items()]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Refused(Exception):
    """An answer of AWS's that is an error."""

    def __init__(self, code, text, status=400, query_code=None):
        super().__init__(code)
        self.code, self.text, self.status, self.query_code = code, text, status, query_code


class JsonService(Server):
    """AWS JSON 1.0: methods op_NAME(params) -> dict, maybe async."""

    service = prefix = None

    def prepare(self):
        self.calls = {}

    async def answer(self, method, path, headers, body):
        number = f"{sum(self.calls.values()):08d}"
        more = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": number}
        try:
            prefix, _, name = headers["x-amz-target"].partition(".")
            assert method == "POST" and path == "/" and prefix == self.prefix, (method, path, headers)
            assert headers["content-type"] == "application/x-amz-json-1.0", headers
            assert f"/us-east-1/{self.service}/aws4_request" in headers["authorization"], headers
            self.calls[name] = self.calls.get(name, 0) + 1
            result = getattr(self, "op_" + name)(json.loads(body))
            if asyncio.iscoroutine(result):
                result = await result
            return 200, more, json.dumps(result).encode()
        except Refused as e:
            if e.query_code and headers.get("x-amzn-query-mode") == "true":
                more["x-amzn-query-error"] = e.query_code + ";Sender"
            return e.status, more, json.dumps({"__type": "com.amazonaws#" + e.code, "message": e.text}).encode()


class Activities(JsonService):
    """Activity tasks with time-outs. A task that was lost is given out anew under another token, up to `attempts` times."""

    service, prefix = "states", "AWSStepFunctions"

    def __init__(self, hold_seconds=60, heartbeat_seconds=None, attempts=5):
        self.hold_seconds, self.heartbeat_seconds, self.attempts = hold_seconds, heartbeat_seconds, attempts
        self.arn = "arn:aws:states:us-east-1:123456789012:activity:mirror"
        self.known = {self.arn}
        super().__init__()

    def prepare(self):
        super().prepare()
        self.waiting = {}
        self.given = {}     # token: task
        self.tasks = []
        self.executions = {}    # (machine, name): input
        self.open_polls = 0
        self.most = 0       # tasks under way and open polls, at most
        self.polls_most = 0
        self.late = []      # tokens whose heartbeat came too late
        self.failing = []   # what the next calls are refused with: (operation, Refused)
        self.progress = asyncio.Condition()

    def add(self, *inputs, arn=None):
        """Schedules tasks; their numbers."""
        def run():
            numbers = []
            for given in inputs:
                text = given if isinstance(given, str) else json.dumps(given)
                task = {"n": len(self.tasks), "input": text, "attempt": 0, "status": "SCHEDULED", "heartbeats": 0,
                        "arn": arn or self.arn}
                self.tasks.append(task)
                numbers.append(task["n"])
                self.queue(task["arn"]).put_nowait(task)
            return numbers
        return self.call(run)

    def queue(self, arn):
        return self.waiting.setdefault(arn, asyncio.Queue())

    def refuse(self, operation, *refusals):
        self.call(lambda: self.failing.extend((operation, r) for r in refusals))

    def _maybe_refuse(self, operation):
        for i, (name, refusal) in enumerate(self.failing):
            if name == operation:
                del self.failing[i]
                raise refusal

    async def op_GetActivityTask(self, params):
        self._maybe_refuse("GetActivityTask")
        if params["activityArn"] not in self.known:
            raise Refused("ActivityDoesNotExist", "Activity does not exist")
        assert 1 <= len(params["workerName"]) <= 80
        self.open_polls += 1
        self.polls_most = max(self.polls_most, self.open_polls)
        self.most = max(self.most, self.open_polls + len(self.given))
        try:
            task = await asyncio.wait_for(self.queue(params["activityArn"]).get(), self.hold_seconds)
        except asyncio.TimeoutError:
            return {"taskToken": None, "input": None}
        finally:
            self.open_polls -= 1
        token = uuid.uuid4().hex
        task.update(token=token, status="GIVEN", attempt=task["attempt"] + 1, beat=time.monotonic(), worker=params["workerName"])
        self.given[token] = task
        self._watch(task, token)
        return {"taskToken": token, "input": task["input"]}

    def _watch(self, task, token):
        if self.heartbeat_seconds is None:
            return
        due = task["beat"] + self.heartbeat_seconds

        def look():
            if task["status"] != "GIVEN" or task["token"] != token:
                return
            if time.monotonic() < task["beat"] + self.heartbeat_seconds - 0.001:
                self._watch(task, token)
                return
            self.late.append(token)
            del self.given[token]
            task["status"] = "SCHEDULED" if task["attempt"] < self.attempts else "TIMED_OUT"
            if task["status"] == "SCHEDULED":
                self.queue(task["arn"]).put_nowait(task)
        self.loop.call_later(max(0.0, due - time.monotonic()), look)

    def _task(self, params):
        if params["taskToken"] not in self.given:
            raise Refused("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
        return self.given[params["taskToken"]]

    def _end(self, params, status, **more):
        task = self._task(params)
        del self.given[params["taskToken"]]
        task.update(status=status, **more)
        return {}

    def op_SendTaskSuccess(self, params):
        self._maybe_refuse("SendTaskSuccess")
        assert len(params["output"].encode()) <= 262144
        return self._end(params, "SUCCEEDED", output=json.loads(params["output"]))

    def op_SendTaskFailure(self, params):
        self._maybe_refuse("SendTaskFailure")
        assert len(params.get("error", "")) <= 256 and len(params.get("cause", "")) <= 32768
        return self._end(params, "FAILED", error=params.get("error"), cause=params.get("cause"))

    def op_SendTaskHeartbeat(self, params):
        self._maybe_refuse("SendTaskHeartbeat")
        task = self._task(params)
        task["beat"] = time.monotonic()
        task["heartbeats"] += 1
        return {}

    def op_StartExecution(self, params):
        key = (params["stateMachineArn"], params["name"])
        assert 1 <= len(params["name"]) <= 80
        if self.executions.setdefault(key, params["input"]) != params["input"]:
            raise Refused("ExecutionAlreadyExists", "of another input")
        return {"executionArn": params["stateMachineArn"].replace("stateMachine", "execution") + ":" + params["name"], "startDate": 1.0}

    def close_task(self, n):
        """As if the task had timed out or its execution were stopped."""
        self.call(lambda: self.given.pop(self.tasks[n]["token"]))

    def wait(self, done, seconds=120):
        """Until done(tasks) is true."""
        deadline = time.monotonic() + seconds
        while not self.call(lambda: done(self.tasks)):
            if time.monotonic() > deadline:
                states = self.call(lambda: [(t["n"], t["status"]) for t in self.tasks if t["status"] not in ("SUCCEEDED", "FAILED")])
                raise AssertionError(f"the tasks do not come to their end: {states[:20]}")
            threading.Event().wait(0.01)

    def wait_all(self, seconds=120):
        self.wait(lambda tasks: all(t["status"] in ("SUCCEEDED", "FAILED", "TIMED_OUT") for t in tasks), seconds)

    def wait_polls(self, n, seconds=20):
        deadline = time.monotonic() + seconds
        while self.call(lambda: self.open_polls) < n:
            if time.monotonic() > deadline:
                raise AssertionError("no polls come")
            threading.Event().wait(0.01)


class Queue(JsonService):
    """A standard queue: messages come up to `copies` times, in any order; what is not deleted comes again after its visibility time-out."""

    service, prefix = "sqs", "AmazonSQS"

    def __init__(self, rng, copies=1, receives_max=1000, hold_seconds=20):
        self.rng, self.copies, self.receives_max, self.hold_seconds = rng, copies, receives_max, hold_seconds
        super().__init__()
        self.queue_url = self.url + "/123456789012/events"

    def prepare(self):
        super().prepare()
        self.messages = {}  # id: message
        self.dead = []      # moved to the dead-letter queue
        self.deleted = []
        self.visibility = []    # (message id, seconds) of ChangeMessageVisibility
        self.waits = set()      # seconds that receives asked to be held for

    def add(self, *bodies):
        def run():
            for body in bodies:
                text = body if isinstance(body, str) else json.dumps(body)
                message = {"id": str(uuid.uuid4()), "body": text, "receives": 0, "visible_at": [0.0] * self.copies,
                           "handles": {}}
                self.messages[message["id"]] = message
        self.call(run)

    def _visible(self):
        now = time.monotonic()
        found = [(m, i) for m in self.messages.values() for i, at in enumerate(m["visible_at"]) if at <= now]
        self.rng.shuffle(found)
        return found

    async def op_ReceiveMessage(self, params):
        if params["QueueUrl"] != self.queue_url:
            raise Refused("QueueDoesNotExist", "no such queue", query_code="AWS.SimpleQueueService.NonExistentQueue")
        assert 1 <= params["MaxNumberOfMessages"] <= 10 and 0 <= params["WaitTimeSeconds"] <= 20
        self.waits.add(params["WaitTimeSeconds"])
        deadline = time.monotonic() + min(params["WaitTimeSeconds"], self.hold_seconds)
        while not (found := self._visible()) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        given = []
        for message, i in found[:params["MaxNumberOfMessages"]]:
            if message["id"] not in self.messages:
                continue
            message["receives"] += 1
            if message["receives"] > self.receives_max * self.copies:
                self.dead.append(message["body"])
                del self.messages[message["id"]]
                continue
            handle = uuid.uuid4().hex
            message["handles"][handle] = i
            message["visible_at"][i] = time.monotonic() + params["VisibilityTimeout"]
            given.append({"MessageId": message["id"], "ReceiptHandle": handle, "Body": message["body"],
                          "MD5OfBody": hashlib.md5(message["body"].encode()).hexdigest(),
                          "Attributes": {"ApproximateReceiveCount": str(message["receives"]), "SentTimestamp": "1768478283456"}})
        return {"Messages": given} if given else {}

    def _find(self, params):
        for message in self.messages.values():
            if params["ReceiptHandle"] in message["handles"]:
                return message
        return None

    def op_DeleteMessage(self, params):
        message = self._find(params)
        if message is None:
            return {}
        i = message["handles"][params["ReceiptHandle"]]
        message["visible_at"][i] = float("inf")
        self.deleted.append(message["id"])
        if all(at == float("inf") for at in message["visible_at"]):
            del self.messages[message["id"]]
        return {}

    def op_ChangeMessageVisibility(self, params):
        message = self._find(params)
        if message is None:
            raise Refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        self.visibility.append((message["id"], params["VisibilityTimeout"]))
        message["visible_at"][message["handles"][params["ReceiptHandle"]]] = time.monotonic() + params["VisibilityTimeout"]
        return {}

    def wait(self, done, seconds=120):
        """Until done(self) is true."""
        deadline = time.monotonic() + seconds
        while not self.call(lambda: done(self)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.messages)} messages are left, {len(self.dead)} dead")
            threading.Event().wait(0.01)


class Runtime(Server):
    """Lambda's runtime API: hands out events, keeps what comes back. Also takes CloudFormation's answers, as PUT to /cfn/..."""

    def prepare(self):
        self.events = asyncio.Queue()
        self.answers = {}       # request id: ("response" | "error", headers, body)
        self.init_errors = []
        self.puts = []          # (path, headers, body)
        self.put_statuses = []  # of the next PUTs; then 200
        self.nexts = 0
        self.first_next = None

    @property
    def api(self):
        return f"127.0.0.1:{self.port}"

    def invoke(self, event, seconds=60, headers=None):
        """Hands out an event; its request id."""
        request_id = str(uuid.uuid4())
        more = {"Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:tmflow",
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1"}
        more.update(headers or {})
        text = event if isinstance(event, str) else json.dumps(event)
        self.call(lambda: self.events.put_nowait((more, text)))
        return request_id

    def result(self, request_id, seconds=60):
        """("response" | "error", headers, JSON) of an invocation."""
        deadline = time.monotonic() + seconds
        while not self.call(lambda: request_id in self.answers):
            if time.monotonic() > deadline:
                raise AssertionError("the invocation is not answered")
            threading.Event().wait(0.01)
        kind, headers, body = self.answers[request_id]
        return kind, headers, json.loads(body)

    async def answer(self, method, path, headers, body):
        base = "/2018-06-01/runtime"
        if method == "PUT" and path.startswith("/cfn/"):
            status = self.put_statuses.pop(0) if self.put_statuses else 200
            self.puts.append((path, headers, body))
            return status, {}, b""
        if method == "GET" and path == base + "/invocation/next":
            self.first_next = self.first_next or time.monotonic()
            self.nexts += 1
            more, text = await self.events.get()
            return 200, {"Content-Type": "application/json", **more}, text.encode()
        if method == "POST" and path == base + "/init/error":
            self.init_errors.append((headers, json.loads(body)))
            return 202, {}, b'{"status":"OK"}'
        parts = path[len(base):].split("/")
        if method == "POST" and parts[1] == "invocation" and parts[3] in ("response", "error"):
            if parts[2] in self.answers:
                return 400, {}, b'{"errorType":"InvalidRequestID"}'
            self.answers[parts[2]] = (parts[3], headers, body)
            return 202, {}, b'{"status":"OK"}'
        return 404, {}, b""


class Storage(Server):
    """S3, path-style: buckets of objects, which are read by ranges, listed in small pages, and put. A bucket in REDIRECTS is in another region."""

    PAGE = 3
    REDIRECTS = {"far-away": "eu-west-1"}

    def prepare(self):
        self.buckets, self.requests, self.encodings = {}, [], {}
        self.delay = 0
        self.refused = self.held = None  # how the keys end that cannot be put, and those that are answered never

    def put(self, bucket, key, data, encoding=None):
        data = data.encode() if isinstance(data, str) else data
        self.buckets.setdefault(bucket, {})[key] = data
        if encoding:
            self.encodings[bucket, key] = encoding

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def etag(data):
        return '"' + hashlib.md5(data).hexdigest() + '"'

    def op_get(self, bucket, key, headers):
        if key not in self.buckets[bucket]:
            raise Refused("NoSuchKey", "The specified key does not exist.", 404)
        data = self.buckets[bucket][key]
        more = {"ETag": self.etag(data)}
        if (bucket, key) in self.encodings:
            more["Content-Encoding"] = self.encodings[bucket, key]
        if headers.get("if-match", more["ETag"]) != more["ETag"]:
            raise Refused("PreconditionFailed", "At least one of the preconditions you specified did not hold", 412)
        first, last = (int(n) for n in headers["range"].removeprefix("bytes=").split("-"))
        if first >= len(data):
            raise Refused("InvalidRange", "The requested range is not satisfiable", 416)
        part = data[first:last + 1]
        return 206, {**more, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(data)}"}, part

    def op_list(self, bucket, query):
        keys = sorted(k for k in self.buckets[bucket] if k.startswith(query.get("prefix", "")) and k.encode() > query.get("start-after", "").encode())
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote(k)}</Key><LastModified>2026-01-15T12:00:00.000Z</LastModified>"
            f"<ETag>{html.escape(self.etag(self.buckets[bucket][k]))}</ETag><Size>{len(self.buckets[bucket][k])}</Size>"
            f"<StorageClass>STANDARD</StorageClass></Contents>" for k in keys[:self.PAGE])
        text = (f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(len(keys) > self.PAGE).lower()}</IsTruncated>"
                f"{contents}</ListBucketResult>")
        return 200, {}, text.encode()

    def refuse(self, headers, body):
        assert "/us-east-1/s3/aws4_request" in headers["authorization"], headers
        assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest(), headers

    async def answer(self, method, path, headers, body):
        path, _, query = path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        bucket, _, key = urllib.parse.unquote(path[1:]).partition("/")
        self.requests.append((method, bucket, key, headers.get("range")))
        await asyncio.sleep(self.delay)
        try:
            self.refuse(headers, body)
            if bucket in self.REDIRECTS:
                raise Refused("PermanentRedirect", "The bucket must be addressed using the specified endpoint.", 301)
            if bucket not in self.buckets:
                raise Refused("NoSuchBucket", "The specified bucket does not exist", 404)
            if method == "PUT" and self.held and key.endswith(self.held):
                await asyncio.sleep(3600)
            if method == "PUT" and self.refused and key.endswith(self.refused):
                raise Refused("AccessDenied", "Access Denied", 403)
            if method == "PUT":
                self.put(bucket, key, body)
                return 200, {"ETag": self.etag(body)}, b""
            return self.op_list(bucket, query) if query.get("list-type") == "2" else self.op_get(bucket, key, headers)
        except Refused as e:
            more = {"x-amz-bucket-region": self.REDIRECTS[bucket]} if bucket in self.REDIRECTS else {}
            return e.status, more, f"<Error><Code>{e.code}</Code><Message>{e.text}</Message><RequestId>R</RequestId></Error>".encode()


class Case(harness.Case):
    """A test of a process that stays."""

    def keys(self, sim=None):
        """The environment with keys, with the simulator as EC2."""
        environment = self.environment(sim)
        environment.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                           AWS_REGION="us-east-1")
        return environment

    def spawn(self, words, environment, program=harness.TMFLOW):
        log = open(os.path.join(self.dir, f"log{time.monotonic_ns()}"), "w+", encoding="utf-8")
        process = subprocess.Popen([program, *words], env=environment, cwd=harness.ROOT, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=log, text=True)
        process.log = log
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.log.close()

    def said(self, process):
        process.log.seek(0)
        return process.log.read()

    def until_said(self, process, text, seconds=30):
        deadline = time.monotonic() + seconds
        while text not in self.said(process):
            self.assertLess(time.monotonic(), deadline, self.said(process))
            threading.Event().wait(0.01)

    def drain(self, process, seconds=60):
        process.send_signal(signal.SIGTERM)
        code = process.wait(seconds)
        self.assertEqual(code, 0, self.said(process))
