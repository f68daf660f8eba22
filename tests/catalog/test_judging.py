"""Canaries judged against simulated outcomes: how often wrongly, how soon rightly; intervals against known ones."""

import math
import random
from collections import Counter

import pytest

from zhongshu.catalog.intervals import Histogram, Interval, Spread, difference, p_value, wilson, z_of
from zhongshu.catalog.judging import GROWTH, judge, look_number
from zhongshu.catalog.plans import Canary, Checks
from zhongshu.catalog.tallies import NOT_COUNTED, Seen, Tally, counts, group_of

CANARY = Canary(release="2", before={"1": 1.0}, steps=(5, 20, 50))


def turn(release="2", unit="u", *, failed=False, took=1000, cost=1000, error="", **fields):
    return Seen(
        **{
            "trace": "t", "assigned": release, "answered_by": release, "rule": "canary", "unit": unit,
            "outcome": "failed" if failed else "answered", "error": error or ("upstream_error" if failed else ""), "first_us": took // 2,
            "took_us": took, "tokens": 10, "cost_nano": cost, "currency": "CNY", **fields,
        }
    )  # fmt: skip


def simulated(seed, *, share=0.2, errors=0.01, more=0.0, slower=1.0, dearer=1.0, users=0, most=6000, canary=CANARY):
    """One canary's step: what it came to, and after how many of its turns."""
    rnd, mine, others, looked = random.Random(seed), Tally(), Tally(), 0
    paces: dict[int, float] = {}
    for number in range(most):
        user = rnd.randrange(users) if users else number
        is_mine = (user * 2654435761 % 1000 < share * 1000) if users else rnd.random() < share
        pace = paces.setdefault(user, math.exp(rnd.gauss(0, 0.6))) if users else 1.0
        took = int(2e5 * pace * math.exp(rnd.gauss(0, 0.4)) * (slower if is_mine else 1))
        (mine if is_mine else others).add(
            turn(
                unit=f"u{user}", failed=rnd.random() < errors + (more if is_mine else 0), took=took,
                cost=int(1e6 * math.exp(rnd.gauss(0, 0.5)) * (dearer if is_mine else 1)),
            )
        )  # fmt: skip
        if is_mine and look_number(mine.turns) > looked:
            looked = look_number(mine.turns)
            found = judge(canary, mine, others)
            if found.action != "wait":
                return found.action, mine.turns
    return "wait", mine.turns


def outcomes(runs, **how):
    found = [simulated(seed, **how) for seed in range(runs)]
    return Counter(action for action, _ in found), sorted(turns for _, turns in found)[runs // 2]


def test_a_canary_that_is_as_good_is_seldom_sent_back_and_soon_goes_on():
    counted, median = outcomes(40)
    assert counted["back"] <= 1, "at most 5% over all steps, and this is one of three"
    assert counted["on"] >= 33
    assert median < 1000


@pytest.mark.parametrize(
    ("how", "within"),
    [({"more": 0.10}, 150), ({"more": 1.0, "share": 0.05}, 31), ({"slower": 2.0}, 200)],
)
def test_a_canary_that_is_clearly_worse_is_sent_back_soon(how, within):
    counted, median = outcomes(20, **how)
    assert counted == {"back": 20}
    assert median <= within


def test_cost_counts_when_it_is_looked_at():
    looking = Canary(release="2", before={"1": 1.0}, checks=Checks(error_rate=None, latency=None, cost=0.1))
    assert outcomes(10, dearer=1.5, canary=looking)[0] == {"back": 10}
    assert outcomes(10, dearer=1.0, canary=looking, share=0.5)[0] == {"on": 10}
    assert outcomes(6, dearer=1.5, share=0.5)[0] == {"on": 6}, "nobody asked"


def test_a_canary_that_is_just_too_bad_is_not_let_through():
    counted, _ = outcomes(30, more=0.03, share=0.5, most=3000)
    assert counted["on"] <= 2


def test_a_few_heavy_users_do_not_decide():
    """Users differ widely and stay with their release: taken as independent turns, chance looks like a difference."""
    counted, _ = outcomes(16, users=150, share=0.3, most=4000)
    assert counted["back"] <= 2


def test_scores_decide_when_there_are_enough():
    canary = Canary(
        release="2", before={"1": 1.0}, checks=Checks(error_rate=None, latency=None, score=0.1), min_turns=50
    )
    rnd = random.Random(5)
    for better, expected in ((0.5, "back"), (0.8, "on")):
        mine, others = Tally(), Tally()
        for number in range(1500):
            mine.add(turn(unit=f"u{number}"))
            others.add(turn("1", unit=f"v{number}"))
        assert judge(canary, mine, others).action == "wait", "nobody has scored yet"
        for number in range(1500):
            mine.score.add(group_of(f"u{number}"), float(rnd.random() < better))
            others.score.add(group_of(f"v{number}"), float(rnd.random() < 0.8))
        found = judge(canary, mine, others)
        assert found.action == expected
        assert "score" in found.en
        assert "评分" in found.zh


def test_it_waits_for_its_minimum_and_looks_seldom():
    canary = Canary(release="2", before={"1": 1.0}, min_turns=2000)
    mine, others = Tally(), Tally()
    for number in range(1000):
        mine.add(turn(unit=f"u{number}"))
        others.add(turn("1", unit=f"v{number}"))
    assert judge(canary, mine, others).action == "wait"
    assert "sticky=turn" in judge(canary, Tally(), others).en, "nobody falls to it, which can be helped"
    few = Tally()
    few.add(turn("1"))
    assert judge(canary, few, few).en == "1 turns against 1: too few to look at"
    looks = {look_number(turns) for turns in range(1, 100_000)}
    assert look_number(29) == 0
    assert look_number(30) == 1
    assert len(looks) < 2 + math.log(100_000 / 30) / math.log(GROWTH)


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({}, True),
        ({"failed": True}, True),
        ({"failed": True, "error": "upstream_rate_limited"}, True),
        ({"outcome": "cut", "error": "upstream_cut"}, True),
        ({"failed": True, "error": "context_length_exceeded"}, False),
        ({"failed": True, "error": "upstream_refused"}, False),
        ({"failed": True, "error": "journal_unavailable"}, False),
        ({"outcome": "cut", "error": "draining"}, False),
        ({"outcome": "left"}, False),
        ({"outcome": "refused", "error": "insufficient_quota"}, False),
    ],
)
def test_what_a_caller_brought_about_counts_against_nobody(fields, counted):
    seen = turn(**fields)
    assert counts(seen) is counted
    tally = Tally()
    tally.add(seen)
    assert (tally.turns, tally.uncounted) == ((1, 0) if counted else (0, 1))


