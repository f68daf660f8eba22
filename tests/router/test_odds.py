"""Outcomes of a pair of models become its odds, and its odds move the decision; which pair's file judges."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.turns import Message, Turn
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty import linear, reading
from zhongshu.router.difficulty.judge import DRAFT_NAMES, Judge
from zhongshu.router.difficulty.linear import Odds, dump, load
from zhongshu.router.difficulty.training import Labelled
from zhongshu.router.estimate import hardness_of, odds_of
from zhongshu.router.judges import judge_for, pair_of
from zhongshu.router.judging import TaskJudge
from zhongshu.router.odds import PULL, counted
from zhongshu.router.settings import RouterSettings

FACT = "What is the capital of France? Answer briefly."
EXTRACT = "Extract the order number from the text.\n\nOrder AB-123 for Ann."
CARDS = (
    ModelCard(name="small", tier="general"),
    ModelCard(name="other", tier="general"),
    ModelCard(name="big", tier="reasoning"),
    ModelCard(name="vectors", tier="none"),
)


def rows(prompt: str, both: int, strong_only: int, weak_only: int, neither: int) -> list[Labelled]:
    counts = ((both, True, True), (strong_only, False, True), (weak_only, True, False), (neither, False, False))
    return [Labelled(prompt, weak, strong) for count, weak, strong in counts for _ in range(count)]


def test_counts_are_drawn_towards_what_is_usual() -> None:
    found = counted(rows(FACT, both=60, strong_only=16, weak_only=0, neither=4))
    usual = odds_of("lookup")
    assert found["lookup"].rows == 80
    assert found["lookup"].wrong == pytest.approx((20 + PULL * usual.wrong) / (80 + PULL), abs=1e-4)
    assert found["lookup"].rest == pytest.approx((4 + PULL * usual.rest) / (20 + PULL), abs=1e-4)
    assert found["lookup"].harm == pytest.approx(PULL * usual.harm / (60 + PULL), abs=1e-4)


def test_a_kind_with_few_rows_says_nothing() -> None:
    assert counted(rows(FACT, both=PULL - 1, strong_only=0, weak_only=0, neither=0)) == {}
    assert counted([]) == {}


def test_a_pair_whose_small_model_fails_at_extraction_sends_it_to_the_big_one() -> None:
    usual = Judge(load())
    assert hardness_of(EXTRACT, usual).gain == 0
    assert hardness_of(EXTRACT, usual).chance_for(0.1) == math.inf
    poor = Judge(msgspec.structs.replace(load(), tasks=counted(rows(EXTRACT, 8, 40, 0, 2))))
    found = hardness_of(EXTRACT, poor)
    assert found.gain > 0.5
    assert 0 < found.chance_for(0.1) < found.chance
    assert hardness_of(FACT, poor) == hardness_of(FACT, usual)


def test_the_judge_is_the_one_made_for_the_two_models_that_auto_asks_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = msgspec.structs.replace(load(), version="own", tasks={"lookup": Odds(0.9, 0.1, 0.0, 50)})
    file = tmp_path / "own.json"
    file.write_bytes(dump(own))
    assert pair_of(CARDS) == ("small", "big")
    assert pair_of(CARDS[:2]) == ("small", "")
    monkeypatch.setitem(linear.FOR_PAIRS, ("small", "big"), file)
    assert judge_for(CARDS).version == "own"
    assert hardness_of(FACT, judge_for(CARDS)).chance == 0.9
    assert judge_for(CARDS[1:]).version == load().version
    assert judge_for(()).version == load().version
    assert judge_for(CARDS[1:], file).version == "own"


def test_an_assistant_is_judged_by_its_own_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted of `auto`'s two models says nothing of two others; a pair that was counted is judged by that."""
    files: dict[tuple[str, str], Path] = {}
    for version, pair, chance in (("autos", ("small", "big"), 0.9), ("theirs", ("a", "b"), 0.8)):
        made = msgspec.structs.replace(load(), version=version, pair=pair, tasks={"lookup": Odds(chance, 0.1, 0.0, 50)})
        files[pair] = tmp_path / f"{version}.json"
        files[pair].write_bytes(dump(made))
        monkeypatch.setitem(linear.FOR_PAIRS, pair, files[pair])
    autos = TaskJudge(judge_for(CARDS))
    usual = TaskJudge(Judge(load())).question(FACT).chance
    assert autos.question(FACT).chance == 0.9
    assert autos.of_pair("small", "big@2") is autos
    assert autos.of_pair("a", "b").question(FACT).chance == 0.8
    assert autos.of_pair("a", "b") is autos.of_pair("a@3", "b")
    assert autos.of_pair("c", "d").question(FACT).chance == usual
    general = TaskJudge(Judge(load()))
    assert general.of_pair("c", "d") is general
    assert general.of_pair("a", "b").question(FACT).chance == 0.8


