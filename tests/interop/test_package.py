#!/usr/bin/env python3
"""What tools/package writes: the same bytes from another folder, no errors of lintian, a package that installs and runs on a clean Debian,
an archive that runs on a system with no library at all, and an image."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import interop

PROGRAMS = ("buildah", "cpack", "dpkg-shlibdeps", "lintian", "mmdebstrap", "unshare")
EPOCH = "1790000000"
HELLO = "StartAt: A\nStates:\n  A: {Type: Pass, Result: {text: hello}, End: true}\n"


def run(*words, **named):
    """Its output; ends the test if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **named)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(words)}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def package(root, out, env, umask=-1):
    run(os.path.join(root, "tools", "package"), "--out", out, umask=umask,
        env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH, DEBFULLNAME="A Packager", DEBEMAIL="packager@example.org", **env))
    found = {}
    for name in sorted(os.listdir(out)):
        with open(os.path.join(out, name), "rb") as f:
            found[name] = hashlib.sha256(f.read()).hexdigest()
    return found


def check_same_bytes(scratch, root, found):
    """The same sources built by somebody else: in another folder, with a strict umask, another time zone, no cache and flags in the environment."""
    again = package(root, os.path.join(scratch, "second"),
                    {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "CCACHE_DISABLE": "1", "CFLAGS": "-O1", "LDFLAGS": "-Wl,--build-id=none"}, umask=0o077)
    different = [name for name in found if again.get(name) != found[name]]
    assert not different and len(again) == len(found), f"not equal to the byte: {different}"
    print("ok: two builds are equal to the byte")


def check_names(found):
    with open(os.path.join(interop.ROOT, "CMakeLists.txt"), encoding="utf-8") as f:
        version = re.search(r"project\(tmflow VERSION (\S+)", f.read())[1]
    assert len(found) == 4, found
    assert all(name == "SHA256SUMS" or version in name for name in found), found
    print(f"ok: version {version} in every name")


def check_sums(out, found):
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=out)
    with open(os.path.join(out, next(n for n in found if n.endswith(".spdx.json"))), encoding="utf-8") as f:
        document = json.load(f)
    names = {p["name"] for p in document["packages"]}
    assert document["spdxVersion"] == "SPDX-2.3" and {"tmflow", "libc6", "libcurl4", "libssl3"} <= names, names
    unknown = [p["name"] for p in document["packages"] if p["versionInfo"] == "NOASSERTION"]
    assert not unknown, unknown
    print(f"ok: checksums, and an SBOM of {len(names)} packages")


