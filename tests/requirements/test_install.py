"""What `make` does before anything is installed: finding a Python, and installing a lock with one bar."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "requirements"
TOO_OLD = '#!/bin/sh\ncase "$2" in *version_info*) exit 1;; esac\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *"import venv"*) exit 1;; *print*) echo 3.11;; esac\n'


def make_venv(tmp_path: Path, pythons: dict[str, str], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run venv.sh where only these programs are on the PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    for name, script in pythons.items():
        (path / name).write_text(script)
        (path / name).chmod(0o755)
    command = ["/bin/bash", str(ROOT / "venv.sh"), str(tmp_path / "made")]
    return subprocess.run(command, env={"PATH": str(path), **environ}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("pythons", "environ", "says"),
    [
        ({}, {}, "Python 3.11 or newer and found none"),
        ({"python3": TOO_OLD}, {}, "apt install python3.11"),
        (
            {"python3": WITHOUT_VENV},
            {},
            "python3 has no venv module. Install it (Debian, Ubuntu: apt install python3.11-venv)",
        ),
        ({}, {"PYTHON": "/no/python"}, "/no/python"),
    ],
)
def test_a_machine_without_a_fit_python(tmp_path, pythons, environ, says):
    done = make_venv(tmp_path, pythons, **environ)
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["python3", "python3.12"])
def test_the_first_fit_python_is_taken(tmp_path, name):
    pythons = {name: '#!/bin/sh\ncase "$1" in -m) echo "$0 $*";; esac\n'}
    done = make_venv(tmp_path, pythons | ({"python3": TOO_OLD} if name != "python3" else {}))
    assert done.returncode == 0
    assert done.stdout.split()[0].endswith(f"/{name}")


def wheel(folder: Path) -> str:
    """A wheel of the test's own; its SHA-256."""
    folder.mkdir()
    file = folder / "tiny_thing-1.0-py3-none-any.whl"
    info = "tiny_thing-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("tiny_thing.py", "")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        packed.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_installing_a_lock(tmp_path):
    """The right hash installs and the bar ends full; a wrong one is refused, with pip's own words and a remedy."""
    sha256 = wheel(tmp_path / "wheels")
    lock = tmp_path / "lock.txt"
    target = tmp_path / "target"
    ours = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_TARGET": str(target)}

    def install(digest: str) -> subprocess.CompletedProcess[str]:
        lock.write_text(f"tiny-thing==1.0 \\\n    --hash=sha256:{digest}\n")
        command = [sys.executable, str(ROOT / "install.py"), str(lock)]
        return subprocess.run(command, env=os.environ | ours, capture_output=True, text=True, timeout=120, check=False)

    refused = install("0" * 64)
    assert refused.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in refused.stderr
    assert "run make again" in refused.stderr
    done = install(sha256)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("] 1/1 installed")
    assert (target / "tiny_thing.py").exists()


def test_the_script_needs_nothing_installed():
    code = f"import sys; sys.argv = ['x', '/no/such/lock']; exec(open({str(ROOT / 'install.py')!r}).read())"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert "No such file or directory: '/no/such/lock'" in done.stderr
