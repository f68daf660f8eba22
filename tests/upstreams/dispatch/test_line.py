"""Limits on what is in flight, and who waits: bounded, fair, by priority; who goes away leaves the line."""

import asyncio

import pytest

from tests.upstreams.dispatch.conftest import FAST, Actor, codes, offer
from zhongshu.core.problems import Fault
from zhongshu.upstreams.dispatch.replicas import HostLimits
from zhongshu.upstreams.dispatch.settings import DispatchSettings


class Held(Actor):
    """Answers when told to; says whom it answers, in order."""

    def __init__(self, name):
        super().__init__(name)
        self.gates = []
        self.order = []

    async def complete(self, call):
        self.order.append(call.turn.messages[0].text())
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return await super().complete(call)

    async def let_go(self, number=1):
        for _ in range(number):
            self.gates.pop(0).set_result(None)
            await settled()


async def settled():
    for _ in range(8):
        await asyncio.sleep(0)


def ask(d, text, *tiers, **fields):
    asking = d.asking(*tiers, text=text, **fields)
    task = asyncio.create_task(d.dispatcher.complete(asking))
    task.asking = asking
    return task


def limited(in_flight=1, queue=10, queue_s=30.0):
    return {"hosts": {"a": HostLimits(in_flight, queue, queue_s)}}


async def test_no_more_than_the_limit_and_the_rest_wait(desk):
    a = Held("a")
    d = desk(a, **limited(2))
    tasks = [ask(d, str(number)) for number in range(5)]
    await settled()
    assert a.order == ["0", "1"]
    d.clock.advance(0.5)
    await a.let_go(5)
    await asyncio.gather(*tasks)
    assert a.order == ["0", "1", "2", "3", "4"]
    assert [task.asking.queued_us for task in tasks] == [0, 0, 500_000, 500_000, 500_000]


async def test_a_models_own_limit(desk):
    a = Held("a")
    d = desk(a, hosts={"a": HostLimits(3, 10)}, replicas={("a", "m"): 1})
    tasks = [ask(d, "m1"), ask(d, "m2"), ask(d, "n1", (offer("a", "n"),)), ask(d, "n2", (offer("a", "n"),))]
    await settled()
    assert a.order == ["m1", "n1", "n2"], "who waits for a model holds no other model back"
    await a.let_go(4)
    await asyncio.gather(*tasks)


async def test_overflow_is_told_at_once_with_retry_after(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=2), rules=FAST)
    tasks = [ask(d, str(number)) for number in range(3)]
    await settled()
    late = d.asking(text="late")
    with pytest.raises(Fault) as raised:
        await d.dispatcher.complete(late)
    problem = raised.value.problem
    assert (problem.code, problem.status, problem.retry_after_s) == ("overloaded", 503, 1.0)
    assert codes(late) == [("a", "overloaded", "")]
    await a.let_go(3)
    await asyncio.gather(*tasks)


async def test_overflow_goes_to_the_fallback(desk):
    a = Held("a")
    d = desk(a, Actor("b"), **limited(1, queue=0))
    task = ask(d, "0", (offer("a"),))
    await settled()
    asking = d.asking((offer("a"),), (offer("b", "n"),))
    assert await d.complete(asking) == "b"
    assert codes(asking) == [("a", "overloaded", ""), ("b", "", "fallback")]
    await a.let_go()
    await task


async def test_a_replica_with_room_is_taken_before_waiting(desk):
    a = Held("a")
    d = desk(a, Actor("b"), **limited(1), rules=DispatchSettings(balance="weighted"))
    tiers = ((offer("a", weight=1e6), offer("b", weight=1e-6)),)
    task = ask(d, "0", *tiers)
    await settled()
    assert await d.complete(d.asking(*tiers)) == "b"
    await a.let_go()
    await task


async def test_waiting_ends(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue_s=0.02))
    task = ask(d, "0")
    await settled()
    with pytest.raises(Fault, match="overloaded"):
        await d.complete(d.asking(text="late"))
    await a.let_go()
    await task
    assert a.order == ["0"]


