"""The Gemini upstream over real sockets, against the scripted one that speaks its format."""

import json

import pytest

from tests.waiting import eventually
from zhongshu.core.answers import Fold
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Message, Sampling, Turn
from zhongshu.upstreams.gemini.upstream import GeminiUpstream
from zhongshu.upstreams.registry import open_upstream
from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.script import SHIPPED, Script
from zhongshu.upstreams.scripted.serve import serving
from zhongshu.upstreams.settings import UpstreamSettings
from zhongshu.upstreams.transport import HttpTransport, Limits

HASTY = Limits(connect_s=60, first_byte_s=0.5, idle_s=0.5)  # for what hangs; nothing else is to be over by itself


@pytest.fixture(scope="module")
def served():
    with serving() as made:
        yield made


@pytest.fixture
async def upstream(served):
    base = f"http://127.0.0.1:{served.port}/v1beta"
    made = GeminiUpstream("google", HttpTransport("google", base))
    yield made
    await made.aclose()


@pytest.fixture
async def asked(served, upstream):
    """The one to ask for a model."""
    hasty = GeminiUpstream("google", HttpTransport("google", f"http://127.0.0.1:{served.port}/v1beta", limits=HASTY))
    yield lambda model: hasty if "hang" in model else upstream
    await hasty.aclose()


def call_of(model, **fields):
    turn = Turn("0" * 32, 0, "chat", "openai.chat", "m", messages=(Message("user", "hi"),), **fields)
    offer = Offer(
        Release(model="m", version="1", upstream="u", upstream_model=model), ModelCard(name="m", thinking="switch")
    )
    return Call(turn, offer)


async def streamed(upstream, call):
    fold = Fold()
    stream = await upstream.stream(call)
    async for batch in stream.batches():
        for event in batch:
            fold.add(event)
    return fold.answer()


@pytest.mark.parametrize(
    "model",
    ["mock", "mock-packed", "mock-crlf", "mock-cr", "mock-thought", "mock-tool", "mock-tools", "mock-tool-no-id",
     "mock-refusal", "mock-filtered", "mock-extra", "mock-usage-missing", "mock-usage-doubled", "mock-usage-each"],
)  # fmt: skip
async def test_a_stream_amounts_to_the_plain_answer(upstream, model):
    plain = await upstream.complete(call_of(model))
    piecewise = await streamed(upstream, call_of(model))
    assert piecewise.choices == plain.choices
    assert piecewise.usage == plain.usage


async def test_texts_thoughts_and_calls_are_what_was_sent(upstream):
    thought = (await upstream.complete(call_of("mock-thought"))).choices[0]
    assert (thought.thought, thought.text) == (SHIPPED["mock-thought"].thought, SHIPPED["mock"].text)
    choice = (await upstream.complete(call_of("mock-tools"))).choices[0]
    assert [(c.id, c.name, json.loads(c.arguments)) for c in choice.tool_calls] == [
        (c.id, c.name, json.loads(c.arguments)) for c in SHIPPED["mock-tools"].tool_calls
    ]
    assert [bool(c.signature) for c in choice.tool_calls] == [True, False]
    assert choice.stop == "tool_calls"


async def test_thinking_tokens_are_told_apart(upstream):
    usage = (await upstream.complete(call_of("mock-thought"))).usage
    assert (usage.thinking, usage.completion > usage.thinking, usage.cached) == (6, True, usage.prompt // 2)


async def test_several_candidates(upstream):
    answer = await streamed(upstream, call_of("mock", sampling=Sampling(n=3)))
    assert [choice.text for choice in answer.choices] == [SHIPPED["mock"].text] * 3


PLAIN_FAULTS = [
    ("mock-400", "upstream_refused"),
    ("mock-401", "upstream_auth"),
    ("mock-402", "upstream_unpaid"),
    ("mock-404", "upstream_refused"),
    ("mock-429", "upstream_rate_limited"),
    ("mock-500", "upstream_error"),
    ("mock-529", "upstream_error"),
    ("mock-html", "upstream_error"),
    ("mock-html-200", "upstream_malformed"),
    ("mock-hang", "upstream_timeout"),
    ("mock-close", "upstream_cut"),
    ("mock-reset", "upstream_cut"),
]


@pytest.mark.parametrize(("model", "code"), [*PLAIN_FAULTS, ("mock-bad-json", "upstream_malformed")])
async def test_every_failure_of_a_plain_reply(asked, model, code):
    with pytest.raises(Fault) as caught:
        await asked(model).complete(call_of(model))
    assert caught.value.problem.code in (code, "upstream_unreachable" if code == "upstream_cut" else code)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        *[row for row in PLAIN_FAULTS if row[0] != "mock-html-200"],
        ("mock-html-200", "upstream_cut"),
        ("mock-hang-mid", "upstream_timeout"),
        ("mock-cut", "upstream_cut"),
        ("mock-reset-mid", "upstream_cut"),
        ("mock-error-mid", "upstream_error"),
        ("mock-bad-json", "upstream_malformed"),
        ("mock-bad-utf8", "upstream_malformed"),
        ("mock-no-finish", "upstream_cut"),
    ],
)
async def test_every_failure_of_a_stream(asked, model, code):
    with pytest.raises(Fault) as caught:
        await streamed(asked(model), call_of(model))
    assert caught.value.problem.code in (code, "upstream_unreachable" if code == "upstream_cut" else code)


async def test_what_came_before_a_break_is_given_first(upstream):
    fold = Fold()
    with pytest.raises(Fault):
        stream = await upstream.stream(call_of("mock-cut"))
        async for batch in stream.batches():
            for event in batch:
                fold.add(event)
    assert fold.answer().choices[0].text == "Hello from the "


async def test_vectors_models_and_check(upstream):
    turn = Turn("0" * 32, 0, "embedding", "gemini.embedding", "m", prompts=("a", "b"), dimensions=4)
    made = await upstream.embed(Call(turn, call_of("mock").offer))
    assert [len(vector) for vector in made.vectors] == [4, 4]
    assert await upstream.count_tokens(call_of("mock")) > 10
    assert "mock-tools" in await upstream.models()
    await upstream.check()


async def test_a_row_and_its_key():
    """`[[upstreams]] name = "gemini"` with a key is enough; the key goes where Google looks for it."""
    with serving(ScriptedApp(Script(key="secret"))) as served:
        row = UpstreamSettings(name="gemini", base_url=f"http://127.0.0.1:{served.port}/v1beta")
        upstream = open_upstream(row, {"GEMINI_API_KEY": "secret"})
        assert isinstance(upstream, GeminiUpstream)
        answer = await upstream.complete(call_of("mock"))
        assert answer.choices[0].text == SHIPPED["mock"].text
        assert ("x-goog-api-key", "secret") in served.app.last_headers
        assert "authorization" not in dict(served.app.last_headers)
        await upstream.aclose()
        wrong = open_upstream(row, {"GEMINI_API_KEY": "other"})
        with pytest.raises(Fault) as caught:
            await wrong.check()
        assert caught.value.problem.code == "upstream_auth"
        await wrong.aclose()


async def test_a_client_that_leaves_stops_the_upstream(served, upstream):
    await eventually(lambda: served.app.stats.in_flight == 0)
    left = served.app.stats.left
    stream = await upstream.stream(call_of("mock-long"))
    async for _ in stream.batches():
        break
    await stream.aclose()
    await eventually(lambda: served.app.stats.left > left)
