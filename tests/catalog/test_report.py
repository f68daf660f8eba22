"""Reports: which differences are called real, and how they are said."""

import random

from zhongshu.catalog.report import FEWEST, compare
from zhongshu.catalog.tallies import Seen, Tally, group_of


def tally(release, turns, *, errors=0.0, slower=1.0, seed=1, users=None, cost=1000, score=None, currency="CNY"):
    rnd, made = random.Random(f"{seed}{release}"), Tally()
    for number in range(turns):
        unit = f"{release}u{number % (users or turns)}"
        failed = rnd.random() < errors
        took = int(rnd.lognormvariate(12, 0.4) * slower)
        made.add(
            Seen(
                trace="t", assigned=release, answered_by=release, rule="shares", unit=unit,
                outcome="failed" if failed else "answered", error="upstream_error" if failed else "",
                first_us=took // 3, took_us=took, tokens=rnd.randrange(50, 90), cost_nano=cost, currency=currency,
            )
        )  # fmt: skip
        if score is not None:
            made.score.add(group_of(unit), float(rnd.random() < score))
    return made


def verdicts(tallies):
    report = compare("m", 1, 2, tallies)
    return {(found.release, found.figure): found.verdict for found in report.differences}, report


def test_only_real_differences_are_called_real():
    found, report = verdicts(
        {
            "m@1": tally("m@1", 1500, errors=0.01, score=0.8),
            "m@2": tally("m@2", 1500, errors=0.08, slower=1.4, score=0.5),
        }
    )
    assert found["m@2", "error_rate"] == "higher"
    assert found["m@2", "took_p95"] == found["m@2", "took_p50"] == found["m@2", "first_p95"] == "higher"
    assert found["m@2", "score"] == "lower"
    assert found["m@2", "tokens"] == "none"
    said = next(row for row in report.differences if row.figure == "error_rate")
    assert said.en.startswith("The error rate of m@2 is higher than m@1's by +")
    assert said.en.endswith("(p < 0.001): a real difference.")
    assert said.zh.startswith("m@2 的错误率高于 m@1，相差 +")
    assert said.low < said.value < said.high
    first, second = report.releases
    assert (first.release, first.turns, first.scored) == ("m@1", 1500, 1500)
    assert first.error_rate.low < first.error_rate.value < first.error_rate.high
    assert 100 < first.took_p50.value < 240
    assert second.took_p95.value > first.took_p95.value
    assert first.cost.value == 1e-6


def test_among_those_that_are_alike_hardly_any_is_called_different():
    wrong = 0
    for seed in range(60):
        found, _ = verdicts({"m@1": tally("m@1", 200, seed=seed), "m@2": tally("m@2", 200, seed=seed)})
        wrong += any(verdict != "none" for verdict in found.values())
    assert wrong <= 8, "one report in twenty: three expected"


def test_too_few_turns_are_shown_and_not_compared():
    found, report = verdicts({"m@1": tally("m@1", 200), "m@2": tally("m@2", FEWEST - 1)})
    assert found == {}
    assert [row.release for row in report.releases] == ["m@1", "m@2"]
    assert any("m@2" in en and "m@2" in zh for en, zh in report.notes)


def test_a_few_users_are_told_of():
    _, report = verdicts({"m@1": tally("m@1", 200, users=3), "m@2": tally("m@2", 200)})
    assert any("fewer than 20 users" in en for en, _ in report.notes)


def test_nothing_is_nothing():
    report = compare("m", 1, 2, {"m@1": Tally(), "m@2": Tally()})
    assert report.releases == report.differences == ()


def test_costs_in_two_currencies_are_not_mixed():
    ours = tally("m@1", 50, cost=10)
    ours.join(tally("m@1", 50, cost=99, currency="USD"))
    assert ours.currency == "CNY"
    assert ours.cost.turns == 50