async def test_who_leaves_while_waiting_leaves_the_line(desk):
    a = Held("a")
    d = desk(a, **limited(1))
    tasks = [ask(d, str(number)) for number in range(4)]
    await settled()
    tasks[1].cancel()
    tasks[2].cancel()
    await settled()
    assert d.board.host("a").line.waiting == 1
    await a.let_go(2)
    assert await asyncio.gather(*tasks, return_exceptions=True)
    assert a.order == ["0", "3"]


async def test_who_leaves_in_the_moment_of_being_served_gives_the_place_on(desk):
    a = Held("a")
    d = desk(a, **limited(1))
    tasks = [ask(d, str(number)) for number in range(3)]
    await settled()
    a.gates.pop(0).set_result(None)
    while not tasks[0].done():
        await asyncio.sleep(0)
    tasks[1].cancel()
    await settled()
    await a.let_go()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert a.order[-1] == "2"
    assert d.board.host("a").line.waiting == 0


async def test_tenants_take_turns(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "first")]
    await settled()
    for tenant, number in (("loud", 6), ("quiet", 2)):
        for turn in range(number):
            tasks.append(ask(d, f"{tenant} {turn}", tenant=tenant))
            await settled()
    await a.let_go(9)
    await asyncio.gather(*tasks)
    assert a.order[1:5] == ["loud 0", "quiet 0", "loud 1", "quiet 1"]


async def test_a_full_line_makes_room_for_who_has_least(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=4))
    tasks = [ask(d, "first")]
    await settled()
    tasks += [ask(d, f"loud {turn}", tenant="loud") for turn in range(4)]
    await settled()
    quiet = ask(d, "quiet", tenant="quiet")
    await settled()
    with pytest.raises(Fault, match="overloaded"):
        await tasks[-1]
    with pytest.raises(Fault, match="overloaded"):
        await d.complete(d.asking(text="loud again", tenant="loud"))
    await a.let_go(5)
    await asyncio.gather(*tasks[:-1], quiet)
    assert a.order == ["first", "loud 0", "quiet", "loud 1", "loud 2"]


async def test_high_goes_first_only_among_its_own_and_low_waits_for_all(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "first")]
    await settled()
    for text, tenant, priority in (
        ("low", "x", "low"),
        ("x normal", "x", "normal"),
        ("x high", "x", "high"),
        ("y normal", "y", "normal"),
    ):
        tasks.append(ask(d, text, tenant=tenant, priority=priority))
        await settled()
    await a.let_go(5)
    await asyncio.gather(*tasks)
    assert a.order == ["first", "x high", "y normal", "x normal", "low"]


async def test_a_class_of_a_key_is_the_most_its_requests_may_ask_for(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "first")]
    await settled()
    for text, priority, most in (
        ("low key", "high", "low"),
        ("normal", "normal", None),
        ("normal key", "high", "normal"),
        ("high key says nothing", None, "high"),
        ("high key says low", "low", "high"),
        ("high", "high", None),
    ):
        tasks.append(ask(d, text, priority=priority, most=most))
        await settled()
    await a.let_go(7)
    await asyncio.gather(*tasks)
    assert a.order == [
        "first", "high key says nothing", "high", "normal", "normal key", "low key", "high key says low",
    ]  # fmt: skip


async def test_low_does_not_starve(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "first")]
    await settled()
    tasks.append(ask(d, "low", priority="low"))
    tasks += [ask(d, f"normal {number}") for number in range(20)]
    await settled()
    await a.let_go(22)
    await asyncio.gather(*tasks)
    assert a.order.index("low") <= 9


