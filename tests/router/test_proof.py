"""Tuning and proof on small sets whose answers can be counted by hand."""

import xml.etree.ElementTree as ET

import pytest

from zhongshu.router.picture import svg
from zhongshu.router.proof import Case, prove
from zhongshu.router.report import Done, Label, report
from zhongshu.router.settings import threshold_of
from zhongshu.router.tuning import tune

# gain expected -> how right both are: the first three need the reasoning model, one of the others loses by it
GAINS = [0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.0, -0.1]
GENERAL = [0, 0, 0, 1, 1, 1, 1, 1]
REASONING = [1, 1, 1, 1, 1, 1, 1, 0]


def test_the_smallest_dial_that_keeps_the_target():
    found = tune(GAINS, GENERAL, REASONING, 1.0)
    assert found.reached
    assert found.strong_calls.value == 2 / 8  # 7 of 8 are right then, as many as by always asking
    assert found.kept.value == 1.0
    assert 0.3 < threshold_of(found.dial) <= 0.4
    assert found.kept.low <= 1.0 <= found.kept.high
    assert found.held_out_kept is None


def test_a_target_of_nothing_asks_nobody():
    assert (tune(GAINS, GENERAL, REASONING, 0.5).dial, tune(GAINS, GENERAL, REASONING, 0.5).strong_calls.value) == (
        0,
        0,
    )


def test_a_target_out_of_reach_is_said():
    found = tune([-0.1, -0.1], [0, 0], [1, 1], 0.9)
    assert (found.reached, found.dial, found.kept.value) == (False, 1.0, 0.0)


def test_rows_of_one_gain_go_together():
    found = tune([0.3] * 4, [0, 0, 1, 1], [1, 1, 1, 1], 0.6)
    assert found.strong_calls.value == 1.0


def test_nothing_to_keep():
    with pytest.raises(ValueError, match="nothing to keep"):
        tune([0.1], [1], [0], 0.9)


def cases(**more):
    rows = zip(GAINS, GENERAL, REASONING, strict=True)
    return [Case(gain >= 0.3, g, r, 1.0, 5.0, gain, **more) for gain, g, r in rows]


def test_ways_are_compared_at_their_cost():
    proof = prove(cases())
    ways = {way.name: way for way in proof.ways}
    assert ways["done"].quality == 1.0
    assert ways["always general"].quality == 5 / 8
    assert ways["always reasoning"].quality == 7 / 8
    assert ways["oracle"] == type(ways["oracle"])("oracle", 1.0, (3 * 5 + 5) / 8, 3 / 8)
    mixed = ways["random at the same cost"]
    assert mixed.cost == ways["done"].cost == (3 * 5 + 5) / 8
    assert mixed.strong_calls == pytest.approx(3 / 8)
    assert mixed.quality == pytest.approx(5 / 8 + 3 / 8 * 2 / 8)
    assert proof.saved.value == pytest.approx(0.5)
    assert proof.saved.low < 0.5 < proof.saved.high
    assert proof.over_random.low > 0
    assert (proof.curve[0].quality, proof.curve[3].quality, proof.curve[-1].quality) == (5 / 8, 1.0, 7 / 8)


def test_without_prices_calls_are_counted():
    free = [Case(case.went, case.general, case.reasoning, gain=case.gain) for case in cases()]
    proof = prove(free)
    assert not proof.priced
    assert proof.saved.value == pytest.approx(5 / 8)


def test_the_picture_is_well_formed():
    root = ET.fromstring(svg(prove(cases()), title="<a & b>"))
    assert len(root.findall("{*}circle")) == 5
    assert len(root.findall("{*}polyline")) == 1
    assert not ET.fromstring(svg(prove([Case(True, 0, 1)]))).findall("{*}polyline")


def done(trace, went, score=None):
    return Done(
        trace, "deep@1" if went else "small@1", went, 10, 100 if went else 50, 1000 if went else 100, score, 0.2
    )


def cost_of(went, prompt, completion):
    return (prompt + completion) * (9 if went else 2)


def test_a_report_says_what_it_cannot_know():
    told = report([done("a", True), done("b", False)], [], [], cost_of, "CNY")
    assert told.proof is None
    assert told.all.quality is None
    assert told.always_general_nano == 100 + (10 + 50) * 2
    assert told.always_reasoning_nano == 1000 + (10 + 100) * 9
    assert told.saved == pytest.approx(1 - 1100 / 1990)
    assert [said.en.split(":")[0] for said in told.unknown] == [
        "The quality of what was done is not known",
        "What the other model would have answered is not known",
    ]


def test_scores_and_labels_are_joined_to_turns():
    turns = [done("a", True, 1.0), done("b", False, 0.0), done("c", False)]
    labels = [Label(0, 1, trace="a"), Label(1, 1, trace="b"), Label(1, 1, trace="gone")]
    told = report(turns, labels, [], cost_of, "CNY")
    assert (told.all.scored, told.all.quality.value) == (2, 0.5)
    assert (told.labelled, told.proof.cases) == (2, 2)
    assert told.unknown == ()


def test_only_one_side_was_used():
    told = report([done("b", False)], [], [], cost_of, "CNY")
    assert any("reasoning" in said.en for said in told.unknown)
    assert report([], [], [], cost_of, "CNY").saved is None
