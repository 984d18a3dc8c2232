"""What the end-to-end tests share: a simulator of their own on a free port, and tmflow run as a user would run it.

Standard library only. BUILD is the build directory (environment TMFLOW_BUILD, set by ctest).
"""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("TMFLOW_BUILD", os.path.join(ROOT, "build", "dev")))
TMFLOW = os.path.join(BUILD, "tmflow")
EC2SIM = os.path.join(BUILD, "ec2sim")
BACKFILL = os.path.join(ROOT, "workflows", "backfill.yaml")

# Runs the words behind its first, and writes to the file named there how much memory they took at most.
PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SIGNATURES = re.compile(rb"AWS4-HMAC-SHA256 Credential=|Signature=[0-9a-f]{64}")

START_SECONDS = 20
RUN_SECONDS = 300


def scratch():
    """A fresh directory below the build directory, or below TMFLOW_SCRATCH."""
    return tempfile.mkdtemp(prefix="e2e-", dir=os.environ.get("TMFLOW_SCRATCH", BUILD))


class Sim:
    """One ec2sim process; options are its command line."""

    def __init__(self, directory, *options, instances=100, seed=1):
        self.dir = directory
        self.config = os.path.join(directory, "config.yaml")
        port_file = os.path.join(directory, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        self.log = open(os.path.join(directory, "ec2sim.log"), "ab")
        self.process = subprocess.Popen(
            [EC2SIM, "--seed", str(seed), "--instances", str(instances), "--port", "0",
             "--port-file", port_file, "--config-out", self.config, *options],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS
        while not (os.path.exists(port_file) and os.path.getsize(port_file) > 0):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("ec2sim did not start: see " + self.log.name)
            time.sleep(0.01)
        with open(port_file, encoding="ascii") as f:
            self.url = "http://127.0.0.1:" + f.read().strip()

    def ask(self, path, body=None):
        """GET, or POST with a body (JSON unless it is bytes); the answer's JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body), timeout=60) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def query(self, action, **parameters):
        """An EC2 call of somebody else's, unsigned (with --no-auth); the reply's XML without its name space."""
        body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + "/", data=body), timeout=60) as reply:
            return xml.etree.ElementTree.fromstring(re.sub(r'xmlns="[^"]*"', "", reply.read().decode()))

    def raw(self, action, **parameters):
        """What an EC2 call says, inside of its response and without the request's id."""
        body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + "/", data=body), timeout=60) as reply:
            return re.sub(r"(?s)^.*?</requestId>(.*)</\w+Response>\s*$", r"\1", reply.read().decode())

    def answer(self, operation, text):
        """The operation says that from now on; an empty text takes it back."""
        self.ask(f"/_sim/answers?operation={operation}", text.encode())

    def change(self, operation, old, new, count=1):
        """The same with a part of what it says now replaced, a regular expression."""
        text = self.raw(operation)
        changed = re.sub(old, new, text, count=count, flags=re.S)
        if changed == text:
            raise AssertionError(f"{old} is not in what {operation} says")
        self.answer(operation, changed)

    def every_session(self):
        """All that there are, each with its tags as a mapping under "tags" (with --no-auth)."""
        found = []
        for item in self.query("DescribeTrafficMirrorSessions").findall("trafficMirrorSessionSet/item"):
            session = {child.tag: child.text for child in item if child.tag != "tagSet"}
            session["tags"] = {tag.findtext("key"): tag.findtext("value") for tag in item.findall("tagSet/item")}
            found.append(session)
        return found

    def sessions(self):
        """{interface: session}, where an interface has one."""
        return {session["networkInterfaceId"]: session for session in self.every_session()}

    def report(self):
        return self.ask("/_sim/report")

    def expected(self, config=None):
        with open(config or self.config, "rb") as f:
            return self.ask("/_sim/expected", f.read())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode


