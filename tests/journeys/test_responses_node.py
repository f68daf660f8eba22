"""The official openai package and @openai/agents for Node, by the Responses protocol, over both wire formats."""

import pytest

from tests.journeys import node
from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    return node.installed("responses", tmp_path_factory.mktemp("responses"))


def run(client, script, house):
    return node.seen_by(script, client, BASE=f"{house.url}/v1", KEY=KEY, LOCAL=SMOL)


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