def check_lintian(deb):
    done = subprocess.run(["lintian", "--fail-on", "error", deb], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print("ok: lintian has no errors")


def check_clean_debian(scratch, deb):
    """apt-get installs what it depends on; then it runs as nobody, in namespaces of its own."""
    root = os.path.join(scratch, "debian")
    run("mmdebstrap", "--variant=apt", "--mode=root", f"--customize-hook=copy-in {deb} /tmp",
        f"--customize-hook=chroot \"$1\" apt-get install -y --no-install-recommends /tmp/{os.path.basename(deb)}", "bookworm", root)
    with open(os.path.join(root, "tmp", "hello.yaml"), "w", encoding="ascii") as f:
        f.write(HELLO)
    for words in (["tmflow", "--version"], ["tmflow", "validate", "/usr/share/tmflow/workflows", "/usr/share/tmflow/config/example.yaml"],
                  ["tmflow", "help", "run"], ["ec2sim", "--help"],
                  ["tmflow", "run", "/tmp/hello.yaml", "--state-dir", "/tmp/state", "-q"]):
        run("unshare", "--mount", "--pid", "--fork", "--net", "chroot", "--userspec=65534:65534", root, *words)
    print("ok: installs and runs on a clean Debian")


def check_no_libraries(scratch, archive):
    """A system that has a shell and readlink (busybox), and no C library. Read-only but for the state directory."""
    busybox = shutil.which("busybox")
    if busybox is None or "statically linked" not in run("file", busybox):
        interop.missing("busybox-static")
    root = os.path.join(scratch, "bare")
    os.makedirs(os.path.join(root, "bin"))
    for folder in ("state", "tmp", "proc"):
        os.makedirs(os.path.join(root, folder))
        os.chown(os.path.join(root, folder), 65534, 65534)
    shutil.copy(busybox, os.path.join(root, "bin", "busybox"))
    for name in ("sh", "readlink", "dirname"):
        os.symlink("busybox", os.path.join(root, "bin", name))
    run("tar", "-xzf", archive, "-C", root)
    top = "/" + os.path.basename(archive).removesuffix(".tar.gz")
    os.symlink(f"..{top}/bin/tmflow", os.path.join(root, "bin", "tmflow"))
    with open(os.path.join(root, "hello.yaml"), "w", encoding="ascii") as f:
        f.write(HELLO)
    said = ""
    for words in (["/bin/tmflow", "--version"], ["/bin/tmflow", "graph", "backfill"], [top + "/bin/ec2sim", "--help"],
                  ["/bin/tmflow", "run", "/hello.yaml", "--state-dir", "/state", "-q"]):
        said += run("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "--net", "chroot", "--userspec=65534:65534", root, *words, env={"PATH": "/bin:/usr/sbin:/usr/bin:/sbin"})
    assert "SUCCEEDED" in said and "DescribePage" in said, said
    print("ok: runs where there is no library at all")


def check_image(scratch, archive):
    """Built by buildah, and run: by podman, or, where that cannot start a container, as buildah does in a chroot."""
    context = os.path.dirname(archive)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", context)
    stores = ["--root", os.path.join(scratch, "images"), "--runroot", os.path.join(scratch, "containers"), "--storage-driver", "vfs"]
    run("buildah", *stores, "bud", "--isolation", "chroot", "--file", os.path.join(interop.ROOT, "tools", "Containerfile"), "--build-arg",
        "ARCHIVE=" + os.path.basename(archive).removesuffix(".tar.gz"), "--tag", "tmflow", context)
    container = run("buildah", *stores, "from", "tmflow").strip()
    config = json.loads(run("buildah", *stores, "inspect", container))["OCIv1"]["config"]
    assert config["User"] == "65532:65532", config
    podman = ["podman", *stores, "run", "--rm", "--pull", "never", "--network", "none", "--read-only", "localhost/tmflow"]
    if shutil.which("podman") and subprocess.run([*podman, "--version"], capture_output=True, check=False).returncode == 0:
        start, by = podman, "podman"
    else:
        start, by = ["buildah", *stores, "run", "--isolation", "chroot", container, "--", *config["Entrypoint"]], "buildah, in a chroot"
    assert re.fullmatch(r"tmflow [\d.]+", run(*start, "--version").strip())
    assert "DescribePage" in run(*start, "graph", "backfill")
    run("buildah", *stores, "rm", container)
    print(f"ok: the image runs, by {by}, without root")


def main():
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        interop.missing(f"{', '.join(absent)} (tools/setup interop)")
    if os.geteuid() != 0:
        interop.missing("a clean system needs root")
    with tempfile.TemporaryDirectory(prefix="tmflow-package-") as scratch:
        os.chmod(scratch, 0o755)
        out = os.path.join(scratch, "first")
        copy = os.path.join(scratch, "somewhere", "else", "sources")
        shutil.copytree(interop.ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns("build", ".git"))
        found = package(interop.ROOT, out, {})
        deb, archive = (os.path.join(out, next(n for n in found if n.endswith(end))) for end in (".deb", ".tar.gz"))
        check_names(found)
        check_sums(out, found)
        check_lintian(deb)
        check_no_libraries(scratch, archive)
        check_image(scratch, archive)
        check_clean_debian(scratch, deb)
        check_same_bytes(scratch, copy, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