async def test_a_tenant_put_first_goes_before_others_and_no_caller_can_say_so(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "start")]
    await settled()
    for text, tenant, how in (
        ("x says high", "x", {"priority": "high"}),
        ("x has a key of class high", "x", {"priority": None, "most": "high"}),
        ("gold", "gold", {"priority": None, "most": "high", "first": True}),
        ("gold says normal", "gold", {"priority": "normal", "most": "high", "first": True}),
        ("gold says low", "gold", {"priority": "low", "most": "high", "first": True}),
        ("gold, a key of class normal", "gold", {"priority": "high", "most": "normal", "first": True}),
        ("gold again", "gold", {"priority": "high", "most": "high", "first": True}),
    ):
        tasks.append(ask(d, text, tenant=tenant, **how))
        await settled()
    await a.let_go(8)
    await asyncio.gather(*tasks)
    assert a.order == [
        "start", "gold", "gold again", "x says high", "gold says normal", "x has a key of class high",
        "gold, a key of class normal", "gold says low",
    ]  # fmt: skip


async def test_nobody_starves_behind_a_tenant_put_first(desk):
    a = Held("a")
    d = desk(a, **limited(1, queue=100))
    tasks = [ask(d, "start")]
    await settled()
    tasks += [ask(d, f"gold {n}", tenant="gold", priority=None, most="high", first=True) for n in range(20)]
    tasks += [ask(d, "low", priority="low"), ask(d, "normal"), ask(d, "normal too")]
    await settled()
    await a.let_go(24)
    await asyncio.gather(*tasks)
    assert [a.order.index(text) for text in ("normal", "low", "normal too")] == [4, 8, 12]


@pytest.mark.parametrize(
    ("waiting", "newcomer", "gives_up"),
    [
        (["low", "normal"], "normal", "low"),
        (["low", "normal"], "gold", "low"),
        (["normal", "high"], "gold", "normal"),
        (["normal", "high"], "high", "normal"),
        (["gold", "gold"], "normal", None),
        (["gold", "normal"], "low", None),
        (["high", "high"], "high", None),
    ],
)
async def test_in_a_full_line_a_lower_class_makes_room_for_a_higher(desk, waiting, newcomer, gives_up):
    kinds = {
        "low": {"priority": "low"}, "normal": {}, "high": {"priority": "high"},
        "gold": {"tenant": "gold", "priority": None, "most": "high", "first": True},
    }  # fmt: skip
    a = Held("a")
    d = desk(a, **limited(1, queue=2))
    tasks = [ask(d, "start")]
    await settled()
    for kind in (*waiting, newcomer):
        tasks.append(ask(d, kind, **kinds[kind]))
        await settled()
    refused = [task for task in tasks if task.done()]
    assert [task.exception().problem.code for task in refused] == ["overloaded"]
    assert refused[0] is tasks[-1 if gives_up is None else 1 + waiting.index(gives_up)]
    await a.let_go(3)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_gives_up_a_place_in_one_line_keeps_the_one_in_another(desk):
    a, b = Held("a"), Held("b")
    d = desk(a, b, hosts={"a": HostLimits(1, 1), "b": HostLimits(1, 1)})
    both = ((offer("a"), offer("b")),)
    tasks = [ask(d, "at a", (offer("a"),)), ask(d, "at b", (offer("b"),))]
    await settled()
    anywhere = ask(d, "anywhere", *both, priority="low")
    await settled()
    tasks.append(ask(d, "only a", (offer("a"),)))
    await settled()
    assert not anywhere.done()
    await b.let_go()
    assert b.order == ["at b", "anywhere"]
    await b.let_go()
    await a.let_go(2)
    await asyncio.gather(*tasks, anywhere)


async def test_a_reload_with_more_places_lets_in_who_waits(desk):
    from zhongshu.upstreams.dispatch.board import Rules

    a = Held("a")
    d = desk(a, **limited(1))
    tasks = [ask(d, str(number)) for number in range(3)]
    await settled()
    d.board.use(Rules(dispatch=FAST, hosts={"a": HostLimits(3, 10)}))
    await settled()
    assert a.order == ["0", "1", "2"]
    await a.let_go(3)
    await asyncio.gather(*tasks)
