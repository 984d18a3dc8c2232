#!/usr/bin/env python3
"""Installed means usable: all that belongs to tmflow is there, workflows and configurations are found by name, a plain configure works."""
import os
import shutil
import subprocess

import harness

TMFLOW = os.path.abspath(harness.TMFLOW)
QUICK = "StartAt: D\nStates:\n  D: {Type: Succeed}\n"


class Install(harness.Case):
    def setUp(self):
        super().setUp()
        self.dir = os.path.abspath(self.dir)

    def installed(self):
        prefix = os.path.join(self.dir, "prefix")
        subprocess.run(["cmake", "--install", harness.BUILD, "--prefix", prefix], check=True, capture_output=True, cwd=harness.ROOT)
        for folder, _, names in os.walk(prefix):
            self.written.update(os.path.join(folder, name) for name in names)
        return prefix

    def run_there(self, program, *args, cwd, **env):
        done = subprocess.run([program, *args], env={**self.environment(), **env}, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return harness.Result(done.returncode, done.stdout, done.stderr)

    def test_all_is_there(self):
        prefix = self.installed()
        for path in ("bin/tmflow", "bin/ec2sim", "include/tmflow/tmflow.h", "lib/systemd/system/tmflow-worker.service",
                     "lib/systemd/system/tmflow-reconcile.service", "share/doc/tmflow/LICENSE",
                     "share/tmflow/workflows/backfill.yaml", "share/tmflow/config/example.yaml", "share/tmflow/lua/skip_types.lua",
                     "share/bash-completion/completions/tmflow", "share/zsh/site-functions/_tmflow", "share/fish/vendor_completions.d/tmflow.fish"):
            self.assertTrue(os.path.exists(os.path.join(prefix, path)) or path.startswith("lib/"), path)
        self.assertTrue(any("libtmflow.so" in names for _, _, files in os.walk(prefix) for names in files))
        pages = os.listdir(os.path.join(prefix, "share/man/man1"))
        names = [line.split("\t")[0] for line in self.tmflow("__complete", "").out.splitlines()]
        self.assertEqual(sorted(pages), sorted(["tmflow.1", *(f"tmflow-{name}.1" for name in names)]))
        if shutil.which("mandoc"):
            for page in pages:
                done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", os.path.join(prefix, "share/man/man1", page)], capture_output=True, text=True)
                self.assertEqual(done.stdout, "", page)
        elsewhere = os.path.join(self.dir, "elsewhere")
        os.mkdir(elsewhere)
        tmflow = os.path.join(prefix, "bin", "tmflow")
        done = self.run_there(tmflow, "run", "on-launch", cwd=elsewhere)
        self.assertIn(os.path.join(prefix, "share/tmflow/workflows/on-launch.yaml"), done.err)
        self.assertEqual(self.run_there(tmflow, "graph", "backfill", cwd=elsewhere).code, 0)

    def test_workflows_by_name(self):
        """The folder at hand wins over the user's own; a file of the very name over both."""
        here = os.path.join(self.dir, "here")
        for folder in (os.path.join(here, "workflows"), os.path.join(self.dir, ".config/tmflow/workflows")):
            os.makedirs(folder)
        own = self.write(".config/tmflow/workflows/quick.yaml", QUICK)
        def found():
            self.assertEqual(self.run_there(TMFLOW, "run", "quick", cwd=here).code, 0)
            return self.run_there(TMFLOW, "show", "@latest", "-o", "json", cwd=here).json["workflow"]
        self.assertEqual(found(), own)
        self.write("here/workflows/quick.json", '{"StartAt": "D", "States": {"D": {"Type": "Succeed"}}}')
        self.assertEqual(found(), "workflows/quick.json")
        self.write("here/quick", QUICK)
        self.assertEqual(found(), "quick")
        done = self.run_there(TMFLOW, "run", "slow", cwd=here, XDG_CONFIG_HOME="/nonexistent")
        self.assertEqual(done.code, 2)
        for place in ("slow.yaml", " workflows,", "/nonexistent/tmflow/workflows,", "share/tmflow/workflows"):
            self.assertIn(place, done.err)

    def test_configurations_by_region(self):
        sim = self.sim(instances=20)
        here = os.path.join(self.dir, "here")
        os.mkdir(here)
        keys = {name: value for name, value in self.environment(sim).items() if name.startswith("AWS_")}

        def run():
            return self.run_there(TMFLOW, "run", harness.BACKFILL, "--dry-run", "-o", "json", cwd=here, **keys)
        done = run()
        self.assertEqual(done.code, 2)
        self.assertIn(f"config/us-east-1.yaml, {self.dir}/.config/tmflow/us-east-1.yaml, /etc/tmflow/us-east-1.yaml", done.err)
        os.makedirs(os.path.join(self.dir, ".config/tmflow"))
        shutil.copy(sim.config, os.path.join(self.dir, ".config/tmflow/us-east-1.yaml"))
        self.assertEqual(run().code, 0)

    def test_a_plain_configure(self):
        """Without Check: optimised, without -Werror, without tests."""
        build = os.path.join(self.dir, "plain")
        without = self.write("pkg-config", '#!/bin/sh\ncase " $* " in *" check "*) exit 1 ;; esac\nexec pkg-config "$@"\n')
        os.chmod(without, 0o755)
        done = subprocess.run(["cmake", "-S", harness.ROOT, "-B", build, "-D", "PKG_CONFIG_EXECUTABLE=" + without],
                              env={k: v for k, v in os.environ.items() if k not in ("CMAKE_BUILD_TYPE", "CFLAGS")}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
            commands = f.read()
        self.assertRegex(commands, r" -O[23] ")
        self.assertNotIn("-Werror", commands)
        self.assertNotIn("tests/store", commands)
        for folder, _, names in os.walk(build):
            self.written.update(os.path.join(folder, name) for name in names)


if __name__ == "__main__":
    harness.main()
