"""The cache in the path of a turn: who gets an answer again, who does not, and what the record says."""

import contextlib

import msgspec
import pytest

from tests.caches.conftest import EXACT, Cached, opened
from tests.waiting import eventually
from zhongshu.caches.rules import Rule
from zhongshu.caches.store import FILE, Store
from zhongshu.core.answers import TextDelta
from zhongshu.core.clock import FakeClock
from zhongshu.core.models import Release
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Message, Sampling, Wishes
from zhongshu.pipeline.answer import stream
from zhongshu.pipeline.stages import Closing


def text_of(batches):
    return "".join(
        d.text for batch in batches if not isinstance(batch, Closing) for e in batch for d in e.deltas
        if isinstance(d, TextDelta)
    )  # fmt: skip


async def test_a_second_turn_gets_the_first_ones_answer_for_nothing(caches):
    way = Cached(caches())
    first, second = await way.ask(), await way.ask()
    assert len(way.model.calls) == 1
    assert (first.cache, second.cache, second.cost_nano) == ("", "exact", 0)
    assert (second.answer, second.usage) == (first.answer, first.usage)
    assert second.saved_nano == first.cost_nano > 0
    assert way.gate.permits[1].released


async def test_plain_and_streamed_turns_share_answers(caches):
    way = Cached(caches(), says="one two three")
    await way.ask(stream=True)
    assert (await way.ask()).cache == "exact"
    again = await way.ask(stream=True)
    assert (again.cache, text_of(way.batches)) == ("exact", "one two three")
    closing = way.batches[-1]
    assert (closing.hit.kind, closing.cost_nano) == ("exact", 0)
    assert len(way.model.calls) == 1


async def test_litellm_29086_an_answer_stays_with_its_tenant(caches):
    way = Cached(caches())
    assert (await way.ask(tenant="acme")).cache == ""
    assert (await way.ask(tenant="other")).cache == ""
    assert (await way.ask(tenant="acme")).cache == "exact"


async def test_semantic_router_3423_another_system_prompt_is_another_question(caches):
    way = Cached(caches())
    asked = Message("user", "hello")
    for system in ("You are a doctor.", "You are a pirate.", ""):
        messages = (*((Message("system", system),) if system else ()), asked)
        assert (await way.ask(messages=messages)).cache == "", system
    assert len(way.model.calls) == 3


async def test_users_of_a_tenant_share_unless_the_settings_say_no(caches, tmp_path):
    shared, apart = Cached(caches()), Cached(caches(at=tmp_path / "apart", scope="user"))
    for way, kind in ((shared, "exact"), (apart, "")):
        await way.ask(user="ann")
        assert (await way.ask(user="bob")).cache == kind
        assert (await way.ask(user="ann")).cache == "exact"


@pytest.mark.parametrize("how", [{"wishes": Wishes(cache="no-store")}, {"headers": {b"cache-control": b"no-store"}}])
async def test_no_store_neither_uses_nor_keeps(caches, how):
    way = Cached(caches())
    await way.ask(**how)
    assert (await way.ask()).cache == ""
    assert (await way.ask(**how)).cache == ""
    assert len(way.model.calls) == 3


@pytest.mark.parametrize("how", [{"wishes": Wishes(cache="refresh")}, {"headers": {b"cache-control": b"no-cache"}}])
async def test_refresh_asks_anew_and_keeps(caches, how):
    way = Cached(caches(), says="old")
    await way.ask()
    way.model.says = "new"
    assert (await way.ask(**how)).cache == ""
    assert b"new" in (await way.ask()).answer


async def test_an_answer_expires(caches):
    clock = FakeClock()
    way = Cached(caches(Rule("exact", True, 60.0, 0.9), clock=clock))
    await way.ask()
    clock.advance(59)
    assert (await way.ask()).cache == "exact"
    clock.advance(2)
    assert (await way.ask()).cache == ""


@pytest.mark.parametrize("ttl_s", [1e12, 1e300, float("inf")])
async def test_an_answer_may_hold_for_ever(caches, ttl_s):
    way = Cached(caches(Rule("exact", True, ttl_s, 0.9)))
    await way.ask()
    assert (await way.ask()).cache == "exact"


async def test_sampled_answers_are_reused_only_where_the_models_own_row_says_cache(caches, tmp_path):
    own, inherited = Cached(caches(EXACT)), Cached(caches(None, at=tmp_path / "b", models="exact"))
    for way, kind in ((own, "exact"), (inherited, "")):
        for _ in range(2):
            record = await way.ask(sampling=Sampling(temperature=1.0))
        assert record.cache == kind