def test_a_file_that_is_no_difficulty_model_stops_the_settings(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[]")
    for file in (bad, tmp_path / "missing.json"):
        with pytest.raises(ValueError, match=r"model_file: .*route train"):
            RouterSettings(model_file=file)
    (tmp_path / "good.json").write_bytes(dump(load()))
    assert RouterSettings(model_file=tmp_path / "good.json").model_file == tmp_path / "good.json"


def test_every_file_shipped_for_a_pair_is_there_and_says_whose_it_is() -> None:
    for pair, name in linear.FOR_PAIRS.items():
        model = load(name)
        assert model.pair == pair
        assert model.tasks
        assert model.version != load().version
        heads = (model.choice, model.free, model.draft)
        assert [head.names for head in heads] == [reading.CHOICE_NAMES, reading.NAMES, DRAFT_NAMES], (
            f"{name} was trained for other features: docs/routing.md says how it is made anew"
        )


def decided(question: str, odds: Odds, quality: float = 0.5, thinking: str = "prompted", **fields: object):
    judge = Judge(msgspec.structs.replace(load(), tasks={"lookup": odds, "mathematics": odds}))
    offers = tuple(
        Offer(Release(model=card.name, version="1", upstream="u", upstream_model=card.name), card)
        for card in (
            ModelCard(name="small", tier="general"),
            ModelCard(name="big", tier="reasoning", thinking=thinking),
        )
    )
    asked = Turn("t", 1, "chat", "openai.chat", "auto", messages=(Message("user", question),), **fields)
    route = Decider(RouterSettings(dial=quality), judge).route(asked, offers)
    return route.offer.release.model, route.effort, route.reason, route.reason_zh


KNOWS = Odds(0.3, 0.1, 0.02, 50, plain=0.06)
"""The big model is far better at such tasks, and thought adds little to that."""


def test_a_question_that_the_larger_model_answers_at_once_is_not_thought_about() -> None:
    model, effort, why, why_zh = decided(FACT, KNOWS)
    assert (model, effort) == ("big", "off")
    assert "from 0.70 to 0.94" in why
    assert "thought to add less" in why
    assert "深度思考带来的提升更小" in why_zh


@pytest.mark.parametrize(
    ("odds", "more", "wanted"),
    [
        (Odds(0.3, 0.1, 0.02, 50), {}, ("big", "medium")),  # nobody counted
        (Odds(0.8, 0.1, 0.02, 50, plain=0.7), {}, ("big", "high")),  # thought is what helps
        (Odds(0.3, 0.1, 0.02, 50, plain=0.28), {}, ("big", "medium")),
        (Odds(0.05, 0.1, 0.02, 50, plain=0.01), {}, ("small", None)),  # nothing to win
        (KNOWS, {"thinking": "always"}, ("big", "medium")),  # cannot be told not to
        (KNOWS, {"effort": "low"}, ("big", "low")),
        (KNOWS, {"effort": "off"}, ("small", "off")),
        (KNOWS, {"quality": 1.0}, ("big", "medium")),  # best, whatever it takes
    ],
)
def test_thought_is_left_out_only_where_it_adds_too_little(
    odds: Odds, more: dict[str, object], wanted: tuple[str, str]
) -> None:
    assert decided(FACT, odds, **more)[:2] == wanted


def test_counts_of_answers_without_thought() -> None:
    found = rows(FACT, both=30, strong_only=10, weak_only=0, neither=0)
    told = [msgspec.structs.replace(row, strong_plain_correct=number > 3) for number, row in enumerate(found)]
    assert counted(found)["lookup"].plain is None
    odds = counted(told)["lookup"]
    assert odds.plain == pytest.approx((4 + PULL * odds.wrong) / (40 + PULL), abs=1e-4)
    assert counted(found[:20] + told[: PULL - 1])["lookup"].plain is None
