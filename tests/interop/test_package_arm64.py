#!/usr/bin/env python3
"""tools/package --arch arm64 on a machine of another architecture: compiled across in a Debian of its own, and run under QEMU."""
import os
import shutil
import subprocess
import sys
import tempfile

import interop
from test_package import EPOCH, HELLO, check_lintian, run

SOURCES = ("CHANGELOG.md", "CMakeLists.txt", "LICENSE", "config", "include", "lua", "src", "tests", "tools", "workflows")
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SOURCE_DATE_EPOCH": EPOCH, "DEBEMAIL": "packager@example.org"}


def inside(root, *words):
    """Runs in the Debian, with a /proc of its own."""
    return run("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", root, *words, env=PATH)


def check_runs(root, out):
    """The archive alone: its loader, its libraries, its workflows."""
    archive = next(name for name in os.listdir(os.path.join(root, out)) if name.endswith("linux-aarch64.tar.gz"))
    inside(root, "tar", "-xzf", f"/{out}/{archive}", "-C", "/tmp")
    with open(os.path.join(root, "tmp", "hello.yaml"), "w", encoding="ascii") as f:
        f.write(HELLO)
    libexec = "/tmp/" + archive.removesuffix(".tar.gz") + "/libexec"
    said = ""
    for words in (["tmflow", "--version"], ["tmflow", "graph", "backfill"], ["tmflow", "run", "/tmp/hello.yaml", "--state-dir", "/tmp/state", "-q"], ["ec2sim", "--help"]):
        said += inside(root, "qemu-aarch64-static", libexec + "/ld.so", "--library-path", libexec, f"{libexec}/{words[0]}", *words[1:])
    assert "SUCCEEDED" in said and "DescribePage" in said, said
    pages = os.listdir(os.path.join(root, libexec[1:], "..", "share", "man", "man1"))
    assert {"tmflow.1.gz", "tmflow-run.1.gz"} <= set(pages), pages
    print("ok: the archive runs under QEMU")


def main():
    absent = [name for name in ("lintian", "mmdebstrap", "unshare") if shutil.which(name) is None]
    if absent:
        interop.missing(f"{', '.join(absent)} (tools/setup interop)")
    if os.geteuid() != 0:
        interop.missing("a Debian of its own needs root")
    if run("dpkg", "--print-architecture").strip() == "arm64":
        interop.missing("this is arm64: the part `package` tries it")
    with tempfile.TemporaryDirectory(prefix="tmflow-arm64-") as scratch:
        os.chmod(scratch, 0o755)
        root = os.path.join(scratch, "debian")
        native = run("dpkg", "--print-architecture").strip()
        run("mmdebstrap", "--variant=apt", "--mode=root", f"--architectures={native},arm64", "bookworm", root)
        for name in SOURCES:
            subprocess.run(["cp", "-r", os.path.join(interop.ROOT, name), os.path.join(root, "srv")], check=True)
        inside(root, "/srv/tools/setup", "arm64")
        inside(root, "/srv/tools/package", "--arch", "arm64", "--out", "/srv/out")
        print("ok: compiled across")
        check_lintian(os.path.join(root, "srv", "out", next(n for n in os.listdir(os.path.join(root, "srv", "out")) if n.endswith("_arm64.deb"))))
        check_runs(root, "srv/out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
