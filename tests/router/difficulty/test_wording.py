"""What words tell of a question is found, read alike one by one and all at once, and keeps no word that only they have."""

import msgspec
import numpy as np
import pytest

from zhongshu.router.difficulty import reading, wording
from zhongshu.router.difficulty.fitting import Recipe, chances, fit, predict
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import Linear, load
from zhongshu.router.difficulty.training import Labelled, train
from zhongshu.router.difficulty.word_fitting import Texts, learn, parts

HARD, EASY = "the integral of a function", "the capital of a country"
FILLING = ("today", "maybe", "perhaps", "certainly", "please")
RNG = np.random.default_rng(5)


def asked(number):
    """Every third one is hard."""
    about = HARD if number % 3 == 0 else EASY
    return f"What is {about} {FILLING[number % 5]}, Xzqvor?\nA. one\nB. two\nC. three\nD. four"


SAID = [wording.words(reading.parts(asked(number))) for number in range(300)]
WEAK = np.array([number % 3 != 0 for number in range(300)])
STRONG = np.ones(300, dtype=bool)


def test_the_words_of_a_question_and_its_options_are_each_taken_once():
    question = reading.parts("Is it the THE dog's?\nA. A dog\nB. 猫\nC. 12 cats\nAnswer:")
    assert wording.words(question) == {"is", "it", "the", "dog's", "a", "dog", "cats"}


def test_words_that_tell_are_told_from_words_that_do_not():
    worth = learn(Texts(SAID), np.where(WEAK, 0.0, 1.0), 10)
    assert min(worth["integral"], worth["function"]) > 4 * max(abs(worth[word]) for word in FILLING)
    assert max(worth["capital"], worth["country"]) < 0
    assert worth["what"] == 0  # in every question: it tells nothing


def test_a_word_that_the_table_lacks_is_in_no_file():
    rows = [Labelled(asked(number), bool(WEAK[number]), True) for number in range(300)]
    assert all("xzqvor" in said for said in SAID)
    model = train(rows, "mine", base=load())
    assert {"integral", "capital"} <= set(model.choice.words)
    assert "xzqvor" not in model.choice.words
    assert not model.free.words
    assert not model.draft.words


def test_a_word_of_fewer_than_ten_questions_is_left_alone():
    said = [{"integral"}] * 9 + [{"country"}] * 10 + [set()] * 20
    assert set(learn(Texts(said), RNG.normal(size=39), 10)) == {"country"}


@pytest.mark.parametrize("said", [[set(), set()], [{"猫"}, {"xzqvor"}]])
def test_questions_without_a_word_that_is_known(said):
    texts = Texts(said)
    assert learn(texts, np.array([1.0, -1.0]), 10) == {}
    assert [part.tolist() for part in parts(texts, {"cat": (1.0, 1.0)})] == [[0, 0], [0, 0]]
    assert wording.added({"cat": (1.0, 1.0)}, said[0]) == (0.0, 0.0)


def test_one_by_one_and_all_at_once_words_add_the_same():
    features, texts = RNG.normal(size=(300, 3)), Texts(SAID)
    for own_chance in (0.0, 100.0):
        recipe = Recipe(strength=10, gain=2, own_chance=own_chance, words=10)
        model = fit(tuple("abc"), features, WEAK, STRONG, recipe, texts=texts)
        added = [wording.added(model.words, said) for said in SAID]
        rows = list(zip(features.tolist(), added, strict=True))
        assert [model.score(row, words[0]) for row, words in rows] == pytest.approx(
            predict(model, features, texts).tolist()
        )
        assert [model.chance(row, words[1]) for row, words in rows] == pytest.approx(
            chances(model, features, texts).tolist()
        )


def test_words_add_the_same_in_any_order():
    known = {f"w{number}": (0.1 * number, 1e10 / (number + 1)) for number in range(40)}
    once = wording.added(known, known)
    assert wording.added(known, reversed(list(known))) == once
    assert wording.added(known, sorted(known, key=lambda word: word[::-1])) == once


def test_some_of_the_texts_are_as_if_the_others_had_never_been():
    rows = np.array([7, 2, 40, 41])
    part, alone = Texts(SAID).part(rows), Texts([SAID[row] for row in rows])
    weights = {"integral": (1.0, 0.5), "today": (0.25, 0.0)}
    assert [one.tolist() for one in parts(part, weights)] == [one.tolist() for one in parts(alone, weights)]


def test_an_explanation_says_what_the_words_added():
    model = load()
    told = msgspec.structs.replace(model, choice=msgspec.structs.replace(model.choice, words={"integral": (0.0, 9.0)}))
    found = Judge(told).question(asked(0), explained=True)
    assert found.weightiest[0] == ("which_words", 9.0)
    assert found.chance > Judge(told).question(asked(1)).chance


def test_a_file_from_before_words_were_read_is_still_read():
    head = {"names": ["a"], "means": [0.0], "scales": [1.0], "weights": [1.0], "bias": 0.0}
    assert msgspec.convert(head, Linear).score([2.0]) == 2.0
