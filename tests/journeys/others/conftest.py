"""One running installation over the scripted upstream, with a model for every kind of work."""

import json

import pytest
from openai import OpenAI

from tests.running import KEY, over, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving

ABILITIES = '["rerank", "moderation", "speech", "transcription", "translation", "image"]'
NAMES = {
    "other": "mock",
    "other-400": "mock-400",
    "other-429": "mock-429",
    "other-cut": "mock-cut",
    "other-slow": "mock-slow",
}
MODELS = "".join(
    f'[[models]]\nname = "{name}"\nupstream = "scripted"\nupstream_model = "{there}"\nabilities = {ABILITIES}\n'
    for name, there in NAMES.items()
)
VECTORS = '[[models]]\nname = "vectors"\nupstream = "scripted"\nupstream_model = "mock"\nabilities = ["embedding"]\nrerank = "cosine"\n'
SMALL = "[server]\nbody_timeout_s = 3.0\n[files]\nmax_file_bytes = 3000000\ntenant_bytes = 5000000\ninline_bytes = 2000000\n[websocket]\nmax_turns = 3\nbuffer_bytes = 4096\n"


@pytest.fixture(scope="session")
def upstream():
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def place(upstream, tmp_path_factory):
    settings = over(upstream.port, {name: name for name in SHIPPED}, SMALL) + MODELS + VECTORS
    with platform(tmp_path_factory.mktemp("others"), settings) as running:
        yield running


@pytest.fixture
def client(place):
    return OpenAI(base_url=f"{place.url}/v1", api_key=KEY, max_retries=0)


@pytest.fixture(scope="session")
def stranger(place):
    """The key of another tenant."""
    place.cli("tenants", "create", "acme")
    return json.loads(place.cli("keys", "create", "stranger", "--tenant", "acme", "--json"))["secret"]


@pytest.fixture
def records(place):
    """The record of a turn, by its trace, once it is indexed."""

    def find(trace):
        def found():
            status, _, body = place.ask(f"/admin/v1/ledger/turns/{trace}?text=true")
            return body if status == 200 else None

        return until(found)

    return find


@pytest.fixture
def unasked(upstream):
    """The upstream, once nobody of an earlier test is being answered: who leaves from now on is ours."""
    until(lambda: upstream.app.stats.in_flight == 0, seconds=120)
    return upstream
