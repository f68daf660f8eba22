"""Every protocol in front of every wire format: what the client asks is what the upstream is told."""

import json

import pytest

from tests.contract.conftest import PROTOCOLS, WIRES, Cell
from tests.contract.words import CITY, IDS, PICTURE, RESULTS, TOOLS, ZONE, Ask, Call
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE

TEXT = Ask("mock").text
BOTH = (Call("get_weather", CITY), Call("get_time", ZONE))


def told(cell, ask, stream=False):
    """What the upstream was told, and what the client was told to have been left out."""
    reply = cell.send(ask, stream)
    assert reply.status == 200, reply.body
    return cell.heard(), reply.dropped


def test_system_and_text(cell):
    heard, dropped = told(cell, Ask("mock", system="Answer briefly. 请简答。"))
    assert (heard.system, heard.texts, dropped) == ("Answer briefly. 请简答。", (TEXT,), [])


@pytest.mark.parametrize("stream", [False, True])
def test_a_picture(cell, stream):
    heard, dropped = told(cell, Ask("mock", picture=True), stream)
    assert (heard.texts, heard.pictures, dropped) == ((TEXT,), (PICTURE,), [])


@pytest.mark.parametrize("choice", ["", "required", "none", "get_time"])
def test_tools_and_their_choice(cell, choice):
    heard, dropped = told(cell, Ask("mock", tools=True, choice=choice))
    if cell.protocol.NAME == "gemini.generate" and choice == "get_time" and cell.wire != "gemini":
        assert heard.tools == ("get_time",), "of all tools only the named ones may be called there"
    elif cell.wire == "anthropic" and choice == "none" and cell.protocol.NAME != "anthropic.messages":
        assert not heard.tools, "tools that must not be called are not offered"
        return
    else:
        assert heard.tools == tuple(TOOLS)
    assert (heard.choice, dropped) == (choice, [])


@pytest.mark.parametrize("stream", [False, True])
def test_calls_and_what_they_gave(cell, stream):
    heard, dropped = told(cell, Ask("mock", tools=True, results=True), stream)
    assert [Call(call.name, call.arguments) for call in heard.calls] == list(BOTH)
    assert heard.results == tuple((IDS[name], said) for name, said in RESULTS.items())
    assert dropped == []


def test_how_the_answer_is_drawn(cell):
    heard, dropped = told(cell, Ask("mock", max_tokens=100, temperature=0.5))
    assert (heard.max_tokens, heard.temperature, dropped) == (100, 0.5, [])


def test_stop_texts_are_told_or_refused(cell):
    if cell.protocol.NAME == "responses":
        return  # has no word for them
    ask = Ask("mock", stop=("END", "终"))
    if cell.wire == "responses":
        reply = cell.send(ask)
        assert (reply.status, cell.protocol.error_of(reply.body)) == (400, "model_cannot")
        return
    heard, dropped = told(cell, ask)
    assert (heard.stop, dropped) == (("END", "终"), [])


# wire -> whether it signs thoughts, and calls
SIGNS = {"openai": (False, False), "responses": (True, False), "anthropic": (True, False), "gemini": (False, True)}
# protocol -> whether a client sees, and hands back, signatures of thoughts, and of calls
CARRIES = {
    "openai.chat": (True, True),
    "responses": (True, True),
    "anthropic.messages": (True, True),
    "gemini.generate": (True, True),
}


def test_an_answer_handed_back_reaches_the_upstream_with_its_signatures(cell):
    ask = Ask("all-fives", tools=True, think=True, max_tokens=4000)
    first = cell.send(ask)
    said = cell.protocol.whole(first.body)
    thoughts, calls = (
        signs and carries for signs, carries in zip(SIGNS[cell.wire], CARRIES[cell.protocol.NAME], strict=True)
    )
    assert (bool(said.signatures), any(call.signature for call in said.calls)) == (thoughts, calls)
    model = f"{cell.wire}/all-fives"
    second = cell.post(model, cell.protocol.again(ask.to(model), json.loads(first.body)))
    assert second.status == 200, second.body
    heard = cell.heard()
    assert heard.results == tuple((IDS[name], given) for name, given in RESULTS.items())
    native = Cell(cell.house, WIRES[cell.wire], cell.wire).said(ask)
    assert (heard.calls, heard.signatures) == (native.calls, native.signatures), "as the provider gave them"
    assert SIGNED_ELSEWHERE not in second.dropped


def test_every_pair_was_tried():
    assert set(CARRIES) == set(PROTOCOLS)
