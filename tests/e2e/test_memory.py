#!/usr/bin/env python3
"""Out of memory never lies: the nth allocation of a command fails, or all from the nth on. The command ends well and all is done, or it says so; it is aborted at the
worst, never by another signal; and what it began is resumed.

A spread of n by default, TMFLOW_MEMORY_POINTS=K of each kind. TMFLOW_MEMORY_FORKS=all tries every n: in one run of the command a child is forked at each
allocation, which fails there in both ways (oom_forks.c). Children that abort before they have done anything that others could see leave what the command
itself had left at that moment; a process of its own tries, and resumes, one n of each stretch between two things that others could see, and each n
of which the child went on. TMFLOW_MEMORY_FORKS=first does it for the first n of each stack of calls from which one is made.
"""
import collections
import os
import random
import signal
import time

import harness
import services

INSTANCES = 6
SEED = 3        # four sessions, a created target and its instance
INJECTOR = os.path.join(os.path.dirname(harness.TMFLOW), "tests", "e2e", "liboom.so")
SANITIZER_EXIT = 99
MODES = {"at": "TMFLOW_OOM_AT", "from": "TMFLOW_OOM_FROM"}
SECONDS_MAX = 60
VISIBLE_AGAIN_SECONDS = 3
FORKS = {"all": {}, "first": {"TMFLOW_OOM_FIRST": 1}, "few": {"TMFLOW_OOM_EVERY": 199}}
FORKS_SECONDS_MAX = 3600
LAUNCH = {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
          "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": []}