class Result:
    """How a tmflow process ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


class Process(subprocess.Popen):
    """What it says to communicate() is searched for the secrets of its case."""
    case = None

    def communicate(self, *args, **named):
        said = super().communicate(*args, **named)
        for text in said:
            if text:
                self.case.found_nowhere(text if isinstance(text, bytes) else text.encode(), "what a process says")
        return said


class Case(unittest.TestCase):
    """A test with a directory, and what it started cleaned up. Whatever tmflow says or leaves in the directory is searched for secrets."""

    def setUp(self):
        self.dir = scratch()
        self.sims = []
        self.secrets = {SECRET.encode()}  # more of them with self.secrets.add
        self.written = set()  # the test's own files
        self.addCleanup(self._clean)

    def found_nowhere(self, data, where):
        """Asserts that neither a secret nor a signature is in data."""
        for secret in self.secrets:
            self.assertNotIn(secret, data, f"a secret in {where}")
        self.assertIsNone(SIGNATURES.search(data), f"a signature in {where}")

    def search_directory(self):
        for folder, _, names in os.walk(self.dir):
            for path in (os.path.join(folder, name) for name in names):
                if path not in self.written and os.path.isfile(path):
                    with open(path, "rb") as f:
                        self.found_nowhere(f.read(), path)

    def tearDown(self):
        self.search_directory()
        # tools/secrets looks for them in the output of the whole test run.
        os.makedirs(os.path.join(BUILD, "Testing"), exist_ok=True)
        with open(os.path.join(BUILD, "Testing", "secrets"), "ab") as f:
            f.write(b"".join(secret + b"\n" for secret in sorted(self.secrets) if b"\n" not in secret))

    def _clean(self):
        for sim in self.sims:
            sim.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def sim(self, *options, **named):
        sim = Sim(self.dir, *options, **named)
        self.sims.append(sim)
        return sim

    def environment(self, sim=None, state="state"):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TMFLOW_", "XDG_"))}
        env.update(HOME=self.dir, AWS_EC2_METADATA_DISABLED="true", TMFLOW_STATE_DIR=os.path.join(self.dir, state))
        if sim is not None:
            env.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=sim.url,
                       AWS_SECRET_ACCESS_KEY=SECRET)
        return env

    def start(self, *args, sim=None, state="state", env=None, **named):
        """A tmflow process that goes on by itself."""
        return self.watched([TMFLOW, *args], env={**self.environment(sim, state), **(env or {})}, cwd=ROOT, stdin=subprocess.DEVNULL,
                            text=True, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **named})

    def killed_after(self, seconds, process):
        """Kills a process that has not ended by then, and waits for its end. Whether it was killed."""
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def wait_for(self, met, seconds=START_SECONDS):
        """Until met() is true; fails where it is not by then."""
        deadline = time.monotonic() + seconds
        while not met():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.02)

    def kill_when(self, met, process):
        """Kills a process that has its run in the store as soon as met() is true."""
        self.until_signals_are_caught(process)
        self.wait_for(met)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def watched(self, command, **named):
        process = Process(command, **named)
        process.case = self
        return process

    def until_signals_are_caught(self, process, signo=signal.SIGTERM):
        """Until the process has taken the signal in hand (its run stands in the store by then)."""
        bit = 1 << (signo - 1)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
                masks = [int(line.split()[1], 16) for line in f if line.startswith(("SigBlk", "SigCgt"))]
            if any(mask & bit for mask in masks):
                return
        self.fail(f"the process does not catch {signo!r}")

    def tmflow(self, *args, sim=None, state="state", stdin=None, env=None, peak=None):
        """Runs tmflow to its end; what it took at most, in KiB, is added to the list peak."""
        environment = self.environment(sim, state)
        environment.update(env or {})
        command = [TMFLOW, *args]
        if peak is not None:
            report = os.path.join(self.dir, "peak")
            command = [sys.executable, "-c", PEAK, report, *command]
        done = subprocess.run(command, env=environment, cwd=ROOT, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=RUN_SECONDS)
        if peak is not None:
            with open(report, encoding="ascii") as f:
                peak.append(int(f.read()))
        self.found_nowhere((done.stdout + done.stderr).encode(), "what tmflow says")
        return Result(done.returncode, done.stdout, done.stderr)

    def backfill(self, sim, *args, state="state", config=None):
        return self.tmflow("run", BACKFILL, "--config", config or sim.config, "-o", "json", *args, sim=sim, state=state)

    def large_run(self, run):
        """A run of 12,000 instances, of which only i-z011000 has an outcome of its own."""
        sim = self.sim("--plain", "--no-auth", instances=20)
        done = self.tmflow("run", BACKFILL, "--config", sim.config, "-q", "--run-id", run, sim=sim)
        self.assertEqual(done.code, 0, done.err)
        db = sqlite3.connect(os.path.join(self.dir, "state", "tmflow.db"))
        columns = ", ".join(row[1] for row in db.execute("PRAGMA table_info(outcomes)") if row[1] not in ("instance", "kind"))
        one = db.execute("SELECT instance FROM outcomes WHERE kind = 0").fetchone()[0]
        db.execute("WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 12000) INSERT INTO outcomes (instance, kind, "
                   f"{columns}) SELECT printf('i-z%06d', i), CASE i WHEN 11000 THEN 10 ELSE 0 END, {columns} FROM c, outcomes WHERE instance = ?", (one,))
        db.commit()
        db.close()

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        self.written.add(path)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


def main():
    for program in (TMFLOW, EC2SIM):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not there: build first")
    unittest.main(verbosity=2)
