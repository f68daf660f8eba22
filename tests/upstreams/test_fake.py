"""The fake upstream keeps to the contract of the real ones."""

from __future__ import annotations

import pytest

from tests.upstreams.conftest import make_call
from zhongshu.core.answers import Fold, Usage
from zhongshu.core.ports import EventStream
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Message, Sampling
from zhongshu.upstreams.fake import FakeModel


async def test_it_echoes_word_by_word():
    fake = FakeModel()
    call = make_call(messages=(Message("user", "one two\nthree"),), sampling=Sampling(n=2))
    answer = await fake.complete(call)
    assert [(c.index, c.text, c.stop) for c in answer.choices] == [(i, "one two\nthree", "stop") for i in (0, 1)]
    assert answer.usage == Usage(prompt=3, completion=6)
    assert fake.calls == [call]


async def test_it_fails_before_or_in_the_middle():
    with pytest.raises(Fault, match="overloaded"):
        await FakeModel(fails=fault("overloaded")).stream(make_call())
    with pytest.raises(Fault, match="overloaded"):
        await FakeModel(fails=fault("overloaded")).check()
    stream = await FakeModel(says="a b c", breaks=fault("upstream_cut", upstream="fake"), breaks_after=2).stream(
        make_call()
    )
    fold = Fold()
    with pytest.raises(Fault, match="upstream_cut"):
        await _read(stream, fold)
    assert fold.answer().choices[0].text == "a b "


async def _read(stream: EventStream, fold: Fold) -> None:
    async for batch in stream.batches():
        fold.add(batch[0])


async def test_leaving_early_is_counted():
    fake = FakeModel(says="a b c")
    stream = await fake.stream(make_call())
    async for _ in stream.batches():
        break
    await stream.aclose()
    whole = await fake.stream(make_call())
    _ = [batch async for batch in whole.batches()]
    await whole.aclose()
    assert fake.left == 1


async def test_the_same_text_has_the_same_vector():
    found = await FakeModel().embed(make_call(kind="embedding", messages=(), prompts=("a", "b", "a")))
    a, b, again = found.vectors
    assert a == again != b
    assert sum(x * x for x in a) == pytest.approx(1)
