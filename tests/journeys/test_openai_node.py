"""The official openai package for Node."""

import pytest

from tests.journeys import node
from tests.running import E5, KEY, SMOL

pytestmark = pytest.mark.engine


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    return node.installed("openai", tmp_path_factory.mktemp("openai"))


def test_the_node_sdk(house, client):
    seen = node.seen_by("openai.mjs", client, BASE=f"{house.url}/v1", KEY=KEY, LOCAL=SMOL, EMBEDDING=E5)
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