@pytest.mark.parametrize("policy", ["p1", "p2"])
async def test_another_policy_is_another_answer(caches, policy):
    cache = caches(policy="p1")
    way = Cached(cache)
    await way.ask()
    cache.use(cache.rules, policy)
    assert (await way.ask()).cache == ("exact" if policy == "p1" else "")


async def test_a_stream_that_broke_or_was_left_is_not_kept(caches):
    way = Cached(caches(), says="one two three", breaks=fault("upstream_cut", upstream="fake"), breaks_after=2)
    with pytest.raises(Fault):
        await way.ask(stream=True)
    way.model.breaks = None
    live = await stream(way.rooms, way.arrived(sampling=Sampling(temperature=0.0)))
    async with contextlib.aclosing(live.batches()) as batches:
        await anext(batches)
    assert (await way.ask(tenant="default")).cache == ""
    assert len(way.cache.front) == 1


async def test_a_reader_who_leaves_a_hit_pays_nothing(caches):
    way = Cached(caches(), says="one two")
    await way.ask(tenant="default")
    live = await stream(way.rooms, way.arrived(stream=True, sampling=Sampling(temperature=0.0)))
    async with contextlib.aclosing(live.batches()) as batches:
        await anext(batches)
    record = way.journal.records[-1]
    assert (record.outcome, record.cache, record.cost_nano) == ("left", "exact", 0)
    assert way.gate.permits[-1].released


async def test_marks_of_the_label_are_put_around_a_hit_once(caches):
    way = Cached(caches(), says="one two", text="end", words="generated by AI")
    for _ in range(2):
        await way.ask(stream=True)
        assert text_of(way.batches).count("generated by AI") == 1
    assert way.journal.records[-1].cache == "exact"
    record = await way.ask()
    assert (record.cache, record.answer.count(b"generated by AI")) == ("exact", 1)


async def test_what_a_fallback_answered_is_not_kept_as_the_first_choices(caches):
    way = Cached(caches())
    complete = way.rooms.dispatcher.complete

    async def elsewhere(asking):
        answered = await complete(asking)
        other = Release(model="n", version="1", upstream="fake", upstream_model="n")
        asking.offer = msgspec.structs.replace(asking.offer, release=other)
        return answered

    way.rooms.dispatcher.complete = elsewhere
    await way.ask()
    assert len(way.cache.front) == 0


async def test_workers_and_restarts_share_what_is_kept(home, caches):
    first, second = Cached(caches()), Cached(caches())
    await first.ask("a question")

    async def shared():
        return (await second.ask("a question")).cache == "exact" and not second.model.calls

    await first.cache.aclose()
    await eventually(shared)
    third = Cached(caches())
    assert (await third.ask("a question")).cache == "exact"
    assert third.model.calls == []


async def test_what_is_kept_cannot_be_read_from_the_disk(home):
    way = Cached(opened(home), says="the launch code is tangerine")
    await way.ask("what is the secret fruit")
    await way.cache.aclose()
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert (home / "cache.db").stat().st_mode & 0o777 == 0o600
    for text in (b"tangerine", b"secret fruit", b"acme"):
        assert (text in kept) == (text == b"acme"), text


async def test_numbers_that_json_cannot_hold_exactly_are_no_reason_to_fail(caches):
    from zhongshu.api.openai.request import chat_turn, decode_chat

    body = b'{"model":"m","temperature":0,"messages":[{"role":"user","content":"x"}],"big":%d,"deep":%s}'
    body %= (10**40, b"[" * 150 + b"]" * 150)
    way = Cached(caches())
    wire = chat_turn(decode_chat(body), body, "t" * 32, 5).wire
    assert (await way.ask(wire=wire)).outcome == "answered"


async def test_what_another_process_clears_is_forgotten_here(home, caches):
    way = Cached(caches())
    await way.ask("a")
    await way.ask("b", tenant="other")

    async def written():
        return len(Store(home / FILE).sizes()) == 2

    await eventually(written)
    assert Store(home / FILE).clear(tenant="acme") == 1

    async def forgotten():
        return len(way.cache.front) == 0

    await eventually(forgotten)
    assert (await way.ask("a")).cache == ""
    assert (await way.ask("b", tenant="other")).cache == "exact"
