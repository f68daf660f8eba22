"""When a breaker opens, how long, and how it is closed again; and that with any history the balancer keeps to it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstreams.dispatch.conftest import SAYS, Actor, Desk, codes, error, offer
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.dispatch.board import Switch
from zhongshu.upstreams.dispatch.breaker import Breaker
from zhongshu.upstreams.dispatch.probing import Prober
from zhongshu.upstreams.dispatch.replicas import Host, HostLimits, Replica
from zhongshu.upstreams.dispatch.settings import DispatchSettings

S = 1_000_000_000
RULES = DispatchSettings(
    failures=3, error_rate=0.5, min_tries=10, window_s=10, cool_down_s=5, cool_down_max_s=30, retries=0
)


def breaker(**changes):
    return Breaker(msgspec.structs.replace(RULES, **changes), lambda: None)


def answered(b):
    """A turn is answered at the only replica of this breaker."""
    replica = Replica(Host("a", RULES, HostLimits()), "m", RULES, None, lambda: 0, set())
    replica.breaker = b
    replica.answered_in(0, 0, trial=False)


def test_failures_in_a_row_open_it():
    b = breaker()
    for _ in range(2):
        b.failure("upstream_error", 0, trial=False)
    answered(b)
    for _ in range(2):
        b.failure("upstream_error", 0, trial=False)
    assert b.passes(0)
    b.failure("upstream_error", 0, trial=False)
    assert (b.state, b.why, b.passes(0)) == ("open", "upstream_error", False)


def test_a_share_of_failures_opens_it_but_not_of_too_few():
    b = breaker(failures=1000)
    for number in range(4):
        answered(b)
        b.failure("upstream_error", number, trial=False)
    assert b.calm
    for number in range(4):
        answered(b)
        b.failure("upstream_error", number, trial=False)
    assert b.state == "open"


def test_failures_long_ago_do_not_count():
    b = breaker(failures=1000)
    for number in range(100):
        b.failure("upstream_error", number * 4 * S, trial=False)
        answered(b)
    assert b.calm, "two or three of ten within any ten seconds"


def test_a_long_good_time_does_not_hide_a_bad_one():
    b = breaker(failures=1000)
    for _ in range(10_000):
        answered(b)
    for number in range(10):
        b.failure("upstream_error", 100 * S + number, trial=False)
    assert b.state == "open"


def opened(**changes):
    b = breaker(**changes)
    for _ in range(3):
        b.failure("upstream_error", 0, trial=False)
    assert b.state == "open"
    return b


def test_after_the_cool_down_a_trial_may_pass_and_closes_it():
    b = opened()
    assert not b.passes(5 * S - 1)
    assert b.passes(5 * S)
    assert b.state == "half-open"
    trial = b.begin()
    assert trial
    assert not b.passes(5 * S), "one trial at a time"
    b.trial_passed()
    b.trial_over()
    assert (b.state, b.passes(5 * S)) == ("closed", True)


def test_a_failed_trial_doubles_the_cool_down_up_to_its_bound():
    b, now, waited = opened(), 0, []
    for _ in range(5):
        waited.append((b.until_ns - now) / S)
        now = b.until_ns
        assert b.passes(now)
        b.failure("upstream_error", now, trial=b.begin())
        b.trial_over()
    assert waited == [5, 10, 20, 30, 30]


def test_several_trials_are_needed_when_the_rules_say_so():
    b = opened(trials=3)
    assert b.passes(5 * S)
    trials = [b.begin() for _ in range(3)]
    assert not b.passes(5 * S)
    for number, trial in enumerate(trials, 1):
        assert trial
        b.trial_passed()
        b.trial_over()
        assert b.calm == (number == 3)


def test_outcomes_of_turns_from_before_do_not_move_it():
    b = opened()
    answered(b)
    assert b.state == "open"
    assert b.passes(5 * S)
    b.failure("upstream_error", 5 * S, trial=False)
    assert b.state == "half-open"


def test_an_upstreams_own_pause_is_kept_up_to_the_bound():
    b = breaker()
    b.failure("upstream_rate_limited", 0, trial=False, rest_s=7)
    assert (b.state, b.until_ns) == ("open", 7 * S)
    b = breaker()
    b.failure("upstream_rate_limited", 0, trial=False, rest_s=86_400)
    assert b.until_ns == 30 * S


def test_forced_open_and_closed():
    b = breaker()
    b.force("open")
    assert not b.passes(10**18)
    b.force("auto")
    assert b.passes(0)
    b.force("closed")
    for _ in range(100):
        b.failure("upstream_error", 0, trial=False)
    assert b.passes(0)
    b.force("auto")
    assert b.calm


def test_switched_off_by_settings():
    b = opened()
    b.use(DispatchSettings(breaker=False))
    for _ in range(100):
        b.failure("upstream_error", 0, trial=False)
    assert b.calm


# With the dispatcher ---------------------------------------------------------------------------------------------


async def test_a_dead_upstream_is_left_alone_and_found_again(desk):
    a = Actor("a", error())
    d = desk(a, rules=RULES)
    for _ in range(3):
        with pytest.raises(Fault, match="upstream_error"):
            await d.complete(d.asking())
    with pytest.raises(Fault) as raised:
        asking = d.asking()
        await d.complete(asking)
    problem = raised.value.problem
    assert (problem.code, problem.status, problem.retry_after_s) == ("upstream_resting", 503, pytest.approx(5))
    assert (len(a.calls), codes(asking)) == (3, [("a", "upstream_resting", "")])
    a.script = ["ok"]
    d.clock.advance(5)
    asking = d.asking()
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("a", "", "probe")]
    assert d.replica("a").calm


async def test_a_trial_that_streams_is_passed_with_its_first_content(desk):
    a = Actor("a", error())
    d = desk(a, rules=RULES)
    for _ in range(3):
        with pytest.raises(Fault):
            await d.complete(d.asking())
    a.script = [SAYS]
    d.clock.advance(5)
    asking = d.asking(stream=True)
    await d.dispatcher.stream(asking)
    assert d.replica("a").calm, "a long stream keeps nobody waiting"
    assert codes(asking) == [("a", "", "probe")]
    d.dispatcher.ended(asking, None)


async def test_rate_limits_rest_one_model_and_a_dead_host_all(desk):
    limited = fault("upstream_rate_limited", upstream="a", retry_after_s=20.0)
    d = desk(Actor("a", limited, "ok"), rules=RULES)
    with pytest.raises(Fault):
        await d.complete(d.asking((offer("a", "m"),)))
    with pytest.raises(Fault) as raised:
        await d.complete(d.asking((offer("a", "m"),)))
    assert (raised.value.problem.status, raised.value.problem.retry_after_s) == (429, pytest.approx(20))
    assert await d.complete(d.asking((offer("a", "n"),))) == "a", "its other models are not concerned"

    d = desk(Actor("a", fault("upstream_unreachable", upstream="a")), rules=RULES)
    for model in ("m", "n", "o"):
        with pytest.raises(Fault, match="upstream_unreachable"):
            await d.complete(d.asking((offer("a", model),)))
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking((offer("a", "p"),)))


async def test_litellm_27362_a_resting_upstream_goes_straight_to_the_fallback(desk):
    """Also while it rests, and the fallback's own failures count against it likewise."""
    a, b, c = Actor("a", error("a")), Actor("b", error("b")), Actor("c")
    d = desk(a, b, c, rules=RULES)
    tiers = (offer("a"),), (offer("b", "n"),), (offer("c", "o"),)
    for _ in range(3):
        assert await d.complete(d.asking(*tiers)) == "c"
    asking = d.asking(*tiers)
    assert await d.complete(asking) == "c"
    assert codes(asking) == [
        ("a", "upstream_resting", ""),
        ("b", "upstream_resting", "fallback"),
        ("c", "", "fallback"),
    ]
    assert (len(a.calls), len(b.calls)) == (3, 3)


