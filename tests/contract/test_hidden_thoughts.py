"""Thoughts hidden by policy, over the whole matrix: nobody is shown one, plain or streamed, and all are counted."""

from __future__ import annotations

import pytest

from tests.contract.conftest import PROTOCOLS, Cell, House, settings_of
from tests.contract.words import Ask
from tests.running import platform
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Script
from zhongshu.upstreams.scripted.serve import serving

HELLO, THOUGHT = SHIPPED["mock-thought"].text, SHIPPED["mock-thought"].thought


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    hidden = '\n[access]\nthoughts_hidden_from = ["*"]\n'
    with (
        serving(ScriptedApp(Script())) as upstream,
        platform(tmp_path_factory.mktemp("silent"), settings_of(upstream.port, ["mock-thought"]) + hidden) as running,
    ):
        yield House(running.url, upstream.port)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_thought_is_shown_and_all_are_counted(silent, protocol, wire, stream):
    cell = Cell(silent, PROTOCOLS[protocol], wire)
    ask = Ask("mock-thought", think=True, max_tokens=4000)
    reply = cell.send(ask, stream)
    said = (cell.protocol.streamed if stream else cell.protocol.whole)(reply.body)
    assert (said.text, said.thought, said.signatures) == (HELLO, "", ())
    assert said.used.thinking > 0
    for piece in (THOUGHT[:20], THOUGHT[-8:]):
        assert piece.encode() not in reply.body
