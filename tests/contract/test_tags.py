"""Thoughts that stand between tags in an upstream's text, over every protocol: shown in its own place, counted and priced
apart, kept in the record - however the text was cut, and although the upstream counted them with the answer."""

from __future__ import annotations

import json

import pytest

from tests.contract.conftest import PROTOCOLS, House
from tests.contract.words import Ask
from tests.running import KEY, ONE_TRY, platform
from tests.waiting import until
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

CASES = {
    "plain": ("<think>\nThe user asks.\n</think>\n\nYes & 好.", "The user asks.\n", "Yes & 好."),
    "large": ("\n<THINK>Hm.</Think>Yes", "Hm.", "Yes"),
    "unclosed": ("<think>never ends", "never ends", ""),
    "nested": ("<think>a <think> b</think>c</think>d", "a <think> b", "c</think>d"),
    "fenced": ("```\n<think>x</think>\n```", "", "```\n<think>x</think>\n```"),
    "empty": ("<think>\n\n</think>\n\nHi", "", "Hi"),
}
PRICE = "price = { output = 1000.0, thinking = 4000.0 }"


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    models = {name: Behaviour(text=text, piece_characters=1) for name, (text, _, _) in CASES.items()}
    with serving(ScriptedApp(Script(models=models))) as upstream:
        settings = (
            f'profile = "none"\n{ONE_TRY}[[upstreams]]\nname = "tgi"\nbase_url = "http://127.0.0.1:{upstream.port}/v1"\n'
            'key = "none"\nthoughts = "tags"\n'
        ) + "".join(
            f'[[models]]\nname = "{name}"\nupstream = "tgi"\nupstream_model = "{name}"\nthinking = "always"\n{PRICE}\n'
            for name in CASES
        )
        with platform(tmp_path_factory.mktemp("tagged"), settings) as running:
            yield running, House(running.url, upstream.port)


def kept(running, trace):
    status, _, record = running.ask(f"/admin/v1/ledger/turns/{trace}?text=true")
    return record if status == 200 else None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_shows_them_apart(tagged, protocol, stream):
    running, house = tagged
    spoken = PROTOCOLS[protocol]
    for name, (_, thought, text) in CASES.items():
        ask = Ask(name, think=True, max_tokens=4000)
        reply = house.post(
            spoken.path_of(name, stream), spoken.headers_of(KEY), json.dumps(spoken.body_of(ask, stream)).encode()
        )
        said = (spoken.streamed if stream else spoken.whole)(reply.body)
        assert (said.thought, said.text) == (thought, text), name
        assert (said.used.thinking > 0) == bool(thought), name
        trace = reply.headers["x-zhongshu-trace"]
        record = until(lambda trace=trace: kept(running, trace))
        assert thought in json.dumps(record, ensure_ascii=False).replace("\\n", "\n"), name
        used = record["usage"]
        assert used["thinking"] == said.used.thinking
        assert float(record["cost"]["amount"]) == (used["completion"] + 3 * used["thinking"]) / 1000
