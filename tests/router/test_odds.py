"""Outcomes of a pair of models become its odds, and its odds move the decision; which pair's file judges."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from zhongshu.core.models import ModelCard
from zhongshu.router.difficulty import linear
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import Odds, dump, load
from zhongshu.router.difficulty.training import Labelled
from zhongshu.router.estimate import hardness_of, odds_of
from zhongshu.router.judges import judge_for, pair_of
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