async def test_switches_of_an_operator(desk):
    a, b = Actor("a"), Actor("b")
    d = desk(a, b, rules=RULES)
    d.board.switch([Switch("a", "", "open")])
    for _ in range(20):
        assert await d.complete(d.asking()) == "b"
    d.board.switch([Switch("a", "", "open"), Switch("b", "m", "open")])
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking())
    assert await d.complete(d.asking((offer("b", "other"),))) == "b"
    d.board.switch([])
    assert {await d.complete(d.asking(text=str(number))) for number in range(40)} == {"a", "b"}
    told = {(row.upstream, row.model): row for row in d.board.health()}
    assert told["b", "m"].answered == len(b.calls) - 1


async def test_a_probe_ends_the_cool_down_early_and_finds_the_dead(desk):
    a = Actor("a", fault("upstream_unreachable", upstream="a"))
    d = desk(a, rules=RULES)
    prober = Prober(d.board, lambda: d.actors, d.clock)
    for _ in range(3):
        with pytest.raises(Fault):
            await d.complete(d.asking())
    a.script, a.checks = ["ok"], fault("upstream_unreachable", upstream="a")
    await prober.probe("a", a)
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking())
    a.checks = "ok"
    await prober.probe("a", a)
    assert await d.complete(d.asking()) == "a"
    a.checks = fault("upstream_unreachable", upstream="a")
    for _ in range(3):
        await prober.probe("a", a)
    with pytest.raises(Fault, match="upstream_resting"):
        await d.complete(d.asking())
    assert len(a.calls) == 4


