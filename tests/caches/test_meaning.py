"""Answers to questions that mean the same: guard, cosine, scope, and an embedder that fails."""

import asyncio

import pytest

from tests.caches.conftest import SEMANTIC, Cached
from tests.waiting import eventually
from zhongshu.caches.meaning import PREFIX, Batching
from zhongshu.core.problems import fault
from zhongshu.core.turns import Message

# What the vectors of these questions are; any other text stands by itself.
NEAR = {
    "How do I reset my password?": (1.0, 0.0, 0.0),
    "How can I reset the password?": (0.99, 0.14, 0.0),
    "How do I set a new password?": (0.99, 0.0, 0.14),
    "How do I lock my password?": (0.999, 0.04, 0.0),
    "How could I reset my password": (0.5, 0.5, 0.7),
}


class FakeEmbedder:
    """Vectors by table. calls: the texts of each call."""

    def __init__(self):
        self.calls = []
        self.fails = None
        self.waits = None

    async def embed(self, texts):
        self.calls.append(texts)
        if self.waits:
            await self.waits.wait()
        if self.fails:
            raise self.fails
        assert all(text.startswith(PREFIX) for text in texts)
        return tuple(NEAR.get(text[len(PREFIX) :], (0.0, 0.0, 1.0)) for text in texts)


@pytest.fixture
def embedder():
    return FakeEmbedder()


@pytest.fixture
async def way(caches, embedder):
    made = Cached(caches(SEMANTIC, embedder))
    await made.ask("How do I reset my password?")
    await known(made)
    return made


async def known(way):
    """The question that was kept has been embedded and written."""

    async def there():
        rows = way.cache.disk._reading._do(
            lambda db: db.execute("SELECT count(*) FROM entries WHERE scope <> x''").fetchone()
        )
        return rows[0] > 0

    await eventually(there)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How do I reset my password?", "exact"),
        ("How can I reset the password?", "semantic"),
        ("How do I lock my password?", ""),  # near by vector, stopped by the guard
        ("How could I reset my password", ""),  # the same by words, far by vector
        ("How do I set a new password?", ""),
    ],
)
async def test_another_wording_gets_the_answer(way, text, kind):
    record = await way.ask(text)
    assert record.cache == kind
    assert (record.cost_nano == 0) == bool(kind)


async def test_a_semantic_hit_says_how_near_it_was(way):
    await way.ask("How can I reset the password?", stream=True)
    hit = way.batches[-1].hit
    assert hit.kind == "semantic"
    assert 0.98 < hit.similarity < 0.995


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "other"},
        {"messages": (Message("system", "Be brief."), Message("user", "How can I reset the password?"))},
        {
            "messages": (
                Message("user", "hi"),
                Message("assistant", "yes"),
                Message("user", "How can I reset the password?"),
            )
        },
    ],
)
async def test_only_within_the_same_scope(way, other, embedder):
    before = len(embedder.calls)
    assert (await way.ask("How can I reset the password?", **other)).cache == ""
    await asyncio.sleep(0)
    assert len(embedder.calls) <= before + 1  # nothing to compare with: embedded only to be kept


async def test_nothing_is_embedded_before_the_answer_where_no_kept_question_passes_the_guard(way, embedder):
    embedder.waits = asyncio.Event()
    assert (await asyncio.wait_for(way.ask("Where is the moon?"), 60)).cache == ""
    embedder.waits.set()


async def test_an_embedder_that_fails_or_is_slow_costs_no_turn(caches, embedder):
    way = Cached(caches(SEMANTIC, embedder, embed_wait_s=0.05))
    await way.ask("How do I reset my password?")
    await known(way)
    embedder.fails = fault("engine_unavailable", model="e5", why="not here")
    assert (await way.ask("How can I reset the password?")).outcome == "answered"
    embedder.fails, embedder.waits = None, asyncio.Event()
    assert (await way.ask("How can I reset the password please?")).outcome == "answered"
    embedder.waits.set()


async def test_workers_share_questions(way, caches, embedder):
    other = Cached(caches(SEMANTIC, embedder))
    assert (await other.ask("How can I reset the password?")).cache == "semantic"
    assert other.model.calls == []


async def test_tool_calls_are_not_given_to_another_wording(caches, embedder):
    from zhongshu.caches.rules import plain_words
    from zhongshu.core.answers import Answer, Choice
    from zhongshu.core.turns import ToolCall

    assert plain_words(Answer((Choice(0, "hi"),), None))
    assert not plain_words(Answer((Choice(0, "hi", tool_calls=(ToolCall("c", "f", "{}"),), stop="tool_calls"),), None))


async def test_questions_that_come_together_are_embedded_together(embedder):
    batching = Batching(embedder, most=3)
    vectors = await asyncio.gather(*(batching.embed(text) for text in [*NEAR, "x", "y"]))
    assert [len(call) for call in embedder.calls] == [3, 3, 1]
    assert all(abs(float(vector @ vector) - 1) < 1e-5 for vector in vectors)


async def test_somebody_who_leaves_does_not_hold_up_the_others(embedder):
    embedder.waits = asyncio.Event()
    batching = Batching(embedder)
    first = asyncio.create_task(batching.embed("a"))
    await asyncio.sleep(0)
    leaving, staying = asyncio.create_task(batching.embed("b")), asyncio.create_task(batching.embed("c"))
    await asyncio.sleep(0)
    leaving.cancel()
    embedder.waits.set()
    await asyncio.gather(first, staying)
    assert embedder.calls == [(PREFIX + "a",), (PREFIX + "c",)]


async def test_vectors_of_another_model_are_not_compared(way, caches, embedder):
    other = Cached(caches(SEMANTIC, embedder, embedder_name="another"))
    assert (await other.ask("How can I reset the password?")).cache == ""


async def test_an_embedder_that_breaks_ends_nobodys_turn(way, embedder):
    embedder.fails = KeyError("a mistake of ours")
    assert (await way.ask("How can I reset the password?")).outcome == "answered"
