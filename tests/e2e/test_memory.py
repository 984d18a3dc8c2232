#!/usr/bin/env python3
"""Out of memory never lies: the nth allocation of a command fails, or all from the nth on. The command ends well and all is done, or it says so; it is aborted at the
worst, never by another signal; and what it began is resumed.

A spread of n by default, TMFLOW_MEMORY_POINTS=K of each kind. TMFLOW_MEMORY_STACKS=1 takes one allocation for each stack of calls from which one is made (some 5,000 of
25,000 of a run), TMFLOW_MEMORY_ALL=1 every n (hours); TMFLOW_MEMORY_SLICE=K/N the K-th (from 0) of N parts of that.
"""
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
MODES = ("TMFLOW_OOM_AT", "TMFLOW_OOM_FROM")
SECONDS_MAX = 60
VISIBLE_AGAIN_SECONDS = 3
ROUNDS_MAX = 3  # not every process has all stacks
DRIFT_MAX = 200 # nor has an allocation the same number in each
LAUNCH = {"version": "0", "id": "0a3f1c52-8a51-4e0a-9d57-2f3b6f1c0002", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
          "account": "123456789012", "time": "2026-01-15T11:58:03Z", "region": "us-east-1", "resources": []}


class Memory(services.Case):
    def injected(self, **more):
        """The environment of a process whose allocations are counted, and the stack noted of the first that fails."""
        if os.environ.get("TMFLOW_MEMORY_STACKS"):
            more.setdefault("TMFLOW_OOM_STACKS", os.path.join(self.dir, "failed"))
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": INJECTOR, **{key: str(value) for key, value in more.items()},
                "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0:detect_leaks=0:exitcode={SANITIZER_EXIT}:handle_segv=0:handle_sigbus=0"}

    def lines_of(self, name):
        """Of a file that the injector wrote, which is removed."""
        path = os.path.join(self.dir, name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as f:
            lines = f.read().split()
        os.unlink(path)
        return lines

    def counted(self, command):
        """How many allocations command makes: a function that takes the environment and runs it to its end."""
        command(self.injected(TMFLOW_OOM_COUNT=os.path.join(self.dir, "count")))
        return int(self.lines_of("count")[0])

    def stacks(self, command, part, parts):
        """What makes the first allocation of a stack fail, for each stack, until each has failed in both ways."""
        wanted = {(mode, stack) for mode in MODES for stack in self.stacks_seen(command) if int(stack, 16) % parts == part}
        left, tries = set(wanted), 0
        for _ in range(ROUNDS_MAX):
            first = self.stacks_seen(command)
            for mode, stack in sorted(key for key in left if key[1] in first):
                tries += 1
                yield {mode: max(1, first[stack] - DRIFT_MAX), "TMFLOW_OOM_STACK": stack}
                left -= {(mode, failed) for failed in self.lines_of("failed")}
        print(f"{len(wanted) - len(left)} of {len(wanted)} stacks and ways failed, in {tries} tries", flush=True)
        self.assertLess(len(left), len(wanted) / 10 + 2)

    def stacks_seen(self, command):
        """{stack: number of its first allocation}"""
        command(self.injected(TMFLOW_OOM_STACKS=os.path.join(self.dir, "stacks")))
        first = {}
        for n, stack in enumerate(self.lines_of("stacks"), 1):
            first.setdefault(stack, n)
        return first

    def points(self, command, total, few):
        """The injector's variables for each try."""
        part, parts = (int(number) for number in os.environ.get("TMFLOW_MEMORY_SLICE", "0/1").split("/"))
        if os.environ.get("TMFLOW_MEMORY_STACKS"):
            return self.stacks(command, part, parts)
        if os.environ.get("TMFLOW_MEMORY_ALL") or parts > 1:
            every = [{mode: n} for mode in MODES for n in range(1, total + 1)][part::parts]
            print(f"{len(every)} of {total} allocations, {len(MODES)} ways", flush=True)
            return every
        count = int(os.environ.get("TMFLOW_MEMORY_POINTS", few))
        return [{mode: 1 + (2 * k + i) * total // (2 * count)} for i, mode in enumerate(MODES) for k in range(count)]

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
            sim.stop()

        total = self.counted(command)
        self.assertEqual(undisturbed[0].code, 0, undisturbed[0].err)
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
        deadline = time.monotonic() + SECONDS_MAX
        while process.poll() is None and not is_done():
            self.assertLess(time.monotonic(), deadline, self.said(process))
            time.sleep(0.02)

    def stopped(self, process):
        """Ends a process that may have ended; it may run out of memory on the way."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(SECONDS_MAX)
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
        environment.update(AWS_ENDPOINT_URL_SQS=queue.url, **env)
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
