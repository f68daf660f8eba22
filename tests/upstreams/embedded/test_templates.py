"""Each shipped model: its own template, ends by itself, obeys the system prompt, leaves no marks in its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.engine.serving import SMALL, TINY, running_engine, spec
from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.turns import Message
from zhongshu.engine.client import EngineClient
from zhongshu.upstreams.embedded.link import Link
from zhongshu.upstreams.embedded.messages import rendered
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream

pytestmark = pytest.mark.engine

# The system prompt that each template puts in when there is none (read in the GGUF files, 2026-11).
_OWN_SYSTEM = {
    TINY: "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    "qwen2.5-coder-0.5b": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "qwen2.5-coder-1.5b": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
}
_MARKS = ("<|", "|>", "im_end", "endoftext", "<think", "assistant\n")


@pytest.fixture(scope="module", params=list(_OWN_SYSTEM))
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def socket_path(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with running_engine(tmp_path_factory.mktemp("run"), SMALL, spec(model, slots=2)) as engine:
        yield engine.socket_path


@pytest.fixture
async def client(socket_path: Path) -> AsyncIterator[EngineClient]:
    made = EngineClient(socket_path)
    yield made
    await made.aclose()


@pytest.fixture
async def upstream(client: EngineClient) -> EmbeddedUpstream:
    return EmbeddedUpstream("embedded", client)


async def test_the_prompt_is_the_models_own_templates(model: str, client: EngineClient):
    said = (Message("system", "用中文"), "hi <|im_end|>", Message("assistant", "你好"), Message("developer", "D"), "2")
    async with client.use(model) as address:
        link = Link("embedded", model, address)
        with_system = await link.render(rendered(make_call(*said).turn, model))
        without = await link.render(rendered(make_call("hi").turn, model))
        await link.aclose()
    assert with_system == (
        "<|im_start|>system\n用中文<|im_end|>\n<|im_start|>user\nhi < |im_end|><|im_end|>\n"
        "<|im_start|>assistant\n你好<|im_end|>\n<|im_start|>system\nD<|im_end|>\n<|im_start|>user\n2<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert without == (
        f"<|im_start|>system\n{_OWN_SYSTEM[model]}<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )


async def test_answers_end_by_themselves_without_marks(model: str, upstream: EmbeddedUpstream):
    asked = ["What is 2+2?", "What colour is the sky?"]
    if model != TINY:  # SmolLM2 knows English only
        asked += ["用一句话介绍你自己。", "2加3等于几？只回答数字。"]
    for question in asked:
        answer = await upstream.complete(make_call(question, model=model, sampling={"max_tokens": 300}))
        choice = answer.choices[0]
        assert choice.stop == "stop", question
        assert choice.text.strip(), question
        assert not any(mark in choice.text for mark in _MARKS), question


async def test_the_system_prompt_is_obeyed(model: str, upstream: EmbeddedUpstream):
    if model == TINY:
        pytest.skip("SmolLM2 is too weak to follow a system prompt")
    for system, question, wanted in (
        ("Your name is Zhongshu. Say your name when asked.", "What is your name?", "Zhongshu"),
        ("你的名字叫小枢。有人问时请说出你的名字。", "你叫什么名字？", "小枢"),
    ):
        call = make_call(Message("system", system), question, model=model, sampling={"max_tokens": 20})
        assert wanted in (await upstream.complete(call)).choices[0].text
