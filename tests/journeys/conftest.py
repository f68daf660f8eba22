"""One running installation for all journeys: SmolLM2 and e5 in the embedded engine, and the scripted upstream."""

import pytest

from tests.running import E5, SMOL, model_here, over, platform
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving

EMBEDDED = f"""
[[models]]
name = "{E5}"
upstream = "embedded"
abilities = ["embedding"]
family = "embedding"
dimensions = 384
context = 512
"""


@pytest.fixture(scope="session")
def scripted():
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def house(scripted, tmp_path_factory):
    for name in (SMOL, E5):
        model_here(name)
    settings = over(scripted.port, {name: name for name in SHIPPED}, profile="tiny") + EMBEDDED
    with platform(tmp_path_factory.mktemp("house"), settings) as running:
        yield running
