"""A short rest that an upstream asked for (429 with Retry-After) is waited for where it has a line with room, and nowhere
else. Named after litellm #6532 and #27362, whose users found turns refused while a rest was nearly over."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.upstreams.dispatch.conftest import Actor, codes, error, offer
from tests.waiting import eventually
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.dispatch import course
from zhongshu.upstreams.dispatch.board import Switch
from zhongshu.upstreams.dispatch.replicas import HostLimits
from zhongshu.upstreams.dispatch.settings import DispatchSettings

RULES = DispatchSettings(retries=0, retry_after_max_s=10.0, cool_down_max_s=60.0)


def limited(rest_s=3.0):
    return fault("upstream_rate_limited", upstream="a", retry_after_s=rest_s)


@pytest.fixture
def asleep(monkeypatch):
    """Time passes only for who waits here. `slept`: how long each did; `gate`: they wait until it is set."""

    class Asleep:
        slept: list[float]
        clock = None

        def __init__(self):
            self.slept = []
            self.gate = asyncio.Event()
            self.gate.set()

    made = Asleep()

    async def passed(seconds):
        made.slept.append(seconds)
        until_ns = made.clock.steady_ns() + seconds * 1e9
        await made.gate.wait()
        made.clock.advance(max(0.0, (until_ns - made.clock.steady_ns()) / 1e9))
        await asyncio.sleep(0.005)

    monkeypatch.setattr(course, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": passed}))
    return made


async def resting(desk, asleep, *script, most=9, queue=1, queue_s=30.0, rules=RULES):
    """A dispatcher over one upstream that has just said 429."""
    d = desk(Actor("a", *script), rules=rules, hosts={"a": HostLimits(most, queue, queue_s)})
    asleep.clock = d.clock
    with pytest.raises(Fault):
        await d.complete(d.asking())
    return d


async def test_a_turn_waits_out_a_short_rest(desk, asleep):
    d = await resting(desk, asleep, limited(), "ok")
    asking = d.asking()
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("a", "", "probe")]
    assert asking.queued_us >= 3_000_000
    assert sum(asleep.slept) == pytest.approx(3.0, abs=0.2)
    assert d.replica("a").host.waiting == 0


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"queue": 0}, 429),
        ({"most": None}, 429),
        ({"script": (limited(10.5),)}, 429),
        ({"queue_s": 2.0}, 429),
        ({"rules": DispatchSettings(retries=0, retry_after_max_s=1.0)}, 429),
        ({"rules": DispatchSettings(retries=0, deadline_s=2.0)}, 429),
        ({"script": (error(retry_after_s=3.0),)}, 503),
    ],
)
async def test_what_is_not_waited_for_is_told_at_once(desk, asleep, how, status):
    """No line; no limit that it would be for; too long a rest; longer than the line's, the settings' or the turn's own limit; a fault in place of a
    limit."""
    d = await resting(desk, asleep, *how.pop("script", (limited(),)), "ok", **how)
    with pytest.raises(Fault) as refused:
        await d.complete(d.asking())
    problem = refused.value.problem
    assert (problem.code, problem.status, problem.retry_after_s > 0) == ("upstream_resting", status, True)
    assert asleep.slept == []


async def test_nobody_waits_for_what_an_operator_switched_off(desk, asleep):
    d = await resting(desk, asleep, limited(), "ok")
    d.board.switch([Switch("a", "", "open")])
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking())
    assert asleep.slept == []


async def test_another_model_answers_sooner(desk, asleep):
    d = desk(Actor("a", limited(), "ok"), Actor("b"), rules=RULES, hosts={"a": HostLimits(9, 9)})
    asleep.clock = d.clock
    tiers = (offer("a"),), (offer("b", "n"),)
    for _ in range(2):
        assert await d.complete(d.asking(*tiers)) == "b"
    assert asleep.slept == []


async def test_the_line_is_bounded_and_who_leaves_gives_the_place_back(desk, asleep):
    d = await resting(desk, asleep, limited(), "ok", queue=2)
    asleep.gate.clear()
    waiting = [asyncio.create_task(d.complete(d.asking())) for _ in range(2)]
    await eventually(lambda: d.replica("a").host.waiting == 2)
    (told,) = [row for row in d.board.health() if row.model == ""]
    assert told.waiting == 2, "they are seen"
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking())
    waiting[0].cancel()
    await eventually(lambda: d.replica("a").host.waiting == 1)
    asleep.gate.set()
    assert await waiting[1] == "a"


async def test_while_one_is_on_trial_the_others_go_on_waiting(desk, asleep):
    """They are not refused because it is not over yet, and are answered once it was good."""
    d = await resting(desk, asleep, limited(), 0.05, "ok", queue=9)
    asleep.gate.clear()
    waiting = [asyncio.create_task(d.complete(d.asking())) for _ in range(5)]
    await eventually(lambda: d.replica("a").host.waiting == 5)
    asleep.gate.set()
    assert await asyncio.gather(*waiting) == ["a"] * 5
    assert len(d.actors["a"].calls) == 6


async def test_a_rest_that_begins_anew_is_waited_for_within_the_same_bound(desk, asleep):
    d = await resting(desk, asleep, limited(4.0), limited(4.0), limited(4.0), "ok")
    with pytest.raises(Fault, match="upstream_rate_limited"):
        await d.complete(d.asking())  # a try of its own, and no retries
    second = d.asking()
    rules = DispatchSettings(retries=5, retry_after_max_s=10.0, backoff_s=0.0)
    d.board.use(type(d.board.rules)(dispatch=rules, hosts=d.board.rules.hosts))
    assert await d.complete(second) == "a"
    assert [error for _, error, _ in codes(second)] == ["upstream_rate_limited", ""]


async def test_a_long_retry_after_is_capped_by_the_settings(desk, asleep):
    d = await resting(desk, asleep, limited(86_400.0), "ok")
    with pytest.raises(Fault) as refused:
        await d.complete(d.asking())
    assert refused.value.problem.retry_after_s == pytest.approx(60.0)
    d.clock.advance(60)
    assert await d.complete(d.asking()) == "a"