class Memory(services.Case):
    seconds_max = SECONDS_MAX

    def injected(self, **more):
        """The environment of a process whose allocations are counted."""
        if "TMFLOW_OOM_STACK" in more:
            more["TMFLOW_OOM_FAILED"] = os.path.join(self.dir, "failed")
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": INJECTOR, **{key: str(value) for key, value in more.items()},
                "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0:detect_leaks=0:exitcode={SANITIZER_EXIT}:handle_segv=0:handle_sigbus=0"}

    def lines_of(self, name):
        """Of a file that the injector wrote, which is removed."""
        path = os.path.join(self.dir, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as f:
            lines = f.read().splitlines()
        os.unlink(path)
        return lines

    def counted(self, command):
        """How many allocations command makes: a function that takes the environment and runs it to its end."""
        command(self.injected(TMFLOW_OOM_COUNT=os.path.join(self.dir, "count")))
        return int(self.lines_of("count")[0])

    def forked(self, command, which):
        """What children did that failed at each allocation: {kind of line: lines}, see oom_forks.c."""
        found = collections.defaultdict(list)
        command(self.injected(TMFLOW_OOM_FORKS=os.path.join(self.dir, "forks"), **FORKS[which]))
        for line in self.lines_of("forks"):
            kind, *words = line.split()
            found[kind].append(words)
        self.assertEqual(found["ended"], [])
        return found

    def forks(self, command, which):
        """What makes a process fail that stands for each child."""
        harness.RUN_SECONDS = self.seconds_max = FORKS_SECONDS_MAX
        began = time.monotonic()
        found = self.forked(command, which)
        aborted = sum(int(count) for _, _, count in found["class"])
        print(f"{aborted + len(found['on'])} children: {aborted} aborted, in {len(found['class'])} classes, {len(found['on'])} went on; "
              f"{time.monotonic() - began:.0f} s", flush=True)
        tries = [("at", stack, nth) for stack, nth, _ in found["class"]] + found["on"]
        elsewhere = missed = 0
        for way, stack, nth in tries:
            at = int(nth)
            while True:
                yield {MODES[way]: 1, "TMFLOW_OOM_STACK": stack, "TMFLOW_OOM_NTH": at}
                has_failed = bool(self.lines_of("failed"))
                if has_failed or at == 1:
                    break
                at //= 2    # not every process has as many from there
            elsewhere += at != int(nth)
            missed += not has_failed
        print(f"{len(tries)} tries, of which {elsewhere} were earlier ones of their stack and {missed} had none; {time.monotonic() - began:.0f} s", flush=True)
        self.assertLess(missed, len(tries) / 20 + 2)

    def points(self, command, total, few):
        """The injector's variables for each try."""
        which = os.environ.get("TMFLOW_MEMORY_FORKS")
        if which:
            return self.forks(command, which)
        count = int(os.environ.get("TMFLOW_MEMORY_POINTS", few))
        return [{mode: 1 + (2 * k + i) * total // (2 * count)} for i, mode in enumerate(MODES.values()) for k in range(count)]

    def ended(self, code, said):
        """The process ended by itself, or by abort."""
        self.assertTrue(0 <= code < SANITIZER_EXIT or code == -signal.SIGABRT, (code, said))

    def whole(self, sim):
        """Nothing is missing, double or left over."""
        verdict = sim.expected()
        self.assertTrue(verdict["ok"], verdict)
        report = sim.report()
        self.assertTrue(report["ok"], report)
        self.assertEqual(report["sessions"]["created"], report["sessions"]["live"])

    def run_words(self, sim, run):
        return ["run", harness.BACKFILL, "--config", sim.config, "--run-id", run, "-o", "json"]

    def resumed(self, sim, run, env=None):
        """Resumes a run, or starts it where it was not begun."""
        done = self.tmflow("resume", run, "-o", "json", sim=sim, state=run, env=env)
        if done.code == 2 and env is None:
            done = self.tmflow(*self.run_words(sim, run), sim=sim, state=run)
        return done

    def test_run(self):
        undisturbed = []

        def command(env):
            sim = self.sim(instances=INSTANCES, seed=SEED)
            run = f"counted-{len(undisturbed)}"
            undisturbed.append(self.tmflow(*self.run_words(sim, run), sim=sim, state=run, env=env))
            self.assertEqual(undisturbed[-1].code, 0, undisturbed[-1].err)
            sim.stop()

        total = self.counted(command)
        summary = undisturbed[0].json["summary"]
        for k, point in enumerate(self.points(command, total, 6)):
            with self.subTest(**point, of=total):
                sim = self.sim(instances=INSTANCES, seed=SEED)
                run = f"run-{k}"
                done = self.tmflow(*self.run_words(sim, run), sim=sim, state=run, env=self.injected(**point))
                self.ended(done.code, done.err)
                if done.code == 0:
                    self.whole(sim)
                    self.assertEqual(done.json["summary"], summary)
                done = self.resumed(sim, run)
                self.assertEqual(done.code, 0, done.err + done.out)
                self.assertEqual(done.json["summary"], summary)
                self.whole(sim)
                sim.stop()

    def test_children(self):
        """Of a few allocations; tools/nightly tries what they stand for."""
        def command(env):
            sim = self.sim(instances=INSTANCES, seed=SEED)
            done = self.tmflow(*self.run_words(sim, "forks"), sim=sim, env=env)
            self.assertEqual(done.code, 0, done.err)
            self.whole(sim)
            sim.stop()

        found = self.forked(command, "few")
        self.assertGreater(len(found["class"]), 10)
        self.assertGreater(sum(int(count) for _, _, count in found["class"]), 100)

    def killed(self, sim, run, at):
        # Without the look at what the configuration names, which comes before the run is in the store.
        process = self.start(*self.run_words(sim, run), "--no-online-check", sim=sim, state=run)
        sim.ask("/_sim/signal", {"at": at, "pid": process.pid, "signal": signal.SIGKILL, "when": "after"})
        process.communicate(timeout=harness.RUN_SECONDS)

    def test_resume(self):
        undisturbed = []

        def command(env):
            sim = self.sim(instances=INSTANCES, seed=SEED)
            run = f"counted-{len(undisturbed)}"
            self.killed(sim, run, 5)
            undisturbed.append(self.resumed(sim, run, env))
            self.assertEqual(undisturbed[-1].code, 0, undisturbed[-1].err)
            sim.stop()

        total = self.counted(command)
        for k, point in enumerate(self.points(command, total, 4)):
            with self.subTest(**point, of=total):
                sim = self.sim(instances=INSTANCES, seed=SEED)
                run = f"resume-{k}"
                self.killed(sim, run, 5)
                done = self.resumed(sim, run, self.injected(**point))
                self.ended(done.code, done.err)
                if done.code == 0:
                    self.whole(sim)
                done = self.resumed(sim, run)
                self.assertEqual(done.code, 0, done.err + done.out)
                self.whole(sim)
                sim.stop()

    def lives_or_ends(self, process, is_done):
        """Until all is done, or the process has ended by itself."""
        deadline = time.monotonic() + self.seconds_max
        while process.poll() is None and not is_done():
            self.assertLess(time.monotonic(), deadline, self.said(process))
            time.sleep(0.02)

    def stopped(self, process):
        """Ends a process that may have ended; it may run out of memory on the way."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(self.seconds_max)
        if code != -signal.SIGTERM:     # before it was caught
            self.ended(code, self.said(process))

    def all_ended(self, activities):
        return all(task["status"] in ("SUCCEEDED", "FAILED") for task in activities.tasks)

    def worker(self, activities, env):
        environment = self.keys()
        environment.update(AWS_ENDPOINT_URL_SFN=activities.url, **env)
        environment.pop("AWS_REGION")
        process = self.spawn(["worker", "--activity-arn", activities.arn], environment)
        self.lives_or_ends(process, lambda: self.all_ended(activities))
        return process

    def activities(self):
        adds = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.n, 1)"}, "End": True}}}
        activities = services.Activities(hold_seconds=1, heartbeat_seconds=3)
        self.addCleanup(activities.stop)
        activities.add({"action": "log", "input": {"a": [1, 2]}}, {"workflow": adds, "input": {"n": 4}},
                       {"action": "lua", "input": {"Script": "return {f = function() return ('x'):rep(9) end}", "Function": "f"}})
        return activities

    def test_worker(self):
        wanted = [{"a": [1, 2]}, {"sum": 5}, "x" * 9]

        def command(env):
            self.stopped(self.worker(self.activities(), env))

        for point in self.points(command, total := self.counted(command), 3):
            with self.subTest(**point, of=total):
                activities = self.activities()
                self.stopped(self.worker(activities, self.injected(**point)))
                if not self.all_ended(activities):
                    self.drain(self.worker(activities, {}))
                self.assertEqual([task.get("output") for task in activities.tasks], wanted, activities.tasks)

    def is_empty(self, queue, since, again):
        """Whether all messages were deleted. again: those that a dead process took come again every few seconds, as if their time had passed."""
        if again and time.monotonic() > since[0] + VISIBLE_AGAIN_SECONDS:
            since[0] = time.monotonic()
            for message in list(queue.messages.values()):
                message["visible_at"] = [0.0]
        return not queue.messages

    def listen(self, queue, sim, env, again=False):
        environment = self.keys(sim)
        # A store of its own for each account: what the store knows to be there is not in the next one.
        environment.update(AWS_ENDPOINT_URL_SQS=queue.url, TMFLOW_STATE_DIR=os.path.join(self.dir, f"listen-{sim.process.pid}"), **env)
        process = self.spawn(["listen", "--queue-url", queue.queue_url, "--config", sim.config], environment)
        since = [0.0]
        self.lives_or_ends(process, lambda: self.is_empty(queue, since, again))
        return process

    def launches(self, sim):
        """A queue with an event for each running instance."""
        page = self.write("page.yaml", 'StartAt: D\nStates:\n  D: {Type: Task, Resource: "tmflow:describe-page", End: true}\n')
        result = self.tmflow("run", page, "--input", "-", "--config", sim.config, "-o", "json", sim=sim, state="page",
                             stdin='{"MaxResults": 1000}')
        self.assertEqual(result.code, 0, result.out)
        queue = services.Queue(random.Random(1), hold_seconds=1)
        self.addCleanup(queue.stop)
        queue.add(*[{**LAUNCH, "detail": {"instance-id": i["InstanceId"], "state": "running"}}
                    for i in result.json["output"]["Instances"] if i["State"] == "running"])
        return queue

    def test_listen(self):
        undisturbed = []

        def command(env):
            sim = self.sim(instances=INSTANCES, seed=SEED)
            queue = self.launches(sim)
            self.stopped(self.listen(queue, sim, env))
            undisturbed.append(sim.report()["sessions"]["live"])
            self.assertGreater(undisturbed[-1], 0, queue.messages)
            sim.stop()

        total = self.counted(command)
        live = undisturbed[0]
        for point in self.points(command, total, 3):
            with self.subTest(**point, of=total):
                sim = self.sim(instances=INSTANCES, seed=SEED)
                queue = self.launches(sim)
                self.stopped(self.listen(queue, sim, self.injected(**point)))
                if queue.messages:
                    self.drain(self.listen(queue, sim, {}, again=True))
                report = sim.report()
                self.assertTrue(report["ok"], report)
                self.assertEqual((report["sessions"]["live"], report["sessions"]["created"]), (live, live))
                self.assertEqual(queue.dead, [])
                sim.stop()


if __name__ == "__main__":
    harness.main()
