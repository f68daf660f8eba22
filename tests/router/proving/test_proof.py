"""Tuning and proof on small sets whose answers can be counted by hand."""

import xml.etree.ElementTree as ET

import pytest

from zhongshu.router.proving.picture import svg
from zhongshu.router.proving.promise import Wanted
from zhongshu.router.proving.proof import Case, prove
from zhongshu.router.proving.report import Done, Label, Seen, report
from zhongshu.router.proving.tuning import tune
from zhongshu.router.settings import threshold_of

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


def test_the_picture_speaks_chinese_names_the_currency_and_shows_no_negative_cost():
    english, chinese = svg(prove(cases()), currency="CNY"), svg(prove(cases()), currency="CNY", chinese=True)
    assert "cost of a turn, CNY (8 cases)" in english
    assert "每次请求的费用，CNY（8 个请求）" in chinese
    assert "同等费用的随机混合" in chinese
    assert "oracle" not in chinese
    free = [Case(case.went, case.general, case.reasoning, 0.0, case.reasoning_cost, case.gain) for case in cases()]
    assert not [text for text in ET.fromstring(svg(prove(free))).itertext() if text.startswith("-")]


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


def test_a_share_that_is_asked_about_where_nothing_was_judged_cannot_be_told():
    told = report([done("a", True)], [], [], cost_of, "CNY", wanted=Wanted(0.95))
    assert "Whether 95%" in told.unknown[-1].en
    assert "95%" in told.unknown[-1].zh
    judged = report([done("a", True)], [Label(0, 1, trace="a")], [], cost_of, "CNY", wanted=Wanted(0.95))
    assert not any("Whether 95%" in said.en for said in judged.unknown)
    assert judged.proof.promise.state == "open"


def test_scores_and_labels_are_joined_to_turns():
    turns = [done("a", True, 1.0), done("b", False, 0.0), done("c", False)]
    labels = [Label(0, 1, trace="a"), Label(1, 1, trace="b"), Label(1, 1, trace="gone")]
    told = report(turns, labels, [], cost_of, "CNY")
    assert (told.all.scored, told.all.quality.value) == (2, 0.5)
    assert (told.labelled, told.proof.cases) == (2, 2)
    assert [said.en[:47] for said in told.unknown] == ["Labels of no turn that can be compared: 1. Eith"]


def seen(trace, state="judged", **more):
    right = (1.0, 1.0) if state == "judged" else (None, None)
    return Seen(trace, True, 7, 900, 0.2, state, "agreement", *right, 0, **more)


def test_a_label_stands_in_place_of_a_sample_whose_costs_are_known():
    labels = [Label(0, 1, trace="a"), Label(0, 0, trace="a"), Label(1, 0, trace="open"), Label(1, 0, trace="failed")]
    samples = [seen("a"), seen("open", "open"), seen("failed", "failed"), seen("b")]
    told = report([done("a", True), done("failed", True)], labels, [], cost_of, "CNY", samples)
    general, reasoning = told.proof.ways[1:3]
    assert told.proof.cases == 4
    assert general.quality == (0 + 1 + 1 + 1) / 4, "the last label of a turn counts"
    assert reasoning.quality == (0 + 0 + 0 + 1) / 4
    assert general.cost * 4e9 == pytest.approx(7 + 7 + (10 + 100) * 2 + 7), "of what failed it is estimated"


def test_labels_of_an_assistant_count_where_it_was_sampled():
    labels = [Label(0, 1, trace="a"), Label(0, 1, trace="b")]
    samples = [seen("a", done=1.0, done_nano=1000)]
    told = report([done("a", True), done("b", True)], labels, [], cost_of, "CNY", samples, estimated=False)
    assert (told.proof.cases, told.proof.ways[0].quality, told.proof.ways[0].cost) == (1, 1.0, 1e-6)
    assert told.unknown[-1].en.startswith("Labels of no turn that can be compared: 1.")


def test_turns_by_models_of_before_are_told():
    told = report([done("a", True)], [], [], cost_of, "CNY", elsewhere=3)
    assert told.unknown[-1].en.startswith("Turns answered by models that do not stand for either kind now: 3.")
    assert (told.always_reasoning_nano, told.saved) == (None, None), "what it would be of is not all"


def test_only_one_side_was_used():
    told = report([done("b", False)], [], [], cost_of, "CNY")
    assert any("reasoning" in said.en for said in told.unknown)
    assert report([], [], [], cost_of, "CNY").saved is None
