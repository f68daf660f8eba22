"""Signatures over the whole matrix: back to whom they came from, byte for byte, and to nobody else, which is stated.

Named after what users of other gateways report: litellm #27946 (signatures lost), and a provider's 400 for a thought
that another one signed, after a fallback or a change of model.
"""

from __future__ import annotations

import json

import pytest

from tests.contract.conftest import PROTOCOLS, WIRES, Cell
from tests.contract.words import Ask
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE

ASK = Ask("all-fives", tools=True, think=True, max_tokens=4000)
STATED = {SIGNED_ELSEWHERE, "messages.thoughts"}
MARK = b"ZhSigned"


def proofs_of(said):
    return [*said.signatures, *[call.signature for call in said.calls if call.signature]]


def handed_back(cell, wire, first):
    """The answer, handed back with its results to the same model at another wire format."""
    model = f"{wire}/all-fives"
    return cell.post(model, cell.protocol.again(ASK.to(model), json.loads(first.body)))


def test_a_stream_holds_the_same_signatures_as_a_plain_reply(cell):
    plain, streamed = cell.said(ASK), cell.said(ASK, stream=True)
    assert proofs_of(streamed) == proofs_of(plain)


@pytest.mark.parametrize("other", WIRES)
def test_what_one_provider_signed_no_other_is_given_litellm_27946(cell, other):
    if other == cell.wire:
        return
    first = cell.send(ASK)
    said = cell.protocol.whole(first.body)
    native = Cell(cell.house, WIRES[cell.wire], cell.wire).said(ASK)
    second = handed_back(cell, other, first)
    assert second.status == 200, second.body
    told = cell.house.last()
    assert MARK not in told
    if (cell.protocol.NAME, cell.wire, other) == ("openai.chat", "gemini", "openai"):
        return  # one provider: a server nobody knows at that address may be a proxy to Google in this format too
    assert not [proof for proof in proofs_of(native) if proof.encode() in told]
    if proofs_of(said):
        assert STATED & set(second.dropped), second.dropped
    heard = Cell(cell.house, cell.protocol, other).heard()
    assert [call.name for call in heard.calls] == [call.name for call in said.calls], "the conversation goes on"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("pair", [("second-", ""), ("", "second-")])
def test_two_providers_of_one_wire_format_are_told_apart(cell, pair, stream):
    """What the one signed, the other is not given, though both speak one format; who signed it gets it byte for byte."""
    by, other = pair
    house, wire, protocol = cell.house, cell.wire, cell.protocol
    native = Cell(house, WIRES[wire], wire).said(ASK)
    model = f"{by}{wire}/all-fives"
    first = cell.post(model, protocol.body_of(ASK.to(model), stream), stream)
    assert first.status == 200, first.body
    said = protocol.streamed(first.body) if stream else protocol.whole(first.body)
    assert bool(proofs_of(said)) == bool(proofs_of(native))
    if stream:
        return assert_names_its_provider(said, first.body, native, by)
    for to in (model, f"{other}{wire}/all-fives"):
        again = cell.post(to, protocol.again(ASK.to(to), json.loads(first.body)))
        assert again.status == 200, again.body
        told = house.last()
        assert MARK not in told
        given = [proof for proof in proofs_of(native) if proof.encode() in told]
        assert given == (proofs_of(native) if to == model else []), to
        if to != model and proofs_of(native):
            assert STATED & set(again.dropped), again.dropped


def assert_names_its_provider(said, body, native, by):
    """In every event, also those that sum up: unmarked from the format's first provider alone, and to its own clients."""
    if by:
        assert all(proof.startswith("ZhSigned") for proof in proofs_of(said))
        assert not [proof for proof in proofs_of(native) if f'"{proof}"'.encode() in body]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_fallback_and_the_way_back_in_one_conversation(matrix, protocol):
    """Anthropic signs and answers, then fails: OpenAI answers in its place without that signature; then Anthropic is
    back and is handed its own, and not the thought that nobody signed."""
    cell = Cell(matrix, PROTOCOLS[protocol], "anthropic")
    model = f"chain-{protocol}"
    native = Cell(matrix, WIRES["anthropic"], "anthropic").said(ASK)
    first = cell.post(model, cell.protocol.body_of(ASK.to(model), False))
    assert first.status == 200, first.body
    assert first.headers["x-zhongshu-release"].startswith("chain-")

    body = cell.protocol.again(ASK.to(model), json.loads(first.body))
    second = cell.post(model, body)
    assert second.status == 200, second.body
    assert second.headers["x-zhongshu-release"].startswith("openai/")
    told = matrix.last()
    assert native.signatures[0].encode() not in told
    assert MARK not in told
    assert STATED & set(second.dropped)

    longer = cell.protocol.again(ASK.to(model), json.loads(second.body))
    key = next(name for name in ("messages", "contents", "input") if name in body)
    third = cell.post(model, body | {key: body[key] + longer[key][1:]})
    assert third.status == 200, third.body
    assert third.headers["x-zhongshu-release"].startswith("chain-")
    assert cell.heard().signatures == native.signatures
    assert MARK not in matrix.last()
