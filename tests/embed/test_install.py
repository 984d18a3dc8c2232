#!/usr/bin/env python3
"""What is installed: its exports, its headers, and a host that is built against it, killed and resumed."""
import collections
import glob
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("TMFLOW_BUILD", os.path.join(ROOT, "build/dev")))
EXAMPLE = os.path.join(ROOT, "tools/examples/embed")
CC = os.environ.get("CC", "cc")
CFLAGS = shlex.split(os.environ.get("CFLAGS", ""))
HEADERS = "action call engine error loop store tmflow workflow".split()
ORDERS = 40
WAIT_S = 60

dirs = {}


def run(*command, **named):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **named)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def environment(**more):
    return dict(os.environ, PKG_CONFIG_PATH=glob.glob(dirs["prefix"] + "/**/pkgconfig", recursive=True)[0], **more)


def library(name):
    return glob.glob(f"{dirs['prefix']}/**/{name}", recursive=True)[0]


def setUpModule():
    dirs["top"] = tempfile.mkdtemp(prefix="tmflow-embed-")
    dirs["prefix"] = os.path.join(dirs["top"], "prefix")
    run("cmake", "--install", BUILD, "--prefix", dirs["prefix"])


def tearDownModule():
    shutil.rmtree(dirs["top"])


class Installed(unittest.TestCase):
    def test_files(self):
        headers = sorted(os.listdir(dirs["prefix"] + "/include/tmflow"))
        self.assertEqual(headers, [name + ".h" for name in HEADERS])
        for file in ("bin/tmflow", "share/man/man1/tmflow.1", "share/doc/tmflow/LICENSE", "share/tmflow/workflows/backfill.yaml",
                     "share/tmflow/config/example.yaml", "share/tmflow/lua/team_first.lua"):
            self.assertTrue(os.path.exists(os.path.join(dirs["prefix"], file)), file)
        self.assertFalse(os.path.exists(dirs["prefix"] + "/share/tmflow/workflows/parts"))

    def declared(self):
        """The functions that the headers declare."""
        names = set()
        for name in HEADERS:
            with open(f"{dirs['prefix']}/include/tmflow/{name}.h", encoding="utf-8") as file:
                text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
            text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M | re.S)
            text = re.sub(r"(struct|union|enum) \w+\s*\{.*?\n\};", "", text, flags=re.S)
            text = re.sub(r"typedef[^;]*;", "", text)
            for statement in text.split(";"):
                found = re.search(r"(tmf_\w+)\(", statement)
                if found and "static inline" not in statement:
                    names.add(found[1])
        return names

    def test_exports(self):
        shared = {line.split()[-1] for line in run("nm", "-D", "--defined-only", library("libtmflow.so")).splitlines()}
        static = {line.split()[-1] for line in run("nm", "-g", "--defined-only", library("libtmflow.a")).splitlines()
                  if len(line.split()) == 3}
        self.assertEqual(shared, self.declared())
        self.assertEqual(static, self.declared())
        self.assertLess(len(shared), 90)

    def test_soname(self):
        dynamic = run("readelf", "-d", library("libtmflow.so"))
        self.assertIn("[libtmflow.so.0]", dynamic)
        for unwanted in ("libcurl", "libexpat", "liblua", "libmicrohttpd"):
            self.assertNotIn(unwanted, dynamic)

    def test_version(self):
        version = run("pkg-config", "--modversion", "tmflow", env=environment()).strip()
        with open(dirs["prefix"] + "/include/tmflow/tmflow.h", encoding="utf-8") as file:
            self.assertIn(f'#define TMF_VERSION "{version}"', file.read())

    def test_each_header_in_c_and_cpp(self):
        flags = shlex.split(run("pkg-config", "--cflags", "tmflow", env=environment()))
        self.assertEqual([flag for flag in flags if not flag.startswith("-I")], [])
        strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
        languages = [("c", "c11", CC)]
        if shutil.which("c++"):
            languages.append(("c++", "c++17", "c++"))
        for name in HEADERS:
            for language, standard, compiler in languages:
                with self.subTest(header=name, language=language):
                    run(compiler, "-x", language, f"-std={standard}", *strict, *flags, "-",
                        input=f'#include "tmflow/{name}.h"\n')

    def test_no_flag_of_ours_reaches_a_host(self):
        for file in glob.glob(dirs["prefix"] + "/**/tmflow-targets*.cmake", recursive=True):
            with open(file, encoding="utf-8") as targets:
                text = targets.read()
            self.assertNotIn("COMPILE_OPTIONS", text)
            self.assertNotIn("COMPILE_DEFINITIONS", text)
            self.assertNotIn("LINK_OPTIONS", text)
            self.assertNotIn("tmflow_flags", text)