def test_a_turn_that_another_had_to_answer_is_a_failure():
    tally = Tally()
    tally.add(turn(answered_by="m@1"))
    assert tally.failed.mean == 1
    assert not tally.took.spread.turns


def test_errors_of_the_caller_are_told_from_ours_by_their_status():
    assert {"invalid_value", "model_cannot", "unsupported", "draining"} <= NOT_COUNTED
    assert not {"upstream_error", "upstream_timeout", "engine_crashed", "internal_error"} & NOT_COUNTED


# --- intervals


def test_wilson_and_newcombe_as_published():
    """Newcombe, Statistics in Medicine 17 (1998), 857 and 873: 81 of 263; and the difference of 56/70 and 48/80."""
    z = z_of(0.025)
    found = wilson(81 / 263, 263, z)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    between = difference(wilson(56 / 70, 70, z), wilson(48 / 80, 80, z))
    assert (round(between.low, 4), round(between.high, 4)) == (0.0524, 0.3339)


def test_intervals_hold_what_they_promise():
    rnd, z, held = random.Random(3), z_of(0.025), Counter()
    for _ in range(400):
        histogram, spread, zeros = Histogram(), Spread(), Spread()
        for number in range(300):
            value = rnd.lognormvariate(12, 0.5)
            histogram.add(number % 256, int(value))
            spread.add(number % 256, value)
            zeros.add(number % 256, float(rnd.random() < 0.03))
        truths = {
            "p95": (histogram.quantile(0.95)(z), 12 + 0.5 * z_of(0.05)),
            "mean": (spread.average(z), math.exp(12 + 0.125)),
            "rate": (zeros.rate(z), 0.03),
        }
        for name, (found, truth) in truths.items():
            held[name] += found.low <= truth <= found.high
    assert all(0.91 < count / 400 <= 1 for count in held.values()), held


def test_p_values_are_uniform_when_there_is_nothing():
    rnd, below = random.Random(4), 0
    for _ in range(200):
        a, b = Spread(), Spread()
        for number in range(200):
            a.add(number % 256, rnd.gauss(0, 1))
            b.add(number % 256, rnd.gauss(0, 1))
        below += p_value(a.average, b.average) < 0.1
    assert 6 < below < 38
    assert p_value(lambda z: Interval(5, 5, 5), lambda z: Interval(1, 1, 1)) == 0.0
    assert p_value(lambda z: Interval(1, 1, 1), lambda z: Interval(1, 1, 1)) == 1.0


def test_groups_of_users_weigh_less_than_so_many_turns():
    rnd, alike, apart = random.Random(6), Spread(), Spread()
    for number in range(5000):
        user = number % 50
        alike.add(user, float(user % 2) + rnd.gauss(0, 0.1))
        apart.add(rnd.randrange(256), rnd.gauss(0, 1))
    assert 30 < alike.weight < 80, "fifty users, whatever they ask"
    assert apart.weight > 3000
    few = Spread()
    for number in range(100):
        few.add(number % 3, float(number % 3))
    assert few.weight == 100, "too few to know"


def test_joined_tallies_are_as_one():
    both, one, two = Tally(), Tally(), Tally()
    rnd = random.Random(7)
    for number in range(300):
        seen = turn(unit=f"u{number}", took=rnd.randrange(1000, 9000), failed=number % 9 == 0)
        both.add(seen)
        (one if number % 2 else two).add(seen)
    one.join(two)
    for measure in (lambda t: t.took.quantile(0.95), lambda t: t.failed.rate, lambda t: t.cost.average):
        ours, theirs = measure(one)(2.0), measure(both)(2.0)
        assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))
