"""Proofs of calls in OpenAI's format (extra_content, Google's way): back to the provider that made them, byte for byte, and
to nobody else, which is stated - whichever protocol the client speaks. As test_signatures.py, for what only some servers of
that format do.
"""

from __future__ import annotations

import json

import pytest

from tests.contract.conftest import PROTOCOLS, Cell, House
from tests.contract.words import Ask
from tests.running import ONE_TRY, platform
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script
from zhongshu.upstreams.scripted.serve import serving

ASK = Ask("signs", tools=True, max_tokens=4000)
SIGNS = Behaviour(text="", tool_calls=SHIPPED["mock-tools"].tool_calls, sign_calls=True)
# name -> how its row says who it is; {port} is the scripted upstream's
UPSTREAMS = {
    "unknown": 'base_url = "http://127.0.0.1:{port}/v1"',
    "other": 'base_url = "http://localhost:{port}/v1"',
    "google": 'kind = "gemini-openai"\nbase_url = "http://127.0.0.1:{port}/v1"',
    "native": 'kind = "gemini"\nbase_url = "http://127.0.0.1:{port}/v1beta"',
    "silent": 'kind = "deepseek"\nbase_url = "http://127.0.0.1:{port}/v1"',
}
MARK = b"ZhSigned"


def settings(port: int) -> str:
    rows = [
        f'[[upstreams]]\nname = "{name}"\nkey = "none"\n{said.format(port=port)}\n'
        f'[[models]]\nname = "{name}/signs"\nupstream = "{name}"\nupstream_model = "signs"\nabilities = ["chat", "tools"]\n'
        for name, said in UPSTREAMS.items()
    ]
    return "\n".join([f'profile = "none"\n{ONE_TRY}', *rows])


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with (
        serving(ScriptedApp(Script(models={"signs": SIGNS}))) as upstream,
        platform(tmp_path_factory.mktemp("proofs"), settings(upstream.port)) as running,
    ):
        yield House(running.url, upstream.port)


def proof_of(house, maker):
    """What this upstream signs its call with, as it says itself to a client of its own format."""
    cell = Cell(house, PROTOCOLS["gemini.generate" if maker == "native" else "openai.chat"], maker)
    made = cell.said(ASK).calls[0].signature
    assert made
    return made


def native(house):
    """The bytes that the scripted upstream signs with in each of its formats."""
    return {name: proof_of(house, "native" if name == "native" else "google") for name in UPSTREAMS}


def answered(house, protocol, by, stream):
    cell = Cell(house, PROTOCOLS[protocol], by)
    model = f"{by}/signs"
    reply = cell.post(model, cell.protocol.body_of(ASK.to(model), stream), stream)
    assert reply.status == 200, reply.body
    return cell, reply


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("by", ["unknown", "other", "google", "native"])
def test_a_proof_goes_back_to_who_made_it_and_to_nobody_else(house, protocol, by):
    bytes_of = native(house)
    cell, first = answered(house, protocol, by, stream=False)
    for to in UPSTREAMS:
        model = f"{to}/signs"
        again = cell.post(model, cell.protocol.again(ASK.to(model), json.loads(first.body)))
        assert again.status == 200, (to, again.body)
        told = house.last()
        assert MARK not in told, to
        # One service in two formats; a server that nobody knows is given nothing that is to be written in our words.
        same = {by, to} <= {"google", "native"} or by == to
        written = to in ("google", "native") or protocol == "openai.chat"
        given = bytes_of[by].encode() in told
        assert given == (same and written), (by, to)
        assert (SIGNED_ELSEWHERE in again.dropped) == (not given), (by, to, again.dropped)


@pytest.mark.parametrize("by", ["unknown", "other"])
def test_a_stream_of_another_than_google_bears_marks_only(house, by):
    plain = native(house)[by].encode()
    for protocol in PROTOCOLS:
        _, reply = answered(house, protocol, by, stream=True)
        assert plain not in reply.body, protocol


def test_a_stream_of_google_passes_as_it_came(house):
    _, reply = answered(house, "openai.chat", "google", stream=True)
    assert native(house)["google"].encode() in reply.body
    assert MARK not in reply.body