class Configured(unittest.TestCase):
    def test_without_check(self):
        packages = os.path.join(dirs["top"], "packages")
        os.mkdir(packages)
        for folder in run("pkg-config", "--variable", "pc_path", "pkg-config").strip().split(":"):
            for file in glob.glob(folder + "/*.pc"):
                if os.path.basename(file) != "check.pc":
                    os.symlink(file, os.path.join(packages, os.path.basename(file)))
        build = os.path.join(dirs["top"], "plain")
        told = run("cmake", "-S", ROOT, "-B", build, env=dict(os.environ, PKG_CONFIG_LIBDIR=packages, CFLAGS=""))
        self.assertIn("BUILD_TESTING is OFF", told)
        with open(build + "/compile_commands.json", encoding="utf-8") as file:
            commands = file.read()
        self.assertIn("-O2", commands)
        self.assertNotIn("-Werror", commands)
        self.assertNotIn("-DNDEBUG", commands)


def build_with_pkg_config(static):
    out = os.path.join(dirs["top"], "shop-static" if static else "shop-shared")
    ask = ["pkg-config", "--cflags", "--libs"] + (["--static"] if static else []) + ["tmflow"]
    flags = shlex.split(run(*ask, env=environment()))
    if static:
        flags = ["-l:libtmflow.a" if flag == "-ltmflow" else flag for flag in flags]
    run(CC, "-Wall", "-Wextra", "-Wpedantic", "-Werror", *CFLAGS, "-o", out, EXAMPLE + "/shop.c", *flags,
        "-Wl,-rpath," + os.path.dirname(library("libtmflow.so")))
    return out


def build_with_cmake(static):
    build = os.path.join(dirs["top"], "cmake-static" if static else "cmake-shared")
    env = environment(CFLAGS=" ".join(CFLAGS), CC=CC, CMAKE_PREFIX_PATH=dirs["prefix"])
    library_target = ["-D", "SHOP_LIBRARY=tmflow::tmflow_static"] if static else []
    run("cmake", "-S", EXAMPLE, "-B", build, *library_target, env=env)
    run("cmake", "--build", build, env=env)
    return build + "/shop"


class Host(unittest.TestCase):
    """The example of tools/examples/embed."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=dirs["top"])
        self.ledger = os.path.join(self.dir, "ledger.txt")

    def start(self, shop, count=ORDERS):
        return subprocess.Popen([shop, EXAMPLE + "/shop.yaml", self.dir + "/state", str(count), self.ledger],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process):
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err

    def shipped(self):
        try:
            with open(self.ledger, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def wait_for(self, count, process):
        deadline = time.monotonic() + WAIT_S
        while len(self.shipped()) < count and process.poll() is None:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)

    def check_all_once(self, count=ORDERS):
        counts = collections.Counter(self.shipped())
        self.assertEqual(counts, {f"order-{i}": 1 for i in range(1, count + 1)})

    def kill_until_done(self, shop, seed):
        """On a busy machine this process sleeps longer than it asked for, and the host may end before it is killed."""
        chance = random.Random(seed)
        kills = 0
        code = -signal.SIGKILL
        while code == -signal.SIGKILL:
            process = self.start(shop)
            if len(self.shipped()) < ORDERS - 5:
                self.wait_for(min(len(self.shipped()) + chance.randint(1, 8), ORDERS - 5), process)
                process.kill()
            code, out, err = self.end(process)
            kills += code == -signal.SIGKILL
        self.assertGreater(kills, 3)
        if "run orders is over: SUCCEEDED" not in err:  # killed between the end's commit and its own exit
            self.assertEqual((code, out, err), (0, f"orders: SUCCEEDED, {ORDERS} shipped\n", ""))
        self.check_all_once()

    def test_killed_and_resumed_pkg_config_shared(self):
        self.kill_until_done(build_with_pkg_config(False), 1)

    def test_killed_and_resumed_pkg_config_static(self):
        shop = build_with_pkg_config(True)
        self.assertNotIn("libtmflow", run("readelf", "-d", shop))
        self.kill_until_done(shop, 2)

    def test_killed_and_resumed_cmake_shared(self):
        shop = build_with_cmake(False)
        self.assertIn("libtmflow.so.0", run("readelf", "-d", shop))
        self.kill_until_done(shop, 3)

    def test_killed_and_resumed_cmake_static(self):
        shop = build_with_cmake(True)
        self.assertNotIn("libtmflow", run("readelf", "-d", shop))
        self.kill_until_done(shop, 4)

    def test_interrupted_busy_and_over(self):
        shop = build_with_pkg_config(False)
        process = self.start(shop, 20)
        self.wait_for(3, process)
        code, _, err = self.end(self.start(shop, 20))
        self.assertEqual(code, 1)
        self.assertIn(f"TMFlow.Busy: run orders is held by pid {process.pid}", err)
        process.stdin.write("stop\n")
        process.stdin.flush()
        code, out, err = self.end(process)
        self.assertEqual((code, out, err), (3, "orders: INTERRUPTED, 0 shipped\n", ""))
        runs = run(dirs["prefix"] + "/bin/tmflow", "runs", "--state-dir", self.dir + "/state", "-o", "jsonl")
        self.assertIn('"status":"INTERRUPTED"', runs)
        code, out, err = self.end(self.start(shop, 20))
        self.assertEqual((code, err), (0, ""))
        self.check_all_once(20)
        code, _, err = self.end(self.start(shop, 20))
        self.assertEqual(code, 1)
        self.assertIn("run orders is over: SUCCEEDED", err)


if __name__ == "__main__":
    unittest.main()
