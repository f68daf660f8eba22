"""Vectors of the shipped embedding model: they mean something, in both languages, and are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.serving import SMALL, running_engine, spec
from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.problems import Fault
from zhongshu.engine.client import EngineClient
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream

pytestmark = pytest.mark.engine
E5 = "multilingual-e5-small"


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory):
    with running_engine(tmp_path_factory.mktemp("run"), SMALL, spec(E5)) as engine:
        yield engine.socket_path


@pytest.fixture
async def upstream(socket_path) -> AsyncIterator[EmbeddedUpstream]:
    made = EmbeddedUpstream("embedded", EngineClient(socket_path))
    yield made
    await made.aclose()


def call(*texts: str, **fields: int):
    return make_call(kind="embedding", prompts=texts, model=E5, **fields)


def likeness(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


async def test_what_means_the_same_is_near_across_languages(upstream: EmbeddedUpstream):
    found = await upstream.embed(
        call(
            "query: How do I reset my password?",
            "passage: 如何重置登录密码",
            "passage: The recipe needs two eggs and some flour.",
        )
    )
    question, password, recipe = found.vectors
    assert {len(vector) for vector in found.vectors} == {384}
    assert likeness(question, question) == pytest.approx(1, abs=1e-3)
    assert likeness(question, password) > likeness(question, recipe) + 0.05
    assert found.usage is not None
    assert found.usage.prompt > 20
    assert found.usage.completion == 0


async def test_a_text_has_the_same_vector_in_any_company(upstream: EmbeddedUpstream):
    alone = (await upstream.embed(call("query: 你好"))).vectors[0]
    among = (await upstream.embed(call("query: x", "query: 你好", "query: a longer text to be embedded"))).vectors[1]
    assert likeness(alone, among) == pytest.approx(1, abs=1e-3)


async def test_a_text_longer_than_the_window_is_refused(upstream: EmbeddedUpstream):
    with pytest.raises(Fault, match="context_length_exceeded") as refused:
        await upstream.embed(call("word " * 2000))
    assert "512" in refused.value.problem.message


async def test_its_own_dimensions_may_be_asked_for(upstream: EmbeddedUpstream):
    assert len((await upstream.embed(call("a", dimensions=384))).vectors[0]) == 384
    with pytest.raises(Fault, match="unsupported"):
        await upstream.embed(call("a", dimensions=256))
