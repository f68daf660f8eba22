"""Several providers of one wire format: who is whose, and signatures respelt in what passes as it came."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.upstreams.conftest import make_call
from zhongshu.core.answers import Answer, Choice, Event, ThoughtDelta
from zhongshu.core.signatures import arriving
from zhongshu.core.turns import Message, Thought, Wire
from zhongshu.upstreams.marking import MarkedUpstream, marked
from zhongshu.upstreams.registry import provider_of, speakers
from zhongshu.upstreams.settings import UpstreamSettings

CLAUDE = UpstreamSettings(name="anthropic")
PROXY = UpstreamSettings(name="proxy", kind="anthropic", base_url="https://claude.example/v1")
KIMI = UpstreamSettings(name="kimi", wire="anthropic", base_url="https://kimi.example/anthropic", key="none")
KIMI_TOO = UpstreamSettings(name="kimi-2", wire="anthropic", base_url="https://kimi.example/v2", key="none")
OTHER = UpstreamSettings(name="deepseek", wire="anthropic", base_url="https://api.deepseek.com/anthropic")
VLLM = UpstreamSettings(name="vllm")


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ((CLAUDE,), set()),
        ((KIMI,), set()),
        ((CLAUDE, PROXY, VLLM), set()),
        ((KIMI, KIMI_TOO), set()),
        ((KIMI, CLAUDE), {"kimi"}),
        ((CLAUDE, KIMI, KIMI_TOO, OTHER), {"kimi", "kimi-2", "deepseek"}),
        ((KIMI, OTHER), {"deepseek"}),
        ((UpstreamSettings(name="deepseek"), VLLM, UpstreamSettings(name="openrouter")), {"vllm"}),
    ],
)
def test_who_bears_a_name_of_its_own(rows, named):
    made = marked({row.name: _Says() for row in rows}, speakers(rows))
    assert {name for name, upstream in made.items() if isinstance(upstream, MarkedUpstream)} == named


GOOGLE = UpstreamSettings(name="gemini")
GOOGLE_CHAT = UpstreamSettings(name="gemini-openai")
GOOGLE_PROXY = UpstreamSettings(name="proxy", kind="gemini-openai", base_url="https://google.example/v1")
NATIVE = UpstreamSettings(name="native", wire="gemini", base_url="https://gemini.example/v1beta", key="none")
UNKNOWN = UpstreamSettings(name="x", base_url="https://x.example/v1", key="none")
UNKNOWN_TOO = UpstreamSettings(name="y", base_url="https://y.example/v1", key="none")


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ((GOOGLE, GOOGLE_CHAT, GOOGLE_PROXY), {}),
        ((UNKNOWN, GOOGLE_CHAT), {"x": {"gemini"}}),
        ((UNKNOWN, NATIVE), {"x": {"gemini"}}),
        ((NATIVE, GOOGLE_CHAT, UNKNOWN), {"native": {"gemini"}, "x": {"gemini"}}),
        ((UNKNOWN, UNKNOWN_TOO), {"y": {"gemini", "openai"}}),
        ((UNKNOWN, UpstreamSettings(name="openrouter"), GOOGLE), {"x": {"gemini", "openai"}}),
        ((UpstreamSettings(name="openai"), UpstreamSettings(name="deepseek"), GOOGLE_CHAT), {}),
    ],
)
def test_who_signs_calls_in_googles_way_is_told_apart_whatever_format_it_speaks(rows, named):
    made = marked({row.name: _Says() for row in rows}, speakers(rows))
    tagged = {name: set(upstream._tagged) for name, upstream in made.items() if isinstance(upstream, MarkedUpstream)}
    assert tagged == named


def test_an_organisation_is_another_reader_of_what_openai_encrypts():
    first = UpstreamSettings(name="openai-responses")
    second = UpstreamSettings(name="other", kind="openai-responses", organisation="org-2")
    assert provider_of(first) != provider_of(second)


class _Says:
    """An upstream that answers with these, and keeps what it was asked."""

    name = "says"

    def __init__(self, answer=None, events=()):
        self.answer = answer
        self.events = events
        self.asked = []

    async def complete(self, call):
        self.asked.append(call.turn)
        return self.answer

    async def stream(self, call):
        self.asked.append(call.turn)
        return self

    async def batches(self):
        for event in self.events:
            yield (event,)

    async def aclose(self):
        pass


WIRE = b'{"choices":[{"message":{"reasoning_details":[{"text":"T","signature":"%b"}],"odd":1.50}}]}'


def answered(proof="sig+/=="):
    thought = Thought("T", "openai:sig+/==")
    return Answer((Choice(0, "x", "T", thoughts=(thought,)),), None, wire=WIRE % proof.encode(), dialect="openai.chat")


async def test_an_answer_passes_as_it_came_but_for_the_mark():
    upstream = MarkedUpstream(_Says(answered()), {"openai": "t"})
    answer = await upstream.complete(make_call())
    assert answer.choices[0].thoughts == (Thought("T", "openai@t:sig+/=="),)
    mark = json.loads(answer.wire)["choices"][0]["message"]["reasoning_details"][0]["signature"]
    assert answer.wire == WIRE % mark.encode()
    assert arriving(mark, "openai") == "openai@t:sig+/=="


async def test_a_proof_that_is_spelt_in_another_way_is_not_sent_on_unmarked():
    """JSON may escape: what cannot be found is written anew from our words."""
    upstream = MarkedUpstream(_Says(answered("sig+\\/\\u003d=")), {"openai": "t"})
    answer = await upstream.complete(make_call())
    assert answer.wire is None
    assert answer.choices[0].thoughts[0].signature == "openai@t:sig+/=="


async def test_in_a_stream_also_where_it_comes_again():
    events = (
        Event((ThoughtDelta(0, "T"),), b'{"delta":"T"}', "openai.responses"),
        Event((ThoughtDelta(0, "", "responses:sig"),), b'{"encrypted_content":"sig"}', "openai.responses"),
        Event((), b'{"response":{"output":[{"encrypted_content":"sig"}]}}', "openai.responses"),
    )
    upstream = MarkedUpstream(_Says(events=events), {"responses": "t"})
    live = await upstream.stream(make_call())
    came = [event async for batch in live.batches() for event in batch]
    assert came[0] == events[0]
    assert came[1].deltas == (ThoughtDelta(0, "", "responses@t:sig"),)
    assert not [event for event in came if b'"sig"' in event.wire]


ASKED = b'[{"role":"assistant","content":"x","reasoning_details":[{"text":"A","signature":"%b"}],"odd":1.50}]'


def asked_with(signature, spelt, *, dialect="openai.chat"):
    call = make_call(messages=(Message("assistant", "x", thoughts=(Thought("A", signature),)),))
    fields = {"messages": msgspec.Raw(ASKED % spelt), "top_k": msgspec.Raw(b"5")}
    call.turn = msgspec.structs.replace(call.turn, wire=Wire(dialect, fields, frozenset(["messages"])))
    return call


MINE = "ZhSignedMoreb3BlbmFpQHQ6c2ln"  # openai@t:sig


@pytest.mark.parametrize(
    ("signature", "spelt", "given", "left"),
    [
        ("openai@t:sig", MINE, "openai:sig", b"sig"),
        ("openai:sig", "sig", ":sig", b"ZhSigned"),
        ("openai@u:sig", "ZhSignedMoreXXXX", "openai@u:sig", b"ZhSignedMoreXXXX"),
        ("gemini:sig", "ZhSignedGemic2ln", "gemini:sig", b"ZhSignedGemic2ln"),
    ],
)
async def test_what_is_handed_back_to_it(signature, spelt, given, left):
    says = _Says(answered())
    await MarkedUpstream(says, {"openai": "t"}).complete(asked_with(signature, spelt.encode()))
    turn = says.asked[0]
    assert turn.messages[-1].thoughts == (Thought("A", given),)
    assert bytes(turn.wire.fields["messages"]) == ASKED % left


async def test_a_request_whose_proof_is_not_found_is_written_from_our_words():
    says = _Says(answered())
    await MarkedUpstream(says, {"openai": "t"}).complete(asked_with("openai:a/b", b"a\\/b"))
    assert says.asked[0].wire.dialect == "openai.chat rest"
    assert set(says.asked[0].wire.fields) == {"top_k"}


async def test_a_turn_without_proofs_is_the_same_object():
    says, call = _Says(answered()), make_call()
    turn = call.turn
    await MarkedUpstream(says, {"openai": "t"}).complete(call)
    assert says.asked[0] is turn
