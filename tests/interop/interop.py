"""What the parts of tools/interop share: pinned packages, installed once below build/interop.

A part that cannot have its packages says so and ends: skipped on a machine of one's own, failed where CI is set.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DIR = os.path.join(ROOT, "build", "interop")
SKIPPED = 77
INSTALL_SECONDS = 900


def missing(what):
    """Ends the part: it cannot be run here."""
    print(f"cannot be tried here: {what}", flush=True)
    sys.exit(1 if os.environ.get("CI") else SKIPPED)


def _install(words, directory, pins):
    """Runs words unless these very pins are installed already."""
    digest = hashlib.sha256(b"".join(pathlib.Path(pin).read_bytes() for pin in pins)).hexdigest()
    stamp = pathlib.Path(directory, ".installed")
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    try:
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        missing(f"{' '.join(words)}: {error}")
    if done.returncode != 0:
        missing(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-600:]}")
    stamp.write_text(digest, encoding="ascii")


def node_packages():
    """The packages of package-lock.json. Returns the directory whose node_modules has them."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        missing("node and npm are not installed (apt-get install npm)")
    directory = os.path.join(DIR, "node")
    os.makedirs(directory, exist_ok=True)
    pins = [os.path.join(HERE, name) for name in ("package.json", "package-lock.json")]
    for pin in pins:
        shutil.copy(pin, directory)
    _install(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory, pins)
    return directory


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


def node(script, *args, stdin=None, env=None):
    """Runs a script of this folder with the packages at hand. Returns what it wrote."""
    directory = node_packages()
    shutil.copy(os.path.join(HERE, script), directory)
    done = subprocess.run(["node", os.path.join(directory, script), *args], input=stdin, capture_output=True, text=True, timeout=600,
                          env=env)
    if done.returncode != 0:
        raise AssertionError(f"node {script}: {done.stderr[-2000:]}")
    return done.stdout
