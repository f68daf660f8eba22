"""Install a lock file with pip, showing one progress bar instead of a few hundred lines.

    .venv/bin/python requirements/install.py requirements/run.txt

Standard library only: it runs before anything is installed. pip's own settings (PIP_* and pip.conf) count as usual; every
file is checked against the lock's hashes, and only ready-made wheels are taken, so nothing is built.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from pathlib import Path

_PIP = (sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-input", "-r")
_PINNED = re.compile(r"^[A-Za-z0-9]\S*==", re.MULTILINE)
_SEEN = re.compile(r"^\s*(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)")
_LOADING = re.compile(r"^\s*Downloading \S*?([A-Za-z0-9._]+)-\S+ \(([\d.]+ [kMG]B)")
_WIDTH = 28


def main(lock: Path) -> int:
    """Run pip; its exit code."""
    total = len(_PINNED.findall(lock.read_text()))
    done, tail = 0, deque[str](maxlen=30)
    with subprocess.Popen([*_PIP, str(lock)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            tail.append(line)
            if line.startswith("Ignoring "):
                total -= 1
            elif seen := _SEEN.match(line):
                done += 1
                _bar(done, total, seen[1].partition("==")[0])
            elif loading := _LOADING.match(line):
                _bar(done, total, f"{loading[1]} ({loading[2]})")
            elif line.startswith("Installing collected"):
                _bar(total, total, "unpacking")
    if pip.returncode:
        sys.stderr.write("\n" + "".join(tail) + f"\npip could not install {lock}; its last lines are above.\n")
        sys.stderr.write("Check the network and pip's index (PIP_INDEX_URL, pip.conf), then run make again.\n")
    else:
        _bar(total, total, "installed")
        sys.stdout.write("\n" if sys.stdout.isatty() else "")
    return pip.returncode


def _bar(done: int, total: int, what: str) -> None:
    full = _WIDTH * min(done, total) // max(total, 1)
    line = f"packages [{'#' * full}{'.' * (_WIDTH - full)}] {min(done, total)}/{total} {what}"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{line:<78.78}")
        sys.stdout.flush()
    elif what in ("unpacking", "installed"):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
