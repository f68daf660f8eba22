"""The official @anthropic-ai/sdk for Node."""

import pytest

from tests.journeys import node
from tests.running import KEY, SMOL

pytestmark = pytest.mark.engine


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    return node.installed("anthropic", tmp_path_factory.mktemp("anthropic"))


def test_the_node_sdk(house, client):
    calls = [["get_weather", {"city": "北京", "unit": "celsius"}], ["get_time", {"zone": "Asia/Shanghai"}]]
    tools = {"text": "Let me look.", "inputs": calls, "stop": "tool_use", "output": True}
    assert node.seen_by("anthropic.mjs", client, BASE=house.url, KEY=KEY, LOCAL=SMOL) == {
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
