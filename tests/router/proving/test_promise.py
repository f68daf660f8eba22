"""Whether a share was kept: what few rows cannot say, and how often the answer is wrong where the truth is known."""

import numpy as np
import pytest
from benchmarks.promises import QUALITY, tried

from zhongshu.router.proving.promise import Wanted, promise_of
from zhongshu.router.proving.proof import Case, prove
from zhongshu.router.proving.tuning import tune
from zhongshu.router.settings import threshold_of


def promise(right: int, wrong: int, lucky: int = 0, quality: float = 0.95, confidence: float = 0.95):
    """Of so many questions that the reasoning model gets right, by what was done; lucky: those that only what was done got."""
    done = np.array([1.0] * right + [0.0] * wrong + [1.0] * lucky)
    reasoning = np.array([1.0] * (right + wrong) + [0.0] * lucky)
    return promise_of(done, reasoning, Wanted(quality, confidence))


@pytest.mark.parametrize(
    ("made", "state"),
    [
        (promise(20, 0), "open"),  # nothing went wrong, but it would not in one of three such draws at 95%
        (promise(100, 0), "kept"),  # the rule of three asks for 60
        (promise(40, 0), "open"),
        (promise(990, 10), "kept"),
        (promise(100, 6), "open"),
        (promise(80, 20), "broken"),
        (promise(3, 2), "open"),
        (promise(0, 300), "broken"),
        (promise(280, 20, lucky=40), "kept"),  # what the reasoning model loses counts too
        (promise(100, 0, quality=0.99), "open"),
        (promise(400, 0, quality=0.99), "kept"),
        (promise(0, 5, quality=0.0), "kept"),
    ],
)
def test_a_share_is_kept_broken_or_open(made, state):
    assert made.state == state
    assert (made.needed is not None) == (state == "open")
    assert made.needed is None or made.needed > made.rows
    assert "95%" in made.said.en or made.quality != 0.95
    assert made.said.zh != made.said.en


@pytest.mark.parametrize(("right", "wrong"), [(20, 0), (100, 6), (97, 3), (3, 2)])
def test_so_many_rows_as_are_said_to_be_needed_do_tell(right, wrong):
    few = promise(right, wrong)
    times = few.needed / few.rows
    assert promise(round(right * times * 1.1), round(wrong * times * 1.1)).state != "open"
    assert promise(round(right * times * 0.8), round(wrong * times * 0.8)).state == "open"


def test_on_the_very_edge_no_number_tells():
    made = promise(95, 5)
    assert (made.state, made.needed) == ("open", None)
    assert "edge" in made.said.en


def test_the_proof_holds_the_promise_only_where_one_is_asked_about():
    cases = [Case(True, 0.0, 1.0, done=(1.0, 2.0))] * 60 + [Case(False, 1.0, 1.0)] * 60
    assert prove(cases).promise is None
    assert prove(cases, Wanted(0.95)).promise.state == "kept"
    lost = [Case(True, 0.0, 1.0, done=(0.0, 2.0))] * 60
    assert prove([*cases, *lost], Wanted(0.95)).promise.state == "broken", "it is the answer given that counts"


def questions(count: int = 4000):
    """Hardness that says something: the harder a question seems, the oftener the general model is wrong."""
    drawn = np.random.default_rng(3)
    gain = drawn.random(count)
    strong = (drawn.random(count) < 0.9).astype(float)
    weak = np.where(drawn.random(count) < gain**2, 0.0, strong)
    return gain, weak, strong


@pytest.mark.parametrize("size", [100, 400])
def test_the_best_guess_misses_every_other_time_and_a_sure_dial_seldom(size):
    gain, weak, strong = questions()
    guess, sure = tried(gain, weak, strong, size, None, 100), tried(gain, weak, strong, size, 0.9, 100)
    assert guess.missed > 0.3
    assert sure.found > 0.95
    assert sure.missed <= 0.12
    assert guess.calls < sure.calls < 1


def test_a_sure_dial_is_found_beside_the_best_guess():
    gain, weak, strong = (values[:300].tolist() for values in questions())
    guess, sure = tune(gain, weak, strong, QUALITY), tune(gain, weak, strong, QUALITY, 0.95)
    assert guess.sure == sure.sure
    assert guess.dial < guess.sure.dial == sure.dial < 1
    assert sure.reached
    assert sure.strong_calls.value == pytest.approx(sure.sure.strong_calls)
    assert sure.often > guess.often
    assert threshold_of(sure.dial) < threshold_of(guess.dial)


def test_few_rows_are_sure_of_nothing_and_say_how_many_would_be():
    gain, weak, strong = (values[:30].tolist() for values in questions())
    found = tune(gain, weak, strong, QUALITY, 0.95)
    assert (found.reached, found.dial, found.sure.dial, found.sure.strong_calls) == (False, 1.0, None, None)
    assert 30 < found.sure.needed < 200


def test_where_no_dial_keeps_the_share_no_number_of_rows_is_named():
    found = tune([-0.1] * 50, [0.0] * 50, [1.0] * 50, 0.9)
    assert found.sure.dial is None
    assert found.sure.needed is None


def test_a_share_of_nothing_is_surely_kept_by_asking_nobody():
    gain, weak, strong = (values[:50].tolist() for values in questions())
    assert tune(gain, weak, strong, 0.0, 0.95).dial == 0.0
