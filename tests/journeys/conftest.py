"""One running installation for all journeys: SmolLM2 and e5 in the embedded engine, and the scripted upstream."""

import pytest

from tests.running import E5, SMOL, model_here, over, platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

# SmolLM2 may repeat itself to the end of its window when nobody bounds it, which takes minutes on a busy machine: these
# answers are short, and the same in every run.
EMBEDDED = f"""
[[models]]
name = "{SMOL}"
upstream = "embedded"
tier = "general"
abilities = ["chat", "completion", "tools", "json", "schema", "logprobs"]
context = 8192
parameters = 134515008
licence = "Apache-2.0"
sampling.max_tokens = 200
sampling.seed = 7

[[models]]
name = "{E5}"
upstream = "embedded"
abilities = ["embedding"]
rerank = "cosine"
family = "embedding"
dimensions = 384
context = 512
"""
# Behaviours reached in Anthropic's own format too: claude-tools is mock-tools asked so.
CLAUDE = {name: name.replace("mock", "claude") for name in SHIPPED}


def claude(port: int) -> str:
    """An upstream of Anthropic's format, the scripted one at `port`, and models behind it."""
    rows = [(here, "claude", there) for there, here in CLAUDE.items()]
    rows += [
        ("claude-opus-thought", "claude", "mock-thought"),
        ("mock-claude-opus-thought", "scripted", "mock-thought"),
    ]
    return (
        f'[[upstreams]]\nname = "claude"\nkind = "openai-compatible"\nwire = "anthropic"\n'
        f'base_url = "http://127.0.0.1:{port}"\nkey = "none"\n'
    ) + "".join(
        f'[[models]]\nname = "{name}"\nupstream = "{upstream}"\nupstream_model = "{there}"\nthinking = "switch"\n'
        'abilities = ["chat", "tools", "json", "schema", "vision", "thinking"]\n'
        for name, upstream, there in rows
    )


def responses(port: int) -> str:
    """An upstream of the Responses format, and every behaviour behind it as "r-..."; "gpt-5-..." think, by name too."""
    rows = [(f"r-{name}", "responses", name) for name in SHIPPED]
    rows += [("r-gpt-5-mock", "responses", "mock-thought"), ("gpt-5-mock", "scripted", "mock-thought")]
    rows += [("agent", "scripted", "agent"), ("r-agent", "responses", "r-agent")]
    return (
        f'[[upstreams]]\nname = "responses"\nkind = "openai-compatible"\nwire = "responses"\n'
        f'base_url = "http://127.0.0.1:{port}/v1"\nkey = "none"\n'
    ) + "".join(
        f'[[models]]\nname = "{name}"\nupstream = "{upstream}"\nupstream_model = "{there}"\nthinking = "switch"\n'
        'abilities = ["chat", "tools", "json", "schema", "vision", "thinking"]\n'
        for name, upstream, there in rows
    )


@pytest.fixture(scope="session")
def scripted():
    agent = Behaviour(sequence=("mock-tool", "mock"))
    with serving(ScriptedApp(Script(models={"agent": agent, "r-agent": agent}))) as served:
        yield served


@pytest.fixture(scope="session")
def house(scripted, tmp_path_factory):
    for name in (SMOL, E5):
        model_here(name)
    settings = over(scripted.port, {name: name for name in SHIPPED}, profile="tiny") + EMBEDDED
    settings += claude(scripted.port) + responses(scripted.port)
    with platform(tmp_path_factory.mktemp("house"), settings) as running:
        yield running