# Any history ------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 5)),
        st.tuples(st.just("break"), st.integers(0, 3)),
        st.tuples(st.just("mend"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(0, 40)),
        st.tuples(st.sampled_from(["open", "closed", "auto"]), st.integers(0, 3)),
    ),
    min_size=20,
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from(["conversation", "weighted", "least-busy", "fastest"]), st.integers(0, 2))
def test_no_open_replica_is_chosen_while_a_closed_one_is_there_and_none_starves(steps, balance, retries):
    import asyncio

    asyncio.run(_play(steps, balance, retries))


async def _play(steps, balance, retries):
    names = "abcd"
    actors = [Actor(name) for name in names]
    rules = DispatchSettings(
        balance=balance, retries=retries, failures=2, cool_down_s=5, cool_down_max_s=20, backoff_s=0, backoff_max_s=0
    )
    d = Desk(*actors, rules=rules)
    forced = dict.fromkeys(names, "auto")

    async def ask(text):
        now = d.clock.steady_ns()
        resting = {n for n in names if d.replica(n).breaker.resting(now) or d.replica(n).host.breaker.resting(now)}
        asking = d.asking(text=text)
        before = {actor.name: len(actor.calls) for actor in actors}
        try:
            await d.complete(asking)
        except Fault as broken:
            if broken.problem.code == "upstream_resting":
                assert resting == set(names)
        asked = {actor.name for actor in actors if len(actor.calls) > before[actor.name]}
        assert not asked & resting, "nobody who rests is asked"
        if resting != set(names):
            assert asked, "and somebody is, while anybody may be"

    for step, value in steps:
        if step == "ask":
            await ask(f"conversation {value}")
        elif step == "break":
            actors[value].script = [error(names[value])]
        elif step == "mend":
            actors[value].script = ["ok"]
        elif step == "wait":
            d.clock.advance(value)
        else:
            forced[names[value]] = step
            d.board.switch([Switch(name, "", to) for name, to in forced.items() if to != "auto"])
    assert d.busy == 0
    for actor in actors:
        actor.script = ["ok"]
    d.board.switch([])
    d.clock.advance(200)
    for number in range(200):
        await ask(f"later {number}")
    assert all(d.replica(name).calm for name in names), "all are found well again"
    assert all(len(actor.calls) for actor in actors)
