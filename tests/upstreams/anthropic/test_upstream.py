"""An Anthropic upstream over real sockets: the scripted one answers as its model says."""

from __future__ import annotations

import msgspec
import pytest

from tests.upstreams.conftest import make_call
from zhongshu.core.answers import Fold
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Sampling, Wire
from zhongshu.upstreams.registry import open_upstream
from zhongshu.upstreams.settings import UpstreamSettings


@pytest.fixture
async def upstream(served):
    row = UpstreamSettings(name="a", kind="openai-compatible", wire="anthropic", base_url=served.base_url, key="env:K")
    opened = open_upstream(row, {"K": "secret"})
    yield opened
    await opened.aclose()


async def streamed(upstream, call):
    fold = Fold()
    stream = await upstream.stream(call)
    async for batch in stream.batches():
        for event in batch:
            fold.add(event)
    return fold.answer()


@pytest.mark.parametrize(
    "model", ["mock", "mock-thought", "mock-tools", "mock-crlf", "mock-packed", "mock-extra", "mock-no-done"]
)
async def test_a_stream_amounts_to_the_plain_answer(upstream, model):
    whole, streamed_ = await upstream.complete(make_call(model)), await streamed(upstream, make_call(model))
    assert streamed_.choices == whole.choices
    assert streamed_.usage.completion == whole.usage.completion
    assert whole.usage.cached > 0


async def test_headers_and_key(upstream, served):
    await upstream.complete(make_call("mock"))
    headers = dict(served.app.last_headers)
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("secret", "2023-06-01")
    assert "authorization" not in headers
    call = make_call("mock")
    wire = Wire("anthropic.messages", {"messages": msgspec.Raw(b"[]")}, headers=(("anthropic-beta", "context-1m"),))
    call.turn = msgspec.structs.replace(call.turn, wire=wire)
    await upstream.complete(call)
    assert dict(served.app.last_headers)["anthropic-beta"] == "context-1m"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("mock-400", "upstream_refused"),
        ("mock-401", "upstream_auth"),
        ("mock-429", "upstream_rate_limited"),
        ("mock-500", "upstream_error"),
        ("mock-529", "upstream_error"),
        ("mock-context", "context_length_exceeded"),
        ("mock-html", "upstream_error"),
        ("mock-reset", "upstream_unreachable"),
    ],
)
async def test_refusals(upstream, model, code):
    for ask in (upstream.complete, upstream.stream):
        with pytest.raises(Fault) as refused:
            await ask(make_call(model))
        assert refused.value.problem.code == code


async def test_a_page_where_an_answer_belongs(upstream):
    with pytest.raises(Fault) as whole:
        await upstream.complete(make_call("mock-html-200"))
    with pytest.raises(Fault) as begun:
        await streamed(upstream, make_call("mock-html-200"))
    assert (whole.value.problem.code, begun.value.problem.code) == ("upstream_malformed", "upstream_cut")


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("mock-cut", "upstream_cut"),
        ("mock-reset-mid", "upstream_cut"),
        ("mock-error-mid", "upstream_error"),
        ("mock-bad-json", "upstream_malformed"),
        ("mock-bad-utf8", "upstream_malformed"),
        ("mock-bad-sse", "upstream_cut"),
    ],
)
async def test_faults_inside_a_stream(upstream, model, code):
    with pytest.raises(Fault) as broken:
        await streamed(upstream, make_call(model))
    assert broken.value.problem.code == code


async def test_limits_and_counts(upstream):
    short = await upstream.complete(make_call("mock", sampling=Sampling(max_tokens=2)))
    assert short.choices[0].stop == "length"
    assert await upstream.count_tokens(make_call("mock")) > 0
    assert "mock-thought" in await upstream.models()
    await upstream.check()


async def test_the_known_service_needs_its_key_alone():
    opened = open_upstream(UpstreamSettings(name="anthropic"), {"ANTHROPIC_API_KEY": "k"})
    assert opened.name == "anthropic"
    await opened.aclose()
